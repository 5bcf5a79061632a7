/* SPDX-License-Identifier: MIT */
#ifndef WIRE_COMMAND_H
#define WIRE_COMMAND_H

/*
 * The one writer of commands. Whatever becomes part of a command line passes here, and no CR, LF, NUL or
 * over-long line does, whichever parameter it hides in and whether or not it was checked before.
 *
 * Each appends one whole line with its CRLF to `out`. POSTEL_INVALID (field and rule in the error) or
 * POSTEL_MEMORY: `out` is as it was.
 */

#include "base/buffer.h"
#include "wire/envelope.h"

#include <stdint.h>

/* RFC 5321 section 4.5.3.1.4: the most octets of a command, CRLF included. MAIL and RCPT may be longer by
 * what the RFC of each extension adds for its parameter, when that is there. */
#define COMMAND_MAX_OCTETS 512

/* RFC 4954 section 4: the most octets of a line of an authentication exchange, CRLF included. */
#define AUTH_MAX_OCTETS 12288

/* What MAIL says of the content. The rest is in the envelope. */
struct mail_parameters {
        bool has_size;
        uint64_t size; /* octets, for SIZE= (RFC 1870) */
        const char *body; /* "7BIT", "8BITMIME", "BINARYMIME" or NULL for no BODY= */
        bool smtputf8; /* RFC 6531 */
};

/* A verb of upper-case letters without argument: DATA, NOOP, QUIT, RSET, STARTTLS. */
postel_status command_verb(struct buffer *out, const char *verb, postel_error *error);

/* EHLO, LHLO or HELO. */
postel_status command_hello(struct buffer *out, const char *verb, const char *name, postel_error *error);

/* VRFY, EXPN or HELP; `argument`, of 1 to 500 octets, may be NULL for HELP. With `smtputf8` it may be UTF-8
 * for VRFY and EXPN, which then say so. */
postel_status command_query(
        struct buffer *out, const char *verb, const char *argument, bool smtputf8, postel_error *error);

/*
 * Paths are written as a server may take them: without a source route, and with the domain in A-labels when
 * only that makes them ASCII. What is not ASCII even so needs parameters->smtputf8. `parameters` may be NULL.
 */
postel_status command_mail(struct buffer *out, const struct envelope *envelope,
        const struct mail_parameters *parameters, postel_error *error);

postel_status command_rcpt(struct buffer *out, const struct envelope *envelope, size_t recipient,
        bool smtputf8, postel_error *error);

/* RFC 3030 section 2. */
postel_status command_bdat(struct buffer *out, uint64_t octets, bool last, postel_error *error);

/* `initial` is base64, "=" for an empty initial response, or NULL for none. At most COMMAND_MAX_OCTETS. */
postel_status command_auth(
        struct buffer *out, const char *mechanism, const char *initial, postel_error *error);

/* A line of an authentication exchange: base64, "" or "*". At most AUTH_MAX_OCTETS. */
postel_status command_auth_response(struct buffer *out, const char *response, postel_error *error);

#endif
