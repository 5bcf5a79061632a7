/* SPDX-License-Identifier: MIT */
/* One connection of a scripted server: awaits what the script expects, replies, and tells what differs. */

#include "dialogue_script.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* At the end of a test all has been written; only a full socket buffer makes it arrive later. */
#define GRACE_MS     500
#define SHOWN_OCTETS 500

enum step { STEP_NEXT, STEP_GONE, STEP_FAULT };
enum arrival { ARRIVED, CLOSED, NOTHING };
enum match { MATCH, PARTIAL, MISMATCH };

void dialogue_die(const char *what)
{
        perror(what);
        abort();
}

struct timespec moment_after_ms(int ms)
{
        struct timespec moment;
        clock_gettime(CLOCK_MONOTONIC, &moment);
        moment.tv_sec += ms / 1000;
        moment.tv_nsec += ms % 1000 * 1000000L;
        if (moment.tv_nsec >= 1000000000L) {
                moment.tv_sec++;
                moment.tv_nsec -= 1000000000L;
        }
        return moment;
}

static int ms_until(struct timespec moment)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t ms = (int64_t)(moment.tv_sec - now.tv_sec) * 1000 + (moment.tv_nsec - now.tv_nsec) / 1000000;
        return ms > 0 ? (int)ms : 0;
}

/* Faults */

static void show(FILE *out, const char *octets, size_t size)
{
        size_t shown = size < SHOWN_OCTETS ? size : SHOWN_OCTETS;
        fputs("    ", out);
        for (size_t i = 0; i < shown; i++) {
                unsigned char octet = (unsigned char)octets[i];
                if (octet == '\r')
                        fputs("\\r", out);
                else if (octet == '\n')
                        fputs(i + 1 < shown ? "\\n\n    " : "\\n", out);
                else if (octet < 0x20 || octet >= 0x7f)
                        fprintf(out, "\\x%02x", octet);
                else
                        fputc(octet, out);
        }
        if (shown < size)
                fprintf(out, " ... (%zu octets more)", size - shown);
        fputc('\n', out);
}

/* Keeps the fault if it is the first. An `exchange` that is not in the script: behind its last. */
static enum step fault(struct connection *connection, size_t exchange, const char *what, const char *want,
        size_t want_size, const char *got, size_t got_size)
{
        struct dialogue *dialogue = connection->dialogue;
        pthread_mutex_lock(&dialogue->lock);
        if (!*dialogue->fault) {
                FILE *out = fmemopen(dialogue->fault, sizeof(dialogue->fault) - 1, "w");
                fprintf(out, "connection %zu, ", connection->number + 1);
                if (exchange < connection->script->count)
                        fprintf(out, "exchange %zu: %s\n", exchange + 1, what);
                else
                        fprintf(out, "after the last exchange: %s\n", what);
                if (want) {
                        fputs("  expected:\n", out);
                        show(out, want, want_size);
                }
                if (got_size > 0) {
                        fputs("  got:\n", out);
                        show(out, got, got_size);
                }
                fclose(out);
        }
        pthread_mutex_unlock(&dialogue->lock);
        return STEP_FAULT;
}

/* Receiving */

static size_t untaken(const struct connection *connection)
{
        return connection->size - connection->taken;
}

static bool is_finishing(struct dialogue *dialogue)
{
        pthread_mutex_lock(&dialogue->lock);
        bool finishing = dialogue->finishing;
        pthread_mutex_unlock(&dialogue->lock);
        return finishing;
}

void connection_keep(struct connection *connection, const char *octets, size_t size)
{
        pthread_mutex_lock(&connection->dialogue->lock);
        if (!connection->received || size > connection->capacity - connection->size) {
                connection->capacity = 2 * (connection->capacity + size) + 512;
                connection->received = realloc(connection->received, connection->capacity);
                if (!connection->received)
                        dialogue_die("realloc");
        }
        memcpy(connection->received + connection->size, octets, size);
        connection->size += size;
        pthread_mutex_unlock(&connection->dialogue->lock);
}

/* Waits for `events`, or until the dialogue finishes (and then for `grace_ms`). */
static bool await_socket(struct connection *connection, short events, int timeout_ms, int grace_ms)
{
        struct pollfd fds[2] = {
                { .fd = connection->fd, .events = events },
                { .fd = connection->dialogue->wake, .events = POLLIN },
        };
        poll(fds, 2, timeout_ms);
        if (!fds[0].revents && fds[1].revents)
                poll(fds, 1, grace_ms);
        return fds[0].revents;
}

