/*
 * corpus - answers of every shape that an application may send, good and bad,
 * for tests that do the same with each.
 */
#ifndef TESTS_CORPUS_H
#define TESTS_CORPUS_H

#include <stddef.h>

#include <fcgi_client/exchange.h>

#include "wire.h"

/** One answer, to a request with TALK_ID. */
struct conversation {
    const char *name;
    void (*write)(struct wire *answer);
    int expected; /**< status, where the response is collected */
    const char *method;
    struct fcgi_limits limits;
};

extern const struct conversation corpus[];
extern const size_t corpus_len;

#endif
