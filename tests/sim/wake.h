/*
 * wake - a descriptor by which a host hears that calls have their turn: the
 * fcgi_wakeup of an event loop, or the client's own, which calls without share.
 * What it tells is held against <fcgi_client/wakeup.h>.
 */
#ifndef SIM_WAKE_H
#define SIM_WAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client.h>

struct sim_client;

struct wake {
    struct fcgi_wakeup *handle; /**< NULL: it has none */
    int fd;                     /**< -1: not known yet */
    uint64_t identity;
    size_t edges; /**< those that the host has heard of */
};

/** Make a client's, by chance, and end them. */
void wakes_open(struct sim_client *client);
void wakes_free(struct sim_client *client);

/** One for a call of that client; NULL: the client's own. */
struct wake *wake_pick(struct sim_client *client);

/** A call was told that descriptor, which is the client's own. */
void wake_share(struct sim_client *client, int fd);

/** Whether the host is to ask it; and that. */
bool wake_is_due(const struct wake *w);
void wake_ask(struct sim_client *client, struct wake *w);

/** Each of a client's is readable while there is a turn to tell, and only
 *  then. */
void wakes_judge(struct sim_client *client);

#endif
