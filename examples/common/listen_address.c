/*
 * listening - where a server listens.
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

/* getaddrinfo() takes a larger number for another port, and none for any. */
static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 5 && text[digits] == '\0' &&
           atoi(text) <= PORT_MAX;
}

struct addrinfo *listening_find(const char *address)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    const char *colon = strrchr(address, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - address);
    struct addrinfo *found = NULL;
    char host[256];

    if (len > 2 && address[0] == '[' && colon[-1] == ']') {
        address += 1;
        len -= 2;
    }
    if (len == 0 || len >= sizeof(host) || !is_port(colon + 1)) {
        return NULL;
    }
    memcpy(host, address, len);
    host[len] = '\0';
    return getaddrinfo(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
                       colon + 1, &hints, &found) == 0
               ? found
               : NULL;
}

void listening_name(int fd, char *name, size_t cap)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    char host[64] = "";
    char port[16] = "";

    (void)getsockname(fd, (struct sockaddr *)&address, &len);
    (void)getnameinfo((const struct sockaddr *)&address, len, host,
                      sizeof(host), port, sizeof(port),
                      NI_NUMERICHOST | NI_NUMERICSERV);
    (void)snprintf(name, cap, strchr(host, ':') == NULL ? "%s:%s" : "[%s]:%s",
                   host, port);
}
