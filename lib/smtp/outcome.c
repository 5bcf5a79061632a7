/* SPDX-License-Identifier: MIT */
/* Outcomes (RFC 5321 sections 4.2.1 and 6.1). Knows replies and losses, not who writes or reads. */

#include "smtp/outcome.h"

#include "base/status.h"
#include "smtp/channel.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Twenty thousand long refusals; what does not fit is kept without its words. */
#define TEXTS_MAX_OCTETS (32u << 20)
#define KEEP_OCTETS      4096

void outcome_init(struct outcome_log *log)
{
        *log = (struct outcome_log){ 0 };
        buffer_init(&log->verdicts, SIZE_MAX / 2);
        buffer_init(&log->texts, TEXTS_MAX_OCTETS);
}

void outcome_deinit(struct outcome_log *log)
{
        buffer_deinit(&log->verdicts);
        buffer_deinit(&log->texts);
}

void outcome_trim(struct outcome_log *log)
{
        buffer_truncate(&log->verdicts, 0);
        buffer_truncate(&log->texts, 0);
        log->count = 0;
        buffer_trim(&log->verdicts, KEEP_OCTETS);
        buffer_trim(&log->texts, KEEP_OCTETS);
}

postel_status outcome_begin(struct outcome_log *log, size_t count, postel_error *error)
{
        buffer_truncate(&log->verdicts, 0);
        buffer_truncate(&log->texts, 0);
        log->count = log->taken = log->last_text_size = 0;
        log->end_sent = false;
        log->fault = POSTEL_OK;
        log->system_error = 0;
        log->queue_id[0] = '\0';
        if (count > SIZE_MAX / 2 / sizeof(struct verdict) ||
                !buffer_reserve(&log->verdicts, count * sizeof(struct verdict)))
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        memset(log->verdicts.data, 0, count * sizeof(struct verdict));
        log->verdicts.size = count * sizeof(struct verdict);
        log->count = count;
        return POSTEL_OK;
}

static struct verdict *verdict_at(const struct outcome_log *log, size_t recipient)
{
        assert(recipient < log->count);
        return (struct verdict *)(void *)log->verdicts.data + recipient;
}

const struct verdict *outcome_verdict(const struct outcome_log *log, size_t recipient)
{
        return verdict_at(log, recipient);
}

/* Servers say the same to most recipients: a text that stands already is not stored again. */
static void remember_text(struct outcome_log *log, struct verdict *verdict, const char *text, size_t size)
{
        if (size > OUTCOME_TEXT_MAX_OCTETS)
                size = OUTCOME_TEXT_MAX_OCTETS;
        bool same = size && size == log->last_text_size &&
                    memcmp(log->texts.data + log->last_text_at, text, size) == 0;
        if (!same) {
                size_t at = log->texts.size;
                if (!buffer_append(&log->texts, text, size))
                        size = 0;
                log->last_text_at = at;
                log->last_text_size = size;
        }
        verdict->text_at = log->last_text_at;
        verdict->text_size = size;
}

static void remember_reply(
        struct outcome_log *log, struct verdict *verdict, postel_phase phase, const struct reply *reply)
{
        verdict->phase = phase;
        verdict->code = reply->code;
        memcpy(verdict->enhanced, reply->enhanced, sizeof(verdict->enhanced));
        remember_text(log, verdict, reply->text, reply->text_size);
}

static void decide(struct outcome_log *log, struct verdict *verdict, postel_outcome outcome)
{
        log->taken -= verdict->taken;
        verdict->taken = false;
        verdict->decided = true;
        verdict->outcome = outcome;
}

static postel_outcome refusal(int code)
{
        return code >= 500 ? POSTEL_OUTCOME_REJECTED : POSTEL_OUTCOME_DEFERRED;
}

void outcome_recipient(struct outcome_log *log, size_t recipient, const struct reply *reply)
{
        struct verdict *verdict = verdict_at(log, recipient);

        if (verdict->decided)
                return;
        remember_reply(log, verdict, POSTEL_PHASE_RCPT, reply);
        if (reply->code < 300) {
                verdict->taken = true;
                log->taken++;
                return;
        }
        /* RFC 5321 section 4.5.3.1.10: 552 was once the code for too many recipients. */
        decide(log, verdict, reply->code == 552 ? POSTEL_OUTCOME_DEFERRED : refusal(reply->code));
}

void outcome_refused(struct outcome_log *log, postel_phase phase, const struct reply *reply)
{
        for (size_t i = 0; i < log->count; i++) {
                struct verdict *verdict = verdict_at(log, i);
                if (verdict->decided)
                        continue;
                remember_reply(log, verdict, phase, reply);
                decide(log, verdict, refusal(reply->code));
        }
}

