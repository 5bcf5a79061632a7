/* SPDX-License-Identifier: MIT */
#ifndef SINK_TRANSPORT_H
#define SINK_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <gnutls/gnutls.h>

struct tls_server;

enum { TRANSPORT_END = 0, TRANSPORT_AGAIN = -1, TRANSPORT_FAILED = -2 };

/* Octets over a non-blocking socket, in the clear or by TLS. */
struct transport {
        int fd;
        gnutls_session_t tls; /* NULL in the clear */
        char *raw; /* ciphertext that was read and not taken by GnuTLS yet */
        size_t raw_at;
        size_t raw_end;
        bool raw_drained; /* the socket had no more at the last look */
        bool sending; /* GnuTLS keeps a record it could not write out */
        bool drip; /* one octet for each time that drip_now is set */
        bool drip_now;
};

bool transport_start_tls(struct transport *transport, const struct tls_server *server);

/* 1 when done, else TRANSPORT_AGAIN or TRANSPORT_FAILED. */
int transport_handshake(struct transport *transport);
bool transport_wants_to_write(const struct transport *transport);

/* `drained` is set when there is nothing more to be had at the moment. */
ssize_t transport_read(struct transport *transport, char *bytes, size_t size, bool *drained);
ssize_t transport_write(struct transport *transport, const char *bytes, size_t count);

/* Ends the sending side, with TLS's own farewell only if asked for. */
void transport_finish(struct transport *transport, bool farewell);
void transport_reset(struct transport *transport);
void transport_close(struct transport *transport);

#endif
