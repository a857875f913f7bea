/*
 * fixture - what a test of a client works with: see fixture.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "host.h"
#include "must.h"
#include "process.h"
#include "temp.h"
#include "ticks.h"
#include "watchdog.h"

/* How long a thread of a test that failed may take to end. */
#define PATIENCE_S 60

struct fixture_item {
    struct fixture_item *next;
    void (*end)(void *what);
    void *what;
};

struct fixture_thread {
    struct fixture_thread *next;
    pthread_t id;
    void *argument;
};

/* ---- beginning ---------------------------------------------------------- */

static void use_client(struct fixture *f, struct fcgi_client *client)
{
    f->client = client;
    f->pool = fcgi_client_pool(client);
}

static struct fixture *begin(void **state, struct fake *app,
                             const struct fcgi_client_config *config)
{
    struct fixture *f = *state;
    if (app == NULL) {
        skip();
    }
    f->app = app;
    use_client(f, client_for(app, config));
    return f;
}

struct fixture *fixture_serve(void **state, enum fake_family family,
                              const struct fcgi_client_config *config)
{
    fixture_end(state);
    return begin(state, fake_serve(family), config);
}

struct fixture *fixture_clogged(void **state, enum fake_family family,
                                const struct fcgi_client_config *config)
{
    fixture_end(state);
    return begin(state, fake_clogged(family), config);
}

struct fixture *fixture_start(void **state, enum fake_family family,
                              const struct fake_step *steps, size_t count,
                              const struct fcgi_client_config *config)
{
    fixture_end(state);
    return begin(state, fake_start(family, steps, count), config);
}

struct fixture *fixture_peer(void **state,
                             const struct fcgi_client_config *config)
{
    struct fixture *f = *state;
    fixture_end(state);
    use_client(f, peer_client(&f->peer, config));
    return f;
}

struct fixture *fixture_pool(void **state, enum fake_family family,
                             const struct fcgi_pool_config *config)
{
    struct fixture *f = *state;
    fixture_end(state);
    f->app = fake_serve(family);
    f->pool = pool_for(f->app, config);
    return f;
}

/* Free memory when the test is over. */
static void *keep(struct fixture *f, void *memory)
{
    struct fixture_item *item = must_allocate(sizeof(*item));
    item->what = memory;
    item->next = f->kept;
    f->kept = item;
    return memory;
}

void *fixture_alloc(void **state, size_t size)
{
    return keep(*state, must_allocate(size));
}

const char *fixture_path(void **state, const char *name)
{
    struct fixture *f = *state;
    if (f->folder == NULL) {
        f->folder = temp_new();
    }
    return keep(f, temp_path(f->folder, name));
}

void fixture_defer(void **state, void (*end)(void *what), void *what)
{
    struct fixture *f = *state;
    struct fixture_item *item = must_allocate(sizeof(*item));
    *item = (struct fixture_item){f->deferred, end, what};
    f->deferred = item;
}

static void stop_app(void *app)
{
    fake_stop(app);
}

struct fake *fixture_other_app(void **state, struct fake *app)
{
    fixture_defer(state, stop_app, app);
    return app;
}

static void free_client(void *client)
{
    fcgi_client_free(client);
}

struct fcgi_client *fixture_client(void **state,
                                   const struct fcgi_client_config *config)
{
    struct fixture *f = *state;
    struct fcgi_client *client = client_for(f->app, config);
    fixture_defer(state, free_client, client);
    return client;
}

void fixture_begin(struct fixture *f)
{
    fixture_free_call(f);
    f->call = host_begin(f->client, &f->request, &f->response);
}

static void free_wakeup(void *wakeup)
{
    fcgi_wakeup_free(wakeup);
}

struct fcgi_wakeup *fixture_wakeup(void **state)
{
    struct fixture *f = *state;
    struct fcgi_wakeup *wakeup;
    assert_code(fcgi_wakeup_new(&wakeup, f->client), FCGI_OK);
    fixture_defer(state, free_wakeup, wakeup);
    return wakeup;
}

void fixture_free_other(struct fixture_call *other)
{
    host_free(other->call);
    other->call = NULL;
    fcgi_response_free(&other->response);
}

static void free_other(void *what)
{
    fixture_free_other(what);
}

struct fixture_call *fixture_other_call(void **state)
{
    struct fixture *f = *state;
    struct fixture_call *other = fixture_alloc(state, sizeof(*other));
    other->call = host_begin(f->client, &f->request, &other->response);
    fixture_defer(state, free_other, other);
    return other;
}

void fixture_thread(void **state, void *(*run)(void *), void *argument)
{
    struct fixture *f = *state;
    struct fixture_thread *thread = must_allocate(sizeof(*thread));
    thread->argument = argument;
    thread->next = f->threads;
    f->threads = thread;
    if (pthread_create(&thread->id, NULL, run, argument) != 0) {
        must_die("tests: pthread_create");
    }
}

static void *ask(void *argument)
{
    struct fixture_asker *asker = argument;
    asker->rc =
        fcgi_client_do(asker->client, &asker->request, &asker->response);
    return NULL;
}

static void free_asker(void *what)
{
    struct fixture_asker *asker = what;
    fcgi_response_free(&asker->response);
}

struct fixture_asker *fixture_ask(void **state, struct fcgi_client *client,
                                  const struct fcgi_request *request)
{
    struct fixture_asker *asker = fixture_alloc(state, sizeof(*asker));
    asker->client = client;
    asker->request = *request;
    fixture_defer(state, free_asker, asker);
    fixture_thread(state, ask, asker);
    return asker;
}

