/*
 * FCGI_GET_VALUES: what an application says of itself (FastCGI specification,
 * section 4.1), and what becomes of those that say nothing, or nonsense.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <string.h>

#include "fixture.h"
#include "process.h"

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
static int ask_values(void **state, struct wire *answer,
                      struct fcgi_values *values)
{
    struct fixture *f = fixture_peer(state, NULL);
    f->peer.greeting = *answer;
    memset(answer, 0, sizeof(*answer));
    memset(values, 0, sizeof(*values));
    int rc = fcgi_client_get_values(f->client, values);
    assert_int_equal(stats_of(f->client).open, 0);
    return rc;
}

/* The same with one pair as its answer. */
static struct fcgi_values ask_one(void **state, const char *name,
                                  const char *value)
{
    struct fcgi_values values;
    struct wire pairs = {0};
    struct wire answer = {0};
    wire_param(&pairs, name, value);
    write_result(&answer, &pairs);
    wire_free(&pairs);
    assert_code(ask_values(state, &answer, &values), FCGI_OK);
    return values;
}

static void why_it_could_not_be_asked_is_told(void **state)
{
    struct fixture *f = *state;
    struct fcgi_values values;
    assert_code(fcgi_client_new(&f->client, "127.0.0.1:1", NULL), FCGI_OK);
    errno = 0;
    assert_code(fcgi_client_get_values(f->client, &values), FCGI_ERR_CONNECT);
    assert_int_equal(errno, ECONNREFUSED);
}

/* ---- the question ------------------------------------------------------- */

static void all_three_values_are_asked_for(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    struct fcgi_values values;
    struct wire received = {0};
    struct wire_frame frame;
    struct wire asked = {0};
    size_t at = 0;
    wire_padded(&f->peer.greeting, WIRE_GET_VALUES_RESULT, 0, NULL, 0);
    assert_code(fcgi_client_get_values(f->client, &values), FCGI_OK);
    assert_false(peer_receive(&f->peer, 0, &received));
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
}

/* ---- answers ------------------------------------------------------------ */

static void all_three_values_are_read(void **state)
{
    struct fcgi_values values;
    struct wire pairs = {0};
    struct wire answer = {0};
    wire_param(&pairs, "FCGI_MPXS_CONNS", "1");
    wire_param(&pairs, "FCGI_MAX_CONNS", "64");
    wire_param(&pairs, "FCGI_MAX_REQS", "1000000000000");
    write_result(&answer, &pairs);
    wire_free(&pairs);
    assert_code(ask_values(state, &answer, &values), FCGI_OK);
    assert_values(&values, 64, INT64_C(1000000000000), 1);
}

static void a_value_may_have_every_digit(void **state)
{
    struct fcgi_values values = ask_one(state, "FCGI_MAX_CONNS", "9876543210");
    assert_values(&values, INT64_C(9876543210), -1, -1);
    values = ask_one(state, "FCGI_MAX_REQS", "9223372036854775799");
    assert_values(&values, -1, INT64_C(9223372036854775799), -1);
}

/* As PHP-FPM answers. */
static void what_is_not_said_is_not_known(void **state)
{
    struct fcgi_values values = ask_one(state, "FCGI_MPXS_CONNS", "0");
    assert_values(&values, -1, -1, 0);
    values = ask_one(state, "FCGI_MAX_CONNS", "0");
    assert_values(&values, 0, -1, -1);
}

static void an_empty_answer_says_nothing(void **state)
{
    struct fcgi_values values;
    struct wire answer = {0};
    wire_padded(&answer, WIRE_GET_VALUES_RESULT, 0, NULL, 0);
    assert_code(ask_values(state, &answer, &values), FCGI_OK);
    assert_memory_equal(&values, &nothing_said, sizeof(values));
}

/* Section 4.2: a type that the application does not know. */
static void an_application_may_not_know_the_question(void **state)
{
    struct fcgi_values values;
    struct wire answer = {0};
    wire_padded(&answer, WIRE_UNKNOWN_TYPE, 0, "\x09\0\0\0\0\0\0", 8);
    assert_code(ask_values(state, &answer, &values), FCGI_OK);
    assert_memory_equal(&values, &nothing_said, sizeof(values));
}

