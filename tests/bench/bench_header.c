/*
 * bench_header - the header of a record to its eight bytes and back. The limits
 * are one store and one load of eight bytes.
 *
 * Each is done four times in a row, beside which the loop is little.
 */
#include "rows.h"

#include <fcgi_client.h>

static uint8_t wire[FCGI_RECORD_HEADER_LEN] = {1, 6, 0, 1, 0, 100, 4, 0};
static struct fcgi_header header = {1, FCGI_TYPE_STDOUT, 1, 100, 4};
static volatile uint64_t word;

static inline void encode_one(void)
{
    fcgi_header_encode(wire, &header);
    bench_barrier();
}

static inline void decode_one(void)
{
    (void)fcgi_header_decode(&header, wire);
    bench_barrier();
}

static void encode(void *context, size_t n)
{
    (void)context;
    for (size_t i = 0; i < n; i += 4) {
        encode_one();
        encode_one();
        encode_one();
        encode_one();
    }
}

static void decode(void *context, size_t n)
{
    (void)context;
    for (size_t i = 0; i < n; i += 4) {
        decode_one();
        decode_one();
        decode_one();
        decode_one();
    }
}

static void store(void *context, size_t n)
{
    (void)context;
    for (size_t i = 0; i < n; i += 4) {
        word = i;
        word = i;
        word = i;
        word = i;
    }
}

static void load(void *context, size_t n)
{
    (void)context;
    for (size_t i = 0; i < n; i += 4) {
        (void)word;
        (void)word;
        (void)word;
        (void)word;
    }
}

const struct bench_row bench_header_rows[] = {
    {.name = "header-encode", .ours = encode, .limit = store},
    {.name = "header-decode", .ours = decode, .limit = load},
    {.name = NULL},
};
