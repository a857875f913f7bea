/*
 * Hosts that have rewritten a path, or know the script; and hosts that have all
 * variables but those of the fields.
 */
#include <string.h>

#include <fcgi_client/cgi.h>

#include "gateway.h"
#include "test.h"

static struct fcgi_cgi_rewrite rewrite;

/* A request for this target, of which the host gives nothing yet. */
static struct gateway *open_rewrite(void **state, const char *target)
{
    struct gateway *g = *state;
    memset(&rewrite, 0, sizeof(rewrite));
    gateway_anew(g);
    g->request.target = gateway_slice(target);
    g->request.rewrite = &rewrite;
    return g;
}

static int exists_asked(void *context, const char *path)
{
    strcpy(context, path);
    return 1;
}

static size_t count_of(const struct gateway *g)
{
    size_t count;
    (void)fcgi_cgi_params(g->cgi, &count);
    return count;
}

/* ---- a path ------------------------------------------------------------ */

static void a_rewritten_path_is_taken_for_the_targets(void **state)
{
    struct gateway *g = open_rewrite(state, "/about%20us?x=1");
    rewrite.path = gateway_slice("/page.php/about us");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "/page.php");
    gateway_assert(g, "SCRIPT_FILENAME", "/srv/www/page.php");
    gateway_assert(g, "PATH_INFO", "/about us");
    gateway_assert(g, "DOCUMENT_URI", "/page.php/about us");
    gateway_assert(g, "REQUEST_URI", "/about%20us?x=1");
    gateway_assert(g, "QUERY_STRING", "x=1");
}

static void a_rewritten_path_is_not_decoded_again(void **state)
{
    struct gateway *g = open_rewrite(state, "/x");
    rewrite.path = gateway_slice("/a.php/%41%zz?#//b ");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "/a.php");
    gateway_assert(g, "PATH_INFO", "/%41%zz?#//b ");
}

static void a_rewritten_path_is_held_against_the_site(void **state)
{
    char asked[64] = "";
    struct gateway *g = open_rewrite(state, "/x");
    rewrite.path = gateway_slice("/shop/");
    g->site.exists = exists_asked;
    g->site.exists_context = asked;
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "/shop/index.php");
    assert_string_equal(asked, "/shop/index.php");
    g->site.exists = NULL;
    g->site.mount = "/shop";
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "/shop");
    gateway_assert(g, "PATH_INFO", "/");
    g->site.mount = "/x";
    assert_int_equal(gateway_build(g), FCGI_ERR_NOT_FOUND);
}

/* The host has made something of a path that nobody else could. */
static void the_path_of_the_target_counts_no_more(void **state)
{
    struct gateway *g = open_rewrite(state, "/a/../../%zz");
    assert_int_equal(gateway_build(g), FCGI_ERR_BAD_REQUEST);
    rewrite.path = gateway_slice("/a.php");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "/a.php");
    gateway_assert(g, "REQUEST_URI", "/a/../../%zz");
    g->request.target = gateway_slice("/a b");
    assert_int_equal(gateway_build(g), FCGI_ERR_BAD_REQUEST);
}

static void a_rewritten_query_takes_the_place_of_the_targets(void **state)
{
    struct gateway *g = open_rewrite(state, "/about?x=1");
    rewrite.query = gateway_slice("page=about&x=1");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "QUERY_STRING", "page=about&x=1");
    gateway_assert(g, "REQUEST_URI", "/about?x=1");
    rewrite.query = gateway_slice("");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "QUERY_STRING", "");
}

static void nothing_given_changes_nothing(void **state)
{
    struct gateway *g = open_rewrite(state, "/a.php/b?c");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "/a.php");
    gateway_assert(g, "PATH_INFO", "/b");
    gateway_assert(g, "QUERY_STRING", "c");
    gateway_assert(g, "SCRIPT_FILENAME", "/srv/www/a.php");
}

/* ---- a script ---------------------------------------------------------- */

