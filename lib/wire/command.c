/* SPDX-License-Identifier: MIT */
/*
 * Commands of RFC 5321 section 4.1.1, RFC 1870, RFC 3461, RFC 4954 and RFC 6152, written as octets. Every
 * argument passes add_argument(), which trusts no earlier check. It knows neither what the server offers nor
 * what it will say, and no error shows an argument, since some are secrets.
 */

#include "wire/command.h"
#include "base/status.h"
#include "wire/octet.h"
#include "wire/xtext.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum argument {
        ARGUMENT_WORD,
        ARGUMENT_RESPONSE, /* a word, or nothing */
        ARGUMENT_PATH, /* stands between angle brackets; may be empty */
        ARGUMENT_XTEXT,
        ARGUMENT_ORCPT /* a word and a semicolon, then xtext */
};

/* A line in the making: once it has failed, nothing more is added, and the end takes all of it back. */
struct line {
        struct buffer *out;
        size_t start;
        size_t max;
        postel_status status;
        postel_error *error;
};

static void line_fail(struct line *line, const char *field, const char *fault)
{
        line->status = error_set(line->error, POSTEL_INVALID, POSTEL_PHASE_NONE, "%s: %s", field, fault);
}

static void line_check(struct line *line, bool written)
{
        if (!written)
                line->status = error_set(
                        line->error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory for a command");
}

/* Constants of this file only. */
static void add_constant(struct line *line, const char *text)
{
        if (line->status == POSTEL_OK)
                line_check(line, buffer_append_text(line->out, text));
}

static const char *word_fault(const char *text, size_t size)
{
        return memchr(text, ' ', size) ? "has a space" : NULL;
}

/* What would end the path, or make two servers disagree on where it ends. */
static const char *path_fault(const char *text)
{
        bool quoted = false;

        for (const char *at = text; *at; at++) {
                if (*at == '"') {
                        if (!quoted && at != text)
                                return "has a quote within a word";
                        quoted = !quoted;
                } else if (*at == '\\') {
                        if (!quoted || !*++at)
                                return "has a backslash outside of a quoted string";
                } else if (!quoted && (*at == ' ' || *at == '<' || *at == '>')) {
                        return "has a space or an angle bracket outside of a quoted string";
                }
        }
        return quoted ? "has a quoted string that does not end" : NULL;
}

static const char *argument_fault(enum argument kind, const char *text)
{
        if (strpbrk(text, "\r\n"))
                return "holds a CR or LF";
        for (const char *at = text; *at; at++) {
                if (octet_is_control(*at))
                        return "holds a control octet";
                if (!octet_is_printable(*at))
                        return "has octets that are not ASCII";
        }

        const char *semicolon;
        switch (kind) {
        case ARGUMENT_WORD:
                return *text ? word_fault(text, strlen(text)) : "is empty";
        case ARGUMENT_RESPONSE:
                return word_fault(text, strlen(text));
        case ARGUMENT_PATH:
                return path_fault(text);
        case ARGUMENT_XTEXT:
                return NULL;
        case ARGUMENT_ORCPT:
                semicolon = strchr(text, ';');
                return semicolon ? word_fault(text, (size_t)(semicolon - text)) : "has no semicolon";
        }
        return "?";
}

static void add_argument(struct line *line, const char *field, enum argument kind, const char *text)
{
        if (line->status != POSTEL_OK)
                return;
        const char *fault = argument_fault(kind, text);
        if (fault) {
                line_fail(line, field, fault);
                return;
        }

        size_t plain = strlen(text);
        if (kind == ARGUMENT_XTEXT)
                plain = 0;
        else if (kind == ARGUMENT_ORCPT)
                plain = strcspn(text, ";") + 1;
        line_check(line, buffer_append(line->out, text, plain) && xtext_append(line->out, text + plain));
}

static struct line line_begin(struct buffer *out, size_t max, const char *verb, postel_error *error)
{
        struct line line = {
                .out = out, .start = out->size, .max = max, .status = POSTEL_OK, .error = error
        };
        add_argument(&line, "verb", ARGUMENT_WORD, verb);
        return line;
}

static postel_status line_end(struct line *line)
{
        add_constant(line, "\r\n");
        if (line->status == POSTEL_OK && line->out->size - line->start > line->max)
                line->status = error_set(line->error, POSTEL_INVALID, POSTEL_PHASE_NONE,
                        "command: is longer than %zu octets", line->max);
        if (line->status != POSTEL_OK)
                buffer_truncate(line->out, line->start);
        return line->status;
}

postel_status command_verb(struct buffer *out, const char *verb, postel_error *error)
{
        struct line line = line_begin(out, COMMAND_MAX_OCTETS, verb, error);
        return line_end(&line);
}

postel_status command_hello(struct buffer *out, const char *verb, const char *name, postel_error *error)
{
        struct line line = line_begin(out, COMMAND_MAX_OCTETS, verb, error);
        add_constant(&line, " ");
        add_argument(&line, "ehlo name", ARGUMENT_WORD, name);
        return line_end(&line);
}

static void add_ret(struct line *line, postel_ret ret)
{
        switch (ret) {
        case POSTEL_RET_UNSET:
                return;
        case POSTEL_RET_FULL:
                add_constant(line, " RET=FULL");
                return;
        case POSTEL_RET_HDRS:
                add_constant(line, " RET=HDRS");
                return;
        }
        if (line->status == POSTEL_OK)
                line_fail(line, "ret", "is no POSTEL_RET_ value");
}

postel_status command_mail(struct buffer *out, const struct envelope *envelope,
        const struct mail_parameters *parameters, postel_error *error)
{
        struct line line = line_begin(out, COMMAND_MAX_OCTETS + 500, "MAIL", error);
        add_constant(&line, " FROM:<");
        add_argument(&line, "from", ARGUMENT_PATH, envelope->from);
        add_constant(&line, ">");
        if (parameters && parameters->has_size) {
                char number[24];
                snprintf(number, sizeof(number), "%" PRIu64, parameters->size);
                add_constant(&line, " SIZE=");
                add_argument(&line, "size", ARGUMENT_WORD, number);
        }
        if (parameters && parameters->body) {
                add_constant(&line, " BODY=");
                add_argument(&line, "body", ARGUMENT_WORD, parameters->body);
        }
        add_ret(&line, envelope->ret);
        if (envelope->envid) {
                add_constant(&line, " ENVID=");
                add_argument(&line, "envid", ARGUMENT_XTEXT, envelope->envid);
        }
        return line_end(&line);
}

static void add_notify(struct line *line, unsigned notify)
{
        static const struct {
                unsigned bit;
                const char *name;
        } rows[] = {
                { POSTEL_NOTIFY_SUCCESS, "SUCCESS" },
                { POSTEL_NOTIFY_FAILURE, "FAILURE" },
                { POSTEL_NOTIFY_DELAY, "DELAY" },
                { POSTEL_NOTIFY_NEVER, "NEVER" },
        };
        const char *separator = " NOTIFY=";

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (!(notify & rows[i].bit))
                        continue;
                add_constant(line, separator);
                add_constant(line, rows[i].name);
                separator = ",";
                notify &= ~rows[i].bit;
        }
        if (notify && line->status == POSTEL_OK)
                line_fail(line, "notify", "has a value that is no POSTEL_NOTIFY_ value");
}

