/*
 * From the fields of a request to variables: how they are named and joined,
 * which are left out, and which requests are refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcgi_client/cgi.h>

#include "gateway.h"
#include "guard.h"
#include "test.h"

/* A request with these fields; a name of NULL ends them. */
static int build_with(struct gateway *g, const char *const fields[][2])
{
    g->request.field_count = 0;
    for (size_t i = 0; fields[i][0] != NULL; i++) {
        gateway_field(g, fields[i][0], fields[i][1]);
    }
    return gateway_build(g);
}

/* The same with one field alone. */
static int build_with_one(struct gateway *g, const char *name,
                          const char *value)
{
    const char *const fields[][2] = {{name, value}, {NULL, NULL}};
    return build_with(g, fields);
}

/* Whether any variable has this name, in any case of letters. */
static bool has_like(const struct gateway *g, const char *name)
{
    size_t len = strlen(name);
    size_t count;
    const struct fcgi_param *params = fcgi_cgi_params(g->cgi, &count);
    for (size_t i = 0; i < count; i++) {
        size_t same = 0;
        while (same < len && same < params[i].name_len &&
               (params[i].name[same] | 0x20) == (name[same] | 0x20)) {
            same++;
        }
        if (same == len && params[i].name_len == len) {
            return true;
        }
    }
    return false;
}

/* ---- names ------------------------------------------------------------- */

static void a_field_becomes_a_variable_in_capitals(void **state)
{
    static const char *const fields[][2] = {
        {"Accept", "text/html;q=0.5, */*"},
        {"x-forwarded-FOR", "::1"},
        {"DNT", "1"},
        {"X!#$%&'*+^`|~9", "all that a token may hold"},
        {"X-Empty", ""},
        {"-", "-"},
        {NULL, NULL}};
    struct gateway *g = *state;
    assert_int_equal(build_with(g, fields), FCGI_OK);
    gateway_assert(g, "HTTP_ACCEPT", "text/html;q=0.5, */*");
    gateway_assert(g, "HTTP_X_FORWARDED_FOR", "::1");
    gateway_assert(g, "HTTP_DNT", "1");
    gateway_assert(g, "HTTP_X!#$%&'*+^`|~9", "all that a token may hold");
    gateway_assert(g, "HTTP_X_EMPTY", "");
    gateway_assert(g, "HTTP__", "-");
}

static void a_value_is_handed_on_byte_for_byte(void **state)
{
    struct gateway *g = *state;
    assert_int_equal(build_with_one(g, "X", "a\tb \"c\", \xc3\xa4\xff\x80"),
                     FCGI_OK);
    gateway_assert(g, "HTTP_X", "a\tb \"c\", \xc3\xa4\xff\x80");
}

/* HTTP_PROXY is the proxy that many a program sends its requests through. */
static void proxy_is_never_handed_on(void **state)
{
    static const char *const names[] = {"Proxy", "proxy", "PROXY", "pRoXy"};
    struct gateway *g = *state;
    for (int folding = FCGI_CGI_FOLDING_REFUSE;
         folding <= FCGI_CGI_FOLDING_ALLOW; folding++) {
        g->site.folding = (enum fcgi_cgi_folding)folding;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            assert_int_equal(build_with_one(g, names[i], "http://evil/"),
                             FCGI_OK);
            assert_false(has_like(g, "HTTP_PROXY"));
        }
    }
}

static void authorization_is_handed_on(void **state)
{
    struct gateway *g = *state;
    assert_int_equal(build_with_one(g, "Authorization", "Basic YTpi"), FCGI_OK);
    gateway_assert(g, "HTTP_AUTHORIZATION", "Basic YTpi");
}

