/*
 * The head of a CGI response (RFC 3875, section 6): what its lines come to,
 * and which are refused. Bodies and limits are in test_response_body.c and
 * test_response_limits.c.
 */
#include <stdbool.h>
#include <string.h>

#include <fcgi_client/response.h>

#include "guard.h"
#include "talk.h"
#include "test.h"

/* Answer with these bytes; close it then. */
static int open_bytes(struct talk *t, const void *text, size_t len)
{
    return talk_anew_request(t, NULL, text, len);
}

/* A head that must be taken for malformed, and not for anything else. */
static void assert_bad(void **state, const void *head, size_t len)
{
    struct talk *t = *state;
    int status = open_bytes(t, head, len);
    if (status != FCGI_ERR_BAD_HEAD) {
        fail_msg("%s for: %.*s", fcgi_error_name(status), (int)len,
                 (const char *)head);
    }
    assert_int_equal(t->response.status, 0);
    assert_int_equal(t->response.field_count, 0);
    assert_false(fcgi_exchange_reusable(t->x));
}

static void assert_all_bad(void **state, const char *const *heads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_bad(state, heads[i], strlen(heads[i]));
    }
}

#define ASSERT_ALL_BAD(state, heads)                                           \
    assert_all_bad((state), heads, sizeof(heads) / sizeof((heads)[0]))

static void assert_field(const struct fcgi_response *response, size_t i,
                         const char *name, const char *value)
{
    const struct fcgi_field *field = &response->fields[i];
    assert_true(i < response->field_count);
    assert_int_equal(field->name_len, strlen(name));
    assert_string_equal(field->name, name);
    assert_int_equal(field->value_len, strlen(value));
    assert_string_equal(field->value, value);
}

/* ---- lines ------------------------------------------------------------- */

static void lines_end_in_lf_or_in_crlf(void **state)
{
    static const char *const heads[] = {
        "A: b\nC: d\n\nbody", "A: b\r\nC: d\r\n\r\nbody",
        "A: b\nC: d\r\n\nbody", "A: b\r\nC: d\n\r\nbody"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct talk *t = *state;
        assert_int_equal(talk_anew_get(t, heads[i]), FCGI_OK);
        assert_int_equal(t->response.field_count, 2);
        assert_field(&t->response, 0, "A", "b");
        assert_field(&t->response, 1, "C", "d");
        talk_assert_text(t->response.body, "body");
    }
}

static void white_space_around_a_value_is_trimmed_and_within_kept(void **state)
{
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, "A:b\nC: \t d \t e \t\r\nF:\nG: \t \n\n"),
                     FCGI_OK);
    assert_int_equal(t->response.field_count, 4);
    assert_field(&t->response, 0, "A", "b");
    assert_field(&t->response, 1, "C", "d \t e");
    assert_field(&t->response, 2, "F", "");
    assert_field(&t->response, 3, "G", "");
}

static void a_value_may_hold_colons_and_bytes_above_ascii(void **state)
{
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, "A: b: c:\nD: \xc3\xa9\x80\xff\n\n"),
                     FCGI_OK);
    assert_field(&t->response, 0, "A", "b: c:");
    assert_field(&t->response, 1, "D", "\xc3\xa9\x80\xff");
}

static void repeated_fields_are_kept_in_their_order(void **state)
{
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, "Set-Cookie: a=1\nX: y\n"
                                      "set-cookie: b=2\nSet-Cookie: a=1\n\n"),
                     FCGI_OK);
    assert_int_equal(t->response.field_count, 4);
    assert_field(&t->response, 0, "Set-Cookie", "a=1");
    assert_field(&t->response, 1, "X", "y");
    assert_field(&t->response, 2, "set-cookie", "b=2");
    assert_field(&t->response, 3, "Set-Cookie", "a=1");
}

