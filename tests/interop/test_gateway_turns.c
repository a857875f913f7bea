/*
 * Nobody takes a worker of fcgi-gateway from the others: one turn of its event
 * loop does a bounded amount of work for one client, whatever that client
 * sends, and for one application. It is shown twice: by what others wait for
 * while somebody does his worst, and by the system calls of a turn.
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "fake.h"
#include "flood.h"
#include "front.h"
#include "output.h"
#include "pattern.h"
#include "process.h"
#include "site.h"
#include "temp.h"
#include "web.h"

#define HOST "Host: test\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST "\r\n"
#define POST "POST / HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n"

/* The longest head that the gateway takes, and one that leaves little room. */
#define HEAD_MAX ((size_t)64 * 1024)
#define HEAD_LONG (HEAD_MAX - 512)

/*
 * What others wait for.
 */

/* Sanitizers make everything slower, and the gateway too. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWEST_MS 500
#else
#define SLOWEST_MS 100
#endif

/* For how long others ask, at the least. A machine that is busy with something
 * else may hold one request up, but hardly one of each round. */
#define ROUND_MS 400
#define ROUNDS 3

/* What others got, and how long the slowest of them waited. */
struct others {
    size_t count;
    size_t wrong; /* not the status that was wanted */
    int64_t slowest_ms;
};

static void ask_once(struct others *others, const struct front *front,
                     int status)
{
    struct web_answer answer;
    int64_t began = now_ms();
    web_ask(front_address(front), GET, &answer);
    int64_t took = now_ms() - began;
    others->count += 1;
    others->wrong += answer.status != status;
    others->slowest_ms = took > others->slowest_ms ? took : others->slowest_ms;
    web_answer_free(&answer);
}

/* Ask for a while, beside a flood, which ends then. */
static struct others ask_beside(struct flood *flood, const struct front *front,
                                int status)
{
    struct others others = {0};
    int64_t began = now_ms();
    while (now_ms() - began < ROUND_MS && others.wrong == 0) {
        ask_once(&others, front, status);
    }
    size_t moved = flood_stop(flood);
    print_message("slowest of %zu: %" PRId64 " ms, beside %zu KiB\n",
                  others.count, others.slowest_ms, moved / 1024);
    return others;
}

static bool is_slow(const struct others *others)
{
    return others->slowest_ms > SLOWEST_MS;
}

static void assert_served(const struct others *others)
{
    assert_int_equal(others->wrong, 0);
    assert_in_range(others->slowest_ms, 0, SLOWEST_MS);
}

/*
 * Clients.
 */

/* As many of these as fit into a large piece. */
static char *repeat(const char *unit, size_t *len)
{
    size_t unit_len = strlen(unit);
    size_t count = ((size_t)256 * 1024 + unit_len) / unit_len;
    char *piece = malloc(count * unit_len + 1);
    assert_non_null(piece);
    for (size_t i = 0; i < count; i++) {
        memcpy(piece + i * unit_len, unit, unit_len + 1);
    }
    *len = count * unit_len;
    return piece;
}

/* While somebody sends a head, and then one unit after the other. */
static void assert_units_harm_nobody(void **state, const char *upstream,
                                     int status, const char *head,
                                     const char *unit)
{
    struct flood_spec spec = {.head = head, .head_len = strlen(head)};
    struct front *front = site_gateway(state, upstream, NULL);
    char *piece = repeat(unit, &spec.piece_len);
    spec.piece = piece;
    struct others others = {.slowest_ms = INT64_MAX};
    for (int i = 0; i < ROUNDS && is_slow(&others); i++) {
        struct flood *flood = flood_start(front_address(front), &spec);
        others = ask_beside(flood, front, status);
    }
    assert_served(&others);
    free(piece);
    assert_true(front_stop(front));
}

/* While somebody sends such chunks behind a head of that length. */
static void assert_chunks_harm_nobody(void **state, size_t head_len,
                                      const char *chunk)
{
    struct fake *app = fake_serve(FAKE_UNIX);
    char *head = web_head(CHUNKED, head_len);
    assert_units_harm_nobody(state, fake_address(app), 200, head, chunk);
    free(head);
    fake_stop(app);
}

static void a_head_that_fills_the_buffer_harms_nobody(void **state)
{
    assert_chunks_harm_nobody(state, HEAD_MAX - 1, "1\r\nx\r\n");
}

static void chunks_of_one_byte_harm_nobody(void **state)
{
    assert_chunks_harm_nobody(state, HEAD_LONG, "1\r\nx\r\n");
}

static void extensions_that_are_long_harm_nobody(void **state)
{
    static char chunk[15100];
    (void)snprintf(chunk, sizeof(chunk), "1;%0*d\r\nx\r\n", 15000, 0);
    assert_chunks_harm_nobody(state, HEAD_LONG, chunk);
}

