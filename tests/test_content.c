/* SPDX-License-Identifier: MIT */
#include "dialogue.h"
#include "harness.h"
#include "sink.h"

#include <postel/postel.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(rows)  (sizeof(rows) / sizeof((rows)[0]))
#define LITERAL(row) row, sizeof(row) - 1

#define PIECE_OCTETS 65536 /* how much is read at a time: where a sequence may be cut in two */

/* ---- A dialogue of many messages ---- */

#define EXCHANGES_MAX 2000

static struct exchange script[EXCHANGES_MAX];
static size_t script_size;
static char *contents[EXCHANGES_MAX]; /* texts that the script borrows */
static size_t contents_size;

/* By BDAT; else by DATA. Of the dialogue that is written down, and of whoever then speaks in it. */
static bool by_chunks;

static void expect_how(const char *expect, const char *reply, unsigned how)
{
        REQUIRE(script_size < EXCHANGES_MAX);
        script[script_size++] = (struct exchange){ .expect = expect, .reply = reply, .how = how };
}

static void expect(const char *line, const char *reply)
{
        expect_how(line, reply, 0);
}

static void expect_greeting(const char *ehlo)
{
        script_size = contents_size = 0;
        expect(NULL, "220 mail.example ready\r\n");
        expect("EHLO client.example\r\n", ehlo);
}

/* Up to where the content is wanted. */
static void expect_envelope(const char *parameters)
{
        char *mail = NULL;

        REQUIRE(asprintf(&mail, "MAIL FROM:<a@x.example>%s\r\n", parameters) > 0);
        contents[contents_size++] = mail;
        expect(mail, "250 ok\r\n");
        expect("RCPT TO:<b@y.example>\r\n", "250 ok\r\n");
        if (!by_chunks)
                expect("DATA\r\n", "354 go\r\n");
}

/* BDAT doubles no dots and needs no end mark (RFC 3030). */
static void expect_chunk(const char *wire, size_t size)
{
        char *content = malloc(size + 40), *at;
        size_t octets = 0;

        REQUIRE(content != NULL);
        for (size_t i = 0; i < size; i++)
                octets += !(wire[i] == '.' && (i == 0 || wire[i - 1] == '\n'));
        at = content + sprintf(content, "BDAT %zu LAST\r\n", octets);
        for (size_t i = 0; i < size; i++)
                if (wire[i] != '.' || (i > 0 && wire[i - 1] != '\n'))
                        *at++ = wire[i];
        contents[contents_size++] = content;
        expect(content, "250 queued\r\n");
        script[script_size - 1].expect_size = (size_t)(at - content);
}

/* `wire` stands in front of the end mark. No % may be in it. */
static void expect_content(const char *wire, size_t size)
{
        if (by_chunks) {
                expect_chunk(wire, size);
                return;
        }
        char *content = malloc(size + 4);

        REQUIRE(content != NULL);
        memcpy(content, wire, size);
        memcpy(content + size, ".\r\n", 4);
        contents[contents_size++] = content;
        expect(content, "250 queued\r\n");
        script[script_size - 1].expect_size = size + 3;
}

static void expect_quit(void)
{
        expect_how("QUIT\r\n", "221 bye\r\n", DIALOGUE_CLOSE);
}

static struct dialogue *begin(postel_connection **connection)
{
        struct dialogue *dialogue = dialogue_start(script, script_size);
        postel_config *config = postel_config_new();

        postel_config_set_host(config, "127.0.0.1");
        postel_config_set_port(config, dialogue_port(dialogue));
        postel_config_set_tls(config, POSTEL_TLS_NONE);
        postel_config_set_ehlo_name(config, "client.example");
        postel_config_set_chunking(config, by_chunks ? POSTEL_CHUNKING_ALWAYS : POSTEL_CHUNKING_AUTO);
        CHECK_INT(postel_connection_new(config, connection, NULL), POSTEL_OK);
        postel_config_free(&config);
        CHECK_INT(postel_connect(*connection, 10000, NULL), POSTEL_OK);
        return dialogue;
}

static void finish(struct dialogue **dialogue, postel_connection **connection)
{
        CHECK_INT(postel_connection_close(*connection, 5000, NULL), POSTEL_OK);
        postel_connection_free(connection);
        CHECK_STR(dialogue_finish(dialogue), NULL);
        while (contents_size > 0)
                free(contents[--contents_size]);
}

static postel_status send_as(
        postel_connection *connection, const postel_message *message, postel_body body, postel_error *error)
{
        postel_envelope *envelope = postel_envelope_new("a@x.example");
        postel_result *result = NULL;

        error->message[0] = '\0';
        postel_envelope_add_recipient(envelope, "b@y.example");
        postel_envelope_set_body(envelope, body);
        postel_status status = postel_send_with_params(connection, envelope, message, 10000, &result, error);
        if (result) {
                CHECK_INT(postel_result_status(result), status);
                CHECK_INT(postel_result_recipient_outcome(result, 0),
                        status == POSTEL_OK ? POSTEL_OUTCOME_ACCEPTED : POSTEL_OUTCOME_NOT_SENT);
        }
        postel_result_free(&result);
        postel_envelope_free(&envelope);
        return status;
}

static postel_status deliver(
        postel_connection *connection, const postel_message *message, postel_error *error)
{
        return send_as(connection, message, POSTEL_BODY_AUTO, error);
}

static void check_text(const char *text, const char *part)
{
        if (!CHECK(strstr(text, part) != NULL))
                CHECK_STR(text, part);
}

/* ---- Where content comes from ---- */

/* What a message is read from, while it is read. */
struct supply {
        const char *data;
        size_t size, at;
        size_t portion; /* of a reader */
        size_t fails_at; /* a reader fails here; SIZE_MAX: nowhere */
        int fds[2];
        char path[64];
        postel_segment *segments;
        pthread_t writer;
        bool writes;
};

static void *write_all(void *argument)
{
        struct supply *supply = argument;
        int fd = supply->path[0] ? open(supply->path, O_WRONLY | O_CLOEXEC) : supply->fds[1];

        while (supply->at < supply->size) {
                ssize_t put = write(fd, supply->data + supply->at, supply->size - supply->at);
                if (put <= 0)
                        break;
                supply->at += (size_t)put;
        }
        close(fd);
        supply->fds[1] = -1;
        return NULL;
}

