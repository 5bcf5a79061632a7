/* SPDX-License-Identifier: MIT */
/* postel-sink: starts the workers, says where they listen, and waits until it is told to end. */
#include "buffer.h"
#include "control.h"
#include "listener.h"
#include "options.h"
#include "server.h"
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

struct sink {
        struct server server;
        int smtp; /* listeners, -1: none */
        int smtps;
        int control_port;
        struct loop loop; /* of the main thread: signals, standard input, control port */
        struct watch signals;
        struct watch input;
        struct control control;
        struct worker *workers;
        size_t worker_count;
};

static void signal_came(void *owner, uint32_t events)
{
        struct loop *loop = owner;

        (void)events;
        loop->stopping = true;
}

static void input_came(void *owner, uint32_t events)
{
        struct sink *sink = owner;
        ssize_t got = read(STDIN_FILENO, sink->loop.scratch, LOOP_SCRATCH_OCTETS);

        (void)events;
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
                sink->loop.stopping = true;
}

/* Before any thread starts, so that all inherit the mask. */
static bool watch_for_the_end(struct sink *sink)
{
        sigset_t signals;

        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        pthread_sigmask(SIG_BLOCK, &signals, NULL);
        signal(SIGPIPE, SIG_IGN);
        sink->signals = (struct watch){
                .fd = signalfd(-1, &signals, SFD_CLOEXEC), .ready = signal_came, .owner = &sink->loop
        };
        if (sink->signals.fd < 0 || !loop_watch(&sink->loop, &sink->signals, EPOLLIN)) {
                perror("postel-sink: signals");
                return false;
        }
        if (!sink->server.settings.exit_on_eof)
                return true;
        sink->input = (struct watch){ .fd = STDIN_FILENO, .ready = input_came, .owner = sink };
        /* A plain file or /dev/null cannot be waited for: it is at its end at once. */
        if (!loop_watch(&sink->loop, &sink->input, EPOLLIN))
                sink->loop.stopping = true;
        return true;
}

/* Many connections at a time are the point of some benchmarks. */
static void raise_descriptor_limit(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
                return;
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
}

static bool open_listener(const struct settings *settings, int *listener, int64_t *port)
{
        if (*port >= 0)
                *listener = listener_open(settings, port);
        return *port < 0 || *listener >= 0;
}

static bool listen_everywhere(struct sink *sink)
{
        struct settings *settings = &sink->server.settings;

        return open_listener(settings, &sink->smtp, &settings->smtp_port) &&
               open_listener(settings, &sink->smtps, &settings->smtps_port) &&
               open_listener(settings, &sink->control_port, &settings->control_port);
}

static void say_ready(const struct settings *settings)
{
        fputs("ready", stdout);
        if (settings->smtp_port >= 0)
                printf(" smtp=%d", (int)settings->smtp_port);
        if (settings->smtps_port >= 0)
                printf(" smtps=%d", (int)settings->smtps_port);
        if (settings->control_port >= 0)
                printf(" control=%d", (int)settings->control_port);
        putchar('\n');
        fflush(stdout);
}

static bool start_workers(struct sink *sink)
{
        size_t count = (size_t)sink->server.settings.threads;

        sink->workers = memory_zeroed(count * sizeof *sink->workers);
        while (sink->worker_count < count) {
                struct worker *worker = &sink->workers[sink->worker_count++];

                if (!worker_init(worker, &sink->server, sink->smtp, sink->smtps) || !worker_start(worker))
                        return false;
        }
        return true;
}

static int run(struct sink *sink)
{
        int failed = server_init(&sink->server);

        if (failed != 0)
                return failed;
        if (!watch_for_the_end(sink))
                return EX_OSERR;
        raise_descriptor_limit();
        if (!listen_everywhere(sink))
                return EX_UNAVAILABLE;
        if (sink->control_port >= 0 && !control_init(&sink->control, &sink->loop, sink->control_port))
                return EX_OSERR;
        if (!start_workers(sink))
                return EX_OSERR;
        say_ready(&sink->server.settings);
        loop_run(&sink->loop);
        return EX_OK;
}

static void clean_up(struct sink *sink)
{
        int fds[] = { sink->smtp, sink->smtps, sink->control_port, sink->signals.fd };

        for (size_t i = 0; i < sink->worker_count; i++)
                worker_deinit(&sink->workers[i]);
        free(sink->workers);
        control_deinit(&sink->control);
        loop_deinit(&sink->loop);
        for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
                if (fds[i] >= 0)
                        close(fds[i]);
        server_deinit(&sink->server);
}

int main(int argc, char **argv)
{
        struct sink sink = { .smtp = -1, .smtps = -1, .control_port = -1, .signals = { .fd = -1 } };
        int code;

        settings_init(&sink.server.settings);
        switch (options_parse(&sink.server.settings, argc, argv)) {
        case OPTIONS_HELP:
                settings_deinit(&sink.server.settings);
                return EX_OK;
        case OPTIONS_BAD:
                settings_deinit(&sink.server.settings);
                return EX_USAGE;
        case OPTIONS_RUN:
                break;
        }
        if (!loop_init(&sink.loop, &sink.server)) {
                loop_deinit(&sink.loop);
                settings_deinit(&sink.server.settings);
                return EX_OSERR;
        }
        code = run(&sink);
        clean_up(&sink);
        return code;
}