/* It is refused at once, and goes on. */
static void a_client_that_does_not_listen_harms_nobody(void **state)
{
    struct fake *app = fake_serve(FAKE_UNIX);
    assert_units_harm_nobody(state, fake_address(app), 200, "nonsense\r\n\r\n",
                             "x");
    fake_stop(app);
}

static void requests_without_end_harm_nobody(void **state)
{
    struct fake *app = fake_serve(FAKE_UNIX);
    assert_units_harm_nobody(state, fake_address(app), 200, GET, GET);
    fake_stop(app);
}

/* The gateway answers each without having to wait: nobody is there. */
static void requests_that_fail_at_once_harm_nobody(void **state)
{
    assert_units_harm_nobody(state, "unix:/nonexistent/app.sock", 502, GET,
                             "GET / HTTP/1.1\r\nHost:\r\n\r\n");
}

/*
 * Applications.
 */

/* It has a request of a client that takes all that it is sent. */
static struct others ask_beside_application(void **state,
                                            const struct fake_step *steps,
                                            size_t count)
{
    static const struct flood_spec spec = {.head = GET,
                                           .head_len = sizeof(GET) - 1};
    struct fake *app = fake_start(FAKE_UNIX, steps, count);
    struct front *front = site_gateway(state, fake_address(app), NULL);
    struct flood *flood = flood_start(front_address(front), &spec);
    fake_await(app, FAKE_ASKED, 1);
    struct others others = ask_beside(flood, front, 200);
    assert_true(front_stop(front));
    fake_stop(app);
    return others;
}

static void assert_application_harms_nobody(void **state,
                                            const struct fake_step *steps,
                                            size_t count)
{
    struct others others = {.slowest_ms = INT64_MAX};
    for (int i = 0; i < ROUNDS && is_slow(&others); i++) {
        others = ask_beside_application(state, steps, count);
    }
    assert_served(&others);
}

static void complaints_without_end_harm_nobody(void **state)
{
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_FLOOD, FAKE_ACCEPT, FAKE_SERVE};
    assert_application_harms_nobody(state, FAKE_STEPS(steps));
}

#define PART FAKE_BODY((size_t)32 * 1024 * 1024)

static void an_answer_without_end_harms_nobody(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT,
                                             FAKE_READ_REQUEST,
                                             FAKE_STDOUT("X: y\r\n\r\n"),
                                             PART,
                                             PART,
                                             PART,
                                             PART,
                                             PART,
                                             PART,
                                             PART,
                                             PART,
                                             PART,
                                             PART,
                                             PART,
                                             PART,
                                             PART,
                                             PART,
                                             PART,
                                             FAKE_ACCEPT,
                                             FAKE_SERVE};
    assert_application_harms_nobody(state, FAKE_STEPS(steps));
}

/*
 * The system calls of a turn: what lies between two waits for events.
 */

#define TURN_BYTES ((size_t)256 * 1024)
#define TURN_RECEIVES 16
#define BODY_LEN ((size_t)1024 * 1024)
#define FDS_MAX 64

/* What a turn received over each socket; and the most of all turns. */
struct turns {
    size_t bytes[FDS_MAX], receives[FDS_MAX];
    size_t most_bytes, most_receives;
    size_t all_bytes;
};

