/* SPDX-License-Identifier: MIT */
/* The limits that are announced to clients (RFC 9422 section 4). What a session does at one is in
 * transaction.c.
 */
#include "limits.h"

#include "buffer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
        const char *name;
        size_t field;
} rows[] = {
        { "MAILMAX", offsetof(struct limits, mail_max) },
        { "RCPTMAX", offsetof(struct limits, rcpt_max) },
        { "RCPTDOMAINMAX", offsetof(struct limits, rcpt_domain_max) },
};

/* Of a name that is not known only the announcement is wanted. */
static const char *set_one(struct limits *limits, const char *text, size_t length)
{
        size_t name = strcspn(text, "= ");

        if (name == 0)
                return "must be limits like MAILMAX=5, with one blank between them";
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                size_t digits = length - name - 1;

                if (strlen(rows[i].name) != name || strncasecmp(rows[i].name, text, name) != 0)
                        continue;
                if (name >= length || digits < 1 || digits > 6 || text[name + 1] == '0' ||
                        strspn(text + name + 1, "0123456789") != digits)
                        return "MAILMAX, RCPTMAX and RCPTDOMAINMAX are numbers from 1 to 999999";
                *(int64_t *)(void *)((char *)limits + rows[i].field) = strtoll(text + name + 1, NULL, 10);
        }
        return NULL;
}

const char *limits_set(struct limits *limits, const char *text)
{
        struct limits read = { 0 };
        const char *at = text;

        if (strpbrk(text, "\r\n") != NULL)
                return "must not hold CR or LF";
        for (;;) {
                size_t length = strcspn(at, " ");
                const char *broken = set_one(&read, at, length);

                if (broken != NULL)
                        return broken;
                if (at[length] == '\0')
                        break;
                at += length + 1;
        }
        limits_clear(limits);
        read.text = memory_copy(text, strlen(text));
        *limits = read;
        return NULL;
}

void limits_clear(struct limits *limits)
{
        free(limits->text);
        *limits = (struct limits){ 0 };
}
