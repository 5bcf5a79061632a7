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

/* RFC 5321 section 4.5.3.1.4, raised for MAIL and RCPT by what RFC 1870, RFC 6152 and RFC 3461 add. */
#define COMMAND_MAX_OCTETS 512
#define MAIL_MAX_OCTETS    (COMMAND_MAX_OCTETS + 26 + 17 + 500)
#define RCPT_MAX_OCTETS    (COMMAND_MAX_OCTETS + 500)

/* RFC 4954 section 4: the most octets of a line of an authentication exchange, CRLF included. */
#define AUTH_MAX_OCTETS 12288

struct mail_parameters {
        bool has_size;
        uint64_t size; /* octets, for SIZE= (RFC 1870) */
        const char *body; /* "7BIT", "8BITMIME" or NULL for no BODY= */
        postel_ret ret; /* for RET= */
        const char *envid; /* not yet encoded, or NULL */
};

/* A verb of upper-case letters without argument: DATA, NOOP, QUIT, RSET, STARTTLS. */
postel_status command_verb(struct buffer *out, const char *verb, postel_error *error);

postel_status command_ehlo(struct buffer *out, const char *name, postel_error *error);

/* `from` is "" for the null reverse-path. */
postel_status command_mail(
        struct buffer *out, const char *from, const struct mail_parameters *parameters, postel_error *error);

/* `parameters` may be NULL. */
postel_status command_rcpt(struct buffer *out, const char *to, const struct recipient_parameters *parameters,
        postel_error *error);

/* `initial` is base64, "=" for an empty initial response, or NULL for none. At most COMMAND_MAX_OCTETS. */
postel_status command_auth(
        struct buffer *out, const char *mechanism, const char *initial, postel_error *error);

/* A line of an authentication exchange: base64, "" or "*". At most AUTH_MAX_OCTETS. */
postel_status command_auth_response(struct buffer *out, const char *response, postel_error *error);

#endif
