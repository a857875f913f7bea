/*
 * From HTTP requests of any kind to variables: what gateway_check() says holds,
 * the host is asked about paths below the root alone, a variable set by hand is
 * there and alone, the object that has served others says what a new one says,
 * and running out of memory harms nothing.
 *
 *     input: site  request  fields  where scripts are  what the host has
 *            rewritten  allocation that fails  variables set by hand
 */
#include <stdlib.h>
#include <string.h>

#include <fcgi_client/cgi.h>

#include "fuzz_input.h"
#include "gateway.h"
#include "response_check.h"
#include "test.h"
#include "wire.h"

#define MOST_FIELDS 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- a request --------------------------------------------------------- */

/* One of some, or bytes of any kind. */
static struct fcgi_slice pick(struct fuzz_input *s, const char *const *from,
                              size_t count)
{
    size_t choice = fuzz_input_below(s, count + 2);
    return choice < count ? gateway_slice(from[choice]) : fuzz_input_bytes(s);
}

static struct fcgi_slice pick_name(struct fuzz_input *s)
{
    static const char *const names[] = {"Accept",
                                        "Host",
                                        "Cookie",
                                        "Proxy",
                                        "Connection",
                                        "Content-Type",
                                        "Content-Length",
                                        "Transfer-Encoding",
                                        "X-Y",
                                        "x_y",
                                        "X.Y",
                                        "Keep-Alive",
                                        "TE",
                                        "PROXY",
                                        "Pro-xy",
                                        "Content_Length",
                                        "Host_"};
    return pick(s, names, sizeof(names) / sizeof(names[0]));
}

static struct fcgi_slice pick_value(struct fuzz_input *s)
{
    static const char *const values[] = {"",     "5",           "6",
                                         "a",    "X-Y, Accept", "close",
                                         "h:80", "[::1]:9",     "chunked"};
    return pick(s, values, sizeof(values) / sizeof(values[0]));
}

static struct fcgi_slice pick_target(struct fuzz_input *s)
{
    static const char *const targets[] = {"/",
                                          "*",
                                          "/a.php/b?c=d",
                                          "/a/../b.php",
                                          "http://h:80/x",
                                          "/%2e%2e/%2E./a",
                                          "/a%2fb\\..\\c.PHP/"};
    return pick(s, targets, sizeof(targets) / sizeof(targets[0]));
}

static void make_site(struct fuzz_input *s, struct fcgi_cgi_site *site)
{
    static const char *const roots[] = {"/srv/www", "/", "/srv/www/", "/a//"};
    static const char *const extensions[] = {NULL, ".cgi", "", "/"};
    static const char *const indexes[] = {NULL, "index.cgi", ""};
    site->root = roots[fuzz_input_below(s, 4)];
    site->extension = extensions[fuzz_input_below(s, 4)];
    site->index = indexes[fuzz_input_below(s, 3)];
    site->folding = (enum fcgi_cgi_folding)fuzz_input_below(s, 3);
}

static void make_request(struct fuzz_input *s, struct fcgi_cgi_request *request)
{
    static const char *const methods[] = {"GET", "POST", "OPTIONS", "HEAD"};
    request->target = pick_target(s);
    request->method = pick(s, methods, 4);
    request->content_length = (int64_t)fuzz_input_below(s, 4) - 1;
    request->https = fuzz_input_below(s, 2) == 1;
    if (fuzz_input_below(s, 2) == 1) {
        request->server_name = pick_value(s);
        request->server_addr = pick_value(s);
        request->remote_addr = pick_value(s);
        request->protocol = pick_value(s);
    }
}

static void make_fields(struct fuzz_input *s, struct gateway *g)
{
    size_t count = fuzz_input_below(s, MOST_FIELDS + 1);
    for (size_t i = 0; i < count; i++) {
        struct fcgi_slice name = pick_name(s);
        struct fcgi_slice value = pick_value(s);
        g->fields[i] =
            (struct fcgi_field){name.data, value.data, name.len, value.len};
    }
    g->request.field_count = count;
}

/* ---- where it goes ----------------------------------------------------- */

#define HOST_ERROR (-1000)

/* What the host says depends on the path alone. */
static int exists(void *context, const char *path)
{
    unsigned char mixed = *(const unsigned char *)context;
    assert_int_equal(path[0], '/');
    for (const char *at = path; *at != '\0'; at++) {
        bool starts = *at == '/' || *at == '\\';
        bool ends =
            at[1] != '\0' && at[2] != '\0' && strchr("/\\", at[3]) != NULL;
        assert_false(starts && ends && memcmp(at + 1, "..", 2) == 0);
        mixed = (unsigned char)(mixed * 31 + *at);
    }
    return mixed % 16 == 0 ? HOST_ERROR : mixed % 2;
}

