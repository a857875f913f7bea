/*
 * cgi - from an HTTP request to the variables of CGI, and from the answer back
 * to HTTP (RFC 3875; RFC 9110): what a web server or a proxy needs around
 * fcgi_client_do().
 *
 *     target  /a/b.php/c?d=e    root /srv/www
 *
 *     SCRIPT_NAME      /a/b.php
 *     SCRIPT_FILENAME  /srv/www/a/b.php
 *     PATH_INFO        /c
 *     QUERY_STRING     d=e
 *     REQUEST_URI      /a/b.php/c?d=e
 *
 * The library looks at no file, as the application may be on another machine.
 * The host may say which scripts exist. Where a path leads:
 *
 *     {.root}                    /a/b.php/c  to /a/b.php
 *                                /a/         to /a/index.php
 *                                /a          to /index.php
 *     {.root, .front}            /a/b.php/c  to /a/b.php
 *                                /a/, /a     to the front controller
 *     {.root, .front, .exists}   /a/b.php/c  to /a/b.php, if there is one
 *                                /a/         to /a/index.php, if there is one
 *                                all others  to the front controller
 *     {.mount = "/a"}            /a/b/c      to the application: it is called
 *                                            /a, and /b/c is PATH_INFO
 *
 * Threads: one at a time for each struct fcgi_cgi.
 */
#ifndef FCGI_CLIENT_CGI_H
#define FCGI_CLIENT_CGI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/error.h>
#include <fcgi_client/params.h>
#include <fcgi_client/record.h>
#include <fcgi_client/response.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What to do with a request field whose name folds: it has a "_" or a "." in
 *  it, and could so become the variable of another field. `X_Y`, and in PHP
 *  `X.Y`, look like `X-Y`. */
enum fcgi_cgi_folding {
    FCGI_CGI_FOLDING_REFUSE = 0, /**< FCGI_ERR_BAD_REQUEST */
    FCGI_CGI_FOLDING_DROP = 1,   /**< leave the field out */
    FCGI_CGI_FOLDING_ALLOW = 2   /**< make a variable of it, unless it looks
                                      like a field that has a meaning of its
                                      own: Content_Length, for one, is left
                                      out */
};

/** Where requests go: to scripts, or to one application that is mounted at a
 *  path and knows no scripts. Strings end in NUL and are borrowed. */
struct fcgi_cgi_site {
    const char *root;      /**< DOCUMENT_ROOT, an absolute path; NULL, with a
                                `mount` only: neither DOCUMENT_ROOT nor
                                PATH_TRANSLATED */
    const char *index;     /**< the script for a path that names none: in the
                                directory that the path names if that ends in
                                "/", else at the root, unless `front` or
                                `exists` is set; NULL: "index.php" */
    const char *extension; /**< how the name of a script ends, in upper or lower
                                case; NULL: ".php" */
    const char *software;  /**< SERVER_SOFTWARE; NULL: "libfcgi-client/" and the
                                version */
    enum fcgi_cgi_folding folding;
    bool drop_connection_named; /**< leave out the fields that Connection names.
                                     Only for a server that clients reach
                                     directly: behind a trusted proxy, a client
                                     could so remove what the proxy has added */
    const char *front; /**< the front controller, such as "/index.php": the
                            script for a path that names none, instead of
                            `index`. It reads the path from REQUEST_URI, and
                            there is no PATH_INFO. Without `exists`, it also
                            answers for directories: WordPress, whose /wp-admin/
                            is one, needs `exists`. NULL: none */

    /**
     * Whether the application has a script. Asked about the one that the path
     * names, by its extension; then, if the path ends in "/", about the index
     * in that directory: at most twice for a request, and only if nothing is
     * wrong with the rest of it. If neither exists, the front controller
     * answers (about which nothing is asked); without one, fcgi_cgi_build()
     * returns FCGI_ERR_NOT_FOUND. So `exists` with `front` is what nginx calls
     *
     *     try_files $uri $uri/ /index.php$is_args$args;
     *
     * and without `front`, `try_files $uri $uri/ =404;`. A directory that is
     * named without its slash is nothing that exists: a host that redirects the
     * client to it does so before.
     *
     * It may take its time, but not call a function for the struct fcgi_cgi
     * that asks. NULL: not known; what looks like a script is one.
     *
     * @param context  `exists_context`
     * @param path     a path below the root, as in SCRIPT_NAME: decoded, and
     *                 starting with "/"; it never leaves the root. Borrowed
     * @return 1: it is a file that the application may run; 0: it is not; any
     *         negative number ends fcgi_cgi_build(), which returns it
     */
    int (*exists)(void *context, const char *path);
    void *exists_context;

