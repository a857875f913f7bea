/*
 * options - what the command line of gateway-threads asks for.
 */
#ifndef EXAMPLES_GATEWAY_THREADS_OPTIONS_H
#define EXAMPLES_GATEWAY_THREADS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "../common/variables.h"

struct options {
    const char *port; /**< a number */
    const char *upstream;
    const char *root;
    int timeout_ms; /**< of the application; 0: the library's default */
    int total_ms;   /**< of a whole request; 0: no limit */
    size_t memory;  /**< for the bodies of all requests together */
    bool no_abort;
    bool drop_connection_named;
    struct variables variables;
};

/**
 * Read the command line. A mistake is reported in one line on standard error;
 * --help is answered.
 *
 * @param code  set to the exit code where there is nothing to serve
 * @return whether there is something to serve
 */
bool options_read(struct options *options, int argc, char **argv, int *code);

#endif
