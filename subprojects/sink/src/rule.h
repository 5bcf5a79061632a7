/* SPDX-License-Identifier: MIT */
#ifndef SINK_RULE_H
#define SINK_RULE_H

#include <stdbool.h>
#include <stddef.h>

/* GLOB=REPLY rules; the first whose glob matches the address counts. */
struct rule {
        char *glob;
        char *reply;
};

struct rules {
        struct rule *rules;
        size_t count;
};

/* Both return NULL, or the rule that the text breaks. */
const char *rules_add(struct rules *rules, const char *text);
const char *reply_check(const char *reply);

const char *rules_match(const struct rules *rules, const char *address);
void rules_clear(struct rules *rules);

#endif