    const char *mount;    /**< the path at which an application is mounted that
                               knows no scripts (WSGI, Rack, Go): "/", or such
                               as "/shop", with or without a slash at its end.
                               SCRIPT_NAME is the mount without that slash, and
                               PATH_INFO the rest of the path, which may be
                               empty. Paths that are neither the mount nor below
                               it are FCGI_ERR_NOT_FOUND. Not together with
                               `front` or `exists`; `index` and `extension` do
                               not count. NULL: none */
    const char *script;   /**< with `mount`, SCRIPT_FILENAME: the program that
                               answers, such as git-http-backend for fcgiwrap;
                               NULL: no SCRIPT_FILENAME */
    uint64_t reserved[4]; /**< all zero */
};

/** What a host knows of a request that it has rewritten, or mapped to a file by
 *  rules of its own (an alias, a virtual directory). All of it is borrowed. A
 *  slice whose `data` is NULL is not given: the library finds it. What is given
 *  may be empty, and is not decoded. REQUEST_URI stays the target. */
struct fcgi_cgi_rewrite {
    struct fcgi_slice path;        /**< the path, in place of the target's; it
                                        starts with "/" */
    struct fcgi_slice query;       /**< QUERY_STRING */
    struct fcgi_slice script_name; /**< SCRIPT_NAME: neither the path nor the
                                        site then says which script it is, and
                                        `exists` is not asked */
    struct fcgi_slice path_info;   /**< PATH_INFO; only with `script_name`. Not
                                        given: none */
    struct fcgi_slice script_filename; /**< SCRIPT_FILENAME. Not given: the
                                            site's `script`, or SCRIPT_NAME
                                            below the root */
    uint64_t reserved[4];              /**< all zero */
};

/** An HTTP request as a server has parsed it. All of it is borrowed. An empty
 *  slice leaves its variable out; `method` and `target` may not be empty. */
struct fcgi_cgi_request {
    struct fcgi_slice method;   /**< a token (RFC 9110, section 9.1) */
    struct fcgi_slice target;   /**< in origin form or absolute form, or "*"
                                     (RFC 9112, section 3.2) */
    struct fcgi_slice protocol; /**< such as "HTTP/1.1" */
    const struct fcgi_field *fields; /**< in order, duplicates kept */
    size_t field_count;
    bool https; /**< HTTPS=on, REQUEST_SCHEME=https */
    struct fcgi_slice remote_addr, remote_port;
    struct fcgi_slice server_addr, server_port;
    struct fcgi_slice server_name; /**< empty: the host that the target or Host
                                        names, else server_addr */
    int64_t content_length; /**< bytes of the body that will be sent; 0: what
                                 the field Content-Length says, or no body; -1:
                                 there is a body of unknown length */
    const struct fcgi_cgi_rewrite *rewrite; /**< NULL: the target says where the
                                                 request goes */
    uint64_t reserved[3];                   /**< all zero */
};

/** Makes the variables of one request after another, reusing its memory. */
struct fcgi_cgi;

/**
 * Make a struct fcgi_cgi, without variables.
 *
 * @param cgi        set to it; the caller frees it; NULL on failure
 * @param allocator  copied; NULL: malloc()
 * @return FCGI_OK, FCGI_ERR_ARGUMENT or FCGI_ERR_NO_MEMORY
 */
FCGI_API int fcgi_cgi_new(struct fcgi_cgi **cgi,
                          const struct fcgi_allocator *allocator);

/** Free it, with its variables. NULL is allowed. */
FCGI_API void fcgi_cgi_free(struct fcgi_cgi *cgi);

