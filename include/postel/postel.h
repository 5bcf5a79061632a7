/* SPDX-License-Identifier: MIT */
#ifndef POSTEL_POSTEL_H
#define POSTEL_POSTEL_H

/*
 * Postel hands mail to servers: SMTP (RFC 5321, RFC 6409) and LMTP (RFC 2033), blocking, from any number of
 * threads.
 *
 *     const char *to[] = { "a@example.org", "b@example.org" };
 *     postel_config_from_url("smtps://reports:secret@mail.example.com", &config, &error);
 *     postel_pool_open(config, &pool, &error);
 *     status = postel_pool_send(pool, "r@example.com", to, 2, body, size, 30000, &result, &error);
 *
 * Rules that hold everywhere: texts that are passed in are UTF-8 and end at their first NUL (a binding whose
 * strings may hold one must refuse it); texts that come out are UTF-8, but for the server's own words in a
 * result and a capability line, which are as they came; sizes are octets in size_t; times are milliseconds in
 * int; every *_free(T **) clears the pointer and accepts NULL; what is not said to be borrowed is the
 * caller's; NULL for an object is POSTEL_INVALID, or what an accessor gives out of range; the names of
 * numbers end with "?", those of statistics with NULL, so that a binding may loop over them. The library
 * writes to no stdio, reads no environment, raises no signal and keeps no global state.
 */

#include <postel/error.h>
#include <postel/config.h>
#include <postel/envelope.h>
#include <postel/message.h>
#include <postel/result.h>
#include <postel/hooks.h>
#include <postel/connection.h>
#include <postel/pool.h>
#include <postel/batch.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library in use, as "0.1.0". Static. */
POSTEL_API const char *postel_version(void);

#ifdef __cplusplus
}
#endif

#endif
