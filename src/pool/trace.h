/*
 * trace - what a pool's options let somebody be told. Nothing is, under a lock.
 */
#ifndef FCGI__TRACE_H
#define FCGI__TRACE_H

#include <fcgi_client/pool.h>

/* Tell of a connection, or of a request over it (-1: over none). */
void fcgi__trace(const struct fcgi_pool_config *config,
                 enum fcgi_trace_kind kind, int fd, int error);

/* Tell of a record; somebody is to be told. */
void fcgi__trace_record(const struct fcgi_pool_config *config,
                        enum fcgi_trace_kind kind, int fd,
                        const struct fcgi_header *header);

#endif
