/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "result.h"
#include "smtp/channel.h"
#include "smtp/delivery.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct reply reply_of(int code, const char *text)
{
        struct reply reply = { .code = code, .text = text, .text_size = strlen(text) };

        if (code >= 500)
                strcpy(reply.enhanced, "5.1.1");
        return reply;
}

static postel_error fault_of(postel_status status, postel_phase phase, int code, const char *message)
{
        postel_error fault = { .status = status, .phase = phase, .code = code };

        snprintf(fault.message, sizeof(fault.message), "%s", message);
        return fault;
}

/* A message to `count` recipients, who are all members of its one transaction. */
static void begin(struct outcome_log *log, size_t count)
{
        REQUIRE(outcome_begin(log, count, NULL) == POSTEL_OK);
        outcome_begin_transaction(log);
        for (size_t i = 0; i < count; i++)
                outcome_add_member(log, i);
}

static postel_result *result_of(
        const struct outcome_log *log, const struct envelope *envelope, postel_status status)
{
        const struct delivery delivery = {
                .envelope = envelope, .log = *log, .attempts = 2, .transactions = 3
        };

        return result_new(&delivery, status);
}

/* ---- Who gets what in one transaction ---- */

/* What happens behind the replies to RCPT. */
enum end {
        FINAL, /* the end mark was written, and `code` came */
        REFUSED_MAIL, /* `code` to MAIL, before any RCPT */
        REFUSED_DATA,
        LOST, /* `fault` before the end mark was written whole */
        LOST_AFTER /* `fault` behind the end mark */
};

#define A POSTEL_OUTCOME_ACCEPTED
#define R POSTEL_OUTCOME_REJECTED
#define D POSTEL_OUTCOME_DEFERRED
#define N POSTEL_OUTCOME_NOT_SENT
#define U POSTEL_OUTCOME_UNKNOWN

#define MAIL  POSTEL_PHASE_MAIL
#define RCPT  POSTEL_PHASE_RCPT
#define DATA  POSTEL_PHASE_DATA
#define ENDED POSTEL_PHASE_FINAL

struct decision {
        const char *name;
        int rcpt[3]; /* 0: no reply came */
        enum end end;
        int code; /* of the reply that ends it, or of the fault */
        postel_status fault;
        postel_outcome outcomes[3];
        postel_status status;
        size_t decisive;
        postel_phase phase; /* of the decisive one */
        int decisive_code;
};

static const struct decision decisions[] = {
        { "all taken", { 250, 251, 252 }, FINAL, 250, 0, { A, A, A }, POSTEL_OK, 0, ENDED, 250 },
        { "any 2yz is a yes", { 200, 299, 250 }, FINAL, 200, 0, { A, A, A }, POSTEL_OK, 0, ENDED, 200 },
        { "one refused", { 250, 550, 250 }, FINAL, 250, 0, { A, R, A }, POSTEL_PARTIAL, 0, ENDED, 250 },
        { "the last taken", { 550, 450, 250 }, FINAL, 250, 0, { R, D, A }, POSTEL_PARTIAL, 2, ENDED, 250 },
        { "552 to RCPT is 452", { 250, 552, 553 }, FINAL, 250, 0, { A, D, R }, POSTEL_PARTIAL, 0, ENDED,
                250 },
        { "552 to all", { 552, 552, 552 }, LOST, 0, POSTEL_IO, { D, D, D }, POSTEL_DEFERRED, 0, RCPT, 552 },
        { "all refused", { 550, 553, 500 }, LOST, 0, POSTEL_IO, { R, R, R }, POSTEL_REJECTED, 0, RCPT, 550 },
        { "4yz before 5yz", { 550, 451, 450 }, LOST, 0, POSTEL_IO, { R, D, D }, POSTEL_DEFERRED, 1, RCPT,
                451 },
        { "refused at the end", { 250, 250, 250 }, FINAL, 554, 0, { R, R, R }, POSTEL_REJECTED, 0, ENDED,
                554 },
        { "552 at the end is 5yz", { 250, 250, 250 }, FINAL, 552, 0, { R, R, R }, POSTEL_REJECTED, 0, ENDED,
                552 },
        { "later at the end", { 550, 250, 250 }, FINAL, 451, 0, { R, D, D }, POSTEL_DEFERRED, 1, ENDED, 451 },
        { "refused RCPT keeps its reply", { 450, 250, 250 }, FINAL, 554, 0, { D, R, R }, POSTEL_DEFERRED, 0,
                RCPT, 450 },
        { "MAIL refused", { 0 }, REFUSED_MAIL, 550, 0, { R, R, R }, POSTEL_REJECTED, 0, MAIL, 550 },
        { "MAIL later", { 0 }, REFUSED_MAIL, 452, 0, { D, D, D }, POSTEL_DEFERRED, 0, MAIL, 452 },
        { "552 to MAIL is 5yz", { 0 }, REFUSED_MAIL, 552, 0, { R, R, R }, POSTEL_REJECTED, 0, MAIL, 552 },
        { "DATA refused", { 250, 450, 250 }, REFUSED_DATA, 554, 0, { R, D, R }, POSTEL_DEFERRED, 1, RCPT,
                450 },
        { "DATA later", { 250, 550, 250 }, REFUSED_DATA, 451, 0, { D, R, D }, POSTEL_DEFERRED, 0, DATA, 451 },
        { "lost before MAIL's reply", { 0 }, LOST, 0, POSTEL_IO, { N, N, N }, POSTEL_IO, 0, ENDED, 0 },
        { "lost among RCPT", { 250, 550, 0 }, LOST, 0, POSTEL_IO, { N, R, N }, POSTEL_IO, 0, ENDED, 0 },
        { "lost within the body", { 250, 250, 250 }, LOST, 0, POSTEL_TIMEOUT, { N, N, N }, POSTEL_TIMEOUT, 0,
                ENDED, 0 },
        { "lost behind refusals", { 550, 450, 0 }, LOST, 0, POSTEL_INTERRUPTED, { R, D, N },
                POSTEL_INTERRUPTED, 2, ENDED, 0 },
        { "lost behind the end mark", { 250, 250, 250 }, LOST_AFTER, 0, POSTEL_IO, { U, U, U },
                POSTEL_UNKNOWN, 0, ENDED, 0 },
        { "unknown is only who was taken", { 550, 250, 450 }, LOST_AFTER, 0, POSTEL_TIMEOUT, { R, U, D },
                POSTEL_UNKNOWN, 1, ENDED, 0 },
        { "an unanswered RCPT is unknown too", { 0, 250, 450 }, LOST_AFTER, 0, POSTEL_IO, { U, U, D },
                POSTEL_UNKNOWN, 0, ENDED, 0 },
        { "nothing but the end was heard of", { 0 }, LOST_AFTER, 0, POSTEL_IO, { U, U, U }, POSTEL_UNKNOWN, 0,
                ENDED, 0 },
        { "nobody taken, then lost", { 550, 550, 550 }, LOST_AFTER, 0, POSTEL_IO, { R, R, R },
                POSTEL_REJECTED, 0, RCPT, 550 },
        { "421 among RCPT", { 550, 250, 0 }, LOST, 421, POSTEL_DEFERRED, { R, N, N }, POSTEL_DEFERRED, 1,
                ENDED, 421 },
        { "421 before a 4yz", { 450, 250, 0 }, LOST, 421, POSTEL_DEFERRED, { D, N, N }, POSTEL_DEFERRED, 1,
                ENDED, 421 },
        { "421 behind the end mark", { 250, 250, 550 }, LOST_AFTER, 421, POSTEL_DEFERRED, { U, U, R },
                POSTEL_UNKNOWN, 0, ENDED, 421 },
};

