/*
 * An answer to a response that has had one before: its body is received in the
 * memory of the last, though nothing is known of it yet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <fcgi_client/exchange.h>

#include "talk.h"

#define HEAD "A: b\n\n"
#define FRONT 1024
#define LONG "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONGER LONG LONG LONG LONG LONG LONG LONG LONG

/* Let the response have an answer with so long a body, in large records or
 * not. */
static void warm(struct talk *t, const struct wire *noise, size_t len)
{
    struct wire answer = {0};
    size_t used;
    talk_ask(t, NULL);
    wire_stdout(&answer, TALK_ID, HEAD);
    talk_write_answer(&answer, noise->data, len);
    assert_int_equal(talk_by_input(t, answer.data, answer.len, &used), FCGI_OK);
    assert_int_equal(t->response.body.len, len);
    wire_free(&answer);
}

static void the_next_body_stays_where_it_was_received(void **state)
{
    enum { LEN = 20000, OF_FRONT = FRONT - 8 - (sizeof(HEAD) - 1) };
    struct fcgi_memory room[TALK_PLACES];
    struct wire noise = {0};
    struct wire answer = {0};
    struct talk t;
    (void)state;
    wire_noise(&noise, LEN);
    talk_open(&t);
    warm(&t, &noise, LEN);
    talk_ask(&t, NULL);
    wire_text(&answer, HEAD);
    wire_append(&answer, noise.data, LEN);
    struct wire record = {0};
    wire_record(&record, WIRE_STDOUT, TALK_ID, answer.data, answer.len, 0);
    assert_int_equal(fcgi_exchange_input(t.x, room, TALK_PLACES), 3);
    assert_int_equal(room[0].cap, FRONT);
    assert_true(room[1].cap >= record.len - FRONT);
    memcpy(room[0].data, record.data, FRONT);
    memcpy(room[1].data, record.data + FRONT, record.len - FRONT);
    assert_int_equal(fcgi_exchange_received(t.x, record.len), FCGI_WAIT);
    assert_ptr_equal(t.response.body.data, room[1].data - OF_FRONT);
    assert_int_equal(t.response.body.len, LEN);
    assert_memory_equal(t.response.body.data, noise.data, LEN);
    assert_int_equal(t.response.body.data[LEN], '\0');
    wire_free(&noise);
    wire_free(&answer);
    wire_free(&record);
    talk_close(&t);
}

/* In the memory that a body has there is room for some records and not for
 * others: more is had for those. */
static void a_large_record_has_its_place_whole(void **state)
{
    struct fcgi_memory room[TALK_PLACES];
    struct wire noise = {0};
    (void)state;
    wire_noise(&noise, 30000);
    for (size_t len = 16384; len < 24000; len += 16) {
        struct wire answer = {0};
        struct talk t;
        talk_open(&t);
        warm(&t, &noise, 18000);
        talk_ask(&t, NULL);
        wire_stdout(&answer, TALK_ID, HEAD);
        wire_record(&answer, WIRE_STDOUT, TALK_ID, noise.data, len, 0);
        size_t ahead = answer.len - len;
        assert_int_equal(talk_feed(&t, answer.data, ahead), FCGI_WAIT);
        assert_true(fcgi_exchange_input(t.x, room, TALK_PLACES) >= 2);
        assert_int_equal(room[0].cap, len);
        wire_free(&answer);
        talk_close(&t);
    }
    wire_free(&noise);
}

static int places_after(size_t warm_len, const struct fcgi_request *request,
                        size_t max)
{
    struct fcgi_memory room[TALK_PLACES];
    struct wire noise = {0};
    struct talk t;
    wire_noise(&noise, warm_len);
    talk_open(&t);
    warm(&t, &noise, warm_len);
    talk_ask(&t, request);
    int count = fcgi_exchange_input(t.x, room, max);
    wire_free(&noise);
    talk_close(&t);
    return count;
}

static int ignore(void *context, const void *data, size_t *len)
{
    (void)context;
    (void)data;
    (void)len;
    return 0;
}

static void there_must_be_memory_and_a_body_that_is_collected(void **state)
{
    const struct fcgi_request streamed = {.sink = {.body = ignore}};
    (void)state;
    assert_int_equal(places_after(20000, NULL, TALK_PLACES), 3);
    assert_int_equal(places_after(20000, NULL, 4), 3);
    assert_int_equal(places_after(20000, NULL, 3), 1);
    assert_int_equal(places_after(20000, NULL, 2), 1);
    assert_int_equal(places_after(20000, &streamed, TALK_PLACES), 1);
    assert_int_equal(places_after(1000, NULL, TALK_PLACES), 1);
}

/*
 * Whatever comes then is what feeding makes of it.
 */

/* Bring an answer in two pieces, to a response that has had one before. */
static void bring(struct talk *t, talk_bring *way, const struct wire *noise,
                  const struct fcgi_request *request, const struct wire *answer,
                  size_t cut)
{
    size_t used;
    talk_open(t);
    warm(t, noise, 40000);
    talk_ask(t, request);
    int status = way(t, answer->data, cut, &used);
    if (status == FCGI_WAIT) {
        status = way(t, answer->data + cut, answer->len - cut, &used);
    }
    if (status == FCGI_WAIT) {
        (void)fcgi_exchange_eof(t->x, false);
    }
}

