/*
 * log - a line on standard error for what went wrong with the application, and
 * one on standard output for each request, if that is wanted.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_LOG_H
#define EXAMPLES_FCGI_GATEWAY_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client.h>

#include "http.h"

/** A request that ended with an error, and what the client was answered; `cut`:
 *  that was under way already, and ended there. */
void log_failure(const struct http *http, int status, bool cut, int error,
                 const struct fcgi_response *response);

/** What the application has written to its standard error. */
void log_stderr(const struct http *http, struct fcgi_slice text);

/**
 * A request, in the Common Log Format and a field more.
 *
 * @param http   NULL: it was not read
 * @param bytes  of the body, as they were sent
 * @param why    it ended before its end; NULL: it did not
 */
void log_access(const char *remote, const struct http *http, int status,
                uint64_t bytes, const char *why);

#endif
