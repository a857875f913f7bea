/*
 * target - the target of an HTTP request (RFC 9112, section 3.2).
 *
 * A host may have looked at the target before, to decide who may ask for what,
 * and must have seen the path that the application will see. A target in which
 * two readers could see different paths is therefore refused, not repaired.
 */
#include <string.h>

#include <fcgi_client/error.h>

#include "../base/decimal.h"
#include "../http/field.h"
#include "target.h"

static bool is_control(char byte)
{
    return (unsigned char)byte < 0x20 || byte == 0x7f;
}

static bool contains(struct fcgi_slice text, char byte)
{
    return memchr(text.data, byte, text.len) != NULL;
}

/* Bytes above ASCII do not belong in a target, but clients send them, and they
 * do no harm. A fragment is not sent (RFC 9110, section 7.1). */
static bool is_clean(struct fcgi_slice text)
{
    return fcgi__is_value(text.data, text.len) && !contains(text, '\t') &&
           !contains(text, ' ') && !contains(text, '#');
}

/* Take `len` bytes off the front. */
static struct fcgi_slice take_front(struct fcgi_slice *rest, size_t len)
{
    struct fcgi_slice taken = {rest->data, len};

    rest->data += len;
    rest->len -= len;
    return taken;
}

/* The length of what stands before a byte, or of all if the byte is absent. */
static size_t length_before(struct fcgi_slice text, char byte)
{
    const char *found = memchr(text.data, byte, text.len);

    return found == NULL ? text.len : (size_t)(found - text.data);
}

static bool take_prefix(struct fcgi_slice *rest, const char *text)
{
    size_t len = strlen(text);

    if (rest->len < len || !fcgi__same_name(rest->data, len, text, len)) {
        return false;
    }
    (void)take_front(rest, len);
    return true;
}

/* Take the scheme and the authority off the front, if the target has the
 * absolute form. */
static bool take_origin(struct fcgi_slice *rest, struct fcgi_slice *authority)
{
    struct fcgi_slice host;

    if (rest->data[0] == '/') {
        return true;
    }
    if (!take_prefix(rest, "http://") && !take_prefix(rest, "https://")) {
        return true;
    }
    *authority = *rest;
    authority->len = length_before(*authority, '?');
    authority->len = length_before(*authority, '/');
    (void)take_front(rest, authority->len);
    return fcgi__authority_host(*authority, &host);
}

