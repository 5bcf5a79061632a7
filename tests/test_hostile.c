/* SPDX-License-Identifier: MIT */
/*
 * A server, and a machine, that fail at every place there is. Three dialogues are recorded below; the server
 * says its replies octet for octet up to a place, and then fails in one of five ways. Besides, each
 * allocation of the library fails in turn. Whatever fails: the call ends, what it says is true, and nothing
 * is left behind.
 */

#include "dialogue.h"
#include "harness.h"

#include <postel/postel.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TIMEOUT_MS 8000
#define STALL_MS   250
#define SLACK_MS   4000

/* ---- The dialogue ---- */

#define BODY "Subject: x\r\n\r\nhi\r\n"

enum { TO_COUNT = 2 };
static const char *const to[TO_COUNT] = { "a@x.example", "b@x.example" };

enum { GREETING, EHLO, EXCHANGES_MAX = 6 };

#define ENVELOPE "MAIL FROM:<s@x.example> SIZE=18\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\n"
#define QUEUED   "250 queued\r\n"

/* A message to two, of whom the second is refused; in front of it, perhaps, one that shows that BDAT works.
 */
struct record {
        const char *name;
        const char *end; /* what was written when the content was, whole */
        bool warms; /* there is another message in front */
        int before; /* the last exchange before the message begins */
        int before_content; /* the last before its content does */
        int flight; /* where the second recipient is refused */
        int final, quit; /* the exchange whose reply ends with the final one, and the last */
        struct exchange exchanges[EXCHANGES_MAX];
};

static const struct record by_data = { "DATA", "\r\n.\r\n", false, EHLO, 2, 2, 3, 4,
        {
                [GREETING] = { NULL, "220 server.example ready\r\n" },
                [EHLO] = { "EHLO client.example\r\n",
                        "250-server.example\r\n250-PIPELINING\r\n250 SIZE 1000\r\n" },
                { ENVELOPE "DATA\r\n", "250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n" },
                { BODY ".\r\n", QUEUED },
                { "QUIT\r\n", "221 bye\r\n" },
        } };
static const struct record by_bdat = { "BDAT", BODY, false, EHLO, 2, 2, 3, 4,
        {
                [GREETING] = { NULL, "220 server.example ready\r\n" },
                [EHLO] = { "EHLO client.example\r\n",
                        "250-server.example\r\n250-CHUNKING\r\n250-PIPELINING\r\n250 SIZE 1000\r\n" },
                { ENVELOPE, "250 ok\r\n250 ok\r\n550 no\r\n" },
                { "BDAT 18 LAST\r\n" BODY, QUEUED },
                { "QUIT\r\n", "221 bye\r\n" },
        } };
/* The content in the flight of its envelope. */
static const struct record by_riding_bdat = { "BDAT that rides", BODY, true, 3, 3, 4, 4, 5,
        {
                [GREETING] = { NULL, "220 server.example ready\r\n" },
                [EHLO] = { "EHLO client.example\r\n",
                        "250-server.example\r\n250-CHUNKING\r\n250-PIPELINING\r\n250 SIZE 1000\r\n" },
                { "MAIL FROM:<s@x.example> SIZE=18\r\nRCPT TO:<a@x.example>\r\n", "250 ok\r\n250 ok\r\n" },
                { "BDAT 18 LAST\r\n" BODY, "250 ok\r\n" },
                { ENVELOPE "BDAT 18 LAST\r\n" BODY, "250 ok\r\n250 ok\r\n550 no\r\n" QUEUED },
                { "QUIT\r\n", "221 bye\r\n" },
        } };
static const struct record *const records[] = { &by_data, &by_bdat, &by_riding_bdat };
static const struct record *record; /* the present one */

/* Octets that the server says up to and with that exchange. */
static size_t octets_through(int exchange)
{
        size_t octets = 0;
        for (int i = 0; i <= exchange; i++)
                octets += strlen(record->exchanges[i].reply);
        return octets;
}