static void play(struct outcome_log *log, const struct decision *row)
{
        struct reply reply = reply_of(row->code, "the end");
        postel_error fault = fault_of(row->fault, POSTEL_PHASE_FINAL, row->code, "the end");

        begin(log, 3);
        if (row->end == REFUSED_MAIL)
                outcome_refused(log, POSTEL_PHASE_MAIL, &reply);
        for (size_t i = 0; i < 3; i++) {
                struct reply to_rcpt = reply_of(row->rcpt[i], "to RCPT");
                if (row->rcpt[i])
                        outcome_recipient(log, i, &to_rcpt);
        }
        if (row->end == REFUSED_DATA)
                outcome_refused(log, POSTEL_PHASE_DATA, &reply);
        if (row->end == FINAL || row->end == LOST_AFTER)
                outcome_end_sent(log);
        if (row->end == FINAL && row->code < 300)
                outcome_accepted(log, &reply);
        else if (row->end == FINAL)
                outcome_refused(log, POSTEL_PHASE_FINAL, &reply);
        if ((row->end == LOST || row->end == LOST_AFTER) && row->code == 421)
                outcome_closed(log, POSTEL_PHASE_FINAL, &reply);
        else if (row->end == LOST || row->end == LOST_AFTER)
                outcome_lost(log, &fault);
}

/* A second fault, such as the socket closed behind a 421, changes nothing for whom is decided. */
static void lose_again(struct outcome_log *log)
{
        postel_error later;
        postel_status before = outcome_status(log, &later);

        later = fault_of(before, POSTEL_PHASE_QUIT, 0, "later");

        outcome_lost(log, &later);
}

static void decides_everybody(void)
{
        const struct envelope envelope = {
                .from = "", .to = (const char *const[]){ "a@x", "b@x", "c@x" }, .to_count = 3
        };
        struct outcome_log log;

        outcome_init(&log);
        for (size_t i = 0; i < COUNT(decisions); i++) {
                const struct decision *row = &decisions[i];
                postel_error error = { .status = POSTEL_OK };
                harness_row("%s", row->name);
                play(&log, row);
                for (int again = 0; again < 2; again++) {
                        for (size_t k = 0; k < 3; k++)
                                CHECK_INT(outcome_verdict(&log, k)->outcome, row->outcomes[k]);
                        CHECK_INT(outcome_status(&log, &error), row->status);
                        CHECK_INT(error.status, row->status);
                        CHECK_INT(outcome_decisive(&log), row->decisive);
                        CHECK_INT(log.taken, 0);
                        lose_again(&log);
                }
                postel_result *result = result_of(&log, &envelope, row->status);
                CHECK_INT(postel_result_status(result), row->status);
                CHECK_INT(postel_result_phase(result), row->phase);
                CHECK_INT(postel_result_code(result), row->decisive_code);
                CHECK_STR(postel_result_text(result), row->phase == RCPT ? "to RCPT" : "the end");
                postel_result_free(&result);
        }
        outcome_deinit(&log);
}

static void tells_when_nothing_was_sent(void)
{
        struct outcome_log log;

        outcome_init(&log);
        for (size_t i = 0; i < COUNT(decisions); i++) {
                const postel_outcome *outcomes = decisions[i].outcomes;
                harness_row("%s", decisions[i].name);
                play(&log, &decisions[i]);
                CHECK_INT(
                        outcome_nothing_sent(&log), outcomes[0] == N && outcomes[1] == N && outcomes[2] == N);
        }
        outcome_deinit(&log);
}

static void puts_the_status_into_words(void)
{
        static const struct {
                size_t decision;
                int code;
                postel_phase phase;
                const char *message;
        } rows[] = {
                { 2, 550, RCPT, "1 of 3 recipients were not accepted: 550 to RCPT" },
                { 3, 550, RCPT, "2 of 3 recipients were not accepted: 550 to RCPT" },
                { 7, 451, RCPT, "451 to RCPT" },
                { 8, 554, ENDED, "554 the end" },
                { 12, 550, MAIL, "550 the end" },
                { 17, 0, ENDED, "the end" },
                { 26, 421, ENDED, "421 the end" },
        };
        struct outcome_log log;

        outcome_init(&log);
        for (size_t i = 0; i < COUNT(rows); i++) {
                postel_error error;
                harness_row("%s", decisions[rows[i].decision].name);
                play(&log, &decisions[rows[i].decision]);
                outcome_status(&log, &error);
                CHECK_STR(error.message, rows[i].message);
                CHECK_INT(error.code, rows[i].code);
                CHECK_INT(error.phase, rows[i].phase);
        }
        outcome_deinit(&log);
}

static void keeps_the_first_word_of_a_recipient(void)
{
        struct outcome_log log;
        struct reply no = reply_of(550, "no"), yes = reply_of(250, "yes");

        outcome_init(&log);
        begin(&log, 1);
        outcome_recipient(&log, 0, &no);
        outcome_recipient(&log, 0, &yes);
        outcome_end_sent(&log);
        outcome_accepted(&log, &yes);
        CHECK_INT(outcome_verdict(&log, 0)->outcome, POSTEL_OUTCOME_REJECTED);
        CHECK_INT(outcome_verdict(&log, 0)->code, 550);
        CHECK_STR(outcome_verdict(&log, 0)->enhanced, "5.1.1");
        outcome_deinit(&log);
}

