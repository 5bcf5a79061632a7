/* SPDX-License-Identifier: MIT */
#include "base/status.h"
#include "harness.h"

#include <errno.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define TEN         "abcdefghij"
#define HUNDRED     TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void names_every_status_and_phase(void)
{
        for (int i = 0; i <= POSTEL_POLICY; i++) {
                harness_row("%d", i);
                CHECK(strcmp(postel_status_name((postel_status)i), "?") != 0);
                CHECK(strcmp(postel_status_text((postel_status)i), "?") != 0);
        }
        for (int i = 0; i <= POSTEL_PHASE_HELP; i++) {
                harness_row("%d", i);
                CHECK(strcmp(postel_phase_name((postel_phase)i), "?") != 0);
        }
        CHECK_STR(postel_status_name(POSTEL_OK), "OK");
        CHECK_STR(postel_status_name(POSTEL_HOST_UNKNOWN), "HOST_UNKNOWN");
        CHECK_STR(postel_status_text(POSTEL_TIMEOUT), "the time ran out");
        CHECK_STR(postel_phase_name(POSTEL_PHASE_RCPT), "rcpt");
        CHECK_STR(postel_status_name(POSTEL_POLICY), "POLICY");
        CHECK_STR(postel_phase_name(POSTEL_PHASE_VRFY), "vrfy");
        CHECK_STR(postel_phase_name(POSTEL_PHASE_EXPN), "expn");
        CHECK_STR(postel_phase_name(POSTEL_PHASE_HELP), "help");
}

static void names_no_number_that_is_none(void)
{
        static const struct {
                int status, phase;
        } numbers[] = { { -1, -1 }, { POSTEL_POLICY + 1, POSTEL_PHASE_HELP + 1 }, { 1000, 1000 } };

        for (size_t i = 0; i < COUNT(numbers); i++) {
                postel_status status;
                postel_phase phase;
                memcpy(&status, &numbers[i].status, sizeof(status));
                memcpy(&phase, &numbers[i].phase, sizeof(phase));
                harness_row("%d, %d", numbers[i].status, numbers[i].phase);
                CHECK_STR(postel_status_name(status), "?");
                CHECK_STR(postel_status_text(status), "?");
                CHECK_STR(postel_phase_name(phase), "?");
        }
}

static void keeps_the_numbers_that_bindings_know(void)
{
        CHECK_INT(POSTEL_OK, 0);
        CHECK_INT(POSTEL_UNKNOWN, 4);
        CHECK_INT(POSTEL_INVALID, 5);
        CHECK_INT(POSTEL_TIMEOUT, 10);
        CHECK_INT(POSTEL_MEMORY, 16);
        CHECK_INT(POSTEL_PHASE_NONE, 0);
        CHECK_INT(POSTEL_PHASE_FINAL, 12);
        CHECK_INT(POSTEL_PHASE_QUIT, 15);
        CHECK_INT(POSTEL_POLICY, 17);
        CHECK_INT(POSTEL_PHASE_VRFY, 16);
        CHECK_INT(POSTEL_PHASE_EXPN, 17);
        CHECK_INT(POSTEL_PHASE_HELP, 18);
        CHECK_INT(postel_error_size(), sizeof(postel_error));
}

static void escapes_what_a_terminal_or_a_log_must_not_see(void)
{
        static const struct {
                const char *text, *escaped;
        } rows[] = {
                { "", "" },
                { "plain ~", "plain ~" },
                { "a\nb", "a b" },
                { "a\r\nb", "a\\x0d b" },
                { "\x1b[2J\x07\x7f\t", "\\x1b[2J\\x07\\x7f\\x09" },
                { "caf\xc3\xa9", "caf\xc3\xa9" },
                { "\xe2\x82\xac \xf0\x9f\x93\xac", "\xe2\x82\xac \xf0\x9f\x93\xac" },
                { "\xc2\x9b"
                  "2J",
                        "\\xc2\\x9b"
                        "2J" },
                { "\xff\xfe", "\\xff\\xfe" },
                { "\xc3", "\\xc3" },
                { "\xe2\x82", "\\xe2\\x82" },
                { "\xc0\xaf", "\\xc0\\xaf" },
                { "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },
                { "\xed\xa0\x80", "\\xed\\xa0\\x80" },
                { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
                { "\xc3(", "\\xc3(" },
        };
        char out[100];

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                CHECK_INT(text_escape(out, sizeof(out), rows[i].text, strlen(rows[i].text)),
                        strlen(rows[i].escaped));
                CHECK_STR(out, rows[i].escaped);
        }
        CHECK_INT(text_escape(out, sizeof(out), "a\0b", 3), 6);
        CHECK_STR(out, "a\\x00b");
}

static void cuts_at_a_whole_character(void)
{
        static const struct {
                const char *text;
                size_t size;
                const char *escaped;
        } rows[] = {
                { "abc", 4, "abc" },
                { "abc", 3, "ab" },
                { "abc", 1, "" },
                { "a\xe2\x82\xac", 5, "a\xe2\x82\xac" },
                { "a\xe2\x82\xac", 4, "a" },
                { "a\x01", 6, "a\\x01" },
                { "a\x01", 5, "a" },
        };
        char out[10];

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                memset(out, '#', sizeof(out));
                text_escape(out, rows[i].size, rows[i].text, strlen(rows[i].text));
                CHECK_STR(out, rows[i].escaped);
                CHECK_INT(out[rows[i].size], '#');
        }
}

