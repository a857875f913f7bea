/*
 * FCGI_GET_VALUES: what an application says of itself (FastCGI specification,
 * section 4.1), and what becomes of those that say nothing, or nonsense.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <fcgi_client.h>

#include "allocator.h"
#include "ask.h"
#include "fake.h"
#include "peer.h"
#include "process.h"
#include "temp.h"

#define LIMIT 60

/* How long the question is, but for padding: a header, and three names without
 * a value. */
#define QUESTION (8 + 16 + 15 + 17)

static const struct fcgi_values nothing_said = {-1, -1, -1, {0}};

static void assert_values(const struct fcgi_values *values, int64_t max_conns,
                          int64_t max_reqs, int mpxs_conns)
{
    assert_int_equal(values->max_conns, max_conns);
    assert_int_equal(values->max_reqs, max_reqs);
    assert_int_equal(values->mpxs_conns, mpxs_conns);
}

static void write_result(struct wire *answer, const struct wire *pairs)
{
    wire_padded(answer, WIRE_GET_VALUES_RESULT, 0, pairs->data, pairs->len);
}

/* Ask an application that answers so, and is given up afterwards. */
static int ask_values(struct wire *answer, struct fcgi_values *values)
{
    struct peer peer = {.greeting = *answer};
    struct fcgi_client *client = peer_client(&peer, NULL);
    memset(values, 0, sizeof(*values));
    int rc = fcgi_client_get_values(client, values);
    assert_int_equal(stats_of(client).open, 0);
    fcgi_client_free(client);
    peer_free(&peer);
    memset(answer, 0, sizeof(*answer));
    return rc;
}

/* The same with one pair as its answer. */
static struct fcgi_values ask_one(const char *name, const char *value)
{
    struct fcgi_values values;
    struct wire pairs = {0};
    struct wire answer = {0};
    wire_param(&pairs, name, value);
    write_result(&answer, &pairs);
    wire_free(&pairs);
    assert_code(ask_values(&answer, &values), FCGI_OK);
    return values;
}

static void why_it_could_not_be_asked_is_told(void **state)
{
    (void)state;
    struct fcgi_values values;
    struct fcgi_client *client;
    assert_code(fcgi_client_new(&client, "127.0.0.1:1", NULL), FCGI_OK);
    errno = 0;
    assert_code(fcgi_client_get_values(client, &values), FCGI_ERR_CONNECT);
    assert_int_equal(errno, ECONNREFUSED);
    fcgi_client_free(client);
}

/* ---- the question ------------------------------------------------------- */

static void all_three_values_are_asked_for(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct fcgi_client *client = peer_client(&peer, NULL);
    struct fcgi_values values;
    struct wire received = {0};
    struct wire_frame frame;
    struct wire asked = {0};
    size_t at = 0;
    wire_padded(&peer.greeting, WIRE_GET_VALUES_RESULT, 0, NULL, 0);
    assert_code(fcgi_client_get_values(client, &values), FCGI_OK);
    assert_false(peer_receive(&peer, 0, &received));
    assert_true(wire_next(received.data, received.len, &at, &frame));
    assert_int_equal(at, received.len);
    assert_int_equal(frame.version, 1);
    assert_int_equal(frame.type, WIRE_GET_VALUES);
    assert_int_equal(frame.id, 0);
    assert_int_equal(frame.reserved, 0);
    wire_param(&asked, "FCGI_MAX_CONNS", "");
    wire_param(&asked, "FCGI_MAX_REQS", "");
    wire_param(&asked, "FCGI_MPXS_CONNS", "");
    assert_int_equal(frame.len, asked.len);
    assert_memory_equal(frame.content, asked.data, asked.len);
    wire_free(&asked);
    wire_free(&received);
    fcgi_client_free(client);
    peer_free(&peer);
}

/* ---- answers ------------------------------------------------------------ */

static void all_three_values_are_read(void **state)
{
    (void)state;
    struct fcgi_values values;
    struct wire pairs = {0};
    struct wire answer = {0};
    wire_param(&pairs, "FCGI_MPXS_CONNS", "1");
    wire_param(&pairs, "FCGI_MAX_CONNS", "64");
    wire_param(&pairs, "FCGI_MAX_REQS", "1000000000000");
    write_result(&answer, &pairs);
    wire_free(&pairs);
    assert_code(ask_values(&answer, &values), FCGI_OK);
    assert_values(&values, 64, INT64_C(1000000000000), 1);
}

