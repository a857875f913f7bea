/*
 * address - where an application listens. Nothing here resolves a name.
 */
#define _POSIX_C_SOURCE 200809L

#include <stddef.h>
#include <string.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <fcgi_client/error.h>

#include "../base/decimal.h"
#include "address.h"

/* `path` has `len` bytes. An abstract name begins with "@", which becomes a
 * NUL, and needs no NUL at its end. */
static int set_unix(struct fcgi__address *address, const char *path, size_t len)
{
    struct sockaddr_un *un = (struct sockaddr_un *)(void *)&address->socket;
    bool abstract = path[0] == '@';

    if (len < (abstract ? 2U : 1U) ||
        len > sizeof(un->sun_path) - (abstract ? 0U : 1U)) {
        return FCGI_ERR_ADDRESS;
    }
#ifndef __linux__
    if (abstract) {
        return FCGI_ERR_ADDRESS;
    }
#endif
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, len);
    address->socket_len = (socklen_t)sizeof(*un);
    if (abstract) {
        un->sun_path[0] = '\0';
        address->socket_len =
            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    }
    return FCGI_OK;
}

static int set_port(struct fcgi__address *address, const char *text,
                    in_port_t *port)
{
    size_t len = strlen(text);
    int64_t number = fcgi__parse_decimal(text, len);

    if (len >= FCGI__PORT_CAP || number < 1 || number > 65535) {
        return FCGI_ERR_ADDRESS;
    }
    memcpy(address->port, text, len + 1);
    *port = htons((uint16_t)number);
    return FCGI_OK;
}

static bool set_v4(struct fcgi__address *address, in_port_t port)
{
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)&address->socket;

    if (inet_pton(AF_INET, address->host, &in->sin_addr) != 1) {
        return false;
    }
    in->sin_family = AF_INET;
    in->sin_port = port;
    address->socket_len = (socklen_t)sizeof(*in);
    return true;
}

/* A zone is the name or the number of an interface (RFC 4007, section 11). */
static bool set_zone(struct sockaddr_in6 *in6, const char *zone)
{
    int64_t index = if_nametoindex(zone);

    if (index == 0) {
        index = fcgi__parse_decimal(zone, strlen(zone));
    }
    if (index < 1 || index > UINT32_MAX) {
        return false;
    }
    in6->sin6_scope_id = (uint32_t)index;
    return true;
}

static bool set_v6(struct fcgi__address *address, in_port_t port)
{
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&address->socket;
    char *zone = strchr(address->host, '%');

    if (zone != NULL) {
        *zone = '\0';
        if (!set_zone(in6, zone + 1)) {
            return false;
        }
    }
    if (inet_pton(AF_INET6, address->host, &in6->sin6_addr) != 1) {
        return false;
    }
    in6->sin6_family = AF_INET6;
    in6->sin6_port = port;
    address->socket_len = (socklen_t)sizeof(*in6);
    return true;
}

static int set_host(struct fcgi__address *address, const char *host, size_t len)
{
    if (len == 0 || len >= FCGI__HOST_CAP) {
        return FCGI_ERR_ADDRESS;
    }
    memcpy(address->host, host, len);
    address->host[len] = '\0';
    return FCGI_OK;
}

/* [v6]:port or [v6%zone]:port */
static int parse_bracketed(struct fcgi__address *address, const char *text)
{
    const char *end = strchr(text, ']');
    in_port_t port;

    if (end == NULL || end[1] != ':' ||
        set_host(address, text + 1, (size_t)(end - text) - 1) != FCGI_OK ||
        set_port(address, end + 2, &port) != FCGI_OK ||
        !set_v6(address, port)) {
        return FCGI_ERR_ADDRESS;
    }
    return FCGI_OK;
}

/* host:port, where the host is a name or an IPv4 address */
static int parse_host(struct fcgi__address *address, const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    const char *colon = strchr(text, ':');
    in_port_t port;

    if (colon == NULL ||
        set_host(address, text, (size_t)(colon - text)) != FCGI_OK ||
        strspn(address->host, letters) != strlen(address->host) ||
        set_port(address, colon + 1, &port) != FCGI_OK) {
        return FCGI_ERR_ADDRESS;
    }
    address->is_name = !set_v4(address, port);
    return FCGI_OK;
}

int fcgi__address_parse(struct fcgi__address *address, const char *text)
{
    static const char scheme[] = "unix:";

    memset(address, 0, sizeof(*address));
    if (text[0] == '/') {
        return set_unix(address, text, strlen(text));
    }
    if (strncmp(text, scheme, sizeof(scheme) - 1) == 0) {
        text += sizeof(scheme) - 1;
        return set_unix(address, text, strlen(text));
    }
    return text[0] == '[' ? parse_bracketed(address, text)
                          : parse_host(address, text);
}
