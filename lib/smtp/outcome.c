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
        log->transaction = 0;
        log->count = log->open = log->taken = log->last_text_size = log->first_queue = 0;
        log->end_sent = false;
        log->fault = POSTEL_OK;
        log->system_error = 0;
        if (count > SIZE_MAX / 2 / sizeof(struct verdict) ||
                !buffer_reserve(&log->verdicts, count * sizeof(struct verdict)))
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        memset(log->verdicts.data, 0, count * sizeof(struct verdict));
        log->verdicts.size = count * sizeof(struct verdict);
        log->count = log->open = log->first_queue = count;
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

static void move(struct outcome_log *log, struct verdict *verdict, enum progress progress)
{
        log->open -= verdict->progress == PROGRESS_OPEN;
        log->taken -= verdict->progress == PROGRESS_TAKEN;
        verdict->progress = progress;
        log->open += progress == PROGRESS_OPEN;
        log->taken += progress == PROGRESS_TAKEN;
}

static void decide(struct outcome_log *log, struct verdict *verdict, postel_outcome outcome)
{
        move(log, verdict, PROGRESS_DECIDED);
        verdict->outcome = outcome;
        verdict->lost = false;
}

static postel_outcome refusal(int code)
{
        return code >= 500 ? POSTEL_OUTCOME_REJECTED : POSTEL_OUTCOME_DEFERRED;
}

/* ---- Transactions ---- */

void outcome_begin_transaction(struct outcome_log *log)
{
        log->transaction++;
        log->end_sent = false;
}

void outcome_add_member(struct outcome_log *log, size_t recipient)
{
        struct verdict *verdict = verdict_at(log, recipient);

        move(log, verdict, PROGRESS_MEMBER);
        verdict->transaction = log->transaction;
}

bool outcome_is_member(const struct outcome_log *log, size_t recipient)
{
        return verdict_at(log, recipient)->transaction == log->transaction;
}

size_t outcome_next(const struct outcome_log *log, enum progress progress, size_t from)
{
        while (from < log->count && verdict_at(log, from)->progress != progress)
                from++;
        return from;
}

void outcome_recipient(struct outcome_log *log, size_t recipient, const struct reply *reply)
{
        struct verdict *verdict = verdict_at(log, recipient);

        if (verdict->progress != PROGRESS_MEMBER)
                return;
        remember_reply(log, verdict, POSTEL_PHASE_RCPT, reply);
        if (reply->code < 300)
                move(log, verdict, PROGRESS_TAKEN);
        else /* RFC 5321 section 4.5.3.1.10: 552 was once the code for too many recipients. */
                decide(log, verdict, reply->code == 552 ? POSTEL_OUTCOME_DEFERRED : refusal(reply->code));
}

void outcome_postpone(struct outcome_log *log, size_t recipient)
{
        move(log, verdict_at(log, recipient), PROGRESS_OPEN);
}

static bool is_member(const struct verdict *verdict)
{
        return verdict->progress == PROGRESS_MEMBER || verdict->progress == PROGRESS_TAKEN;
}

void outcome_refused(struct outcome_log *log, postel_phase phase, const struct reply *reply)
{
        for (size_t i = 0; i < log->count; i++) {
                struct verdict *verdict = verdict_at(log, i);
                if (!is_member(verdict))
                        continue;
                remember_reply(log, verdict, phase, reply);
                decide(log, verdict, refusal(reply->code));
        }
}

static void accept_recipient(
        struct outcome_log *log, size_t recipient, const struct reply *reply, const char *queue_id)
{
        struct verdict *verdict = verdict_at(log, recipient);
        size_t size = strlen(queue_id);

        remember_reply(log, verdict, POSTEL_PHASE_FINAL, reply);
        verdict->queue_at = log->texts.size;
        verdict->queue_size = buffer_append(&log->texts, queue_id, size) ? size : 0;
        if (verdict->queue_size && log->first_queue == log->count)
                log->first_queue = recipient;
        decide(log, verdict, POSTEL_OUTCOME_ACCEPTED);
}

