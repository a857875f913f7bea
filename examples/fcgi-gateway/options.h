/*
 * options - what the command line of fcgi-gateway asks for.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_OPTIONS_H
#define EXAMPLES_FCGI_GATEWAY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "../common/variables.h"

struct options {
    const char *listen;
    const char *upstream;
    const char *root;
    const char *index;
    int workers;
    int connections;        /**< to the application, of all workers; 0: no
                                 limit */
    bool no_keep;           /**< a connection for each request */
    int requests;           /**< over a connection; 0: no limit */
    int idle_ms;            /**< of a connection; 0: the default */
    bool no_abort;          /**< never send FCGI_ABORT_REQUEST */
    int timeout_ms;         /**< of the application */
    int total_ms;           /**< for its whole answer; 0: no limit */
    int client_timeout_ms;  /**< of the client */
    int least_rate;         /**< bytes a second, of the client; 0: any */
    size_t gather;          /**< how long a gathered body may be */
    size_t memory;          /**< for each worker */
    size_t max_head;        /**< bytes of the head of a request */
    size_t max_answer_head; /**< and of the head of an answer */
    struct variables variables;
    bool stream_chunked;
    bool drop_connection_named; /**< drop the fields that the client names in
                                     Connection */
    bool access_log;
};

/**
 * Read the command line. A mistake is reported in one line on standard error;
 * --help and --version are answered.
 *
 * @param code  set to the exit code where there is nothing to serve
 * @return whether there is something to serve
 */
bool options_read(struct options *options, int argc, char **argv, int *code);

#endif
