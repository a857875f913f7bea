/*
 * cgi_parts - an HTTP request, checked and taken apart.
 */
#include "cgi_parts.h"
#include "../http/field.h"

/*
 * Errors of the caller.
 */

static bool is_valid_string(const char *data, size_t len)
{
    return data != NULL || len == 0;
}

static bool is_slice(struct fcgi_slice slice)
{
    return is_valid_string(slice.data, slice.len);
}

static bool is_valid_request(const struct fcgi_cgi_request *request)
{
    return request != NULL && is_slice(request->method) &&
           is_slice(request->target) && is_slice(request->protocol) &&
           is_slice(request->remote_addr) && is_slice(request->remote_port) &&
           is_slice(request->server_addr) && is_slice(request->server_port) &&
           is_slice(request->server_name) &&
           (request->fields != NULL || request->field_count == 0) &&
           request->content_length >= -1;
}

static bool is_valid_site(const struct fcgi_cgi_site *site)
{
    return site != NULL && site->root != NULL && site->root[0] == '/' &&
           (site->folding == FCGI_CGI_FOLDING_REFUSE ||
            site->folding == FCGI_CGI_FOLDING_DROP ||
            site->folding == FCGI_CGI_FOLDING_ALLOW);
}

/*
 * Errors of the client.
 */

static bool is_value(struct fcgi_slice slice)
{
    return fcgi__is_value(slice.data, slice.len);
}

static bool is_well_formed(const struct fcgi_cgi_request *request)
{
    return fcgi__is_token(request->method.data, request->method.len) &&
           is_value(request->protocol) && is_value(request->remote_addr) &&
           is_value(request->remote_port) && is_value(request->server_addr) &&
           is_value(request->server_port) && is_value(request->server_name);
}

/* The root without a slash at its end: a path, which starts with one, follows
 * it. */
static struct fcgi_slice trimmed_root(const char *root)
{
    struct fcgi_slice slice = fcgi__slice(root);

    while (slice.len > 0 && slice.data[slice.len - 1] == '/') {
        slice.len -= 1;
    }
    return slice;
}

/* A path that names no script is for a front controller, which reads it from
 * REQUEST_URI. PATH_INFO is only what follows the name of a script. */
static void find_script(struct fcgi__cgi_parts *parts, struct fcgi_slice path,
                        const struct fcgi_cgi_site *site)
{
    const char *extension = site->extension != NULL ? site->extension : ".php";
    size_t len = fcgi__path_script(path, fcgi__slice(extension));

    parts->script = path;
    if (len > 0) {
        parts->script.len = len;
        parts->path_info.data = path.data + len;
        parts->path_info.len = path.len - len;
        return;
    }
    parts->index = fcgi__slice(site->index != NULL ? site->index : "index.php");
    if (path.data[path.len - 1] != '/') {
        parts->script.len = 1;
    }
}

/* "*" is the server itself, and only allowed with OPTIONS (RFC 9112, section
 * 3.2.4). */
static bool read_target(struct fcgi__target *target,
                        const struct fcgi_cgi_request *request)
{
    if (fcgi__target_parse(target, request->target) != FCGI_OK) {
        return false;
    }
    return target->path.data[0] == '/' ||
           fcgi__slice_equals(request->method, "OPTIONS");
}

/* The script at the root answers for the server itself. */
static int read_path(struct fcgi__cgi_parts *parts,
                     const struct fcgi_allocator *allocator,
                     const struct fcgi_cgi_site *site)
{
    struct fcgi_slice path = parts->target.path;
    int rc;

    if (path.data[0] == '*') {
        path = fcgi__slice("/");
    }

    parts->path.len = 0;
    rc = fcgi__buffer_reserve(&parts->path, allocator, path.len);
    if (rc != FCGI_OK) {
        return rc;
    }
    rc = fcgi__path_resolve(path, parts->path.data, &path.len);
    if (rc == FCGI_OK) {
        path.data = parts->path.data;
        find_script(parts, path, site);
    }
    return rc;
}

/* The absolute form of a target overrides Host (RFC 9112, section 3.2.2), which
 * must be well-formed nevertheless. */
static int read_host(struct fcgi__cgi_parts *parts, struct fcgi_slice *name)
{
    const struct fcgi_field *field = parts->fields.host;

    if (field != NULL && field->value_len > 0) {
        parts->host.data = field->value;
        parts->host.len = field->value_len;
        if (!fcgi__authority_host(parts->host, name)) {
            return FCGI_ERR_BAD_REQUEST;
        }
    }
    if (parts->target.authority.len > 0) {
        parts->host = parts->target.authority;
        (void)fcgi__authority_host(parts->host, name);
    }
    return FCGI_OK;
}

static int read_server_name(struct fcgi__cgi_parts *parts,
                            const struct fcgi_cgi_request *request)
{
    struct fcgi_slice name = {NULL, 0};
    int rc = read_host(parts, &name);

    parts->server_name = request->server_name;
    if (parts->server_name.len == 0) {
        parts->server_name = name.len > 0 ? name : request->server_addr;
    }
    return rc;
}

static void clear_parts(struct fcgi__cgi_parts *parts)
{
    struct fcgi__cgi_parts empty = {.fields = parts->fields,
                                    .path = parts->path};

    *parts = empty;
}

int fcgi__cgi_parts_read(struct fcgi__cgi_parts *parts,
                         const struct fcgi_allocator *allocator,
                         const struct fcgi_cgi_site *site,
                         const struct fcgi_cgi_request *request)
{
    int rc;

    clear_parts(parts);
    if (!is_valid_site(site) || !is_valid_request(request)) {
        return FCGI_ERR_ARGUMENT;
    }
    if (!is_well_formed(request) || !read_target(&parts->target, request)) {
        return FCGI_ERR_BAD_REQUEST;
    }
    parts->root = trimmed_root(site->root);
    rc = read_path(parts, allocator, site);
    if (rc == FCGI_OK) {
        rc = fcgi__cgi_fields_read(&parts->fields, allocator, site, request);
    }
    return rc == FCGI_OK ? read_server_name(parts, request) : rc;
}

void fcgi__cgi_parts_free(struct fcgi__cgi_parts *parts,
                          const struct fcgi_allocator *allocator)
{
    fcgi__cgi_fields_free(&parts->fields, allocator);
    fcgi__buffer_free(&parts->path, allocator);
}
