/*
 * record - the records that this library sends: how large, and their headers.
 */
#ifndef FCGI__RECORD_H
#define FCGI__RECORD_H

#include <fcgi_client/record.h>

#define FCGI__HEADER_LEN ((size_t)FCGI_RECORD_HEADER_LEN)

/* The most content we put into one record: with its header it takes 65,536
 * bytes, and it needs no padding, which PHP-FPM would count in. */
#define FCGI__CONTENT_LEN ((size_t)65528)

/* Store the header of a record with that content and the padding it gets. */
void fcgi__record_header(uint8_t out[FCGI_RECORD_HEADER_LEN], uint8_t type,
                         uint16_t request_id, size_t content_length);

#endif