static void what_is_no_number_is_not_known(void **state)
{
    static const char *const nonsense[] = {
        "", "x", "-1", "1x", " 5", "5 ", "0x10", "1.5", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        struct fcgi_values values =
            ask_one(state, "FCGI_MAX_CONNS", nonsense[i]);
        assert_values(&values, -1, -1, -1);
        values = ask_one(state, "FCGI_MPXS_CONNS", nonsense[i]);
        assert_values(&values, -1, -1, -1);
    }
    struct fcgi_values values = ask_one(state, "FCGI_MPXS_CONNS", "2");
    assert_values(&values, -1, -1, -1);
}

/* Values of its own, of any length, and with any bytes. */
static void other_values_do_no_harm(void **state)
{
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
    assert_code(ask_values(state, &answer, &values), FCGI_OK);
    assert_values(&values, -1, 3, -1);
}

/* Of a request that this connection never had. */
static void output_of_requests_is_passed_over(void **state)
{
    struct fcgi_values values;
    struct wire pairs = {0};
    struct wire answer = {0};
    wire_param(&pairs, "FCGI_MAX_CONNS", "7");
    wire_stdout(&answer, 1, "A: 1\r\n\r\nbody");
    wire_stderr(&answer, 2, "oh");
    write_result(&answer, &pairs);
    wire_free(&pairs);
    assert_code(ask_values(state, &answer, &values), FCGI_OK);
    assert_values(&values, 7, -1, -1);
}

static void the_end_of_a_request_never_made_is_an_error(void **state)
{
    struct fcgi_values values;
    struct wire answer = {0};
    wire_end(&answer, 1, 0, WIRE_COMPLETE);
    assert_code(ask_values(state, &answer, &values), FCGI_ERR_BAD_ID);
}

static void an_answer_may_come_byte_by_byte(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ(QUESTION),
        FAKE_SEND_EACH("\x01\x0a\0\0\0\x11\x03\0"
                       "\x0e\x01"
                       "FCGI_MAX_CONNS8___")};
    static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_run(state, families[i], script, NULL);
        struct fcgi_values values;
        assert_code(fcgi_client_get_values(f->client, &values), FCGI_OK);
        assert_values(&values, 8, -1, -1);
    }
}

/* ---- answers that are none ---------------------------------------------- */

static void an_answer_cut_amid_a_pair_is_refused(void **state)
{
    struct wire pairs = {0};
    wire_param(&pairs, "FCGI_MAX_CONNS", "7");
    size_t first = pairs.len;
    wire_param(&pairs, "FCGI_MPXS_CONNS", "1");
    for (size_t i = 1; i < pairs.len; i++) {
        struct fcgi_values values;
        struct wire answer = {0};
        wire_padded(&answer, WIRE_GET_VALUES_RESULT, 0, pairs.data, i);
        assert_code(ask_values(state, &answer, &values),
                    i == first ? FCGI_OK : FCGI_ERR_PARAMS_TRUNCATED);
        assert_values(&values, i < first ? -1 : 7, -1, -1);
    }
    wire_free(&pairs);
}

static void a_length_beyond_the_record_is_refused(void **state)
{
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 'x'};
    struct fcgi_values values;
    struct wire answer = {0};
    wire_padded(&answer, WIRE_GET_VALUES_RESULT, 0, huge, sizeof(huge));
    assert_code(ask_values(state, &answer, &values), FCGI_ERR_PARAMS_TRUNCATED);
    assert_memory_equal(&values, &nothing_said, sizeof(values));
}

