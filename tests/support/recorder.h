/*
 * recorder - a sink that writes down what it is given, takes no more than it
 * may, and cancels where it is told to.
 *
 *     struct recorder r = {0};
 *     request.sink = recorder_sink(&r);
 *     ...
 *     recorder_assert(&r, "[head 200][body]hello[stderr]oh no");
 */
#ifndef TESTS_RECORDER_H
#define TESTS_RECORDER_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client/exchange.h>

#include "wire.h"

enum recorder_event {
    RECORDER_NOTHING,
    RECORDER_HEAD,
    RECORDER_BODY,
    RECORDER_STDERR
};

/** All zero: takes everything. */
struct recorder {
    struct wire log;          /* pieces in a row are joined */
    enum recorder_event last; /* the kind the log ends with */
    size_t heads;             /* calls */
    size_t bodies;
    size_t stderrs;
    size_t taken; /* bytes of body */
    bool limited; /* no more body than `budget` is taken */
    size_t budget;
    enum recorder_event cancel_in; /* return `answer` from there */
    int answer;
};

/** A sink with all three functions. */
struct fcgi_sink recorder_sink(struct recorder *r);

/** Fail unless this is the log. */
void recorder_assert(const struct recorder *r, const char *log);

void recorder_free(struct recorder *r);

#endif
