/* SPDX-License-Identifier: MIT */
#ifndef SINK_SETTINGS_H
#define SINK_SETTINGS_H

#include "extensions.h"
#include "fault.h"
#include "limits.h"
#include "rule.h"

#include <stdbool.h>
#include <stdint.h>

struct texts {
        char **texts;
        size_t count;
};

/* What the options say; options.c has the table that names each field. */
struct settings {
        /* read at start only */
        int64_t smtp_port; /* -1: not asked for */
        int64_t smtps_port;
        int64_t lmtp_port;
        int64_t lmtps_port;
        int64_t control_port;
        char *smtp_socket;
        char *lmtp_socket;
        int64_t threads;
        char *listen_address;
        char *cert_file;
        char *key_file;
        char *self_signed_file;
        char *tls_priority;
        char *users_file;
        char *ledger_file;
        char *store_directory;
        bool exit_on_eof;

        /* may change at any time: read under the server's settings lock */
        char *hostname;
        char *data_reply;
        char *max_recipients_reply;
        struct texts ehlo_lines;
        uint64_t without; /* a bit for each enum extension */
        struct with with;
        struct limits limits;
        bool require_auth;
        bool require_tls;
        bool auth_without_tls;
        bool bdat_keeps_refused_chunk;
        struct rules refuse_mail;
        struct rules refuse_rcpt;
        struct rules final;
        struct rules final_rcpt;
        struct rules vrfy;
        struct rules expn;
        struct faults faults;
        int64_t reply_delay_ms;
        int64_t reply_text;
        int64_t max_size; /* 0: none, for all limits */
        int64_t max_recipients;
        int64_t max_messages;
        int64_t max_connections;
        int64_t idle_timeout_ms;
        int64_t socket_buffer;
};

#endif
