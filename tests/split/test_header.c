/*
 * The header of records, for each of the 65,536 lengths of content with each of
 * the 256 of padding: stored, read, and counted off, by the exchange and by the
 * reader of whole records. The sum of the two does not fit in 16 bits.
 */
#include <stdio.h>
#include <string.h>

#include <fcgi_client/exchange.h>

#include "talk.h"
#include "test.h"

#define CONTENTS 65536
#define PADDINGS 256

/* Not the beginning of a header: 0xff is no version. */
#define FILLER 0xff

static size_t pairs;

/* Run `check` on each pair. */
static void each_pair(void (*check)(void *context, size_t content,
                                    size_t padding),
                      void *context)
{
    for (size_t content = 0; content < CONTENTS; content++) {
        for (size_t padding = 0; padding < PADDINGS; padding++) {
            check(context, content, padding);
        }
    }
    pairs += (size_t)CONTENTS * PADDINGS;
}

static void fail_at(const char *what, size_t content, size_t padding)
{
    fail_msg("%s: content %zu, padding %zu", what, content, padding);
}

/* The eight bytes as the specification draws them (section 3.3). */
static void draw(uint8_t out[8], int type, int id, size_t content,
                 size_t padding)
{
    out[0] = 1;
    out[1] = (uint8_t)type;
    out[2] = (uint8_t)(id >> 8);
    out[3] = (uint8_t)id;
    out[4] = (uint8_t)(content >> 8);
    out[5] = (uint8_t)content;
    out[6] = (uint8_t)padding;
    out[7] = 0;
}

/* ---- there and back ---------------------------------------------------- */

static void check_header(void *context, size_t content, size_t padding)
{
    const struct fcgi_header header = {1, FCGI_TYPE_STDOUT, 0xfedc,
                                       (uint16_t)content, (uint8_t)padding};
    struct fcgi_header back;
    uint8_t bytes[8];
    uint8_t drawn[8];
    (void)context;
    draw(drawn, FCGI_TYPE_STDOUT, 0xfedc, content, padding);
    fcgi_header_encode(bytes, &header);
    if (memcmp(bytes, drawn, 8) != 0) {
        fail_at("stored", content, padding);
    }
    drawn[7] = FILLER; /* not looked at */
    if (fcgi_header_decode(&back, drawn) != FCGI_OK || back.version != 1 ||
        back.type != FCGI_TYPE_STDOUT || back.request_id != 0xfedc ||
        back.content_length != content || back.padding_length != padding) {
        fail_at("read", content, padding);
    }
}

static void each_header_is_stored_and_read(void **state)
{
    (void)state;
    each_pair(check_header, NULL);
}

/* ---- counted off by the exchange --------------------------------------- */

/* One request, and one record after another that it skips. Were one of them
 * counted wrong, a filler would be taken for the next header. */
struct skipping {
    struct talk t;
    uint8_t record[8 + 65535 + 255 + 1];
};

static void open_skipping(struct skipping *s)
{
    memset(s->record, FILLER, sizeof(s->record));
    talk_open(&s->t);
    talk_ask(&s->t, NULL);
}

static void close_skipping(struct skipping *s)
{
    struct wire answer = {0};
    talk_write_text(&answer, "A: b\n\nbody");
    assert_int_equal(talk_answer(&s->t, &answer), FCGI_OK);
    talk_assert_text(s->t.response.body, "body");
    wire_free(&answer);
    talk_close(&s->t);
}

static void check_skipped(void *context, size_t content, size_t padding)
{
    struct skipping *s = context;
    size_t len = 8 + content + padding;
    size_t used;
    draw(s->record, 200, 0, content, padding);
    int status = fcgi_exchange_feed(s->t.x, s->record, len, &used);
    if (status != FCGI_WAIT || used != len) {
        fail_at("skipped", content, padding);
    }
}

static void each_record_is_counted_off_by_the_exchange(void **state)
{
    static struct skipping s;
    (void)state;
    open_skipping(&s);
    each_pair(check_skipped, &s);
    close_skipping(&s);
}

