/* SPDX-License-Identifier: MIT */
/* Which keywords and values may be passed on to a server unseen. It knows nothing of what they mean but for
 * those that it refuses. */

#include "wire/parameter.h"
#include "wire/octet.h"
#include "wire/text.h"

#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define HAS_FIELD(keyword, field)                                                   \
        {                                                                           \
                keyword, "is " keyword ", which has a field of its own: use " field \
        }

static const struct {
        const char *keyword, *fault;
} refused[] = {
        { "SIZE", "is SIZE, which has a field of its own: it is written for every message" },
        HAS_FIELD("BODY", "body"),
        HAS_FIELD("SMTPUTF8", "smtputf8"),
        HAS_FIELD("AUTH", "auth"),
        HAS_FIELD("RET", "ret"),
        HAS_FIELD("ENVID", "envid"),
        HAS_FIELD("NOTIFY", "notify"),
        HAS_FIELD("ORCPT", "orcpt"),
        HAS_FIELD("BY", "by"),
        HAS_FIELD("HOLDFOR", "hold_for"),
        HAS_FIELD("HOLDUNTIL", "hold_until"),
        HAS_FIELD("MT-PRIORITY", "mt_priority"),
        HAS_FIELD("REQUIRETLS", "require_tls"),
        /* One reply for each recipient after the content. */
        { "PRDR", "is PRDR, which changes the dialogue" },
        /* RFC 1845: DATA is answered with 355 and an offset. */
        { "TRANSID", "is TRANSID, which changes the dialogue" },
};

static bool is_same_keyword(const char *a, const char *b)
{
        size_t size = strlen(a);

        return size == strlen(b) && octets_equal_in_any_case(a, b, size);
}

static const char *keyword_fault(const char *keyword)
{
        if (!keyword || !*keyword)
                return "has no keyword";
        for (const char *at = keyword; *at; at++)
                if (!octet_is_alnum(*at) && (*at != '-' || at == keyword))
                        return "has a keyword that is not of letters, digits and hyphens";
        for (size_t i = 0; i < COUNT(refused); i++)
                if (is_same_keyword(keyword, refused[i].keyword))
                        return refused[i].fault;
        return NULL;
}

static const char *value_fault(const char *value, bool utf8)
{
        const char *fault =
                utf8 ? text_utf8_fault(value)
                     : text_ascii_fault(value, "has a value that is not ASCII, which needs SMTPUTF8");

        if (fault)
                return fault;
        if (!*value)
                return "has an empty value";
        return strpbrk(value, " =") ? "has a space or = in its value" : NULL;
}

const char *parameters_fault(
        const struct esmtp_parameter *parameters, size_t count, bool utf8, size_t *number)
{
        size_t total = 0;

        for (size_t i = 0; i < count; i++) {
                const char *value = parameters[i].value;
                *number = i + 1;
                const char *fault = keyword_fault(parameters[i].keyword);
                if (!fault && value)
                        fault = value_fault(value, utf8);
                for (size_t k = 0; !fault && k < i; k++)
                        if (is_same_keyword(parameters[k].keyword, parameters[i].keyword))
                                fault = "has a keyword that was there before";
                if (fault)
                        return fault;
                /* Before the next is compared with all: a caller's list is bounded by this too. */
                total += strlen(" ") + strlen(parameters[i].keyword) +
                         (value ? strlen("=") + strlen(value) : 0);
                if (total > OTHERS_MAX_OCTETS) {
                        *number = 0;
                        return "are longer than 512 octets together";
                }
        }
        return NULL;
}
