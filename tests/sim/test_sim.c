/*
 * sim - the real library on simulated sockets, clock and application, all of
 * them driven by one seed:
 *
 *     test_sim                        what ctest runs
 *     test_sim --seeds FIRST COUNT    as many as you like
 *     test_sim --seed N               one, with all that happens in it
 *
 * run.sh builds it and runs a million.
 *
 * A seed that breaks a rule tells its number.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcgi_client/error.h>

#include "driver.h"
#include "sight.h"
#include "test.h"
#include "world.h"

#define SEEDS 10000

static void run_seeds(uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        (void)driver_run(first + i, false);
    }
}

/* ---- tests -------------------------------------------------------------- */

static void no_seed_breaks_a_rule(void **state)
{
    (void)state;
    run_seeds(1, SEEDS);
    sights_tell();
}

/* What the seeds before have not brought about, they have not tested. */
static void the_seeds_see_all_there_is_to_see(void **state)
{
    (void)state;
    for (int sight = 0; sight < SIGHTS; sight++) {
        if (sight_count((enum sight)sight) == 0) {
            fail_msg("never: %s", sight_text((enum sight)sight));
        }
    }
}

static void calls_end_in_every_way_there_is(void **state)
{
    static const int never[] = {FCGI_ERR_ADDRESS, FCGI_ERR_BAD_REQUEST,
                                FCGI_ERR_NOT_FOUND};
    (void)state;
    for (int code = 0; strcmp(fcgi_error_name(code), "FCGI_ERR_?") != 0;
         code--) {
        bool expected = true;
        for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
            expected = expected && code != never[i];
        }
        if (expected != (sight_count_endings(code) > 0)) {
            fail_msg("%s: %" PRIu64, fcgi_error_name(code),
                     sight_count_endings(code));
        }
    }
}

static void a_seed_gives_the_same_log_each_time(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        assert_true(driver_run(seed, false) == driver_run(seed, false));
    }
    assert_true(driver_run(1, false) != driver_run(2, false));
}

/* ---- the command line --------------------------------------------------- */

static int usage(void)
{
    fputs("usage: test_sim [--seed N | --seeds FIRST COUNT]\n", stderr);
    return 2;
}

static uint64_t number(const char *text)
{
    return strtoull(text, NULL, 10);
}

static int test(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_seed_breaks_a_rule),
        cmocka_unit_test(the_seeds_see_all_there_is_to_see),
        cmocka_unit_test(calls_end_in_every_way_there_is),
        cmocka_unit_test(a_seed_gives_the_same_log_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    if (argc == 1) {
        return test();
    }
    if (argc == 3 && strcmp(argv[1], "--seed") == 0) {
        (void)driver_run(number(argv[2]), true);
        return 0;
    }
    if (argc == 4 && strcmp(argv[1], "--seeds") == 0) {
        run_seeds(number(argv[2]), number(argv[3]));
        sights_tell();
        return 0;
    }
    return usage();
}
