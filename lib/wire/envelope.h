/* SPDX-License-Identifier: MIT */
#ifndef WIRE_ENVELOPE_H
#define WIRE_ENVELOPE_H

/*
 * An envelope as the transaction sees it. It owns nothing: the arrays of postel_send() and the fields of a
 * postel_envelope are both looked at through this, without a copy.
 */

#include "wire/ehlo.h"

#include <postel/envelope.h>

#include <stdbool.h>
#include <stddef.h>

/* An esmtp-param (RFC 5321 section 4.1.2) of an extension that has no field of its own. */
struct esmtp_parameter {
        const char *keyword;
        const char *value; /* NULL: the keyword alone */
};

struct recipient_parameters {
        unsigned notify;
        const char *orcpt; /* "type;address" not yet encoded, or NULL */
        const struct esmtp_parameter *others;
        size_t other_count;
};

struct envelope {
        const char *from;
        const char *const *to;
        size_t to_count;
        const struct recipient_parameters *parameters; /* one for each of `to`; NULL: none has any */
        postel_ret ret;
        const char *envid; /* not yet encoded, or NULL */
        postel_body body;
        bool all_or_none;
        bool smtputf8; /* asked for in any case */
        const char *auth; /* not yet encoded, "" for "<>", or NULL */
        postel_by by; /* POSTEL_BY_NONE: the next two mean nothing */
        long long by_seconds;
        bool by_trace;
        long long hold_for; /* seconds; 0: not */
        const char *hold_until; /* or NULL */
        bool has_priority;
        int priority;
        const char *priority_profile; /* or NULL */
        bool require_tls;
        const struct esmtp_parameter *others;
        size_t other_count;
};

#define ENVID_MAX_OCTETS 100 /* RFC 3461 section 4.4 */
#define ORCPT_MAX_OCTETS 500 /* RFC 3461 section 4.2, when encoded */

/* How an ORCPT begins, in any case, whose characters are encoded by RFC 6533 section 3. */
#define ORCPT_UTF8_TYPE "utf-8;"

/* The most that parameters we do not know may add to a command. */
#define OTHERS_MAX_OCTETS 512

/* POSTEL_OK, or POSTEL_INVALID with the field, for a recipient its number from 1, and the rule. */
postel_status envelope_check(const struct envelope *envelope, postel_error *error);

/*
 * Whether a server that offers this takes every parameter, with the numbers of its offer. POSTEL_UNSUPPORTED
 * names the field and the extension. `protected`: the session has verified TLS. What depends on the content
 * (SIZE, 8BITMIME, BINARYMIME, SMTPUTF8 for a header section) is not judged here.
 */
postel_status envelope_check_offer(
        const struct envelope *envelope, const struct ehlo *ehlo, bool protected, postel_error *error);

/* Whether SMTPUTF8 is asked for, or needed by an address or parameter. */
bool envelope_needs_smtputf8(const struct envelope *envelope);

#endif
