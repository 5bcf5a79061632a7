/* SPDX-License-Identifier: MIT */
/* What becomes of a message's content: its size, its bare CRs and LFs, its SHA-256, its file. Knows no SMTP.
 */
#include "content.h"

#include "buffer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void content_begin(struct content *content, bool hash, const char *directory, uint64_t session)
{
        char path[4096];

        content_abandon(content);
        content->hashing = hash;
        if (hash && content->hash == NULL && gnutls_hash_init(&content->hash, GNUTLS_DIG_SHA256) < 0)
                content->failed = true;
        if (directory == NULL)
                return;
        snprintf(path, sizeof path, "%s/.incoming-%" PRIu64, directory, session);
        content->path = memory_copy(path, strlen(path));
        content->file = fopen(path, "wbe");
        if (content->file == NULL)
                content->failed = true;
}

static void count_bare(struct content *content, const char *bytes, size_t count)
{
        const char *end = bytes + count, *at = bytes;

        if (count > 0 && content->after_cr) {
                content->after_cr = false;
                if (*at == '\n')
                        at++;
                else
                        content->bare++;
        }
        while (at < end) {
                const char *newline = memchr(at, '\n', (size_t)(end - at));
                const char *stop = newline != NULL ? newline : end;
                const char *cr;

                while ((cr = memchr(at, '\r', (size_t)(stop - at))) != NULL && cr + 1 < stop) {
                        content->bare++;
                        at = cr + 1;
                }
                if (newline == NULL) {
                        content->after_cr = cr != NULL;
                        return;
                }
                if (cr == NULL)
                        content->bare++;
                at = newline + 1;
        }
}

void content_write(struct content *content, const char *bytes, size_t count)
{
        if (count == 0)
                return;
        content->size += count;
        count_bare(content, bytes, count);
        if (content->hashing && content->hash != NULL && gnutls_hash(content->hash, bytes, count) < 0)
                content->failed = true;
        if (content->file != NULL && fwrite(bytes, 1, count, content->file) != count)
                content->failed = true;
}

bool content_finish(struct content *content, unsigned char digest[SHA256_OCTETS])
{
        if (content->after_cr) {
                content->after_cr = false;
                content->bare++;
        }
        memset(digest, 0, SHA256_OCTETS);
        if (content->hashing && content->hash != NULL)
                gnutls_hash_output(content->hash, digest);
        content->hashing = false;
        if (content->file != NULL && fclose(content->file) != 0)
                content->failed = true;
        content->file = NULL;
        return !content->failed;
}

bool content_keep(struct content *content, const char *directory, uint64_t number)
{
        char path[4096];
        bool kept;

        if (content->path == NULL)
                return true;
        snprintf(path, sizeof path, "%s/%06" PRIu64 ".eml", directory, number);
        kept = rename(content->path, path) == 0;
        if (kept) {
                free(content->path);
                content->path = NULL;
        }
        return kept;
}

void content_abandon(struct content *content)
{
        unsigned char digest[SHA256_OCTETS];

        if (content->hashing && content->hash != NULL)
                gnutls_hash_output(content->hash, digest);
        if (content->file != NULL)
                fclose(content->file);
        if (content->path != NULL)
                unlink(content->path);
        free(content->path);
        *content = (struct content){ .hash = content->hash };
}

void content_deinit(struct content *content)
{
        content_abandon(content);
        if (content->hash != NULL)
                gnutls_hash_deinit(content->hash, NULL);
        content->hash = NULL;
}
