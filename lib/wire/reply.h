/* SPDX-License-Identifier: MIT */
#ifndef WIRE_REPLY_H
#define WIRE_REPLY_H

/*
 * Replies (RFC 5321 section 4.2), fed with octets in any portions.
 *
 * A line ends with CRLF; a lone LF is taken for one, as servers exist that send it. A lone CR, a NUL, a code
 * outside of 200 to 599, a separator that is neither space nor hyphen, codes that differ within a reply, and
 * anything over the limits are faults. Octets from 0x80 on are kept as they are.
 */

#include "base/buffer.h"

#define REPLY_LINE_MAX_OCTETS 2048 /* RFC 5321 section 4.5.3.1.5 says 512; real servers exceed it */
#define REPLY_MAX_LINES       128
#define REPLY_MAX_OCTETS      32768 /* of a whole reply, codes and line ends included */
#define ENHANCED_MAX          12 /* "5.123.123" and its NUL, with room */

struct reply_parser {
        struct buffer text; /* the text of the lines so far, joined by LF, then NUL */
        int code; /* of the first line, once known */
        unsigned lines; /* complete ones */
        size_t octets; /* of the reply so far */
        size_t line_octets; /* of the line so far */
        unsigned position; /* where in a line: digits, separator, text, CR */
        int line_code;
        bool last_line; /* the separator of this line was a space, or there was none */
        const char *fault; /* why it is no reply, as a phrase; NULL while it may be one */
};

enum reply_event {
        REPLY_MORE, /* all octets were used, the reply is not complete */
        REPLY_READY, /* a reply is complete; octets behind it were not used */
        REPLY_FAULT /* this can be no reply; see .fault. Only reply_parser_reset() helps */
};

void reply_parser_init(struct reply_parser *parser);
void reply_parser_deinit(struct reply_parser *parser);
void reply_parser_reset(struct reply_parser *parser); /* to the beginning of a reply; keeps the memory */

/* Feeds `size` octets, stops behind the first complete reply, and says in *used how many were taken. */
enum reply_event reply_parser_feed(
        struct reply_parser *parser, const char *octets, size_t size, size_t *used);

/* Whether any octet of a reply has been fed since the last one. */
bool reply_parser_is_within(const struct reply_parser *parser);

/* After REPLY_READY, until the next reset or feed: the text, NUL-terminated; its octets without the NUL. */
const char *reply_parser_text(const struct reply_parser *parser);
size_t reply_parser_text_size(const struct reply_parser *parser);

/*
 * The enhanced status code that the text begins with (RFC 3463 section 2: class.subject.detail, the class
 * that of `code`), written into `enhanced` with a NUL; "" when there is none.
 */
void reply_enhanced(int code, const char *text, char enhanced[ENHANCED_MAX]);

/*
 * The queue id in the text of a final 2yz reply of Postfix ("queued as X"), Exim ("OK id=X"), Sendmail and
 * OpenSMTPD ("X Message accepted for delivery"), Exchange ("<message-id> [InternalId=X, ...] Queued mail for
 * delivery"), Gmail ("OK  1234 X - gsmtp"), SES ("Ok X") and those that talk like them; "" when none is
 * recognised, or when it takes more than size - 1 octets: a part of an id would be the wrong id.
 */
void reply_queue_id(const char *text, char *id, size_t size);

#endif