static void begin_to_write(struct supply *supply)
{
        supply->writes = true;
        REQUIRE(pthread_create(&supply->writer, NULL, write_all, supply) == 0);
}

static int read_portion(void *user_data, void *buffer, size_t size, size_t *count)
{
        struct supply *supply = user_data;
        size_t rest = supply->size - supply->at;
        size_t portion = supply->portion < size ? supply->portion : size;

        if (supply->at >= supply->fails_at)
                return -1;
        portion = portion < rest ? portion : rest;
        if (portion)
                memcpy(buffer, supply->data + supply->at, portion);
        supply->at += portion;
        *count = portion;
        return 0;
}

/* A file with the data behind `front`, and a descriptor at the data. */
static void make_file(struct supply *supply, const char *front)
{
        strcpy(supply->path, "/tmp/postel-test-content-XXXXXX");
        supply->fds[0] = mkostemp(supply->path, O_CLOEXEC);
        REQUIRE(supply->fds[0] >= 0);
        REQUIRE(write(supply->fds[0], front, strlen(front)) == (ssize_t)strlen(front));
        REQUIRE(write(supply->fds[0], supply->data, supply->size) == (ssize_t)supply->size);
        REQUIRE(lseek(supply->fds[0], (off_t)strlen(front), SEEK_SET) >= 0);
}

/* What it was copied from may be gone before it is sent. */
static postel_message *from_copy(struct supply *supply)
{
        char *data = malloc(supply->size + 1);

        REQUIRE(data != NULL);
        memcpy(data, supply->data, supply->size);
        postel_message *message = postel_message_from_copy(data, supply->size);
        memset(data, '!', supply->size);
        free(data);
        return message;
}

static postel_message *from_memory(struct supply *supply)
{
        return postel_message_from_memory(supply->data, supply->size);
}

/* Of one octet each, with empty ones between them. */
static postel_message *from_segments(struct supply *supply)
{
        supply->segments = calloc(2 * supply->size + 1, sizeof(*supply->segments));
        REQUIRE(supply->segments != NULL);
        for (size_t i = 0; i < supply->size; i++)
                supply->segments[2 * i + 1] = (postel_segment){ supply->data + i, 1 };
        return postel_message_from_segments(supply->segments, 2 * supply->size + 1);
}

static postel_message *from_file(struct supply *supply)
{
        make_file(supply, "what stands in front\r\n");
        return postel_message_from_fd(supply->fds[0]);
}

static postel_message *from_path(struct supply *supply)
{
        make_file(supply, "");
        return postel_message_from_path(supply->path);
}

static postel_message *from_pipe(struct supply *supply)
{
        REQUIRE(pipe2(supply->fds, O_CLOEXEC) == 0);
        begin_to_write(supply);
        return postel_message_from_fd(supply->fds[0]);
}

static postel_message *from_socket(struct supply *supply)
{
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, supply->fds) == 0);
        begin_to_write(supply);
        return postel_message_from_fd(supply->fds[0]);
}

static postel_message *from_fifo(struct supply *supply)
{
        strcpy(supply->path, "/tmp/postel-test-content-XXXXXX");
        int fd = mkostemp(supply->path, O_CLOEXEC);
        REQUIRE(fd >= 0 && close(fd) == 0 && unlink(supply->path) == 0 && mkfifo(supply->path, 0600) == 0);
        begin_to_write(supply);
        return postel_message_from_path(supply->path);
}

static postel_message *from_reader(struct supply *supply)
{
        supply->portion = 1;
        return postel_message_from_reader(read_portion, supply, -1);
}

static postel_message *from_quick_reader(struct supply *supply)
{
        supply->portion = SIZE_MAX;
        return postel_message_from_reader(read_portion, supply, (long long)supply->size);
}

static const struct kind {
        const char *name;
        postel_message *(*make)(struct supply *);
        bool again; /* may be read any number of times */
} kinds[] = {
        { "memory", from_memory, true },
        { "segments", from_segments, true },
        { "file", from_file, true },
        { "path", from_path, true },
        { "pipe", from_pipe, false },
        { "socket", from_socket, false },
        { "FIFO", from_fifo, false },
        { "reader of single octets", from_reader, false },
        { "reader of all it can", from_quick_reader, false },
        { "copy", from_copy, true },
};

static struct supply supply_of(const char *data, size_t size)
{
        return (struct supply){ .data = data, .size = size, .fails_at = SIZE_MAX, .fds = { -1, -1 } };
}

static void supply_end(struct supply *supply)
{
        if (supply->writes)
                pthread_join(supply->writer, NULL);
        for (int i = 0; i < 2; i++)
                if (supply->fds[i] >= 0)
                        close(supply->fds[i]);
        if (supply->path[0])
                unlink(supply->path);
        free(supply->segments);
}

/* ---- What arrives ---- */

static const struct {
        const char *data;
        size_t size;
        const char *wire; /* without the end mark */
} bodies[] = {
        { LITERAL(""), "" },
        { LITERAL("a"), "a\r\n" },
        { LITERAL("a\r\n"), "a\r\n" },
        { LITERAL("a\n"), "a\r\n" },
        { LITERAL("a\r"), "a\r\n" },
        { LITERAL("\r"), "\r\n" },
        { LITERAL("\n"), "\r\n" },
        { LITERAL("\r\n"), "\r\n" },
        { LITERAL("\n\r"), "\r\n\r\n" },
        { LITERAL("\r\r\n"), "\r\n\r\n" },
        { LITERAL("a\nb\rc\r\nd"), "a\r\nb\r\nc\r\nd\r\n" },
        { LITERAL("."), "..\r\n" },
        { LITERAL(".."), "...\r\n" },
        { LITERAL("a.\r\n.b"), "a.\r\n..b\r\n" },
        { LITERAL(".\r\n"), "..\r\n" },
        { LITERAL("\r\n.\r\n"), "\r\n..\r\n" },
        { LITERAL("x\r\n.\r\nMAIL FROM:<>\r\n"), "x\r\n..\r\nMAIL FROM:<>\r\n" },
        { LITERAL("x\n.\nQUIT\n"), "x\r\n..\r\nQUIT\r\n" },
        { LITERAL("x\r.\rQUIT\r"), "x\r\n..\r\nQUIT\r\n" },
        { LITERAL("x\n.\r\ny\r\n.\nz\r.\r\n"), "x\r\n..\r\ny\r\n..\r\nz\r\n..\r\n" },
        { LITERAL("x\r\n\r\n.\r\n..\r\n"), "x\r\n\r\n..\r\n...\r\n" },
};

