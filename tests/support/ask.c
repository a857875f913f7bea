/*
 * ask - clients, pools and small requests for tests: see ask.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "ask.h"

#include <sched.h>
#include <string.h>

#include "test.h"

static const struct fcgi_param get_params[] = {
    FCGI_PARAM("REQUEST_METHOD", "GET"),
    FCGI_PARAM("SCRIPT_FILENAME", "/srv/index"),
};

static const struct fcgi_param post_params[] = {
    FCGI_PARAM("REQUEST_METHOD", "POST"),
    FCGI_PARAM("SCRIPT_FILENAME", "/srv/index"),
};

static const struct fcgi_param put_params[] = {
    FCGI_PARAM("REQUEST_METHOD", "PUT"),
    FCGI_PARAM("SCRIPT_FILENAME", "/srv/index"),
};

void ask_check_code(int got, int want, const char *file, int line)
{
    if (got != want) {
        print_error("%s (%d), not %s (%d)\n", fcgi_error_name(got), got,
                    fcgi_error_name(want), want);
        _fail(file, line);
    }
}

struct fcgi_client *client_for(const struct fake *app,
                               const struct fcgi_client_config *config)
{
    struct fcgi_client *client;
    assert_code(fcgi_client_new(&client, fake_address(app), config), FCGI_OK);
    return client;
}

struct fcgi_pool *pool_for(const struct fake *app,
                           const struct fcgi_pool_config *config)
{
    struct fcgi_pool *pool;
    assert_code(fcgi_pool_new(&pool, fake_address(app), config), FCGI_OK);
    return pool;
}

struct fcgi_connection *take(struct fcgi_pool *pool)
{
    struct fcgi_connection *connection;
    assert_code(fcgi_pool_get(pool, &connection, NULL), FCGI_OK);
    return connection;
}

void keep_idle(struct fake *app, struct fcgi_client *client, size_t count)
{
    struct fcgi_pool *pool = fcgi_client_pool(client);
    struct fcgi_connection *connections[16];
    assert_in_range(count, 1, 16);
    for (size_t i = 0; i < count; i++) {
        connections[i] = take(pool);
    }
    fake_await(app, FAKE_ACCEPTED, (size_t)stats_of(client).dials);
    for (size_t i = 0; i < count; i++) {
        fcgi_pool_put(pool, connections[i]);
    }
    assert_int_equal(stats_of(client).idle, count);
}

struct fcgi_request get_request(void)
{
    struct fcgi_request request = {.params = get_params, .param_count = 2};
    return request;
}

struct fcgi_request post_request(struct fcgi_source body)
{
    struct fcgi_request request = {.params = post_params, .param_count = 2};
    request.body = body;
    return request;
}

struct fcgi_request post_text(const char *body)
{
    struct fcgi_source source = {.data = body, .len = strlen(body)};
    return post_request(source);
}

struct fcgi_request put_request(struct fcgi_source body)
{
    struct fcgi_request request = {.params = put_params, .param_count = 2};
    request.body = body;
    return request;
}

struct fcgi_request put_text(const char *body)
{
    struct fcgi_source source = {.data = body, .len = strlen(body)};
    return put_request(source);
}

static void check_body(const struct fcgi_response *response, const char *body,
                       const char *file, int line)
{
    if (response->body.len != strlen(body) ||
        memcmp(response->body.data, body, strlen(body)) != 0) {
        print_error("the body is \"%.*s\", not \"%s\"\n",
                    (int)response->body.len, response->body.data, body);
        _fail(file, line);
    }
}

struct fcgi_outcome ask_and_check(ask_function *function,
                                  struct fcgi_client *client,
                                  const struct fcgi_request *request, int want,
                                  const char *body, const char *file, int line)
{
    struct fcgi_response response = {0};
    int rc = function(client, request, &response);
    ask_check_code(rc, want, file, line);
    ask_check_code(response.outcome.error, want, file, line);
    if (body != NULL) {
        check_body(&response, body, file, line);
    }
    struct fcgi_outcome outcome = response.outcome;
    fcgi_response_free(&response);
    return outcome;
}

struct fcgi_outcome ask_hello_at(struct fcgi_client *client, const char *file,
                                 int line)
{
    struct fcgi_request request = get_request();
    return ask_and_check(fcgi_client_do, client, &request, FCGI_OK, "hello",
                         file, line);
}

struct fcgi_pool_stats stats_of_pool(struct fcgi_pool *pool)
{
    struct fcgi_pool_stats stats;
    fcgi_pool_get_stats(pool, &stats);
    return stats;
}

struct fcgi_pool_stats stats_of(struct fcgi_client *client)
{
    return stats_of_pool(fcgi_client_pool(client));
}

void await_waiting(struct fcgi_pool *pool, size_t count)
{
    while (stats_of_pool(pool).waiting != count) {
        (void)sched_yield();
    }
}
