/*
 * variables - the CGI variables that a command line sets.
 */
#define _POSIX_C_SOURCE 200809L

#include "variables.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"

static struct fcgi_param *grow(struct variables *variables)
{
    struct fcgi_param *grown =
        realloc(variables->pairs, (variables->count + 1) * sizeof(*grown));

    if (grown == NULL) {
        return NULL;
    }
    variables->pairs = grown;
    return &grown[variables->count];
}

bool variables_add(void *context, const char *text)
{
    struct variables *variables = context;
    size_t len = strcspn(text, "=");
    struct fcgi_param *pair;
    char *name;

    if (len == 0 || text[len] == '\0') {
        return cli_refuse("-p must be NAME=VALUE, not '%s'", text);
    }
    pair = grow(variables);
    name = strdup(text);
    if (pair == NULL || name == NULL) {
        free(name);
        return cli_refuse("-p: out of memory");
    }
    name[len] = '\0';
    pair->name = name;
    pair->name_len = len;
    pair->value = name + len + 1;
    pair->value_len = strlen(pair->value);
    variables->count += 1;
    return true;
}

int variables_set(const struct variables *variables, struct fcgi_cgi *cgi)
{
    int rc = FCGI_OK;

    for (size_t i = 0; i < variables->count && rc == FCGI_OK; i++) {
        rc = fcgi_cgi_set(cgi, variables->pairs[i].name,
                          variables->pairs[i].value);
    }
    return rc;
}

void variables_free(struct variables *variables)
{
    for (size_t i = 0; i < variables->count; i++) {
        free((void *)(uintptr_t)variables->pairs[i].name);
    }
    free(variables->pairs);
    *variables = (struct variables){0};
}
