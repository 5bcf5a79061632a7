/* SPDX-License-Identifier: MIT */
#ifndef WIRE_BODY_H
#define WIRE_BODY_H

/*
 * The wire form of content: newlines become CRLF, a final one is supplied; for DATA leading dots are doubled
 * and
 * `.` CRLF ends it (RFC 5321 sections 2.3.8 and 4.5.2); for BDAT nothing is added (RFC 3030); binary content
 * is left as it is. Pieces that need no change point into the input, so that nothing is copied here; what is
 * inserted points to constants.
 *
 * The same machine, with its pieces thrown away, is what looks a message through before MAIL: there is one
 * opinion about what content is, not two.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BODY_LINE_MAX_OCTETS 998 /* RFC 5322 section 2.1.1, without CRLF */

enum body_form {
        BODY_DOTTED, /* for DATA */
        BODY_CHUNKED, /* for BDAT */
        BODY_BINARY /* for BDAT: nothing is looked at */
};

enum body_fault {
        BODY_OK,
        BODY_NUL,
        BODY_BARE_NEWLINE, /* only when told to refuse it */
        BODY_LONG_LINE /* only when told to refuse it */
};

struct body_piece {
        const char *data;
        size_t size;
};

#define BODY_WORD_MAX_OCTETS 9 /* one more than the longest verb */

struct body_framer {
        enum body_form form;
        unsigned refuse; /* POSTEL_REFUSE_ values */
        bool line_start; /* the next octet begins a line */
        bool pending_cr; /* a CR was taken and not yet written: what follows decides what it is */
        bool changed; /* newlines were changed or supplied */
        bool eight_bit; /* an octet from 0x80 on was seen */
        size_t line_octets; /* of the line so far */
        uint64_t content_size; /* octets as SIZE= counts them (RFC 1870): with CRLFs, without doubled dots and
                                  the end */

        /* What else is found out when `curious`. */
        bool curious;
        bool in_header; /* every line so far was a field or went on with one (RFC 5322 section 2.2) */
        bool in_field_name;
        bool header_eight_bit, header_not_utf8; /* of the header section (RFC 6532) */
        bool like_commands; /* a line of it could be taken for a command */
        unsigned utf8_left; /* octets that the present character lacks */
        bool in_word; /* the first word of the line is not complete */
        size_t word_size;
        char word[BODY_WORD_MAX_OCTETS];
};

void body_framer_init(struct body_framer *framer, enum body_form form, unsigned refuse);

/* Also finds out what the last part of the struct says: for looking a message through. */
void body_framer_init_curious(struct body_framer *framer, unsigned refuse);

/*
 * Takes some of `size` (at least 1) octets at `in`, says in *used how many, and in *piece what to write for
 * them: either a run of `in`, or an insertion. The piece may be empty. A dot to be doubled ends one run
 * without being used, and begins the next. Call again with the rest until all are used. A fault: the content
 * is refused at in + *used; the framer is of no further use.
 */
enum body_fault body_framer_next(
        struct body_framer *framer, const char *in, size_t size, size_t *used, struct body_piece *piece);

/* The content has ended: *piece is the rest, the end mark of DATA included; it may be empty. Only BODY_OK or
 * BODY_BARE_NEWLINE. */
enum body_fault body_framer_end(struct body_framer *framer, struct body_piece *piece);

/* "holds a NUL octet (RFC 5321 section 2.3.8)" …: a phrase for "the message RULE". */
const char *body_fault_text(enum body_fault fault);

#endif
