/* SPDX-License-Identifier: MIT */
/* Moves octets between a session and its transport, and carries out what the session decides. Knows no SMTP.
 */
#include "connection.h"

#include "server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define TURNS_AT_ONCE 32 /* then the loop's other connections have their turn */
#define LINGER_NS     INT64_C(2000000000)
#define MS_NS         INT64_C(1000000)

_Static_assert(OUTBOX_NEVER == TIMER_NEVER, "a connection's timer takes the outbox's time as it is");

static void leave(struct connection *connection)
{
        if (connection->admitted)
                stats_leave(&connection->session.server->stats);
        connection->admitted = false;
}

static void end(struct connection *connection)
{
        struct loop *loop = connection->loop;

        leave(connection);
        loop_unwatch(loop, &connection->watch);
        timers_set(&loop->timers, &connection->timer, TIMER_NEVER);
        if (connection->next != NULL)
                connection->next->previous = connection->previous;
        if (connection->previous != NULL)
                connection->previous->next = connection->next;
        else
                loop->connections = connection->next;
        transport_close(&connection->transport);
        session_deinit(&connection->session);
        buffer_deinit(&connection->held);
        free(connection);
}

static bool write_ready(struct connection *connection)
{
        struct outbox *out = &connection->session.out;
        const char *bytes;
        size_t count;

        while ((bytes = outbox_ready(out, &count)) != NULL) {
                counter *bytes_out = &connection->session.server->stats.bytes_out;
                ssize_t sent;

                /* Before the client can have the octets and ask for the counters. */
                stats_add(bytes_out, count);
                sent = transport_write(&connection->transport, bytes, count);
                stats_subtract(bytes_out, count - (sent > 0 ? (size_t)sent : 0));
                if (sent == TRANSPORT_AGAIN)
                        return true;
                if (sent < 0)
                        return false;
                outbox_sent(out, (size_t)sent);
                connection->active_ns = connection->loop->now_ns;
        }
        return true;
}

void connection_release(struct connection *connection, bool round_trip)
{
        struct server *server = connection->session.server;
        int64_t delay_ns = server->settings.reply_delay_ms * MS_NS;

        if (outbox_release(&connection->session.out, connection->loop->now_ns, delay_ns) && round_trip)
                stats_add(&server->stats.round_trips, 1);
}

enum taken { TAKEN_MORE, TAKEN_DRY, TAKEN_LOST };

static enum taken feed(struct connection *connection, const char *bytes, size_t count, bool drained)
{
        struct session *session = &connection->session;
        size_t used = session_feed(session, bytes, count);
        bool whole = used == count;

        if (connection->held.used > 0)
                buffer_drop(&connection->held, session->action == ACTION_NONE ? used : count);
        else if (session->action == ACTION_NONE)
                buffer_append(&connection->held, bytes + used, count - used);
        connection->held_drained = drained;
        if (!whole || drained || session->spoke_early || session->action != ACTION_NONE ||
                session_is_full(session))
                connection_release(connection, whole && drained);
        session->spoke_early = false;
        return whole && drained ? TAKEN_DRY : TAKEN_MORE;
}

static enum taken take_input(struct connection *connection)
{
        struct loop *loop = connection->loop;
        bool drained;
        ssize_t got;

        if (connection->held.used > 0)
                return feed(
                        connection, connection->held.data, connection->held.used, connection->held_drained);
        got = transport_read(&connection->transport, loop->scratch, LOOP_SCRATCH_OCTETS, &drained);
        if (got == TRANSPORT_AGAIN) {
                connection_release(connection, true);
                return TAKEN_DRY;
        }
        if (got <= 0)
                return TAKEN_LOST;
        connection->active_ns = loop->now_ns;
        stats_add(&connection->session.server->stats.bytes_in, (uint64_t)got);
        return feed(connection, loop->scratch, (size_t)got, drained);
}

static bool act(struct connection *connection)
{
        enum session_action action = connection->session.action;

        switch (action) {
        case ACTION_START_TLS:
                connection->phase = PHASE_AWAIT_HELLO;
                connection->session.action = ACTION_NONE;
                return true;
        case ACTION_STALL:
                connection->phase = PHASE_STALLED;
                return true;
        case ACTION_RESET:
                transport_reset(&connection->transport);
                return false;
        case ACTION_CLOSE:
        case ACTION_FIN:
        case ACTION_NONE:
                break;
        }
        transport_finish(&connection->transport, action == ACTION_CLOSE);
        leave(connection);
        connection->phase = PHASE_LINGER;
        connection->linger_ns = connection->loop->now_ns + LINGER_NS;
        return true;
}

static bool step_open(struct connection *connection)
{
        struct session *session = &connection->session;
        bool dry = false;

        outbox_tick(&session->out, connection->loop->now_ns);
        for (int turn = 0;; turn++) {
                enum taken taken;

                if (!write_ready(connection))
                        return false;
                if (session->action != ACTION_NONE)
                        return outbox_pending(&session->out) > 0 || act(connection);
                connection->hungry = turn == TURNS_AT_ONCE && !dry && !session_is_full(session);
                if (dry || session_is_full(session) || connection->hungry)
                        return true;
                taken = take_input(connection);
                if (taken == TAKEN_LOST)
                        return false;
                dry = taken == TAKEN_DRY;
        }
}

