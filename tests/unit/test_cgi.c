/*
 * The object that holds the variables of a request: those that come of no
 * field, setting one, memory, and what a caller may get wrong.
 */
#include <stdio.h>
#include <string.h>

#include <fcgi_client.h>

#include "gateway.h"
#include "test.h"

static size_t count_of(const struct gateway *g)
{
    size_t count;
    (void)fcgi_cgi_params(g->cgi, &count);
    return count;
}

/* A request that has something of everything. */
static void fill(struct gateway *g)
{
    g->request.method = gateway_slice("POST");
    g->request.target = gateway_slice("/a.php/b?c=d");
    g->request.remote_addr = gateway_slice("192.0.2.7");
    g->request.remote_port = gateway_slice("50000");
    g->request.server_addr = gateway_slice("192.0.2.1");
    g->request.server_port = gateway_slice("443");
    g->request.server_name = gateway_slice("example.org");
    g->request.https = true;
    gateway_field(g, "Host", "www.example.org");
    gateway_field(g, "Cookie", "e=f");
    gateway_field(g, "Content-Type", "text/plain");
    gateway_field(g, "Content-Length", "12");
    gateway_field(g, "Cookie", "g=h");
}

/* ---- variables that come of no field ----------------------------------- */

static void a_request_has_the_variables_that_programs_look_for(void **state)
{
    char software[40] = "libfcgi-client/";
    const char *const variables[][2] = {
        {"SCRIPT_NAME", "/a.php"},
        {"SCRIPT_FILENAME", "/srv/www/a.php"},
        {"DOCUMENT_URI", "/a.php/b"},
        {"DOCUMENT_ROOT", "/srv/www"},
        {"PATH_INFO", "/b"},
        {"PATH_TRANSLATED", "/srv/www/b"},
        {"REQUEST_METHOD", "POST"},
        {"REQUEST_URI", "/a.php/b?c=d"},
        {"QUERY_STRING", "c=d"},
        {"REQUEST_SCHEME", "https"},
        {"HTTPS", "on"},
        {"SERVER_PROTOCOL", "HTTP/1.1"},
        {"REMOTE_ADDR", "192.0.2.7"},
        {"REMOTE_PORT", "50000"},
        {"GATEWAY_INTERFACE", "CGI/1.1"},
        {"SERVER_SOFTWARE", software},
        {"SERVER_ADDR", "192.0.2.1"},
        {"SERVER_PORT", "443"},
        {"SERVER_NAME", "example.org"},
        {"REDIRECT_STATUS", "200"},
        {"CONTENT_TYPE", "text/plain"},
        {"CONTENT_LENGTH", "12"},
        {"HTTP_HOST", "www.example.org"},
        {"HTTP_COOKIE", "e=f; g=h"},
    };
    const size_t count = sizeof(variables) / sizeof(variables[0]);
    struct gateway *g = *state;
    strcat(software, fcgi_version());
    fill(g);
    assert_int_equal(gateway_build(g), FCGI_OK);
    for (size_t i = 0; i < count; i++) {
        gateway_assert(g, variables[i][0], variables[i][1]);
    }
    assert_int_equal(count_of(g), count);
}

static void what_is_not_known_is_left_out(void **state)
{
    static const char *const names[] = {
        "HTTPS",       "SERVER_PROTOCOL", "REMOTE_ADDR",   "REMOTE_PORT",
        "SERVER_ADDR", "SERVER_PORT",     "SERVER_NAME",   "PATH_INFO",
        "HTTP_HOST",   "CONTENT_TYPE",    "CONTENT_LENGTH"};
    struct gateway *g = *state;
    memset(&g->request.protocol, 0, sizeof(g->request.protocol));
    g->request.fields = NULL;
    assert_int_equal(gateway_build(g), FCGI_OK);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        gateway_assert(g, names[i], NULL);
    }
    gateway_assert(g, "REQUEST_SCHEME", "http");
    gateway_assert(g, "QUERY_STRING", "");
}

static void the_software_is_the_sites(void **state)
{
    struct gateway *g = *state;
    g->site.software = "mine/1";
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SERVER_SOFTWARE", "mine/1");
}

static void a_method_that_is_no_token_is_refused(void **state)
{
    static const char *const methods[] = {"",       " ",     "GET ",  " GET",
                                          "GET\r",  "G(T",   "G/T",   "G\xc3",
                                          "GET /x", "GET\n", "\"G\"", "G:"};
    struct gateway *g = *state;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        g->request.method = gateway_slice(methods[i]);
        assert_int_equal(gateway_build(g), FCGI_ERR_BAD_REQUEST);
    }
    g->request.method = gateway_slice("x-My_Method!");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "REQUEST_METHOD", "x-My_Method!");
}

