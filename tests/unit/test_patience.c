/*
 * For how long the gateway among the examples waits for a client: its rule
 * knows no clock and no socket, and is looked at by itself.
 */
#include "../../examples/fcgi-gateway/patience.c"
#include "test.h"

#define LIMIT_MS 10000
#define RATE 500
#define BEGIN 1000

static struct patience begin(int64_t rate)
{
    struct patience p;
    patience_begin(&p, LIMIT_MS, rate, BEGIN);
    return p;
}

static struct patience wait_for(int64_t rate)
{
    struct patience p = begin(rate);
    patience_note(&p, BEGIN, 0, true);
    return p;
}

static void who_is_silent_has_the_whole_allowance(void **state)
{
    (void)state;
    struct patience p = wait_for(RATE);
    assert_int_equal(patience_deadline(&p), BEGIN + LIMIT_MS);
    patience_note(&p, BEGIN + 3000, 0, true);
    assert_int_equal(patience_deadline(&p), BEGIN + LIMIT_MS);
}

static void who_is_not_waited_for_has_any_time(void **state)
{
    (void)state;
    struct patience p = begin(RATE);
    assert_true(patience_deadline(&p) == PATIENCE_NEVER);
    patience_note(&p, BEGIN + 3600000, 0, true);
    assert_int_equal(patience_deadline(&p), BEGIN + 3600000 + LIMIT_MS);
}

static void only_the_time_of_waiting_counts(void **state)
{
    (void)state;
    struct patience p = wait_for(RATE);
    patience_note(&p, BEGIN + 4000, 0, false);
    patience_note(&p, BEGIN + 50000, 0, true);
    assert_int_equal(patience_deadline(&p), BEGIN + 50000 + LIMIT_MS - 4000);
}

static void a_byte_adds_its_share_of_a_second(void **state)
{
    (void)state;
    struct patience p = wait_for(RATE);
    patience_note(&p, BEGIN + 4000, 1, true);
    assert_int_equal(patience_deadline(&p), BEGIN + LIMIT_MS + 2);
    patience_note(&p, BEGIN + 4000, RATE, true);
    assert_int_equal(patience_deadline(&p), BEGIN + LIMIT_MS + 1002);
}

static void nothing_makes_it_more_than_whole(void **state)
{
    (void)state;
    struct patience p = wait_for(RATE);
    patience_note(&p, BEGIN + 4000, 2001, true);
    assert_int_equal(patience_deadline(&p), BEGIN + 4000 + LIMIT_MS);
    patience_note(&p, BEGIN + 5000, UINT64_MAX, true);
    assert_int_equal(patience_deadline(&p), BEGIN + 5000 + LIMIT_MS);
}

/* A byte a millisecond, each of which adds less than that. */
static void fractions_of_a_millisecond_add_up(void **state)
{
    (void)state;
    struct patience p = wait_for(1001);
    int64_t last = 0;
    for (int64_t now = BEGIN + 1; now <= BEGIN + 5005; now++) {
        patience_note(&p, now, 1, true);
        last = patience_deadline(&p);
    }
    assert_int_equal(last, BEGIN + 5005 + LIMIT_MS - 5);
}

static void who_keeps_the_rate_is_waited_for_without_end(void **state)
{
    (void)state;
    struct patience p = wait_for(RATE);
    for (int64_t now = BEGIN + 2000; now <= BEGIN + 100000; now += 2000) {
        assert_true(now < patience_deadline(&p));
        patience_note(&p, now, RATE * 2, true);
    }
    assert_int_equal(patience_deadline(&p), BEGIN + 100000 + LIMIT_MS);
}

/* At half the rate each second costs half a second. */
static void who_is_slower_than_the_rate_is_given_up_later(void **state)
{
    (void)state;
    struct patience p = wait_for(RATE);
    int64_t now = BEGIN;
    while (now + 20 < patience_deadline(&p)) {
        now += 20;
        patience_note(&p, now, RATE / 100, true);
    }
    assert_in_range(now, BEGIN + 2 * LIMIT_MS - 50, BEGIN + 2 * LIMIT_MS);
}

static void without_a_rate_any_byte_fills_it(void **state)
{
    (void)state;
    struct patience p = wait_for(0);
    assert_int_equal(patience_deadline(&p), BEGIN + LIMIT_MS);
    patience_note(&p, BEGIN + 9999, 1, true);
    assert_int_equal(patience_deadline(&p), BEGIN + 9999 + LIMIT_MS);
}

/* It came in time, perhaps, and is looked at late. */
static void what_is_looked_at_late_still_counts(void **state)
{
    (void)state;
    struct patience p = wait_for(RATE);
    int64_t late = BEGIN + INT64_C(1000) * LIMIT_MS;
    patience_note(&p, late, RATE, true);
    assert_int_equal(patience_deadline(&p), late + 1000);
}

static void the_greatest_limits_do_not_overflow(void **state)
{
    (void)state;
    struct patience p;
    patience_begin(&p, 1000000000, INT64_C(1) << 30, 0);
    patience_note(&p, 0, 0, true);
    assert_int_equal(patience_deadline(&p), 1000000000);
    patience_note(&p, INT64_MAX / 2, 0, true);
    assert_int_equal(patience_deadline(&p), INT64_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_silent_has_the_whole_allowance),
        cmocka_unit_test(who_is_not_waited_for_has_any_time),
        cmocka_unit_test(only_the_time_of_waiting_counts),
        cmocka_unit_test(a_byte_adds_its_share_of_a_second),
        cmocka_unit_test(nothing_makes_it_more_than_whole),
        cmocka_unit_test(fractions_of_a_millisecond_add_up),
        cmocka_unit_test(who_keeps_the_rate_is_waited_for_without_end),
        cmocka_unit_test(who_is_slower_than_the_rate_is_given_up_later),
        cmocka_unit_test(without_a_rate_any_byte_fills_it),
        cmocka_unit_test(what_is_looked_at_late_still_counts),
        cmocka_unit_test(the_greatest_limits_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
