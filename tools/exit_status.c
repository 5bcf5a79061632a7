/* SPDX-License-Identifier: MIT */
/* What the shell is told of a status: sysexits(3), but for 1 and 2, which say what became of a message. */

#include "exit_status.h"

static const int exit_statuses[] = {
        [POSTEL_OK] = EX_OK,
        [POSTEL_PARTIAL] = EXIT_SOME_ACCEPTED,
        [POSTEL_REJECTED] = EX_UNAVAILABLE,
        [POSTEL_DEFERRED] = EX_TEMPFAIL,
        [POSTEL_UNKNOWN] = EXIT_UNKNOWN_OUTCOME,
        [POSTEL_INVALID] = EX_DATAERR,
        [POSTEL_UNSUPPORTED] = EX_UNAVAILABLE,
        [POSTEL_HOST_UNKNOWN] = EX_NOHOST,
        [POSTEL_CONNECT] = EX_IOERR,
        [POSTEL_IO] = EX_IOERR,
        [POSTEL_TIMEOUT] = EX_TEMPFAIL,
        [POSTEL_PROTOCOL] = EX_PROTOCOL,
        [POSTEL_TLS] = EX_NOPERM,
        [POSTEL_AUTH] = EX_NOPERM,
        [POSTEL_CLOSED] = EX_IOERR,
        [POSTEL_INTERRUPTED] = EX_TEMPFAIL,
        [POSTEL_MEMORY] = EX_OSERR,
        [POSTEL_POLICY] = EX_DATAERR,
};

int exit_status(postel_status status)
{
        size_t number = (size_t)status;

        if (number >= sizeof(exit_statuses) / sizeof(exit_statuses[0]))
                return EX_SOFTWARE;
        return exit_statuses[number];
}
