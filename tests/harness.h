/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

/*
 * A thin layer over CUnit: a test program is an array of tests and one line of main().
 *
 * All is silent but for one closing line, unless something fails. Each test is also failed for every
 * descriptor that it leaves open. CUnit is not thread-safe: check in the main thread, after joining the
 * others.
 */

#include <stdbool.h>
#include <stddef.h>

struct test {
        const char *name; /* a sentence without a subject: "refuses a NUL" */
        void (*run)(void);
};

/* Runs the tests, or with an argument on the command line those whose name contains it. Returns the exit
 * status of the program. */
int harness_run(const char *suite, const struct test *tests, size_t count);

/* Names the row of a table, for failures from here to the next call or the end of the test. */
void harness_row(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Each evaluates its arguments once. REQUIRE ends the test when it fails; the others go on and say whether it
 * held. */
#define CHECK(condition) harness_check((condition), #condition, __FILE__, __LINE__)
#define CHECK_INT(actual, expected) \
        harness_check_int((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)
#define CHECK_STR(actual, expected) harness_check_str((actual), (expected), #actual, __FILE__, __LINE__)
#define CHECK_OCTETS(actual, actual_size, expected, expected_size) \
        harness_check_octets(                                      \
                (actual), (actual_size), (expected), (expected_size), #actual, __FILE__, __LINE__)
#define REQUIRE(condition) harness_require((condition), #condition, __FILE__, __LINE__)

bool harness_check(bool held, const char *condition, const char *file, unsigned line);
bool harness_check_int(
        long long actual, long long expected, const char *expression, const char *file, unsigned line);
bool harness_check_str(
        const char *actual, const char *expected, const char *expression, const char *file, unsigned line);
bool harness_check_octets(const void *actual, size_t actual_size, const void *expected, size_t expected_size,
        const char *expression, const char *file, unsigned line);
void harness_require(bool held, const char *condition, const char *file, unsigned line);

#endif