/* Those that mean something are told apart by their length first. */
static void
a_name_as_long_as_one_that_means_something_is_but_a_name(void **state)
{
    struct talk *t = *state;
    assert_int_equal(
        talk_anew_get(t, "Server: 404\nX-Target: /\nContent-Digest: 9\n"
                         "Transfer-Elephant: 1\nContent-Length: 4\n\nbody"),
        FCGI_OK);
    assert_int_equal(t->response.status, 200);
    assert_int_equal(t->response.field_count, 5);
    assert_field(&t->response, 0, "Server", "404");
    assert_field(&t->response, 2, "Content-Digest", "9");
    talk_assert_text(t->response.body, "body");
}

static void a_field_is_found_whatever_its_case_and_by_its_number(void **state)
{
    struct talk *t = *state;
    assert_int_equal(
        talk_anew_get(t, "Set-Cookie: a\nX: y\nset-COOKIE: b\nAZ: z\n\n"),
        FCGI_OK);
    const struct fcgi_response *response = &t->response;
    assert_string_equal(fcgi_response_field(response, "SET-cookie", 0), "a");
    assert_string_equal(fcgi_response_field(response, "Set-Cookie", 1), "b");
    assert_null(fcgi_response_field(response, "Set-Cookie", 2));
    assert_null(fcgi_response_field(response, "Set-Cooki", 0));
    assert_null(fcgi_response_field(response, "Set-Cookies", 0));
    assert_null(fcgi_response_field(response, "", 0));
    assert_string_equal(fcgi_response_field(response, "az", 0), "z");
    assert_ptr_equal(fcgi_response_field(response, "x", 0),
                     response->fields[1].value);
}

/* "@" and "`" differ by the same bit as letters do. */
static void only_letters_are_the_same_in_either_case(void **state)
{
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, "X^: 1\nX`: 2\n\n"), FCGI_OK);
    assert_string_equal(fcgi_response_field(&t->response, "x^", 0), "1");
    assert_string_equal(fcgi_response_field(&t->response, "x`", 0), "2");
    assert_null(fcgi_response_field(&t->response, "x~", 0));
    assert_null(fcgi_response_field(&t->response, "x@", 0));
}

static void a_response_without_fields_has_none_to_find(void **state)
{
    const struct fcgi_response response = {0};
    (void)state;
    assert_null(fcgi_response_field(&response, "A", 0));
    assert_null(fcgi_response_field(&response, NULL, 0));
    assert_null(fcgi_response_field(NULL, "A", 0));
}

/* PHP sends this once its Content-Type was taken away. */
static void a_head_without_a_line_is_a_200_without_fields(void **state)
{
    static const char *const heads[] = {"\nbody", "\r\nbody"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct talk *t = *state;
        assert_int_equal(talk_anew_get(t, heads[i]), FCGI_OK);
        assert_int_equal(t->response.status, 200);
        assert_string_equal(t->response.reason, "OK");
        assert_int_equal(t->response.field_count, 0);
        assert_null(fcgi_response_field(&t->response, "A", 0));
        talk_assert_text(t->response.body, "body");
    }
}

/* ---- status ------------------------------------------------------------ */

static void assert_status(void **state, const char *head, int status,
                          const char *reason)
{
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, head), FCGI_OK);
    assert_int_equal(t->response.status, status);
    assert_string_equal(t->response.reason, reason);
    assert_null(fcgi_response_field(&t->response, "Status", 0));
}

static void a_status_line_gives_code_and_reason(void **state)
{
    assert_status(state, "Status: 404 Not Here\r\n\r\n", 404, "Not Here");
    assert_status(state, "A: b\nstatus:100\tGo \t on\t\n\n", 100, "Go \t on");
    assert_status(state, "STATUS: 999 x\n\n", 999, "x");
    assert_status(state, "Status:404 : x\n\n", 404, ": x");
}

static void a_status_without_a_reason_has_the_standard_one(void **state)
{
    assert_status(state, "Status: 404\n\n", 404, "Not Found");
    assert_status(state, "Status: 503 \r\n\r\n", 503, "Service Unavailable");
    assert_status(state, "Status: 299\n\n", 299, "");
}

/* Some programs for PHP write "404: Not Found". */
static void what_follows_a_status_without_a_space_is_dropped(void **state)
{
    assert_status(state, "Status: 404: Not Here\r\n\r\n", 404, "Not Found");
    assert_status(state, "Status:404:\n\n", 404, "Not Found");
    assert_status(state, "Status: 200OK\n\n", 200, "OK");
    assert_status(state, "A: b\nStatus: 299/x y\n\n", 299, "");
    assert_field(&((struct talk *)*state)->response, 0, "A", "b");
}

