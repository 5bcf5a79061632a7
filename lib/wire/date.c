/* SPDX-License-Identifier: MIT */
/* RFC 3339 sections 5.6 and 5.7. It knows the calendar, and not what time it is. */

#include "wire/date.h"
#include "wire/octet.h"

#define DATE_TIME_SIZE 19 /* "2026-12-24T18:00:00", what stands before a fraction and the offset */

struct fields {
        int year, month, day, hour, minute, second;
};

/* -1: not all of it are digits. */
static int number(const char *text, size_t size)
{
        int value = 0;

        for (size_t i = 0; i < size; i++) {
                if (!octet_is_digit(text[i]))
                        return -1;
                value = value * 10 + (text[i] - '0');
        }
        return value;
}

static int days_of_month(int year, int month)
{
        static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        return days[month - 1] + (leap && month == 2);
}

static bool take_apart(const char *text, struct fields *fields)
{
        *fields = (struct fields){ number(text, 4), number(text + 5, 2), number(text + 8, 2),
                number(text + 11, 2), number(text + 14, 2), number(text + 17, 2) };
        return text[4] == '-' && text[7] == '-' && octet_upper(text[10]) == 'T' && text[13] == ':' &&
               text[16] == ':' && fields->year >= 0 && fields->hour >= 0 && fields->minute >= 0 &&
               fields->second >= 0;
}

static bool exists(const struct fields *fields)
{
        if (fields->month < 1 || fields->month > 12 || fields->day < 1 ||
                fields->day > days_of_month(fields->year, fields->month))
                return false;
        if (fields->hour > 23 || fields->minute > 59)
                return false;
        if (fields->second < 60)
                return true;
        /* A leap second comes at the end of June or December, in UTC. */
        return fields->second == 60 && fields->hour == 23 && fields->minute == 59 &&
               ((fields->month == 6 && fields->day == 30) || (fields->month == 12 && fields->day == 31));
}

/* By the proleptic Gregorian calendar; years are counted from March, so that the leap day is the last. */
static int64_t days_since_1970(const struct fields *fields)
{
        int year = fields->month > 2 ? fields->year : fields->year - 1;
        int month = (fields->month + 9) % 12;
        int century_day = (153 * month + 2) / 5 + fields->day - 1;
        int era = (year >= 0 ? year : year - 399) / 400;
        int year_of_era = year - era * 400;

        return (int64_t)era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + century_day -
               719468;
}

/* The digits behind the point, which are at least one; *size: all of them. */
static int64_t fraction(const char *text, size_t left, size_t *size)
{
        int64_t microseconds = 0;

        for (*size = 0; *size < left && octet_is_digit(text[*size]); ++*size)
                if (*size < 6)
                        microseconds = microseconds * 10 + (text[*size] - '0');
        for (size_t i = *size; i < 6; i++)
                microseconds *= 10;
        return microseconds;
}

/* "Z", or "+hh:mm" and "-hh:mm" as minutes. */
static bool offset(const char *text, size_t size, int *minutes)
{
        *minutes = 0;
        if (size == 1)
                return octet_upper(*text) == 'Z';
        if (size != 6 || (*text != '+' && *text != '-') || text[3] != ':')
                return false;
        int hour = number(text + 1, 2), minute = number(text + 4, 2);
        if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
                return false;
        *minutes = (hour * 60 + minute) * (*text == '-' ? -1 : 1);
        return true;
}

bool date_time_parse(const char *text, size_t size, struct date_time *out)
{
        struct fields fields;
        int64_t microseconds = 0;
        size_t at = DATE_TIME_SIZE, digits = 0;
        int minutes;

        if (size <= DATE_TIME_SIZE || !take_apart(text, &fields) || !exists(&fields))
                return false;
        if (text[at] == '.') {
                at++;
                microseconds = fraction(text + at, size - at, &digits);
                if (digits == 0)
                        return false;
                at += digits;
        }
        if (at == size || !offset(text + at, size - at, &minutes))
                return false;
        if (fields.second == 60 && minutes != 0)
                return false;

        int64_t seconds = days_since_1970(&fields) * 86400 + fields.hour * 3600 +
                          (fields.minute - minutes) * 60 + fields.second;
        *out = (struct date_time){ .microseconds = seconds * 1000000 + microseconds,
                .zulu = text[10] == 'T' && text[at] == 'Z' };
        return true;
}
