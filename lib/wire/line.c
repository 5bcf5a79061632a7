/* SPDX-License-Identifier: MIT */
/* A command line in the making. It knows no command, and no error shows what was added, since some of it is
 * secret. */

#include "wire/line.h"
#include "base/status.h"
#include "wire/idn.h"
#include "wire/text.h"
#include "wire/xtext.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char line_not_ascii[] = "has octets that are not ASCII";

void line_fail(struct line *line, const char *field, const char *fault)
{
        postel_status status = fault == idn_no_memory ? POSTEL_MEMORY : POSTEL_INVALID;

        if (line->status == POSTEL_OK)
                line->status = error_set(line->error, status, POSTEL_PHASE_NONE, "%s: %s", field, fault);
}

void line_check(struct line *line, bool written)
{
        if (!written)
                line->status = error_set(
                        line->error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory for a command");
}

void line_add_text(struct line *line, const char *text)
{
        if (line->status == POSTEL_OK)
                line_check(line, buffer_append_text(line->out, text));
}

bool line_may_add(struct line *line, const char *field, const char *fault)
{
        if (fault)
                line_fail(line, field, fault);
        return line->status == POSTEL_OK;
}

const char *word_fault(const char *text)
{
        const char *fault = text_ascii_fault(text, line_not_ascii);

        return fault || !strchr(text, ' ') ? fault : "has a space";
}

void line_add_word(struct line *line, const char *field, const char *text)
{
        const char *fault = *text ? word_fault(text) : "is empty";

        if (line_may_add(line, field, fault))
                line_check(line, buffer_append_text(line->out, text));
}

void line_add_number(struct line *line, long long number)
{
        char text[24];

        snprintf(text, sizeof(text), "%lld", number);
        line_add_text(line, text);
}

void line_add_unsigned(struct line *line, uint64_t number)
{
        char text[24];

        snprintf(text, sizeof(text), "%" PRIu64, number);
        line_add_text(line, text);
}

void line_add_xtext(struct line *line, const char *field, const char *text)
{
        if (line_may_add(line, field, text_ascii_fault(text, line_not_ascii)))
                line_check(line, xtext_append(line->out, text));
}

struct line line_begin(struct buffer *out, size_t max, const char *verb, postel_error *error)
{
        struct line line = {
                .out = out, .start = out->size, .max = max, .status = POSTEL_OK, .error = error
        };
        line_add_word(&line, "verb", verb);
        return line;
}

postel_status line_end(struct line *line)
{
        line_add_text(line, "\r\n");
        if (line->status == POSTEL_OK && line->out->size - line->start > line->max)
                line->status = error_set(line->error, POSTEL_INVALID, POSTEL_PHASE_NONE,
                        "command: is longer than %zu octets", line->max);
        if (line->status != POSTEL_OK)
                buffer_truncate(line->out, line->start);
        return line->status;
}
