/*
 * Requests to an application that is mounted at a path and knows no scripts.
 */
#include <string.h>

#include <fcgi_client/cgi.h>

#include "gateway.h"
#include "test.h"

struct split {
    const char *mount;
    const char *target;
    const char *script_name; /* NULL: the target is not the application's */
    const char *path_info;
};

static void assert_split(struct gateway *g, const struct split *want)
{
    g->site.mount = want->mount;
    int rc = gateway_get(g, want->target);
    if (want->script_name == NULL) {
        if (rc != FCGI_ERR_NOT_FOUND) {
            fail_msg("%s for: %s", fcgi_error_name(rc), want->target);
        }
        return;
    }
    assert_int_equal(rc, FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", want->script_name);
    gateway_assert(g, "PATH_INFO", want->path_info);
    gateway_assert(g, "REQUEST_URI", want->target);
    gateway_check(g);
}

#define ASSERT_SPLITS(state, splits)                                           \
    for (size_t i = 0; i < sizeof(splits) / sizeof((splits)[0]); i++) {        \
        assert_split(*(state), &(splits)[i]);                                  \
    }

static void the_rest_of_the_path_is_path_info(void **state)
{
    static const struct split splits[] = {
        {"/shop", "/shop/cart/7", "/shop", "/cart/7"},
        {"/shop/", "/shop/cart/7", "/shop", "/cart/7"},
        {"/shop//", "/shop/", "/shop", "/"},
        {"/a/b", "/a/b/c.php/d?e", "/a/b", "/c.php/d"},
        {"/git", "/git/x.git/info/refs?service=git-upload-pack", "/git",
         "/x.git/info/refs"},
        {"/a.php", "/a.php/b", "/a.php", "/b"},
    };
    ASSERT_SPLITS(state, splits);
}

/* As WSGI and Rack have it: both are there, and may be empty. */
static void the_root_is_an_empty_script_name(void **state)
{
    static const struct split splits[] = {
        {"/", "/", "", "/"},
        {"/", "/cart/7?x=1", "", "/cart/7"},
        {"//", "/a.php", "", "/a.php"},
    };
    ASSERT_SPLITS(state, splits);
}

static void the_mount_itself_has_an_empty_path_info(void **state)
{
    static const struct split splits[] = {
        {"/shop", "/shop", "/shop", ""},
        {"/shop/", "/shop", "/shop", ""},
        {"/shop", "/shop?x", "/shop", ""},
        {"/shop", "/shop/a/..", "/shop", "/"},
    };
    ASSERT_SPLITS(state, splits);
}

static void path_info_is_decoded_and_resolved(void **state)
{
    static const struct split splits[] = {
        {"/shop", "/shop/a%20b//c/./%2e%2e/d", "/shop", "/a b/d"},
        {"/shop", "/%73hop/%2541", "/shop", "/%41"},
        {"/shop", "/x/../shop/a", "/shop", "/a"},
        {"/a b", "/a%20b/c", "/a b", "/c"},
    };
    ASSERT_SPLITS(state, splits);
}

static void what_is_outside_the_mount_is_not_found(void **state)
{
    static const struct split splits[] = {
        {"/shop", "/", NULL, NULL},          {"/shop", "/sho", NULL, NULL},
        {"/shop", "/shopping", NULL, NULL},  {"/shop", "/Shop/a", NULL, NULL},
        {"/shop", "/a/shop", NULL, NULL},    {"/shop", "/shop.php", NULL, NULL},
        {"/shop", "/shop/../a", NULL, NULL}, {"/shop", "/shop%5ca", NULL, NULL},
        {"/shop/a", "/shop", NULL, NULL},    {"/shop/a", "/shop/", NULL, NULL},
    };
    struct gateway *g = *state;
    ASSERT_SPLITS(state, splits);
    assert_int_equal(gateway_get(g, "/shop/../../a"), FCGI_ERR_BAD_REQUEST);
}

static void the_server_itself_is_no_part_of_a_mount(void **state)
{
    struct gateway *g = *state;
    g->request.method = gateway_slice("OPTIONS");
    g->site.mount = "/shop";
    assert_int_equal(gateway_get(g, "*"), FCGI_ERR_NOT_FOUND);
    g->site.mount = "/";
    assert_int_equal(gateway_get(g, "*"), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", "");
    gateway_assert(g, "PATH_INFO", "/");
    gateway_assert(g, "REQUEST_URI", "*");
}

static void there_is_a_script_filename_only_for_a_program(void **state)
{
    struct gateway *g = *state;
    g->site.mount = "/git";
    assert_int_equal(gateway_get(g, "/git/a"), FCGI_OK);
    gateway_assert(g, "SCRIPT_FILENAME", NULL);
    g->site.script = "/usr/lib/git-core/git-http-backend";
    assert_int_equal(gateway_get(g, "/git/a"), FCGI_OK);
    gateway_assert(g, "SCRIPT_FILENAME", "/usr/lib/git-core/git-http-backend");
    gateway_assert(g, "SCRIPT_NAME", "/git");
}

/* git-http-backend finds the repository in PATH_TRANSLATED. */
static void a_mount_may_have_a_root_or_none(void **state)
{
    struct gateway *g = *state;
    g->site.mount = "/git";
    g->site.root = "/srv/git/";
    assert_int_equal(gateway_get(g, "/git/x.git/HEAD"), FCGI_OK);
    gateway_assert(g, "DOCUMENT_ROOT", "/srv/git");
    gateway_assert(g, "PATH_TRANSLATED", "/srv/git/x.git/HEAD");
    gateway_assert(g, "DOCUMENT_URI", "/git/x.git/HEAD");
    assert_int_equal(gateway_get(g, "/git"), FCGI_OK);
    gateway_assert(g, "PATH_TRANSLATED", NULL);
    g->site.root = NULL;
    assert_int_equal(gateway_get(g, "/git/x.git/HEAD"), FCGI_OK);
    gateway_assert(g, "DOCUMENT_ROOT", NULL);
    gateway_assert(g, "PATH_TRANSLATED", NULL);
    gateway_assert(g, "PATH_INFO", "/x.git/HEAD");
}

static int exists_nothing(void *context, const char *path)
{
    (void)context;
    (void)path;
    return 0;
}

static void a_mount_does_not_go_with_scripts(void **state)
{
    struct gateway *g = *state;
    g->site.mount = "/";
    g->site.front = "/index.php";
    assert_int_equal(gateway_build(g), FCGI_ERR_ARGUMENT);
    g->site.front = NULL;
    g->site.exists = exists_nothing;
    assert_int_equal(gateway_build(g), FCGI_ERR_ARGUMENT);
    g->site.exists = NULL;
    assert_int_equal(gateway_build(g), FCGI_OK);
    g->site.mount = NULL;
    g->site.script = "/usr/bin/program";
    assert_int_equal(gateway_build(g), FCGI_ERR_ARGUMENT);
}

static void a_mount_starts_with_a_slash(void **state)
{
    static const char *const mounts[] = {"", "shop", "./shop", "shop/"};
    struct gateway *g = *state;
    for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
        g->site.mount = mounts[i];
        assert_int_equal(gateway_build(g), FCGI_ERR_ARGUMENT);
    }
    g->site.mount = "/";
    g->site.root = "srv/www";
    assert_int_equal(gateway_build(g), FCGI_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        gateway_test(the_rest_of_the_path_is_path_info),
        gateway_test(the_root_is_an_empty_script_name),
        gateway_test(the_mount_itself_has_an_empty_path_info),
        gateway_test(path_info_is_decoded_and_resolved),
        gateway_test(what_is_outside_the_mount_is_not_found),
        gateway_test(the_server_itself_is_no_part_of_a_mount),
        gateway_test(there_is_a_script_filename_only_for_a_program),
        gateway_test(a_mount_may_have_a_root_or_none),
        gateway_test(a_mount_does_not_go_with_scripts),
        gateway_test(a_mount_starts_with_a_slash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
