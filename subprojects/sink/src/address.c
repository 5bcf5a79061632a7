/* SPDX-License-Identifier: MIT */
/* Where a path ends and which octets it may hold (RFC 5321 section 4.1.2, RFC 6531 section 3.3). Not a full
 * grammar: tests have to be able to send odd addresses, but nothing that could be read as two things. */
#include "address.h"

#include "json.h"

#include <string.h>

bool path_parse(const char *text, struct path *path)
{
        size_t count = strlen(text), at = 1;
        bool quoted = false;

        *path = (struct path){ .address = text + 1, .is_ascii = true };
        if (text[0] != '<')
                return false;
        while (at < count && (quoted || text[at] != '>')) {
                size_t length = utf8_sequence(text + at, count - at);
                unsigned char octet = (unsigned char)text[at];

                if (length == 0 || octet < ' ' || octet == 0x7f ||
                        (!quoted && (octet == ' ' || octet == '<')))
                        return false;
                if (octet == '"')
                        quoted = !quoted;
                else if (quoted && octet == '\\' && (unsigned char)text[at + 1] >= ' ')
                        length = 1 + utf8_sequence(text + at + 1, count - at - 1);
                if (octet > 0x7f)
                        path->is_ascii = false;
                at += length;
        }
        if (at >= count)
                return false;
        path->length = at - 1;
        path->rest = text + at + 1;
        return *path->rest == '\0' || *path->rest == ' ';
}
