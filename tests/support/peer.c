/*
 * peer - the other end of a client's connections: see peer.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ask.h"
#include "host.h"
#include "must.h"
#include "test.h"

static void keep(struct peer *peer, int fd)
{
    if (peer->count == peer->cap) {
        peer->cap = peer->cap * 2 + 16;
        peer->ends = must_resize(peer->ends, peer->cap * sizeof(*peer->ends));
    }
    peer->ends[peer->count] = fd;
    peer->count += 1;
}

/* The `dial` of struct fcgi_pool_config. */
static int dial(void *context, int *fd)
{
    struct peer *peer = context;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return FCGI_ERR_SYSTEM;
    }
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    keep(peer, ends[1]);
    peer_say(peer, peer->count - 1, &peer->greeting);
    *fd = ends[0];
    return FCGI_OK;
}

struct fcgi_client *peer_client(struct peer *peer,
                                const struct fcgi_client_config *config)
{
    struct fcgi_client_config own = {.retry = FCGI_RETRY_DEFAULT};
    struct fcgi_client *client;
    if (config != NULL) {
        own = *config;
    }
    own.pool.dial = dial;
    own.pool.dial_context = peer;
    assert_code(fcgi_client_new(&client, "unix:/to/the/peer", &own), FCGI_OK);
    return client;
}

bool peer_receive(struct peer *peer, size_t nth, struct wire *received)
{
    char buf[65536];
    ssize_t got;
    do {
        got = recv(peer->ends[nth], buf, sizeof(buf), MSG_DONTWAIT);
        if (got > 0) {
            wire_append(received, buf, (size_t)got);
        }
    } while (got > 0);
    return got < 0 && errno == EAGAIN;
}

struct wire_request peer_request(struct peer *peer, size_t nth)
{
    struct wire_request request = {0};
    struct wire received = {0};
    (void)peer_receive(peer, nth, &received);
    (void)wire_request_read(&request, received.data, received.len);
    wire_free(&received);
    return request;
}

size_t peer_send(struct peer *peer, size_t nth, const void *data, size_t len)
{
    ssize_t sent =
        send(peer->ends[nth], data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    assert_true(sent >= 0 || errno == EAGAIN);
    return sent < 0 ? 0 : (size_t)sent;
}

void peer_say(struct peer *peer, size_t nth, const struct wire *bytes)
{
    if (bytes->len == 0) {
        return;
    }
    assert_int_equal(peer_send(peer, nth, bytes->data, bytes->len), bytes->len);
}

void peer_stdout(struct peer *peer, size_t nth, int id, const char *text)
{
    struct wire w = {0};
    wire_stdout(&w, id, text);
    peer_say(peer, nth, &w);
    wire_free(&w);
}

void peer_end(struct peer *peer, size_t nth, int id)
{
    struct wire w = {0};
    wire_end(&w, id, 0, WIRE_COMPLETE);
    peer_say(peer, nth, &w);
    wire_free(&w);
}

void peer_answer(struct peer *peer, size_t nth, int id, const char *text)
{
    struct wire w = {0};
    wire_stdout(&w, id, text);
    wire_stdout(&w, id, "");
    wire_end(&w, id, 0, WIRE_COMPLETE);
    peer_say(peer, nth, &w);
    wire_free(&w);
}

void peer_half_close(struct peer *peer, size_t nth)
{
    assert_int_equal(shutdown(peer->ends[nth], SHUT_WR), 0);
}

void peer_close(struct peer *peer, size_t nth)
{
    struct wire unread = {0};
    (void)peer_receive(peer, nth, &unread);
    wire_free(&unread);
    (void)close(peer->ends[nth]);
    peer->ends[nth] = -1;
}

void peer_free(struct peer *peer)
{
    for (size_t i = 0; i < peer->count; i++) {
        if (peer->ends[i] >= 0) {
            (void)close(peer->ends[i]);
        }
    }
    free(peer->ends);
    wire_free(&peer->greeting);
    memset(peer, 0, sizeof(*peer));
}