static void records_that_cannot_be_are_refused(void **state)
{
    struct fcgi_values values;
    struct wire answer = {0};
    wire_stdout(&answer, 0, "A: 1\r\n\r\n");
    assert_code(ask_values(state, &answer, &values), FCGI_ERR_BAD_RECORD);
    wire_text(&answer, "HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_code(ask_values(state, &answer, &values), FCGI_ERR_NOT_FASTCGI);
    wire_text(&answer, "babble, babble");
    assert_code(ask_values(state, &answer, &values), FCGI_ERR_INVALID_HEADER);
    assert_memory_equal(&values, &nothing_said, sizeof(values));
}

/* Ask an application that runs this script. */
static void assert_fails(void **state, const struct fake_step *script,
                         size_t count, const struct fcgi_client_config *config,
                         int want)
{
    struct fixture *f = fixture_start(state, FAKE_UNIX, script, count, config);
    struct fcgi_values values;
    memset(&values, 0, sizeof(values));
    assert_code(fcgi_client_get_values(f->client, &values), want);
    assert_memory_equal(&values, &nothing_said, sizeof(values));
    assert_int_equal(stats_of(f->client).open, 0);
    assert_int_equal(stats_of(f->client).dials, 1);
}

/* As older PHP-FPM does. */
static void an_application_may_close_instead(void **state)
{
    static const struct fake_step closes[] = {FAKE_ACCEPT, FAKE_READ(QUESTION),
                                              FAKE_HALF_CLOSE};
    static const struct fake_step begins[] = {FAKE_ACCEPT, FAKE_READ(QUESTION),
                                              FAKE_SEND("\x01\x0a\0\0\0\x11"),
                                              FAKE_HALF_CLOSE};
    assert_fails(state, FAKE_STEPS(closes), NULL, FCGI_ERR_CLOSED);
    assert_fails(state, FAKE_STEPS(begins), NULL, FCGI_ERR_TRUNCATED);
}

static void an_application_that_never_answers_is_given_up(void **state)
{
    static const struct fake_step silent[] = {FAKE_ACCEPT, FAKE_READ(QUESTION),
                                              FAKE_PAUSE};
    struct fcgi_client_config first_byte = {
        .timeouts = {.first_byte_ms = LIMIT}};
    struct fcgi_client_config total = {.timeouts = {.total_ms = LIMIT}};
    int64_t start = now_ms();
    assert_fails(state, FAKE_STEPS(silent), &first_byte,
                 FCGI_ERR_FIRST_BYTE_TIMEOUT);
    assert_true(elapsed(start, LIMIT));
    start = now_ms();
    assert_fails(state, FAKE_STEPS(silent), &total, FCGI_ERR_DEADLINE);
    assert_true(elapsed(start, LIMIT));
}

/* There is no request that could be aborted, and no record with an id of 0 that
 * could say so. */
static void giving_up_says_nothing_more(void **state)
{
    struct fcgi_client_config config = {.timeouts = {.first_byte_ms = LIMIT}};
    struct fixture *f = fixture_peer(state, &config);
    struct fcgi_values values;
    struct wire received = {0};
    struct wire_frame frame;
    size_t at = 0;
    assert_code(fcgi_client_get_values(f->client, &values),
                FCGI_ERR_FIRST_BYTE_TIMEOUT);
    assert_false(peer_receive(&f->peer, 0, &received));
    assert_true(wire_next(received.data, received.len, &at, &frame));
    assert_int_equal(frame.type, WIRE_GET_VALUES);
    assert_int_equal(at, received.len);
    wire_free(&received);
}

static void an_answer_that_stops_is_given_up(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ(QUESTION),
        FAKE_SEND("\x01\x0a\0\0\0\x11\0\0\x0e"), FAKE_PAUSE};
    struct fcgi_client_config config = {.timeouts = {.idle_ms = LIMIT}};
    int64_t start = now_ms();
    assert_fails(state, FAKE_STEPS(script), &config, FCGI_ERR_IDLE_TIMEOUT);
    assert_true(elapsed(start, LIMIT));
}

static void an_absent_application_is_told(void **state)
{
    struct fixture *f = *state;
    struct fcgi_values values;
    assert_code(
        fcgi_client_new(&f->client, fixture_path(state, "absent"), NULL),
        FCGI_OK);
    assert_code(fcgi_client_get_values(f->client, &values), FCGI_ERR_CONNECT);
    assert_memory_equal(&values, &nothing_said, sizeof(values));
    fcgi_client_close(f->client);
    assert_code(fcgi_client_get_values(f->client, &values),
                FCGI_ERR_POOL_CLOSED);
}

static void wrong_arguments_are_refused(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_values values;
    memset(&values, 0, sizeof(values));
    assert_code(fcgi_client_get_values(f->client, NULL), FCGI_ERR_ARGUMENT);
    assert_code(fcgi_client_get_values(NULL, &values), FCGI_ERR_ARGUMENT);
    assert_memory_equal(&values, &nothing_said, sizeof(values));
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
    struct fixture *f =
        fixture_run(state, FAKE_UNIX, serves_then_answers, NULL);
    struct fcgi_values values;
    ask_hello(f->client);
    assert_code(fcgi_client_get_values(f->client, &values), FCGI_OK);
    assert_int_equal(stats_of(f->client).dials, 2);
    assert_int_equal(stats_of(f->client).yielded, 1);
    assert_int_equal(stats_of(f->client).open, 0);
    fake_await(f->app, FAKE_LEFT, 2);
    assert_false(ask_hello(f->client).reused);
}