static void writes_an_error_whole(void)
{
        postel_error error;

        memset(&error, '#', sizeof(error));
        CHECK_INT(error_set(&error, POSTEL_INVALID, POSTEL_PHASE_MAIL, "to %d: is %s", 3, "bad\r"),
                POSTEL_INVALID);
        CHECK_INT(postel_error_status(&error), POSTEL_INVALID);
        CHECK_INT(postel_error_phase(&error), POSTEL_PHASE_MAIL);
        CHECK_INT(postel_error_code(&error), 0);
        CHECK_INT(postel_error_system_error(&error), 0);
        CHECK_STR(postel_error_message(&error), "to 3: is bad\\x0d");
        CHECK_INT(error_set(NULL, POSTEL_IO, POSTEL_PHASE_NONE, "unseen"), POSTEL_IO);
        CHECK_INT(error_set_system(NULL, POSTEL_IO, POSTEL_PHASE_NONE, EPIPE, "unseen"), POSTEL_IO);
}

static void adds_what_the_system_says(void)
{
        postel_error error;

        CHECK_INT(
                error_set_system(&error, POSTEL_CONNECT, POSTEL_PHASE_CONNECT, ECONNREFUSED, "host %s", "x"),
                POSTEL_CONNECT);
        CHECK_STR(error.message, "host x: Connection refused");
        CHECK_INT(error.system_error, ECONNREFUSED);
        CHECK_INT(error.code, 0);
}

static void keeps_the_reason_when_the_text_is_too_long(void)
{
        postel_error error;
        const char *suffix = ": Broken pipe";

        error_set(&error, POSTEL_IO, POSTEL_PHASE_BODY, "%s%s%s%s%s%s", HUNDRED, HUNDRED, HUNDRED, HUNDRED,
                HUNDRED, HUNDRED);
        CHECK_INT(strlen(error.message), sizeof(error.message) - 1);
        error_set_system(&error, POSTEL_IO, POSTEL_PHASE_BODY, EPIPE, "%s%s%s%s%s%s%s%s%s%s%s", HUNDRED,
                HUNDRED, HUNDRED, HUNDRED, HUNDRED, HUNDRED, HUNDRED, HUNDRED, HUNDRED, HUNDRED, HUNDRED);
        CHECK_INT(strlen(error.message), sizeof(error.message) - 1);
        CHECK_STR(error.message + sizeof(error.message) - 1 - strlen(suffix), suffix);
}

static void copies_an_error(void)
{
        postel_error from, to = { .status = POSTEL_OK };

        error_set(&from, POSTEL_TLS, POSTEL_PHASE_TLS, "text");
        CHECK_INT(error_copy(NULL, &from), POSTEL_TLS);
        CHECK_INT(error_copy(&from, &from), POSTEL_TLS);
        CHECK_INT(error_copy(&to, &from), POSTEL_TLS);
        CHECK_STR(to.message, "text");
        CHECK_INT(to.phase, POSTEL_PHASE_TLS);
}

int main(void)
{
        static const struct test tests[] = {
                { "names every status and phase", names_every_status_and_phase },
                { "names no number that is none", names_no_number_that_is_none },
                { "keeps the numbers that bindings know", keeps_the_numbers_that_bindings_know },
                { "escapes what a terminal or a log must not see",
                        escapes_what_a_terminal_or_a_log_must_not_see },
                { "cuts at a whole character", cuts_at_a_whole_character },
                { "writes an error whole", writes_an_error_whole },
                { "adds what the system says", adds_what_the_system_says },
                { "keeps the reason when the text is too long", keeps_the_reason_when_the_text_is_too_long },
                { "copies an error", copies_an_error },
        };
        return harness_run("status", tests, COUNT(tests));
}