static void keeps_the_words_of_a_421(void)
{
        static const char *const to[] = { "a@x" };
        const struct envelope envelope = { .from = "", .to = to, .to_count = 1 };
        struct outcome_log log;
        struct reply closing = reply_of(421, "4.3.2 going\ndown\xff");
        postel_error error;

        strcpy(closing.enhanced, "4.3.2");
        outcome_init(&log);
        begin(&log, 1);
        outcome_closed(&log, POSTEL_PHASE_RCPT, &closing);
        CHECK_INT(outcome_status(&log, &error), POSTEL_DEFERRED);
        CHECK_STR(error.message, "421 4.3.2 going down\\xff");
        postel_result *result = result_of(&log, &envelope, POSTEL_DEFERRED);
        CHECK_STR(postel_result_enhanced(result), "4.3.2");
        CHECK_STR(postel_result_text(result), "4.3.2 going\ndown\xff");
        postel_result_free(&result);
        outcome_deinit(&log);
}

static void passes_on_the_number_of_a_system_error(void)
{
        struct outcome_log log;
        postel_error error, fault = fault_of(POSTEL_IO, POSTEL_PHASE_NONE, 0, "gone");

        fault.system_error = 5;
        outcome_init(&log);
        for (int again = 0; again < 2; again++) {
                begin(&log, 1);
                outcome_lost(&log, &fault);
                CHECK_INT(outcome_status(&log, &error), POSTEL_IO);
                CHECK_INT(error.system_error, fault.system_error);
                fault.system_error = 0;
        }
        outcome_deinit(&log);
}

static void begins_anew_for_each_message(void)
{
        struct outcome_log log;
        struct reply yes = reply_of(250, "2.0.0 Ok: queued as ABCDEF12");
        postel_error error;

        outcome_init(&log);
        begin(&log, 2);
        outcome_recipient(&log, 0, &yes);
        outcome_recipient(&log, 1, &yes);
        outcome_end_sent(&log);
        outcome_accepted(&log, &yes);
        CHECK_INT(log.first_queue, 0);

        postel_error fault = fault_of(POSTEL_IO, POSTEL_PHASE_MAIL, 0, "gone");
        begin(&log, 1);
        CHECK_INT(log.first_queue, 1);
        outcome_lost(&log, &fault);
        CHECK_INT(outcome_verdict(&log, 0)->outcome, POSTEL_OUTCOME_NOT_SENT);
        CHECK_INT(outcome_status(&log, &error), POSTEL_IO);
        CHECK_STR(error.message, "gone");
        outcome_deinit(&log);
}

/* ---- Several transactions, several final replies ---- */

/* Rows leave out what they do not say. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* What happens to a log, in order. `who` and `code` where they say something. */
enum event_kind {
        NOTHING, /* ends the list */
        BEGIN, /* a transaction */
        JOIN, /* `who` becomes a member */
        REPLY, /* `code` to RCPT of `who` */
        POSTPONE, /* `who` */
        REFUSE, /* by `code` to DATA */
        ACCEPT, /* the final reply for all */
        ANSWER, /* LMTP: the final reply `code` of `who` */
        WITHHOLD,
        END, /* of the message was written */
        LOSE, /* by a fault of I/O */
        CLOSE, /* by 421 */
        REOPEN
};

struct event {
        enum event_kind kind;
        size_t who;
        int code;
};

#define EVENTS_MAX 20

/* `progress` has a letter for each recipient: Open, Member, Taken, Decided. `outcomes` are those of the
 * decided, with a `w` for whoever was withheld. A queue id is Q and the number of the event that brought it.
 */
struct history {
        const char *name;
        struct event events[EVENTS_MAX];
        const char *progress, *outcomes;
        int queue_ids[3]; /* 0: none */
        int status; /* -1: not everybody is decided */
        size_t decisive;
        bool unsent, nothing_sent;
};

#define BEGIN_ALL                            \
        { BEGIN }, { JOIN, 0 }, { JOIN, 1 }, \
        {                                    \
                JOIN, 2                      \
        }
#define TAKE_ALL                                         \
        BEGIN_ALL, { REPLY, 0, 250 }, { REPLY, 1, 250 }, \
        {                                                \
                REPLY, 2, 250                            \
        }

