/*
 * pattern - bytes that depend on nothing but their offset, to tell whether a
 * large body arrived whole, in order and unchanged.
 *
 * Each 16 bytes are a line: their number, as 15 hexadecimal digits, and a
 * newline. The script pattern.php makes the same ones.
 */
#ifndef TESTS_PATTERN_H
#define TESTS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/exchange.h>

/** Store the `len` bytes of the pattern at `offset`. */
void pattern_fill(void *out, uint64_t offset, size_t len);

/** The first `len` bytes; the caller frees them. */
void *pattern_make(size_t len);

/** Whether these are the `len` bytes of the pattern at `offset`. */
bool pattern_matches(const void *data, uint64_t offset, size_t len);

/** The FNV-1a hash of the first `len` bytes, as 16 hexadecimal digits: what
 *  hash('fnv1a64', ...) of PHP returns. */
void pattern_hash(char out[17], uint64_t len);

/** A body of `len` bytes, made while it is read; it can be replayed. */
struct pattern_upload {
    uint64_t len;
    uint64_t at; /**< how much has been read */
};

/** Its source; `upload` must stay until the request has ended. */
struct fcgi_source pattern_source(struct pattern_upload *upload);

/** What a sink of the pattern has received. */
struct pattern_download {
    uint64_t at; /**< how many bytes */
    bool wrong;  /**< some of them were not the pattern */
};

/** A sink that checks and drops a body; `download` must stay until the request
 *  has ended. */
struct fcgi_sink pattern_sink(struct pattern_download *download);

#endif
