/* SPDX-License-Identifier: MIT */
/*
 * The one includer of GnuTLS. Verification is GnuTLS's own, name and purpose included, within the handshake:
 * no octet reaches a server that has not proved who it is.
 */

#include "net/tls.h"

#include "base/buffer.h"
#include "base/status.h"
#include "net/carrier.h"
#include "net/resolve.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

/* RFC 8997: nothing below TLS 1.2. */
#define TLS_PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* RFC 8446 section 5.1: the most octets of content in a record. */
#define RECORD_MAX_OCTETS 16384

/* GnuTLS reads a record's header and its content apart; what the carrier has is fetched at once instead. */
#define PULL_OCTETS 2048

struct tls_trust {
        gnutls_certificate_credentials_t credentials;
        gnutls_priority_t priority;
};

struct tls {
        gnutls_session_t session;
        struct carrier *carrier;
        char *server_name; /* GnuTLS borrows it for the handshake */
        gnutls_typed_vdata_st expected[2];
        struct buffer record; /* slices gathered for one record */
        size_t in_flight; /* octets of a record that is made but not yet written */
        size_t pulled_from, pulled_to;
        char pulled[PULL_OCTETS];
};

static postel_status trust_add(int certificates, const char *kind, const char *path, postel_error *error)
{
        if (certificates > 0)
                return POSTEL_OK;
        if (certificates == GNUTLS_E_MEMORY_ERROR)
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        return error_set(error, POSTEL_TLS, POSTEL_PHASE_NONE, "%s: %s: %s", kind, path,
                certificates == 0 ? "holds no certificate" : gnutls_strerror(certificates));
}

static postel_status trust_load(
        struct tls_trust *trust, const struct tls_trust_options *options, postel_error *error)
{
        gnutls_certificate_credentials_t credentials = trust->credentials;
        postel_status status = POSTEL_OK;

        if (options->ca_file)
                status = trust_add(gnutls_certificate_set_x509_trust_file(
                                           credentials, options->ca_file, GNUTLS_X509_FMT_PEM),
                        "CA file", options->ca_file, error);
        if (status == POSTEL_OK && options->ca_directory)
                status = trust_add(gnutls_certificate_set_x509_trust_dir(
                                           credentials, options->ca_directory, GNUTLS_X509_FMT_PEM),
                        "CA directory", options->ca_directory, error);
        if (status == POSTEL_OK && (options->system || (!options->ca_file && !options->ca_directory))) {
                /* A system without certificates is no error here: it trusts nobody, and the handshake says
                 * so. */
                int result = gnutls_certificate_set_x509_system_trust(credentials);
                if (result == GNUTLS_E_MEMORY_ERROR)
                        status = error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        }
        return status;
}

postel_status tls_trust_new(
        const struct tls_trust_options *options, struct tls_trust **trust, postel_error *error)
{
        struct tls_trust *made = calloc(1, sizeof(*made));

        if (!made || gnutls_certificate_allocate_credentials(&made->credentials) < 0 ||
                gnutls_priority_init(&made->priority, TLS_PRIORITY, NULL) < 0) {
                tls_trust_free(&made);
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        }
        postel_status status = trust_load(made, options, error);
        if (status != POSTEL_OK) {
                tls_trust_free(&made);
                return status;
        }
        *trust = made;
        return POSTEL_OK;
}

void tls_trust_free(struct tls_trust **trust)
{
        if (!*trust)
                return;
        if ((*trust)->priority)
                gnutls_priority_deinit((*trust)->priority);
        if ((*trust)->credentials)
                gnutls_certificate_free_credentials((*trust)->credentials);
        free(*trust);
        *trust = NULL;
}

/* What the carrier returned, as GnuTLS wants it. */
static ssize_t transported(struct tls *tls, ssize_t result)
{
        if (result >= 0)
                return result;
        int code = tls->carrier->system_error ? tls->carrier->system_error : EIO;
        gnutls_transport_set_errno(tls->session, result == CARRIER_AGAIN ? EAGAIN : code);
        return -1;
}

