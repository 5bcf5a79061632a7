/* SPDX-License-Identifier: MIT */
#ifndef SINK_AUTH_H
#define SINK_AUTH_H

#include <stddef.h>

struct session;

enum auth_step { AUTH_NONE, AUTH_PLAIN, AUTH_LOGIN_USER, AUTH_LOGIN_PASSWORD };

struct auth {
        enum auth_step step; /* what the next line of the client's is */
        char *login_user;
};

void auth_command(struct session *session, char *arguments);
void auth_response(struct session *session, char *line, size_t length);
void auth_deinit(struct auth *auth);

#endif
