/* SPDX-License-Identifier: MIT */
#ifndef SINK_COMMANDS_H
#define SINK_COMMANDS_H

#include <stddef.h>

struct session;

enum command {
        COMMAND_EHLO,
        COMMAND_HELO,
        COMMAND_LHLO,
        COMMAND_MAIL,
        COMMAND_RCPT,
        COMMAND_DATA,
        COMMAND_BDAT,
        COMMAND_RSET,
        COMMAND_NOOP,
        COMMAND_VRFY,
        COMMAND_EXPN,
        COMMAND_HELP,
        COMMAND_QUIT,
        COMMAND_STARTTLS,
        COMMAND_AUTH,
        COMMAND_UNKNOWN,
        COMMAND_COUNT,
};

const char *command_name(enum command command);

/* Carries out one line of the client's; the line is the caller's to lose. */
void command_run(struct session *session, char *line, size_t length);

#endif