static bool step_linger(struct connection *connection)
{
        ssize_t got;

        do
                got = recv(connection->transport.fd, connection->loop->scratch, LOOP_SCRATCH_OCTETS,
                        MSG_DONTWAIT);
        while (got > 0);
        return got < 0 && connection->loop->now_ns < connection->linger_ns;
}

static int64_t idle_due_ns(const struct connection *connection)
{
        const struct session *session = &connection->session;
        int64_t timeout_ms = session->server->settings.idle_timeout_ms;

        if (timeout_ms == 0 || outbox_pending(&session->out) > 0 || session->action != ACTION_NONE)
                return TIMER_NEVER;
        return connection->active_ns + timeout_ms * MS_NS;
}

static int64_t earlier(int64_t one_ns, int64_t other_ns)
{
        return one_ns < other_ns ? one_ns : other_ns;
}

/* Says to the loop what to wake the connection for. */
static bool rearm(struct connection *connection)
{
        const struct session *session = &connection->session;
        int64_t due_ns = TIMER_NEVER;
        uint32_t events = EPOLLIN;
        size_t unsent;

        switch (connection->phase) {
        case PHASE_AWAIT_HELLO:
                due_ns = idle_due_ns(connection);
                break;
        case PHASE_HANDSHAKE:
                due_ns = connection->transport.drip ? connection->drip_ns : idle_due_ns(connection);
                if (transport_wants_to_write(&connection->transport))
                        events = connection->transport.drip ? EPOLLERR : EPOLLOUT;
                break;
        case PHASE_OPEN:
                due_ns = earlier(outbox_due_ns(&session->out), idle_due_ns(connection));
                due_ns = connection->hungry ? connection->loop->now_ns : due_ns;
                if (session->action != ACTION_NONE || session_is_full(session))
                        events = EPOLLERR;
                events |= outbox_ready(&session->out, &unsent) != NULL ? EPOLLOUT : 0;
                break;
        case PHASE_STALLED:
                events = EPOLLRDHUP;
                break;
        case PHASE_LINGER:
                due_ns = connection->linger_ns;
                break;
        }
        timers_set(&connection->loop->timers, &connection->timer, due_ns);
        return loop_watch(connection->loop, &connection->watch, events);
}

static bool step(struct connection *connection)
{
        struct session *session = &connection->session;

        if (connection->phase <= PHASE_OPEN && connection->loop->now_ns >= idle_due_ns(connection)) {
                if (connection->phase != PHASE_OPEN)
                        return false;
                session_idle(session);
                connection_release(connection, false);
        }
        if (connection->phase <= PHASE_HANDSHAKE && !connection_step_handshake(connection))
                return false;
        if (connection->phase == PHASE_OPEN)
                return step_open(connection);
        return connection->phase != PHASE_LINGER || step_linger(connection);
}

static void run(struct connection *connection, bool lost)
{
        pthread_rwlock_t *lock = &connection->session.server->settings_lock;

        pthread_rwlock_rdlock(lock);
        if (lost || !step(connection) || !rearm(connection))
                end(connection);
        pthread_rwlock_unlock(lock);
}

static void ready(void *owner, uint32_t events)
{
        struct connection *connection = owner;

        /* Where input is not read, nothing else would notice that the client is gone. */
        run(connection, events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP) && !(connection->watch.events & EPOLLIN));
}

static void fire(void *owner)
{
        run(owner, false);
}

static void set_up_socket(int fd, int64_t buffer_octets)
{
        int one = 1, octets = (int)buffer_octets;

        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (octets > 0) {
                setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
                setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &octets, sizeof octets);
        }
}

static void greet(struct connection *connection)
{
        struct session *session = &connection->session;

        connection->phase = PHASE_OPEN;
        if (session_fault(session, FAULT_AT_CONNECT) != NULL) {
                if (session->action == ACTION_NONE)
                        session->action = ACTION_FIN;
        } else if (connection->endpoint->implicit_tls) {
                connection->phase = PHASE_AWAIT_HELLO;
        } else {
                session_greet(session, connection->admitted);
        }
        connection_release(connection, false);
}

void connection_start(struct loop *loop, int fd, const struct endpoint *endpoint)
{
        struct connection *connection = memory_zeroed(sizeof *connection);
        struct server *server = loop->server;

        connection->loop = loop;
        connection->endpoint = endpoint;
        connection->active_ns = loop->now_ns;
        connection->transport.fd = fd;
        connection->watch = (struct watch){ .fd = fd, .ready = ready, .owner = connection };
        connection->timer = (struct timer){ .fire = fire, .owner = connection };
        connection->next = loop->connections;
        if (connection->next != NULL)
                connection->next->previous = connection;
        loop->connections = connection;

        pthread_rwlock_rdlock(&server->settings_lock);
        set_up_socket(fd, server->settings.socket_buffer);
        stats_add(&server->stats.connections, 1);
        connection->admitted = stats_admit(&server->stats, (uint64_t)server->settings.max_connections);
        session_init(
                &connection->session, server, atomic_fetch_add(&server->last_session, 1) + 1, endpoint->lmtp);
        greet(connection);
        if ((connection->phase == PHASE_OPEN && !step_open(connection)) || !rearm(connection))
                end(connection);
        pthread_rwlock_unlock(&server->settings_lock);
}

void connection_end_all(struct loop *loop)
{
        while (loop->connections != NULL)
                end(loop->connections);
}
