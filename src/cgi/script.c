/*
 * script - what answers for a path.
 */
#include <string.h>

#include "../http/field.h"
#include "script.h"
#include "target.h"

static bool is_absolute(const char *path)
{
    return path == NULL || path[0] == '/';
}

bool fcgi__script_is_valid_site(const struct fcgi_cgi_site *site)
{
    bool is_mounted = site->mount != NULL;

    return (site->root != NULL || is_mounted) &&
           (site->script == NULL || is_mounted) &&
           ((site->front == NULL && site->exists == NULL) || !is_mounted) &&
           is_absolute(site->root) && is_absolute(site->front) &&
           is_absolute(site->mount);
}

/* A path without the slashes at its end: another path, which starts with one,
 * follows it. */
static struct fcgi_slice trim_slashes(const char *path)
{
    struct fcgi_slice trimmed = {path, path == NULL ? 0 : strlen(path)};

    while (trimmed.len > 0 && path[trimmed.len - 1] == '/') {
        trimmed.len -= 1;
    }
    return trimmed;
}

static struct fcgi_slice text_or(const char *text, const char *fallback)
{
    return fcgi__slice(text != NULL ? text : fallback);
}

static struct fcgi_slice index_of(const struct fcgi_cgi_site *site)
{
    return text_or(site->index, "index.php");
}

size_t fcgi__script_room(const struct fcgi_cgi_site *site)
{
    return index_of(site).len + 1;
}

/* Whether there is a script at the first `len` bytes of a path: what the host
 * says, or 1 if it is not asked. */
static int ask_host(const struct fcgi_cgi_site *site, char *path, size_t len)
{
    char next = path[len];
    int found;

    if (site->exists == NULL) {
        return 1;
    }
    path[len] = '\0';
    found = site->exists(site->exists_context, path);
    path[len] = next;
    return found;
}

/* Find the script that a path names by its extension: more than 0 if there is
 * one. */
static int find_named(struct fcgi__script *script,
                      const struct fcgi_cgi_site *site,
                      const struct fcgi__buffer *path)
{
    struct fcgi_slice name = {path->data, path->len};
    int found;

    name.len = fcgi__path_script(name, text_or(site->extension, ".php"));
    found = name.len > 0 ? ask_host(site, path->data, name.len) : 0;
    if (found > 0) {
        script->name = name;
    }
    if (found > 0 && name.len < path->len) {
        script->path_info.data = path->data + name.len;
        script->path_info.len = path->len - name.len;
    }
    return found;
}

/* Write the index behind the first `len` bytes of the path. */
static struct fcgi_slice write_index(struct fcgi__buffer *path, size_t len,
                                     const struct fcgi_cgi_site *site)
{
    struct fcgi_slice index = index_of(site);

    memcpy(path->data + len, index.data, index.len);
    fcgi__buffer_cut(path, len + index.len);
    return (struct fcgi_slice){path->data, path->len};
}

/* Find the index of a directory: more than 0 if there is one. If the host says
 * nothing of directories, they are the front controller's. */
static int find_index(struct fcgi__script *script,
                      const struct fcgi_cgi_site *site,
                      struct fcgi__buffer *path)
{
    bool is_known = site->exists != NULL || site->front == NULL;

    if (path->data[path->len - 1] != '/' || !is_known) {
        return 0;
    }
    script->name = write_index(path, path->len, site);
    return ask_host(site, path->data, path->len);
}

/* The path names no script. A front controller reads it from REQUEST_URI. */
static int find_front(struct fcgi__script *script,
                      const struct fcgi_cgi_site *site,
                      struct fcgi__buffer *path)
{
    if (site->front == NULL && site->exists != NULL) {
        return FCGI_ERR_NOT_FOUND;
    }
    script->name = site->front != NULL ? fcgi__slice(site->front)
                                       : write_index(path, 1, site);
    return FCGI_OK;
}

static int find_script(struct fcgi__script *script,
                       const struct fcgi_cgi_site *site,
                       struct fcgi__buffer *path)
{
    int rc = find_named(script, site, path);

    if (rc == 0) {
        rc = find_index(script, site, path);
    }
    if (rc == 0) {
        rc = find_front(script, site, path);
    }
    script->folder = script->root;
    script->file = script->name;
    return rc < 0 ? rc : FCGI_OK;
}

static int find_mounted(struct fcgi__script *script,
                        const struct fcgi_cgi_site *site,
                        const struct fcgi__buffer *path)
{
    struct fcgi_slice mount = trim_slashes(site->mount);

    if (path->len < mount.len ||
        memcmp(path->data, mount.data, mount.len) != 0 ||
        (path->len > mount.len && path->data[mount.len] != '/')) {
        return FCGI_ERR_NOT_FOUND;
    }
    script->name = mount;
    script->path_info.data = path->data + mount.len;
    script->path_info.len = path->len - mount.len;
    script->folder = text_or(site->script, "");
    return FCGI_OK;
}

/* The host has found it. No file belongs to an empty name. */
static void take_rewritten(struct fcgi__script *script,
                           const struct fcgi_cgi_site *site,
                           const struct fcgi_cgi_rewrite *rewrite)
{
    script->name = rewrite->script_name;
    script->path_info = rewrite->path_info;
    if (site->mount != NULL) {
        script->folder = text_or(site->script, "");
    } else if (script->name.len > 0) {
        script->folder = script->root;
        script->file = script->name;
    }
}

int fcgi__script_find(struct fcgi__script *script,
                      const struct fcgi_cgi_site *site,
                      const struct fcgi_cgi_rewrite *rewrite,
                      struct fcgi__buffer *path)
{
    int rc = FCGI_OK;

    memset(script, 0, sizeof(*script));
    script->root = trim_slashes(site->root);
    if (rewrite->script_name.data != NULL) {
        take_rewritten(script, site, rewrite);
    } else if (site->mount != NULL) {
        rc = find_mounted(script, site, path);
    } else {
        rc = find_script(script, site, path);
    }
    if (rewrite->script_filename.data != NULL) {
        script->folder = rewrite->script_filename;
        script->file.len = 0;
    }
    return rc;
}
