/*
 * environment - the CGI variables of a request of fcgi-client. They come from
 * the command line alone, never from the environment of this program.
 */
#ifndef EXAMPLES_FCGI_CLIENT_ENVIRONMENT_H
#define EXAMPLES_FCGI_CLIENT_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client.h>

#include "body.h"
#include "options.h"

struct environment {
    struct fcgi_param *variables;
    size_t count;
    char *path; /* a slash, then SCRIPT as given */
    char *uri;  /* the name of --script-name, and the query; or NULL */
    char software[64];
    char content_length[24];
    char data_length[24];
    char data_modified[24];
};

/**
 * Make the variables.
 *
 * @param environment  filled in; it points to strings of its own and to those
 *                     of `options`; the caller calls environment_free() in any
 *                     case
 * @return false if there was no memory for it
 */
bool environment_make(struct environment *environment,
                      const struct options *options, const struct body *body,
                      const struct body *data);

void environment_free(struct environment *environment);

#endif
