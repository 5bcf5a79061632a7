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
        int listeners[ENDPOINT_COUNT]; /* -1: none, here and below */
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

static bool listen_everywhere(struct sink *sink)
{
        struct settings *settings = &sink->server.settings;

        for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
                const struct endpoint *endpoint = &endpoints[i];

                if (!endpoint_wanted(endpoint, settings))
                        continue;
                sink->listeners[i] = endpoint->is_path
                                             ? listener_open_path(settings, endpoint_path(endpoint, settings))
                                             : listener_open(settings, endpoint_port(endpoint, settings));
                if (sink->listeners[i] < 0)
                        return false;
        }
        if (settings->control_port >= 0)
                sink->control_port = listener_open(settings, &settings->control_port);
        return settings->control_port < 0 || sink->control_port >= 0;
}

static void say_ready(struct settings *settings)
{
        fputs("ready", stdout);
        for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
                const struct endpoint *endpoint = &endpoints[i];

                if (!endpoint_wanted(endpoint, settings))
                        continue;
                if (endpoint->is_path)
                        printf(" %s=%s", endpoint->name, endpoint_path(endpoint, settings));
                else
                        printf(" %s=%d", endpoint->name, (int)*endpoint_port(endpoint, settings));
        }
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

                if (!worker_init(worker, &sink->server, sink->listeners) || !worker_start(worker))
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
        int fds[] = { sink->control_port, sink->signals.fd };

        for (size_t i = 0; i < sink->worker_count; i++)
                worker_deinit(&sink->workers[i]);
        free(sink->workers);
        control_deinit(&sink->control);
        loop_deinit(&sink->loop);
        for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
                if (sink->listeners[i] < 0)
                        continue;
                if (endpoints[i].is_path)
                        unlink(endpoint_path(&endpoints[i], &sink->server.settings));
                close(sink->listeners[i]);
        }
        for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
                if (fds[i] >= 0)
                        close(fds[i]);
        server_deinit(&sink->server);
}

int main(int argc, char **argv)
{
        struct sink sink = { .control_port = -1, .signals = { .fd = -1 } };
        int code;

        for (size_t i = 0; i < ENDPOINT_COUNT; i++)
                sink.listeners[i] = -1;
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