static const struct history histories[] = {
        { "nothing yet", { { NOTHING } }, "OOO", "   ", .status = -1 },
        { "one transaction for two of three", { { BEGIN }, { JOIN, 0 }, { JOIN, 2 } }, "MOM", "   ",
                .status = -1 },
        { "who is no member is not answered for",
                { { BEGIN }, { JOIN, 0 }, { REPLY, 0, 250 }, { REPLY, 1, 550 } }, "TOO", "   ",
                .status = -1 },
        { "who is no member is not refused",
                { { BEGIN }, { JOIN, 0 }, { REPLY, 0, 250 }, { REFUSE, 0, 554 } }, "DOO", "R  ",
                .status = -1 },
        { "who is no member is not accepted",
                { { BEGIN }, { JOIN, 1 }, { REPLY, 1, 250 }, { END }, { ACCEPT } }, "ODO", " A ", { 0, 5, 0 },
                .status = -1 },
        { "a refusal is about members without an answer too",
                { BEGIN_ALL, { REPLY, 0, 550 }, { REFUSE, 0, 451 } }, "DDD", "RDD", .status = POSTEL_DEFERRED,
                .decisive = 1 },
        { "two transactions, both accepted",
                { { BEGIN }, { JOIN, 0 }, { JOIN, 1 }, { REPLY, 0, 250 }, { REPLY, 1, 250 }, { END },
                        { ACCEPT }, { BEGIN }, { JOIN, 2 }, { REPLY, 2, 250 }, { END }, { ACCEPT } },
                "DDD", "AAA", { 7, 7, 12 }, .status = POSTEL_OK },
        { "the second is refused",
                { { BEGIN }, { JOIN, 0 }, { JOIN, 1 }, { REPLY, 0, 250 }, { REPLY, 1, 250 }, { END },
                        { ACCEPT }, { BEGIN }, { JOIN, 2 }, { REPLY, 2, 250 }, { REFUSE, 2, 554 } },
                "DDD", "AAR", { 7, 7, 0 }, .status = POSTEL_PARTIAL, .decisive = 0 },
        { "the first is refused, the second accepted",
                { { BEGIN }, { JOIN, 0 }, { REFUSE, 0, 554 }, { BEGIN }, { JOIN, 1 }, { JOIN, 2 },
                        { REPLY, 1, 250 }, { REPLY, 2, 250 }, { END }, { ACCEPT } },
                "DDD", "RAA", { 0, 10, 10 }, .status = POSTEL_PARTIAL, .decisive = 1 },
        { "lost in the second: what the first took stays",
                { { BEGIN }, { JOIN, 0 }, { REPLY, 0, 250 }, { END }, { ACCEPT }, { BEGIN }, { JOIN, 1 },
                        { JOIN, 2 }, { REPLY, 1, 250 }, { LOSE } },
                "DDD", "ANN", { 5, 0, 0 }, .status = POSTEL_PARTIAL, .unsent = true },
        { "the end of the first is not that of the second",
                { { BEGIN }, { JOIN, 0 }, { REPLY, 0, 250 }, { END }, { REFUSE, 0, 554 }, { BEGIN },
                        { JOIN, 1 }, { JOIN, 2 }, { REPLY, 1, 250 }, { LOSE } },
                "DDD", "RNN", .status = POSTEL_IO, .decisive = 1, .unsent = true },
        { "lost behind the end of the first: who waits was not sent",
                { { BEGIN }, { JOIN, 0 }, { JOIN, 1 }, { REPLY, 0, 250 }, { END }, { LOSE } }, "DDD", "UUN",
                .status = POSTEL_UNKNOWN, .unsent = true },
        { "421 behind the end of the first",
                { { BEGIN }, { JOIN, 2 }, { REPLY, 2, 250 }, { END }, { CLOSE } }, "DDD", "NNU",
                .status = POSTEL_UNKNOWN, .decisive = 2, .unsent = true },
        { "421 before the end", { { BEGIN }, { JOIN, 1 }, { REPLY, 1, 250 }, { CLOSE } }, "DDD", "NNN",
                .status = POSTEL_DEFERRED, .unsent = true, .nothing_sent = true },

        { "postponed: too many, then in another",
                { BEGIN_ALL, { REPLY, 0, 250 }, { REPLY, 1, 452 }, { REPLY, 2, 452 }, { POSTPONE, 1 },
                        { POSTPONE, 2 }, { END }, { ACCEPT } },
                "DOO", "A  ", { 11, 0, 0 }, .status = -1 },
        { "postponed, and taken later",
                { BEGIN_ALL, { REPLY, 0, 250 }, { REPLY, 1, 452 }, { REPLY, 2, 550 }, { POSTPONE, 1 },
                        { END }, { ACCEPT }, { BEGIN }, { JOIN, 1 }, { REPLY, 1, 250 }, { END }, { ACCEPT } },
                "DDD", "AAR", { 10, 15, 0 }, .status = POSTEL_PARTIAL },
        { "postponed, and refused later",
                { BEGIN_ALL, { REPLY, 0, 250 }, { REPLY, 1, 452 }, { REPLY, 2, 250 }, { POSTPONE, 1 },
                        { END }, { ACCEPT }, { BEGIN }, { JOIN, 1 }, { REPLY, 1, 550 } },
                "DDD", "ARA", { 10, 0, 10 }, .status = POSTEL_PARTIAL },
        { "postponed, and lost with the one before it",
                { BEGIN_ALL, { REPLY, 0, 250 }, { REPLY, 1, 452 }, { REPLY, 2, 250 }, { POSTPONE, 1 },
                        { END }, { LOSE } },
                "DDD", "UNU", .status = POSTEL_UNKNOWN, .unsent = true },
        { "taken and postponed: BDAT was not known",
                { TAKE_ALL, { END }, { POSTPONE, 0 }, { POSTPONE, 1 }, { POSTPONE, 2 }, BEGIN_ALL,
                        { REPLY, 0, 250 }, { REPLY, 1, 550 }, { LOSE } },
                "DDD", "NRN", .status = POSTEL_IO, .unsent = true },

        { "withheld: those who were taken and those who were not asked for",
                { { BEGIN }, { JOIN, 0 }, { JOIN, 1 }, { REPLY, 0, 250 }, { REPLY, 1, 550 }, { WITHHOLD } },
                "DDD", "wRw", .status = POSTEL_REJECTED, .decisive = 1 },
        { "withheld, for now",
                { BEGIN_ALL, { REPLY, 0, 550 }, { REPLY, 1, 450 }, { REPLY, 2, 250 }, { WITHHOLD } }, "DDD",
                "RDw", .status = POSTEL_DEFERRED, .decisive = 1 },
        { "who was withheld is not lost by what follows",
                { BEGIN_ALL, { REPLY, 0, 250 }, { REPLY, 1, 550 }, { WITHHOLD }, { LOSE } }, "DDD", "wRw",
                .status = POSTEL_REJECTED, .decisive = 1 },
        { "who was withheld is not tried again",
                { BEGIN_ALL, { REPLY, 0, 250 }, { REPLY, 1, 550 }, { WITHHOLD }, { LOSE }, { REOPEN } },
                "DDD", "wRw", .status = POSTEL_REJECTED, .decisive = 1 },

        { "LMTP: each its own",
                { TAKE_ALL, { END }, { ANSWER, 0, 250 }, { ANSWER, 1, 452 }, { ANSWER, 2, 550 } }, "DDD",
                "ADR", { 9, 0, 0 }, .status = POSTEL_PARTIAL },
        { "LMTP: each has its queue id",
                { TAKE_ALL, { END }, { ANSWER, 0, 250 }, { ANSWER, 1, 251 }, { ANSWER, 2, 299 } }, "DDD",
                "AAA", { 9, 10, 11 }, .status = POSTEL_OK },
        { "LMTP: the first accepted is not the first",
                { TAKE_ALL, { END }, { ANSWER, 0, 452 }, { ANSWER, 1, 250 }, { ANSWER, 2, 250 } }, "DDD",
                "DAA", { 0, 10, 11 }, .status = POSTEL_PARTIAL, .decisive = 1 },
        { "LMTP: 552 at the end is for good",
                { TAKE_ALL, { END }, { ANSWER, 0, 552 }, { ANSWER, 1, 450 }, { ANSWER, 2, 554 } }, "DDD",
                "RDR", .status = POSTEL_DEFERRED, .decisive = 1 },
        { "LMTP: one has no reply yet", { TAKE_ALL, { END }, { ANSWER, 0, 250 }, { ANSWER, 1, 550 } }, "DDT",
                "AR ", { 9, 0, 0 }, .status = -1 },
        { "LMTP: lost among the final replies", { TAKE_ALL, { END }, { ANSWER, 0, 550 }, { LOSE } }, "DDD",
                "RUU", .status = POSTEL_UNKNOWN, .decisive = 1 },
        { "LMTP: 421 among the final replies", { TAKE_ALL, { END }, { ANSWER, 0, 250 }, { CLOSE } }, "DDD",
                "AUU", { 9, 0, 0 }, .status = POSTEL_PARTIAL },

        { "reopened: what was not sent",
                { BEGIN_ALL, { REPLY, 0, 550 }, { REPLY, 1, 250 }, { LOSE }, { REOPEN } }, "DOO", "R  ",
                .status = -1 },
        { "reopened, and sent", { { LOSE }, { REOPEN }, TAKE_ALL, { END }, { ACCEPT } }, "DDD", "AAA",
                { 11, 11, 11 }, .status = POSTEL_OK },
        { "reopened, and lost again behind the end", { { LOSE }, { REOPEN }, TAKE_ALL, { END }, { LOSE } },
                "DDD", "UUU", .status = POSTEL_UNKNOWN },
        { "unknown is not reopened",
                { { BEGIN }, { JOIN, 0 }, { REPLY, 0, 250 }, { END }, { LOSE }, { REOPEN } }, "DOO", "U  ",
                .status = -1 },
        { "the end that was sent before is not that of another try",
                { { BEGIN }, { JOIN, 0 }, { REPLY, 0, 250 }, { END }, { LOSE }, { REOPEN }, { BEGIN },
                        { JOIN, 1 }, { JOIN, 2 }, { REPLY, 1, 250 }, { LOSE } },
                "DDD", "UNN", .status = POSTEL_UNKNOWN, .unsent = true },
        { "reopened after a 421", { { CLOSE }, { REOPEN }, { BEGIN }, { JOIN, 0 } }, "MOO", "   ",
                .status = -1 },
        { "accepted, refused and deferred are not reopened",
                { TAKE_ALL, { END }, { ANSWER, 0, 250 }, { ANSWER, 1, 550 }, { ANSWER, 2, 450 }, { LOSE },
                        { REOPEN } },
                "DDD", "ARD", { 9, 0, 0 }, .status = POSTEL_PARTIAL },
};

