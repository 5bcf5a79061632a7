/* SPDX-License-Identifier: MIT */
#ifndef WIRE_DATE_H
#define WIRE_DATE_H

/* Points in time as RFC 3339 section 5.6 writes them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct date_time {
        int64_t microseconds; /* since 1970, without leap seconds; more digits of a fraction are dropped */
        bool zulu; /* written with an upper-case T and Z: in UTC, as RFC 3339 wants it to be generated */
};

/* False: no date-time, or one that does not exist. */
bool date_time_parse(const char *text, size_t size, struct date_time *out);

#endif
