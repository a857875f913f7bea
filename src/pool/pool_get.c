/*
 * pool_get - the blocking functions of the pool: loops over a checkout.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>

#include <fcgi_client/error.h>

#include "../net/clock.h"
#include "checkout.h"

/* The caller of fcgi_pool_get() reads from a socket in blocking mode. */
static int make_blocking(struct fcgi__checkout *checkout)
{
    struct fcgi_connection *connection = checkout->connection;

    if (connection->receive_timeout_ms == -1 ||
        fcgi__connection_set_blocking(connection, -1) == FCGI_OK) {
        return FCGI_OK;
    }
    checkout->system_error = errno;
    fcgi_pool_discard(checkout->pool, connection);
    checkout->connection = NULL;
    return FCGI_ERR_SYSTEM;
}

static int check_out(struct fcgi_pool *pool, enum fcgi__want want,
                     struct fcgi_connection **connection)
{
    const struct fcgi_pool_config *config = fcgi__pool_config(pool);
    const struct fcgi__checkout_options options = {
        .want = want,
        .queue_ms = config->queue_timeout_ms,
        .connect_ms = config->connect_timeout_ms,
    };
    struct fcgi__checkout checkout = {0};
    struct fcgi__wait wait;
    int rc = fcgi__checkout_begin(&checkout, pool, &options, NULL, fcgi__now());

    while (rc == FCGI_WAIT) {
        fcgi__checkout_wait(&checkout, &wait);
        (void)fcgi__checkout_await(&checkout, &wait);
        rc = fcgi__checkout_advance(&checkout, fcgi__now());
    }
    if (rc == FCGI_OK) {
        rc = make_blocking(&checkout);
    }
    if (rc != FCGI_OK) {
        (void)fcgi__pool_note_expiry(pool, -1, rc);
        errno = checkout.system_error;
    }
    *connection = checkout.connection;
    return rc;
}

int fcgi_pool_get(struct fcgi_pool *pool, struct fcgi_connection **connection,
                  bool *reused)
{
    int rc;

    if (pool == NULL || connection == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    rc = check_out(pool, FCGI__WANTS_ANY, connection);
    if (reused != NULL) {
        *reused = rc == FCGI_OK && (*connection)->reused;
    }
    return rc;
}

int fcgi_pool_dial(struct fcgi_pool *pool, struct fcgi_connection **connection)
{
    if (pool == NULL || connection == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    return check_out(pool, FCGI__WANTS_BESIDE, connection);
}
