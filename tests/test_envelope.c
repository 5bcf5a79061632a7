/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "envelope.h"
#include "wire/command.h"

#include <stdio.h>
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
                { "\xc3\xa9@b\xc3\xbc.example", NULL },
                { "@a,@b:user@host", NULL },
                { "Postmaster", "from: has no domain (\"Postmaster\")" },
                { "\x80@b", "from: is no valid UTF-8 (\"\\x80@b\")" },
                { "a@b\x7f", "from: holds a control octet (\"a@b\\x7f\")" },
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
                { { "a@x.org", "Postmaster", "\xc3\xa9@x.org" }, NULL },
                { { "a@x.org", "b@\xff.org", "c@x.org" }, "to 2: is no valid UTF-8 (\"b@\\xff.org\")" },
                { { "a@x.org", "b@x.org\n", "c@x.org" }, "to 2: holds a CR or LF (\"b@x.org \")" },
                { { "a@x.org", "b@\xe2\x98\x83", "c@x.org" },
                        "to 2: has a character in its domain that IDNA2008 does not allow "
                        "(\"b@\xe2\x98\x83\")" },
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

#define TEN_E "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
#define TEN_SNOWMEN                                                                                        \
        "\xe2\x98\x83\xe2\x98\x83\xe2\x98\x83\xe2\x98\x83\xe2\x98\x83\xe2\x98\x83\xe2\x98\x83\xe2\x98\x83" \
        "\xe2\x98\x83\xe2\x98\x83"
#define SIXTY_SNOWMEN TEN_SNOWMEN TEN_SNOWMEN TEN_SNOWMEN TEN_SNOWMEN TEN_SNOWMEN TEN_SNOWMEN
#define EIGHTY_E      TEN_E TEN_E TEN_E TEN_E TEN_E TEN_E TEN_E TEN_E

static const struct esmtp_parameter plain[] = { { "X-A", NULL }, { "XVERP", "a;b" } };
static const struct esmtp_parameter spaced[] = { { "X-A", NULL }, { "X-B", "a b" } };
static const struct esmtp_parameter huge[] = { { "X-A", HUNDRED HUNDRED HUNDRED HUNDRED },
        { "X-B", HUNDRED "abcdef" } };

static void checks_the_parameters_of_a_recipient(void)
{
        static const struct {
                struct recipient_parameters parameters;
                const char *message;
        } rows[] = {
                { { .notify = 0 }, NULL },
                { { .notify = 7, .orcpt = "rfc822;b@example.org" }, NULL },
                { { .notify = 8, .orcpt = "x-y;Big Boss" }, NULL },
                { { .notify = 8 | 1 }, "notify of to 2: has NEVER together with other values" },
                { { .notify = 16 }, "notify of to 2: has a value that is no POSTEL_NOTIFY_ value" },
                { { .notify = 8 | 32 }, "notify of to 2: has a value that is no POSTEL_NOTIFY_ value" },
                { { .notify = 0, .orcpt = "" },
                        "orcpt of to 2: does not begin with an address type and a semicolon" },
                { { .notify = 0, .orcpt = "b@example.org" },
                        "orcpt of to 2: does not begin with an address type and a semicolon" },
                { { .notify = 0, .orcpt = ";b@example.org" },
                        "orcpt of to 2: does not begin with an address type and a semicolon" },
                { { .notify = 0, .orcpt = "a b;c" },
                        "orcpt of to 2: does not begin with an address type and a semicolon" },
                { { .notify = 0, .orcpt = "a=b;c" },
                        "orcpt of to 2: does not begin with an address type and a semicolon" },
                { { .notify = 0, .orcpt = "rfc822;" }, "orcpt of to 2: has no address behind its type" },
                { { .notify = 0, .orcpt = "rfc822;a\r\nDATA" }, "orcpt of to 2: holds a CR or LF" },
                { { .notify = 0, .orcpt = "rfc822;\xc3\xa9" },
                        "orcpt of to 2: has octets that are not printable ASCII" },
                { { .notify = 0,
                          .orcpt = "rfc822;" HUNDRED HUNDRED HUNDRED HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN
                                  TEN "abc" },
                        NULL },
                { { .notify = 0,
                          .orcpt = "rfc822;" HUNDRED HUNDRED HUNDRED HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN
                                  TEN "abcd" },
                        "orcpt of to 2: is longer than 500 octets when encoded" },
                { { .notify = 0,
                          .orcpt = "rfc822;" HUNDRED HUNDRED HUNDRED HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN
                                  TEN "a+" },
                        "orcpt of to 2: is longer than 500 octets when encoded" },
                { { .orcpt = "rfc822;a\x7f" }, "orcpt of to 2: holds a control octet" },
                { { .orcpt = "rfc822;a\x80" }, "orcpt of to 2: has octets that are not printable ASCII" },
                { { .orcpt = "utf-8;\xc3\xa9 x" }, NULL },
                { { .orcpt = "UTF-8;\xc3\xa9" }, NULL },
                { { .orcpt = "utf-8;\x80" }, "orcpt of to 2: is no valid UTF-8" },
                { { .orcpt = "utf-8;\xc2\x85" }, "orcpt of to 2: holds a control character" },
                { { .orcpt = "utf-8;\n" }, "orcpt of to 2: holds a CR or LF" },
                { { .orcpt = "utf-8;" }, "orcpt of to 2: has no address behind its type" },
                { { .orcpt = "utf-8\xc3\xa9;x" }, "orcpt of to 2: has octets that are not printable ASCII" },
                /* 82 characters of 6 octets each, and the type, are 498. */
                { { .orcpt = "utf-8;" EIGHTY_E "\xc3\xa9\xc3\xa9"
                             "ab" },
                        NULL },
                { { .orcpt = "utf-8;" EIGHTY_E "\xc3\xa9\xc3\xa9"
                             "abc" },
                        "orcpt of to 2: is longer than 500 octets when encoded" },
                /* 61 characters of 3 octets, 8 encoded. */
                { { .orcpt = "utf-8;" SIXTY_SNOWMEN "\xe2\x98\x83"
                             "abcdef" },
                        NULL },
                { { .orcpt = "utf-8;" SIXTY_SNOWMEN "\xe2\x98\x83"
                             "abcdefg" },
                        "orcpt of to 2: is longer than 500 octets when encoded" },
                { { .others = plain, .other_count = 2 }, NULL },
                { { .others = spaced, .other_count = 2 },
                        "parameter 2 of to 2: has a space or = in its value" },
                { { .others = huge, .other_count = 2 },
                        "parameters of to 2: are longer than 512 octets together" },
        };
        static const char *const to[] = { "a@example.org", "b@example.org" };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct recipient_parameters parameters[2] = { { 0 }, rows[i].parameters };
                harness_row("%zu", i);
                struct envelope envelope = { .from = "", .to = to, .to_count = 2, .parameters = parameters };
                check(&envelope, rows[i].message);
        }
}

