/* SPDX-License-Identifier: MIT */
/* Runs tests by CUnit and reports in the words of their files. It knows nothing of what is tested. */

#include "harness.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A table whose every row fails is not told in full. */
#define SHOWN_FAILURES 10
#define SHOWN_OCTETS   400

static char row[200];
static size_t descriptors;

void harness_row(const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(row, sizeof(row), format, arguments);
        va_end(arguments);
}

static void record(bool held, const char *text, const char *file, unsigned line, bool fatal)
{
        char named[1500];

        if (!held && row[0]) {
                snprintf(named, sizeof(named), "[%s] %s", row, text);
                text = named;
        }
        CU_assertImplementation(held, line, text, file, "", fatal);
}

bool harness_check(bool held, const char *condition, const char *file, unsigned line)
{
        record(held, condition, file, line, false);
        return held;
}

void harness_require(bool held, const char *condition, const char *file, unsigned line)
{
        record(held, condition, file, line, true);
}

bool harness_check_int(
        long long actual, long long expected, const char *expression, const char *file, unsigned line)
{
        char text[400];
        snprintf(text, sizeof(text), "%s is %lld, not %lld", expression, actual, expected);
        record(actual == expected, text, file, line, false);
        return actual == expected;
}

/* As C would write it, as far as there is room. */
static const char *quoted(char *out, size_t size, const char *octets, size_t octet_count)
{
        size_t used = (size_t)snprintf(out, size, octets ? "\"" : "NULL");

        for (size_t i = 0; octets && i < octet_count && used + 8 < size; i++) {
                unsigned char octet = (unsigned char)octets[i];
                const char *format = "\\x%02x";
                if (octet == '\n')
                        format = "\\n";
                else if (octet == '\r')
                        format = "\\r";
                else if (octet >= 32 && octet < 127)
                        format = "%c";
                used += (size_t)snprintf(out + used, size - used, format, octet);
        }
        if (octets)
                snprintf(out + used, size - used, "\"");
        return out;
}

bool harness_check_octets(const void *actual, size_t actual_size, const void *expected, size_t expected_size,
        const char *expression, const char *file, unsigned line)
{
        char got[SHOWN_OCTETS], want[SHOWN_OCTETS], text[2 * SHOWN_OCTETS + 300] = "";
        bool held = actual && expected
                            ? actual_size == expected_size &&
                                      (actual_size == 0 || memcmp(actual, expected, actual_size) == 0)
                            : actual == expected;
        if (!held)
                snprintf(text, sizeof(text), "%.200s is %s (%zu), not %s (%zu)", expression,
                        quoted(got, sizeof(got), actual, actual_size), actual_size,
                        quoted(want, sizeof(want), expected, expected_size), expected_size);
        record(held, text, file, line, false);
        return held;
}

bool harness_check_str(
        const char *actual, const char *expected, const char *expression, const char *file, unsigned line)
{
        return harness_check_octets(actual, actual ? strlen(actual) : 0, expected,
                expected ? strlen(expected) : 0, expression, file, line);
}

static size_t count_descriptors(void)
{
        size_t count = 0;
        DIR *directory = opendir("/proc/self/fd");

        if (!directory)
                return 0;
        while (readdir(directory))
                count++;
        closedir(directory);
        return count;
}

static void set_up(void)
{
        row[0] = '\0';
        descriptors = count_descriptors();
}

/* CUnit still counts what fails here as the test's own. */
static void tear_down(void)
{
        row[0] = '\0';
        CHECK_INT(count_descriptors(), descriptors);
}

static void report(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failures)
{
        int shown = 0;

        for (const CU_FailureRecord *failure = failures; failure; failure = failure->pNext)
                if (shown++ < SHOWN_FAILURES)
                        printf("%s: %s: %s:%u: %s\n", suite->pName, test->pName, failure->strFileName,
                                failure->uiLineNumber, failure->strCondition);
        if (shown > SHOWN_FAILURES)
                printf("%s: %s: and %d more\n", suite->pName, test->pName, shown - SHOWN_FAILURES);
        fflush(stdout);
}

/* The first argument of the program, or "": main() need not pass it on. */
static const char *filter(void)
{
        static char command_line[4096];
        FILE *file = fopen("/proc/self/cmdline", "re");

        if (!file)
                return "";
        size_t size = fread(command_line, 1, sizeof(command_line) - 1, file);
        fclose(file);
        command_line[size] = '\0';
        size_t program = strlen(command_line);
        return program + 1 < size ? command_line + program + 1 : "";
}

int harness_run(const char *suite, const struct test *tests, size_t count)
{
        const char *wanted = filter();
        unsigned chosen = 0;
        bool added = CU_initialize_registry() == CUE_SUCCESS;
        CU_pSuite cu_suite =
                added ? CU_add_suite_with_setup_and_teardown(suite, NULL, NULL, set_up, tear_down) : NULL;

        added = cu_suite != NULL;
        for (size_t i = 0; added && i < count; i++) {
                if (!strstr(tests[i].name, wanted))
                        continue;
                chosen++;
                added = CU_add_test(cu_suite, tests[i].name, tests[i].run) != NULL;
        }
        CU_set_test_complete_handler(report);
        bool run = added && chosen && CU_run_all_tests() == CUE_SUCCESS;
        unsigned failed = CU_get_number_of_tests_failed();

        if (!added)
                printf("%s: CUnit does not take the tests: %s\n", suite, CU_get_error_msg());
        else if (!chosen)
                printf("%s: no test's name has \"%s\" in it\n", suite, wanted);
        printf("%u passed, %u failed\n", CU_get_number_of_tests_run() - failed, failed);
        CU_cleanup_registry();
        return run && !failed ? 0 : 1;
}
