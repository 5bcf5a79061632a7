/* SPDX-License-Identifier: MIT */
#ifndef SINK_LIMITS_H
#define SINK_LIMITS_H

#include <stdint.h>

/* What is said behind LIMITS (RFC 9422), and what of it is enforced; 0: no limit. */
struct limits {
        char *text; /* NULL: LIMITS is not offered */
        int64_t mail_max; /* MAIL commands of a session */
        int64_t rcpt_max; /* recipients of a transaction */
        int64_t rcpt_domain_max; /* domains of those */
};

/* Reads "NAME=VALUE NAME=VALUE ...". NULL, or the rule that the text breaks; then the limits stay. */
const char *limits_set(struct limits *limits, const char *text);
void limits_clear(struct limits *limits);

#endif
