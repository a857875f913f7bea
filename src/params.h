/*
 * params - what the layers above need of the encoding beyond its public face:
 * measure one pair, store one pair.
 */
#ifndef FCGI__PARAMS_H
#define FCGI__PARAMS_H

#include <fcgi_client/params.h>

/*
 * Measure the strings of a pair whose length is FCGI_STRLEN, and check it.
 *
 * Returns FCGI_OK and the bytes the pair takes when encoded, or
 * FCGI_ERR_ARGUMENT or FCGI_ERR_CONTENT_TOO_LONG.
 */
int fcgi__param_measure(const struct fcgi_param *param,
                        struct fcgi_param *measured, size_t *len);

/* Store the two lengths of a measured pair, at most 8 bytes; returns where
 * they end. */
char *fcgi__param_store_lengths(char *out, const struct fcgi_param *measured);

/* Store a measured pair; returns where the next one goes. */
char *fcgi__param_store(char *out, const struct fcgi_param *measured);

#endif
