/* SPDX-License-Identifier: MIT */
/* `postel probe`: opens a session, looks at what the server offers, and quits. */

#include "commands.h"
#include "exit_status.h"
#include "option_values.h"
#include "probe_report.h"
#include "server.h"
#include "client.h"

#include <string.h>

static const struct options_syntax syntax = {
        .tables = { server_where_options, server_who_options, server_how_options, NULL },
        .help = "Connects to a server, logs in if a user is given, and tells what it offers."
                "\v" EXIT_STATUS_HELP,
};

/* As it was asked for. NULL for TCP. */
static const char *socket_path(const struct options *options)
{
        static const char scheme[] = "lmtp+unix:";
        const char *url = options_text(options, OPTION_URL);

        if (options_given(options, OPTION_SOCKET))
                return options_text(options, OPTION_SOCKET);
        if (url && strncasecmp(url, scheme, strlen(scheme)) == 0)
                return url + strlen(scheme);
        return NULL;
}

/* Also of a session that failed half-way: what a server offers often says why. */
static void look(struct probe_findings *findings, const struct client *client)
{
        postel_connection *connection = client->connection;

        findings->ms = client_elapsed_ms(client);
        findings->protocol = postel_connection_protocol(connection);
        findings->is_secure = postel_connection_is_secure(connection) != 0;
        findings->is_authenticated = postel_connection_is_authenticated(connection) != 0;
        postel_connection_tls_description(connection, findings->tls, sizeof(findings->tls));
        /* It fails only where it never came to EHLO, and then the session's own error is the one to tell. */
        postel_connection_capabilities(connection, -1, &findings->capabilities, NULL);
        for (size_t i = 0; i < PROBE_STEP_COUNT; i++)
                findings->step_us[i] = postel_connection_phase_us(connection, probe_steps[i]);
}

static void probe(const struct options *options, struct probe_findings *findings)
{
        struct server server;
        struct client client = { .connection = NULL };

        findings->status = server_init(&server, options, &findings->error);
        if (server.config) {
                findings->host = postel_config_host(server.config);
                findings->port = postel_config_port(server.config);
                findings->socket = socket_path(options);
        }
        if (findings->status == POSTEL_OK)
                findings->status = client_open(&client, &server, &findings->error);
        if (client.connection) {
                look(findings, &client);
                client_quit(&client);
        }
        probe_report(findings, options_given(options, OPTION_JSON));
        client_deinit(&client);
        server_deinit(&server);
}

int probe_run(int argc, char **argv)
{
        struct options options = { .operand = NULL };
        struct probe_findings findings = { .host = "" };
        int failed = options_parse(&options, &syntax, argc, argv, &findings.error);

        if (failed == EX_OK) {
                probe(&options, &findings);
                failed = exit_status(findings.status);
        } else if (failed != EX_USAGE) {
                findings.status = findings.error.status;
                probe_report(&findings, options_given(&options, OPTION_JSON));
        }
        postel_capabilities_free(&findings.capabilities);
        options_free(&options);
        return failed;
}
