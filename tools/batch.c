/* SPDX-License-Identifier: MIT */
/*
 * `postel batch`: reads lines, hands what is in them to the threads that send, and leaves the reports to the
 * writer. The main thread reads; see batch_queue.h for what is between.
 */

#include "batch_output.h"
#include "batch_sender.h"
#include "clock.h"
#include "commands.h"
#include "exit_status.h"
#include "line_reader.h"
#include "mail_parameters.h"
#include "option_values.h"
#include "server.h"
#include "signals.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What an interrupt leaves to the messages that are on their way. */
#define GRACE_MS 2000

/* What is left of connecting and of TLS is given up for a timeout that is shorter than these take by default.
 */
#define SHORT_TIMEOUT_MS 30000

#define DEFAULT_POOL_SIZE 4

static const struct argp_option batch_options[] = {
        { "pool", OPTION_POOL, "N", 0, "The most sessions at a time, 1 to 10000; default: 4", GROUP_HOW },
        { "ordered", OPTION_ORDERED, NULL, 0, "Report in the order of the lines, not of completion",
                GROUP_HOW },
        { 0 },
};

static const struct options_syntax syntax = {
        .tables = { server_where_options, server_who_options, mail_address_options, mail_parameter_options,
                server_how_options, batch_options },
        .operand = "[FILE|-]",
        .is_operand_optional = true,
        .help = "Hands many messages to a server: one JSON object a line, in FILE or on standard input."
                "\v"
                "A line: {\"id\":7, \"from\":\"a@example.org\", \"to\":[\"b@example.org\"], "
                "\"file\":\"m.eml\"}; or, in "
                "place of \"file\", \"message\" or \"message_base64\". Parameters of the message may stand "
                "in "
                "the line under the names of their options (\"require_tls\":true); the options are for lines "
                "that say "
                "nothing.\n\n" EXIT_STATUS_HELP "\nThe exit status is 0 if it is that for every message, 1 "
                "if some recipient was accepted, else 2 if "
                "the outcome of any message is unknown, else 75 if any may be sent later, else that of the "
                "first line "
                "that failed.",
};

struct batch {
        struct options options;
        struct server server;
        struct mail defaults; /* recipients of lines without any */
        struct line_reader reader;
        struct batch_queue queue;
        struct batch_output output;
        struct batch_sender sender;
        struct signal_watch watch;
        int fd; /* of the lines */
        unsigned long long count; /* of jobs */
        bool is_interrupted; /* lines may be left */
        postel_error error; /* of the whole batch, else zeroes */
};

/* ---- What must be right before the first line ---- */

/* Options that are wrong for every message are so at once: tried on a message that is never sent. */
static postel_status check_options(struct batch *batch)
{
        const struct mail *defaults = &batch->defaults;
        const char *from = options_text(&batch->options, OPTION_FROM);
        postel_envelope *envelope = postel_envelope_new(from ? from : "");
        unsigned refuse;
        postel_status status;

        if (!envelope)
                return text_error(&batch->error, POSTEL_MEMORY, "out of memory");
        for (size_t i = 0; i < defaults->recipient_count; i++)
                postel_envelope_add_recipient(envelope, defaults->recipients[i]);
        if (!defaults->recipient_count)
                postel_envelope_add_recipient(envelope, "nobody@example.invalid");
        status = mail_parameters_set(envelope, &batch->options, &batch->error);
        if (status == POSTEL_OK)
                status = postel_envelope_check(envelope, &batch->error);
        if (status == POSTEL_OK)
                status = mail_parameters_refuse(&refuse, &batch->options, &batch->error);
        postel_envelope_free(&envelope);
        return status;
}

static postel_status configure(struct batch *batch)
{
        int pool_size = DEFAULT_POOL_SIZE;
        int phase_timeout_ms = SHORT_TIMEOUT_MS;
        postel_config *config;
        postel_status status = server_init(&batch->server, &batch->options, &batch->error);

        if (status == POSTEL_OK)
                status = options_int(&batch->options, OPTION_POOL, &pool_size, &batch->error);
        if (status == POSTEL_OK)
                status = options_seconds(
                        &batch->options, OPTION_PHASE_TIMEOUT, &phase_timeout_ms, &batch->error);
        if (status != POSTEL_OK)
                return status;

        config = batch->server.config;
        postel_config_set_pool_size(config, pool_size);
        batch->sender.timeout_ms = batch->server.timeout_ms;
        /* Messages that are sent together share a deadline: it is the phase that ends one that is stuck. */
        if (batch->server.timeout_ms < phase_timeout_ms)
                postel_config_set_phase_timeout_ms(
                        config, batch->server.timeout_ms ? batch->server.timeout_ms : 1);
        batch->sender.max_threads = (size_t)pool_size;
        return postel_config_check(config, &batch->error);
}

