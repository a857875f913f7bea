/*
 * An application that sends all the time, and nothing of use: no kind of record
 * that brings the request nothing keeps it from ending at its limit.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcgi_client.h>

#include "ask.h"
#include "hand.h"
#include "host.h"
#include "process.h"

#define LIMIT 80

/* Whatever else the machine does, it has ended by then. */
#define LATE (50 * LIMIT)

#define OWN 1
#define FOREIGN 2
#define LARGE 60000

static const char content[LARGE];

/* A record that is sent again and again, whole or byte by byte. */
struct dribble {
    const char *name;
    int type, id;
    size_t len, padding;
    bool by_bytes;
};

static const struct dribble dribbles[] = {
    {"empty stderr", WIRE_STDERR, OWN, 0, 0, false},
    {"padding alone", WIRE_STDERR, OWN, 0, 255, false},
    {"padding by bytes", WIRE_STDERR, OWN, 0, 255, true},
    {"an unknown management type", 12, 0, 8, 0, false},
    {"FCGI_UNKNOWN_TYPE", FCGI_TYPE_UNKNOWN_TYPE, 0, 8, 0, false},
    {"values", FCGI_TYPE_GET_VALUES_RESULT, 0, 0, 0, false},
    {"a large management record", 12, 0, LARGE, 0, true},
    {"stdout of another", WIRE_STDOUT, FOREIGN, 5, 3, false},
    {"stderr of another", WIRE_STDERR, FOREIGN, 5, 3, false},
    {"the end of another", WIRE_END, FOREIGN, 8, 0, false},
    {"a large record of another", WIRE_STDOUT, FOREIGN, LARGE, 0, true},
    {"records of another by bytes", WIRE_STDERR, FOREIGN, 0, 0, true},
};

#define KINDS (sizeof(dribbles) / sizeof(dribbles[0]))

/* Send a part every millisecond until the call ends: how it did. */
static int dribble_until_end(struct hand_call *c, const struct dribble *d)
{
    struct wire record = {0};
    int64_t start = now_ms();
    size_t at = 0;
    int rc;

    wire_record(&record, d->type, d->id, content, d->len, d->padding);
    rc = host_settle(c->call);
    while (rc == FCGI_WAIT && now_ms() - start < LATE) {
        size_t len = d->by_bytes ? 1 : record.len;
        assert_int_equal(hand_send(&c->hand, 0, record.data + at, len), len);
        at = (at + len) % record.len;
        pass_ms(1);
        rc = host_settle(c->call);
    }
    wire_free(&record);
    return rc;
}

static void assert_ends(const struct dribble *d, bool has_begun, int want)
{
    struct hand_call c;
    struct fcgi_request request = get_request();

    request.timeouts.first_byte_ms = has_begun ? -1 : LIMIT;
    request.timeouts.idle_ms = LIMIT;
    hand_call_begin(&c, NULL, &request);
    if (has_begun) {
        hand_stdout(&c.hand, 0, OWN, "A: 1\r\n\r\nbegun");
    }
    int rc = dribble_until_end(&c, d);
    if (rc != want) {
        print_error("%s\n", d->name);
    }
    assert_code(rc, want);
    assert_int_equal(c.response.outcome.first_byte_us >= 0, has_begun);
    hand_call_end(&c);
}

static void what_brings_nothing_begins_no_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        assert_ends(&dribbles[i], false, FCGI_ERR_FIRST_BYTE_TIMEOUT);
    }
}

static void what_brings_nothing_is_no_part_of_an_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        assert_ends(&dribbles[i], true, FCGI_ERR_IDLE_TIMEOUT);
    }
}

/* However little it is. */
static void what_brings_something_keeps_a_request_alive(void **state)
{
    (void)state;
    struct hand_call c;
    struct fcgi_request request = get_request();
    int64_t start = now_ms();

    request.timeouts.first_byte_ms = 5 * LIMIT;
    request.timeouts.idle_ms = 5 * LIMIT;
    hand_call_begin(&c, NULL, &request);
    hand_stdout(&c.hand, 0, OWN, "A: 1\r\n\r\n");
    while (now_ms() - start < 8 * LIMIT) {
        hand_stdout(&c.hand, 0, OWN, "x");
        assert_code(host_settle(c.call), FCGI_WAIT);
        pass_ms(10);
    }
    hand_end(&c.hand, 0, OWN);
    assert_code(host_run(c.call), FCGI_OK);
    hand_call_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_brings_nothing_begins_no_answer),
        cmocka_unit_test(what_brings_nothing_is_no_part_of_an_answer),
        cmocka_unit_test(what_brings_something_keeps_a_request_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