static void no_status_is_200(void **state)
{
    assert_status(state, "Content-Type: text/html\n\n", 200, "OK");
}

static void no_status_but_a_location_is_302(void **state)
{
    assert_status(state, "Location: http://example.org/\n\n", 302, "Found");
    assert_status(state, "A: b\nLOCATION: /local\n\n", 302, "Found");
}

static void a_status_beside_a_location_stays(void **state)
{
    assert_status(state, "Location: /\nStatus: 201\n\n", 201, "Created");
    assert_status(state, "Status: 201\nLocation: /\n\n", 201, "Created");
}

static void a_status_is_not_among_the_fields(void **state)
{
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, "A: b\nStatus: 200\nC: d\n\n"), FCGI_OK);
    assert_int_equal(t->response.field_count, 2);
    assert_field(&t->response, 0, "A", "b");
    assert_field(&t->response, 1, "C", "d");
}

static void a_status_that_is_not_three_digits_from_100_is_refused(void **state)
{
    static const char *const heads[] = {
        "Status:\n\n",         "Status: \n\n",
        "Status: 20\n\n",      "Status: 099\n\n",
        "Status: 000\n\n",     "Status: 2000\n\n",
        "Status: 4040 No\n\n", "Status: abc\n\n",
        "Status: -200\n\n",    "Status: +20\n\n",
        "Status: 2 0\n\n",     "Status: 0x1\n\n",
        "Status: 20x OK\n\n",  "Status: 20:\n\n",
        "Status: OK 200\n\n",  "Status: HTTP/1.1 200 OK\n\n"};
    ASSERT_ALL_BAD(state, heads);
}

static void a_second_status_is_refused(void **state)
{
    static const char *const heads[] = {
        "Status: 200\nStatus: 404\n\n",
        "Status: 200 OK\nA: b\nstatus: 200 OK\n\n"};
    ASSERT_ALL_BAD(state, heads);
}

/* Those of HTTP's registry: each class without a gap up to its last, and a few
 * more. 306, 418 and 510 it only keeps from use. */
static void every_registered_status_has_a_reason_and_no_other(void **state)
{
    static const int lasts[] = {103, 208, 305, 417, 508};
    static const int others[] = {226, 307, 308, 421, 422, 423, 424,
                                 425, 426, 428, 429, 431, 451, 511};
    bool known[1000] = {false};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        for (int status = 100 * ((int)i + 1); status <= lasts[i]; status++) {
            known[status] = true;
        }
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        known[others[i]] = true;
    }
    for (int status = 0; status < 1000; status++) {
        assert_int_equal(fcgi_reason_phrase(status)[0] != '\0', known[status]);
    }
}

