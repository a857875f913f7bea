/*
 * cgi - the variables of an HTTP request (RFC 3875, section 4.1; and those that
 * servers have added since, which PHP programs know from nginx and Apache).
 *
 * The whole request is checked first; after that, only a lack of memory can
 * stop the variables from being written.
 */
#include <string.h>

#include <fcgi_client/cgi.h>

#include "../base/allocator.h"
#include "../http/field.h"
#include "cgi_parts.h"
#include "variables.h"

#define LENGTH_DIGITS 19 /* of INT64_MAX */

struct fcgi_cgi {
    struct fcgi_allocator allocator;
    struct fcgi__variables variables;
    struct fcgi__cgi_parts parts;
    struct fcgi__buffer pair; /* what fcgi_cgi_set() sets */
};

static void add_variable(struct fcgi__variables *variables, const char *name,
                         struct fcgi_slice value)
{
    fcgi__variables_add(variables, fcgi__slice(name), value);
}

static void add_text(struct fcgi__variables *variables, const char *name,
                     const char *value)
{
    add_variable(variables, name, fcgi__slice(value));
}

static void add_unless_empty(struct fcgi__variables *variables,
                             const char *name, struct fcgi_slice value)
{
    if (value.len > 0) {
        add_variable(variables, name, value);
    }
}

static void add_script(struct fcgi__variables *variables,
                       const struct fcgi__script *script)
{
    add_variable(variables, "SCRIPT_NAME", script->name);
    if (script->folder.len + script->file.len > 0) {
        add_variable(variables, "SCRIPT_FILENAME", script->folder);
        fcgi__variables_append(variables, script->file);
    }
    add_variable(variables, "DOCUMENT_URI", script->name);
    fcgi__variables_append(variables, script->path_info);
    if (script->path_info.data != NULL) {
        add_variable(variables, "PATH_INFO", script->path_info);
    }
}

static void add_root(struct fcgi__variables *variables,
                     const struct fcgi__script *script)
{
    struct fcgi_slice root = script->root;

    if (root.data == NULL) {
        return;
    }
    add_variable(variables, "DOCUMENT_ROOT",
                 root.len > 0 ? root : fcgi__slice("/"));
    if (script->path_info.len > 0) {
        add_variable(variables, "PATH_TRANSLATED", root);
        fcgi__variables_append(variables, script->path_info);
    }
}

/* REQUEST_URI has the origin form, whatever form the target has: programs look
 * for a path in it. */
static void add_request(struct fcgi__variables *variables,
                        const struct fcgi_cgi_request *request,
                        const struct fcgi__cgi_parts *parts)
{
    add_variable(variables, "REQUEST_METHOD", request->method);
    add_variable(variables, "REQUEST_URI", parts->target.path);
    fcgi__variables_append(variables, parts->target.search);
    add_variable(variables, "QUERY_STRING", parts->query);
    add_text(variables, "REQUEST_SCHEME", request->https ? "https" : "http");
    if (request->https) {
        add_text(variables, "HTTPS", "on");
    }
    add_unless_empty(variables, "SERVER_PROTOCOL", request->protocol);
    add_unless_empty(variables, "REMOTE_ADDR", request->remote_addr);
    add_unless_empty(variables, "REMOTE_PORT", request->remote_port);
}

/* An IPv6 address is put in brackets (RFC 3875, section 4.1.14). */
static void add_server_name(struct fcgi__variables *variables,
                            struct fcgi_slice name)
{
    if (name.data[0] == '[' || memchr(name.data, ':', name.len) == NULL) {
        add_variable(variables, "SERVER_NAME", name);
        return;
    }
    add_text(variables, "SERVER_NAME", "[");
    fcgi__variables_append(variables, name);
    fcgi__variables_append(variables, fcgi__slice("]"));
}

/* php-cgi refuses a request without REDIRECT_STATUS. */
static void add_server(struct fcgi__variables *variables,
                       const struct fcgi_cgi_site *site,
                       const struct fcgi_cgi_request *request,
                       const struct fcgi__cgi_parts *parts)
{
    add_text(variables, "GATEWAY_INTERFACE", "CGI/1.1");
    if (site->software != NULL) {
        add_text(variables, "SERVER_SOFTWARE", site->software);
    } else {
        add_text(variables, "SERVER_SOFTWARE", "libfcgi-client/");
        fcgi__variables_append(variables, fcgi__slice(fcgi_version()));
    }
    add_unless_empty(variables, "SERVER_ADDR", request->server_addr);
    add_unless_empty(variables, "SERVER_PORT", request->server_port);
    if (parts->server_name.len > 0) {
        add_server_name(variables, parts->server_name);
    }
    add_text(variables, "REDIRECT_STATUS", "200");
}

/* Write a length; returns its digits, which end where `digits` does. */
static struct fcgi_slice format_length(char digits[LENGTH_DIGITS],
                                       int64_t length)
{
    size_t start = LENGTH_DIGITS;

    do {
        start -= 1;
        digits[start] = (char)('0' + length % 10);
        length /= 10;
    } while (length > 0);
    return (struct fcgi_slice){digits + start, LENGTH_DIGITS - start};
}

