/*
 * From the target of a request to the script, its path information and its
 * query: which there are, and which targets are refused.
 */
#include <stdlib.h>
#include <string.h>

#include <fcgi_client/cgi.h>

#include "gateway.h"
#include "guard.h"
#include "test.h"

/* What a target comes to. */
struct split {
    const char *target;
    const char *script_name; /* NULL: the target is refused */
    const char *path_info;   /* NULL: none */
};

static void assert_refused(struct gateway *g, const char *target)
{
    int rc = gateway_get(g, target);
    if (rc != FCGI_ERR_BAD_REQUEST) {
        fail_msg("%s for: %s", fcgi_error_name(rc), target);
    }
}

static void assert_split(struct gateway *g, const struct split *want)
{
    int rc = gateway_get(g, want->target);
    if (rc != FCGI_OK) {
        fail_msg("%s for: %s", fcgi_error_name(rc), want->target);
    }
    gateway_assert(g, "SCRIPT_NAME", want->script_name);
    gateway_assert(g, "PATH_INFO", want->path_info);
    if (want->target[0] == '/') {
        gateway_assert(g, "REQUEST_URI", want->target);
    }
}

static void assert_splits(void **state, const struct split *splits,
                          size_t count)
{
    struct gateway *g = *state;
    gateway_anew(g);
    for (size_t i = 0; i < count; i++) {
        if (splits[i].script_name == NULL) {
            assert_refused(g, splits[i].target);
        } else {
            assert_split(g, &splits[i]);
        }
    }
}

#define ASSERT_SPLITS(state, splits)                                           \
    assert_splits((state), splits, sizeof(splits) / sizeof((splits)[0]))

/* ---- which script ------------------------------------------------------ */

static void a_script_is_split_from_the_path_behind_it(void **state)
{
    static const struct split splits[] = {
        {"/a.php", "/a.php", NULL},
        {"/a.php/", "/a.php", "/"},
        {"/a.php/x", "/a.php", "/x"},
        {"/a.php/x/y.html/", "/a.php", "/x/y.html/"},
        {"/a/b/c.php/d", "/a/b/c.php", "/d"},
        {"/a.php/b.php", "/a.php", "/b.php"},
        {"/a.php5/b.php/c", "/a.php5/b.php", "/c"},
        {"/a.phpx", "/index.php", NULL},
        {"/aphp", "/index.php", NULL},
        {"/php", "/index.php", NULL},
        {"/.php", "/.php", NULL},
    };
    ASSERT_SPLITS(state, splits);
}

static void the_extension_counts_in_any_case_of_letters(void **state)
{
    static const struct split splits[] = {
        {"/A.PHP", "/A.PHP", NULL},
        {"/a.Php/X.php", "/a.Php", "/X.php"},
        {"/a.%50hP/x", "/a.PhP", "/x"},
    };
    ASSERT_SPLITS(state, splits);
}

static void a_directory_is_answered_by_its_index(void **state)
{
    static const struct split splits[] = {
        {"/", "/index.php", NULL},
        {"/admin/", "/admin/index.php", NULL},
        {"/a/b/c/", "/a/b/c/index.php", NULL},
        {"/a/b/..", "/a/index.php", NULL},
        {"/a/.", "/a/index.php", NULL},
        {"/a/..", "/index.php", NULL},
    };
    ASSERT_SPLITS(state, splits);
}

/* As a front controller expects it: it reads REQUEST_URI. */
static void what_names_no_script_is_for_the_index_at_the_root(void **state)
{
    static const struct split splits[] = {
        {"/api/users", "/index.php", NULL},
        {"/api/users/7?full", "/index.php", NULL},
        {"/style.css", "/index.php", NULL},
        {"/a%20b", "/index.php", NULL},
    };
    ASSERT_SPLITS(state, splits);
}

