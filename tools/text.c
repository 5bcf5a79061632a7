/* SPDX-License-Identifier: MIT */
/* Texts of servers, arguments and files made fit for people and for JSON (UTF-8 by RFC 3629). */

#include "text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT      "\xef\xbf\xbd"
#define REPLACEMENT_SIZE 3

/* What may begin a sequence, and what may follow it: RFC 3629 section 4. All further octets are 80 to bf. */
static const struct sequence {
        unsigned char first, last;
        unsigned char second_min, second_max;
        size_t length;
} sequences[] = {
        { 0x01, 0x7f, 0x00, 0x00, 1 },
        { 0xc2, 0xdf, 0x80, 0xbf, 2 },
        { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 },
        { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 },
        { 0xf1, 0xf3, 0x80, 0xbf, 4 },
        { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

/* The length of the sequence that `text` begins with; 0 when it is none. Never reads past a NUL. */
static size_t sequence_length(const unsigned char *text)
{
        for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
                const struct sequence *sequence = &sequences[i];

                if (text[0] < sequence->first || text[0] > sequence->last)
                        continue;
                if (sequence->length == 1)
                        return 1;
                if (text[1] < sequence->second_min || text[1] > sequence->second_max)
                        return 0;
                for (size_t k = 2; k < sequence->length; k++) {
                        if ((text[k] & 0xc0) != 0x80)
                                return 0;
                }
                return sequence->length;
        }
        return 0;
}

/* C0, DEL and the C1 set, which some terminals obey in UTF-8 too. */
static bool is_control(const unsigned char *sequence)
{
        return sequence[0] < 0x20 || sequence[0] == 0x7f || (sequence[0] == 0xc2 && sequence[1] < 0xa0);
}

void text_write(FILE *out, const char *text)
{
        const unsigned char *at = (const unsigned char *)text;

        while (*at) {
                size_t length = sequence_length(at);

                if (length && !is_control(at)) {
                        fwrite(at, 1, length, out);
                        at += length;
                } else if (*at == '\n') {
                        fputs("\\n", out);
                        at++;
                } else {
                        fprintf(out, "\\x%02x", *at++);
                }
        }
}

char *text_to_utf8(const char *text)
{
        char *copy = calloc(strlen(text) + 1, REPLACEMENT_SIZE);
        char *end = copy;
        const unsigned char *at = (const unsigned char *)text;

        if (!copy)
                return NULL;
        while (*at) {
                size_t length = sequence_length(at);

                if (length) {
                        memcpy(end, at, length);
                        end += length;
                        at += length;
                } else {
                        memcpy(end, REPLACEMENT, REPLACEMENT_SIZE);
                        end += REPLACEMENT_SIZE;
                        at++;
                }
        }
        return copy;
}

postel_status text_error(postel_error *error, postel_status status, const char *format, ...)
{
        va_list arguments;

        *error = (postel_error){ .status = status, .phase = POSTEL_PHASE_NONE };
        va_start(arguments, format);
        vsnprintf(error->message, sizeof(error->message), format, arguments);
        va_end(arguments);
        return status;
}