static void control_bytes_are_refused_wherever_they_stand(void **state)
{
    struct gateway *g = *state;
    struct fcgi_slice *const slices[] = {
        &g->request.protocol,    &g->request.remote_addr,
        &g->request.remote_port, &g->request.server_addr,
        &g->request.server_port, &g->request.server_name};
    for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
        *slices[i] = (struct fcgi_slice){"a\0b", 3};
        assert_int_equal(gateway_build(g), FCGI_ERR_BAD_REQUEST);
        *slices[i] = gateway_slice("a\nb");
        assert_int_equal(gateway_build(g), FCGI_ERR_BAD_REQUEST);
        *slices[i] = gateway_slice("ab");
        assert_int_equal(gateway_build(g), FCGI_OK);
    }
}

static void a_request_leaves_nothing_for_the_next_one(void **state)
{
    struct gateway *g = *state;
    assert_int_equal(gateway_build(g), FCGI_OK);
    size_t plain = count_of(g);
    fill(g);
    assert_int_equal(gateway_build(g), FCGI_OK);
    assert_int_equal(fcgi_cgi_set(g->cgi, "MINE", "x"), FCGI_OK);
    memset(&g->request, 0, sizeof(g->request));
    g->request.method = gateway_slice("GET");
    g->request.protocol = gateway_slice("HTTP/1.1");
    assert_int_equal(gateway_get(g, "/"), FCGI_OK);
    assert_int_equal(count_of(g), plain);
    gateway_assert(g, "MINE", NULL);
    gateway_assert(g, "PATH_INFO", NULL);
    gateway_assert(g, "HTTP_HOST", NULL);
    gateway_assert(g, "CONTENT_LENGTH", NULL);
}

static void the_variables_are_the_handles_own(void **state)
{
    char target[] = "/a.php/b?c=d";
    char name[] = "Accept";
    char value[] = "text/html";
    struct gateway *g = *state;
    gateway_field(g, name, value);
    assert_int_equal(gateway_get(g, target), FCGI_OK);
    memset(target, 'x', sizeof(target));
    memset(name, 'x', sizeof(name));
    memset(value, 'x', sizeof(value));
    gateway_assert(g, "HTTP_ACCEPT", "text/html");
    gateway_assert(g, "REQUEST_URI", "/a.php/b?c=d");
    gateway_assert(g, "PATH_INFO", "/b");
    gateway_assert(g, "QUERY_STRING", "c=d");
}

static void the_variables_can_be_encoded_as_they_are(void **state)
{
    struct gateway *g = *state;
    char bytes[2000];
    size_t count;
    size_t len;
    fill(g);
    assert_int_equal(gateway_build(g), FCGI_OK);
    const struct fcgi_param *params = fcgi_cgi_params(g->cgi, &count);
    assert_int_equal(
        fcgi_params_encode(params, count, bytes, sizeof(bytes), &len), FCGI_OK);
    struct fcgi_slice rest = {bytes, len};
    struct fcgi_param param;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(fcgi_params_next(&rest, &param), FCGI_PAIR);
        assert_int_equal(param.value_len, params[i].value_len);
        assert_memory_equal(param.value, params[i].value, param.value_len);
    }
    assert_int_equal(rest.len, 0);
}

/* ---- setting one ------------------------------------------------------- */

static void a_variable_is_added(void **state)
{
    struct gateway *g = *state;
    assert_int_equal(fcgi_cgi_set(g->cgi, "BEFORE", "any request"), FCGI_OK);
    gateway_assert(g, "BEFORE", "any request");
    assert_int_equal(gateway_build(g), FCGI_OK);
    size_t count = count_of(g);
    assert_int_equal(fcgi_cgi_set(g->cgi, "my.Name", "a\n"), FCGI_OK);
    assert_int_equal(fcgi_cgi_set(g->cgi, "EMPTY", ""), FCGI_OK);
    gateway_assert(g, "my.Name", "a\n");
    gateway_assert(g, "EMPTY", "");
    gateway_assert(g, "BEFORE", NULL);
    assert_int_equal(count_of(g), count + 2);
}

