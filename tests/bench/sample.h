/*
 * sample - what is asked: the eighteen variables that nginx sends, and the
 * bytes of a request on the wire, for who sends nothing but bytes.
 */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include <fcgi_client.h>

#define SAMPLE_PARAMS 18

extern const struct fcgi_param sample_params[SAMPLE_PARAMS];

/* A request with the variables and a body of that many bytes. */
struct fcgi_request sample_request(const void *body, size_t len);

/* The same as bytes, with the id 1, made by the library. */
struct fcgi_slice sample_wire(const struct fcgi_request *request);

#endif