static void what_is_no_name_is_refused(void **state)
{
    static const char *const names[] = {
        "",    " ",   "A B",   "A ",    " A",   "A:",   ":method", "A\t",
        "A\r", "A\n", "A\x7f", "A\x80", "\xc3", "A(b)", "A,B",     "A/B",
        "A=B", "A;B", "\"A\"", "A@B",   "A[",   "A\\",  "{A}",     "<A>",
    };
    struct gateway *g = *state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(build_with_one(g, names[i], "x"),
                         FCGI_ERR_BAD_REQUEST);
    }
    g->request.field_count = 1;
    g->fields[0] = (struct fcgi_field){"A\0B", "x", 3, 1};
    assert_int_equal(gateway_build(g), FCGI_ERR_BAD_REQUEST);
}

/* Any byte in the middle of a value of that length. */
static void assert_controls_refused(void **state, size_t len)
{
    struct gateway *g = *state;
    char value[64];
    memset(value, 'a', sizeof(value));
    gateway_anew(g);
    gateway_field(g, "Accept", "");
    g->fields[0].value = value;
    g->fields[0].value_len = len;
    for (int byte = 0; byte < 256; byte++) {
        bool is_control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
        value[len / 2] = (char)byte;
        assert_int_equal(gateway_build(g),
                         is_control ? FCGI_ERR_BAD_REQUEST : FCGI_OK);
    }
}

static void control_bytes_in_a_value_are_refused(void **state)
{
    assert_controls_refused(state, 3);
    assert_controls_refused(state, 24);
    assert_controls_refused(state, 64);
}

/* ---- folding ----------------------------------------------------------- */

static const char *const folding_names[] = {"X_Y", "X.Y", "X-Y_Z",
                                            "_",   ".X",  "X_"};

#define FOLDING_NAMES (sizeof(folding_names) / sizeof(folding_names[0]))

static void names_that_fold_are_refused_by_default(void **state)
{
    struct gateway *g = *state;
    for (size_t i = 0; i < FOLDING_NAMES; i++) {
        assert_int_equal(build_with_one(g, folding_names[i], "a"),
                         FCGI_ERR_BAD_REQUEST);
    }
}

static void names_that_fold_are_left_out_where_the_site_says_so(void **state)
{
    static const char *const fields[][2] = {
        {"X_Y", "a"}, {"X-Y", "b"}, {"X.Y", "c"}, {"x_z", "d"}, {NULL, NULL}};
    struct gateway *g = *state;
    g->site.folding = FCGI_CGI_FOLDING_DROP;
    assert_int_equal(build_with(g, fields), FCGI_OK);
    gateway_assert(g, "HTTP_X_Y", "b");
    gateway_assert(g, "HTTP_X_Z", NULL);
    assert_false(has_like(g, "HTTP_X.Y"));
}

static void
names_that_fold_are_one_variable_where_the_site_says_so(void **state)
{
    static const char *const fields[][2] = {
        {"X_Y", "a"}, {"X-Y", "b"}, {"X.Y", "c"}, {"x_z", "d"}, {NULL, NULL}};
    struct gateway *g = *state;
    g->site.folding = FCGI_CGI_FOLDING_ALLOW;
    assert_int_equal(build_with(g, fields), FCGI_OK);
    gateway_assert(g, "HTTP_X_Y", "a, b, c");
    gateway_assert(g, "HTTP_X_Z", "d");
    assert_false(has_like(g, "HTTP_X.Y"));
}

static void what_folds_passes_for_no_field_that_rules_the_body(void **state)
{
    static const char *const fields[][2] = {
        {"Content_Length", "5"},      {"Content.Length", "6"},
        {"Content_Type", "text/x"},   {"Transfer_Encoding", "chunked"},
        {"Keep_Alive", "x"},          {"Proxy_Connection", "x"},
        {"Proxy_Authorization", "x"}, {NULL, NULL}};
    struct gateway *g = *state;
    g->site.folding = FCGI_CGI_FOLDING_ALLOW;
    assert_int_equal(build_with(g, fields), FCGI_OK);
    assert_null(gateway_find(g, "CONTENT_LENGTH"));
    assert_null(gateway_find(g, "CONTENT_TYPE"));
    for (size_t i = 0; i < 7; i++) {
        char name[40] = "HTTP_";
        strcat(name, fields[i][0]);
        *strpbrk(name + 5, "_.") = '_';
        assert_false(has_like(g, name));
    }
    gateway_field(g, "Content-Length", "7");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "CONTENT_LENGTH", "7");
}

