/*
 * Whether keeping connections pays: what deaths and rescues cost, what reuses
 * earn, which connections are kept as trials when the credit is used up; and
 * how many closings are owed to requests that wait.
 */
#include <string.h>

#include "../../src/pool/keepalive.h"
#include "test.h"

/* As keepalive.c has them. */
#define DEATHS 4 /* that use up the credit */
#define RESCUES 64
#define REUSES 256 /* that earn it all again */
#define REUSES_PER_DEATH 64
#define REUSES_PER_RESCUE 4
#define FIRST_INTERVAL 16
#define LAST_INTERVAL 1024

/* Memory holds something before: no negative numbers, which would count down
 * as 0 does. */
static struct fcgi__keepalive fresh(void)
{
    struct fcgi__keepalive k;
    memset(&k, 0x5a, sizeof(k));
    fcgi__keepalive_init(&k);
    return k;
}

static void charge_deaths(struct fcgi__keepalive *k, int count)
{
    for (int i = 0; i < count; i++) {
        fcgi__keepalive_charge_death(k);
    }
}

static void charge_rescues(struct fcgi__keepalive *k, int count)
{
    for (int i = 0; i < count; i++) {
        fcgi__keepalive_charge_rescue(k);
    }
}

static void earn(struct fcgi__keepalive *k, int count)
{
    for (int i = 0; i < count; i++) {
        fcgi__keepalive_earn(k);
    }
}

/* How many connections come back until one is kept, that one counted. */
static int returns_to_the_next_kept(struct fcgi__keepalive *k)
{
    int count = 1;
    while (!fcgi__keepalive_pays(k)) {
        count += 1;
        assert_true(count <= 2 * LAST_INTERVAL);
    }
    return count;
}

static void assert_keeps_all(struct fcgi__keepalive *k)
{
    for (int i = 0; i < 2 * FIRST_INTERVAL; i++) {
        assert_true(fcgi__keepalive_pays(k));
    }
}

static struct fcgi__keepalive amid_trials(void)
{
    struct fcgi__keepalive k = fresh();
    charge_deaths(&k, DEATHS + 1);
    return k;
}

/* ---- credit ------------------------------------------------------------- */

static void every_connection_is_kept_at_first(void **state)
{
    (void)state;
    struct fcgi__keepalive k = fresh();
    assert_keeps_all(&k);
}

static void the_fifth_death_begins_trials(void **state)
{
    (void)state;
    struct fcgi__keepalive k = fresh();
    charge_deaths(&k, DEATHS);
    assert_keeps_all(&k);
    charge_deaths(&k, 1);
    assert_int_equal(returns_to_the_next_kept(&k), FIRST_INTERVAL);
}

static void the_65th_rescue_begins_trials(void **state)
{
    (void)state;
    struct fcgi__keepalive k = fresh();
    charge_rescues(&k, RESCUES);
    assert_keeps_all(&k);
    charge_rescues(&k, 1);
    assert_int_equal(returns_to_the_next_kept(&k), FIRST_INTERVAL);
}

static void a_death_costs_as_much_as_64_reuses_earn(void **state)
{
    (void)state;
    struct fcgi__keepalive k = fresh();
    charge_deaths(&k, DEATHS);
    earn(&k, REUSES_PER_DEATH);
    charge_deaths(&k, 1);
    assert_keeps_all(&k);
    earn(&k, REUSES_PER_DEATH - 1);
    charge_deaths(&k, 1);
    assert_int_equal(returns_to_the_next_kept(&k), FIRST_INTERVAL);
}

static void a_rescue_costs_as_much_as_4_reuses_earn(void **state)
{
    (void)state;
    struct fcgi__keepalive k = fresh();
    charge_deaths(&k, DEATHS);
    earn(&k, REUSES_PER_RESCUE);
    charge_rescues(&k, 1);
    assert_keeps_all(&k);
    earn(&k, REUSES_PER_RESCUE - 1);
    charge_rescues(&k, 1);
    assert_int_equal(returns_to_the_next_kept(&k), FIRST_INTERVAL);
}