static void make_place(struct fuzz_input *s, struct fcgi_cgi_site *site)
{
    static const char *const mounts[] = {"/", "/a", "/a.php/", "/srv//"};
    static uint8_t salt;
    size_t place = fuzz_input_below(s, 5);
    if (place == 1 || place == 2) {
        site->front = fuzz_input_below(s, 2) == 0 ? "/index.php" : "/b/c.cgi";
    }
    if (place == 2 || place == 3) {
        salt = fuzz_input_byte(s);
        site->exists = exists;
        site->exists_context = &salt;
    }
    if (place == 4) {
        site->mount = mounts[fuzz_input_below(s, 4)];
        site->script = fuzz_input_below(s, 2) == 0 ? NULL : "/usr/bin/program";
        site->root = fuzz_input_below(s, 2) == 0 ? NULL : site->root;
    }
}

static const struct fcgi_cgi_rewrite *make_rewrite(struct fuzz_input *s)
{
    static const char *const paths[] = {
        "/", "/a.php/b", "/%41/c.PHP/", "/a/../b", "/a\\..", "/a/", "", "a"};
    static struct fcgi_cgi_rewrite rewrite;
    size_t given = fuzz_input_below(s, 32);
    memset(&rewrite, 0, sizeof(rewrite));
    if (given & 1) {
        rewrite.path = pick(s, paths, 8);
    }
    if (given & 2) {
        rewrite.query = pick_value(s);
    }
    if (given & 4) {
        rewrite.script_name = pick(s, paths, 8);
    }
    if (rewrite.script_name.data != NULL && (given & 8)) {
        rewrite.path_info = pick(s, paths, 8);
    }
    if (given & 16) {
        rewrite.script_filename = pick_value(s);
    }
    return given == 0 ? NULL : &rewrite;
}

/* ---- what it comes to -------------------------------------------------- */

static void digest(const struct gateway *g, struct wire *d)
{
    size_t count;
    const struct fcgi_param *params = fcgi_cgi_params(g->cgi, &count);
    response_note_number(d, "count", (long long)count);
    for (size_t i = 0; i < count; i++) {
        response_note(d, "name", params[i].name, params[i].name_len);
        response_note(d, "value", params[i].value, params[i].value_len);
    }
}

/* Whatever the object has come to before, and whichever allocation fails. */
static void build_again(struct gateway *g, size_t fail_at, int want)
{
    struct gateway fresh;
    struct wire digests[2] = {{0}, {0}};
    gateway_open(&fresh);
    fresh.site = g->site;
    fresh.request = g->request;
    assert_int_equal(gateway_build(&fresh), want);
    g->memory.fail_at = g->memory.calls + fail_at;
    int rc = gateway_build(g);
    assert_true(rc == want || rc == FCGI_ERR_NO_MEMORY);
    g->memory.fail_at = 0;
    assert_int_equal(gateway_build(g), want);
    digest(&fresh, &digests[0]);
    digest(g, &digests[1]);
    assert_int_equal(digests[0].len, digests[1].len);
    assert_memory_equal(digests[0].data, digests[1].data, digests[0].len);
    wire_free(&digests[0]);
    wire_free(&digests[1]);
    gateway_close(&fresh);
}

/* A copy that ends in a NUL. */
static char *string(struct fcgi_slice bytes)
{
    char *copy = calloc(bytes.len + 1, 1);
    assert_non_null(copy);
    if (bytes.len > 0) {
        memcpy(copy, bytes.data, bytes.len);
    }
    return copy;
}

static void set_variable(struct fuzz_input *s, struct gateway *g)
{
    static const char *const names[] = {"SCRIPT_NAME", "HTTP_HOST", "A",
                                        "QUERY_STRING"};
    char *name = string(pick(s, names, 4));
    char *value = string(pick_value(s));
    bool takes_away = fuzz_input_below(s, 3) == 2;
    g->memory.fail_at = fuzz_input_below(s, 4) == 3
                            ? g->memory.calls + 1 + fuzz_input_below(s, 3)
                            : 0;
    int rc = fcgi_cgi_set(g->cgi, name, takes_away ? NULL : value);
    g->memory.fail_at = 0;
    if (name[0] == '\0') {
        assert_int_equal(rc, FCGI_ERR_ARGUMENT);
    } else if (rc == FCGI_OK) {
        gateway_assert(g, name, takes_away ? NULL : value);
    } else {
        assert_int_equal(rc, FCGI_ERR_NO_MEMORY);
    }
    free(name);
    free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input s = fuzz_input_of(data, size);
    struct gateway g;
    gateway_open(&g);
    make_site(&s, &g.site);
    make_request(&s, &g.request);
    make_fields(&s, &g);
    make_place(&s, &g.site);
    g.request.rewrite = make_rewrite(&s);
    int rc = gateway_build(&g);
    assert_true(rc == FCGI_OK || rc == FCGI_ERR_BAD_REQUEST ||
                rc == FCGI_ERR_LENGTH_REQUIRED || rc == FCGI_ERR_NOT_FOUND ||
                rc == HOST_ERROR);
    gateway_check(&g);
    size_t fail_at = fuzz_input_byte(&s) % 8;
    while (!fuzz_input_is_spent(&s)) {
        set_variable(&s, &g);
    }
    build_again(&g, fail_at, rc);
    gateway_close(&g);
    return 0;
}