static void happen(struct outcome_log *log, const struct event *event, int number)
{
        postel_error fault = fault_of(POSTEL_IO, POSTEL_PHASE_FINAL, 0, "gone");
        char words[40];

        snprintf(words, sizeof(words), "2.0.0 Ok: queued as Q%08d", number);
        struct reply reply = reply_of(event->kind == ACCEPT  ? 250
                                      : event->kind == CLOSE ? 421
                                                             : event->code,
                words);
        switch (event->kind) {
        case NOTHING:
                break;
        case BEGIN:
                outcome_begin_transaction(log);
                break;
        case JOIN:
                outcome_add_member(log, event->who);
                break;
        case REPLY:
                outcome_recipient(log, event->who, &reply);
                break;
        case POSTPONE:
                outcome_postpone(log, event->who);
                break;
        case REFUSE:
                outcome_refused(log, POSTEL_PHASE_DATA, &reply);
                break;
        case ACCEPT:
                outcome_accepted(log, &reply);
                break;
        case ANSWER:
                outcome_final(log, event->who, &reply);
                break;
        case WITHHOLD:
                outcome_withhold(log);
                break;
        case END:
                outcome_end_sent(log);
                break;
        case LOSE:
                outcome_lost(log, &fault);
                break;
        case CLOSE:
                outcome_closed(log, POSTEL_PHASE_FINAL, &reply);
                break;
        case REOPEN:
                outcome_reopen(log);
                break;
        }
}

/* The counts are those of the recipients, whatever has happened. */
static void check_counts(const struct outcome_log *log)
{
        size_t open = 0, taken = 0;

        for (size_t i = 0; i < log->count; i++) {
                open += outcome_verdict(log, i)->progress == PROGRESS_OPEN;
                taken += outcome_verdict(log, i)->progress == PROGRESS_TAKEN;
        }
        CHECK_INT(log->open, open);
        CHECK_INT(log->taken, taken);
}

static void check_verdict(const struct history *row, const struct outcome_log *log, size_t i)
{
        static const char outcomes[] = "ARDNU";
        const struct verdict *verdict = outcome_verdict(log, i);
        char outcome = row->outcomes[i];

        CHECK_INT("OMTD"[verdict->progress], row -> progress[i]);
        if (verdict->progress != PROGRESS_DECIDED)
                return;
        CHECK_INT(outcomes[verdict->outcome], outcome == 'w' ? 'N' : outcome);
        CHECK_INT(verdict->lost, outcome == 'N');
}

static void check_result(const struct history *row, const struct outcome_log *log)
{
        const struct envelope envelope = {
                .from = "", .to = (const char *const[]){ "a@x", "b@x", "c@x" }, .to_count = 3
        };
        postel_error error;
        char first[12] = "";

        CHECK_INT(outcome_status(log, &error), row->status);
        CHECK_INT(outcome_decisive(log), row->decisive);
        CHECK_INT(outcome_is_unsent(log), row->unsent);
        CHECK_INT(outcome_nothing_sent(log), row->nothing_sent);
        postel_result *result = result_of(log, &envelope, (postel_status)row->status);
        for (size_t i = 0; i < 3; i++) {
                char want[12] = "";
                if (row->queue_ids[i])
                        snprintf(want, sizeof(want), "Q%08d", row->queue_ids[i]);
                if (!*first)
                        memcpy(first, want, sizeof(first));
                CHECK_STR(postel_result_recipient_queue_id(result, i), want);
        }
        CHECK_STR(postel_result_queue_id(result), first);
        postel_result_free(&result);
}

static void follows_each_recipient_through_transactions(void)
{
        struct outcome_log log;

        outcome_init(&log);
        for (size_t i = 0; i < COUNT(histories); i++) {
                const struct history *row = &histories[i];
                harness_row("%s", row->name);
                REQUIRE(outcome_begin(&log, 3, NULL) == POSTEL_OK);
                for (int k = 0; k < EVENTS_MAX && row->events[k].kind != NOTHING; k++) {
                        happen(&log, &row->events[k], k + 1);
                        check_counts(&log);
                }
                for (size_t k = 0; k < 3; k++)
                        check_verdict(row, &log, k);
                if (row->status >= 0)
                        check_result(row, &log);
        }
        outcome_deinit(&log);
}

