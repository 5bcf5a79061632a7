/* SPDX-License-Identifier: MIT */
#ifndef SINK_EXTENSIONS_H
#define SINK_EXTENSIONS_H

#include <stdbool.h>

struct buffer;
struct session;

enum extension {
        EXTENSION_EHLO, /* no extension, but can be left out like one */
        EXTENSION_PIPELINING,
        EXTENSION_SIZE,
        EXTENSION_8BITMIME,
        EXTENSION_DSN,
        EXTENSION_SMTPUTF8,
        EXTENSION_CHUNKING,
        EXTENSION_BINARYMIME,
        EXTENSION_ENHANCEDSTATUSCODES,
        EXTENSION_AUTH,
        EXTENSION_STARTTLS,
        EXTENSION_LIMITS,
        EXTENSION_DELIVERBY,
        EXTENSION_FUTURERELEASE,
        EXTENSION_MT_PRIORITY,
        EXTENSION_REQUIRETLS,
        EXTENSION_COUNT,
};

bool extension_by_name(const char *name, enum extension *extension);
const char *extension_names_rule(void);

/* Extensions that are offered on request only: what stands behind each of their names in the reply to EHLO;
 * NULL where nobody asked. */
struct with {
        char *arguments[EXTENSION_COUNT];
};

/* Adds "NAME" or "NAME=ARGUMENTS". NULL, or the rule that the text breaks. */
const char *extension_with_add(struct with *with, const char *text);
void extension_with_clear(struct with *with);

/* Offered: would be in the reply to EHLO now. Active: offered, and the client said EHLO. */
bool extension_offered(const struct session *session, enum extension extension);
bool extension_active(const struct session *session, enum extension extension);

/* The whole reply to EHLO. */
void extension_ehlo_lines(const struct session *session, struct buffer *lines);

enum parameter_command { PARAMETER_OF_MAIL, PARAMETER_OF_RCPT };

/* Judges one parameter of MAIL or RCPT; value is NULL when there is no "=". NULL, or the reply that refuses
 * it. */
const char *extension_parameter(
        struct session *session, enum parameter_command command, const char *keyword, const char *value);

#endif
