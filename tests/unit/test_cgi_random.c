/*
 * Requests made at random of what has led servers astray, from fixed seeds:
 * whatever a request says, some things hold for the variables it comes to.
 */
#include <string.h>

#include <fcgi_client/cgi.h>

#include "gateway.h"
#include "guard.h"
#include "test.h"

#define ROUNDS 100000
#define TARGET_MAX 256

/* ---- random requests --------------------------------------------------- */

static uint64_t seed;

/* 0..limit-1, the same ones each time (an additive step, well mixed). */
static size_t dice(size_t limit)
{
    seed += 0x9e3779b97f4a7c15;
    uint64_t mixed = (seed ^ seed >> 31) * 0xd6e8feb86659fd93;
    return (size_t)(mixed >> 33) % limit;
}

static const char *pick(const char *const *from, size_t count)
{
    return from[dice(count)];
}

#define PICK(from) pick(from, sizeof(from) / sizeof((from)[0]))

/* A target of some pieces: mostly slashes, names and dots, now and then what
 * is refused. */
static void make_target(char target[TARGET_MAX])
{
    static const char *const starts[] = {
        "/", "/", "/", "/", "//", "", "http://h", "HTTPS://h:1/", "*", "/."};
    static const char *const usual[] = {
        "/",   "/",      "/",      "/",    "/..",   "/../",   "/.",
        "..",  ".",      "a",      "b",    "a.php", "b.PHP/", ".php",
        "%2e", "%2E%2e", "%41",    "%20",  "?",     "c=d",    "index.php",
        ";",   "...",    "%c3%a4", "\xe4", "%25",   "+"};
    static const char *const rare[] = {
        "%2f",   "%2F",   "%5c", "\\",     "%",      "%0",   "%zz",  "%00",
        "%0d",   "%0a",   "%7f", "#",      " ",      "\r\n", "\x01", "\x7f",
        "%252e", "%252f", "..;", "%c0%ae", "%u002e", "@",    ":",    "//"};
    size_t pieces = dice(14);
    strcpy(target, PICK(starts));
    for (size_t i = 0; i < pieces; i++) {
        strcat(target, dice(12) == 0 ? PICK(rare) : PICK(usual));
    }
}

static void make_fields(struct gateway *g)
{
    static const char *const names[] = {"Accept",
                                        "accept",
                                        "X-Y",
                                        "x-y",
                                        "X",
                                        "Cookie",
                                        "Proxy",
                                        "proxy",
                                        "Host",
                                        "Content-Length",
                                        "Via",
                                        "Connection",
                                        "connection",
                                        "TE",
                                        "Content-Type",
                                        "X_Y",
                                        "X.Y",
                                        "Pro_xy",
                                        "S",
                                        "Transfer-Encoding",
                                        "PROXY",
                                        "Keep-Alive",
                                        "Content_Length",
                                        "A B",
                                        ""};
    static const char *const values[] = {
        "",      "a",    "5",       "5",          "6",         "close, X-Y",
        "a, b",  "h:80", "Proxy",   "x\ty",       "caf\xe9",   "Accept",
        "a;b=c", "0",    "X_Y,via", "keep-alive", "a\r\nB: c", "\x7f"};
    size_t count = dice(7);
    g->request.field_count = 0;
    for (size_t i = 0; i < count; i++) {
        gateway_field(g, PICK(names), PICK(values));
    }
}

/* ---- the path, resolved in another way --------------------------------- */

/* Names between slashes. */
struct names {
    const char *data[TARGET_MAX];
    size_t len[TARGET_MAX];
    size_t count;
    bool ends_open; /* in a slash, or in dots */
};

static size_t decode(char *text)
{
    size_t len = 0;
    for (const char *at = text; *at != '\0' && *at != '?'; at++) {
        if (*at == '%') {
            int high = at[1] <= '9' ? at[1] - '0' : (at[1] | 0x20) - 'a' + 10;
            int low = at[2] <= '9' ? at[2] - '0' : (at[2] | 0x20) - 'a' + 10;
            text[len++] = (char)(high * 16 + low);
            at += 2;
        } else {
            text[len++] = *at;
        }
    }
    text[len] = '\0';
    return len;
}

static void take_name(struct names *names, const char *name, size_t len)
{
    bool is_up = len == 2 && memcmp(name, "..", 2) == 0;
    names->ends_open = len == 0 || is_up || (len == 1 && *name == '.');
    if (is_up) {
        assert_true(names->count > 0);
        names->count--;
    } else if (!names->ends_open) {
        names->data[names->count] = name;
        names->len[names->count++] = len;
    }
}

/* What an accepted target names, found by keeping a stack of names. */
static void find_path(const char *target, char path[2 * TARGET_MAX])
{
    static char text[TARGET_MAX];
    struct names names = {.ends_open = true};
    if (*target == '*') {
        strcpy(path, "/");
        return;
    }
    strcpy(text, *target == '/' ? target : strstr(target, "//") + 2);
    char *start = text + strcspn(text, "/?");
    size_t len = decode(start);
    for (size_t at = *start == '/'; at < len;) {
        size_t end = at + strcspn(start + at, "/");
        take_name(&names, start + at, end - at);
        names.ends_open = names.ends_open || start[end] == '/';
        at = end + 1;
    }
    *path = '\0';
    for (size_t i = 0; i < names.count; i++) {
        strcat(path, "/");
        strncat(path, names.data[i], names.len[i]);
    }
    if (names.ends_open) {
        strcat(path, "/");
    }
}