static void index_and_extension_are_the_sites(void **state)
{
    struct gateway *g = *state;
    g->site.index = "app.cgi";
    g->site.extension = ".cgi";
    assert_int_equal(gateway_get(g, "/a.php/b.CGI/c"), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "/a.php/b.CGI");
    gateway_assert(g, "PATH_INFO", "/c");
    assert_int_equal(gateway_get(g, "/a/"), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "/a/app.cgi");
    assert_int_equal(gateway_get(g, "/a"), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "/app.cgi");
}

/* Where scripts end in nothing, any name is one, but not what stands between
 * two slashes without one. */
static void with_an_empty_extension_the_first_name_is_the_script(void **state)
{
    struct gateway *g = *state;
    g->site.extension = "";
    assert_int_equal(gateway_get(g, "/run/now"), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "/run");
    gateway_assert(g, "PATH_INFO", "/now");
    assert_int_equal(gateway_get(g, "/"), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "/index.php");
}

static void files_are_below_the_root(void **state)
{
    struct gateway *g = *state;
    assert_int_equal(gateway_get(g, "/a/b.php/c/d?e=f"), FCGI_OK);
    gateway_assert(g, "DOCUMENT_ROOT", "/srv/www");
    gateway_assert(g, "SCRIPT_FILENAME", "/srv/www/a/b.php");
    gateway_assert(g, "PATH_TRANSLATED", "/srv/www/c/d");
    gateway_assert(g, "DOCUMENT_URI", "/a/b.php/c/d");
    assert_int_equal(gateway_get(g, "/a/"), FCGI_OK);
    gateway_assert(g, "SCRIPT_FILENAME", "/srv/www/a/index.php");
    gateway_assert(g, "DOCUMENT_URI", "/a/index.php");
    gateway_assert(g, "PATH_TRANSLATED", NULL);
}

static void a_root_may_end_in_a_slash(void **state)
{
    struct gateway *g = *state;
    g->site.root = "/srv/www//";
    assert_int_equal(gateway_get(g, "/a.php/b"), FCGI_OK);
    gateway_assert(g, "DOCUMENT_ROOT", "/srv/www");
    gateway_assert(g, "SCRIPT_FILENAME", "/srv/www/a.php");
    gateway_assert(g, "PATH_TRANSLATED", "/srv/www/b");
    g->site.root = "/";
    assert_int_equal(gateway_get(g, "/a.php/b"), FCGI_OK);
    gateway_assert(g, "DOCUMENT_ROOT", "/");
    gateway_assert(g, "SCRIPT_FILENAME", "/a.php");
    gateway_assert(g, "PATH_TRANSLATED", "/b");
}

/* ---- the query --------------------------------------------------------- */

static void the_query_is_what_follows_the_first_question_mark(void **state)
{
    static const char *const queries[][2] = {
        {"/a.php?b=c", "b=c"},     {"/a.php", ""},
        {"/a.php?", ""},           {"/a.php??b?c", "?b?c"},
        {"/x?a.php/b", "a.php/b"}, {"/a.php?%zz%00/../..", "%zz%00/../.."},
        {"/%3Fa?b", "b"},          {"/a.php?x=%2e%2e\\", "x=%2e%2e\\"},
    };
    struct gateway *g = *state;
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        assert_int_equal(gateway_get(g, queries[i][0]), FCGI_OK);
        gateway_assert(g, "QUERY_STRING", queries[i][1]);
        gateway_assert(g, "REQUEST_URI", queries[i][0]);
    }
}

/* ---- decoding ---------------------------------------------------------- */

static void a_path_is_decoded_once(void **state)
{
    static const struct split splits[] = {
        {"/%61.php/%62%20c", "/a.php", "/b c"},
        {"/a%2ephp/b", "/a.php", "/b"},
        {"/a.php/%2562", "/a.php", "/%62"},
        {"/a.php/%253f%23%3F+", "/a.php", "/%3f#?+"},
        {"/a.php/%c3%A4\xc3\xa4", "/a.php", "/\xc3\xa4\xc3\xa4"},
        {"/a.php/%252e%252e/%252e%252e/b", "/a.php", "/%2e%2e/%2e%2e/b"},
    };
    ASSERT_SPLITS(state, splits);
}

