/*
 * hand - connections whose other end the test has in its own hand: see hand.h.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ask.h"
#include "host.h"

static void keep(struct hand *hand, int fd)
{
    if (hand->count == hand->cap) {
        hand->cap = hand->cap * 2 + 16;
        hand->ends = realloc(hand->ends, hand->cap * sizeof(*hand->ends));
        assert_non_null(hand->ends);
    }
    hand->ends[hand->count] = fd;
    hand->count += 1;
}

/* The `dial` of struct fcgi_pool_config. */
static int dial(void *context, int *fd)
{
    struct hand *hand = context;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return FCGI_ERR_SYSTEM;
    }
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    keep(hand, ends[1]);
    hand_say(hand, hand->count - 1, &hand->greeting);
    *fd = ends[0];
    return FCGI_OK;
}

struct fcgi_client *hand_client(struct hand *hand,
                                const struct fcgi_client_config *config)
{
    struct fcgi_client_config own = {.retry = FCGI_RETRY_DEFAULT};
    struct fcgi_client *client;
    if (config != NULL) {
        own = *config;
    }
    own.pool.dial = dial;
    own.pool.dial_context = hand;
    assert_code(fcgi_client_new(&client, "unix:/in/hand", &own), FCGI_OK);
    return client;
}

bool hand_receive(struct hand *hand, size_t nth, struct wire *received)
{
    char buf[65536];
    ssize_t got;
    do {
        got = recv(hand->ends[nth], buf, sizeof(buf), MSG_DONTWAIT);
        if (got > 0) {
            wire_append(received, buf, (size_t)got);
        }
    } while (got > 0);
    return got < 0 && errno == EAGAIN;
}

struct wire_request hand_request(struct hand *hand, size_t nth)
{
    struct wire_request request = {0};
    struct wire received = {0};
    (void)hand_receive(hand, nth, &received);
    (void)wire_request_read(&request, received.data, received.len);
    wire_free(&received);
    return request;
}

size_t hand_send(struct hand *hand, size_t nth, const void *data, size_t len)
{
    ssize_t sent =
        send(hand->ends[nth], data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    assert_true(sent >= 0 || errno == EAGAIN);
    return sent < 0 ? 0 : (size_t)sent;
}

void hand_say(struct hand *hand, size_t nth, const struct wire *bytes)
{
    if (bytes->len == 0) {
        return;
    }
    assert_int_equal(hand_send(hand, nth, bytes->data, bytes->len), bytes->len);
}

void hand_stdout(struct hand *hand, size_t nth, int id, const char *text)
{
    struct wire w = {0};
    wire_stdout(&w, id, text);
    hand_say(hand, nth, &w);
    wire_free(&w);
}

void hand_end(struct hand *hand, size_t nth, int id)
{
    struct wire w = {0};
    wire_end(&w, id, 0, WIRE_COMPLETE);
    hand_say(hand, nth, &w);
    wire_free(&w);
}

void hand_answer(struct hand *hand, size_t nth, int id, const char *text)
{
    struct wire w = {0};
    wire_stdout(&w, id, text);
    wire_stdout(&w, id, "");
    wire_end(&w, id, 0, WIRE_COMPLETE);
    hand_say(hand, nth, &w);
    wire_free(&w);
}

void hand_half_close(struct hand *hand, size_t nth)
{
    assert_int_equal(shutdown(hand->ends[nth], SHUT_WR), 0);
}

void hand_close(struct hand *hand, size_t nth)
{
    struct wire unread = {0};
    (void)hand_receive(hand, nth, &unread);
    wire_free(&unread);
    (void)close(hand->ends[nth]);
    hand->ends[nth] = -1;
}

void hand_free(struct hand *hand)
{
    for (size_t i = 0; i < hand->count; i++) {
        if (hand->ends[i] >= 0) {
            (void)close(hand->ends[i]);
        }
    }
    free(hand->ends);
    wire_free(&hand->greeting);
    memset(hand, 0, sizeof(*hand));
}

void hand_call_begin(struct hand_call *c,
                     const struct fcgi_client_config *config,
                     const struct fcgi_request *request)
{
    memset(c, 0, sizeof(*c));
    c->client = hand_client(&c->hand, config);
    c->call = host_begin(c->client, request, &c->response);
}

void hand_call_end(struct hand_call *c)
{
    host_free(c->call);
    fcgi_response_free(&c->response);
    fcgi_client_free(c->client);
    hand_free(&c->hand);
}
