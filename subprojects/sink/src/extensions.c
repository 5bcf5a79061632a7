/* SPDX-License-Identifier: MIT */
/* The one table of extensions: when each is offered, how EHLO announces it, which parameters it brings.
 * RFC 1870 SIZE, RFC 6152 8BITMIME, RFC 3030 BINARYMIME, RFC 3461 DSN, RFC 6531 SMTPUTF8, RFC 4954 AUTH, RFC
 * 9422 LIMITS; those of --with are in requested.c. */
#include "extensions.h"

#include "requested.h"
#include "server.h"
#include "session.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BAD_VALUE "501 5.5.4 Bad value of a parameter"

static bool can_auth(const struct session *session)
{
        const struct server *server = session->server;

        return server->users.count > 0 && (session->secure || server->settings.auth_without_tls);
}

static bool can_start_tls(const struct session *session)
{
        return session->server->tls != NULL && !session->secure;
}

/* RFC 3030 section 3: DATA cannot carry it; and its BODY is 8BITMIME's, with one more value. */
static bool can_binary(const struct session *session)
{
        return extension_offered(session, EXTENSION_CHUNKING) &&
               extension_offered(session, EXTENSION_8BITMIME);
}

static bool has_limits(const struct session *session)
{
        return session->server->settings.limits.text != NULL;
}

static bool is_secure(const struct session *session)
{
        return session->secure;
}

static void limits_argument(const struct session *session, struct buffer *line)
{
        buffer_printf(line, " %s", session->server->settings.limits.text);
}

static void size_argument(const struct session *session, struct buffer *line)
{
        if (session->server->settings.max_size > 0)
                buffer_printf(line, " %" PRId64, session->server->settings.max_size);
}

static void auth_argument(const struct session *session, struct buffer *line)
{
        (void)session;
        buffer_text(line, " PLAIN LOGIN");
}

static bool is_xtext(const char *value)
{
        for (const char *at = value; *at != '\0'; at++) {
                if (*at < '!' || *at > '~' || *at == '=')
                        return false;
                if (*at != '+')
                        continue;
                for (int i = 0; i < 2; i++)
                        if (*++at == '\0' || strchr("0123456789ABCDEF", *at) == NULL)
                                return false;
        }
        return true;
}

static const char *check_size(struct session *session, const char *value)
{
        int64_t most = session->server->settings.max_size;

        if (value == NULL || strlen(value) > 20 || value[strspn(value, "0123456789")] != '\0')
                return BAD_VALUE;
        return most > 0 && strtoull(value, NULL, 10) > (uint64_t)most ? "552 5.3.4 Message too big" : NULL;
}

static const char *check_body(struct session *session, const char *value)
{
        if (value == NULL)
                return BAD_VALUE;
        if (strcasecmp(value, "BINARYMIME") == 0 && extension_active(session, EXTENSION_BINARYMIME)) {
                session->transaction.binary = true;
                return NULL;
        }
        return strcasecmp(value, "7BIT") == 0 || strcasecmp(value, "8BITMIME") == 0 ? NULL : BAD_VALUE;
}

static const char *check_smtputf8(struct session *session, const char *value)
{
        session->transaction.smtputf8 = true;
        return value == NULL ? NULL : BAD_VALUE;
}

static const char *check_ret(struct session *session, const char *value)
{
        (void)session;
        return value != NULL && (strcasecmp(value, "FULL") == 0 || strcasecmp(value, "HDRS") == 0)
                       ? NULL
                       : BAD_VALUE;
}

static const char *check_envid(struct session *session, const char *value)
{
        (void)session;
        return value != NULL && strlen(value) <= 100 && is_xtext(value) ? NULL : BAD_VALUE;
}

static const char *check_auth(struct session *session, const char *value)
{
        bool mailbox = value != NULL && *value != '<' && is_xtext(value) &&
                       (strchr(value, '@') != NULL || strstr(value, "+40") != NULL);

        (void)session;
        return mailbox || (value != NULL && strcmp(value, "<>") == 0) ? NULL : BAD_VALUE;
}

