/*
 * network - the way to the application: see network.h.
 */
/* struct addrinfo. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <netinet/in.h>

#include "network.h"
#include "sight.h"
#include "world.h"

#define NAMED_MAX 3

/* 10.0.0.0 */
#define FIRST_ADDRESS UINT32_C(0x0a000000)

static struct {
    int64_t down_until;
    int64_t full_until;
    unsigned slow, full, bad; /* in percent */
    int unreleased;
    struct addrinfo named[NAMED_MAX];
    struct sockaddr_in addresses[NAMED_MAX];
} network;

static unsigned some_percent(void)
{
    static const unsigned percents[] = {0, 0, 5, 30};

    return percents[world_below(4)];
}

void network_begin(void)
{
    memset(&network, 0, sizeof(network));
    network.slow = some_percent();
    network.full = some_percent();
    network.bad = some_percent();
}

void network_down(int64_t until)
{
    network.down_until = until;
}

const char *network_pick(int *count)
{
    static const char *const addresses[] = {
        "unix:/sim/application", "10.0.0.0:9000", "application.sim:9000"};
    uint64_t pick = world_below(3);

    *count = pick == 2 ? NAMED_MAX : 1;
    return addresses[pick];
}

/* The listen queue of a Unix socket fills up, and stays full for a while. */
static bool is_full(void)
{
    if (world_now() >= network.full_until && world_chance(network.full)) {
        network.full_until = world_now() + world_between(0, 200 * MILLISECOND);
        sight_saw(SIGHT_BACKLOG);
    }
    return world_now() < network.full_until;
}

static int connect_unix(void)
{
    if (world_now() < network.down_until) {
        return world_chance(50) ? ECONNREFUSED : ENOENT;
    }
    return is_full() ? EAGAIN : 0;
}

static int64_t some_delay(void)
{
    if (world_chance(network.slow)) {
        return world_chance(20) ? NEVER : world_between(0, 300 * MILLISECOND);
    }
    return world_chance(50) ? 0 : world_between(0, 2 * MILLISECOND);
}

static int connect_tcp(int64_t *delay)
{
    *delay = some_delay();
    if (world_now() < network.down_until) {
        return ECONNREFUSED;
    }
    return world_chance(network.bad) ? EHOSTUNREACH : 0;
}

/* Whether it is another than the first of a name. */
static bool is_next(const struct sockaddr *address)
{
    struct sockaddr_in ipv4;

    if (address->sa_family != AF_INET) {
        return false;
    }
    memcpy(&ipv4, address, sizeof(ipv4));
    return ntohl(ipv4.sin_addr.s_addr) != FIRST_ADDRESS;
}

int network_connect(const struct sockaddr *address, int64_t *delay)
{
    if (is_next(address)) {
        sight_saw(SIGHT_NEXT_ADDRESS);
    }
    *delay = 0;
    return address->sa_family == AF_UNIX ? connect_unix() : connect_tcp(delay);
}

/*
 * Names.
 */

static void name_address(int i, struct addrinfo *next)
{
    struct sockaddr_in *address = &network.addresses[i];
    struct addrinfo *named = &network.named[i];

    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(FIRST_ADDRESS + (uint32_t)i);
    named->ai_family = AF_INET;
    named->ai_socktype = SOCK_STREAM;
    named->ai_addr = (struct sockaddr *)address;
    named->ai_addrlen = sizeof(*address);
    named->ai_next = next;
}

int network_resolve(const char *host, struct addrinfo **found)
{
    struct addrinfo *next = NULL;

    world_require(strcmp(host, "application.sim") == 0,
                  "a name is asked for as it was given", 0, 0);
    world_steal(world_between(0, MILLISECOND));
    if (world_chance(network.bad) && world_chance(20)) {
        return EAI_NONAME;
    }
    for (int i = NAMED_MAX - 1; i >= 0; i--) {
        name_address(i, next);
        next = &network.named[i];
    }
    network.unreleased += 1;
    *found = next;
    return 0;
}

void network_release(struct addrinfo *found)
{
    (void)found;
    network.unreleased -= 1;
}

int network_unreleased(void)
{
    return network.unreleased;
}
