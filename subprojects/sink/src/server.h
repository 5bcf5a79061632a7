/* SPDX-License-Identifier: MIT */
#ifndef SINK_SERVER_H
#define SINK_SERVER_H

#include "settings.h"
#include "stats.h"
#include "users.h"

#include <pthread.h>

struct tls_server;

/* What all connections share. */
struct server {
        pthread_rwlock_t settings_lock; /* guards settings: workers read while they serve a connection */
        struct settings settings;
        struct stats stats;
        struct users users;
        struct tls_server *tls; /* NULL without a certificate */
        int ledger; /* -1: none */
        counter last_session;
        counter last_message;
};

/* Takes the settings over. On failure says why on stderr and returns a code of sysexits.h, else 0; deinit
 * either way. */
int server_init(struct server *server);
void server_deinit(struct server *server);

#endif
