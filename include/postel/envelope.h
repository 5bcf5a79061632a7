/* SPDX-License-Identifier: MIT */
#ifndef POSTEL_ENVELOPE_H
#define POSTEL_ENVELOPE_H

/*
 * Who a message is from and for (RFC 5321 section 2.3.1), with the parameters that the extensions of servers
 * add.
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
 * Addresses are `local-part@domain` by the grammar of RFC 5321 section 4.1.2 and RFC 6531 section 3.3, in
 * UTF-8, without angle brackets: at most 254 octets, of which 64 for the local part. A quoted local part is
 * sent as it is; a source route ("@a,@b:user@host", RFC 5321 appendix C) is taken and not sent. A domain that
 * is not ASCII goes out in its A-label form (RFC 5891) when the local part is ASCII, which any server takes;
 * a local part that is not ASCII needs SMTPUTF8, which is then asked for. Recipients may also be
 * "Postmaster" alone (RFC 5321 section 4.1.1.3).
 *
 * Every parameter is refused, before anything of the message is written, where the server does not offer its
 * extension: POSTEL_UNSUPPORTED, with its name.
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

/* What is said of the content with BODY= (RFC 6152, RFC 3030). */
typedef enum postel_body {
        POSTEL_BODY_AUTO = 0, /* 8BITMIME when the content has 8-bit octets, or may have */
        POSTEL_BODY_7BIT = 1, /* content with 8-bit octets is refused as POSTEL_INVALID */
        POSTEL_BODY_8BITMIME = 2, /* always declared; POSTEL_UNSUPPORTED where the server does not offer it */
        POSTEL_BODY_BINARYMIME = 3 /* any octets, none is changed; needs CHUNKING and BINARYMIME */
} postel_body;

/* What becomes of a message that is not delivered in time (RFC 2852 section 4). */
typedef enum postel_by {
        POSTEL_BY_NONE = 0,
        POSTEL_BY_RETURN = 1, /* "R": it is returned */
        POSTEL_BY_NOTIFY = 2 /* "N": the sender is told, and delivery goes on */
} postel_by;

/* `from` is the reverse-path, "" the null one. NULL when memory ran out. Free with postel_envelope_free(). */
POSTEL_API postel_envelope *postel_envelope_new(const char *from);

/* Clears *envelope; NULL and a cleared pointer are accepted. */
POSTEL_API void postel_envelope_free(postel_envelope **envelope);

/* Adds a recipient and returns its index: 0 for the first, then 1, 2 … in the order of the outcomes of every
 * result. */
POSTEL_API size_t postel_envelope_add_recipient(postel_envelope *envelope, const char *address);

POSTEL_API size_t postel_envelope_recipient_count(const postel_envelope *envelope);

/*
 * Non-zero: the message is sent only if the server accepts every recipient. If it refuses one, nobody gets
 * the message: those refused have their outcome, all others are POSTEL_OUTCOME_NOT_SENT, and the status is
 * that of the refusal. A server that takes fewer recipients in one transaction than there are is
 * POSTEL_UNSUPPORTED. It holds for what the server says to RCPT; with LMTP a recipient may still be refused
 * after the content.
 */
POSTEL_API void postel_envelope_set_all_or_none(postel_envelope *envelope, int all_or_none);

/* ---- DSN ---- */

POSTEL_API void postel_envelope_set_ret(postel_envelope *envelope, postel_ret ret);

/*
 * An identifier of 1 to 100 printable ASCII octets (space included) that comes back in notifications (RFC
 * 3461 section 4.4); encoded as xtext by the library. NULL: none.
 */
POSTEL_API void postel_envelope_set_envid(postel_envelope *envelope, const char *envid);

/* POSTEL_NOTIFY_ values joined by `|` for the recipient of that index. */
POSTEL_API void postel_envelope_set_notify(postel_envelope *envelope, size_t recipient, unsigned notify);