/* All share the words of the one reply, and its queue id. */
void outcome_accepted(struct outcome_log *log, const struct reply *reply)
{
        char queue_id[QUEUE_ID_MAX];
        size_t first = outcome_next(log, PROGRESS_TAKEN, 0);

        if (first == log->count)
                return;
        reply_queue_id(reply->text, queue_id, sizeof(queue_id));
        accept_recipient(log, first, reply, queue_id);
        const struct verdict *same = verdict_at(log, first);
        for (size_t i = first + 1; i < log->count; i++) {
                struct verdict *verdict = verdict_at(log, i);
                if (verdict->progress != PROGRESS_TAKEN)
                        continue;
                decide(log, verdict, POSTEL_OUTCOME_ACCEPTED);
                *verdict = *same;
        }
}

void outcome_final(struct outcome_log *log, size_t recipient, const struct reply *reply)
{
        struct verdict *verdict = verdict_at(log, recipient);
        char queue_id[QUEUE_ID_MAX];

        if (reply->code < 300) {
                reply_queue_id(reply->text, queue_id, sizeof(queue_id));
                accept_recipient(log, recipient, reply, queue_id);
                return;
        }
        remember_reply(log, verdict, POSTEL_PHASE_FINAL, reply);
        decide(log, verdict, refusal(reply->code));
}

void outcome_withhold(struct outcome_log *log)
{
        static const char text[] = "not sent: another recipient was refused";
        const struct reply words = { .text = text, .text_size = sizeof(text) - 1 };

        for (size_t i = 0; i < log->count; i++) {
                struct verdict *verdict = verdict_at(log, i);
                if (verdict->progress == PROGRESS_DECIDED)
                        continue;
                remember_reply(log, verdict, POSTEL_PHASE_RCPT, &words);
                decide(log, verdict, POSTEL_OUTCOME_NOT_SENT);
        }
}

void outcome_end_sent(struct outcome_log *log)
{
        log->end_sent = true;
}

void outcome_end_ignored(struct outcome_log *log)
{
        log->end_sent = false;
}

/* Nothing more will be heard; these are the last words. */
static void lose(struct outcome_log *log, postel_status status, postel_phase phase, const struct reply *words)
{
        log->fault = status;
        for (size_t i = 0; i < log->count; i++) {
                struct verdict *verdict = verdict_at(log, i);
                if (verdict->progress == PROGRESS_DECIDED)
                        continue;
                /* A flight may hold the end of the message before the first reply has come. */
                bool unknown = is_member(verdict) && log->end_sent;
                remember_reply(log, verdict, phase, words);
                decide(log, verdict, unknown ? POSTEL_OUTCOME_UNKNOWN : POSTEL_OUTCOME_NOT_SENT);
                verdict->lost = !unknown;
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

void outcome_reopen(struct outcome_log *log)
{
        for (size_t i = 0; i < log->count; i++) {
                struct verdict *verdict = verdict_at(log, i);
                if (verdict->progress == PROGRESS_DECIDED && verdict->lost)
                        move(log, verdict, PROGRESS_OPEN);
        }
        log->fault = POSTEL_OK;
        log->end_sent = false;
}

/* ---- What it comes to ---- */

struct tally {
        size_t count[POSTEL_OUTCOME_UNKNOWN + 1];
        size_t first[POSTEL_OUTCOME_UNKNOWN + 1];
};

static struct tally tally(const struct outcome_log *log)
{
        struct tally tally = { 0 };

        for (size_t i = log->count; i-- > 0;) {
                const struct verdict *verdict = verdict_at(log, i);
                /* Who was withheld is so because of those who were refused: theirs is the status. */
                if (verdict->outcome == POSTEL_OUTCOME_NOT_SENT && !verdict->lost)
                        continue;
                tally.count[verdict->outcome]++;
                tally.first[verdict->outcome] = i;
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

size_t outcome_count(const struct outcome_log *log, postel_outcome outcome)
{
        size_t count = 0;

        for (size_t i = 0; i < log->count; i++)
                count += verdict_at(log, i)->outcome == outcome;
        return count;
}

bool outcome_nothing_sent(const struct outcome_log *log)
{
        return outcome_count(log, POSTEL_OUTCOME_NOT_SENT) == log->count;
}

bool outcome_is_unsent(const struct outcome_log *log)
{
        for (size_t i = 0; i < log->count; i++)
                if (verdict_at(log, i)->lost)
                        return true;
        return false;
}
