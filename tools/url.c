/* SPDX-License-Identifier: MIT */
/*
 * What the command itself must know of the text of --url: RFC 3986 section 3.2. The library parses it
 * strictly; here it is taken apart leniently, so that a password is seen in a malformed one too.
 */

#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *authority(const char *url)
{
        const char *mark = strstr(url, "://");

        return mark ? mark + 3 : url;
}

/* Up to the last "@": one in a password that was not percent-encoded does not hide the rest of it. */
static size_t userinfo_length(const char *url)
{
        const char *begin = authority(url);
        const char *end = strrchr(begin, '@');

        return end ? (size_t)(end - begin) : 0;
}

static const char *host_and_port(const char *url)
{
        size_t length = userinfo_length(url);
        const char *begin = authority(url);

        return begin[length] == '@' ? begin + length + 1 : begin;
}

bool url_has_password(const char *url)
{
        return memchr(authority(url), ':', userinfo_length(url)) != NULL;
}

bool url_has_user(const char *url)
{
        return userinfo_length(url) > 0;
}

void url_host(const char *url, char *host, size_t size)
{
        const char *begin = host_and_port(url);
        bool bracket = *begin == '[';
        size_t length = strcspn(begin + bracket, bracket ? "]" : ":/");

        snprintf(host, size, "%.*s", (int)length, begin + bracket);
}

int url_port(const char *url)
{
        const char *begin = host_and_port(url);
        const char *colon = strchr(*begin == '[' ? begin + strcspn(begin, "]") : begin, ':');

        return colon ? atoi(colon + 1) : 0;
}

bool url_is_implicit_tls(const char *url)
{
        return strncasecmp(url, "smtps:", 6) == 0;
}
