/*
 * Where a path leads on a site with a front controller, and on one whose host
 * says which scripts there are.
 */
#include <string.h>

#include <fcgi_client/cgi.h>

#include "gateway.h"
#include "test.h"

/* A host's files below the root, and what it has been asked about. */
static struct host {
    const char *const *files; /* NULL ends them */
    const char *asked[4];
    char text[4][64];
    size_t count;
    int fails_at; /* the question that fails, from 1 on; 0: none */
} host;

#define HOST_ERROR (-1234)

static int exists(void *context, const char *path)
{
    assert_ptr_equal(context, &host);
    assert_true(host.count < 4);
    assert_true(strlen(path) < sizeof(host.text[0]));
    host.asked[host.count] = strcpy(host.text[host.count], path);
    host.count += 1;
    if ((int)host.count == host.fails_at) {
        return HOST_ERROR;
    }
    for (const char *const *file = host.files; *file != NULL; file++) {
        if (strcmp(*file, path) == 0) {
            return 1;
        }
    }
    return 0;
}

static const char *const wordpress[] = {
    "/index.php",           "/wp-login.php", "/wp-admin/index.php",
    "/wp-admin/upload.php", "/p.php",        NULL};

/* A site with a front controller, and a host that is asked. */
static void open_host(struct gateway *g)
{
    host = (struct host){.files = wordpress};
    gateway_anew(g);
    g->site.front = "/index.php";
    g->site.exists = exists;
    g->site.exists_context = &host;
}

/* A target, and the script and the path that it must come to. */
static void assert_leads_to(struct gateway *g, const char *target,
                            const char *script, const char *path_info)
{
    assert_int_equal(gateway_get(g, target), FCGI_OK);
    gateway_assert(g, "SCRIPT_NAME", script);
    gateway_assert(g, "PATH_INFO", path_info);
    gateway_assert(g, "REQUEST_URI", target);
    gateway_check(g);
}

/* ---- a front controller alone ------------------------------------------ */

static void what_names_no_script_is_for_the_front_controller(void **state)
{
    static const char *const targets[] = {
        "/",           "/about",     "/about/",      "/2026/05/hello-world/",
        "/style.css",  "/wp-admin/", "/a.phpx/",     "/cart/7?x=1",
        "/index.html", "/a/../b/",   "/a.php%20/x/", "/a%20b/"};
    struct gateway *g = *state;
    g->site.front = "/front.php";
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        assert_leads_to(g, targets[i], "/front.php", NULL);
        gateway_assert(g, "SCRIPT_FILENAME", "/srv/www/front.php");
        gateway_assert(g, "DOCUMENT_URI", "/front.php");
        gateway_assert(g, "DOCUMENT_ROOT", "/srv/www");
        gateway_assert(g, "PATH_TRANSLATED", NULL);
    }
    gateway_assert(g, "QUERY_STRING", "");
}

static void a_script_is_called_past_the_front_controller(void **state)
{
    struct gateway *g = *state;
    g->site.front = "/front.php";
    assert_leads_to(g, "/wp-login.php", "/wp-login.php", NULL);
    assert_leads_to(g, "/p.php/x", "/p.php", "/x");
    assert_leads_to(g, "/front.php/a/b?c", "/front.php", "/a/b");
}

static void a_front_controller_may_be_in_a_folder(void **state)
{
    struct gateway *g = *state;
    g->site.front = "/shop/public/app.cgi";
    assert_leads_to(g, "/shop/cart", "/shop/public/app.cgi", NULL);
    gateway_assert(g, "SCRIPT_FILENAME", "/srv/www/shop/public/app.cgi");
}

static void the_server_itself_is_the_front_controllers(void **state)
{
    struct gateway *g = *state;
    g->site.front = "/front.php";
    g->request.method = gateway_slice("OPTIONS");
    assert_leads_to(g, "*", "/front.php", NULL);
}

/* ---- with a host that says what exists --------------------------------- */

