/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "result.h"
#include "smtp/channel.h"
#include "smtp/outcome.h"

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

/* ---- Who gets what ---- */

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
        { "unanswered is not unknown", { 0, 250, 450 }, LOST_AFTER, 0, POSTEL_IO, { N, U, D }, POSTEL_UNKNOWN,
                1, ENDED, 0 },
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

        REQUIRE(outcome_begin(log, 3, NULL) == POSTEL_OK);
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
                postel_result *result = result_new(&envelope, &log, row->status, 1);
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
                { 25, 421, ENDED, "421 the end" },
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
        REQUIRE(outcome_begin(&log, 1, NULL) == POSTEL_OK);
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
        REQUIRE(outcome_begin(&log, 1, NULL) == POSTEL_OK);
        outcome_closed(&log, POSTEL_PHASE_RCPT, &closing);
        CHECK_INT(outcome_status(&log, &error), POSTEL_DEFERRED);
        CHECK_STR(error.message, "421 4.3.2 going down\\xff");
        postel_result *result = result_new(&envelope, &log, POSTEL_DEFERRED, 1);
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
                REQUIRE(outcome_begin(&log, 1, NULL) == POSTEL_OK);
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
        REQUIRE(outcome_begin(&log, 2, NULL) == POSTEL_OK);
        outcome_recipient(&log, 0, &yes);
        outcome_recipient(&log, 1, &yes);
        outcome_end_sent(&log);
        outcome_accepted(&log, &yes);
        CHECK_STR(log.queue_id, "ABCDEF12");

        postel_error fault = fault_of(POSTEL_IO, POSTEL_PHASE_MAIL, 0, "gone");
        REQUIRE(outcome_begin(&log, 1, NULL) == POSTEL_OK);
        CHECK_STR(log.queue_id, "");
        outcome_lost(&log, &fault);
        CHECK_INT(outcome_verdict(&log, 0)->outcome, POSTEL_OUTCOME_NOT_SENT);
        CHECK_INT(outcome_status(&log, &error), POSTEL_IO);
        CHECK_STR(error.message, "gone");
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
        REQUIRE(outcome_begin(&log, 4, NULL) == POSTEL_OK);
        for (size_t i = 0; i < 4; i++)
                outcome_recipient(&log, i, &replies[i]);
        outcome_end_sent(&log);
        outcome_accepted(&log, &last);
        postel_result *result = result_new(&envelope, &log, POSTEL_PARTIAL, 2);
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
        CHECK_INT(postel_result_attempts(result), 2);
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
                REQUIRE(outcome_begin(&log, 1, NULL) == POSTEL_OK);
                outcome_recipient(&log, 0, &reply);
                postel_result *result = result_new(&envelope, &log, POSTEL_REJECTED, 1);
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
        REQUIRE(outcome_begin(&log, MANY, NULL) == POSTEL_OK);
        for (size_t i = 0; i < MANY; i++)
                outcome_recipient(&log, i, i < MANY / 2 ? &no : &yes);
        outcome_end_sent(&log);
        outcome_accepted(&log, &last);
        CHECK(log.texts.size < 4 * sizeof(text));
        postel_result *result = result_new(envelope, &log, POSTEL_PARTIAL, 1);
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
        REQUIRE(outcome_begin(&log, MANY, NULL) == POSTEL_OK);
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
        postel_result *result = result_new(envelope, &log, POSTEL_PARTIAL, 1);
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
                REQUIRE(outcome_begin(&log, MANY_MAX, NULL) == POSTEL_OK);
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
        postel_result *result = result_new(envelope, &log, POSTEL_REJECTED, 1);
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
