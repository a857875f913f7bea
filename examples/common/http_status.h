/*
 * http_status - the HTTP status that stands for an error of the library.
 */
#ifndef EXAMPLES_COMMON_HTTP_STATUS_H
#define EXAMPLES_COMMON_HTTP_STATUS_H

/** The status to answer an HTTP client with whose request has ended with that
 *  error (RFC 9110, sections 15.5 and 15.6). */
int http_status_of_error(int error);

#endif