static const char *check_notify(struct session *session, const char *value)
{
        static const char *const names[] = { "SUCCESS", "FAILURE", "DELAY" };

        (void)session;
        if (value == NULL)
                return BAD_VALUE;
        if (strcasecmp(value, "NEVER") == 0)
                return NULL;
        for (;;) {
                size_t length = strcspn(value, ","), i = 0;

                while (i < 3 && (strlen(names[i]) != length || strncasecmp(names[i], value, length) != 0))
                        i++;
                if (i == 3)
                        return BAD_VALUE;
                if (value[length] == '\0')
                        return NULL;
                value += length + 1;
        }
}

static const char *check_orcpt(struct session *session, const char *value)
{
        const char *semicolon = value != NULL ? strchr(value, ';') : NULL;
        bool utf8;

        if (semicolon == NULL || semicolon == value || semicolon[1] == '\0' || strlen(value) > 500)
                return BAD_VALUE;
        /* RFC 6533 section 3: with SMTPUTF8 the address may be UTF-8, and its xtext has another escape. */
        utf8 = session->transaction.smtputf8 && strncasecmp(value, "utf-8;", 6) == 0;
        return utf8 || is_xtext(semicolon + 1) ? NULL : BAD_VALUE;
}

struct parameter {
        enum parameter_command command;
        const char *keyword;
        const char *(*check)(struct session *session, const char *value);
};

static const struct extension_row {
        const char *name;
        bool (*possible)(const struct session *session);
        void (*argument)(const struct session *session, struct buffer *line);
        struct parameter parameters[4];
        const char *(*requested)(
                const char *argument); /* not NULL: offered on request, with such arguments */
} rows[EXTENSION_COUNT] = {
        [EXTENSION_EHLO] = { .name = "EHLO" },
        [EXTENSION_PIPELINING] = { .name = "PIPELINING" },
        [EXTENSION_SIZE] = { "SIZE", NULL, size_argument, { { PARAMETER_OF_MAIL, "SIZE", check_size } },
                NULL },
        [EXTENSION_8BITMIME] = { "8BITMIME", NULL, NULL, { { PARAMETER_OF_MAIL, "BODY", check_body } },
                NULL },
        [EXTENSION_DSN] = { "DSN", NULL, NULL,
                { { PARAMETER_OF_MAIL, "RET", check_ret }, { PARAMETER_OF_MAIL, "ENVID", check_envid },
                        { PARAMETER_OF_RCPT, "NOTIFY", check_notify },
                        { PARAMETER_OF_RCPT, "ORCPT", check_orcpt } },
                NULL },
        [EXTENSION_SMTPUTF8] = { "SMTPUTF8", NULL, NULL,
                { { PARAMETER_OF_MAIL, "SMTPUTF8", check_smtputf8 } }, NULL },
        [EXTENSION_CHUNKING] = { .name = "CHUNKING" },
        [EXTENSION_BINARYMIME] = { .name = "BINARYMIME", .possible = can_binary },
        [EXTENSION_ENHANCEDSTATUSCODES] = { .name = "ENHANCEDSTATUSCODES" },
        [EXTENSION_AUTH] = { "AUTH", can_auth, auth_argument, { { PARAMETER_OF_MAIL, "AUTH", check_auth } },
                NULL },
        [EXTENSION_STARTTLS] = { .name = "STARTTLS", .possible = can_start_tls },
        [EXTENSION_LIMITS] = { .name = "LIMITS", .possible = has_limits, .argument = limits_argument },
        [EXTENSION_DELIVERBY] = { "DELIVERBY", NULL, NULL, { { PARAMETER_OF_MAIL, "BY", requested_by } },
                requested_deliverby },
        [EXTENSION_FUTURERELEASE] = { "FUTURERELEASE", NULL, NULL,
                { { PARAMETER_OF_MAIL, "HOLDFOR", requested_holdfor },
                        { PARAMETER_OF_MAIL, "HOLDUNTIL", requested_holduntil } },
                requested_futurerelease },
        [EXTENSION_MT_PRIORITY] = { "MT-PRIORITY", NULL, NULL,
                { { PARAMETER_OF_MAIL, "MT-PRIORITY", requested_priority } }, requested_mt_priority },
        [EXTENSION_REQUIRETLS] = { "REQUIRETLS", is_secure, NULL,
                { { PARAMETER_OF_MAIL, "REQUIRETLS", requested_tls } }, requested_requiretls },
};

