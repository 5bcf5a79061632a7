/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "wire/address.h"

#include <stdlib.h>
#include <string.h>

#define TEN   "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN
#define BUECHER     \
        "b\xc3\xbc" \
        "cher"
#define COUNT(row) (sizeof(row) / sizeof((row)[0]))

/* Valid when `fault` is NULL. */
struct row {
        const char *text, *fault;
};

static void check(const char *(*function)(const char *), const struct row *rows, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                harness_row("%s", rows[i].text);
                CHECK_STR(function(rows[i].text), rows[i].fault);
        }
}

static void accepts_addresses(void)
{
        static const struct row rows[] = {
                { "a@example.org", NULL },
                { "a.b+c@example.org", NULL },
                { "!#$%&'*+-/=?^_`{|}~@example.org", NULL },
                { "a@localhost", NULL },
                { "a@1.2.3.4", NULL },
                { "a@xn--bcher-kva.example", NULL },
                { "a@a--b.example", NULL },
                { "\"a b\"@example.org", NULL },
                { "\"a>b<c@d\"@example.org", NULL },
                { "\"a\\\"b\\\\\"@example.org", NULL },
                { "\"\"@example.org", NULL },
                { "a@[192.0.2.1]", NULL },
                { "a@[IPv6:2001:db8::1]", NULL },
                { "a@[ipv6:::1]", NULL },
                { "a@[IPv6:::ffff:192.0.2.1]", NULL },
                { SIXTY "abcd@example.org", NULL },
                { "\xc3\xa9@example.org", NULL },
                { "jos\xc3\xa9.\xe2\x98\x83@example.org", NULL },
                { "\"\xc3\xa9 \\\xc3\xa9\"@example.org", NULL },
                { "\xf4\x8f\xbf\xbd@example.org", NULL },
                { "a@" BUECHER ".example", NULL },
                { "a@B\xc3\x9c"
                  "CHER.example",
                        NULL },
                { "\xc3\xa9@" BUECHER ".example", NULL },
                { "@a,@b.example:user@example.org", NULL },
                { "@" BUECHER ".example:\"a:b\"@[192.0.2.1]", NULL },
                { "Postmaster@example.org", NULL },
                { "a@" SIXTY "abc.org", NULL },
        };
        check(address_fault, rows, COUNT(rows));
}

static void names_what_is_wrong_with_an_address(void)
{
        static const struct row rows[] = {
                { "", "is empty" },
                { "a", "has no domain" },
                { "a@", "has no domain" },
                { "\"a\"", "has no domain" },
                { "@example.org", "has no local part" },
                { "@", "has no local part" },
                { "<a@example.org>", "has an angle bracket" },
                { "A <a@example.org>", "has a space" },
                { "a b@example.org", "has a space" },
                { "a@example.org ", "has a space" },
                { "a@example.org>", "has an angle bracket" },
                { "a@b@example.org", "has an @ in its domain" },
                { ".a@example.org", "has a dot in its local part that is not between words" },
                { "a.@example.org", "has a dot in its local part that is not between words" },
                { "a..b@example.org", "has a dot in its local part that is not between words" },
                { "a.", "has a dot in its local part that is not between words" },
                { "a,b@example.org", "has an octet in its local part that must be in quotes" },
                { "a\"b\"@example.org", "has an octet in its local part that must be in quotes" },
                { "a\\@b@example.org", "has an octet in its local part that must be in quotes" },
                { "\"a@example.org", "has a quoted string that does not end" },
                { "\"a\\\"@example.org", "has a quoted string that does not end" },
                { "\"a\\", "has a quoted string that does not end" },
                { "\"a\"b@example.org", "has something between its quoted string and the @" },
                { "\"a\".b@example.org", "has something between its quoted string and the @" },
                { SIXTY "abcde@example.org", "has a local part longer than 64 octets" },
        };
        check(address_fault, rows, COUNT(rows));
}

