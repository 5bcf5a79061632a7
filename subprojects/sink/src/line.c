/* SPDX-License-Identifier: MIT */
/* Command lines (RFC 5321 section 2.3.8: only CRLF ends a line), fed with octets that may stop anywhere. */
#include "line.h"

#include <string.h>

static void keep(struct line *line, const char *bytes, size_t count)
{
        if (count == 0)
                return;
        line->after_cr = bytes[count - 1] == '\r';
        if (count > LINE_MAX_OCTETS - line->used) {
                line->too_long = true;
                return;
        }
        memcpy(line->text + line->used, bytes, count);
        line->used += count;
}

static enum line_status finish(struct line *line, size_t *length)
{
        enum line_status status = line->too_long ? LINE_TOO_LONG : LINE_COMPLETE;

        *length = 0;
        if (status == LINE_COMPLETE) {
                *length = line->used - 2;
                line->text[*length] = '\0';
        }
        line->used = 0;
        line->too_long = false;
        line->after_cr = false;
        return status;
}

enum line_status line_feed(struct line *line, const char *bytes, size_t count, size_t *used, size_t *length)
{
        size_t at = 0;

        while (at < count) {
                const char *newline = memchr(bytes + at, '\n', count - at);
                size_t end = newline != NULL ? (size_t)(newline - bytes) : count;
                bool ends;

                keep(line, bytes + at, end - at);
                if (newline == NULL)
                        break;
                ends = line->after_cr;
                keep(line, newline, 1);
                at = end + 1;
                if (ends) {
                        *used = at;
                        return finish(line, length);
                }
        }
        *used = count;
        return LINE_PARTIAL;
}
