/* SPDX-License-Identifier: MIT */
/* What a probe found, for people and as JSON. */

#include "probe_report.h"

#include "json_output.h"
#include "report.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

const postel_phase probe_steps[PROBE_STEP_COUNT] = {
        POSTEL_PHASE_RESOLVE,
        POSTEL_PHASE_CONNECT,
        POSTEL_PHASE_TLS,
        POSTEL_PHASE_GREETING,
        POSTEL_PHASE_EHLO,
        POSTEL_PHASE_AUTH,
};

static json_t *tls_json(const struct probe_findings *findings)
{
        json_t *list = json_array();
        char lines[PROBE_TLS_SIZE];
        char *rest = NULL;

        memcpy(lines, findings->tls, sizeof(lines));
        for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
                json_append(&list, json_text(line));
        return list;
}

static json_t *capabilities_json(const postel_capabilities *capabilities)
{
        size_t count = capabilities ? postel_capabilities_line_count(capabilities) : 0;
        json_t *list = json_array();

        for (size_t i = 0; i < count; i++)
                json_append(&list, json_text(postel_capabilities_line(capabilities, i)));
        return list;
}

/* What LIMITS (RFC 9422) and the extensions with a number of their own may name. */
static const struct limit {
        const char *name;
        const char *text;
} limits[] = {
        { "MAILMAX", "messages in a session" },
        { "RCPTMAX", "recipients of a message" },
        { "RCPTDOMAINMAX", "domains of a message" },
        { "DELIVERBY", "seconds at least to deliver by" },
        { "FUTURERELEASE", "seconds at most to hold" },
};

#define LIMIT_COUNT (sizeof(limits) / sizeof(limits[0]))

static json_t *limits_json(const postel_capabilities *capabilities)
{
        json_t *object = json_object();

        for (size_t i = 0; i < LIMIT_COUNT; i++) {
                unsigned long long limit =
                        capabilities ? postel_capabilities_limit(capabilities, limits[i].name) : 0;

                if (limit &&
                        json_object_set_new(object, limits[i].name, json_integer((json_int_t)limit)) != 0) {
                        json_decref(object);
                        return NULL;
                }
        }
        return object;
}

static const char *protocol_name(postel_protocol protocol)
{
        return protocol == POSTEL_PROTOCOL_LMTP ? "LMTP" : "SMTP";
}

static json_t *times_json(const struct probe_findings *findings)
{
        json_t *times = json_object();

        for (size_t i = 0; i < PROBE_STEP_COUNT; i++) {
                json_t *ms = json_real((double)findings->step_us[i] / 1000);

                if (json_object_set_new(times, postel_phase_name(probe_steps[i]), ms) != 0) {
                        json_decref(times);
                        return NULL;
                }
        }
        return times;
}

static json_t *findings_json(const struct probe_findings *findings)
{
        const postel_capabilities *capabilities = findings->capabilities;
        unsigned long long max_size = capabilities ? postel_capabilities_max_size(capabilities) : 0;

        return json_pack("{s:s, s:s, s:i, s:o, s:o, s:i, s:o, s:s, s:b, s:b, s:o, s:o, s:I, s:o, s:o, s:i}",
                "status", postel_status_name(findings->status), "phase",
                postel_phase_name(findings->error.phase), "code", findings->error.code, "text",
                json_text(postel_error_message(&findings->error)), "host", json_text(findings->host), "port",
                findings->port, "socket", json_text(findings->socket ? findings->socket : ""), "protocol",
                protocol_name(findings->protocol), "secure", findings->is_secure, "authenticated",
                findings->is_authenticated, "tls", tls_json(findings), "capabilities",
                capabilities_json(capabilities), "max_size", (json_int_t)max_size, "limits",
                limits_json(capabilities), "times_ms", times_json(findings), "ms", findings->ms);
}

static void write_line(const char *prefix, const char *text)
{
        fputs(prefix, stdout);
        text_write(stdout, text);
        putchar('\n');
}

static void write_capabilities(const postel_capabilities *capabilities)
{
        const char *mechanisms = postel_capabilities_parameters(capabilities, "AUTH");
        unsigned long long max_size = postel_capabilities_max_size(capabilities);

        write_line("greeting: ", postel_capabilities_line(capabilities, 0));
        puts("extensions:");
        for (size_t i = 1; i < postel_capabilities_line_count(capabilities); i++)
                write_line("  ", postel_capabilities_line(capabilities, i));
        if (max_size)
                printf("largest message: %llu octets\n", max_size);
        else
                puts("largest message: no limit named");
        for (size_t i = 0; i < LIMIT_COUNT; i++) {
                unsigned long long limit = postel_capabilities_limit(capabilities, limits[i].name);

                if (limit)
                        printf("limit: %llu %s\n", limit, limits[i].text);
        }
        write_line("login offered: ", mechanisms ? mechanisms : "no");
}

static void write_tls(const struct probe_findings *findings)
{
        char lines[PROBE_TLS_SIZE];
        char *rest = NULL;

        printf("secure: %s\n", findings->is_secure ? "yes" : "no");
        memcpy(lines, findings->tls, sizeof(lines));
        for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
                write_line("  ", line);
}

static void write_times(const struct probe_findings *findings)
{
        puts("time in ms:");
        for (size_t i = 0; i < PROBE_STEP_COUNT; i++) {
                if (findings->step_us[i])
                        printf("  %-8s %9.3f\n", postel_phase_name(probe_steps[i]),
                                (double)findings->step_us[i] / 1000);
        }
}

static void write_server(const struct probe_findings *findings)
{
        fputs("server: ", stdout);
        if (findings->socket) {
                text_write(stdout, findings->socket);
                putchar('\n');
        } else {
                text_write(stdout, findings->host);
                printf(" port %d\n", findings->port);
        }
        if (findings->capabilities)
                printf("protocol: %s\n", protocol_name(findings->protocol));
}

static void write_findings(const struct probe_findings *findings)
{
        if (!*findings->host && !findings->socket)
                return;
        write_server(findings);
        if (findings->capabilities)
                write_capabilities(findings->capabilities);
        write_tls(findings);
        printf("logged in: %s\n", findings->is_authenticated ? "yes" : "no");
        write_times(findings);
}

void probe_report(const struct probe_findings *findings, bool is_json)
{
        if (is_json) {
                json_write_line(findings_json(findings));
                return;
        }
        write_findings(findings);
        fflush(stdout);
        if (findings->status != POSTEL_OK)
                report_error(&findings->error);
}