static void knows_the_members_of_the_present_transaction(void)
{
        static const struct event events[] = { { BEGIN }, { JOIN, 0 }, { JOIN, 1 }, { REPLY, 0, 250 },
                { REPLY, 1, 452 }, { POSTPONE, 1 }, { END }, { ACCEPT } };
        struct outcome_log log;

        outcome_init(&log);
        REQUIRE(outcome_begin(&log, 3, NULL) == POSTEL_OK);
        for (size_t i = 0; i < COUNT(events); i++)
                happen(&log, &events[i], 1);
        /* Also who has been decided, or has been put off, was one. */
        CHECK(outcome_is_member(&log, 0));
        CHECK(outcome_is_member(&log, 1));
        CHECK(!outcome_is_member(&log, 2));
        CHECK_INT(outcome_next(&log, PROGRESS_DECIDED, 0), 0);
        CHECK_INT(outcome_next(&log, PROGRESS_DECIDED, 1), 3);
        CHECK_INT(outcome_next(&log, PROGRESS_OPEN, 0), 1);
        CHECK_INT(outcome_next(&log, PROGRESS_OPEN, 2), 2);
        CHECK_INT(outcome_next(&log, PROGRESS_OPEN, 3), 3);
        CHECK_INT(outcome_next(&log, PROGRESS_MEMBER, 0), 3);

        outcome_begin_transaction(&log);
        outcome_add_member(&log, 2);
        CHECK(!outcome_is_member(&log, 0));
        CHECK(!outcome_is_member(&log, 1));
        CHECK(outcome_is_member(&log, 2));
        CHECK_INT(outcome_next(&log, PROGRESS_MEMBER, 0), 2);
        CHECK(!log.end_sent);
        outcome_deinit(&log);
}

static void says_why_somebody_was_withheld(void)
{
        struct outcome_log log;
        struct reply yes = reply_of(250, "yes"), no = reply_of(550, "no");

        outcome_init(&log);
        begin(&log, 2);
        outcome_recipient(&log, 0, &yes);
        outcome_recipient(&log, 1, &no);
        outcome_withhold(&log);
        const struct envelope envelope = {
                .from = "", .to = (const char *const[]){ "a@x", "b@x" }, .to_count = 2
        };
        postel_result *result = result_of(&log, &envelope, POSTEL_REJECTED);
        CHECK_STR(postel_result_recipient_text(result, 0), "not sent: another recipient was refused");
        CHECK_INT(postel_result_recipient_code(result, 0), 0);
        CHECK_INT(postel_result_recipient_phase(result, 0), POSTEL_PHASE_RCPT);
        CHECK_STR(postel_result_text(result), "no");
        postel_result_free(&result);
        outcome_deinit(&log);
}

/* ---- Every mix ---- */

/* Brings a recipient to an outcome: first by LMTP's replies, who remains by the loss of the session. Of the
 * five only NOT_SENT is in no transaction. */
static void mix(struct outcome_log *log, const postel_outcome *outcomes, size_t count)
{
        static const int rcpt[] = { [A] = 250, [R] = 550, [D] = 450, [U] = 250 };
        struct reply final = reply_of(250, "yes");
        postel_error fault = fault_of(POSTEL_TIMEOUT, POSTEL_PHASE_FINAL, 0, "gone");

        REQUIRE(outcome_begin(log, count, NULL) == POSTEL_OK);
        outcome_begin_transaction(log);
        for (size_t i = 0; i < count; i++)
                if (outcomes[i] != N)
                        outcome_add_member(log, i);
        for (size_t i = 0; i < count; i++) {
                struct reply reply = reply_of(outcomes[i] == N ? 250 : rcpt[outcomes[i]], "to RCPT");
                outcome_recipient(log, i, &reply);
        }
        outcome_end_sent(log);
        for (size_t i = 0; i < count; i++)
                if (outcomes[i] == A)
                        outcome_final(log, i, &final);
        outcome_lost(log, &fault);
}

static size_t find(const postel_outcome *outcomes, size_t count, postel_outcome which)
{
        size_t i = 0;

        while (i < count && outcomes[i] != which)
                i++;
        return i;
}

/* As result.h says it. */
static postel_status status_said(const postel_outcome *outcomes, size_t count, size_t *decisive)
{
        size_t accepted = 0;

        for (size_t i = 0; i < count; i++)
                accepted += outcomes[i] == A;
        if ((*decisive = find(outcomes, count, A)) < count)
                return accepted == count ? POSTEL_OK : POSTEL_PARTIAL;
        if ((*decisive = find(outcomes, count, U)) < count)
                return POSTEL_UNKNOWN;
        if ((*decisive = find(outcomes, count, N)) < count)
                return POSTEL_TIMEOUT;
        if ((*decisive = find(outcomes, count, D)) < count)
                return POSTEL_DEFERRED;
        *decisive = 0;
        return POSTEL_REJECTED;
}

static void gives_the_status_of_every_mix(void)
{
        enum { OUTCOMES = 5, RECIPIENTS = 4, MIXES = 625 };
        struct outcome_log log;

        outcome_init(&log);
        for (int number = 0; number < MIXES; number++) {
                postel_outcome outcomes[RECIPIENTS];
                size_t decisive, unsent = 0;
                postel_error error = { .status = POSTEL_OK };
                for (int i = 0, rest = number; i < RECIPIENTS; i++, rest /= OUTCOMES)
                        outcomes[i] = (postel_outcome)(rest % OUTCOMES);
                harness_row("%d%d%d%d", outcomes[0], outcomes[1], outcomes[2], outcomes[3]);
                mix(&log, outcomes, RECIPIENTS);
                for (size_t i = 0; i < RECIPIENTS; i++) {
                        CHECK_INT(outcome_verdict(&log, i)->outcome, outcomes[i]);
                        unsent += outcomes[i] == N;
                }
                postel_status status = status_said(outcomes, RECIPIENTS, &decisive);
                CHECK_INT(outcome_status(&log, &error), status);
                CHECK_INT(error.status, status);
                CHECK_INT(outcome_decisive(&log), decisive);
                CHECK_INT(outcome_is_unsent(&log), unsent > 0);
                CHECK_INT(outcome_nothing_sent(&log), unsent == RECIPIENTS);
                CHECK_INT(outcome_count(&log, N), unsent);
                check_counts(&log);
        }
        outcome_deinit(&log);
}

/* ---- Results ---- */

/* Whether the text lies within the one block that the result is. */
static bool is_inside(const postel_result *result, const char *text)
{
        const char *begin = (const char *)result;

        return text >= begin && text + strlen(text) < begin + malloc_usable_size((void *)result);
}

