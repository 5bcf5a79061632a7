/* SPDX-License-Identifier: MIT */
/*
 * The grammar of addresses and names: RFC 5321 sections 4.1.2 and 4.1.3, RFC 6531 section 3.3. Stricter than
 * what servers take: whatever passes here can stand on a command line as address_append() writes it. It knows
 * the text alone, not whether anything of that name exists. An address of ASCII costs no allocation.
 */

#include "wire/address.h"
#include "wire/idn.h"
#include "wire/octet.h"
#include "wire/text.h"

#include <arpa/inet.h>
#include <string.h>

#define LABEL_MAX_OCTETS 63 /* RFC 1035 section 2.3.4 */
#define IPV6_TAG         "IPv6:"

static bool is_eight_bit(char c)
{
        return (unsigned char)c >= 0x80;
}

static const char *misplaced(char c, const char *otherwise)
{
        switch (c) {
        case ' ':
                return "has a space";
        case '<':
        case '>':
                return "has an angle bracket";
        default:
                return otherwise;
        }
}

/* What may stand in a label besides letters, digits and hyphens. */
enum also { ALSO_NOTHING, ALSO_UNDERSCORE, ALSO_UTF8 };

static const char *label_fault(const char *label, size_t size, enum also also)
{
        if (size == 0)
                return "has an empty domain label";
        for (size_t i = 0; i < size; i++) {
                if (octet_is_alnum(label[i]) || label[i] == '-' ||
                        (also == ALSO_UNDERSCORE && label[i] == '_') ||
                        (also == ALSO_UTF8 && is_eight_bit(label[i])))
                        continue;
                if (label[i] == '@')
                        return "has an @ in its domain";
                return misplaced(
                        label[i], "has an octet in its domain that is no letter, digit, hyphen or dot");
        }
        /* A label of UTF-8 has its limit in A-label form. */
        if (also != ALSO_UTF8 && size > LABEL_MAX_OCTETS)
                return "has a domain label longer than 63 octets";
        if (label[0] == '-' || label[size - 1] == '-')
                return "has a domain label that begins or ends with a hyphen";
        return NULL;
}

static const char *labels_fault(const char *domain, enum also also)
{
        size_t size = strlen(domain);

        if (size > 0 && domain[size - 1] == '.')
                return "ends with a dot";
        for (const char *label = domain;; label++) {
                size_t label_size = strcspn(label, ".");
                const char *fault = label_fault(label, label_size, also);
                if (fault)
                        return fault;
                label += label_size;
                if (!*label)
                        break;
        }
        return size > DOMAIN_MAX_OCTETS ? "has a domain longer than 255 octets" : NULL;
}

/* `literal` begins with its bracket. Tags other than IPv6 are refused: none was ever registered. */
static const char *literal_fault(const char *literal)
{
        char text[sizeof(IPV6_TAG) + INET6_ADDRSTRLEN];
        unsigned char address[sizeof(struct in6_addr)];
        const size_t tag = strlen(IPV6_TAG);
        size_t size = strlen(literal);

        if (literal[size - 1] != ']')
                return "has an address literal that does not end with ]";
        if (size - 2 < sizeof(text)) {
                memcpy(text, literal + 1, size - 2);
                text[size - 2] = '\0';
                bool is_v6 = octets_equal_in_any_case(text, IPV6_TAG, tag);
                if (inet_pton(is_v6 ? AF_INET6 : AF_INET, text + (is_v6 ? tag : 0), address) == 1)
                        return NULL;
        }
        return "has an address literal that is neither [IPv4] nor [IPv6:...]";
}

/* *end: what stands behind the local part. */
static const char *dot_string_fault(const char *local, const char **end)
{
        const char *at = local;

        for (; *at && *at != '@'; at++) {
                if (octet_is_atext(*at) || is_eight_bit(*at))
                        continue;
                if (*at != '.')
                        return misplaced(*at, "has an octet in its local part that must be in quotes");
                if (at == local || at[1] == '.' || at[1] == '@' || !at[1])
                        return "has a dot in its local part that is not between words";
        }
        *end = at;
        return at == local ? "has no local part" : NULL;
}

static const char *quoted_string_fault(const char *local, const char **end)
{
        const char *at = local + 1;

        for (; *at != '"'; at++) {
                if (*at == '\\')
                        at++;
                if (!*at)
                        return "has a quoted string that does not end";
        }
        at++;
        *end = at;
        return *at && *at != '@' ? "has something between its quoted string and the @" : NULL;
}

/* Writes the A-label form of a domain of UTF-8 into `out`; NULL, or the rule that it breaks. */
static const char *convert_domain(const char *domain, char out[DOMAIN_MAX_OCTETS + 1])
{
        const char *fault = labels_fault(domain, ALSO_UTF8);

        if (!fault)
                fault = idn_to_ascii(domain, out, DOMAIN_MAX_OCTETS + 1);
        return fault ? fault : labels_fault(out, ALSO_NOTHING);
}

/* Of a domain that is not a literal. */
static const char *any_domain_fault(const char *domain)
{
        char ascii[DOMAIN_MAX_OCTETS + 1];

        return text_is_ascii(domain) ? labels_fault(domain, ALSO_NOTHING) : convert_domain(domain, ascii);
}

