/* SPDX-License-Identifier: MIT */
#ifndef SINK_VERIFY_H
#define SINK_VERIFY_H

struct session;

void verify_vrfy(struct session *session, char *arguments);
void verify_expn(struct session *session, char *arguments);

#endif
