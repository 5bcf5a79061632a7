/* SPDX-License-Identifier: MIT */
/* Runs the sink program for a test. Knows its command line, its control port and its ledger; nothing of the
 * library. */

#include "sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_MS     10000
#define OPTIONS_MAX 64

extern char **environ;

struct sink {
        pid_t pid;
        int input; /* its end ends the program, also when the test's process dies */
        int output;
        int smtp_port;
        int smtps_port;
        int lmtp_port;
        int lmtps_port;
        int control_port;
        char directory[256];
        char ca_file[300];
        char users_file[300];
        char ledger_file[300];
        char store[300];
        char lmtp_socket[300];
};

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        fputs("tests/sink: ", stderr);
        vfprintf(stderr, format, arguments);
        fputc('\n', stderr);
        va_end(arguments);
        abort();
}

/* What a system call failed on. */
__attribute__((noreturn)) static void die_of(const char *what)
{
        die("%s: %s", what, strerror(errno));
}

static const char *program(void)
{
        const char *path = getenv("POSTEL_SINK");
#ifdef SINK_PATH
        if (!path)
                path = SINK_PATH;
#endif
        if (!path)
                die("POSTEL_SINK does not name the program");
        return path;
}

static void make_files(struct sink *sink)
{
        const char *parent = getenv("TMPDIR");
        snprintf(sink->directory, sizeof(sink->directory), "%s/postel-sink-XXXXXX",
                parent && *parent ? parent : "/tmp");
        if (!mkdtemp(sink->directory))
                die_of(sink->directory);
        snprintf(sink->ca_file, sizeof(sink->ca_file), "%s/ca.pem", sink->directory);
        snprintf(sink->users_file, sizeof(sink->users_file), "%s/users", sink->directory);
        snprintf(sink->ledger_file, sizeof(sink->ledger_file), "%s/ledger", sink->directory);
        snprintf(sink->store, sizeof(sink->store), "%s/store", sink->directory);
        snprintf(sink->lmtp_socket, sizeof(sink->lmtp_socket), "%s/lmtp.sock", sink->directory);
        FILE *users = fopen(sink->users_file, "we");
        if (!users || fprintf(users, "%s:%s\n", SINK_USER, SINK_PASSWORD) < 0 || fclose(users) != 0 ||
                mkdir(sink->store, 0700) < 0)
                die_of(sink->directory);
}

