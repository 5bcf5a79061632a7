/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SINK_H
#define TESTS_SINK_H

/*
 * The sink program (subprojects/sink) as a server for a test: started, asked, changed while it runs, and
 * stopped. Whatever goes wrong here ends the test's process with a text: there is nothing to test without the
 * server.
 *
 *     static const char *const options[] = { "--require-auth", "--refuse-rcpt", "*@no.example=550 5.1.1 no",
 * NULL }; struct sink *sink = sink_start(options);
 *     ... a client talks to 127.0.0.1, sink_smtps_port(sink), and trusts sink_ca_file(sink) for "localhost"
 * ... struct ledger *ledger = sink_ledger(sink); CHECK_INT(ledger->count, 1); ledger_free(&ledger);
 *     CHECK(sink_stop(&sink));
 */

#include <stdbool.h>
#include <stddef.h>

#define SINK_USER     "tester"
#define SINK_PASSWORD "correct horse:7+=,battery"

struct sink;

/* A reverse-path or forward-path, with the parameters behind it as they came, joined by spaces. */
struct ledger_path {
        const char *address;
        char *parameters;
};

/* A message that the sink accepted. */
struct ledger_entry {
        struct ledger_path from;
        struct ledger_path *to; /* accepted recipients, in order */
        size_t to_count;
        size_t size; /* octets as received, after dots were taken out */
        const char *sha256; /* of those octets, in hexadecimal */
        unsigned long long session; /* a number that tells connections apart */
        char *line; /* the whole line, JSON, for whatever else is of interest */
};

/* In order of acceptance. */
struct ledger {
        struct ledger_entry *entries;
        size_t count;
};

/*
 * Starts the program that the environment names as POSTEL_SINK, else the one that the build knows. It listens
 * on free ports of 127.0.0.1 (SMTP, LMTP, both with implicit TLS, too) and for LMTP on a Unix socket, makes a
 * certificate for localhost, knows SINK_USER, keeps a ledger and stores what it accepts. `options` is ended
 * by NULL; NULL: no more than that.
 */
struct sink *sink_start(const char *const *options);

/* Ends the program, removes its files and clears *sink. True when it ended by itself with status 0. */
bool sink_stop(struct sink **sink);

int sink_smtp_port(const struct sink *sink);
int sink_smtps_port(const struct sink *sink);

int sink_lmtp_port(const struct sink *sink);
int sink_lmtps_port(const struct sink *sink);

/* The path of a Unix socket that takes LMTP. Borrowed, like the next two. */
const char *sink_lmtp_socket(const struct sink *sink);

/* A certificate to trust. */
const char *sink_ca_file(const struct sink *sink);

/* Where NNNNNN.eml are, numbered in order of acceptance from 1. */
const char *sink_store(const struct sink *sink);

/* A counter by its name, such as "messages" or "peak_connections". */
long long sink_stats(const struct sink *sink, const char *counter);

/* A line of the control port: "set reply-delay-ms 20", "clear fault", "reset-stats". */
void sink_control(const struct sink *sink, const char *line);

/* The ledger as it is now; never NULL. Free with ledger_free(). */
struct ledger *sink_ledger(const struct sink *sink);
void ledger_free(struct ledger **ledger);

#endif