/* The same in two pieces, cut behind the content. */
static void check_skipped_in_two(void *context, size_t content, size_t padding)
{
    struct skipping *s = context;
    size_t len = 8 + content;
    size_t used[2];
    draw(s->record, 200, 0, content, padding);
    (void)fcgi_exchange_feed(s->t.x, s->record, len, &used[0]);
    int status = fcgi_exchange_feed(s->t.x, s->record + len, padding, &used[1]);
    if (status != FCGI_WAIT || used[0] != len || used[1] != padding) {
        fail_at("skipped in two", content, padding);
    }
}

static void each_padding_is_counted_off_by_itself(void **state)
{
    static struct skipping s;
    (void)state;
    open_skipping(&s);
    each_pair(check_skipped_in_two, &s);
    close_skipping(&s);
}

/* The same of what is handed on to a sink. */
static void check_body(void *context, size_t content, size_t padding)
{
    struct skipping *s = context;
    size_t used;
    draw(s->record, FCGI_TYPE_STDOUT, TALK_ID, content, padding);
    int status =
        fcgi_exchange_feed(s->t.x, s->record, 8 + content + padding, &used);
    if (status != FCGI_WAIT || used != 8 + content + padding) {
        fail_at("body", content, padding);
    }
}

static int take_all(void *context, const void *data, size_t *len)
{
    uint64_t *taken = context;
    (void)data;
    *taken += *len;
    return 0;
}

static void each_record_of_body_is_counted_off(void **state)
{
    static struct skipping s;
    uint64_t taken = 0;
    const struct fcgi_request request = {
        .sink = {.body = take_all, .context = &taken}};
    size_t used;
    (void)state;
    open_skipping(&s);
    talk_ask(&s.t, &request);
    draw(s.record, FCGI_TYPE_STDOUT, TALK_ID, 1, 0);
    s.record[8] = '\n';
    (void)fcgi_exchange_feed(s.t.x, s.record, 9, &used);
    memset(s.record + 8, FILLER, 1);
    each_pair(check_body, &s);
    assert_true(taken == (uint64_t)PADDINGS * CONTENTS * (CONTENTS - 1) / 2);
    draw(s.record, FCGI_TYPE_END_REQUEST, TALK_ID, 8, 0);
    memset(s.record + 8, 0, 8);
    assert_int_equal(fcgi_exchange_feed(s.t.x, s.record, 16, &used), FCGI_OK);
    talk_close(&s.t);
}

/* ---- counted off by the reader of records ------------------------------ */

/* Gives the header, and then says that whatever is asked for was read. */
struct claims {
    uint8_t header[8];
    size_t given;
};

static int claim(void *context, void *buf, size_t cap, size_t *got)
{
    struct claims *claims = context;
    if (claims->given == 0) {
        assert_int_equal(cap, 8);
        memcpy(buf, claims->header, 8);
    }
    claims->given += cap;
    *got = cap;
    return FCGI_OK;
}

static void check_read(void *context, size_t content, size_t padding)
{
    static uint8_t buffer[65535];
    struct claims claims = {.given = 0};
    const struct fcgi_reader reader = {claim, &claims};
    struct fcgi_record record;
    (void)context;
    draw(claims.header, FCGI_TYPE_STDOUT, 1, content, padding);
    if (fcgi_record_read(&reader, &record, buffer, sizeof(buffer)) != FCGI_OK ||
        claims.given != 8 + content + padding ||
        record.content.len != content) {
        fail_at("read whole", content, padding);
    }
}

static void each_record_is_read_to_its_end(void **state)
{
    (void)state;
    each_pair(check_read, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_header_is_stored_and_read),
        cmocka_unit_test(each_record_is_counted_off_by_the_exchange),
        cmocka_unit_test(each_padding_is_counted_off_by_itself),
        cmocka_unit_test(each_record_of_body_is_counted_off),
        cmocka_unit_test(each_record_is_read_to_its_end),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)printf("%zu pairs of content and padding\n", pairs);
    return failed;
}
