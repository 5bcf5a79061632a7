/* SPDX-License-Identifier: MIT */
/*
 * Framing of content for DATA: RFC 5321 sections 2.3.8 and 4.5.2. It copies nothing and knows neither where
 * the content comes from nor where it goes.
 *
 * Plain octets are passed over by memchr(), which is many times as fast as looking at each, since the lines
 * of mail are longer than what one step of it covers. It looks ahead over a bounded stretch only: content
 * that is nothing but CRs, say, must not be searched for an LF to its end again and again.
 */

#include "wire/body.h"

#include <postel/message.h>

#include <string.h>

#define STRETCH_OCTETS 1024

static const char crlf[] = "\r\n";
static const char end_mark[] = "\r\n.\r\n";

void body_framer_init(struct body_framer *framer, unsigned refuse)
{
        *framer = (struct body_framer){ .refuse = refuse, .line_start = true };
}

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
        framer->line_start = false;
        framer->line_octets += size;
        framer->content_size += size;
        return true;
}

static void take_newline(struct body_framer *framer)
{
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
        if (framer->pending_cr || *in == '\n')
                return supply_newline(framer, in, used, piece);

        while (at < size) {
                if (framer->line_start && in[at] == '.') {
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
        *piece = (struct body_piece){ end_mark, strlen(end_mark) };
        if (framer->pending_cr && framer->refuse & POSTEL_REFUSE_BARE_NEWLINES)
                return BODY_BARE_NEWLINE;
        if (framer->line_start && !framer->pending_cr) {
                piece->data += strlen(crlf);
                piece->size -= strlen(crlf);
        } else {
                take_newline(framer);
        }
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