/* ---- joining ----------------------------------------------------------- */

static void repeated_fields_are_joined_in_the_order_they_came(void **state)
{
    static const char *const fields[][2] = {
        {"Accept", "a"}, {"X-Y", "1"}, {"accept", "b"}, {"x-y", ""},
        {"ACCEPT", "c"}, {"X-y", "3"}, {"Via", "v"},    {NULL, NULL}};
    struct gateway *g = *state;
    assert_int_equal(build_with(g, fields), FCGI_OK);
    gateway_assert(g, "HTTP_ACCEPT", "a, b, c");
    gateway_assert(g, "HTTP_X_Y", "1, , 3");
    gateway_assert(g, "HTTP_VIA", "v");
}

static void cookies_are_joined_as_one_would_write_them(void **state)
{
    static const char *const fields[][2] = {{"Cookie", "a=1"},
                                            {"cookie", "b=2; c=3"},
                                            {"COOKIE", "d=4"},
                                            {NULL, NULL}};
    struct gateway *g = *state;
    assert_int_equal(build_with(g, fields), FCGI_OK);
    gateway_assert(g, "HTTP_COOKIE", "a=1; b=2; c=3; d=4");
}

/* More names than any sorting by hand gets right by chance: each of them
 * twice, scattered. */
static void many_fields_each_find_their_like(void **state)
{
    enum { NAMES = 1009 };
    static struct fcgi_field fields[2 * NAMES];
    static char names[NAMES][16];
    static char values[2 * NAMES][8];
    struct gateway *g = *state;
    for (size_t i = 0; i < 2 * NAMES; i++) {
        size_t name = i * 617 % NAMES;
        snprintf(names[name], sizeof(names[name]), "N%zu", name);
        snprintf(values[i], sizeof(values[i]), "%zu", i);
        fields[i] = (struct fcgi_field){names[name], values[i],
                                        strlen(names[name]), strlen(values[i])};
    }
    g->request.fields = fields;
    g->request.field_count = 2 * NAMES;
    assert_int_equal(gateway_build(g), FCGI_OK);
    for (size_t i = 0; i < NAMES; i++) {
        char name[32];
        char value[32];
        snprintf(name, sizeof(name), "HTTP_N%zu", i * 617 % NAMES);
        snprintf(value, sizeof(value), "%zu, %zu", i, i + NAMES);
        gateway_assert(g, name, value);
    }
}

/* What a stranger may send in a large head: were each field held against each
 * other, or against each name in Connection, this would take minutes. */
static void very_many_fields_cost_no_more_than_their_bytes(void **state)
{
    enum { COUNT = 300000 };
    struct fcgi_field *fields = calloc(COUNT, sizeof(*fields));
    char *list = malloc(2 * COUNT);
    static char names[26][2];
    struct gateway *g = *state;
    assert_non_null(fields);
    assert_non_null(list);
    for (size_t i = 0; i < COUNT; i++) {
        names[i % 26][0] = (char)('a' + i % 26);
        fields[i] = (struct fcgi_field){names[i % 26], "", 1, 0};
        memcpy(list + 2 * i, "a,", 2);
    }
    fields[0] = (struct fcgi_field){"Connection", list, 10, 2 * COUNT};
    g->site.drop_connection_named = true;
    g->request.fields = fields;
    g->request.field_count = COUNT;
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "HTTP_A", NULL);
    assert_non_null(gateway_find(g, "HTTP_B"));
    free(fields);
    free(list);
}

