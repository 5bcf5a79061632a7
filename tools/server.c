/* SPDX-License-Identifier: MIT */
/* The options on where the server is, who logs in and how to talk, turned into the library's config. */

#include "server.h"

#include "option_values.h"
#include "password.h"
#include "text.h"

#include <stdio.h>

#define DEFAULT_TIMEOUT_MS       300000
#define DEFAULT_PHASE_TIMEOUT_MS (-1)

const struct argp_option server_where_options[] = {
        { NULL, 0, NULL, 0, "Where the server is:", GROUP_WHERE },
        { "url", OPTION_URL, "URL", 0,
                "smtps://[user@]host[:port] (TLS from the first octet), smtp://[user@]host[:port] "
                "(STARTTLS required), lmtps:// and lmtp:// likewise, or lmtp+unix:/path; the other options "
                "override it",
                GROUP_WHERE },
        { "host", OPTION_HOST, "HOST", 0, "Its name, or an IPv4 or IPv6 address", GROUP_WHERE },
        { "port", OPTION_PORT, "PORT", 0,
                "Default: 465 with implicit TLS, 587 with STARTTLS, 25 without TLS; 24 for LMTP",
                GROUP_WHERE },
        { "socket", OPTION_SOCKET, "PATH", 0,
                "Connect to this Unix socket; without TLS unless --tls is given", GROUP_WHERE },
        { "lmtp", OPTION_LMTP, NULL, 0, "Speak LMTP (RFC 2033), not SMTP", GROUP_WHERE },
        { "tls", OPTION_TLS, "MODE", 0,
                "implicit, starttls (required; the default), opportunistic (where offered, never a password "
                "without it) or none",
                GROUP_WHERE },
        { "server-name", OPTION_SERVER_NAME, "NAME", 0,
                "The name that the server's certificate must be for; default: the host", GROUP_WHERE },
        { "ca", OPTION_CA, "FILE", 0, "Trust the certificates in this file (PEM)", GROUP_WHERE },
        { "ca-directory", OPTION_CA_DIRECTORY, "DIR", 0,
                "Trust the certificates in the files of this directory", GROUP_WHERE },
        { "system-trust", OPTION_SYSTEM_TRUST, NULL, 0,
                "Trust the system's certificates too; the default without --ca and --ca-directory",
                GROUP_WHERE },
        { "ehlo", OPTION_EHLO, "NAME", 0, "The name to give with EHLO; default: this host's", GROUP_WHERE },
        { 0 },
};

const struct argp_option server_who_options[] = {
        { NULL, 0, NULL, 0, "Who logs in:", GROUP_WHO },
        { "user", OPTION_USER, "NAME", 0, "Log in under this name", GROUP_WHO },
        { "password-file", OPTION_PASSWORD_FILE, "FILE", 0,
                "The password is the content of FILE (- for standard input) less one final newline; default: "
                "the environment's POSTEL_PASSWORD",
                GROUP_WHO },
        { "auth", OPTION_AUTH, "MECHANISM", 0, "PLAIN or LOGIN; default: the best that is offered",
                GROUP_WHO },
        { "allow-plaintext-auth", OPTION_ALLOW_PLAINTEXT_AUTH, NULL, 0,
                "Let the password travel without TLS (with --tls none)", GROUP_WHO },
        { 0 },
};

const struct argp_option server_how_options[] = {
        { NULL, 0, NULL, 0, "How:", GROUP_HOW },
        { "timeout", OPTION_TIMEOUT, "S", 0,
                "Seconds for the whole operation, fractions allowed; default: 300", GROUP_HOW },
        { "phase-timeout", OPTION_PHASE_TIMEOUT, "S", 0,
                "Seconds for connecting, for the handshake, for any one reply, and for any write without "
                "progress",
                GROUP_HOW },
        { "pipelining", OPTION_PIPELINING, "WHEN", 0, "auto (where offered; the default) or never",
                GROUP_HOW },
        { "chunking", OPTION_CHUNKING, "WHEN", 0,
                "Whether the message is sent by BDAT: auto (where offered and of use; the default), never or "
                "always",
                GROUP_HOW },
        { "trace", OPTION_TRACE, NULL, 0, "Show the dialogue, without secrets, on standard error",
                GROUP_HOW },
        { "json", OPTION_JSON, NULL, 0, "Report as JSON, one object in one line for each message",
                GROUP_HOW },
        { "options-file", OPTION_OPTIONS_FILE, "FILE", 0,
                "A JSON object that gives options by their long names; the command line overrides it",
                GROUP_HOW },
        { 0 },
};

static const struct option_choice tls_choices[] = {
        { "implicit", POSTEL_TLS_IMPLICIT },
        { "starttls", POSTEL_TLS_STARTTLS },
        { "opportunistic", POSTEL_TLS_OPPORTUNISTIC },
        { "none", POSTEL_TLS_NONE },
        { NULL, 0 },
};

static const struct option_choice pipelining_choices[] = {
        { "auto", POSTEL_PIPELINING_AUTO },
        { "never", POSTEL_PIPELINING_NEVER },
        { NULL, 0 },
};

static const struct option_choice chunking_choices[] = {
        { "auto", POSTEL_CHUNKING_AUTO },
        { "never", POSTEL_CHUNKING_NEVER },
        { "always", POSTEL_CHUNKING_ALWAYS },
        { NULL, 0 },
};

static void trace(
        void *user_data, unsigned long long session, postel_trace_kind kind, const char *text, size_t size)
{
        const char *mark = kind == POSTEL_TRACE_SENT ? "> " : kind == POSTEL_TRACE_RECEIVED ? "< " : "* ";

        (void)user_data;
        (void)session;
        (void)size;
        flockfile(stderr);
        fputs(mark, stderr);
        text_write(stderr, text);
        fputc('\n', stderr);
        funlockfile(stderr);
}

