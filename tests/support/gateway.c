/*
 * gateway - variables made of an HTTP request: see gateway.h.
 */
#include "gateway.h"
#include "must.h"
#include "test.h"

#include <stdlib.h>
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

void gateway_anew(struct gateway *g)
{
    gateway_close(g);
    gateway_open(g);
}

int gateway_set_up(void **state)
{
    struct gateway *g = must_allocate(sizeof(*g));
    gateway_open(g);
    *state = g;
    return 0;
}

int gateway_tear_down(void **state)
{
    struct gateway *g = *state;
    fcgi_cgi_free(g->cgi);
    size_t blocks = g->memory.blocks;
    free(g);
    assert_int_equal(blocks, 0);
    return 0;
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

/* ---- what holds for all requests --------------------------------------- */

static bool is_control(char byte)
{
    return ((unsigned char)byte < 0x20 && byte != '\t') || byte == 0x7f;
}

/* PHP takes names that differ only in case, or in some other bytes, for the
 * same. */
static bool looks_like(const struct fcgi_param *a, const struct fcgi_param *b)
{
    size_t same = 0;
    while (same < a->name_len && same < b->name_len &&
           ((a->name[same] | 0x20) == (b->name[same] | 0x20) ||
            (strchr("-._", a->name[same]) && strchr("-._", b->name[same])))) {
        same++;
    }
    return same == a->name_len && same == b->name_len;
}

static void check_param(const struct fcgi_param *param)
{
    static const struct fcgi_param proxy = {"HTTP_PROXY", "", 10, 0};
    assert_false(looks_like(param, &proxy));
    assert_true(param->name_len > 0);
    assert_int_equal(strlen(param->name), param->name_len);
    assert_int_equal(strlen(param->value), param->value_len);
    for (size_t i = 0; i < param->value_len; i++) {
        assert_false(is_control(param->value[i]));
    }
}

/* Whether the host has named the file that is run. */
static bool names_file(const struct gateway *g)
{
    const struct fcgi_cgi_rewrite *rewrite = g->request.rewrite;
    return g->site.script != NULL ||
           (rewrite != NULL && rewrite->script_filename.data != NULL);
}

/* A file below the root: none of its parts leads up, whatever separates
 * them. */
static void check_file(const struct gateway *g, const char *name)
{
    const struct fcgi_param *file = gateway_find(g, name);
    size_t start = g->site.root == NULL ? 0 : strlen(g->site.root);
    if (file == NULL) {
        return;
    }
    while (start > 0 && g->site.root[start - 1] == '/') {
        start--;
    }
    assert_true(file->value_len > start);
    assert_memory_equal(file->value, g->site.root, start);
    assert_int_equal(file->value[start++], '/');
    for (size_t i = start; i <= file->value_len; i++) {
        if (i == file->value_len || strchr("/\\", file->value[i]) != NULL) {
            assert_false(i - start == 2 &&
                         memcmp(file->value + start, "..", 2) == 0);
            start = i + 1;
        }
    }
}

void gateway_check(const struct gateway *g)
{
    size_t count;
    const struct fcgi_param *params = fcgi_cgi_params(g->cgi, &count);
    for (size_t i = 0; i < count; i++) {
        check_param(&params[i]);
        for (size_t j = 0; j < i; j++) {
            assert_false(looks_like(&params[i], &params[j]));
        }
    }
    if (!names_file(g)) {
        check_file(g, "SCRIPT_FILENAME");
    }
    check_file(g, "PATH_TRANSLATED");
}