static bool has_route(const char *path)
{
        return *path == '@' && strchr(path, ':');
}

/* "@a,@b:" in front of a mailbox (RFC 5321 appendix C). */
static const char *route_fault(const char *route)
{
        char domain[ADDRESS_MAX_OCTETS + 1];

        for (;;) {
                size_t size = strcspn(route + 1, ",:");
                if (*route != '@')
                        return "has a source route that is not of @ and domains";
                if (size == 0)
                        return "has an empty domain in its source route";
                memcpy(domain, route + 1, size);
                domain[size] = '\0';
                const char *fault = any_domain_fault(domain);
                if (fault)
                        return fault;
                route += 1 + size;
                if (*route == ':')
                        return NULL;
                route++;
        }
}

static const char *mailbox_fault(const char *mailbox)
{
        char ascii[DOMAIN_MAX_OCTETS + 1];
        const char *end;
        const char *fault =
                *mailbox == '"' ? quoted_string_fault(mailbox, &end) : dot_string_fault(mailbox, &end);

        if (fault)
                return fault;
        if (end - mailbox > LOCAL_PART_MAX_OCTETS)
                return "has a local part longer than 64 octets";
        if (!end[0] || !end[1])
                return "has no domain";
        if (end[1] == '[')
                return literal_fault(end + 1);
        if (text_is_ascii(end + 1))
                return labels_fault(end + 1, ALSO_NOTHING);
        fault = convert_domain(end + 1, ascii);
        if (!fault && (size_t)(end + 1 - mailbox) + strlen(ascii) > ADDRESS_MAX_OCTETS)
                return "is longer than 254 octets in its A-label form";
        return fault;
}

const char *address_fault(const char *address)
{
        if (!*address)
                return "is empty";
        const char *fault = text_utf8_fault(address);
        if (fault)
                return fault;
        if (strlen(address) > ADDRESS_MAX_OCTETS)
                return "is longer than 254 octets";
        if (!has_route(address))
                return mailbox_fault(address);
        fault = route_fault(address);
        return fault ? fault : mailbox_fault(strchr(address, ':') + 1);
}

const char *forward_path_fault(const char *address)
{
        static const char postmaster[] = "Postmaster";

        if (octets_equal_in_any_case(address, postmaster, sizeof(postmaster)))
                return NULL;
        return address_fault(address);
}

/* Of a valid address from here on. Of any other the answer means nothing, but asking does no harm. */

static const char *mailbox_of(const char *address)
{
        return has_route(address) ? strchr(address, ':') + 1 : address;
}

/* The "@", or the end of an address that has none. */
static const char *local_part_end(const char *mailbox)
{
        const char *at = mailbox;

        if (*at != '"')
                return at + strcspn(at, "@");
        for (at++; *at && *at != '"'; at++)
                if (at[0] == '\\' && at[1])
                        at++;
        return at + strcspn(at, "@");
}

static bool is_ascii(const char *text, const char *end)
{
        while (text < end && !is_eight_bit(*text))
                text++;
        return text == end;
}

bool address_needs_smtputf8(const char *address)
{
        const char *mailbox = mailbox_of(address);

        return !is_ascii(mailbox, local_part_end(mailbox));
}

bool address_append(struct buffer *out, const char *address)
{
        char domain[DOMAIN_MAX_OCTETS + 1];
        const char *mailbox = mailbox_of(address);
        size_t before = out->size;

        if (text_is_ascii(mailbox) || address_needs_smtputf8(mailbox))
                return buffer_append_text(out, mailbox);
        const char *at = local_part_end(mailbox);
        if (!convert_domain(at + 1, domain) && buffer_append(out, mailbox, (size_t)(at + 1 - mailbox)) &&
                buffer_append_text(out, domain))
                return true;
        buffer_truncate(out, before);
        return false;
}

const char *address_domain(const char *address)
{
        const char *at = local_part_end(mailbox_of(address));

        return *at ? at + 1 : at;
}

static const char *name_fault(const char *name)
{
        if (!*name)
                return "is empty";
        return text_ascii_fault(name, "has octets that are not ASCII: write it in its xn-- form");
}

const char *domain_fault(const char *domain)
{
        const char *fault = name_fault(domain);
        return fault ? fault : labels_fault(domain, ALSO_NOTHING);
}

const char *ehlo_name_fault(const char *name)
{
        const char *fault = name_fault(name);
        if (fault)
                return fault;
        return *name == '[' ? literal_fault(name) : labels_fault(name, ALSO_NOTHING);
}

const char *host_fault(const char *host)
{
        unsigned char address[sizeof(struct in6_addr)];
        const char *fault = name_fault(host);

        if (fault)
                return fault;
        if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
                return NULL;
        if (strpbrk(host, "[]"))
                return "has brackets: write the address without them";
        if (strchr(host, ':'))
                return "has a colon and is no IPv6 address";
        fault = labels_fault(host, ALSO_UNDERSCORE);
        if (fault)
                return fault;

        /* Resolvers read "10.1" as 10.0.0.1: a slip of the pen would go to a stranger. */
        const char *last = strrchr(host, '.');
        last = last ? last + 1 : host;
        return strspn(last, "0123456789") == strlen(last) ? "ends with a number and is no IPv4 address"
                                                          : NULL;
}
