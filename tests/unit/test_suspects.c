/*
 * Which idle connections are suspected to be dead, and for how long: a suspect
 * is looked at before it is handed out, until it has answered a request.
 */
#define _POSIX_C_SOURCE 200809L

#include "fixture.h"
#include "host.h"
#include "peer.h"

/* Two connections of the peer's are idle; the second was used last. */
static struct fixture *begin(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    struct fcgi_connection *first = take(f->pool);
    struct fcgi_connection *second = take(f->pool);
    fcgi_pool_put(f->pool, first);
    fcgi_pool_put(f->pool, second);
    return f;
}

/* The connection used last, whose number that is, dies. A request finds it out,
 * and is answered over a new one. */
static void lose(struct fixture *f, size_t nth)
{
    peer_close(&f->peer, nth);
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    peer_answer(&f->peer, f->peer.count - 1, 1, "A: 1\r\n\r\n");
    assert_code(host_run(f->call), FCGI_OK);
    assert_true(f->response.outcome.retried);
    fixture_free_call(f);
}

/* Take the idle connection used last but one, and give it back unused. Returns
 * false if it was found dead, so that a new one was dialled in its place. */
static bool take_second(struct fixture *f)
{
    struct fcgi_connection *last = take(f->pool);
    struct fcgi_connection *connection;
    bool reused;
    assert_code(fcgi_pool_get(f->pool, &connection, &reused), FCGI_OK);
    fcgi_pool_put(f->pool, connection);
    fcgi_pool_put(f->pool, last);
    return reused;
}

static void what_was_idle_when_another_died_is_looked_at(void **state)
{
    struct fixture *f = begin(state);
    lose(f, 1);
    peer_close(&f->peer, 0);
    assert_false(take_second(f));
    assert_int_equal(stats_of(f->client).stale, 2);
}

static void without_a_death_nothing_is_looked_at(void **state)
{
    struct fixture *f = begin(state);
    peer_close(&f->peer, 0);
    assert_true(take_second(f));
    assert_int_equal(stats_of(f->client).stale, 0);
}

/* That it was alive then tells nothing of the next time, however many others
 * have died meanwhile. */
static void a_suspect_that_was_not_used_stays_one(void **state)
{
    for (size_t deaths = 1; deaths <= 3; deaths++) {
        struct fixture *f = begin(state);
        lose(f, 1);
        assert_true(take_second(f));
        for (size_t i = 1; i < deaths; i++) {
            lose(f, f->peer.count - 1);
        }
        peer_close(&f->peer, 0);
        assert_false(take_second(f));
        assert_int_equal(stats_of(f->client).stale, deaths + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(what_was_idle_when_another_died_is_looked_at),
        fixture_test(without_a_death_nothing_is_looked_at),
        fixture_test(a_suspect_that_was_not_used_stays_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