static void names_what_is_wrong_with_the_domain_of_an_address(void)
{
        static const struct row rows[] = {
                { "a@.org", "has an empty domain label" },
                { "a@example..org", "has an empty domain label" },
                { "a@example.org.", "ends with a dot" },
                { "a@-example.org", "has a domain label that begins or ends with a hyphen" },
                { "a@example-.org", "has a domain label that begins or ends with a hyphen" },
                { "a@exa_mple.org", "has an octet in its domain that is no letter, digit, hyphen or dot" },
                { "a@exa/mple.org", "has an octet in its domain that is no letter, digit, hyphen or dot" },
                { "a@" SIXTY "abcd.org", "has a domain label longer than 63 octets" },
                { "a@[192.0.2.1", "has an address literal that does not end with ]" },
                { "a@[", "has an address literal that does not end with ]" },
                { "a@[]", "has an address literal that is neither [IPv4] nor [IPv6:...]" },
                { "a@[192.0.2.256]", "has an address literal that is neither [IPv4] nor [IPv6:...]" },
                { "a@[192.0.2]", "has an address literal that is neither [IPv4] nor [IPv6:...]" },
                { "a@[2001:db8::1]", "has an address literal that is neither [IPv4] nor [IPv6:...]" },
                { "a@[IPv6:192.0.2.1]", "has an address literal that is neither [IPv4] nor [IPv6:...]" },
                { "a@[IPv6:]", "has an address literal that is neither [IPv4] nor [IPv6:...]" },
                { "a@[IPv6:fe80::1%eth0]", "has an address literal that is neither [IPv4] nor [IPv6:...]" },
                { "a@[x:y]", "has an address literal that is neither [IPv4] nor [IPv6:...]" },
                { "a@[IPv6]", "has an address literal that is neither [IPv4] nor [IPv6:...]" },
                { "a@[" SIXTY "]", "has an address literal that is neither [IPv4] nor [IPv6:...]" },
                { "a@[" SIXTY SIXTY "]", "has an address literal that is neither [IPv4] nor [IPv6:...]" },
                { "a@[192.0.2.1].org", "has an address literal that does not end with ]" },
        };
        check(address_fault, rows, COUNT(rows));
}

static void refuses_octets_that_no_command_may_hold(void)
{
        static const struct row rows[] = {
                { "a@example.org\r\nDATA", "holds a CR or LF" },
                { "a@example.org\n", "holds a CR or LF" },
                { "\"a\rb\"@example.org", "holds a CR or LF" },
                { "\"a\\\nb\"@example.org", "holds a CR or LF" },
                { "\xc3\xa9@example.org\r\n", "holds a CR or LF" },
                { "a\t@example.org", "holds a control octet" },
                { "\"a\x7f\"@example.org", "holds a control octet" },
                { "a@example.org\x01", "holds a control octet" },
                { "\xc2\x80@example.org", "holds a control character" },
                { "a@\xc2\x9f.org", "holds a control character" },
                { "\x80@example.org", "is no valid UTF-8" },
                { "\xff@example.org", "is no valid UTF-8" },
                { "\"\xc3\"@example.org", "is no valid UTF-8" },
                { "\xc3\xa9@example.org\xc3", "is no valid UTF-8" },
                { "\xc0\xaf@example.org", "is no valid UTF-8" },
                { "\xc1\xbf@example.org", "is no valid UTF-8" },
                { "\xe0\x9f\xbf@example.org", "is no valid UTF-8" },
                { "\xed\xa0\x80@example.org", "is no valid UTF-8" },
                { "\xed\xbf\xbf@example.org", "is no valid UTF-8" },
                { "\xf0\x8f\xbf\xbf@example.org", "is no valid UTF-8" },
                { "\xf4\x90\x80\x80@example.org", "is no valid UTF-8" },
                { "\xf5\x80\x80\x80@example.org", "is no valid UTF-8" },
                { "\xe2\x98@example.org", "is no valid UTF-8" },
        };
        check(address_fault, rows, COUNT(rows));
}

