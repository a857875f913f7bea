/*
 * fixture - what a test of a client works with: an application, a client, a
 * request and a response. All of it is ended when the test is over, whether
 * the test passed or an assertion failed amid it.
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
 * The test fails too if it leaves a descriptor open or a block of `memory`
 * allocated.
 *
 * A failed assertion leaves the test's function, and its local variables are
 * gone. What is still used while the test is ended comes from fixture_alloc():
 * the response of a call, what a thread works with, the context of an
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
    struct peer peer; /**< takes the place of `app` after fixture_peer() */
    struct fcgi_client *client;
    struct fcgi_pool *pool;      /**< the client's; the test's own, if there is
                                      no client */
    struct fcgi_request request; /**< GET of /, at first */
    struct fcgi_response response;
    struct fcgi_call *call;
    struct counting_allocator memory; /**< for a test that hands it out */

    struct fixture_thread *threads; /* begun and not joined */
    struct fixture_item *deferred;
    struct fixture_item *kept; /* from fixture_alloc() */
    struct temp *folder;       /* of fixture_path() */
    int input;                 /* copy of descriptor 0; -1: it is open */
    size_t limit;              /* of descriptors; 0: it has not been lowered */
    size_t descriptors;        /* open before the test */
};

#define fixture_test(name)                                                     \
    cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/**
 * Start an application and a client of it. What the test had before is ended,
 * as by fixture_end(). The test is skipped if this machine has no such family.
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

/** The same where the test itself plays the application: see peer.h. */
struct fixture *fixture_peer(void **state,
                             const struct fcgi_client_config *config);

/** An application that serves, and a pool of its connections but no client. */
struct fixture *fixture_pool(void **state, enum fake_family family,
                             const struct fcgi_pool_config *config);

/** Have another application stopped with the test; returns it. */
struct fake *fixture_other_app(void **state, struct fake *app);

/** Another client of `app`. */
struct fcgi_client *fixture_client(void **state,
                                   const struct fcgi_client_config *config);

/** A wake-up for calls of `client`. */
struct fcgi_wakeup *fixture_wakeup(void **state);

/** Begin `call`: `request` on `client`, into `response`. One begun before is
 *  freed first. */
void fixture_begin(struct fixture *f);

/** Another call, freed at the end of the test at the latest. */
struct fixture_call {
    struct fcgi_call *call;
    struct fcgi_response response;
};

/** Begin another call: `request` on `client`, into its own response. */
struct fixture_call *fixture_other_call(void **state);
void fixture_free_other(struct fixture_call *other);

/** Free `call`, or `client` or `pool`, or stop `app`, before the test is over;
 *  it is NULL then. */
void fixture_free_call(struct fixture *f);
void fixture_free_client(struct fixture *f);
void fixture_stop_app(struct fixture *f);

/** Run a function in a thread beside the test. */
void fixture_thread(void **state, void *(*run)(void *), void *argument);

/** Wait until all threads begun have returned. */
void fixture_join(void **state);

/** A request that a thread makes by fcgi_client_do(). */
struct fixture_asker {
    struct fcgi_client *client;
    struct fcgi_request request;
    struct fcgi_response response;
    int rc; /**< what it returned: look at it once the thread was joined */
};

/** Ask in a thread beside the test; `request` is copied. */
struct fixture_asker *fixture_ask(void **state, struct fcgi_client *client,
                                  const struct fcgi_request *request);

/** Wait until that thread has returned; fails the test unless the request
 *  succeeded. */
void fixture_join_asker(void **state, struct fixture_asker *asker);

/** Zeroed memory that stays until the test is over. */
void *fixture_alloc(void **state, size_t size);

/** The path of a file, which need not exist, in a folder that is removed with
 *  all its contents when the test is over. */
const char *fixture_path(void **state, const char *name);

/** Close descriptor 0, so that the next one opened is that. It is restored when
 *  the test is over. */
void fixture_close_input(void **state);

/** Let no descriptor be opened; or let it again, at the end of the test at the
 *  latest. */
void fixture_forbid_descriptors(void **state);
void fixture_allow_descriptors(void **state);

/** The highest descriptor that select() knows, on most systems. */
#define FIXTURE_SELECTABLE 1023

/** Open all descriptors up to that one, so that those that follow are higher.
 *  They are closed when the test is ended. */
void fixture_take_low_descriptors(void **state);

/** Have `end(what)` called when the test is ended: before its client and its
 *  application are, and before what was deferred earlier. */
void fixture_defer(void **state, void (*end)(void *what), void *what);

/** End all now that would be ended after the test, but for the memory from
 *  fixture_alloc(). All threads must have been joined. Fails the test if a
 *  block of `memory` is left, which counts from 0 again. */
void fixture_end(void **state);

#endif
