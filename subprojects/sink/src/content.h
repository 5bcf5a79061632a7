/* SPDX-License-Identifier: MIT */
#ifndef SINK_CONTENT_H
#define SINK_CONTENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <gnutls/crypto.h>

#define SHA256_OCTETS 32

/* The content of the message being received: counted always, hashed and stored only where somebody asked. */
struct content {
        uint64_t size;
        uint64_t bare; /* CRs and LFs that are not part of a CRLF */
        bool after_cr;
        bool hashing;
        bool failed;
        gnutls_hash_hd_t hash; /* kept from message to message: reading it out resets it */
        FILE *file;
        char *path;
};

void content_begin(struct content *content, bool hash, const char *directory, uint64_t session);
void content_write(struct content *content, const char *bytes, size_t count);

/* Ends the content and gives its digest (zeros when it was not hashed). False when it could not be hashed or
 * stored. */
bool content_finish(struct content *content, unsigned char digest[SHA256_OCTETS]);

/* Gives the stored file its final name; true when nothing is stored. */
bool content_keep(struct content *content, const char *directory, uint64_t number);

/* Forgets what was received so far; harmless when nothing was. */
void content_abandon(struct content *content);
void content_deinit(struct content *content);

#endif
