/* SPDX-License-Identifier: MIT */
/* Octets and characters that may stand in a command. It knows nothing of what the text is for. */

#include "wire/text.h"
#include "wire/octet.h"

/* In order of what is told first. */
enum octet_kind { KIND_PRINTABLE, KIND_EIGHT_BIT, KIND_CONTROL, KIND_LINE_BREAK };

static enum octet_kind kind_of(char c)
{
        if (octet_is_printable(c))
                return KIND_PRINTABLE;
        if (c == '\r' || c == '\n')
                return KIND_LINE_BREAK;
        return octet_is_control(c) ? KIND_CONTROL : KIND_EIGHT_BIT;
}

static enum octet_kind worst_kind(const char *text)
{
        enum octet_kind worst = KIND_PRINTABLE;

        for (; *text; text++) {
                enum octet_kind kind = kind_of(*text);
                if (kind > worst)
                        worst = kind;
        }
        return worst;
}

static const char *encoding_fault(const char *text)
{
        uint32_t code_point;

        for (size_t size; *text; text += size) {
                size = utf8_decode(text, &code_point);
                if (size == 0)
                        return "is no valid UTF-8";
                if (code_point >= 0x80 && code_point < 0xa0)
                        return "holds a control character";
        }
        return NULL;
}

const char *text_ascii_fault(const char *text, const char *not_ascii)
{
        switch (worst_kind(text)) {
        case KIND_LINE_BREAK:
                return "holds a CR or LF";
        case KIND_CONTROL:
                return "holds a control octet";
        case KIND_EIGHT_BIT:
                return not_ascii;
        case KIND_PRINTABLE:
                break;
        }
        return NULL;
}

const char *text_utf8_fault(const char *text)
{
        static const char eight_bit[] = "";
        const char *fault = text_ascii_fault(text, eight_bit);

        return fault == eight_bit ? encoding_fault(text) : fault;
}

bool text_is_ascii(const char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text >= 0x80)
                        return false;
        return true;
}

size_t utf8_decode(const char *text, uint32_t *code_point)
{
        /* The least code point of each length: what is less is an overlong form of it. */
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        unsigned char first = (unsigned char)*text;

        if (first < 0x80) {
                *code_point = first;
                return 1;
        }
        if (first < 0xc2 || first > 0xf4)
                return 0;
        size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        uint32_t value = first & (0x7fU >> size);
        for (size_t i = 1; i < size; i++) {
                unsigned char next = (unsigned char)text[i];
                if ((next & 0xc0) != 0x80)
                        return 0;
                value = value << 6 | (next & 0x3f);
        }
        if (value < least[size] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
                return 0;
        *code_point = value;
        return size;
}
