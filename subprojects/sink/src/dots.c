/* SPDX-License-Identifier: MIT */
/* Transparency of DATA (RFC 5321 section 4.5.2). Only CRLF "." CRLF ends the content: a server that took a
 * bare LF for a line end would let one message be read as two. */
#include "dots.h"

#include "content.h"

#include <string.h>

/* From the middle of a line to the start of the next, or to the end of the octets. */
static size_t skip_text(struct dots *dots, const char *bytes, size_t count)
{
        const char *newline;
        size_t at = 0;

        while ((newline = memchr(bytes + at, '\n', count - at)) != NULL) {
                bool after_cr = newline > bytes ? newline[-1] == '\r' : dots->state == DOTS_CR;

                at = (size_t)(newline - bytes) + 1;
                dots->state = after_cr ? DOTS_LINE_START : DOTS_TEXT;
                if (after_cr)
                        return at;
        }
        dots->state = bytes[count - 1] == '\r' ? DOTS_CR : DOTS_TEXT;
        return count;
}

size_t dots_feed(struct dots *dots, const char *bytes, size_t count, struct content *content, bool *ended)
{
        size_t at = 0, pending = 0; /* octets in front of `pending` were written, or are not content */

        *ended = false;
        while (at < count) {
                char octet = bytes[at];

                if (dots->state == DOTS_LINE_START && octet == '.') {
                        content_write(content, bytes + pending, at - pending);
                        pending = ++at;
                        dots->state = DOTS_DOT;
                } else if (dots->state == DOTS_DOT && octet == '\r') {
                        pending = ++at;
                        dots->state = DOTS_DOT_CR;
                } else if (dots->state == DOTS_DOT_CR && octet == '\n') {
                        dots->state = DOTS_LINE_START;
                        *ended = true;
                        return at + 1;
                } else if (dots->state == DOTS_DOT_CR) {
                        content_write(content, "\r", 1);
                        pending = at;
                        dots->state = DOTS_CR;
                } else {
                        at += skip_text(dots, bytes + at, count - at);
                }
        }
        content_write(content, bytes + pending, count - pending);
        return count;
}