static postel_status make_config(struct server *server, const struct options *options, postel_error *error)
{
        const char *url = options_text(options, OPTION_URL);
        postel_status status;

        if (!url) {
                server->config = postel_config_new();
                return server->config ? POSTEL_OK : text_error(error, POSTEL_MEMORY, "out of memory");
        }
        status = postel_config_from_url(url, &server->config, error);
        if (status == POSTEL_OK && postel_config_has_password(server->config))
                return options_refuse(options, OPTION_URL,
                        "a password does not belong in an argument; use --password-file", error);
        return status;
}

static postel_status configure_where(
        postel_config *config, const struct options *options, postel_error *error)
{
        int port = 0;
        int tls = POSTEL_TLS_STARTTLS;
        postel_status status;

        if (options_given(options, OPTION_HOST))
                postel_config_set_host(config, options_text(options, OPTION_HOST));
        status = options_choice(options, OPTION_TLS, tls_choices, &tls, error);
        if (status == POSTEL_OK)
                status = options_port(options, OPTION_PORT, &port, error);
        if (status != POSTEL_OK)
                return status;
        if (options_given(options, OPTION_TLS))
                postel_config_set_tls(config, (postel_tls)tls);
        else if (options_given(options, OPTION_SOCKET) && !options_given(options, OPTION_URL))
                postel_config_set_tls(config, POSTEL_TLS_NONE);
        if (options_given(options, OPTION_SOCKET))
                postel_config_set_socket_path(config, options_text(options, OPTION_SOCKET));
        if (options_given(options, OPTION_LMTP))
                postel_config_set_protocol(config, POSTEL_PROTOCOL_LMTP);
        if (options_given(options, OPTION_PORT))
                postel_config_set_port(config, port);
        postel_config_set_server_name(config, options_text(options, OPTION_SERVER_NAME));
        postel_config_set_ca_file(config, options_text(options, OPTION_CA));
        postel_config_set_ca_directory(config, options_text(options, OPTION_CA_DIRECTORY));
        postel_config_set_system_trust(config, options_given(options, OPTION_SYSTEM_TRUST));
        postel_config_set_ehlo_name(config, options_text(options, OPTION_EHLO));
        return POSTEL_OK;
}

static postel_status configure_who(postel_config *config, const struct options *options, postel_error *error)
{
        postel_config_set_auth_mechanism(config, options_text(options, OPTION_AUTH));
        postel_config_set_allow_plaintext_auth(config, options_given(options, OPTION_ALLOW_PLAINTEXT_AUTH));
        if (options_given(options, OPTION_USER))
                postel_config_set_user(config, options_text(options, OPTION_USER));
        if (postel_config_user(config))
                return password_configure(options, config, error);
        if (options_given(options, OPTION_PASSWORD_FILE))
                return options_refuse(options, OPTION_PASSWORD_FILE, "needs a user", error);
        return POSTEL_OK;
}

static postel_status configure_how(struct server *server, const struct options *options, postel_error *error)
{
        int phase_timeout_ms = DEFAULT_PHASE_TIMEOUT_MS;
        int pipelining = POSTEL_PIPELINING_AUTO;
        int chunking = POSTEL_CHUNKING_AUTO;
        postel_status status;

        server->timeout_ms = DEFAULT_TIMEOUT_MS;
        status = options_seconds(options, OPTION_TIMEOUT, &server->timeout_ms, error);
        if (status == POSTEL_OK)
                status = options_seconds(options, OPTION_PHASE_TIMEOUT, &phase_timeout_ms, error);
        if (status == POSTEL_OK)
                status = options_choice(options, OPTION_PIPELINING, pipelining_choices, &pipelining, error);
        if (status == POSTEL_OK)
                status = options_choice(options, OPTION_CHUNKING, chunking_choices, &chunking, error);
        if (status != POSTEL_OK)
                return status;
        postel_config_set_timeout_ms(server->config, server->timeout_ms);
        postel_config_set_phase_timeout_ms(server->config, phase_timeout_ms);
        postel_config_set_pipelining(server->config, (postel_pipelining)pipelining);
        postel_config_set_chunking(server->config, (postel_chunking)chunking);
        if (options_given(options, OPTION_TRACE))
                postel_config_set_trace(server->config, trace, NULL);
        return POSTEL_OK;
}

static postel_status configure_limits(
        postel_config *config, const struct options *options, postel_error *error)
{
        int recipients = 0;
        unsigned long long octets = 0;
        postel_status status = options_int(options, OPTION_MAX_RECIPIENTS, &recipients, error);

        if (status == POSTEL_OK)
                status = options_octets(options, OPTION_MAX_OCTETS, &octets, error);
        if (status != POSTEL_OK)
                return status;
        postel_config_set_max_recipients(config, recipients);
        postel_config_set_max_octets(config, octets);
        return POSTEL_OK;
}

postel_status server_init(struct server *server, const struct options *options, postel_error *error)
{
        postel_status status;

        *server = (struct server){ 0 };
        status = make_config(server, options, error);
        if (status == POSTEL_OK)
                status = configure_where(server->config, options, error);
        if (status == POSTEL_OK)
                status = configure_how(server, options, error);
        if (status == POSTEL_OK)
                status = configure_limits(server->config, options, error);
        if (status == POSTEL_OK)
                status = configure_who(server->config, options, error);
        if (status == POSTEL_OK)
                status = postel_config_check(server->config, error);
        return status;
}

void server_deinit(struct server *server)
{
        postel_config_free(&server->config);
}
