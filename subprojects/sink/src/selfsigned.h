/* SPDX-License-Identifier: MIT */
#ifndef SINK_SELFSIGNED_H
#define SINK_SELFSIGNED_H

#include <stdbool.h>

#include <gnutls/gnutls.h>

/* Makes an ECDSA P-256 key and a certificate for localhost that is its own trust anchor, gives both to the
 * credentials and writes the certificate to the file. On failure says why on stderr. */
bool selfsigned_install(gnutls_certificate_credentials_t credentials, const char *path);

#endif