static void a_script_that_is_given_is_not_looked_for(void **state)
{
    char asked[64] = "";
    struct gateway *g = open_rewrite(state, "/x/y.php/z");
    g->site.exists = exists_asked;
    g->site.exists_context = asked;
    rewrite.script_name = gateway_slice("/x");
    rewrite.path_info = gateway_slice("/y.php/z");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "/x");
    gateway_assert(g, "PATH_INFO", "/y.php/z");
    gateway_assert(g, "DOCUMENT_URI", "/x/y.php/z");
    gateway_assert(g, "SCRIPT_FILENAME", "/srv/www/x");
    gateway_assert(g, "PATH_TRANSLATED", "/srv/www/y.php/z");
    assert_string_equal(asked, "");
}

static void script_and_path_info_may_be_empty(void **state)
{
    struct gateway *g = open_rewrite(state, "/a.php/b");
    rewrite.script_name = gateway_slice("");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "");
    gateway_assert(g, "SCRIPT_FILENAME", NULL);
    gateway_assert(g, "PATH_INFO", NULL);
    rewrite.path_info = gateway_slice("");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "PATH_INFO", "");
    gateway_assert(g, "PATH_TRANSLATED", NULL);
}

/* Of an alias, say. */
static void a_script_may_be_outside_the_root(void **state)
{
    struct gateway *g = open_rewrite(state, "/phpmyadmin/index.php/a");
    rewrite.script_filename = gateway_slice("/usr/share/pma/index.php");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SCRIPT_FILENAME", "/usr/share/pma/index.php");
    gateway_assert(g, "SCRIPT_NAME", "/phpmyadmin/index.php");
    gateway_assert(g, "PATH_INFO", "/a");
    rewrite.script_filename = gateway_slice("");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SCRIPT_FILENAME", NULL);
}

static void a_given_script_of_a_mount_is_run_by_its_program(void **state)
{
    struct gateway *g = open_rewrite(state, "/elsewhere");
    g->site.mount = "/git";
    g->site.script = "/usr/bin/backend";
    rewrite.script_name = gateway_slice("/code");
    rewrite.path_info = gateway_slice("/x.git");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "/code");
    gateway_assert(g, "PATH_INFO", "/x.git");
    gateway_assert(g, "SCRIPT_FILENAME", "/usr/bin/backend");
    rewrite.script_filename = gateway_slice("/usr/bin/other");
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SCRIPT_FILENAME", "/usr/bin/other");
}

/* ---- what is refused --------------------------------------------------- */

static void paths_that_lead_up_or_nowhere_are_refused(void **state)
{
    static const char *const paths[] = {
        "a.php",  "..",          "/..",       "/a/../b", "/../a",    "/a/..",
        "/a\\..", "/..\\a",      "\\a",       "/a\n",    "/a\tb",    "/\x7f",
        "\\..\\", "/a/b/../../", "/\\..\\..", "\r/a",    "http://h/"};
    struct gateway *g = open_rewrite(state, "/");
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        memset(&rewrite, 0, sizeof(rewrite));
        rewrite.path = gateway_slice(paths[i]);
        assert_int_equal(gateway_build(g), FCGI_ERR_BAD_REQUEST);
        rewrite.path.data = NULL;
        rewrite.path.len = 0;
        rewrite.script_name = gateway_slice(paths[i]);
        assert_int_equal(gateway_build(g), FCGI_ERR_BAD_REQUEST);
        rewrite.path_info = gateway_slice(paths[i]);
        rewrite.script_name = gateway_slice("/a.php");
        assert_int_equal(gateway_build(g), FCGI_ERR_BAD_REQUEST);
    }
    memset(&rewrite, 0, sizeof(rewrite));
    rewrite.path = gateway_slice("");
    assert_int_equal(gateway_build(g), FCGI_ERR_BAD_REQUEST);
}

static void dots_that_lead_nowhere_else_are_allowed(void **state)
{
    static const char *const paths[] = {"/...", "/a..", "/..a", "/a/.../b..",
                                        "/.",   "/a.",  "/.\\", "/\\..a"};
    struct gateway *g = open_rewrite(state, "/");
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        rewrite.script_name = gateway_slice(paths[i]);
        assert_int_equal(gateway_build(g), FCGI_OK);
        gateway_assert(g, "SCRIPT_NAME", paths[i]);
    }
}