/* The path of "http://host" is "/" (RFC 9112, section 3.2.1). */
int fcgi__target_parse(struct fcgi__target *target, struct fcgi_slice text)
{
    static const struct fcgi_slice root = {"/", 1};
    struct fcgi_slice rest = text;

    memset(target, 0, sizeof(*target));
    if (fcgi__slice_equals(text, "*")) {
        target->path = text;
        return FCGI_OK;
    }
    if (text.len == 0 || !is_clean(text) ||
        !take_origin(&rest, &target->authority)) {
        return FCGI_ERR_BAD_REQUEST;
    }
    target->path = take_front(&rest, length_before(rest, '?'));
    target->search = rest;
    if (target->path.len == 0 && target->authority.len > 0) {
        target->path = root;
    }
    return target->path.len > 0 && target->path.data[0] == '/'
               ? FCGI_OK
               : FCGI_ERR_BAD_REQUEST;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static int hex_value(char digit)
{
    if (is_digit(digit)) {
        return digit - '0';
    }
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool is_letter(char byte)
{
    byte |= 0x20;
    return byte >= 'a' && byte <= 'z';
}

/* "[::1]": the brackets are part of SERVER_NAME (RFC 3875, section 4.1.14). */
static size_t address_len(struct fcgi_slice text)
{
    size_t len = 1;

    while (len < text.len && (hex_value(text.data[len]) >= 0 ||
                              text.data[len] == ':' || text.data[len] == '.')) {
        len += 1;
    }
    return len > 1 && len < text.len && text.data[len] == ']' ? len + 1 : 0;
}

/* RFC 3986 also allows "a,b" and "it's", but DNS has no such names; "_" is in
 * use. */
static size_t name_len(struct fcgi_slice text)
{
    size_t len = 0;

    while (len < text.len &&
           (is_letter(text.data[len]) || is_digit(text.data[len]) ||
            memchr("-._", text.data[len], 3) != NULL)) {
        len += 1;
    }
    return len;
}

bool fcgi__authority_host(struct fcgi_slice authority, struct fcgi_slice *host)
{
    struct fcgi_slice rest = authority;
    bool is_address = rest.len > 0 && rest.data[0] == '[';

    *host = take_front(&rest, is_address ? address_len(rest) : name_len(rest));
    if (host->len == 0 || (rest.len > 0 && rest.data[0] != ':')) {
        return false;
    }
    return rest.len <= 1 ||
           fcgi__parse_decimal(rest.data + 1, rest.len - 1) >= 0;
}

/*
 * The path: names between slashes. "." and ".." are resolved (RFC 3986, section
 * 5.2.4), but a path that leaves the root is refused.
 *
 * A path may contain an encoded slash or a backslash like any other byte. Some
 * readers take it for a separator (those that decode first; those that
 * run on Windows), and others do not, so that dots behind it lead them to
 * different places: a path with both is refused.
 */
struct path {
    char *out;
    size_t len;
    size_t name; /* where in `out` the current name starts */
    bool has_dots;
    bool has_disguised_slash; /* a separator to some readers only */
};

/* "/a/b/" becomes "/a/". False: it is "/", the root. */
static bool leave_folder(struct path *path)
{
    if (path->len == 1) {
        return false;
    }
    do {
        path->len -= 1;
    } while (path->out[path->len - 1] != '/');
    return true;
}

/* The current name has ended: resolve it if it is dots. False: it leaves the
 * root. */
static bool end_name(struct path *path)
{
    size_t len = path->len - path->name;

    if (len == 0 || len > 2 || memcmp(path->out + path->name, "..", len) != 0) {
        return true;
    }
    path->has_dots = true;
    path->len = path->name;
    return len == 1 || leave_folder(path);
}

/* Add a byte that separates names; a slash after a slash adds nothing. */
static bool add_separator(struct path *path, char byte)
{
    if (!end_name(path)) {
        return false;
    }
    if (byte != '/' || path->len == 0 || path->out[path->len - 1] != '/') {
        path->out[path->len] = byte;
        path->len += 1;
    }
    path->name = path->len;
    return true;
}

/* Copy the bytes that stand for themselves; returns the end of them. */
static const char *copy_plain(struct path *path, const char *at,
                              const char *end)
{
    char *out = path->out + path->len;

    while (at < end && *at != '%' && *at != '/' && *at != '\\') {
        *out = *at;
        out += 1;
        at += 1;
    }
    path->len = (size_t)(out - path->out);
    return at;
}

/* Decode "%2e". False: it is malformed, or a control byte. */
static bool decode(const char *at, const char *end, char *byte)
{
    int high;
    int low;

    if (end - at < 3) {
        return false;
    }
    high = hex_value(at[1]);
    low = hex_value(at[2]);
    *byte = (char)(high * 16 + low);
    return high >= 0 && low >= 0 && !is_control(*byte);
}

/* Add a byte that is encoded or a separator. */
static bool add_byte(struct path *path, char byte, bool is_encoded)
{
    if (byte != '/' && byte != '\\') {
        path->out[path->len] = byte;
        path->len += 1;
        return true;
    }
    path->has_disguised_slash |= is_encoded || byte == '\\';
    return add_separator(path, byte);
}

static bool copy_names(struct path *path, const char *at, const char *end)
{
    for (;;) {
        char byte;
        bool is_encoded;
        at = copy_plain(path, at, end);
        if (at == end) {
            return end_name(path);
        }
        byte = *at;
        is_encoded = byte == '%';
        if ((is_encoded && !decode(at, end, &byte)) ||
            !add_byte(path, byte, is_encoded)) {
            return false;
        }
        at += is_encoded ? 3 : 1;
    }
}

int fcgi__path_resolve(struct fcgi_slice path, char *out, size_t *len)
{
    struct path resolved = {.out = out};

    if (!copy_names(&resolved, path.data, path.data + path.len) ||
        (resolved.has_dots && resolved.has_disguised_slash)) {
        return FCGI_ERR_BAD_REQUEST;
    }
    *len = resolved.len;
    return FCGI_OK;
}

static bool leads_up(const char *name, size_t len)
{
    return len == 2 && memcmp(name, "..", 2) == 0;
}

bool fcgi__path_is_sound(struct fcgi_slice path)
{
    size_t start = 0;

    if (path.len == 0 || path.data[0] != '/' ||
        !fcgi__is_value(path.data, path.len) || contains(path, '\t')) {
        return false;
    }
    for (size_t i = 0; i < path.len; i++) {
        if (path.data[i] == '/' || path.data[i] == '\\') {
            if (leads_up(path.data + start, i - start)) {
                return false;
            }
            start = i + 1;
        }
    }
    return !leads_up(path.data + start, path.len - start);
}

static bool ends_in(struct fcgi_slice name, struct fcgi_slice end)
{
    return name.len >= end.len && name.len > 0 &&
           fcgi__same_name(name.data + name.len - end.len, end.len, end.data,
                           end.len);
}

size_t fcgi__path_script(struct fcgi_slice path, struct fcgi_slice extension)
{
    struct fcgi_slice rest = path;

    while (rest.len > 0) {
        struct fcgi_slice name;
        (void)take_front(&rest, 1);
        name = take_front(&rest, length_before(rest, '/'));
        if (ends_in(name, extension)) {
            return path.len - rest.len;
        }
    }
    return 0;
}
