/*
 * site - what a web site is made of: an application, and one of the gateways
 * among the examples in front of it. Each is the fixture of a group of tests.
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
 * @param state     set to the site; NULL: something is not there
 * @param program   the gateway's name
 * @param children  how many PHP-FPM has
 * @return what cmocka wants of a group's setup
 */
int site_of_php(void **state, const char *program, int children);

/** The same with the application that was made with libfcgi. */
int site_of_libfcgi(void **state, const char *program);

/** Stop both; what cmocka wants of a group's teardown. */
int site_stop(void **state);

/** What cmocka wants of the setup of a group whose tests start fcgi-gateway by
 *  themselves: whether this build made it. */
int site_finds_gateway(void **state);

/** Such a test's own, in front of an application; where there is none, the test
 *  is skipped. */
struct front *site_gateway(void **state, const char *upstream,
                           const char *const *options);

/** The site; where there is none, the test is skipped. */
struct site *site_get(void **state);

#endif
