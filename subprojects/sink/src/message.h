/* SPDX-License-Identifier: MIT */
#ifndef SINK_MESSAGE_H
#define SINK_MESSAGE_H

#include <stddef.h>

struct session;

void message_data(struct session *session, char *arguments);
void message_bdat(struct session *session, char *arguments);

/* Take content, and return how many octets of it. */
size_t message_feed_data(struct session *session, const char *bytes, size_t count);
size_t message_feed_chunk(struct session *session, const char *bytes, size_t count);

#endif