static void a_variable_takes_the_place_of_one_of_its_name(void **state)
{
    static const char *const values[] = {"", "x", "something much longer", "y"};
    struct gateway *g = *state;
    fill(g);
    assert_int_equal(gateway_build(g), FCGI_OK);
    size_t count = count_of(g);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        assert_int_equal(fcgi_cgi_set(g->cgi, "SCRIPT_NAME", values[i]),
                         FCGI_OK);
        gateway_assert(g, "SCRIPT_NAME", values[i]);
        assert_int_equal(count_of(g), count);
    }
    gateway_assert(g, "SCRIPT_FILENAME", "/srv/www/a.php");
    gateway_assert(g, "HTTP_COOKIE", "e=f; g=h");
}

static void a_variable_is_taken_away(void **state)
{
    struct gateway *g = *state;
    fill(g);
    assert_int_equal(gateway_build(g), FCGI_OK);
    size_t count = count_of(g);
    assert_int_equal(fcgi_cgi_set(g->cgi, "PATH_INFO", NULL), FCGI_OK);
    assert_int_equal(fcgi_cgi_set(g->cgi, "PATH_INFO", NULL), FCGI_OK);
    assert_int_equal(fcgi_cgi_set(g->cgi, "PATH", NULL), FCGI_OK);
    gateway_assert(g, "PATH_INFO", NULL);
    assert_int_equal(count_of(g), count - 1);
    gateway_assert(g, "PATH_TRANSLATED", "/srv/www/b");
    gateway_assert(g, "SCRIPT_NAME", "/a.php");
}

static void all_variables_can_be_taken_away(void **state)
{
    struct gateway *g = *state;
    fill(g);
    assert_int_equal(gateway_build(g), FCGI_OK);
    while (count_of(g) > 0) {
        size_t count;
        const struct fcgi_param *params = fcgi_cgi_params(g->cgi, &count);
        char name[40];
        snprintf(name, sizeof(name), "%.*s", (int)params[count / 2].name_len,
                 params[count / 2].name);
        assert_int_equal(fcgi_cgi_set(g->cgi, name, NULL), FCGI_OK);
        assert_int_equal(count_of(g), count - 1);
    }
    assert_int_equal(fcgi_cgi_set(g->cgi, "A", "b"), FCGI_OK);
    gateway_assert(g, "A", "b");
}

/* The memory of what is set moves while it is set. */
static void a_variable_can_be_set_to_the_value_of_another(void **state)
{
    struct gateway *g = *state;
    fill(g);
    assert_int_equal(gateway_build(g), FCGI_OK);
    for (int i = 0; i < 100; i++) {
        char name[32];
        char value[32];
        snprintf(name, sizeof(name), "COPY_%d", i);
        const struct fcgi_param *from = gateway_find(g, "SCRIPT_FILENAME");
        assert_int_equal(from->value[from->value_len], '\0');
        assert_int_equal(fcgi_cgi_set(g->cgi, name, from->value), FCGI_OK);
        gateway_assert(g, name, "/srv/www/a.php");
        from = gateway_find(g, name);
        assert_int_equal(fcgi_cgi_set(g->cgi, from->name, from->value + 4),
                         FCGI_OK);
        gateway_assert(g, name, "/www/a.php");
        snprintf(value, sizeof(value), "%d", i);
        assert_int_equal(fcgi_cgi_set(g->cgi, "LAST", value), FCGI_OK);
    }
    gateway_assert(g, "COPY_0", "/www/a.php");
    gateway_assert(g, "LAST", "99");
}

/* ---- memory ------------------------------------------------------------ */

static void the_steady_state_allocates_nothing(void **state)
{
    struct gateway *g = *state;
    fill(g);
    for (int i = 0; i < 10; i++) {
        size_t calls = g->memory.calls;
        size_t releases = g->memory.releases;
        assert_int_equal(gateway_build(g), FCGI_OK);
        for (int j = 0; j < 100; j++) {
            assert_int_equal(fcgi_cgi_set(g->cgi, "A", j % 2 ? "bc" : "d"),
                             FCGI_OK);
        }
        assert_int_equal(fcgi_cgi_set(g->cgi, "HTTP_COOKIE", NULL), FCGI_OK);
        if (i > 0) {
            assert_int_equal(g->memory.calls, calls);
            assert_int_equal(g->memory.releases, releases);
        }
    }
}

/* So large that each kind of memory must grow. */
static void fill_much(struct gateway *g)
{
    static char target[3000];
    fill(g);
    memset(target, '/', sizeof(target) - 1);
    memset(target + 1, 'a', sizeof(target) - 2);
    g->request.target = gateway_slice(target);
    for (size_t i = 0; i < 20; i++) {
        gateway_field(g, "Accept", target);
    }
}

