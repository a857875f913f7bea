/*
 * options - what the command line of gateway-threads asks for.
 */
#ifndef GATEWAY_THREADS_OPTIONS_H
#define GATEWAY_THREADS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct options {
    const char *port; /**< a number */
    const char *upstream;
    const char *root;
    int timeout_ms; /**< of the application; 0: the library's */
    int total_ms;   /**< of a whole request; 0: none */
    size_t memory;  /**< for the bodies of all requests together */
    bool no_abort;
    bool drop_connection_named;
};

/** Read the command line; what is wrong with it is said on standard error.
 *  False: the program is to end with that code. */
bool options_read(struct options *options, int argc, char **argv, int *code);

#endif
