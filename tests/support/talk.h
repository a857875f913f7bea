/*
 * talk - one exchange and the bytes of both sides: a test reads the request and
 * feeds the answer as bytes.
 *
 *     static void an_answer_has_a_body(void **state)
 *     {
 *         struct talk *t = *state;
 *         talk_ask(t, &request);          everything it sends is in t->sent
 *         status = talk_answer(t, &answer);     the result is in t->response
 *     }
 *
 *     ... talk_test(an_answer_has_a_body), ...
 *
 * Any call that contradicts the documentation of the exchange fails the test,
 * and so does memory that is left allocated at its end.
 */
#ifndef TESTS_TALK_H
#define TESTS_TALK_H

#include <stddef.h>

#include <fcgi_client/exchange.h>

#include "allocator.h"
#include "test.h"
#include "wire.h"

/** The id of the requests begun here. */
#define TALK_ID 0x0102

/** How many places talk_by_input() fills at a time. */
#define TALK_PLACES 8

struct talk {
    struct counting_allocator memory; /* the exchange's and the response's */
    struct fcgi_exchange *x;
    struct fcgi_response response;
    struct wire sent;
};

/** A way to hand bytes to the exchange, as far as it takes them; returns its
 *  status and sets `*used`. */
typedef int talk_bring(struct talk *t, const void *data, size_t len,
                       size_t *used);

/** By fcgi_exchange_feed(). */
talk_bring talk_by_feed;
/** By fcgi_exchange_input() and _received(), as far as it has room. */
talk_bring talk_by_input;

/** A test whose state is a struct talk, with an exchange. */
#define talk_test(name)                                                        \
    cmocka_unit_test_setup_teardown(name, talk_set_up, talk_tear_down)

int talk_set_up(void **state);
int talk_tear_down(void **state);

/** Make the exchange. `t` must stay where it is. */
void talk_open(struct talk *t);
/** Free all; fails the test if memory is left allocated. */
void talk_close(struct talk *t);
/** Both: begin with another exchange. */
void talk_anew(struct talk *t);

/** Begin a request with TALK_ID and FCGI_FLAG_KEEP_CONN; NULL: a GET. Fails the
 *  test if that is refused. */
void talk_begin(struct talk *t, const struct fcgi_request *request);
/** Take the next output, append at most `max` bytes of it to `sent`, and tell
 *  the exchange; returns how many. */
size_t talk_send(struct talk *t, size_t max);
/** The same until the exchange has nothing to send. */
void talk_send_all(struct talk *t);
/** talk_begin() and talk_send_all(). */
void talk_ask(struct talk *t, const struct fcgi_request *request);

/** Feed bytes; returns the status. Fails the test unless the exchange consumes
 *  all that the status allows. */
int talk_feed(struct talk *t, const void *data, size_t len);
/** Feed all of `answer`. */
int talk_answer(struct talk *t, const struct wire *answer);

/** Append a whole answer to `w`: a string, or any number of bytes, as
 *  FCGI_STDOUT, its end, and FCGI_END_REQUEST. */
void talk_write_text(struct wire *w, const char *text);
void talk_write_answer(struct wire *w, const void *data, size_t len);

/** With another exchange, a whole conversation with such an answer, to a GET or
 *  to the caller's own request. Returns the status. */
int talk_anew_get(struct talk *t, const char *text);
int talk_anew_text(struct talk *t, const struct fcgi_request *request,
                   const char *text);
int talk_anew_request(struct talk *t, const struct fcgi_request *request,
                      const void *data, size_t len);

/** What was sent so far, read as an application reads it; the caller frees it.
 *  Fails the test if it ends amid a record. */
struct wire_request talk_read_request(const struct talk *t);

/** Fail the test unless both have the same status and the same response. */
void talk_assert_alike(const struct talk *a, const struct talk *b);

/** Fail the test unless the slice holds this text, with a NUL behind it. */
void talk_assert_text(struct fcgi_slice slice, const char *text);

#endif
