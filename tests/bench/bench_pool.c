/*
 * bench_pool - taking an idle connection and giving it back. The limit is a
 * mutex that nobody else wants.
 */
#include "rows.h"

#include <pthread.h>

#include "upstream.h"

struct lender {
    struct upstream upstream;
    struct fcgi_pool *pool;
    pthread_mutex_t mutex;
};

static void take_and_give(void *context, size_t n)
{
    struct lender *lender = context;
    struct fcgi_connection *connection;

    for (size_t i = 0; i < n; i++) {
        int rc = fcgi_pool_get(lender->pool, &connection, NULL);
        bench_check(rc == FCGI_OK, "no connection");
        fcgi_pool_put(lender->pool, connection);
    }
}

static void lock_and_unlock(void *context, size_t n)
{
    struct lender *lender = context;

    for (size_t i = 0; i < n; i++) {
        pthread_mutex_lock(&lender->mutex);
        bench_barrier();
        pthread_mutex_unlock(&lender->mutex);
    }
}

static void *open_lender(void)
{
    static struct lender lender = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    struct fcgi_pool_config config = {.allocator = bench_allocator()};

    upstream_start(&lender.upstream, AF_UNIX, RESPONDER_THREADS, 0);
    bench_check(fcgi_pool_new(&lender.pool, lender.upstream.address, &config) ==
                    FCGI_OK,
                "no pool");
    return &lender;
}

static void close_lender(void *context)
{
    struct lender *lender = context;

    fcgi_pool_free(lender->pool);
    upstream_stop(&lender->upstream);
}

const struct bench_row bench_pool_rows[] = {
    {.name = "pool",
     .open = open_lender,
     .ours = take_and_give,
     .limit = lock_and_unlock,
     .close = close_lender},
    {.name = NULL},
};
