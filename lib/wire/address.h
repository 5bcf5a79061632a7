/* SPDX-License-Identifier: MIT */
#ifndef WIRE_ADDRESS_H
#define WIRE_ADDRESS_H

/* Addresses, host names and EHLO names by the grammar of RFC 5321 sections 4.1.2 and 4.1.3 and RFC 6531
 * section 3.3. */

#include "base/buffer.h"

#include <stdbool.h>

/* RFC 5321 section 4.5.3.1.3 allows 256 for a path with its angle brackets. */
#define ADDRESS_MAX_OCTETS    254
#define LOCAL_PART_MAX_OCTETS 64 /* RFC 5321 section 4.5.3.1.1 */
#define DOMAIN_MAX_OCTETS     255 /* RFC 5321 section 4.5.3.1.2 */

/*
 * Each returns NULL when `text` is valid, else the rule that it breaks as a static phrase for "FIELD RULE",
 * such as "has no domain" or "holds a CR or LF"; or idn_no_memory of wire/idn.h, for a domain that is not
 * ASCII.
 */
const char *address_fault(
        const char *address); /* [source route] Mailbox, without angle brackets; "" is a fault */
const char *forward_path_fault(const char *address); /* the same, or "Postmaster" alone */
const char *domain_fault(const char *domain); /* Domain: letters, digits, hyphens, dots */
const char *ehlo_name_fault(const char *name); /* Domain or address-literal */
const char *host_fault(const char *host); /* a name to resolve, or an IP address without brackets */

/* Whether a valid address has a local part that is not ASCII. */
bool address_needs_smtputf8(const char *address);

/*
 * Appends a valid address as it goes on the wire: without its source route, with its domain in A-labels
 * unless the local part is not ASCII. False: out of memory; the buffer is as it was.
 */
bool address_append(struct buffer *out, const char *address);

/* The domain of a valid address, as it was written; "" for none. */
const char *address_domain(const char *address);

#endif
