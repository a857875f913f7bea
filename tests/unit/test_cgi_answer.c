/*
 * From an application's answer back to HTTP: which fields are handed on, which
 * answer is a local redirect, which has a body.
 */
#include <string.h>

#include <fcgi_client/cgi.h>

#include "gateway.h"
#include "talk.h"
#include "test.h"

/* ---- fields ------------------------------------------------------------ */

/* The values of what may be handed on, one after another, must be these. */
static void assert_handed_on(void **state, const char *head, const char *values)
{
    char got[64] = "";
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, head), FCGI_OK);
    for (size_t i = 0; i < t->response.field_count; i++) {
        if (fcgi_cgi_is_end_to_end(&t->response, &t->response.fields[i])) {
            assert_true(strlen(got) + t->response.fields[i].value_len < 64);
            strcat(got, t->response.fields[i].value);
        }
    }
    assert_string_equal(got, values);
}

static void fields_of_the_message_are_handed_on(void **state)
{
    assert_handed_on(state,
                     "Content-Type: 1\nSet-Cookie: 2\nSet-Cookie: 3\n"
                     "Content-Length: 4\nCache-Control: 5\nX-Upgrade: 6\n"
                     "WWW-Authenticate: 7\n\nbody",
                     "1234567");
}

static void hop_by_hop_fields_are_not_handed_on(void **state)
{
    assert_handed_on(state,
                     "A: 1\nConnection: x\nKeep-Alive: x\nTE: x\nB: 2\n"
                     "Trailer: x\nTransfer-Encoding: x\nUpgrade: x\n"
                     "Proxy-Connection: x\nPROXY-authenticate: x\n"
                     "Proxy-Authorization: x\nC: 3\n\n",
                     "123");
}

/* Whoever reads the answer next might take "_" for "-". */
static void what_looks_like_a_hop_by_hop_field_is_not_handed_on(void **state)
{
    assert_handed_on(state, "Transfer_Encoding: x\nA_B: 1\nKeep.Alive: x\n\n",
                     "1");
}

static void what_connection_names_is_not_handed_on(void **state)
{
    assert_handed_on(state,
                     "A: x\nConnection: a ,close,,\tb\nB: x\nb: x\nC: 1\n"
                     "Connection: D\nD: x\nClose: x\nAB: 2\n\n",
                     "12");
    assert_handed_on(state, "A: 1\nConnection:\nB: 2\nConnection: ,\n\n", "12");
    assert_handed_on(state, "Connection: A\nA: x\nB: 1\n\n", "1");
}

static void nothing_is_handed_on_of_nothing(void **state)
{
    const struct fcgi_field field = {"A", "b", 1, 1};
    const struct fcgi_response response = {0};
    (void)state;
    assert_false(fcgi_cgi_is_end_to_end(NULL, &field));
    assert_false(fcgi_cgi_is_end_to_end(&response, NULL));
    assert_true(fcgi_cgi_is_end_to_end(&response, &field));
}

/* ---- local redirects --------------------------------------------------- */

static void assert_redirect(void **state, const char *head, const char *want)
{
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, head), FCGI_OK);
    const char *got = fcgi_cgi_local_redirect(&t->response);
    if (want == NULL && got != NULL) {
        fail_msg("%s for: %s", got, head);
    }
    if (want != NULL) {
        assert_non_null(got);
        assert_string_equal(got, want);
    }
}

static void a_path_alone_is_a_local_redirect(void **state)
{
    assert_redirect(state, "Location: /a.php/b?c=d\n\n", "/a.php/b?c=d");
    assert_redirect(state, "LOCATION:/\r\n\r\n", "/");
    assert_redirect(state, "location: \t /a%23 \t\n\n", "/a%23");
}

static void another_server_is_no_local_redirect(void **state)
{
    assert_redirect(state, "Location: http://example.org/\n\n", NULL);
    assert_redirect(state, "Location: //example.org/\n\n", NULL);
    assert_redirect(state, "Location: //\n\n", NULL);
    assert_redirect(state, "Location: a.php\n\n", NULL);
    assert_redirect(state, "Location: ?a\n\n", NULL);
    assert_redirect(state, "Location:\n\n", NULL);
}

static void a_fragment_is_for_the_client(void **state)
{
    assert_redirect(state, "Location: /a.php#b\n\n", NULL);
}

