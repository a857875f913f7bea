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
        VISIT_TEST(php_sees_each_field_once),
        VISIT_TEST(php_reads_the_body_that_was_announced),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
