/*
 * bench_request - a whole small request: eighteen variables, a hundred bytes
 * of body in the answer. The limit is a loop of two system calls.
 */
#include "rows.h"

#include <unistd.h>

#include "asker.h"
#include "sample.h"

#define SMALL_ANSWER 100

static void *open_unix(void)
{
    struct fcgi_request request = sample_request(NULL, 0);
    return asker_open(AF_UNIX, SMALL_ANSWER, &request);
}

static void *open_tcp(void)
{
    struct fcgi_request request = sample_request(NULL, 0);
    return asker_open(AF_INET, SMALL_ANSWER, &request);
}

/* The variables that are the same for every request of a site, encoded once
 * and for all; the others as ever. */
static void *open_encoded(void)
{
    static const size_t fixed = SAMPLE_PARAMS / 2;
    static char encoded[4096];
    struct fcgi_request request = sample_request(NULL, 0);

    bench_check(fcgi_params_encode(sample_params, fixed, encoded,
                                   sizeof(encoded),
                                   &request.encoded_params.len) == FCGI_OK,
                "the variables cannot be encoded");
    request.encoded_params.data = encoded;
    request.params = sample_params + fixed;
    request.param_count = SAMPLE_PARAMS - fixed;
    return asker_open(AF_UNIX, SMALL_ANSWER, &request);
}

static void *open_dial(void)
{
    struct asker *asker = open_unix();

    fcgi_client_free(asker->client);
    asker->client = upstream_client(&asker->upstream, -1);
    return asker;
}

static void dial_limit(void *context, size_t n)
{
    const struct asker *asker = context;

    for (size_t i = 0; i < n; i++) {
        int fd = upstream_connect(&asker->upstream);
        asker_send_and_read(asker, fd);
        close(fd);
    }
}

const struct bench_row bench_request_rows[] = {
    {.name = "small-unix",
     .open = open_unix,
     .ours = asker_ours,
     .limit = asker_limit,
     .close = asker_close},
    {.name = "small-tcp",
     .open = open_tcp,
     .ours = asker_ours,
     .limit = asker_limit,
     .close = asker_close},
    {.name = "small-encoded",
     .open = open_encoded,
     .ours = asker_ours,
     .limit = asker_limit,
     .close = asker_close},
    {.name = "dial",
     .open = open_dial,
     .ours = asker_ours,
     .limit = dial_limit,
     .close = asker_close},
    {.name = NULL},
};
