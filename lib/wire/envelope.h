/* SPDX-License-Identifier: MIT */
#ifndef WIRE_ENVELOPE_H
#define WIRE_ENVELOPE_H

/*
 * An envelope as the transaction sees it. It owns nothing: the arrays of postel_send() and the fields of a
 * postel_envelope are both looked at through this, without a copy.
 */

#include <postel/envelope.h>

#include <stdbool.h>
#include <stddef.h>

struct recipient_parameters {
        unsigned notify;
        const char *orcpt; /* "type;address" not yet encoded, or NULL */
};

struct envelope {
        const char *from;
        const char *const *to;
        size_t to_count;
        const struct recipient_parameters *parameters; /* one for each of `to`; NULL: none has any */
        postel_ret ret;
        const char *envid; /* not yet encoded, or NULL */
        postel_body body;
};

#define ENVID_MAX_OCTETS 100 /* RFC 3461 section 4.4 */
#define ORCPT_MAX_OCTETS 500 /* RFC 3461 section 4.2, when encoded */

/* POSTEL_OK, or POSTEL_INVALID with the field, for a recipient its number from 1, and the rule. */
postel_status envelope_check(const struct envelope *envelope, postel_error *error);

/* Whether any parameter of RFC 3461 is set. */
bool envelope_needs_dsn(const struct envelope *envelope);

#endif
