/*
 * address - where an application listens, given as one string:
 *
 *     /path  unix:/path      a Unix socket
 *     unix:@name             an abstract one (Linux)
 *     1.2.3.4:port           TCP; nothing is resolved
 *     [v6]:port [v6%zone]:port
 *     host:port              TCP; the name is resolved at each dial
 */
#ifndef FCGI__ADDRESS_H
#define FCGI__ADDRESS_H

#include <stdbool.h>

#include <netdb.h>
#include <sys/socket.h>

#define FCGI__HOST_CAP 256
#define FCGI__PORT_CAP 6

struct fcgi__address {
    bool is_name; /* `host` must be resolved; else `socket` is valid */
    char host[FCGI__HOST_CAP];
    char port[FCGI__PORT_CAP];
    struct sockaddr_storage socket;
    socklen_t socket_len;
};

/* FCGI_OK or FCGI_ERR_ADDRESS. */
int fcgi__address_parse(struct fcgi__address *address, const char *text);

#endif
