/* SPDX-License-Identifier: MIT */
/* The scripted server against a client of bare sockets: what it lets pass and what it reports. */

#include "dialogue.h"
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int dial(const struct dialogue *dialogue)
{
        struct sockaddr_in address = { .sin_family = AF_INET,
                .sin_port = htons((uint16_t)dialogue_port(dialogue)),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct timeval limit = { .tv_sec = 20 };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
        return fd;
}

static void say_octets(int fd, const char *octets, size_t size)
{
        CHECK(send(fd, octets, size, MSG_NOSIGNAL) == (ssize_t)size);
}

static void say(int fd, const char *text)
{
        say_octets(fd, text, strlen(text));
}

/* Whether exactly this comes next. */
static bool hears(int fd, const char *text)
{
        char octets[512];
        size_t size = strlen(text);
        return recv(fd, octets, size, MSG_WAITALL) == (ssize_t)size && memcmp(octets, text, size) == 0;
}

static bool hears_end(int fd)
{
        char octet;
        return recv(fd, &octet, 1, 0) == 0;
}

static bool has(const char *fault, const char *text)
{
        return fault && strstr(fault, text);
}

static const struct exchange session[] = {
        { NULL, "220 ready\r\n" },
        { "EHLO %\r\n", "250-x\r\n250 PIPELINING\r\n" },
        { "MAIL FROM:<a%%b@x>\r\nRCPT TO:<%>\r\nDATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n" },
        { "Subject: x\r\n\r\nhi\r\n.\r\n", "250 queued\r\n" },
        { "QUIT\r\n", "221 bye\r\n", DIALOGUE_CLOSE },
};

static void says_session(int fd, const char *recipient)
{
        CHECK(hears(fd, "220 ready\r\n"));
        say(fd, "EHLO client.example\r\n");
        CHECK(hears(fd, "250-x\r\n250 PIPELINING\r\n"));
        say(fd, "MAIL FROM:<a%b@x>\r\nRCPT TO:<");
        say(fd, recipient);
        say(fd, ">\r\nDATA\r\n");
        CHECK(hears(fd, "250 ok\r\n250 ok\r\n354 go\r\n"));
        say(fd, "Subject: x\r\n\r\nhi\r\n.\r\n");
        CHECK(hears(fd, "250 queued\r\n"));
        say(fd, "QUIT\r\n");
        CHECK(hears(fd, "221 bye\r\n"));
        CHECK(hears_end(fd));
}

static void passes_what_is_written(void)
{
        struct dialogue *dialogue = dialogue_start(session, COUNT(session));
        int fd = dial(dialogue);
        says_session(fd, "b@x");
        close(fd);
        CHECK(dialogue_await_end(dialogue, 0));
        size_t size;
        char *received = dialogue_received(dialogue, 0, &size);
        CHECK(size == strlen(received));
        CHECK(has(received, "RCPT TO:<b@x>\r\n"));
        free(received);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
        CHECK(dialogue == NULL);
}

static void tells_other_words(void)
{
        struct dialogue *dialogue = dialogue_start(session, COUNT(session));
        int fd = dial(dialogue);
        CHECK(hears(fd, "220 ready\r\n"));
        say(fd, "HELO client.example\r\n");
        CHECK(!hears(fd, "2"));
        close(fd);
        const char *fault = dialogue_finish(&dialogue);
        CHECK(has(fault, "connection 1, exchange 2: the client says something else"));
        CHECK(has(fault, "expected:\n    EHLO %\\r\\n\n"));
        CHECK(has(fault, "got:\n    HELO client.example\\r\\n\n"));
}

static void tells_the_place_in_a_long_text(void)
{
        char expect[3001], got[3001];
        memset(expect, 'x', 3000);
        expect[3000] = '\0';
        memcpy(got, expect, sizeof(got));
        got[2000] = 'y';
        const struct exchange script[] = { { expect, "250 ok\r\n" } };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        int fd = dial(dialogue);
        say(fd, got);
        CHECK(!hears(fd, "2"));
        close(fd);
        CHECK(has(dialogue_finish(&dialogue), "xyx"));
}

static void tells_an_early_end(void)
{
        struct dialogue *dialogue = dialogue_start(session, COUNT(session));
        int fd = dial(dialogue);
        CHECK(hears(fd, "220 ready\r\n"));
        say(fd, "EHLO clie");
        close(fd);
        const char *fault = dialogue_finish(&dialogue);
        CHECK(has(fault, "exchange 2: the client closes too early"));
        CHECK(has(fault, "EHLO clie\n"));
}

static void tells_silence(void)
{
        struct dialogue *dialogue = dialogue_start(session, COUNT(session));
        int fd = dial(dialogue);
        CHECK(hears(fd, "220 ready\r\n"));
        CHECK(has(dialogue_finish(&dialogue), "exchange 2: the client does not say all of it"));
        close(fd);
}

static void tells_words_behind_the_end(void)
{
        static const struct exchange script[] = { { NULL, "220 ready\r\n" }, { "QUIT\r\n", "221 bye\r\n" } };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        int fd = dial(dialogue);
        CHECK(hears(fd, "220 ready\r\n"));
        say(fd, "QUIT\r\n");
        CHECK(hears(fd, "221 bye\r\n"));
        say(fd, "NOOP\r\n");
        const char *fault = dialogue_finish(&dialogue);
        CHECK(has(fault, "after the last exchange: the client says more"));
        CHECK(has(fault, "NOOP\\r\\n"));
        close(fd);
}

static void tells_who_does_not_wait(void)
{
        static const struct exchange script[] = { { "MAIL\r\n", "250 ok\r\n" },
                { "RCPT\r\n", "250 ok\r\n" } };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        int fd = dial(dialogue);
        say(fd, "MAIL\r\nRCPT\r\n");
        CHECK(!hears(fd, "2"));
        close(fd);
        CHECK(has(dialogue_finish(&dialogue), "exchange 1: the client does not wait for the reply"));
}

static void early_lets_the_client_write_on(void)
{
        static const struct exchange script[] = {
                { "BODY\r\n", "552 too big\r\n", DIALOGUE_EARLY },
                { "MORE\r\n", "421 bye\r\n", DIALOGUE_EARLY | DIALOGUE_CLOSE },
        };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        int fd = dial(dialogue);
        say(fd, "BODY\r\nMORE\r\nREST\r\n");
        CHECK(hears(fd, "552 too big\r\n421 bye\r\n"));
        CHECK(hears_end(fd));
        say(fd, "REST\r\n");
        close(fd);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void holds_until_released(void)
{
        static const struct exchange script[] = {
                { NULL, "220 ready\r\n", DIALOGUE_HOLD },
                { "NOOP\r\n", "250 ok\r\n", DIALOGUE_HOLD },
        };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        int fd = dial(dialogue);
        struct pollfd client = { .fd = fd, .events = POLLIN };
        CHECK(dialogue_await_hold(dialogue));
        CHECK(poll(&client, 1, 0) == 0);
        dialogue_release(dialogue);
        CHECK(hears(fd, "220 ready\r\n"));
        say(fd, "NOOP\r\n");
        CHECK(dialogue_await_hold(dialogue));
        CHECK(poll(&client, 1, 0) == 0);
        close(fd);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void holds_what_must_not_be_said_ahead(void)
{
        static const struct exchange script[] = { { "DATA\r\n", "354 go\r\n", DIALOGUE_HOLD } };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        int fd = dial(dialogue);
        say(fd, "DATA\r\n");
        CHECK(dialogue_await_hold(dialogue));
        say(fd, "Subject: x\r\n");
        dialogue_release(dialogue);
        CHECK(has(dialogue_finish(&dialogue), "does not wait"));
        close(fd);
}

static void resets(void)
{
        static const struct exchange script[] = { { "NOOP\r\n", NULL, DIALOGUE_RESET } };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        int fd = dial(dialogue);
        char octet;
        say(fd, "NOOP\r\n");
        CHECK(dialogue_await_end(dialogue, 0));
        CHECK(recv(fd, &octet, 1, 0) < 0 && errno == ECONNRESET);
        close(fd);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void closes_as_soon_as_said(void)
{
        static const struct exchange script[] = { { NULL, "421 bye\r\n", DIALOGUE_CLOSE } };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        int fd = dial(dialogue);
        struct pollfd client = { .fd = fd, .events = POLLRDHUP };
        CHECK(dialogue_await_end(dialogue, 0));
        CHECK(poll(&client, 1, 0) == 1 && client.revents & POLLRDHUP);
        CHECK(hears(fd, "421 bye\r\n"));
        CHECK(hears_end(fd));
        close(fd);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void awaits_the_client_to_close(void)
{
        static const struct exchange script[] = { { NULL, "554 no\r\n", DIALOGUE_AWAIT_CLOSE } };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        int fd = dial(dialogue);
        CHECK(hears(fd, "554 no\r\n"));
        close(fd);
        CHECK_STR(dialogue_finish(&dialogue), NULL);

        dialogue = dialogue_start(script, COUNT(script));
        fd = dial(dialogue);
        CHECK(hears(fd, "554 no\r\n"));
        CHECK(has(dialogue_finish(&dialogue), "the client does not close"));
        close(fd);
}

static void drips(void)
{
        static const struct exchange script[] = {
                { "NOOP\r\n", "250-a\r\n250 b\r\n", DIALOGUE_DRIP, .pause_ms = 1 },
                { "QUIT\r\n", "221 bye\r\n", DIALOGUE_DRIP, .pause_ms = 3600000 },
        };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        int fd = dial(dialogue);
        char first[2];
        say(fd, "NOOP\r\n");
        CHECK(hears(fd, "250-a\r\n250 b\r\n"));
        say(fd, "QUIT\r\n");
        CHECK_INT(recv(fd, first, sizeof(first), 0), 1);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
        close(fd);
}

static void skips_to_the_end_of_a_body(void)
{
        static const struct exchange script[] = { { "\r\n.\r\n", "250 ok\r\n", DIALOGUE_SKIP } };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        int fd = dial(dialogue);
        static const char piece[8192];
        for (int i = 0; i < 256; i++)
                say_octets(fd, piece, sizeof(piece));
        say(fd, "\r\n.\r");
        say(fd, "\n");
        CHECK(hears(fd, "250 ok\r\n"));
        close(fd);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void knows_octets_that_are_nul(void)
{
        static const struct exchange script[] = { { "a\0b\n",
                "2\0"
                "0\n",
                .expect_size = 4, .reply_size = 4 } };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        int fd = dial(dialogue);
        char reply[4];
        say_octets(fd, "a\0b\n", 4);
        CHECK(recv(fd, reply, 4, MSG_WAITALL) == 4 && memcmp(reply,
                                                              "2\0"
                                                              "0\n",
                                                              4) == 0);
        close(fd);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void serves_connections_side_by_side(void)
{
        static const struct exchange other[] = { { NULL, "421 busy\r\n", DIALOGUE_CLOSE } };
        static const struct script scripts[] = { SCRIPT(session), SCRIPT(session), SCRIPT(other) };
        struct dialogue *dialogue = dialogue_start_many(scripts, COUNT(scripts), 4096);
        int first = dial(dialogue), second = dial(dialogue), third = dial(dialogue);
        CHECK(hears(third, "421 busy\r\n"));
        CHECK(hears_end(third));
        says_session(second, "second@x");
        says_session(first, "first@x");
        CHECK(dialogue_connections(dialogue) == 3);
        char *received = dialogue_received(dialogue, 1, NULL);
        CHECK(has(received, "second@x"));
        free(received);
        close(first);
        close(second);
        close(third);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void counts_connections(void)
{
        static const struct exchange greeting[] = { { NULL, "220 ready\r\n" } };
        static const struct script scripts[] = { SCRIPT(greeting), SCRIPT(greeting) };
        struct dialogue *dialogue = dialogue_start_many(scripts, COUNT(scripts), 0);
        int first = dial(dialogue);
        CHECK(has(dialogue_finish(&dialogue), "1 connections of 2"));
        close(first);

        dialogue = dialogue_start(greeting, COUNT(greeting));
        first = dial(dialogue);
        int second = dial(dialogue);
        CHECK(hears_end(second));
        CHECK(has(dialogue_finish(&dialogue), "once more after 1 connections"));
        close(first);
        close(second);
}

static const struct test tests[] = {
        { "passes what is written", passes_what_is_written },
        { "tells other words, with what was expected", tells_other_words },
        { "tells the place in a long text", tells_the_place_in_a_long_text },
        { "tells a client that closes too early", tells_an_early_end },
        { "tells a client that falls silent", tells_silence },
        { "tells words behind the end", tells_words_behind_the_end },
        { "tells a client that does not wait for a reply", tells_who_does_not_wait },
        { "an early reply lets the client write on", early_lets_the_client_write_on },
        { "holds a reply until it is released, or the end", holds_until_released },
        { "tells what was said ahead of a held reply", holds_what_must_not_be_said_ahead },
        { "resets", resets },
        { "closes as soon as all is said", closes_as_soon_as_said },
        { "awaits the client to close", awaits_the_client_to_close },
        { "drips", drips },
        { "skips to the end of a body", skips_to_the_end_of_a_body },
        { "knows octets that are NUL", knows_octets_that_are_nul },
        { "serves connections side by side", serves_connections_side_by_side },
        { "tells connections too many or too few", counts_connections },
};

int main(void)
{
        return harness_run("dialogue", tests, COUNT(tests));
}
