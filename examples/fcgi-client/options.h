/*
 * options - what the user of fcgi-client asked for on the command line, and
 * the exit codes the program promises.
 */
#ifndef EXAMPLES_FCGI_CLIENT_OPTIONS_H
#define EXAMPLES_FCGI_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client.h>

/** What the program exits with. Never 2, which health checkers reserve. */
enum code {
    CODE_ANSWERED = 0, /**< whatever the HTTP status */
    CODE_CHECK = 1,    /**< --fail or --expect was not met */
    CODE_USAGE = 3,    /**< the command line, a malformed address included */
    CODE_CONNECT = 4,  /**< could not connect */
    CODE_TIME = 5,     /**< a time limit */
    CODE_ANSWER = 6,   /**< what came is no valid answer */
    CODE_REFUSED = 7,  /**< the application refused the request */
    CODE_LOCAL = 8     /**< memory, a file, standard output */
};

struct options {
    const char *address;
    const char *script; /**< with its query, as given */
    const char *method; /**< NULL: not given */
    const char *body;   /**< text or @FILE; NULL: none */
    const char *data;   /**< likewise, a filter's second stream */
    const char *expected;
    struct fcgi_param *variables; /**< of -p, in order */
    size_t variable_count;
    enum fcgi_role role;
    int timeout_ms;
    int connect_timeout_ms;
    int count;
    bool show_head;
    bool fail;
    bool quiet;
    bool verbose;
    bool trace;
};

/**
 * Read the command line. A mistake is told on stderr in one line; --help and
 * --version are answered.
 *
 * @param options  filled in; its strings are those of `argv`; to be freed with
 *                 options_free() in any case
 * @param code     set to what to exit with when there is nothing to ask
 * @return whether there is something to ask
 */
bool options_read(struct options *options, int argc, char **argv,
                  enum code *code);

void options_free(struct options *options);

#endif
