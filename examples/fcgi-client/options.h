/*
 * options - what the command line of fcgi-client asks for, and the exit codes
 * that the program promises.
 */
#ifndef EXAMPLES_FCGI_CLIENT_OPTIONS_H
#define EXAMPLES_FCGI_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client.h>

#include "../common/variables.h"

/** What the program exits with; 3 is EXIT_USAGE. Never 2, which health checkers
 *  reserve. */
enum code {
    CODE_ANSWERED = 0, /**< whatever the HTTP status */
    CODE_CHECK = 1,    /**< --fail or --expect was not met */
    CODE_CONNECT = 4,  /**< could not connect */
    CODE_TIME = 5,     /**< a time limit */
    CODE_INVALID = 6,  /**< what came is not a valid answer */
    CODE_REFUSED = 7,  /**< the application refused the request */
    CODE_LOCAL = 8     /**< memory, a file, standard output */
};

struct options {
    const char *address;
    const char *script;      /**< with its query, as given */
    const char *script_name; /**< NULL: not given */
    const char *method;      /**< NULL: not given */
    const char *body;        /**< text or @FILE; NULL: none */
    const char *data;        /**< likewise, a filter's second stream */
    const char *expected;
    struct variables variables;
    enum fcgi_role role;
    int timeout_ms;
    int connect_timeout_ms;
    int count;
    size_t max_head; /**< bytes of the head of an answer */
    bool show_head;
    bool fail;
    bool quiet;
    bool verbose;
    bool trace;
};

/**
 * Read the command line. A mistake is reported in one line on standard error;
 * --help and --version are answered.
 *
 * @param options  filled in; its strings are those of `argv`; the caller frees
 *                 its variables in any case
 * @param code     set to the exit code where there is nothing to send
 * @return whether there is a request to send
 */
bool options_read(struct options *options, int argc, char **argv, int *code);

#endif
