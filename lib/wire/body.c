/* SPDX-License-Identifier: MIT */
/*
 * Framing of content: RFC 5321 sections 2.3.8 and 4.5.2, RFC 3030. It copies nothing and knows neither where
 * the content comes from nor where it goes.
 *
 * Plain octets are passed over by memchr(), which is many times as fast as looking at each, since the lines
 * of mail are longer than what one step of it covers. It looks ahead over a bounded stretch only: content
 * that is nothing but CRs, say, must not be searched for an LF to its end again and again.
 */

#include "wire/body.h"

#include "wire/octet.h"

#include <postel/message.h>

#include <string.h>

#define STRETCH_OCTETS 1024

static const char crlf[] = "\r\n";
static const char end_mark[] = "\r\n.\r\n";

/* Lines that are longer than a command may be are cut by some servers, and a verb may follow the cut. */
#define COMMAND_LINE_MAX_OCTETS 510

void body_framer_init(struct body_framer *framer, enum body_form form, unsigned refuse)
{
        *framer = (struct body_framer){ .form = form, .refuse = refuse, .line_start = true };
}

void body_framer_init_curious(struct body_framer *framer, unsigned refuse)
{
        body_framer_init(framer, BODY_DOTTED, refuse);
        framer->curious = framer->in_header = framer->in_field_name = framer->in_word = true;
}

/* ---- Curiosity ---- */

/* RFC 3629, but for overlong forms and surrogates, which no server tells from the rest either. */
static bool utf8_takes(struct body_framer *framer, unsigned char octet)
{
        if (framer->utf8_left) {
                framer->utf8_left--;
                return octet >= 0x80 && octet < 0xc0;
        }
        if (octet >= 0xc2 && octet < 0xf5)
                framer->utf8_left = octet < 0xe0 ? 1 : octet < 0xf0 ? 2 : 3;
        return octet < 0x80 || framer->utf8_left;
}

/* What is not of the form of a field ends the header section, as an empty line does. */
static void look_at_field_name(struct body_framer *framer, char octet)
{
        if (octet == ':')
                framer->in_field_name = false;
        else if (octet == ' ' || !octet_is_printable(octet))
                framer->in_header = false;
}

static void look_at_header(struct body_framer *framer, const char *in, size_t size)
{
        size_t i = 0;

        if (framer->line_octets == 0 && size && (*in == ' ' || *in == '\t'))
                framer->in_field_name = false;
        for (; i < size && framer->in_header && framer->in_field_name; i++)
                look_at_field_name(framer, in[i]);
        for (; i < size && framer->in_header && !framer->header_not_utf8; i++) {
                if ((unsigned char)in[i] >= 0x80)
                        framer->header_eight_bit = true;
                if (!utf8_takes(framer, (unsigned char)in[i]))
                        framer->header_not_utf8 = true;
        }
}

