/*
 * flood - an HTTP client in a thread of its own that sends as fast as it is
 * let, takes whatever it is sent and drops it, and connects anew when it is
 * closed: an attack, while a test looks at what others get.
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
 *  until the server takes no more for good. Its end of what it sends itself is
 *  not enough. Borrowed until flood_stop(). */
struct flood_spec {
    const void *head;
    size_t head_len;
    const void *piece;
    size_t piece_len; /**< 0: it sends nothing, and only reads */
};

struct flood;

/** Begin; returns when the server has taken the first bytes behind the first
 *  head, or that head if there are none. It ends by itself after some seconds,
 *  longer than any test should need it. */
struct flood *flood_start(const char *address, const struct flood_spec *spec);

/** End it; returns how many bytes it has sent and received. */
size_t flood_stop(struct flood *flood);

#endif
