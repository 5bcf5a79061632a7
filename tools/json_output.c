/* SPDX-License-Identifier: MIT */
/*
 * JSON (RFC 8259) in ASCII, so that neither the encoding of a terminal nor a control character in the text of
 * a server can do harm.
 */

#include "json_output.h"

#include "report.h"
#include "text.h"

#include <stdlib.h>

json_t *json_text(const char *text)
{
        char *utf8 = text_to_utf8(text);
        json_t *string = utf8 ? json_string(utf8) : NULL;

        free(utf8);
        return string;
}

void json_append(json_t **list, json_t *value)
{
        if (json_array_append_new(*list, value) == 0)
                return;
        json_decref(*list);
        *list = NULL;
}

/* Times are given to the microsecond; more digits would only show how binary fractions are rounded. */
#define STYLE (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12))

void json_write_line(json_t *value)
{
        char *line = value ? json_dumps(value, STYLE) : NULL;
        postel_error error;

        if (!line) {
                text_error(&error, POSTEL_MEMORY, "the report does not fit into memory");
                report_error(&error);
        } else {
                /* Jansson leaves DEL as it is. It can only stand in a string, and so may be escaped here. */
                for (const char *at = line; *at; at++) {
                        if (*at == 0x7f)
                                fputs("\\u007f", stdout);
                        else
                                putchar(*at);
                }
                putchar('\n');
        }
        fflush(stdout);
        free(line);
        json_decref(value);
}
