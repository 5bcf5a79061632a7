/* SPDX-License-Identifier: MIT */
/*
 * Sends many messages of its own making from many threads through one pool, and prints the account. It uses
 * the public interface alone and is meant to be read: this is what a program that sends mail by Postel looks
 * like.
 *
 *     quickstart HOST PORT CA_FILE USER PASSWORD_FILE THREADS MESSAGES ACCOUNT_FILE
 *
 * ACCOUNT_FILE gets a line `reverse-path octets accepted refused` for each message, octets as the server
 * counts them.
 */

#include <postel/postel.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POOL_SIZE     4
#define THREADS_MAX   1000
#define SMALLEST      512
#define DOUBLINGS     9 /* SMALLEST times 2 to the 9th is 256 KiB */
#define CONTENT_SIZE  ((size_t)SMALLEST << DOUBLINGS)
#define LINE_SIZE     200
#define OUTCOME_COUNT 5
#define REFUSED_EVERY 50

struct content {
        char octets[CONTENT_SIZE + LINE_SIZE];
        size_t size;
        size_t wire_size; /* with every newline as CRLF */
};

/* What the threads share. */
struct work {
        postel_pool *pool;
        unsigned messages;
        pthread_mutex_t lock; /* of everything below */
        unsigned next;
        size_t octets;
        size_t outcomes[OUTCOME_COUNT];
        char refusal[200]; /* the server's words */
        postel_error error; /* the last that was no refusal */
        FILE *account;
};

static void die(const char *what, const char *why)
{
        fprintf(stderr, "quickstart: %s: %s\n", what, why);
        exit(1);
}

/* One line of content; a message whose number is odd is written with LF alone. */
static void append_line(struct content *content, unsigned number, const char *line)
{
        size_t room = sizeof(content->octets) - content->size;
        int size = snprintf(content->octets + content->size, room, "%s%s", line, number % 2 ? "\n" : "\r\n");
        content->size += (size_t)size;
        content->wire_size += (size_t)size + number % 2;
}

static void append_headers(struct content *content, unsigned number)
{
        char line[LINE_SIZE];
        snprintf(line, sizeof(line), "From: Reports <reports+%u@example.com>", number);
        append_line(content, number, line);
        snprintf(line, sizeof(line), "To: reader+%u@example.org", number);
        append_line(content, number, line);
        snprintf(line, sizeof(line), "Subject: Report %u", number);
        append_line(content, number, line);
        snprintf(line, sizeof(line), "Message-ID: <%u.quickstart@example.com>", number);
        append_line(content, number, line);
        append_line(content, number, "MIME-Version: 1.0");
        append_line(content, number, "Content-Type: text/plain; charset=utf-8");
        append_line(content, number, "Content-Transfer-Encoding: 8bit");
        append_line(content, number, "");
}

/* Lines that have gone wrong somewhere before. */
static void make_content(struct content *content, unsigned number)
{
        static const char *const lines[] = {
                "A line of plain text, as most of them are.",
                ". A line that begins with a dot arrives with one dot.",
                ".",
                "..",
                "Grüße aus Zürich: 8-bit text is declared and arrives as it is.",
                "MAIL FROM:<nobody@example.com>",
                "",
        };
        unsigned random = number * 2654435761U;
        size_t least = (size_t)SMALLEST << random % DOUBLINGS;
        size_t size = least + (random >> 8) % least;

        content->size = content->wire_size = 0;
        append_headers(content, number);
        for (unsigned i = number; content->size < size; i++)
                append_line(content, number, lines[i % (sizeof(lines) / sizeof(lines[0]))]);
        append_line(content, number, "The end.");
        /* Some have no newline there: it is supplied on the way. */
        if (number % 7 == 0)
                content->size -= number % 2 ? 1 : 2;
}

static void keep_outcomes(struct work *work, const postel_result *result, const postel_error *error)
{
        if (postel_result_status(result) > POSTEL_REJECTED)
                work->error = *error;
        for (size_t i = 0; i < postel_result_recipient_count(result); i++) {
                postel_outcome outcome = postel_result_recipient_outcome(result, i);
                work->outcomes[outcome]++;
                if (outcome == POSTEL_OUTCOME_REJECTED)
                        snprintf(work->refusal, sizeof(work->refusal), "%d %s",
                                postel_result_recipient_code(result, i),
                                postel_result_recipient_text(result, i));
        }
}

static size_t count_outcome(const postel_result *result, postel_outcome outcome)
{
        size_t count = 0;
        for (size_t i = 0; i < postel_result_recipient_count(result); i++)
                count += postel_result_recipient_outcome(result, i) == outcome;
        return count;
}

static void send_one(struct work *work, const struct content *content, unsigned number)
{
        char from[100], to[100], refused[100];
        const char *recipients[] = { to, refused };
        postel_result *result = NULL;
        postel_error error;

        snprintf(from, sizeof(from), "reports+%u@example.com", number);
        snprintf(to, sizeof(to), "reader+%u@example.org", number);
        snprintf(refused, sizeof(refused), "gone+%u@refused.example", number);
        postel_status status = postel_pool_send(work->pool, from, recipients, number % REFUSED_EVERY ? 1 : 2,
                content->octets, content->size, 60000, &result, &error);
        if (!result)
                die(postel_status_name(status), postel_error_message(&error));

        pthread_mutex_lock(&work->lock);
        keep_outcomes(work, result, &error);
        work->octets += content->wire_size;
        fprintf(work->account, "%s %zu %zu %zu\n", from, content->wire_size,
                count_outcome(result, POSTEL_OUTCOME_ACCEPTED),
                count_outcome(result, POSTEL_OUTCOME_REJECTED));
        pthread_mutex_unlock(&work->lock);
        postel_result_free(&result);
}

