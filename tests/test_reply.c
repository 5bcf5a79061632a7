/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "wire/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows)  (sizeof(rows) / sizeof((rows)[0]))
#define LITERAL(row) row, sizeof(row) - 1

/* Feeds octets in portions and writes down what came of them: "250<text> 354<text> more" or "fault: why". */
struct account {
        struct reply_parser parser;
        char text[70000];
        size_t size;
        bool failed;
};

static void note(struct account *account, const char *text)
{
        account->size += (size_t)snprintf(
                account->text + account->size, sizeof(account->text) - account->size, "%s", text);
}

static void note_reply(struct account *account)
{
        char code[16];
        const char *text = reply_parser_text(&account->parser);

        CHECK_INT(strlen(text), reply_parser_text_size(&account->parser));
        CHECK(!reply_parser_is_within(&account->parser));
        snprintf(code, sizeof(code), "%d<", account->parser.code);
        note(account, code);
        note(account, text);
        note(account, "> ");
}

static void feed(struct account *account, const char *octets, size_t size)
{
        while (size && !account->failed) {
                size_t used;
                enum reply_event event = reply_parser_feed(&account->parser, octets, size, &used);
                REQUIRE(used <= size && (used > 0 || event == REPLY_FAULT));
                octets += used;
                size -= used;
                if (event == REPLY_READY) {
                        note_reply(account);
                } else if (event == REPLY_FAULT) {
                        note(account, "fault: ");
                        note(account, account->parser.fault);
                        account->failed = true;
                } else {
                        CHECK_INT(size, 0);
                }
        }
}

static void begin(struct account *account)
{
        account->size = 0;
        account->text[0] = '\0';
        account->failed = false;
        reply_parser_init(&account->parser);
}

static void end(struct account *account, const char *want)
{
        if (!account->failed && reply_parser_is_within(&account->parser))
                note(account, "more");
        CHECK_STR(account->text, want);
        reply_parser_deinit(&account->parser);
}

/* Whole, in two portions at every place, and octet by octet. */
static void check(const char *octets, size_t size, const char *want)
{
        static struct account account;

        for (size_t first = 0; first < size && first < 300; first++) {
                begin(&account);
                feed(&account, octets, first);
                feed(&account, octets + first, size - first);
                end(&account, want);
        }
        begin(&account);
        for (size_t i = 0; i < size; i++)
                feed(&account, octets + i, 1);
        end(&account, want);
}