/**
 * Make the variables of a request, in place of those of the one before
 * (RFC 3875, section 4.1).
 *
 * Fields become HTTP_*, except that Content-Type and Content-Length become
 * CONTENT_TYPE and CONTENT_LENGTH. `Proxy` is never passed on, nor are the
 * hop-by-hop fields that RFC 9110, section 7.6.1, lists; those that Connection
 * names are, unless the site says otherwise. Repeated fields are joined with
 * ", ", Cookie with "; "; Host and Content-Type may not be repeated. The path
 * is decoded and its dots are resolved before it becomes SCRIPT_NAME and
 * PATH_INFO; REQUEST_URI is the target as it came, but always in origin form:
 * "/a?b" for `http://example.org/a?b`, whose host becomes HTTP_HOST.
 *
 * @param cgi      not NULL
 * @param site     borrowed for this call; not NULL
 * @param request  borrowed for this call; not NULL
 * @return FCGI_OK
 *         FCGI_ERR_LENGTH_REQUIRED  `content_length` is -1: PHP would read no
 *                                   body. All variables but CONTENT_LENGTH are
 *                                   there, for an application that can do
 *                                   without it
 *         or, with no variables,
 *         FCGI_ERR_ARGUMENT         NULL where it is not allowed; a root, a
 *                                   front controller or a mount that does not
 *                                   start with "/"; members that do not go
 *                                   together
 *         FCGI_ERR_BAD_REQUEST      the method, the target or a field is
 *                                   malformed, or not safe to pass on: a path
 *                                   that leaves the root, NUL or control bytes
 *                                   (encoded ones too), dots beside an encoded
 *                                   slash or a backslash, a name that folds,
 *                                   different Content-Lengths, or one beside
 *                                   Transfer-Encoding. The same goes for what
 *                                   `rewrite` gives
 *         FCGI_ERR_NOT_FOUND        the site has nothing at that path; answer
 *                                   404
 *         FCGI_ERR_NO_MEMORY
 *         what `exists` has returned, if that is negative
 */
FCGI_API int fcgi_cgi_build(struct fcgi_cgi *cgi,
                            const struct fcgi_cgi_site *site,
                            const struct fcgi_cgi_request *request);

/**
 * Make variables of the fields alone, in place of those of the request before:
 * for a host that has the others, and must not pass on what a client could harm
 * it with, such as HTTP_PROXY.
 *
 * They are HTTP_*, CONTENT_TYPE and CONTENT_LENGTH, by the same rules as those
 * of fcgi_cgi_build(). The host's own are added to them with fcgi_cgi_set().
 *
 * @param cgi      not NULL
 * @param site     only `folding` and `drop_connection_named` count; NULL: none
 *                 is set
 * @param request  only `fields`, `field_count` and `content_length` count; not
 *                 NULL
 * @return FCGI_OK, FCGI_ERR_LENGTH_REQUIRED, FCGI_ERR_ARGUMENT,
 *         FCGI_ERR_BAD_REQUEST or FCGI_ERR_NO_MEMORY, as fcgi_cgi_build()
 */
FCGI_API int fcgi_cgi_build_fields(struct fcgi_cgi *cgi,
                                   const struct fcgi_cgi_site *site,
                                   const struct fcgi_cgi_request *request);

/**
 * Set one variable, in place of any of that name; also before the first
 * fcgi_cgi_build().
 *
 * @param cgi    not NULL
 * @param name   a string, copied; neither NULL nor empty
 * @param value  a string, copied; NULL: remove the variable
 * @return FCGI_OK, or, with nothing changed,
 *         FCGI_ERR_ARGUMENT or FCGI_ERR_NO_MEMORY
 */
FCGI_API int fcgi_cgi_set(struct fcgi_cgi *cgi, const char *name,
                          const char *value);

/**
 * The variables, as `params` of struct fcgi_request.
 *
 * @param count  set to how many there are; not NULL
 * @return the variables, which are `cgi`'s and stay until the next
 *         fcgi_cgi_build(), fcgi_cgi_set() or fcgi_cgi_free(); every name and
 *         value is followed by a NUL; NULL: there are none
 */
FCGI_API const struct fcgi_param *fcgi_cgi_params(const struct fcgi_cgi *cgi,
                                                  size_t *count);

/**
 * Whether to pass a field of the answer on to the HTTP client: not if it is
 * hop-by-hop, or Connection names it (RFC 9110, section 7.6.1).
 *
 * @param response  the answer, borrowed
 * @param field     one of its fields
 * @return also false for NULL
 */
FCGI_API bool fcgi_cgi_is_end_to_end(const struct fcgi_response *response,
                                     const struct fcgi_field *field);

/**
 * The path and query of a local redirect (RFC 3875, section 6.2.2), which is a
 * response without a Status whose only field is a Location that begins with
 * one "/" and has no fragment. The server then answers as if the client had
 * asked for that.
 *
 * @return a string of the response's; NULL: this is not a local redirect
 */
FCGI_API const char *
fcgi_cgi_local_redirect(const struct fcgi_response *response);

/** Whether the HTTP answer with that status to that method has a body (RFC
 *  9112, section 6.3). */
FCGI_API bool fcgi_cgi_has_body(struct fcgi_slice method, int status);

#ifdef __cplusplus
}
#endif

#endif