static void standard_reasons_are_those_of_the_rfc(void **state)
{
    static const struct {
        int status;
        const char *reason;
    } some[] = {
        {100, "Continue"},
        {200, "OK"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {304, "Not Modified"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {413, "Content Too Large"},
        {422, "Unprocessable Content"},
        {500, "Internal Server Error"},
        {505, "HTTP Version Not Supported"},
    };
    static const int none[] = {INT32_MIN, -1, 0, 99, 299, 600, 999, INT32_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        assert_string_equal(fcgi_reason_phrase(some[i].status), some[i].reason);
    }
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_string_equal(fcgi_reason_phrase(none[i]), "");
    }
}

/* The same exchange and response, one answer after another. */
static void nothing_of_an_earlier_head_survives(void **state)
{
    static const struct {
        const char *text;
        int status;
        const char *reason;
    } answers[] = {
        {"Status: 404 Gone Fishing\nLocation: /\n\n", 404, "Gone Fishing"},
        {"Status: 404\nTransfer-Encoding: x\n\n", 404, "Not Found"},
        {"Content-Length: 4\n\nbody", 200, "OK"},
        {"Content-Length: 0\n\n", 200, "OK"},
        {"Transfer-Encoding: x\n\nbody", 200, "OK"},
    };
    struct wire answer = {0};
    struct talk *t = *state;
    for (size_t i = 0; i < 2 * sizeof(answers) / sizeof(answers[0]); i++) {
        size_t k = i % (sizeof(answers) / sizeof(answers[0]));
        talk_ask(t, NULL);
        wire_clear(&answer);
        talk_write_text(&answer, answers[k].text);
        assert_int_equal(talk_answer(t, &answer), FCGI_OK);
        assert_int_equal(t->response.status, answers[k].status);
        assert_string_equal(t->response.reason, answers[k].reason);
    }
    wire_free(&answer);
}

/* ---- malformed heads --------------------------------------------------- */

static void a_line_without_a_colon_is_refused(void **state)
{
    static const char *const heads[] = {
        "<html>\n\n", "A: b\nContent-Type text/html\n\nbody",
        "PHP Warning\nContent-Type: text/html\n\nbody", "A: b\nx\r\n\r\n"};
    ASSERT_ALL_BAD(state, heads);
}

static void a_line_that_starts_with_white_space_is_refused(void **state)
{
    static const char *const heads[] = {" A: b\n\n", "\tA: b\n\n",
                                        "A: b\n folded\n\n", "A: b\n\tC: d\n\n",
                                        "A: b\n \n\n"};
    ASSERT_ALL_BAD(state, heads);
}

static void a_name_that_is_empty_or_has_a_space_is_refused(void **state)
{
    static const char *const heads[] = {":\n\n", ": b\n\n", "A : b\n\n",
                                        "A b: c\n\n", "A\t: b\n\n"};
    ASSERT_ALL_BAD(state, heads);
}

static bool is_token(int byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') ||
           (byte > 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

static void a_name_is_a_token_and_nothing_else(void **state)
{
    for (int byte = 0; byte < 256; byte++) {
        char head[] = "Na?me: value\n\n";
        struct talk *t = *state;
        head[2] = (char)byte;
        if (byte == ':') {
            continue;
        }
        if (!is_token(byte)) {
            assert_bad(state, head, sizeof(head) - 1);
            continue;
        }
        assert_int_equal(open_bytes(t, head, sizeof(head) - 1), FCGI_OK);
        assert_int_equal(t->response.fields[0].name_len, 5);
    }
}

/* NUL, a CR without its LF and all other control bytes but the tab. */
static void a_control_byte_in_a_value_is_refused(void **state)
{
    for (int byte = 0; byte < 256; byte++) {
        char head[] = "Name: va?lue\n\n";
        struct talk *t = *state;
        head[8] = (char)byte;
        if (byte == '\n') {
            continue;
        }
        if ((byte < 32 && byte != '\t') || byte == 127) {
            assert_bad(state, head, sizeof(head) - 1);
            continue;
        }
        assert_int_equal(open_bytes(t, head, sizeof(head) - 1), FCGI_OK);
        assert_int_equal(t->response.fields[0].value_len, 6);
        assert_int_equal((uint8_t)t->response.fields[0].value[2], byte);
    }
}

static void a_control_byte_in_a_status_is_refused(void **state)
{
    static const char *const heads[] = {"Status: 200 O\1K\n\n",
                                        "Status: 200\r OK\n\n",
                                        "Status: 200 OK\x7f\n\n"};
    ASSERT_ALL_BAD(state, heads);
    assert_bad(state, "Status: 200 O\0K\n\n", 17);
}

/* What would become two fields for whoever reads a lone CR as a line end. */
static void a_bare_cr_does_not_split_a_response(void **state)
{
    static const char *const heads[] = {"Content-Type: text/html\rX: y\n\n",
                                        "A: b\r\r\n\r\n",
                                        "A: \rb\n\n",
                                        "A: b\n\r\r\n",
                                        "\r\r\n\n",
                                        "A: b\n\rC: d\n\n"};
    ASSERT_ALL_BAD(state, heads);
}

static void a_content_length_that_is_no_number_is_refused(void **state)
{
    static const char *const heads[] = {
        "Content-Length:\n\n",
        "Content-Length: -1\n\n",
        "Content-Length: +4\n\n",
        "Content-Length: 0x4\n\n",
        "Content-Length: 4.0\n\n",
        "Content-Length: 4a\n\n",
        "Content-Length: 4 4\n\n",
        "Content-Length: 4, 4\n\n",
        "Content-Length: four\n\n",
        "content-length: 1e1\n\n",
        "Content-Length: 99999999999999999999\n\n",
        "Content-Length: 18446744073709551620\n\n"};
    ASSERT_ALL_BAD(state, heads);
}

static void two_different_content_lengths_are_refused(void **state)
{
    static const char *const heads[] = {
        "Content-Length: 4\nContent-Length: 5\n\nbody",
        "Content-Length: 0\nA: b\ncontent-length: 4\n\nbody"};
    ASSERT_ALL_BAD(state, heads);
}

static void the_same_content_length_twice_is_fine(void **state)
{
    struct talk *t = *state;
    assert_int_equal(
        talk_anew_get(t, "Content-Length: 4\nContent-Length: 4\n\nbody"),
        FCGI_OK);
    talk_assert_text(t->response.body, "body");
}

static void a_content_length_with_a_transfer_encoding_is_refused(void **state)
{
    static const char *const heads[] = {
        "Content-Length: 4\nTransfer-Encoding: chunked\n\nbody",
        "transfer-encoding: identity\nContent-Length: 4\n\nbody",
        "Content-Length: 0\nTransfer-Encoding: chunked\n\n"};
    ASSERT_ALL_BAD(state, heads);
}

/* Elsewhere this is a 200 whose body is the raw head. */
static void what_came_of_a_malformed_head_stays_readable(void **state)
{
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, "A: b\nno colon\nC: d\n\nbody"),
                     FCGI_ERR_BAD_HEAD);
    assert_int_equal(t->response.status, 0);
    assert_int_equal(t->response.field_count, 0);
    talk_assert_text(t->response.body, "A: b\nno colon\n");
}

/* ---- an incomplete head ------------------------------------------------ */

static void an_end_before_the_head_is_complete_is_no_head(void **state)
{
    static const char *const heads[] = {"",
                                        "A",
                                        "A: b",
                                        "A: b\r",
                                        "A: b\n",
                                        "A: b\r\n\r",
                                        "Status: 200 OK\n",
                                        "no colon, but no line end either"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct talk *t = *state;
        assert_int_equal(talk_anew_get(t, heads[i]), FCGI_ERR_NO_HEAD);
        assert_int_equal(t->response.status, 0);
        assert_int_equal(t->response.protocol_status, 0);
        talk_assert_text(t->response.body, heads[i]);
        assert_false(fcgi_exchange_reusable(t->x));
    }
}

static void a_malformed_line_wins_over_a_missing_end_of_the_head(void **state)
{
    static const char *const heads[] = {"no colon\n", "A: b\nno colon\nC: d"};
    ASSERT_ALL_BAD(state, heads);
}

/* ---- strings ----------------------------------------------------------- */

static void a_nul_stands_behind_every_string(void **state)
{
    struct wire answer = {0};
    struct talk *t = *state;
    talk_ask(t, NULL);
    wire_stderr(&answer, TALK_ID, "oh no");
    talk_write_text(&answer, "Status: 200 Fine\r\nA:b\r\nC:\nD: e \n\nbody");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    assert_int_equal(strlen(t->response.reason), 4);
    for (size_t i = 0; i < t->response.field_count; i++) {
        const struct fcgi_field *field = &t->response.fields[i];
        assert_int_equal(field->name[field->name_len], '\0');
        assert_int_equal(field->value[field->value_len], '\0');
    }
    assert_int_equal(t->response.body.data[t->response.body.len], '\0');
    assert_int_equal(t->response.stderr_data.data[t->response.stderr_data.len],
                     '\0');
    wire_free(&answer);
}

static void what_is_empty_is_an_empty_string_not_null(void **state)
{
    struct talk *t = *state;
    talk_begin(t, NULL);
    talk_assert_text(t->response.body, "");
    talk_assert_text(t->response.stderr_data, "");
}

/* Elsewhere the body aliases a buffer that the next request fills. */
static void a_response_does_not_change_when_another_is_received(void **state)
{
    struct wire answer = {0};
    struct fcgi_response first;
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, "A: first\n\nfirst body"), FCGI_OK);
    first = t->response;
    memset(&t->response, 0, sizeof(t->response));
    talk_ask(t, NULL);
    talk_write_text(&answer, "A: second\n\nsecond body");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    talk_assert_text(first.body, "first body");
    assert_string_equal(fcgi_response_field(&first, "A", 0), "first");
    talk_assert_text(t->response.body, "second body");
    fcgi_response_free(&first);
    wire_free(&answer);
}