static enum arrival receive(struct connection *connection, int timeout_ms, int grace_ms)
{
        char octets[65536];
        if (!await_socket(connection, POLLIN, timeout_ms, grace_ms))
                return NOTHING;
        ssize_t size = recv(connection->fd, octets, sizeof(octets), MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
                return NOTHING;
        if (size <= 0)
                return CLOSED;
        connection_keep(connection, octets, (size_t)size);
        return ARRIVED;
}

/* How far an expectation and what has come agree. */
struct agreement {
        size_t expect; /* octets of the expectation */
        size_t got; /* octets of what has come */
};

/* On a difference, the wildcard before it is given one octet more, within its line. */
static enum match match_text(
        const char *expect, size_t expect_size, const char *octets, size_t size, struct agreement *agreement)
{
        size_t at = 0, i = 0, wildcard = SIZE_MAX, wildcard_end = 0;
        while (i < expect_size) {
                size_t next = i + 1;
                if (expect[i] == '%' && next < expect_size && expect[next] == '%') {
                        next++;
                } else if (expect[i] == '%') {
                        wildcard = i++;
                        wildcard_end = at;
                        continue;
                }
                *agreement = (struct agreement){ i, at };
                if (at == size)
                        return PARTIAL;
                if (octets[at] == expect[i]) {
                        at++;
                        i = next;
                } else if (wildcard != SIZE_MAX && octets[wildcard_end] != '\r' &&
                           octets[wildcard_end] != '\n') {
                        at = ++wildcard_end;
                        i = wildcard + 1;
                } else {
                        return MISMATCH;
                }
        }
        *agreement = (struct agreement){ i, at };
        return MATCH;
}

/* Begins where the last search ended: a long body is searched once, not once for each piece of it. */
static enum match match_skip(
        const char *expect, size_t expect_size, const char *octets, size_t size, struct agreement *agreement)
{
        const char *found = memmem(octets + agreement->got, size - agreement->got, expect, expect_size);
        if (found)
                agreement->got = (size_t)(found - octets) + expect_size;
        else if (size >= expect_size)
                agreement->got = size - expect_size + 1;
        return found ? MATCH : PARTIAL;
}

static enum step expectation_fault(
        struct connection *connection, size_t index, const char *what, const struct agreement *agreement)
{
        const struct exchange *exchange = &connection->script->exchanges[index];
        size_t expect_size = exchange->expect_size ? exchange->expect_size : strlen(exchange->expect);
        size_t expect_at = agreement->expect > SHOWN_OCTETS / 2 ? agreement->expect - SHOWN_OCTETS / 2 : 0;
        size_t got_at =
                agreement->got > SHOWN_OCTETS / 2 && expect_at > 0 ? agreement->got - SHOWN_OCTETS / 2 : 0;
        char text[200];
        snprintf(text, sizeof(text), "%s%s", what, expect_at > 0 ? " (the end of what agrees follows)" : "");
        return fault(connection, index, text, exchange->expect + expect_at, expect_size - expect_at,
                connection->received + connection->taken + got_at, untaken(connection) - got_at);
}

static enum match match_expected(
        const struct connection *connection, const struct exchange *exchange, struct agreement *agreement)
{
        size_t size = exchange->expect_size ? exchange->expect_size : strlen(exchange->expect);
        enum match (*match)(const char *, size_t, const char *, size_t, struct agreement *) =
                exchange->how & DIALOGUE_SKIP ? match_skip : match_text;
        return match(exchange->expect, size, connection->received + connection->taken, untaken(connection),
                agreement);
}

static enum step await_expected(struct connection *connection, size_t index)
{
        const struct exchange *exchange = &connection->script->exchanges[index];
        struct timespec end = moment_after_ms(DIALOGUE_WATCHDOG_MS);
        struct agreement agreement = { 0 };
        enum match match;

        while ((match = match_expected(connection, exchange, &agreement)) == PARTIAL) {
                enum arrival arrival = receive(connection, ms_until(end), GRACE_MS);
                if (arrival == CLOSED)
                        return expectation_fault(
                                connection, index, "the client closes too early", &agreement);
                if (arrival == NOTHING && (ms_until(end) == 0 || is_finishing(connection->dialogue)))
                        return expectation_fault(
                                connection, index, "the client does not say all of it", &agreement);
        }
        if (match == MISMATCH)
                return expectation_fault(connection, index, "the client says something else", &agreement);
        connection->taken += agreement.got;
        return STEP_NEXT;
}

/* Replying */

/* A client that writes before it has read the reply that it must wait for. */
static enum step refuse_more(struct connection *connection, size_t index)
{
        while (receive(connection, 0, 0) == ARRIVED)
                continue;
        if (untaken(connection) == 0)
                return STEP_NEXT;
        return fault(connection, index, "the client does not wait for the reply", NULL, 0,
                connection->received + connection->taken, untaken(connection));
}

static enum step hold(struct connection *connection, size_t index)
{
        struct dialogue *dialogue = connection->dialogue;
        struct timespec end = moment_after_ms(DIALOGUE_WATCHDOG_MS);
        int error = 0;
        pthread_mutex_lock(&dialogue->lock);
        unsigned turn = ++dialogue->holds;
        pthread_cond_broadcast(&dialogue->changed);
        while (dialogue->releases < turn && !dialogue->finishing && !error)
                error = pthread_cond_timedwait(&dialogue->changed, &dialogue->lock, &end);
        bool released = dialogue->releases >= turn, finishing = dialogue->finishing;
        pthread_mutex_unlock(&dialogue->lock);
        if (released)
                return STEP_NEXT;
        if (finishing)
                return STEP_GONE;
        return fault(connection, index, "the held reply was never released", NULL, 0, NULL, 0);
}

/* The client may be gone at any time: whether it should have stayed is seen from what it still had to say. */
static enum step write_octets(struct connection *connection, size_t index, const char *octets, size_t size)
{
        while (size > 0) {
                if (!await_socket(connection, POLLOUT, DIALOGUE_WATCHDOG_MS, 0)) {
                        if (is_finishing(connection->dialogue))
                                return STEP_GONE;
                        return fault(
                                connection, index, "the client does not read the reply", NULL, 0, NULL, 0);
                }
                ssize_t written = send(connection->fd, octets, size, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (written < 0 && errno != EAGAIN && errno != EINTR)
                        return STEP_GONE;
                if (written > 0) {
                        octets += written;
                        size -= (size_t)written;
                }
        }
        return STEP_NEXT;
}

static enum step reply(struct connection *connection, size_t index)
{
        const struct exchange *exchange = &connection->script->exchanges[index];
        size_t size = exchange->reply_size ? exchange->reply_size : strlen(exchange->reply);
        if (!(exchange->how & DIALOGUE_DRIP))
                return write_octets(connection, index, exchange->reply, size);

