/* SPDX-License-Identifier: MIT */
/* Sending on a session that is ready: one message, or as many as a feed gives. */

#include "base/status.h"
#include "smtp/pipeline.h"
#include "smtp/transaction.h"

#include <stdint.h>

bool session_is_exhausted(const struct session *session)
{
        return session->ehlo.mail_max && session->messages >= session->ehlo.mail_max;
}

postel_status session_check_exhausted(struct session *session, postel_error *error)
{
        session->exhausted = session_is_exhausted(session);
        if (!session->exhausted)
                return POSTEL_OK;
        return error_set(error, POSTEL_CLOSED, POSTEL_PHASE_MAIL,
                "the server takes no more than %llu transactions in a session (LIMITS)",
                (unsigned long long)session->ehlo.mail_max);
}

static postel_status send_from(struct session *session, struct feed *feed, struct transaction *room,
        size_t depth, struct deadline deadline, postel_error *error)
{
        struct channel *channel = &session->channel;
        unsigned long long replies = channel->replies, round_trips = channel->round_trips;

        session->lost_unheard = false;
        postel_status status = session_check(session, error);
        if (status == POSTEL_OK)
                status = session_check_exhausted(session, error);
        if (status != POSTEL_OK)
                return status;
        session_enter(session, POSTEL_STATE_SENDING);
        status = pipeline_run(session, feed, room, depth, deadline, error);
        session_enter(session, POSTEL_STATE_READY);
        session->message_round_trips += channel->round_trips - round_trips;
        session->lost_unheard = channel->dead && channel->replies == replies &&
                                (status == POSTEL_IO || status == POSTEL_TLS || status == POSTEL_DEFERRED);
        session_settle(session);
        return status;
}

postel_status session_send_all(struct session *session, struct feed *feed, struct transaction *room,
        struct deadline deadline, postel_error *error)
{
        postel_status status = send_from(session, feed, room, PIPELINE_DEPTH, deadline, error);

        return status == POSTEL_OK ? session_check_exhausted(session, error) : status;
}

/* ---- A feed of one ---- */

struct single {
        struct feed feed;
        struct delivery *delivery; /* until it was taken */
        postel_status status;
        postel_error *error;
        bool done;
};

static struct delivery *single_next(struct feed *feed, bool alone)
{
        struct single *single = (struct single *)feed;
        struct delivery *delivery = single->delivery;

        (void)alone;
        single->delivery = NULL;
        return delivery;
}

static void single_done(
        struct feed *feed, struct delivery *delivery, postel_status status, const postel_error *error)
{
        struct single *single = (struct single *)feed;

        (void)delivery;
        single->done = true;
        single->status = status;
        if (status != POSTEL_OK)
                error_copy(single->error, error);
}

postel_status session_send(
        struct session *session, struct delivery *delivery, struct deadline deadline, postel_error *error)
{
        struct single single = { { single_next, single_done }, delivery, POSTEL_OK, error, false };
        struct transaction room;
        postel_error fault;

        send_from(session, &single.feed, &room, 1, deadline, &fault);
        if (single.done)
                return single.status;
        outcome_lost(&delivery->log, &fault);
        return outcome_status(&delivery->log, error);
}
