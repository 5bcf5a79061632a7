/* SPDX-License-Identifier: MIT */
/* A config from a URL (RFC 3986). Errors name the part and the rule, and never show the part: it may be a
 * password. */

#include "config.h"

#include "base/secret.h"
#include "base/status.h"
#include "wire/octet.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

struct part {
        const char *text;
        size_t size;
};

static postel_status fault(postel_error *error, const char *part, const char *rule)
{
        return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "url: the %s %s", part, rule);
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* RFC 3986 section 2.1, into `out` of part.size + 1 octets. False: a % without two digits, or one that hides
 * a NUL. */
static bool percent_decode(struct part part, char *out)
{
        for (size_t i = 0; i < part.size; i++) {
                if (part.text[i] != '%') {
                        *out++ = part.text[i];
                        continue;
                }
                int high = part.size - i > 2 ? hex_digit(part.text[i + 1]) : -1;
                int low = part.size - i > 2 ? hex_digit(part.text[i + 2]) : -1;
                if (high < 0 || low < 0 || high + low == 0)
                        return false;
                *out++ = (char)(high * 16 + low);
                i += 2;
        }
        *out = '\0';
        return true;
}

/* Hands the decoded part to a setter. */
static postel_status set_part(postel_config *config, void (*set)(postel_config *, const char *),
        struct part part, const char *name, postel_error *error)
{
        char *decoded = malloc(part.size + 1);

        if (!decoded)
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        bool valid = percent_decode(part, decoded);
        if (valid)
                set(config, decoded);
        else
                decoded[0] = '\0';
        explicit_bzero(decoded, part.size);
        free(decoded);
        return valid ? POSTEL_OK : fault(error, name, "has a % without two hexadecimal digits, or a %00");
}

/* What follows the prefix, in any case; NULL: something else stands there. */
static const char *behind_prefix(const char *text, const char *prefix)
{
        size_t size = strlen(prefix);
        bool is_there = strlen(text) >= size && octets_equal_in_any_case(text, prefix, size);

        return is_there ? text + size : NULL;
}

static postel_status parse_scheme(
        postel_config *config, const char *url, const char **rest, postel_error *error)
{
        static const struct {
                const char *prefix;
                postel_tls tls;
                postel_protocol protocol;
        } schemes[] = {
                { "smtp://", POSTEL_TLS_STARTTLS, POSTEL_PROTOCOL_SMTP },
                { "smtps://", POSTEL_TLS_IMPLICIT, POSTEL_PROTOCOL_SMTP },
                { "lmtp://", POSTEL_TLS_STARTTLS, POSTEL_PROTOCOL_LMTP },
                { "lmtps://", POSTEL_TLS_IMPLICIT, POSTEL_PROTOCOL_LMTP },
        };

        for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
                *rest = behind_prefix(url, schemes[i].prefix);
                if (!*rest)
                        continue;
                postel_config_set_tls(config, schemes[i].tls);
                postel_config_set_protocol(config, schemes[i].protocol);
                return POSTEL_OK;
        }
        return fault(error, "scheme", "is none of smtp://, smtps://, lmtp://, lmtps:// and lmtp+unix:");
}

static postel_status parse_user(postel_config *config, struct part part, postel_error *error)
{
        const char *colon = memchr(part.text, ':', part.size);
        struct part user = { part.text, colon ? (size_t)(colon - part.text) : part.size };

        postel_status status = set_part(config, postel_config_set_user, user, "user", error);
        if (status != POSTEL_OK || !colon)
                return status;
        struct part password = { colon + 1, part.size - user.size - 1 };
        return set_part(config, postel_config_set_password, password, "password", error);
}

static postel_status parse_port(postel_config *config, struct part part, postel_error *error)
{
        int port = 0;

        for (size_t i = 0; i < part.size; i++) {
                if (part.text[i] < '0' || part.text[i] > '9')
                        return fault(error, "port", "is no number");
                port = port * 10 + (part.text[i] - '0');
                if (port > 65535)
                        break;
        }
        if (port < 1 || port > 65535)
                return fault(error, "port", "is not from 1 to 65535");
        postel_config_set_port(config, port);
        return POSTEL_OK;
}

