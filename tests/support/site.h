/*
 * site - a web site: an application, and one of the example gateways in front
 * of it. It is the state of a group of tests.
 */
#ifndef TESTS_SITE_H
#define TESTS_SITE_H

struct app;
struct front;
struct php_fpm;

struct site {
    struct php_fpm *fpm; /**< either this */
    struct app *app;     /**< or that */
    struct front *front;
};

/**
 * Start PHP-FPM, which serves the scripts of the tests, and a gateway.
 *
 * @param state     set to the site; NULL: a program is missing
 * @param program   the gateway's name
 * @param children  how many PHP-FPM has
 * @return what a set-up function of cmocka returns
 */
int site_of_php(void **state, const char *program, int children);

/** The same with the application that was made with libfcgi. */
int site_of_libfcgi(void **state, const char *program);

/** Stop both: a tear-down function of a group. */
int site_stop(void **state);

/** The set-up function of a group whose tests start fcgi-gateway themselves:
 *  checks whether this build has it. */
int site_finds_gateway(void **state);

/** Start a gateway of such a test in front of an application. The test is
 *  skipped if this build has none. */
struct front *site_gateway(void **state, const char *upstream,
                           const char *const *options);

/** The site. The test is skipped if there is none. */
struct site *site_get(void **state);

#endif