static void check_arrival_from_anywhere(void)
{
        postel_connection *connection;
        postel_error error;

        for (size_t i = 0; i < COUNT(kinds); i++) {
                harness_row("%s", kinds[i].name);
                expect_greeting(by_chunks ? "250-mail.example\r\n250 CHUNKING\r\n" : "250 mail.example\r\n");
                for (size_t k = 0; k < COUNT(bodies); k++)
                        for (int times = kinds[i].again ? 2 : 1; times > 0; times--) {
                                expect_envelope("");
                                expect_content(bodies[k].wire, strlen(bodies[k].wire));
                        }
                expect_quit();
                struct dialogue *dialogue = begin(&connection);
                for (size_t k = 0; k < COUNT(bodies); k++) {
                        harness_row("%s, %s, body %zu", by_chunks ? "BDAT" : "DATA", kinds[i].name, k);
                        struct supply supply = supply_of(bodies[k].data, bodies[k].size);
                        postel_message *message = kinds[i].make(&supply);
                        for (int times = kinds[i].again ? 2 : 1; times > 0; times--)
                                CHECK_INT(deliver(connection, message, &error), POSTEL_OK);
                        postel_message_free(&message);
                        supply_end(&supply);
                }
                finish(&dialogue, &connection);
        }
}

static void check_arrival_in_halves(void)
{
        static const char data[] = "a\r\n\r\n.\r\n..\n.\r.\r\r\n\n.b\r";
        static const char wire[] = "a\r\n\r\n..\r\n...\r\n..\r\n..\r\n\r\n\r\n..b\r\n";
        postel_connection *connection;
        postel_error error;

        expect_greeting(by_chunks ? "250-mail.example\r\n250 CHUNKING\r\n" : "250 mail.example\r\n");
        for (size_t i = 0; i < sizeof(data); i++) {
                expect_envelope("");
                expect_content(LITERAL(wire));
        }
        expect_quit();
        struct dialogue *dialogue = begin(&connection);
        for (size_t i = 0; i < sizeof(data); i++) {
                const postel_segment parts[] = { { data, i }, { data + i, sizeof(data) - 1 - i } };
                harness_row("%s, behind %zu octets", by_chunks ? "BDAT" : "DATA", i);
                postel_message *message = postel_message_from_segments(parts, 2);
                CHECK_INT(deliver(connection, message, &error), POSTEL_OK);
                postel_message_free(&message);
        }
        finish(&dialogue, &connection);
}

/* In both ways of sending it. */
static void by_both(void (*check)(void))
{
        check();
        by_chunks = true;
        check();
        by_chunks = false;
}

static void arrives_from_wherever_it_comes(void)
{
        by_both(check_arrival_from_anywhere);
}

static void arrives_whole_wherever_it_is_cut(void)
{
        by_both(check_arrival_in_halves);
}

/* What is read in pieces is cut at their end, at whatever octet that is. */
static void arrives_whole_where_reading_cuts_it(void)
{
        static const char tail[] = "\r\n.\r\n.\n\r.x";
        static const char tail_wire[] = "\r\n..\r\n..\r\n\r\n..x\r\n";
        static char data[PIECE_OCTETS + sizeof(tail)], wire[PIECE_OCTETS + sizeof(tail_wire)];
        postel_connection *connection;
        postel_error error;

        for (size_t i = 0; i < COUNT(kinds); i++) {
                expect_greeting("250 mail.example\r\n");
                for (size_t before = 0; before < sizeof(tail); before++) {
                        memset(wire, 'x', PIECE_OCTETS);
                        memcpy(wire + PIECE_OCTETS - before, LITERAL(tail_wire));
                        expect_envelope("");
                        expect_content(wire, PIECE_OCTETS - before + sizeof(tail_wire) - 1);
                }
                expect_quit();
                struct dialogue *dialogue = begin(&connection);
                for (size_t before = 0; before < sizeof(tail); before++) {
                        harness_row("%s, %zu octets early", kinds[i].name, before);
                        memset(data, 'x', PIECE_OCTETS);
                        memcpy(data + PIECE_OCTETS - before, LITERAL(tail));
                        struct supply supply = supply_of(data, PIECE_OCTETS - before + sizeof(tail) - 1);
                        postel_message *message = kinds[i].make(&supply);
                        CHECK_INT(deliver(connection, message, &error), POSTEL_OK);
                        postel_message_free(&message);
                        supply_end(&supply);
                }
                finish(&dialogue, &connection);
        }
}

static void leaves_the_offset_of_a_file_where_it_was(void)
{
        static const char data[] = "first\r\nsecond\r\n";
        struct supply supply = supply_of(LITERAL(data));
        postel_connection *connection;
        postel_error error;

        expect_greeting("250 mail.example\r\n");
        expect_envelope("");
        expect_content("second\r\n", 8);
        expect_envelope("");
        expect_content("", 0);
        expect_envelope("");
        expect_content("", 0);
        expect_quit();
        struct dialogue *dialogue = begin(&connection);
        postel_message *message = from_file(&supply);
        static const off_t offsets[] = { 7 + 22, 15 + 22, 4096 };
        for (size_t i = 0; i < COUNT(offsets); i++) {
                CHECK_INT(lseek(supply.fds[0], offsets[i], SEEK_SET), offsets[i]);
                CHECK_INT(deliver(connection, message, &error), POSTEL_OK);
                CHECK_INT(lseek(supply.fds[0], 0, SEEK_CUR), offsets[i]);
        }
        postel_message_free(&message);
        CHECK_INT(fcntl(supply.fds[0], F_GETFD), FD_CLOEXEC); /* not closed */
        supply_end(&supply);
        finish(&dialogue, &connection);
}

/* ---- What cannot be read ---- */