static void reads_replies(void)
{
        static const struct {
                const char *octets;
                size_t size;
                const char *want;
        } rows[] = {
                { LITERAL("250 2.1.0 Ok\r\n"), "250<2.1.0 Ok> " },
                { LITERAL("250\r\n"), "250<> " },
                { LITERAL("250 \r\n"), "250<> " },
                { LITERAL("250\n"), "250<> " },
                { LITERAL("250 ok\n"), "250<ok> " },
                { LITERAL("250-a\r\n250-b\r\n250 c\r\n"), "250<a\nb\nc> " },
                { LITERAL("250-a\r\n250\r\n"), "250<a\n> " },
                { LITERAL("250-\r\n250-\r\n250 \r\n"), "250<\n\n> " },
                { LITERAL("250-a\n250 b\r\n"), "250<a\nb> " },
                { LITERAL("200 a\r\n599 b\r\n"), "200<a> 599<b> " },
                { LITERAL("250 a\r\n250 b\r\n354 c\r\n250 d\r\n"), "250<a> 250<b> 354<c> 250<d> " },
                { LITERAL("250  two blanks \t\r\n"), "250< two blanks \t> " },
                { LITERAL("250 -hyphen 250-\r\n"), "250<-hyphen 250-> " },
                { LITERAL("550 caf\xc3\xa9 \xff\x1b[2J\r\n"), "550<caf\xc3\xa9 \xff\x1b[2J> " },
                { LITERAL("250 ok\r\n421 by"), "250<ok> more" },
                { LITERAL("250-ok\r\n"), "more" },
                { LITERAL("2"), "more" },
                { LITERAL("250 ok\r"), "more" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                check(rows[i].octets, rows[i].size, rows[i].want);
        }
}

#define NO_CODE      "fault: has a line that does not begin with a code from 200 to 599"
#define NO_SEPARATOR "fault: has a code followed by neither a space nor a hyphen"

static void refuses_what_is_no_reply(void)
{
        static const struct {
                const char *octets;
                size_t size;
                const char *want;
        } rows[] = {
                { LITERAL("SSH-2.0-x\r\n"), NO_CODE },
                { LITERAL("\r\n"), NO_CODE },
                { LITERAL(" 250 ok\r\n"), NO_CODE },
                { LITERAL("199 ok\r\n"), NO_CODE },
                { LITERAL("600 ok\r\n"), NO_CODE },
                { LITERAL("25 ok\r\n"), NO_CODE },
                { LITERAL("2a0 ok\r\n"), NO_CODE },
                { LITERAL("25"
                          "\xb2 ok\r\n"),
                        NO_CODE },
                { LITERAL("250-a\r\nb\r\n"), NO_CODE },
                { LITERAL("2500 ok\r\n"), NO_SEPARATOR },
                { LITERAL("250\tok\r\n"), NO_SEPARATOR },
                { LITERAL("250\0ok\r\n"), NO_SEPARATOR },
                { LITERAL("250-a\r\n251 b\r\n"), "fault: has lines with different codes" },
                { LITERAL("250-a\r\n550 b\r\n"), "fault: has lines with different codes" },
                { LITERAL("250 a\rb\r\n"), "fault: has a CR without LF" },
                { LITERAL("250 a\r\r\n"), "fault: has a CR without LF" },
                { LITERAL("250\ra\n"), "fault: has a CR without LF" },
                { LITERAL("250 \0\r\n"), "fault: has a NUL octet" },
                { LITERAL("250 a\0b\r\n"), "fault: has a NUL octet" },
                { LITERAL("250 a\r\n\0"), "250<a> " NO_CODE },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                check(rows[i].octets, rows[i].size, rows[i].want);
        }
}

static void stays_at_its_first_fault(void)
{
        struct reply_parser parser;
        size_t used;

        reply_parser_init(&parser);
        CHECK_INT(reply_parser_feed(&parser, "250 a\rx", 7, &used), REPLY_FAULT);
        CHECK_INT(reply_parser_feed(&parser, "250 ok\r\n", 8, &used), REPLY_FAULT);
        CHECK_INT(used, 0);
        CHECK_STR(parser.fault, "has a CR without LF");
        reply_parser_reset(&parser);
        CHECK_INT(reply_parser_feed(&parser, "250 ok\r\n", 8, &used), REPLY_READY);
        CHECK_STR(reply_parser_text(&parser), "ok");
        reply_parser_deinit(&parser);
}

static void leaves_what_follows_a_reply(void)
{
        struct reply_parser parser;
        size_t used;

        reply_parser_init(&parser);
        CHECK_INT(reply_parser_feed(&parser, "250 a\r\n354 b\r\n", 14, &used), REPLY_READY);
        CHECK_INT(used, 7);
        CHECK_STR(reply_parser_text(&parser), "a");
        CHECK_INT(reply_parser_feed(&parser, "", 0, &used), REPLY_MORE);
        CHECK(!reply_parser_is_within(&parser));
        CHECK_INT(reply_parser_feed(&parser, "3", 1, &used), REPLY_MORE);
        CHECK(reply_parser_is_within(&parser));
        reply_parser_deinit(&parser);
}

/* A line of `size` octets, its CRLF included. */
static size_t put_line(char *out, size_t size, char separator)
{
        memset(out, 'x', size);
        memcpy(out, "250", 3);
        out[3] = separator;
        memcpy(out + size - 2, "\r\n", 2);
        return size;
}

static void bounds_the_length_of_a_line(void)
{
        static char octets[2100], want[2100];

        put_line(octets, 2048, ' ');
        snprintf(want, sizeof(want), "250<%.*s> ", 2042, octets + 4);
        check(octets, 2048, want);
        put_line(octets, 2049, ' ');
        check(octets, 2049, "fault: has a line longer than 2048 octets");
}

static void bounds_the_number_of_lines(void)
{
        static char octets[10000], want[10000] = "250<";

        for (int lines = 128; lines <= 129; lines++) {
                size_t size = 0;
                for (int i = 1; i < lines; i++)
                        size += put_line(octets + size, 7, '-');
                size += put_line(octets + size, 7, ' ');
                if (lines == 128) {
                        for (int i = 1; i < lines; i++)
                                strcat(want, "x\n");
                        check(octets, size, strcat(want, "x> "));
                } else {
                        check(octets, size, "fault: has more than 128 lines");
                }
        }
}

static void bounds_the_size_of_a_reply(void)
{
        static char octets[40000];
        static struct account account;

        for (size_t over = 0; over < 2; over++) {
                size_t size = 0;
                while (size < 30000)
                        size += put_line(octets + size, 2000, '-');
                size += put_line(octets + size, 1000, '-');
                size += put_line(octets + size, 32768 - size + over, ' ');
                harness_row("%zu octets", size);
                begin(&account);
                feed(&account, octets, size);
                CHECK_INT(account.failed, over);
                if (over)
                        CHECK_STR(account.text, "fault: is longer than 32768 octets");
                reply_parser_deinit(&account.parser);
        }
}

static void tells_that_memory_ran_out(void)
{
        struct reply_parser parser;
        size_t used;

        reply_parser_init(&parser);
        parser.text.max = 5;
        CHECK_INT(reply_parser_feed(&parser, "250 abcd\r\n", 10, &used), REPLY_READY);
        CHECK_INT(reply_parser_feed(&parser, "250 abcde\r\n", 11, &used), REPLY_FAULT);
        CHECK_STR(parser.fault, "out of memory");
        reply_parser_deinit(&parser);
}

static void finds_the_enhanced_status_code(void)
{
        static const struct {
                int code;
                const char *text, *enhanced;
        } rows[] = {
                { 250, "2.0.0 Ok", "2.0.0" },
                { 250, "2.1.5", "2.1.5" },
                { 550, "5.123.123 x", "5.123.123" },
                { 550, "5.1.1\n5.1.1 x", "5.1.1" },
                { 450, "4.7.1\tx", "4.7.1" },
                { 550, "2.1.1 x", "" },
                { 250, "5.1.1 x", "" },
                { 354, "3.0.0 go", "" },
                { 550, "5.1 x", "" },
                { 550, "5.1.1234 x", "" },
                { 550, "5..1 x", "" },
                { 550, "5.1.1.1 x", "" },
                { 550, "5.1.1x", "" },
                { 550, " 5.1.1 x", "" },
                { 220, "2.11 ready", "" },
                { 250, "", "" },
        };
        char enhanced[ENHANCED_MAX];

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                reply_enhanced(rows[i].code, rows[i].text, enhanced);
                CHECK_STR(enhanced, rows[i].enhanced);
        }
}

