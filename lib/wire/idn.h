/* SPDX-License-Identifier: MIT */
#ifndef WIRE_IDN_H
#define WIRE_IDN_H

/* Domains that are not ASCII (IDNA2008: RFC 5890, RFC 5891). */

/* What idn_to_ascii() returns when memory ran out: this pointer, and no other text. */
extern const char idn_no_memory[];

/*
 * Writes the A-label form of `domain`, which is valid UTF-8, into `out`: with its NUL at most `size` octets.
 * NULL, or why there is none, as a static phrase.
 */
const char *idn_to_ascii(const char *domain, char *out, unsigned size);

#endif