static void spawn(struct sink *sink, char *const *arguments)
{
        int input[2], output[2];
        if (pipe2(input, O_CLOEXEC) < 0 || pipe2(output, O_CLOEXEC) < 0)
                die_of("pipe");
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
        int error = posix_spawn(&sink->pid, arguments[0], &actions, NULL, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
        if (error)
                die("%s: %s", arguments[0], strerror(error));
        close(input[0]);
        close(output[1]);
        sink->input = input[1];
        sink->output = output[0];
}

static void read_line(int fd, char *line, size_t size)
{
        size_t used = 0;
        while (used < size - 1) {
                ssize_t count = read(fd, line + used, 1);
                if (count <= 0)
                        die("the sink says nothing");
                if (line[used] == '\n')
                        break;
                used++;
        }
        line[used] = '\0';
}

/* `word` is " name=" as in the line that says "ready". */
static int port_in(const char *line, const char *word)
{
        const char *found = strstr(line, word);
        if (strncmp(line, "ready ", 6) != 0 || !found)
                die("not ready: %s", line);
        return atoi(found + strlen(word));
}

static void await_ready(struct sink *sink)
{
        char line[1000];
        read_line(sink->output, line, sizeof(line));
        sink->smtp_port = port_in(line, " smtp=");
        sink->smtps_port = port_in(line, " smtps=");
        sink->lmtp_port = port_in(line, " lmtp=");
        sink->lmtps_port = port_in(line, " lmtps=");
        sink->control_port = port_in(line, " control=");
}

struct sink *sink_start(const char *const *options)
{
        struct sink *sink = calloc(1, sizeof(*sink));
        if (!sink)
                die_of("memory");
        make_files(sink);
        const char *arguments[OPTIONS_MAX + 1] = { program(), "--smtp", "0", "--smtps", "0", "--lmtp", "0",
                "--lmtps", "0", "--lmtp-socket", sink->lmtp_socket, "--control", "0", "--exit-on-eof",
                "--self-signed", sink->ca_file, "--users", sink->users_file, "--ledger", sink->ledger_file,
                "--store", sink->store };
        size_t count = 0;
        while (arguments[count])
                count++;
        for (; options && *options; options++) {
                if (count == OPTIONS_MAX)
                        die("too many options");
                arguments[count++] = *options;
        }
        /* posix_spawn() takes its arguments as exec does: not const, and never written. */
        spawn(sink, (char *const *)(const void *)arguments);
        await_ready(sink);
        return sink;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
        (void)status;
        (void)type;
        (void)where;
        return remove(path);
}

bool sink_stop(struct sink **address)
{
        struct sink *sink = *address;
        close(sink->input);
        struct pollfd output = { .fd = sink->output, .events = POLLIN };
        if (poll(&output, 1, STOP_MS) == 0)
                kill(sink->pid, SIGKILL);
        close(sink->output);

        int status = -1;
        if (waitpid(sink->pid, &status, 0) < 0)
                die_of("waitpid");
        nftw(sink->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        free(sink);
        *address = NULL;
        return status == 0;
}

int sink_smtp_port(const struct sink *sink)
{
        return sink->smtp_port;
}

int sink_smtps_port(const struct sink *sink)
{
        return sink->smtps_port;
}

int sink_lmtp_port(const struct sink *sink)
{
        return sink->lmtp_port;
}

int sink_lmtps_port(const struct sink *sink)
{
        return sink->lmtps_port;
}

const char *sink_lmtp_socket(const struct sink *sink)
{
        return sink->lmtp_socket;
}

const char *sink_ca_file(const struct sink *sink)
{
        return sink->ca_file;
}

const char *sink_store(const struct sink *sink)
{
        return sink->store;
}

static void ask(const struct sink *sink, const char *line, char *answer, size_t size)
{
        struct sockaddr_in address = { .sin_family = AF_INET,
                .sin_port = htons((uint16_t)sink->control_port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                die_of("control port");
        if (dprintf(fd, "%s\n", line) < 0)
                die_of("control port");
        read_line(fd, answer, size);
        close(fd);
}

long long sink_stats(const struct sink *sink, const char *counter)
{
        char answer[4096];
        json_error_t error;
        ask(sink, "stats", answer, sizeof(answer));
        json_t *stats = json_loads(answer, 0, &error);
        const json_t *value = json_object_get(stats, counter);
        if (!json_is_integer(value))
                die("no counter \"%s\" in: %s", counter, answer);
        long long number = json_integer_value(value);
        json_decref(stats);
        return number;
}

void sink_control(const struct sink *sink, const char *line)
{
        char answer[4096];
        ask(sink, line, answer, sizeof(answer));
        if (strcmp(answer, "ok") != 0)
                die("control port: %s: %s", line, answer);
}

/* The texts of the entries are those of `lines`. */
struct read_ledger {
        struct ledger ledger;
        json_t *lines;
};

static const char *text_of(const json_t *line, const char *key)
{
        const char *text = json_string_value(json_object_get(line, key));
        if (!text)
                die("no text \"%s\" in the ledger", key);
        return text;
}

static char *join(const json_t *texts)
{
        size_t size = 0;
        char *joined = NULL;
        FILE *out = open_memstream(&joined, &size);
        if (!out)
                die_of("memory");
        for (size_t i = 0; i < json_array_size(texts); i++)
                fprintf(out, "%s%s", i > 0 ? " " : "", json_string_value(json_array_get(texts, i)));
        fclose(out);
        return joined;
}

static void read_entry(struct ledger_entry *entry, const json_t *line, char *text)
{
        const json_t *to = json_object_get(line, "to");
        *entry = (struct ledger_entry){ .line = text,
                .from = { text_of(line, "from"), join(json_object_get(line, "mail_params")) },
                .to_count = json_array_size(to),
                .size = (size_t)json_integer_value(json_object_get(line, "size")),
                .sha256 = text_of(line, "sha256"),
                .session = (unsigned long long)json_integer_value(json_object_get(line, "session")) };
        entry->to = calloc(entry->to_count + 1, sizeof(*entry->to));
        if (!entry->to)
                die_of("memory");
        for (size_t i = 0; i < entry->to_count; i++) {
                const json_t *path = json_array_get(to, i);
                entry->to[i] = (struct ledger_path){ text_of(path, "address"),
                        join(json_object_get(path, "params")) };
        }
}

static void free_entry(struct ledger_entry *entry)
{
        for (size_t i = 0; i < entry->to_count; i++)
                free(entry->to[i].parameters);
        free(entry->to);
        free(entry->from.parameters);
        free(entry->line);
}

static void append_entry(struct ledger *ledger, const json_t *line, char *text)
{
        ledger->entries = reallocarray(ledger->entries, ledger->count + 1, sizeof(*ledger->entries));
        if (!ledger->entries)
                die_of("memory");
        read_entry(&ledger->entries[ledger->count++], line, text);
}

struct ledger *sink_ledger(const struct sink *sink)
{
        struct read_ledger *read = calloc(1, sizeof(*read));
        FILE *file = fopen(sink->ledger_file, "re");
        if (!read || !file)
                die_of(sink->ledger_file);
        read->lines = json_array();
        char *text = NULL;
        size_t size = 0;
        while (getline(&text, &size, file) > 0) {
                json_error_t error;
                json_t *line = json_loads(text, 0, &error);
                if (!line || json_array_append_new(read->lines, line) < 0)
                        die("ledger: %s: %s", error.text, text);
                append_entry(&read->ledger, line, text);
                text = NULL;
                size = 0;
        }
        free(text);
        fclose(file);
        return &read->ledger;
}

void ledger_free(struct ledger **ledger)
{
        struct read_ledger *read = (struct read_ledger *)*ledger;
        if (!read)
                return;
        for (size_t i = 0; i < read->ledger.count; i++)
                free_entry(&read->ledger.entries[i]);
        free(read->ledger.entries);
        json_decref(read->lines);
        free(read);
        *ledger = NULL;
}
