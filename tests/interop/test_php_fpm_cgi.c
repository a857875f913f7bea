/*
 * What PHP makes of the variables of an HTTP request: $_SERVER is that of a
 * script behind a web server.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcgi_client.h>

#include "gateway.h"
#include "php_fpm.h"
#include "program.h"
#include "visit.h"

/* A site whose scripts are those in tests/interop/php. */
static struct visit *open_site(void **state, struct gateway *g)
{
    struct visit *v = visit_to(state, "GET", "");
    gateway_open(g);
    g->site.root = v->script;
    g->site.index = "server.php";
    g->request.remote_addr = gateway_slice("192.0.2.7");
    return v;
}

static void ask(struct visit *v, struct gateway *g, const char *target)
{
    assert_int_equal(gateway_get(g, target), FCGI_OK);
    v->request.params = fcgi_cgi_params(g->cgi, &v->request.param_count);
    visit_ok(v);
    assert_int_equal(v->response.status, 200);
}

/* What server.php has printed of a variable; NULL: nothing. */
static void assert_seen(const struct visit *v, const char *name,
                        const char *value)
{
    char line[512];
    int len = snprintf(line, sizeof(line), "\n%zu:%s=", strlen(name), name);
    if (value != NULL) {
        snprintf(line + len, sizeof(line) - (size_t)len, "%zu:%s\n",
                 strlen(value), value);
    }
    const char *found = strstr(v->response.body.data, line);
    if ((found == NULL) != (value == NULL)) {
        fail_msg("%s in: %s", line, v->response.body.data);
    }
}

static void php_sees_script_path_and_query(void **state)
{
    struct gateway g;
    struct visit *v = open_site(state, &g);
    ask(v, &g, "/server.php/a%20b//c?d=%65");
    assert_seen(v, "SCRIPT_NAME", "/server.php");
    assert_seen(v, "PATH_INFO", "/a b/c");
    assert_seen(v, "PHP_SELF", "/server.php/a b/c");
    assert_seen(v, "REQUEST_URI", "/server.php/a%20b//c?d=%65");
    assert_seen(v, "QUERY_STRING", "d=%65");
    assert_seen(v, "REMOTE_ADDR", "192.0.2.7");
    gateway_close(&g);
}

static void a_front_controller_gets_what_names_no_script(void **state)
{
    struct gateway g;
    struct visit *v = open_site(state, &g);
    ask(v, &g, "/api/users?page=2");
    assert_seen(v, "SCRIPT_NAME", "/server.php");
    assert_seen(v, "PHP_SELF", "/server.php");
    assert_seen(v, "PATH_INFO", NULL);
    assert_seen(v, "REQUEST_URI", "/api/users?page=2");
    ask(v, &g, "/");
    assert_seen(v, "SCRIPT_NAME", "/server.php");
    assert_seen(v, "QUERY_STRING", "");
    gateway_close(&g);
}

/* The scripts that there are: a look at the files, below the root. */
static int exists(void *context, const char *path)
{
    const struct gateway *g = context;
    char file[512];
    snprintf(file, sizeof(file), "%s%s", g->site.root, path);
    return access(file, R_OK) == 0;
}

static void what_is_no_file_reaches_the_front_controller(void **state)
{
    struct gateway g;
    struct visit *v = open_site(state, &g);
    g.site.front = "/server.php";
    g.site.exists = exists;
    g.site.exists_context = &g;
    g.site.index = NULL;
    ask(v, &g, "/about/?page=2");
    assert_seen(v, "SCRIPT_NAME", "/server.php");
    assert_seen(v, "PHP_SELF", "/server.php");
    assert_seen(v, "REQUEST_URI", "/about/?page=2");
    assert_seen(v, "QUERY_STRING", "page=2");
    assert_seen(v, "PATH_INFO", NULL);
    ask(v, &g, "/missing.php/x");
    assert_seen(v, "SCRIPT_NAME", "/server.php");
    ask(v, &g, "/hello.php/x");
    assert_null(strstr(v->response.body.data, "$_SERVER"));
    gateway_close(&g);
}

