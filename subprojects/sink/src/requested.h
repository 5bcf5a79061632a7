/* SPDX-License-Identifier: MIT */
#ifndef SINK_REQUESTED_H
#define SINK_REQUESTED_H

struct session;

/* Extensions that are offered only where --with asks for them. First what may stand behind their names in the
 * reply to EHLO: NULL, or the rule that the text ("": nothing) breaks. */
const char *requested_deliverby(const char *text);
const char *requested_futurerelease(const char *text);
const char *requested_mt_priority(const char *text);
const char *requested_requiretls(const char *text);

/* Then their parameters of MAIL; value is NULL when there is no "=". NULL, or the reply that refuses it. */
const char *requested_by(struct session *session, const char *value);
const char *requested_holdfor(struct session *session, const char *value);
const char *requested_holduntil(struct session *session, const char *value);
const char *requested_priority(struct session *session, const char *value);
const char *requested_tls(struct session *session, const char *value);

#endif
