/* SPDX-License-Identifier: MIT */
/*
 * IDNA2008 by libidn2, with the mapping of UTS 46 that people expect of upper-case letters. What comes out is
 * no more than a conversion: that it is a domain is for wire/address.c to see, since the library lets through
 * empty labels and underscores.
 */

#include "wire/idn.h"

#include <idn2.h>
#include <string.h>

const char idn_no_memory[] = "needs more memory than there is";

static const char *reason(int error)
{
        static const struct {
                int error;
                const char *fault;
        } rows[] = {
                { IDN2_MALLOC, idn_no_memory },
                { IDN2_TOO_BIG_DOMAIN, "has a domain that is too long in its A-label form" },
                { IDN2_TOO_BIG_LABEL, "has a domain label longer than 63 octets" },
                { IDN2_PUNYCODE_BIG_OUTPUT, "has a domain label longer than 63 octets" },
                { IDN2_PUNYCODE_BAD_INPUT, "has a domain label in xn-- form that cannot be decoded" },
                { IDN2_INVALID_ALABEL, "has a domain label in xn-- form that cannot be decoded" },
                { IDN2_2HYPHEN, "has a domain label with hyphens in the third and fourth place" },
                { IDN2_HYPHEN_STARTEND, "has a domain label that begins or ends with a hyphen" },
                { IDN2_LEADING_COMBINING, "has a domain label that begins with a combining character" },
                { IDN2_DISALLOWED, "has a character in its domain that IDNA2008 does not allow" },
                { IDN2_UNASSIGNED, "has a character in its domain that Unicode has not assigned" },
                { IDN2_BIDI, "has a domain that mixes directions of writing (RFC 5893)" },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (rows[i].error == error)
                        return rows[i].fault;
        /* Joiners and middle dots where they may not stand (RFC 5892 appendix A), and the like. */
        return "has a domain that is not valid by IDNA2008";
}

const char *idn_to_ascii(const char *domain, char *out, unsigned size)
{
        char *ascii = NULL;
        int error = idn2_to_ascii_8z(domain, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);

        if (error == IDN2_OK && strlen(ascii) >= size)
                error = IDN2_TOO_BIG_DOMAIN;
        if (error == IDN2_OK)
                strcpy(out, ascii);
        idn2_free(ascii);
        return error == IDN2_OK ? NULL : reason(error);
}
