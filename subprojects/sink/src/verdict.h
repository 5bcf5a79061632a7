/* SPDX-License-Identifier: MIT */
#ifndef SINK_VERDICT_H
#define SINK_VERDICT_H

struct session;

/* Accepts or refuses the message whose content is complete, and says so. `body` is the command that carried
 * it. */
void verdict_give(struct session *session, const char *body);

/* Says the refusal as often as a verdict would be said. */
void verdict_refuse(struct session *session, const char *reply);

#endif
