/*
 * visit - one request to a script of a PHP-FPM: see visit.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "visit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "test.h"

int visit_begin(void **state)
{
    const struct php_fpm *fpm = *state;
    if (fpm == NULL) {
        return 0;
    }
    struct visit *v = must_allocate(sizeof(*v));
    v->fpm = fpm;
    *state = v;
    return fcgi_client_new(&v->client, php_fpm_address(fpm), NULL);
}

int visit_end(void **state)
{
    struct visit *v = *state;
    if (v != NULL) {
        fcgi_response_free(&v->response);
        fcgi_client_free(v->client);
        free(v->script);
        free(v);
    }
    return 0;
}

struct visit *visit_to(void **state, const char *method, const char *script)
{
    struct visit *v = *state;
    if (v == NULL) {
        skip();
        return NULL;
    }
    free(v->script);
    v->script = php_fpm_script(script);
    memset(&v->request, 0, sizeof(v->request));
    v->request.params = v->params;
    v->request.timeouts.total_ms = 60000;
    visit_param(v, "SCRIPT_FILENAME", v->script);
    visit_param(v, "SCRIPT_NAME", script);
    visit_param(v, "REQUEST_METHOD", method);
    visit_param(v, "SERVER_PROTOCOL", "HTTP/1.1");
    visit_param(v, "GATEWAY_INTERFACE", "CGI/1.1");
    visit_param(v, "REMOTE_ADDR", "127.0.0.1");
    return v;
}

void visit_param(struct visit *v, const char *name, const char *value)
{
    assert_true(v->request.param_count < VISIT_PARAMS);
    struct fcgi_param param = FCGI_PARAM(name, value);
    v->params[v->request.param_count++] = param;
}

void visit_body(struct visit *v, struct fcgi_source body, uint64_t len)
{
    (void)snprintf(v->length, sizeof(v->length), "%" PRIu64, len);
    visit_param(v, "CONTENT_LENGTH", v->length);
    visit_param(v, "CONTENT_TYPE", "application/octet-stream");
    v->request.body = body;
}

int visit_ask(struct visit *v)
{
    return fcgi_client_do(v->client, &v->request, &v->response);
}

void visit_ok(struct visit *v)
{
    int rc = visit_ask(v);
    if (rc != FCGI_OK) {
        const struct fcgi_slice *text = &v->response.stderr_data;
        print_error("%s: %s; stderr: %.*s\n", fcgi_error_name(rc),
                    strerror(v->response.outcome.system_error), (int)text->len,
                    text->data != NULL ? text->data : "");
        fail();
    }
}
