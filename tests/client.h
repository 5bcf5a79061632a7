/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CLIENT_H
#define TESTS_CLIENT_H

/*
 * What tests of whole sends have in common: a server by script or the sink, a connection or a pool to it, and
 * the account of a result as one line of text, so that a test reads as a dialogue and what came of it.
 */

#include "dialogue.h"
#include "harness.h"
#include "sink.h"

#include <postel/postel.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Nothing that works takes so long, and what hangs ends. */
#define WATCHDOG_MS 20000

/* Rows and parts of scripts. */
#define OPENING(verb, keywords)                                                              \
        { NULL, "220 ready\r\n" },                                                           \
        {                                                                                    \
                verb " client.example\r\n", "250-server.example\r\n" keywords "250 HELP\r\n" \
        }
#define HELLO(keywords)  OPENING("EHLO", keywords)
#define LHELLO(keywords) OPENING("LHLO", keywords)
#define PIPELINING       "250-PIPELINING\r\n"
#define CHUNKING         "250-CHUNKING\r\n"
#define ENHANCED         "250-ENHANCEDSTATUSCODES\r\n"

#define FROM       "s@x.example"
#define MAIL       "MAIL FROM:<" FROM ">\r\n"
#define RCPT(name) "RCPT TO:<" name "@x.example>\r\n"
#define DATA       "DATA\r\n"
#define RSET       "RSET\r\n"
#define BODY       "Subject: x\r\n\r\nhi\r\n" /* 18 octets */
#define DOT        ".\r\n"
#define BDAT       "BDAT 18 LAST\r\n" BODY
#define OK         "250 ok\r\n"
#define GO         "354 go\r\n"

/* The first message on a session shows that the server takes BDAT: only then does content ride. */
#define WARM                          \
        { MAIL RCPT("warm"), OK OK }, \
        {                             \
                BDAT, OK              \
        }

/* How a client is to be; 0 everywhere is a connection by SMTP. */
struct manner {
        int pool_size; /* 0: a connection */
        postel_protocol protocol;
        postel_chunking chunking;
        postel_pipelining pipelining;
        int phase_ms; /* 0: the default */
        postel_trace_function trace;
        void *trace_data;
};

struct client {
        struct dialogue *dialogue;
        struct sink *sink; /* one of these two */
        postel_connection *connection;
        postel_pool *pool; /* one of these two */
        postel_result *result; /* of the last send */
        postel_status status;
        postel_error error;
};

/* A config for a port of 127.0.0.1, in the clear, to be freed with postel_config_free(). */
postel_config *config_for(int port, struct manner manner);

/* Opens a connection, or a pool of `pool_size`; frees the config. */
void client_open(struct client *client, postel_config *config, int pool_size);

/* A client of a server with these scripts; a client of a sink with these options. */
struct client meet_scripts(const struct script *scripts, size_t count, struct manner manner);
struct client meet_sink(const char *const *options, struct manner manner);

/* The same for one connection, and for a list of options. */
#define MEET(exchanges, ...) \
        meet_scripts(&(struct script)SCRIPT(exchanges), 1, (struct manner){ __VA_ARGS__ })
#define OPTIONS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Closes, and checks that the script was through before that, or that the sink is well. */
void part(struct client *client);

/* An envelope to "a b c@y.example": a@x.example, b@x.example, c@y.example. */
postel_envelope *envelope_of(const char *from, const char *names);
postel_envelope *envelope_to(const char *names); /* from FROM */

/* Sends; the result is the client's. */
postel_status send_envelope(
        struct client *client, const postel_envelope *envelope, const postel_message *message);
postel_status send_message(struct client *client, const char *names, const postel_message *message);
postel_status send_octets(struct client *client, const char *names, const void *body, size_t size);
postel_status send_text(struct client *client, const char *names, const char *body);

/* Sends the message of WARM. */
void warm(struct client *client);

/*
 * "PARTIAL: ACCEPTED final 250 Q1, REJECTED rcpt 550 5.1.1, UNKNOWN final 0": the status; then for each
 * recipient outcome, phase, code, and where there are any enhanced code and queue id. "none" without a
 * result. Overwritten by the next call.
 */
const char *account_of(const postel_result *result);
#define CHECK_ACCOUNT(client, expected) CHECK_STR(account_of((client)->result), (expected))

/* How many recipients have that outcome. */
size_t count_outcome(const postel_result *result, postel_outcome outcome);

/* A statistic of the client's pool. */
long long statistic(const struct client *client, postel_statistic which);

/* How often the address is in the sink's ledger as a recipient of a message from `from` (NULL: anybody). */
size_t times_accepted(const struct ledger *ledger, const char *from, const char *address);

/* The text, to be freed. */
__attribute__((format(printf, 1, 2))) char *text_of(const char *format, ...);

/* The file with these octets, made or overwritten; its path is static. */
const char *temporary_file(const void *octets, size_t size);
void remove_temporary_file(void);

/* A message that can be read only once: `count` parts, each given by one call of its reader. */
struct parts {
        const char *const *parts;
        size_t count, next, offset;
        bool fails; /* behind the last */
};
postel_message *message_of_parts(struct parts *parts);

#endif
