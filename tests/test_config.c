/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "harness.h"
#include "sink.h"

#include <postel/pool.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* Stands in every URL that is refused: no error may show it, whole or in part. */
#define SECRET "hunter2"

/* A config that lacks nothing. */
static postel_config *good_config(void)
{
        postel_config *config = postel_config_new();

        REQUIRE(config != NULL);
        postel_config_set_host(config, "mail.example.com");
        return config;
}

/* ---- URLs ---- */

static void reads_urls(void)
{
        static const struct {
                const char *url, *host;
                int port;
                postel_tls tls;
                const char *user, *password;
        } rows[] = {
                { "smtp://mail.example.com", "mail.example.com", 0, POSTEL_TLS_STARTTLS, NULL, NULL },
                { "smtps://mail.example.com", "mail.example.com", 0, POSTEL_TLS_IMPLICIT, NULL, NULL },
                { "SMTPS://Mail.Example", "Mail.Example", 0, POSTEL_TLS_IMPLICIT, NULL, NULL },
                { "smtp://localhost:1", "localhost", 1, POSTEL_TLS_STARTTLS, NULL, NULL },
                { "smtp://localhost:65535", "localhost", 65535, POSTEL_TLS_STARTTLS, NULL, NULL },
                { "smtp://localhost:0025", "localhost", 25, POSTEL_TLS_STARTTLS, NULL, NULL },
                { "smtp://localhost/", "localhost", 0, POSTEL_TLS_STARTTLS, NULL, NULL },
                { "smtp://192.0.2.1:25", "192.0.2.1", 25, POSTEL_TLS_STARTTLS, NULL, NULL },
                { "smtp://[::1]", "::1", 0, POSTEL_TLS_STARTTLS, NULL, NULL },
                { "smtps://[2001:db8::25]:2465", "2001:db8::25", 2465, POSTEL_TLS_IMPLICIT, NULL, NULL },
                { "smtp://tim@host", "host", 0, POSTEL_TLS_STARTTLS, "tim", NULL },
                { "smtp://tim:@host", "host", 0, POSTEL_TLS_STARTTLS, "tim", "" },
                { "smtp://tim:pass@host:25", "host", 25, POSTEL_TLS_STARTTLS, "tim", "pass" },
                { "smtp://tim:pass@[::1]:25", "::1", 25, POSTEL_TLS_STARTTLS, "tim", "pass" },
                { "smtp://tim:pa:ss@host", "host", 0, POSTEL_TLS_STARTTLS, "tim", "pa:ss" },
                { "smtp://tim@x.example:p@ss@host", "host", 0, POSTEL_TLS_STARTTLS, "tim@x.example", "p@ss" },
                { "smtp://t%69m%40x:%70%3a%2F%3f%23%25@h%6Fst", "host", 0, POSTEL_TLS_STARTTLS, "tim@x",
                        "p:/?#%" },
                { "smtp://j%C3%b6rg:%c3%9f@host", "host", 0, POSTEL_TLS_STARTTLS, "j\xc3\xb6rg", "\xc3\x9f" },
                { "smtp://tim:a+b%20c@host", "host", 0, POSTEL_TLS_STARTTLS, "tim", "a+b c" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                postel_config *config = NULL;
                int port = rows[i].port ? rows[i].port : rows[i].tls == POSTEL_TLS_IMPLICIT ? 465 : 587;
                harness_row("%s", rows[i].url);
                if (CHECK_INT(postel_config_from_url(rows[i].url, &config, NULL), POSTEL_OK)) {
                        CHECK_STR(postel_config_host(config), rows[i].host);
                        CHECK_INT(postel_config_port(config), port);
                        CHECK_INT(config->tls, rows[i].tls);
                        CHECK_STR(postel_config_user(config), rows[i].user);
                        CHECK_STR(config->password, rows[i].password);
                        CHECK_INT(postel_config_has_password(config), rows[i].password != NULL);
                }
                postel_config_free(&config);
        }
}

/* LMTP, over TCP and over a Unix socket. */
static void reads_urls_of_lmtp(void)
{
        static const struct {
                const char *url, *host, *path, *user;
                int port;
                postel_tls tls;
        } rows[] = {
                { "lmtp://mail.example.com", "mail.example.com", NULL, NULL, 24, POSTEL_TLS_STARTTLS },
                { "lmtps://tim:pass@mail.example.com", "mail.example.com", NULL, "tim", 24,
                        POSTEL_TLS_IMPLICIT },
                { "LMTP://[::1]:2424/", "::1", NULL, NULL, 2424, POSTEL_TLS_STARTTLS },
                { "lmtp+unix:/run/lmtp", "", "/run/lmtp", NULL, 24, POSTEL_TLS_NONE },
                { "LMTP+UNIX:/", "", "/", NULL, 24, POSTEL_TLS_NONE },
                { "lmtp+unix:///run/lmtp", "", "/run/lmtp", NULL, 24, POSTEL_TLS_NONE },
                { "lmtp+unix:////run", "", "//run", NULL, 24, POSTEL_TLS_NONE },
                { "lmtp+unix:/a%20b%3f%25/c@d:e", "", "/a b?%/c@d:e", NULL, 24, POSTEL_TLS_NONE },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                postel_config *config = NULL;
                harness_row("%s", rows[i].url);
                if (CHECK_INT(postel_config_from_url(rows[i].url, &config, NULL), POSTEL_OK)) {
                        CHECK_INT(postel_config_check(config, NULL), POSTEL_OK);
                        CHECK_INT(config->protocol, POSTEL_PROTOCOL_LMTP);
                        CHECK_STR(postel_config_host(config), rows[i].host);
                        CHECK_INT(postel_config_port(config), rows[i].port);
                        CHECK_STR(config->socket_path, rows[i].path);
                        CHECK_STR(postel_config_user(config), rows[i].user);
                        CHECK_INT(config->tls, rows[i].tls);
                }
                postel_config_free(&config);
        }
}

static void refuses_urls(void)
{
        static const struct {
                const char *url, *want;
        } rows[] = {
                { "", "url: the scheme" },
                { "mail.example.com",
                        "url: the scheme is none of smtp://, smtps://, lmtp://, lmtps:// and lmtp+unix:" },
                { "http://u:" SECRET "@host",
                        "url: the scheme is none of smtp://, smtps://, lmtp://, lmtps:// and lmtp+unix:" },
                { "smtp:/u:" SECRET "@host", "url: the scheme" },
                { "smtp:u:" SECRET "@host", "url: the scheme" },
                { " smtp://u:" SECRET "@host", "url: the scheme" },
                { "smtpss://u:" SECRET "@host", "url: the scheme" },
                { "lmtp+unix:", "url: the path does not begin with a slash" },
                { "lmtp+unix:run/lmtp", "url: the path does not begin with a slash" },
                { "lmtp+unix://", "url: the path does not begin with a slash" },
                { "lmtp+unix://host/run", "url: the path does not begin with a slash" },
                { "lmtp+unix://u:" SECRET "@/run", "url: the path does not begin with a slash" },
                { "lmtp+unix:u:" SECRET "@/run", "url: the path does not begin with a slash" },
                { "lmtp+unix:/run?x", "url: the path is followed by a query or fragment" },
                { "lmtp+unix:/run#x", "url: the path is followed by a query or fragment" },
                { "lmtp+unix:/run%0", "url: the path has a % without two hexadecimal digits" },
                { "lmtp+unix:/run%00", "url: the path has a %" },
                { "smtp+unix:/run", "url: the scheme is none of" },
                { "smtp://", "url: the host is empty" },
                { "smtp:///", "url: the host is empty" },
                { "smtp://u:" SECRET "@", "url: the host is empty" },
                { "smtp://u:" SECRET "@:25", "url: the host is empty" },
                { "smtp://u:" SECRET "@[]", "url: the host is empty" },
                { "smtp://u:" SECRET "@host:", "url: the port is not from 1 to 65535" },
                { "smtp://u:" SECRET "@host:0", "url: the port is not from 1 to 65535" },
                { "smtp://u:" SECRET "@host:65536", "url: the port is not from 1 to 65535" },
                { "smtp://u:" SECRET "@host:4294967321", "url: the port is not from 1 to 65535" },
                { "smtp://u:" SECRET "@host:99999999999999999999", "url: the port is not from 1 to 65535" },
                { "smtp://u:" SECRET "@host:-25", "url: the port is no number" },
                { "smtp://u:" SECRET "@host:+25", "url: the port is no number" },
                { "smtp://u:" SECRET "@host:25x", "url: the port is no number" },
                { "smtp://u:" SECRET "@host: 25", "url: the port is no number" },
                { "smtp://u:" SECRET "@host:%32%35", "url: the port is no number" },
                { "smtp://u:" SECRET "@::1", "url: the host is empty" },
                { "smtp://u:" SECRET "@2001:db8::1", "url: the port is no number" },
                { "smtp://u:" SECRET "@[::1", "url: the host has no closing bracket" },
                { "smtp://u:" SECRET "@[::1]25", "url: the host is followed by something that is no port" },
                { "smtp://u:" SECRET "@[host]", "url: the host has brackets" },
                { "smtp://u:" SECRET "@[192.0.2.1]", "url: the host has brackets" },
                { "smtp://u:" SECRET "@[::1%25lo]", "url: the host has brackets" },
                { "smtp://u:" SECRET "@host/path", "url: the host is followed by a path" },
                { "smtp://u:" SECRET "@host//", "url: the host is followed by a path" },
                { "smtp://u:" SECRET "@host?x", "url: the host is followed by a path, query or fragment" },
                { "smtp://u:" SECRET "@host/?x", "url: the host is followed by a path" },
                { "smtp://u:" SECRET "@host#x", "url: the host is followed by a path, query or fragment" },
                { "smtp://u:hunt/" SECRET "@host", "url: the host is followed by a path" },
                { "smtp://u:" SECRET "%@host", "url: the password has a % without two hexadecimal digits" },
                { "smtp://u:" SECRET "%4@host", "url: the password has a %" },
                { "smtp://u:" SECRET "%4g@host", "url: the password has a %" },
                { "smtp://u:" SECRET "%-1@host", "url: the password has a %" },
                { "smtp://u:" SECRET "%00@host", "url: the password has a %" },
                { "smtp://u%00:" SECRET "@host", "url: the user has a %" },
                { "smtp://u%zz:" SECRET "@host", "url: the user has a %" },
                { "smtp://u:" SECRET "@ho%00st", "url: the host has a %" },
                { "smtp://u:" SECRET "@h%", "url: the host has a %" },
                { "smtp://:" SECRET "@host", "user: is empty" },
                { "smtp://u%0d%0aMAIL:" SECRET "@host", "user: holds a CR or LF" },
                { "smtp://u:" SECRET "%0a@host", "password: holds a CR or LF" },
                { "smtp://u:" SECRET "%7F@host", "password: holds a control octet" },
                { "smtp://u:" SECRET "@ho%0Dst", "host: holds a CR or LF" },
                { "smtp://u:" SECRET "@ho st", "host: has a space" },
                { "smtp://u:" SECRET "@host..", "host: " },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                postel_config *config = (postel_config *)&rows;
                postel_error error = { 0 };
                harness_row("%s", rows[i].url);
                CHECK_INT(postel_config_from_url(rows[i].url, &config, &error), POSTEL_INVALID);
                CHECK(config == (postel_config *)&rows);
                CHECK_INT(error.status, POSTEL_INVALID);
                CHECK_INT(error.phase, POSTEL_PHASE_NONE);
                if (!CHECK(strncmp(error.message, rows[i].want, strlen(rows[i].want)) == 0))
                        CHECK_STR(error.message, rows[i].want);
                CHECK(!strstr(error.message, "hunt"));
                CHECK_INT(postel_config_from_url(rows[i].url, &config, NULL), POSTEL_INVALID);
        }
}

static void refuses_to_read_a_url_from_nowhere(void)
{
        postel_config *config = NULL;
        postel_error error;

        CHECK_INT(postel_config_from_url(NULL, &config, &error), POSTEL_INVALID);
        CHECK(strstr(error.message, "url: is missing"));
        CHECK_INT(postel_config_from_url("smtp://host", NULL, &error), POSTEL_INVALID);
        CHECK(strstr(error.message, "config: is missing"));
}

/* ---- Setters ---- */

static void set_user_with_password(postel_config *config, const char *user)
{
        postel_config_set_user(config, user);
        postel_config_set_password(config, "pass");
}

static void set_password_with_user(postel_config *config, const char *password)
{
        postel_config_set_user(config, "tim");
        postel_config_set_password(config, password);
}

/* A text of `size` letters; static until the next call. */
static const char *letters(size_t size)
{
        static char text[4096];

        REQUIRE(size < sizeof(text));
        memset(text, 'a', size);
        text[size] = '\0';
        return text;
}

static void checks_texts(void)
{
        static const struct {
                void (*set)(postel_config *, const char *);
                const char *text;
                const char *want; /* NULL: taken */
        } rows[] = {
                { postel_config_set_host, "mail.example.com", NULL },
                { postel_config_set_host, "192.0.2.1", NULL },
                { postel_config_set_host, "2001:db8::1", NULL },
                { postel_config_set_host, NULL, "host: is missing" },
                { postel_config_set_host, "", "host: is empty" },
                { postel_config_set_host, "a\r\nb", "host: holds a CR or LF" },
                { postel_config_set_host, "a\nb", "host: holds a CR or LF" },
                { postel_config_set_host, "a\tb", "host: holds a control octet" },
                { postel_config_set_host, "a b", "host: has a space" },
                { postel_config_set_host, "a..b", "host: has an empty domain label" },
                { postel_config_set_host, "[::1]", "host: has brackets: write the address without them" },
                { postel_config_set_host, "host:25", "host: has a colon and is no IPv6 address" },
                { postel_config_set_host, "b\xc3\xbc.example", "host: has octets that are not ASCII" },
                { postel_config_set_server_name, "mail.example.com", NULL },
                { postel_config_set_server_name, NULL, NULL },
                { postel_config_set_server_name, "", "server name: is empty" },
                { postel_config_set_server_name, "a\rb", "server name: holds a CR or LF" },
                { postel_config_set_server_name, "*.example.com", "server name: has an octet in its domain" },
                { postel_config_set_ehlo_name, "client.example", NULL },
                { postel_config_set_ehlo_name, "[192.0.2.1]", NULL },
                { postel_config_set_ehlo_name, "[IPv6:2001:db8::1]", NULL },
                { postel_config_set_ehlo_name, NULL, NULL },
                { postel_config_set_ehlo_name, "", "EHLO name: is empty" },
                { postel_config_set_ehlo_name, "x\r\nMAIL FROM:<>", "EHLO name: holds a CR or LF" },
                { postel_config_set_ehlo_name, "x\n", "EHLO name: holds a CR or LF" },
                { postel_config_set_ehlo_name, "a b", "EHLO name: has a space" },
                { postel_config_set_ehlo_name, "[192.0.2.256]", "EHLO name: has an address literal" },
                { set_user_with_password, "tim", NULL },
                { set_user_with_password, "j\xc3\xb6rg@example.com", NULL },
                { set_user_with_password, "", "user: is empty" },
                { set_user_with_password, "tim\r", "user: holds a CR or LF" },
                { set_user_with_password, "tim\nx", "user: holds a CR or LF" },
                { set_user_with_password, "tim\x01", "user: holds a control octet" },
                { set_user_with_password, "tim\x7f", "user: holds a control octet" },
                { set_password_with_user, "", NULL },
                { set_password_with_user, "a b:c%@\\\"\xc3\xb6", NULL },
                { set_password_with_user, SECRET "\r\n", "password: holds a CR or LF" },
                { set_password_with_user, "\n" SECRET, "password: holds a CR or LF" },
                { set_password_with_user, SECRET "\x1b", "password: holds a control octet" },
                { set_password_with_user, NULL, "password: is missing, and there is a user" },
                { postel_config_set_password, "pass", "user: is missing, and there is a password" },
                { postel_config_set_user, "tim", "password: is missing, and there is a user" },
                { postel_config_set_user, NULL, NULL },
                { postel_config_set_auth_mechanism, "PLAIN", NULL },
                { postel_config_set_auth_mechanism, "login", NULL },
                { postel_config_set_auth_mechanism, NULL, NULL },
                { postel_config_set_auth_mechanism, "", "authentication mechanism: is neither" },
                { postel_config_set_auth_mechanism, "GSSAPI",
                        "authentication mechanism: is neither PLAIN nor LOGIN" },
                { postel_config_set_auth_mechanism, "PLAIN\r\n", "authentication mechanism: is neither" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                postel_config *config = good_config();
                postel_error error = { .status = POSTEL_OK };
                harness_row("%zu: %s", i, rows[i].text ? rows[i].text : "NULL");
                rows[i].set(config, rows[i].text);
                postel_status want = rows[i].want ? POSTEL_INVALID : POSTEL_OK;
                CHECK_INT(postel_config_check(config, &error), want);
                CHECK_INT(error.status, want);
                CHECK_INT(postel_config_check(config, NULL), want);
                if (rows[i].want && !CHECK(strstr(error.message, rows[i].want) == error.message))
                        CHECK_STR(error.message, rows[i].want);
                CHECK(!strstr(error.message, SECRET));
                postel_config_free(&config);
        }
}

static void bounds_credentials(void)
{
        static const struct {
                void (*set)(postel_config *, const char *);
                size_t size;
                const char *want;
        } rows[] = {
                { set_user_with_password, 1024, NULL },
                { set_user_with_password, 1025, "user: is longer than 1024 octets" },
                { set_password_with_user, 1024, NULL },
                { set_password_with_user, 1025, "password: is longer than 1024 octets" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                postel_config *config = good_config();
                postel_error error = { .message = "" };
                rows[i].set(config, letters(rows[i].size));
                CHECK_INT(postel_config_check(config, &error), rows[i].want ? POSTEL_INVALID : POSTEL_OK);
                CHECK_STR(error.message, rows[i].want ? rows[i].want : "");
                postel_config_free(&config);
        }
}

static void set_tls_number(postel_config *config, int number)
{
        postel_config_set_tls(config, (postel_tls)number);
}

static void set_pipelining_number(postel_config *config, int number)
{
        postel_config_set_pipelining(config, (postel_pipelining)number);
}

static void set_protocol_number(postel_config *config, int number)
{
        postel_config_set_protocol(config, (postel_protocol)number);
}

static void set_chunking_number(postel_config *config, int number)
{
        postel_config_set_chunking(config, (postel_chunking)number);
}

static void checks_numbers(void)
{
        static const struct {
                const char *field;
                void (*set)(postel_config *, int);
                int min, max;
                int also; /* a number out of the range that means something */
        } rows[] = {
                { "port", postel_config_set_port, 0, 65535, 0 },
                { "tls", set_tls_number, 0, 3, 0 },
                { "pipelining", set_pipelining_number, 0, 1, 0 },
                { "timeout_ms", postel_config_set_timeout_ms, 0, 86400000, 0 },
                { "phase_timeout_ms", postel_config_set_phase_timeout_ms, 1, 86400000, -1 },
                { "pool size", postel_config_set_pool_size, 1, 10000, 1 },
                { "idle_limit_ms", postel_config_set_idle_limit_ms, 0, 86400000, 0 },
                { "max_age_ms", postel_config_set_max_age_ms, 0, 86400000, 0 },
                { "max messages", postel_config_set_max_messages, 0, 1000000000, 0 },
                { "keepalive_ms", postel_config_set_keepalive_ms, 0, 86400000, 0 },
                { "protocol", set_protocol_number, 0, 1, 0 },
                { "chunking", set_chunking_number, 0, 2, 0 },
                { "max recipients", postel_config_set_max_recipients, 0, 1000000000, 0 },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                const int bad[] = { rows[i].min - 1 == rows[i].also ? -2 : rows[i].min - 1, rows[i].max + 1,
                        -2, -2147483647 - 1, 2147483647 };
                const int good[] = { rows[i].min, rows[i].max, rows[i].also };
                postel_config *config = good_config();
                postel_error error;
                for (size_t k = 0; k < COUNT(bad); k++) {
                        char want[80];
                        harness_row("%s %d", rows[i].field, bad[k]);
                        rows[i].set(config, bad[k]);
                        CHECK_INT(postel_config_check(config, &error), POSTEL_INVALID);
                        if (i == 4)
                                snprintf(want, sizeof(want), "%s: ", rows[i].field);
                        else
                                snprintf(want, sizeof(want), "%s: %d is not from %d to %d", rows[i].field,
                                        bad[k], rows[i].min, rows[i].max);
                        if (!CHECK(strstr(error.message, want) == error.message))
                                CHECK_STR(error.message, want);
                }
                for (size_t k = 0; k < COUNT(good); k++) {
                        harness_row("%s %d", rows[i].field, good[k]);
                        rows[i].set(config, good[k]);
                        CHECK_INT(postel_config_check(config, NULL), POSTEL_OK);
                }
                postel_config_free(&config);
        }
}

static void bounds_the_path_of_a_socket(void)
{
        static const struct {
                size_t size;
                const char *want;
        } rows[] = { { 0, "socket path: is empty" }, { 1, NULL }, { 107, NULL },
                { 108, "socket path: is longer than 107 octets" } };

        for (size_t i = 0; i < COUNT(rows); i++) {
                postel_config *config = postel_config_new();
                postel_error error = { .message = "" };
                harness_row("%zu", rows[i].size);
                postel_config_set_tls(config, POSTEL_TLS_NONE);
                postel_config_set_socket_path(config, letters(rows[i].size));
                CHECK_INT(postel_config_check(config, &error), rows[i].want ? POSTEL_INVALID : POSTEL_OK);
                CHECK_STR(error.message, rows[i].want ? rows[i].want : "");
                postel_config_set_socket_path(config, NULL);
                CHECK_INT(postel_config_check(config, &error), POSTEL_INVALID);
                CHECK_STR(error.message, "host: is missing");
                postel_config_free(&config);
        }
}

static int mine_open(void *user_data, const char *host, int port, int timeout_ms, void **stream, char *reason,
        size_t reason_size)
{
        (void)user_data, (void)host, (void)port, (void)timeout_ms, (void)stream;
        (void)reason, (void)reason_size;
        return 1;
}

static long long mine_read(void *stream, void *buffer, size_t size)
{
        (void)stream, (void)buffer, (void)size;
        return 0;
}

static long long mine_write(void *stream, const void *octets, size_t size)
{
        (void)stream, (void)octets;
        return (long long)size;
}

static int mine_wait(void *stream, int writing, int timeout_ms)
{
        (void)stream, (void)writing, (void)timeout_ms;
        return 1;
}

static int mine_start_tls(
        void *stream, const char *server_name, int timeout_ms, char *reason, size_t reason_size)
{
        (void)stream, (void)server_name, (void)timeout_ms, (void)reason, (void)reason_size;
        return 0;
}

static void mine_close(void *stream)
{
        (void)stream;
}

static void refuses_a_transport_that_lacks_a_function(void)
{
        static const postel_transport whole = { mine_open, mine_read, mine_write, mine_wait, NULL, NULL,
                mine_close };
        postel_transport rows[6] = { whole, whole, whole, whole, whole, whole };
        static const char *const wants[] = { "open", "read", "write", "wait", "close", NULL };

        rows[0].open = NULL;
        rows[1].read = NULL;
        rows[2].write = NULL;
        rows[3].wait = NULL;
        rows[4].close = NULL;
        for (size_t i = 0; i < COUNT(rows); i++) {
                postel_config *config = good_config();
                postel_error error;
                char want[80];
                harness_row("%s", wants[i] ? wants[i] : "whole");
                postel_config_set_transport(config, &rows[i], NULL);
                CHECK_INT(postel_config_check(config, &error), wants[i] ? POSTEL_INVALID : POSTEL_OK);
                snprintf(want, sizeof(want), "transport: its %s function is missing",
                        wants[i] ? wants[i] : "");
                if (wants[i])
                        CHECK_STR(error.message, want);
                postel_config_set_transport(config, NULL, NULL);
                CHECK_INT(postel_config_check(config, NULL), POSTEL_OK);
                postel_config_free(&config);
        }
}

/* A host is needed to be resolved, and for a certificate to be of. */
static void needs_a_host_for_a_reason(void)
{
        static const char *const missing = "host: is missing";
        static const char *const nameless = "server name: is missing, as is the host, and there is TLS";
        static const struct {
                bool socket, transport, own_tls;
                postel_tls tls;
                const char *server_name, *want;
        } rows[] = {
                { false, false, false, POSTEL_TLS_NONE, NULL, missing },
                { false, false, false, POSTEL_TLS_IMPLICIT, "x.example", missing },
                { true, false, false, POSTEL_TLS_NONE, NULL, NULL },
                { true, false, false, POSTEL_TLS_STARTTLS, NULL, nameless },
                { true, false, false, POSTEL_TLS_OPPORTUNISTIC, NULL, nameless },
                { true, false, false, POSTEL_TLS_STARTTLS, "x.example", NULL },
                { false, true, false, POSTEL_TLS_NONE, NULL, NULL },
                { false, true, false, POSTEL_TLS_IMPLICIT, NULL, nameless },
                { false, true, false, POSTEL_TLS_IMPLICIT, "x.example", NULL },
                { false, true, true, POSTEL_TLS_IMPLICIT, NULL, NULL },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                postel_config *config = postel_config_new();
                postel_error error = { .message = "" };
                const postel_transport transport = { mine_open, mine_read, mine_write, mine_wait, NULL,
                        rows[i].own_tls ? mine_start_tls : NULL, mine_close };
                struct endpoint endpoint;
                harness_row("%zu", i);
                if (rows[i].socket)
                        postel_config_set_socket_path(config, "/run/x");
                if (rows[i].transport)
                        postel_config_set_transport(config, &transport, NULL);
                postel_config_set_tls(config, rows[i].tls);
                postel_config_set_server_name(config, rows[i].server_name);
                CHECK_INT(
                        endpoint_init(&endpoint, config, &error), rows[i].want ? POSTEL_INVALID : POSTEL_OK);
                CHECK_STR(error.message, rows[i].want ? rows[i].want : "");
                if (!rows[i].want) {
                        CHECK_STR(endpoint.options.address.host, "");
                        CHECK_STR(
                                endpoint.options.server_name, rows[i].server_name ? rows[i].server_name : "");
                        CHECK_INT(endpoint.trust != NULL, rows[i].tls != POSTEL_TLS_NONE && !rows[i].own_tls);
                        endpoint_deinit(&endpoint);
                }
                postel_config_free(&config);
        }
}

/* What sessions learn about a server is in one place, wherever the endpoint is copied to. */
static void remembers_in_one_place(void)
{
        postel_config *config = good_config();
        struct endpoint endpoint, copy;

        REQUIRE(endpoint_init(&endpoint, config, NULL) == POSTEL_OK);
        copy = endpoint;
        CHECK(!atomic_load(&copy.options.memory->avoids_chunking));
        atomic_store(&endpoint.options.memory->avoids_chunking, true);
        CHECK(atomic_load(&copy.options.memory->avoids_chunking));
        endpoint_deinit(&copy);
        postel_config_free(&config);
}

static void takes_no_config_for_none(void)
{
        postel_config_set_protocol(NULL, POSTEL_PROTOCOL_LMTP);
        postel_config_set_socket_path(NULL, "/x");
        postel_config_set_chunking(NULL, POSTEL_CHUNKING_NEVER);
        postel_config_set_max_recipients(NULL, 1);
        postel_config_set_max_octets(NULL, 1);
        postel_config_set_policy(NULL, NULL, NULL);
        postel_config_set_audit(NULL, NULL, NULL);
        postel_config_set_transport(NULL, NULL, NULL);
}

static void refuses_a_negative_socket_buffer(void)
{
        postel_config *config = good_config();
        postel_error error;

        postel_config_set_socket_buffer(config, 4096);
        CHECK_INT(postel_config_check(config, NULL), POSTEL_OK);
        postel_config_set_socket_buffer(config, -1);
        CHECK_INT(postel_config_check(config, &error), POSTEL_INVALID);
        CHECK(strstr(error.message, "socket buffer: -1 is not from 0"));
        postel_config_free(&config);
}

/* Every function that takes a config says the same, and writes nothing. */
static void check_refused_everywhere(const postel_config *config, postel_status want, const char *text)
{
        postel_connection *const untouched = (postel_connection *)&text;
        postel_connection *connection = untouched;
        postel_pool *pool = (postel_pool *)&text;
        postel_error error = { .status = POSTEL_OK };

        CHECK_INT(postel_connection_new(config, &connection, &error), want);
        CHECK(connection == untouched);
        CHECK_INT(error.status, want);
        if (!CHECK(strstr(error.message, text) != NULL))
                CHECK_STR(error.message, text);
        error = (postel_error){ .status = POSTEL_OK };
        CHECK_INT(postel_pool_open(config, &pool, &error), want);
        CHECK((void *)pool == (void *)untouched);
        CHECK_INT(error.status, want);
        CHECK(strstr(error.message, text) != NULL);
        CHECK_INT(postel_connection_new(config, &connection, NULL), want);
        CHECK_INT(postel_pool_open(config, &pool, NULL), want);
}

static void refuses_an_unsound_config_everywhere(void)
{
        postel_config *config = good_config();

        check_refused_everywhere(NULL, POSTEL_INVALID, "config: is missing");
        postel_config_set_pool_size(config, 0);
        check_refused_everywhere(config, POSTEL_INVALID, "pool size: 0 is not from 1 to 10000");
        postel_config_set_pool_size(config, 1);
        postel_config_set_host(config, NULL);
        check_refused_everywhere(config, POSTEL_INVALID, "host: is missing");
        postel_config_free(&config);
        CHECK(config == NULL);
        postel_config_free(&config);
        postel_config_free(NULL);
}

static void takes_a_mended_field(void)
{
        postel_config *config = good_config();
        postel_error error;

        postel_config_set_ehlo_name(config, "a b");
        postel_config_set_port(config, -1);
        CHECK_INT(postel_config_check(config, &error), POSTEL_INVALID);
        postel_config_set_port(config, 25);
        CHECK_INT(postel_config_check(config, &error), POSTEL_INVALID);
        CHECK(strstr(error.message, "EHLO name: has a space"));
        postel_config_set_ehlo_name(config, "client.example");
        CHECK_INT(postel_config_check(config, NULL), POSTEL_OK);
        postel_config_free(&config);
}

/* ---- What is made of a config ---- */

static void picks_the_port_by_the_protection(void)
{
        static const struct {
                postel_tls tls;
                int port, want;
                postel_protocol protocol;
        } rows[] = {
                { POSTEL_TLS_STARTTLS, 0, 587, POSTEL_PROTOCOL_SMTP },
                { POSTEL_TLS_IMPLICIT, 0, 465, POSTEL_PROTOCOL_SMTP },
                { POSTEL_TLS_OPPORTUNISTIC, 0, 587, POSTEL_PROTOCOL_SMTP },
                { POSTEL_TLS_NONE, 0, 25, POSTEL_PROTOCOL_SMTP },
                { POSTEL_TLS_IMPLICIT, 2465, 2465, POSTEL_PROTOCOL_SMTP },
                { POSTEL_TLS_NONE, 65535, 65535, POSTEL_PROTOCOL_SMTP },
                { POSTEL_TLS_STARTTLS, 0, 24, POSTEL_PROTOCOL_LMTP },
                { POSTEL_TLS_IMPLICIT, 0, 24, POSTEL_PROTOCOL_LMTP },
                { POSTEL_TLS_NONE, 25, 25, POSTEL_PROTOCOL_LMTP },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                postel_config *config = good_config();
                struct endpoint endpoint;
                harness_row("%zu", i);
                postel_config_set_tls(config, rows[i].tls);
                postel_config_set_port(config, rows[i].port);
                postel_config_set_protocol(config, rows[i].protocol);
                REQUIRE(endpoint_init(&endpoint, config, NULL) == POSTEL_OK);
                CHECK_INT(endpoint.options.address.port, rows[i].want);
                endpoint_deinit(&endpoint);
                postel_config_free(&config);
        }
}

static postel_config *sink_config(const struct sink *sink)
{
        postel_config *config = good_config();

        postel_config_set_host(config, "localhost");
        postel_config_set_port(config, sink_smtps_port(sink));
        postel_config_set_tls(config, POSTEL_TLS_IMPLICIT);
        postel_config_set_ca_file(config, sink_ca_file(sink));
        postel_config_set_user(config, SINK_USER);
        postel_config_set_password(config, SINK_PASSWORD);
        return config;
}

static void spoil(postel_config *config)
{
        postel_config_set_host(config, "no.invalid");
        postel_config_set_port(config, 1);
        postel_config_set_tls(config, POSTEL_TLS_NONE);
        postel_config_set_ca_file(config, "/nonexistent");
        postel_config_set_user(config, "nobody");
        postel_config_set_password(config, "nothing");
}

static void works_on_a_copy(void)
{
        struct sink *sink = sink_start(NULL);
        postel_config *config = sink_config(sink);
        postel_connection *connection = NULL;
        postel_pool *pool = NULL;
        postel_error error = { .message = "" };
        const char *const to[] = { "b@example.org" };

        REQUIRE(postel_connection_new(config, &connection, &error) == POSTEL_OK);
        REQUIRE(postel_pool_open(config, &pool, &error) == POSTEL_OK);
        /* The files were read once and for all. */
        CHECK_INT(unlink(sink_ca_file(sink)), 0);
        spoil(config);
        postel_config_free(&config);

        CHECK_INT(postel_connect(connection, 10000, &error), POSTEL_OK);
        CHECK_STR(error.message, "");
        CHECK_INT(postel_connection_is_authenticated(connection), 1);
        CHECK_INT(
                postel_pool_send(pool, "a@example.org", to, 1, "hi\r\n", 4, 10000, NULL, &error), POSTEL_OK);
        CHECK_STR(error.message, "");
        CHECK_INT(sink_stats(sink, "messages"), 1);
        postel_connection_close(connection, 5000, NULL);
        postel_connection_free(&connection);
        postel_pool_close(&pool, 5000);
        CHECK(sink_stop(&sink));
}

/* A directory with a text file in it, an empty directory, and a path that is neither. */
struct files {
        char directory[64], text[80], empty[80], missing[80];
};

static void make_files(struct files *files)
{
        strcpy(files->directory, "/tmp/postel-test-config-XXXXXX");
        REQUIRE(mkdtemp(files->directory) != NULL);
        snprintf(files->text, sizeof(files->text), "%s/text.pem", files->directory);
        snprintf(files->empty, sizeof(files->empty), "%s/empty", files->directory);
        snprintf(files->missing, sizeof(files->missing), "%s/missing", files->directory);
        FILE *file = fopen(files->text, "we");
        REQUIRE(file != NULL);
        fputs("-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n", file);
        fclose(file);
        REQUIRE(mkdir(files->empty, 0700) == 0);
}

static void remove_files(const struct files *files)
{
        unlink(files->text);
        rmdir(files->empty);
        rmdir(files->directory);
}

static void names_the_file_that_holds_no_certificate(void)
{
        struct files files;
        make_files(&files);
        const struct {
                void (*set)(postel_config *, const char *);
                const char *path, *kind, *reason;
        } rows[] = {
                { postel_config_set_ca_file, files.missing, "CA file: ", "Error while reading file." },
                { postel_config_set_ca_file, files.text, "CA file: ", "" },
                { postel_config_set_ca_file, files.directory, "CA file: ", "Error while reading file." },
                { postel_config_set_ca_file, "/dev/null", "CA file: ", "holds no certificate" },
                { postel_config_set_ca_file, "", "CA file: ", "Error while reading file." },
                { postel_config_set_ca_directory, files.missing, "CA directory: ", "holds no certificate" },
                { postel_config_set_ca_directory, files.empty, "CA directory: ", "holds no certificate" },
                { postel_config_set_ca_directory, files.directory, "CA directory: ", "holds no certificate" },
                { postel_config_set_ca_directory, files.text, "CA directory: ", "holds no certificate" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                postel_config *config = good_config();
                char want[200];
                harness_row("%zu: %s", i, rows[i].path);
                rows[i].set(config, rows[i].path);
                /* A config is checked without looking at files. */
                CHECK_INT(postel_config_check(config, NULL), POSTEL_OK);
                snprintf(want, sizeof(want), "%s%s: %s", rows[i].kind, rows[i].path, rows[i].reason);
                check_refused_everywhere(config, POSTEL_TLS, want);
                /* The system's trust does not make up for a file that was named. */
                postel_config_set_system_trust(config, 1);
                check_refused_everywhere(config, POSTEL_TLS, want);
                rows[i].set(config, NULL);
                postel_connection *connection = NULL;
                CHECK_INT(postel_connection_new(config, &connection, NULL), POSTEL_OK);
                postel_connection_free(&connection);
                postel_config_free(&config);
        }
        remove_files(&files);
}

static void trusts_a_directory_of_certificates(void)
{
        struct sink *sink = sink_start(NULL);
        postel_config *config = sink_config(sink);
        postel_connection *connection = NULL;
        postel_error error = { .message = "" };
        char directory[300];

        snprintf(directory, sizeof(directory), "%s", sink_ca_file(sink));
        *strrchr(directory, '/') = '\0';
        postel_config_set_ca_file(config, NULL);
        postel_config_set_ca_directory(config, directory);
        REQUIRE(postel_connection_new(config, &connection, &error) == POSTEL_OK);
        CHECK_INT(postel_connect(connection, 10000, &error), POSTEL_OK);
        CHECK_STR(error.message, "");
        postel_connection_free(&connection);
        postel_config_free(&config);
        CHECK(sink_stop(&sink));
}

static const struct test tests[] = {
        { "reads URLs", reads_urls },
        { "reads URLs of LMTP", reads_urls_of_lmtp },
        { "refuses URLs, and shows no password", refuses_urls },
        { "refuses to read a URL from nowhere", refuses_to_read_a_url_from_nowhere },
        { "checks texts", checks_texts },
        { "bounds credentials", bounds_credentials },
        { "checks numbers", checks_numbers },
        { "bounds the path of a socket", bounds_the_path_of_a_socket },
        { "refuses a transport that lacks a function", refuses_a_transport_that_lacks_a_function },
        { "needs a host for a reason", needs_a_host_for_a_reason },
        { "remembers in one place", remembers_in_one_place },
        { "takes no config for none", takes_no_config_for_none },
        { "refuses a negative socket buffer", refuses_a_negative_socket_buffer },
        { "refuses an unsound config everywhere", refuses_an_unsound_config_everywhere },
        { "takes a mended field", takes_a_mended_field },
        { "picks the port by the protection", picks_the_port_by_the_protection },
        { "works on a copy", works_on_a_copy },
        { "names the file that holds no certificate", names_the_file_that_holds_no_certificate },
        { "trusts a directory of certificates", trusts_a_directory_of_certificates },
};

int main(void)
{
        return harness_run("config", tests, COUNT(tests));
}
