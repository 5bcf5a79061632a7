/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "wire/body.h"

#include <postel/message.h>

#include <stdlib.h>
#include <string.h>

#define COUNT(rows)  (sizeof(rows) / sizeof((rows)[0]))
#define LITERAL(row) row, sizeof(row) - 1
#define MAX_CONTENT  4200

/* What became of a message: the octets for the wire, or the place of the fault. */
struct framed {
        char wire[3 * MAX_CONTENT + 5];
        size_t size;
        enum body_fault fault;
        size_t fault_at;
        size_t pieces;
        bool eight_bit;
        uint64_t content_size;
};

static void add(struct framed *framed, const struct body_piece *piece)
{
        REQUIRE(piece->size <= sizeof(framed->wire) - framed->size);
        memcpy(framed->wire + framed->size, piece->data, piece->size);
        framed->size += piece->size;
        framed->pieces += piece->size > 0;
}

/* Feeds one portion, copied to where a sanitizer sees a step out of it. */
static void feed(struct framed *framed, struct body_framer *framer, const char *in, size_t size)
{
        char *portion = malloc(size ? size : 1);
        size_t at = 0, idle = 0;

        REQUIRE(portion != NULL);
        memcpy(portion, in, size);
        while (at < size && framed->fault == BODY_OK) {
                struct body_piece piece;
                size_t used;
                framed->fault = body_framer_next(framer, portion + at, size - at, &used, &piece);
                at += used;
                if (framed->fault == BODY_OK)
                        add(framed, &piece);
                else
                        framed->fault_at += at;
                idle = used ? 0 : idle + 1;
                REQUIRE(used <= size && idle < 3);
        }
        if (framed->fault == BODY_OK)
                framed->fault_at += size;
        free(portion);
}

/* In portions of the sizes that `next_size` gives. */
static void frame(struct framed *framed, const char *in, size_t size, unsigned refuse,
        size_t (*next_size)(size_t left, void *data), void *data)
{
        struct body_framer framer;
        struct body_piece piece;

        framed->size = framed->fault_at = framed->pieces = 0;
        framed->fault = BODY_OK;
        body_framer_init(&framer, BODY_DOTTED, refuse);
        while (size && framed->fault == BODY_OK) {
                size_t portion = next_size(size, data);
                feed(framed, &framer, in, portion);
                in += portion;
                size -= portion;
        }
        if (framed->fault == BODY_OK) {
                framed->fault = body_framer_end(&framer, &piece);
                if (framed->fault == BODY_OK)
                        add(framed, &piece);
        }
        framed->eight_bit = framer.eight_bit;
        framed->content_size = framer.content_size;
}

static size_t all(size_t left, void *data)
{
        (void)data;
        return left;
}

static size_t one(size_t left, void *data)
{
        (void)left;
        (void)data;
        return 1;
}

/* The number at `data` first, then the rest. */
static size_t first(size_t left, void *data)
{
        size_t size = *(size_t *)data;
        *(size_t *)data = 0;
        return size > 0 && size < left ? size : left;
}

static uint32_t random_number(void *state)
{
        uint32_t number = *(uint32_t *)state;
        number ^= number << 13;
        number ^= number >> 17;
        number ^= number << 5;
        return *(uint32_t *)state = number;
}

static size_t any(size_t left, void *data)
{
        size_t size = 1 + random_number(data) % 7;
        return size < left ? size : left;
}

/* Octet by octet, a line at a time: too slow to use, too simple to be wrong. */
static size_t reference(const char *in, size_t size, char *out, uint64_t *content_size)
{
        size_t used = 0;
        bool line_start = true;

        *content_size = 0;
        for (size_t i = 0; i < size; i++) {
                if (in[i] == '\r' || in[i] == '\n') {
                        if (in[i] == '\r' && i + 1 < size && in[i + 1] == '\n')
                                i++;
                        out[used++] = '\r';
                        out[used++] = '\n';
                        *content_size += 2;
                        line_start = true;
                        continue;
                }
                if (in[i] == '.' && line_start)
                        out[used++] = '.';
                out[used++] = in[i];
                ++*content_size;
                line_start = false;
        }
        if (!line_start) {
                memcpy(out + used, "\r\n", 2);
                used += 2;
                *content_size += 2;
        }
        memcpy(out + used, ".\r\n", 3);
        return used + 3;
}

