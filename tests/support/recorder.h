/*
 * recorder - a sink that logs what it receives, takes no more than the test
 * allows, and cancels where the test says.
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
    enum recorder_event last; /* the event that the log ends with */
    size_t heads;             /* calls */
    size_t bodies;
    size_t stderrs;
    size_t taken; /* bytes of body */
    bool limited; /* it takes at most `budget` bytes of body */
    size_t budget;
    size_t at_most;  /* bytes of body taken at a time; 0: no limit */
    size_t refusals; /* offers of body that are not taken, before all others */
    enum recorder_event cancel_in; /* that function returns `answer` */
    int answer;
};

/** A sink with all three functions. */
struct fcgi_sink recorder_sink(struct recorder *r);

/** Fail unless this is the log. */
void recorder_assert(const struct recorder *r, const char *log);

void recorder_free(struct recorder *r);

#endif
