/*
 * trace - what --trace prints: each record that passes, and what becomes of
 * connections, one line each on stderr.
 *
 *     > PARAMS id 1, content 312, padding 0
 *     < STDOUT id 1, content 61, padding 3
 *     * dialled, descriptor 3
 */
#ifndef EXAMPLES_FCGI_CLIENT_TRACE_H
#define EXAMPLES_FCGI_CLIENT_TRACE_H

#include <fcgi_client.h>

/** A `trace` of struct fcgi_pool_config; its context is not used. */
void trace_print(void *context, const struct fcgi_trace_event *event);

#endif
