/*
 * Request bodies sent to a PHP-FPM: of all lengths and from all sources, and
 * answered before, amid and after they were sent. PHP reads them beforehand
 * in one half of the tests, and as the script asks for them in the other.
 */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcgi_client.h>
#include <fcgi_client/io.h>

#include "ask.h"
#include "pattern.h"
#include "php_fpm.h"
#include "program.h"
#include "temp.h"
#include "visit.h"

#define MEGABYTE ((size_t)1024 * 1024)
#define LARGE (16 * MEGABYTE)

static const size_t lengths[] = {0, 1, 65535, 65536, LARGE};
#define LENGTHS (sizeof(lengths) / sizeof(lengths[0]))

/* Whether hash.php has seen just the first `len` bytes of the pattern; they
 * are the last words of the answer. */
static void assert_hashed(const struct visit *v, size_t len)
{
    char hash[17];
    char expected[64];
    pattern_hash(hash, len);
    (void)snprintf(expected, sizeof(expected), "%zu %s", len, hash);
    size_t expected_len = strlen(expected);
    assert_true(v->response.body.len >= expected_len);
    assert_string_equal(
        v->response.body.data + v->response.body.len - expected_len, expected);
}

static void a_body_from_memory_arrives_whole(void **state)
{
    void *data = pattern_make(LARGE);
    for (size_t i = 0; i < LENGTHS; i++) {
        struct visit *v = visit_to(state, "POST", "hash.php");
        struct fcgi_source body = {.data = data, .len = lengths[i]};
        visit_body(v, body, lengths[i]);
        v->request.retry = FCGI_RETRY_STALE; /* so that it is reused */
        visit_ok(v);
        assert_hashed(v, lengths[i]);
        assert_int_equal(v->response.outcome.reused, i > 0);
    }
    free(data);
}

/* Not the first length: where a source does not know it, 0 is refused. */
static void a_body_from_a_callback_arrives_whole(void **state)
{
    for (size_t i = 1; i < LENGTHS; i++) {
        struct visit *v = visit_to(state, "POST", "hash.php");
        struct pattern_upload upload = {.len = lengths[i]};
        visit_body(v, pattern_source(&upload), lengths[i]);
        visit_ok(v);
        assert_hashed(v, lengths[i]);
    }
}

/* It begins amid the file, because that need not be where a body begins. */
#define AHEAD "not of the body"

static int file_with_body(size_t len)
{
    char *data = malloc(sizeof(AHEAD) + len);
    assert_non_null(data);
    memcpy(data, AHEAD, sizeof(AHEAD));
    pattern_fill(data + sizeof(AHEAD), 0, len);
    int fd = temp_file(data, sizeof(AHEAD) + len);
    assert_int_equal(lseek(fd, sizeof(AHEAD), SEEK_SET), sizeof(AHEAD));
    free(data);
    return fd;
}

static void a_body_from_a_descriptor_arrives_whole(void **state)
{
    for (size_t i = 0; i < LENGTHS; i++) {
        struct visit *v = visit_to(state, "POST", "hash.php");
        struct fcgi_fd_state source;
        int fd = file_with_body(lengths[i]);
        visit_body(v, fcgi_fd_source(&source, fd), lengths[i]);
        visit_ok(v);
        assert_hashed(v, lengths[i]);
        assert_int_equal(close(fd), 0);
    }
}

static void a_body_from_a_stream_arrives_whole(void **state)
{
    for (size_t i = 1; i < LENGTHS; i++) {
        struct visit *v = visit_to(state, "POST", "hash.php");
        struct fcgi_file_state source;
        FILE *file = fdopen(file_with_body(lengths[i]), "r");
        assert_non_null(file);
        visit_body(v, fcgi_file_source(&source, file), lengths[i]);
        visit_ok(v);
        assert_hashed(v, lengths[i]);
        assert_int_equal(fclose(file), 0);
    }
}

static void a_body_that_no_script_reads_spoils_nothing(void **state)
{
    void *data = pattern_make(MEGABYTE);
    struct fcgi_source body = {.data = data, .len = MEGABYTE};
    for (int i = 0; i < 3; i++) {
        struct visit *v = visit_to(state, "POST", "ignore.php");
        visit_body(v, body, MEGABYTE);
        v->request.retry = FCGI_RETRY_STALE; /* so that it is reused */
        visit_ok(v);
        assert_string_equal(v->response.body.data, "ignored");
        assert_int_equal(stats_of(v->client).dials, 1);
    }
    free(data);
}

/* Whoever reads the body, nobody is left to after this script's answer. */
static void an_answer_that_ends_before_the_upload_is_kept(void **state)
{
    struct visit *v = visit_to(state, "POST", "early.php");
    struct pattern_upload upload = {.len = LARGE};
    visit_body(v, pattern_source(&upload), upload.len);
    visit_ok(v);
    assert_int_equal(v->response.status, 413);
    assert_string_equal(v->response.body.data, "too large");
    assert_true(v->response.outcome.bytes_sent < LARGE);
    assert_int_equal(stats_of(v->client).idle, 0);
    assert_int_equal(stats_of(v->client).open, 0);
}

/* An upload that holds its rest back until the answer has begun: whoever only
 * sends, until all is sent, waits for ever. */
