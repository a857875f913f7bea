/*
 * Answers of each kind, and those that do not come in time, while every call to
 * the system and to the allocator fails in turn (fault_sweep.h).
 */
#define _POSIX_C_SOURCE 200809L

#include <string.h>

#include <fcgi_client.h>

#include "ask.h"
#include "fault_sweep.h"
#include "pattern.h"
#include "test.h"

/* More than a socket takes at once. */
#define LARGE 300000

/* More than a socket holds. */
#define UPLOAD 4000000

/* Over long before anybody loses patience. */
#define LIMIT_MS 10

static int ask(struct stage *stage)
{
    return fcgi_client_do(stage->client, &stage->request, &stage->response);
}

static void give_body(struct stage *stage)
{
    stage->bytes = pattern_make(UPLOAD);
    stage->request =
        post_request((struct fcgi_source){.data = stage->bytes, .len = UPLOAD});
}

/* ---- answers ------------------------------------------------------------ */

static const struct fake_step large[] = {
    FAKE_ACCEPT,      FAKE_READ_REQUEST, FAKE_STDOUT("A: 1\r\n\r\n"),
    FAKE_BODY(LARGE), FAKE_STDOUT(""),   FAKE_END(WIRE_COMPLETE),
    FAKE_SERVE,       FAKE_ACCEPT,       FAKE_SERVE};

static const struct fake_step announced[] = {
    FAKE_ACCEPT,
    FAKE_READ_REQUEST,
    FAKE_STDOUT("Content-Length: 300000\r\n\r\n"),
    FAKE_BODY(LARGE),
    FAKE_END(WIRE_COMPLETE),
    FAKE_SERVE,
    FAKE_ACCEPT,
    FAKE_SERVE};

static const struct fake_step early[] = {
    FAKE_ACCEPT, FAKE_READ_PARAMS, FAKE_ANSWER("Status: 413\r\n\r\ntoo large"),
    FAKE_CLOSE,  FAKE_ACCEPT,      FAKE_SERVE};

static const struct fake_step warns[] = {FAKE_ACCEPT,
                                         FAKE_READ_REQUEST,
                                         FAKE_STDERR("first"),
                                         FAKE_STDOUT("A: 1\r\n"),
                                         FAKE_STDERR("then"),
                                         FAKE_STDOUT("\r\nhello"),
                                         FAKE_BULK(WIRE_STDERR, 100000),
                                         FAKE_STDOUT(""),
                                         FAKE_END(WIRE_COMPLETE),
                                         FAKE_SERVE,
                                         FAKE_ACCEPT,
                                         FAKE_SERVE};

static struct pattern_download download;

static void take_by_sink(struct stage *stage)
{
    download = (struct pattern_download){0};
    stage->request.sink = pattern_sink(&download);
}

static int stream(struct stage *stage)
{
    int rc = ask(stage);
    assert_false(download.wrong);
    assert_true(rc != FCGI_OK || download.at == LARGE);
    return rc;
}

static int ask_for_large(struct stage *stage)
{
    int rc = ask(stage);
    assert_true(rc != FCGI_OK ||
                (stage->response.body.len == LARGE &&
                 pattern_matches(stage->response.body.data, 0, LARGE)));
    return rc;
}

static int upload_in_vain(struct stage *stage)
{
    int rc = ask(stage);
    assert_true(rc != FCGI_OK ||
                (stage->response.status == 413 &&
                 strcmp(stage->response.body.data, "too large") == 0));
    return rc;
}

static int ask_and_be_warned(struct stage *stage)
{
    int rc = ask(stage);
    assert_true(
        rc != FCGI_OK ||
        (strcmp(stage->response.body.data, "hello") == 0 &&
         strncmp(stage->response.stderr_data.data, "firstthen", 9) == 0 &&
         stage->response.stderr_cut));
    return rc;
}

static int refuse(void *context, const void *data, size_t *len)
{
    (void)context;
    (void)data;
    (void)len;
    return 1;
}

