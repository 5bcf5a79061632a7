/* SPDX-License-Identifier: MIT */
/*
 * Commands of RFC 5321 section 4.1.1, RFC 3030 and RFC 4954 but for MAIL and RCPT, written as octets.
 * Whatever a caller had a hand in is looked at here once more: no earlier check is trusted. It knows neither
 * what the server offers nor what it will say.
 */

#include "wire/command.h"
#include "wire/line.h"
#include "wire/text.h"

#include <string.h>

/* Of VRFY, EXPN and HELP. */
#define QUERY_MAX_OCTETS 500

postel_status command_verb(struct buffer *out, const char *verb, postel_error *error)
{
        struct line line = line_begin(out, COMMAND_MAX_OCTETS, verb, error);
        return line_end(&line);
}

postel_status command_hello(struct buffer *out, const char *verb, const char *name, postel_error *error)
{
        struct line line = line_begin(out, COMMAND_MAX_OCTETS, verb, error);
        line_add_text(&line, " ");
        line_add_word(&line, "ehlo name", name);
        return line_end(&line);
}

static const char *query_fault(const char *argument, bool utf8)
{
        const char *fault = utf8 ? text_utf8_fault(argument) : text_ascii_fault(argument, line_not_ascii);

        if (fault)
                return fault;
        if (!*argument)
                return "is empty";
        return strlen(argument) > QUERY_MAX_OCTETS ? "is longer than 500 octets" : NULL;
}

postel_status command_query(
        struct buffer *out, const char *verb, const char *argument, bool smtputf8, postel_error *error)
{
        struct line line = line_begin(out, COMMAND_MAX_OCTETS, verb, error);
        bool is_help = strcmp(verb, "HELP") == 0;

        if (!argument && is_help)
                return line_end(&line);
        /* RFC 6531 section 3.7.4.2 is for VRFY and EXPN alone. */
        const char *fault = argument ? query_fault(argument, smtputf8 && !is_help) : "is missing";
        line_add_text(&line, " ");
        if (line_may_add(&line, "argument", fault))
                line_add_text(&line, argument);
        if (!fault && !text_is_ascii(argument))
                line_add_text(&line, " SMTPUTF8");
        return line_end(&line);
}

postel_status command_bdat(struct buffer *out, uint64_t octets, bool last, postel_error *error)
{
        struct line line = line_begin(out, COMMAND_MAX_OCTETS, "BDAT", error);
        line_add_text(&line, " ");
        line_add_unsigned(&line, octets);
        line_add_text(&line, last ? " LAST" : "");
        return line_end(&line);
}

postel_status command_auth(
        struct buffer *out, const char *mechanism, const char *initial, postel_error *error)
{
        struct line line = line_begin(out, COMMAND_MAX_OCTETS, "AUTH", error);
        line_add_text(&line, " ");
        line_add_word(&line, "mechanism", mechanism);
        if (initial) {
                line_add_text(&line, " ");
                line_add_word(&line, "initial response", initial);
        }
        return line_end(&line);
}

postel_status command_auth_response(struct buffer *out, const char *response, postel_error *error)
{
        struct line line = { .out = out, .start = out->size, .max = AUTH_MAX_OCTETS, .error = error };
        if (line_may_add(&line, "authentication response", word_fault(response)))
                line_add_text(&line, response);
        return line_end(&line);
}