static void the_credit_does_not_grow_beyond_what_it_is_at_first(void **state)
{
    (void)state;
    struct fcgi__keepalive k = fresh();
    earn(&k, 10 * REUSES);
    charge_deaths(&k, DEATHS);
    earn(&k, REUSES_PER_DEATH - 1);
    charge_deaths(&k, 1);
    assert_int_equal(returns_to_the_next_kept(&k), FIRST_INTERVAL);
}

/* There is no debt that reuses would have to pay first. */
static void the_credit_does_not_fall_below_nothing(void **state)
{
    (void)state;
    struct fcgi__keepalive k = fresh();
    charge_deaths(&k, 10 * DEATHS);
    earn(&k, REUSES_PER_DEATH);
    charge_deaths(&k, 1);
    assert_keeps_all(&k);
}

/* ---- trials ------------------------------------------------------------- */

static void each_16th_connection_is_kept_as_a_trial(void **state)
{
    (void)state;
    struct fcgi__keepalive k = amid_trials();
    for (int round = 0; round < 5; round++) {
        for (int i = 1; i < FIRST_INTERVAL; i++) {
            assert_false(fcgi__keepalive_pays(&k));
        }
        assert_true(fcgi__keepalive_pays(&k));
    }
}

static void a_trial_that_fails_doubles_the_interval_up_to_1024(void **state)
{
    (void)state;
    struct fcgi__keepalive k = amid_trials();
    for (int interval = FIRST_INTERVAL; interval < LAST_INTERVAL;
         interval *= 2) {
        assert_int_equal(returns_to_the_next_kept(&k), interval);
        assert_int_equal(returns_to_the_next_kept(&k), interval);
        charge_deaths(&k, 1);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(returns_to_the_next_kept(&k), LAST_INTERVAL);
        charge_deaths(&k, 1);
    }
}

static void a_trial_that_ends_in_a_rescue_has_failed_too(void **state)
{
    (void)state;
    struct fcgi__keepalive k = amid_trials();
    (void)returns_to_the_next_kept(&k);
    charge_rescues(&k, 1);
    assert_int_equal(returns_to_the_next_kept(&k), 2 * FIRST_INTERVAL);
}

/* Not from where the interval before was. */
static void a_failure_counts_the_interval_from_its_beginning(void **state)
{
    (void)state;
    struct fcgi__keepalive k = amid_trials();
    for (int i = 1; i < FIRST_INTERVAL; i++) {
        assert_false(fcgi__keepalive_pays(&k));
    }
    charge_deaths(&k, 1);
    assert_int_equal(returns_to_the_next_kept(&k), 2 * FIRST_INTERVAL);
}

static void a_reuse_ends_the_trials(void **state)
{
    (void)state;
    struct fcgi__keepalive k = amid_trials();
    assert_false(fcgi__keepalive_pays(&k));
    earn(&k, 1);
    assert_keeps_all(&k);
}

/* An application that closes now and then is found out sooner each time. */
static void the_interval_is_remembered_until_the_credit_is_full(void **state)
{
    (void)state;
    struct fcgi__keepalive k = amid_trials();
    earn(&k, REUSES - 1);
    charge_deaths(&k, DEATHS);
    assert_int_equal(returns_to_the_next_kept(&k), 2 * FIRST_INTERVAL);
}

static void the_interval_is_forgotten_when_the_credit_is_full(void **state)
{
    (void)state;
    struct fcgi__keepalive k = amid_trials();
    earn(&k, REUSES + 1);
    charge_deaths(&k, DEATHS);
    assert_keeps_all(&k);
    charge_deaths(&k, 1);
    assert_int_equal(returns_to_the_next_kept(&k), FIRST_INTERVAL);
}

/* ---- what is owed ------------------------------------------------------- */

static void nothing_is_owed_at_first(void **state)
{
    (void)state;
    struct fcgi__keepalive k = fresh();
    assert_int_equal(k.late, 0);
    assert_int_equal(k.owed, 0);
}

static void each_payment_is_for_one_closing_owed(void **state)
{
    (void)state;
    struct fcgi__keepalive k = fresh();
    fcgi__keepalive_add_late(&k);
    fcgi__keepalive_owe(&k);
    fcgi__keepalive_owe(&k);
    assert_int_equal(k.owed, 2);
    fcgi__keepalive_pay(&k);
    assert_int_equal(k.owed, 1);
    fcgi__keepalive_pay(&k);
    assert_int_equal(k.owed, 0);
}