static void what_is_no_encoding_is_refused(void **state)
{
    static const struct split splits[] = {
        {"/%", NULL, NULL},       {"/a.php/%4", NULL, NULL},
        {"/%zz", NULL, NULL},     {"/%4g", NULL, NULL},
        {"/%g4", NULL, NULL},     {"/%%34", NULL, NULL},
        {"/%-1", NULL, NULL},     {"/a%?41", NULL, NULL},
        {"/%u002e", NULL, NULL},  {"/% 41", NULL, NULL},
        {"/a.php/%", NULL, NULL}, {"/%\xe1\xe1", NULL, NULL},
    };
    ASSERT_SPLITS(state, splits);
}

static void control_bytes_are_refused_encoded_or_not(void **state)
{
    struct gateway *g = *state;
    for (unsigned byte = 0; byte < 256; byte++) {
        static const char hex[] = "0123456789abcdef";
        char raw[] = "/a.php/?";
        char encoded[] = "/a.php/%..";
        int want = byte < 0x20 || byte == 0x7f ? FCGI_ERR_BAD_REQUEST : FCGI_OK;
        encoded[8] = hex[byte / 16];
        encoded[9] = hex[byte % 16];
        assert_int_equal(gateway_get(g, encoded), want);
        raw[7] = (char)byte;
        g->request.target = (struct fcgi_slice){raw, 8};
        if (byte != '%') {
            want = byte == ' ' || byte == '#' ? FCGI_ERR_BAD_REQUEST : want;
            assert_int_equal(gateway_build(g), want);
        }
    }
}

static void control_bytes_and_spaces_are_refused_in_the_query_too(void **state)
{
    static const char bytes[] = "\0\t\r\n \x1b\x7f#";
    struct gateway *g = *state;
    for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
        char target[] = "/a.php?x?y";
        target[8] = bytes[i];
        g->request.target = (struct fcgi_slice){target, 10};
        assert_int_equal(gateway_build(g), FCGI_ERR_BAD_REQUEST);
    }
}

/* ---- dots and slashes -------------------------------------------------- */

static void dots_are_resolved_after_decoding(void **state)
{
    static const struct split splits[] = {
        {"/a/../b.php", "/b.php", NULL},
        {"/a/%2e%2e/b.php", "/b.php", NULL},
        {"/a/.%2E/b.php", "/b.php", NULL},
        {"/./a/./b/../c.php/./d/../e", "/a/c.php", "/e"},
        {"/a.php/../b.php", "/b.php", NULL},
        {"/a.php/x/..", "/a.php", "/"},
        {"/a.php/..", "/index.php", NULL},
        {"/a.php/.", "/a.php", "/"},
        {"/a/b/../../c.php", "/c.php", NULL},
        {"/a.php/.../.x/..y/z./w..", "/a.php", "/.../.x/..y/z./w.."},
    };
    ASSERT_SPLITS(state, splits);
}

static void leaving_the_root_is_refused(void **state)
{
    static const struct split splits[] = {
        {"/..", NULL, NULL},
        {"/../", NULL, NULL},
        {"/../a.php", NULL, NULL},
        {"/a/../../b.php", NULL, NULL},
        {"/a/../../srv/www/b.php", NULL, NULL},
        {"/%2e%2e/a.php", NULL, NULL},
        {"/%2E%2E/%2e./a.php", NULL, NULL},
        {"//../a.php", NULL, NULL},
        {"/./../a.php", NULL, NULL},
        {"/a.php/../../b", NULL, NULL},
        {"http://h/../a.php", NULL, NULL},
    };
    ASSERT_SPLITS(state, splits);
}

static void slashes_in_a_row_count_as_one(void **state)
{
    static const struct split splits[] = {
        {"//a.php", "/a.php", NULL},
        {"/a//b.php///c//", "/a/b.php", "/c/"},
        {"//host/a.php", "/host/a.php", NULL},
        {"////", "/index.php", NULL},
        {"/a//../b.php", "/b.php", NULL},
        {"/a/%2f/b.php", "/a/b.php", NULL},
    };
    ASSERT_SPLITS(state, splits);
}