postel_status command_rcpt(struct buffer *out, const struct envelope *envelope, size_t recipient,
        bool smtputf8, postel_error *error)
{
        const char *to = envelope->to[recipient];
        const struct recipient_parameters *parameters =
                envelope->parameters ? &envelope->parameters[recipient] : NULL;
        struct line line = line_begin(out, COMMAND_MAX_OCTETS + 500, "RCPT", error);
        (void)smtputf8;
        add_constant(&line, " TO:<");
        if (!*to)
                line_fail(&line, "to", "is empty");
        add_argument(&line, "to", ARGUMENT_PATH, to);
        add_constant(&line, ">");
        if (parameters)
                add_notify(&line, parameters->notify);
        if (parameters && parameters->orcpt) {
                add_constant(&line, " ORCPT=");
                add_argument(&line, "orcpt", ARGUMENT_ORCPT, parameters->orcpt);
        }
        return line_end(&line);
}

postel_status command_auth(
        struct buffer *out, const char *mechanism, const char *initial, postel_error *error)
{
        struct line line = line_begin(out, COMMAND_MAX_OCTETS, "AUTH", error);
        add_constant(&line, " ");
        add_argument(&line, "mechanism", ARGUMENT_WORD, mechanism);
        if (initial) {
                add_constant(&line, " ");
                add_argument(&line, "initial response", ARGUMENT_WORD, initial);
        }
        return line_end(&line);
}

postel_status command_auth_response(struct buffer *out, const char *response, postel_error *error)
{
        struct line line = { .out = out, .start = out->size, .max = AUTH_MAX_OCTETS, .error = error };
        add_argument(&line, "authentication response", ARGUMENT_RESPONSE, response);
        return line_end(&line);
}