/* Behind a message that was never begun the session is as it was. */
static struct dialogue *begin_one_good(postel_connection **connection)
{
        expect_greeting("250-mail.example\r\n250-SIZE 1000000\r\n250 8BITMIME\r\n");
        expect_envelope("%");
        expect_content("good\r\n", 6);
        expect_quit();
        return begin(connection);
}

static void finish_one_good(struct dialogue **dialogue, postel_connection **connection)
{
        postel_error error;
        postel_message *message = postel_message_from_memory("good\r\n", 6);

        CHECK_INT(deliver(*connection, message, &error), POSTEL_OK);
        CHECK_STR(error.message, "");
        postel_message_free(&message);
        finish(dialogue, connection);
}

static void check_unreadable(
        postel_connection *connection, postel_message *message, int system_error, const char *text)
{
        postel_error error;

        CHECK_INT(deliver(connection, message, &error), POSTEL_IO);
        CHECK_INT(error.phase, POSTEL_PHASE_NONE);
        CHECK_INT(error.system_error, system_error);
        check_text(error.message, text);
        CHECK_INT(postel_connection_state(connection), POSTEL_STATE_READY);
        postel_message_free(&message);
}

static void says_nothing_of_a_message_that_cannot_be_read(void)
{
        postel_connection *connection;
        struct dialogue *dialogue = begin_one_good(&connection);
        struct supply supply = supply_of(LITERAL("x"));
        int pipe_ends[2];

        make_file(&supply, "");
        int write_only = open(supply.path, O_WRONLY | O_CLOEXEC);
        int directory = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        REQUIRE(write_only >= 0 && directory >= 0 && pipe2(pipe_ends, O_CLOEXEC) == 0);
        const struct {
                const char *path;
                int fd, system_error;
                const char *text;
        } rows[] = {
                { "/tmp/no such file", -1, ENOENT, "message: cannot open /tmp/no such file: No such file" },
                { "", -1, ENOENT, "message: cannot open " },
                { "/tmp", -1, EISDIR, "message: cannot read /tmp: Is a directory" },
                { "/dev/null/x", -1, ENOTDIR, "message: cannot open /dev/null/x" },
                { "/proc/self/mem", -1, EIO, "message: reading failed: Input/output error" },
                { NULL, -1, EBADF, "message: cannot open the descriptor" },
                { NULL, 1000000, EBADF, "message: cannot open the descriptor" },
                { NULL, directory, EISDIR, "message: cannot read the descriptor" },
                { NULL, write_only, EBADF, "message: " },
                { NULL, pipe_ends[1], EBADF, "message: " },
        };
        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                check_unreadable(connection,
                        rows[i].path ? postel_message_from_path(rows[i].path)
                                     : postel_message_from_fd(rows[i].fd),
                        rows[i].system_error, rows[i].text);
        }
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        close(directory);
        close(write_only);
        supply_end(&supply);
        finish_one_good(&dialogue, &connection);
}

/* What every send asks first, and anybody may: without touching what can be read only once. */
static void tells_whether_a_message_can_be_read(void)
{
        postel_error error = { .message = "" };

        for (size_t i = 0; i < COUNT(kinds); i++) {
                harness_row("%s", kinds[i].name);
                expect_greeting("250 mail.example\r\n");
                expect_envelope("");
                expect_content("good\r\n", 6);
                expect_quit();
                postel_connection *connection;
                struct dialogue *dialogue = begin(&connection);
                struct supply supply = supply_of(LITERAL("good\r\n"));
                postel_message *message = kinds[i].make(&supply);
                CHECK_INT(postel_message_check(message, &error), POSTEL_OK);
                CHECK_INT(postel_message_check(message, NULL), POSTEL_OK);
                CHECK_INT(deliver(connection, message, &error), POSTEL_OK);
                CHECK_STR(error.message, "");
                postel_message_free(&message);
                supply_end(&supply);
                finish(&dialogue, &connection);
        }
        postel_message *message = postel_message_from_path("/tmp/no such file");
        CHECK_INT(postel_message_check(message, &error), POSTEL_IO);
        CHECK_INT(error.system_error, ENOENT);
        check_text(error.message, "message: cannot open /tmp/no such file: ");
        postel_message_set_refuse(message, 4);
        CHECK_INT(postel_message_check(message, &error), POSTEL_INVALID);
        CHECK_INT(postel_message_check(NULL, &error), POSTEL_INVALID);
        CHECK_STR(error.message, "message: is missing");
        postel_message_free(&message);
}

static void makes_no_message_of_nothing(void)
{
        const postel_segment missing = { NULL, 1 };
        postel_message *message = NULL;

        CHECK(postel_message_from_path(NULL) == NULL);
        CHECK(postel_message_from_reader(NULL, NULL, -1) == NULL);
        CHECK(postel_message_from_memory(NULL, 1) == NULL);
        CHECK(postel_message_from_segments(NULL, 1) == NULL);
        CHECK(postel_message_from_segments(&missing, 1) == NULL);
        postel_message_free(&message);
        postel_message_free(NULL);
        message = postel_message_from_memory(NULL, 0);
        CHECK(message != NULL);
        postel_message_free(&message);
        CHECK(message == NULL);
        message = postel_message_from_segments(NULL, 0);
        CHECK(message != NULL);
        postel_message_free(&message);
}