static void tells_every_recipient_in_order(void)
{
        static const char *const to[] = { "a@x", "b@x", "a@x", "c@x" };
        static const struct envelope envelope = { .from = "", .to = to, .to_count = 4 };
        const struct reply replies[] = { reply_of(250, "yes"), reply_of(550, "5.1.1 no\nreally"),
                reply_of(450, ""), reply_of(250, "yes") };
        struct reply last = reply_of(250, "2.0.0 Ok: queued as 4XyZ12");
        struct outcome_log log;

        outcome_init(&log);
        begin(&log, 4);
        for (size_t i = 0; i < 4; i++)
                outcome_recipient(&log, i, &replies[i]);
        outcome_end_sent(&log);
        outcome_accepted(&log, &last);
        postel_result *result = result_of(&log, &envelope, POSTEL_PARTIAL);
        outcome_deinit(&log);
        REQUIRE(result != NULL);

        static const struct {
                postel_outcome outcome;
                postel_phase phase;
                int code;
                const char *enhanced, *text;
        } want[] = {
                { A, POSTEL_PHASE_FINAL, 250, "", "2.0.0 Ok: queued as 4XyZ12" },
                { R, POSTEL_PHASE_RCPT, 550, "5.1.1", "5.1.1 no\nreally" },
                { D, POSTEL_PHASE_RCPT, 450, "", "" },
                { A, POSTEL_PHASE_FINAL, 250, "", "2.0.0 Ok: queued as 4XyZ12" },
        };
        CHECK_INT(postel_result_recipient_count(result), 4);
        for (size_t i = 0; i < 4; i++) {
                harness_row("%zu", i);
                CHECK_STR(postel_result_recipient_address(result, i), to[i]);
                CHECK(postel_result_recipient_address(result, i) != to[i]);
                CHECK_INT(postel_result_recipient_outcome(result, i), want[i].outcome);
                CHECK_INT(postel_result_recipient_phase(result, i), want[i].phase);
                CHECK_INT(postel_result_recipient_code(result, i), want[i].code);
                CHECK_STR(postel_result_recipient_enhanced(result, i), want[i].enhanced);
                CHECK_STR(postel_result_recipient_text(result, i), want[i].text);
                CHECK(is_inside(result, postel_result_recipient_address(result, i)));
                CHECK(is_inside(result, postel_result_recipient_text(result, i)));
                CHECK(is_inside(result, postel_result_recipient_enhanced(result, i)));
        }
        CHECK(is_inside(result, postel_result_queue_id(result)));
        CHECK_STR(postel_result_queue_id(result), "4XyZ12");
        CHECK(postel_result_recipient_queue_id(result, 3) == postel_result_recipient_queue_id(result, 0) ||
                is_inside(result, postel_result_recipient_queue_id(result, 3)));
        CHECK_STR(postel_result_recipient_queue_id(result, 0), "4XyZ12");
        CHECK_STR(postel_result_recipient_queue_id(result, 1), "");
        CHECK_STR(postel_result_recipient_queue_id(result, 2), "");
        CHECK_STR(postel_result_recipient_queue_id(result, 3), "4XyZ12");
        CHECK_INT(postel_result_attempts(result), 2);
        CHECK_INT(postel_result_transactions(result), 3);
        CHECK_INT(postel_result_status(result), POSTEL_PARTIAL);
        CHECK_INT(postel_result_code(result), 250);
        CHECK_STR(postel_result_enhanced(result), "");
        postel_result_free(&result);
        CHECK(result == NULL);
        postel_result_free(&result);
        postel_result_free(NULL);
}

static void answers_for_nobody(void)
{
        const struct envelope envelope = { .from = "", .to = (const char *const[]){ "a@x" }, .to_count = 1 };
        postel_error fault = fault_of(POSTEL_TIMEOUT, POSTEL_PHASE_POOL, 0, "the time ran out");
        postel_result *result = result_new_unsent(&envelope, &fault);

        REQUIRE(result != NULL);
        CHECK_INT(postel_result_status(result), POSTEL_TIMEOUT);
        CHECK_INT(postel_result_phase(result), POSTEL_PHASE_POOL);
        CHECK_INT(postel_result_attempts(result), 0);
        CHECK_INT(postel_result_transactions(result), 0);
        CHECK_STR(postel_result_text(result), "the time ran out");
        CHECK_STR(postel_result_queue_id(result), "");
        CHECK_INT(postel_result_recipient_outcome(result, 0), POSTEL_OUTCOME_NOT_SENT);

        const size_t beyond[] = { 1, 2, (size_t)-1 };
        for (size_t i = 0; i < COUNT(beyond); i++) {
                harness_row("%zu", beyond[i]);
                CHECK_STR(postel_result_recipient_address(result, beyond[i]), "");
                CHECK_INT(postel_result_recipient_outcome(result, beyond[i]), POSTEL_OUTCOME_NOT_SENT);
                CHECK_INT(postel_result_recipient_phase(result, beyond[i]), POSTEL_PHASE_NONE);
                CHECK_INT(postel_result_recipient_code(result, beyond[i]), 0);
                CHECK_STR(postel_result_recipient_enhanced(result, beyond[i]), "");
                CHECK_STR(postel_result_recipient_text(result, beyond[i]), "");
                CHECK_STR(postel_result_recipient_queue_id(result, beyond[i]), "");
        }
        postel_result_free(&result);
}

static void names_outcomes(void)
{
        static const char *const names[] = { "ACCEPTED", "REJECTED", "DEFERRED", "NOT_SENT", "UNKNOWN" };

        for (int i = 0; i < 5; i++)
                CHECK_STR(postel_outcome_name((postel_outcome)i), names[i]);
        CHECK_STR(postel_outcome_name((postel_outcome)5), "?");
        CHECK_STR(postel_outcome_name((postel_outcome)-1), "?");
}

static void cuts_texts_at_1024_octets(void)
{
        const struct envelope envelope = { .from = "", .to = (const char *const[]){ "a@x" }, .to_count = 1 };
        static const size_t sizes[] = { 1023, 1024, 1025, 30000 };
        struct outcome_log log;
        char *text = malloc(30001);

        REQUIRE(text != NULL);
        outcome_init(&log);
        for (size_t i = 0; i < COUNT(sizes); i++) {
                harness_row("%zu", sizes[i]);
                memset(text, 'x', sizes[i]);
                text[sizes[i]] = '\0';
                struct reply reply = reply_of(550, text);
                begin(&log, 1);
                outcome_recipient(&log, 0, &reply);
                postel_result *result = result_of(&log, &envelope, POSTEL_REJECTED);
                CHECK_INT(strlen(postel_result_text(result)), sizes[i] < 1024 ? sizes[i] : 1024);
                CHECK_INT(strspn(postel_result_text(result), "x"), strlen(postel_result_text(result)));
                postel_result_free(&result);
        }
        outcome_deinit(&log);
        free(text);
}

