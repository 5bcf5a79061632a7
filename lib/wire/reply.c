/* SPDX-License-Identifier: MIT */
/*
 * Replies: RFC 5321 section 4.2, with the enhanced status codes of RFC 3463 and what servers say when they
 * have taken a message. Octets in, a code and a text out; it knows neither where they come from nor which
 * command they answer.
 */

#include "wire/reply.h"
#include "wire/octet.h"

#include <string.h>

enum position {
        POSITION_DIGIT_1,
        POSITION_DIGIT_2,
        POSITION_DIGIT_3,
        POSITION_SEPARATOR,
        POSITION_TEXT,
        POSITION_LF /* behind a CR */
};

void reply_parser_init(struct reply_parser *parser)
{
        *parser = (struct reply_parser){ 0 };
        buffer_init(&parser->text, REPLY_MAX_OCTETS + 1);
}

void reply_parser_deinit(struct reply_parser *parser)
{
        buffer_deinit(&parser->text);
        reply_parser_reset(parser);
}

void reply_parser_reset(struct reply_parser *parser)
{
        struct buffer text = parser->text;
        buffer_truncate(&text, 0);
        *parser = (struct reply_parser){ .text = text };
}

static bool is_complete(const struct reply_parser *parser)
{
        return parser->lines > 0 && parser->last_line && parser->position == POSITION_DIGIT_1;
}

bool reply_parser_is_within(const struct reply_parser *parser)
{
        return parser->octets > 0 && !is_complete(parser);
}

static void keep_text(struct reply_parser *parser, const char *octets, size_t size)
{
        if (!buffer_append(&parser->text, octets, size))
                parser->fault = "out of memory";
}

static void take_digit(struct reply_parser *parser, char octet)
{
        char first = parser->position == POSITION_DIGIT_1 ? '2' : '0';
        char last = parser->position == POSITION_DIGIT_1 ? '5' : '9';

        if (octet < first || octet > last) {
                parser->fault = "has a line that does not begin with a code from 200 to 599";
                return;
        }
        parser->line_code = parser->line_code * 10 + (octet - '0');
        parser->position++;
        if (parser->position != POSITION_SEPARATOR)
                return;
        if (parser->lines == 0)
                parser->code = parser->line_code;
        else if (parser->line_code != parser->code)
                parser->fault = "has lines with different codes";
}

static void end_line(struct reply_parser *parser)
{
        parser->lines++;
        parser->line_octets = 0;
        parser->line_code = 0;
        parser->position = POSITION_DIGIT_1;
        if (parser->last_line)
                keep_text(parser, "", 1);
        else if (parser->lines == REPLY_MAX_LINES)
                parser->fault = "has more than 128 lines";
        else
                keep_text(parser, "\n", 1);
}

/* Everything but the octets of the text. */
static void take_octet(struct reply_parser *parser, char octet)
{
        const char *fault = "has a NUL octet";

        switch ((enum position)parser->position) {
        case POSITION_DIGIT_1:
        case POSITION_DIGIT_2:
        case POSITION_DIGIT_3:
                take_digit(parser, octet);
                return;
        case POSITION_SEPARATOR:
                parser->last_line = octet != '-';
                if (octet == ' ' || octet == '-') {
                        parser->position = POSITION_TEXT;
                        return;
                }
                fault = "has a code followed by neither a space nor a hyphen";
                break;
        case POSITION_TEXT:
                break;
        case POSITION_LF:
                fault = "has a CR without LF";
                break;
        }
        if (octet == '\n')
                end_line(parser);
        else if (octet == '\r' && parser->position != POSITION_LF)
                parser->position = POSITION_LF;
        else
                parser->fault = fault;
}

/* Keeps the octets in front of the next LF, CR or NUL and returns their number. */
static size_t take_text(struct reply_parser *parser, const char *octets, size_t size)
{
        static const char ends[] = { '\n', '\r', '\0' };

        for (size_t i = 0; i < sizeof(ends); i++) {
                const char *at = memchr(octets, ends[i], size);
                if (at)
                        size = (size_t)(at - octets);
        }
        keep_text(parser, octets, size);
        return size;
}

/* The octets of what is offered that the limits leave room for; 0 sets the fault. */
static size_t allowed(struct reply_parser *parser, size_t size)
{
        size_t line = REPLY_LINE_MAX_OCTETS - parser->line_octets;
        size_t whole = REPLY_MAX_OCTETS - parser->octets;

        if (line == 0)
                parser->fault = "has a line longer than 2048 octets";
        else if (whole == 0)
                parser->fault = "is longer than 32768 octets";
        if (size > line)
                size = line;
        return size > whole ? whole : size;
}

enum reply_event reply_parser_feed(struct reply_parser *parser, const char *octets, size_t size, size_t *used)
{
        *used = 0;
        if (is_complete(parser))
                reply_parser_reset(parser);
        while (*used < size && !parser->fault) {
                size_t taken = 0, room = allowed(parser, size - *used);
                if (parser->fault)
                        break;
                if (parser->position == POSITION_TEXT)
                        taken = take_text(parser, octets + *used, room);
                parser->octets += taken;
                parser->line_octets += taken;
                if (taken == 0) {
                        taken = 1;
                        parser->octets++;
                        parser->line_octets++;
                        take_octet(parser, octets[*used]);
                }
                *used += taken;
                if (is_complete(parser) && !parser->fault)
                        return REPLY_READY;
        }
        return parser->fault ? REPLY_FAULT : REPLY_MORE;
}

