/*
 * bench_head - the head of a response: eight fields in 310 bytes, with every
 * check, by the library's own parser. The limit looks for the ends of its
 * lines.
 */
#include "rows.h"

#include <string.h>

#include "base/allocator.h"
#include "exchange/head.h"
#include "exchange/response.h"

static const char text[] =
    "Status: 200 OK\r\n"
    "Content-Type: text/html; charset=UTF-8\r\n"
    "Cache-Control: no-store, no-cache, must-revalidate\r\n"
    "Expires: Thu, 19 Nov 1981 08:52:00 GMT\r\n"
    "Pragma: no-cache\r\n"
    "Set-Cookie: session=1f0c6f2ad43b; path=/; HttpOnly; SameSite=Lax\r\n"
    "X-Powered-By: PHP/8.2.29 on a small machine\r\n"
    "Vary: Accept-Encoding, Cookie\r\n"
    "\r\n";

_Static_assert(sizeof(text) - 1 == 310, "the goal is for 310 bytes");

struct parser {
    struct fcgi__head head;
    struct fcgi_allocator allocator;
    struct fcgi_limits limits;
};

static void parse(void *context, size_t n)
{
    struct parser *parser = context;

    for (size_t i = 0; i < n; i++) {
        size_t used;
        fcgi__head_reset(&parser->head);
        int rc =
            fcgi__head_feed(&parser->head, &parser->allocator, &parser->limits,
                            text, sizeof(text) - 1, &used);
        bench_check(rc == FCGI_OK, "the head is not understood");
    }
}

static void find_lines(void *context, size_t n)
{
    (void)context;
    for (size_t i = 0; i < n; i++) {
        const char *end = text + sizeof(text) - 1;
        for (const char *at = text; at < end;) {
            at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
            bench_barrier();
        }
    }
}

static void *open_parser(void)
{
    static struct parser parser;
    struct fcgi_limits defaults = {0};
    struct fcgi_allocator counted = bench_allocator();

    bench_check(fcgi__allocator_init(&parser.allocator, &counted) == FCGI_OK &&
                    fcgi__limits_resolve(&parser.limits, &defaults, NULL) ==
                        FCGI_OK,
                "no parser");
    parse(&parser, 1);
    return &parser;
}

static void close_parser(void *context)
{
    struct parser *parser = context;

    fcgi__head_free(&parser->head, &parser->allocator);
}

const struct bench_row bench_head_rows[] = {
    {.name = "head-8",
     .open = open_parser,
     .ours = parse,
     .limit = find_lines,
     .close = close_parser},
    {.name = NULL},
};
