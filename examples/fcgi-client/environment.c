/*
 * environment - the CGI variables of a request: those of RFC 3875, section 4.1,
 * and others that PHP looks for.
 */
#define _POSIX_C_SOURCE 200809L
#include "environment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* At least as many as are set here, without those of -p. */
#define OWN_VARIABLES 32

/* Set a variable; one that is set already is replaced. */
static void set(struct environment *environment, const struct fcgi_param *new)
{
    struct fcgi_param *variable = environment->variables;
    struct fcgi_param *end = variable + environment->count;

    while (variable < end &&
           (variable->name_len != new->name_len ||
            memcmp(variable->name, new->name, new->name_len) != 0)) {
        variable++;
    }
    if (variable == end) {
        environment->count++;
    }
    *variable = *new;
}

static void set_bytes(struct environment *environment, const char *name,
                      const char *value, size_t len)
{
    struct fcgi_param variable = {name, value, strlen(name), len};

    set(environment, &variable);
}

static void set_text(struct environment *environment, const char *name,
                     const char *value)
{
    set_bytes(environment, name, value, strlen(value));
}

/*
 * The names of the script are slices of one string:
 *
 *     / / s r v / w w w / i n d e x . p h p ? a = 1
 *       |-- DOCUMENT_ROOT   |                 |- QUERY_STRING
 *       |-- SCRIPT_FILENAME ----------------|
 *                   |------ SCRIPT_NAME ----|
 *                   |------ REQUEST_URI ------------|
 *
 * The slash in front is for a SCRIPT that has none. A SCRIPT without extension
 * is a page of the application's own, such as the status page of PHP-FPM, which
 * is known by its whole SCRIPT_NAME.
 */
static const char *find_name(const char *path, const char *end)
{
    const char *name = end;

    do {
        name--;
    } while (*name != '/');
    if (end - name > 2 && memchr(name + 2, '.', (size_t)(end - name - 2))) {
        return name;
    }
    return path[1] == '/' ? path + 1 : path;
}

/* What stands before the name, if SCRIPT ends with that; else its folder. */
static void set_root(struct environment *environment, const char *name,
                     const char *end)
{
    const char *root = environment->path + 1;
    size_t len = strcspn(name, "?");

    if (len > (size_t)(end - root) || memcmp(end - len, name, len) != 0) {
        name = find_name(environment->path, end);
        len = (size_t)(end - name);
    }
    if (end - len > root) {
        set_bytes(environment, "DOCUMENT_ROOT", root,
                  (size_t)(end - len - root));
    } else {
        set_text(environment, "DOCUMENT_ROOT", *root == '/' ? "/" : ".");
    }
}

static void set_script(struct environment *environment, bool with_name)
{
    const char *filename = environment->path + 1;
    const char *end = filename + strcspn(filename, "?");
    const char *uri = environment->uri != NULL
                          ? environment->uri
                          : find_name(environment->path, end);
    size_t len = strcspn(uri, "?");

    set_bytes(environment, "SCRIPT_FILENAME", filename,
              (size_t)(end - filename));
    if (with_name) {
        set_bytes(environment, "SCRIPT_NAME", uri, len);
    }
    set_bytes(environment, "DOCUMENT_URI", uri, len);
    set_text(environment, "REQUEST_URI", uri);
    set_text(environment, "QUERY_STRING", *end == '?' ? end + 1 : end);
    set_root(environment, uri, end);
}

static void set_server(struct environment *environment)
{
    snprintf(environment->software, sizeof(environment->software),
             "fcgi-client/%s", fcgi_version());
    set_text(environment, "SERVER_SOFTWARE", environment->software);
    set_text(environment, "SERVER_PROTOCOL", "HTTP/1.1");
    set_text(environment, "GATEWAY_INTERFACE", "CGI/1.1");
    set_text(environment, "SERVER_NAME", "localhost");
    set_text(environment, "SERVER_ADDR", "127.0.0.1");
    set_text(environment, "SERVER_PORT", "80");
    set_text(environment, "REMOTE_ADDR", "127.0.0.1");
    set_text(environment, "REMOTE_PORT", "0");
}

static void set_body(struct environment *environment, const struct body *body)
{
    snprintf(environment->content_length, sizeof(environment->content_length),
             "%" PRIu64, body->len);
    set_text(environment, "CONTENT_TYPE", "application/x-www-form-urlencoded");
    set_text(environment, "CONTENT_LENGTH", environment->content_length);
}

/* FastCGI specification, section 6.4. */
static void set_data(struct environment *environment, const struct body *data)
{
    snprintf(environment->data_length, sizeof(environment->data_length),
             "%" PRIu64, data->len);
    snprintf(environment->data_modified, sizeof(environment->data_modified),
             "%" PRId64, data->modified);
    set_text(environment, "FCGI_DATA_LENGTH", environment->data_length);
    set_text(environment, "FCGI_DATA_LAST_MOD", environment->data_modified);
}

static bool make_uri(struct environment *environment, const char *name)
{
    const char *query = environment->path + strcspn(environment->path, "?");
    size_t size = strlen(name) + strlen(query) + 1;

    environment->uri = malloc(size);
    if (environment->uri == NULL) {
        return false;
    }
    snprintf(environment->uri, size, "%s%s", name, query);
    return true;
}

static bool allocate(struct environment *environment,
                     const struct options *options)
{
    size_t len = strlen(options->script) + 2;
    size_t count = OWN_VARIABLES + options->variables.count;

    *environment = (struct environment){
        .variables = calloc(count, sizeof(struct fcgi_param)),
        .path = malloc(len),
    };
    if (environment->variables == NULL || environment->path == NULL) {
        return false;
    }
    snprintf(environment->path, len, "/%s", options->script);
    return options->script_name == NULL ||
           make_uri(environment, options->script_name);
}

bool environment_make(struct environment *environment,
                      const struct options *options, const struct body *body,
                      const struct body *data)
{
    const char *method = body->given ? "POST" : "GET";

    if (!allocate(environment, options)) {
        return false;
    }
    /* Section 6.3 of the specification: SCRIPT_NAME means nothing to an
     * authorizer. */
    set_script(environment, options->role != FCGI_ROLE_AUTHORIZER);
    set_text(environment, "REQUEST_METHOD",
             options->method != NULL ? options->method : method);
    set_server(environment);
    if (body->given) {
        set_body(environment, body);
    }
    if (options->role == FCGI_ROLE_FILTER) {
        set_data(environment, data);
    }
    for (size_t i = 0; i < options->variables.count; i++) {
        set(environment, &options->variables.pairs[i]);
    }
    return true;
}

void environment_free(struct environment *environment)
{
    free(environment->variables);
    free(environment->path);
    free(environment->uri);
}
