/*
 * CONTENT_LENGTH (RFC 3875, section 4.1.2): an application that is told another
 * length than the body has loses what is over, or waits for what is missing.
 */
#include <stdlib.h>
#include <string.h>

#include <fcgi_client/exchange.h>

#include "feeder.h"
#include "talk.h"
#include "test.h"

#define BODY "hello"

/* Bodies of all kinds, each with a length that it may be told to have. */
enum kind { NONE, IN_MEMORY, OF_KNOWN_LENGTH, OF_UNKNOWN_LENGTH, KINDS };

static struct fcgi_source body_of(enum kind kind)
{
    static struct feeder feeder;
    const struct fcgi_source none = {0};
    const struct fcgi_source memory = {.data = BODY, .len = sizeof(BODY) - 1};
    struct fcgi_source source;
    feeder = (struct feeder){.data = BODY, .len = sizeof(BODY) - 1};
    source = feeder_source(&feeder);
    source.len = kind == OF_KNOWN_LENGTH ? sizeof(BODY) - 1 : 0;
    return kind == NONE ? none : kind == IN_MEMORY ? memory : source;
}

static int begin(struct talk *t, const struct fcgi_request *request)
{
    talk_anew(t);
    return fcgi_exchange_begin(t->x, request, &t->response, TALK_ID, 0);
}

/* Begin with such a body and these CONTENT_LENGTHs, as params or encoded;
 * NULL: no second. */
static int begin_with(void **state, enum kind kind, const char *length,
                      const char *second, bool encode)
{
    struct fcgi_param params[] = {FCGI_PARAM("CONTENT_LENGTH", length),
                                  FCGI_PARAM("REQUEST_METHOD", "POST"),
                                  FCGI_PARAM("CONTENT_LENGTH", second)};
    struct fcgi_request request = {.params = params,
                                   .param_count = second == NULL ? 2 : 3,
                                   .body = body_of(kind)};
    struct wire encoded = {0};
    for (size_t i = 0; encode && i < request.param_count; i++) {
        wire_param(&encoded, params[i].name, params[i].value);
    }
    request.encoded_params.data = (const char *)encoded.data;
    request.encoded_params.len = encoded.len;
    request.param_count = encode ? 0 : request.param_count;
    int rc = begin(*state, &request);
    wire_free(&encoded);
    return rc;
}

static void assert_begins(void **state, enum kind kind, const char *length,
                          const char *second, int expected)
{
    for (int encode = 0; encode < 2; encode++) {
        int rc = begin_with(state, kind, length, second, encode == 1);
        if (rc != expected) {
            fail_msg("%s for kind %d, \"%s\", \"%s\"%s", fcgi_error_name(rc),
                     (int)kind, length, second == NULL ? "" : second,
                     encode == 1 ? ", encoded" : "");
        }
    }
}

/* ---- what the caller says ---------------------------------------------- */

static void the_length_of_the_body_may_be_told(void **state)
{
    assert_begins(state, NONE, "0", NULL, FCGI_OK);
    assert_begins(state, IN_MEMORY, "5", NULL, FCGI_OK);
    assert_begins(state, IN_MEMORY, "005", NULL, FCGI_OK);
    assert_begins(state, OF_KNOWN_LENGTH, "5", NULL, FCGI_OK);
}

static void another_length_than_the_bodys_is_refused(void **state)
{
    static const char *const others[] = {"1", "4", "6", "50",
                                         "18446744073709551615"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_begins(state, NONE, others[i], NULL, FCGI_ERR_ARGUMENT);
        assert_begins(state, IN_MEMORY, others[i], NULL, FCGI_ERR_ARGUMENT);
        assert_begins(state, OF_KNOWN_LENGTH, others[i], NULL,
                      FCGI_ERR_ARGUMENT);
    }
    assert_begins(state, IN_MEMORY, "0", NULL, FCGI_ERR_ARGUMENT);
    assert_begins(state, NONE, "5", NULL, FCGI_ERR_ARGUMENT);
}

/* The caller may know what the source does not. */
static void a_body_of_unknown_length_may_be_told_any_but_0(void **state)
{
    assert_begins(state, OF_UNKNOWN_LENGTH, "5", NULL, FCGI_OK);
    assert_begins(state, OF_UNKNOWN_LENGTH, "1000000", NULL, FCGI_OK);
    assert_begins(state, OF_UNKNOWN_LENGTH, "0", NULL, FCGI_ERR_ARGUMENT);
    assert_begins(state, OF_UNKNOWN_LENGTH, "", NULL, FCGI_ERR_ARGUMENT);
}

/* Web servers pass an empty one on with a GET, and PHP reads it as 0. */
static void an_empty_length_is_0(void **state)
{
    assert_begins(state, NONE, "", NULL, FCGI_OK);
    assert_begins(state, NONE, "", "0", FCGI_OK);
    assert_begins(state, IN_MEMORY, "", NULL, FCGI_ERR_ARGUMENT);
    assert_begins(state, OF_KNOWN_LENGTH, "", NULL, FCGI_ERR_ARGUMENT);
}

static void a_length_that_is_not_a_number_is_refused(void **state)
{
    static const char *const none[] = {
        "-1", "+5", " 5", "5 ", "0x5", "5.", "five", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        for (int kind = NONE; kind < KINDS; kind++) {
            assert_begins(state, (enum kind)kind, none[i], NULL,
                          FCGI_ERR_ARGUMENT);
        }
    }
}