static void check_framed(const struct framed *framed, const char *wire, size_t size, uint64_t content_size)
{
        CHECK_INT(framed->fault, BODY_OK);
        CHECK_OCTETS(framed->wire, framed->size, wire, size);
        CHECK_INT(framed->content_size, content_size);
}

static void frames_content(void)
{
        static const struct {
                const char *in;
                size_t size;
                const char *wire;
                uint64_t content_size;
                bool eight_bit;
        } rows[] = {
                { LITERAL(""), ".\r\n", 0, false },
                { LITERAL("a"), "a\r\n.\r\n", 3, false },
                { LITERAL("a\r\n"), "a\r\n.\r\n", 3, false },
                { LITERAL("a\r\nb\r\n"), "a\r\nb\r\n.\r\n", 6, false },
                { LITERAL("a\nb\n"), "a\r\nb\r\n.\r\n", 6, false },
                { LITERAL("a\rb\r"), "a\r\nb\r\n.\r\n", 6, false },
                { LITERAL("a\r\r\nb"), "a\r\n\r\nb\r\n.\r\n", 8, false },
                { LITERAL("a\n\rb"), "a\r\n\r\nb\r\n.\r\n", 8, false },
                { LITERAL("a\n\r\nb"), "a\r\n\r\nb\r\n.\r\n", 8, false },
                { LITERAL("\r\n"), "\r\n.\r\n", 2, false },
                { LITERAL("\n"), "\r\n.\r\n", 2, false },
                { LITERAL("\r"), "\r\n.\r\n", 2, false },
                { LITERAL("."), "..\r\n.\r\n", 3, false },
                { LITERAL(".\r\n"), "..\r\n.\r\n", 3, false },
                { LITERAL("..\r\n.a\r\na.\r\n"), "...\r\n..a\r\na.\r\n.\r\n", 12, false },
                { LITERAL("a\r\n.\r\nMAIL FROM:<x>\r\n"), "a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n", 21, false },
                { LITERAL("a\n.\nQUIT\n"), "a\r\n..\r\nQUIT\r\n.\r\n", 12, false },
                { LITERAL("a\r.\rQUIT\r"), "a\r\n..\r\nQUIT\r\n.\r\n", 12, false },
                { LITERAL("a\r\n.\nQUIT"), "a\r\n..\r\nQUIT\r\n.\r\n", 12, false },
                { LITERAL("a\n.\r\nQUIT"), "a\r\n..\r\nQUIT\r\n.\r\n", 12, false },
                { LITERAL("a\r\n.\rb"), "a\r\n..\r\nb\r\n.\r\n", 9, false },
                { LITERAL("caf\xc3\xa9\r\n"), "caf\xc3\xa9\r\n.\r\n", 7, true },
                { LITERAL("\xff"), "\xff\r\n.\r\n", 3, true },
                { LITERAL(".\x80"), "..\x80\r\n.\r\n", 4, true },
                { LITERAL("12345678901\x80"), "12345678901\x80\r\n.\r\n", 14, true },
                { LITERAL("1234\x80"
                          "6789"),
                        "1234\x80"
                        "6789\r\n.\r\n",
                        11, true },
                { LITERAL("\x01\x7f\t\r\n"), "\x01\x7f\t\r\n.\r\n", 5, false },
        };
        static struct framed framed;

        for (size_t i = 0; i < COUNT(rows); i++) {
                size_t wire_size = strlen(rows[i].wire);
                harness_row("%zu, octet by octet", i);
                frame(&framed, rows[i].in, rows[i].size, 0, one, NULL);
                check_framed(&framed, rows[i].wire, wire_size, rows[i].content_size);
                CHECK_INT(framed.eight_bit, rows[i].eight_bit);
                for (size_t split = 0; split <= rows[i].size; split++) {
                        size_t portion = split;
                        harness_row("%zu, split at %zu", i, split);
                        frame(&framed, rows[i].in, rows[i].size, 0, first, &portion);
                        check_framed(&framed, rows[i].wire, wire_size, rows[i].content_size);
                        CHECK_INT(framed.eight_bit, rows[i].eight_bit);
                }
        }
}

