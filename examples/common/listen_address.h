/*
 * listening - where a server listens: host:port or [v6]:port.
 */
#ifndef COMMON_LISTENING_H
#define COMMON_LISTENING_H

#include <stddef.h>

struct addrinfo;

/** Find what an address means; "localhost" is 127.0.0.1, and port 0 any that
 *  is free. For freeaddrinfo(); NULL: it means nothing. */
struct addrinfo *listening_find(const char *address);

/** The address of a socket, in the same form. */
void listening_name(int fd, char *name, size_t cap);

#endif