/* Octets in lines of 64, for as many as are wanted of them. */
static const char *lines(void)
{
        static char text[4 * PIECE_OCTETS];

        for (size_t i = 0; i < sizeof(text); i++)
                text[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'x';
        return text;
}

/* A message that fails on the way: whole pieces of it may have left, and nothing behind them, above all no
 * end mark. */
static void check_breaks_off(struct supply *supply, postel_message *message, const char *ehlo,
        const char *parameters, size_t left, postel_status want, const char *text)
{
        postel_connection *connection;
        postel_error error;

        expect_greeting(ehlo);
        expect_envelope(parameters);
        if (left) {
                expect(lines(), NULL);
                script[script_size - 1].expect_size = left;
        }
        script[script_size - 1].how |= DIALOGUE_AWAIT_CLOSE;
        struct dialogue *dialogue = begin(&connection);
        CHECK_INT(deliver(connection, message, &error), want);
        CHECK_INT(error.phase, POSTEL_PHASE_BODY);
        check_text(error.message, text);
        CHECK_INT(postel_connection_state(connection), POSTEL_STATE_CLOSED);
        CHECK_INT(postel_connection_noop(connection, 5000, &error), POSTEL_CLOSED);
        check_text(error.message, text);
        postel_message_free(&message);
        supply_end(supply);
        finish(&dialogue, &connection);
}

static int boast(void *user_data, void *buffer, size_t size, size_t *count)
{
        struct supply *supply = user_data;

        if (supply->at != supply->fails_at)
                return read_portion(user_data, buffer, size, count);
        *count = size + 1;
        return 0;
}

static int break_down(void *user_data, void *buffer, size_t size, size_t *count)
{
        (void)user_data;
        (void)buffer;
        (void)size;
        (void)count;
        return 0;
}

static int give_and_fail(void *user_data, void *buffer, size_t size, size_t *count)
{
        return read_portion(user_data, buffer, size, count) + 1;
}

static void never_ends_a_message_of_a_reader_that_breaks_down(void)
{
        struct supply supply = supply_of(lines(), 64);

        check_breaks_off(&supply, postel_message_from_reader(break_down, &supply, -1), "250 x\r\n", "", 0,
                POSTEL_IO, "message: the reader failed");
        supply.portion = 64;
        check_breaks_off(&supply, postel_message_from_reader(give_and_fail, &supply, -1), "250 x\r\n", "", 0,
                POSTEL_IO, "message: the reader failed");
}

static void never_ends_a_message_that_it_could_not_read(void)
{
        static const struct {
                size_t fails_at, portion, left;
        } rows[] = {
                { 0, 1, 0 },
                { 1, 1, 0 },
                { PIECE_OCTETS - 1, PIECE_OCTETS - 1, 0 },
                { PIECE_OCTETS, 64, PIECE_OCTETS },
                { 3 * PIECE_OCTETS + 64, 64, 3 * PIECE_OCTETS },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("fails behind %zu", rows[i].fails_at);
                struct supply supply = supply_of(lines(), 4 * PIECE_OCTETS);
                supply.fails_at = rows[i].fails_at;
                supply.portion = rows[i].portion;
                check_breaks_off(&supply, postel_message_from_reader(read_portion, &supply, -1), "250 x\r\n",
                        "", rows[i].left, POSTEL_IO, "message: the reader failed");
                harness_row("boasts behind %zu", rows[i].fails_at);
                supply = supply_of(lines(), 4 * PIECE_OCTETS);
                supply.fails_at = rows[i].fails_at;
                supply.portion = rows[i].portion;
                check_breaks_off(&supply, postel_message_from_reader(boast, &supply, -1), "250 x\r\n", "",
                        rows[i].left, POSTEL_IO, "message: the reader says that it gave more");
        }
}

static void never_ends_a_message_of_another_size_than_announced(void)
{
        static const struct {
                size_t size;
                long long announced;
                size_t left;
        } rows[] = {
                { 128, 129, 0 },
                { 128, 127, 0 },
                { 0, 1, 0 },
                { 1, 0, 0 },
                { PIECE_OCTETS, PIECE_OCTETS + 1, PIECE_OCTETS },
                { 2 * PIECE_OCTETS, 2 * PIECE_OCTETS + 1, 2 * PIECE_OCTETS },
                { 2 * PIECE_OCTETS, 10, 0 },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu instead of %lld", rows[i].size, rows[i].announced);
                struct supply supply = supply_of(lines(), rows[i].size);
                supply.portion = PIECE_OCTETS;
                check_breaks_off(&supply,
                        postel_message_from_reader(read_portion, &supply, rows[i].announced), "250 x\r\n", "",
                        rows[i].left, POSTEL_INVALID, "message: the reader gave ");
        }
}

/* Changes a file when MAIL is on its way: it has been looked through by then. */
struct change {
        const char *path;
        off_t size;
};

static void change_file(
        void *user_data, unsigned long long session, postel_trace_kind kind, const char *text, size_t size)
{
        const struct change *change = user_data;

        (void)session;
        (void)size;
        if (kind == POSTEL_TRACE_SENT && strncmp(text, "MAIL", 4) == 0 &&
                truncate(change->path, change->size) != 0)
                abort();
}

static struct dialogue *begin_with_change(postel_connection **connection, struct change *change)
{
        struct dialogue *dialogue = dialogue_start(script, script_size);
        postel_config *config = postel_config_new();

        postel_config_set_host(config, "127.0.0.1");
        postel_config_set_port(config, dialogue_port(dialogue));
        postel_config_set_tls(config, POSTEL_TLS_NONE);
        postel_config_set_ehlo_name(config, "client.example");
        postel_config_set_trace(config, change_file, change);
        CHECK_INT(postel_connection_new(config, connection, NULL), POSTEL_OK);
        postel_config_free(&config);
        CHECK_INT(postel_connect(*connection, 10000, NULL), POSTEL_OK);
        return dialogue;
}

static void never_ends_a_file_that_was_cut_off_meanwhile(void)
{
        struct supply supply = supply_of(lines(), 256);
        postel_connection *connection;
        postel_error error;

        expect_greeting("250-x\r\n250 SIZE\r\n");
        expect_envelope(" SIZE=256");
        script[script_size - 1].how |= DIALOGUE_AWAIT_CLOSE;
        postel_message *message = from_path(&supply);
        struct change change = { supply.path, 128 };
        struct dialogue *dialogue = begin_with_change(&connection, &change);
        CHECK_INT(deliver(connection, message, &error), POSTEL_IO);
        check_text(error.message, "message: became shorter while it was read");
        postel_message_free(&message);
        supply_end(&supply);
        finish(&dialogue, &connection);
}

/* Such as a log: what was looked through is the message. */
static void sends_of_a_growing_file_what_it_looked_through(void)
{
        struct supply supply = supply_of(lines(), 256);
        postel_connection *connection;
        postel_error error;

        expect_greeting("250-x\r\n250 SIZE\r\n");
        expect_envelope(" SIZE=256");
        expect_content(lines(), 256);
        expect_quit();
        postel_message *message = from_path(&supply);
        struct change change = { supply.path, 512 };
        struct dialogue *dialogue = begin_with_change(&connection, &change);
        CHECK_INT(deliver(connection, message, &error), POSTEL_OK);
        CHECK_STR(error.message, "");
        postel_message_free(&message);
        supply_end(&supply);
        finish(&dialogue, &connection);
}

/* ---- What is refused ---- */

static void refuses_a_nul_before_it_says_anything(void)
{
        static char late[3 * PIECE_OCTETS];
        const struct {
                const char *data;
                size_t size;
        } rows[] = { { LITERAL("\0") }, { LITERAL("a\0b\r\n") }, { LITERAL("a\r\n.\0\r\n") },
                { late, sizeof(late) } };
        postel_connection *connection;
        postel_error error;

        memcpy(late, lines(), sizeof(late));
        late[sizeof(late) - 1] = '\0';
        struct dialogue *dialogue = begin_one_good(&connection);
        for (size_t i = 0; i < COUNT(kinds); i++)
                for (size_t k = 0; k < COUNT(rows) && kinds[i].again; k++) {
                        harness_row("%s, body %zu", kinds[i].name, k);
                        struct supply supply = supply_of(rows[k].data, rows[k].size);
                        postel_message *message = kinds[i].make(&supply);
                        CHECK_INT(deliver(connection, message, &error), POSTEL_INVALID);
                        CHECK_INT(error.phase, POSTEL_PHASE_NONE);
                        CHECK_STR(error.message, "message: holds a NUL octet (RFC 5321 section 2.3.8)");
                        postel_message_free(&message);
                        supply_end(&supply);
                }
        finish_one_good(&dialogue, &connection);
}

static void breaks_off_at_a_nul_that_could_not_be_foreseen(void)
{
        for (size_t i = 0; i < COUNT(kinds); i++) {
                if (kinds[i].again)
                        continue;
                harness_row("%s", kinds[i].name);
                struct supply supply = supply_of(LITERAL("a\r\n\0b\r\n"));
                postel_message *message = kinds[i].make(&supply);
                check_breaks_off(
                        &supply, message, "250 x\r\n", "", 0, POSTEL_INVALID, "message: holds a NUL octet");
        }
        char *data = malloc(3 * PIECE_OCTETS);
        REQUIRE(data != NULL);
        memcpy(data, lines(), 3 * PIECE_OCTETS);
        data[2 * PIECE_OCTETS] = '\0';
        struct supply supply = supply_of(data, 3 * PIECE_OCTETS);
        supply.portion = SIZE_MAX;
        check_breaks_off(&supply, postel_message_from_reader(read_portion, &supply, -1), "250 x\r\n", "",
                2 * PIECE_OCTETS, POSTEL_INVALID, "message: holds a NUL octet");
        free(data);
}

static void refuses_what_it_was_told_to_refuse(void)
{
        static char longest[998 + 3], too_long[999 + 3];
        const struct {
                unsigned refuse;
                const char *data;
                const char *want; /* NULL: taken */
        } rows[] = {
                { POSTEL_REFUSE_BARE_NEWLINES, "a\r\nb\r\n", NULL },
                { POSTEL_REFUSE_BARE_NEWLINES, "a", NULL },
                { POSTEL_REFUSE_BARE_NEWLINES, "a\nb\r\n", "holds a CR without LF or an LF without CR" },
                { POSTEL_REFUSE_BARE_NEWLINES, "a\rb\r\n", "holds a CR without LF or an LF without CR" },
                { POSTEL_REFUSE_BARE_NEWLINES, "a\r", "holds a CR without LF or an LF without CR" },
                { POSTEL_REFUSE_BARE_NEWLINES, "\n", "holds a CR without LF or an LF without CR" },
                { POSTEL_REFUSE_BARE_NEWLINES, "a\r\r\n", "holds a CR without LF or an LF without CR" },
                { POSTEL_REFUSE_BARE_NEWLINES, too_long, NULL },
                { POSTEL_REFUSE_LONG_LINES, longest, NULL },
                { POSTEL_REFUSE_LONG_LINES, too_long, "has a line longer than 998 octets" },
                { POSTEL_REFUSE_LONG_LINES, "a\nb\r", NULL },
                { 0, too_long, NULL },
                { POSTEL_REFUSE_LONG_LINES | POSTEL_REFUSE_BARE_NEWLINES, "a\n", "holds a CR without LF" },
                { POSTEL_REFUSE_LONG_LINES | POSTEL_REFUSE_BARE_NEWLINES, too_long, "has a line longer" },
                { 4, "a\r\n", "refuse: has bits that mean nothing" },
        };
        postel_connection *connection;
        postel_error error;

        memset(longest, 'x', 998);
        memcpy(longest + 998, "\r\n", 3);
        memset(too_long, 'x', 999);
        memcpy(too_long + 999, "\r\n", 3);
        expect_greeting("250 x\r\n");
        for (size_t i = 0; i < COUNT(rows); i++)
                if (!rows[i].want) {
                        expect_envelope("");
                        expect_how(".\r\n", "250 ok\r\n", DIALOGUE_SKIP);
                }
        expect_quit();
        struct dialogue *dialogue = begin(&connection);
        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                postel_message *message = postel_message_from_memory(rows[i].data, strlen(rows[i].data));
                postel_message_set_refuse(message, rows[i].refuse);
                CHECK_INT(deliver(connection, message, &error), rows[i].want ? POSTEL_INVALID : POSTEL_OK);
                check_text(error.message, rows[i].want ? rows[i].want : "");
                postel_message_free(&message);
        }
        finish(&dialogue, &connection);
}