/* What the host says of the length overrides what the client says. */
static void add_body(struct fcgi__variables *variables,
                     const struct fcgi__cgi_fields *fields,
                     int64_t content_length)
{
    const struct fcgi_field *type = fields->content_type;
    char digits[LENGTH_DIGITS];

    if (type != NULL) {
        struct fcgi_slice value = {type->value, type->value_len};
        add_variable(variables, "CONTENT_TYPE", value);
    }
    if (content_length == 0) {
        content_length = fields->content_length;
    }
    if (content_length >= 0) {
        add_variable(variables, "CONTENT_LENGTH",
                     format_length(digits, content_length));
    }
}

static void add_fields(struct fcgi_cgi *cgi, int64_t content_length)
{
    struct fcgi__variables *variables = &cgi->variables;

    add_body(variables, &cgi->parts.fields, content_length);
    add_unless_empty(variables, "HTTP_HOST", cgi->parts.host);
    fcgi__cgi_fields_add(&cgi->parts.fields, variables);
}

static int end_build(struct fcgi_cgi *cgi, int64_t content_length)
{
    int rc = cgi->variables.error;

    if (rc != FCGI_OK) {
        fcgi__variables_clear(&cgi->variables);
        return rc;
    }
    return content_length < 0 ? FCGI_ERR_LENGTH_REQUIRED : FCGI_OK;
}

int fcgi_cgi_build(struct fcgi_cgi *cgi, const struct fcgi_cgi_site *site,
                   const struct fcgi_cgi_request *request)
{
    int rc;

    if (cgi == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    fcgi__variables_clear(&cgi->variables);
    rc = fcgi__cgi_parts_read(&cgi->parts, &cgi->allocator, site, request);
    if (rc != FCGI_OK) {
        return rc;
    }
    add_script(&cgi->variables, &cgi->parts.script);
    add_root(&cgi->variables, &cgi->parts.script);
    add_request(&cgi->variables, request, &cgi->parts);
    add_server(&cgi->variables, site, request, &cgi->parts);
    add_fields(cgi, request->content_length);
    return end_build(cgi, request->content_length);
}

int fcgi_cgi_build_fields(struct fcgi_cgi *cgi,
                          const struct fcgi_cgi_site *site,
                          const struct fcgi_cgi_request *request)
{
    static const struct fcgi_cgi_site strict;
    int rc;

    if (cgi == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    fcgi__variables_clear(&cgi->variables);
    rc = fcgi__cgi_parts_read_fields(&cgi->parts, &cgi->allocator,
                                     site != NULL ? site : &strict, request);
    if (rc != FCGI_OK) {
        return rc;
    }
    add_fields(cgi, request->content_length);
    return end_build(cgi, request->content_length);
}

/* Add a pair that replaces the one of that name. It is copied first: the
 * caller's strings may lie among the variables, which move. */
static int replace_variable(struct fcgi_cgi *cgi, struct fcgi_slice name,
                            struct fcgi_slice value)
{
    int rc;

    cgi->pair.len = 0;
    rc = fcgi__buffer_append(&cgi->pair, &cgi->allocator, name.data, name.len);
    if (rc == FCGI_OK) {
        rc = fcgi__buffer_append(&cgi->pair, &cgi->allocator, value.data,
                                 value.len);
    }
    if (rc == FCGI_OK) {
        rc = fcgi__variables_reserve(&cgi->variables, name.len, value.len);
    }
    if (rc != FCGI_OK) {
        return rc;
    }
    name.data = cgi->pair.data;
    value.data = name.data + name.len;
    fcgi__variables_remove(&cgi->variables, name);
    fcgi__variables_add_copy(&cgi->variables, name, value);
    return FCGI_OK;
}

int fcgi_cgi_set(struct fcgi_cgi *cgi, const char *name, const char *value)
{
    int rc = FCGI_OK;

    if (cgi == NULL || name == NULL || name[0] == '\0') {
        return FCGI_ERR_ARGUMENT;
    }
    if (value == NULL) {
        fcgi__variables_remove(&cgi->variables, fcgi__slice(name));
    } else {
        rc = replace_variable(cgi, fcgi__slice(name), fcgi__slice(value));
    }
    return rc;
}

const struct fcgi_param *fcgi_cgi_params(const struct fcgi_cgi *cgi,
                                         size_t *count)
{
    if (count == NULL) {
        return NULL;
    }
    *count = 0;
    if (cgi == NULL) {
        return NULL;
    }
    *count = fcgi__variables_count(&cgi->variables);
    return fcgi__variables_params(&cgi->variables);
}

int fcgi_cgi_new(struct fcgi_cgi **cgi, const struct fcgi_allocator *allocator)
{
    struct fcgi_allocator own;

    if (cgi == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    *cgi = NULL;
    if (fcgi__allocator_init(&own, allocator) != FCGI_OK) {
        return FCGI_ERR_ARGUMENT;
    }
    *cgi = fcgi__allocate(&own, sizeof(**cgi));
    if (*cgi == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    (*cgi)->allocator = own;
    (*cgi)->variables.allocator = &(*cgi)->allocator;
    return FCGI_OK;
}

void fcgi_cgi_free(struct fcgi_cgi *cgi)
{
    struct fcgi_allocator allocator;

    if (cgi == NULL) {
        return;
    }
    allocator = cgi->allocator;
    fcgi__variables_free(&cgi->variables);
    fcgi__cgi_parts_free(&cgi->parts, &allocator);
    fcgi__buffer_free(&cgi->pair, &allocator);
    fcgi__release(&allocator, cgi);
}