/* The same up to and with the refusal of the second recipient. */
static size_t octets_through_refusal(void)
{
        const char *reply = record->exchanges[record->flight].reply;

        return octets_through(record->flight - 1) + (size_t)(strstr(reply, "550 no\r\n") - reply) +
               strlen("550 no\r\n");
}

/* ---- What the linker puts in front ---- */

static _Thread_local long countdown; /* 1: the next allocation fails; 0: none does */
static _Thread_local bool all_fail; /* from then on */
static _Thread_local char written[1000]; /* what the system took from this thread for a socket */
static _Thread_local size_t written_size;

static bool must_fail(void)
{
        if (!countdown || (countdown > 1 && countdown--))
                return false;
        if (!all_fail)
                countdown = 0;
        errno = ENOMEM;
        return true;
}

#define WRAP(type, name, arguments)   \
        type __real_##name arguments; \
        type __wrap_##name arguments; \
        type __wrap_##name arguments

WRAP(void *, malloc, (size_t size))
{
        return must_fail() ? NULL : __real_malloc(size);
}

WRAP(void *, calloc, (size_t count, size_t size))
{
        return must_fail() ? NULL : __real_calloc(count, size);
}

WRAP(void *, realloc, (void *memory, size_t size))
{
        return must_fail() ? NULL : __real_realloc(memory, size);
}

WRAP(void *, reallocarray, (void *memory, size_t count, size_t size))
{
        return must_fail() ? NULL : __real_reallocarray(memory, count, size);
}

WRAP(char *, strdup, (const char *text))
{
        return must_fail() ? NULL : __real_strdup(text);
}

WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags))
{
        ssize_t sent = __real_sendmsg(fd, message, flags);
        size_t left = sent > 0 ? (size_t)sent : 0;

        for (size_t i = 0; left; i++) {
                size_t part = message->msg_iov[i].iov_len < left ? message->msg_iov[i].iov_len : left;
                REQUIRE(part < sizeof(written) - written_size);
                memcpy(written + written_size, message->msg_iov[i].iov_base, part);
                written_size += part;
                left -= part;
        }
        return sent;
}

static void forget_written(void)
{
        memset(written, 0, sizeof(written));
        written_size = 0;
}

static bool end_was_written(void)
{
        return strstr(written, record->end);
}

/* The message in front, if there is one. Nothing fails in it, and what it writes is none of the other. */
static void warm(postel_connection *connection)
{
        long held = countdown;

        if (!record->warms)
                return;
        countdown = 0;
        REQUIRE(postel_send(connection, "s@x.example", to, 1, BODY, strlen(BODY), TIMEOUT_MS, NULL, NULL) ==
                POSTEL_OK);
        countdown = held;
        forget_written();
}

/* ---- What a call says, and what is true ---- */

struct account {
        postel_status connected, sent;
        postel_result *result;
        postel_error error;
        bool closed; /* a call after the fault said CLOSED */
        bool in_time;
};

static long long now_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static postel_config *config_for(struct dialogue *dialogue)
{
        postel_config *config = postel_config_new();
        if (!config)
                return NULL;
        postel_config_set_host(config, "127.0.0.1");
        postel_config_set_port(config, dialogue_port(dialogue));
        postel_config_set_tls(config, POSTEL_TLS_NONE);
        postel_config_set_ehlo_name(config, "client.example");
        return config;
}

/* The time that each call has: little for the one that is stalled. */
struct times {
        int connect_ms, send_ms, close_ms;
};

/* Connects, sends, closes; after a fault it sends in vain once more. */
static struct account live(struct dialogue *dialogue, struct times times)
{
        struct account account = { .sent = POSTEL_CLOSED, .closed = true };
        postel_config *config = config_for(dialogue);
        postel_connection *connection = NULL;
        long long since_ms = now_ms();

