/*
 * sim_client - a client of the library, with options by chance, and memory that
 * is counted and sometimes runs out.
 */
#ifndef SIM_SIM_CLIENT_H
#define SIM_SIM_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client.h>

#include "allocator.h"
#include "debt.h"
#include "sim_stream.h"
#include "wake.h"

/** As many event loops may a client have that hear of turns by themselves. */
#define WAKES 2

/** For how long one that is patient waits for a first byte, in milliseconds. */
#define PATIENCE 3000

/** A client, and how it was made. */
struct sim_client {
    int index;
    struct fcgi_client *handle; /**< NULL: it is gone */
    struct fcgi_client_config config;
    struct counting_allocator memory;
    bool is_closed;
    bool is_patient; /**< it waits for longer than a stale connection takes */
    int addresses;   /**< of its name */
    int64_t evict_at;
    struct fcgi_response used; /**< by a call that has ended, for another */
    struct wake wakes[WAKES];
    struct wake own;                           /**< what calls without share */
    uint64_t traced[FCGI_TRACE_TIMED_OUT + 1]; /**< events, of each kind */
    struct fcgi_pool_stats counted;            /**< at the last eviction */
    uint64_t unkept; /**< connections since one was kept or used again */
    struct debt debt;
};

/** Make it, under the index that it has. */
void client_open(struct sim_client *client);

/** fcgi_client_close(), and fcgi_client_free(), which must leave nothing. */
void client_close(struct sim_client *client);
void client_free(struct sim_client *client);

/** fcgi_pool_evict(), and when it is next to be called. */
void client_evict(struct sim_client *client);

/** Whether that is one of its connections, and no call uses it. */
bool client_leaves_unused(const struct sim_client *client,
                          const struct stream *s);

/** It has put back an idle connection that it had taken and not used. */
void client_renew(struct sim_client *client);

struct fcgi_pool_stats client_stats(const struct sim_client *client);

/** Whether no more may wait; whether one more connection may be kept. */
bool client_queue_is_full(const struct sim_client *client);
bool client_has_room(const struct sim_client *client);

#endif