static void finds_the_queue_id(void)
{
        static const struct {
                const char *text, *id;
        } rows[] = {
                { "2.0.0 Ok: queued as 4D5Kvq1zqfz2xPs", "4D5Kvq1zqfz2xPs" },
                { "Ok: queued as 9A8B7C6D5E", "9A8B7C6D5E" },
                { "2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 1F2E3D4C", "1F2E3D4C" },
                { "2.0.0 OK queued as dead-beef.1", "dead-beef.1" },
                { "OK: queued as X1.", "X1" },
                { "2.0.0 OK: queued as <202311.1@smtp-relay.example.com>",
                        "202311.1@smtp-relay.example.com" },
                { "2.0.0 Ok: queued on mx1.example.net as 1700000000-AbCdEf", "1700000000-AbCdEf" },
                { "OK id=1qXxYz-0001Ab-2c", "1qXxYz-0001Ab-2c" },
                { "OK id=10HmaX-000000005vi-0000", "10HmaX-000000005vi-0000" },
                { "2.0.0 3AB12cde012345 Message accepted for delivery", "3AB12cde012345" },
                { "2.0.0 1a2b3c4d Message accepted for delivery", "1a2b3c4d" },
                { "2.6.0 <x.1@example.com> [InternalId=274498] Queued mail for delivery", "274498" },
                { "2.6.0 <x@example.com> [InternalId=69148955807778, Hostname=A.prod.example.com] 8212 bytes "
                  "in 0.169, 47.3 KB/sec Queued mail for delivery",
                        "69148955807778" },
                { "2.0.0 OK  1690517236 x6-20020a05610223c600b004451f8ccf1csm418782vsr.11 - gsmtp",
                        "x6-20020a05610223c600b004451f8ccf1csm418782vsr.11" },
                { "2.0.0 OK 1376056636 i3si9508927obz.16 - gsmtp", "i3si9508927obz.16" },
                { "Ok 010001870dbae81e-35118332-f389-474c-8b37-69ce1e1934ae-000000",
                        "010001870dbae81e-35118332-f389-474c-8b37-69ce1e1934ae-000000" },
                { "2.0.0 OK 5A/1B-12345-6789ABCD", "5A/1B-12345-6789ABCD" },
                { "Message Queued (57BF1AF8-2F26-4D37-B1EB-0C2E3BBD9A40.1)",
                        "57BF1AF8-2F26-4D37-B1EB-0C2E3BBD9A40.1" },
                { "2.0.0 Message queued with id 1b2c3d.", "1b2c3d" },
                { "ok 1700000000 qp 12345", "12345" },
                { "2.0.0 <a@example.org> QPxLJ5fKZGVMEgAA4f8 Saved", "QPxLJ5fKZGVMEgAA4f8" },
                { "2.0.0 first line\n2.0.0 Ok: queued as ABC", "ABC" },
        };
        char id[100];

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%s", rows[i].text);
                reply_queue_id(rows[i].text, id, sizeof(id));
                CHECK_STR(id, rows[i].id);
        }
}

