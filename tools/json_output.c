/* SPDX-License-Identifier: MIT */
/*
 * JSON (RFC 8259) in ASCII, so that neither the encoding of a terminal nor a control character in the text of
 * a server can do harm.
 */

#include "json_output.h"

#include "report.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

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

/* Jansson leaves DEL as it is. It can only stand in a string, and so may be escaped. */
#define DEL         '\x7f'
#define ESCAPED_DEL "\\u007f"

/* Times are given to the microsecond; more digits would only show how binary fractions are rounded. */
#define STYLE (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12))

char *json_line(json_t *value)
{
        char *dump = value ? json_dumps(value, STYLE) : NULL;
        size_t dels = 0;
        char *line = NULL;

        json_decref(value);
        for (const char *at = dump; at && *at; at++)
                dels += *at == DEL;
        if (dump)
                line = malloc(strlen(dump) + dels * (sizeof(ESCAPED_DEL) - 2) + sizeof("\n"));
        if (line) {
                char *end = line;

                for (const char *at = dump; *at; at++)
                        end = *at == DEL ? stpcpy(end, ESCAPED_DEL) : stpncpy(end, at, 1);
                strcpy(end, "\n");
        }
        free(dump);
        return line;
}

void json_write_line(json_t *value)
{
        char *line = json_line(value);
        postel_error error;

        if (line) {
                fputs(line, stdout);
        } else {
                text_error(&error, POSTEL_MEMORY, "the report does not fit into memory");
                report_error(&error);
        }
        fflush(stdout);
        free(line);
}
