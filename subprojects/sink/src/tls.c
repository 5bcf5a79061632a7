/* SPDX-License-Identifier: MIT */
/* What all TLS sessions share: certificate, priorities, the key of session tickets. */
#include "tls.h"

#include "buffer.h"
#include "selfsigned.h"
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

struct tls_server {
        gnutls_certificate_credentials_t credentials;
        gnutls_priority_t priority;
        gnutls_datum_t ticket_key;
};

static int report(const char *option, int code)
{
        fprintf(stderr, "postel-sink: --%s: %s\n", option, gnutls_strerror(code));
        return code;
}

static int load_certificate(struct tls_server *server, const struct settings *settings)
{
        int failed;

        if (settings->self_signed_file != NULL) {
                if (selfsigned_install(server->credentials, settings->self_signed_file))
                        return 0;
                return EX_CANTCREAT;
        }
        failed = gnutls_certificate_set_x509_key_file(
                server->credentials, settings->cert_file, settings->key_file, GNUTLS_X509_FMT_PEM);
        if (failed < 0) {
                report("cert", failed);
                return EX_NOINPUT;
        }
        return 0;
}

int tls_server_new(struct tls_server **out, const struct settings *settings)
{
        struct tls_server *server = memory_zeroed(sizeof *server);
        int failed, code;

        failed = gnutls_certificate_allocate_credentials(&server->credentials);
        if (failed >= 0)
                failed = gnutls_session_ticket_key_generate(&server->ticket_key);
        if (failed < 0) {
                report("self-signed", failed);
                code = EX_SOFTWARE;
        } else if ((failed = gnutls_priority_init(&server->priority, settings->tls_priority, NULL)) < 0) {
                report("tls-priority", failed);
                code = EX_USAGE;
        } else {
                code = load_certificate(server, settings);
        }
        if (code != 0)
                tls_server_free(&server);
        *out = server;
        return code;
}

void tls_server_free(struct tls_server **server)
{
        if (*server == NULL)
                return;
        if ((*server)->credentials != NULL)
                gnutls_certificate_free_credentials((*server)->credentials);
        if ((*server)->priority != NULL)
                gnutls_priority_deinit((*server)->priority);
        gnutls_free((*server)->ticket_key.data);
        free(*server);
        *server = NULL;
}

gnutls_session_t tls_session_new(const struct tls_server *server)
{
        gnutls_session_t session;

        if (gnutls_init(&session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0)
                return NULL;
        if (gnutls_priority_set(session, server->priority) < 0 ||
                gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, server->credentials) < 0 ||
                gnutls_session_ticket_enable_server(session, &server->ticket_key) < 0) {
                gnutls_deinit(session);
                return NULL;
        }
        gnutls_handshake_set_timeout(session, GNUTLS_INDEFINITE_TIMEOUT);
        return session;
}