bool extension_by_name(const char *name, enum extension *extension)
{
        for (size_t i = 0; i < EXTENSION_COUNT; i++) {
                if (strcasecmp(rows[i].name, name) != 0)
                        continue;
                *extension = (enum extension)i;
                return true;
        }
        return false;
}

const char *extension_names_rule(void)
{
        return "must be EHLO, PIPELINING, SIZE, 8BITMIME, DSN, SMTPUTF8, CHUNKING, BINARYMIME, "
               "ENHANCEDSTATUSCODES, AUTH, STARTTLS, LIMITS, DELIVERBY, FUTURERELEASE, MT-PRIORITY or "
               "REQUIRETLS";
}

const char *extension_with_add(struct with *with, const char *text)
{
        size_t length = strcspn(text, "=");
        char name[32] = "";
        enum extension extension;
        const char *argument = text[length] == '=' ? text + length + 1 : "", *broken;

        if (length < sizeof name)
                memcpy(name, text, length);
        if (!extension_by_name(name, &extension) || rows[extension].requested == NULL)
                return "must be DELIVERBY, FUTURERELEASE, MT-PRIORITY or REQUIRETLS, and =ARGUMENTS behind "
                       "it";
        broken = rows[extension].requested(argument);
        if (broken != NULL)
                return broken;
        free(with->arguments[extension]);
        with->arguments[extension] = memory_copy(argument, strlen(argument));
        return NULL;
}

void extension_with_clear(struct with *with)
{
        for (size_t i = 0; i < EXTENSION_COUNT; i++) {
                free(with->arguments[i]);
                with->arguments[i] = NULL;
        }
}

bool extension_offered(const struct session *session, enum extension extension)
{
        const struct settings *settings = &session->server->settings;

        if (settings->without & UINT64_C(1) << extension)
                return false;
        if (rows[extension].requested != NULL && settings->with.arguments[extension] == NULL)
                return false;
        return rows[extension].possible == NULL || rows[extension].possible(session);
}

bool extension_active(const struct session *session, enum extension extension)
{
        return session->esmtp && extension_offered(session, extension);
}

void extension_ehlo_lines(const struct session *session, struct buffer *lines)
{
        const struct settings *settings = &session->server->settings;
        size_t last = 0;

        buffer_printf(lines, "250-%s\r\n", settings->hostname);
        for (size_t i = EXTENSION_EHLO + 1; i < EXTENSION_COUNT; i++) {
                if (!extension_offered(session, (enum extension)i))
                        continue;
                last = lines->used;
                buffer_printf(lines, "250-%s", rows[i].name);
                if (rows[i].argument != NULL)
                        rows[i].argument(session, lines);
                if (rows[i].requested != NULL && *settings->with.arguments[i] != '\0')
                        buffer_printf(lines, " %s", settings->with.arguments[i]);
                buffer_text(lines, "\r\n");
        }
        for (size_t i = 0; i < settings->ehlo_lines.count; i++) {
                last = lines->used;
                buffer_printf(lines, "250-%s\r\n", settings->ehlo_lines.texts[i]);
        }
        lines->data[last + 3] = ' ';
}

const char *extension_parameter(
        struct session *session, enum parameter_command command, const char *keyword, const char *value)
{
        for (size_t i = 0; i < EXTENSION_COUNT; i++) {
                for (size_t j = 0; j < 4 && rows[i].parameters[j].keyword != NULL; j++) {
                        const struct parameter *parameter = &rows[i].parameters[j];

                        if (parameter->command != command || strcasecmp(parameter->keyword, keyword) != 0)
                                continue;
                        if (!extension_active(session, (enum extension)i))
                                break;
                        return parameter->check(session, value);
                }
        }
        return "555 5.5.4 Parameter not known";
}