static void breaks_off_what_it_was_told_to_refuse(void)
{
        struct supply supply = supply_of(LITERAL("a\r\nb\nc\r\n"));
        postel_message *message = from_reader(&supply);

        postel_message_set_refuse(message, POSTEL_REFUSE_BARE_NEWLINES);
        check_breaks_off(
                &supply, message, "250 x\r\n", "", 0, POSTEL_INVALID, "message: holds a CR without LF");
}

/* ---- What is declared ---- */

#define SEVEN_BIT "7 bits\r\n"
#define EIGHT_BIT "8 b\xc3\xaftts\r\n"

static void declares_eight_bits(void)
{
        static const struct {
                size_t kind; /* in kinds: memory, or the single octets of a reader */
                const char *data;
                postel_body body;
                const char *parameters;
        } rows[] = {
                { 0, SEVEN_BIT, POSTEL_BODY_AUTO, "" },
                { 0, EIGHT_BIT, POSTEL_BODY_AUTO, " BODY=8BITMIME" },
                { 0, SEVEN_BIT, POSTEL_BODY_8BITMIME, " BODY=8BITMIME" },
                { 0, SEVEN_BIT, POSTEL_BODY_7BIT, " BODY=7BIT" },
                { 3, EIGHT_BIT, POSTEL_BODY_AUTO, " BODY=8BITMIME" },
                { 7, SEVEN_BIT, POSTEL_BODY_AUTO, " BODY=8BITMIME" },
                { 7, EIGHT_BIT, POSTEL_BODY_AUTO, " BODY=8BITMIME" },
                { 7, SEVEN_BIT, POSTEL_BODY_7BIT, " BODY=7BIT" },
        };
        postel_connection *connection;
        postel_error error;

        expect_greeting("250-x\r\n250 8BITMIME\r\n");
        for (size_t i = 0; i < COUNT(rows); i++) {
                expect_envelope(rows[i].parameters);
                expect_content(rows[i].data, strlen(rows[i].data));
        }
        expect_quit();
        struct dialogue *dialogue = begin(&connection);
        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                struct supply supply = supply_of(rows[i].data, strlen(rows[i].data));
                postel_message *message = kinds[rows[i].kind].make(&supply);
                CHECK_INT(send_as(connection, message, rows[i].body, &error), POSTEL_OK);
                CHECK_STR(error.message, "");
                postel_message_free(&message);
                supply_end(&supply);
        }
        finish(&dialogue, &connection);
}