static postel_status open_input(struct batch *batch)
{
        const char *path = batch->options.operand;

        batch->fd = STDIN_FILENO;
        if (strcmp(path, "-") != 0)
                batch->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (batch->fd < 0)
                return text_error(&batch->error, POSTEL_IO, "%s: %s", path, strerror(errno));
        if (!line_reader_init(&batch->reader, batch->fd))
                return text_error(&batch->error, POSTEL_IO, "%s", strerror(errno));
        return POSTEL_OK;
}

/* Mail must not be sent when it is known that nobody can be told of it. */
static postel_status check_output(struct batch *batch)
{
        int flags = fcntl(STDOUT_FILENO, F_GETFL);

        if (flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) != O_RDONLY)
                return POSTEL_OK;
        return text_error(&batch->error, POSTEL_IO, "standard output is closed");
}

static postel_status prepare(struct batch *batch)
{
        postel_status status = check_output(batch);

        if (status == POSTEL_OK)
                status = mail_read_recipients(&batch->defaults, &batch->options, &batch->error);
        if (status == POSTEL_OK)
                status = check_options(batch);
        if (status == POSTEL_OK)
                status = configure(batch);
        if (status == POSTEL_OK)
                status = open_input(batch);
        if (status == POSTEL_OK)
                status = postel_pool_open(batch->server.config, &batch->sender.pool, &batch->error);
        return status;
}

/* ---- Signals ---- */

static void stop(void *user_data)
{
        struct batch *batch = user_data;

        batch_queue_stop(&batch->queue);
        line_reader_stop(&batch->reader);
}

static void last_words(void *user_data)
{
        struct batch *batch = user_data;

        batch_output_last_words(&batch->output);
}

/* ---- Running ---- */

static size_t bounded(size_t number, size_t min, size_t max)
{
        return number < min ? min : number > max ? max : number;
}

static unsigned long long file_size(int fd)
{
        struct stat status;

        if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
                return 0;
        return (unsigned long long)status.st_size;
}

static postel_status start(struct batch *batch)
{
        const struct options *options = &batch->options;
        bool is_json = options_flag(options, OPTION_JSON);
        size_t threads = batch->sender.max_threads;
        size_t set = bounded(SENDER_MAX_JOBS / threads, 1, SENDER_MAX_SET);
        size_t window = threads * set * 2;

        batch->sender.max_set = set;
        batch->sender.queue = &batch->queue;
        batch->sender.output = &batch->output;
        batch_queue_init(&batch->queue, window);
        batch->output.queue = &batch->queue;
        batch->output.is_json = is_json;
        batch->output.shares_terminal = isatty(STDOUT_FILENO);
        batch->output.lost = stop;
        batch->output.user_data = batch;
        progress_init(&batch->output.progress, !options_flag(options, OPTION_TRACE), file_size(batch->fd));
        batch->watch =
                (struct signal_watch){ .interrupt = stop, .last_words = last_words, .user_data = batch };
        if (!signal_watch_start(&batch->watch))
                return text_error(&batch->error, POSTEL_MEMORY, "no thread can be had");
        if (!batch_output_start(&batch->output, options_flag(options, OPTION_ORDERED) ? window : 0))
                return text_error(&batch->error, POSTEL_MEMORY, "no thread can be had");
        return POSTEL_OK;
}

/* A job that is not sent: what it says of itself is all there is. */
static void refuse(struct batch *batch, struct batch_job *job, const postel_error *error)
{
        struct account account = { .status = error->status, .error = error };

        batch_output_add(&batch->output, job, &account);
        batch_queue_release(&batch->queue, job);
}

static void refuse_interrupted(struct batch *batch, struct batch_job *job)
{
        postel_error error;

        text_error(&error, POSTEL_INTERRUPTED, "interrupted before it was sent");
        refuse(batch, job, &error);
}

static void put(struct batch *batch, struct batch_job *job)
{
        bool taken;

        if (batch_queue_put(&batch->queue, job, &taken) && !batch_sender_add_thread(&batch->sender)) {
                /* Nobody would ever take it. */
                stop(batch);
                text_error(&batch->error, POSTEL_MEMORY, "no thread can be had");
        }
        if (!taken)
                refuse_interrupted(batch, job);
}

static bool is_blank(const char *text, size_t size)
{
        for (size_t i = 0; i < size; i++) {
                if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
                        return false;
        }
        return true;
}