static void control_bytes_are_refused_in_the_rest_too(void **state)
{
    struct gateway *g = open_rewrite(state, "/");
    rewrite.query = gateway_slice("a\nb");
    assert_int_equal(gateway_build(g), FCGI_ERR_BAD_REQUEST);
    rewrite.query = gateway_slice("");
    rewrite.script_filename = (struct fcgi_slice){"/a\0b", 4};
    assert_int_equal(gateway_build(g), FCGI_ERR_BAD_REQUEST);
}

static void what_is_not_there_or_does_not_go_together_is_refused(void **state)
{
    struct gateway *g = open_rewrite(state, "/");
    struct fcgi_slice *const slices[] = {
        &rewrite.path, &rewrite.query, &rewrite.script_name, &rewrite.path_info,
        &rewrite.script_filename};
    for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
        memset(&rewrite, 0, sizeof(rewrite));
        rewrite.script_name = gateway_slice("/a");
        *slices[i] = (struct fcgi_slice){NULL, 1};
        assert_int_equal(gateway_build(g), FCGI_ERR_ARGUMENT);
    }
    memset(&rewrite, 0, sizeof(rewrite));
    rewrite.path_info = gateway_slice("/a");
    assert_int_equal(gateway_build(g), FCGI_ERR_ARGUMENT);
}

/* ---- the fields alone -------------------------------------------------- */

static void fields_alone_become_variables_by_the_same_rules(void **state)
{
    struct gateway *g = *state;
    memset(&g->site, 0, sizeof(g->site));
    g->site.folding = FCGI_CGI_FOLDING_DROP;
    g->request = (struct fcgi_cgi_request){.fields = g->fields};
    gateway_field(g, "Host", "example.org:80");
    gateway_field(g, "Proxy", "http://evil/");
    gateway_field(g, "X_Y", "a");
    gateway_field(g, "Cookie", "a=1");
    gateway_field(g, "Connection", "keep-alive");
    gateway_field(g, "cookie", "b=2");
    gateway_field(g, "Content-Type", "text/plain");
    gateway_field(g, "Content-Length", "12");
    assert_int_equal(fcgi_cgi_build_fields(g->cgi, &g->site, &g->request),
                     FCGI_OK);
    gateway_assert(g, "HTTP_HOST", "example.org:80");
    gateway_assert(g, "HTTP_COOKIE", "a=1; b=2");
    gateway_assert(g, "CONTENT_TYPE", "text/plain");
    gateway_assert(g, "CONTENT_LENGTH", "12");
    assert_int_equal(count_of(g), 4);
}

static void a_hosts_own_variables_are_added_to_those_of_the_fields(void **state)
{
    struct gateway *g = *state;
    gateway_field(g, "Accept", "text/html");
    gateway_field(g, "Proxy", "http://evil/");
    assert_int_equal(fcgi_cgi_build_fields(g->cgi, NULL, &g->request), FCGI_OK);
    assert_int_equal(fcgi_cgi_set(g->cgi, "SCRIPT_FILENAME", "/a.php"),
                     FCGI_OK);
    assert_int_equal(fcgi_cgi_set(g->cgi, "REQUEST_METHOD", "GET"), FCGI_OK);
    gateway_assert(g, "HTTP_ACCEPT", "text/html");
    gateway_assert(g, "SCRIPT_FILENAME", "/a.php");
    assert_int_equal(count_of(g), 3);
}

static void fields_alone_take_the_place_of_the_request_before(void **state)
{
    struct gateway *g = *state;
    gateway_field(g, "Host", "a");
    assert_int_equal(gateway_get(g, "http://b/a.php/c"), FCGI_OK);
    gateway_assert(g, "HTTP_HOST", "b");
    assert_int_equal(fcgi_cgi_build_fields(g->cgi, NULL, &g->request), FCGI_OK);
    gateway_assert(g, "HTTP_HOST", "a");
    assert_int_equal(count_of(g), 1);
    g->request.field_count = 0;
    assert_int_equal(fcgi_cgi_build_fields(g->cgi, NULL, &g->request), FCGI_OK);
    assert_int_equal(count_of(g), 0);
}

static int build_fields_with(struct gateway *g, const char *name,
                             const char *value)
{
    g->request.field_count = 0;
    gateway_field(g, name, value);
    return fcgi_cgi_build_fields(g->cgi, NULL, &g->request);
}