/*
 * The original recipient as `type;address`, such as "rfc822;a@example.org" (RFC 3461 section 4.2), at most
 * 500 octets when encoded. Printable ASCII, encoded as xtext by the library; with the type "utf-8" (RFC 6533
 * section 3) also any other character of UTF-8, encoded as that RFC says. NULL: none.
 */
POSTEL_API void postel_envelope_set_orcpt(postel_envelope *envelope, size_t recipient, const char *orcpt);

/* ---- Content and addresses ---- */

POSTEL_API void postel_envelope_set_body(postel_envelope *envelope, postel_body body);

/*
 * Non-zero: SMTPUTF8 (RFC 6531) is asked for in any case; POSTEL_UNSUPPORTED where the server does not offer
 * it. 0, the default: when a local part is not ASCII, or when the header section of the content has UTF-8
 * (RFC 6532), as far as that can be looked at before it is sent.
 */
POSTEL_API void postel_envelope_set_smtputf8(postel_envelope *envelope, int smtputf8);

/*
 * The mailbox of who gave the message to the sender, for AUTH= (RFC 4954 section 5): an address, or "" for
 * "<>", nobody that we would vouch for. Needs a server that offers AUTH. NULL: none.
 */
POSTEL_API void postel_envelope_set_auth(postel_envelope *envelope, const char *address);

/* ---- When and how it is delivered ---- */

/*
 * Deliver by (RFC 2852): within `seconds`, -999,999,999 to 999,999,999, which must be above 0 for RETURN and
 * not below the server's minimum; 0 and less are for NOTIFY: at once. `trace` non-zero asks for a trace
 * ("T").
 */
POSTEL_API void postel_envelope_set_by(
        postel_envelope *envelope, long long seconds, postel_by mode, int trace);

/*
 * Future release (RFC 4865): hold the message for so many seconds (1 to 999,999,999; 0: not), or until a
 * point in time, "2026-12-24T18:00:00Z" (RFC 3339 section 5.6, in UTC, with no more than two digits of a
 * fraction; NULL: not). Not both, and no longer than the server says.
 */
POSTEL_API void postel_envelope_set_hold_for(postel_envelope *envelope, long long seconds);
POSTEL_API void postel_envelope_set_hold_until(postel_envelope *envelope, const char *date_time);

/*
 * Priority from -9 to 9 (RFC 6710). `profile` ("MIXER", "STANAG4406", "NSEP") demands a server that names
 * that profile in its offer, which servers need not do; NULL takes any.
 */
POSTEL_API void postel_envelope_set_mt_priority(postel_envelope *envelope, int priority, const char *profile);

/*
 * Non-zero: every server on the way must use verified TLS, or return the message (RFC 8689).
 * POSTEL_UNSUPPORTED on a session that is not protected by TLS with a verified certificate.
 */
POSTEL_API void postel_envelope_set_require_tls(postel_envelope *envelope, int require_tls);

/* ---- Extensions that Postel does not know ---- */

/*
 * Adds `KEYWORD=value`, or `KEYWORD` when the value is NULL, to MAIL, or to RCPT of the recipient of that
 * index (RFC 5321 section 4.1.2, esmtp-param). The keyword is of letters, digits and hyphens, not one that
 * has a setter here or is known to change the dialogue; the value of 1 or more printable ASCII octets without
 * space and "=" (UTF-8 where SMTPUTF8 is asked for). That the server offers it is for the caller to know: the
 * keyword of an extension need not be that of its parameter. No more than 512 octets are added to a command.
 */
POSTEL_API void postel_envelope_add_mail_parameter(
        postel_envelope *envelope, const char *keyword, const char *value);
POSTEL_API void postel_envelope_add_rcpt_parameter(
        postel_envelope *envelope, size_t recipient, const char *keyword, const char *value);

/* POSTEL_OK, or the first thing that is wrong: POSTEL_INVALID or POSTEL_MEMORY. No recipient at all is
 * INVALID. */
POSTEL_API postel_status postel_envelope_check(const postel_envelope *envelope, postel_error *error);

#ifdef __cplusplus
}
#endif

#endif
