/* SPDX-License-Identifier: MIT */
/*
 * The grammar of addresses and names: RFC 5321 sections 4.1.2 and 4.1.3. Stricter than what servers take:
 * whatever passes here can stand on a command line as it is. It knows the text alone, not whether anything
 * of that name exists.
 */

#include "wire/address.h"
#include "wire/octet.h"

#include <arpa/inet.h>
#include <string.h>

#define LABEL_MAX_OCTETS 63 /* RFC 1035 section 2.3.4 */
#define IPV6_TAG         "IPv6:"

static const char *octets_fault(const char *text, const char *not_ascii)
{
        /* Before all else, wherever it stands: of all faults this is the one that somebody may have planted.
         */
        if (strpbrk(text, "\r\n"))
                return "holds a CR or LF";
        for (; *text; text++) {
                if (octet_is_control(*text))
                        return "holds a control octet";
                if (!octet_is_printable(*text))
                        return not_ascii;
        }
        return NULL;
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

static const char *label_fault(const char *label, size_t size, bool underscores)
{
        if (size == 0)
                return "has an empty domain label";
        for (size_t i = 0; i < size; i++) {
                if (octet_is_alnum(label[i]) || label[i] == '-' || (underscores && label[i] == '_'))
                        continue;
                if (label[i] == '@')
                        return "has an @ in its domain";
                return misplaced(
                        label[i], "has an octet in its domain that is no letter, digit, hyphen or dot");
        }
        if (size > LABEL_MAX_OCTETS)
                return "has a domain label longer than 63 octets";
        if (label[0] == '-' || label[size - 1] == '-')
                return "has a domain label that begins or ends with a hyphen";
        return NULL;
}

static const char *labels_fault(const char *domain, bool underscores)
{
        size_t size = strlen(domain);

        if (domain[size - 1] == '.')
                return "ends with a dot";
        for (const char *label = domain;; label++) {
                size_t label_size = strcspn(label, ".");
                const char *fault = label_fault(label, label_size, underscores);
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
                if (octet_is_atext(*at))
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

const char *address_fault(const char *address)
{
        if (!*address)
                return "is empty";
        const char *fault = octets_fault(address, "has octets that are not ASCII, which needs SMTPUTF8");
        if (fault)
                return fault;
        if (strlen(address) > ADDRESS_MAX_OCTETS)
                return "is longer than 254 octets";

        const char *end;
        fault = *address == '"' ? quoted_string_fault(address, &end) : dot_string_fault(address, &end);
        if (fault)
                return fault;
        if (end - address > LOCAL_PART_MAX_OCTETS)
                return "has a local part longer than 64 octets";
        if (!end[0] || !end[1])
                return "has no domain";
        return end[1] == '[' ? literal_fault(end + 1) : labels_fault(end + 1, false);
}

static const char *name_fault(const char *name)
{
        if (!*name)
                return "is empty";
        return octets_fault(name, "has octets that are not ASCII: write it in its xn-- form");
}

const char *domain_fault(const char *domain)
{
        const char *fault = name_fault(domain);
        return fault ? fault : labels_fault(domain, false);
}

const char *ehlo_name_fault(const char *name)
{
        const char *fault = name_fault(name);
        if (fault)
                return fault;
        return *name == '[' ? literal_fault(name) : labels_fault(name, false);
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
        fault = labels_fault(host, true);
        if (fault)
                return fault;

        /* Resolvers read "10.1" as 10.0.0.1: a slip of the pen would go to a stranger. */
        const char *last = strrchr(host, '.');
        last = last ? last + 1 : host;
        return strspn(last, "0123456789") == strlen(last) ? "ends with a number and is no IPv4 address"
                                                          : NULL;
}
