/* SPDX-License-Identifier: MIT */
#ifndef URL_H
#define URL_H

#include <stdbool.h>
#include <stddef.h>

/* A password in a URL on a command line could be read by every user of the machine. */
bool url_has_password(const char *url);

bool url_has_user(const char *url);

/* For a URL that the library has taken: its host without brackets, cut to `size`, and its port or 0. */
void url_host(const char *url, char *host, size_t size);
int url_port(const char *url);

bool url_is_implicit_tls(const char *url);

#endif
