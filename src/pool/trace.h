/*
 * trace - the events that a pool's options let a host hear of. Nothing is
 * traced while a lock is held.
 */
#ifndef FCGI__TRACE_H
#define FCGI__TRACE_H

#include <fcgi_client/pool.h>

/* Trace an event of a connection, or of a request over it (fd -1: over none).
 */
void fcgi__trace(const struct fcgi_pool_config *config,
                 enum fcgi_trace_kind kind, int fd, int error);

/* Trace a record. `config->trace` is not NULL. */
void fcgi__trace_record(const struct fcgi_pool_config *config,
                        enum fcgi_trace_kind kind, int fd,
                        const struct fcgi_header *header);

#endif