static void a_value_may_have_every_digit(void **state)
{
    (void)state;
    struct fcgi_values values = ask_one("FCGI_MAX_CONNS", "9876543210");
    assert_values(&values, INT64_C(9876543210), -1, -1);
    values = ask_one("FCGI_MAX_REQS", "9223372036854775799");
    assert_values(&values, -1, INT64_C(9223372036854775799), -1);
}

/* As PHP-FPM answers. */
static void what_is_not_said_is_not_known(void **state)
{
    (void)state;
    struct fcgi_values values = ask_one("FCGI_MPXS_CONNS", "0");
    assert_values(&values, -1, -1, 0);
    values = ask_one("FCGI_MAX_CONNS", "0");
    assert_values(&values, 0, -1, -1);
}

static void an_empty_answer_says_nothing(void **state)
{
    (void)state;
    struct fcgi_values values;
    struct wire answer = {0};
    wire_padded(&answer, WIRE_GET_VALUES_RESULT, 0, NULL, 0);
    assert_code(ask_values(&answer, &values), FCGI_OK);
    assert_memory_equal(&values, &nothing_said, sizeof(values));
}

/* Section 4.2: a type that the application does not know. */
static void an_application_may_not_know_the_question(void **state)
{
    (void)state;
    struct fcgi_values values;
    struct wire answer = {0};
    wire_padded(&answer, WIRE_UNKNOWN_TYPE, 0, "\x09\0\0\0\0\0\0", 8);
    assert_code(ask_values(&answer, &values), FCGI_OK);
    assert_memory_equal(&values, &nothing_said, sizeof(values));
}

static void what_is_no_number_is_not_known(void **state)
{
    (void)state;
    static const char *const nonsense[] = {
        "", "x", "-1", "1x", " 5", "5 ", "0x10", "1.5", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        struct fcgi_values values = ask_one("FCGI_MAX_CONNS", nonsense[i]);
        assert_values(&values, -1, -1, -1);
        values = ask_one("FCGI_MPXS_CONNS", nonsense[i]);
        assert_values(&values, -1, -1, -1);
    }
    struct fcgi_values values = ask_one("FCGI_MPXS_CONNS", "2");
    assert_values(&values, -1, -1, -1);
}

/* Values of its own, of any length, and with any bytes. */
static void other_values_do_no_harm(void **state)
{
    (void)state;
    struct fcgi_values values;
    struct wire pairs = {0};
    struct wire noise = {0};
    struct wire answer = {0};
    wire_noise(&noise, 5000);
    wire_pair(&pairs, noise.data, 300, noise.data, 5000);
    wire_pair(&pairs, NULL, 0, NULL, 0);
    wire_param(&pairs, "fcgi_max_reqs", "1");
    wire_param(&pairs, "FCGI_MAX_REQS_", "2");
    wire_param(&pairs, "FCGI_MAX_REQS", "3");
    write_result(&answer, &pairs);
    wire_free(&pairs);
    wire_free(&noise);
    assert_code(ask_values(&answer, &values), FCGI_OK);
    assert_values(&values, -1, 3, -1);
}

/* Of a request that this connection never had. */
static void records_of_requests_are_passed_over(void **state)
{
    (void)state;
    struct fcgi_values values;
    struct wire pairs = {0};
    struct wire answer = {0};
    wire_param(&pairs, "FCGI_MAX_CONNS", "7");
    wire_stdout(&answer, 1, "A: 1\r\n\r\nbody");
    wire_stderr(&answer, 2, "oh");
    wire_end(&answer, 1, 0, WIRE_COMPLETE);
    write_result(&answer, &pairs);
    wire_free(&pairs);
    assert_code(ask_values(&answer, &values), FCGI_OK);
    assert_values(&values, 7, -1, -1);
}

