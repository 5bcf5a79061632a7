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

static void writes_verbs_and_ehlo(void)
{
        static const char *const verbs[] = { "DATA", "NOOP", "QUIT", "RSET", "STARTTLS" };

        for (size_t i = 0; i < COUNT(verbs); i++) {
                begin();
                end_written(command_verb(&out, verbs[i], &error), verbs[i]);
        }
        begin();
        end_written(command_ehlo(&out, "client.example.org", &error), "EHLO client.example.org");
        begin();
        end_written(command_ehlo(&out, "[IPv6:::1]", &error), "EHLO [IPv6:::1]");
}

static void writes_mail(void)
{
        static const struct {
                const char *from;
                struct mail_parameters parameters;
                const char *line;
        } rows[] = {
                { "a@example.org", { 0 }, "MAIL FROM:<a@example.org>" },
                { "", { 0 }, "MAIL FROM:<>" },
                { "\"a b>c\\\"\"@example.org", { 0 }, "MAIL FROM:<\"a b>c\\\"\"@example.org>" },
                { "a@b.c", { .has_size = true, .size = 0 }, "MAIL FROM:<a@b.c> SIZE=0" },
                { "a@b.c", { .has_size = true, .size = UINT64_MAX },
                        "MAIL FROM:<a@b.c> SIZE=18446744073709551615" },
                { "a@b.c", { .size = 5, .body = "8BITMIME" }, "MAIL FROM:<a@b.c> BODY=8BITMIME" },
                { "a@b.c",
                        { .has_size = true,
                                .size = 12,
                                .body = "7BIT",
                                .ret = POSTEL_RET_HDRS,
                                .envid = "run 7+=" },
                        "MAIL FROM:<a@b.c> SIZE=12 BODY=7BIT RET=HDRS ENVID=run+207+2B+3D" },
                { "a@b.c", { .ret = POSTEL_RET_FULL }, "MAIL FROM:<a@b.c> RET=FULL" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                begin();
                end_written(command_mail(&out, rows[i].from, &rows[i].parameters, &error), rows[i].line);
        }
        begin();
        end_written(command_mail(&out, "a@b.c", NULL, &error), "MAIL FROM:<a@b.c>");
}

static void writes_rcpt(void)
{
        static const struct {
                struct recipient_parameters parameters;
                const char *line;
        } rows[] = {
                { { 0, NULL }, "RCPT TO:<a@b.c>" },
                { { POSTEL_NOTIFY_NEVER, NULL }, "RCPT TO:<a@b.c> NOTIFY=NEVER" },
                { { POSTEL_NOTIFY_DELAY | POSTEL_NOTIFY_FAILURE | POSTEL_NOTIFY_SUCCESS, NULL },
                        "RCPT TO:<a@b.c> NOTIFY=SUCCESS,FAILURE,DELAY" },
                { { POSTEL_NOTIFY_DELAY | POSTEL_NOTIFY_SUCCESS, "rfc822;a+b c@d.e" },
                        "RCPT TO:<a@b.c> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb+20c@d.e" },
                { { 0, "x;a;b" }, "RCPT TO:<a@b.c> ORCPT=x;a;b" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                begin();
                end_written(command_rcpt(&out, "a@b.c", &rows[i].parameters, &error), rows[i].line);
        }
        begin();
        end_written(command_rcpt(&out, "a@b.c", NULL, &error), "RCPT TO:<a@b.c>");
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
        return command_ehlo(&out, text, &error);
}

static postel_status with_from(const char *text)
{
        return command_mail(&out, text, NULL, &error);
}

static postel_status with_body(const char *text)
{
        return command_mail(&out, "a@b.c", &(struct mail_parameters){ .body = text }, &error);
}

static postel_status with_envid(const char *text)
{
        return command_mail(&out, "a@b.c", &(struct mail_parameters){ .envid = text }, &error);
}

static postel_status with_to(const char *text)
{
        return command_rcpt(&out, text, NULL, &error);
}

static postel_status with_orcpt(const char *text)
{
        return command_rcpt(&out, "a@b.c", &(struct recipient_parameters){ .orcpt = text }, &error);
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
        static const struct {
                const char *field;
                postel_status (*write)(const char *text);
                const char *prefix; /* makes the argument one that is well but for the octet */
        } arguments[] = {
                { "verb", with_verb, "NOOP" },
                { "ehlo name", with_ehlo_name, "example.org" },
                { "from", with_from, "a@b.c" },
                { "from", with_from, "\"a" },
                { "body", with_body, "7BIT" },
                { "envid", with_envid, "x" },
                { "to", with_to, "a@b.c" },
                { "orcpt", with_orcpt, "x;y" },
                { "orcpt", with_orcpt, "x" },
                { "mechanism", with_mechanism, "PLAIN" },
                { "initial response", with_initial, "AGEA" },
                { "authentication response", with_response, "AGEA" },
        };

        for (size_t i = 0; i < COUNT(arguments); i++) {
                for (int octet = 1; octet < 256; octet++) {
                        if (octet >= 32 && octet < 127)
                                continue;
                        char text[40], message[80];
                        const char *fault = "holds a control octet";
                        if (octet == '\r' || octet == '\n')
                                fault = "holds a CR or LF";
                        else if (octet > 127)
                                fault = "has octets that are not ASCII";
                        snprintf(text, sizeof(text), "%s%cx", arguments[i].prefix, octet);
                        snprintf(message, sizeof(message), "%s: %s", arguments[i].field, fault);
                        harness_row("argument %zu, octet %d", i, octet);
                        begin();
                        end_refused(arguments[i].write(text), message);
                }
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
                { with_to, "a@b.c> NOTIFY=NEVER",
                        "to: has a space or an angle bracket outside of a quoted string" },
                { with_to, "a@b.c>", "to: has a space or an angle bracket outside of a quoted string" },
                { with_to, "<a@b.c", "to: has a space or an angle bracket outside of a quoted string" },
                { with_from, "a@b.c SIZE=1",
                        "from: has a space or an angle bracket outside of a quoted string" },
                { with_from, "\"a\"@b> c",
                        "from: has a space or an angle bracket outside of a quoted string" },
                { with_from, "\"a\\\\\"@b> c",
                        "from: has a space or an angle bracket outside of a quoted string" },
                { with_from, "a\"b c\"@d", "from: has a quote within a word" },
                { with_from, "\"a\"\"> b\"@d", "from: has a quote within a word" },
                { with_from, "\"a@b", "from: has a quoted string that does not end" },
                { with_from, "\"a\\", "from: has a backslash outside of a quoted string" },
                { with_from, "a\\ b@c", "from: has a backslash outside of a quoted string" },
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
        check_limit(with_from, 1055, "command: is longer than 1055 octets");
        check_limit(with_envid, 1055, "command: is longer than 1055 octets");
        check_limit(with_to, 1012, "command: is longer than 1012 octets");
        check_limit(with_initial, 512, "command: is longer than 512 octets");
        check_limit(with_response, 12288, "command: is longer than 12288 octets");
}

static void refuses_numbers_that_are_no_parameter(void)
{
        struct mail_parameters mail = { 0 };
        struct recipient_parameters recipient = { .notify = 1 | 64 };
        const int ret = 3;

        memcpy(&mail.ret, &ret, sizeof(mail.ret));
        begin();
        end_refused(command_mail(&out, "", &mail, &error), "ret: is no POSTEL_RET_ value");
        begin();
        end_refused(command_rcpt(&out, "a@b.c", &recipient, &error),
                "notify: has a value that is no POSTEL_NOTIFY_ value");
}

static void leaves_a_full_buffer_as_it_was(void)
{
        for (size_t room = 0; room < strlen("MAIL FROM:<a@b.c> ENVID=+20\r\n"); room++) {
                harness_row("room for %zu", room);
                buffer_init(&out, strlen(BEFORE) + room);
                CHECK(buffer_append_text(&out, BEFORE));
                CHECK_INT(command_mail(&out, "a@b.c", &(struct mail_parameters){ .envid = " " }, &error),
                        POSTEL_MEMORY);
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
                { "writes MAIL", writes_mail },
                { "writes RCPT", writes_rcpt },
                { "writes AUTH", writes_auth },
                { "lets no argument end or garble a line", lets_no_argument_end_or_garble_a_line },
                { "lets no argument become two", lets_no_argument_become_two },
                { "bounds the length of every line", bounds_the_length_of_every_line },
                { "refuses numbers that are no parameter", refuses_numbers_that_are_no_parameter },
                { "leaves a full buffer as it was", leaves_a_full_buffer_as_it_was },
                { "shows no secret in an error", shows_no_secret_in_an_error },
        };
        return harness_run("command", tests, COUNT(tests));
}
