/* SPDX-License-Identifier: MIT */
#ifndef WIRE_LINE_H
#define WIRE_LINE_H

/* How the files that write commands write one: from its verb to its CRLF, or not at all. */

#include "base/buffer.h"

#include <postel/error.h>

#include <stdint.h>

/* A line in the making: once it has failed, nothing more is added, and the end takes all of it back. */
struct line {
        struct buffer *out;
        size_t start;
        size_t max;
        bool utf8; /* SMTPUTF8 is asked for */
        postel_status status;
        postel_error *error;
};

struct line line_begin(struct buffer *out, size_t max, const char *verb, postel_error *error);

/* The CRLF, and the verdict: unless it is POSTEL_OK, `out` is as it was. */
postel_status line_end(struct line *line);

/* The first failure stands. */
void line_fail(struct line *line, const char *field, const char *fault);
void line_check(struct line *line, bool written); /* fails for lack of memory unless `written` */

/* Whether the text with that fault, or NULL, may be added: nothing has failed, and it has none. */
bool line_may_add(struct line *line, const char *field, const char *fault);

/* Constants, and what has just been checked. */
void line_add_text(struct line *line, const char *text);
void line_add_number(struct line *line, long long number);
void line_add_unsigned(struct line *line, uint64_t number);

/* These check. */
void line_add_word(struct line *line, const char *field, const char *text); /* ASCII without space */
void line_add_xtext(struct line *line, const char *field, const char *text); /* printable ASCII */

/* What keeps `text` from being a word or nothing. */
const char *word_fault(const char *text);

extern const char line_not_ascii[];

#endif