static void fields_alone_are_refused_by_the_same_rules(void **state)
{
    struct gateway *g = *state;
    assert_int_equal(gateway_build(g), FCGI_OK);
    assert_int_equal(build_fields_with(g, "A b", "c"), FCGI_ERR_BAD_REQUEST);
    assert_int_equal(count_of(g), 0);
    assert_int_equal(build_fields_with(g, "A_b", "c"), FCGI_ERR_BAD_REQUEST);
    assert_int_equal(build_fields_with(g, "Host", "a b"), FCGI_ERR_BAD_REQUEST);
    assert_int_equal(build_fields_with(g, "Host", ":80"), FCGI_ERR_BAD_REQUEST);
    assert_int_equal(build_fields_with(g, "Content-Length", "x"),
                     FCGI_ERR_BAD_REQUEST);
    assert_int_equal(count_of(g), 0);
}

static void a_length_is_told_with_the_fields_alone(void **state)
{
    struct gateway *g = *state;
    g->request.content_length = -1;
    assert_int_equal(build_fields_with(g, "Accept", "x"),
                     FCGI_ERR_LENGTH_REQUIRED);
    gateway_assert(g, "HTTP_ACCEPT", "x");
    g->request.content_length = 7;
    assert_int_equal(build_fields_with(g, "Accept", "x"), FCGI_OK);
    gateway_assert(g, "CONTENT_LENGTH", "7");
}

static void null_is_refused_with_the_fields_alone(void **state)
{
    struct gateway *g = *state;
    assert_int_equal(fcgi_cgi_build_fields(NULL, NULL, &g->request),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_cgi_build_fields(g->cgi, NULL, NULL),
                     FCGI_ERR_ARGUMENT);
    g->request.content_length = -2;
    assert_int_equal(build_fields_with(g, "A", "b"), FCGI_ERR_ARGUMENT);
    g->request.content_length = 0;
    g->site.folding = (enum fcgi_cgi_folding)3;
    assert_int_equal(fcgi_cgi_build_fields(g->cgi, &g->site, &g->request),
                     FCGI_ERR_ARGUMENT);
    g->request.fields = NULL;
    assert_int_equal(fcgi_cgi_build_fields(g->cgi, NULL, &g->request),
                     FCGI_ERR_ARGUMENT);
}

static void any_allocation_may_fail_for_the_fields_alone(void **state)
{
    static char value[3000];
    struct gateway *g = *state;
    memset(value, 'x', sizeof(value) - 1);
    for (size_t k = 1;; k++) {
        gateway_anew(g);
        g->memory.fail_at = g->memory.calls + k;
        int rc = build_fields_with(g, "Accept", value);
        if (rc == FCGI_OK) {
            assert_true(k > 3);
            break;
        }
        assert_int_equal(rc, FCGI_ERR_NO_MEMORY);
        assert_int_equal(count_of(g), 0);
    }
    gateway_assert(g, "HTTP_ACCEPT", value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        gateway_test(a_rewritten_path_is_taken_for_the_targets),
        gateway_test(a_rewritten_path_is_not_decoded_again),
        gateway_test(a_rewritten_path_is_held_against_the_site),
        gateway_test(the_path_of_the_target_counts_no_more),
        gateway_test(a_rewritten_query_takes_the_place_of_the_targets),
        gateway_test(nothing_given_changes_nothing),
        gateway_test(a_script_that_is_given_is_not_looked_for),
        gateway_test(script_and_path_info_may_be_empty),
        gateway_test(a_script_may_be_outside_the_root),
        gateway_test(a_given_script_of_a_mount_is_run_by_its_program),
        gateway_test(paths_that_lead_up_or_nowhere_are_refused),
        gateway_test(dots_that_lead_nowhere_else_are_allowed),
        gateway_test(control_bytes_are_refused_in_the_rest_too),
        gateway_test(what_is_not_there_or_does_not_go_together_is_refused),
        gateway_test(fields_alone_become_variables_by_the_same_rules),
        gateway_test(a_hosts_own_variables_are_added_to_those_of_the_fields),
        gateway_test(fields_alone_take_the_place_of_the_request_before),
        gateway_test(fields_alone_are_refused_by_the_same_rules),
        gateway_test(a_length_is_told_with_the_fields_alone),
        gateway_test(null_is_refused_with_the_fields_alone),
        gateway_test(any_allocation_may_fail_for_the_fields_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
