/* SPDX-License-Identifier: MIT */
#ifndef SINK_OPTIONKINDS_H
#define SINK_OPTIONKINDS_H

#include <stdbool.h>
#include <stdint.h>

/* How one kind of option reads a value into its field. `set` returns NULL, or the rule that the value breaks
 * and then leaves the field as it was; it adds where the kind is repeatable, else replaces. `clear` frees. */
struct option_kind {
        const char *(*set)(void *field, const char *value, int64_t least, int64_t most);
        void (*clear)(void *field);
        bool is_flag; /* takes no value on the command line, on or off at run time */
};

extern const struct option_kind option_number;
extern const struct option_kind option_flag;
extern const struct option_kind option_text;
extern const struct option_kind option_texts;
extern const struct option_kind option_reply;
extern const struct option_kind option_rules;
extern const struct option_kind option_faults;
extern const struct option_kind option_without;
extern const struct option_kind option_with;
extern const struct option_kind option_limits;
extern const struct option_kind option_loopback;
extern const struct option_kind option_socket;

#endif
