/* SPDX-License-Identifier: MIT */
/* The control port: a line in, a line out. stats, reset-stats, set OPTION VALUE, clear OPTION. */
#include "control.h"

#include "buffer.h"
#include "listener.h"
#include "options.h"
#include "server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_MAX_OCTETS 65536

struct control_client {
        struct control *control;
        struct control_client *previous;
        struct control_client *next;
        struct watch watch;
        struct buffer input;
};

static void end(struct control_client *client)
{
        if (client->next != NULL)
                client->next->previous = client->previous;
        if (client->previous != NULL)
                client->previous->next = client->next;
        else
                client->control->clients = client->next;
        loop_unwatch(client->control->loop, &client->watch);
        close(client->watch.fd);
        buffer_deinit(&client->input);
        free(client);
}

static const char *change(struct server *server, char *line)
{
        char *name = strchr(line, ' '), *value;
        const char *broken;

        *name++ = '\0';
        value = strchr(name, ' ');
        if (value != NULL)
                *value++ = '\0';
        if ((value != NULL) != (strcmp(line, "set") == 0))
                return "it is: set OPTION VALUE, and: clear OPTION";
        pthread_rwlock_wrlock(&server->settings_lock);
        if (value != NULL)
                broken = options_set(&server->settings, name, value);
        else
                broken = options_clear(&server->settings, name);
        pthread_rwlock_unlock(&server->settings_lock);
        return broken;
}

static void answer(struct server *server, char *line, struct buffer *reply)
{
        const char *broken = NULL;

        if (strcmp(line, "stats") == 0)
                stats_json(&server->stats, reply);
        else if (strcmp(line, "reset-stats") == 0)
                stats_reset(&server->stats);
        else if (strncmp(line, "set ", 4) == 0 || strncmp(line, "clear ", 6) == 0)
                broken = change(server, line);
        else
                broken = "the lines are: stats, reset-stats, set OPTION VALUE, clear OPTION";
        if (broken != NULL)
                buffer_printf(reply, "error %s", broken);
        else if (reply->used == 0)
                buffer_text(reply, "ok");
        buffer_text(reply, "\n");
}

/* A reply is far smaller than a socket's buffer, so that one send takes it, or the client is not reading at
 * all. */
static bool answer_lines(struct control_client *client)
{
        struct buffer *input = &client->input;
        char *newline;

        while (input->used > 0 && (newline = memchr(input->data, '\n', input->used)) != NULL) {
                size_t length = (size_t)(newline - input->data);
                struct buffer reply = { 0 };
                bool sent;

                *newline = '\0';
                if (length > 0 && newline[-1] == '\r')
                        newline[-1] = '\0';
                answer(client->control->loop->server, input->data, &reply);
                buffer_drop(input, length + 1);
                sent = send(client->watch.fd, reply.data, reply.used, MSG_NOSIGNAL) == (ssize_t)reply.used;
                buffer_deinit(&reply);
                if (!sent)
                        return false;
        }
        return input->used < LINE_MAX_OCTETS;
}

static void client_ready(void *owner, uint32_t events)
{
        struct control_client *client = owner;
        char *scratch = client->control->loop->scratch;
        ssize_t got = recv(client->watch.fd, scratch, LOOP_SCRATCH_OCTETS, 0);

        (void)events;
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (got > 0)
                buffer_append(&client->input, scratch, (size_t)got);
        if (got <= 0 || !answer_lines(client))
                end(client);
}

static void listener_ready(void *owner, uint32_t events)
{
        struct control *control = owner;
        struct control_client *client;
        int fd = listener_accept(control->watch.fd);

        (void)events;
        if (fd < 0)
                return;
        client = memory_zeroed(sizeof *client);
        client->control = control;
        client->watch = (struct watch){ .fd = fd, .ready = client_ready, .owner = client };
        client->next = control->clients;
        if (client->next != NULL)
                client->next->previous = client;
        control->clients = client;
        if (!loop_watch(control->loop, &client->watch, EPOLLIN))
                end(client);
}

bool control_init(struct control *control, struct loop *loop, int listener)
{
        control->loop = loop;
        control->watch = (struct watch){ .fd = listener, .ready = listener_ready, .owner = control };
        return loop_watch(loop, &control->watch, EPOLLIN);
}

void control_deinit(struct control *control)
{
        while (control->clients != NULL)
                end(control->clients);
}
