/* SPDX-License-Identifier: MIT */
/* A certificate made on the spot (RFC 5280). It is marked as a CA: OpenSSL takes any self-signed certificate
 * as an anchor, but GnuTLS and others only one that may sign. */
#include "selfsigned.h"

#include <netinet/in.h>
#include <stdio.h>
#include <time.h>

#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#define HOUR_S (60 * 60)
#define LIFE_S (30 * 24 * HOUR_S)

static int name(gnutls_x509_crt_t certificate)
{
        const struct in_addr four = { htonl(INADDR_LOOPBACK) };
        const struct in6_addr six = IN6ADDR_LOOPBACK_INIT;
        int failed;

        failed = gnutls_x509_crt_set_dn(certificate, "CN=localhost", NULL);
        if (failed >= 0)
                failed = gnutls_x509_crt_set_subject_alt_name(
                        certificate, GNUTLS_SAN_DNSNAME, "localhost", 9, GNUTLS_FSAN_SET);
        if (failed >= 0)
                failed = gnutls_x509_crt_set_subject_alt_name(
                        certificate, GNUTLS_SAN_IPADDRESS, &four, sizeof four, GNUTLS_FSAN_APPEND);
        if (failed >= 0)
                failed = gnutls_x509_crt_set_subject_alt_name(
                        certificate, GNUTLS_SAN_IPADDRESS, &six, sizeof six, GNUTLS_FSAN_APPEND);
        return failed;
}

static int fill(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key)
{
        unsigned char serial[16], id[32];
        size_t id_size = sizeof id;
        time_t now = time(NULL);
        int failed;

        failed = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);
        serial[0] = (unsigned char)((serial[0] & 0x7f) | 0x01); /* positive, and of fixed length */
        if (failed >= 0)
                failed = gnutls_x509_crt_set_version(certificate, 3);
        if (failed >= 0)
                failed = gnutls_x509_crt_set_serial(certificate, serial, sizeof serial);
        if (failed >= 0)
                failed = gnutls_x509_crt_set_activation_time(certificate, now - HOUR_S);
        if (failed >= 0)
                failed = gnutls_x509_crt_set_expiration_time(certificate, now + LIFE_S);
        if (failed >= 0)
                failed = gnutls_x509_crt_set_key(certificate, key);
        if (failed >= 0)
                failed = name(certificate);
        if (failed >= 0)
                failed = gnutls_x509_crt_set_basic_constraints(certificate, 1, -1);
        if (failed >= 0)
                failed = gnutls_x509_crt_set_key_usage(
                        certificate, GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_CERT_SIGN);
        if (failed >= 0)
                failed = gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_TLS_WWW_SERVER, 0);
        if (failed >= 0)
                failed = gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA1, id, &id_size);
        if (failed >= 0)
                failed = gnutls_x509_crt_set_subject_key_id(certificate, id, id_size);
        if (failed >= 0)
                failed = gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0);
        return failed;
}

static bool write_pem(gnutls_x509_crt_t certificate, const char *path)
{
        gnutls_datum_t pem = { 0 };
        FILE *file;
        bool written;

        if (gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem) < 0)
                return false;
        file = fopen(path, "we");
        written = file != NULL && fwrite(pem.data, 1, pem.size, file) == pem.size;
        if (file != NULL && fclose(file) != 0)
                written = false;
        if (!written)
                perror(path);
        gnutls_free(pem.data);
        return written;
}

bool selfsigned_install(gnutls_certificate_credentials_t credentials, const char *path)
{
        gnutls_x509_crt_t certificate = NULL;
        gnutls_x509_privkey_t key = NULL;
        int failed;
        bool installed = false;

        failed = gnutls_x509_crt_init(&certificate);
        if (failed >= 0)
                failed = gnutls_x509_privkey_init(&key);
        if (failed >= 0)
                failed = gnutls_x509_privkey_generate(
                        key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
        if (failed >= 0)
                failed = fill(certificate, key);
        if (failed >= 0)
                failed = gnutls_certificate_set_x509_key(credentials, &certificate, 1, key);
        if (failed < 0)
                fprintf(stderr, "postel-sink: --self-signed: %s\n", gnutls_strerror(failed));
        else
                installed = write_pem(certificate, path);
        gnutls_x509_crt_deinit(certificate);
        gnutls_x509_privkey_deinit(key);
        return installed;
}