static void agrees_with_the_reference_on_random_content(void)
{
        static const char alphabet[] = { 'a', '.', '\r', '\n', '\x80' };
        static char in[200], wire[600];
        static struct framed framed;
        uint32_t seed = 20260711;

        for (int round = 0; round < 30000; round++) {
                uint64_t content_size;
                size_t size = random_number(&seed) % (round % 100 ? 30 : sizeof(in));
                for (size_t i = 0; i < size; i++)
                        in[i] = alphabet[random_number(&seed) % sizeof(alphabet)];
                size_t wire_size = reference(in, size, wire, &content_size);
                harness_row("round %d", round);
                frame(&framed, in, size, 0, any, &seed);
                check_framed(&framed, wire, wire_size, content_size);
                CHECK_INT(framed.eight_bit, size && memchr(in, '\x80', size));
                frame(&framed, in, size, 0, all, NULL);
                check_framed(&framed, wire, wire_size, content_size);
        }
}

static void agrees_with_the_reference_on_long_lines(void)
{
        static char in[MAX_CONTENT], wire[3 * MAX_CONTENT];
        static struct framed framed;
        uint32_t seed = 7;

        for (size_t line = 1000; line < 1050; line++) {
                uint64_t content_size;
                for (size_t i = 0; i < sizeof(in); i++)
                        in[i] = i % line ? 'a' : "\r\n."[random_number(&seed) % 3];
                size_t wire_size = reference(in, sizeof(in), wire, &content_size);
                harness_row("lines of %zu", line);
                frame(&framed, in, sizeof(in), 0, all, NULL);
                check_framed(&framed, wire, wire_size, content_size);
                size_t portion = line;
                frame(&framed, in, sizeof(in), 0, first, &portion);
                check_framed(&framed, wire, wire_size, content_size);
        }
}

static void passes_unchanged_lines_as_one_run_where_they_lie(void)
{
        static char in[40 * 72];
        struct body_framer framer;
        struct body_piece piece;
        size_t used;

        for (size_t i = 0; i < sizeof(in); i += 72) {
                memset(in + i, 'a', 70);
                memcpy(in + i + 70, "\r\n", 2);
        }
        body_framer_init(&framer, BODY_DOTTED, POSTEL_REFUSE_BARE_NEWLINES | POSTEL_REFUSE_LONG_LINES);
        CHECK_INT(body_framer_next(&framer, in, sizeof(in), &used, &piece), BODY_OK);
        CHECK_INT(used, sizeof(in));
        CHECK(piece.data == in);
        CHECK_INT(piece.size, sizeof(in));
        CHECK_INT(body_framer_end(&framer, &piece), BODY_OK);
        CHECK_OCTETS(piece.data, piece.size, ".\r\n", 3);
}

static void needs_few_pieces_for_what_it_changes(void)
{
        static const struct {
                const char *in;
                size_t pieces;
        } rows[] = {
                { "a\r\nb\r\n.c\r\nd\r\n", 3 },
                { ".a\r\nb\r\n", 3 },
                { "a\nb\n", 5 },
                { "a\r\nb", 2 },
        };
        static struct framed framed;

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                frame(&framed, rows[i].in, strlen(rows[i].in), 0, all, NULL);
                CHECK_INT(framed.pieces, rows[i].pieces);
        }
}

