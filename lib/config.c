/* SPDX-License-Identifier: MIT */
/* Configs: setters that only store, one table of what may be stored, and URLs (RFC 3986). */

#include "config.h"

#include "base/secret.h"
#include "base/status.h"
#include "wire/address.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define DAY_MS                86400000
#define CREDENTIAL_MAX_OCTETS 1024
#define DEFAULT_TIMEOUT_MS    300000
#define DEFAULT_POOL_SIZE     4
#define DEFAULT_IDLE_LIMIT_MS 60000
#define DEFAULT_MAX_AGE_MS    1800000

postel_config *postel_config_new(void)
{
        postel_config *config = calloc(1, sizeof(*config));

        if (!config)
                return NULL;
        config->timeout_ms = DEFAULT_TIMEOUT_MS;
        config->phase_timeout_ms = -1;
        config->pool_size = DEFAULT_POOL_SIZE;
        config->idle_limit_ms = DEFAULT_IDLE_LIMIT_MS;
        config->max_age_ms = DEFAULT_MAX_AGE_MS;
        return config;
}

void postel_config_free(postel_config **config)
{
        if (!config || !*config)
                return;
        free((*config)->host);
        free((*config)->server_name);
        free((*config)->ca_file);
        free((*config)->ca_directory);
        free((*config)->ehlo_name);
        free((*config)->user);
        free((*config)->auth_mechanism);
        free((*config)->socket_path);
        secret_free(&(*config)->password);
        free(*config);
        *config = NULL;
}

static int default_port(const postel_config *config)
{
        if (config->protocol == POSTEL_PROTOCOL_LMTP)
                return 24; /* RFC 2033 forbids 25; 24 is for any private mail system */
        switch (config->tls) {
        case POSTEL_TLS_IMPLICIT:
                return 465; /* RFC 8314 section 7.3 */
        case POSTEL_TLS_NONE:
                return 25;
        default:
                return 587; /* RFC 6409 section 3.1 */
        }
}

const char *postel_config_host(const postel_config *config)
{
        return config && config->host ? config->host : "";
}

int postel_config_port(const postel_config *config)
{
        if (!config)
                return 0;
        return config->port ? config->port : default_port(config);
}

const char *postel_config_user(const postel_config *config)
{
        return config ? config->user : NULL;
}

int postel_config_has_password(const postel_config *config)
{
        return config && config->password;
}

/* ---- Setters ---- */

/* Replaces a text by a copy of another. */
static void put_text(postel_config *config, char **field, const char *text)
{
        char *copy = text ? strdup(text) : NULL;

        if (text && !copy)
                config->out_of_memory = true;
        free(*field);
        *field = copy;
}

/* A binding that lost its config is not to crash the program that it lives in. */
static void set_text(postel_config *config, size_t offset, const char *text)
{
        if (config)
                put_text(config, (char **)(void *)((char *)config + offset), text);
}

static void set_number(postel_config *config, size_t offset, int value)
{
        if (config)
                *(int *)(void *)((char *)config + offset) = value;
}

void postel_config_set_protocol(postel_config *config, postel_protocol protocol)
{
        set_number(config, offsetof(postel_config, protocol), (int)protocol);
}

void postel_config_set_socket_path(postel_config *config, const char *path)
{
        set_text(config, offsetof(postel_config, socket_path), path);
}

void postel_config_set_host(postel_config *config, const char *host)
{
        set_text(config, offsetof(postel_config, host), host);
}

void postel_config_set_port(postel_config *config, int port)
{
        set_number(config, offsetof(postel_config, port), port);
}

void postel_config_set_tls(postel_config *config, postel_tls tls)
{
        set_number(config, offsetof(postel_config, tls), (int)tls);
}

void postel_config_set_server_name(postel_config *config, const char *name)
{
        set_text(config, offsetof(postel_config, server_name), name);
}

void postel_config_set_ca_file(postel_config *config, const char *path)
{
        set_text(config, offsetof(postel_config, ca_file), path);
}

void postel_config_set_ca_directory(postel_config *config, const char *path)
{
        set_text(config, offsetof(postel_config, ca_directory), path);
}

void postel_config_set_system_trust(postel_config *config, int trusted)
{
        set_number(config, offsetof(postel_config, system_trust), trusted);
}

void postel_config_set_ehlo_name(postel_config *config, const char *name)
{
        set_text(config, offsetof(postel_config, ehlo_name), name);
}

void postel_config_set_user(postel_config *config, const char *user)
{
        set_text(config, offsetof(postel_config, user), user);
}

void postel_config_set_password(postel_config *config, const char *password)
{
        if (config)
                secret_free(&config->password);
        set_text(config, offsetof(postel_config, password), password);
}

void postel_config_set_auth_mechanism(postel_config *config, const char *mechanism)
{
        set_text(config, offsetof(postel_config, auth_mechanism), mechanism);
}

void postel_config_set_allow_plaintext_auth(postel_config *config, int allow)
{
        set_number(config, offsetof(postel_config, allow_plaintext_auth), allow);
}

void postel_config_set_timeout_ms(postel_config *config, int timeout_ms)
{
        set_number(config, offsetof(postel_config, timeout_ms), timeout_ms);
}

void postel_config_set_phase_timeout_ms(postel_config *config, int timeout_ms)
{
        set_number(config, offsetof(postel_config, phase_timeout_ms), timeout_ms);
}

void postel_config_set_pipelining(postel_config *config, postel_pipelining pipelining)
{
        set_number(config, offsetof(postel_config, pipelining), (int)pipelining);
}

void postel_config_set_chunking(postel_config *config, postel_chunking chunking)
{
        set_number(config, offsetof(postel_config, chunking), (int)chunking);
}