        struct pollfd wake = { .fd = connection->dialogue->wake, .events = POLLIN };
        for (size_t i = 0; i < size; i++) {
                enum step step = write_octets(connection, index, exchange->reply + i, 1);
                if (step != STEP_NEXT)
                        return step;
                if (exchange->pause_ms > 0 && poll(&wake, 1, exchange->pause_ms) > 0)
                        return STEP_GONE;
        }
        return STEP_NEXT;
}

static enum step run_exchange(struct connection *connection, size_t index)
{
        const struct exchange *exchange = &connection->script->exchanges[index];
        bool waits = (exchange->expect || index == 0) && !(exchange->how & DIALOGUE_EARLY);
        enum step step = STEP_NEXT;
        if (exchange->expect)
                step = await_expected(connection, index);
        if (step == STEP_NEXT && exchange->how & DIALOGUE_HOLD)
                step = hold(connection, index);
        if (step == STEP_NEXT && waits)
                step = refuse_more(connection, index);
        if (step == STEP_NEXT && exchange->reply)
                step = reply(connection, index);
        return step;
}

/* Connections */

static void mark_ended(struct connection *connection)
{
        pthread_mutex_lock(&connection->dialogue->lock);
        connection->ended = true;
        pthread_cond_broadcast(&connection->dialogue->changed);
        pthread_mutex_unlock(&connection->dialogue->lock);
}

/* Reads on until the client closes or the test ends: whatever it still says is too much. */
static void await_close(struct connection *connection, unsigned how)
{
        size_t after = connection->script->count;
        int timeout_ms = how & DIALOGUE_AWAIT_CLOSE ? DIALOGUE_WATCHDOG_MS : -1;
        for (;;) {
                enum arrival arrival = receive(connection, timeout_ms, timeout_ms > 0 ? GRACE_MS : 0);
                if (how & DIALOGUE_EARLY)
                        connection->taken = connection->size;
                if (untaken(connection) > 0) {
                        fault(connection, after, "the client says more", NULL, 0,
                                connection->received + connection->taken, untaken(connection));
                        return;
                }
                if (arrival == CLOSED)
                        return;
                if (arrival == NOTHING && timeout_ms > 0)
                        fault(connection, after, "the client does not close", NULL, 0, NULL, 0);
                if (arrival == NOTHING && (timeout_ms > 0 || is_finishing(connection->dialogue)))
                        return;
        }
}

/* Everything of the script that is left when the client has gone was never said. */
static enum step run_script(struct connection *connection, unsigned *how)
{
        const struct script *script = connection->script;
        for (size_t i = 0; i < script->count; i++) {
                enum step step = run_exchange(connection, i);
                *how = script->exchanges[i].how;
                if (step == STEP_GONE && i + 1 < script->count)
                        return fault(connection, i, "the client was gone, or the test over, before the reply",
                                NULL, 0, NULL, 0);
                if (step == STEP_FAULT)
                        return step;
        }
        return STEP_NEXT;
}

void *connection_run(void *argument)
{
        struct connection *connection = argument;
        unsigned how = 0;
        enum step step = run_script(connection, &how);

        if (step == STEP_NEXT && how & DIALOGUE_RESET) {
                struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
                setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        } else if (step == STEP_NEXT) {
                /* Half, so that the reply is not lost to a reset by what the client may still write. */
                if (how & DIALOGUE_CLOSE)
                        shutdown(connection->fd, SHUT_WR);
                mark_ended(connection);
                await_close(connection, how);
        }
        close(connection->fd);
        mark_ended(connection);
        return NULL;
}
