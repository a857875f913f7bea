/*
 * environment - the CGI variables of a request of fcgi-client: made up of the
 * command line alone, never of the environment this program runs in.
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
    char *path; /**< a slash, then SCRIPT as given */
    char software[64];
    char content_length[24];
    char data_length[24];
    char data_modified[24];
};

/**
 * Make the variables.
 *
 * @param environment  filled in; its strings are its own and those of
 *                     `options`; to be freed with environment_free() in any
 *                     case
 * @return whether there was memory for it
 */
bool environment_make(struct environment *environment,
                      const struct options *options, const struct body *body,
                      const struct body *data);

void environment_free(struct environment *environment);

#endif
