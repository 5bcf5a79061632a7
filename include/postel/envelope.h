/* SPDX-License-Identifier: MIT */
#ifndef POSTEL_ENVELOPE_H
#define POSTEL_ENVELOPE_H

/*
 * Who a message is from and for (RFC 5321 section 2.3.1), with the parameters of DSN (RFC 3461) and 8BITMIME
 * (RFC 6152).
 *
 * An envelope copies what it is given. Setters return nothing: what is wrong is reported by
 * postel_envelope_check() and by every send, before anything is written, with the name of the field and the
 * rule. An envelope may be used for any number of sends, also from several threads at once while nobody
 * changes it.
 *
 *     postel_envelope *envelope = postel_envelope_new("reports@example.com");
 *     size_t i = postel_envelope_add_recipient(envelope, "a@example.org");
 *     postel_envelope_set_notify(envelope, i, POSTEL_NOTIFY_FAILURE | POSTEL_NOTIFY_DELAY);
 *     ...
 *     postel_envelope_free(&envelope);
 *
 * Addresses are `local-part@domain` by the grammar of RFC 5321 section 4.1.2, without angle brackets, at most
 * 254 octets; a quoted local part is sent as it is.
 */

#include <postel/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct postel_envelope postel_envelope;

/* How much of a message a delivery status notification brings back (RFC 3461 section 4.3). */
typedef enum postel_ret { POSTEL_RET_UNSET = 0, POSTEL_RET_FULL = 1, POSTEL_RET_HDRS = 2 } postel_ret;

/* When a delivery status notification is wanted (RFC 3461 section 4.1). NEVER stands alone; 0 leaves it to
 * the server. */
enum {
        POSTEL_NOTIFY_SUCCESS = 1,
        POSTEL_NOTIFY_FAILURE = 2,
        POSTEL_NOTIFY_DELAY = 4,
        POSTEL_NOTIFY_NEVER = 8
};

/* What is said of the content with BODY= (RFC 6152). */
typedef enum postel_body {
        POSTEL_BODY_AUTO = 0, /* 8BITMIME when the content has 8-bit octets, or may have */
        POSTEL_BODY_7BIT = 1, /* content with 8-bit octets is refused as POSTEL_INVALID */
        POSTEL_BODY_8BITMIME = 2 /* always declared; POSTEL_UNSUPPORTED where the server does not offer it */
} postel_body;

/* `from` is the reverse-path, "" the null one. NULL when memory ran out. Free with postel_envelope_free(). */
POSTEL_API postel_envelope *postel_envelope_new(const char *from);

/* Clears *envelope; NULL and a cleared pointer are accepted. */
POSTEL_API void postel_envelope_free(postel_envelope **envelope);

/* Adds a recipient and returns its index: 0 for the first, then 1, 2 … in the order of the outcomes of every
 * result. */
POSTEL_API size_t postel_envelope_add_recipient(postel_envelope *envelope, const char *address);

POSTEL_API size_t postel_envelope_recipient_count(const postel_envelope *envelope);

/* ---- The server must offer DSN for these four, else the send is POSTEL_UNSUPPORTED. ---- */

POSTEL_API void postel_envelope_set_ret(postel_envelope *envelope, postel_ret ret);

/*
 * An identifier of 1 to 100 printable ASCII octets (space included) that comes back in notifications (RFC
 * 3461 section 4.4); encoded as xtext by the library. NULL: none.
 */
POSTEL_API void postel_envelope_set_envid(postel_envelope *envelope, const char *envid);

/* POSTEL_NOTIFY_ values joined by `|` for the recipient of that index. */
POSTEL_API void postel_envelope_set_notify(postel_envelope *envelope, size_t recipient, unsigned notify);

/*
 * The original recipient as `type;address`, such as "rfc822;a@example.org" (RFC 3461 section 4.2): printable
 * ASCII, encoded as xtext by the library, at most 500 octets when encoded. NULL: none.
 */
POSTEL_API void postel_envelope_set_orcpt(postel_envelope *envelope, size_t recipient, const char *orcpt);

POSTEL_API void postel_envelope_set_body(postel_envelope *envelope, postel_body body);

/* POSTEL_OK, or the first thing that is wrong: POSTEL_INVALID or POSTEL_MEMORY. No recipient at all is
 * INVALID. */
POSTEL_API postel_status postel_envelope_check(const postel_envelope *envelope, postel_error *error);

#ifdef __cplusplus
}
#endif

#endif