static const char *const to_one[] = { "b@example.org" };

static struct envelope with_defaults(struct envelope envelope)
{
        envelope.from = envelope.from ? envelope.from : "";
        if (!envelope.to) {
                envelope.to = to_one;
                envelope.to_count = 1;
        }
        return envelope;
}

static void checks_the_parameters_of_the_message(void)
{
        static const struct {
                struct envelope envelope;
                const char *message;
        } rows[] = {
                { { .envid = "run 7", .ret = POSTEL_RET_HDRS, .body = POSTEL_BODY_8BITMIME }, NULL },
                { { .envid = HUNDRED, .ret = POSTEL_RET_FULL, .body = POSTEL_BODY_7BIT }, NULL },
                { { .body = POSTEL_BODY_BINARYMIME }, NULL },
                { { .envid = "" }, "envid: is empty" },
                { { .envid = HUNDRED "a" }, "envid: is longer than 100 octets" },
                { { .envid = "a\n" }, "envid: holds a CR or LF" },
                { { .envid = "a\x7f" }, "envid: holds a control octet" },
                { { .envid = "a\x80" }, "envid: has octets that are not printable ASCII" },
                { { .auth = "" }, NULL },
                { { .auth = "a@b.c" }, NULL },
                { { .auth = "\xc3\xa9@b\xc3\xbc.c" }, NULL },
                { { .auth = "a" }, "auth: has no domain" },
                { { .auth = "<>" }, "auth: has an angle bracket" },
                { { .auth = "Postmaster" }, "auth: has no domain" },
                { { .auth = "a@b.c\r" }, "auth: holds a CR or LF" },
                { { .auth = "a@b\x7f" }, "auth: holds a control octet" },
                { { .auth = "a@b\x80" }, "auth: is no valid UTF-8" },
                { { .by = POSTEL_BY_RETURN, .by_seconds = 1 }, NULL },
                { { .by = POSTEL_BY_RETURN, .by_seconds = 999999999 }, NULL },
                { { .by = POSTEL_BY_NOTIFY, .by_seconds = -999999999, .by_trace = true }, NULL },
                { { .by = POSTEL_BY_NOTIFY, .by_seconds = 0 }, NULL },
                { { .by_seconds = 1000000000000 }, NULL },
                { { .by = POSTEL_BY_RETURN, .by_seconds = 0 }, "by: has RETURN with 0 seconds or less" },
                { { .by = POSTEL_BY_RETURN, .by_seconds = -1 }, "by: has RETURN with 0 seconds or less" },
                { { .by = POSTEL_BY_RETURN, .by_seconds = 1000000000 },
                        "by: is not within -999999999 and 999999999 seconds" },
                { { .by = POSTEL_BY_NOTIFY, .by_seconds = -1000000000 },
                        "by: is not within -999999999 and 999999999 seconds" },
                { { .hold_for = 1 }, NULL },
                { { .hold_for = 999999999 }, NULL },
                { { .hold_for = -1 }, "hold_for: is not within 1 and 999999999 seconds" },
                { { .hold_for = 1000000000 }, "hold_for: is not within 1 and 999999999 seconds" },
                { { .hold_for = 1, .hold_until = "2026-12-24T18:00:00Z" },
                        "hold_for: stands together with hold_until" },
                { { .has_priority = true, .priority = 9, .priority_profile = "STANAG4406" }, NULL },
                { { .has_priority = true, .priority = -9, .priority_profile = "X-1" }, NULL },
                { { .priority = 99, .priority_profile = "" }, NULL },
                { { .has_priority = true, .priority = 10 }, "mt_priority: is not within -9 and 9" },
                { { .has_priority = true, .priority = -10 }, "mt_priority: is not within -9 and 9" },
                { { .has_priority = true, .priority_profile = "" }, "mt_priority: has an empty profile" },
                { { .has_priority = true, .priority_profile = "A B" },
                        "mt_priority: has a profile that is not of letters, digits and hyphens" },
                { { .has_priority = true, .priority_profile = "A\n" },
                        "mt_priority: has a profile that is not of letters, digits and hyphens" },
                { { .others = plain, .other_count = 2 }, NULL },
                { { .others = spaced, .other_count = 2 },
                        "parameter 2 of the message: has a space or = in its value" },
                { { .others = huge, .other_count = 2 },
                        "parameters of the message: are longer than 512 octets together" },
                { { .require_tls = true, .smtputf8 = true, .all_or_none = true }, NULL },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct envelope envelope = with_defaults(rows[i].envelope);
                harness_row("%zu", i);
                check(&envelope, rows[i].message);
        }
}