void postel_config_set_socket_buffer(postel_config *config, int octets)
{
        set_number(config, offsetof(postel_config, socket_buffer), octets);
}

void postel_config_set_trace(postel_config *config, postel_trace_function function, void *user_data)
{
        if (!config)
                return;
        config->trace = function;
        config->trace_data = user_data;
}

void postel_config_set_max_recipients(postel_config *config, int recipients)
{
        set_number(config, offsetof(postel_config, max_recipients), recipients);
}

void postel_config_set_max_octets(postel_config *config, unsigned long long octets)
{
        if (config)
                config->max_octets = octets;
}

void postel_config_set_policy(postel_config *config, postel_policy_function function, void *user_data)
{
        if (!config)
                return;
        config->policy = function;
        config->policy_data = user_data;
}

void postel_config_set_audit(postel_config *config, postel_audit_function function, void *user_data)
{
        if (!config)
                return;
        config->audit = function;
        config->audit_data = user_data;
}

void postel_config_set_transport(postel_config *config, const postel_transport *transport, void *user_data)
{
        if (!config)
                return;
        config->has_transport = transport != NULL;
        config->transport = transport ? *transport : (postel_transport){ 0 };
        config->transport_data = user_data;
}

void postel_config_set_pool_size(postel_config *config, int sessions)
{
        set_number(config, offsetof(postel_config, pool_size), sessions);
}

void postel_config_set_idle_limit_ms(postel_config *config, int limit_ms)
{
        set_number(config, offsetof(postel_config, idle_limit_ms), limit_ms);
}

void postel_config_set_max_age_ms(postel_config *config, int age_ms)
{
        set_number(config, offsetof(postel_config, max_age_ms), age_ms);
}

void postel_config_set_max_messages(postel_config *config, int messages)
{
        set_number(config, offsetof(postel_config, max_messages), messages);
}

void postel_config_set_keepalive_ms(postel_config *config, int interval_ms)
{
        set_number(config, offsetof(postel_config, keepalive_ms), interval_ms);
}

/* ---- Checking ---- */

/* Whether TLS, if any, is made by Postel, rather than by the caller's transport. */
static bool has_own_tls(const postel_config *config)
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

        if (config->host || (is_reached_otherwise && !has_own_tls(config)))
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

/* ---- Endpoints ---- */

static postel_config *config_copy(const postel_config *from)
{
        postel_config *copy = malloc(sizeof(*copy));

        if (!copy)
                return NULL;
        *copy = *from;
        char **texts[] = { &copy->host, &copy->server_name, &copy->ca_file, &copy->ca_directory,
                &copy->ehlo_name, &copy->user, &copy->password, &copy->auth_mechanism, &copy->socket_path };
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                const char *text = *texts[i];
                *texts[i] = NULL;
                put_text(copy, texts[i], text);
        }
        if (copy->out_of_memory)
                postel_config_free(&copy);
        return copy;
}

static struct session_options session_options(const postel_config *config)
{
        const char *host = postel_config_host(config);

        return (struct session_options){
                .address = {
                        .host = host,
                        .port = postel_config_port(config),
                        .socket_buffer = config->socket_buffer,
                        .socket_path = config->socket_path,
                        .transport = config->has_transport ? &config->transport : NULL,
                        .transport_data = config->transport_data,
                },
                .protocol = (postel_protocol)config->protocol,
                .tls = (postel_tls)config->tls,
                .server_name = config->server_name ? config->server_name : host,
                .ehlo_name = config->ehlo_name,
                .credentials = { config->user, config->password, config->auth_mechanism },
                .allow_plaintext_auth = config->allow_plaintext_auth != 0,
                .phase_timeout_ms = config->phase_timeout_ms,
                .pipelining = (postel_pipelining)config->pipelining,
                .chunking = (postel_chunking)config->chunking,
                .max_recipients = config->max_recipients,
                .max_octets = config->max_octets,
                .policy = config->policy,
                .policy_data = config->policy_data,
                .audit = config->audit,
                .audit_data = config->audit_data,
                .trace = config->trace,
                .trace_data = config->trace_data,
        };
}

postel_status endpoint_init(struct endpoint *endpoint, const postel_config *config, postel_error *error)
{
        *endpoint = (struct endpoint){ 0 };
        postel_status status = postel_config_check(config, error);
        if (status != POSTEL_OK)
                return status;
        endpoint->config = config_copy(config);
        endpoint->memory = calloc(1, sizeof(*endpoint->memory));
        if (!endpoint->config || !endpoint->memory) {
                endpoint_deinit(endpoint);
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        }
        endpoint->options = session_options(endpoint->config);
        endpoint->options.memory = endpoint->memory;
        if (!has_own_tls(config))
                return POSTEL_OK;
        struct tls_trust_options trust = { config->ca_file, config->ca_directory, config->system_trust != 0 };
        status = tls_trust_new(&trust, &endpoint->trust, error);
        if (status != POSTEL_OK)
                endpoint_deinit(endpoint);
        return status;
}

void endpoint_deinit(struct endpoint *endpoint)
{
        tls_trust_free(&endpoint->trust);
        postel_config_free(&endpoint->config);
        free(endpoint->memory);
        endpoint->memory = NULL;
}

postel_status endpoint_deadline(
        const struct endpoint *endpoint, int timeout_ms, struct deadline *deadline, postel_error *error)
{
        if (timeout_ms < -1)
                return error_set(
                        error, POSTEL_INVALID, POSTEL_PHASE_NONE, "timeout_ms: %d is negative", timeout_ms);
        *deadline = deadline_after_ms(timeout_ms == -1 ? endpoint->config->timeout_ms : timeout_ms);
        return POSTEL_OK;
}