static void refuse_the_body(struct stage *stage)
{
    stage->request.sink.body = refuse;
}

/* ---- time limits -------------------------------------------------------- */

static const struct fake_step silent[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                          FAKE_PAUSE,  FAKE_CLOSE,
                                          FAKE_ACCEPT, FAKE_SERVE};

static const struct fake_step halting[] = {
    FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_STDOUT("A: 1\r\n\r\nhel"),
    FAKE_PAUSE,  FAKE_CLOSE,        FAKE_ACCEPT,
    FAKE_SERVE};

static const struct fake_step deaf[] = {FAKE_ACCEPT, FAKE_READ_PARAMS,
                                        FAKE_PAUSE,  FAKE_CLOSE,
                                        FAKE_ACCEPT, FAKE_SERVE};

static void limit_first_byte(struct stage *stage)
{
    stage->request.timeouts.first_byte_ms = LIMIT_MS;
}

static void limit_idle(struct stage *stage)
{
    stage->request.timeouts.idle_ms = LIMIT_MS;
}

static void limit_total(struct stage *stage)
{
    stage->request.timeouts.total_ms = LIMIT_MS;
}

static void limit_write(struct stage *stage)
{
    give_body(stage);
    stage->request.timeouts.write_ms = LIMIT_MS;
}

/* ---- FCGI_GET_VALUES ---------------------------------------------------- */

static const struct fake_step values_script[] = {
    FAKE_ACCEPT,
    FAKE_READ(8),
    FAKE_SEND("\x01\x0a\0\0\0\x12\0\0\x0f\x01"
              "FCGI_MPXS_CONNS0"),
    FAKE_CLOSE,
    FAKE_ACCEPT,
    FAKE_SERVE};

static int ask_for_values(struct stage *stage)
{
    struct fcgi_values values;
    int rc = fcgi_client_get_values(stage->client, &values);
    assert_int_equal(values.mpxs_conns, rc == FCGI_OK ? 0 : -1);
    return rc;
}

int main(void)
{
    static const struct sweep sweeps[] = {
        {.name = "a_body_collected", .act = ask_for_large, SWEEP_SCRIPT(large)},
        {.name = "a_body_of_announced_length",
         .act = ask_for_large,
         SWEEP_SCRIPT(announced)},
        {.name = "a_body_into_a_sink",
         .prepare = take_by_sink,
         .act = stream,
         SWEEP_SCRIPT(large)},
        {.name = "a_sink_that_cancels",
         .prepare = refuse_the_body,
         .act = ask,
         .want = FCGI_ERR_CANCELLED},
        {.name = "an_early_answer",
         .prepare = give_body,
         .act = upload_in_vain,
         SWEEP_SCRIPT(early)},
        {.name = "an_answer_with_stderr",
         .act = ask_and_be_warned,
         SWEEP_SCRIPT(warns)},
        {.name = "a_first_byte_that_does_not_come",
         .prepare = limit_first_byte,
         .act = ask,
         .want = FCGI_ERR_FIRST_BYTE_TIMEOUT,
         SWEEP_SCRIPT(silent)},
        {.name = "an_answer_that_does_not_go_on",
         .prepare = limit_idle,
         .act = ask,
         .want = FCGI_ERR_IDLE_TIMEOUT,
         SWEEP_SCRIPT(halting)},
        {.name = "an_answer_over_the_deadline",
         .prepare = limit_total,
         .act = ask,
         .want = FCGI_ERR_DEADLINE,
         SWEEP_SCRIPT(silent)},
        {.name = "an_application_that_does_not_read",
         .prepare = limit_write,
         .act = ask,
         .want = FCGI_ERR_WRITE_TIMEOUT,
         SWEEP_SCRIPT(deaf)},
        {.name = "a_question_for_values",
         .act = ask_for_values,
         SWEEP_SCRIPT(values_script)},
    };
    return sweeps_run(sweeps, sizeof(sweeps) / sizeof(sweeps[0]));
}
