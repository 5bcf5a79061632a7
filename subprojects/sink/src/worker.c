/* SPDX-License-Identifier: MIT */
/* The threads that serve. All of them wait at the same listeners; who accepts a connection keeps it. */
#include "worker.h"

#include "connection.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

static void entrance_ready(void *owner, uint32_t events)
{
        struct entrance *entrance = owner;
        int fd = listener_accept(entrance->watch.fd);

        (void)events;
        /* One at a time, so that the other workers get some of a burst. */
        if (fd >= 0)
                connection_start(&entrance->worker->loop, fd, entrance->endpoint);
}

bool worker_init(struct worker *worker, struct server *server, const int *listeners)
{
        bool watched = loop_init(&worker->loop, server);

        for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
                struct entrance *entrance = &worker->entrances[i];

                entrance->worker = worker;
                entrance->endpoint = &endpoints[i];
                entrance->watch =
                        (struct watch){ .fd = listeners[i], .ready = entrance_ready, .owner = entrance };
                if (watched && listeners[i] >= 0)
                        watched = loop_watch(&worker->loop, &entrance->watch, EPOLLIN | EPOLLEXCLUSIVE);
        }
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