static void assert_as_fed(const struct wire *noise,
                          const struct fcgi_request *request,
                          const struct wire *answer, size_t cut)
{
    struct talk fed, landed;
    bring(&fed, talk_by_feed, noise, request, answer, cut);
    bring(&landed, talk_by_input, noise, request, answer, cut);
    talk_assert_alike(&landed, &fed);
    talk_close(&fed);
    talk_close(&landed);
}

/* Cut where the front ends, where the answer does, and here and there. */
static void assert_as_fed_however_cut(const struct wire *noise,
                                      const struct fcgi_request *request,
                                      const struct wire *answer)
{
    for (size_t cut = 0; cut <= answer->len; cut++) {
        if (cut < 20 || (cut > FRONT - 20 && cut < FRONT + 20) ||
            cut + 20 > answer->len || cut % 4001 == 0) {
            assert_as_fed(noise, request, answer, cut);
        }
    }
}

/* What comes before a body of so many bytes, and in what records. */
struct shape {
    const char *stderr_data; /* NULL: none */
    const char *head;
    size_t len;
    size_t record_len;
    const char *tail; /* of FCGI_STDERR, between the body and the end */
};

static const struct shape shapes[] = {
    {NULL, HEAD, 0, 1, NULL},
    {NULL, HEAD, 1, 1, NULL},
    {NULL, HEAD, 500, 500, NULL},
    {NULL, HEAD, 1100, 1100, NULL},
    {NULL, HEAD, 30000, 30000, "warning"},
    {NULL, HEAD, 30000, 1000, NULL},
    {NULL, HEAD, 60000, 8184, NULL},
    {NULL, HEAD, 65535, 65535, NULL},
    {NULL, HEAD, 150000, 65528, "warning"},
    {"notice", HEAD, 30000, 16384, NULL},
    {LONGER LONGER LONGER, HEAD, 30000, 30000, NULL},
    {NULL, "A: " LONGER "\nB: " LONGER "\nC: " LONGER "\n\n", 30000, 30000,
     NULL},
    {NULL, "Content-Length: 30000\n\n", 30000, 30000, NULL},
    {NULL, "Content-Length: 150000\n\n", 150000, 65528, NULL},
    {NULL, "Content-Length: 150000\n\n", 150000, 5000, NULL},
    {NULL, "Content-Length: 100\n\n", 30000, 30000, NULL},
    {NULL, "Content-Length: 30000\n\n", 100, 100, NULL},
    {NULL, "Status: 304\n\n", 30000, 30000, NULL},
    {NULL, "no head at all", 30000, 30000, NULL},
    {NULL, "\n\n", 30000, 30000, NULL},
};

static void write_shape(struct wire *answer, const struct wire *noise,
                        const struct shape *shape)
{
    struct wire content = {0};
    if (shape->stderr_data != NULL) {
        wire_stderr(answer, TALK_ID, shape->stderr_data);
    }
    wire_text(&content, shape->head);
    wire_append(&content, noise->data, shape->len);
    for (size_t at = 0; at < content.len; at += shape->record_len) {
        size_t left = content.len - at;
        wire_padded(answer, WIRE_STDOUT, TALK_ID, content.data + at,
                    left < shape->record_len ? left : shape->record_len);
    }
    if (shape->tail != NULL) {
        wire_stderr(answer, TALK_ID, shape->tail);
    }
    wire_stdout(answer, TALK_ID, "");
    wire_end(answer, TALK_ID, 0, WIRE_COMPLETE);
    wire_free(&content);
}

static void assert_every_shape_as_fed(const struct fcgi_request *request)
{
    struct wire noise = {0};
    wire_noise(&noise, 150000);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct wire answer = {0};
        write_shape(&answer, &noise, &shapes[i]);
        assert_as_fed_however_cut(&noise, request, &answer);
        wire_free(&answer);
    }
    wire_free(&noise);
}

static void an_answer_of_any_shape_is_what_it_is_when_fed(void **state)
{
    const struct fcgi_param head[] = {FCGI_PARAM("REQUEST_METHOD", "HEAD")};
    const struct fcgi_request to_head = {.params = head, .param_count = 1};
    const struct fcgi_request limited = {.limits = {.body_len = 20000}};
    (void)state;
    assert_every_shape_as_fed(NULL);
    assert_every_shape_as_fed(&to_head);
    assert_every_shape_as_fed(&limited);
}

/* Room is made by moving back what has started later: that too is told. */
static void
a_body_stays_readable_where_there_is_no_memory_for_more(void **state)
{
    struct wire noise = {0};
    struct wire answer = {0};
    struct talk t;
    size_t used;
    (void)state;
    wire_noise(&noise, 150000);
    talk_open(&t);
    warm(&t, &noise, 20000);
    talk_ask(&t, NULL);
    wire_stdout(&answer, TALK_ID, HEAD);
    wire_stream(&answer, WIRE_STDOUT, TALK_ID, noise.data, noise.len);
    t.memory.fail_at = t.memory.calls + 1;
    assert_int_equal(talk_by_input(&t, answer.data, answer.len, &used),
                     FCGI_ERR_NO_MEMORY);
    assert_true(t.response.body.len > FRONT);
    assert_memory_equal(t.response.body.data, noise.data, t.response.body.len);
    wire_free(&noise);
    wire_free(&answer);
    talk_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_body_stays_where_it_was_received),
        cmocka_unit_test(a_large_record_has_its_place_whole),
        cmocka_unit_test(there_must_be_memory_and_a_body_that_is_collected),
        cmocka_unit_test(an_answer_of_any_shape_is_what_it_is_when_fed),
        cmocka_unit_test(
            a_body_stays_readable_where_there_is_no_memory_for_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