        REQUIRE(postel_connection_new(config, &connection, &account.error) == POSTEL_OK);
        postel_config_free(&config);
        account.connected = postel_connect(connection, times.connect_ms, &account.error);
        if (account.connected == POSTEL_OK)
                warm(connection);
        if (account.connected == POSTEL_OK)
                account.sent = postel_send(connection, "s@x.example", to, TO_COUNT, BODY, strlen(BODY),
                        times.send_ms, &account.result, &account.error);
        if (account.sent != POSTEL_PARTIAL)
                account.closed = postel_connection_state(connection) == POSTEL_STATE_CLOSED &&
                                 postel_connection_noop(connection, TIMEOUT_MS, NULL) == POSTEL_CLOSED &&
                                 postel_send(connection, "s@x.example", to, TO_COUNT, BODY, strlen(BODY),
                                         TIMEOUT_MS, NULL, NULL) == POSTEL_CLOSED;
        CHECK_INT(postel_connection_close(connection, times.close_ms, NULL), POSTEL_OK);
        account.in_time = now_ms() - since_ms < STALL_MS + SLACK_MS;
        postel_connection_free(&connection);
        return account;
}

/* ---- The fault matrix ---- */

struct fault {
        const char *name;
        const char *words; /* said at the place; NULL: none */
        unsigned how;
        postel_status status; /* before the end of the content, at the beginning of a reply */
};

static const struct fault faults[] = {
        { "the end", NULL, DIALOGUE_CLOSE, POSTEL_IO },
        { "a reset", NULL, DIALOGUE_RESET, POSTEL_IO },
        { "garbage", "\r\x16\x03\x01\r\n", DIALOGUE_AWAIT_CLOSE, POSTEL_PROTOCOL },
        { "a 421", "421 4.3.2 no more\r\n", DIALOGUE_CLOSE, POSTEL_DEFERRED },
};
static const struct fault stall = { "a stall", NULL, DIALOGUE_AWAIT_CLOSE, POSTEL_TIMEOUT };

/* The recorded exchanges as far as the server comes in `octets`, and then the fault. */
struct cut {
        struct exchange exchanges[EXCHANGES_MAX];
        struct script script;
        char last[200];
};

static void cut_at(struct cut *cut, size_t octets, const struct fault *fault)
{
        int last = 0;
        size_t before = 0;

        while (octets > octets_through(last))
                before = octets_through(last++);
        memcpy(cut->exchanges, record->exchanges, sizeof(record->exchanges));
        snprintf(cut->last, sizeof(cut->last), "%.*s%s", (int)(octets - before),
                record->exchanges[last].reply, fault->words ? fault->words : "");
        cut->exchanges[last].reply = *cut->last ? cut->last : NULL;
        cut->exchanges[last].how = fault->how | DIALOGUE_EARLY;
        cut->script = (struct script){ cut->exchanges, (size_t)last + 1 };
}

/* Where in what the server says a place is. */
enum place { REPLY_BEGINS, LINE_BEGINS, WITHIN_TEXT, ELSEWHERE };

static const char *all_replies(void)
{
        static char said[1000];
        *said = '\0';
        for (int i = 0; i <= record->quit; i++)
                strcat(said, record->exchanges[i].reply);
        return said;
}

static enum place place_of(size_t octets)
{
        const char *said = all_replies();
        size_t line = octets;
        while (line && said[line - 1] != '\n')
                line--;
        if (line < octets)
                return octets - line > 3 && said[octets - 1] != '\r' ? WITHIN_TEXT : ELSEWHERE;
        size_t before = line ? line - 1 : 0;
        while (before && said[before - 1] != '\n')
                before--;
        return line && said[before + 3] == '-' ? LINE_BEGINS : REPLY_BEGINS;
}

/* Replies that the client has, as octets of the record: words within a text are a part of it. */
static size_t heard(size_t octets, const struct fault *fault)
{
        if (fault->status != POSTEL_DEFERRED || place_of(octets) != WITHIN_TEXT)
                return octets;
        return octets + strcspn(all_replies() + octets, "\n") + 1;
}