static ssize_t pull(gnutls_transport_ptr_t transport, void *data, size_t size)
{
        struct tls *tls = transport;

        if (tls->pulled_from == tls->pulled_to) {
                bool direct = size >= sizeof(tls->pulled);
                ssize_t got = tls->carrier->kind->read(
                        tls->carrier, direct ? data : tls->pulled, direct ? size : sizeof(tls->pulled));
                if (got <= 0 || direct)
                        return transported(tls, got);
                tls->pulled_from = 0;
                tls->pulled_to = (size_t)got;
        }
        size_t ready = tls->pulled_to - tls->pulled_from;
        size_t taken = size < ready ? size : ready;
        memcpy(data, tls->pulled + tls->pulled_from, taken);
        tls->pulled_from += taken;
        return (ssize_t)taken;
}

static ssize_t push(gnutls_transport_ptr_t transport, const giovec_t *slices, int count)
{
        struct tls *tls = transport;

        return transported(tls, tls->carrier->kind->write(tls->carrier, slices, count));
}

/* In the place of GnuTLS's own, which writes a session's keys where the environment (SSLKEYLOGFILE) says. */
static int keep_keys(gnutls_session_t session, const char *label, const gnutls_datum_t *secret)
{
        (void)session;
        (void)label;
        (void)secret;
        return 0;
}

static int session_set_up(struct tls *tls, const struct tls_trust *trust)
{
        static const unsigned char purpose[] = GNUTLS_KP_TLS_WWW_SERVER;
        int result = gnutls_init(&tls->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);

        if (result >= 0)
                result = gnutls_priority_set(tls->session, trust->priority);
        if (result >= 0)
                result = gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE, trust->credentials);
        /* RFC 6066 section 3: addresses are not sent as SNI. */
        if (result >= 0 && !resolve_is_address(tls->server_name))
                result = gnutls_server_name_set(
                        tls->session, GNUTLS_NAME_DNS, tls->server_name, strlen(tls->server_name));
        if (result < 0)
                return result;

        tls->expected[0] = (gnutls_typed_vdata_st){ .type = GNUTLS_DT_DNS_HOSTNAME,
                .data = (unsigned char *)tls->server_name };
        tls->expected[1] = (gnutls_typed_vdata_st){ .type = GNUTLS_DT_KEY_PURPOSE_OID,
                .data = (unsigned char *)purpose };
        gnutls_session_set_verify_cert2(tls->session, tls->expected, 2, 0);
        gnutls_session_set_keylog_function(tls->session, keep_keys);
        gnutls_transport_set_ptr(tls->session, tls);
        gnutls_transport_set_pull_function(tls->session, pull);
        gnutls_transport_set_vec_push_function(tls->session, push);
        return 0;
}

postel_status tls_new(struct carrier *carrier, const struct tls_trust *trust, const char *server_name,
        struct tls **tls, postel_error *error)
{
        struct tls *made = calloc(1, sizeof(*made));

        if (made)
                made->server_name = strdup(server_name);
        if (!made || !made->server_name) {
                tls_free(&made);
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_TLS, "out of memory");
        }
        made->carrier = carrier;
        buffer_init(&made->record, RECORD_MAX_OCTETS);
        int result = session_set_up(made, trust);
        if (result < 0) {
                tls_free(&made);
                return error_set(error, result == GNUTLS_E_MEMORY_ERROR ? POSTEL_MEMORY : POSTEL_TLS,
                        POSTEL_PHASE_TLS, "cannot begin TLS: %s", gnutls_strerror(result));
        }
        *tls = made;
        return POSTEL_OK;
}

void tls_free(struct tls **tls)
{
        if (!*tls)
                return;
        if ((*tls)->session)
                gnutls_deinit((*tls)->session);
        buffer_deinit(&(*tls)->record);
        explicit_bzero((*tls)->pulled, sizeof((*tls)->pulled));
        free((*tls)->server_name);
        free(*tls);
        *tls = NULL;
}

static int verification_fault(struct tls *tls, postel_error *error)
{
        gnutls_datum_t text = { NULL, 0 };
        unsigned reasons = gnutls_session_get_verify_cert_status(tls->session);

        gnutls_certificate_verification_status_print(reasons, GNUTLS_CRT_X509, &text, 0);
        /* It ends every sentence with a blank. */
        if (text.size && text.data[text.size - 1] == ' ')
                text.data[text.size - 1] = '\0';
        error_set(error, POSTEL_TLS, POSTEL_PHASE_TLS, "the certificate of %s is not trusted: %s",
                tls->server_name, text.data ? (const char *)text.data : "no reason was given");
        gnutls_free(text.data);
        return TLS_FAULT;
}