/* DOCUMENT_URI is that path, with an index behind it or in its place. */
static void check_path(const struct gateway *g, const char *target)
{
    const struct fcgi_param *uri = gateway_find(g, "DOCUMENT_URI");
    char path[2 * TARGET_MAX];
    find_path(target, path);
    size_t len = strlen(path);
    bool is_folder = path[len - 1] == '/';
    assert_non_null(uri);
    if (uri->value_len == len && memcmp(uri->value, path, len) == 0) {
        return;
    }
    if (!is_folder) {
        strcpy(path, "/");
    }
    strcat(path, "index.php");
    gateway_assert(g, "DOCUMENT_URI", path);
    gateway_assert(g, "SCRIPT_NAME", path);
    gateway_assert(g, "PATH_INFO", NULL);
}

/* The target without scheme and host. */
static void find_origin_form(const char *target, char origin[TARGET_MAX + 1])
{
    bool is_absolute = (*target | 0x20) == 'h';
    const char *rest = is_absolute ? strstr(target, "://") + 3 : target;
    rest += is_absolute ? strcspn(rest, "/?") : 0;
    strcpy(origin, is_absolute && *rest != '/' ? "/" : "");
    strcat(origin, rest);
}

static void check_strings(const struct gateway *g, const char *target)
{
    char origin[TARGET_MAX + 1];
    const char *query = strchr(target, '?');
    find_origin_form(target, origin);
    gateway_assert(g, "REQUEST_URI", origin);
    gateway_assert(g, "QUERY_STRING", query == NULL ? "" : query + 1);
}

/* ---- tests ------------------------------------------------------------- */

/* Build one; returns whether it came to variables. */
static bool build_random(struct gateway *g, struct guard *guard,
                         char target[TARGET_MAX])
{
    make_target(target);
    size_t len = strlen(target);
    g->request.target.data = guard_put(guard, target, len);
    g->request.target.len = len;
    g->request.method = gateway_slice(dice(3) == 0 ? "OPTIONS" : "GET");
    g->site.folding = (enum fcgi_cgi_folding)dice(3);
    g->request.content_length = (int64_t)dice(3) - 1;
    int rc = gateway_build(g);
    assert_true(rc == FCGI_OK || rc == FCGI_ERR_BAD_REQUEST ||
                rc == FCGI_ERR_LENGTH_REQUIRED);
    return rc != FCGI_ERR_BAD_REQUEST;
}

static void whatever_the_target_no_file_is_outside_the_root(void **state)
{
    char target[TARGET_MAX];
    struct gateway *g = *state;
    struct guard guard;
    size_t built = 0;
    seed = 1;
    guard_open(&guard, TARGET_MAX);
    for (int i = 0; i < ROUNDS; i++) {
        if (!build_random(g, &guard, target)) {
            continue;
        }
        built++;
        gateway_check(g);
        check_path(g, target);
        check_strings(g, target);
    }
    /* Neither all nor none were refused. */
    assert_in_range(built, ROUNDS / 10, ROUNDS / 10 * 9);
    guard_close(&guard);
}

/* Says that about every third script exists. */
static int exists_at_random(void *context, const char *path)
{
    size_t *asked = context;
    const char *up = strstr(path, "/..");
    *asked += 1;
    assert_int_equal(*path, '/');
    assert_null(strstr(path, "//"));
    while (up != NULL) {
        assert_true(up[3] != '\0' && up[3] != '/');
        up = strstr(up + 1, "/..");
    }
    return dice(3) == 0;
}

static void whatever_the_target_the_host_is_asked_below_the_root(void **state)
{
    char target[TARGET_MAX];
    struct gateway *g = *state;
    size_t asked = 0;
    size_t fronts = 0;
    seed = 3;
    g->site.front = "/front.php";
    g->site.exists = exists_at_random;
    g->site.exists_context = &asked;
    for (int i = 0; i < ROUNDS / 10; i++) {
        make_target(target);
        int rc = gateway_get(g, target);
        gateway_check(g);
        if (rc == FCGI_OK) {
            fronts += strcmp(gateway_find(g, "SCRIPT_NAME")->value,
                             "/front.php") == 0;
        }
    }
    assert_in_range(asked, ROUNDS / 50, ROUNDS / 10 * 2);
    assert_in_range(fronts, ROUNDS / 100, ROUNDS / 10);
}

static void whatever_the_fields_no_variable_is_there_twice(void **state)
{
    char target[TARGET_MAX];
    struct gateway *g = *state;
    struct guard guard;
    size_t built = 0;
    seed = 2;
    guard_open(&guard, TARGET_MAX);
    for (int i = 0; i < ROUNDS; i++) {
        make_fields(g);
        if (build_random(g, &guard, target)) {
            built++;
            gateway_check(g);
        }
    }
    assert_in_range(built, ROUNDS / 20, ROUNDS / 10 * 9);
    guard_close(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        gateway_test(whatever_the_target_no_file_is_outside_the_root),
        gateway_test(whatever_the_target_the_host_is_asked_below_the_root),
        gateway_test(whatever_the_fields_no_variable_is_there_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