/* What the client says of it, as long as the end of the content was not sent. */
static postel_status status_of(size_t octets, const struct fault *fault)
{
        if (fault->status != POSTEL_DEFERRED || place_of(octets) == REPLY_BEGINS)
                return fault->status;
        return place_of(octets) == WITHIN_TEXT ? POSTEL_IO : POSTEL_PROTOCOL;
}

/* Replies come in order: a 421 in place of one before the final one says that nothing was taken. */
static bool is_certainly_not_taken(size_t octets, postel_status before_end)
{
        return before_end == POSTEL_DEFERRED && octets + strlen(QUEUED) < octets_through(record->final);
}

static void check_account(const struct account *account, size_t octets, postel_status before_end)
{
        postel_outcome outcome = POSTEL_OUTCOME_NOT_SENT;
        postel_status status = before_end;

        if (octets >= octets_through(record->final)) {
                outcome = POSTEL_OUTCOME_ACCEPTED;
                status = POSTEL_PARTIAL;
        } else if (end_was_written() && !is_certainly_not_taken(octets, before_end)) {
                outcome = POSTEL_OUTCOME_UNKNOWN;
                status = POSTEL_UNKNOWN;
        }
        REQUIRE(account->result != NULL);
        CHECK_STR(postel_status_name(account->sent), postel_status_name(status));
        CHECK_INT(postel_result_status(account->result), account->sent);
        CHECK_STR(postel_outcome_name(postel_result_recipient_outcome(account->result, 0)),
                postel_outcome_name(outcome));
        CHECK_STR(postel_outcome_name(postel_result_recipient_outcome(account->result, 1)),
                postel_outcome_name(octets >= octets_through_refusal() ? POSTEL_OUTCOME_REJECTED : outcome));
        if (octets < octets_through(record->before_content))
                CHECK(!end_was_written());
        else if (octets > octets_through(record->before_content))
                CHECK(end_was_written());
}

static void check_unconnected(const struct account *account, postel_status status)
{
        /* A reset may be there before connect() has ended. */
        if (status == POSTEL_IO && account->connected == POSTEL_CONNECT)
                return;
        CHECK_STR(postel_status_name(account->connected), postel_status_name(status));
        CHECK(!strstr(written, "MAIL"));
}

