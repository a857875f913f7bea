/*
 * talk - one exchange and what both sides say: see talk.h.
 */
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "talk.h"
#include "test.h"

void talk_open(struct talk *t)
{
    memset(t, 0, sizeof(*t));
    const struct fcgi_allocator allocator = counting_allocator(&t->memory);
    assert_int_equal(fcgi_exchange_new(&t->x, &allocator), FCGI_OK);
    assert_non_null(t->x);
}

static void free_all(struct talk *t)
{
    fcgi_exchange_free(t->x);
    fcgi_response_free(&t->response);
    wire_free(&t->sent);
}

void talk_close(struct talk *t)
{
    free_all(t);
    assert_int_equal(t->memory.blocks, 0);
    assert_int_equal(t->memory.bytes, 0);
}

void talk_anew(struct talk *t)
{
    talk_close(t);
    talk_open(t);
}

int talk_set_up(void **state)
{
    struct talk *t = must_allocate(sizeof(*t));
    talk_open(t);
    *state = t;
    return 0;
}

int talk_tear_down(void **state)
{
    struct talk *t = *state;
    free_all(t);
    size_t blocks = t->memory.blocks;
    free(t);
    assert_int_equal(blocks, 0);
    return 0;
}

void talk_begin(struct talk *t, const struct fcgi_request *request)
{
    const struct fcgi_param params[] = {FCGI_PARAM("REQUEST_METHOD", "GET")};
    const struct fcgi_request get = {.params = params, .param_count = 1};
    assert_int_equal(fcgi_exchange_begin(t->x, request == NULL ? &get : request,
                                         &t->response, TALK_ID,
                                         FCGI_FLAG_KEEP_CONN),
                     FCGI_OK);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_WAIT);
}

size_t talk_send(struct talk *t, size_t max)
{
    struct fcgi_slice slices[8];
    int count = fcgi_exchange_output(t->x, slices, 8);
    size_t taken = 0;
    assert_in_range(count, 0, 8);
    for (int i = 0; i < count && taken < max; i++) {
        size_t n = slices[i].len < max - taken ? slices[i].len : max - taken;
        assert_true(slices[i].len > 0);
        wire_append(&t->sent, slices[i].data, n);
        taken += n;
    }
    if (taken > 0) {
        assert_int_equal(fcgi_exchange_sent(t->x, taken), FCGI_OK);
    }
    return taken;
}

void talk_send_all(struct talk *t)
{
    size_t taken = talk_send(t, SIZE_MAX);
    while (taken > 0) {
        taken = talk_send(t, SIZE_MAX);
    }
}

void talk_ask(struct talk *t, const struct fcgi_request *request)
{
    talk_begin(t, request);
    talk_send_all(t);
}

int talk_by_feed(struct talk *t, const void *data, size_t len, size_t *used)
{
    int status;
    *used = SIZE_MAX;
    status = fcgi_exchange_feed(t->x, data, len, used);
    assert_true(*used <= len);
    return status;
}

/* Store bytes where the exchange wants them; returns how many fitted. */
static size_t store(const struct fcgi_memory *room, int count,
                    const uint8_t *data, size_t len)
{
    size_t stored = 0;
    for (int i = 0; i < count; i++) {
        size_t space = room[i].cap - room[i].len;
        size_t n = len - stored < space ? len - stored : space;
        assert_true(space > 0);
        if (n > 0) {
            memcpy(room[i].data + room[i].len, data + stored, n);
        }
        stored += n;
    }
    return stored;
}

int talk_by_input(struct talk *t, const void *data, size_t len, size_t *used)
{
    const uint8_t *at = data;
    int status = fcgi_exchange_status(t->x);
    *used = 0;
    while (*used < len) {
        struct fcgi_memory room[TALK_PLACES];
        memset(room, 0xa5, sizeof(room));
        int count = fcgi_exchange_input(t->x, room, TALK_PLACES);
        if (count <= 0) {
            return count < 0 ? count : fcgi_exchange_status(t->x);
        }
        assert_in_range(count, 1, TALK_PLACES);
        size_t n = store(room, count, at + *used, len - *used);
        *used += n;
        status = fcgi_exchange_received(t->x, n);
        assert_int_equal(status, fcgi_exchange_status(t->x));
    }
    return status;
}

int talk_feed(struct talk *t, const void *data, size_t len)
{
    size_t used;
    int status = talk_by_feed(t, data, len, &used);
    assert_int_equal(status, fcgi_exchange_status(t->x));
    if (status == FCGI_WAIT && !fcgi_exchange_paused(t->x)) {
        assert_int_equal(used, len);
    }
    return status;
}

int talk_answer(struct talk *t, const struct wire *answer)
{
    return talk_feed(t, answer->data, answer->len);
}

void talk_write_text(struct wire *w, const char *text)
{
    talk_write_answer(w, text, strlen(text));
}

void talk_write_answer(struct wire *w, const void *data, size_t len)
{
    wire_stream(w, WIRE_STDOUT, TALK_ID, data, len);
    wire_stdout(w, TALK_ID, "");
    wire_end(w, TALK_ID, 0, WIRE_COMPLETE);
}

int talk_anew_request(struct talk *t, const struct fcgi_request *request,
                      const void *data, size_t len)
{
    struct wire answer = {0};
    talk_anew(t);
    talk_ask(t, request);
    talk_write_answer(&answer, data, len);
    int status = talk_answer(t, &answer);
    wire_free(&answer);
    return status;
}

int talk_anew_text(struct talk *t, const struct fcgi_request *request,
                   const char *text)
{
    return talk_anew_request(t, request, text, strlen(text));
}

int talk_anew_get(struct talk *t, const char *text)
{
    return talk_anew_text(t, NULL, text);
}

struct wire_request talk_read_request(const struct talk *t)
{
    struct wire_request request = {0};
    size_t read = wire_request_read(&request, t->sent.data, t->sent.len);
    assert_int_equal(read, t->sent.len);
    return request;
}

static void assert_same_bytes(struct fcgi_slice a, struct fcgi_slice b)
{
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len + 1);
}

void talk_assert_alike(const struct talk *a, const struct talk *b)
{
    assert_int_equal(fcgi_exchange_status(a->x), fcgi_exchange_status(b->x));
    assert_int_equal(fcgi_exchange_reusable(a->x),
                     fcgi_exchange_reusable(b->x));
    assert_int_equal(a->response.status, b->response.status);
    assert_int_equal(a->response.field_count, b->response.field_count);
    assert_same_bytes(a->response.body, b->response.body);
    assert_same_bytes(a->response.stderr_data, b->response.stderr_data);
}

void talk_assert_text(struct fcgi_slice slice, const char *text)
{
    assert_non_null(slice.data);
    assert_int_equal(slice.len, strlen(text));
    assert_string_equal(slice.data, text);
}
