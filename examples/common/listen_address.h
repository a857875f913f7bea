/*
 * listen_address - where a TCP server listens: host:port or [v6]:port.
 */
#ifndef EXAMPLES_COMMON_LISTEN_ADDRESS_H
#define EXAMPLES_COMMON_LISTEN_ADDRESS_H

#include <stddef.h>

struct addrinfo;

/** Resolve an address. "localhost" is 127.0.0.1 alone; port 0 is any free one.
 *  The caller calls freeaddrinfo(). NULL: it is malformed, or there is no such
 *  host. */
struct addrinfo *listen_address_resolve(const char *address);

/** Store the address that a socket is bound to, in the same form. */
void listen_address_print(int fd, char *text, size_t cap);

#endif
