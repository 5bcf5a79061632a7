/* SPDX-License-Identifier: MIT */
#ifndef SERVER_H
#define SERVER_H

#include "options.h"

#include <postel/config.h>

/* The options of every subcommand that talks to a server: where it is, who logs in, how to talk. */
extern const struct argp_option server_where_options[];
extern const struct argp_option server_who_options[];
extern const struct argp_option server_how_options[];

struct server {
        postel_config *config;
        int timeout_ms; /* of the whole operation */
};

/* Makes a server of the options, to be freed with server_deinit() whatever comes. */
postel_status server_init(struct server *server, const struct options *options, postel_error *error);
void server_deinit(struct server *server);

#endif
