/* SPDX-License-Identifier: MIT */
/* The status and phase tables, and the one place that writes an error. */

#include "base/status.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

size_t postel_error_size(void)
{
        return sizeof(postel_error);
}

postel_status postel_error_status(const postel_error *error)
{
        return error ? error->status : POSTEL_OK;
}

postel_phase postel_error_phase(const postel_error *error)
{
        return error ? error->phase : POSTEL_PHASE_NONE;
}

int postel_error_code(const postel_error *error)
{
        return error ? error->code : 0;
}

int postel_error_system_error(const postel_error *error)
{
        return error ? error->system_error : 0;
}

const char *postel_error_message(const postel_error *error)
{
        return error ? error->message : "";
}

const char *postel_status_name(postel_status status)
{
        switch (status) {
#define STATUS_NAME(name, number, text) \
        case POSTEL_##name:             \
                return #name;
                POSTEL_STATUS_MAP(STATUS_NAME)
        }
        return "?";
}

const char *postel_status_text(postel_status status)
{
        switch (status) {
#define STATUS_TEXT(name, number, text) \
        case POSTEL_##name:             \
                return text;
                POSTEL_STATUS_MAP(STATUS_TEXT)
        }
        return "?";
}

const char *postel_phase_name(postel_phase phase)
{
        switch (phase) {
#define PHASE_NAME(name, number, text) \
        case POSTEL_PHASE_##name:      \
                return text;
                POSTEL_PHASE_MAP(PHASE_NAME)
        }
        return "?";
}

/* The length of the well-formed UTF-8 character at `text` (RFC 3629), or 0. */
static size_t character_length(const unsigned char *text, size_t size)
{
        static const struct {
                unsigned char first, last, second_min, second_max, length;
        } rows[] = {
                { 0xc2, 0xdf, 0x80, 0xbf, 2 },
                { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
                { 0xe1, 0xec, 0x80, 0xbf, 3 },
                { 0xed, 0xed, 0x80, 0x9f, 3 },
                { 0xee, 0xef, 0x80, 0xbf, 3 },
                { 0xf0, 0xf0, 0x90, 0xbf, 4 },
                { 0xf1, 0xf3, 0x80, 0xbf, 4 },
                { 0xf4, 0xf4, 0x80, 0x8f, 4 },
        };

        if (text[0] < 0x80)
                return 1;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (text[0] < rows[i].first || text[0] > rows[i].last)
                        continue;
                if (size < rows[i].length || text[1] < rows[i].second_min || text[1] > rows[i].second_max)
                        return 0;
                for (size_t k = 2; k < rows[i].length; k++)
                        if ((text[k] & 0xc0) != 0x80)
                                return 0;
                return rows[i].length;
        }
        return 0;
}

/* C1 controls (U+0080 to U+009F) move a terminal's cursor as well as C0 ones do. */
static bool is_control(const unsigned char *text, size_t length)
{
        if (length == 1)
                return text[0] < 0x20 || text[0] == 0x7f;
        return length == 2 && text[0] == 0xc2 && text[1] < 0xa0;
}

size_t text_escape(char *out, size_t size, const char *text, size_t text_size)
{
        size_t used = 0;

        for (size_t i = 0; i < text_size;) {
                const unsigned char *at = (const unsigned char *)text + i;
                size_t length = character_length(at, text_size - i);
                char piece[8];
                size_t piece_size;

                if (*at == '\n') {
                        piece[0] = ' ';
                        piece_size = length = 1;
                } else if (length == 0 || is_control(at, length)) {
                        piece_size = (size_t)snprintf(piece, sizeof(piece), "\\x%02x", *at);
                        length = 1;
                } else {
                        memcpy(piece, at, length);
                        piece_size = length;
                }
                if (piece_size > size - 1 - used)
                        break;
                memcpy(out + used, piece, piece_size);
                used += piece_size;
                i += length;
        }
        out[used] = '\0';
        return used;
}

/* `suffix` is added behind the text, which gives way when both are too long. */
static void error_write(postel_error *error, postel_status status, postel_phase phase, const char *suffix,
        const char *format, va_list arguments)
{
        char text[1024];
        int length = vsnprintf(text, sizeof(text), format, arguments);
        size_t text_size = length < 0 ? 0 : (size_t)length;
        if (text_size > sizeof(text) - 1)
                text_size = sizeof(text) - 1;

        size_t room = sizeof(error->message) - strlen(suffix);
        *error = (postel_error){ .status = status, .phase = phase };
        size_t used = text_escape(error->message, room, text, text_size);
        strcpy(error->message + used, suffix);
}

postel_status error_set(
        postel_error *error, postel_status status, postel_phase phase, const char *format, ...)
{
        if (error) {
                va_list arguments;
                va_start(arguments, format);
                error_write(error, status, phase, "", format, arguments);
                va_end(arguments);
        }
        return status;
}

postel_status error_set_system(postel_error *error, postel_status status, postel_phase phase,
        int system_error, const char *format, ...)
{
        if (error) {
                char text[128], suffix[132];
                /* The GNU strerror_r: may return a static text instead of filling the buffer. */
                snprintf(suffix, sizeof(suffix), ": %s", strerror_r(system_error, text, sizeof(text)));
                va_list arguments;
                va_start(arguments, format);
                error_write(error, status, phase, suffix, format, arguments);
                va_end(arguments);
                error->system_error = system_error;
        }
        return status;
}

postel_status error_copy(postel_error *error, const postel_error *from)
{
        if (error && error != from)
                *error = *from;
        return from->status;
}

postel_status error_report(postel_error *error, postel_status status, const postel_error *fault)
{
        if (status != POSTEL_OK)
                error_copy(error, fault);
        return status;
}
