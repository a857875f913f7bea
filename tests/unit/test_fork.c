/*
 * fork(): the child closes its copies of the connections without a word to the
 * application, and begins anew; the parent goes on undisturbed.
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "child.h"
#include "fixture.h"
#include "host.h"
#include "process.h"

static ino_t inode(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

/* Whether this process has that socket open, under whatever number. */
static bool has_open(ino_t socket_inode)
{
    bool found = false;
    DIR *dir = opendir("/proc/self/fd");
    for (struct dirent *at = readdir(dir); at != NULL; at = readdir(dir)) {
        struct stat status;
        int rc = fstatat(dirfd(dir), at->d_name, &status, 0);
        found = found || (rc == 0 && status.st_ino == socket_inode);
    }
    (void)closedir(dir);
    return found;
}

static bool child_asks(struct fcgi_client *client, bool *reused)
{
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    int rc = fcgi_client_do(client, &request, &response);
    bool well = rc == FCGI_OK && response.body.len == 5;
    *reused = response.outcome.reused;
    fcgi_response_free(&response);
    return well;
}

static struct fcgi_client *clients[5];

static void free_client(size_t nth)
{
    fcgi_client_free(clients[nth]);
    clients[nth] = NULL;
}

static void free_clients(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < 5; i++) {
        free_client(i);
    }
}

/* Each pool is told of a fork(), whichever of its neighbours was freed. */
static void clients_are_freed_in_any_order_before_a_fork(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    fixture_defer(state, free_clients, NULL);
    for (size_t i = 0; i < 5; i++) {
        clients[i] = client_for(f->app, NULL);
        ask_hello(clients[i]);
    }
    free_client(2);
    free_client(0);
    free_client(4);
    if (child_begin(state)) {
        bool reused = true;
        CHILD_REQUIRE(child_asks(clients[1], &reused));
        CHILD_REQUIRE(!reused);
        CHILD_REQUIRE(child_asks(clients[3], &reused));
        CHILD_REQUIRE(!reused);
        child_done();
    }
    child_await();
    child_end();
    assert_true(ask_hello(clients[1]).reused);
    assert_true(ask_hello(clients[3]).reused);
}

static void a_child_dials_anew_and_the_parent_goes_on(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    ask_hello(f->client);
    if (child_begin(state)) {
        bool reused = true;
        CHILD_REQUIRE(child_asks(f->client, &reused));
        CHILD_REQUIRE(!reused);
        CHILD_REQUIRE(child_asks(f->client, &reused));
        CHILD_REQUIRE(reused);
        child_done();
    }
    child_await();
    assert_int_equal(fake_count(f->app, FAKE_ACCEPTED), 2);
    assert_true(ask_hello(f->client).reused);
    child_end();
    assert_true(ask_hello(f->client).reused);
    assert_int_equal(stats_of(f->client).dials, 1);
}

static void a_child_closes_its_copies_idle_and_leased(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    keep_idle(f->app, f->client, 2);
    struct fcgi_connection *leased = take(f->pool);
    struct fcgi_connection *idle = take(f->pool);
    ino_t leased_inode = inode(fcgi_connection_fd(leased));
    ino_t idle_inode = inode(fcgi_connection_fd(idle));
    fcgi_pool_put(f->pool, idle);
    assert_true(has_open(leased_inode) && has_open(idle_inode));
    if (child_begin(state)) {
        bool reused;
        CHILD_REQUIRE(child_asks(f->client, &reused));
        CHILD_REQUIRE(!has_open(leased_inode));
        CHILD_REQUIRE(!has_open(idle_inode));
        child_done();
    }
    child_await();
    /* The application sees the parent's end at once: no copy holds it. */
    fcgi_pool_discard(f->pool, leased);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_true(ask_hello(f->client).reused);
    fcgi_client_close(f->client);
    fake_await(f->app, FAKE_LEFT, 2);
    child_end();
}

/* What was leased at the time of the fork comes back in the child too. */
static void a_child_may_give_back_what_was_leased(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    keep_idle(f->app, f->client, 2);
    struct fcgi_connection *put = take(f->pool);
    struct fcgi_connection *discarded = take(f->pool);
    if (child_begin(state)) {
        bool reused = true;
        fcgi_pool_put(f->pool, put);
        fcgi_pool_discard(f->pool, discarded);
        CHILD_REQUIRE(stats_of_pool(f->pool).idle == 0);
        CHILD_REQUIRE(child_asks(f->client, &reused));
        CHILD_REQUIRE(!reused);
        CHILD_REQUIRE(stats_of_pool(f->pool).open == 1);
        child_done();
    }
    child_await();
    child_end();
    fcgi_pool_put(f->pool, put);
    fcgi_pool_put(f->pool, discarded);
    assert_true(ask_hello(f->client).reused);
    assert_int_equal(stats_of(f->client).stale, 0);
}

