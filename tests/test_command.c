/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "wire/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define BEFORE      "NOOP\r\n"

static struct buffer out;
static postel_error error;

static void begin(void)
{
        buffer_init(&out, 65536);
        buffer_append_text(&out, BEFORE);
        error = (postel_error){ .status = POSTEL_OK };
}

/* `line` without its CRLF was written behind what was there. */
static void end_written(postel_status status, const char *line)
{
        char want[2048];

        size_t size = strlen(line);
        memcpy(want, line, size);
        memcpy(want + size, "\r\n", 2);
        CHECK_INT(status, POSTEL_OK);
        CHECK_OCTETS(out.data + strlen(BEFORE), out.size - strlen(BEFORE), want, size + 2);
        buffer_deinit(&out);
}

static void end_refused(postel_status status, const char *message)
{
        CHECK_INT(status, POSTEL_INVALID);
        CHECK_INT(error.status, POSTEL_INVALID);
        CHECK_STR(error.message, message);
        CHECK_OCTETS(out.data, out.size, BEFORE, strlen(BEFORE));
        buffer_deinit(&out);
}

/* What a row writes, with everything that a test does not say left out. */

static postel_status write_mail(struct envelope envelope, struct mail_parameters parameters)
{
        if (!envelope.from)
                envelope.from = "a@b.c";
        return command_mail(&out, &envelope, &parameters, &error);
}

static postel_status write_rcpt(const char *to, struct recipient_parameters parameters, bool smtputf8)
{
        const char *const list[] = { "x@y.z", to };
        const struct recipient_parameters both[] = { { .notify = POSTEL_NOTIFY_NEVER }, parameters };
        struct envelope envelope = { .from = "", .to = list, .to_count = 2, .parameters = both };

        return command_rcpt(&out, &envelope, 1, smtputf8, &error);
}

static void writes_verbs_and_ehlo(void)
{
        static const char *const verbs[] = { "DATA", "NOOP", "QUIT", "RSET", "STARTTLS" };

        for (size_t i = 0; i < COUNT(verbs); i++) {
                begin();
                end_written(command_verb(&out, verbs[i], &error), verbs[i]);
        }
        begin();
        end_written(command_hello(&out, "EHLO", "client.example.org", &error), "EHLO client.example.org");
        begin();
        end_written(command_hello(&out, "LHLO", "[IPv6:::1]", &error), "LHLO [IPv6:::1]");
        begin();
        end_written(command_hello(&out, "HELO", "client", &error), "HELO client");
}