static void refuses_eight_bits_that_cannot_be_declared(void)
{
        static const struct {
                const char *data;
                postel_body body;
                postel_status status;
                postel_phase phase;
                const char *text;
        } rows[] = {
                { EIGHT_BIT, POSTEL_BODY_AUTO, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL,
                        "message: has 8-bit octets, and the server does not offer 8BITMIME" },
                { SEVEN_BIT, POSTEL_BODY_8BITMIME, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL, "8BITMIME" },
                { EIGHT_BIT, POSTEL_BODY_8BITMIME, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL, "8BITMIME" },
                { EIGHT_BIT, POSTEL_BODY_7BIT, POSTEL_INVALID, POSTEL_PHASE_NONE,
                        "body: is declared as 7BIT, and the message has 8-bit octets" },
        };
        postel_connection *connection;
        postel_error error;

        expect_greeting("250-x\r\n250 PIPELINING\r\n");
        expect_quit();
        struct dialogue *dialogue = begin(&connection);
        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                postel_message *message = postel_message_from_memory(rows[i].data, strlen(rows[i].data));
                CHECK_INT(send_as(connection, message, rows[i].body, &error), rows[i].status);
                CHECK_INT(error.phase, rows[i].phase);
                check_text(error.message, rows[i].text);
                postel_message_free(&message);
        }
        finish(&dialogue, &connection);
}

static void breaks_off_at_eight_bits_that_were_not_declared(void)
{
        struct supply supply = supply_of(LITERAL(EIGHT_BIT));

        check_breaks_off(&supply, from_pipe(&supply), "250 x\r\n", "", 0, POSTEL_UNSUPPORTED,
                "message: has 8-bit octets, and the server does not offer 8BITMIME");
        supply = supply_of(LITERAL(EIGHT_BIT));
        check_breaks_off(&supply, from_reader(&supply), "250 x\r\n", "", 0, POSTEL_UNSUPPORTED,
                "message: has 8-bit octets, and the server does not offer 8BITMIME");
}

static void declares_the_size(void)
{
        static const struct {
                size_t kind;
                const char *data;
                const char *parameters, *wire;
        } rows[] = {
                { 0, "", " SIZE=0", "" }, { 0, "a\r\n", " SIZE=3", "a\r\n" },
                { 0, "a\nb\rc", " SIZE=9", "a\r\nb\r\nc\r\n" }, { 0, ".\r\n..", " SIZE=7", "..\r\n...\r\n" },
                { 1, ".\n", " SIZE=3", "..\r\n" }, { 2, "a\n", " SIZE=3", "a\r\n" },
                { 3, "1234567890", " SIZE=12", "1234567890\r\n" }, { 4, "a\r\n", "", "a\r\n" },
                { 7, "a\r\n", "", "a\r\n" },
                { 8, "a\nb\n", " SIZE=4", "a\r\nb\r\n" }, /* as its caller says */
        };
        static const char *const offers[] = { "250-x\r\n250 SIZE 12\r\n", "250-x\r\n250 SIZE\r\n",
                "250-x\r\n250 SIZE 0\r\n" };
        postel_connection *connection;
        postel_error error;

        for (size_t k = 0; k < COUNT(offers); k++) {
                expect_greeting(offers[k]);
                for (size_t i = 0; i < COUNT(rows); i++) {
                        expect_envelope(rows[i].parameters);
                        expect_content(rows[i].wire, strlen(rows[i].wire));
                }
                expect_quit();
                struct dialogue *dialogue = begin(&connection);
                for (size_t i = 0; i < COUNT(rows); i++) {
                        harness_row("%s, %zu", offers[k] + 11, i);
                        struct supply supply = supply_of(rows[i].data, strlen(rows[i].data));
                        postel_message *message = kinds[rows[i].kind].make(&supply);
                        CHECK_INT(deliver(connection, message, &error), POSTEL_OK);
                        CHECK_STR(error.message, "");
                        postel_message_free(&message);
                        supply_end(&supply);
                }
                finish(&dialogue, &connection);
        }
}

