/*
 * flood - an HTTP client in its own thread that sends as fast as the server
 * takes it, drops whatever it receives, and connects again when it is closed:
 * an attack, while the test looks at what other clients get.
 *
 *     struct flood_spec spec = {head, head_len, piece, piece_len};
 *     struct flood *flood = flood_start(front_address(front), &spec);
 *     ... ask over other connections ...
 *     assert_true(flood_stop(flood) > 0);
 */
#ifndef TESTS_FLOOD_H
#define TESTS_FLOOD_H

#include <stddef.h>

/** What each of its connections sends: the head, then the piece again and again
 *  until the server takes no more at all. It goes on after the server has ended
 *  its own side. Borrowed until flood_stop(). */
struct flood_spec {
    const void *head;
    size_t head_len;
    const void *piece;
    size_t piece_len; /**< 0: it sends nothing, and only reads */
};

struct flood;

/** Begin; returns when the server has taken the first bytes behind the first
 *  head, or the head itself if there is no piece. It ends by itself after some
 *  seconds, which is longer than any test needs. */
struct flood *flood_start(const char *address, const struct flood_spec *spec);

/** End it; returns how many bytes it sent and received. */
size_t flood_stop(struct flood *flood);

#endif