static size_t greater(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* "1234 recvfrom(7, ""..., 65536, 0, NULL, NULL) = 65536" */
static void read_line(struct turns *turns, const char *line)
{
    const char *receive = strstr(line, "recvfrom(");
    int fd = 0;
    long got = 0;
    if (strstr(line, "epoll_") != NULL) {
        memset(turns->bytes, 0, sizeof(turns->bytes));
        memset(turns->receives, 0, sizeof(turns->receives));
    }
    if (receive == NULL || strstr(receive, ") = ") == NULL ||
        sscanf(receive, "recvfrom(%d", &fd) != 1 ||
        sscanf(strstr(receive, ") = "), ") = %ld", &got) != 1 || got <= 0) {
        return;
    }
    assert_in_range(fd, 0, FDS_MAX - 1);
    turns->all_bytes += (size_t)got;
    turns->bytes[fd] += (size_t)got;
    turns->receives[fd] += 1;
    turns->most_bytes = greater(turns->most_bytes, turns->bytes[fd]);
    turns->most_receives = greater(turns->most_receives, turns->receives[fd]);
}

static struct turns read_trace(const char *path)
{
    struct turns turns = {0};
    char *trace = output_read(path);
    for (char *line = strtok(trace, "\n"); line != NULL;
         line = strtok(NULL, "\n")) {
        read_line(&turns, line);
    }
    free(trace);
    return turns;
}

static struct front *trace(void **state, const char *file, const char *upstream,
                           const char *const *options)
{
    struct front *front = *state == NULL
                              ? NULL
                              : front_trace("?epoll_wait,?epoll_pwait,"
                                            "?epoll_pwait2,?recvfrom",
                                            file, upstream, "/srv", options);
    if (front == NULL) {
        print_message("strace is not there, or may not trace\n");
        skip();
    }
    return front;
}

/* What a client sends, far more than a turn may take, before it is read. */
struct burst {
    char *head;
    struct wire body;
    int status;
    const char *const *options;
};

static void send_burst(const struct front *front, const struct burst *burst)
{
    struct web *web = web_open(front_address(front));
    struct web_answer answer;
    (void)web_send(web, burst->head);
    (void)web_send_bytes(web, burst->body.data, burst->body.len);
    web_read(web, &answer);
    assert_int_equal(answer.status, burst->status);
    (void)shutdown(web_fd(web), SHUT_WR);
    assert_true(web_await_close(web));
    web_answer_free(&answer);
    web_close(web);
}

static void assert_turns_are_short(void **state, struct burst *burst)
{
    struct temp *folder = temp_new();
    char *file = temp_path(folder, "trace");
    struct fake *app = fake_serve(FAKE_UNIX);
    struct front *front = trace(state, file, fake_address(app), burst->options);
    send_burst(front, burst);
    assert_true(front_stop(front));
    struct turns turns = read_trace(file);
    print_message("a turn: at most %zu KiB, in %zu receives\n",
                  turns.most_bytes / 1024, turns.most_receives);
    assert_true(turns.all_bytes >= BODY_LEN);
    assert_in_range(turns.most_bytes, 1, TURN_BYTES);
    assert_in_range(turns.most_receives, 1, TURN_RECEIVES);
    fake_stop(app);
    free(file);
    temp_free(folder);
    free(burst->head);
    wire_free(&burst->body);
}

static struct burst burst_of(const char *lines, size_t head_len, int status)
{
    return (struct burst){.head = web_head(lines, head_len), .status = status};
}

static void put_pattern(struct wire *body)
{
    char *bytes = pattern_make(BODY_LEN);
    wire_append(body, bytes, BODY_LEN);
    free(bytes);
}

static void a_turn_takes_a_part_of_a_chunk(void **state)
{
    struct burst burst = burst_of(CHUNKED, HEAD_LONG, 200);
    wire_text(&burst.body, "100000\r\n");
    put_pattern(&burst.body);
    wire_text(&burst.body, "\r\n0\r\n\r\n");
    assert_turns_are_short(state, &burst);
}

/* There is little room behind such a head. */
static void a_turn_takes_a_part_of_small_chunks(void **state)
{
    struct burst burst = burst_of(CHUNKED, HEAD_MAX - 1, 200);
    for (size_t i = 0; i < BODY_LEN / 8; i++) {
        wire_text(&burst.body, "1;x\r\nx\r\n");
    }
    wire_text(&burst.body, "0\r\n\r\n");
    assert_turns_are_short(state, &burst);
}

static void a_turn_takes_a_part_of_a_gathered_body(void **state)
{
    struct burst burst = burst_of(POST "Content-Length: 1048576\r\n", 200, 200);
    put_pattern(&burst.body);
    assert_turns_are_short(state, &burst);
}

static void a_turn_takes_a_part_of_a_streamed_body(void **state)
{
    static const char *const options[] = {"--gather", "0", NULL};
    struct burst burst = burst_of(POST "Content-Length: 1048576\r\n", 200, 200);
    burst.options = options;
    put_pattern(&burst.body);
    assert_turns_are_short(state, &burst);
}

/* More than the sockets hold, so that much of it has been read when all of it
 * has been sent. */
static void a_turn_takes_a_part_of_what_is_dropped(void **state)
{
    struct burst burst = burst_of("nonsense\r\n", 200, 400);
    for (int i = 0; i < 16; i++) {
        put_pattern(&burst.body);
    }
    assert_turns_are_short(state, &burst);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_that_fills_the_buffer_harms_nobody),
        cmocka_unit_test(chunks_of_one_byte_harm_nobody),
        cmocka_unit_test(extensions_that_are_long_harm_nobody),
        cmocka_unit_test(a_client_that_does_not_listen_harms_nobody),
        cmocka_unit_test(requests_without_end_harm_nobody),
        cmocka_unit_test(requests_that_fail_at_once_harm_nobody),
        cmocka_unit_test(complaints_without_end_harm_nobody),
        cmocka_unit_test(an_answer_without_end_harms_nobody),
        cmocka_unit_test(a_turn_takes_a_part_of_a_chunk),
        cmocka_unit_test(a_turn_takes_a_part_of_small_chunks),
        cmocka_unit_test(a_turn_takes_a_part_of_a_gathered_body),
        cmocka_unit_test(a_turn_takes_a_part_of_a_streamed_body),
        cmocka_unit_test(a_turn_takes_a_part_of_what_is_dropped),
    };
    return cmocka_run_group_tests(tests, site_finds_gateway, NULL);
}
