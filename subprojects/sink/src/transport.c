/* SPDX-License-Identifier: MIT */
/* Reading and writing, with as few system calls as the kernel allows: GnuTLS by itself reads header and body
 * of each record apart, and writes each record of a flight apart. */
#include "transport.h"

#include "buffer.h"
#include "tls.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define RAW_OCTETS 32768 /* more than the largest record */

static bool is_transient(void)
{
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static ssize_t tls_pull(gnutls_transport_ptr_t pointer, void *bytes, size_t size)
{
        struct transport *transport = pointer;
        size_t count;

        if (transport->raw_at == transport->raw_end) {
                ssize_t got;

                if (transport->raw_drained) {
                        gnutls_transport_set_errno(transport->tls, EAGAIN);
                        return -1;
                }
                got = recv(transport->fd, transport->raw, RAW_OCTETS, 0);
                if (got <= 0) {
                        gnutls_transport_set_errno(transport->tls, got < 0 ? errno : 0);
                        return got;
                }
                transport->raw_at = 0;
                transport->raw_end = (size_t)got;
                transport->raw_drained = got < RAW_OCTETS;
        }
        count = transport->raw_end - transport->raw_at;
        if (count > size)
                count = size;
        memcpy(bytes, transport->raw + transport->raw_at, count);
        transport->raw_at += count;
        return (ssize_t)count;
}

static ssize_t tls_push(gnutls_transport_ptr_t pointer, const giovec_t *parts, int count)
{
        struct transport *transport = pointer;
        struct iovec one = { parts[0].iov_base, 1 };
        struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)count };
        ssize_t sent;

        if (transport->drip) {
                if (!transport->drip_now) {
                        gnutls_transport_set_errno(transport->tls, EAGAIN);
                        return -1;
                }
                transport->drip_now = false;
                message.msg_iov = &one;
                message.msg_iovlen = 1;
        }
        sent = sendmsg(transport->fd, &message, MSG_NOSIGNAL);
        if (sent < 0)
                gnutls_transport_set_errno(transport->tls, errno);
        return sent;
}

bool transport_start_tls(struct transport *transport, const struct tls_server *server)
{
        transport->tls = tls_session_new(server);
        if (transport->tls == NULL)
                return false;
        transport->raw = memory_resize(NULL, RAW_OCTETS);
        gnutls_transport_set_ptr(transport->tls, transport);
        gnutls_transport_set_pull_function(transport->tls, tls_pull);
        gnutls_transport_set_vec_push_function(transport->tls, tls_push);
        return true;
}

int transport_handshake(struct transport *transport)
{
        int code;

        transport->raw_drained = false;
        do
                code = gnutls_handshake(transport->tls);
        while (code < 0 && code != GNUTLS_E_AGAIN && gnutls_error_is_fatal(code) == 0);
        if (code >= 0)
                return 1;
        if (code == GNUTLS_E_AGAIN)
                return TRANSPORT_AGAIN;
        gnutls_alert_send_appropriate(transport->tls, code);
        return TRANSPORT_FAILED;
}

bool transport_wants_to_write(const struct transport *transport)
{
        return transport->tls != NULL && gnutls_record_get_direction(transport->tls) == 1;
}

static ssize_t read_tls(struct transport *transport, char *bytes, size_t size, bool *drained)
{
        ssize_t got;

        transport->raw_drained = false;
        do
                got = gnutls_record_recv(transport->tls, bytes, size);
        while (got == GNUTLS_E_INTERRUPTED || got == GNUTLS_E_WARNING_ALERT_RECEIVED);
        *drained = transport->raw_drained && transport->raw_at == transport->raw_end &&
                   gnutls_record_check_pending(transport->tls) == 0;
        if (got == GNUTLS_E_AGAIN)
                return TRANSPORT_AGAIN;
        return got >= 0 ? got : TRANSPORT_FAILED;
}

ssize_t transport_read(struct transport *transport, char *bytes, size_t size, bool *drained)
{
        ssize_t got;

        if (transport->tls != NULL)
                return read_tls(transport, bytes, size, drained);
        got = recv(transport->fd, bytes, size, 0);
        *drained = got < (ssize_t)size;
        if (got < 0)
                return is_transient() ? TRANSPORT_AGAIN : TRANSPORT_FAILED;
        return got;
}

ssize_t transport_write(struct transport *transport, const char *bytes, size_t count)
{
        ssize_t sent;

        if (transport->tls == NULL) {
                sent = send(transport->fd, bytes, count, MSG_NOSIGNAL);
                if (sent < 0)
                        return is_transient() ? TRANSPORT_AGAIN : TRANSPORT_FAILED;
                return sent;
        }
        /* A record that was kept is written on by a call without octets. */
        do
                sent = transport->sending ? gnutls_record_send(transport->tls, NULL, 0)
                                          : gnutls_record_send(transport->tls, bytes, count);
        while (sent == GNUTLS_E_INTERRUPTED);
        transport->sending = sent == GNUTLS_E_AGAIN;
        if (sent == GNUTLS_E_AGAIN)
                return TRANSPORT_AGAIN;
        return sent >= 0 ? sent : TRANSPORT_FAILED;
}

void transport_finish(struct transport *transport, bool farewell)
{
        if (farewell && transport->tls != NULL)
                gnutls_bye(transport->tls, GNUTLS_SHUT_WR);
        shutdown(transport->fd, SHUT_WR);
}

void transport_reset(struct transport *transport)
{
        struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

        setsockopt(transport->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void transport_close(struct transport *transport)
{
        if (transport->tls != NULL)
                gnutls_deinit(transport->tls);
        free(transport->raw);
        close(transport->fd);
}
