/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DIALOGUE_H
#define TESTS_DIALOGUE_H

/*
 * A scripted server on 127.0.0.1, so that a test shows its whole dialogue on one screen:
 *
 *     static const struct exchange script[] = {
 *             { NULL, "220 ready\r\n" },
 *             { "EHLO %\r\n", "250-x\r\n250 PIPELINING\r\n" },
 *             { "MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n" },
 *             { "Subject: x\r\n\r\nhi\r\n.\r\n", "250 queued\r\n" },
 *             { "QUIT\r\n", "221 bye\r\n", DIALOGUE_CLOSE },
 *     };
 *     struct dialogue *dialogue = dialogue_start(script, 5);
 *     ... a client talks to dialogue_port(dialogue) ...
 *     CHECK_STR(dialogue_finish(&dialogue), NULL);
 *
 * Every wait of the server ends after DIALOGUE_WATCHDOG_MS, so that a broken client makes a fault and no
 * hang.
 */

#include <stdbool.h>
#include <stddef.h>

#define DIALOGUE_WATCHDOG_MS 10000

/* How an exchange differs from "await all of `expect`, then write `reply`"; joined by `|`. */
enum {
        DIALOGUE_CLOSE = 1, /* the server closes behind the reply; what the client still writes is a fault */
        DIALOGUE_RESET = 2, /* behind the reply the connection is reset (RST) */
        DIALOGUE_AWAIT_CLOSE = 4, /* behind the reply the client must close and say nothing */
        DIALOGUE_HOLD = 8, /* the reply waits for dialogue_release(); nothing is read meanwhile */
        DIALOGUE_DRIP = 16, /* the reply is written octet by octet, with pause_ms between them */
        DIALOGUE_SKIP = 32, /* whatever comes, up to and with the first occurrence of `expect` */
        DIALOGUE_EARLY = 64 /* the client may have written more than `expect` already, or write on */
};

/*
 * `expect` is what the client must have written; the reply is given only when all of it has arrived, and it
 * is a fault when more has. `%` stands for anything within a line, `%%` for a percent sign; with
 * DIALOGUE_SKIP it is only itself. NULL: nothing is expected. `reply` may be NULL too. Sizes are for texts
 * with NULs in them; 0 stands for strlen().
 *
 * Behind its last exchange a connection stays open until the client closes it or dialogue_finish().
 */
struct exchange {
        const char *expect;
        const char *reply;
        unsigned how;
        size_t expect_size;
        size_t reply_size;
        int pause_ms;
};

/* Scripts leave out the fields that they do not use; that is the point of them. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct script {
        const struct exchange *exchanges;
        size_t count;
};

/* A row of an array of scripts. */
#define SCRIPT(array)                                                             \
        {                                                                         \
                .exchanges = (array), .count = sizeof(array) / sizeof((array)[0]) \
        }

struct dialogue;

/* One connection is expected. The script is borrowed. Never NULL: without a socket the process ends. */
struct dialogue *dialogue_start(const struct exchange *exchanges, size_t count);

/*
 * `count` connections are expected, which may be open side by side: the first that is made gets the first
 * script, and so on. `socket_octets` bounds the server's socket buffers, 0 leaves them as they are.
 */
struct dialogue *dialogue_start_many(const struct script *scripts, size_t count, int socket_octets);

/* One connection on a Unix socket, whose path must be free, and is again afterwards. */
struct dialogue *dialogue_start_unix(const char *path, const struct exchange *exchanges, size_t count);

int dialogue_port(const struct dialogue *dialogue);

/* Connections made so far. */
size_t dialogue_connections(struct dialogue *dialogue);

/*
 * Blocks until an exchange holds its reply that is not yet released, so that the client is certainly waiting.
 * False after DIALOGUE_WATCHDOG_MS.
 */
bool dialogue_await_hold(struct dialogue *dialogue);

/* Lets the first held reply go, or the next one that will be held. */
void dialogue_release(struct dialogue *dialogue);

/*
 * Blocks until the script of that connection (from 0) is through: everything was said, and with
 * DIALOGUE_CLOSE or DIALOGUE_RESET the client's socket knows it. False after DIALOGUE_WATCHDOG_MS.
 */
bool dialogue_await_end(struct dialogue *dialogue, size_t connection);

/*
 * A copy of everything received so far on that connection (from 0), ended by a NUL that *size does not count;
 * to be freed with free(). `size` may be NULL.
 */
char *dialogue_received(struct dialogue *dialogue, size_t connection, size_t *size);

/*
 * Ends the server, frees everything, and clears *dialogue. NULL when on every connection everything expected
 * was said and nothing more; else the first fault, with what was expected and what came, which lives until
 * the next call by the same thread. Held replies are dropped: that is no fault when the script ends with
 * them.
 */
const char *dialogue_finish(struct dialogue **dialogue);

#endif
