/* SPDX-License-Identifier: MIT */
/* The threads that serve. All of them wait at the same listeners; who accepts a connection keeps it. */
#include "worker.h"

#include "connection.h"
#include "listener.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

static void accept_from(struct worker *worker, const struct watch *listener)
{
        int fd = listener_accept(listener->fd);

        /* One at a time, so that the other workers get some of a burst. */
        if (fd >= 0)
                connection_start(&worker->loop, fd, listener == &worker->smtps);
}

static void smtp_ready(void *owner, uint32_t events)
{
        struct worker *worker = owner;

        (void)events;
        accept_from(worker, &worker->smtp);
}

static void smtps_ready(void *owner, uint32_t events)
{
        struct worker *worker = owner;

        (void)events;
        accept_from(worker, &worker->smtps);
}

bool worker_init(struct worker *worker, struct server *server, int smtp, int smtps)
{
        uint32_t events = EPOLLIN | EPOLLEXCLUSIVE;
        bool watched;

        worker->smtp = (struct watch){ .fd = smtp, .ready = smtp_ready, .owner = worker };
        worker->smtps = (struct watch){ .fd = smtps, .ready = smtps_ready, .owner = worker };
        watched = loop_init(&worker->loop, server);
        if (watched && smtp >= 0)
                watched = loop_watch(&worker->loop, &worker->smtp, events);
        if (watched && smtps >= 0)
                watched = loop_watch(&worker->loop, &worker->smtps, events);
        if (!watched)
                perror("postel-sink: worker");
        return watched;
}

static void *run(void *argument)
{
        struct worker *worker = argument;

        loop_run(&worker->loop);
        return NULL;
}

bool worker_start(struct worker *worker)
{
        int failed = pthread_create(&worker->thread, NULL, run, worker);

        worker->running = failed == 0;
        if (failed != 0)
                fprintf(stderr, "postel-sink: thread: %s\n", strerror(failed));
        return worker->running;
}

void worker_deinit(struct worker *worker)
{
        if (worker->running) {
                loop_stop(&worker->loop);
                pthread_join(worker->thread, NULL);
        }
        connection_end_all(&worker->loop);
        loop_deinit(&worker->loop);
}
