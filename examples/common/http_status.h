/*
 * status - from the library's errors to those of HTTP.
 */
#ifndef COMMON_STATUS_H
#define COMMON_STATUS_H

/** What an HTTP client is answered whose request has ended with that error
 *  (RFC 9110, sections 15.5 and 15.6). */
int status_of_error(int error);

#endif
