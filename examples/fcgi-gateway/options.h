/*
 * options - what the command line of fcgi-gateway asks for.
 */
#ifndef GATEWAY_EVENTS_OPTIONS_H
#define GATEWAY_EVENTS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct options {
    const char *listen;
    const char *upstream;
    const char *root;
    const char *index;
    int workers;
    int connections;       /**< to the application, of all workers; 0: any */
    bool no_keep;          /**< a connection for each request */
    bool no_abort;         /**< the application is not told to give up */
    int timeout_ms;        /**< of the application */
    int total_ms;          /**< for its whole answer; 0: any */
    int client_timeout_ms; /**< of the client */
    int least_rate;        /**< bytes a second, of the client; 0: any */
    size_t gather;         /**< how long a body may be that is gathered */
    size_t memory;         /**< for each worker */
    bool stream_chunked;
    bool drop_connection_named; /**< fields that the client's Connection names
                                     are not handed on */
    bool access_log;
};

/** Read the command line; what is wrong with it is said on standard error.
 *  False: the program is to end with that code. */
bool options_read(struct options *options, int argc, char **argv, int *code);

#endif