static void an_answer_may_come_byte_by_byte(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ(QUESTION),
        FAKE_SEND_EACH("\x01\x0a\0\0\0\x11\x03\0"
                       "\x0e\x01"
                       "FCGI_MAX_CONNS8___")};
    static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};
    for (size_t i = 0; i < 2; i++) {
        struct fake *app = FAKE_RUN(families[i], script);
        struct fcgi_client *client = client_for(app, NULL);
        struct fcgi_values values;
        assert_code(fcgi_client_get_values(client, &values), FCGI_OK);
        assert_values(&values, 8, -1, -1);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

/* ---- answers that are none ---------------------------------------------- */

static void an_answer_cut_amid_a_pair_is_refused(void **state)
{
    (void)state;
    struct wire pairs = {0};
    wire_param(&pairs, "FCGI_MAX_CONNS", "7");
    size_t first = pairs.len;
    wire_param(&pairs, "FCGI_MPXS_CONNS", "1");
    for (size_t i = 1; i < pairs.len; i++) {
        struct fcgi_values values;
        struct wire answer = {0};
        wire_padded(&answer, WIRE_GET_VALUES_RESULT, 0, pairs.data, i);
        assert_code(ask_values(&answer, &values),
                    i == first ? FCGI_OK : FCGI_ERR_PARAMS_TRUNCATED);
        assert_values(&values, i < first ? -1 : 7, -1, -1);
    }
    wire_free(&pairs);
}

static void a_length_beyond_the_record_is_refused(void **state)
{
    (void)state;
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 'x'};
    struct fcgi_values values;
    struct wire answer = {0};
    wire_padded(&answer, WIRE_GET_VALUES_RESULT, 0, huge, sizeof(huge));
    assert_code(ask_values(&answer, &values), FCGI_ERR_PARAMS_TRUNCATED);
    assert_memory_equal(&values, &nothing_said, sizeof(values));
}

static void records_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct fcgi_values values;
    struct wire answer = {0};
    wire_stdout(&answer, 0, "A: 1\r\n\r\n");
    assert_code(ask_values(&answer, &values), FCGI_ERR_BAD_RECORD);
    wire_text(&answer, "HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_code(ask_values(&answer, &values), FCGI_ERR_NOT_FASTCGI);
    wire_text(&answer, "babble, babble");
    assert_code(ask_values(&answer, &values), FCGI_ERR_INVALID_HEADER);
    assert_memory_equal(&values, &nothing_said, sizeof(values));
}

/* Ask an application that runs this script. */
static void assert_fails(const struct fake_step *script, size_t count,
                         const struct fcgi_client_config *config, int want)
{
    struct fake *app = fake_start(FAKE_UNIX, script, count);
    struct fcgi_client *client = client_for(app, config);
    struct fcgi_values values;
    memset(&values, 0, sizeof(values));
    assert_code(fcgi_client_get_values(client, &values), want);
    assert_memory_equal(&values, &nothing_said, sizeof(values));
    assert_int_equal(stats_of(client).open, 0);
    assert_int_equal(stats_of(client).dials, 1);
    fcgi_client_free(client);
    fake_stop(app);
}

/* As older PHP-FPM does. */
static void an_application_may_close_instead(void **state)
{
    (void)state;
    static const struct fake_step closes[] = {FAKE_ACCEPT, FAKE_READ(QUESTION),
                                              FAKE_HALF_CLOSE};
    static const struct fake_step begins[] = {FAKE_ACCEPT, FAKE_READ(QUESTION),
                                              FAKE_SEND("\x01\x0a\0\0\0\x11"),
                                              FAKE_HALF_CLOSE};
    assert_fails(FAKE_STEPS(closes), NULL, FCGI_ERR_CLOSED);
    assert_fails(FAKE_STEPS(begins), NULL, FCGI_ERR_TRUNCATED);
}

static void an_application_that_never_answers_is_given_up(void **state)
{
    (void)state;
    static const struct fake_step silent[] = {FAKE_ACCEPT, FAKE_READ(QUESTION),
                                              FAKE_PAUSE};
    struct fcgi_client_config first_byte = {
        .timeouts = {.first_byte_ms = LIMIT}};
    struct fcgi_client_config total = {.timeouts = {.total_ms = LIMIT}};
    int64_t start = now_ms();
    assert_fails(FAKE_STEPS(silent), &first_byte, FCGI_ERR_FIRST_BYTE_TIMEOUT);
    assert_true(elapsed(start, LIMIT));
    start = now_ms();
    assert_fails(FAKE_STEPS(silent), &total, FCGI_ERR_DEADLINE);
    assert_true(elapsed(start, LIMIT));
}

/* There is no request that could be aborted, and no record with an id of 0 that
 * could say so. */
