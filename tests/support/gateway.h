/*
 * gateway - what a gateway makes variables of an HTTP request with: a site, a
 * request and the object that holds the variables.
 *
 *     static void a_field_is_a_variable(void **state)
 *     {
 *         struct gateway *g = *state;
 *         gateway_field(g, "Accept", "text/html");
 *         assert_int_equal(gateway_get(g, "/a.php"), FCGI_OK);
 *         gateway_assert(g, "HTTP_ACCEPT", "text/html");
 *     }
 *
 *     ... gateway_test(a_field_is_a_variable), ...
 *
 * A test that leaves memory allocated fails.
 */
#ifndef TESTS_GATEWAY_H
#define TESTS_GATEWAY_H

#include <fcgi_client/cgi.h>

#include "allocator.h"
#include "test.h"

#define GATEWAY_FIELDS 32

struct gateway {
    struct counting_allocator memory;
    struct fcgi_cgi *cgi;
    struct fcgi_cgi_site site;       /* its root is /srv/www */
    struct fcgi_cgi_request request; /* GET / HTTP/1.1, with these fields */
    struct fcgi_field fields[GATEWAY_FIELDS];
};

/** A test whose state is a struct gateway. */
#define gateway_test(name)                                                     \
    cmocka_unit_test_setup_teardown(name, gateway_set_up, gateway_tear_down)

int gateway_set_up(void **state);
int gateway_tear_down(void **state);

void gateway_open(struct gateway *g);
/** Free it; fails the test if memory is left allocated. */
void gateway_close(struct gateway *g);
/** Both: begin with another request and another object. */
void gateway_anew(struct gateway *g);

/** A string without its NUL, borrowed. */
struct fcgi_slice gateway_slice(const char *text);

/** One more field; the strings are borrowed. */
void gateway_field(struct gateway *g, const char *name, const char *value);

/** Make the variables, and return what fcgi_cgi_build() does. Fails the test
 *  unless there are some on success, and none after an error. */
int gateway_build(struct gateway *g);

/** The same for another target. */
int gateway_get(struct gateway *g, const char *target);

/** The variable of a name; NULL: there is none. Fails if there are two. */
const struct fcgi_param *gateway_find(const struct gateway *g,
                                      const char *name);

/** The value of a variable must be this; NULL: there must be none. */
void gateway_assert(const struct gateway *g, const char *name,
                    const char *value);

/** Check what holds of the variables of any request: no HTTP_PROXY, no two that
 *  PHP takes for the same, no control bytes, no file outside the root. */
void gateway_check(const struct gateway *g);

#endif
