/*
 * pool_config - a pool's options, resolved once, at the door: behind it no 0
 * stands for a default any more.
 */
#include <limits.h>
#include <string.h>

#include <fcgi_client/error.h>

#include "pool.h"

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

static void resolve(int *option, int standard, int off)
{
    if (*option == 0) {
        *option = standard;
    }
    if (*option == -1) {
        *option = off;
    }
}

int fcgi__pool_config_resolve(struct fcgi_pool_config *config,
                              const struct fcgi_pool_config *options)
{
    struct fcgi_pool_config standard;

    fcgi_pool_config_init(&standard);
    *config = options == NULL ? standard : *options;
    if (config->max_idle < -1 || config->idle_timeout_ms < -1 ||
        config->max_age_ms < -1 || config->max_requests < -1 ||
        config->max_open < -1 || config->max_waiting < -1 ||
        config->queue_timeout_ms < -1 || config->connect_timeout_ms < -1) {
        return FCGI_ERR_ARGUMENT;
    }
    resolve(&config->max_idle, standard.max_idle, 0);
    resolve(&config->idle_timeout_ms, standard.idle_timeout_ms, -1);
    resolve(&config->max_age_ms, standard.max_age_ms, -1);
    resolve(&config->max_requests, standard.max_requests, INT_MAX);
    resolve(&config->max_open, standard.max_open, INT_MAX);
    resolve(&config->max_waiting, standard.max_waiting, INT_MAX);
    resolve(&config->queue_timeout_ms, standard.queue_timeout_ms, -1);
    resolve(&config->connect_timeout_ms, standard.connect_timeout_ms, -1);
    return FCGI_OK;
}
