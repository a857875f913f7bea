/*
 * ask - what tests of clients and pools share: a client or a pool for the fake
 * application, small requests, and checks of their outcome.
 *
 * These requests keep the time limits of the client, a minute by default, so
 * that a request that hangs fails.
 */
#ifndef TESTS_ASK_H
#define TESTS_ASK_H

#include <stddef.h>

#include <fcgi_client.h>

#include "fake.h"

/** Fail the test, and name both codes, unless they are the same. */
#define assert_code(got, want) ask_check_code((got), (want), __FILE__, __LINE__)

void ask_check_code(int got, int want, const char *file, int line);

/** A client for the application; fails the test if there is none. */
struct fcgi_client *client_for(const struct fake *app,
                               const struct fcgi_client_config *config);

/** A pool for the application; fails the test if there is none. */
struct fcgi_pool *pool_for(const struct fake *app,
                           const struct fcgi_pool_config *config);

/** A connection of the pool; fails the test if there is none. */
struct fcgi_connection *take(struct fcgi_pool *pool);

/** Make a client that has no connections yet keep that many idle ones, which
 *  the application has accepted. */
void keep_idle(struct fake *app, struct fcgi_client *client, size_t count);

/** GET, POST or PUT of /; the body is borrowed. By default a PUT, which is safe
 *  to repeat, goes over a pooled connection, and a POST does not. */
struct fcgi_request get_request(void);
struct fcgi_request post_request(struct fcgi_source body);
struct fcgi_request post_text(const char *body);
struct fcgi_request put_request(struct fcgi_source body);
struct fcgi_request put_text(const char *body);

/** Ask, expect a code, and return the outcome. */
#define ask_expecting(client, request, want)                                   \
    ask_and_check(fcgi_client_do, (client), (request), (want), NULL, __FILE__, \
                  __LINE__)

/** Ask, expect success and this body, and return the outcome. */
#define ask_expecting_body(client, request, body)                              \
    ask_and_check(fcgi_client_do, (client), (request), FCGI_OK, (body),        \
                  __FILE__, __LINE__)

/** fcgi_client_do(), or a function that does the same (host.h). */
typedef int ask_function(struct fcgi_client *client,
                         const struct fcgi_request *request,
                         struct fcgi_response *response);

struct fcgi_outcome ask_and_check(ask_function *function,
                                  struct fcgi_client *client,
                                  const struct fcgi_request *request, int want,
                                  const char *body, const char *file, int line);

/** GET, and expect the 200 "hello" of FAKE_SERVE. */
#define ask_hello(client) ask_hello_at((client), __FILE__, __LINE__)

struct fcgi_outcome ask_hello_at(struct fcgi_client *client, const char *file,
                                 int line);

/** What a client's pool has counted. */
struct fcgi_pool_stats stats_of(struct fcgi_client *client);
struct fcgi_pool_stats stats_of_pool(struct fcgi_pool *pool);

/** Wait until that many callers wait for a connection. */
void await_waiting(struct fcgi_pool *pool, size_t count);

#endif
