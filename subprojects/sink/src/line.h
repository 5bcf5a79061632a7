/* SPDX-License-Identifier: MIT */
#ifndef SINK_LINE_H
#define SINK_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define LINE_MAX_OCTETS \
        4096 /* with the CRLF: RFC 5321 section 4.5.3.1.4 asks for 512, extensions and AUTH add to it */

enum line_status { LINE_PARTIAL, LINE_COMPLETE, LINE_TOO_LONG };

/* Collects one command line. Only CRLF ends it: a lone LF is an octet like others. */
struct line {
        char text[LINE_MAX_OCTETS + 1];
        size_t used;
        bool too_long;
        bool after_cr;
};

/* Takes octets up to the end of a line and sets `used`. On LINE_COMPLETE `text` is the line without CRLF,
 * NUL-terminated (NULs of the client's may be inside), `length` its length, and the collector is ready for
 * the next line. */
enum line_status line_feed(struct line *line, const char *bytes, size_t count, size_t *used, size_t *length);

#endif
