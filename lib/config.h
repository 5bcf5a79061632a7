/* SPDX-License-Identifier: MIT */
#ifndef LIB_CONFIG_H
#define LIB_CONFIG_H

/* What a config holds, and the copy of it that a connection or a pool works with. */

#include "base/deadline.h"
#include "smtp/session.h"

#include <postel/config.h>
#include <postel/hooks.h>

struct postel_config {
        char *host, *server_name, *ca_file, *ca_directory, *ehlo_name, *user, *password, *auth_mechanism;
        char *socket_path;
        int port;
        int protocol, tls, pipelining, chunking; /* as they were given: checked when used */
        int system_trust, allow_plaintext_auth;
        int timeout_ms, phase_timeout_ms, socket_buffer;
        postel_trace_function trace;
        void *trace_data;
        int max_recipients; /* 0: any number; so the next */
        unsigned long long max_octets;
        postel_policy_function policy;
        void *policy_data;
        postel_audit_function audit;
        void *audit_data;
        bool has_transport;
        postel_transport transport;
        void *transport_data;
        int pool_size, idle_limit_ms, max_age_ms, max_messages, keepalive_ms;
        bool out_of_memory; /* a setter could not copy its argument */
};

/* What can be said of each text by itself: a user may still lack its password. POSTEL_INVALID. */
postel_status config_check_texts(const postel_config *config, postel_error *error);

/* Whether TLS, if any, is made by Postel, rather than by the caller's transport. */
bool config_has_own_tls(const postel_config *config);

/* A config that was checked and copied, with what was made of its files. May be copied by assignment. Does
 * not change but for its memory, which is atomic: needs no lock. */
struct endpoint {
        postel_config *config;
        struct session_options options;
        struct tls_trust *trust; /* NULL without TLS of ours */
        struct server_memory *memory;
};

postel_status endpoint_init(struct endpoint *endpoint, const postel_config *config, postel_error *error);
void endpoint_deinit(struct endpoint *endpoint);

/* The deadline of a call with this timeout_ms, which may be -1. POSTEL_INVALID: it is another negative
 * number. */
postel_status endpoint_deadline(
        const struct endpoint *endpoint, int timeout_ms, struct deadline *deadline, postel_error *error);

#endif
