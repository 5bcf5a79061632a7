/* SPDX-License-Identifier: MIT */
#ifndef WIRE_PARAMETER_H
#define WIRE_PARAMETER_H

/* Parameters of extensions that have no field of their own (RFC 5321 section 4.1.2, esmtp-param). */

#include "wire/envelope.h"

/*
 * NULL when all of them may stand in one command; else a static phrase, and in *number which one breaks that
 * rule, from 1, or 0 for all of them together. `utf8`: values may be UTF-8, since SMTPUTF8 is asked for.
 */
const char *parameters_fault(
        const struct esmtp_parameter *parameters, size_t count, bool utf8, size_t *number);

#endif