static void giving_up_says_nothing_more(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct fcgi_client_config config = {.timeouts = {.first_byte_ms = LIMIT}};
    struct fcgi_client *client = peer_client(&peer, &config);
    struct fcgi_values values;
    struct wire received = {0};
    struct wire_frame frame;
    size_t at = 0;
    assert_code(fcgi_client_get_values(client, &values),
                FCGI_ERR_FIRST_BYTE_TIMEOUT);
    assert_false(peer_receive(&peer, 0, &received));
    assert_true(wire_next(received.data, received.len, &at, &frame));
    assert_int_equal(frame.type, WIRE_GET_VALUES);
    assert_int_equal(at, received.len);
    wire_free(&received);
    fcgi_client_free(client);
    peer_free(&peer);
}

static void an_answer_that_stops_is_given_up(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ(QUESTION),
        FAKE_SEND("\x01\x0a\0\0\0\x11\0\0\x0e"), FAKE_PAUSE};
    struct fcgi_client_config config = {.timeouts = {.idle_ms = LIMIT}};
    int64_t start = now_ms();
    assert_fails(FAKE_STEPS(script), &config, FCGI_ERR_IDLE_TIMEOUT);
    assert_true(elapsed(start, LIMIT));
}

static void an_absent_application_is_told(void **state)
{
    (void)state;
    struct temp *temp = temp_new();
    char *path = temp_path(temp, "absent");
    struct fcgi_client *client;
    struct fcgi_values values;
    assert_code(fcgi_client_new(&client, path, NULL), FCGI_OK);
    assert_code(fcgi_client_get_values(client, &values), FCGI_ERR_CONNECT);
    assert_memory_equal(&values, &nothing_said, sizeof(values));
    fcgi_client_close(client);
    assert_code(fcgi_client_get_values(client, &values), FCGI_ERR_POOL_CLOSED);
    fcgi_client_free(client);
    free(path);
    temp_free(temp);
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_values values;
    memset(&values, 0, sizeof(values));
    assert_code(fcgi_client_get_values(client, NULL), FCGI_ERR_ARGUMENT);
    assert_code(fcgi_client_get_values(NULL, &values), FCGI_ERR_ARGUMENT);
    assert_memory_equal(&values, &nothing_said, sizeof(values));
    fcgi_client_free(client);
    fake_stop(app);
}

/* ---- the connection ----------------------------------------------------- */

/* It serves; the next one answers the question. */
static const struct fake_step serves_then_answers[] = {
    FAKE_ACCEPT,
    FAKE_SERVE,
    FAKE_ACCEPT,
    FAKE_READ(QUESTION),
    FAKE_SEND("\x01\x0a\0\0\0\0\0\0"),
    FAKE_ACCEPT,
    FAKE_SERVE};

/* It may hold the only worker of the application. */
static void an_idle_connection_yields(void **state)
{
    (void)state;
    struct fake *app = FAKE_RUN(FAKE_UNIX, serves_then_answers);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_values values;
    ask_hello(client);
    assert_code(fcgi_client_get_values(client, &values), FCGI_OK);
    assert_int_equal(stats_of(client).dials, 2);
    assert_int_equal(stats_of(client).yielded, 1);
    assert_int_equal(stats_of(client).open, 0);
    fake_await(app, FAKE_LEFT, 2);
    assert_false(ask_hello(client).reused);
    fcgi_client_free(client);
    fake_stop(app);
}

static void an_idle_connection_is_not_counted_as_used(void **state)
{
    (void)state;
    struct fake *app = FAKE_RUN(FAKE_UNIX, serves_then_answers);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_values values;
    ask_hello(client);
    assert_code(fcgi_client_get_values(client, &values), FCGI_OK);
    assert_int_equal(stats_of(client).reuses, 0);
    fcgi_client_free(client);
    fake_stop(app);
}

/* Where only one may be open, its place is used again. */
static void an_idle_connection_makes_room(void **state)
{
    (void)state;
    struct fcgi_pool_config config = {.max_open = 1};
    struct fake *app = FAKE_RUN(FAKE_UNIX, serves_then_answers);
    struct fcgi_client *client = client_with_pool(app, &config);
    struct fcgi_values values;
    ask_hello(client);
    assert_code(fcgi_client_get_values(client, &values), FCGI_OK);
    assert_int_equal(stats_of(client).dials, 2);
    assert_int_equal(stats_of(client).open, 0);
    fake_await(app, FAKE_LEFT, 2);
    assert_false(ask_hello(client).reused);
    fcgi_client_free(client);
    fake_stop(app);
}

