/*
 * asker - one request, asked in two ways: see asker.h.
 */
#define _GNU_SOURCE

#include "asker.h"

#include <stdlib.h>
#include <unistd.h>

#include "harness.h"
#include "sample.h"

struct asker *asker_open(int family, size_t body_len,
                         const struct fcgi_request *request)
{
    struct asker *asker = calloc(1, sizeof(*asker));

    bench_check(asker != NULL, "there is no memory");
    asker->request = *request;
    asker->wire = sample_wire(request);
    upstream_start(&asker->upstream, family, RESPONDER_THREADS, body_len);
    asker->client = upstream_client(&asker->upstream, 0);
    asker->fd = upstream_connect(&asker->upstream);
    asker->room_len = asker->upstream.answer_len + 4096;
    asker->room = bench_memory(asker->room_len);
    asker_ours(asker, 1);
    asker_limit(asker, 1);
    return asker;
}

void asker_close(void *context)
{
    struct asker *asker = context;

    fcgi_client_free(asker->client);
    fcgi_response_free(&asker->response);
    close(asker->fd);
    upstream_stop(&asker->upstream);
    free(asker);
}

void asker_ours(void *context, size_t n)
{
    struct asker *asker = context;

    for (size_t i = 0; i < n; i++) {
        int rc =
            fcgi_client_do(asker->client, &asker->request, &asker->response);
        bench_check(rc == FCGI_OK && asker->response.status == 200,
                    fcgi_strerror(rc));
    }
}

void asker_send_and_read(const struct asker *asker, int fd)
{
    for (size_t sent = 0; sent < asker->wire.len;) {
        ssize_t n = send(fd, asker->wire.data + sent, asker->wire.len - sent,
                         MSG_NOSIGNAL);
        bench_check(n > 0, "the limit's loop cannot send");
        sent += (size_t)n;
    }
    for (size_t got = 0; got < asker->upstream.answer_len;) {
        size_t at = asker->in_pieces ? 0 : got;
        ssize_t n = recv(fd, asker->room + at, asker->room_len - at, 0);
        bench_check(n > 0, "the limit's loop cannot read");
        got += (size_t)n;
    }
}

void asker_limit(void *context, size_t n)
{
    struct asker *asker = context;

    for (size_t i = 0; i < n; i++) {
        asker_send_and_read(asker, asker->fd);
    }
}