static bool is_verb(const char *word, size_t size)
{
        static const char verbs[][BODY_WORD_MAX_OCTETS] = { "HELO", "EHLO", "LHLO", "MAIL", "RCPT", "DATA",
                "BDAT", "RSET", "VRFY", "EXPN", "HELP", "NOOP", "QUIT", "AUTH", "STARTTLS", "ETRN", "ATRN",
                "TURN", "BURL", "SEND", "SOML", "SAML", "XCLIENT", "XFORWARD" };

        for (size_t i = 0; size >= 4 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
                if (strlen(verbs[i]) == size && octets_equal_in_any_case(verbs[i], word, size))
                        return true;
        return false;
}

static void end_word(struct body_framer *framer)
{
        framer->in_word = false;
        if (is_verb(framer->word, framer->word_size))
                framer->like_commands = true;
}

/* The first word of a line, behind blanks, for as long as it may be a verb. */
static void look_for_verb(struct body_framer *framer, const char *in, size_t size)
{
        for (size_t i = 0; i < size && framer->in_word; i++) {
                bool blank = in[i] == ' ' || in[i] == '\t';
                if (blank && !framer->word_size)
                        continue;
                if (!octet_is_alnum(in[i]) && in[i] != '-')
                        end_word(framer);
                else if (framer->word_size == BODY_WORD_MAX_OCTETS)
                        framer->in_word = false;
                else
                        framer->word[framer->word_size++] = in[i];
        }
}

static void look_at_line_end(struct body_framer *framer)
{
        if (framer->in_word)
                end_word(framer);
        if (framer->line_octets > COMMAND_LINE_MAX_OCTETS)
                framer->like_commands = true;
        if (framer->utf8_left && framer->in_header)
                framer->header_not_utf8 = true;
        if (framer->in_field_name)
                framer->in_header = false;
        framer->in_field_name = true;
        framer->in_word = true;
        framer->word_size = 0;
}

/* ---- Framing ---- */

/* Octets before the first CR, LF or NUL, looking no further than one stretch. */
static size_t plain_octets(const char *in, size_t size)
{
        size_t plain = size < STRETCH_OCTETS ? size : STRETCH_OCTETS;
        const char *at = memchr(in, '\n', plain);
        if (at)
                plain = (size_t)(at - in);
        at = memchr(in, '\r', plain);
        if (at)
                plain = (size_t)(at - in);
        at = memchr(in, '\0', plain);
        return at ? (size_t)(at - in) : plain;
}

static bool has_eight_bit(const char *in, size_t size)
{
        uint64_t word = 0, all = 0;

        while (size >= sizeof(word)) {
                memcpy(&word, in, sizeof(word));
                all |= word;
                in += sizeof(word);
                size -= sizeof(word);
        }
        for (; size; in++, size--)
                all |= (unsigned char)*in;
        return all & UINT64_C(0x8080808080808080);
}

/* False: the line is refused; *used says behind which of these octets. */
static bool take_plain(struct body_framer *framer, const char *in, size_t size, size_t *used)
{
        *used = size;
        if (size == 0)
                return true;
        if (framer->refuse & POSTEL_REFUSE_LONG_LINES && size > BODY_LINE_MAX_OCTETS - framer->line_octets) {
                *used = BODY_LINE_MAX_OCTETS - framer->line_octets;
                return false;
        }
        if (!framer->eight_bit)
                framer->eight_bit = has_eight_bit(in, size);
        if (framer->curious && framer->in_header)
                look_at_header(framer, in, size);
        if (framer->curious && framer->in_word)
                look_for_verb(framer, in, size);
        framer->line_start = false;
        framer->line_octets += size;
        framer->content_size += size;
        return true;
}

static void take_newline(struct body_framer *framer)
{
        if (framer->curious)
                look_at_line_end(framer);
        framer->pending_cr = false;
        framer->line_start = true;
        framer->line_octets = 0;
        framer->content_size += strlen(crlf);
}

/* The first octet of `in` is, or follows, a newline that is not two octets of `in`. */
static enum body_fault supply_newline(
        struct body_framer *framer, const char *in, size_t *used, struct body_piece *piece)
{
        bool is_bare = !framer->pending_cr || *in != '\n';

        if (is_bare && framer->refuse & POSTEL_REFUSE_BARE_NEWLINES)
                return BODY_BARE_NEWLINE;
        framer->changed |= is_bare;
        *used = *in == '\n';
        *piece = (struct body_piece){ crlf, strlen(crlf) };
        take_newline(framer);
        return BODY_OK;
}

enum body_fault body_framer_next(
        struct body_framer *framer, const char *in, size_t size, size_t *used, struct body_piece *piece)
{
        size_t at = 0;

        *used = 0;
        *piece = (struct body_piece){ in, 0 };
        if (framer->form == BODY_BINARY) {
                *used = piece->size = size;
                framer->content_size += size;
                return BODY_OK;
        }
        if (framer->pending_cr || *in == '\n')
                return supply_newline(framer, in, used, piece);

        while (at < size) {
                if (framer->line_start && in[at] == '.' && framer->form == BODY_DOTTED) {
                        /* The run ends with the dot, and the next one begins with it. */
                        framer->line_start = false;
                        *used = at;
                        piece->size = at + 1;
                        return BODY_OK;
                }
                size_t plain;
                bool taken = take_plain(framer, in + at, plain_octets(in + at, size - at), &plain);
                at += plain;
                *used = at;
                if (!taken)
                        return BODY_LONG_LINE;
                if (at == size || in[at] == '\n')
                        break;
                if (in[at] == '\0')
                        return BODY_NUL;
                if (in[at] != '\r')
                        continue;
                if (at + 1 == size || in[at + 1] != '\n') {
                        framer->pending_cr = true;
                        *used = at + 1;
                        break;
                }
                take_newline(framer);
                at += strlen(crlf);
                *used = at;
        }
        piece->size = at;
        return BODY_OK;
}

enum body_fault body_framer_end(struct body_framer *framer, struct body_piece *piece)
{
        bool wants_newline = framer->form != BODY_BINARY && (!framer->line_start || framer->pending_cr);

        *piece = (struct body_piece){ end_mark + strlen(crlf), strlen(end_mark) - strlen(crlf) };
        if (framer->form != BODY_DOTTED)
                piece->size = 0;
        if (!wants_newline)
                return BODY_OK;
        if (framer->pending_cr && framer->refuse & POSTEL_REFUSE_BARE_NEWLINES)
                return BODY_BARE_NEWLINE;
        framer->changed = true;
        take_newline(framer);
        piece->data = end_mark;
        piece->size += strlen(crlf);
        return BODY_OK;
}

const char *body_fault_text(enum body_fault fault)
{
        switch (fault) {
        case BODY_OK:
                return "is well";
        case BODY_NUL:
                return "holds a NUL octet (RFC 5321 section 2.3.8)";
        case BODY_BARE_NEWLINE:
                return "holds a CR without LF or an LF without CR (RFC 5321 section 2.3.8)";
        case BODY_LONG_LINE:
                return "has a line longer than 998 octets (RFC 5322 section 2.1.1)";
        }
        return "?";
}
