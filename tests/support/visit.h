/*
 * visit - one request to a script of a PHP-FPM: each test has a client, a
 * request with the variables that PHP needs, and a response.
 *
 *     static void a_test(void **state)
 *     {
 *         struct visit *v = visit_to(state, "GET", "server.php");
 *         visit_ok(v);
 *         assert_int_equal(v->response.status, 200);
 *     }
 *
 *     VISIT_TEST(a_test)
 *
 * The state of the group is its struct php_fpm. If there is none, it is NULL,
 * and visit_to() skips the test.
 */
#ifndef TESTS_VISIT_H
#define TESTS_VISIT_H

#include <stdint.h>

#include <fcgi_client.h>

#include "php_fpm.h"

#define VISIT_PARAMS 24

struct visit {
    const struct php_fpm *fpm;
    struct fcgi_client *client;
    struct fcgi_request request; /**< `params` point to those below */
    struct fcgi_response response;
    struct fcgi_param params[VISIT_PARAMS];
    char *script;    /**< its path */
    char length[24]; /**< CONTENT_LENGTH, as digits */
};

#define VISIT_TEST(name)                                                       \
    cmocka_unit_test_setup_teardown(name, visit_begin, visit_end)

int visit_begin(void **state);
int visit_end(void **state);

/** The visit of the test, with a request that has no query and no body yet, and
 *  a minute in all, so that a request that hangs fails. */
struct visit *visit_to(void **state, const char *method, const char *script);

/** One more variable; the strings are borrowed. */
void visit_param(struct visit *v, const char *name, const char *value);

/** A body, and its CONTENT_LENGTH. */
void visit_body(struct visit *v, struct fcgi_source body, uint64_t len);

/** Make the request, and return what fcgi_client_do() does. */
int visit_ask(struct visit *v);

/** The same; anything but FCGI_OK is printed and fails the test. */
void visit_ok(struct visit *v);

#endif
