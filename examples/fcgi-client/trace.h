/*
 * trace - what --trace prints on stderr: a line for each record that passes,
 * and for each event of a connection.
 *
 *     > PARAMS id 1, content 312, padding 0
 *     < STDOUT id 1, content 61, padding 3
 *     * dialled, descriptor 3
 */
#ifndef EXAMPLES_FCGI_CLIENT_TRACE_H
#define EXAMPLES_FCGI_CLIENT_TRACE_H

#include <fcgi_client.h>

/** The `trace` of struct fcgi_pool_config; the context is not used. */
void trace_print(void *context, const struct fcgi_trace_event *event);

#endif
