/* SPDX-License-Identifier: MIT */
#ifndef POSTEL_RESULT_H
#define POSTEL_RESULT_H

/*
 * What became of a message: exactly one outcome for every recipient.
 *
 * A result belongs to the caller and is freed with postel_result_free(). It never changes and may be read by
 * many threads. Every pointer that an accessor returns is borrowed and lives as long as the result. An index
 * out of range gives "", 0, POSTEL_OUTCOME_NOT_SENT or POSTEL_PHASE_NONE.
 *
 *     for (size_t i = 0; i < postel_result_recipient_count(result); i++)
 *             printf("%s: %s\n", postel_result_recipient_address(result, i),
 *                     postel_outcome_name(postel_result_recipient_outcome(result, i)));
 */

#include <postel/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct postel_result postel_result;

/* The numbers never change. What may be sent again is said with each. */
typedef enum postel_outcome {
        POSTEL_OUTCOME_ACCEPTED = 0, /* the server took responsibility: not again */
        POSTEL_OUTCOME_REJECTED = 1, /* refused for good, 5yz: not again */
        POSTEL_OUTCOME_DEFERRED =
                2, /* refused for now, 4yz: later. 552 to RCPT too (RFC 5321 section 4.5.3.1.10) */
        POSTEL_OUTCOME_NOT_SENT = 3, /* the end of the message certainly did not reach the server: at once */
        POSTEL_OUTCOME_UNKNOWN = 4 /* lost after the message and before the reply: may have been delivered */
} postel_outcome;

/* "ACCEPTED" …; "?" for a number that is none. */
POSTEL_API const char *postel_outcome_name(postel_outcome outcome);

/* Clears *result; NULL and a cleared pointer are accepted. */
POSTEL_API void postel_result_free(postel_result **result);

/*
 * The status that the send returned: POSTEL_OK when all were accepted, POSTEL_PARTIAL when some were. Without
 * any that was accepted: POSTEL_UNKNOWN if the outcome of any is; else the fault that left any NOT_SENT (a
 * 421 from the server counts as POSTEL_DEFERRED); else POSTEL_DEFERRED if any is; else POSTEL_REJECTED.
 */
POSTEL_API postel_status postel_result_status(const postel_result *result);

/*
 * The reply that decided the status: the final reply where any recipient was accepted, else that of the first
 * recipient whose outcome gave the status. The phase it came in, its code (0: no reply), its enhanced status
 * code ("5.1.1"; "" without one, or where the server does not announce ENHANCEDSTATUSCODES, RFC 2034), and
 * its text as the server sent it (the enhanced code at its beginning included, octets as they came), lines
 * joined by LF, at most 1,024 octets; a refusal that repeats the password is withheld. For a fault without a
 * reply: its phase, 0, "" and what went wrong.
 */
POSTEL_API postel_phase postel_result_phase(const postel_result *result);
POSTEL_API int postel_result_code(const postel_result *result);
POSTEL_API const char *postel_result_enhanced(const postel_result *result);
POSTEL_API const char *postel_result_text(const postel_result *result);

/* What the server calls the message, found in the first final reply that accepted it; "" where there is none
 * that is known. */
POSTEL_API const char *postel_result_queue_id(const postel_result *result);

/* Mail transactions that were begun for it: more than 1 when the server takes fewer recipients in one (RFC
 * 9422, or 452), or when one was begun again. */
POSTEL_API int postel_result_transactions(const postel_result *result);

/* How many sessions the message was given to: 1, or more when one was lost and the message certainly was not
 * sent; 0: none was had. */
POSTEL_API int postel_result_attempts(const postel_result *result);

/* In the order of the envelope, duplicates included. */
POSTEL_API size_t postel_result_recipient_count(const postel_result *result);
POSTEL_API const char *postel_result_recipient_address(const postel_result *result, size_t recipient);
POSTEL_API postel_outcome postel_result_recipient_outcome(const postel_result *result, size_t recipient);
POSTEL_API postel_phase postel_result_recipient_phase(const postel_result *result, size_t recipient);
POSTEL_API int postel_result_recipient_code(const postel_result *result, size_t recipient);
POSTEL_API const char *postel_result_recipient_enhanced(const postel_result *result, size_t recipient);
POSTEL_API const char *postel_result_recipient_text(const postel_result *result, size_t recipient);
POSTEL_API const char *postel_result_recipient_queue_id(const postel_result *result, size_t recipient);

#ifdef __cplusplus
}
#endif

#endif
