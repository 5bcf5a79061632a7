/* SPDX-License-Identifier: MIT */
/* What is wrong with a config: one table for texts, one for numbers, and what belongs together. */

#include "config.h"

#include "base/status.h"
#include "wire/address.h"

#include <limits.h>
#include <string.h>
#include <sys/un.h>

#define DAY_MS                86400000
#define CREDENTIAL_MAX_OCTETS 1024

bool config_has_own_tls(const postel_config *config)
{
        return config->tls != POSTEL_TLS_NONE && !(config->has_transport && config->transport.start_tls);
}

static const char *credential_fault(const char *text)
{
        if (strlen(text) > CREDENTIAL_MAX_OCTETS)
                return "is longer than 1024 octets";
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        return *text == '\r' || *text == '\n' ? "holds a CR or LF" : "holds a control octet";
        return NULL;
}

static const char *user_fault(const char *user)
{
        return *user ? credential_fault(user) : "is empty";
}

static const char *socket_path_fault(const char *path)
{
        struct sockaddr_un address;

        if (!*path)
                return "is empty";
        return strlen(path) < sizeof(address.sun_path) ? NULL : "is longer than 107 octets";
}

postel_status config_check_texts(const postel_config *config, postel_error *error)
{
        const struct {
                const char *field, *text;
                const char *(*fault)(const char *);
        } rows[] = {
                { "host", config->host, host_fault },
                { "socket path", config->socket_path, socket_path_fault },
                { "server name", config->server_name, host_fault },
                { "EHLO name", config->ehlo_name, ehlo_name_fault },
                { "user", config->user, user_fault },
                { "password", config->password, credential_fault },
                { "authentication mechanism", config->auth_mechanism, sasl_mechanism_fault },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *fault = rows[i].text ? rows[i].fault(rows[i].text) : NULL;
                if (fault)
                        return error_set(
                                error, POSTEL_INVALID, POSTEL_PHASE_NONE, "%s: %s", rows[i].field, fault);
        }
        return POSTEL_OK;
}

static postel_status check_numbers(const postel_config *config, postel_error *error)
{
        const struct {
                const char *field;
                int value, min, max;
        } rows[] = {
                { "port", config->port, 0, 65535 },
                { "tls", config->tls, POSTEL_TLS_STARTTLS, POSTEL_TLS_NONE },
                { "protocol", config->protocol, POSTEL_PROTOCOL_SMTP, POSTEL_PROTOCOL_LMTP },
                { "pipelining", config->pipelining, POSTEL_PIPELINING_AUTO, POSTEL_PIPELINING_NEVER },
                { "chunking", config->chunking, POSTEL_CHUNKING_AUTO, POSTEL_CHUNKING_ALWAYS },
                { "max recipients", config->max_recipients, 0, 1000000000 },
                { "timeout_ms", config->timeout_ms, 0, DAY_MS },
                { "phase_timeout_ms", config->phase_timeout_ms == -1 ? 1 : config->phase_timeout_ms, 1,
                        DAY_MS },
                { "socket buffer", config->socket_buffer, 0, INT_MAX / 2 },
                { "pool size", config->pool_size, 1, 10000 },
                { "idle_limit_ms", config->idle_limit_ms, 0, DAY_MS },
                { "max_age_ms", config->max_age_ms, 0, DAY_MS },
                { "max messages", config->max_messages, 0, 1000000000 },
                { "keepalive_ms", config->keepalive_ms, 0, DAY_MS },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (rows[i].value < rows[i].min || rows[i].value > rows[i].max)
                        return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE,
                                "%s: %d is not from %d to %d", rows[i].field, rows[i].value, rows[i].min,
                                rows[i].max);
        return POSTEL_OK;
}

/* The host is whom to resolve, and whom a certificate must be for. */
static postel_status check_host(const postel_config *config, postel_error *error)
{
        bool is_reached_otherwise = config->has_transport || config->socket_path;

        if (config->host || (is_reached_otherwise && !config_has_own_tls(config)))
                return POSTEL_OK;
        if (!is_reached_otherwise)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "host: is missing");
        if (config->server_name)
                return POSTEL_OK;
        return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE,
                "server name: is missing, as is the host, and there is TLS");
}

static postel_status check_transport(const postel_config *config, postel_error *error)
{
        const postel_transport *transport = &config->transport;
        const struct {
                const char *name;
                bool is_there;
        } functions[] = {
                { "open", transport->open != NULL },
                { "read", transport->read != NULL },
                { "write", transport->write != NULL },
                { "wait", transport->wait != NULL },
                { "close", transport->close != NULL },
        };

        for (size_t i = 0; config->has_transport && i < sizeof(functions) / sizeof(functions[0]); i++)
                if (!functions[i].is_there)
                        return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE,
                                "transport: its %s function is missing", functions[i].name);
        return POSTEL_OK;
}

postel_status postel_config_check(const postel_config *config, postel_error *error)
{
        if (!config)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "config: is missing");
        if (config->out_of_memory)
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        postel_status status = check_transport(config, error);
        if (status == POSTEL_OK)
                status = check_host(config, error);
        if (status != POSTEL_OK)
                return status;
        if (config->user && !config->password)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE,
                        "password: is missing, and there is a user");
        if (config->password && !config->user)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE,
                        "user: is missing, and there is a password");
        status = config_check_texts(config, error);
        return status == POSTEL_OK ? check_numbers(config, error) : status;
}
