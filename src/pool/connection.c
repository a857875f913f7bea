/*
 * connection - one slot of a pool, and its lists.
 */
#define _POSIX_C_SOURCE 200809L

#include <limits.h>

#include <fcgi_client/error.h>

#include "../net/net.h"
#include "connection.h"

int fcgi_connection_fd(const struct fcgi_connection *connection)
{
    return connection == NULL ? -1 : connection->fd;
}

uint16_t fcgi__connection_peek_id(const struct fcgi_connection *connection)
{
    return connection->last_id == UINT16_MAX
               ? 1
               : (uint16_t)(connection->last_id + 1);
}

uint16_t fcgi_connection_next_id(struct fcgi_connection *connection)
{
    connection->requests += 1;
    connection->suspect = false;
    connection->last_id = fcgi__connection_peek_id(connection);
    return connection->last_id;
}

int fcgi__connection_set_blocking(struct fcgi_connection *connection,
                                  int timeout_ms)
{
    int rc = fcgi__net_set_blocking(connection->fd, timeout_ms);

    connection->receive_timeout_ms = rc == FCGI_OK ? timeout_ms : 0;
    return rc;
}

int fcgi__connection_empty(struct fcgi_connection *connection)
{
    int fd = connection->fd;

    connection->fd = -1;
    connection->dialling = NULL;
    connection->receive_timeout_ms = 0;
    connection->acknowledges = false;
    connection->reused = false;
    connection->suspect = false;
    connection->evicted = false;
    connection->last_id = 0;
    connection->requests = 0;
    connection->requests_before = INT_MAX;
    return fd;
}

void fcgi__connections_add(struct fcgi__connections *all,
                           struct fcgi_connection *connection)
{
    connection->previous = NULL;
    connection->next = all->open;
    if (connection->next != NULL) {
        connection->next->previous = connection;
    }
    all->open = connection;
    all->open_count += 1;
}

void fcgi__connections_push_idle(struct fcgi__connections *all,
                                 struct fcgi_connection *connection)
{
    connection->use = FCGI__IDLE;
    connection->newer = NULL;
    connection->older = all->newest;
    if (all->newest == NULL) {
        all->oldest = connection;
    } else {
        all->newest->newer = connection;
    }
    all->newest = connection;
    all->idle_count += 1;
}

void fcgi__connections_remove_idle(struct fcgi__connections *all,
                                   struct fcgi_connection *connection)
{
    struct fcgi_connection *newer = connection->newer;
    struct fcgi_connection *older = connection->older;

    *(newer == NULL ? &all->newest : &newer->older) = older;
    *(older == NULL ? &all->oldest : &older->newer) = newer;
    connection->use = FCGI__CHECKED_OUT;
    all->idle_count -= 1;
}

void fcgi__connections_unlink(struct fcgi__connections *all,
                              struct fcgi_connection *connection,
                              struct fcgi_connection **to_close)
{
    struct fcgi_connection *next = connection->next;
    struct fcgi_connection *previous = connection->previous;

    *(previous == NULL ? &all->open : &previous->next) = next;
    if (next != NULL) {
        next->previous = previous;
    }
    all->open_count -= connection->inherited ? 0 : 1;
    connection->older = *to_close;
    *to_close = connection;
}

static void close_copy(int *fd)
{
    fcgi__net_close(*fd);
    *fd = -1;
}

void fcgi__connections_forget(struct fcgi__connections *all)
{
    for (struct fcgi_connection *at = all->open; at != NULL; at = at->next) {
        close_copy(&at->fd);
        if (at->dialling != NULL) {
            close_copy(at->dialling);
        }
        at->inherited = true;
    }
    all->newest = all->oldest = NULL;
    all->open_count = 0;
    all->idle_count = 0;
}
