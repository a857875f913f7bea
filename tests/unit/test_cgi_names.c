/*
 * Names of fields that are easily taken for others: nearly those that have a
 * meaning of their own, ending or beginning alike, very short.
 */
#include <stdio.h>
#include <string.h>

#include <fcgi_client/cgi.h>

#include "gateway.h"
#include "test.h"

static const char *const known[] = {"TE",
                                    "Host",
                                    "Proxy",
                                    "Trailer",
                                    "Upgrade",
                                    "Connection",
                                    "Keep-Alive",
                                    "Content-Type",
                                    "Content-Length",
                                    "Proxy-Connection",
                                    "Transfer-Encoding",
                                    "Proxy-Authenticate",
                                    "Proxy-Authorization"};

#define KNOWN (sizeof(known) / sizeof(known[0]))

/* The variable of a name that needs no folding but of letters and hyphens. */
static const char *variable_of(const char *name)
{
    static char variable[64];
    size_t len = (size_t)snprintf(variable, sizeof(variable), "HTTP_%s", name);
    for (size_t i = 0; i < len; i++) {
        char byte = variable[i];
        variable[i] = (char)(byte >= 'a' && byte <= 'z' ? byte - 32
                             : byte == '-'              ? '_'
                                                        : byte);
    }
    return variable;
}

static void assert_passed_on(struct gateway *g, const char *name)
{
    struct fcgi_response response = {.fields = g->fields, .field_count = 1};
    g->request.field_count = 0;
    gateway_field(g, name, "v");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, variable_of(name), "v");
    assert_true(fcgi_cgi_is_end_to_end(&response, &g->fields[0]));
}

static void a_name_that_differs_in_one_letter_is_passed_on(void **state)
{
    struct gateway *g = *state;
    for (size_t i = 0; i < KNOWN; i++) {
        for (size_t at = 0; known[i][at] != '\0'; at++) {
            char name[32];
            strcpy(name, known[i]);
            name[at] = name[at] == '-' ? 'x' : 'Q';
            assert_passed_on(g, name);
        }
    }
}

static void a_name_that_is_longer_or_shorter_is_passed_on(void **state)
{
    struct gateway *g = *state;
    for (size_t i = 0; i < KNOWN; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%sS", known[i]);
        assert_passed_on(g, name);
        snprintf(name, sizeof(name), "X%s", known[i]);
        assert_passed_on(g, name);
        assert_passed_on(g, known[i] + 1);
        snprintf(name, sizeof(name), "%.*s", (int)strlen(known[i]) - 1,
                 known[i]);
        assert_passed_on(g, name);
    }
}

/* Names need not end in NUL. */
static void a_name_is_known_whatever_follows_it(void **state)
{
    struct gateway *g = *state;
    for (size_t i = 0; i < KNOWN; i++) {
        char text[32];
        snprintf(text, sizeof(text), "%sX", known[i]);
        g->fields[0] = (struct fcgi_field){text, "5", strlen(known[i]), 1};
        g->request.field_count = 1;
        assert_int_equal(gateway_build(g), FCGI_OK);
        gateway_assert(g, variable_of(known[i]),
                       strcmp(known[i], "Host") == 0 ? "5" : NULL);
    }
}

static void a_name_may_fold_at_either_end(void **state)
{
    struct gateway *g = *state;
    g->site.folding = FCGI_CGI_FOLDING_ALLOW;
    gateway_field(g, "_", "1");
    gateway_field(g, ".a", "2");
    gateway_field(g, "a.", "3");
    gateway_field(g, "A_", "4");
    gateway_field(g, "__b", "5");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "HTTP__", "1");
    gateway_assert(g, "HTTP__A", "2");
    gateway_assert(g, "HTTP_A_", "3, 4");
    gateway_assert(g, "HTTP___B", "5");
}

/* ---- names that are alike ---------------------------------------------- */

static void variables_come_in_the_order_of_the_fields(void **state)
{
    static const char *const names[] = {"X-B", "Accept", "x-c", "A",
                                        "X-B", "Via",    "a",   "Accept"};
    static const char *const order[] = {"HTTP_X_B", "HTTP_ACCEPT", "HTTP_X_C",
                                        "HTTP_A", "HTTP_VIA"};
    struct gateway *g = *state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        gateway_field(g, names[i], "v");
    }
    assert_int_equal(gateway_build(g), FCGI_OK);
    const struct fcgi_param *first = gateway_find(g, order[0]);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        assert_string_equal(first[i].name, order[i]);
    }
    gateway_assert(g, "HTTP_X_B", "v, v");
    gateway_assert(g, "HTTP_VIA", "v");
}

static void names_that_end_alike_are_kept_apart(void **state)
{
    static const char *const fields[][2] = {
        {"A-same-end", "0"},  {"B-same-end", "1"},  {"AA-same-end", "2"},
        {"same-end", "3"},    {"B-Same-End", "4"},  {"A-SAME-end", "5"},
        {"AB-same-end", "6"}, {"BA-same-end", "7"}, {"AB-same-end", "8"},
        {"-same-end", "9"},   {"AA-same-end", "X"}};
    struct gateway *g = *state;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        gateway_field(g, fields[i][0], fields[i][1]);
    }
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "HTTP_A_SAME_END", "0, 5");
    gateway_assert(g, "HTTP_B_SAME_END", "1, 4");
    gateway_assert(g, "HTTP_AA_SAME_END", "2, X");
    gateway_assert(g, "HTTP_SAME_END", "3");
    gateway_assert(g, "HTTP_AB_SAME_END", "6, 8");
    gateway_assert(g, "HTTP_BA_SAME_END", "7");
    gateway_assert(g, "HTTP__SAME_END", "9");
}

static void very_short_names_are_kept_apart(void **state)
{
    struct gateway *g = *state;
    gateway_field(g, "b", "1");
    gateway_field(g, "a", "2");
    gateway_field(g, "ab", "3");
    gateway_field(g, "B", "4");
    gateway_field(g, "ba", "5");
    gateway_field(g, "AB", "6");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "HTTP_B", "1, 4");
    gateway_assert(g, "HTTP_A", "2");
    gateway_assert(g, "HTTP_AB", "3, 6");
    gateway_assert(g, "HTTP_BA", "5");
}

/* Whether the field or the Connection that names it comes first. */
static void connection_withholds_what_comes_before_and_after_it(void **state)
{
    struct gateway *g = *state;
    g->site.drop_connection_named = true;
    gateway_field(g, "X-Before", "1");
    gateway_field(g, "Connection", "x-before, x-after, x-none,");
    gateway_field(g, "X-After", "2");
    gateway_field(g, "X-Other", "3");
    gateway_field(g, "X-After", "4");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "HTTP_X_BEFORE", NULL);
    gateway_assert(g, "HTTP_X_AFTER", NULL);
    gateway_assert(g, "HTTP_X_NONE", NULL);
    gateway_assert(g, "HTTP_X_OTHER", "3");
    g->request.fields = g->fields + 1;
    g->request.field_count = 1;
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "HTTP_X_AFTER", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        gateway_test(a_name_that_differs_in_one_letter_is_passed_on),
        gateway_test(a_name_that_is_longer_or_shorter_is_passed_on),
        gateway_test(a_name_is_known_whatever_follows_it),
        gateway_test(a_name_may_fold_at_either_end),
        gateway_test(variables_come_in_the_order_of_the_fields),
        gateway_test(names_that_end_alike_are_kept_apart),
        gateway_test(very_short_names_are_kept_apart),
        gateway_test(connection_withholds_what_comes_before_and_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
