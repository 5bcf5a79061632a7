/* SPDX-License-Identifier: MIT */
#include "base/deadline.h"
#include "harness.h"

#include <limits.h>

#define MS INT64_C(1000000)

static void lies_that_many_milliseconds_ahead(void)
{
        static const int times[] = { 0, 1, 1500, 86400000, INT_MAX };

        for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
                harness_row("%d ms", times[i]);
                int64_t before = clock_ns();
                struct deadline deadline = deadline_after_ms(times[i]);
                int64_t after = clock_ns();
                CHECK(deadline.at_ns >= before + times[i] * MS);
                CHECK(deadline.at_ns <= after + times[i] * MS);
        }
}

static void passes_when_its_time_has_come(void)
{
        CHECK(deadline_passed(deadline_after_ms(0)));
        CHECK(!deadline_passed(deadline_after_ms(3600000)));
        CHECK(!deadline_passed(deadline_never()));
}

static void never_makes_a_wait_end_too_early(void)
{
        static const int64_t nanoseconds[] = { 3600000 * MS, 3600000 * MS + 1, 3600000 * MS - 1, 10 * MS };

        for (size_t i = 0; i < sizeof(nanoseconds) / sizeof(nanoseconds[0]); i++) {
                harness_row("%lld ns", (long long)nanoseconds[i]);
                int64_t before = clock_ns();
                struct deadline deadline = { before + nanoseconds[i] };
                int ms = deadline_poll_ms(deadline);
                int64_t after = clock_ns();
                CHECK(ms <= (nanoseconds[i] + MS - 1) / MS);
                CHECK(after + ms * MS >= deadline.at_ns);
        }
}

static void tells_poll_how_long_to_wait(void)
{
        CHECK_INT(deadline_poll_ms(deadline_after_ms(0)), 0);
        CHECK_INT(deadline_poll_ms((struct deadline){ 0 }), 0);
        CHECK_INT(deadline_poll_ms(deadline_never()), -1);
        CHECK_INT(deadline_poll_ms((struct deadline){ INT64_MAX - 1 }), INT_MAX);
}

static void picks_the_earlier_of_two(void)
{
        struct deadline soon = { 5 }, late = { 6 };

        CHECK_INT(deadline_earlier(soon, late).at_ns, 5);
        CHECK_INT(deadline_earlier(late, soon).at_ns, 5);
        CHECK_INT(deadline_earlier(late, deadline_never()).at_ns, 6);
        CHECK_INT(deadline_earlier(deadline_never(), late).at_ns, 6);
}

static void becomes_a_timespec(void)
{
        struct timespec time = deadline_timespec((struct deadline){ INT64_C(12345678901) });

        CHECK_INT(time.tv_sec, 12);
        CHECK_INT(time.tv_nsec, 345678901);
        CHECK(deadline_timespec(deadline_never()).tv_nsec < 1000000000);
}

int main(void)
{
        static const struct test tests[] = {
                { "lies that many milliseconds ahead", lies_that_many_milliseconds_ahead },
                { "passes when its time has come", passes_when_its_time_has_come },
                { "never makes a wait end too early", never_makes_a_wait_end_too_early },
                { "tells poll how long to wait", tells_poll_how_long_to_wait },
                { "picks the earlier of two", picks_the_earlier_of_two },
                { "becomes a timespec", becomes_a_timespec },
        };
        return harness_run("deadline", tests, sizeof(tests) / sizeof(tests[0]));
}
