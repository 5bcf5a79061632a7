/* SPDX-License-Identifier: MIT */
#ifndef SMTP_PLAN_H
#define SMTP_PLAN_H

/* What a message needs, what the server offers, and how the one is therefore sent to the other. */

#include "smtp/session.h"
#include "smtp/transaction.h"

/*
 * Whether the server takes the message, whose content has been inspected, at all. POSTEL_UNSUPPORTED,
 * POSTEL_INVALID or POSTEL_POLICY: nothing of it is to be written.
 */
postel_status plan_check(const struct session *session, const struct delivery *delivery, postel_error *error);

/* Chooses the members of its next transaction among the recipients that are open, and returns how many. */
size_t plan_members(const struct session *session, struct delivery *delivery);

/* How that transaction is done, but for the RSET. */
struct transaction_plan plan_transaction(const struct session *session, const struct delivery *delivery);

#endif
