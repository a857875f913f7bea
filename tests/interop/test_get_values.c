/*
 * What real applications say of themselves when they are asked.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcgi_client.h>

#include "app.h"
#include "ask.h"
#include "php_fpm.h"
#include "program.h"

/* Ask twice: an application that closes each time must not matter. */
static void assert_says(const char *address, int64_t max_conns,
                        int64_t max_reqs, int mpxs_conns)
{
    struct fcgi_client_config config = {.timeouts = {.total_ms = 10000}};
    struct fcgi_client *client;
    struct fcgi_values values;
    assert_code(fcgi_client_new(&client, address, &config), FCGI_OK);
    for (int i = 0; i < 2; i++) {
        assert_code(fcgi_client_get_values(client, &values), FCGI_OK);
        assert_int_equal(values.max_conns, max_conns);
        assert_int_equal(values.max_reqs, max_reqs);
        assert_int_equal(values.mpxs_conns, mpxs_conns);
    }
    fcgi_client_free(client);
}

static void assert_app_says(const char *name, int64_t max_conns,
                            int64_t max_reqs, int mpxs_conns)
{
    char *path = program_built(name);
    if (path == NULL) {
        assert_int_equal(program_missing(name), 0);
        skip();
    }
    for (int tcp = 0; tcp < 2; tcp++) {
        struct app *app = app_start(path, tcp == 1);
        assert_says(app_address(app), max_conns, max_reqs, mpxs_conns);
        app_stop(app);
    }
    free(path);
}

static void fcgi_echo_says_how_much_it_serves(void **state)
{
    (void)state;
    assert_app_says("fcgi-echo", 64, 64, 0);
}

/* It reads on before it answers, and is content with padding. */
static void libfcgi_says_that_it_serves_one(void **state)
{
    (void)state;
    assert_app_says("app_libfcgi", 1, 1, 0);
}

static void php_fpm_says_only_that_it_cannot_multiplex(void **state)
{
    (void)state;
    static const struct php_fpm_options options = {.max_children = 2};
    if (!php_fpm_installed()) {
        assert_int_equal(program_missing("php-fpm"), 0);
        skip();
    }
    struct php_fpm *fpm = php_fpm_start(&options);
    assert_says(php_fpm_address(fpm), -1, -1, 0);
    php_fpm_stop(fpm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fcgi_echo_says_how_much_it_serves),
        cmocka_unit_test(libfcgi_says_that_it_serves_one),
        cmocka_unit_test(php_fpm_says_only_that_it_cannot_multiplex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
