/* SPDX-License-Identifier: MIT */
#ifndef SINK_TRANSACTION_H
#define SINK_TRANSACTION_H

#include "buffer.h"
#include "content.h"
#include "dots.h"

struct session;

/* An address with its parameters, as positions in the envelope's text. */
struct mailbox {
        size_t address;
        size_t parameters; /* one behind the other, each ended by NUL */
        size_t parameter_count;
        bool refused; /* after the content: only LMTP has a reply for each (RFC 2033 section 4.2) */
};

struct envelope {
        struct buffer text;
        struct mailbox from;
        struct mailbox *to;
        size_t to_count;
        size_t to_size;
};

/* A mail transaction (RFC 5321 section 3.3). Its memory serves the session's next one too. */
struct transaction {
        bool open;
        bool smtputf8;
        bool binary; /* BODY=BINARYMIME: no DATA */
        bool held; /* HOLDFOR or HOLDUNTIL was given */
        int64_t domain_count; /* of the accepted recipients */
        bool body_begun; /* its first octets have come */
        bool answered; /* a fault has replied already: what is left of the body is only read */
        bool chunked; /* a chunk was taken: DATA is out of the question */
        bool chunk_refused;
        bool chunk_last;
        bool chunk_silent; /* the reply went out with the command */
        const char *chunk_reply; /* refusal that follows the chunk */
        uint64_t chunk_left;
        struct envelope envelope;
        struct dots dots;
        struct content content;
};

void transaction_mail(struct session *session, char *arguments);
void transaction_rcpt(struct session *session, char *arguments);
void transaction_reset(struct transaction *transaction);
void transaction_deinit(struct transaction *transaction);

const char *envelope_text(const struct envelope *envelope, size_t position);

#endif