void fixture_close_input(void **state)
{
    struct fixture *f = *state;
    f->input = dup(STDIN_FILENO);
    (void)close(STDIN_FILENO);
}

static void limit_descriptors(size_t limit)
{
    struct rlimit now;
    if (getrlimit(RLIMIT_NOFILE, &now) != 0) {
        must_die("tests: getrlimit");
    }
    now.rlim_cur = (rlim_t)limit;
    if (setrlimit(RLIMIT_NOFILE, &now) != 0) {
        must_die("tests: setrlimit");
    }
}

/* A new descriptor gets the lowest number that is free, which is forbidden. */
void fixture_forbid_descriptors(void **state)
{
    struct fixture *f = *state;
    struct rlimit now;
    int next = dup(STDIN_FILENO);
    assert_true(next >= 0);
    (void)close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    f->limit = (size_t)now.rlim_cur;
    limit_descriptors((size_t)next);
}

void fixture_allow_descriptors(void **state)
{
    struct fixture *f = *state;
    if (f->limit > 0) {
        limit_descriptors(f->limit);
        f->limit = 0;
    }
}

static void close_all(void *what)
{
    const int *fds = what;
    for (size_t i = 0; i <= FIXTURE_SELECTABLE; i++) {
        if (fds[i] > 0) {
            (void)close(fds[i]);
        }
    }
}

void fixture_take_low_descriptors(void **state)
{
    int *fds = fixture_alloc(state, (FIXTURE_SELECTABLE + 1) * sizeof(*fds));
    int fd = -1;
    fixture_defer(state, close_all, fds);
    for (size_t i = 0; i <= FIXTURE_SELECTABLE && fd < FIXTURE_SELECTABLE;
         i++) {
        fd = dup(STDIN_FILENO);
        assert_true(fd >= 0);
        fds[i] = fd;
    }
}

/* ---- ending ------------------------------------------------------------- */

/* Wait for the thread that `at` links to. */
static void join(struct fixture_thread **at)
{
    struct fixture_thread *thread = *at;
    *at = thread->next;
    (void)pthread_join(thread->id, NULL);
    free(thread);
}

static void join_all(struct fixture *f)
{
    while (f->threads != NULL) {
        join(&f->threads);
    }
}

void fixture_join(void **state)
{
    join_all(*state);
}

void fixture_join_asker(void **state, struct fixture_asker *asker)
{
    struct fixture *f = *state;
    struct fixture_thread **at = &f->threads;
    while ((*at)->argument != asker) {
        at = &(*at)->next;
    }
    join(at);
    assert_code(asker->rc, FCGI_OK);
}

/* A test that failed may leave threads behind: end what they wait for, and
 * wait for them. */
static void end_threads(struct fixture *f)
{
    if (f->threads == NULL) {
        return;
    }
    fcgi_pool_close(f->pool);
    peer_free(&f->peer);
    if (f->app != NULL) {
        fake_restart(f->app);
    }
    (void)alarm(PATIENCE_S);
    join_all(f);
    (void)alarm(0);
}

static void end_deferred(struct fixture *f)
{
    while (f->deferred != NULL) {
        struct fixture_item *item = f->deferred;
        f->deferred = item->next;
        item->end(item->what);
        free(item);
    }
}

/* host_free() starts the thread of the watchdog, which some tests count. */
void fixture_free_call(struct fixture *f)
{
    if (f->call != NULL) {
        host_free(f->call);
        f->call = NULL;
    }
}

void fixture_free_client(struct fixture *f)
{
    if (f->client != NULL) {
        fcgi_client_free(f->client);
    } else {
        fcgi_pool_free(f->pool);
    }
    f->client = NULL;
    f->pool = NULL;
}

void fixture_stop_app(struct fixture *f)
{
    if (f->app != NULL) {
        fake_stop(f->app);
        f->app = NULL;
    }
}

static void end_all(struct fixture *f)
{
    end_threads(f);
    fixture_free_call(f);
    end_deferred(f);
    fcgi_response_free(&f->response);
    fixture_free_client(f);
    fixture_stop_app(f);
    peer_free(&f->peer);
}

void fixture_end(void **state)
{
    struct fixture *f = *state;
    assert_null(f->threads);
    end_all(f);
    assert_int_equal(f->memory.blocks, 0);
    f->memory = (struct counting_allocator){.calls = 0};
}

/* ---- set-up and tear-down ----------------------------------------------- */

int fixture_set_up(void **state)
{
    struct fixture *f = must_allocate(sizeof(*f));
    f->request = get_request();
    f->input = -1;
    f->descriptors = open_descriptors();
    *state = f;
    return 0;
}

static void free_kept(struct fixture *f)
{
    while (f->kept != NULL) {
        struct fixture_item *item = f->kept;
        f->kept = item->next;
        free(item->what);
        free(item);
    }
}

static void restore_input(struct fixture *f)
{
    if (f->input >= 0) {
        (void)dup2(f->input, STDIN_FILENO);
        (void)close(f->input);
        f->input = -1;
    }
}

int fixture_tear_down(void **state)
{
    struct fixture *f = *state;
    watchdog_rest();
    (void)ticks_end();
    fixture_allow_descriptors(state);
    end_all(f);
    restore_input(f);
    size_t blocks = f->memory.blocks;
    size_t descriptors = f->descriptors;
    free_kept(f);
    temp_free(f->folder);
    free(f);
    assert_int_equal(blocks, 0);
    assert_int_equal(open_descriptors(), descriptors);
    return 0;
}
