/*
 * gateway - variables made of an HTTP request: see gateway.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway.h"

#include <string.h>

void gateway_open(struct gateway *g)
{
    memset(g, 0, sizeof(*g));
    struct fcgi_allocator allocator = counting_allocator(&g->memory);
    assert_int_equal(fcgi_cgi_new(&g->cgi, &allocator), FCGI_OK);
    g->site.root = "/srv/www";
    g->request.method = gateway_slice("GET");
    g->request.target = gateway_slice("/");
    g->request.protocol = gateway_slice("HTTP/1.1");
    g->request.fields = g->fields;
}

void gateway_close(struct gateway *g)
{
    fcgi_cgi_free(g->cgi);
    assert_int_equal(g->memory.blocks, 0);
}

struct fcgi_slice gateway_slice(const char *text)
{
    return (struct fcgi_slice){text, strlen(text)};
}

void gateway_field(struct gateway *g, const char *name, const char *value)
{
    assert_true(g->request.field_count < GATEWAY_FIELDS);
    g->fields[g->request.field_count] =
        (struct fcgi_field){name, value, strlen(name), strlen(value)};
    g->request.field_count += 1;
}

int gateway_build(struct gateway *g)
{
    size_t count = 1;
    int rc = fcgi_cgi_build(g->cgi, &g->site, &g->request);
    (void)fcgi_cgi_params(g->cgi, &count);
    if (rc == FCGI_OK || rc == FCGI_ERR_LENGTH_REQUIRED) {
        assert_true(count > 0);
    } else {
        assert_int_equal(count, 0);
    }
    return rc;
}

int gateway_get(struct gateway *g, const char *target)
{
    g->request.target = gateway_slice(target);
    return gateway_build(g);
}

const struct fcgi_param *gateway_find(const struct gateway *g, const char *name)
{
    const struct fcgi_param *found = NULL;
    size_t len = strlen(name);
    size_t count;
    const struct fcgi_param *params = fcgi_cgi_params(g->cgi, &count);
    for (size_t i = 0; i < count; i++) {
        if (params[i].name_len == len &&
            memcmp(params[i].name, name, len) == 0) {
            assert_null(found);
            found = &params[i];
        }
    }
    return found;
}

void gateway_assert(const struct gateway *g, const char *name,
                    const char *value)
{
    const struct fcgi_param *param = gateway_find(g, name);
    if (param == NULL && value == NULL) {
        return;
    }
    if (param == NULL || value == NULL || param->value_len != strlen(value) ||
        memcmp(param->value, value, param->value_len) != 0) {
        fail_msg("%s is %.*s, not %s", name,
                 param == NULL ? 4 : (int)param->value_len,
                 param == NULL ? "none" : param->value,
                 value == NULL ? "none" : value);
    }
}