static void an_idle_connection_is_not_counted_as_used(void **state)
{
    struct fixture *f =
        fixture_run(state, FAKE_UNIX, serves_then_answers, NULL);
    struct fcgi_values values;
    ask_hello(f->client);
    assert_code(fcgi_client_get_values(f->client, &values), FCGI_OK);
    assert_int_equal(stats_of(f->client).reuses, 0);
}

/* Where only one may be open, its place is used again. */
static void an_idle_connection_makes_room(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1}};
    struct fixture *f =
        fixture_run(state, FAKE_UNIX, serves_then_answers, &config);
    struct fcgi_values values;
    ask_hello(f->client);
    assert_code(fcgi_client_get_values(f->client, &values), FCGI_OK);
    assert_int_equal(stats_of(f->client).dials, 2);
    assert_int_equal(stats_of(f->client).open, 0);
    fake_await(f->app, FAKE_LEFT, 2);
    assert_false(ask_hello(f->client).reused);
}

static struct fcgi_connection *leased;

static void *give_back_when_awaited(void *argument)
{
    struct fcgi_pool *pool = argument;
    await_waiting(pool, 1);
    fcgi_pool_put(pool, leased);
    return NULL;
}

/* Also where the place had to be waited for: the one that comes back with it
 * may be needed for requests, and many an application closes it. */
static void a_connection_that_comes_back_is_not_used_for_it(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1},
                                        .timeouts = {.first_byte_ms = 2000}};
    struct fixture *f =
        fixture_run(state, FAKE_UNIX, serves_then_answers, &config);
    struct fcgi_values values;
    ask_hello(f->client);
    leased = take(f->pool);
    fixture_thread(state, give_back_when_awaited, f->pool);
    assert_code(fcgi_client_get_values(f->client, &values), FCGI_OK);
    assert_int_equal(stats_of(f->client).dials, 2);
}

/* ---- memory ------------------------------------------------------------- */

/* Ask on a client of its own; `fail_at` is counted from there. */
static int ask_short_of_memory(void **state, size_t fail_at, size_t *calls)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&f->memory)}};
    struct fcgi_values values;
    fixture_peer(state, &config);
    wire_padded(&f->peer.greeting, WIRE_GET_VALUES_RESULT, 0,
                "\x0e\x01"
                "FCGI_MAX_CONNS1",
                17);
    size_t before = f->memory.calls;
    f->memory.fail_at = fail_at == 0 ? 0 : before + fail_at;
    int rc = fcgi_client_get_values(f->client, &values);
    assert_int_equal(values.max_conns, rc == FCGI_OK ? 1 : -1);
    *calls = f->memory.calls - before;
    return rc;
}

static void each_allocation_may_fail(void **state)
{
    size_t calls;
    size_t ignored;
    assert_code(ask_short_of_memory(state, 0, &calls), FCGI_OK);
    assert_true(calls > 3);
    for (size_t i = 1; i <= calls; i++) {
        assert_code(ask_short_of_memory(state, i, &ignored),
                    FCGI_ERR_NO_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(why_it_could_not_be_asked_is_told),
        fixture_test(all_three_values_are_asked_for),
        fixture_test(all_three_values_are_read),
        fixture_test(a_value_may_have_every_digit),
        fixture_test(what_is_not_said_is_not_known),
        fixture_test(an_empty_answer_says_nothing),
        fixture_test(an_application_may_not_know_the_question),
        fixture_test(what_is_no_number_is_not_known),
        fixture_test(other_values_do_no_harm),
        fixture_test(output_of_requests_is_passed_over),
        fixture_test(the_end_of_a_request_never_made_is_an_error),
        fixture_test(an_answer_may_come_byte_by_byte),
        fixture_test(an_answer_cut_amid_a_pair_is_refused),
        fixture_test(a_length_beyond_the_record_is_refused),
        fixture_test(records_that_cannot_be_are_refused),
        fixture_test(an_application_may_close_instead),
        fixture_test(an_application_that_never_answers_is_given_up),
        fixture_test(giving_up_says_nothing_more),
        fixture_test(an_answer_that_stops_is_given_up),
        fixture_test(an_absent_application_is_told),
        fixture_test(wrong_arguments_are_refused),
        fixture_test(an_idle_connection_yields),
        fixture_test(an_idle_connection_is_not_counted_as_used),
        fixture_test(an_idle_connection_makes_room),
        fixture_test(a_connection_that_comes_back_is_not_used_for_it),
        fixture_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
