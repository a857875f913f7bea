/*
 * Load on either of the gateways among the examples, from wrk: for a second or
 * two, as many requests as they can take, none of which may fail.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "front.h"
#include "output.h"
#include "php_fpm.h"
#include "program.h"
#include "site.h"

#define LOADER "/usr/bin/wrk"
#define SKIPPED 77

/* One for each client, so that none waits behind an idle connection. */
#define CHILDREN 16

/* What wrk says of it; the caller's to free. */
static char *load(const struct front *front, const char *target)
{
    char url[200];
    (void)snprintf(url, sizeof(url), "http://%s%s", front_address(front),
                   target);
    const char *const arguments[] = {"-t1", "-c16", "-d2s", url, NULL};
    return output_of(LOADER, arguments);
}

/* "  1234 requests in 2.00s, 5.67MB read" */
static long requests_in(const char *report)
{
    const char *end = strstr(report, " requests in ");
    const char *at = end;
    while (at != NULL && at > report && at[-1] != ' ') {
        at -= 1;
    }
    return at == NULL ? 0 : strtol(at, NULL, 10);
}

static void assert_bears(const struct front *front, const char *target)
{
    char *report = load(front, target);
    if (requests_in(report) == 0 || strstr(report, "Non-2xx") != NULL ||
        strstr(report, "Socket errors") != NULL) {
        fail_msg("%s", report);
    }
    print_message("%ld requests\n", requests_in(report));
    free(report);
}

static void small_answers_reach_all_clients(void **state)
{
    assert_bears(site_get(state)->front, "/server.php?a=b");
}

static void large_answers_reach_all_clients(void **state)
{
    assert_bears(site_get(state)->front, "/pattern.php?lines=65536");
}

/* Requests wait for a connection, and each gets one. */
static void few_connections_serve_many_clients(void **state)
{
    static const char *const options[] = {"--connections", "2", NULL};
    const struct site *site = site_get(state);
    char *root = php_fpm_script("");
    struct front *front =
        front_start("fcgi-gateway", php_fpm_address(site->fpm), root, options);
    free(root);
    assert_bears(front, "/server.php");
    assert_true(front_stop(front));
}

static int start_events(void **state)
{
    return site_of_php(state, "fcgi-gateway", CHILDREN + 2);
}

static int start_threads(void **state)
{
    return site_of_php(state, "gateway-threads", CHILDREN);
}

int main(void)
{
    const struct CMUnitTest events[] = {
        cmocka_unit_test(small_answers_reach_all_clients),
        cmocka_unit_test(large_answers_reach_all_clients),
        cmocka_unit_test(few_connections_serve_many_clients),
    };
    const struct CMUnitTest threads[] = {
        cmocka_unit_test(small_answers_reach_all_clients),
        cmocka_unit_test(large_answers_reach_all_clients),
    };
    if (!program_exists(LOADER)) {
        (void)puts("skipped: there is no " LOADER);
        return SKIPPED;
    }
    int failed = cmocka_run_group_tests_name("fcgi-gateway", events,
                                             start_events, site_stop);
    failed += cmocka_run_group_tests_name("gateway-threads", threads,
                                          start_threads, site_stop);
    return failed;
}