static void what_does_not_exist_is_for_the_front_controller(void **state)
{
    static const char *const targets[] = {
        "/about/",         "/2026/05/hello-world/",
        "/about",          "/wp-admin",
        "/missing.php",    "/missing.php/x",
        "/missing.php/x/", "/wp-admin/x/",
        "/style.css",      "/wp-login.php.x/",
        "/P.php"};
    struct gateway *g = *state;
    open_host(g);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        host.count = 0;
        assert_leads_to(g, targets[i], "/index.php", NULL);
        gateway_assert(g, "SCRIPT_FILENAME", "/srv/www/index.php");
        gateway_assert(g, "DOCUMENT_URI", "/index.php");
        gateway_assert(g, "PATH_TRANSLATED", NULL);
    }
}

static void a_script_that_exists_is_called(void **state)
{
    struct gateway *g = *state;
    open_host(g);
    assert_leads_to(g, "/wp-login.php?a=b", "/wp-login.php", NULL);
    host.count = 0;
    assert_leads_to(g, "/wp-admin/upload.php", "/wp-admin/upload.php", NULL);
    host.count = 0;
    assert_leads_to(g, "/p.php/x", "/p.php", "/x");
    gateway_assert(g, "PATH_TRANSLATED", "/srv/www/x");
    host.count = 0;
    assert_leads_to(g, "/p.php/x/y.php/", "/p.php", "/x/y.php/");
    assert_int_equal(host.count, 1);
}

static void an_index_that_exists_answers_for_its_directory(void **state)
{
    struct gateway *g = *state;
    open_host(g);
    assert_leads_to(g, "/wp-admin/", "/wp-admin/index.php", NULL);
    gateway_assert(g, "SCRIPT_FILENAME", "/srv/www/wp-admin/index.php");
    host.count = 0;
    g->site.front = "/wp-login.php";
    assert_leads_to(g, "/", "/index.php", NULL);
    host.count = 0;
    g->site.index = "upload.php";
    assert_leads_to(g, "/wp-admin/", "/wp-admin/upload.php", NULL);
}

/* A directory may be called like a script. */
static void the_index_of_a_directory_with_the_name_of_a_script(void **state)
{
    static const char *const files[] = {"/old.php/index.php", NULL};
    struct gateway *g = *state;
    open_host(g);
    host.files = files;
    assert_leads_to(g, "/old.php/", "/old.php/index.php", NULL);
    assert_int_equal(host.count, 2);
}

/* As with try_files $uri $uri/ =404. */
static void
without_a_front_controller_what_does_not_exist_is_an_error(void **state)
{
    static const char *const targets[] = {"/about", "/about/", "/missing.php",
                                          "/missing.php/x", "/wp-admin"};
    struct gateway *g = *state;
    open_host(g);
    g->site.front = NULL;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        host.count = 0;
        assert_int_equal(gateway_get(g, targets[i]), FCGI_ERR_NOT_FOUND);
    }
    host.count = 0;
    assert_leads_to(g, "/wp-admin/", "/wp-admin/index.php", NULL);
    host.count = 0;
    assert_leads_to(g, "/p.php/x", "/p.php", "/x");
}

/* ---- what the host is asked -------------------------------------------- */

static void assert_asked(struct gateway *g, const char *target,
                         const char *first, const char *second)
{
    host.count = 0;
    memset(host.asked, 0, sizeof(host.asked));
    (void)gateway_get(g, target);
    const char *const want[] = {first, second, NULL};
    for (size_t i = 0; i < 3; i++) {
        if (want[i] == NULL) {
            assert_int_equal(host.count, i);
            return;
        }
        assert_non_null(host.asked[i]);
        assert_string_equal(host.asked[i], want[i]);
    }
}

static void the_host_is_asked_about_script_and_index_at_most(void **state)
{
    struct gateway *g = *state;
    open_host(g);
    assert_asked(g, "/", "/index.php", NULL);
    assert_asked(g, "/about", NULL, NULL);
    assert_asked(g, "/about/", "/about/index.php", NULL);
    assert_asked(g, "/p.php/a.php/", "/p.php", NULL);
    assert_asked(g, "/x.php", "/x.php", NULL);
    assert_asked(g, "/x.php/a.php", "/x.php", NULL);
    assert_asked(g, "/x.php/", "/x.php", "/x.php/index.php");
    assert_asked(g, "/x.php/a.php/", "/x.php", "/x.php/a.php/index.php");
}