struct gate {
    struct pattern_upload upload;
    uint64_t free; /* how much is not held back */
    int opened[2]; /* a pipe: readable once the answer has begun */
};

static int read_gate(void *context, void *buf, size_t cap, size_t *got)
{
    struct gate *gate = context;
    struct pollfd opened = {.fd = gate->opened[0], .events = POLLIN};
    if (gate->upload.at >= gate->free && poll(&opened, 1, 0) == 0) {
        *got = 0;
        return FCGI_WAIT;
    }
    struct fcgi_source body = pattern_source(&gate->upload);
    return body.read(body.context, buf, cap, got);
}

static int gate_descriptor(void *context)
{
    const struct gate *gate = context;
    return gate->opened[0];
}

static int open_gate(void *context, const struct fcgi_response *response)
{
    const struct gate *gate = context;
    (void)response;
    return write(gate->opened[1], "", 1) == 1 ? 0 : -1;
}

static void an_answer_that_begins_amid_the_upload_is_heard_at_once(void **state)
{
    struct visit *v = visit_to(state, "POST", "flush.php");
    struct gate gate = {.upload = {.len = LARGE}, .free = 65536};
    struct fcgi_source body = {
        .read = read_gate, .descriptor = gate_descriptor, .context = &gate};
    assert_int_equal(pipe(gate.opened), 0);
    visit_body(v, body, LARGE);
    v->request.sink = (struct fcgi_sink){.head = open_gate, .context = &gate};
    visit_ok(v);
    assert_memory_equal(v->response.body.data, "early\n", 6);
    assert_hashed(v, LARGE);
    assert_int_equal(close(gate.opened[0]), 0);
    assert_int_equal(close(gate.opened[1]), 0);
}

static void a_large_body_comes_back_while_it_is_sent(void **state)
{
    struct visit *v = visit_to(state, "POST", "cat.php");
    struct pattern_upload upload = {.len = LARGE};
    struct pattern_download download = {0};
    visit_body(v, pattern_source(&upload), upload.len);
    v->request.sink = pattern_sink(&download);
    visit_ok(v);
    assert_int_equal(download.at, LARGE);
    assert_false(download.wrong);
    assert_true(v->response.outcome.bytes_sent > LARGE);
}

/* PHP reads none of it then, and says so. */
static void a_body_over_post_max_size_is_answered(void **state)
{
    struct visit *v = visit_to(state, "POST", "ignore.php");
    struct pattern_upload upload = {.len = 5 * MEGABYTE};
    visit_body(v, pattern_source(&upload), upload.len);
    visit_ok(v);
    assert_string_equal(v->response.body.data, "ignored");
    assert_non_null(strstr(v->response.stderr_data.data, "exceeds the limit"));
}

static int start_fpm(void **state, const struct php_fpm_options *options)
{
    if (!php_fpm_installed()) {
        return program_missing("php-fpm");
    }
    *state = php_fpm_start(options);
    return 0;
}

static int start_eager_on_unix(void **state)
{
    struct php_fpm_options options = {0};
    return start_fpm(state, &options);
}

static int start_eager_on_tcp(void **state)
{
    struct php_fpm_options options = {.tcp = true};
    return start_fpm(state, &options);
}

static int start_lazy_on_unix(void **state)
{
    struct php_fpm_options options = {.lazy_body = true};
    return start_fpm(state, &options);
}

static int start_lazy_on_tcp(void **state)
{
    struct php_fpm_options options = {.tcp = true, .lazy_body = true};
    return start_fpm(state, &options);
}

static int start_with_limit(void **state)
{
    struct php_fpm_options options = {.post_max = "1M"};
    return start_fpm(state, &options);
}

static int stop(void **state)
{
    php_fpm_stop(*state);
    return 0;
}

#define RUN(name, tests, start)                                                \
    cmocka_run_group_tests_name(name, tests, start, stop)

int main(void)
{
    const struct CMUnitTest eager[] = {
        VISIT_TEST(a_body_from_memory_arrives_whole),
        VISIT_TEST(a_body_from_a_callback_arrives_whole),
        VISIT_TEST(a_body_from_a_descriptor_arrives_whole),
        VISIT_TEST(a_body_from_a_stream_arrives_whole),
        VISIT_TEST(a_body_that_no_script_reads_spoils_nothing),
    };
    const struct CMUnitTest lazy[] = {
        VISIT_TEST(a_body_from_memory_arrives_whole),
        VISIT_TEST(a_body_that_no_script_reads_spoils_nothing),
        VISIT_TEST(an_answer_that_ends_before_the_upload_is_kept),
        VISIT_TEST(an_answer_that_begins_amid_the_upload_is_heard_at_once),
        VISIT_TEST(a_large_body_comes_back_while_it_is_sent),
    };
    const struct CMUnitTest limited[] = {
        VISIT_TEST(a_body_over_post_max_size_is_answered),
    };
    int failed = RUN("read beforehand, Unix", eager, start_eager_on_unix);
    failed += RUN("read beforehand, TCP", eager, start_eager_on_tcp);
    failed += RUN("read by the script, Unix", lazy, start_lazy_on_unix);
    failed += RUN("read by the script, TCP", lazy, start_lazy_on_tcp);
    failed += RUN("over PHP's limit", limited, start_with_limit);
    return failed;
}