/* What GnuTLS returned and is final: whose fault was it? */
static int fault(struct tls *tls, int result, bool shaking_hands, postel_error *error)
{
        postel_status lost = shaking_hands ? POSTEL_TLS : POSTEL_IO;

        switch (result) {
        case GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR:
        case GNUTLS_E_CERTIFICATE_ERROR:
                return verification_fault(tls, error);
        case GNUTLS_E_MEMORY_ERROR:
                error_set(error, POSTEL_MEMORY, POSTEL_PHASE_TLS, "out of memory");
                return TLS_FAULT;
        case GNUTLS_E_FATAL_ALERT_RECEIVED:
                error_set(error, POSTEL_TLS, POSTEL_PHASE_TLS, "the server sent a TLS alert: %s",
                        gnutls_alert_get_name(gnutls_alert_get(tls->session)));
                return TLS_FAULT;
        case GNUTLS_E_PREMATURE_TERMINATION:
                error_set(error, lost, POSTEL_PHASE_TLS,
                        shaking_hands ? "the server closed the connection during the TLS handshake"
                                      : "the connection was cut within the TLS session");
                return TLS_FAULT;
        case GNUTLS_E_PULL_ERROR:
        case GNUTLS_E_PUSH_ERROR:
                carrier_fault(tls->carrier, lost, POSTEL_PHASE_TLS, error);
                return TLS_FAULT;
        default:
                error_set(error, POSTEL_TLS, POSTEL_PHASE_TLS, "TLS failed: %s", gnutls_strerror(result));
                return TLS_FAULT;
        }
}

int tls_handshake(struct tls *tls, postel_error *error)
{
        int result;

        do {
                result = gnutls_handshake(tls->session);
        } while (result == GNUTLS_E_WARNING_ALERT_RECEIVED || result == GNUTLS_E_INTERRUPTED);
        if (result == GNUTLS_E_AGAIN)
                return TLS_AGAIN;
        return result < 0 ? fault(tls, result, true, error) : 0;
}

ssize_t tls_read(struct tls *tls, void *data, size_t size, postel_error *error)
{
        ssize_t result;

        do {
                result = gnutls_record_recv(tls->session, data, size);
        } while (result == GNUTLS_E_INTERRUPTED);
        /* A request to renegotiate is a HelloRequest (RFC 5246 section 7.4.1.1): it may be ignored, and is.
         * Whoever sends these or warnings without end meets the caller's deadline. */
        if (result == GNUTLS_E_AGAIN || result == GNUTLS_E_WARNING_ALERT_RECEIVED ||
                result == GNUTLS_E_REHANDSHAKE)
                return TLS_AGAIN;
        return result < 0 ? fault(tls, (int)result, false, error) : result;
}

/* The octets of one record: where they lie when the first slice fills it, else gathered. NULL: out of memory.
 */
static const char *record_gather(struct tls *tls, const struct iovec *slices, int count, size_t *size)
{
        if (count == 1 || slices[0].iov_len >= RECORD_MAX_OCTETS) {
                *size = slices[0].iov_len < RECORD_MAX_OCTETS ? slices[0].iov_len : RECORD_MAX_OCTETS;
                return slices[0].iov_base;
        }
        buffer_truncate(&tls->record, 0);
        for (int i = 0; i < count && tls->record.size < RECORD_MAX_OCTETS; i++) {
                size_t room = RECORD_MAX_OCTETS - tls->record.size;
                size_t part = slices[i].iov_len < room ? slices[i].iov_len : room;
                if (!buffer_append(&tls->record, slices[i].iov_base, part))
                        return NULL;
        }
        *size = tls->record.size;
        return tls->record.data;
}

