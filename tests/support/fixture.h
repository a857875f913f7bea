/*
 * fixture - the application, client, request and response of a test. They are
 * stopped and freed after the test, also if an assertion failed.
 *
 *     static void a_connection_is_used_again(void **state)
 *     {
 *         struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
 *         assert_false(ask_hello(f->client).reused);
 *         assert_true(ask_hello(f->client).reused);
 *     }
 *
 *     int main(void)
 *     {
 *         const struct CMUnitTest tests[] = {
 *             fixture_test(a_connection_is_used_again),
 *         };
 *         return cmocka_run_group_tests(tests, NULL, NULL);
 *     }
 *
 * A test also fails if it leaves a descriptor open or a block of `memory`
 * allocated.
 *
 * A failed assertion leaves the test's function, so that its local variables
 * are gone when the tear-down runs. Use fixture_alloc() for what the tear-down
 * still uses: the response of a call, the data of a thread, the context of an
 * allocator or a trace.
 */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include <stddef.h>

#include <fcgi_client.h>

#include "allocator.h"
#include "ask.h"
#include "fake.h"
#include "peer.h"
#include "test.h"

struct fixture {
    struct fake *app;
    struct peer peer; /**< used instead of `app` after fixture_peer() */
    struct fcgi_client *client;
    struct fcgi_pool *pool;      /**< the client's, or the test's own if there
                                      is no client */
    struct fcgi_request request; /**< GET / unless changed */
    struct fcgi_response response;
    struct fcgi_call *call;
    struct counting_allocator memory; /**< for a test that needs an allocator */

    struct fixture_thread *threads; /* started and not joined */
    struct fixture_item *deferred;
    struct fixture_item *kept; /* from fixture_alloc() */
    struct temp *folder;       /* of fixture_path() */
    int input;                 /* a copy of descriptor 0; -1: not closed */
    size_t limit;       /* of descriptors, before it was lowered; 0: not */
    size_t descriptors; /* number open before the test */
};

#define fixture_test(name)                                                     \
    cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/**
 * Start an application and a client for it. What the fixture had before is
 * ended first, by fixture_end(). The test is skipped if this machine does not
 * support the family.
 *
 * @param config  options of the client; NULL: the defaults
 */
struct fixture *fixture_serve(void **state, enum fake_family family,
                              const struct fcgi_client_config *config);
struct fixture *fixture_clogged(void **state, enum fake_family family,
                                const struct fcgi_client_config *config);
struct fixture *fixture_start(void **state, enum fake_family family,
                              const struct fake_step *steps, size_t count,
                              const struct fcgi_client_config *config);
#define fixture_run(state, family, steps, config)                              \
    fixture_start((state), (family), FAKE_STEPS(steps), (config))

/** The same, with the test itself as the application (peer.h). */
struct fixture *fixture_peer(void **state,
                             const struct fcgi_client_config *config);

/** Start an application that serves, and a pool for it but no client. */
struct fixture *fixture_pool(void **state, enum fake_family family,
                             const struct fcgi_pool_config *config);

/** Let the tear-down stop another application; returns it. */
struct fake *fixture_other_app(void **state, struct fake *app);

/** Make another client for `app`. */
struct fcgi_client *fixture_client(void **state,
                                   const struct fcgi_client_config *config);

/** Make a wake-up for calls of `client`. */
struct fcgi_wakeup *fixture_wakeup(void **state);

/** Start `call` with `request` on `client`, into `response`. The previous one
 * is freed first. */
void fixture_begin(struct fixture *f);

/** Another call, which the tear-down frees if the test did not. */
struct fixture_call {
    struct fcgi_call *call;
    struct fcgi_response response;
};

/** Start another call with `request` on `client`, into its own response. */
struct fixture_call *fixture_other_call(void **state);
void fixture_free_other(struct fixture_call *other);

/** Free `call`, free `client` or `pool`, or stop `app` before the test ends,
 * and set the field to NULL. */
void fixture_free_call(struct fixture *f);
void fixture_free_client(struct fixture *f);
void fixture_stop_app(struct fixture *f);

/** Run a function in another thread. */
void fixture_thread(void **state, void *(*run)(void *), void *argument);

/** Join all threads that the fixture started. */
void fixture_join(void **state);

/** A request that another thread makes by fcgi_client_do(). */
struct fixture_asker {
    struct fcgi_client *client;
    struct fcgi_request request;
    struct fcgi_response response;
    int rc; /**< what it returned; valid once the thread is joined */
};

/** Make a request in another thread; `request` is copied. */
struct fixture_asker *fixture_ask(void **state, struct fcgi_client *client,
                                  const struct fcgi_request *request);

/** Join that thread; fails the test unless the request succeeded. */
void fixture_join_asker(void **state, struct fixture_asker *asker);

/** Allocate zeroed memory, which is freed after everything else. */
void *fixture_alloc(void **state, size_t size);

/** The path of a file, which need not exist, in a folder that the tear-down
 *  removes with its contents. */
const char *fixture_path(void **state, const char *name);

/** Close descriptor 0, so that the next one opened gets that number. The
 *  tear-down restores it. */
void fixture_close_input(void **state);

/** Make every attempt to open a descriptor fail, or let it succeed again. The
 *  tear-down does the latter if the test did not. */
void fixture_forbid_descriptors(void **state);
void fixture_allow_descriptors(void **state);

/** The highest descriptor that select() can watch on most systems. */
#define FIXTURE_SELECTABLE 1023

/** Open all descriptors up to that one, so that later ones are higher. The
 *  tear-down closes them. */
void fixture_take_low_descriptors(void **state);

/** Let the tear-down call `end(what)`: before it ends the client and the
 *  application, the last deferred first. */
void fixture_defer(void **state, void (*end)(void *what), void *what);

/** Do now what the tear-down does, except for freeing the memory from
 *  fixture_alloc(). All threads must have been joined. Fails the test if a
 *  block of `memory` is still allocated; `memory` then counts from 0 again. */
void fixture_end(void **state);

#endif