static void nothing_is_read_behind_the_last_field(void **state)
{
    static const struct fcgi_field fields[] = {
        {"A", "1", 1, 1}, {"Connection", "B", 10, 1}, {"B", "2", 1, 1}};
    struct gateway *g = *state;
    struct guard guard;
    guard_open(&guard, sizeof(fields));
    g->site.drop_connection_named = true;
    g->request.fields = guard_put(&guard, fields, sizeof(fields));
    g->request.field_count = 3;
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "HTTP_A", "1");
    gateway_assert(g, "HTTP_B", NULL);
    guard_close(&guard);
}

/* ---- hop by hop -------------------------------------------------------- */

static void hop_by_hop_fields_are_left_out(void **state)
{
    static const char *const names[] = {
        "Connection", "Keep-Alive",          "Proxy-Authenticate",
        "Trailer",    "Proxy-Authorization", "Proxy-Connection",
        "TE",         "Transfer-Encoding",   "upgrade"};
    struct gateway *g = *state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(build_with_one(g, "Accept", "x"), FCGI_OK);
        size_t plain;
        (void)fcgi_cgi_params(g->cgi, &plain);
        size_t count;
        assert_int_equal(build_with_one(g, names[i], "x"), FCGI_OK);
        (void)fcgi_cgi_params(g->cgi, &count);
        assert_int_equal(count, plain - 1);
    }
}

/* What a proxy has added cannot be taken away by its client. */
static void fields_that_connection_names_are_passed_on(void **state)
{
    static const char *const fields[][2] = {{"Connection", "X-Real-IP, TE"},
                                            {"X-Real-IP", "192.0.2.1"},
                                            {"TE", "trailers"},
                                            {NULL, NULL}};
    struct gateway *g = *state;
    assert_int_equal(build_with(g, fields), FCGI_OK);
    gateway_assert(g, "HTTP_X_REAL_IP", "192.0.2.1");
    gateway_assert(g, "HTTP_TE", NULL);
    gateway_assert(g, "HTTP_CONNECTION", NULL);
}

static void fields_that_connection_names_are_left_out_on_request(void **state)
{
    static const char *const fields[][2] = {
        {"X-One", "1"},       {"Connection", "close, x-ONE ,,X-Two"},
        {"X-Two", "2"},       {"X-Three", "3"},
        {"X-One", "1 again"}, {"connection", "\tX-Four\t"},
        {"X-Four", "4"},      {"X", "5"},
        {"Close", "6"},       {NULL, NULL}};
    struct gateway *g = *state;
    g->site.drop_connection_named = true;
    assert_int_equal(build_with(g, fields), FCGI_OK);
    gateway_assert(g, "HTTP_X_ONE", NULL);
    gateway_assert(g, "HTTP_X_TWO", NULL);
    gateway_assert(g, "HTTP_X_FOUR", NULL);
    gateway_assert(g, "HTTP_CLOSE", NULL);
    gateway_assert(g, "HTTP_CONNECTION", NULL);
    gateway_assert(g, "HTTP_X_THREE", "3");
    gateway_assert(g, "HTTP_X", "5");
}

/* They say where the request goes and where it ends. */
static void connection_cannot_take_host_or_body_away(void **state)
{
    static const char *const fields[][2] = {
        {"Connection", "Host, Content-Length, Content-Type"},
        {"Host", "example.org"},
        {"Content-Length", "5"},
        {"Content-Type", "text/plain"},
        {NULL, NULL}};
    struct gateway *g = *state;
    g->site.drop_connection_named = true;
    assert_int_equal(build_with(g, fields), FCGI_OK);
    gateway_assert(g, "HTTP_HOST", "example.org");
    gateway_assert(g, "CONTENT_LENGTH", "5");
    gateway_assert(g, "CONTENT_TYPE", "text/plain");
}

/* ---- Host -------------------------------------------------------------- */

