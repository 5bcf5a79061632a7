/* SPDX-License-Identifier: MIT */
/* A single connection, as send and probe need it. */

#include "client.h"

#include "clock.h"
#include "text.h"

#define QUIT_TIMEOUT_MS 2000

int client_elapsed_ms(const struct client *client)
{
        return client->started_ms ? (int)(clock_ms() - client->started_ms) : 0;
}

int client_left_ms(const struct client *client)
{
        int left = client->timeout_ms - client_elapsed_ms(client);

        return left > 0 ? left : 0;
}

static void interrupt(void *user_data)
{
        postel_connection_interrupt(user_data);
}

postel_status client_open(struct client *client, const struct server *server, postel_error *error)
{
        postel_status status = postel_connection_new(server->config, &client->connection, error);

        if (status != POSTEL_OK)
                return status;
        client->watch = (struct signal_watch){ .interrupt = interrupt, .user_data = client->connection };
        if (!signal_watch_start(&client->watch))
                return text_error(error, POSTEL_MEMORY, "no thread can be had");
        client->started_ms = clock_ms();
        client->timeout_ms = server->timeout_ms;
        return postel_connect(client->connection, client->timeout_ms, error);
}

void client_quit(struct client *client)
{
        int left_ms = client_left_ms(client);

        if (client->connection)
                postel_connection_close(
                        client->connection, left_ms < QUIT_TIMEOUT_MS ? left_ms : QUIT_TIMEOUT_MS, NULL);
}

void client_deinit(struct client *client)
{
        signal_watch_stop(&client->watch);
        postel_connection_free(&client->connection);
}