struct giver {
    struct fcgi_pool *pool;
    struct fcgi_connection *connection;
};

static void *give_back_when_awaited(void *argument)
{
    struct giver *giver = argument;
    await_waiting(giver->pool, 1);
    fcgi_pool_put(giver->pool, giver->connection);
    return NULL;
}

/* Also where the place had to be waited for: the one that comes back with it
 * may be needed for requests, and many an application closes it. */
static void a_connection_that_comes_back_is_not_used_for_it(void **state)
{
    (void)state;
    struct fcgi_client_config config = {.pool = {.max_open = 1},
                                        .timeouts = {.first_byte_ms = 2000}};
    struct fake *app = FAKE_RUN(FAKE_UNIX, serves_then_answers);
    struct fcgi_client *client = client_for(app, &config);
    struct fcgi_values values;
    struct giver giver = {.pool = fcgi_client_pool(client)};
    pthread_t thread;
    ask_hello(client);
    giver.connection = take(giver.pool);
    assert_int_equal(
        pthread_create(&thread, NULL, give_back_when_awaited, &giver), 0);
    int rc = fcgi_client_get_values(client, &values);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_code(rc, FCGI_OK);
    assert_int_equal(stats_of(client).dials, 2);
    fcgi_client_free(client);
    fake_stop(app);
}

/* ---- memory ------------------------------------------------------------- */

/* Ask on a client of its own; `fail_at` is counted from there. */
static int ask_short_of_memory(size_t fail_at, size_t *calls)
{
    struct counting_allocator memory = {0};
    struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&memory)}};
    struct peer peer = {0};
    struct fcgi_values values;
    wire_padded(&peer.greeting, WIRE_GET_VALUES_RESULT, 0,
                "\x0e\x01"
                "FCGI_MAX_CONNS1",
                17);
    struct fcgi_client *client = peer_client(&peer, &config);
    size_t before = memory.calls;
    memory.fail_at = fail_at == 0 ? 0 : before + fail_at;
    int rc = fcgi_client_get_values(client, &values);
    assert_int_equal(values.max_conns, rc == FCGI_OK ? 1 : -1);
    *calls = memory.calls - before;
    fcgi_client_free(client);
    peer_free(&peer);
    assert_int_equal(memory.blocks, 0);
    return rc;
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    size_t calls;
    size_t ignored;
    assert_code(ask_short_of_memory(0, &calls), FCGI_OK);
    assert_true(calls > 3);
    size_t before = open_descriptors();
    for (size_t i = 1; i <= calls; i++) {
        assert_code(ask_short_of_memory(i, &ignored), FCGI_ERR_NO_MEMORY);
        assert_int_equal(open_descriptors(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(why_it_could_not_be_asked_is_told),
        cmocka_unit_test(all_three_values_are_asked_for),
        cmocka_unit_test(all_three_values_are_read),
        cmocka_unit_test(a_value_may_have_every_digit),
        cmocka_unit_test(what_is_not_said_is_not_known),
        cmocka_unit_test(an_empty_answer_says_nothing),
        cmocka_unit_test(an_application_may_not_know_the_question),
        cmocka_unit_test(what_is_no_number_is_not_known),
        cmocka_unit_test(other_values_do_no_harm),
        cmocka_unit_test(records_of_requests_are_passed_over),
        cmocka_unit_test(an_answer_may_come_byte_by_byte),
        cmocka_unit_test(an_answer_cut_amid_a_pair_is_refused),
        cmocka_unit_test(a_length_beyond_the_record_is_refused),
        cmocka_unit_test(records_that_cannot_be_are_refused),
        cmocka_unit_test(an_application_may_close_instead),
        cmocka_unit_test(an_application_that_never_answers_is_given_up),
        cmocka_unit_test(giving_up_says_nothing_more),
        cmocka_unit_test(an_answer_that_stops_is_given_up),
        cmocka_unit_test(an_absent_application_is_told),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(an_idle_connection_yields),
        cmocka_unit_test(an_idle_connection_is_not_counted_as_used),
        cmocka_unit_test(an_idle_connection_makes_room),
        cmocka_unit_test(a_connection_that_comes_back_is_not_used_for_it),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
