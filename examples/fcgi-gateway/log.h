/*
 * log - a line on standard error for each failure of the application, and one
 * on standard output for each request, if that is wanted.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_LOG_H
#define EXAMPLES_FCGI_GATEWAY_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client.h>

#include "http.h"

/**
 * A request that ended with an error.
 *
 * @param status  of its answer
 * @param cut     part of the answer had been sent, and it ended there
 * @param what    has failed
 * @param why     more about that; empty: no more is known
 */
void log_failure(const struct http *http, int status, bool cut,
                 const char *what, const char *why);

/** What the application has written on its standard error. */
void log_stderr(const struct http *http, struct fcgi_slice text);

/**
 * A request, in the Common Log Format with one more field.
 *
 * @param http   NULL: it was not read
 * @param bytes  of the body that were sent
 * @param why    the request was cut short; NULL: it was not
 */
void log_access(const char *remote, const struct http *http, int status,
                uint64_t bytes, const char *why);

#endif