/* As a binding would: any number may arrive in an enum. */
static void checks_enums(void)
{
        static const struct {
                int ret, body, by;
                const char *message;
        } rows[] = {
                { 2, 3, 2, NULL },
                { 3, 0, 0, "ret: is no POSTEL_RET_ value" },
                { -1, 0, 0, "ret: is no POSTEL_RET_ value" },
                { 0, 4, 0, "body: is no POSTEL_BODY_ value" },
                { 0, -1, 0, "body: is no POSTEL_BODY_ value" },
                { 0, 0, 3, "by: is no POSTEL_BY_ value" },
                { 0, 0, -1, "by: is no POSTEL_BY_ value" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct envelope envelope = with_defaults((struct envelope){ 0 });
                harness_row("%zu", i);
                memcpy(&envelope.ret, &rows[i].ret, sizeof(envelope.ret));
                memcpy(&envelope.body, &rows[i].body, sizeof(envelope.body));
                memcpy(&envelope.by, &rows[i].by, sizeof(envelope.by));
                check(&envelope, rows[i].message);
        }
}

static void knows_the_calendar(void)
{
        static const char none[] = "hold_until: is no point in time such as 2026-12-24T18:00:00Z";
        static const char local[] = "hold_until: is not in UTC as 2026-12-24T18:00:00Z is";
        static const struct {
                const char *text, *message;
        } rows[] = {
                { "2026-12-24T18:00:00Z", NULL },
                { "0000-01-01T00:00:00Z", NULL },
                { "9999-12-31T23:59:59Z", NULL },
                { "2026-12-24T18:00:00.5Z", NULL },
                { "2026-12-24T18:00:00.50Z", NULL },
                { "2026-12-24T18:00:00.500Z", "hold_until: has more than two digits of a fraction" },
                { "2024-02-29T00:00:00Z", NULL },
                { "2000-02-29T00:00:00Z", NULL },
                { "2023-02-29T00:00:00Z", none },
                { "1900-02-29T00:00:00Z", none },
                { "2024-02-30T00:00:00Z", none },
                { "2026-01-31T00:00:00Z", NULL },
                { "2026-04-30T00:00:00Z", NULL },
                { "2026-04-31T00:00:00Z", none },
                { "2026-06-31T00:00:00Z", none },
                { "2026-09-31T00:00:00Z", none },
                { "2026-11-31T00:00:00Z", none },
                { "2026-01-32T00:00:00Z", none },
                { "2026-01-00T00:00:00Z", none },
                { "2026-00-01T00:00:00Z", none },
                { "2026-13-01T00:00:00Z", none },
                { "2026-12-24T24:00:00Z", none },
                { "2026-12-24T23:60:00Z", none },
                { "2026-12-24T23:59:60Z", none },
                { "2026-12-31T23:59:60Z", NULL },
                { "2026-06-30T23:59:60Z", NULL },
                { "2026-12-31T22:59:60Z", none },
                { "2026-12-31T23:58:60Z", none },
                { "2026-12-31T23:59:61Z", none },
                { "2026-03-31T23:59:60Z", none },
                { "2026-12-24T18:00:00+00:00", local },
                { "2026-12-24T18:00:00-05:00", local },
                { "2026-12-24t18:00:00Z", local },
                { "2026-12-24T18:00:00z", local },
                { "2026-12-24T18:00:00+24:00", none },
                { "2026-12-24T18:00:00+0000", none },
                { "2026-12-24 18:00:00Z", none },
                { "2026-12-24T18:00:00", none },
                { "2026-12-24T18:00:00.Z", none },
                { "2026-12-24T18:00:00,5Z", none },
                { "2026-12-24T18:00:00ZZ", none },
                { "2026-12-24T18:00:00.5", none },
                { "2026-12-24T18:00Z", none },
                { "20261224T180000Z", none },
                { "+026-12-24T18:00:00Z", none },
                { "2026-1a-24T18:00:00Z", none },
                { "tomorrow", none },
                { "", none },
                { "2026-12-24T18:00:00Z\n", "hold_until: holds a CR or LF" },
                { "2026-12-24T18:00:00Z\x7f", "hold_until: holds a control octet" },
                { "2026-12-24T18:00:00Z\x80", "hold_until: has octets that are not printable ASCII" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct envelope envelope = with_defaults((struct envelope){ .hold_until = rows[i].text });
                harness_row("%s", rows[i].text);
                check(&envelope, rows[i].message);
        }
}

static void checks_parameters_of_unknown_extensions(void)
{
        static const struct {
                const char *keyword, *value;
                bool smtputf8;
                const char *fault;
        } rows[] = {
                { "X", NULL, false, NULL },
                { "8x-1", "!<>;~", false, NULL },
                { "XVERP", NULL, false, NULL },
                { "SIZES", "1", false, NULL },
                { "X", "\xc3\xa9", true, NULL },
                { NULL, "x", false, "has no keyword" },
                { "", "x", false, "has no keyword" },
                { "-X", "x", false, "has a keyword that is not of letters, digits and hyphens" },
                { "X_Y", "x", false, "has a keyword that is not of letters, digits and hyphens" },
                { "X Y", "x", false, "has a keyword that is not of letters, digits and hyphens" },
                { "X=Y", "x", false, "has a keyword that is not of letters, digits and hyphens" },
                { "X\r\n", "x", false, "has a keyword that is not of letters, digits and hyphens" },
                { "\xc3\xa9", "x", true, "has a keyword that is not of letters, digits and hyphens" },
                { "X", "", false, "has an empty value" },
                { "X", "a b", false, "has a space or = in its value" },
                { "X", "a=b", true, "has a space or = in its value" },
                { "X", "a\r", false, "holds a CR or LF" },
                { "X", "a\n", true, "holds a CR or LF" },
                { "X", "a\x7f", false, "holds a control octet" },
                { "X", "a\x80", false, "has a value that is not ASCII, which needs SMTPUTF8" },
                { "X", "a\x80", true, "is no valid UTF-8" },
                { "X", "a\xc2\x85", true, "holds a control character" },
                { "size", "1", false,
                        "is SIZE, which has a field of its own: it is written for every message" },
                { "Body", "7BIT", false, "is BODY, which has a field of its own: use body" },
                { "SMTPUTF8", NULL, false, "is SMTPUTF8, which has a field of its own: use smtputf8" },
                { "AUTH", "<>", false, "is AUTH, which has a field of its own: use auth" },
                { "RET", "FULL", false, "is RET, which has a field of its own: use ret" },
                { "ENVID", "x", false, "is ENVID, which has a field of its own: use envid" },
                { "NOTIFY", "NEVER", false, "is NOTIFY, which has a field of its own: use notify" },
                { "ORCPT", "x;y", false, "is ORCPT, which has a field of its own: use orcpt" },
                { "BY", "1;R", false, "is BY, which has a field of its own: use by" },
                { "HOLDFOR", "1", false, "is HOLDFOR, which has a field of its own: use hold_for" },
                { "HOLDUNTIL", "x", false, "is HOLDUNTIL, which has a field of its own: use hold_until" },
                { "mt-Priority", "1", false,
                        "is MT-PRIORITY, which has a field of its own: use mt_priority" },
                { "REQUIRETLS", NULL, false, "is REQUIRETLS, which has a field of its own: use require_tls" },
                { "prdr", NULL, false, "is PRDR, which changes the dialogue" },
                { "TRANSID", "<x>", false, "is TRANSID, which changes the dialogue" },
        };
        char message[200];

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct esmtp_parameter both[] = { { "Y", "y" }, { rows[i].keyword, rows[i].value } };
                struct recipient_parameters of_recipient = { .others = both, .other_count = 2 };
                harness_row("%zu", i);
                struct envelope envelope = with_defaults(
                        (struct envelope){ .others = both, .other_count = 2, .smtputf8 = rows[i].smtputf8 });
                snprintf(message, sizeof(message), "parameter 2 of the message: %s",
                        rows[i].fault ? rows[i].fault : "");
                check(&envelope, rows[i].fault ? message : NULL);
                envelope.other_count = 0;
                envelope.parameters = &of_recipient;
                snprintf(message, sizeof(message), "parameter 2 of to 1: %s",
                        rows[i].fault ? rows[i].fault : "");
                check(&envelope, rows[i].fault ? message : NULL);
        }
        static const struct esmtp_parameter twice[] = { { "X", "1" }, { "Y", NULL }, { "x", NULL } };
        struct envelope envelope = with_defaults((struct envelope){ .others = twice, .other_count = 3 });
        check(&envelope, "parameter 3 of the message: has a keyword that was there before");
        static const struct esmtp_parameter largest[] = { { "X-A", HUNDRED HUNDRED HUNDRED HUNDRED },
                { "X-B", HUNDRED "ab" } };
        envelope = with_defaults((struct envelope){ .others = largest, .other_count = 2 });
        check(&envelope, NULL);
}

static void compares_an_envelope_with_an_offer(void)
{
        static const struct recipient_parameters notify[] = { { .notify = 1 } };
        static const struct recipient_parameters orcpt[] = { { .orcpt = "x;y" } };
        static const char *const utf8_to[] = { "b@x.org", "\xc3\xa9@x.org" };
        static const char *const utf8_domain[] = { "b@b\xc3\xbc.org" };
        static const struct {
                struct envelope envelope;
                const char *offer;
                bool unprotected;
                const char *message;
        } rows[] = {
                { { 0 }, "", true, NULL },
                { { .to = utf8_domain, .to_count = 1 }, "", true, NULL },
                { { .ret = POSTEL_RET_FULL }, "", false, "ret: the server does not offer DSN" },
                { { .envid = "x" }, "", false, "envid: the server does not offer DSN" },
                { { .parameters = notify }, "", false, "notify: the server does not offer DSN" },
                { { .parameters = orcpt }, "", false, "orcpt: the server does not offer DSN" },
                { { .ret = POSTEL_RET_FULL, .envid = "x", .parameters = notify }, "DSN", false, NULL },
                { { .auth = "" }, "", false, "auth: the server does not offer AUTH" },
                { { .auth = "" }, "AUTH PLAIN", false, NULL },
                { { .by = POSTEL_BY_NOTIFY }, "", false, "by: the server does not offer DELIVERBY" },
                { { .by = POSTEL_BY_RETURN, .by_seconds = 1 }, "DELIVERBY", false, NULL },
                { { .by = POSTEL_BY_RETURN, .by_seconds = 60 }, "DELIVERBY 60", false, NULL },
                { { .by = POSTEL_BY_RETURN, .by_seconds = 59 }, "DELIVERBY 60", false,
                        "by: the server takes no less than 60 seconds for RETURN (DELIVERBY)" },
                { { .by = POSTEL_BY_NOTIFY, .by_seconds = -5 }, "DELIVERBY 60", false, NULL },
                { { .hold_for = 1 }, "", false, "hold_for: the server does not offer FUTURERELEASE" },
                { { .hold_for = 60 }, "FUTURERELEASE 60 2027-01-01T00:00:00Z", false, NULL },
                { { .hold_for = 60 }, "FUTURERELEASE", false, NULL },
                { { .hold_for = 61 }, "FUTURERELEASE 60 2027-01-01T00:00:00Z", false,
                        "hold_for: the server holds for no more than 60 seconds (FUTURERELEASE)" },
                { { .hold_until = "2027-01-01T00:00:00Z" }, "", false,
                        "hold_until: the server does not offer FUTURERELEASE" },
                { { .hold_until = "2027-01-01T00:00:00Z" }, "FUTURERELEASE 60 2027-01-01T00:00:00Z", false,
                        NULL },
                { { .hold_until = "2027-01-01T00:00:00Z" }, "FUTURERELEASE 60", false, NULL },
                { { .hold_until = "2027-01-01T00:00:00Z" }, "FUTURERELEASE 60 soon", false, NULL },
                { { .hold_until = "2027-01-01T00:00:01Z" }, "FUTURERELEASE 60  2027-01-01T00:00:00Z x", false,
                        "hold_until: the server holds until no later than 2027-01-01T00:00:00Z "
                        "(FUTURERELEASE)" },
                { { .hold_until = "2027-01-01T00:00:00.1Z" }, "FUTURERELEASE 60 2027-01-01T00:00:00Z", false,
                        "hold_until: the server holds until no later than 2027-01-01T00:00:00Z "
                        "(FUTURERELEASE)" },
                { { .hold_until = "2028-03-01T00:00:00Z" }, "FUTURERELEASE 60 2028-02-29T23:59:59Z", false,
                        "hold_until: the server holds until no later than 2028-02-29T23:59:59Z "
                        "(FUTURERELEASE)" },
                { { .hold_until = "2026-12-31T23:00:00Z" }, "FUTURERELEASE 60 2027-01-01T01:00:00+02:00",
                        false, NULL },
                { { .hold_until = "2026-12-31T23:00:01Z" }, "FUTURERELEASE 60 2027-01-01T01:00:00+02:00",
                        false,
                        "hold_until: the server holds until no later than 2027-01-01T01:00:00+02:00 "
                        "(FUTURERELEASE)" },
                { { .hold_until = "2027-01-01T03:30:00Z" }, "FUTURERELEASE 60 2027-01-01t00:00:00.999-03:30",
                        false, NULL },
                /* 2100 has no leap day: both are of the first of March. */
                { { .hold_until = "2100-03-01T00:30:00Z" }, "FUTURERELEASE 60 2100-02-28T23:45:00-01:00",
                        false, NULL },
                { { .hold_until = "2100-03-01T00:30:00Z" }, "FUTURERELEASE 60 2100-02-28T23:15:00-01:00",
                        false,
                        "hold_until: the server holds until no later than 2100-02-28T23:15:00-01:00 "
                        "(FUTURERELEASE)" },
                /* No second of that name: no limit. */
                { { .hold_until = "2030-01-01T00:00:00Z" }, "FUTURERELEASE 60 2026-12-31T23:59:60+01:00",
                        false, NULL },
                { { .has_priority = true }, "", false, "mt_priority: the server does not offer MT-PRIORITY" },
                { { .has_priority = true }, "MT-PRIORITY", false, NULL },
                { { .has_priority = true, .priority_profile = "mixer" }, "MT-PRIORITY MIXER", false, NULL },
                { { .has_priority = true, .priority_profile = "MIXER" }, "MT-PRIORITY", false,
                        "mt_priority: the server does not offer the profile MIXER (MT-PRIORITY)" },
                { { .has_priority = true, .priority_profile = "NSEP" }, "MT-PRIORITY MIXER", false,
                        "mt_priority: the server does not offer the profile NSEP (MT-PRIORITY)" },
                { { .require_tls = true }, "", false, "require_tls: the server does not offer REQUIRETLS" },
                { { .require_tls = true }, "REQUIRETLS", false, NULL },
                { { .require_tls = true }, "REQUIRETLS", true,
                        "require_tls: the session is not protected by TLS with a verified certificate" },
                { { .smtputf8 = true }, "", false, "smtputf8: the server does not offer SMTPUTF8" },
                { { .from = "\xc3\xa9@x.org" }, "", false, "from: the server does not offer SMTPUTF8" },
                { { .to = utf8_to, .to_count = 2 }, "", false, "to 2: the server does not offer SMTPUTF8" },
                { { .auth = "\xc3\xa9@x.org" }, "AUTH", false, "auth: the server does not offer SMTPUTF8" },
                { { .from = "\xc3\xa9@x.org", .to = utf8_to, .to_count = 2, .smtputf8 = true }, "SMTPUTF8",
                        false, NULL },
                { { .others = plain, .other_count = 2, .body = POSTEL_BODY_BINARYMIME }, "", true, NULL },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct envelope envelope = with_defaults(rows[i].envelope);
                postel_error error = { .status = POSTEL_OK, .message = "untouched" };
                struct ehlo ehlo;
                char text[100];

                harness_row("%zu", i);
                CHECK_INT(envelope_check(&envelope, NULL), POSTEL_OK);
                ehlo_init(&ehlo);
                snprintf(text, sizeof(text), "mail.example.org\n%s", rows[i].offer);
                CHECK(ehlo_parse(&ehlo, text, strlen(text)));
                postel_status status = envelope_check_offer(&envelope, &ehlo, !rows[i].unprotected, &error);
                CHECK_INT(status, rows[i].message ? POSTEL_UNSUPPORTED : POSTEL_OK);
                CHECK_INT(error.status, status);
                CHECK_INT(error.phase, rows[i].message ? POSTEL_PHASE_MAIL : POSTEL_PHASE_NONE);
                CHECK_STR(error.message, rows[i].message ? rows[i].message : "untouched");
                CHECK_INT(envelope_needs_smtputf8(&envelope),
                        rows[i].envelope.smtputf8 ||
                                (rows[i].message && strstr(rows[i].message, "SMTPUTF8")));
                ehlo_deinit(&ehlo);
        }
}

/* Every text that an envelope has, each by a function that puts it where it belongs. */

struct parts {
        struct envelope envelope;
        struct recipient_parameters recipient;
        struct esmtp_parameter other;
        const char *to[1];
};

static void put_from(struct parts *parts, const char *text)
{
        parts->envelope.from = text;
}

static void put_to(struct parts *parts, const char *text)
{
        parts->to[0] = text;
}

static void put_envid(struct parts *parts, const char *text)
{
        parts->envelope.envid = text;
}

static void put_auth(struct parts *parts, const char *text)
{
        parts->envelope.auth = text;
}

static void put_hold_until(struct parts *parts, const char *text)
{
        parts->envelope.hold_until = text;
}

static void put_orcpt(struct parts *parts, const char *text)
{
        parts->recipient.orcpt = text;
}

static void put_mail_keyword(struct parts *parts, const char *text)
{
        parts->other = (struct esmtp_parameter){ text, "x" };
        parts->envelope.other_count = 1;
}

static void put_mail_value(struct parts *parts, const char *text)
{
        parts->other = (struct esmtp_parameter){ "X", text };
        parts->envelope.other_count = 1;
}

static void put_rcpt_keyword(struct parts *parts, const char *text)
{
        parts->other = (struct esmtp_parameter){ text, "x" };
        parts->recipient.other_count = 1;
}

static void put_rcpt_value(struct parts *parts, const char *text)
{
        parts->other = (struct esmtp_parameter){ "X", text };
        parts->recipient.other_count = 1;
}

/* What the check says must be what the writer says, which does not know of the check. */
static void check_both(void (*put)(struct parts *, const char *), const char *text, bool smtputf8, bool valid)
{
        struct parts parts = { .envelope = { .from = "a@b.c", .to_count = 1, .smtputf8 = smtputf8 },
                .to = { "d@e.f" } };
        const struct mail_parameters mail = { .smtputf8 = smtputf8 };
        struct buffer out;

        put(&parts, text);
        parts.envelope.to = parts.to;
        parts.envelope.parameters = &parts.recipient;
        parts.envelope.others = parts.recipient.others = &parts.other;
        CHECK_INT(envelope_check(&parts.envelope, NULL), valid ? POSTEL_OK : POSTEL_INVALID);
        buffer_init(&out, 5000);
        postel_status status = command_mail(&out, &parts.envelope, &mail, NULL);
        if (status == POSTEL_OK)
                status = command_rcpt(&out, &parts.envelope, 0, smtputf8, NULL);
        CHECK_INT(status, valid ? POSTEL_OK : POSTEL_INVALID);
        buffer_deinit(&out);
}

static void is_at_one_with_the_writer_on_every_octet(void)
{
        static const struct {
                void (*put)(struct parts *parts, const char *text);
                const char *before, *behind; /* what makes it valid but for the octet between them */
                const char *cut; /* what it may not be, as if a NUL had cut it */
        } rows[] = {
                { put_from, "a", "@b.c", "a" },
                { put_from, "\"a", "\"@b.c", "\"a" },
                { put_from, "a@b", "c.d", "a@" },
                { put_to, "a", "@b.c", "a" },
                { put_to, "a@b", "c.d", "" },
                { put_envid, "a", "b", NULL },
                { put_auth, "a", "@b.c", "a" },
                { put_hold_until, "2026-12-24T18:00:00Z", "", "" },
                { put_orcpt, "rfc822;a", "b", "rfc822" },
                { put_orcpt, "utf-8;a", "b", "utf-8" },
                { put_mail_keyword, "X", "Y", "" },
                { put_mail_value, "X", "Y", "" },
                { put_rcpt_keyword, "X", "Y", "" },
                { put_rcpt_value, "X", "Y", "" },
        };
        static const char octets[] = "\r\n\t\x01\x1b\x1f\x7f\x80\x9f\xa0\xc3\xff";
        char text[60];

        for (size_t i = 0; i < COUNT(rows); i++) {
                snprintf(text, sizeof(text), "%s%s", rows[i].before, rows[i].behind);
                harness_row("%zu", i);
                check_both(rows[i].put, text, false, true);
                check_both(rows[i].put, text, true, true);
                for (const char *octet = octets; *octet; octet++) {
                        snprintf(text, sizeof(text), "%s%c%s", rows[i].before, *octet, rows[i].behind);
                        harness_row("%zu, octet %d", i, (unsigned char)*octet);
                        check_both(rows[i].put, text, false, false);
                        check_both(rows[i].put, text, true, false);
                }
                snprintf(text, sizeof(text), "%s\xc2\x85%s", rows[i].before, rows[i].behind);
                harness_row("%zu, NEL", i);
                check_both(rows[i].put, text, true, false);
                harness_row("%zu, cut", i);
                if (rows[i].cut)
                        check_both(rows[i].put, rows[i].cut, true, false);
        }
}

/* ---- As callers build them ---- */

static void keeps_what_the_setters_are_given(void)
{
        postel_envelope *envelope = postel_envelope_new("a@b.c");
        struct envelope view;
        char text[] = "2026-12-24T18:00:00Z";

        REQUIRE(envelope != NULL);
        CHECK_INT(postel_envelope_add_recipient(envelope, "d@e.f"), 0);
        CHECK_INT(postel_envelope_add_recipient(envelope, "g@h.i"), 1);
        CHECK_INT(postel_envelope_recipient_count(envelope), 2);
        CHECK_INT(envelope_view(envelope, &view, NULL), POSTEL_OK);
        CHECK(!view.all_or_none && !view.smtputf8 && !view.has_priority && !view.require_tls);
        CHECK(!view.auth && !view.hold_until && !view.envid && !view.others && view.by == POSTEL_BY_NONE);

        postel_envelope_set_all_or_none(envelope, 2);
        postel_envelope_set_ret(envelope, POSTEL_RET_HDRS);
        postel_envelope_set_envid(envelope, "x");
        postel_envelope_set_envid(envelope, "run");
        postel_envelope_set_body(envelope, POSTEL_BODY_BINARYMIME);
        postel_envelope_set_smtputf8(envelope, 256);
        postel_envelope_set_auth(envelope, "");
        postel_envelope_set_by(envelope, -5, POSTEL_BY_NOTIFY, 4);
        postel_envelope_set_hold_until(envelope, text);
        memset(text, 'x', 4);
        postel_envelope_set_mt_priority(envelope, -3, "MIXER");
        postel_envelope_set_require_tls(envelope, 1);
        postel_envelope_set_notify(envelope, 1, POSTEL_NOTIFY_NEVER);
        postel_envelope_set_orcpt(envelope, 1, "x;y");
        for (int i = 0; i < 20; i++) {
                char keyword[] = { 'X', (char)('A' + i), '\0' };
                postel_envelope_add_mail_parameter(envelope, keyword, i ? keyword : NULL);
                postel_envelope_add_rcpt_parameter(envelope, 1, keyword, NULL);
        }
        CHECK_INT(envelope_view(envelope, &view, NULL), POSTEL_OK);
        CHECK(view.all_or_none && view.smtputf8 && view.by_trace && view.has_priority && view.require_tls);
        CHECK_INT(view.ret, POSTEL_RET_HDRS);
        CHECK_STR(view.envid, "run");
        CHECK_INT(view.body, POSTEL_BODY_BINARYMIME);
        CHECK_STR(view.auth, "");
        CHECK_INT(view.by, POSTEL_BY_NOTIFY);
        CHECK_INT(view.by_seconds, -5);
        CHECK_STR(view.hold_until, "2026-12-24T18:00:00Z");
        CHECK_INT(view.priority, -3);
        CHECK_STR(view.priority_profile, "MIXER");
        CHECK_INT(view.parameters[1].notify, POSTEL_NOTIFY_NEVER);
        CHECK_STR(view.parameters[1].orcpt, "x;y");
        CHECK_INT(view.parameters[0].other_count, 0);
        REQUIRE(view.other_count == 20 && view.parameters[1].other_count == 20);
        CHECK_STR(view.others[19].keyword, "XT");
        CHECK_STR(view.others[19].value, "XT");
        CHECK_STR(view.parameters[1].others[19].keyword, "XT");
        CHECK(view.others[0].value == NULL && view.parameters[1].others[19].value == NULL);

        postel_envelope_set_hold_until(envelope, NULL);
        postel_envelope_set_hold_for(envelope, 60);
        postel_envelope_set_auth(envelope, NULL);
        postel_envelope_set_envid(envelope, NULL);
        postel_envelope_set_orcpt(envelope, 1, NULL);
        postel_envelope_set_mt_priority(envelope, 4, NULL);
        postel_envelope_set_all_or_none(envelope, 0);
        CHECK_INT(envelope_view(envelope, &view, NULL), POSTEL_OK);
        CHECK(!view.hold_until && !view.auth && !view.envid && !view.parameters[1].orcpt);
        CHECK(!view.priority_profile && !view.all_or_none);
        CHECK_INT(view.hold_for, 60);
        postel_envelope_free(&envelope);
        CHECK(envelope == NULL);
}

static void tolerates_no_envelope_and_remembers_no_recipient(void)
{
        postel_envelope *envelope = NULL;
        postel_error error;

        postel_envelope_free(NULL);
        postel_envelope_free(&envelope);
        CHECK_INT(postel_envelope_add_recipient(NULL, "a@b.c"), 0);
        CHECK_INT(postel_envelope_recipient_count(NULL), 0);
        postel_envelope_set_all_or_none(NULL, 1);
        postel_envelope_set_ret(NULL, POSTEL_RET_FULL);
        postel_envelope_set_envid(NULL, "x");
        postel_envelope_set_notify(NULL, 0, 1);
        postel_envelope_set_orcpt(NULL, 0, "x;y");
        postel_envelope_set_body(NULL, POSTEL_BODY_7BIT);
        postel_envelope_set_smtputf8(NULL, 1);
        postel_envelope_set_auth(NULL, "x");
        postel_envelope_set_by(NULL, 1, POSTEL_BY_RETURN, 0);
        postel_envelope_set_hold_for(NULL, 1);
        postel_envelope_set_hold_until(NULL, "x");
        postel_envelope_set_mt_priority(NULL, 1, "x");
        postel_envelope_set_require_tls(NULL, 1);
        postel_envelope_add_mail_parameter(NULL, "X", NULL);
        postel_envelope_add_rcpt_parameter(NULL, 0, "X", NULL);
        CHECK_INT(postel_envelope_check(NULL, &error), POSTEL_INVALID);
        CHECK_STR(error.message, "envelope: is missing");

        envelope = postel_envelope_new(NULL);
        REQUIRE(envelope != NULL);
        CHECK_INT(postel_envelope_check(envelope, &error), POSTEL_INVALID);
        CHECK_STR(error.message, "from: is NULL");
        postel_envelope_add_recipient(envelope, "a@b.c");
        postel_envelope_add_rcpt_parameter(envelope, 1, "X", NULL);
        postel_envelope_set_notify(envelope, 7, 1);
        CHECK_INT(postel_envelope_check(envelope, &error), POSTEL_INVALID);
        CHECK_STR(error.message, "recipient: there is none of index 1");
        postel_envelope_free(&envelope);

        envelope = postel_envelope_new("a@b.c");
        REQUIRE(envelope != NULL);
        postel_envelope_add_recipient(envelope, "a@b.c");
        postel_envelope_add_mail_parameter(envelope, NULL, "x");
        CHECK_INT(postel_envelope_check(envelope, &error), POSTEL_INVALID);
        CHECK_STR(error.message, "parameter 1 of the message: has no keyword");
        postel_envelope_free(&envelope);
}

int main(void)
{
        static const struct test tests[] = {
                { "checks the sender", checks_the_sender },
                { "checks each recipient", checks_each_recipient },
                { "checks the parameters of a recipient", checks_the_parameters_of_a_recipient },
                { "checks the parameters of the message", checks_the_parameters_of_the_message },
                { "checks enums", checks_enums },
                { "knows the calendar", knows_the_calendar },
                { "checks parameters of unknown extensions", checks_parameters_of_unknown_extensions },
                { "compares an envelope with an offer", compares_an_envelope_with_an_offer },
                { "is at one with the writer on every octet", is_at_one_with_the_writer_on_every_octet },
                { "keeps what the setters are given", keeps_what_the_setters_are_given },
                { "tolerates no envelope, and remembers a recipient that is none",
                        tolerates_no_envelope_and_remembers_no_recipient },
        };
        return harness_run("envelope", tests, COUNT(tests));
}
