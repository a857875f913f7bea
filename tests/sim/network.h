/*
 * network - the way to the application: names, addresses, and whether a
 * connect succeeds, fails, takes its time or never ends.
 */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include <netdb.h>
#include <sys/socket.h>

struct addrinfo;

void network_begin(void);

/** An address to give to a client; `*count` is set to how many that are. */
const char *network_pick(int *count);

/** Nobody listens for a while. */
void network_down(int64_t until);

/**
 * What a connect to that address comes to: 0, or the errno it fails with.
 *
 * @param delay  set to how long that takes; NEVER: for ever
 */
int network_connect(const struct sockaddr *address, int64_t *delay);

/** getaddrinfo() and freeaddrinfo(); and how many results are not freed. */
int network_resolve(const char *host, struct addrinfo **found);
void network_release(struct addrinfo *found);
int network_unreleased(void);

#endif
