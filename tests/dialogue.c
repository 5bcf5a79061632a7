/* SPDX-License-Identifier: MIT */
/*
 * A scripted server: one thread accepts, one thread for each connection follows that connection's script.
 * Knows sockets and scripts, nothing of SMTP and nothing of the library.
 */

#include "dialogue_script.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void accept_one(struct dialogue *dialogue, int fd)
{
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

        pthread_mutex_lock(&dialogue->lock);
        size_t number = dialogue->accepted;
        bool expected = number < dialogue->count;
        if (expected) {
                struct connection *connection = &dialogue->connections[number];
                connection->fd = fd;
                if (pthread_create(&connection->thread, NULL, connection_run, connection) != 0)
                        dialogue_die("pthread_create");
                dialogue->accepted++;
                pthread_cond_broadcast(&dialogue->changed);
        } else if (!*dialogue->fault) {
                snprintf(dialogue->fault, sizeof(dialogue->fault),
                        "the client connects once more after %zu connections\n", dialogue->count);
        }
        pthread_mutex_unlock(&dialogue->lock);
        if (!expected)
                close(fd);
}

static void *acceptor_run(void *argument)
{
        struct dialogue *dialogue = argument;
        for (;;) {
                struct pollfd fds[2] = {
                        { .fd = dialogue->listener, .events = POLLIN },
                        { .fd = dialogue->wake, .events = POLLIN },
                };
                poll(fds, 2, -1);
                int fd = accept4(dialogue->listener, NULL, NULL, SOCK_CLOEXEC);
                if (fd >= 0)
                        accept_one(dialogue, fd);
                else if (fds[1].revents)
                        return NULL;
        }
}

static void listen_on_any_port(struct dialogue *dialogue, int socket_octets)
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                dialogue_die("socket");
        if (socket_octets > 0) {
                setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &socket_octets, sizeof(socket_octets));
                setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &socket_octets, sizeof(socket_octets));
        }
        if (bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, SOMAXCONN) < 0 ||
                getsockname(fd, (struct sockaddr *)&address, &size) < 0)
                dialogue_die("listen");
        dialogue->listener = fd;
        dialogue->port = ntohs(address.sin_port);
}

static void listen_on_path(struct dialogue *dialogue)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", dialogue->path);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, SOMAXCONN) < 0)
                dialogue_die("listen");
        dialogue->listener = fd;
}

static void init_lock(struct dialogue *dialogue)
{
        pthread_condattr_t attributes;
        pthread_mutex_init(&dialogue->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&dialogue->changed, &attributes);
        pthread_condattr_destroy(&attributes);
}

static struct dialogue *new_dialogue(size_t count)
{
        struct dialogue *dialogue = calloc(1, sizeof(*dialogue));
        if (!dialogue)
                dialogue_die("calloc");
        dialogue->count = count;
        dialogue->connections = calloc(count + 1, sizeof(*dialogue->connections));
        dialogue->wake = eventfd(0, EFD_CLOEXEC);
        if (!dialogue->connections || dialogue->wake < 0)
                dialogue_die("dialogue");
        init_lock(dialogue);
        return dialogue;
}

