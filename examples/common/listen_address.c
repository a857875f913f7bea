/*
 * listen_address - where a TCP server listens.
 */
#define _POSIX_C_SOURCE 200809L

#include "listen_address.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PORT_MAX 65535

/* getaddrinfo() would take a number that is too large for another port, and an
 * empty one for any. */
static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 5 && text[digits] == '\0' &&
           atoi(text) <= PORT_MAX;
}

/* "[v6]:port" and "host:port" alike: the host is copied, the port is not. */
static bool split(const char *address, char *host, size_t cap,
                  const char **port)
{
    const char *colon = strrchr(address, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - address);

    if (len > 2 && address[0] == '[' && colon[-1] == ']') {
        address += 1;
        len -= 2;
    }
    if (len == 0 || len >= cap) {
        return false;
    }
    memcpy(host, address, len);
    host[len] = '\0';
    *port = colon + 1;
    return is_port(*port);
}

struct addrinfo *listen_address_resolve(const char *address)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    const char *port;
    char host[256];

    if (!split(address, host, sizeof(host), &port)) {
        return NULL;
    }
    return getaddrinfo(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
                       port, &hints, &found) == 0
               ? found
               : NULL;
}

void listen_address_print(int fd, char *text, size_t cap)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    char host[64] = "";
    char port[16] = "";

    (void)getsockname(fd, (struct sockaddr *)&address, &len);
    (void)getnameinfo((const struct sockaddr *)&address, len, host,
                      sizeof(host), port, sizeof(port),
                      NI_NUMERICHOST | NI_NUMERICSERV);
    (void)snprintf(text, cap, strchr(host, ':') == NULL ? "%s:%s" : "[%s]:%s",
                   host, port);
}
