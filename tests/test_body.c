/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "wire/body.h"

#include <postel/message.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COUNT(rows)  (sizeof(rows) / sizeof((rows)[0]))
#define LITERAL(row) row, sizeof(row) - 1
#define MAX_CONTENT  4200

/* How a message is framed, and what became of it: the octets for the wire, or the place of the fault. */
struct framed {
        enum body_form form;
        char wire[3 * MAX_CONTENT + 5];
        size_t size;
        enum body_fault fault;
        size_t fault_at;
        size_t pieces;
        bool eight_bit, changed;
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
        body_framer_init(&framer, framed->form, refuse);
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
        framed->changed = framer.changed;
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
static size_t reference(const char *in, size_t size, enum body_form form, char *out, uint64_t *content_size)
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
                if (in[i] == '.' && line_start && form == BODY_DOTTED)
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
        if (form == BODY_CHUNKED)
                return used;
        memcpy(out + used, ".\r\n", 3);
        return used + 3;
}

static void check_framed(const struct framed *framed, const char *wire, size_t size, uint64_t content_size)
{
        CHECK_INT(framed->fault, BODY_OK);
        CHECK_OCTETS(framed->wire, framed->size, wire, size);
        CHECK_INT(framed->content_size, content_size);
}

struct row {
        const char *in;
        size_t size;
        const char *wire;
        uint64_t content_size;
        bool eight_bit;
};

static void check_row(enum body_form form, const struct row *row, size_t number)
{
        static struct framed framed;
        size_t wire_size = strlen(row->wire);

        framed.form = form;
        harness_row("%zu, octet by octet", number);
        frame(&framed, row->in, row->size, 0, one, NULL);
        check_framed(&framed, row->wire, wire_size, row->content_size);
        CHECK_INT(framed.eight_bit, row->eight_bit);
        for (size_t split = 0; split <= row->size; split++) {
                size_t portion = split;
                harness_row("%zu, split at %zu", number, split);
                frame(&framed, row->in, row->size, 0, first, &portion);
                check_framed(&framed, row->wire, wire_size, row->content_size);
                CHECK_INT(framed.eight_bit, row->eight_bit);
        }
}

