/*
 * pool_config - a pool's options, resolved once when the pool is made: from
 * then on no 0 stands for a default.
 */
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include <fcgi_client/error.h>

#include "../base/option.h"
#include "pool.h"

/* Each request over a connection has an id of its own: were one used again, a
 * late record of the earlier request could pass for the later one's. */
#define MOST_REQUESTS UINT16_MAX

void fcgi_pool_config_init(struct fcgi_pool_config *config)
{
    if (config == NULL) {
        return;
    }
    memset(config, 0, sizeof(*config));
    config->max_idle = 32;
    config->idle_timeout_ms = 2000;
    config->max_age_ms = -1;
    config->max_requests = -1;
    config->max_open = -1;
    config->max_waiting = 1024;
    config->queue_timeout_ms = -1;
    config->connect_timeout_ms = 5000;
}

/* A default may itself be -1. */
static void resolve_pool_option(bool *valid, int *option, int standard, int off)
{
    *option = fcgi__resolve_int_option(valid, *option,
                                       standard == -1 ? off : standard, off);
}

int fcgi__pool_config_resolve(struct fcgi_pool_config *config,
                              const struct fcgi_pool_config *options)
{
    struct fcgi_pool_config standard;
    bool valid = true;

    fcgi_pool_config_init(&standard);
    *config = options == NULL ? standard : *options;
    resolve_pool_option(&valid, &config->max_idle, standard.max_idle, 0);
    resolve_pool_option(&valid, &config->idle_timeout_ms,
                        standard.idle_timeout_ms, -1);
    resolve_pool_option(&valid, &config->max_age_ms, standard.max_age_ms, -1);
    resolve_pool_option(&valid, &config->max_requests, standard.max_requests,
                        MOST_REQUESTS);
    if (config->max_requests > MOST_REQUESTS) {
        config->max_requests = MOST_REQUESTS;
    }
    resolve_pool_option(&valid, &config->max_open, standard.max_open, INT_MAX);
    resolve_pool_option(&valid, &config->max_waiting, standard.max_waiting,
                        INT_MAX);
    resolve_pool_option(&valid, &config->queue_timeout_ms,
                        standard.queue_timeout_ms, -1);
    resolve_pool_option(&valid, &config->connect_timeout_ms,
                        standard.connect_timeout_ms, -1);
    return valid ? FCGI_OK : FCGI_ERR_ARGUMENT;
}