static void takes_nothing_else_for_a_queue_id(void)
{
        static const char *const texts[] = {
                "",
                "OK",
                "2.0.0 Ok",
                "2.0.0 OK: queued",
                "OK: message queued",
                "Queued (0.123 seconds)",
                "Message Queued",
                "2.0.0 Message accepted for delivery",
                "OK: Message accepted for delivery",
                "2.5.0 Message accepted for delivery",
                "2.0.0: 1a2b3c4d Message accepted for delivery",
                "Congratulations Message accepted for delivery",
                "OK Message accepted for delivery id=1",
                "<x@y.example> Queued mail for delivery",
                "2.0.0 OK 1727 - gsmtp",
                "OK completed",
                "Ok 2023",
                "2.0.0 Ok: queued as \x1b[31m",
                "2.0.0 Ok: queued as ",
                "OK id=",
                "2.0.0 <a@example.org> Saved",
                "ok 1700000000 qp",
        };
        char id[100];

        for (size_t i = 0; i < COUNT(texts); i++) {
                harness_row("%s", texts[i]);
                reply_queue_id(texts[i], id, sizeof(id));
                CHECK_STR(id, "");
        }
}

static void gives_a_queue_id_whole_or_not_at_all(void)
{
        char id[4] = "???";

        reply_queue_id("queued as ABC", id, sizeof(id));
        CHECK_STR(id, "ABC");
        reply_queue_id("queued as ABCD", id, sizeof(id));
        CHECK_STR(id, "");
        reply_queue_id("queued as ABCD", id, 1);
        CHECK_STR(id, "");
}

int main(void)
{
        static const struct test tests[] = {
                { "reads replies", reads_replies },
                { "refuses what is no reply", refuses_what_is_no_reply },
                { "stays at its first fault", stays_at_its_first_fault },
                { "leaves what follows a reply", leaves_what_follows_a_reply },
                { "bounds the length of a line", bounds_the_length_of_a_line },
                { "bounds the number of lines", bounds_the_number_of_lines },
                { "bounds the size of a reply", bounds_the_size_of_a_reply },
                { "tells that memory ran out", tells_that_memory_ran_out },
                { "finds the enhanced status code", finds_the_enhanced_status_code },
                { "finds the queue id", finds_the_queue_id },
                { "takes nothing else for a queue id", takes_nothing_else_for_a_queue_id },
                { "gives a queue id whole or not at all", gives_a_queue_id_whole_or_not_at_all },
        };
        return harness_run("reply", tests, COUNT(tests));
}