const char *reply_parser_text(const struct reply_parser *parser)
{
        return is_complete(parser) ? parser->text.data : "";
}

size_t reply_parser_text_size(const struct reply_parser *parser)
{
        return is_complete(parser) ? parser->text.size - 1 : 0;
}

/* The size of an enhanced status code of any class at `text`, or 0. */
static size_t enhanced_size(const char *text)
{
        size_t size = 1;

        if (*text != '2' && *text != '4' && *text != '5')
                return 0;
        for (int part = 0; part < 2; part++) {
                if (text[size] != '.')
                        return 0;
                size_t digits = strspn(text + size + 1, "0123456789");
                if (digits < 1 || digits > 3)
                        return 0;
                size += 1 + digits;
        }
        return text[size] == '\0' || strchr(" \t\n", text[size]) ? size : 0;
}

void reply_enhanced(int code, const char *text, char enhanced[ENHANCED_MAX])
{
        size_t size = enhanced_size(text);

        if (size && *text - '0' != code / 100)
                size = 0;
        memcpy(enhanced, text, size);
        enhanced[size] = '\0';
}

/*
 * Where the id stands in a line, its enhanced status code taken off. In `lead` a space is one or more of
 * them,
 * '#' a number and '*' a word. Rows without many words to go by ask for an id that looks like one.
 */
static const struct id_row {
        const char *lead;
        const char *tail; /* follows the id; NULL: anything that can be no part of it */
        bool anywhere; /* else the lead begins the line */
        bool plain; /* false: at least 8 octets, and a digit among them */
} id_rows[] = {
        { "queued as ", NULL, true, true }, /* Postfix, Mailpit, SendGrid, Brevo */
        { "queued on * as ", NULL, true, true }, /* Yandex */
        { "queued with id ", NULL, true, true }, /* Stalwart */
        { "[InternalId=", NULL, true, true }, /* Exchange */
        { "OK id=", NULL, false, true }, /* Exim */
        { "Requested mail action okay, completed: id=", NULL, false, true }, /* GMX, IONOS */
        { "Message Queued (", ")", false, false }, /* Haraka */
        { "", " Message accepted for delivery", false, false }, /* Sendmail, OpenSMTPD */
        { "OK # ", " - gsmtp", false, true }, /* Gmail */
        { "OK ", "", false, false }, /* SES, SparkPost */
        { "ok # qp ", "", false, true }, /* qmail */
        { "<*> ", " Saved", false, false }, /* Dovecot's LMTP */
};

static bool is_id_octet(char c)
{
        return octet_is_alnum(c) || (c != '\0' && strchr("._-/=@+$~", c));
}

/* What stands behind `lead`, or NULL. */
static const char *behind_lead(const char *lead, const char *at)
{
        for (; *lead; lead++) {
                size_t size = 1;
                if (*lead == ' ')
                        size = strspn(at, " ");
                else if (*lead == '#')
                        size = strspn(at, "0123456789");
                else if (*lead == '*')
                        size = strcspn(at, " <>");
                else if (octet_upper(*lead) != octet_upper(*at))
                        return NULL;
                if (size == 0)
                        return NULL;
                at += size;
        }
        return at;
}

/* The size of the id at `at` by what `row` asks of it, or 0. */
static size_t id_size(const struct id_row *row, const char *at)
{
        size_t size = 0;
        bool has_digit = false;

        for (; is_id_octet(at[size]); size++)
                has_digit |= octet_is_digit(at[size]);
        /* A full stop behind it ends a sentence. */
        while (size && at[size - 1] == '.')
                size--;
        if (!row->plain && (size < 8 || !has_digit))
                return 0;
        if (!row->tail)
                return size;
        size_t tail = strlen(row->tail);
        const char *end = at + size;
        if (!octets_equal_in_any_case(end, row->tail, strnlen(end, tail)) || strnlen(end, tail) < tail)
                return 0;
        return tail || *end == '\0' ? size : 0;
}

/* The id in one line; NULL: none. */
static const char *find_id(const char *line, size_t *size)
{
        size_t enhanced = enhanced_size(line);
        line += enhanced + strspn(line + enhanced, " ");
        for (size_t i = 0; i < sizeof(id_rows) / sizeof(id_rows[0]); i++) {
                const char *at = line;
                do {
                        const char *id = behind_lead(id_rows[i].lead, at);
                        if (id && *id == '<')
                                id++;
                        *size = id ? id_size(&id_rows[i], id) : 0;
                        if (*size)
                                return id;
                } while (id_rows[i].anywhere && *at++);
        }
        return NULL;
}

void reply_queue_id(const char *text, char *id, size_t size)
{
        char line[REPLY_LINE_MAX_OCTETS];
        size_t found_size = 0;

        for (; *text; text += *text == '\n') {
                size_t line_size = strcspn(text, "\n");
                if (line_size < sizeof(line)) {
                        memcpy(line, text, line_size);
                        line[line_size] = '\0';
                        const char *found = find_id(line, &found_size);
                        if (found && found_size < size) {
                                memcpy(id, found, found_size);
                                id[found_size] = '\0';
                                return;
                        }
                }
                text += line_size;
        }
        id[0] = '\0';
}
