/*
 * An application that sends something all the time keeps no request alive by
 * what brings it nothing: each kind of that ends at the limit for the first
 * byte, and at the idle limit once the answer has begun. With a byte of its own
 * now and then a request goes on.
 */
#define _POSIX_C_SOURCE 200809L

#include "dribble.h"
#include "fixture.h"
#include "host.h"

#define LIMIT 60

/* What a dribble keeps alive ends by this, before the dribble does. */
#define ENDLESS 4000

/* Whatever else the machine does. */
#define LATE 5000

/* ---- both ways to ask, at the same time --------------------------------- */

static void serve_some(struct fcgi_client *client, int count)
{
    for (int i = 0; i < count; i++) {
        ask_hello(client);
    }
}

static void check(const struct fcgi_outcome *outcome, int want,
                  int64_t least_ms, const char *name)
{
    int64_t took_ms = outcome->total_us / 1000;
    if (outcome->error != want || took_ms < least_ms ||
        took_ms > least_ms + LATE) {
        print_error("%s\n", name);
    }
    assert_code(outcome->error, want);
    assert_in_range(took_ms, least_ms, least_ms + LATE);
    assert_int_equal(outcome->first_byte_us < 0,
                     want == FCGI_ERR_FIRST_BYTE_TIMEOUT);
}

/* Each over a connection of its own, which has served so many requests. */
static void assert_ends(void **state, int served,
                        const struct fcgi_request *request, int want,
                        int64_t least_ms, const char *name)
{
    struct fixture *f = *state;
    struct fcgi_client *other = fixture_client(state, NULL);
    serve_some(f->client, served);
    serve_some(other, served);
    struct fixture_asker *blocking = fixture_ask(state, other, request);
    (void)host_do(f->client, request, &f->response);
    fixture_join(state);
    check(&blocking->response.outcome, want, least_ms, name);
    check(&f->response.outcome, want, least_ms, name);
}

/* ---- what brings nothing ------------------------------------------------ */

static struct fcgi_request limited(bool begins)
{
    struct fcgi_request request = get_request();
    if (begins) {
        request.timeouts.idle_ms = LIMIT;
    } else {
        request.timeouts.first_byte_ms = LIMIT;
    }
    request.timeouts.total_ms = ENDLESS;
    return request;
}

static void assert_each_ends(void **state, const struct fake_step *head)
{
    for (size_t i = 0; i < DRIBBLES; i++) {
        const struct dribble *d = &dribbles[i];
        const struct fake_step script[] = {
            FAKE_ACCEPT,       FAKE_SERVE_TIMES(d->served),
            FAKE_READ_REQUEST, *head,
            d->first,          d->rest};
        bool begins = head->len > 0 || d->has_content;
        struct fcgi_request request = limited(begins);
        (void)fixture_run(state, FAKE_UNIX, script, NULL);
        assert_ends(state, d->served, &request,
                    begins ? FCGI_ERR_IDLE_TIMEOUT
                           : FCGI_ERR_FIRST_BYTE_TIMEOUT,
                    LIMIT, d->name);
    }
}

static void what_brings_nothing_begins_no_answer(void **state)
{
    static const struct fake_step no_head = FAKE_SEND("");
    assert_each_ends(state, &no_head);
}

static void what_brings_nothing_is_no_part_of_an_answer(void **state)
{
    static const struct fake_step head = FAKE_STDOUT("A: 1\r\n\r\nbegun");
    assert_each_ends(state, &head);
}

/* ---- what brings something ---------------------------------------------- */

/* One byte of the stream in each record, 180 ms after the one before. */
#define APART_MS 20
#define BYTES_MS (7 * 9 * APART_MS)
#define PATIENT 1000

#define STDOUT(byte) "\x01\x06\0\x01\0\x01\0\0" byte
#define STDERR(byte) "\x01\x07\0\x01\0\x01\0\0" byte

static void assert_lasts(void **state, const struct fake_step *script,
                         size_t count, const char *name)
{
    struct fcgi_request request = get_request();
    (void)fixture_start(state, FAKE_UNIX, script, count, NULL);
    request.timeouts.first_byte_ms = PATIENT;
    request.timeouts.idle_ms = PATIENT;
    assert_ends(state, 0, &request, FCGI_OK, BYTES_MS, name);
}

static void a_byte_of_stdout_now_and_then_keeps_a_request_alive(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_SEND_SLOWLY(APART_MS,
                         STDOUT("A") STDOUT(":") STDOUT(" ") STDOUT("1")
                             STDOUT("2") STDOUT("\n") STDOUT("\n")),
        FAKE_END(WIRE_COMPLETE)};
    assert_lasts(state, FAKE_STEPS(script), "FCGI_STDOUT");
}

static void a_byte_of_stderr_now_and_then_keeps_a_request_alive(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_SEND_SLOWLY(APART_MS,
                         STDERR("w") STDERR("a") STDERR("r") STDERR("n")
                             STDERR("i") STDERR("n") STDERR("g")),
        FAKE_ANSWER("A: 1\n\n")};
    assert_lasts(state, FAKE_STEPS(script), "FCGI_STDERR");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(what_brings_nothing_begins_no_answer),
        fixture_test(what_brings_nothing_is_no_part_of_an_answer),
        fixture_test(a_byte_of_stdout_now_and_then_keeps_a_request_alive),
        fixture_test(a_byte_of_stderr_now_and_then_keeps_a_request_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