static void writes_queries(void)
{
        static const struct {
                const char *verb, *argument;
                bool smtputf8;
                const char *line;
        } rows[] = {
                { "VRFY", "a@example.org", false, "VRFY a@example.org" },
                { "VRFY", "Jo Smith", true, "VRFY Jo Smith" },
                { "EXPN", "list", true, "EXPN list" },
                { "VRFY", "jos\xc3\xa9", true, "VRFY jos\xc3\xa9 SMTPUTF8" },
                { "EXPN", "\xe2\x98\x83", true, "EXPN \xe2\x98\x83 SMTPUTF8" },
                { "HELP", NULL, false, "HELP" },
                { "HELP", NULL, true, "HELP" },
                { "HELP", "MAIL", true, "HELP MAIL" },
        };
        static const struct {
                const char *verb, *argument;
                bool smtputf8;
                const char *message;
        } refused[] = {
                { "VRFY", NULL, false, "argument: is missing" },
                { "EXPN", "", false, "argument: is empty" },
                { "HELP", "", false, "argument: is empty" },
                { "VRFY", "jos\xc3\xa9", false, "argument: has octets that are not ASCII" },
                { "HELP", "jos\xc3\xa9", true, "argument: has octets that are not ASCII" },
                { "VRFY", "jos\xc3", true, "argument: is no valid UTF-8" },
                { "VRFY", "\xc2\x85", true, "argument: holds a control character" },
                { "VRFY", "\xc3\xa9\r\nRSET", true, "argument: holds a CR or LF" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                begin();
                end_written(command_query(&out, rows[i].verb, rows[i].argument, rows[i].smtputf8, &error),
                        rows[i].line);
        }
        for (size_t i = 0; i < COUNT(refused); i++) {
                harness_row("refused %zu", i);
                begin();
                end_refused(command_query(
                                    &out, refused[i].verb, refused[i].argument, refused[i].smtputf8, &error),
                        refused[i].message);
        }
}

static void writes_bdat(void)
{
        begin();
        end_written(command_bdat(&out, 123, true, &error), "BDAT 123 LAST");
        begin();
        end_written(command_bdat(&out, 0, true, &error), "BDAT 0 LAST");
        begin();
        end_written(command_bdat(&out, UINT64_MAX, false, &error), "BDAT 18446744073709551615");
}

static const struct esmtp_parameter others[] = { { "X-A", NULL }, { "xverp", "1" } };
static const struct esmtp_parameter utf8_others[] = { { "X", "\xc3\xa9" } };

static void writes_mail(void)
{
        static const struct {
                struct envelope envelope;
                struct mail_parameters parameters;
                const char *line;
        } rows[] = {
                { { .from = "a@example.org" }, { 0 }, "MAIL FROM:<a@example.org>" },
                { { .from = "" }, { 0 }, "MAIL FROM:<>" },
                { { .from = "\"a b>c\\\"\"@example.org" }, { 0 }, "MAIL FROM:<\"a b>c\\\"\"@example.org>" },
                { { .from = "@x,@y:a@b.c" }, { 0 }, "MAIL FROM:<a@b.c>" },
                { { .from = "a@b\xc3\xbc"
                            "cher.x" },
                        { 0 }, "MAIL FROM:<a@xn--bcher-kva.x>" },
                { { .from = "a@b\xc3\xbc"
                            "cher.x" },
                        { .smtputf8 = true }, "MAIL FROM:<a@xn--bcher-kva.x> SMTPUTF8" },
                { { .from = "\xc3\xa9@b\xc3\xbc"
                            "cher.x" },
                        { .smtputf8 = true },
                        "MAIL FROM:<\xc3\xa9@b\xc3\xbc"
                        "cher.x> SMTPUTF8" },
                { { 0 }, { .has_size = true, .size = 0 }, "MAIL FROM:<a@b.c> SIZE=0" },
                { { 0 }, { .has_size = true, .size = UINT64_MAX },
                        "MAIL FROM:<a@b.c> SIZE=18446744073709551615" },
                { { 0 }, { .size = 5, .body = "8BITMIME" }, "MAIL FROM:<a@b.c> BODY=8BITMIME" },
                { { 0 }, { .body = "BINARYMIME" }, "MAIL FROM:<a@b.c> BODY=BINARYMIME" },
                { { .ret = POSTEL_RET_HDRS, .envid = "run 7+=" },
                        { .has_size = true, .size = 12, .body = "7BIT" },
                        "MAIL FROM:<a@b.c> SIZE=12 BODY=7BIT RET=HDRS ENVID=run+207+2B+3D" },
                { { .ret = POSTEL_RET_FULL }, { 0 }, "MAIL FROM:<a@b.c> RET=FULL" },
                { { .envid = "x" }, { 0 }, "MAIL FROM:<a@b.c> ENVID=x" },
                { { .auth = "" }, { 0 }, "MAIL FROM:<a@b.c> AUTH=<>" },
                { { .auth = "e+mc2=x@example.org" }, { 0 },
                        "MAIL FROM:<a@b.c> AUTH=e+2Bmc2+3Dx@example.org" },
                { { .auth = "\"a b\"@b\xc3\xbc"
                            "cher.x" },
                        { 0 }, "MAIL FROM:<a@b.c> AUTH=\"a+20b\"@xn--bcher-kva.x" },
                { { .auth = "\xc3\xa9@x.org" }, { .smtputf8 = true },
                        "MAIL FROM:<a@b.c> SMTPUTF8 AUTH=+C3+A9@x.org" },
                { { .by = POSTEL_BY_RETURN, .by_seconds = 120 }, { 0 }, "MAIL FROM:<a@b.c> BY=120;R" },
                { { .by = POSTEL_BY_NOTIFY, .by_seconds = -5, .by_trace = true }, { 0 },
                        "MAIL FROM:<a@b.c> BY=-5;NT" },
                { { .by = POSTEL_BY_NOTIFY }, { 0 }, "MAIL FROM:<a@b.c> BY=0;N" },
                { { .by = POSTEL_BY_RETURN, .by_seconds = 999999999, .by_trace = true }, { 0 },
                        "MAIL FROM:<a@b.c> BY=999999999;RT" },
                { { .by_seconds = 5, .by_trace = true }, { 0 }, "MAIL FROM:<a@b.c>" },
                { { .hold_for = 86400 }, { 0 }, "MAIL FROM:<a@b.c> HOLDFOR=86400" },
                { { .hold_until = "2026-12-24T18:00:00Z" }, { 0 },
                        "MAIL FROM:<a@b.c> HOLDUNTIL=2026-12-24T18:00:00Z" },
                { { .has_priority = true, .priority = -9, .priority_profile = "MIXER" }, { 0 },
                        "MAIL FROM:<a@b.c> MT-PRIORITY=-9" },
                { { .has_priority = true }, { 0 }, "MAIL FROM:<a@b.c> MT-PRIORITY=0" },
                { { .priority = 5, .priority_profile = "MIXER" }, { 0 }, "MAIL FROM:<a@b.c>" },
                { { .require_tls = true }, { 0 }, "MAIL FROM:<a@b.c> REQUIRETLS" },
                { { .others = others, .other_count = 2 }, { 0 }, "MAIL FROM:<a@b.c> X-A xverp=1" },
                { { .others = utf8_others, .other_count = 1 }, { .smtputf8 = true },
                        "MAIL FROM:<a@b.c> SMTPUTF8 X=\xc3\xa9" },
                { { .smtputf8 = true }, { 0 }, "MAIL FROM:<a@b.c>" },
                { { .ret = POSTEL_RET_FULL,
                          .envid = "e",
                          .auth = "",
                          .by = POSTEL_BY_NOTIFY,
                          .by_seconds = 1,
                          .hold_for = 2,
                          .has_priority = true,
                          .priority = 3,
                          .require_tls = true,
                          .others = others,
                          .other_count = 1 },
                        { .has_size = true, .size = 4, .body = "8BITMIME", .smtputf8 = true },
                        "MAIL FROM:<a@b.c> SIZE=4 BODY=8BITMIME SMTPUTF8 AUTH=<> RET=FULL ENVID=e BY=1;N "
                        "HOLDFOR=2 "
                        "MT-PRIORITY=3 REQUIRETLS X-A" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                begin();
                end_written(write_mail(rows[i].envelope, rows[i].parameters), rows[i].line);
        }
        begin();
        end_written(
                command_mail(&out, &(struct envelope){ .from = "a@b.c" }, NULL, &error), "MAIL FROM:<a@b.c>");
}

static void writes_rcpt(void)
{
        static const struct {
                const char *to;
                struct recipient_parameters parameters;
                bool smtputf8;
                const char *line;
        } rows[] = {
                { "a@b.c", { 0 }, false, "RCPT TO:<a@b.c>" },
                { "Postmaster", { 0 }, false, "RCPT TO:<Postmaster>" },
                { "postMASTER", { 0 }, true, "RCPT TO:<postMASTER>" },
                { "@x:a@b.c", { 0 }, false, "RCPT TO:<a@b.c>" },
                { "a@b\xc3\xbc"
                  "cher.x",
                        { 0 }, false, "RCPT TO:<a@xn--bcher-kva.x>" },
                { "\xc3\xa9@b\xc3\xbc"
                  "cher.x",
                        { 0 }, true,
                        "RCPT TO:<\xc3\xa9@b\xc3\xbc"
                        "cher.x>" },
                { "a@b.c", { .notify = POSTEL_NOTIFY_NEVER }, false, "RCPT TO:<a@b.c> NOTIFY=NEVER" },
                { "a@b.c", { .notify = POSTEL_NOTIFY_DELAY | POSTEL_NOTIFY_FAILURE | POSTEL_NOTIFY_SUCCESS },
                        false, "RCPT TO:<a@b.c> NOTIFY=SUCCESS,FAILURE,DELAY" },
                { "a@b.c",
                        { .notify = POSTEL_NOTIFY_DELAY | POSTEL_NOTIFY_SUCCESS,
                                .orcpt = "rfc822;a+b c@d.e" },
                        false, "RCPT TO:<a@b.c> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb+20c@d.e" },
                { "a@b.c", { .orcpt = "x;a;b" }, false, "RCPT TO:<a@b.c> ORCPT=x;a;b" },
                { "a@b.c", { .orcpt = "utf-8;\xc3\xa9+1@\xe2\x98\x83\\" }, false,
                        "RCPT TO:<a@b.c> ORCPT=utf-8;\\x{E9}\\x{2B}1@\\x{2603}\\x{5C}" },
                { "a@b.c", { .orcpt = "UTF-8;a b" }, true, "RCPT TO:<a@b.c> ORCPT=UTF-8;a\\x{20}b" },
                { "a@b.c", { .notify = 1, .others = others, .other_count = 2 }, false,
                        "RCPT TO:<a@b.c> NOTIFY=SUCCESS X-A xverp=1" },
                { "a@b.c", { .others = utf8_others, .other_count = 1 }, true, "RCPT TO:<a@b.c> X=\xc3\xa9" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                begin();
                end_written(write_rcpt(rows[i].to, rows[i].parameters, rows[i].smtputf8), rows[i].line);
        }
        begin();
        end_written(command_rcpt(&out,
                            &(struct envelope){ .to = (const char *const[]){ "a@b.c" }, .to_count = 1 }, 0,
                            false, &error),
                "RCPT TO:<a@b.c>");
}

static void writes_auth(void)
{
        begin();
        end_written(command_auth(&out, "PLAIN", "AGEAYg==", &error), "AUTH PLAIN AGEAYg==");
        begin();
        end_written(command_auth(&out, "EXTERNAL", "=", &error), "AUTH EXTERNAL =");
        begin();
        end_written(command_auth(&out, "LOGIN", NULL, &error), "AUTH LOGIN");
        begin();
        end_written(command_auth_response(&out, "YQ==", &error), "YQ==");
        begin();
        end_written(command_auth_response(&out, "", &error), "");
        begin();
        end_written(command_auth_response(&out, "*", &error), "*");
}

/* Every argument that a command has, each by a function that fills in only that one. */

static postel_status with_verb(const char *text)
{
        return command_verb(&out, text, &error);
}

static postel_status with_ehlo_name(const char *text)
{
        return command_hello(&out, "EHLO", text, &error);
}

static postel_status with_hello_verb(const char *text)
{
        return command_hello(&out, text, "x", &error);
}

static postel_status with_argument(const char *text)
{
        return command_query(&out, "VRFY", text, false, &error);
}

static postel_status with_utf8_argument(const char *text)
{
        return command_query(&out, "VRFY", text, true, &error);
}

static postel_status with_from(const char *text)
{
        return write_mail((struct envelope){ .from = text }, (struct mail_parameters){ 0 });
}

static postel_status with_utf8_from(const char *text)
{
        return write_mail((struct envelope){ .from = text }, (struct mail_parameters){ .smtputf8 = true });
}

static postel_status with_body(const char *text)
{
        return write_mail((struct envelope){ 0 }, (struct mail_parameters){ .body = text });
}

static postel_status with_envid(const char *text)
{
        return write_mail((struct envelope){ .envid = text }, (struct mail_parameters){ .smtputf8 = true });
}

static postel_status with_auth(const char *text)
{
        return write_mail((struct envelope){ .auth = text }, (struct mail_parameters){ 0 });
}

static postel_status with_utf8_auth(const char *text)
{
        return write_mail((struct envelope){ .auth = text }, (struct mail_parameters){ .smtputf8 = true });
}

static postel_status with_hold_until(const char *text)
{
        return write_mail(
                (struct envelope){ .hold_until = text }, (struct mail_parameters){ .smtputf8 = true });
}

static postel_status with_mail_keyword(const char *text)
{
        struct esmtp_parameter one = { text, "x" };

        return write_mail((struct envelope){ .others = &one, .other_count = 1 },
                (struct mail_parameters){ .smtputf8 = true });
}

static postel_status with_mail_value(const char *text)
{
        struct esmtp_parameter one = { "X", text };

        return write_mail(
                (struct envelope){ .others = &one, .other_count = 1 }, (struct mail_parameters){ 0 });
}

static postel_status with_utf8_mail_value(const char *text)
{
        struct esmtp_parameter one = { "X", text };

        return write_mail((struct envelope){ .others = &one, .other_count = 1 },
                (struct mail_parameters){ .smtputf8 = true });
}

static postel_status with_rcpt_keyword(const char *text)
{
        struct esmtp_parameter one = { text, "x" };

        return write_rcpt("a@b.c", (struct recipient_parameters){ .others = &one, .other_count = 1 }, true);
}

static postel_status with_rcpt_value(const char *text)
{
        struct esmtp_parameter one = { "X", text };

        return write_rcpt("a@b.c", (struct recipient_parameters){ .others = &one, .other_count = 1 }, false);
}

static postel_status with_to(const char *text)
{
        return write_rcpt(text, (struct recipient_parameters){ 0 }, false);
}

static postel_status with_orcpt(const char *text)
{
        return write_rcpt("a@b.c", (struct recipient_parameters){ .orcpt = text }, true);
}

static postel_status with_mechanism(const char *text)
{
        return command_auth(&out, text, NULL, &error);
}

static postel_status with_initial(const char *text)
{
        return command_auth(&out, "PLAIN", text, &error);
}

static postel_status with_response(const char *text)
{
        return command_auth_response(&out, text, &error);
}

static void lets_no_argument_end_or_garble_a_line(void)
{
        static const char ascii[] = "has octets that are not ASCII";
        static const char utf8[] = "is no valid UTF-8";
        static const char keyword[] = "has a keyword that is not of letters, digits and hyphens";
        static const struct {
                const char *field;
                postel_status (*write)(const char *text);
                const char *prefix; /* makes the argument one that is well but for the octet */
                const char *eight_bit; /* the fault of octets above 127 that are no UTF-8 */
                const char *any; /* the fault of every octet */
        } arguments[] = {
                { "verb", with_verb, "NOOP", ascii, NULL },
                { "verb", with_hello_verb, "EHLO", ascii, NULL },
                { "ehlo name", with_ehlo_name, "example.org", ascii, NULL },
                { "argument", with_argument, "a", ascii, NULL },
                { "argument", with_utf8_argument, "a", utf8, NULL },
                { "from", with_from, "a@b.c", utf8, NULL },
                { "from", with_from, "\"a", utf8, NULL },
                { "from", with_utf8_from, "a", utf8, NULL },
                { "body", with_body, "7BIT", ascii, NULL },
                { "envid", with_envid, "x", ascii, NULL },
                { "auth", with_auth, "a", utf8, NULL },
                { "auth", with_utf8_auth, "a", utf8, NULL },
                { "hold_until", with_hold_until, "2026-12-24T18:00:00Z", ascii, NULL },
                { "parameters of the message", with_mail_keyword, "X", NULL, keyword },
                { "parameters of the message", with_mail_value, "x",
                        "has a value that is not ASCII, which needs SMTPUTF8", NULL },
                { "parameters of the message", with_utf8_mail_value, "x", utf8, NULL },
                { "parameters of to", with_rcpt_keyword, "X", NULL, keyword },
                { "parameters of to", with_rcpt_value, "x",
                        "has a value that is not ASCII, which needs SMTPUTF8", NULL },
                { "to", with_to, "a@b.c", utf8, NULL },
                { "orcpt", with_orcpt, "x;y", ascii, NULL },
                { "orcpt", with_orcpt, "x", ascii, NULL },
                { "orcpt", with_orcpt, "utf-8;y", utf8, NULL },
                { "mechanism", with_mechanism, "PLAIN", ascii, NULL },
                { "initial response", with_initial, "AGEA", ascii, NULL },
                { "authentication response", with_response, "AGEA", ascii, NULL },
        };

        for (size_t i = 0; i < COUNT(arguments); i++) {
                for (int octet = 1; octet < 256; octet++) {
                        if (octet >= 32 && octet < 127)
                                continue;
                        char text[40], message[120];
                        const char *fault = "holds a control octet";
                        if (octet == '\r' || octet == '\n')
                                fault = "holds a CR or LF";
                        else if (octet > 127)
                                fault = arguments[i].eight_bit;
                        if (arguments[i].any)
                                fault = arguments[i].any;
                        snprintf(text, sizeof(text), "%s%cx", arguments[i].prefix, octet);
                        snprintf(message, sizeof(message), "%s: %s", arguments[i].field, fault);
                        harness_row("argument %zu, octet %d", i, octet);
                        begin();
                        end_refused(arguments[i].write(text), message);
                }
        }
}

/* NEL and its like, and characters of UTF-8 where nobody asked for them. */
static void lets_no_character_through_that_was_not_asked_for(void)
{
        static const struct {
                postel_status (*write)(const char *text);
                const char *text, *message;
        } rows[] = {
                { with_utf8_from, "a\xc2\x85@b.c", "from: holds a control character" },
                { with_utf8_auth, "a\xc2\x85@b.c", "auth: holds a control character" },
                { with_utf8_mail_value, "\xc2\x80", "parameters of the message: holds a control character" },
                { with_orcpt, "utf-8;\xc2\x9f", "orcpt: holds a control character" },
                { with_from, "\xc3\xa9@b.c",
                        "from: has a local part that is not ASCII, which needs SMTPUTF8" },
                { with_auth, "\xc3\xa9@b.c",
                        "auth: has a local part that is not ASCII, which needs SMTPUTF8" },
                { with_to, "\xc3\xa9@b.c", "to: has a local part that is not ASCII, which needs SMTPUTF8" },
                { with_to, "a@\xe2\x98\x83",
                        "to: has a character in its domain that IDNA2008 does not allow" },
                { with_envid, "\xc3\xa9", "envid: has octets that are not ASCII" },
                { with_orcpt, "x;\xc3\xa9", "orcpt: has octets that are not ASCII" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                begin();
                end_refused(rows[i].write(rows[i].text), rows[i].message);
        }
}

static void lets_no_argument_become_two(void)
{
        static const struct {
                postel_status (*write)(const char *text);
                const char *text, *message;
        } rows[] = {
                { with_verb, "NOOP x", "verb: has a space" },
                { with_verb, "", "verb: is empty" },
                { with_ehlo_name, "a b", "ehlo name: has a space" },
                { with_ehlo_name, "", "ehlo name: is empty" },
                { with_body, "7BIT RET=FULL", "body: has a space" },
                { with_mechanism, "PLAIN =", "mechanism: has a space" },
                { with_initial, "", "initial response: is empty" },
                { with_response, "a b", "authentication response: has a space" },
                { with_orcpt, "x y;z", "orcpt: has a space" },
                { with_orcpt, "x", "orcpt: has no semicolon" },
                { with_to, "", "to: is empty" },
                { with_to, "a@b.c> NOTIFY=NEVER", "to: has an angle bracket" },
                { with_to, "a@b.c>", "to: has an angle bracket" },
                { with_to, "<a@b.c", "to: has an angle bracket" },
                { with_from, "a@b.c SIZE=1", "from: has a space" },
                { with_from, "\"a\"@b> c", "from: has an angle bracket" },
                { with_from, "\"a\\\\\"@b> c", "from: has an angle bracket" },
                { with_from, "a\"b c\"@d", "from: has an octet in its local part that must be in quotes" },
                { with_from, "\"a\"\"> b\"@d", "from: has something between its quoted string and the @" },
                { with_from, "\"a@b", "from: has a quoted string that does not end" },
                { with_from, "\"a\\", "from: has a quoted string that does not end" },
                { with_from, "a\\ b@c", "from: has an octet in its local part that must be in quotes" },
                { with_auth, "a@b.c SIZE=1", "auth: has a space" },
                { with_hold_until, "2026-12-24T18:00:00Z RET=FULL", "hold_until: has a space" },
                { with_hold_until, "", "hold_until: is empty" },
                { with_mail_value, "a b", "parameters of the message: has a space or = in its value" },
                { with_mail_value, "a=b", "parameters of the message: has a space or = in its value" },
                { with_mail_value, "", "parameters of the message: has an empty value" },
                { with_mail_keyword, "X RET",
                        "parameters of the message: has a keyword that is not of letters, digits "
                        "and hyphens" },
                { with_mail_keyword, "X=RET",
                        "parameters of the message: has a keyword that is not of letters, digits "
                        "and hyphens" },
                { with_mail_keyword, "", "parameters of the message: has no keyword" },
                { with_mail_keyword, "ret",
                        "parameters of the message: is RET, which has a field of its own: use ret" },
                { with_rcpt_value, "a b", "parameters of to: has a space or = in its value" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%s", rows[i].text);
                begin();
                end_refused(rows[i].write(rows[i].text), rows[i].message);
        }
}

/* Finds the longest argument that is taken; the line must then be as long as the limit. */
static void check_limit(postel_status (*write)(const char *text), size_t limit, const char *message)
{
        char *text = malloc(limit + 1);
        REQUIRE(text != NULL);
        memset(text, 'a', limit);
        text[limit] = '\0';
        begin();
        end_refused(write(text), message);
        begin();
        while (*text && write(text) != POSTEL_OK)
                text[strlen(text) - 1] = '\0';
        CHECK_INT(out.size - strlen(BEFORE), limit);
        buffer_deinit(&out);
        free(text);
}

static void bounds_the_length_of_every_line(void)
{
        check_limit(with_ehlo_name, 512, "command: is longer than 512 octets");
        check_limit(with_initial, 512, "command: is longer than 512 octets");
        check_limit(with_response, 12288, "command: is longer than 12288 octets");
}

/* The maximum of a line with everything in it: found by making ENVID or ORCPT longer, whose length the writer
 * leaves to the line. */
static void allows_each_parameter_its_octets(void)
{
        static const struct esmtp_parameter other[] = { { "X", NULL } };
        static const struct {
                struct envelope envelope;
                struct mail_parameters parameters;
                size_t max;
        } rows[] = {
                { { 0 }, { 0 }, 1012 },
                { { .ret = POSTEL_RET_FULL }, { 0 }, 1012 },
                { { 0 }, { .has_size = true }, 1038 },
                { { 0 }, { .body = "7BIT" }, 1029 },
                { { 0 }, { .smtputf8 = true }, 1022 },
                { { .auth = "" }, { 0 }, 1512 },
                { { .by = POSTEL_BY_NOTIFY }, { 0 }, 1029 },
                { { .hold_for = 1 }, { 0 }, 1046 },
                { { .hold_until = "2026-12-24T18:00:00Z" }, { 0 }, 1046 },
                { { .has_priority = true }, { 0 }, 1027 },
                { { .require_tls = true }, { 0 }, 1023 },
                { { .others = other, .other_count = 1 }, { 0 }, 1524 },
                { { .auth = "",
                          .by = POSTEL_BY_NOTIFY,
                          .hold_for = 1,
                          .has_priority = true,
                          .require_tls = true,
                          .others = other,
                          .other_count = 1 },
                        { .has_size = true, .body = "7BIT", .smtputf8 = true }, 2154 },
        };
        char text[2200], message[80];

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct envelope envelope = rows[i].envelope;
                harness_row("%zu", i);
                envelope.envid = text;
                memset(text, 'a', sizeof(text));
                text[rows[i].max] = '\0';
                snprintf(message, sizeof(message), "command: is longer than %zu octets", rows[i].max);
                begin();
                end_refused(write_mail(envelope, rows[i].parameters), message);
                begin();
                while (*text && write_mail(envelope, rows[i].parameters) != POSTEL_OK)
                        text[strlen(text) - 1] = '\0';
                CHECK_INT(out.size - strlen(BEFORE), rows[i].max);
                buffer_deinit(&out);
        }
        for (size_t i = 0; i < 2; i++) {
                size_t max = i ? 1524 : 1012;
                struct recipient_parameters parameters = { .orcpt = text, .others = other, .other_count = i };
                harness_row("RCPT %zu", i);
                memset(text, 'a', sizeof(text));
                text[1] = ';';
                text[max] = '\0';
                snprintf(message, sizeof(message), "command: is longer than %zu octets", max);
                begin();
                end_refused(write_rcpt("a@b.c", parameters, false), message);
                begin();
                while (*text && write_rcpt("a@b.c", parameters, false) != POSTEL_OK)
                        text[strlen(text) - 1] = '\0';
                CHECK_INT(out.size - strlen(BEFORE), max);
                buffer_deinit(&out);
        }
}

static void bounds_the_length_of_a_query(void)
{
        char text[502];

        memset(text, 'a', sizeof(text));
        text[501] = '\0';
        begin();
        end_refused(with_argument(text), "argument: is longer than 500 octets");
        text[500] = '\0';
        begin();
        CHECK_INT(with_argument(text), POSTEL_OK);
        CHECK_INT(out.size - strlen(BEFORE), 507);
        buffer_deinit(&out);
        memcpy(text, "\xc3\xa9", 2);
        begin();
        end_refused(with_utf8_argument(text), "command: is longer than 512 octets");
}

static void refuses_numbers_that_are_no_parameter(void)
{
        struct envelope ret = { .from = "" }, by = { .from = "" };
        const int number = 3;

        memcpy(&ret.ret, &number, sizeof(ret.ret));
        memcpy(&by.by, &number, sizeof(by.by));
        begin();
        end_refused(command_mail(&out, &ret, NULL, &error), "ret: is no POSTEL_RET_ value");
        begin();
        end_refused(command_mail(&out, &by, NULL, &error), "by: is no POSTEL_BY_ value");
        begin();
        end_refused(write_rcpt("a@b.c", (struct recipient_parameters){ .notify = 1 | 64 }, false),
                "notify: has a value that is no POSTEL_NOTIFY_ value");
}

static postel_status with_envid_alone(const char *text)
{
        return write_mail((struct envelope){ .envid = text }, (struct mail_parameters){ 0 });
}

static void leaves_a_full_buffer_as_it_was(void)
{
        for (size_t room = 0; room < strlen("MAIL FROM:<a@b.c> ENVID=+20\r\n"); room++) {
                harness_row("room for %zu", room);
                buffer_init(&out, strlen(BEFORE) + room);
                CHECK(buffer_append_text(&out, BEFORE));
                CHECK_INT(with_envid_alone(" "), POSTEL_MEMORY);
                CHECK_INT(error.status, POSTEL_MEMORY);
                CHECK_OCTETS(out.data, out.size, BEFORE, strlen(BEFORE));
                buffer_deinit(&out);
        }
}

static void shows_no_secret_in_an_error(void)
{
        begin();
        CHECK_INT(command_auth(&out, "PLAIN", "c2VjcmV0\n", &error), POSTEL_INVALID);
        CHECK(!strstr(error.message, "c2Vj"));
        CHECK_INT(command_auth_response(&out, "c2VjcmV0\n", &error), POSTEL_INVALID);
        CHECK(!strstr(error.message, "c2Vj"));
        buffer_deinit(&out);
}

int main(void)
{
        static const struct test tests[] = {
                { "writes verbs and EHLO", writes_verbs_and_ehlo },
                { "writes queries", writes_queries },
                { "writes BDAT", writes_bdat },
                { "writes MAIL", writes_mail },
                { "writes RCPT", writes_rcpt },
                { "writes AUTH", writes_auth },
                { "lets no argument end or garble a line", lets_no_argument_end_or_garble_a_line },
                { "lets no character through that was not asked for",
                        lets_no_character_through_that_was_not_asked_for },
                { "lets no argument become two", lets_no_argument_become_two },
                { "bounds the length of every line", bounds_the_length_of_every_line },
                { "allows each parameter its octets", allows_each_parameter_its_octets },
                { "bounds the length of a query", bounds_the_length_of_a_query },
                { "refuses numbers that are no parameter", refuses_numbers_that_are_no_parameter },
                { "leaves a full buffer as it was", leaves_a_full_buffer_as_it_was },
                { "shows no secret in an error", shows_no_secret_in_an_error },
        };
        return harness_run("command", tests, COUNT(tests));
}
