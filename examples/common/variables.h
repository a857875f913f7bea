/*
 * variables - the CGI variables that a command line sets: -p NAME=VALUE.
 */
#ifndef EXAMPLES_COMMON_VARIABLES_H
#define EXAMPLES_COMMON_VARIABLES_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client.h>

/** In order; the last of a name counts. */
struct variables {
    struct fcgi_param *pairs; /**< strings that end in NUL */
    size_t count;
};

/** The function for cli_other(): add NAME=VALUE to a struct variables. False:
 *  it is malformed, or there is no memory, which has been reported. */
bool variables_add(void *variables, const char *text);

/** Set them, each in place of one that was made of a request. FCGI_OK or
 *  FCGI_ERR_NO_MEMORY. */
int variables_set(const struct variables *variables, struct fcgi_cgi *cgi);

void variables_free(struct variables *variables);

#endif