static void any_allocation_may_fail_and_nothing_leaks(void **state)
{
    struct gateway *g = *state;
    for (size_t k = 1;; k++) {
        gateway_anew(g);
        fill_much(g);
        g->memory.fail_at = g->memory.calls + k;
        int rc = gateway_build(g);
        if (rc == FCGI_OK) {
            assert_true(k > 5);
            break;
        }
        assert_int_equal(rc, FCGI_ERR_NO_MEMORY);
        assert_int_equal(gateway_build(g), FCGI_OK);
        gateway_assert(g, "HTTP_COOKIE", "e=f; g=h");
    }
}

static void setting_may_fail_and_all_is_as_it_was(void **state)
{
    static char value[5000];
    struct gateway *g = *state;
    memset(value, 'x', sizeof(value) - 1);
    for (size_t k = 1;; k++) {
        gateway_anew(g);
        fill(g);
        assert_int_equal(gateway_build(g), FCGI_OK);
        size_t count = count_of(g);
        g->memory.fail_at = g->memory.calls + k;
        int rc = fcgi_cgi_set(g->cgi, "SCRIPT_NAME", value);
        g->memory.fail_at = 0;
        if (rc == FCGI_OK) {
            assert_true(k > 2);
            gateway_assert(g, "SCRIPT_NAME", value);
            break;
        }
        assert_int_equal(rc, FCGI_ERR_NO_MEMORY);
        assert_int_equal(count_of(g), count);
        gateway_assert(g, "SCRIPT_NAME", "/a.php");
        gateway_assert(g, "HTTP_COOKIE", "e=f; g=h");
    }
}

/* Set a variable while there is no memory to be had, then with some. */
static void set_poorly(struct gateway *g, const char *name, const char *value)
{
    size_t count = count_of(g);
    g->memory.fail_at = g->memory.calls + 1;
    g->memory.fail_onwards = true;
    int rc = fcgi_cgi_set(g->cgi, name, value);
    g->memory.fail_at = 0;
    if (rc != FCGI_OK) {
        assert_int_equal(rc, FCGI_ERR_NO_MEMORY);
        assert_int_equal(count_of(g), count);
        gateway_assert(g, name, NULL);
        assert_int_equal(fcgi_cgi_set(g->cgi, name, value), FCGI_OK);
    }
    assert_int_equal(count_of(g), count + 1);
    gateway_assert(g, name, value);
    gateway_assert(g, "HTTP_COOKIE", "e=f; g=h");
}

/* However little room is left: too little, just enough, a byte less. */
static void setting_is_done_or_not_whatever_room_is_left(void **state)
{
    struct gateway *g = *state;
    fill(g);
    for (size_t len = 0; len < 2000; len++) {
        char value[2001] = "";
        memset(value, 'x', len);
        assert_int_equal(gateway_build(g), FCGI_OK);
        set_poorly(g, "A", value);
    }
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof(name), "A_%d", i);
        set_poorly(g, name, "");
    }
}

static void making_one_may_fail(void **state)
{
    struct counting_allocator memory = {.fail_at = 1};
    const struct fcgi_allocator allocator = counting_allocator(&memory);
    struct fcgi_cgi *cgi = (struct fcgi_cgi *)(void *)&memory;
    (void)state;
    assert_int_equal(fcgi_cgi_new(&cgi, &allocator), FCGI_ERR_NO_MEMORY);
    assert_null(cgi);
    assert_int_equal(memory.blocks, 0);
}

/* ---- what a caller may get wrong --------------------------------------- */

static void null_is_refused(void **state)
{
    struct fcgi_allocator half = {.release = NULL};
    struct fcgi_cgi *cgi = (struct fcgi_cgi *)(void *)&half;
    struct gateway *g = *state;
    half.allocate = counting_allocator(&g->memory).allocate;
    assert_int_equal(fcgi_cgi_new(NULL, NULL), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_cgi_new(&cgi, &half), FCGI_ERR_ARGUMENT);
    assert_null(cgi);
    fcgi_cgi_free(NULL);
    assert_int_equal(fcgi_cgi_build(NULL, &g->site, &g->request),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_cgi_build(g->cgi, NULL, &g->request),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_cgi_build(g->cgi, &g->site, NULL), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_cgi_set(NULL, "A", "b"), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_cgi_set(g->cgi, NULL, "b"), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_cgi_set(g->cgi, "", "b"), FCGI_ERR_ARGUMENT);
    assert_int_equal(count_of(g), 0);
}

static void variables_asked_for_with_null_are_none(void **state)
{
    struct gateway *g = *state;
    size_t count = 1;
    assert_int_equal(fcgi_cgi_set(g->cgi, "A", "b"), FCGI_OK);
    assert_null(fcgi_cgi_params(g->cgi, NULL));
    assert_null(fcgi_cgi_params(NULL, NULL));
    assert_null(fcgi_cgi_params(NULL, &count));
    assert_int_equal(count, 0);
}

