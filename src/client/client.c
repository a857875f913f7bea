/*
 * client - the handle: the options, resolved once, and the pool.
 */
#define _POSIX_C_SOURCE 200809L

#include <string.h>

#include "../base/allocator.h"
#include "../base/option.h"
#include "../exchange/response.h"
#include "../pool/pool.h"
#include "client.h"

static const struct fcgi_timeouts standard_timeouts = {
    .connect_ms = 5000,
    .write_ms = 30000,
    .first_byte_ms = 60000,
    .idle_ms = 60000,
    .total_ms = -1,
    .queue_ms = -1,
};

int fcgi__timeouts_resolve(struct fcgi_timeouts *resolved,
                           const struct fcgi_timeouts *own,
                           const struct fcgi_timeouts *others)
{
    bool valid = true;

    resolved->connect_ms = fcgi__resolve_int_option(&valid, own->connect_ms,
                                                    others->connect_ms, -1);
    resolved->write_ms =
        fcgi__resolve_int_option(&valid, own->write_ms, others->write_ms, -1);
    resolved->first_byte_ms = fcgi__resolve_int_option(
        &valid, own->first_byte_ms, others->first_byte_ms, -1);
    resolved->idle_ms =
        fcgi__resolve_int_option(&valid, own->idle_ms, others->idle_ms, -1);
    resolved->total_ms =
        fcgi__resolve_int_option(&valid, own->total_ms, others->total_ms, -1);
    resolved->queue_ms =
        fcgi__resolve_int_option(&valid, own->queue_ms, others->queue_ms, -1);
    return valid ? FCGI_OK : FCGI_ERR_ARGUMENT;
}

static int shorter(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* A receive may block, without poll(), while every limit has more time left
 * than the socket's receive timeout. That is half of the shortest limit, if a
 * socket can have that. */
static int receive_timeout(const struct fcgi_timeouts *timeouts)
{
    int shortest = shorter(timeouts->total_ms,
                           shorter(timeouts->first_byte_ms, timeouts->idle_ms));

    return shortest < 2 ? -1 : shortest / 2;
}

/* The client's own limits, or those of its pool where it has none. */
static int resolve_timeouts(struct fcgi_timeouts *timeouts,
                            const struct fcgi_client_config *config)
{
    struct fcgi_timeouts own = config->timeouts;

    if (own.connect_ms == 0) {
        own.connect_ms = config->pool.connect_timeout_ms;
    }
    if (own.queue_ms == 0) {
        own.queue_ms = config->pool.queue_timeout_ms;
    }
    return fcgi__timeouts_resolve(timeouts, &own, &standard_timeouts);
}

static int set_options(struct fcgi_client *client,
                       const struct fcgi_client_config *config)
{
    client->retry =
        config->retry == FCGI_RETRY_DEFAULT ? FCGI_RETRY_SAFE : config->retry;
    client->no_abort = config->no_abort;
    client->keeps = config->pool.max_idle != -1;
    if ((unsigned)client->retry > FCGI_RETRY_NEVER ||
        fcgi__limits_resolve(&client->limits, &config->limits, NULL) !=
            FCGI_OK ||
        resolve_timeouts(&client->timeouts, config) != FCGI_OK) {
        return FCGI_ERR_ARGUMENT;
    }
    client->receive_timeout_ms = receive_timeout(&client->timeouts);
    return FCGI_OK;
}

static int make_client(struct fcgi_client **client, const char *address,
                       const struct fcgi_client_config *config)
{
    struct fcgi_allocator allocator;
    struct fcgi_client *made;
    int rc;

    if (fcgi__allocator_init(&allocator, &config->pool.allocator) != FCGI_OK) {
        return FCGI_ERR_ARGUMENT;
    }
    made = fcgi__allocate(&allocator, sizeof(*made));
    if (made == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    made->allocator = allocator;
    rc = set_options(made, config);
    if (rc == FCGI_OK) {
        rc = fcgi_pool_new(&made->pool, address, &config->pool);
    }
    if (rc != FCGI_OK) {
        fcgi__release(&allocator, made);
        return rc;
    }
    *client = made;
    return FCGI_OK;
}

int fcgi_client_new(struct fcgi_client **client, const char *address,
                    const struct fcgi_client_config *config)
{
    static const struct fcgi_client_config standard;

    if (client == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    *client = NULL;
    return make_client(client, address, config == NULL ? &standard : config);
}

void fcgi_client_close(struct fcgi_client *client)
{
    if (client != NULL) {
        fcgi_pool_close(client->pool);
    }
}

void fcgi_client_free(struct fcgi_client *client)
{
    struct fcgi_allocator allocator;

    if (client == NULL) {
        return;
    }
    fcgi_pool_free(client->pool);
    allocator = client->allocator;
    fcgi__release(&allocator, client);
}

struct fcgi_pool *fcgi_client_pool(struct fcgi_client *client)
{
    return client == NULL ? NULL : client->pool;
}
