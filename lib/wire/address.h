/* SPDX-License-Identifier: MIT */
#ifndef WIRE_ADDRESS_H
#define WIRE_ADDRESS_H

/* Addresses, host names and EHLO names by the grammar of RFC 5321 sections 4.1.2 and 4.1.3. */

#include <stdbool.h>

/* RFC 5321 section 4.5.3.1.3 allows 256 for a path with its angle brackets. */
#define ADDRESS_MAX_OCTETS    254
#define LOCAL_PART_MAX_OCTETS 64 /* RFC 5321 section 4.5.3.1.1 */
#define DOMAIN_MAX_OCTETS     255 /* RFC 5321 section 4.5.3.1.2 */

/*
 * Each returns NULL when `text` is valid, else the rule that it breaks as a static phrase for "FIELD RULE",
 * such as "has no domain" or "holds a CR or LF".
 */
const char *address_fault(const char *address); /* Mailbox, without angle brackets; "" is a fault */
const char *domain_fault(const char *domain); /* Domain: letters, digits, hyphens, dots */
const char *ehlo_name_fault(const char *name); /* Domain or address-literal */
const char *host_fault(const char *host); /* a name to resolve, or an IP address without brackets */

#endif