static void the_host_of_host_is_the_servers_name(void **state)
{
    static const char *const hosts[][2] = {
        {"example.org", "example.org"},
        {"EXAMPLE.org:8080", "EXAMPLE.org"},
        {"my_app-1:", "my_app-1"},
        {"127.0.0.1:80", "127.0.0.1"},
        {"[::1]", "[::1]"},
        {"[2001:DB8::1.2.3.4]:443", "[2001:DB8::1.2.3.4]"}};
    struct gateway *g = *state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        assert_int_equal(build_with_one(g, "Host", hosts[i][0]), FCGI_OK);
        gateway_assert(g, "HTTP_HOST", hosts[i][0]);
        gateway_assert(g, "SERVER_NAME", hosts[i][1]);
    }
}

static void a_malformed_host_is_refused(void **state)
{
    static const char *const hosts[] = {":80",     "a b",
                                        "a/b",     "a\\b",
                                        "u@h",     "a,b",
                                        "a?b",     "a#b",
                                        "a:b",     "a:-1",
                                        "a:+1",    "a:1:2",
                                        "[",       "[]",
                                        "[::1",    "::1",
                                        "[::1]x",  "[g]",
                                        "[::1]:x", " a",
                                        "a ",      "a\xc3\xa4",
                                        "a%62",    "<a>",
                                        "a'b",     "[fe80::1%25eth0]"};
    struct gateway *g = *state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        int rc = build_with_one(g, "Host", hosts[i]);
        if (rc != FCGI_ERR_BAD_REQUEST) {
            fail_msg("%s for: %s", fcgi_error_name(rc), hosts[i]);
        }
    }
    g->request.target = gateway_slice("http://example.org/");
    assert_int_equal(build_with_one(g, "Host", "a b"), FCGI_ERR_BAD_REQUEST);
}

static void a_repeated_host_is_refused(void **state)
{
    static const char *const same[][2] = {
        {"Host", "a"}, {"host", "a"}, {NULL, NULL}};
    static const char *const empty[][2] = {
        {"Host", ""}, {"Accept", "x"}, {"Host", "a"}, {NULL, NULL}};
    struct gateway *g = *state;
    assert_int_equal(build_with(g, same), FCGI_ERR_BAD_REQUEST);
    assert_int_equal(build_with(g, empty), FCGI_ERR_BAD_REQUEST);
    g->request.target = gateway_slice("http://b/");
    assert_int_equal(build_with(g, same), FCGI_ERR_BAD_REQUEST);
}

static void the_absolute_form_overrules_host(void **state)
{
    struct gateway *g = *state;
    g->request.target = gateway_slice("http://example.org:81/a.php");
    assert_int_equal(build_with_one(g, "Host", "other.org:82"), FCGI_OK);
    gateway_assert(g, "HTTP_HOST", "example.org:81");
    gateway_assert(g, "SERVER_NAME", "example.org");
    assert_int_equal(build_with_one(g, "Accept", "x"), FCGI_OK);
    gateway_assert(g, "HTTP_HOST", "example.org:81");
    gateway_assert(g, "SERVER_NAME", "example.org");
}

static void the_servers_name_is_told_or_else_found(void **state)
{
    struct gateway *g = *state;
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SERVER_NAME", NULL);
    gateway_assert(g, "HTTP_HOST", NULL);
    g->request.server_addr = gateway_slice("192.0.2.1");
    assert_int_equal(build_with_one(g, "Host", ""), FCGI_OK);
    gateway_assert(g, "SERVER_NAME", "192.0.2.1");
    gateway_assert(g, "HTTP_HOST", NULL);
    assert_int_equal(build_with_one(g, "Host", "b:80"), FCGI_OK);
    gateway_assert(g, "SERVER_NAME", "b");
    g->request.server_name = gateway_slice("c");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SERVER_NAME", "c");
    gateway_assert(g, "HTTP_HOST", "b:80");
}

/* RFC 3875, section 4.1.14, unlike SERVER_ADDR. */
static void an_address_of_version_6_is_a_name_in_brackets(void **state)
{
    struct gateway *g = *state;
    g->request.server_addr = gateway_slice("2001:db8::1");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SERVER_NAME", "[2001:db8::1]");
    gateway_assert(g, "SERVER_ADDR", "2001:db8::1");
}