static void with_a_status_it_is_no_local_redirect(void **state)
{
    assert_redirect(state, "Status: 302\nLocation: /a\n\n", NULL);
    assert_redirect(state, "Status: 302 Found\nLocation: /a\n\n", NULL);
    assert_redirect(state, "Location: /a\nStatus: 302\n\n", NULL);
    assert_redirect(state, "Status: 200\nLocation: /a\n\n", NULL);
}

static void with_another_field_it_is_no_local_redirect(void **state)
{
    assert_redirect(state, "Location: /a\nContent-Type: text/plain\n\n", NULL);
    assert_redirect(state, "Location: /a\nLocation: /a\n\n", NULL);
    assert_redirect(state, "Content-Location: /a\n\n", NULL);
    assert_redirect(state, "A: b\n\n", NULL);
}

/* An earlier answer's status must not be taken for this one's. */
static void a_response_that_is_used_again_forgets_its_status(void **state)
{
    struct wire answer = {0};
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, "Status: 302\nLocation: /a\n\n"),
                     FCGI_OK);
    assert_null(fcgi_cgi_local_redirect(&t->response));
    talk_ask(t, NULL);
    talk_write_text(&answer, "Location: /b\n\n");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    assert_string_equal(fcgi_cgi_local_redirect(&t->response), "/b");
    wire_free(&answer);
}

static void what_has_no_head_is_no_local_redirect(void **state)
{
    const struct fcgi_response response = {0};
    struct fcgi_field field = {"Location", "/a", 8, 2};
    const struct fcgi_response by_hand = {.fields = &field, .field_count = 1};
    struct talk *t = *state;
    assert_null(fcgi_cgi_local_redirect(NULL));
    assert_null(fcgi_cgi_local_redirect(&response));
    assert_null(fcgi_cgi_local_redirect(&by_hand));
    assert_int_equal(talk_anew_get(t, "Location: /a\n"), FCGI_ERR_NO_HEAD);
    assert_null(fcgi_cgi_local_redirect(&t->response));
}

/* ---- bodies ------------------------------------------------------------ */

static bool has_body(const char *method, int status)
{
    return fcgi_cgi_has_body(gateway_slice(method), status);
}

static void most_answers_have_a_body(void **state)
{
    static const int statuses[] = {200, 201, 203, 205, 206, 299, 300,
                                   302, 303, 305, 404, 500, 999};
    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        assert_true(has_body("GET", statuses[i]));
        assert_true(has_body("POST", statuses[i]));
        assert_true(has_body("head", statuses[i]));
        assert_true(has_body("HEADS", statuses[i]));
        assert_false(has_body("HEAD", statuses[i]));
    }
}

static void some_statuses_have_no_body(void **state)
{
    static const int statuses[] = {0, 100, 101, 103, 199, 204, 304};
    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        assert_false(has_body("GET", statuses[i]));
        assert_false(has_body("HEAD", statuses[i]));
        assert_false(has_body("", statuses[i]));
    }
}

static void a_tunnel_has_no_body_but_its_refusal_has(void **state)
{
    (void)state;
    assert_false(has_body("CONNECT", 199));
    assert_false(has_body("CONNECT", 200));
    assert_false(has_body("CONNECT", 299));
    assert_true(has_body("CONNECT", 300));
    assert_true(has_body("CONNECT", 403));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(fields_of_the_message_are_handed_on),
        talk_test(hop_by_hop_fields_are_not_handed_on),
        talk_test(what_looks_like_a_hop_by_hop_field_is_not_handed_on),
        talk_test(what_connection_names_is_not_handed_on),
        cmocka_unit_test(nothing_is_handed_on_of_nothing),
        talk_test(a_path_alone_is_a_local_redirect),
        talk_test(another_server_is_no_local_redirect),
        talk_test(a_fragment_is_for_the_client),
        talk_test(with_a_status_it_is_no_local_redirect),
        talk_test(with_another_field_it_is_no_local_redirect),
        talk_test(a_response_that_is_used_again_forgets_its_status),
        talk_test(what_has_no_head_is_no_local_redirect),
        cmocka_unit_test(most_answers_have_a_body),
        cmocka_unit_test(some_statuses_have_no_body),
        cmocka_unit_test(a_tunnel_has_no_body_but_its_refusal_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
