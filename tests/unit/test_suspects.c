/*
 * Which idle connections are suspected to be dead, and for how long: a suspect
 * is looked at before it is handed out, until it has answered a request.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <fcgi_client.h>

#include "ask.h"
#include "host.h"
#include "peer.h"

/* A client whose connections end in the peer. Two are idle; the second was
 * used last. */
struct scene {
    struct peer peer;
    struct fcgi_client *client;
    struct fcgi_pool *pool;
};

static void set(struct scene *s)
{
    memset(s, 0, sizeof(*s));
    s->client = peer_client(&s->peer, NULL);
    s->pool = fcgi_client_pool(s->client);
    struct fcgi_connection *first = take(s->pool);
    struct fcgi_connection *second = take(s->pool);
    fcgi_pool_put(s->pool, first);
    fcgi_pool_put(s->pool, second);
}

static void strike(struct scene *s)
{
    fcgi_client_free(s->client);
    peer_free(&s->peer);
}

/* The connection used last, whose number that is, dies. A request finds it out,
 * and is answered over a new one. */
static void lose(struct scene *s, size_t nth)
{
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    peer_close(&s->peer, nth);
    struct fcgi_call *call = host_begin(s->client, &request, &response);
    assert_code(host_settle(call), FCGI_WAIT);
    peer_answer(&s->peer, s->peer.count - 1, 1, "A: 1\r\n\r\n");
    assert_code(host_run(call), FCGI_OK);
    assert_true(response.outcome.retried);
    host_free(call);
    fcgi_response_free(&response);
}

/* Take the idle connection used last but one, and give it back unused. Returns
 * false if it was found dead, so that a new one was dialled in its place. */
static bool take_second(struct scene *s)
{
    struct fcgi_connection *last = take(s->pool);
    struct fcgi_connection *connection;
    bool reused;
    assert_code(fcgi_pool_get(s->pool, &connection, &reused), FCGI_OK);
    fcgi_pool_put(s->pool, connection);
    fcgi_pool_put(s->pool, last);
    return reused;
}

static void what_was_idle_when_another_died_is_looked_at(void **state)
{
    (void)state;
    struct scene s;
    set(&s);
    lose(&s, 1);
    peer_close(&s.peer, 0);
    assert_false(take_second(&s));
    assert_int_equal(stats_of(s.client).stale, 2);
    strike(&s);
}

static void without_a_death_nothing_is_looked_at(void **state)
{
    (void)state;
    struct scene s;
    set(&s);
    peer_close(&s.peer, 0);
    assert_true(take_second(&s));
    assert_int_equal(stats_of(s.client).stale, 0);
    strike(&s);
}

/* That it was alive then tells nothing of the next time, however many others
 * have died meanwhile. */
static void a_suspect_that_was_not_used_stays_one(void **state)
{
    (void)state;
    for (size_t deaths = 1; deaths <= 3; deaths++) {
        struct scene s;
        set(&s);
        lose(&s, 1);
        assert_true(take_second(&s));
        for (size_t i = 1; i < deaths; i++) {
            lose(&s, s.peer.count - 1);
        }
        peer_close(&s.peer, 0);
        assert_false(take_second(&s));
        assert_int_equal(stats_of(s.client).stale, deaths + 1);
        strike(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_idle_when_another_died_is_looked_at),
        cmocka_unit_test(without_a_death_nothing_is_looked_at),
        cmocka_unit_test(a_suspect_that_was_not_used_stays_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