static void refuses_what_idna_refuses(void)
{
        static const struct row rows[] = {
                { "a@\xe2\x98\x83.example", "has a character in its domain that IDNA2008 does not allow" },
                { "a@ab--\xc3\xbc.example", "has a domain label with hyphens in the third and fourth place" },
                { "a@-\xc3\xbc.example", "has a domain label that begins or ends with a hyphen" },
                { "a@\xcc\x88u.example", "has a domain label that begins with a combining character" },
                { "a@\xd7\x90"
                  "a.example",
                        "has a domain that mixes directions of writing (RFC 5893)" },
                { "a@a\xe2\x80\x8c"
                  "b.example",
                        "has a domain that is not valid by IDNA2008" },
                { "a@xn--zzz\xc3\xa9.example", "has a domain label in xn-- form that cannot be decoded" },
                { "a@" BUECHER "..example", "has an empty domain label" },
                { "a@" BUECHER ".example.", "ends with a dot" },
                { "a@" BUECHER "_.example",
                        "has an octet in its domain that is no letter, digit, hyphen or dot" },
                { "a@" BUECHER ">.example", "has an angle bracket" },
                { "a@" BUECHER " .example", "has a space" },
                { "\xc3\xa9@\xe2\x98\x83.example",
                        "has a character in its domain that IDNA2008 does not allow" },
                /* 59 letters and one that is not ASCII are 61 octets, and an A-label of 65. */
                { "a@" TEN TEN TEN TEN TEN "abcdefghi\xc3\xbc.example",
                        "has a domain label longer than 63 octets" },
                /* What is left out of domains, and leaves nothing. */
                { "a@\xc2\xad", "has an empty domain label" },
                { "a@b.\xc2\xad.c", "has an empty domain label" },
                /* What looks like an @, and becomes one. */
                { "a@\xef\xbc\xa0.example", "has an @ in its domain" },
                { "@\xe2\x98\x83:a@example.org",
                        "has a character in its domain that IDNA2008 does not allow" },
        };
        check(address_fault, rows, COUNT(rows));
}

static void names_what_is_wrong_with_a_source_route(void)
{
        static const struct row rows[] = {
                { "@a,b:user@host", "has a source route that is not of @ and domains" },
                { "@a,:user@host", "has a source route that is not of @ and domains" },
                { "@:user@host", "has an empty domain in its source route" },
                { "@a,@:user@host", "has an empty domain in its source route" },
                { "@a b:user@host", "has a space" },
                { "@a_b:user@host", "has an octet in its domain that is no letter, digit, hyphen or dot" },
                { "@a.:user@host", "ends with a dot" },
                { "@[192.0.2.1]:user@host",
                        "has an octet in its domain that is no letter, digit, hyphen or dot" },
                { "@a:user", "has no domain" },
                { "@a:", "has no local part" },
                { "@a:@b:user@host", "has no local part" },
                { "@a,@b user@host", "has no local part" },
                { "@a:Postmaster", "has no domain" },
        };
        check(address_fault, rows, COUNT(rows));
}

static void knows_the_postmaster_as_a_recipient(void)
{
        static const struct row rows[] = {
                { "Postmaster", NULL },
                { "postmaster", NULL },
                { "POSTMASTER", NULL },
                { "a@example.org", NULL },
                { "Postmaste", "has no domain" },
                { "Postmasters", "has no domain" },
                { "Postmaster@", "has no domain" },
                { "Postmaster\n", "holds a CR or LF" },
                { "", "is empty" },
        };
        check(forward_path_fault, rows, COUNT(rows));
        CHECK_STR(address_fault("Postmaster"), "has no domain");
}