/* Connections are closed for other reasons too. */
static void a_payment_where_nothing_is_owed_is_no_advance(void **state)
{
    (void)state;
    struct fcgi__keepalive k = fresh();
    fcgi__keepalive_pay(&k);
    assert_int_equal(k.owed, 0);
    fcgi__keepalive_owe(&k);
    assert_int_equal(k.owed, 1);
}

static void nothing_is_owed_once_no_request_is_late(void **state)
{
    (void)state;
    struct fcgi__keepalive k = fresh();
    for (int i = 0; i < 3; i++) {
        fcgi__keepalive_add_late(&k);
        fcgi__keepalive_owe(&k);
    }
    fcgi__keepalive_remove_late(&k);
    fcgi__keepalive_remove_late(&k);
    assert_int_equal(k.late, 1);
    assert_int_equal(k.owed, 3);
    fcgi__keepalive_remove_late(&k);
    assert_int_equal(k.late, 0);
    assert_int_equal(k.owed, 0);
}

/* As a call does that is freed in the child of a fork(). */
static void a_request_that_was_not_counted_may_be_removed(void **state)
{
    (void)state;
    struct fcgi__keepalive k = fresh();
    fcgi__keepalive_remove_late(&k);
    assert_int_equal(k.late, 0);
    fcgi__keepalive_add_late(&k);
    assert_int_equal(k.late, 1);
}

/* ---- fork() ------------------------------------------------------------- */

static void forgetting_clears_what_is_owed(void **state)
{
    (void)state;
    struct fcgi__keepalive k = fresh();
    fcgi__keepalive_add_late(&k);
    fcgi__keepalive_owe(&k);
    fcgi__keepalive_forget(&k);
    assert_int_equal(k.late, 0);
    assert_int_equal(k.owed, 0);
}

/* The application is the same in the child. */
static void forgetting_leaves_what_was_learned(void **state)
{
    (void)state;
    struct fcgi__keepalive k = amid_trials();
    assert_false(fcgi__keepalive_pays(&k));
    fcgi__keepalive_forget(&k);
    assert_int_equal(returns_to_the_next_kept(&k), FIRST_INTERVAL - 1);
    charge_deaths(&k, 1);
    assert_int_equal(returns_to_the_next_kept(&k), 2 * FIRST_INTERVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_connection_is_kept_at_first),
        cmocka_unit_test(the_fifth_death_begins_trials),
        cmocka_unit_test(the_65th_rescue_begins_trials),
        cmocka_unit_test(a_death_costs_as_much_as_64_reuses_earn),
        cmocka_unit_test(a_rescue_costs_as_much_as_4_reuses_earn),
        cmocka_unit_test(the_credit_does_not_grow_beyond_what_it_is_at_first),
        cmocka_unit_test(the_credit_does_not_fall_below_nothing),
        cmocka_unit_test(each_16th_connection_is_kept_as_a_trial),
        cmocka_unit_test(a_trial_that_fails_doubles_the_interval_up_to_1024),
        cmocka_unit_test(a_trial_that_ends_in_a_rescue_has_failed_too),
        cmocka_unit_test(a_failure_counts_the_interval_from_its_beginning),
        cmocka_unit_test(a_reuse_ends_the_trials),
        cmocka_unit_test(the_interval_is_remembered_until_the_credit_is_full),
        cmocka_unit_test(the_interval_is_forgotten_when_the_credit_is_full),
        cmocka_unit_test(nothing_is_owed_at_first),
        cmocka_unit_test(each_payment_is_for_one_closing_owed),
        cmocka_unit_test(a_payment_where_nothing_is_owed_is_no_advance),
        cmocka_unit_test(nothing_is_owed_once_no_request_is_late),
        cmocka_unit_test(a_request_that_was_not_counted_may_be_removed),
        cmocka_unit_test(forgetting_clears_what_is_owed),
        cmocka_unit_test(forgetting_leaves_what_was_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