static void
the_host_is_asked_about_paths_decoded_and_below_the_root(void **state)
{
    struct gateway *g = *state;
    open_host(g);
    assert_asked(g, "/a%20b/%2e/../c%2ephp", "/c.php", NULL);
    assert_asked(g, "http://h//a///b%20c/.", "/a/b c/index.php", NULL);
    assert_asked(g, "/../x.php", NULL, NULL);
    assert_asked(g, "/a%2f..%2f..%2fx.php", NULL, NULL);
    assert_asked(g, "/..\\x.php", NULL, NULL);
    assert_asked(g, "/x.php%00.html", NULL, NULL);
}

/* A question may cost a look at a disk. */
static void the_host_is_not_asked_about_a_request_that_is_refused(void **state)
{
    struct gateway *g = *state;
    open_host(g);
    gateway_field(g, "Host", "a b");
    assert_int_equal(gateway_get(g, "/p.php"), FCGI_ERR_BAD_REQUEST);
    g->request.field_count = 0;
    gateway_field(g, "X_Y", "a");
    assert_int_equal(gateway_get(g, "/p.php"), FCGI_ERR_BAD_REQUEST);
    g->request.field_count = 0;
    g->request.method = gateway_slice("G T");
    assert_int_equal(gateway_get(g, "/p.php"), FCGI_ERR_BAD_REQUEST);
    assert_int_equal(host.count, 0);
}

static void an_error_of_the_host_ends_the_build(void **state)
{
    struct gateway *g = *state;
    for (int fails_at = 1; fails_at <= 2; fails_at++) {
        open_host(g);
        host.fails_at = fails_at;
        assert_int_equal(gateway_get(g, "/x.php/"), HOST_ERROR);
        assert_int_equal(host.count, fails_at);
        host.fails_at = 0;
        host.count = 0;
        assert_leads_to(g, "/p.php/x", "/p.php", "/x");
    }
}

/* ---- what a caller may get wrong, and memory --------------------------- */

static void a_front_controller_starts_with_a_slash(void **state)
{
    static const char *const fronts[] = {"", "index.php", "./index.php"};
    struct gateway *g = *state;
    for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++) {
        g->site.front = fronts[i];
        assert_int_equal(gateway_build(g), FCGI_ERR_ARGUMENT);
    }
}

static void an_index_may_be_very_long(void **state)
{
    static char index[1000];
    struct gateway *g = *state;
    memset(index, 'x', sizeof(index) - 1);
    for (size_t k = 1;; k++) {
        gateway_anew(g);
        g->site.index = index;
        g->memory.fail_at = g->memory.calls + k;
        int rc = gateway_get(g, "/a/");
        if (rc == FCGI_OK) {
            assert_true(k > 3);
            break;
        }
        assert_int_equal(rc, FCGI_ERR_NO_MEMORY);
    }
    const struct fcgi_param *name = gateway_find(g, "SCRIPT_NAME");
    assert_int_equal(name->value_len, 3 + strlen(index));
    assert_string_equal(name->value + 3, index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        gateway_test(what_names_no_script_is_for_the_front_controller),
        gateway_test(a_script_is_called_past_the_front_controller),
        gateway_test(a_front_controller_may_be_in_a_folder),
        gateway_test(the_server_itself_is_the_front_controllers),
        gateway_test(what_does_not_exist_is_for_the_front_controller),
        gateway_test(a_script_that_exists_is_called),
        gateway_test(an_index_that_exists_answers_for_its_directory),
        gateway_test(the_index_of_a_directory_with_the_name_of_a_script),
        gateway_test(
            without_a_front_controller_what_does_not_exist_is_an_error),
        gateway_test(the_host_is_asked_about_script_and_index_at_most),
        gateway_test(the_host_is_asked_about_paths_decoded_and_below_the_root),
        gateway_test(the_host_is_not_asked_about_a_request_that_is_refused),
        gateway_test(an_error_of_the_host_ends_the_build),
        gateway_test(a_front_controller_starts_with_a_slash),
        gateway_test(an_index_may_be_very_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
