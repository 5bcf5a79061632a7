/* SPDX-License-Identifier: MIT */
#ifndef SINK_DOTS_H
#define SINK_DOTS_H

#include <stdbool.h>
#include <stddef.h>

struct content;

enum dots_state { DOTS_LINE_START, DOTS_DOT, DOTS_DOT_CR, DOTS_TEXT, DOTS_CR };

/* Reads the content behind DATA: takes the dot-stuffing out and finds the end. All zero is the start. */
struct dots {
        enum dots_state state;
};

/* Takes octets up to the end mark, writes what they mean into `content` and returns how many were taken. */
size_t dots_feed(struct dots *dots, const char *bytes, size_t count, struct content *content, bool *ended);

#endif
