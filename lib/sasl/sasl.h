/* SPDX-License-Identifier: MIT */
#ifndef SASL_SASL_H
#define SASL_SASL_H

/* Authentication mechanisms (RFC 4422), by GNU SASL. Knows no sockets: challenges in, responses out, both in
 * base64. */

#include "wire/ehlo.h"

#include <postel/error.h>

struct sasl;

struct sasl_credentials {
        const char *user;
        const char *password;
        const char *mechanism; /* NULL: the best that is offered */
};

/* NULL, or why `mechanism` is none that can be asked for, as a phrase. */
const char *sasl_mechanism_fault(const char *mechanism);

/* The mechanism to use: the one asked for, or the first of ours that the server offers. NULL: it offers none
 * of them. */
const char *sasl_choose(const struct sasl_credentials *credentials, const struct ehlo *ehlo);

/* POSTEL_MEMORY or POSTEL_PROTOCOL: not written. */
postel_status sasl_new(const char *mechanism, const struct sasl_credentials *credentials, struct sasl **sasl,
        postel_error *error);
void sasl_free(struct sasl **sasl);

/* Whether the client speaks first, so that a response may ride with AUTH (RFC 4954 section 4). */
bool sasl_has_initial_response(const struct sasl *sasl);

/* *encoded: `text` in base64, for secret_free(). False: out of memory. */
bool sasl_encode(const char *text, char **encoded);

/*
 * Answers a challenge ("" for the initial response). *response is the caller's, for secret_free().
 * POSTEL_PROTOCOL: no challenge of this mechanism; POSTEL_MEMORY: not written.
 */
postel_status sasl_step(struct sasl *sasl, const char *challenge, char **response, postel_error *error);

#endif