static void frames_content(void)
{
        static const struct row rows[] = {
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

        for (size_t i = 0; i < COUNT(rows); i++)
                check_row(BODY_DOTTED, &rows[i], i);
}

static void frames_content_for_chunks(void)
{
        static const struct row rows[] = {
                { LITERAL(""), "", 0, false },
                { LITERAL("a"), "a\r\n", 3, false },
                { LITERAL("a\r\n"), "a\r\n", 3, false },
                { LITERAL("a\r\nb\r\n"), "a\r\nb\r\n", 6, false },
                { LITERAL("a\nb\n"), "a\r\nb\r\n", 6, false },
                { LITERAL("a\rb\r"), "a\r\nb\r\n", 6, false },
                { LITERAL("a\r\r\nb"), "a\r\n\r\nb\r\n", 8, false },
                { LITERAL("a\n\rb"), "a\r\n\r\nb\r\n", 8, false },
                { LITERAL("\n"), "\r\n", 2, false },
                { LITERAL("\r"), "\r\n", 2, false },
                { LITERAL("."), ".\r\n", 3, false },
                { LITERAL(".\r\n"), ".\r\n", 3, false },
                { LITERAL("..\r\n.a\r\na.\r\n"), "..\r\n.a\r\na.\r\n", 12, false },
                { LITERAL("a\r\n.\r\nMAIL FROM:<x>\r\n"), "a\r\n.\r\nMAIL FROM:<x>\r\n", 21, false },
                { LITERAL("a\n.\nQUIT\n"), "a\r\n.\r\nQUIT\r\n", 12, false },
                { LITERAL("caf\xc3\xa9\r\n"), "caf\xc3\xa9\r\n", 7, true },
                { LITERAL(".\x80"), ".\x80\r\n", 4, true },
        };

        for (size_t i = 0; i < COUNT(rows); i++)
                check_row(BODY_CHUNKED, &rows[i], i);
}

/* RFC 3030 section 3: octets, and no lines. */
static void leaves_binary_content_as_it_is(void)
{
        static const struct {
                const char *in;
                size_t size;
        } rows[] = { { LITERAL("") }, { LITERAL("a") }, { LITERAL("a\0b") }, { LITERAL("\0") },
                { LITERAL("a\nb\rc") }, { LITERAL("a\r") }, { LITERAL("\r\n.\r\n") }, { LITERAL(".") },
                { LITERAL("\xff\r\n") } };
        static struct framed framed = { .form = BODY_BINARY };

        for (size_t i = 0; i < COUNT(rows); i++)
                for (size_t split = 0; split <= rows[i].size; split++) {
                        size_t portion = split;
                        harness_row("%zu, split at %zu", i, split);
                        frame(&framed, rows[i].in, rows[i].size,
                                POSTEL_REFUSE_BARE_NEWLINES | POSTEL_REFUSE_LONG_LINES, first, &portion);
                        check_framed(&framed, rows[i].in, rows[i].size, rows[i].size);
                        CHECK(!framed.changed);
                        harness_row("%zu, octet by octet", i);
                        frame(&framed, rows[i].in, rows[i].size, 0, one, NULL);
                        check_framed(&framed, rows[i].in, rows[i].size, rows[i].size);
                }
}

static void agrees_on_random(enum body_form form)
{
        static const char alphabet[] = { 'a', '.', '\r', '\n', '\x80' };
        static char in[200], wire[600], unchanged[600];
        static struct framed framed;
        uint32_t seed = 20260711;
        uint64_t content_size;

        framed.form = form;
        for (int round = 0; round < 30000; round++) {
                size_t size = random_number(&seed) % (round % 100 ? 30 : sizeof(in));
                for (size_t i = 0; i < size; i++)
                        in[i] = alphabet[random_number(&seed) % sizeof(alphabet)];
                size_t unchanged_size = reference(in, size, BODY_CHUNKED, unchanged, &content_size);
                bool changed = unchanged_size != size || memcmp(unchanged, in, size) != 0;
                size_t wire_size = reference(in, size, form, wire, &content_size);
                harness_row("form %d, round %d", (int)form, round);
                frame(&framed, in, size, 0, any, &seed);
                check_framed(&framed, wire, wire_size, content_size);
                CHECK_INT(framed.eight_bit, size && memchr(in, '\x80', size));
                CHECK_INT(framed.changed, changed);
                frame(&framed, in, size, 0, all, NULL);
                check_framed(&framed, wire, wire_size, content_size);
                CHECK_INT(framed.changed, changed);
        }
}

static void agrees_with_the_reference_on_random_content(void)
{
        agrees_on_random(BODY_DOTTED);
        agrees_on_random(BODY_CHUNKED);
}

static void agrees_on_long_lines(enum body_form form)
{
        static char in[MAX_CONTENT], wire[3 * MAX_CONTENT];
        static struct framed framed;
        uint32_t seed = 7;

        framed.form = form;
        for (size_t line = 1000; line < 1050; line++) {
                uint64_t content_size;
                for (size_t i = 0; i < sizeof(in); i++)
                        in[i] = i % line ? 'a' : "\r\n."[random_number(&seed) % 3];
                size_t wire_size = reference(in, sizeof(in), form, wire, &content_size);
                harness_row("form %d, lines of %zu", (int)form, line);
                frame(&framed, in, sizeof(in), 0, all, NULL);
                check_framed(&framed, wire, wire_size, content_size);
                size_t portion = line;
                frame(&framed, in, sizeof(in), 0, first, &portion);
                check_framed(&framed, wire, wire_size, content_size);
        }
}

static void agrees_with_the_reference_on_long_lines(void)
{
        agrees_on_long_lines(BODY_DOTTED);
        agrees_on_long_lines(BODY_CHUNKED);
}

static void passes_unchanged_lines_as_one_run_where_they_lie(void)
{
        static const char *const ends[] = {
                [BODY_DOTTED] = ".\r\n", [BODY_CHUNKED] = "", [BODY_BINARY] = ""
        };
        static char in[40 * 72];
        struct body_framer framer;
        struct body_piece piece;
        size_t used;

        for (size_t i = 0; i < sizeof(in); i += 72) {
                memset(in + i, 'a', 70);
                memcpy(in + i + 70, "\r\n", 2);
        }
        for (int form = BODY_DOTTED; form <= BODY_BINARY; form++) {
                harness_row("form %d", form);
                body_framer_init(&framer, (enum body_form)form,
                        POSTEL_REFUSE_BARE_NEWLINES | POSTEL_REFUSE_LONG_LINES);
                CHECK_INT(body_framer_next(&framer, in, sizeof(in), &used, &piece), BODY_OK);
                CHECK_INT(used, sizeof(in));
                CHECK(piece.data == in);
                CHECK_INT(piece.size, sizeof(in));
                CHECK_INT(body_framer_end(&framer, &piece), BODY_OK);
                CHECK_OCTETS(piece.data, piece.size, ends[form], strlen(ends[form]));
                CHECK(!framer.changed);
        }
}

/* Dots are content like any other to BDAT. */
static void passes_lines_with_dots_as_one_run_for_chunks(void)
{
        static const char in[] = ".\r\n..\r\n.a\r\n";
        static struct framed framed = { .form = BODY_CHUNKED };

        frame(&framed, in, sizeof(in) - 1, 0, all, NULL);
        CHECK_INT(framed.pieces, 1);
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
        static const struct refused {
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

        for (size_t i = 0; i < 2 * COUNT(rows); i++) {
                const struct refused *row = &rows[i % COUNT(rows)];
                framed.form = i < COUNT(rows) ? BODY_DOTTED : BODY_CHUNKED;
                for (size_t split = 0; split <= row->size; split++) {
                        size_t portion = split;
                        harness_row("%zu, split at %zu", i, split);
                        frame(&framed, row->in, row->size, row->refuse, first, &portion);
                        CHECK_INT(framed.fault, row->fault);
                        if (row->fault)
                                CHECK_INT(framed.fault_at, row->at);
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
                framed.form = line % 2 ? BODY_DOTTED : BODY_CHUNKED;
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

/* ---- What is found out by looking ---- */

/*
 * Facts as letters: `u` the header section is UTF-8 beyond ASCII, `x` it is neither ASCII nor UTF-8, `c` a
 * line looks like a command, `8` octets beyond ASCII, `~` newlines are changed or supplied.
 */
static const char *facts_of(const struct body_framer *framer)
{
        static char facts[8];
        size_t used = 0;

        if (framer->header_eight_bit)
                facts[used++] = framer->header_not_utf8 ? 'x' : 'u';
        if (framer->like_commands)
                facts[used++] = 'c';
        if (framer->eight_bit)
                facts[used++] = '8';
        if (framer->changed)
                facts[used++] = '~';
        facts[used] = '\0';
        return facts;
}

/* Looks through portions that end at the places given, each copied to where a sanitizer sees a step out of
 * it. */
static const char *look(const char *in, size_t size, size_t (*next_size)(size_t left, void *data), void *data)
{
        static struct framed unread;
        struct body_framer framer;
        struct body_piece piece;

        unread.fault = BODY_OK;
        body_framer_init_curious(&framer, 0);
        while (size && unread.fault == BODY_OK) {
                size_t portion = next_size(size, data);
                unread.size = 0;
                feed(&unread, &framer, in, portion);
                in += portion;
                size -= portion;
        }
        CHECK_INT(unread.fault, BODY_OK);
        CHECK_INT(body_framer_end(&framer, &piece), BODY_OK);
        return facts_of(&framer);
}

#define E_ACUTE "\xc3\xa9"
#define EURO    "\xe2\x82\xac"
#define MAILBOX "\xf0\x9f\x93\xac"
#define LATIN_1 "\xe9"

static void finds_out_what_content_is(void)
{
        static const struct {
                const char *in, *facts;
        } rows[] = {
                /* Where the header section ends. */
                { "", "" },
                { "Subject: x\r\n\r\nhi\r\n", "" },
                { "Subject: " E_ACUTE "\r\n\r\nhi\r\n", "u8" },
                { "Subject: x\r\n\r\n" E_ACUTE "\r\n", "8" },
                { "Subject: x\r\n\r\nTo: " E_ACUTE "\r\n", "8" },
                { "Subject: x\r\nTo: " EURO "\r\n\r\n", "u8" },
                { "Subject: x\r\nno field\r\nTo: " E_ACUTE "\r\n", "8" },
                { "Subject: x\r\nword\r\nTo: " E_ACUTE "\r\n", "8" },
                { "Caf" E_ACUTE ": x\r\nTo: " E_ACUTE "\r\n", "8" },
                { "A b: " E_ACUTE "\r\n", "8" },
                { "A\tb: " E_ACUTE "\r\n", "8" },
                { "\r\nTo: " E_ACUTE "\r\n", "8" },
                { E_ACUTE "\r\n", "8" },
                { "To:" E_ACUTE "\r\n", "u8" },
                { "X-1_b.c!: " E_ACUTE "\r\n", "u8" },
                { "To: a: " E_ACUTE "\r\n", "u8" },
                { "To: " E_ACUTE, "u8~" },
                { "To: x\nCc: " E_ACUTE "\n\n" LATIN_1, "u8~" },
                { "To: x\r\rCc: " E_ACUTE "\r\n", "8~" },
                { "To: x\rCc: " E_ACUTE "\r", "u8~" },

                /* Folded lines. */
                { "Subject: x\r\n " E_ACUTE "\r\n\r\n", "u8" },
                { "Subject: x\r\n\t" EURO "\r\n\r\n", "u8" },
                { "Subject:\r\n " E_ACUTE "\r\n", "u8" },
                { "Subject: x\r\n \r\nTo: " E_ACUTE "\r\n", "u8" },
                { "Subject: x\r\n\r\n " E_ACUTE "\r\n", "8" },
                { "Subject: x\r\nno field\r\n " E_ACUTE "\r\n", "8" },

                /* What is UTF-8, and what is not. */
                { "To: " E_ACUTE EURO MAILBOX "\r\n", "u8" },
                { "To: " LATIN_1 "\r\n", "x8" },
                { "To: " LATIN_1 "\r\nCc: " E_ACUTE "\r\n", "x8" },
                { "To: " E_ACUTE "\r\nCc: " LATIN_1 "\r\n", "x8" },
                { "To: " E_ACUTE "\r\n\r\n" LATIN_1 "\r\n", "u8" },
                { "To: \xa9\r\n", "x8" },
                { "To: \xc3\r\n", "x8" },
                { "To: \xc3", "x8~" },
                { "To: \xc3\r\n\xa9\r\n", "x8" },
                { "To: \xc3\r\n \xa9\r\n", "x8" },
                { "To: \xe2\x82\r\n", "x8" },
                { "To: \xe2\x82x\r\n", "x8" },
                { "To: \xf0\x9f\x93\r\n", "x8" },
                { "To: \xc1\x81\r\n", "x8" },
                { "To: \xf5\x80\x80\x80\r\n", "x8" },
                { "To: \xff\r\n", "x8" },
                { "To: \xc3\xc3\xa9\r\n", "x8" },

                /* Lines that a server might take for commands. */
                { "MAIL FROM:<a@x>\r\n", "c" },
                { "mail from:<a@x>\r\n", "c" },
                { "a\r\nMAIL\r\n", "c" },
                { "MAIL", "c~" },
                { "a\r\nquit", "c~" },
                { "a\nQuit\n", "c~" },
                { "a\rRSET\r", "c~" },
                { "a\r\n \tRSET\r\n", "c" },
                { "a\r\n        \t\t \tnoop x\r\n", "c" },
                { "a\r\nMAILING\r\n", "" },
                { "a\r\nEMAIL x\r\n", "" },
                { "a\r\nMAI\r\nL x\r\n", "" },
                { "a\r\nMAIL-x\r\n", "" },
                { "Mail-Followup-To: x\r\n", "" },
                { "a\r\nDATA:\r\n", "c" },
                { "a\r\nData, and more\r\n", "c" },
                { "a\r\nHelp!\r\n", "c" },
                { "a\r\nMAIL\tx\r\n", "c" },
                { "a\r\nmail" E_ACUTE "\r\n", "c8" },
                { "a\r\nmail_x\r\n", "c" },
                { "a\r\nmail2\r\n", "" },
                { "a\r\nstarttls\r\n", "c" },
                { "a\r\nSTARTTLSX\r\n", "" },
                { "a\r\nXforward a\r\n", "c" },
                { "a\r\nXFORWARDS a\r\n", "" },
                { "a\r\n.MAIL\r\n", "" },
                { "a\r\n. MAIL\r\n", "" },
                { ".\r\nMAIL\r\n", "c" },
                { "a\r\n-MAIL\r\n", "" },
                { "a\r\n>MAIL\r\n", "" },
                { "a\r\n\vMAIL\r\n", "" },
                { "a MAIL\r\n", "" },
                { "hell\r\nhel\r\nmai\r\n", "" },
                { "Quit: x\r\n\r\n", "c" },
                { "Subject: x\r\n mail\r\n", "c" },
                { "Subject: " E_ACUTE "\r\n\r\nbdat 3\n", "uc8~" },

                /* What is sent as it is. */
                { "a\r\n", "" },
                { ".\r\n.a\r\n", "" },
                { "a", "~" },
                { "a\n", "~" },
                { "a\r", "~" },
                { "a\rb\r\n", "~" },
                { "a\r\n\n", "~" },
                { "a\r\r\n", "~" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                size_t size = strlen(rows[i].in);
                harness_row("row %zu, octet by octet", i);
                CHECK_STR(look(rows[i].in, size, one, NULL), rows[i].facts);
                for (size_t split = 0; split <= size; split++) {
                        size_t portion = split;
                        harness_row("row %zu, split at %zu", i, split);
                        CHECK_STR(look(rows[i].in, size, first, &portion), rows[i].facts);
                }
        }
}

static void knows_every_verb(void)
{
        static const char *const verbs[] = { "HELO", "EHLO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET",
                "VRFY", "EXPN", "HELP", "NOOP", "QUIT", "AUTH", "STARTTLS", "ETRN", "ATRN", "TURN", "BURL",
                "SEND", "SOML", "SAML", "XCLIENT", "XFORWARD" };
        char text[40];

        for (size_t i = 0; i < COUNT(verbs); i++) {
                harness_row("%s", verbs[i]);
                snprintf(text, sizeof(text), "a\r\n%s x\r\n", verbs[i]);
                CHECK_STR(look(text, strlen(text), all, NULL), "c");
                snprintf(text, sizeof(text), "a\r\n%.*s\r\n", (int)strlen(verbs[i]) - 1, verbs[i]);
                CHECK_STR(look(text, strlen(text), all, NULL), "");
                snprintf(text, sizeof(text), "a\r\n%sx\r\n", verbs[i]);
                CHECK_STR(look(text, strlen(text), all, NULL), "");
        }
}

/* A command line has 512 octets with its CRLF (RFC 5321 section 4.5.3.1.4): what is longer may be cut. */
static void takes_lines_over_510_octets_for_commands(void)
{
        static const struct {
                size_t size;
                const char *facts;
        } rows[] = { { 509, "" }, { 510, "" }, { 511, "c" }, { 512, "c" }, { 1023, "c" }, { 1024, "c" },
                { 1025, "c" }, { 4000, "c" } };
        static const char octets[] = { 'a', '.' }; /* dots count once */
        static char in[MAX_CONTENT];

        for (size_t i = 0; i < COUNT(rows); i++)
                for (size_t k = 0; k < COUNT(octets); k++) {
                        size_t splits[] = { 0, 1, 5, 509, 511, rows[i].size + 2 };
                        memcpy(in, "a\r\n", 3);
                        memset(in + 3, octets[k], rows[i].size);
                        memcpy(in + 3 + rows[i].size, "\r\nb\r\n", 5);
                        for (size_t split = 0; split < COUNT(splits); split++) {
                                harness_row("%zu times %c, split %zu", rows[i].size, octets[k], split);
                                CHECK_STR(look(in, rows[i].size + 8, first, &splits[split]), rows[i].facts);
                        }
                        harness_row("%zu times %c, no newline", rows[i].size, octets[k]);
                        CHECK_STR(look(in, rows[i].size + 3, all, NULL), *rows[i].facts ? "c~" : "~");
                }
}

/* Line by line: the first that is no field, nor goes on with one, ends the header section. */
struct line_facts {
        bool in_header, eight_bit_header, not_utf8, command;
};

static bool is_utf8(const unsigned char *text, size_t size)
{
        for (size_t i = 0; i < size;) {
                size_t more = text[i] < 0x80 ? 0 : text[i] < 0xe0 ? 1 : text[i] < 0xf0 ? 2 : 3;
                if ((text[i] >= 0x80 && text[i] < 0xc2) || text[i] > 0xf4 || more >= size - i)
                        return false;
                for (size_t k = 1; k <= more; k++)
                        if (text[i + k] < 0x80 || text[i + k] >= 0xc0)
                                return false;
                i += more + 1;
        }
        return true;
}

static void look_at_value(struct line_facts *facts, const char *value, size_t size)
{
        for (size_t i = 0; i < size; i++)
                facts->eight_bit_header |= (unsigned char)value[i] >= 0x80;
        facts->not_utf8 |= !is_utf8((const unsigned char *)value, size);
}

static void look_at_line(struct line_facts *facts, const char *line, size_t size)
{
        size_t blanks = 0, name = 0, word;

        while (blanks < size && (line[blanks] == ' ' || line[blanks] == '\t'))
                blanks++;
        for (word = blanks; word < size && (isalnum((unsigned char)line[word]) || line[word] == '-'); word++)
                continue;
        word -= blanks;
        facts->command |= word == 4 && (strncasecmp(line + blanks, "MAIL", 4) == 0 ||
                                               strncasecmp(line + blanks, "DATA", 4) == 0);
        facts->command |= word == 8 && strncasecmp(line + blanks, "STARTTLS", 8) == 0;
        while (name < size && line[name] != ':' && line[name] > ' ' && line[name] < 127)
                name++;
        if (!facts->in_header)
                return;
        if (blanks)
                look_at_value(facts, line, size);
        else if (name < size && line[name] == ':')
                look_at_value(facts, line + name, size - name);
        else
                facts->in_header = false;
}

static void agrees_with_line_by_line(void)
{
        static const char *const parts[] = { "MAIL", "ma", "il", "data", "Start", "tls", " ", "\t", "-", ":",
                ": ", "a: ", "\r\n", "\r\n", "\n", "\r", ".", "\xc3", "\xa9", "\xe2", "\x82", "\xac", "x" };
        uint32_t seed = 20261123;
        char in[200];

        for (int round = 0; round < 60000; round++) {
                struct line_facts facts = { .in_header = true };
                size_t count = random_number(&seed) % 14, size = 0;
                for (size_t i = 0; i < count; i++) {
                        const char *part = parts[random_number(&seed) % COUNT(parts)];
                        memcpy(in + size, part, strlen(part));
                        size += strlen(part);
                }
                for (size_t at = 0; at < size;) {
                        size_t line = 0;
                        while (at + line < size && in[at + line] != '\r' && in[at + line] != '\n')
                                line++;
                        look_at_line(&facts, in + at, line);
                        at += line;
                        at += size - at > 1 && in[at] == '\r' && in[at + 1] == '\n' ? 2 : 1;
                }
                harness_row("round %d", round);
                char found[8];
                strcpy(found, look(in, size, any, &seed));
                CHECK_INT(strchr(found, 'c') != NULL, facts.command);
                CHECK_INT(strchr(found, 'u') != NULL, facts.eight_bit_header && !facts.not_utf8);
                CHECK_STR(look(in, size, all, NULL), found);
        }
}

static void is_curious_only_when_asked(void)
{
        struct body_framer framer;
        struct body_piece piece;
        size_t used;

        body_framer_init(&framer, BODY_CHUNKED, 0);
        CHECK_INT(body_framer_next(&framer, "To: \xc3\xa9\r\nMAIL\r\n", 14, &used, &piece), BODY_OK);
        CHECK_INT(body_framer_end(&framer, &piece), BODY_OK);
        CHECK_STR(facts_of(&framer), "8");
}

static void is_as_strict_when_it_is_curious(void)
{
        struct body_framer framer;
        struct body_piece piece;
        size_t used;

        body_framer_init_curious(&framer, POSTEL_REFUSE_BARE_NEWLINES);
        CHECK_INT(body_framer_next(&framer, "a\n", 2, &used, &piece), BODY_OK);
        CHECK_INT(used, 1);
        CHECK_INT(body_framer_next(&framer, "\n", 1, &used, &piece), BODY_BARE_NEWLINE);
        body_framer_init_curious(&framer, 0);
        CHECK_INT(body_framer_next(&framer, "a\0", 2, &used, &piece), BODY_NUL);
        CHECK_INT(used, 1);
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
                { "frames content for chunks", frames_content_for_chunks },
                { "leaves binary content as it is", leaves_binary_content_as_it_is },
                { "agrees with the reference on random content",
                        agrees_with_the_reference_on_random_content },
                { "agrees with the reference on long lines", agrees_with_the_reference_on_long_lines },
                { "passes unchanged lines as one run where they lie",
                        passes_unchanged_lines_as_one_run_where_they_lie },
                { "passes lines with dots as one run for chunks",
                        passes_lines_with_dots_as_one_run_for_chunks },
                { "needs few pieces for what it changes", needs_few_pieces_for_what_it_changes },
                { "refuses what it is told to", refuses_what_it_is_told_to },
                { "refuses lines over 998 octets when told to", refuses_lines_over_998_octets_when_told_to },
                { "finds out what content is", finds_out_what_content_is },
                { "knows every verb", knows_every_verb },
                { "takes lines over 510 octets for commands", takes_lines_over_510_octets_for_commands },
                { "agrees with looking line by line", agrees_with_line_by_line },
                { "is curious only when asked", is_curious_only_when_asked },
                { "is as strict when it is curious", is_as_strict_when_it_is_curious },
                { "says what is wrong", says_what_is_wrong },
        };
        return harness_run("body", tests, COUNT(tests));
}