/* One reader resolves the dots before it decodes, another afterwards. */
static void an_encoded_slash_is_refused_beside_dots(void **state)
{
    static const struct split splits[] = {
        {"/a.php/b%2fc", "/a.php", "/b/c"},
        {"/a%2Fb.php", "/a/b.php", NULL},
        {"/%2f..", NULL, NULL},
        {"/a%2f..%2f..%2fetc/passwd", NULL, NULL},
        {"/a%2f../b.php", NULL, NULL},
        {"/a/..%2fb.php", NULL, NULL},
        {"/a/%2e%2e%2Fb.php", NULL, NULL},
        {"/a%2fb/../c.php", NULL, NULL},
        {"/a/../b%2fc.php", NULL, NULL},
        {"/a%2f./b.php", NULL, NULL},
        {"/a%2f.", NULL, NULL},
        {"/a%2f..", NULL, NULL},
    };
    ASSERT_SPLITS(state, splits);
}

/* It parts names where the application runs on Windows. */
static void a_backslash_is_refused_beside_dots(void **state)
{
    static const struct split splits[] = {
        {"/a.php/App%5cUser", "/a.php", "/App\\User"},
        {"/a.php/App\\User", "/a.php", "/App\\User"},
        {"/..\\a.php", NULL, NULL},
        {"/a\\..\\..\\b.php", NULL, NULL},
        {"/a%5c..%5cb.php", NULL, NULL},
        {"/a%5C%2e%2e/b.php", NULL, NULL},
        {"/a\\b/../c.php", NULL, NULL},
        {"/\\..", NULL, NULL},
        {"/..%5c", NULL, NULL},
    };
    ASSERT_SPLITS(state, splits);
}

/* Each has led some server astray. */
static void nasty_targets_come_to_what_they_say_or_to_nothing(void **state)
{
    static const struct split splits[] = {
        {"/..;/a.php", "/..;/a.php", NULL},
        {"/a/..;/..;/b.php", "/a/..;/..;/b.php", NULL},
        {"/a.php;x=y/b", "/index.php", NULL},
        {"/a.php%00.html", NULL, NULL},
        {"/a.php%00", NULL, NULL},
        {"/a.php/%0d%0aSet-Cookie:x", NULL, NULL},
        {"/a.php/%0Ax", NULL, NULL},
        {"/a.php%20", "/index.php", NULL},
        {"/a.php.", "/index.php", NULL},
        {"/a.php::$DATA", "/index.php", NULL},
        {"/a.php%3a", "/index.php", NULL},
        {"/x.jpg/.php", "/x.jpg/.php", NULL},
        {"/%c0%ae%c0%ae/a.php", "/\xc0\xae\xc0\xae/a.php", NULL},
        {"/%c0%af../a.php", "/\xc0\xaf../a.php", NULL},
        {"/%uff0e%uff0e/a.php", NULL, NULL},
        {"/%252e%252e%252fa.php", "/%2e%2e%2fa.php", NULL},
        {"/.../a.php", "/.../a.php", NULL},
        {"/a.php/%7f", NULL, NULL},
        {"/a.php/~%7E", "/a.php", "/~~"},
    };
    ASSERT_SPLITS(state, splits);
}

/* ---- other forms ------------------------------------------------------- */

static void what_starts_with_no_slash_is_refused(void **state)
{
    static const struct split splits[] = {
        {"", NULL, NULL},
        {"a.php", NULL, NULL},
        {"?a=b", NULL, NULL},
        {"%2fa.php", NULL, NULL},
        {"\\a.php", NULL, NULL},
        {"../a.php", NULL, NULL},
        {"host:443", NULL, NULL},
        {"**", NULL, NULL},
        {"*/a.php", NULL, NULL},
        {"ftp://h/a.php", NULL, NULL},
        {"file:///a.php", NULL, NULL},
        {"http:/a.php", NULL, NULL},
        {"http:", NULL, NULL},
        {" /a.php", NULL, NULL},
    };
    ASSERT_SPLITS(state, splits);
}