/* ---- the body ---------------------------------------------------------- */

static void length_and_type_of_the_body_are_bare_variables(void **state)
{
    static const char *const fields[][2] = {
        {"content-type", "text/plain; charset=utf-8"},
        {"content-length", "0123"},
        {NULL, NULL}};
    struct gateway *g = *state;
    assert_int_equal(build_with(g, fields), FCGI_OK);
    gateway_assert(g, "CONTENT_TYPE", "text/plain; charset=utf-8");
    gateway_assert(g, "CONTENT_LENGTH", "123");
    gateway_assert(g, "HTTP_CONTENT_TYPE", NULL);
    gateway_assert(g, "HTTP_CONTENT_LENGTH", NULL);
}

static void without_a_body_there_is_no_content_length(void **state)
{
    struct gateway *g = *state;
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "CONTENT_LENGTH", NULL);
    gateway_assert(g, "CONTENT_TYPE", NULL);
    assert_int_equal(build_with_one(g, "Content-Length", "0"), FCGI_OK);
    gateway_assert(g, "CONTENT_LENGTH", "0");
}

static void what_is_no_length_is_refused(void **state)
{
    static const char *const lengths[] = {"",
                                          "-1",
                                          "+1",
                                          "1.0",
                                          "0x10",
                                          "1 ",
                                          " 1",
                                          "1,1",
                                          "1, 1",
                                          "1\t",
                                          "a",
                                          "1a",
                                          "1e3",
                                          "9223372036854775808",
                                          "99999999999999999999999999999999"};
    struct gateway *g = *state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        assert_int_equal(build_with_one(g, "Content-Length", lengths[i]),
                         FCGI_ERR_BAD_REQUEST);
    }
    assert_int_equal(build_with_one(g, "Content-Length", "922337203685477580"),
                     FCGI_OK);
    gateway_assert(g, "CONTENT_LENGTH", "922337203685477580");
}

static void content_length_may_be_repeated_but_not_contradicted(void **state)
{
    static const char *const same[][2] = {{"Content-Length", "5"},
                                          {"Accept", "x"},
                                          {"content-length", "5"},
                                          {NULL, NULL}};
    static const char *const other[][2] = {
        {"Content-Length", "5"}, {"Content-Length", "6"}, {NULL, NULL}};
    static const char *const zero[][2] = {{"Content-Length", "0"},
                                          {"Content-Length", "0"},
                                          {"Content-Length", "1"},
                                          {NULL, NULL}};
    struct gateway *g = *state;
    assert_int_equal(build_with(g, same), FCGI_OK);
    gateway_assert(g, "CONTENT_LENGTH", "5");
    assert_int_equal(build_with(g, other), FCGI_ERR_BAD_REQUEST);
    assert_int_equal(build_with(g, zero), FCGI_ERR_BAD_REQUEST);
    g->request.content_length = 5;
    assert_int_equal(build_with(g, other), FCGI_ERR_BAD_REQUEST);
}

static void content_length_beside_a_transfer_encoding_is_refused(void **state)
{
    static const char *const fields[][2] = {{"Transfer-Encoding", "chunked"},
                                            {"Content-Length", "5"},
                                            {NULL, NULL}};
    static const char *const zero[][2] = {{"Content-Length", "0"},
                                          {"Transfer-Encoding", "chunked"},
                                          {NULL, NULL}};
    struct gateway *g = *state;
    assert_int_equal(build_with(g, fields), FCGI_ERR_BAD_REQUEST);
    assert_int_equal(build_with(g, zero), FCGI_ERR_BAD_REQUEST);
    g->request.content_length = 5;
    assert_int_equal(build_with(g, fields), FCGI_ERR_BAD_REQUEST);
    g->request.content_length = -1;
    assert_int_equal(build_with(g, fields), FCGI_ERR_BAD_REQUEST);
    g->request.content_length = 5;
    assert_int_equal(build_with(g, fields + 1), FCGI_OK);
}

