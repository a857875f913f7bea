/*
 * cgi_parts - an HTTP request, checked and taken apart.
 */
#include <string.h>

#include "../http/field.h"
#include "cgi_parts.h"

/*
 * Errors of the caller.
 */

static bool is_slice(struct fcgi_slice slice)
{
    return slice.data != NULL || slice.len == 0;
}

static bool is_valid_folding(enum fcgi_cgi_folding folding)
{
    return folding == FCGI_CGI_FOLDING_REFUSE ||
           folding == FCGI_CGI_FOLDING_DROP ||
           folding == FCGI_CGI_FOLDING_ALLOW;
}

static bool is_valid_site(const struct fcgi_cgi_site *site)
{
    return site != NULL && is_valid_folding(site->folding) &&
           fcgi__script_is_valid_site(site);
}

static bool is_valid_rewrite(const struct fcgi_cgi_rewrite *rewrite)
{
    return rewrite == NULL ||
           (is_slice(rewrite->path) && is_slice(rewrite->query) &&
            is_slice(rewrite->script_name) && is_slice(rewrite->path_info) &&
            is_slice(rewrite->script_filename) &&
            (rewrite->path_info.data == NULL ||
             rewrite->script_name.data != NULL));
}

static bool are_valid_fields(const struct fcgi_cgi_request *request)
{
    return (request->fields != NULL || request->field_count == 0) &&
           request->content_length >= -1;
}

static bool is_valid_request(const struct fcgi_cgi_request *request)
{
    return request != NULL && is_slice(request->method) &&
           is_slice(request->target) && is_slice(request->protocol) &&
           is_slice(request->remote_addr) && is_slice(request->remote_port) &&
           is_slice(request->server_addr) && is_slice(request->server_port) &&
           is_slice(request->server_name) && are_valid_fields(request) &&
           is_valid_rewrite(request->rewrite);
}

/*
 * Errors of the client. What the host has rewritten came from the client too.
 */

static bool is_value(struct fcgi_slice slice)
{
    return fcgi__is_value(slice.data, slice.len);
}

static bool is_path_or_empty(struct fcgi_slice slice)
{
    return slice.len == 0 || fcgi__path_is_sound(slice);
}

static bool is_well_rewritten(const struct fcgi_cgi_rewrite *rewrite)
{
    return (rewrite->path.data == NULL || fcgi__path_is_sound(rewrite->path)) &&
           is_value(rewrite->query) && is_path_or_empty(rewrite->script_name) &&
           is_path_or_empty(rewrite->path_info) &&
           is_value(rewrite->script_filename);
}

static bool is_well_formed(const struct fcgi_cgi_request *request)
{
    return fcgi__is_token(request->method.data, request->method.len) &&
           is_value(request->protocol) && is_value(request->remote_addr) &&
           is_value(request->remote_port) && is_value(request->server_addr) &&
           is_value(request->server_port) && is_value(request->server_name) &&
           (request->rewrite == NULL || is_well_rewritten(request->rewrite));
}

/*
 * Reading.
 */

static const struct fcgi_cgi_rewrite *
rewrite_of(const struct fcgi_cgi_request *request)
{
    static const struct fcgi_cgi_rewrite none;

    return request->rewrite != NULL ? request->rewrite : &none;
}

static struct fcgi_slice find_query(const struct fcgi__target *target,
                                    const struct fcgi_cgi_rewrite *rewrite)
{
    struct fcgi_slice query = target->search;

    if (rewrite->query.data != NULL) {
        return rewrite->query;
    }
    if (query.len > 0) {
        query.data += 1;
        query.len -= 1;
    }
    return query;
}

/* "*" is the server itself, and only allowed with OPTIONS (RFC 9112, section
 * 3.2.4). */
static bool read_target(struct fcgi__cgi_parts *parts,
                        const struct fcgi_cgi_request *request)
{
    if (fcgi__target_parse(&parts->target, request->target) != FCGI_OK) {
        return false;
    }
    parts->query = find_query(&parts->target, rewrite_of(request));
    return parts->target.path.data[0] == '/' ||
           fcgi__slice_equals(request->method, "OPTIONS");
}

/* What is at the root answers for the server itself. */
static int resolve_path(struct fcgi__buffer *out,
                        const struct fcgi_allocator *allocator,
                        struct fcgi_slice path)
{
    int rc;

