/*
 * An answer to a response that has had one before, whose memory it keeps.
 */
#include <fcgi_client/exchange.h>

#include "talk.h"
#include "test.h"

#define HEAD "A: b\n\n"
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

static void the_next_body_has_the_memory_of_the_last(void **state)
{
    struct wire noise = {0};
    struct talk *t = *state;
    wire_noise(&noise, 20000);
    warm(t, &noise, 20000);
    const char *data = t->response.body.data;
    size_t calls = t->memory.calls;
    warm(t, &noise, 20000);
    assert_ptr_equal(t->response.body.data, data);
    assert_int_equal(t->memory.calls, calls);
    wire_free(&noise);
}

/* In the memory that a body has there is room for some records and not for
 * others: more is had for those. */
static void a_large_record_has_its_place_whole(void **state)
{
    struct fcgi_memory room[TALK_PLACES];
    struct wire noise = {0};
    wire_noise(&noise, 30000);
    for (size_t len = 16384; len < 24000; len += 16) {
        struct wire answer = {0};
        struct talk *t = *state;
        talk_anew(t);
        warm(t, &noise, 18000);
        talk_ask(t, NULL);
        wire_stdout(&answer, TALK_ID, HEAD);
        wire_record(&answer, WIRE_STDOUT, TALK_ID, noise.data, len, 0);
        size_t ahead = answer.len - len;
        assert_int_equal(talk_feed(t, answer.data, ahead), FCGI_WAIT);
        assert_true(fcgi_exchange_input(t->x, room, TALK_PLACES) >= 2);
        assert_int_equal(room[0].cap, len);
        wire_free(&answer);
    }
    wire_free(&noise);
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

/* Cut where the answer begins and ends, and here and there. */
static void assert_as_fed_however_cut(const struct wire *noise,
                                      const struct fcgi_request *request,
                                      const struct wire *answer)
{
    for (size_t cut = 0; cut <= answer->len; cut++) {
        if (cut < 20 || cut + 20 > answer->len || cut % 4001 == 0) {
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

static void
a_body_stays_readable_where_there_is_no_memory_for_more(void **state)
{
    struct wire noise = {0};
    struct wire answer = {0};
    struct talk *t = *state;
    size_t used;
    wire_noise(&noise, 150000);
    warm(t, &noise, 20000);
    talk_ask(t, NULL);
    wire_stdout(&answer, TALK_ID, HEAD);
    wire_padded(&answer, WIRE_STDOUT, TALK_ID, noise.data, 10000);
    wire_padded(&answer, WIRE_STDOUT, TALK_ID, noise.data, 60000);
    t->memory.fail_at = t->memory.calls + 1;
    assert_int_equal(talk_by_input(t, answer.data, answer.len, &used),
                     FCGI_ERR_NO_MEMORY);
    assert_int_equal(t->response.body.len, 10000);
    assert_memory_equal(t->response.body.data, noise.data, 10000);
    wire_free(&noise);
    wire_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(the_next_body_has_the_memory_of_the_last),
        talk_test(a_large_record_has_its_place_whole),
        cmocka_unit_test(an_answer_of_any_shape_is_what_it_is_when_fed),
        talk_test(a_body_stays_readable_where_there_is_no_memory_for_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
