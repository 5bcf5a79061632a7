/* SPDX-License-Identifier: MIT */
#ifndef SMTP_TRANSACTION_H
#define SMTP_TRANSACTION_H

/* One message on a session that is ready: RSET?, MAIL, RCPT…, DATA, content (RFC 5321 section 3.3, RFC 2920).
 */

#include "smtp/exchange.h"
#include "smtp/outcome.h"
#include "smtp/source.h"
#include "wire/command.h"
#include "wire/envelope.h"

struct transaction_plan {
        const struct envelope *envelope;
        struct mail_parameters mail;
        struct source_reader *content; /* open, at its beginning */
        bool reset_first; /* RSET rides in front */
        bool pipelining;
        bool eight_bit_allowed; /* BODY=8BITMIME was declared */
};

/*
 * Runs it, and decides every recipient in `log`, which has been begun. POSTEL_OK: the dialogue took its
 * course, whatever the server said in it; any other status is the fault that ended the channel. *clean: the
 * session needs no RSET next time.
 */
postel_status transaction_run(struct channel *channel, const struct transaction_plan *plan,
        struct outcome_log *log, struct deadline deadline, bool *clean, postel_error *error);

#endif