static void the_length_that_will_be_sent_overrules_the_field(void **state)
{
    struct gateway *g = *state;
    g->request.content_length = INT64_MAX;
    assert_int_equal(build_with_one(g, "Content-Length", "5"), FCGI_OK);
    gateway_assert(g, "CONTENT_LENGTH", "9223372036854775807");
    assert_int_equal(build_with_one(g, "Transfer-Encoding", "chunked"),
                     FCGI_OK);
    gateway_assert(g, "CONTENT_LENGTH", "9223372036854775807");
}

/* PHP reads no body then, and would not say so. */
static void a_body_of_unknown_length_is_told(void **state)
{
    struct gateway *g = *state;
    g->request.content_length = -1;
    assert_int_equal(build_with_one(g, "Content-Type", "text/plain"),
                     FCGI_ERR_LENGTH_REQUIRED);
    gateway_assert(g, "CONTENT_LENGTH", NULL);
    gateway_assert(g, "CONTENT_TYPE", "text/plain");
    gateway_assert(g, "SCRIPT_NAME", "/index.php");
    assert_int_equal(build_with_one(g, "Content-Length", "5"),
                     FCGI_ERR_LENGTH_REQUIRED);
    gateway_assert(g, "CONTENT_LENGTH", NULL);
}

/* Of two, one reader takes the first and another the last. */
static void a_repeated_content_type_is_refused(void **state)
{
    static const char *const fields[][2] = {{"Content-Type", "text/plain"},
                                            {"Content-Type", "text/html"},
                                            {NULL, NULL}};
    struct gateway *g = *state;
    assert_int_equal(build_with(g, fields), FCGI_ERR_BAD_REQUEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        gateway_test(a_field_becomes_a_variable_in_capitals),
        gateway_test(a_value_is_handed_on_byte_for_byte),
        gateway_test(proxy_is_never_handed_on),
        gateway_test(authorization_is_handed_on),
        gateway_test(what_is_no_name_is_refused),
        gateway_test(control_bytes_in_a_value_are_refused),
        gateway_test(names_that_fold_are_refused_by_default),
        gateway_test(names_that_fold_are_left_out_where_the_site_says_so),
        gateway_test(names_that_fold_are_one_variable_where_the_site_says_so),
        gateway_test(what_folds_passes_for_no_field_that_rules_the_body),
        gateway_test(repeated_fields_are_joined_in_the_order_they_came),
        gateway_test(cookies_are_joined_as_one_would_write_them),
        gateway_test(many_fields_each_find_their_like),
        gateway_test(very_many_fields_cost_no_more_than_their_bytes),
        gateway_test(nothing_is_read_behind_the_last_field),
        gateway_test(hop_by_hop_fields_are_left_out),
        gateway_test(fields_that_connection_names_are_passed_on),
        gateway_test(fields_that_connection_names_are_left_out_on_request),
        gateway_test(connection_cannot_take_host_or_body_away),
        gateway_test(the_host_of_host_is_the_servers_name),
        gateway_test(a_malformed_host_is_refused),
        gateway_test(a_repeated_host_is_refused),
        gateway_test(the_absolute_form_overrules_host),
        gateway_test(the_servers_name_is_told_or_else_found),
        gateway_test(an_address_of_version_6_is_a_name_in_brackets),
        gateway_test(length_and_type_of_the_body_are_bare_variables),
        gateway_test(without_a_body_there_is_no_content_length),
        gateway_test(what_is_no_length_is_refused),
        gateway_test(content_length_may_be_repeated_but_not_contradicted),
        gateway_test(content_length_beside_a_transfer_encoding_is_refused),
        gateway_test(the_length_that_will_be_sent_overrules_the_field),
        gateway_test(a_body_of_unknown_length_is_told),
        gateway_test(a_repeated_content_type_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