/* PHP would otherwise say "File not found." of /about/index.php. */
static void
without_a_host_that_looks_all_folders_are_the_front_controllers(void **state)
{
    struct gateway g;
    struct visit *v = open_site(state, &g);
    g.site.front = "/server.php";
    g.site.index = NULL;
    ask(v, &g, "/2026/05/hello-world/");
    assert_seen(v, "SCRIPT_NAME", "/server.php");
    assert_seen(v, "REQUEST_URI", "/2026/05/hello-world/");
    ask(v, &g, "/server.php/x");
    assert_seen(v, "PATH_INFO", "/x");
    gateway_close(&g);
}

static void php_sees_the_origin_form(void **state)
{
    struct gateway g;
    struct visit *v = open_site(state, &g);
    gateway_field(&g, "Host", "other.test");
    ask(v, &g, "http://shop.test/cart/7?x=1");
    assert_seen(v, "REQUEST_URI", "/cart/7?x=1");
    assert_seen(v, "HTTP_HOST", "shop.test");
    gateway_close(&g);
}

static void php_sees_what_the_host_has_rewritten(void **state)
{
    struct gateway g;
    struct visit *v = open_site(state, &g);
    struct fcgi_cgi_rewrite rewrite = {
        .path = gateway_slice("/server.php/about us"),
        .query = gateway_slice("page=about")};
    g.request.rewrite = &rewrite;
    ask(v, &g, "/about%20us");
    assert_seen(v, "SCRIPT_NAME", "/server.php");
    assert_seen(v, "PATH_INFO", "/about us");
    assert_seen(v, "QUERY_STRING", "page=about");
    assert_seen(v, "REQUEST_URI", "/about%20us");
    gateway_close(&g);
}

static void php_sees_each_field_once(void **state)
{
    struct gateway g;
    struct visit *v = open_site(state, &g);
    g.site.folding = FCGI_CGI_FOLDING_ALLOW;
    gateway_field(&g, "X-Y", "a");
    gateway_field(&g, "X_Y", "b");
    gateway_field(&g, "X.Y", "c");
    gateway_field(&g, "Cookie", "a=1");
    gateway_field(&g, "Cookie", "b=2");
    gateway_field(&g, "Proxy", "http://evil/");
    gateway_field(&g, "Authorization", "Basic bWU6c2VjcmV0");
    ask(v, &g, "/server.php");
    assert_seen(v, "HTTP_X_Y", "a, b, c");
    assert_seen(v, "HTTP_COOKIE", "a=1; b=2");
    assert_seen(v, "HTTP_PROXY", NULL);
    assert_seen(v, "PHP_AUTH_USER", "me");
    assert_seen(v, "PHP_AUTH_PW", "secret");
    gateway_close(&g);
}

static void php_reads_the_body_that_was_announced(void **state)
{
    struct gateway g;
    struct visit *v = open_site(state, &g);
    g.request.method = gateway_slice("POST");
    gateway_field(&g, "Content-Type", "text/plain");
    gateway_field(&g, "Content-Length", "5");
    v->request.body = (struct fcgi_source){.data = "hello", .len = 5};
    ask(v, &g, "/cat.php");
    assert_string_equal(v->response.body.data, "hello");
    gateway_close(&g);
}

static int start(void **state)
{
    static const struct php_fpm_options options;
    if (!php_fpm_installed()) {
        return program_missing("php-fpm");
    }
    *state = php_fpm_start(&options);
    return 0;
}

static int stop(void **state)
{
    php_fpm_stop(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VISIT_TEST(php_sees_script_path_and_query),
        VISIT_TEST(a_front_controller_gets_what_names_no_script),
        VISIT_TEST(what_is_no_file_reaches_the_front_controller),
        VISIT_TEST(
            without_a_host_that_looks_all_folders_are_the_front_controllers),
        VISIT_TEST(php_sees_the_origin_form),
        VISIT_TEST(php_sees_what_the_host_has_rewritten),
        VISIT_TEST(php_sees_each_field_once),
        VISIT_TEST(php_reads_the_body_that_was_announced),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