/* ---- Many ---- */

#define MANY     20000
#define MANY_MAX 40000

/* An envelope to that many recipients; static until the next call. */
static const struct envelope *many_recipients(size_t count)
{
        static char addresses[MANY_MAX][24];
        static const char *to[MANY_MAX];
        static struct envelope envelope;

        envelope = (struct envelope){ .from = "", .to = to, .to_count = count };
        for (size_t i = 0; i < count; i++) {
                snprintf(addresses[i], sizeof(addresses[i]), "r%zu@example.org", i);
                to[i] = addresses[i];
        }
        return &envelope;
}

static void stores_a_repeated_text_once(void)
{
        const struct envelope *envelope = many_recipients(MANY);
        struct outcome_log log;
        char text[1025];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        struct reply no = reply_of(550, text), yes = reply_of(250, "yes"), last = reply_of(250, text);
        outcome_init(&log);
        begin(&log, MANY);
        for (size_t i = 0; i < MANY; i++)
                outcome_recipient(&log, i, i < MANY / 2 ? &no : &yes);
        outcome_end_sent(&log);
        outcome_accepted(&log, &last);
        CHECK(log.texts.size < 4 * sizeof(text));
        postel_result *result = result_of(&log, envelope, POSTEL_PARTIAL);
        outcome_deinit(&log);
        REQUIRE(result != NULL);
        CHECK(malloc_usable_size(result) < MANY * 128);
        CHECK_INT(strlen(postel_result_recipient_text(result, 0)), 1024);
        CHECK_INT(strlen(postel_result_recipient_text(result, MANY - 1)), 1024);
        postel_result_free(&result);
}

static void keeps_20000_recipients_apart(void)
{
        const struct envelope *envelope = many_recipients(MANY);
        struct outcome_log log;
        postel_error error;
        char text[32];

        outcome_init(&log);
        begin(&log, MANY);
        for (size_t i = 0; i < MANY; i++) {
                static const int codes[] = { 250, 550, 450, 552 };
                snprintf(text, sizeof(text), "reply %zu", i);
                struct reply reply = reply_of(codes[i % 4], text);
                outcome_recipient(&log, i, &reply);
        }
        struct reply last = reply_of(250, "queued");
        outcome_end_sent(&log);
        outcome_accepted(&log, &last);
        CHECK_INT(outcome_status(&log, &error), POSTEL_PARTIAL);
        postel_result *result = result_of(&log, envelope, POSTEL_PARTIAL);
        outcome_deinit(&log);
        REQUIRE(result != NULL);

        static const postel_outcome want[] = { A, R, D, D };
        size_t wrong = 0;
        for (size_t i = 0; i < MANY; i++) {
                snprintf(text, sizeof(text), i % 4 == 0 ? "queued" : "reply %zu", i);
                wrong += postel_result_recipient_outcome(result, i) != want[i % 4] ||
                         strcmp(postel_result_recipient_text(result, i), text) != 0 ||
                         strcmp(postel_result_recipient_address(result, i), envelope->to[i]) != 0;
        }
        CHECK_INT(wrong, 0);
        postel_result_free(&result);
}

/* Words may be dropped where there are too many of them; outcomes and codes never. */
static void bounds_the_words_of_a_hostile_server(void)
{
        const struct envelope *envelope = many_recipients(MANY_MAX);
        const size_t size = 30000; /* of each reply, and all of them differ */
        struct outcome_log log;
        postel_error error;
        char *text = malloc(size + 1);
        size_t wrong = 0;

        REQUIRE(text != NULL);
        outcome_init(&log);
        for (int round = 0; round < 2; round++) {
                begin(&log, MANY_MAX);
                memset(text, 'x', size);
                text[size] = '\0';
                for (size_t i = 0; i < MANY_MAX; i++) {
                        text[i % 1000] ^= 1;
                        struct reply reply = reply_of(550, text);
                        outcome_recipient(&log, i, &reply);
                }
                CHECK(log.texts.capacity <= 33u << 20);
        }
        CHECK_INT(outcome_status(&log, &error), POSTEL_REJECTED);
        postel_result *result = result_of(&log, envelope, POSTEL_REJECTED);
        REQUIRE(result != NULL);
        for (size_t i = 0; i < MANY_MAX; i++)
                wrong += postel_result_recipient_code(result, i) != 550 ||
                         strlen(postel_result_recipient_text(result, i)) > 1024;
        CHECK_INT(wrong, 0);
        postel_result_free(&result);
        outcome_trim(&log);
        CHECK(log.texts.capacity <= 4096);
        CHECK(log.verdicts.capacity <= 4096);
        outcome_deinit(&log);
        free(text);
}

static const struct test tests[] = {
        { "decides everybody", decides_everybody },
        { "tells when nothing was sent", tells_when_nothing_was_sent },
        { "puts the status into words", puts_the_status_into_words },
        { "keeps the first word of a recipient", keeps_the_first_word_of_a_recipient },
        { "keeps the words of a 421", keeps_the_words_of_a_421 },
        { "passes on the number of a system error", passes_on_the_number_of_a_system_error },
        { "begins anew for each message", begins_anew_for_each_message },
        { "follows each recipient through transactions", follows_each_recipient_through_transactions },
        { "knows the members of the present transaction", knows_the_members_of_the_present_transaction },
        { "says why somebody was withheld", says_why_somebody_was_withheld },
        { "gives the status of every mix", gives_the_status_of_every_mix },
        { "tells every recipient in order", tells_every_recipient_in_order },
        { "answers for nobody", answers_for_nobody },
        { "names outcomes", names_outcomes },
        { "cuts texts at 1024 octets", cuts_texts_at_1024_octets },
        { "stores a repeated text once", stores_a_repeated_text_once },
        { "keeps 20,000 recipients apart", keeps_20000_recipients_apart },
        { "bounds the words of a hostile server", bounds_the_words_of_a_hostile_server },
};

int main(void)
{
        return harness_run("outcome", tests, COUNT(tests));
}
