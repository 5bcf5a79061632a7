/* SPDX-License-Identifier: MIT */
/* Configs: setters that only store, and the copies that connections and pools work with. What may be stored
 * is in config_check.c. */

#include "config.h"

#include "base/secret.h"
#include "base/status.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

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
        if (!config_has_own_tls(config))
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