static void run_fault(size_t octets, const struct fault *fault)
{
        static struct cut cut;
        struct times times = { TIMEOUT_MS, TIMEOUT_MS, TIMEOUT_MS };
        if (fault->status == POSTEL_TIMEOUT) {
                int *stalled = octets < octets_through(EHLO)            ? &times.connect_ms
                               : octets < octets_through(record->final) ? &times.send_ms
                                                                        : &times.close_ms;
                *stalled = STALL_MS;
        }
        cut_at(&cut, octets, fault);
        struct dialogue *dialogue = dialogue_start_many(&cut.script, 1, 0);
        harness_row("%s, %s after %zu octets", record->name, fault->name, octets);
        forget_written();
        struct account account = live(dialogue, times);
        CHECK(account.in_time);
        CHECK(account.closed);
        size_t octets_heard = heard(octets, fault);
        CHECK_INT(account.connected == POSTEL_OK, octets_heard >= octets_through(EHLO));
        if (account.connected == POSTEL_OK)
                check_account(&account, octets_heard, status_of(octets, fault));
        else
                check_unconnected(&account, status_of(octets, fault));
        postel_result_free(&account.result);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

/* What is in front of the message is the same everywhere, and has been met in another record. */
static size_t first_octets(void)
{
        return record->warms ? octets_through(record->before) : 0;
}

static void survives_faults_at_every_octet(void)
{
        for (size_t r = 0; r < COUNT(records); r++) {
                record = records[r];
                for (size_t octets = first_octets(); octets <= octets_through(record->quit); octets++)
                        for (size_t i = 0; i < COUNT(faults); i++)
                                run_fault(octets, &faults[i]);
        }
}

static void survives_stalls_around_every_reply(void)
{
        for (size_t r = 0; r < COUNT(records); r++) {
                record = records[r];
                for (size_t octets = first_octets(); octets < octets_through(record->quit); octets++)
                        if (place_of(octets) <= LINE_BEGINS || place_of(octets + 1) <= LINE_BEGINS ||
                                (octets && place_of(octets - 1) <= LINE_BEGINS))
                                run_fault(octets, &stall);
        }
}

/* ---- Allocations that fail ---- */

/* Everything that a caller does, with what it owns freed at the end. */
static struct account live_without_memory(struct dialogue *dialogue)
{
        struct account account = { .connected = POSTEL_MEMORY, .sent = POSTEL_CLOSED };
        postel_connection *connection = NULL;
        postel_config *config = config_for(dialogue);
        postel_envelope *envelope = NULL;
        postel_message *message = NULL;

        if (config)
                account.connected = postel_connection_new(config, &connection, &account.error);
        postel_config_free(&config);
        if (connection)
                account.connected = postel_connect(connection, TIMEOUT_MS, &account.error);
        if (account.connected == POSTEL_OK) {
                warm(connection);
                account.sent = POSTEL_MEMORY;
                envelope = postel_envelope_new("s@x.example");
                message = postel_message_from_memory(BODY, strlen(BODY));
        }
        for (size_t i = 0; envelope && i < TO_COUNT; i++)
                postel_envelope_add_recipient(envelope, to[i]);
        if (envelope && message)
                account.sent = postel_send_with_params(
                        connection, envelope, message, TIMEOUT_MS, &account.result, &account.error);
        if (connection)
                postel_connection_close(connection, TIMEOUT_MS, NULL);
        postel_connection_free(&connection);
        postel_envelope_free(&envelope);
        postel_message_free(&message);
        return account;
}

/* False: everything went well, and no allocation failed any more. */
static bool run_without_memory(long failing, bool from_then_on)
{
        struct dialogue *dialogue = dialogue_start(record->exchanges, (size_t)record->quit + 1);

        harness_row("%s, allocation %ld%s", record->name, failing, from_then_on ? " and all behind it" : "");
        forget_written();
        all_fail = from_then_on;
        countdown = failing;
        struct account account = live_without_memory(dialogue);
        bool failed = from_then_on ? countdown == 1 : countdown == 0;
        countdown = 0;

        CHECK(account.connected == POSTEL_OK || account.connected == POSTEL_MEMORY);
        if (account.connected == POSTEL_OK) {
                CHECK(account.sent == POSTEL_PARTIAL || account.sent == POSTEL_MEMORY ||
                        account.sent == POSTEL_UNKNOWN);
                CHECK_INT(end_was_written(), account.sent != POSTEL_MEMORY);
        }
        if (account.result)
                CHECK_INT(postel_result_status(account.result), account.sent);
        if (!failed)
                CHECK_STR(postel_status_name(account.sent), "PARTIAL");
        postel_result_free(&account.result);
        dialogue_finish(&dialogue);
        return failed;
}

static void fail_in_turn(bool from_then_on)
{
        for (size_t r = 0; r < COUNT(records); r++) {
                long failing = 1;
                record = records[r];
                while (run_without_memory(failing, from_then_on))
                        failing++;
                CHECK(failing > 10);
        }
}

static void survives_each_allocation_that_fails(void)
{
        fail_in_turn(false);
}

static void survives_without_memory_from_anywhere_on(void)
{
        fail_in_turn(true);
}

static const struct test tests[] = {
        { "survives faults at every octet", survives_faults_at_every_octet },
        { "survives stalls around every reply", survives_stalls_around_every_reply },
        { "survives each allocation that fails", survives_each_allocation_that_fails },
        { "survives without memory from anywhere on", survives_without_memory_from_anywhere_on },
};

int main(void)
{
        return harness_run("hostile", tests, COUNT(tests));
}