/* False when memory ran out for even the least of a job. */
static bool take_line(struct batch *batch, enum line_status read, const char *text, size_t size)
{
        struct batch_job *job = batch_job_new();
        postel_error error;
        postel_status status;

        if (!job) {
                text_error(&batch->error, POSTEL_MEMORY, "line %llu: out of memory", batch->reader.line);
                return false;
        }
        job->line = batch->reader.line;
        job->number = batch->count++;
        job->octets = size;
        if (read == LINE_TOO_LONG)
                status = text_error(&error, POSTEL_INVALID, "is over %zu octets long", MAX_LINE_OCTETS);
        else
                status = batch_job_parse(job, text, size, &batch->options, &batch->defaults, &error);
        batch_queue_admit(&batch->queue, job->octets);
        if (status != POSTEL_OK)
                refuse(batch, job, &error);
        else
                put(batch, job);
        return true;
}

static void read_lines(struct batch *batch)
{
        const char *text;
        size_t size;

        for (;;) {
                enum line_status read = line_reader_next(&batch->reader, &text, &size);

                if (read == LINE_FAULT)
                        text_error(
                                &batch->error, POSTEL_IO, "%s: %s", batch->options.operand, strerror(errno));
                if (read == LINE_STOPPED)
                        batch->is_interrupted = true;
                if (read != LINE_READ && read != LINE_TOO_LONG)
                        return;
                if (read == LINE_READ && is_blank(text, size))
                        continue;
                if (!take_line(batch, read, text, size))
                        return;
        }
}

/* A message that is on its way may arrive, but not for ever. */
static void wind_up(struct batch *batch)
{
        /* The senders read their pointer without a lock: it is not cleared while they run. They all began
         * their calls before the grace, and nobody begins one after the stop. */
        postel_pool *pool = batch->sender.pool;
        struct batch_job *rest;

        batch_queue_finish(&batch->queue);
        if (!batch_queue_wait(&batch->queue, GRACE_MS))
                postel_pool_close(&pool, 0);
        batch_sender_join(&batch->sender);
        rest = batch_queue_rest(&batch->queue);
        while (rest) {
                struct batch_job *job = rest;

                rest = job->next;
                refuse_interrupted(batch, job);
        }
        batch_output_finish(&batch->output);
        postel_pool_close(&pool, 0);
        batch->sender.pool = NULL;
}

/* What is wrong with the whole batch is told like a message without line. */
static void report_fault(struct batch *batch)
{
        struct account account = { .status = batch->error.status, .error = &batch->error, .line = NO_LINE };

        if (batch->error.status == POSTEL_OK)
                return;
        if (options_flag(&batch->options, OPTION_JSON))
                report_account(&account, true);
        else
                report_error(&batch->error);
}

static int conclude(struct batch *batch)
{
        struct batch_output *output = &batch->output;
        int status = batch_output_exit(output);

        if (output->is_lost) {
                text_error(&batch->error, POSTEL_IO, "standard output could not be written");
                report_error(&batch->error);
                return status;
        }
        report_fault(batch);
        if (status == EX_OK && batch->error.status != POSTEL_OK)
                status = batch->count ? EXIT_SOME_ACCEPTED : exit_status(batch->error.status);
        if (status == EX_OK && batch->is_interrupted)
                status = batch->count ? EXIT_SOME_ACCEPTED : exit_status(POSTEL_INTERRUPTED);
        if (isatty(STDERR_FILENO) || (status != EX_OK && !output->is_json))
                progress_summary(&output->progress);
        return status;
}

static int run(struct batch *batch)
{
        postel_status status;

        if (!batch->options.operand)
                batch->options.operand = "-";
        status = prepare(batch);
        if (status == POSTEL_OK)
                status = start(batch);
        if (status != POSTEL_OK) {
                report_fault(batch);
                postel_pool_close(&batch->sender.pool, 0);
                return exit_status(status);
        }
        read_lines(batch);
        wind_up(batch);
        return conclude(batch);
}

int batch_run(int argc, char **argv)
{
        struct batch batch = { .fd = -1, .reader = { .fd = -1, .wake_fd = -1 } };
        int failed = options_parse(&batch.options, &syntax, argc, argv, &batch.error);

        if (failed == EX_OK)
                failed = run(&batch);
        else if (failed != EX_USAGE)
                report_fault(&batch);
        signal_watch_stop(&batch.watch);
        line_reader_deinit(&batch.reader);
        if (batch.fd > STDIN_FILENO)
                close(batch.fd);
        mail_deinit(&batch.defaults);
        server_deinit(&batch.server);
        options_free(&batch.options);
        return failed;
}