/* Over-reads by one are old bugs of others: each prefix of a record that
 * holds a head lies against a page that cannot be read. */
static void a_head_is_never_read_past_the_bytes_received(void **state)
{
    static const char head[] = "Status: 404 Not Found\r\nA: b\r\nContent-"
                               "Length: 4\r\nLocation: /\r\n\r\nbody";
    struct wire answer = {0};
    struct guard guard;
    talk_write_answer(&answer, head, sizeof(head) - 1);
    guard_open(&guard, answer.len);
    for (size_t len = 1; len <= answer.len; len++) {
        uint8_t *prefix = guard_put(&guard, answer.data, len);
        struct talk *t = *state;
        talk_anew(t);
        talk_ask(t, NULL);
        assert_int_equal(talk_feed(t, prefix, len),
                         len == answer.len ? FCGI_OK : FCGI_WAIT);
    }
    guard_close(&guard);
    wire_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(lines_end_in_lf_or_in_crlf),
        talk_test(white_space_around_a_value_is_trimmed_and_within_kept),
        talk_test(a_value_may_hold_colons_and_bytes_above_ascii),
        talk_test(repeated_fields_are_kept_in_their_order),
        talk_test(a_name_as_long_as_one_that_means_something_is_but_a_name),
        talk_test(a_field_is_found_whatever_its_case_and_by_its_number),
        talk_test(only_letters_are_the_same_in_either_case),
        cmocka_unit_test(a_response_without_fields_has_none_to_find),
        talk_test(a_head_without_a_line_is_a_200_without_fields),
        talk_test(a_status_line_gives_code_and_reason),
        talk_test(a_status_without_a_reason_has_the_standard_one),
        talk_test(what_follows_a_status_without_a_space_is_dropped),
        talk_test(no_status_is_200),
        talk_test(no_status_but_a_location_is_302),
        talk_test(a_status_beside_a_location_stays),
        talk_test(a_status_is_not_among_the_fields),
        talk_test(a_status_that_is_not_three_digits_from_100_is_refused),
        talk_test(a_second_status_is_refused),
        cmocka_unit_test(every_registered_status_has_a_reason_and_no_other),
        cmocka_unit_test(standard_reasons_are_those_of_the_rfc),
        talk_test(nothing_of_an_earlier_head_survives),
        talk_test(a_line_without_a_colon_is_refused),
        talk_test(a_line_that_starts_with_white_space_is_refused),
        talk_test(a_name_that_is_empty_or_has_a_space_is_refused),
        talk_test(a_name_is_a_token_and_nothing_else),
        talk_test(a_control_byte_in_a_value_is_refused),
        talk_test(a_control_byte_in_a_status_is_refused),
        talk_test(a_bare_cr_does_not_split_a_response),
        talk_test(a_content_length_that_is_no_number_is_refused),
        talk_test(two_different_content_lengths_are_refused),
        talk_test(the_same_content_length_twice_is_fine),
        talk_test(a_content_length_with_a_transfer_encoding_is_refused),
        talk_test(what_came_of_a_malformed_head_stays_readable),
        talk_test(an_end_before_the_head_is_complete_is_no_head),
        talk_test(a_malformed_line_wins_over_a_missing_end_of_the_head),
        talk_test(a_nul_stands_behind_every_string),
        talk_test(what_is_empty_is_an_empty_string_not_null),
        talk_test(a_response_does_not_change_when_another_is_received),
        talk_test(a_head_is_never_read_past_the_bytes_received),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