static void *send_until_done(void *argument)
{
        struct work *work = argument;
        struct content *content = malloc(sizeof(*content));
        if (!content)
                die("content", "out of memory");
        for (;;) {
                pthread_mutex_lock(&work->lock);
                unsigned number = ++work->next;
                pthread_mutex_unlock(&work->lock);
                if (number > work->messages)
                        break;
                make_content(content, number);
                send_one(work, content, number);
        }
        free(content);
        return NULL;
}

static double run_threads(struct work *work, unsigned count)
{
        pthread_t threads[THREADS_MAX];
        struct timespec begin, end;

        clock_gettime(CLOCK_MONOTONIC, &begin);
        for (unsigned i = 0; i < count; i++)
                if (pthread_create(&threads[i], NULL, send_until_done, work) != 0)
                        die("threads", "no more can be made");
        for (unsigned i = 0; i < count; i++)
                pthread_join(threads[i], NULL);
        clock_gettime(CLOCK_MONOTONIC, &end);
        return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

static void print_account(const struct work *work, double seconds)
{
        postel_statistics *statistics;
        postel_error error;
        if (postel_pool_statistics(work->pool, &statistics, &error) != POSTEL_OK)
                die("statistics", postel_error_message(&error));
        double messages = (double)postel_statistics_get(statistics, POSTEL_STATISTIC_MESSAGES);
        double sessions = (double)postel_statistics_get(statistics, POSTEL_STATISTIC_SESSIONS_OPENED);
        double round_trips = (double)postel_statistics_get(statistics, POSTEL_STATISTIC_ROUND_TRIPS);
        postel_statistics_free(&statistics);

        printf("  accepted                 %8zu recipients\n", work->outcomes[POSTEL_OUTCOME_ACCEPTED]);
        printf("  refused                  %8zu recipients%s%s\n", work->outcomes[POSTEL_OUTCOME_REJECTED],
                *work->refusal ? ": " : "", work->refusal);
        printf("  sessions opened          %8.0f\n", sessions);
        printf("  messages per session     %8.1f\n", sessions > 0 ? messages / sessions : 0);
        printf("  round trips per message  %8.2f\n", messages > 0 ? round_trips / messages : 0);
        printf("  messages per second      %8.0f  (%.1f MiB in %.2f s)\n", messages / seconds,
                (double)work->octets / 1048576, seconds);
        fflush(stdout);
}

/* Neither accepted nor refused: nothing of that kind should happen here. */
static int check_account(const struct work *work)
{
        int failed = 0;
        for (int outcome = POSTEL_OUTCOME_DEFERRED; outcome < OUTCOME_COUNT; outcome++)
                if (work->outcomes[outcome] > 0) {
                        fprintf(stderr, "quickstart: %s: %zu recipients: %s\n",
                                postel_outcome_name((postel_outcome)outcome), work->outcomes[outcome],
                                postel_error_message(&work->error));
                        failed = 1;
                }
        return failed;
}

static void read_password(const char *path, char *password, size_t size)
{
        FILE *file = fopen(path, "re");
        if (!file || !fgets(password, (int)size, file))
                die(path, "holds no password");
        password[strcspn(password, "\n")] = '\0';
        fclose(file);
}

static postel_config *make_config(char **arguments)
{
        char password[200];
        postel_config *config = postel_config_new();
        if (!config)
                die("config", "out of memory");
        read_password(arguments[5], password, sizeof(password));
        postel_config_set_host(config, arguments[1]);
        postel_config_set_port(config, atoi(arguments[2]));
        postel_config_set_tls(config, POSTEL_TLS_IMPLICIT);
        postel_config_set_ca_file(config, arguments[3]);
        postel_config_set_user(config, arguments[4]);
        postel_config_set_password(config, password);
        postel_config_set_ehlo_name(config, "quickstart.example.com");
        postel_config_set_pool_size(config, POOL_SIZE);
        return config;
}

int main(int argc, char **argv)
{
        struct work work = { .lock = PTHREAD_MUTEX_INITIALIZER };
        postel_error error;
        if (argc != 9 || atoi(argv[6]) < 1 || atoi(argv[6]) > THREADS_MAX || atoi(argv[7]) < 1)
                die("usage", "quickstart HOST PORT CA_FILE USER PASSWORD_FILE THREADS MESSAGES ACCOUNT_FILE");
        work.messages = (unsigned)atoi(argv[7]);
        work.account = fopen(argv[8], "we");
        if (!work.account)
                die(argv[8], "cannot be written");

        postel_config *config = make_config(argv);
        if (postel_pool_open(config, &work.pool, &error) != POSTEL_OK)
                die("pool", postel_error_message(&error));
        postel_config_free(&config);

        double seconds = run_threads(&work, (unsigned)atoi(argv[6]));
        print_account(&work, seconds);
        postel_pool_close(&work.pool, 5000);
        int failed = check_account(&work);
        if (fclose(work.account) != 0)
                die(argv[8], "cannot be written");
        return failed;
}
