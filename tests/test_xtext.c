/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "wire/xtext.h"

#include <string.h>

static void encodes_what_a_parameter_may_not_hold(void)
{
        static const struct {
                const char *text, *encoded;
        } rows[] = {
                { "", "" },
                { "2026-11-run-7", "2026-11-run-7" },
                { "a+b=c", "a+2Bb+3Dc" },
                { "a b", "a+20b" },
                { "!~", "!~" },
                { "\x01\x1f\x7f", "+01+1F+7F" },
                { "\x80\xff", "+80+FF" },
                { "a\r\nb", "a+0D+0Ab" },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct buffer out;
                buffer_init(&out, 100);
                harness_row("%zu", i);
                CHECK(buffer_append_text(&out, "x="));
                CHECK(xtext_append(&out, rows[i].text));
                CHECK_OCTETS(out.data + 2, out.size - 2, rows[i].encoded, strlen(rows[i].encoded));
                CHECK_INT(xtext_size(rows[i].text), strlen(rows[i].encoded));
                buffer_deinit(&out);
        }
}

static void encodes_characters_of_utf_8_addresses(void)
{
        static const struct {
                const char *text, *encoded;
        } rows[] = {
                { "a@example.org", "a@example.org" },
                { "!*,<>[]~{}", "!*,<>[]~{}" },
                { "a b+c=d\\e", "a\\x{20}b\\x{2B}c\\x{3D}d\\x{5C}e" },
                { "\xc2\xa0", "\\x{A0}" },
                { "\xc3\xa9@\xc3\xbc", "\\x{E9}@\\x{FC}" },
                { "\xdf\xbf", "\\x{7FF}" },
                { "\xe0\xa0\x80", "\\x{800}" },
                { "\xed\x9f\xbf\xee\x80\x80", "\\x{D7FF}\\x{E000}" },
                { "\xf0\x9f\x98\x80", "\\x{1F600}" },
                { "\xf4\x8f\xbf\xbf", "\\x{10FFFF}" },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct buffer out;
                buffer_init(&out, strlen(rows[i].encoded));
                harness_row("%zu", i);
                CHECK(utf8_xtext_append(&out, rows[i].text));
                CHECK_OCTETS(out.data, out.size, rows[i].encoded, strlen(rows[i].encoded));
                CHECK_INT(utf8_xtext_size(rows[i].text), strlen(rows[i].encoded));
                buffer_deinit(&out);
        }
}

static void leaves_a_full_buffer_as_it_was(void)
{
        struct buffer out;

        buffer_init(&out, 6);
        CHECK(buffer_append_text(&out, "ab"));
        CHECK(!xtext_append(&out, "cc+"));
        CHECK(!utf8_xtext_append(&out, "\xc3\xa9"));
        CHECK_OCTETS(out.data, out.size, "ab", 2);
        CHECK(xtext_append(&out, "c+"));
        CHECK_OCTETS(out.data, out.size, "abc+2B", 6);
        buffer_deinit(&out);
}

int main(void)
{
        static const struct test tests[] = {
                { "encodes what a parameter may not hold", encodes_what_a_parameter_may_not_hold },
                { "encodes characters of UTF-8 addresses", encodes_characters_of_utf_8_addresses },
                { "leaves a full buffer as it was", leaves_a_full_buffer_as_it_was },
        };
        return harness_run("xtext", tests, sizeof(tests) / sizeof(tests[0]));
}
