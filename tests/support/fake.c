/*
 * fake - a FastCGI application that does what a script says: see fake.h. Here
 * it listens, accepts, counts and ends.
 *
 * One thread accepts, and each connection has its own thread. One lock guards
 * what they share, and each change of that wakes all threads that wait.
 */
#define _POSIX_C_SOURCE 200809L

#include "fake_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "must.h"

/* How long an awaited event may take before the test is given up. */
#define PATIENCE_S 60

struct fake {
    struct fake_listener listener;
    int stop_pipe[2]; /* its end of file ends the accepting thread */
    bool accepts;
    pthread_t thread;
    struct fake_step *steps;
    size_t step_count;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t counts[FAKE_EVENTS];
    size_t tickets; /* pauses that may end */
    size_t live;    /* connections whose thread is at work */
    struct fake_connection *connections;
    struct fake_request **requests;
    size_t request_count;
    size_t request_cap;
};

static const struct fake_step serve_script[] = {FAKE_ACCEPT, FAKE_SERVE};

static const char *const event_names[FAKE_EVENTS] = {
    "ACCEPTED", "BEGUN",   "ASKED", "ANSWERED", "ABORTED",
    "PAUSED",   "REACHED", "LEFT",  "CLOSED"};

static void lock(struct fake *fake)
{
    (void)pthread_mutex_lock(&fake->lock);
}

static void unlock(struct fake *fake)
{
    (void)pthread_cond_broadcast(&fake->changed);
    (void)pthread_mutex_unlock(&fake->lock);
}

/* Wait for a change, with the lock held; false: the time is up. */
static bool wait_change(struct fake *fake, const struct timespec *until)
{
    return pthread_cond_timedwait(&fake->changed, &fake->lock, until) !=
           ETIMEDOUT;
}

static struct timespec patience(void)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE_S;
    return until;
}

static void give_up(const struct fake *fake, enum fake_event event,
                    size_t times)
{
    (void)fprintf(stderr, "tests: waited in vain for FAKE_%s: %zu of %zu\n",
                  event_names[event], fake->counts[event], times);
    exit(EXIT_FAILURE);
}

void fake_happened(struct fake *fake, enum fake_event event)
{
    lock(fake);
    fake->counts[event] += 1;
    unlock(fake);
}

size_t fake_count(struct fake *fake, enum fake_event event)
{
    lock(fake);
    size_t count = fake->counts[event];
    unlock(fake);
    return count;
}

void fake_await(struct fake *fake, enum fake_event event, size_t times)
{
    struct timespec until = patience();
    lock(fake);
    while (fake->counts[event] < times) {
        if (!wait_change(fake, &until)) {
            give_up(fake, event, times);
        }
    }
    unlock(fake);
}

void fake_go(struct fake *fake)
{
    lock(fake);
    fake->tickets += 1;
    unlock(fake);
}

bool fake_pause(struct fake_connection *connection)
{
    struct fake *fake = connection->fake;
    lock(fake);
    fake->counts[FAKE_PAUSED] += 1;
    (void)pthread_cond_broadcast(&fake->changed);
    while (fake->tickets == 0 && !connection->dropped) {
        (void)pthread_cond_wait(&fake->changed, &fake->lock);
    }
    bool goes_on = !connection->dropped;
    fake->tickets -= goes_on;
    unlock(fake);
    return goes_on;
}

bool fake_dropped(struct fake_connection *connection)
{
    lock(connection->fake);
    bool dropped = connection->dropped;
    unlock(connection->fake);
    return dropped;
}

int fake_take_fd(struct fake_connection *connection)
{
    lock(connection->fake);
    int fd = connection->fd;
    connection->fd = -1;
    unlock(connection->fake);
    return fd;
}

struct fake_request *fake_enter_request(struct fake_connection *connection)
{
    struct fake *fake = connection->fake;
    struct fake_request *request = must_allocate(sizeof(*request));
    request->connection = connection->number;
    lock(fake);
    if (fake->request_count == fake->request_cap) {
        fake->request_cap = fake->request_cap * 2 + 16;
        fake->requests = must_resize(
            fake->requests, fake->request_cap * sizeof(*fake->requests));
    }
    fake->requests[fake->request_count] = request;
    fake->request_count += 1;
    unlock(fake);
    return request;
}

static const struct fake_request *find_request(struct fake *fake, size_t nth)
{
    lock(fake);
    if (nth >= fake->request_count) {
        (void)fprintf(stderr, "tests: the fake saw no request %zu\n", nth);
        exit(EXIT_FAILURE);
    }
    const struct fake_request *request = fake->requests[nth];
    unlock(fake);
    return request;
}

const struct wire_request *fake_request(struct fake *fake, size_t nth)
{
    return &find_request(fake, nth)->wire;
}

size_t fake_request_connection(struct fake *fake, size_t nth)
{
    return find_request(fake, nth)->connection;
}

static void *run_connection(void *argument)
{
    struct fake_connection *connection = argument;
    fake_perform(connection);
    lock(connection->fake);
    connection->fake->live -= 1;
    unlock(connection->fake);
    return NULL;
}

