/* SPDX-License-Identifier: MIT */
#ifndef WIRE_EHLO_H
#define WIRE_EHLO_H

/* What a server offers in its reply to EHLO (RFC 5321 section 4.1.1.1). */

#include "base/buffer.h"

#include <stdint.h>

/* The extensions that change what Postel does. One row of a table in ehlo.c for each. */
enum extension {
        EXTENSION_PIPELINING = 1 << 0, /* RFC 2920 */
        EXTENSION_SIZE = 1 << 1, /* RFC 1870 */
        EXTENSION_8BITMIME = 1 << 2, /* RFC 6152 */
        EXTENSION_DSN = 1 << 3, /* RFC 3461 */
        EXTENSION_STARTTLS = 1 << 4, /* RFC 3207 */
        EXTENSION_AUTH = 1 << 5, /* RFC 4954 */
        EXTENSION_ENHANCEDSTATUSCODES = 1 << 6, /* RFC 2034 */
        EXTENSION_CHUNKING = 1 << 7, /* RFC 3030 */
        EXTENSION_BINARYMIME = 1 << 8, /* RFC 3030 */
        EXTENSION_SMTPUTF8 = 1 << 9, /* RFC 6531 */
        EXTENSION_DELIVERBY = 1 << 10, /* RFC 2852 */
        EXTENSION_FUTURERELEASE = 1 << 11, /* RFC 4865 */
        EXTENSION_MT_PRIORITY = 1 << 12, /* RFC 6710 */
        EXTENSION_REQUIRETLS = 1 << 13, /* RFC 8689 */
        EXTENSION_LIMITS = 1 << 14, /* RFC 9422 */
};

struct ehlo {
        unsigned extensions; /* of enum extension */
        uint64_t max_size; /* SIZE's number; 0: no limit is named */
        uint64_t mail_max, rcpt_max, rcpt_domain_max; /* of LIMITS; 0: not named */
        struct buffer lines; /* the text of the reply: lines joined by LF, then NUL */
};

void ehlo_init(struct ehlo *ehlo);
void ehlo_deinit(struct ehlo *ehlo);
void ehlo_forget(struct ehlo *ehlo); /* to "nothing is offered" */

/*
 * Takes the text of a reply to EHLO, lines joined by LF. The first line greets and offers nothing. Keywords
 * count in any case and only as whole words; "AUTH=" with its mechanisms, as old servers write it, counts as
 * AUTH. Lines that break the grammar are kept and offer nothing. False: out of memory; then nothing is
 * offered.
 */
bool ehlo_parse(struct ehlo *ehlo, const char *text, size_t size);

bool ehlo_has(const struct ehlo *ehlo, enum extension extension);

/*
 * What stands behind `keyword` (any case) in the first line that offers it, and its size; "" and 0 for
 * nothing; NULL when it is not offered. For AUTH that is the mechanisms in both spellings of the line.
 */
const char *ehlo_parameters(const struct ehlo *ehlo, const char *keyword, size_t *size);

/* The number of a name in LIMITS, or the first of "DELIVERBY" or "FUTURERELEASE"; 0: not named, or no number.
 */
uint64_t ehlo_limit(const struct ehlo *ehlo, const char *name);

/* Whether a word, in any case, stands behind the keyword. */
bool ehlo_names(const struct ehlo *ehlo, const char *keyword, const char *word);

/* Whether the AUTH line names the mechanism as a whole word, in any case. */
bool ehlo_offers_mechanism(const struct ehlo *ehlo, const char *mechanism);

/* Line `index`, from 0 for the greeting line, and its size; NULL behind the last. */
const char *ehlo_line(const struct ehlo *ehlo, size_t index, size_t *size);

#endif