static void writes_addresses_as_they_go_on_the_wire(void)
{
        static const struct {
                const char *address, *written, *domain;
                bool needs_smtputf8;
        } rows[] = {
                { "", "", "", false },
                { "Postmaster", "Postmaster", "", false },
                { "a@Example.ORG", "a@Example.ORG", "Example.ORG", false },
                { "a@[IPv6:::1]", "a@[IPv6:::1]", "[IPv6:::1]", false },
                { "\"a@b\\\"c\"@x.org", "\"a@b\\\"c\"@x.org", "x.org", false },
                { "\"a\\\"@b\"@x.org", "\"a\\\"@b\"@x.org", "x.org", false },
                { "a@" BUECHER ".example", "a@xn--bcher-kva.example", BUECHER ".example", false },
                { "a@B\xc3\x9c"
                  "CHER.Example",
                        "a@xn--bcher-kva.example",
                        "B\xc3\x9c"
                        "CHER.Example",
                        false },
                { "a@bu\xcc\x88"
                  "cher.example",
                        "a@xn--bcher-kva.example",
                        "bu\xcc\x88"
                        "cher.example",
                        false },
                { "a@fa\xc3\x9f.example", "a@xn--fa-hia.example", "fa\xc3\x9f.example", false },
                { "\"@\"@" BUECHER ".example", "\"@\"@xn--bcher-kva.example", BUECHER ".example", false },
                { "\xc3\xa9@" BUECHER ".example", "\xc3\xa9@" BUECHER ".example", BUECHER ".example", true },
                { "\xc3\xa9@example.org", "\xc3\xa9@example.org", "example.org", true },
                { "\"\\\xc3\xa9\"@example.org", "\"\\\xc3\xa9\"@example.org", "example.org", true },
                { "@a,@b:user@host", "user@host", "host", false },
                { "@" BUECHER ":\"@:\"@host", "\"@:\"@host", "host", false },
                { "@" BUECHER ":u@" BUECHER, "u@xn--bcher-kva", BUECHER, false },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct buffer out;
                harness_row("%s", rows[i].address);
                buffer_init(&out, 300);
                CHECK(buffer_append_text(&out, "<"));
                CHECK(address_append(&out, rows[i].address));
                CHECK_OCTETS(out.data + 1, out.size - 1, rows[i].written, strlen(rows[i].written));
                CHECK_STR(address_domain(rows[i].address), rows[i].domain);
                CHECK_INT(address_needs_smtputf8(rows[i].address), rows[i].needs_smtputf8);
                buffer_deinit(&out);
                if (!*rows[i].written)
                        continue;
                out.max = strlen(rows[i].written);
                CHECK(buffer_append_text(&out, "<"));
                CHECK(!address_append(&out, rows[i].address));
                CHECK_OCTETS(out.data, out.size, "<", 1);
                buffer_deinit(&out);
        }
}

static void stays_within_addresses_that_are_not_valid(void)
{
        static const char *const rows[] = { "\"", "\"a", "\"a\\", "\"a\\\"", "@", "@:", ":", "a", "\xc3",
                "@a:\"\xff\\" };

        for (size_t i = 0; i < COUNT(rows); i++) {
                /* On the heap, where a sanitizer sees a step too far. */
                char *text = strdup(rows[i]);
                struct buffer out;
                REQUIRE(text != NULL);
                harness_row("%zu", i);
                buffer_init(&out, 100);
                address_append(&out, text);
                address_needs_smtputf8(text);
                CHECK_STR(address_domain(text), "");
                buffer_deinit(&out);
                free(text);
        }
}

static void counts_the_octets_of_utf_8_and_of_a_labels(void)
{
        char address[300] = "";

        for (int i = 0; i < 32; i++)
                strcat(address, "\xc3\xa9");
        strcat(address, "@example.org");
        CHECK_STR(address_fault(address), NULL);
        memmove(address + 1, address, strlen(address) + 1);
        address[0] = 'a';
        CHECK_STR(address_fault(address), "has a local part longer than 64 octets");

        /* Each label of 52 octets becomes longer; the last one decides. */
        for (size_t last = 40; last <= 63; last++) {
                harness_row("%zu", last);
                strcpy(address, TEN TEN "@");
                for (int i = 0; i < 3; i++)
                        strcat(address, TEN TEN TEN TEN TEN "\xc3\xbc.");
                memset(address + strlen(address), '\0', sizeof(address) - strlen(address));
                memset(address + strlen(address), 'b', last);
                struct buffer out;
                buffer_init(&out, 400);
                CHECK(address_append(&out, address));
                CHECK_STR(address_fault(address),
                        out.size > 254 ? "is longer than 254 octets in its A-label form" : NULL);
                buffer_deinit(&out);
        }
}

static void takes_addresses_of_254_octets_and_no_more(void)
{
        char address[300];

        for (size_t size = 250; size < 260; size++) {
                harness_row("%zu octets", size);
                memset(address, 'a', size);
                address[size] = '\0';
                address[1] = '@';
                for (size_t dot = 40; dot < size - 1; dot += 40)
                        address[dot] = '.';
                CHECK_STR(address_fault(address), size <= 254 ? NULL : "is longer than 254 octets");
        }
}

