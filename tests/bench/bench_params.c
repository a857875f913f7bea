/*
 * bench_params - eighteen variables to bytes and back. The limits are a copy of
 * the bytes, and a walk from length to length.
 */
#include "rows.h"

#include <string.h>

#include "sample.h"

struct params {
    char *room;
    size_t cap;
    char *encoded;
    size_t len;
};

static void *open_params(void)
{
    static struct params params = {.cap = 4096};

    params.room = bench_memory(params.cap);
    params.encoded = bench_memory(params.cap);
    bench_check(fcgi_params_encode(sample_params, SAMPLE_PARAMS, params.encoded,
                                   params.cap, &params.len) == FCGI_OK,
                "the variables cannot be encoded");
    return &params;
}

static void encode(void *context, size_t n)
{
    const struct params *params = context;
    size_t len;

    for (size_t i = 0; i < n; i++) {
        (void)fcgi_params_encode(sample_params, SAMPLE_PARAMS, params->room,
                                 params->cap, &len);
        bench_barrier();
    }
}

static void copy(void *context, size_t n)
{
    const struct params *params = context;

    for (size_t i = 0; i < n; i++) {
        memcpy(params->room, params->encoded, params->len);
        bench_barrier();
    }
}

static void decode(void *context, size_t n)
{
    const struct params *params = context;
    struct fcgi_param param;

    for (size_t i = 0; i < n; i++) {
        struct fcgi_slice rest = {params->encoded, params->len};
        while (fcgi_params_next(&rest, &param) == FCGI_PAIR) {
            bench_barrier();
        }
    }
}

static void walk(void *context, size_t n)
{
    const struct params *params = context;

    for (size_t i = 0; i < n; i++) {
        const unsigned char *at = (const unsigned char *)params->encoded;
        const unsigned char *end = at + params->len;
        while (at < end) {
            at += 2 + at[0] + at[1];
            bench_barrier();
        }
    }
}

const struct bench_row bench_params_rows[] = {
    {.name = "encode-18", .open = open_params, .ours = encode, .limit = copy},
    {.name = "decode-18", .open = open_params, .ours = decode, .limit = walk},
    {.name = NULL},
};
