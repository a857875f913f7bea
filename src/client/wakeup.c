/*
 * wakeup - how the host of an event loop is told which of its queued calls have
 * been given a connection: a descriptor to watch, and the calls to advance.
 */
#include "wakeup.h"
#include "../base/allocator.h"
#include "../pool/pool.h"
#include "client.h"

struct fcgi_wakeup {
    struct fcgi_client *client;
    struct fcgi__turns turns;
};

struct fcgi__turns *fcgi__wakeup_turns(struct fcgi_wakeup *wakeup)
{
    return &wakeup->turns;
}

int fcgi_wakeup_new(struct fcgi_wakeup **wakeup, struct fcgi_client *client)
{
    struct fcgi_wakeup *made;
    int rc;

    if (wakeup == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    *wakeup = NULL;
    if (client == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    made = fcgi__allocate(&client->allocator, sizeof(*made));
    if (made == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    made->client = client;
    rc = fcgi__pool_add_turns(client->pool, &made->turns);
    if (rc == FCGI_OK) {
        *wakeup = made;
    } else {
        fcgi__release(&client->allocator, made);
    }
    return rc;
}

int fcgi_wakeup_fd(const struct fcgi_wakeup *wakeup)
{
    return wakeup == NULL ? -1 : fcgi__turns_fd(&wakeup->turns);
}

struct fcgi_call *fcgi_wakeup_next(struct fcgi_wakeup *wakeup)
{
    return wakeup == NULL
               ? NULL
               : fcgi__pool_next_turn(wakeup->client->pool, &wakeup->turns);
}

void fcgi_wakeup_free(struct fcgi_wakeup *wakeup)
{
    if (wakeup != NULL) {
        fcgi__pool_remove_turns(wakeup->client->pool, &wakeup->turns);
        fcgi__release(&wakeup->client->allocator, wakeup);
    }
}
