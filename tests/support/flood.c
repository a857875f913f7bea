/*
 * flood - an HTTP client that sends as fast as it can: see flood.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "flood.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "must.h"
#include "process.h"
#include "web.h"

/* How soon it notices flood_stop() where the server does nothing. */
#define LOOK_MS 10

/* It ends by itself, so that a test that waits for its end goes on, and can
 * fail. */
#define LONGEST_MS 3000

struct flood {
    const char *address;
    struct flood_spec spec;
    pthread_t thread;
    sem_t begun;
    bool has_begun;
    atomic_bool over;
    int64_t until;
    size_t moved;
};

/* One connection. */
struct stream {
    struct flood *flood;
    int fd;
    size_t at;      /* sent of the head and the piece behind it */
    bool has_ended; /* the server sends no more */
};

/* Returns whether it succeeded; a socket that is not ready has not failed. */
static bool account(struct flood *flood, ssize_t moved)
{
    if (moved > 0) {
        flood->moved += (size_t)moved;
    }
    return moved >= 0 || errno == EAGAIN || errno == EWOULDBLOCK;
}

static bool drop(struct stream *stream)
{
    char bytes[65536];
    ssize_t got = recv(stream->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    stream->has_ended = got == 0;
    return account(stream->flood, got);
}

static bool send_more(struct stream *stream)
{
    const struct flood_spec *spec = &stream->flood->spec;
    bool in_head = stream->at < spec->head_len;
    const char *data = in_head ? spec->head : spec->piece;
    size_t end = in_head ? spec->head_len : spec->piece_len;
    size_t from = in_head ? stream->at : stream->at - spec->head_len;
    ssize_t sent =
        send(stream->fd, data + from, end - from, MSG_DONTWAIT | MSG_NOSIGNAL);
    stream->at += sent > 0 ? (size_t)sent : 0;
    if (stream->at == spec->head_len + spec->piece_len) {
        stream->at = spec->head_len;
    }
    return account(stream->flood, sent);
}

static void tell_begun(struct stream *stream)
{
    struct flood *flood = stream->flood;
    size_t wanted = flood->spec.head_len + (flood->spec.piece_len > 0);
    if (!flood->has_begun && flood->moved >= wanted) {
        flood->has_begun = true;
        (void)sem_post(&flood->begun);
    }
}

static short wanted_events(const struct stream *stream)
{
    const struct flood_spec *spec = &stream->flood->spec;
    bool sends = stream->at < spec->head_len || spec->piece_len > 0;
    return (short)((sends ? POLLOUT : 0) | (stream->has_ended ? 0 : POLLIN));
}

/* False: the connection has ended. */
static bool go_on(struct stream *stream)
{
    struct pollfd event = {.fd = stream->fd, .events = wanted_events(stream)};
    bool good = event.events != 0;
    if (!good || poll(&event, 1, LOOK_MS) <= 0) {
        return good;
    }
    if (event.revents & POLLOUT) {
        good = send_more(stream);
    }
    if (good && (event.revents & POLLIN)) {
        good = drop(stream);
    }
    tell_begun(stream);
    return good && (event.revents & (POLLIN | POLLOUT));
}

static bool is_over(struct flood *flood)
{
    return atomic_load(&flood->over) || now_ms() > flood->until;
}

static void *run(void *context)
{
    struct flood *flood = context;
    while (!is_over(flood)) {
        struct web *web = web_open(flood->address);
        struct stream stream = {.flood = flood, .fd = web_fd(web)};
        while (!is_over(flood) && go_on(&stream)) {
            /* There is more to do. */
        }
        web_close(web);
    }
    return NULL;
}

struct flood *flood_start(const char *address, const struct flood_spec *spec)
{
    struct flood *flood = must_allocate(sizeof(*flood));
    flood->address = address;
    flood->spec = *spec;
    flood->until = now_ms() + LONGEST_MS;
    if (sem_init(&flood->begun, 0, 0) != 0 ||
        pthread_create(&flood->thread, NULL, run, flood) != 0) {
        must_die("tests: flood");
    }
    while (sem_wait(&flood->begun) != 0) {
        /* A signal came. */
    }
    return flood;
}

size_t flood_stop(struct flood *flood)
{
    atomic_store(&flood->over, true);
    (void)pthread_join(flood->thread, NULL);
    size_t moved = flood->moved;
    (void)sem_destroy(&flood->begun);
    free(flood);
    return moved;
}