static void begin(struct dialogue *dialogue, const struct script *scripts, int socket_octets)
{
        for (size_t i = 0; i < dialogue->count; i++) {
                struct connection *connection = &dialogue->connections[i];
                *connection = (struct connection){ .dialogue = dialogue, .script = &scripts[i], .number = i };
                connection_keep(connection, "", 0);
        }
        if (dialogue->path)
                listen_on_path(dialogue);
        else
                listen_on_any_port(dialogue, socket_octets);

        /* Signals are for the client under test. */
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        if (pthread_create(&dialogue->acceptor, NULL, acceptor_run, dialogue) != 0)
                dialogue_die("pthread_create");
        pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct dialogue *dialogue_start(const struct exchange *exchanges, size_t count)
{
        struct dialogue *dialogue = new_dialogue(1);
        dialogue->only = (struct script){ .exchanges = exchanges, .count = count };
        begin(dialogue, &dialogue->only, 0);
        return dialogue;
}

struct dialogue *dialogue_start_unix(const char *path, const struct exchange *exchanges, size_t count)
{
        struct dialogue *dialogue = new_dialogue(1);
        dialogue->path = path;
        dialogue->only = (struct script){ .exchanges = exchanges, .count = count };
        begin(dialogue, &dialogue->only, 0);
        return dialogue;
}

struct dialogue *dialogue_start_many(const struct script *scripts, size_t count, int socket_octets)
{
        struct dialogue *dialogue = new_dialogue(count);
        begin(dialogue, scripts, socket_octets);
        return dialogue;
}

int dialogue_port(const struct dialogue *dialogue)
{
        return dialogue->port;
}

size_t dialogue_connections(struct dialogue *dialogue)
{
        pthread_mutex_lock(&dialogue->lock);
        size_t accepted = dialogue->accepted;
        pthread_mutex_unlock(&dialogue->lock);
        return accepted;
}

bool dialogue_await_hold(struct dialogue *dialogue)
{
        struct timespec end = moment_after_ms(DIALOGUE_WATCHDOG_MS);
        int error = 0;
        pthread_mutex_lock(&dialogue->lock);
        while (dialogue->holds <= dialogue->releases && !error)
                error = pthread_cond_timedwait(&dialogue->changed, &dialogue->lock, &end);
        bool holds = dialogue->holds > dialogue->releases;
        pthread_mutex_unlock(&dialogue->lock);
        return holds;
}

void dialogue_release(struct dialogue *dialogue)
{
        pthread_mutex_lock(&dialogue->lock);
        dialogue->releases++;
        pthread_cond_broadcast(&dialogue->changed);
        pthread_mutex_unlock(&dialogue->lock);
}

bool dialogue_await_end(struct dialogue *dialogue, size_t connection)
{
        struct timespec end = moment_after_ms(DIALOGUE_WATCHDOG_MS);
        int error = 0;
        pthread_mutex_lock(&dialogue->lock);
        while (!dialogue->connections[connection].ended && !error)
                error = pthread_cond_timedwait(&dialogue->changed, &dialogue->lock, &end);
        bool ended = dialogue->connections[connection].ended;
        pthread_mutex_unlock(&dialogue->lock);
        return ended;
}

char *dialogue_received(struct dialogue *dialogue, size_t connection, size_t *size)
{
        const struct connection *from = &dialogue->connections[connection];
        pthread_mutex_lock(&dialogue->lock);
        char *copy = malloc(from->size + 1);
        if (!copy)
                dialogue_die("malloc");
        if (from->size > 0)
                memcpy(copy, from->received, from->size);
        copy[from->size] = '\0';
        if (size)
                *size = from->size;
        pthread_mutex_unlock(&dialogue->lock);
        return copy;
}

static void wake_all(struct dialogue *dialogue)
{
        pthread_mutex_lock(&dialogue->lock);
        dialogue->finishing = true;
        pthread_cond_broadcast(&dialogue->changed);
        pthread_mutex_unlock(&dialogue->lock);
        if (eventfd_write(dialogue->wake, 1) < 0)
                dialogue_die("eventfd");
}

const char *dialogue_finish(struct dialogue **address)
{
        static _Thread_local char fault_text[FAULT_OCTETS];
        struct dialogue *dialogue = *address;
        wake_all(dialogue);
        pthread_join(dialogue->acceptor, NULL);
        for (size_t i = 0; i < dialogue->accepted; i++)
                pthread_join(dialogue->connections[i].thread, NULL);
        if (!*dialogue->fault && dialogue->accepted < dialogue->count)
                snprintf(dialogue->fault, sizeof(dialogue->fault), "the client made %zu connections of %zu\n",
                        dialogue->accepted, dialogue->count);
        memcpy(fault_text, dialogue->fault, sizeof(fault_text));

        for (size_t i = 0; i < dialogue->count; i++)
                free(dialogue->connections[i].received);
        free(dialogue->connections);
        close(dialogue->listener);
        if (dialogue->path)
                unlink(dialogue->path);
        close(dialogue->wake);
        pthread_cond_destroy(&dialogue->changed);
        pthread_mutex_destroy(&dialogue->lock);
        free(dialogue);
        *address = NULL;
        return *fault_text ? fault_text : NULL;
}
