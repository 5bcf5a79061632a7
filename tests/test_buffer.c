/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"
#include "harness.h"

#include <stdint.h>
#include <string.h>

/* Without it the sanitizer ends the program where realloc() is asked for more than there can be. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
        return "allocator_may_return_null=1";
}

static void grows_to_its_maximum_and_no_further(void)
{
        static const size_t maxima[] = { 0, 1, 255, 256, 257, 300, 511, 512, 1000, 4096 };

        for (size_t i = 0; i < sizeof(maxima) / sizeof(maxima[0]); i++) {
                struct buffer buffer;
                harness_row("at most %zu", maxima[i]);
                buffer_init(&buffer, maxima[i]);
                for (size_t n = 0; n < maxima[i]; n++) {
                        char octet = (char)('a' + n % 26);
                        REQUIRE(buffer_append(&buffer, &octet, 1));
                        REQUIRE(buffer.capacity <= maxima[i]);
                }
                CHECK(!buffer_append(&buffer, "x", 1));
                CHECK_INT(buffer.size, maxima[i]);
                for (size_t n = 0; n < maxima[i]; n++)
                        REQUIRE(buffer.data[n] == (char)('a' + n % 26));
                buffer_deinit(&buffer);
        }
}

static void appends_octets_and_texts(void)
{
        struct buffer buffer;

        buffer_init(&buffer, 1000);
        CHECK(buffer_append(&buffer, NULL, 0));
        CHECK(buffer_append_text(&buffer, ""));
        CHECK_INT(buffer.size, 0);
        CHECK(buffer_append_text(&buffer, "EHLO "));
        CHECK(buffer_append(&buffer, "a\0b", 3));
        CHECK_OCTETS(buffer.data, buffer.size, "EHLO a\0b", 8);
        buffer_truncate(&buffer, 4);
        CHECK(buffer_append_text(&buffer, "!"));
        CHECK_OCTETS(buffer.data, buffer.size, "EHLO!", 5);
        buffer_deinit(&buffer);
}

static void stays_as_it_was_when_it_cannot_grow(void)
{
        static const size_t extras[] = { 998, 1000, SIZE_MAX - 3, SIZE_MAX - 2, SIZE_MAX - 1, SIZE_MAX };

        for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
                struct buffer buffer;
                harness_row("%zu more", extras[i]);
                buffer_init(&buffer, 1000);
                CHECK(buffer_append_text(&buffer, "abc"));
                size_t capacity = buffer.capacity;
                CHECK(!buffer_reserve(&buffer, extras[i]));
                CHECK_INT(buffer.capacity, capacity);
                CHECK_OCTETS(buffer.data, buffer.size, "abc", 3);
                buffer_deinit(&buffer);
        }
}

static void stays_as_it_was_when_memory_runs_out(void)
{
        static const size_t extras[] = { SIZE_MAX / 2 + 1, SIZE_MAX - 3 };

        for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
                struct buffer buffer;
                harness_row("%zu more", extras[i]);
                buffer_init(&buffer, SIZE_MAX);
                CHECK(!buffer_reserve(&buffer, extras[i]));
                CHECK_INT(buffer.capacity, 0);
                CHECK(buffer_append_text(&buffer, "abc"));
                size_t capacity = buffer.capacity;
                CHECK(!buffer_reserve(&buffer, extras[i]));
                CHECK_INT(buffer.capacity, capacity);
                CHECK_OCTETS(buffer.data, buffer.size, "abc", 3);
                CHECK(buffer_append_text(&buffer, "d"));
                buffer_deinit(&buffer);
        }
}

static void allocates_nothing_within_what_was_reserved(void)
{
        struct buffer buffer;

        buffer_init(&buffer, 10000);
        CHECK(buffer_reserve(&buffer, 5000));
        const char *data = buffer.data;
        for (size_t i = 0; i < 500; i++)
                CHECK(buffer_append_text(&buffer, "0123456789"));
        CHECK(buffer.data == data);
        buffer_truncate(&buffer, 0);
        CHECK(buffer_append_text(&buffer, "again"));
        CHECK(buffer.data == data);
        buffer_deinit(&buffer);
}

static void wipes_all_that_was_ever_in_it(void)
{
        struct buffer buffer;

        buffer_init(&buffer, 1000);
        buffer_wipe(&buffer);
        CHECK(buffer_append_text(&buffer, "hunter2 hunter2"));
        buffer_truncate(&buffer, 3);
        buffer_wipe(&buffer);
        CHECK_INT(buffer.size, 0);
        for (size_t i = 0; i < strlen("hunter2 hunter2"); i++)
                CHECK_INT(buffer.data[i], 0);
        buffer_deinit(&buffer);
}

static void gives_memory_back(void)
{
        struct buffer buffer;

        buffer_init(&buffer, 10000);
        CHECK(buffer_reserve(&buffer, 5000));
        size_t capacity = buffer.capacity;
        buffer_trim(&buffer, capacity);
        CHECK_INT(buffer.capacity, capacity);
        buffer_trim(&buffer, capacity - 1);
        CHECK_INT(buffer.capacity, 0);
        CHECK(buffer_reserve(&buffer, 10000));
        buffer_deinit(&buffer);
        CHECK(buffer.data == NULL);
        CHECK(!buffer_reserve(&buffer, 10001));
        CHECK(buffer_append_text(&buffer, "usable"));
        buffer_deinit(&buffer);
}

int main(void)
{
        static const struct test tests[] = {
                { "grows to its maximum and no further", grows_to_its_maximum_and_no_further },
                { "appends octets and texts", appends_octets_and_texts },
                { "stays as it was when it cannot grow", stays_as_it_was_when_it_cannot_grow },
                { "stays as it was when memory runs out", stays_as_it_was_when_memory_runs_out },
                { "allocates nothing within what was reserved", allocates_nothing_within_what_was_reserved },
                { "wipes all that was ever in it", wipes_all_that_was_ever_in_it },
                { "gives memory back", gives_memory_back },
        };
        return harness_run("buffer", tests, sizeof(tests) / sizeof(tests[0]));
}
