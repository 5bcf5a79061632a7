/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "wire/envelope.h"

#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define TEN         "abcdefghij"
#define HUNDRED     TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

/* `message` NULL: valid. */
static void check(const struct envelope *envelope, const char *message)
{
        postel_error error = { .status = POSTEL_OK, .message = "untouched" };
        postel_status status = envelope_check(envelope, &error);

        CHECK_INT(status, message ? POSTEL_INVALID : POSTEL_OK);
        CHECK_INT(error.status, status);
        CHECK_INT(error.phase, POSTEL_PHASE_NONE);
        CHECK_STR(error.message, message ? message : "untouched");
        CHECK_INT(envelope_check(envelope, NULL), status);
}

static void checks_the_sender(void)
{
        static const struct {
                const char *from, *message;
        } rows[] = {
                { "a@example.org", NULL },
                { "", NULL },
                { NULL, "from: is NULL" },
                { "a", "from: has no domain (\"a\")" },
                { "a@b\r\nRSET", "from: holds a CR or LF (\"a@b\\x0d RSET\")" },
                { "<>", "from: has an angle bracket (\"<>\")" },
                { "a@" HUNDRED HUNDRED HUNDRED,
                        "from: is longer than 254 octets (\"a@" TEN TEN TEN TEN TEN TEN "ab\")" },
        };
        static const char *const to[] = { "b@example.org" };

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                struct envelope envelope = { .from = rows[i].from, .to = to, .to_count = 1 };
                check(&envelope, rows[i].message);
        }
}

static void checks_each_recipient(void)
{
        static const struct {
                const char *to[3];
                const char *message;
        } rows[] = {
                { { "a@x.org", "b@x.org", "a@x.org" }, NULL },
                { { "a@x.org", "b@x.org", "c" }, "to 3: has no domain (\"c\")" },
                { { "", "b@x.org", "c@x.org" }, "to 1: is empty" },
                { { "a@x.org", NULL, "c@x.org" }, "to 2: is NULL" },
                { { "a@x.org", "b@\xff.org", "c@x.org" },
                        "to 2: has octets that are not ASCII, which needs SMTPUTF8 (\"b@\\xff.org\")" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                struct envelope envelope = { .from = "", .to = rows[i].to, .to_count = 3 };
                check(&envelope, rows[i].message);
        }
        struct envelope nobody = { .from = "", .to = NULL, .to_count = 0 };
        check(&nobody, "to: at least one recipient is needed");
        struct envelope no_list = { .from = "", .to = NULL, .to_count = 1 };
        check(&no_list, "to: is NULL");
}

static void checks_the_parameters_of_a_recipient(void)
{
        static const struct {
                struct recipient_parameters parameters;
                const char *message;
        } rows[] = {
                { { 0, NULL }, NULL },
                { { 7, "rfc822;b@example.org" }, NULL },
                { { 8, "x-y;Big Boss" }, NULL },
                { { 8 | 1, NULL }, "notify of to 2: has NEVER together with other values" },
                { { 16, NULL }, "notify of to 2: has a value that is no POSTEL_NOTIFY_ value" },
                { { 8 | 32, NULL }, "notify of to 2: has a value that is no POSTEL_NOTIFY_ value" },
                { { 0, "" }, "orcpt of to 2: does not begin with an address type and a semicolon" },
                { { 0, "b@example.org" },
                        "orcpt of to 2: does not begin with an address type and a semicolon" },
                { { 0, ";b@example.org" },
                        "orcpt of to 2: does not begin with an address type and a semicolon" },
                { { 0, "a b;c" }, "orcpt of to 2: does not begin with an address type and a semicolon" },
                { { 0, "a=b;c" }, "orcpt of to 2: does not begin with an address type and a semicolon" },
                { { 0, "rfc822;" }, "orcpt of to 2: has no address behind its type" },
                { { 0, "rfc822;a\r\nDATA" }, "orcpt of to 2: has octets that are not printable ASCII" },
                { { 0, "rfc822;\xc3\xa9" }, "orcpt of to 2: has octets that are not printable ASCII" },
                { { 0, "rfc822;" HUNDRED HUNDRED HUNDRED HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN "abc" },
                        NULL },
                { { 0, "rfc822;" HUNDRED HUNDRED HUNDRED HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN "abcd" },
                        "orcpt of to 2: is longer than 500 octets when encoded" },
                { { 0, "rfc822;" HUNDRED HUNDRED HUNDRED HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN "a+" },
                        "orcpt of to 2: is longer than 500 octets when encoded" },
        };
        static const char *const to[] = { "a@example.org", "b@example.org" };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct recipient_parameters parameters[2] = { { 0, NULL }, rows[i].parameters };
                harness_row("%zu", i);
                struct envelope envelope = { .from = "", .to = to, .to_count = 2, .parameters = parameters };
                check(&envelope, rows[i].message);
                CHECK_INT(
                        envelope_needs_dsn(&envelope), rows[i].parameters.notify || rows[i].parameters.orcpt);
        }
}

static void checks_the_parameters_of_the_message(void)
{
        static const struct {
                const char *envid;
                int ret, body;
                const char *message;
        } rows[] = {
                { NULL, 0, 0, NULL },
                { "run 7", 2, 2, NULL },
                { HUNDRED, 1, 1, NULL },
                { "", 0, 0, "envid: is empty" },
                { HUNDRED "a", 0, 0, "envid: is longer than 100 octets" },
                { "a\n", 0, 0, "envid: has octets that are not printable ASCII" },
                { "a\x7f", 0, 0, "envid: has octets that are not printable ASCII" },
                { NULL, 3, 0, "ret: is no POSTEL_RET_ value" },
                { NULL, -1, 0, "ret: is no POSTEL_RET_ value" },
                { NULL, 0, 3, "body: is no POSTEL_BODY_ value" },
        };
        static const char *const to[] = { "b@example.org" };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct envelope envelope = { .from = "", .to = to, .to_count = 1, .envid = rows[i].envid };
                harness_row("%zu", i);
                /* As a binding would: any number may arrive in an enum. */
                memcpy(&envelope.ret, &rows[i].ret, sizeof(envelope.ret));
                memcpy(&envelope.body, &rows[i].body, sizeof(envelope.body));
                check(&envelope, rows[i].message);
        }
}

static void knows_when_dsn_is_needed(void)
{
        static const char *const to[] = { "b@example.org" };
        struct envelope envelope = { .from = "", .to = to, .to_count = 1, .body = POSTEL_BODY_8BITMIME };

        CHECK(!envelope_needs_dsn(&envelope));
        envelope.ret = POSTEL_RET_FULL;
        CHECK(envelope_needs_dsn(&envelope));
        envelope.ret = POSTEL_RET_UNSET;
        envelope.envid = "x";
        CHECK(envelope_needs_dsn(&envelope));
}

int main(void)
{
        static const struct test tests[] = {
                { "checks the sender", checks_the_sender },
                { "checks each recipient", checks_each_recipient },
                { "checks the parameters of a recipient", checks_the_parameters_of_a_recipient },
                { "checks the parameters of the message", checks_the_parameters_of_the_message },
                { "knows when DSN is needed", knows_when_dsn_is_needed },
        };
        return harness_run("envelope", tests, COUNT(tests));
}