    if (path.data[0] == '*') {
        path = fcgi__slice("/");
    }
    rc = fcgi__buffer_reserve(out, allocator, path.len);
    return rc == FCGI_OK ? fcgi__path_resolve(path, out->data, &out->len) : rc;
}

/* Read the path for which a script is to be found. */
static int read_path(struct fcgi__cgi_parts *parts,
                     const struct fcgi_allocator *allocator,
                     const struct fcgi_cgi_site *site,
                     const struct fcgi_cgi_rewrite *rewrite)
{
    int rc;

    parts->path.len = 0;
    if (rewrite->script_name.data != NULL) {
        return FCGI_OK;
    }
    rc = rewrite->path.data != NULL
             ? fcgi__buffer_append(&parts->path, allocator, rewrite->path.data,
                                   rewrite->path.len)
             : resolve_path(&parts->path, allocator, parts->target.path);
    return rc == FCGI_OK ? fcgi__buffer_reserve(&parts->path, allocator,
                                                fcgi__script_room(site))
                         : rc;
}

/* The absolute form of a target overrides Host (RFC 9112, section 3.2.2), which
 * must be well-formed nevertheless. `*name` is the host without the port. */
static int read_host(struct fcgi__cgi_parts *parts, struct fcgi_slice *name)
{
    const struct fcgi_field *field = parts->fields.host;
    struct fcgi_slice authority = parts->target.authority;

    name->len = 0;
    parts->host.len = 0;
    if (field != NULL && field->value_len > 0) {
        parts->host.data = field->value;
        parts->host.len = field->value_len;
        if (!fcgi__authority_host(parts->host, name)) {
            return FCGI_ERR_BAD_REQUEST;
        }
    }
    if (authority.len > 0) {
        parts->host = authority;
        (void)fcgi__authority_host(authority, name);
    }
    return FCGI_OK;
}

static int read_server_name(struct fcgi__cgi_parts *parts,
                            const struct fcgi_cgi_request *request)
{
    struct fcgi_slice name;
    int rc = read_host(parts, &name);

    parts->server_name = request->server_name;
    if (parts->server_name.len == 0) {
        parts->server_name = name.len > 0 ? name : request->server_addr;
    }
    return rc;
}

/* All but the script. */
static int read_request(struct fcgi__cgi_parts *parts,
                        const struct fcgi_allocator *allocator,
                        const struct fcgi_cgi_site *site,
                        const struct fcgi_cgi_request *request)
{
    int rc;

    if (!is_well_formed(request) || !read_target(parts, request)) {
        return FCGI_ERR_BAD_REQUEST;
    }
    rc = read_path(parts, allocator, site, rewrite_of(request));
    if (rc == FCGI_OK) {
        rc = fcgi__cgi_fields_read(&parts->fields, allocator, site, request);
    }
    return rc == FCGI_OK ? read_server_name(parts, request) : rc;
}

int fcgi__cgi_parts_read(struct fcgi__cgi_parts *parts,
                         const struct fcgi_allocator *allocator,
                         const struct fcgi_cgi_site *site,
                         const struct fcgi_cgi_request *request)
{
    int rc;

    if (!is_valid_site(site) || !is_valid_request(request)) {
        return FCGI_ERR_ARGUMENT;
    }
    rc = read_request(parts, allocator, site, request);
    return rc == FCGI_OK ? fcgi__script_find(&parts->script, site,
                                             rewrite_of(request), &parts->path)
                         : rc;
}

int fcgi__cgi_parts_read_fields(struct fcgi__cgi_parts *parts,
                                const struct fcgi_allocator *allocator,
                                const struct fcgi_cgi_site *site,
                                const struct fcgi_cgi_request *request)
{
    struct fcgi_slice name;
    int rc;

    if (!is_valid_folding(site->folding) || request == NULL ||
        !are_valid_fields(request)) {
        return FCGI_ERR_ARGUMENT;
    }
    memset(&parts->target, 0, sizeof(parts->target));
    rc = fcgi__cgi_fields_read(&parts->fields, allocator, site, request);
    return rc == FCGI_OK ? read_host(parts, &name) : rc;
}

void fcgi__cgi_parts_free(struct fcgi__cgi_parts *parts,
                          const struct fcgi_allocator *allocator)
{
    fcgi__cgi_fields_free(&parts->fields, allocator);
    fcgi__buffer_free(&parts->path, allocator);
}