static void judges_domains_and_ehlo_names(void)
{
        static const struct row both[] = {
                { "example.org", NULL },
                { "localhost", NULL },
                { "1and1.example", NULL },
                { "", "is empty" },
                { ".", "ends with a dot" },
                { "example.org.", "ends with a dot" },
                { "my host", "has a space" },
                { "my_host", "has an octet in its domain that is no letter, digit, hyphen or dot" },
                { "a@b", "has an @ in its domain" },
                { "x\r\nMAIL FROM:<>", "holds a CR or LF" },
                { "b\xc3\xbc"
                  "cher.example",
                        "has octets that are not ASCII: write it in its xn-- form" },
        };
        static const struct row ehlo[] = {
                { "[192.0.2.1]", NULL },
                { "[IPv6:::1]", NULL },
                { "[::1]", "has an address literal that is neither [IPv4] nor [IPv6:...]" },
                { "[", "has an address literal that does not end with ]" },
        };
        check(domain_fault, both, COUNT(both));
        check(ehlo_name_fault, both, COUNT(both));
        check(ehlo_name_fault, ehlo, COUNT(ehlo));
        CHECK(domain_fault("[192.0.2.1]") != NULL);
}

static void takes_domains_of_255_octets_and_no_more(void)
{
        char domain[300];

        for (size_t size = 250; size < 260; size++) {
                harness_row("%zu octets", size);
                memset(domain, 'a', size);
                domain[size] = '\0';
                for (size_t dot = 40; dot < size - 1; dot += 40)
                        domain[dot] = '.';
                CHECK_STR(domain_fault(domain), size <= 255 ? NULL : "has a domain longer than 255 octets");
        }
}

static void judges_hosts(void)
{
        static const struct row rows[] = {
                { "mail.example.org", NULL },
                { "my_host", NULL },
                { "3com", NULL },
                { "192.0.2.1", NULL },
                { "::1", NULL },
                { "2001:db8::25", NULL },
                { "", "is empty" },
                { "mail.example.org.", "ends with a dot" },
                { "[::1]", "has brackets: write the address without them" },
                { "[192.0.2.1]", "has brackets: write the address without them" },
                { "mail.example.org:25", "has a colon and is no IPv6 address" },
                { "10.1", "ends with a number and is no IPv4 address" },
                { "192.0.2.256", "ends with a number and is no IPv4 address" },
                { "mail example", "has a space" },
                { "user@mail.example", "has an @ in its domain" },
                { "mail\nexample", "holds a CR or LF" },
                { "mail\x1b", "holds a control octet" },
        };
        check(host_fault, rows, COUNT(rows));
}

int main(void)
{
        static const struct test tests[] = {
                { "accepts addresses", accepts_addresses },
                { "names what is wrong with an address", names_what_is_wrong_with_an_address },
                { "names what is wrong with the domain of an address",
                        names_what_is_wrong_with_the_domain_of_an_address },
                { "refuses octets that no command may hold", refuses_octets_that_no_command_may_hold },
                { "refuses what IDNA refuses", refuses_what_idna_refuses },
                { "names what is wrong with a source route", names_what_is_wrong_with_a_source_route },
                { "knows the postmaster as a recipient", knows_the_postmaster_as_a_recipient },
                { "writes addresses as they go on the wire", writes_addresses_as_they_go_on_the_wire },
                { "stays within addresses that are not valid", stays_within_addresses_that_are_not_valid },
                { "counts the octets of UTF-8 and of A-labels", counts_the_octets_of_utf_8_and_of_a_labels },
                { "takes addresses of 254 octets and no more", takes_addresses_of_254_octets_and_no_more },
                { "judges domains and EHLO names", judges_domains_and_ehlo_names },
                { "takes domains of 255 octets and no more", takes_domains_of_255_octets_and_no_more },
                { "judges hosts", judges_hosts },
        };
        return harness_run("address", tests, COUNT(tests));
}