static void a_fragment_is_refused(void **state)
{
    static const struct split splits[] = {
        {"/a.php#b", NULL, NULL},
        {"/a.php?b#c", NULL, NULL},
        {"http://h#a", NULL, NULL},
        {"/a.php/%23b", "/a.php", "/#b"},
    };
    ASSERT_SPLITS(state, splits);
}

static void the_absolute_form_says_host_and_path(void **state)
{
    static const struct split splits[] = {
        {"http://example.org/a.php/b", "/a.php", "/b"},
        {"HTTPS://example.org:8443/a/", "/a/index.php", NULL},
        {"http://example.org", "/index.php", NULL},
        {"http://example.org?/a.php", "/index.php", NULL},
        {"http://[::1]:80/a.php", "/a.php", NULL},
        {"http://h:8/a.php", "/a.php", NULL},
        {"http://h:/a.php", "/a.php", NULL},
        {"http://h/http://g/a.php", "/http:/g/a.php", NULL},
    };
    ASSERT_SPLITS(state, splits);
}

/* Programs look for a path in REQUEST_URI, and do not expect a host. */
static void the_absolute_form_becomes_the_origin_form(void **state)
{
    static const char *const uris[][3] = {
        {"http://shop.test/cart/7?x=1", "/cart/7?x=1", "x=1"},
        {"HTTPS://h:8443/a%20b/..//c?", "/a%20b/..//c?", ""},
        {"http://h", "/", ""},
        {"http://h/", "/", ""},
        {"http://h?a=/b", "/?a=/b", "a=/b"},
        {"http://h?", "/?", ""},
        {"http://h/http://g/?http://i/", "/http://g/?http://i/", "http://i/"},
    };
    struct gateway *g = *state;
    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        assert_int_equal(gateway_get(g, uris[i][0]), FCGI_OK);
        gateway_assert(g, "REQUEST_URI", uris[i][1]);
        gateway_assert(g, "QUERY_STRING", uris[i][2]);
    }
    gateway_field(g, "Host", "other.test");
    assert_int_equal(gateway_get(g, uris[0][0]), FCGI_OK);
    gateway_assert(g, "HTTP_HOST", "shop.test");
    gateway_assert(g, "SERVER_NAME", "shop.test");
}

static void an_absolute_form_without_a_sound_host_is_refused(void **state)
{
    static const struct split splits[] = {
        {"http://", NULL, NULL},          {"http:///a.php", NULL, NULL},
        {"http://:80/a.php", NULL, NULL}, {"http://u@h/a.php", NULL, NULL},
        {"http://h:x/", NULL, NULL},      {"http://[::1/", NULL, NULL},
        {"http://[]/", NULL, NULL},       {"http://[::1]x/", NULL, NULL},
        {"http://h\\/a.php", NULL, NULL}, {"http://a%62/", NULL, NULL},
        {"http://?a", NULL, NULL},        {"http://h:1:2/", NULL, NULL},
        {"http://h:8x/", NULL, NULL},
    };
    ASSERT_SPLITS(state, splits);
}

static void the_asterisk_is_for_options_alone(void **state)
{
    struct gateway *g = *state;
    assert_refused(g, "*");
    g->request.method = gateway_slice("options");
    assert_refused(g, "*");
    g->request.method = gateway_slice("OPTIONS");
    assert_int_equal(gateway_get(g, "*"), FCGI_OK);
    gateway_assert(g, "REQUEST_URI", "*");
    gateway_assert(g, "SCRIPT_NAME", "/index.php");
    gateway_assert(g, "QUERY_STRING", "");
    gateway_assert(g, "PATH_INFO", NULL);
    assert_refused(g, "*?a");
    assert_refused(g, "");
}

