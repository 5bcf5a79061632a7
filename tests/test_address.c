/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "wire/address.h"

#include <stdio.h>
#include <string.h>

#define TEN        "abcdefghij"
#define SIXTY      TEN TEN TEN TEN TEN TEN
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
                { "\xc3\xa9@example.org", "has octets that are not ASCII, which needs SMTPUTF8" },
                { "\"\xff\"@example.org", "has octets that are not ASCII, which needs SMTPUTF8" },
                { "a@b\xc3\xbc"
                  "cher.example",
                        "has octets that are not ASCII, which needs SMTPUTF8" },
        };
        check(address_fault, rows, COUNT(rows));
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
                { "takes addresses of 254 octets and no more", takes_addresses_of_254_octets_and_no_more },
                { "judges domains and EHLO names", judges_domains_and_ehlo_names },
                { "takes domains of 255 octets and no more", takes_domains_of_255_octets_and_no_more },
                { "judges hosts", judges_hosts },
        };
        return harness_run("address", tests, COUNT(tests));
}