/* Whoever had leased something is the parent's thread, and cannot give it back
 * here. */
static void a_child_may_free_the_client(void **state)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&f->memory)}};
    fixture_serve(state, FAKE_UNIX, &config);
    ask_hello(f->client);
    struct fcgi_connection *leased = take(f->pool);
    if (child_begin(state)) {
        fcgi_client_free(f->client);
        CHILD_REQUIRE(f->memory.blocks == 0);
        child_done();
    }
    child_await();
    child_end();
    fcgi_pool_put(f->pool, leased);
    assert_true(ask_hello(f->client).reused);
    assert_int_equal(fake_count(f->app, FAKE_LEFT), 0);
}

/* The parent's eviction thread does not exist in the child. */
static void a_child_evicts_too(void **state)
{
    struct fcgi_client_config config = {.pool = {.idle_timeout_ms = 100}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    ask_hello(f->client);
    if (child_begin(state)) {
        bool reused;
        CHILD_REQUIRE(child_asks(f->client, &reused));
        while (stats_of(f->client).idle > 0) {
            pass_ms(1);
        }
        CHILD_REQUIRE(stats_of(f->client).evictions == 1);
        child_done();
    }
    child_await();
    fake_await(f->app, FAKE_LEFT, 2);
    child_end();
}

/* Nor does it where it slept because nothing was idle. */
static void a_child_evicts_too_when_nothing_was_idle(void **state)
{
    struct fcgi_client_config config = {.pool = {.idle_timeout_ms = 10}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    size_t before = open_descriptors() + 2; /* the pipe of the thread */
    ask_hello(f->client);
    while (stats_of(f->client).evictions == 0 || open_descriptors() != before) {
        pass_ms(1); /* until both ends of the connection are closed */
    }
    if (child_begin(state)) {
        bool reused;
        /* Those of its two pipes are new, that of the thread is gone. */
        CHILD_REQUIRE(open_descriptors() == before + 4 - 2);
        CHILD_REQUIRE(child_asks(f->client, &reused));
        while (stats_of(f->client).idle > 0) {
            pass_ms(1);
        }
        CHILD_REQUIRE(stats_of(f->client).evictions == 2);
        child_done();
    }
    child_await();
    child_end();
}

/* Else the next connection that comes back would be given to nobody. */
static void who_waits_does_so_in_the_parent_alone(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    struct fcgi_connection *leased = take(f->pool);
    fixture_begin(f);
    if (child_begin(state)) {
        bool reused;
        CHILD_REQUIRE(stats_of(f->client).waiting == 0);
        CHILD_REQUIRE(child_asks(f->client, &reused));
        CHILD_REQUIRE(stats_of(f->client).idle == 1);
        child_done();
    }
    child_await();
    child_end();
    fcgi_pool_put(f->pool, leased);
    assert_code(host_run(f->call), FCGI_OK);
}

static void places_are_free_again_in_a_child(void **state)
{
    struct fcgi_client_config config = {
        .pool = {.max_open = 1, .queue_timeout_ms = 10000}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    struct fcgi_connection *leased = take(f->pool);
    if (child_begin(state)) {
        bool reused;
        CHILD_REQUIRE(child_asks(f->client, &reused));
        child_done();
    }
    child_await();
    child_end();
    fcgi_pool_put(f->pool, leased);
}

/* It is not even a place: that is the parent's. */
static void what_was_leased_serves_nobody_who_waits_in_a_child(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    struct fcgi_connection *leased = take(f->pool);
    if (child_begin(state)) {
        struct fcgi_connection *own;
        struct fcgi_call *call;
        CHILD_REQUIRE(fcgi_pool_get(f->pool, &own, NULL) == FCGI_OK);
        CHILD_REQUIRE(fcgi_call_start(&call, f->client, &f->request,
                                      &f->response) == FCGI_OK);
        CHILD_REQUIRE(stats_of_pool(f->pool).waiting == 1);
        fcgi_pool_put(f->pool, leased);
        CHILD_REQUIRE(stats_of_pool(f->pool).waiting == 1);
        fcgi_pool_put(f->pool, own);
        CHILD_REQUIRE(host_run_beside(call) == FCGI_OK);
        fcgi_call_free(call);
        CHILD_REQUIRE(stats_of_pool(f->pool).open == 1);
        child_done();
    }
    child_await();
    child_end();
    fcgi_pool_put(f->pool, leased);
    assert_true(ask_hello(f->client).reused);
}

/* ---- amid dialling ----------------------------------------------------- */

static bool in_child;

/* How a host may dial: in the child it does so for itself. */
static int dial_and_fork(void *context, int *fd)
{
    void **state = context;
    struct fixture *f = *state;
    in_child = child_begin(state);
    *fd = fake_connect(f->app);
    return FCGI_OK;
}

/* Or it has the parent's. */
static int fork_with_a_socket(void *context, int *fd)
{
    void **state = context;
    struct fixture *f = *state;
    *fd = fake_connect(f->app);
    in_child = child_begin(state);
    return FCGI_OK;
}

/* Its slot was the parent's. */
static void a_child_begun_amid_dialling_goes_on_but_keeps_nothing(void **state)
{
    struct fcgi_client_config config = {
        .pool = {.dial = dial_and_fork, .dial_context = state}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    bool reused = true;
    bool well = child_asks(f->client, &reused);
    if (in_child) {
        CHILD_REQUIRE(well && !reused);
        CHILD_REQUIRE(stats_of(f->client).idle == 0);
        CHILD_REQUIRE(stats_of(f->client).open == 0);
        child_done();
    }
    assert_true(well);
    child_await();
    child_end();
    assert_int_equal(stats_of(f->client).idle, 1);
}

static void
what_a_child_has_of_its_parents_dialling_it_leaves_alone(void **state)
{
    struct fcgi_client_config config = {
        .pool = {.dial = fork_with_a_socket, .dial_context = state}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    assert_code(fcgi_call_start(&f->call, f->client, &f->request, &f->response),
                FCGI_OK);
    if (in_child) {
        fcgi_call_free(f->call);
        child_done();
    }
    child_await();
    assert_code(host_run(f->call), FCGI_OK);
    child_end();
}

/* ---- amid closing ------------------------------------------------------ */

/* A trace that forks while a connection is closed, which is in no list any
 * more. */
static void fork_at_eviction(void *context,
                             const struct fcgi_trace_event *event)
{
    if (event->kind == FCGI_TRACE_EVICTED && child_begin(context)) {
        child_done();
    }
}

/* The child's copy, which it cannot know of, holds nothing open. */
static void what_is_closed_ends_though_a_child_has_a_copy(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_requests = 1,
                                                 .trace = fork_at_eviction,
                                                 .trace_context = state}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    ask_hello(f->client);
    fake_await(f->app, FAKE_LEFT, 1);
    child_await();
    child_end();
}

/* ---- amid the work of other threads ------------------------------------ */

static atomic_bool stop;
static atomic_size_t failures;

static void *ask_until_told(void *client)
{
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    while (!atomic_load(&stop) && atomic_load(&failures) == 0) {
        failures += fcgi_client_do(client, &request, &response) != FCGI_OK;
    }
    fcgi_response_free(&response);
    return NULL;
}

/* Whatever lock another thread holds at the moment of the fork. */
static void a_fork_amid_requests_leaves_the_child_able_to_ask(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    for (size_t i = 0; i < 2; i++) {
        fixture_thread(state, ask_until_told, f->client);
    }
    for (size_t i = 0; i < 15; i++) {
        if (child_begin(state)) {
            bool reused;
            CHILD_REQUIRE(child_asks(f->client, &reused));
            CHILD_REQUIRE(!reused);
            child_done();
        }
        child_await();
        child_end();
    }
    atomic_store(&stop, true);
    fixture_join(state);
    assert_int_equal(atomic_load(&failures), 0);
}

/* Whose it is does not matter: another thread's could not even be given up in
 * the child. Were it left open there, the application would not see when the
 * parent leaves. */
static void a_child_closes_what_was_connecting(void **state)
{
    struct fixture *f = fixture_clogged(state, FAKE_TCP, NULL);
    size_t before = open_descriptors();
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_int_equal(open_descriptors(), before + 1);
    if (child_begin(state)) {
        /* Those of its two pipes are new. */
        CHILD_REQUIRE(open_descriptors() == before + 4);
        child_done();
    }
    child_await();
    child_end();
    fake_hear(f->app);
    assert_code(host_run(f->call), FCGI_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(clients_are_freed_in_any_order_before_a_fork),
        fixture_test(a_child_dials_anew_and_the_parent_goes_on),
        fixture_test(a_child_closes_its_copies_idle_and_leased),
        fixture_test(a_child_may_give_back_what_was_leased),
        fixture_test(a_child_may_free_the_client),
        fixture_test(a_child_evicts_too),
        fixture_test(a_child_evicts_too_when_nothing_was_idle),
        fixture_test(places_are_free_again_in_a_child),
        fixture_test(who_waits_does_so_in_the_parent_alone),
        fixture_test(what_was_leased_serves_nobody_who_waits_in_a_child),
        fixture_test(a_child_begun_amid_dialling_goes_on_but_keeps_nothing),
        fixture_test(what_a_child_has_of_its_parents_dialling_it_leaves_alone),
        fixture_test(what_is_closed_ends_though_a_child_has_a_copy),
        fixture_test(a_fork_amid_requests_leaves_the_child_able_to_ask),
        fixture_test(a_child_closes_what_was_connecting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