/* ---- length ------------------------------------------------------------ */

static void a_target_may_be_very_long(void **state)
{
    const size_t len = (size_t)1 << 20;
    char *target = malloc(len);
    struct gateway *g = *state;
    assert_non_null(target);
    for (size_t i = 0; i < len; i++) {
        target[i] = "/a.php/%62"[i < 7 ? i : 7 + (i - 7) % 3];
    }
    g->request.target = (struct fcgi_slice){target, 7 + (len - 7) / 3 * 3};
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "/a.php");
    const struct fcgi_param *info = gateway_find(g, "PATH_INFO");
    assert_int_equal(info->value_len, 1 + (len - 7) / 3);
    assert_int_equal(info->value[info->value_len - 1], 'b');
    free(target);
}

/* The path is resolved step by step: many steps down, as many up. */
static void a_path_may_have_very_many_dots(void **state)
{
    const size_t steps = 100000;
    char *target = malloc(steps * 5 + 1);
    struct gateway *g = *state;
    assert_non_null(target);
    for (size_t i = 0; i < steps; i++) {
        memcpy(target + i * 2, "/a", 2);
        memcpy(target + steps * 2 + i * 3, "/..", 3);
    }
    g->request.target = (struct fcgi_slice){target, steps * 5};
    assert_int_equal(gateway_build(g), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "/index.php");
    g->request.target = (struct fcgi_slice){target + 2, steps * 5 - 2};
    assert_int_equal(gateway_build(g), FCGI_ERR_BAD_REQUEST);
    free(target);
}

static void nothing_behind_a_target_is_read(void **state)
{
    static const char *const targets[] = {
        "",        "/",        "*",        "h",         "http://",
        "http:",   "http://h", "http://[", "http://h:", "http://[::1]",
        "/%",      "/%4",      "/%41",     "/a.php",    "/a.php/",
        "/a.php?", "/.",       "/..",      "/a/..",     "/\\",
    };
    struct gateway *g = *state;
    struct guard guard;
    guard_open(&guard, 100);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        size_t len = strlen(targets[i]);
        g->request.target.data = guard_put(&guard, targets[i], len);
        g->request.target.len = len;
        (void)gateway_build(g);
    }
    guard_close(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        gateway_test(a_script_is_split_from_the_path_behind_it),
        gateway_test(the_extension_counts_in_any_case_of_letters),
        gateway_test(a_directory_is_answered_by_its_index),
        gateway_test(what_names_no_script_is_for_the_index_at_the_root),
        gateway_test(index_and_extension_are_the_sites),
        gateway_test(with_an_empty_extension_the_first_name_is_the_script),
        gateway_test(files_are_below_the_root),
        gateway_test(a_root_may_end_in_a_slash),
        gateway_test(the_query_is_what_follows_the_first_question_mark),
        gateway_test(a_path_is_decoded_once),
        gateway_test(what_is_no_encoding_is_refused),
        gateway_test(control_bytes_are_refused_encoded_or_not),
        gateway_test(control_bytes_and_spaces_are_refused_in_the_query_too),
        gateway_test(dots_are_resolved_after_decoding),
        gateway_test(leaving_the_root_is_refused),
        gateway_test(slashes_in_a_row_count_as_one),
        gateway_test(an_encoded_slash_is_refused_beside_dots),
        gateway_test(a_backslash_is_refused_beside_dots),
        gateway_test(nasty_targets_come_to_what_they_say_or_to_nothing),
        gateway_test(what_starts_with_no_slash_is_refused),
        gateway_test(a_fragment_is_refused),
        gateway_test(the_absolute_form_says_host_and_path),
        gateway_test(the_absolute_form_becomes_the_origin_form),
        gateway_test(an_absolute_form_without_a_sound_host_is_refused),
        gateway_test(the_asterisk_is_for_options_alone),
        gateway_test(a_target_may_be_very_long),
        gateway_test(a_path_may_have_very_many_dots),
        gateway_test(nothing_behind_a_target_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