static void refuses_what_it_is_told_to(void)
{
        enum { BARE = POSTEL_REFUSE_BARE_NEWLINES, LONG = POSTEL_REFUSE_LONG_LINES };
        static const struct {
                const char *in;
                size_t size;
                unsigned refuse;
                enum body_fault fault;
                size_t at;
        } rows[] = {
                { LITERAL("a\0b"), 0, BODY_NUL, 1 },
                { LITERAL("\0"), 0, BODY_NUL, 0 },
                { LITERAL("a\r\n.\0"), 0, BODY_NUL, 4 },
                { LITERAL("a\r\nb\nc"), BARE, BODY_BARE_NEWLINE, 4 },
                { LITERAL("\n"), BARE, BODY_BARE_NEWLINE, 0 },
                { LITERAL("a\rb"), BARE, BODY_BARE_NEWLINE, 2 },
                { LITERAL("a\r\r\n"), BARE, BODY_BARE_NEWLINE, 2 },
                { LITERAL("a\r"), BARE, BODY_BARE_NEWLINE, 2 },
                { LITERAL("a\r\n.\r\nb\r\n"), BARE | LONG, BODY_OK, 0 },
                { LITERAL("a\nb\r"), LONG, BODY_OK, 0 },
        };
        static struct framed framed;

        for (size_t i = 0; i < COUNT(rows); i++) {
                for (size_t split = 0; split <= rows[i].size; split++) {
                        size_t portion = split;
                        harness_row("%zu, split at %zu", i, split);
                        frame(&framed, rows[i].in, rows[i].size, rows[i].refuse, first, &portion);
                        CHECK_INT(framed.fault, rows[i].fault);
                        if (rows[i].fault)
                                CHECK_INT(framed.fault_at, rows[i].at);
                }
        }
}

static void refuses_lines_over_998_octets_when_told_to(void)
{
        static char in[1200];
        static struct framed framed;

        /* Of dots, which count once although the first of them is sent twice. */
        for (size_t line = 990; line < 1100; line++) {
                memcpy(in, "a\r\n", 3);
                memset(in + 3, '.', line);
                memcpy(in + 3 + line, "\r\nb", 3);
                for (size_t split = 1; split < line; split += 331) {
                        size_t portion = split;
                        harness_row("a line of %zu, split at %zu", line, split);
                        frame(&framed, in, line + 6, POSTEL_REFUSE_LONG_LINES, first, &portion);
                        CHECK_INT(framed.fault, line > 998 ? BODY_LONG_LINE : BODY_OK);
                        if (framed.fault)
                                CHECK_INT(framed.fault_at, 3 + 998);
                }
        }
}

static void says_what_is_wrong(void)
{
        CHECK_STR(body_fault_text(BODY_NUL), "holds a NUL octet (RFC 5321 section 2.3.8)");
        CHECK_STR(body_fault_text(BODY_BARE_NEWLINE),
                "holds a CR without LF or an LF without CR (RFC 5321 section 2.3.8)");
        CHECK_STR(body_fault_text(BODY_LONG_LINE),
                "has a line longer than 998 octets (RFC 5322 section 2.1.1)");
}

int main(void)
{
        static const struct test tests[] = {
                { "frames content", frames_content },
                { "agrees with the reference on random content",
                        agrees_with_the_reference_on_random_content },
                { "agrees with the reference on long lines", agrees_with_the_reference_on_long_lines },
                { "passes unchanged lines as one run where they lie",
                        passes_unchanged_lines_as_one_run_where_they_lie },
                { "needs few pieces for what it changes", needs_few_pieces_for_what_it_changes },
                { "refuses what it is told to", refuses_what_it_is_told_to },
                { "refuses lines over 998 octets when told to", refuses_lines_over_998_octets_when_told_to },
                { "says what is wrong", says_what_is_wrong },
        };
        return harness_run("body", tests, COUNT(tests));
}
