/* SPDX-License-Identifier: MIT */
/* Results: what the outcome log says, copied into one block that the caller owns. */

#include "result.h"

#include <stdlib.h>
#include <string.h>

struct recipient {
        const char *address, *text, *queue_id;
        postel_outcome outcome;
        postel_phase phase;
        int code;
        char enhanced[ENHANCED_MAX];
};

struct postel_result {
        postel_status status;
        int attempts, transactions;
        size_t decisive;
        size_t first_queue; /* the recipient whose queue id is the first; count: nobody's */
        size_t count;
        struct recipient recipients[];
        /* behind them: every text */
};

const char *postel_outcome_name(postel_outcome outcome)
{
        static const char *const names[] = { "ACCEPTED", "REJECTED", "DEFERRED", "NOT_SENT", "UNKNOWN" };

        return (unsigned)outcome < sizeof(names) / sizeof(names[0]) ? names[outcome] : "?";
}

/* Copies to where *at stands, adds a NUL, and moves *at on. */
static const char *put_text(char **at, const char *text, size_t size)
{
        const char *begin = *at;

        if (size)
                memcpy(*at, text, size);
        (*at)[size] = '\0';
        *at += size + 1;
        return begin;
}

/* Texts that follow each other in the log and are the same there are stored once here as well. */
static bool shares_text(const struct outcome_log *log, size_t i)
{
        if (i == 0)
                return false;
        const struct verdict *before = outcome_verdict(log, i - 1), *verdict = outcome_verdict(log, i);
        return before->text_at == verdict->text_at && before->text_size == verdict->text_size;
}

static bool shares_queue_id(const struct outcome_log *log, size_t i)
{
        if (i == 0)
                return false;
        const struct verdict *before = outcome_verdict(log, i - 1), *verdict = outcome_verdict(log, i);
        return before->queue_at == verdict->queue_at && before->queue_size == verdict->queue_size;
}

static size_t size_of(const struct envelope *envelope, const struct outcome_log *log)
{
        size_t size = sizeof(postel_result) + log->count * sizeof(struct recipient);

        for (size_t i = 0; i < log->count; i++) {
                size += strlen(envelope->to[i]) + 1;
                if (!shares_text(log, i))
                        size += outcome_verdict(log, i)->text_size + 1;
                if (!shares_queue_id(log, i))
                        size += outcome_verdict(log, i)->queue_size + 1;
        }
        return size;
}

static const char *put_logged(char **at, const struct outcome_log *log, size_t from, size_t size)
{
        return put_text(at, size ? log->texts.data + from : "", size);
}

static void put_recipient(postel_result *result, size_t i, const struct delivery *delivery, char **at)
{
        const struct outcome_log *log = &delivery->log;
        const struct verdict *verdict = outcome_verdict(log, i);
        const char *address = delivery->envelope->to[i];
        struct recipient *recipient = &result->recipients[i];

        recipient->outcome = verdict->outcome;
        recipient->phase = verdict->phase;
        recipient->code = verdict->code;
        memcpy(recipient->enhanced, verdict->enhanced, sizeof(recipient->enhanced));
        recipient->address = put_text(at, address, strlen(address));
        recipient->text = shares_text(log, i) ? recipient[-1].text
                                              : put_logged(at, log, verdict->text_at, verdict->text_size);
        recipient->queue_id = shares_queue_id(log, i)
                                      ? recipient[-1].queue_id
                                      : put_logged(at, log, verdict->queue_at, verdict->queue_size);
}

postel_result *result_new(const struct delivery *delivery, postel_status status)
{
        const struct outcome_log *log = &delivery->log;
        postel_result *result = malloc(size_of(delivery->envelope, log));

        if (!result)
                return NULL;
        *result = (postel_result){ .status = status,
                .attempts = delivery->attempts,
                .transactions = delivery->transactions,
                .decisive = outcome_decisive(log),
                .first_queue = log->first_queue,
                .count = log->count };
        char *at = (char *)&result->recipients[result->count];
        for (size_t i = 0; i < result->count; i++)
                put_recipient(result, i, delivery, &at);
        return result;
}

postel_result *result_new_unsent(const struct envelope *envelope, const postel_error *fault)
{
        struct delivery delivery;
        postel_result *result = NULL;

        outcome_init(&delivery.log);
        delivery_init(&delivery, envelope, NULL);
        if (outcome_begin(&delivery.log, envelope->to_count, NULL) == POSTEL_OK) {
                outcome_lost(&delivery.log, fault);
                result = result_new(&delivery, fault->status);
        }
        outcome_deinit(&delivery.log);
        return result;
}

void postel_result_free(postel_result **result)
{
        if (!result)
                return;
        free(*result);
        *result = NULL;
}

/* NULL for no result and for no such recipient alike: accessors answer both the same way. */
static const struct recipient *recipient_of(const postel_result *result, size_t recipient)
{
        return result && recipient < result->count ? &result->recipients[recipient] : NULL;
}

static const struct recipient *decisive_of(const postel_result *result)
{
        return result ? recipient_of(result, result->decisive) : NULL;
}

static postel_phase phase_of(const struct recipient *recipient)
{
        return recipient ? recipient->phase : POSTEL_PHASE_NONE;
}

static int code_of(const struct recipient *recipient)
{
        return recipient ? recipient->code : 0;
}

static const char *enhanced_of(const struct recipient *recipient)
{
        return recipient ? recipient->enhanced : "";
}

static const char *text_of(const struct recipient *recipient)
{
        return recipient ? recipient->text : "";
}

postel_status postel_result_status(const postel_result *result)
{
        return result ? result->status : POSTEL_INVALID;
}

postel_phase postel_result_phase(const postel_result *result)
{
        return phase_of(decisive_of(result));
}

int postel_result_code(const postel_result *result)
{
        return code_of(decisive_of(result));
}

const char *postel_result_enhanced(const postel_result *result)
{
        return enhanced_of(decisive_of(result));
}

const char *postel_result_text(const postel_result *result)
{
        return text_of(decisive_of(result));
}

const char *postel_result_queue_id(const postel_result *result)
{
        return postel_result_recipient_queue_id(result, result ? result->first_queue : 0);
}

int postel_result_attempts(const postel_result *result)
{
        return result ? result->attempts : 0;
}

int postel_result_transactions(const postel_result *result)
{
        return result ? result->transactions : 0;
}

size_t postel_result_recipient_count(const postel_result *result)
{
        return result ? result->count : 0;
}

const char *postel_result_recipient_address(const postel_result *result, size_t recipient)
{
        const struct recipient *found = recipient_of(result, recipient);

        return found ? found->address : "";
}

postel_outcome postel_result_recipient_outcome(const postel_result *result, size_t recipient)
{
        const struct recipient *found = recipient_of(result, recipient);

        return found ? found->outcome : POSTEL_OUTCOME_NOT_SENT;
}

postel_phase postel_result_recipient_phase(const postel_result *result, size_t recipient)
{
        return phase_of(recipient_of(result, recipient));
}

int postel_result_recipient_code(const postel_result *result, size_t recipient)
{
        return code_of(recipient_of(result, recipient));
}

const char *postel_result_recipient_enhanced(const postel_result *result, size_t recipient)
{
        return enhanced_of(recipient_of(result, recipient));
}

const char *postel_result_recipient_text(const postel_result *result, size_t recipient)
{
        return text_of(recipient_of(result, recipient));
}

const char *postel_result_recipient_queue_id(const postel_result *result, size_t recipient)
{
        const struct recipient *found = recipient_of(result, recipient);

        return found ? found->queue_id : "";
}