/* Some applications take the first, some the last. */
static void two_lengths_must_be_the_same(void **state)
{
    assert_begins(state, IN_MEMORY, "5", "5", FCGI_OK);
    assert_begins(state, IN_MEMORY, "4", "5", FCGI_ERR_ARGUMENT);
    assert_begins(state, IN_MEMORY, "5", "4", FCGI_ERR_ARGUMENT);
    assert_begins(state, IN_MEMORY, "five", "5", FCGI_ERR_ARGUMENT);
    assert_begins(state, OF_UNKNOWN_LENGTH, "5", "6", FCGI_ERR_ARGUMENT);
}

/* A name as long as that one is but a name; so is one in another case. */
static void other_names_tell_no_length(void **state)
{
    const struct fcgi_param params[] = {FCGI_PARAM("CONTENT_LENGTI", "7"),
                                        FCGI_PARAM("content_length", "7"),
                                        FCGI_PARAM("CONTENT_LENGTH_", "7")};
    const struct fcgi_request request = {
        .params = params, .param_count = 3, .body = body_of(IN_MEMORY)};
    assert_int_equal(begin(*state, &request), FCGI_OK);
}

/* Behind what fills a record, or is too long to be short. */
static void a_length_among_long_params_counts_too(void **state)
{
    static char value[66000];
    memset(value, 'x', sizeof(value));
    for (size_t len = 100; len < sizeof(value); len *= 2) {
        for (int differs = 0; differs < 2; differs++) {
            const struct fcgi_param params[] = {
                {"LONG", value, 4, len},
                FCGI_PARAM("CONTENT_LENGTH", differs == 1 ? "6" : "5")};
            const struct fcgi_request request = {
                .params = params, .param_count = 2, .body = body_of(IN_MEMORY)};
            assert_int_equal(begin(*state, &request),
                             differs == 1 ? FCGI_ERR_ARGUMENT : FCGI_OK);
        }
    }
}

static void an_earlier_requests_length_is_forgotten(void **state)
{
    const struct fcgi_param param = FCGI_PARAM("CONTENT_LENGTH", "5");
    const struct fcgi_request told = {
        .params = &param, .param_count = 1, .body = body_of(IN_MEMORY)};
    struct talk *t = *state;
    talk_ask(t, &told);
    talk_ask(t, NULL);
}

/* ---- what the library adds --------------------------------------------- */

/* The CONTENT_LENGTH that is sent; -1: none, -2: several. */
static long sent_length(void **state, const struct fcgi_request *request)
{
    struct wire name = {0};
    struct wire value = {0};
    struct talk *t = *state;
    size_t at = 0;
    long length = -1;
    talk_anew(t);
    talk_ask(t, request);
    struct wire_request sent = talk_read_request(t);
    assert_int_equal(sent.params_ends, 1);
    while (
        wire_next_pair(sent.params.data, sent.params.len, &at, &name, &value)) {
        if (name.len == 14 && memcmp(name.data, "CONTENT_LENGTH", 14) == 0) {
            wire_append(&value, "", 1);
            length = length == -1 ? strtol((char *)value.data, NULL, 10) : -2;
        }
    }
    wire_free(&name);
    wire_free(&value);
    wire_request_free(&sent);
    return length;
}

static void a_length_is_added_on_request(void **state)
{
    struct fcgi_request request = {.add_content_length = true};
    request.body = body_of(IN_MEMORY);
    assert_int_equal(sent_length(state, &request), 5);
    request.body = body_of(OF_KNOWN_LENGTH);
    assert_int_equal(sent_length(state, &request), 5);
    request.body = body_of(NONE);
    assert_int_equal(sent_length(state, &request), 0);
    request.role = FCGI_ROLE_FILTER;
    request.body = body_of(IN_MEMORY);
    request.data = body_of(OF_UNKNOWN_LENGTH);
    assert_int_equal(sent_length(state, &request), 5);
}

static void no_length_is_added_without_a_request_for_it(void **state)
{
    struct fcgi_request request = {.body = body_of(IN_MEMORY)};
    assert_int_equal(sent_length(state, &request), -1);
}

/* FastCGI specification, section 6.3. */
static void an_authorizer_is_told_no_length(void **state)
{
    const struct fcgi_request request = {.role = FCGI_ROLE_AUTHORIZER,
                                         .add_content_length = true};
    assert_int_equal(sent_length(state, &request), -1);
}

static void a_length_that_is_told_is_not_added_again(void **state)
{
    const struct fcgi_param param = FCGI_PARAM("CONTENT_LENGTH", "5");
    struct fcgi_request request = {
        .params = &param, .param_count = 1, .add_content_length = true};
    for (int kind = IN_MEMORY; kind < KINDS; kind++) {
        request.body = body_of((enum kind)kind);
        assert_int_equal(sent_length(state, &request), 5);
    }
}

static void a_length_that_is_not_known_cannot_be_added(void **state)
{
    const struct fcgi_request request = {.body = body_of(OF_UNKNOWN_LENGTH),
                                         .add_content_length = true};
    struct talk *t = *state;
    assert_int_equal(begin(t, &request), FCGI_ERR_LENGTH_REQUIRED);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_ERR_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(the_length_of_the_body_may_be_told),
        talk_test(another_length_than_the_bodys_is_refused),
        talk_test(a_body_of_unknown_length_may_be_told_any_but_0),
        talk_test(an_empty_length_is_0),
        talk_test(a_length_that_is_not_a_number_is_refused),
        talk_test(two_lengths_must_be_the_same),
        talk_test(other_names_tell_no_length),
        talk_test(a_length_among_long_params_counts_too),
        talk_test(an_earlier_requests_length_is_forgotten),
        talk_test(a_length_is_added_on_request),
        talk_test(no_length_is_added_without_a_request_for_it),
        talk_test(an_authorizer_is_told_no_length),
        talk_test(a_length_that_is_told_is_not_added_again),
        talk_test(a_length_that_is_not_known_cannot_be_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