static void a_site_without_an_absolute_root_is_refused(void **state)
{
    static const char *const roots[] = {NULL, "", "srv/www", "./srv"};
    struct gateway *g = *state;
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        g->site.root = roots[i];
        assert_int_equal(gateway_build(g), FCGI_ERR_ARGUMENT);
    }
}

static void a_policy_that_there_is_not_is_refused(void **state)
{
    struct gateway *g = *state;
    g->site.folding = (enum fcgi_cgi_folding)3;
    assert_int_equal(gateway_build(g), FCGI_ERR_ARGUMENT);
}

static void bytes_that_are_not_there_are_refused(void **state)
{
    struct gateway *g = *state;
    struct fcgi_slice *const slices[] = {
        &g->request.method,      &g->request.target,
        &g->request.protocol,    &g->request.remote_addr,
        &g->request.remote_port, &g->request.server_addr,
        &g->request.server_port, &g->request.server_name};
    for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
        gateway_anew(g);
        *slices[i] = (struct fcgi_slice){NULL, 1};
        assert_int_equal(gateway_build(g), FCGI_ERR_ARGUMENT);
    }
}

static void fields_that_are_not_there_are_refused(void **state)
{
    static const struct fcgi_field fields[] = {{NULL, "x", 1, 1},
                                               {"A", NULL, 1, 1}};
    struct gateway *g = *state;
    g->request.field_count = 1;
    for (size_t i = 0; i < 2; i++) {
        g->fields[0] = fields[i];
        assert_int_equal(gateway_build(g), FCGI_ERR_ARGUMENT);
    }
    g->request.fields = NULL;
    assert_int_equal(gateway_build(g), FCGI_ERR_ARGUMENT);
}

static void a_field_may_have_no_value(void **state)
{
    struct gateway *g = *state;
    g->fields[0] = (struct fcgi_field){"A", NULL, 1, 0};
    g->fields[1] = (struct fcgi_field){"Host", NULL, 4, 0};
    g->fields[2] = (struct fcgi_field){"Connection", NULL, 10, 0};
    g->fields[3] = (struct fcgi_field){"Content-Type", NULL, 12, 0};
    g->request.field_count = 4;
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "HTTP_A", "");
    gateway_assert(g, "CONTENT_TYPE", "");
    g->fields[4] = (struct fcgi_field){NULL, "x", 0, 1};
    g->request.field_count = 5;
    assert_int_equal(gateway_build(g), FCGI_ERR_BAD_REQUEST);
}

static void a_length_below_minus_one_is_refused(void **state)
{
    struct gateway *g = *state;
    g->request.content_length = -2;
    assert_int_equal(gateway_build(g), FCGI_ERR_ARGUMENT);
    g->request.content_length = INT64_MIN;
    assert_int_equal(gateway_build(g), FCGI_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        gateway_test(a_request_has_the_variables_that_programs_look_for),
        gateway_test(what_is_not_known_is_left_out),
        gateway_test(the_software_is_the_sites),
        gateway_test(a_method_that_is_no_token_is_refused),
        gateway_test(control_bytes_are_refused_wherever_they_stand),
        gateway_test(a_request_leaves_nothing_for_the_next_one),
        gateway_test(the_variables_are_the_handles_own),
        gateway_test(the_variables_can_be_encoded_as_they_are),
        gateway_test(a_variable_is_added),
        gateway_test(a_variable_takes_the_place_of_one_of_its_name),
        gateway_test(a_variable_is_taken_away),
        gateway_test(all_variables_can_be_taken_away),
        gateway_test(a_variable_can_be_set_to_the_value_of_another),
        gateway_test(the_steady_state_allocates_nothing),
        gateway_test(any_allocation_may_fail_and_nothing_leaks),
        gateway_test(setting_may_fail_and_all_is_as_it_was),
        gateway_test(setting_is_done_or_not_whatever_room_is_left),
        cmocka_unit_test(making_one_may_fail),
        gateway_test(null_is_refused),
        gateway_test(variables_asked_for_with_null_are_none),
        gateway_test(a_site_without_an_absolute_root_is_refused),
        gateway_test(a_policy_that_there_is_not_is_refused),
        gateway_test(bytes_that_are_not_there_are_refused),
        gateway_test(fields_that_are_not_there_are_refused),
        gateway_test(a_field_may_have_no_value),
        gateway_test(a_length_below_minus_one_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
