/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_H
#define CLIENT_H

#include "server.h"
#include "signals.h"

#include <postel/connection.h>

#include <stdint.h>

/* One connection under one deadline, which SIGINT and SIGTERM interrupt. */
struct client {
        postel_connection *connection;
        struct signal_watch watch;
        int64_t started_ms;
        int timeout_ms;
};

/*
 * Connects and logs in. The clock of --timeout starts here. `client` begins as zeroes; client_deinit()
 * frees it whatever comes.
 */
postel_status client_open(struct client *client, const struct server *server, postel_error *error);

int client_left_ms(const struct client *client);
int client_elapsed_ms(const struct client *client); /* 0 before client_open() */

/* QUIT, but without waiting long for the reply: nothing depends on it. */
void client_quit(struct client *client);
void client_deinit(struct client *client);

#endif