/* A thread that no signal of the test interrupts. */
static void start_thread(pthread_t *thread, void *(*run)(void *),
                         void *argument)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(thread, NULL, run, argument) != 0) {
        must_die("tests: pthread_create");
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The steps of connection `number`, or of the last one in the script: from
 * behind its FAKE_ACCEPT to the next. */
static void find_steps(const struct fake *fake,
                       struct fake_connection *connection)
{
    size_t seen = 0;
    const struct fake_step *end = fake->steps + fake->step_count;
    for (const struct fake_step *at = fake->steps; at < end; at++) {
        if (at->action != FAKE_DO_ACCEPT) {
            connection->step_count += 1;
        } else if (seen <= connection->number) {
            seen += 1;
            connection->steps = at + 1;
            connection->step_count = 0;
        } else {
            return;
        }
    }
}

static void begin_connection(struct fake *fake, int fd)
{
    struct fake_connection *connection = must_allocate(sizeof(*connection));
    connection->fake = fake;
    connection->fd = fd;
    lock(fake);
    connection->number = fake->counts[FAKE_ACCEPTED];
    connection->next = fake->connections;
    fake->connections = connection;
    fake->live += 1;
    find_steps(fake, connection);
    start_thread(&connection->thread, run_connection, connection);
    fake->counts[FAKE_ACCEPTED] += 1;
    unlock(fake);
}

static void *run_accept(void *argument)
{
    struct fake *fake = argument;
    struct pollfd fds[2] = {{fake->listener.fd, POLLIN, 0},
                            {fake->stop_pipe[0], POLLIN, 0}};
    for (;;) {
        (void)poll(fds, 2, -1);
        if (fds[1].revents != 0) {
            return NULL;
        }
        int fd = accept(fake->listener.fd, NULL, NULL);
        if (fd >= 0) {
            (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
            begin_connection(fake, fd);
        }
    }
}

static void init_sync(struct fake *fake)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (pthread_mutex_init(&fake->lock, NULL) != 0 ||
        pthread_cond_init(&fake->changed, &attributes) != 0) {
        must_die("tests: fake");
    }
    (void)pthread_condattr_destroy(&attributes);
}

static void free_fake(struct fake *fake)
{
    for (size_t i = 0; i < fake->request_count; i++) {
        wire_request_free(&fake->requests[i]->wire);
        free(fake->requests[i]);
    }
    free(fake->requests);
    free(fake->steps);
    fake_listen_end(&fake->listener);
    (void)pthread_cond_destroy(&fake->changed);
    (void)pthread_mutex_destroy(&fake->lock);
    free(fake);
}

static struct fake *new_fake(enum fake_family family, int backlog)
{
    struct fake *fake = must_allocate(sizeof(*fake));
    init_sync(fake);
    if (!fake_listen(&fake->listener, family, backlog)) {
        if (family != FAKE_TCP6 && family != FAKE_ABSTRACT) {
            must_die("tests: bind");
        }
        free_fake(fake);
        return NULL;
    }
    return fake;
}

static void hear(struct fake *fake, const struct fake_step *steps, size_t count)
{
    fake->steps = must_allocate(count * sizeof(*steps));
    memcpy(fake->steps, steps, count * sizeof(*steps));
    fake->step_count = count;
    fake->accepts = true;
    if (pipe(fake->stop_pipe) != 0) {
        must_die("tests: pipe");
    }
    (void)fcntl(fake->stop_pipe[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(fake->stop_pipe[1], F_SETFD, FD_CLOEXEC);
    start_thread(&fake->thread, run_accept, fake);
}

struct fake *fake_start(enum fake_family family, const struct fake_step *steps,
                        size_t count)
{
    struct fake *fake = new_fake(family, 128);
    if (fake != NULL) {
        hear(fake, steps, count);
    }
    return fake;
}

struct fake *fake_serve(enum fake_family family)
{
    return FAKE_RUN(family, serve_script);
}

struct fake *fake_clogged(enum fake_family family)
{
    struct fake *fake = new_fake(family, 0);
    fake_clog(&fake->listener);
    return fake;
}

void fake_hear(struct fake *fake)
{
    hear(fake, FAKE_STEPS(serve_script));
}

const char *fake_address(const struct fake *fake)
{
    return fake->listener.address;
}

int fake_connect(const struct fake *fake)
{
    int fd = fake_dial(&fake->listener, true);
    if (fd < 0) {
        must_die("tests: connect");
    }
    return fd;
}

/* End all connections, whatever step they are at. */
static void drop_all(struct fake *fake)
{
    lock(fake);
    for (struct fake_connection *at = fake->connections; at != NULL;
         at = at->next) {
        at->dropped = true;
        if (at->fd >= 0) {
            (void)shutdown(at->fd, SHUT_RDWR);
        }
    }
    unlock(fake);
}

void fake_restart(struct fake *fake)
{
    struct timespec until = patience();
    drop_all(fake);
    lock(fake);
    while (fake->live > 0) {
        if (!wait_change(fake, &until)) {
            must_die("tests: a connection of the fake does not end");
        }
    }
    unlock(fake);
}

static void join_connections(struct fake *fake)
{
    while (fake->connections != NULL) {
        struct fake_connection *connection = fake->connections;
        fake->connections = connection->next;
        (void)pthread_join(connection->thread, NULL);
        free(connection);
    }
}

void fake_stop(struct fake *fake)
{
    if (fake->accepts) {
        (void)close(fake->stop_pipe[1]);
        (void)pthread_join(fake->thread, NULL);
        (void)close(fake->stop_pipe[0]);
        /* A client that loses its connection now cannot dial another. */
        (void)shutdown(fake->listener.fd, SHUT_RDWR);
        drop_all(fake);
        join_connections(fake);
    }
    free_fake(fake);
}