ssize_t tls_write(struct tls *tls, const struct iovec *slices, int count, postel_error *error)
{
        ssize_t result;

        do {
                const char *data = NULL;
                size_t size = 0;
                if (!tls->in_flight) {
                        data = record_gather(tls, slices, count, &size);
                        if (!data)
                                return fault(tls, GNUTLS_E_MEMORY_ERROR, false, error);
                        tls->in_flight = size;
                }
                result = gnutls_record_send(tls->session, data, size);
        } while (result == GNUTLS_E_INTERRUPTED);
        if (result == GNUTLS_E_AGAIN)
                return TLS_AGAIN;
        tls->in_flight = 0;
        return result < 0 ? fault(tls, (int)result, false, error) : result;
}

void tls_bye(struct tls *tls)
{
        /* Behind a record that is half written there is no place for a close_notify. */
        if (!tls->in_flight)
                gnutls_bye(tls->session, GNUTLS_SHUT_WR);
}

bool tls_wants_write(const struct tls *tls)
{
        return gnutls_record_get_direction(tls->session) == 1;
}

bool tls_has_pending(const struct tls *tls)
{
        return tls->pulled_from < tls->pulled_to || gnutls_record_check_pending(tls->session) > 0;
}

/* ---- Looking at it ---- */

/* Says as much as there is room for. */
static size_t put_text(const char *from, size_t length, char *text, size_t size)
{
        if (size) {
                size_t part = length < size - 1 ? length : size - 1;
                if (part)
                        memcpy(text, from, part);
                text[part] = '\0';
        }
        return length;
}

/* The server's, in DER; NULL: it showed none. */
static const gnutls_datum_t *certificate_of(const struct tls *tls)
{
        unsigned count = 0;
        const gnutls_datum_t *chain = gnutls_certificate_get_peers(tls->session, &count);

        return chain && count ? &chain[0] : NULL;
}

static void describe_certificate(const struct tls *tls, struct buffer *out)
{
        const gnutls_datum_t *der = certificate_of(tls);
        gnutls_x509_crt_t certificate;
        gnutls_datum_t line = { NULL, 0 };

        if (!der || gnutls_x509_crt_init(&certificate) < 0)
                return;
        if (gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) >= 0 &&
                gnutls_x509_crt_print(certificate, GNUTLS_CRT_PRINT_ONELINE, &line) >= 0) {
                buffer_append_text(out, "\n");
                buffer_append(out, line.data, line.size);
        }
        gnutls_free(line.data);
        gnutls_x509_crt_deinit(certificate);
}

static const char *version_name(const struct tls *tls)
{
        return gnutls_protocol_get_name(gnutls_protocol_get_version(tls->session));
}

static const char *cipher_suite(const struct tls *tls)
{
        const char *suite = gnutls_ciphersuite_get(tls->session);

        return suite ? suite : "";
}

size_t tls_describe(const struct tls *tls, char *text, size_t size)
{
        struct buffer out;

        buffer_init(&out, 4096);
        buffer_append_text(&out, version_name(tls));
        buffer_append_text(&out, " ");
        buffer_append_text(&out, cipher_suite(tls));
        describe_certificate(tls, &out);

        size_t length = put_text(out.data, out.size, text, size);
        buffer_deinit(&out);
        return length;
}

static size_t certificate_pem(const struct tls *tls, char *text, size_t size)
{
        const gnutls_datum_t *der = certificate_of(tls);
        gnutls_datum_t pem = { NULL, 0 };

        if (!der || gnutls_pem_base64_encode2("CERTIFICATE", der, &pem) < 0)
                return put_text("", 0, text, size);
        size_t length = put_text((const char *)pem.data, pem.size, text, size);
        gnutls_free(pem.data);
        return length;
}

size_t tls_detail(const struct tls *tls, postel_tls_detail detail, char *text, size_t size)
{
        const char *said = "";

        switch (detail) {
        case POSTEL_TLS_DETAIL_VERSION:
                said = version_name(tls);
                break;
        case POSTEL_TLS_DETAIL_CIPHER_SUITE:
                said = cipher_suite(tls);
                break;
        case POSTEL_TLS_DETAIL_CERTIFICATE:
                return certificate_pem(tls, text, size);
        case POSTEL_TLS_DETAIL_RESUMED:
                said = gnutls_session_is_resumed(tls->session) ? "yes" : "no";
                break;
        }
        return put_text(said, strlen(said), text, size);
}