static postel_status set_host(postel_config *config, struct part part, bool bracketed, postel_error *error)
{
        unsigned char address[sizeof(struct in6_addr)];

        if (!part.size)
                return fault(error, "host", "is empty");
        postel_status status = set_part(config, postel_config_set_host, part, "host", error);
        if (status == POSTEL_OK && bracketed && config->host &&
                inet_pton(AF_INET6, config->host, address) != 1)
                return fault(error, "host", "has brackets around what is no IPv6 address");
        return status;
}

static postel_status parse_host(postel_config *config, struct part part, postel_error *error)
{
        bool bracketed = part.size && part.text[0] == '[';
        struct part host = part;
        const char *behind;

        if (bracketed) {
                const char *bracket = memchr(part.text, ']', part.size);
                if (!bracket)
                        return fault(error, "host", "has no closing bracket");
                host = (struct part){ part.text + 1, (size_t)(bracket - part.text) - 1 };
                behind = bracket + 1;
        } else {
                const char *colon = memchr(part.text, ':', part.size);
                behind = colon ? colon : part.text + part.size;
                host.size = (size_t)(behind - part.text);
        }
        postel_status status = set_host(config, host, bracketed, error);
        struct part rest = { behind, part.size - (size_t)(behind - part.text) };
        if (status != POSTEL_OK || !rest.size)
                return status;
        if (*rest.text != ':')
                return fault(error, "host", "is followed by something that is no port");
        return parse_port(config, (struct part){ rest.text + 1, rest.size - 1 }, error);
}

/* Behind `lmtp+unix:`: a path, which begins with a slash, or an empty authority and a path. */
static postel_status parse_unix(postel_config *config, const char *text, postel_error *error)
{
        if (strncmp(text, "//", 2) == 0)
                text += 2;
        struct part path = { text, strlen(text) };
        if (*text != '/')
                return fault(error, "path", "does not begin with a slash");
        if (strpbrk(text, "?#"))
                return fault(error, "path", "is followed by a query or fragment");
        postel_config_set_protocol(config, POSTEL_PROTOCOL_LMTP);
        postel_config_set_tls(config, POSTEL_TLS_NONE);
        return set_part(config, postel_config_set_socket_path, path, "path", error);
}

static postel_status parse_remote(postel_config *config, const char *url, postel_error *error)
{
        const char *authority = url, *at = NULL;

        postel_status status = parse_scheme(config, url, &authority, error);
        if (status != POSTEL_OK)
                return status;
        size_t size = strcspn(authority, "/?#");
        if (authority[size] && strcmp(authority + size, "/") != 0)
                return fault(error, "host", "is followed by a path, query or fragment");
        for (size_t i = 0; i < size; i++)
                if (authority[i] == '@')
                        at = authority + i;
        struct part host = { authority, size };
        if (at) {
                host = (struct part){ at + 1, size - (size_t)(at + 1 - authority) };
                status = parse_user(config, (struct part){ authority, (size_t)(at - authority) }, error);
        }
        return status == POSTEL_OK ? parse_host(config, host, error) : status;
}

static postel_status parse(postel_config *config, const char *url, postel_error *error)
{
        const char *path = behind_prefix(url, "lmtp+unix:");

        return path ? parse_unix(config, path, error) : parse_remote(config, url, error);
}

postel_status postel_config_from_url(const char *url, postel_config **config, postel_error *error)
{
        if (!url || !config)
                return error_set(
                        error, POSTEL_INVALID, POSTEL_PHASE_NONE, "%s: is missing", url ? "config" : "url");
        postel_config *made = postel_config_new();
        if (!made)
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        postel_status status = parse(made, url, error);
        if (status == POSTEL_OK && made->out_of_memory)
                status = error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        if (status == POSTEL_OK)
                status = config_check_texts(made, error);
        if (status != POSTEL_OK) {
                postel_config_free(&made);
                return status;
        }
        *config = made;
        return POSTEL_OK;
}
