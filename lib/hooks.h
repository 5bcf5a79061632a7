/* SPDX-License-Identifier: MIT */
#ifndef LIB_HOOKS_H
#define LIB_HOOKS_H

/* Where the caller looks in and forbids; see postel/hooks.h. */

#include "smtp/session.h"
#include "smtp/source.h"

/* Octets of a message before anything is changed, as far as that is known without reading it; -1: not known.
 */
long long policy_octets(const struct source *content);

/*
 * The limits of the options, then the caller's policy, on a message of `octets` (-1: not known). POSTEL_OK or
 * POSTEL_POLICY.
 */
postel_status policy_check(const struct session_options *options, const char *from, const char *const *to,
        size_t count, long long octets, postel_error *error);

#endif
