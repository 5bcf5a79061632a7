/* SPDX-License-Identifier: MIT */
#ifndef OPTION_VALUES_H
#define OPTION_VALUES_H

#include "options.h"

/* The value of a flag that is set. */
#define OPTION_FLAG_SET     "true"
#define OPTION_FLAG_CLEARED "false"

/* A list of them ends with a NULL name. */
struct option_choice {
        const char *name;
        int value;
};

bool options_given(const struct options *options, enum option_id option);

/* Whether a flag is set; a line of a batch may also take it back. */
bool options_flag(const struct options *options, enum option_id option);

/* All values, of the line or else of the command; never NULL. */
const struct option_texts *options_list(const struct options *options, enum option_id option);

/* The last value, which overrides those before it; NULL without any. Borrowed from `options`. */
const char *options_text(const struct options *options, enum option_id option);

/* Each writes its output only when the option is given and right, and else names the option and its rule. */
postel_status options_choice(const struct options *options, enum option_id option,
        const struct option_choice *choices, int *value, postel_error *error);
postel_status options_port(
        const struct options *options, enum option_id option, int *port, postel_error *error);
postel_status options_int(
        const struct options *options, enum option_id option, int *number, postel_error *error);
postel_status options_octets(const struct options *options, enum option_id option, unsigned long long *octets,
        postel_error *error);
postel_status options_seconds(
        const struct options *options, enum option_id option, int *milliseconds, postel_error *error);

/*
 * Reads a whole number at the beginning of `text`, of digits after at most one sign, and sets *end behind it.
 * False when there is none, or it does not fit.
 */
bool parse_number(const char *text, long long *number, const char **end);

/* Fills in the error that says which rule a value breaks, and returns POSTEL_INVALID. */
postel_status options_refuse(
        const struct options *options, enum option_id option, const char *rule, postel_error *error);

#endif
