/* SPDX-License-Identifier: MIT */
#ifndef SINK_TLS_H
#define SINK_TLS_H

#include <gnutls/gnutls.h>

struct settings;
struct tls_server;

/* Loads or makes the certificate. On failure says why on stderr and returns a code of sysexits.h, else 0. */
int tls_server_new(struct tls_server **server, const struct settings *settings);
void tls_server_free(struct tls_server **server);

/* A session that still lacks its transport; NULL on failure. */
gnutls_session_t tls_session_new(const struct tls_server *server);

#endif
