/* SPDX-License-Identifier: MIT */
#ifndef PROBE_REPORT_H
#define PROBE_REPORT_H

#include <postel/connection.h>

#include <stdbool.h>

/* The steps of opening a session, in their order. */
#define PROBE_STEP_COUNT 6
extern const postel_phase probe_steps[PROBE_STEP_COUNT];

/* Room for a line on the TLS session and one on the certificate; longer names are cut. */
#define PROBE_TLS_SIZE 4096

/* What is known of a server, however far it went. */
struct probe_findings {
        postel_status status;
        postel_error error; /* of any status but POSTEL_OK, else zeroes */
        const char *host;
        int port;
        const char *socket; /* the path of a Unix socket, as it was given; NULL for TCP */
        postel_protocol protocol;
        postel_capabilities *capabilities; /* NULL when it never came to EHLO */
        char tls[PROBE_TLS_SIZE]; /* lines; "" without TLS */
        bool is_secure;
        bool is_authenticated;
        long long step_us[PROBE_STEP_COUNT]; /* 0 for one that was not passed */
        int ms;
};

/* Writes the findings to standard output, and in readable form an error to standard error as well. */
void probe_report(const struct probe_findings *findings, bool is_json);

#endif