void outcome_accepted(struct outcome_log *log, const struct reply *reply)
{
        for (size_t i = 0; i < log->count; i++) {
                struct verdict *verdict = verdict_at(log, i);
                if (!verdict->taken)
                        continue;
                remember_reply(log, verdict, POSTEL_PHASE_FINAL, reply);
                decide(log, verdict, POSTEL_OUTCOME_ACCEPTED);
        }
        reply_queue_id(reply->text, log->queue_id, sizeof(log->queue_id));
}

void outcome_end_sent(struct outcome_log *log)
{
        log->end_sent = true;
}

/* Nothing more will be heard; these are the last words. */
static void lose(struct outcome_log *log, postel_status status, postel_phase phase, const struct reply *words)
{
        log->fault = status;
        for (size_t i = 0; i < log->count; i++) {
                struct verdict *verdict = verdict_at(log, i);
                if (verdict->decided)
                        continue;
                bool unknown = verdict->taken && log->end_sent;
                remember_reply(log, verdict, phase, words);
                decide(log, verdict, unknown ? POSTEL_OUTCOME_UNKNOWN : POSTEL_OUTCOME_NOT_SENT);
        }
}

void outcome_lost(struct outcome_log *log, const postel_error *fault)
{
        struct reply words = {
                .code = fault->code, .text = fault->message, .text_size = strlen(fault->message)
        };

        log->system_error = fault->system_error;
        lose(log, fault->status, fault->phase, &words);
}

void outcome_closed(struct outcome_log *log, postel_phase phase, const struct reply *reply)
{
        lose(log, POSTEL_DEFERRED, phase, reply);
}

struct tally {
        size_t count[POSTEL_OUTCOME_UNKNOWN + 1];
        size_t first[POSTEL_OUTCOME_UNKNOWN + 1];
};

static struct tally tally(const struct outcome_log *log)
{
        struct tally tally = { 0 };

        for (size_t i = log->count; i-- > 0;) {
                postel_outcome outcome = verdict_at(log, i)->outcome;
                tally.count[outcome]++;
                tally.first[outcome] = i;
        }
        return tally;
}

/* Which outcome gives the status: the first of these that anybody has. */
static postel_outcome leading(const struct tally *tally)
{
        static const postel_outcome order[] = { POSTEL_OUTCOME_ACCEPTED, POSTEL_OUTCOME_UNKNOWN,
                POSTEL_OUTCOME_NOT_SENT, POSTEL_OUTCOME_DEFERRED, POSTEL_OUTCOME_REJECTED };
        size_t i = 0;

        while (i < 4 && !tally->count[order[i]])
                i++;
        return order[i];
}

size_t outcome_decisive(const struct outcome_log *log)
{
        struct tally counted = tally(log);

        return counted.first[leading(&counted)];
}

static postel_status status_of(const struct outcome_log *log, postel_outcome outcome, size_t accepted)
{
        switch (outcome) {
        case POSTEL_OUTCOME_ACCEPTED:
                return accepted == log->count ? POSTEL_OK : POSTEL_PARTIAL;
        case POSTEL_OUTCOME_UNKNOWN:
                return POSTEL_UNKNOWN;
        case POSTEL_OUTCOME_NOT_SENT:
                return log->fault;
        case POSTEL_OUTCOME_DEFERRED:
                return POSTEL_DEFERRED;
        default:
                return POSTEL_REJECTED;
        }
}

static size_t first_not_accepted(const struct outcome_log *log)
{
        size_t i = 0;

        while (verdict_at(log, i)->outcome == POSTEL_OUTCOME_ACCEPTED)
                i++;
        return i;
}

postel_status outcome_status(const struct outcome_log *log, postel_error *error)
{
        struct tally counted = tally(log);
        postel_outcome outcome = leading(&counted);
        size_t accepted = counted.count[POSTEL_OUTCOME_ACCEPTED];
        postel_status status = status_of(log, outcome, accepted);
        char code[16] = "", share[64] = "";

        if (status == POSTEL_OK)
                return status;
        const struct verdict *verdict =
                verdict_at(log, status == POSTEL_PARTIAL ? first_not_accepted(log) : counted.first[outcome]);
        if (verdict->code)
                snprintf(code, sizeof(code), "%d ", verdict->code);
        if (status == POSTEL_PARTIAL)
                snprintf(share, sizeof(share),
                        "%zu of %zu recipients were not accepted: ", log->count - accepted, log->count);
        const char *text = verdict->text_size ? log->texts.data + verdict->text_at : "";
        error_set(error, status, verdict->phase, "%s%s%.*s", share, code, (int)verdict->text_size, text);
        error->code = verdict->code;
        if (outcome == POSTEL_OUTCOME_NOT_SENT || outcome == POSTEL_OUTCOME_UNKNOWN)
                error->system_error = log->system_error;
        return status;
}

bool outcome_nothing_sent(const struct outcome_log *log)
{
        for (size_t i = 0; i < log->count; i++)
                if (verdict_at(log, i)->outcome != POSTEL_OUTCOME_NOT_SENT)
                        return false;
        return true;
}