static void refuses_what_is_too_large_for_the_server(void)
{
        static const struct {
                size_t kind;
                const char *data;
                const char *text;
        } rows[] = {
                { 0, "1234567890x",
                        "message: its 13 octets are more than the 12 that the server takes (SIZE)" },
                { 3, "1\n2\n3\n4\n5", "message: its 15 octets are more than the 12" },
                { 8, "1234567890\r\n1", "message: its 13 octets are more than the 12" },
        };
        postel_connection *connection;
        postel_error error;

        expect_greeting("250-x\r\n250 SIZE 12\r\n");
        expect_quit();
        struct dialogue *dialogue = begin(&connection);
        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%zu", i);
                struct supply supply = supply_of(rows[i].data, strlen(rows[i].data));
                postel_message *message = kinds[rows[i].kind].make(&supply);
                CHECK_INT(deliver(connection, message, &error), POSTEL_UNSUPPORTED);
                CHECK_INT(error.phase, POSTEL_PHASE_MAIL);
                check_text(error.message, rows[i].text);
                postel_message_free(&message);
                supply_end(&supply);
        }
        finish(&dialogue, &connection);
}

/* ---- Memory ---- */

#define LARGE_OCTETS (256LL << 20)
#define FILE_OCTETS  (64LL << 20)

/* Gives LARGE_OCTETS, in lines. */
static int read_endlessly(void *user_data, void *buffer, size_t size, size_t *count)
{
        long long *left = user_data;
        const size_t whole = size - size % 64 ? size - size % 64 : size;
        const size_t part = (long long)whole < *left ? whole : (size_t)*left;

        for (size_t i = 0; i < part; i += 64) {
                const size_t line = part - i < 64 ? part - i : 64;
                memcpy((char *)buffer + i,
                        "...a line of sixty-four octets that begins with dots .........\r\n", line);
        }
        *left -= (long long)part;
        *count = part;
        return 0;
}

static long peak_kib(void)
{
        struct rusage usage;

        getrusage(RUSAGE_SELF, &usage);
        return usage.ru_maxrss;
}

/* A file of FILE_OCTETS, open at its beginning; its name is put into `path`. */
static int large_file(char *path)
{
        static char chunk[65536];
        long long left = FILE_OCTETS;
        size_t count = 1;
        int fd = mkstemp(path);

        REQUIRE(fd >= 0);
        while (read_endlessly(&left, chunk, sizeof(chunk), &count) == 0 && count)
                REQUIRE(write(fd, chunk, count) == (ssize_t)count);
        REQUIRE(lseek(fd, 0, SEEK_SET) == 0);
        return fd;
}

static void needs_no_more_memory_for_a_large_message(void)
{
        static const char *const options[] = { "--final", "*=554 not kept", NULL };
        struct sink *sink = sink_start(options);
        postel_config *config = postel_config_new();
        postel_connection *connection;
        postel_envelope *envelope = postel_envelope_new("a@x.example");
        postel_error error;
        long long left = LARGE_OCTETS;

        postel_config_set_host(config, "127.0.0.1");
        postel_config_set_port(config, sink_smtp_port(sink));
        postel_config_set_tls(config, POSTEL_TLS_NONE);
        REQUIRE(postel_connection_new(config, &connection, NULL) == POSTEL_OK);
        postel_config_free(&config);
        CHECK_INT(postel_connect(connection, 10000, NULL), POSTEL_OK);
        postel_envelope_add_recipient(envelope, "b@y.example");
        char path[] = "/tmp/postel-large-XXXXXX";
        int fd = large_file(path);
        postel_message *messages[] = {
                postel_message_from_reader(read_endlessly, &left, LARGE_OCTETS),
                postel_message_from_path(path),
                postel_message_from_fd(fd),
        };

        long before = peak_kib();
        for (size_t i = 0; i < COUNT(messages); i++) {
                harness_row("source %zu", i);
                CHECK_INT(postel_send_with_params(connection, envelope, messages[i], 100000, NULL, &error),
                        POSTEL_REJECTED);
                CHECK_STR(error.message, "554 not kept");
                CHECK(peak_kib() - before < 4096);
                postel_message_free(&messages[i]);
        }
        CHECK_INT(left, 0);
        CHECK(sink_stats(sink, "bytes_in") >= LARGE_OCTETS + 2 * FILE_OCTETS);
        close(fd);
        unlink(path);
        postel_envelope_free(&envelope);
        postel_connection_close(connection, 5000, NULL);
        postel_connection_free(&connection);
        CHECK(sink_stop(&sink));
}

static const struct test tests[] = {
        /* First: the peak of memory is that of the process. */
        { "needs no more memory for a large message", needs_no_more_memory_for_a_large_message },
        { "arrives from wherever it comes", arrives_from_wherever_it_comes },
        { "arrives whole wherever it is cut", arrives_whole_wherever_it_is_cut },
        { "arrives whole where reading cuts it", arrives_whole_where_reading_cuts_it },
        { "leaves the offset of a file where it was", leaves_the_offset_of_a_file_where_it_was },
        { "says nothing of a message that cannot be read", says_nothing_of_a_message_that_cannot_be_read },
        { "tells whether a message can be read", tells_whether_a_message_can_be_read },
        { "makes no message of nothing", makes_no_message_of_nothing },
        { "never ends a message that it could not read", never_ends_a_message_that_it_could_not_read },
        { "never ends a message of a reader that breaks down",
                never_ends_a_message_of_a_reader_that_breaks_down },
        { "never ends a message of another size than announced",
                never_ends_a_message_of_another_size_than_announced },
        { "never ends a file that was cut off meanwhile", never_ends_a_file_that_was_cut_off_meanwhile },
        { "sends of a growing file what it looked through", sends_of_a_growing_file_what_it_looked_through },
        { "refuses a NUL before it says anything", refuses_a_nul_before_it_says_anything },
        { "breaks off at a NUL that could not be foreseen", breaks_off_at_a_nul_that_could_not_be_foreseen },
        { "refuses what it was told to refuse", refuses_what_it_was_told_to_refuse },
        { "breaks off what it was told to refuse", breaks_off_what_it_was_told_to_refuse },
        { "declares eight bits", declares_eight_bits },
        { "refuses eight bits that cannot be declared", refuses_eight_bits_that_cannot_be_declared },
        { "breaks off at eight bits that were not declared",
                breaks_off_at_eight_bits_that_were_not_declared },
        { "declares the size", declares_the_size },
        { "refuses what is too large for the server", refuses_what_is_too_large_for_the_server },
};

int main(void)
{
        return harness_run("content", tests, COUNT(tests));
}
