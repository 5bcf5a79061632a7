/* SPDX-License-Identifier: MIT */
#ifndef OPTION_VALUES_H
#define OPTION_VALUES_H

#include "options.h"

/* The value of a flag that is set. */
#define OPTION_FLAG_SET "true"

/* A list of them ends with a NULL name. */
struct option_choice {
        const char *name;
        int value;
};

bool options_given(const struct options *options, enum option_id option);

/* The last value, which overrides those before it; NULL without any. Borrowed from `options`. */
const char *options_text(const struct options *options, enum option_id option);

/* Each writes its output only when the option is given and right, and else names the option and its rule. */
postel_status options_choice(const struct options *options, enum option_id option,
        const struct option_choice *choices, int *value, postel_error *error);
postel_status options_port(
        const struct options *options, enum option_id option, int *port, postel_error *error);
postel_status options_seconds(
        const struct options *options, enum option_id option, int *milliseconds, postel_error *error);

/* Fills in the error that says which rule a value breaks, and returns POSTEL_INVALID. */
postel_status options_refuse(
        const struct options *options, enum option_id option, const char *rule, postel_error *error);

#endif
