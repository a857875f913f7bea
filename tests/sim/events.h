/*
 * trace - what a client tells of its connections while it is at it, held
 * against what is known of them: which one is used again, and which one is
 * closed, and why.
 */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include <fcgi_client.h>

/** The trace of a client, which `context` is. */
void trace_hear(void *context, const struct fcgi_trace_event *event);

#endif
