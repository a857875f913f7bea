/*
 * cgi - from an HTTP request to the variables of CGI, and from the answer back
 * to HTTP (RFC 3875; RFC 9110): what a web server or a proxy needs to put in
 * front of fcgi_client_do().
 *
 *     target  /a/b.php/c?d=e    root /srv/www
 *
 *     SCRIPT_NAME      /a/b.php
 *     SCRIPT_FILENAME  /srv/www/a/b.php
 *     PATH_INFO        /c
 *     QUERY_STRING     d=e
 *     REQUEST_URI      /a/b.php/c?d=e
 *
 * No file is looked at: the application may live on another machine.
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

/** What is done with a request field whose name folds onto the variable of
 *  another: `X_Y` and `X.Y` (as PHP does) both look like `X-Y`. */
enum fcgi_cgi_folding {
    FCGI_CGI_FOLDING_REFUSE = 0, /**< the request is FCGI_ERR_BAD_REQUEST */
    FCGI_CGI_FOLDING_DROP = 1,   /**< the field is left out */
    FCGI_CGI_FOLDING_ALLOW = 2   /**< it becomes a variable like any other */
};

/** Where requests go. Strings end in NUL and are borrowed. */
struct fcgi_cgi_site {
    const char *root;      /**< DOCUMENT_ROOT, an absolute path; not NULL */
    const char *index;     /**< the script of a target that names none, in the
                                directory it names if it ends in "/", else at
                                the root; NULL: "index.php" */
    const char *extension; /**< what a script's name ends in, in any case of
                                letters; NULL: ".php" */
    const char *software;  /**< SERVER_SOFTWARE; NULL: libfcgi-client's */
    enum fcgi_cgi_folding folding;
    bool drop_connection_named; /**< leave out the fields that Connection names:
                                     right in front of clients alone, since one
                                     behind a trusted proxy could so take away
                                     what that has added */
    uint64_t reserved[4];       /**< all zero */
};

/** An HTTP request as a server has parsed it. Everything is borrowed; an empty
 *  slice leaves its variable out. */
struct fcgi_cgi_request {
    struct fcgi_slice method;        /**< a token (RFC 9110, 9.1) */
    struct fcgi_slice target;        /**< origin form, absolute form or "*" */
    struct fcgi_slice protocol;      /**< "HTTP/1.1" */
    const struct fcgi_field *fields; /**< in order, duplicates kept */
    size_t field_count;
    bool https; /**< HTTPS=on, REQUEST_SCHEME=https */
    struct fcgi_slice remote_addr, remote_port;
    struct fcgi_slice server_addr, server_port;
    struct fcgi_slice server_name; /**< empty: the host of Host, else
                                        server_addr */
    int64_t content_length; /**< of the body that will be sent, once known;
                                 0: what the field Content-Length says, or no
                                 body; -1: there is a body of unknown length */
    uint64_t reserved[4];   /**< all zero */
};

/** The variables of one request after another; it keeps its memory. */
struct fcgi_cgi;

/**
 * @param cgi        set to it; NULL on failure
 * @param allocator  copied; NULL: malloc()
 * @return FCGI_OK, FCGI_ERR_ARGUMENT or FCGI_ERR_NO_MEMORY
 */
FCGI_API int fcgi_cgi_new(struct fcgi_cgi **cgi,
                          const struct fcgi_allocator *allocator);

/** NULL is fine. */
FCGI_API void fcgi_cgi_free(struct fcgi_cgi *cgi);

/**
 * Make the variables of a request, forgetting those of the one before.
 *
 * Fields become HTTP_*, but Content-Type and Content-Length their bare
 * variables; `Proxy` is never passed on, nor are the hop-by-hop fields that RFC
 * 9110, 7.6.1, lists; those that Connection names are, unless the site says
 * otherwise. Repeated fields are joined with ", ",
 * Cookie with "; "; Host and Content-Type may not be repeated. The path is
 * decoded and its dots are resolved before it becomes SCRIPT_NAME and
 * PATH_INFO; REQUEST_URI stays as it came.
 *
 * @return FCGI_OK, or, with no variables,
 *         FCGI_ERR_ARGUMENT         NULL where it is not allowed, no root
 *         FCGI_ERR_BAD_REQUEST      method, target, field or Content-Length are
 *                                   malformed: a path that leaves the root, NUL
 *                                   or control bytes (encoded ones too), a name
 *                                   that folds, Content-Length given twice with
 *                                   different values
 *         FCGI_ERR_LENGTH_REQUIRED  `content_length` is -1: PHP would read no
 *                                   body. All variables but CONTENT_LENGTH are
 *                                   there, for an application that can do
 *                                   without
 *         FCGI_ERR_NO_MEMORY
 */
FCGI_API int fcgi_cgi_build(struct fcgi_cgi *cgi,
                            const struct fcgi_cgi_site *site,
                            const struct fcgi_cgi_request *request);

/**
 * Set a variable by itself, in place of one of that name.
 *
 * @param name   a string
 * @param value  a string; NULL: take the variable away
 * @return FCGI_OK, FCGI_ERR_ARGUMENT or FCGI_ERR_NO_MEMORY
 */
FCGI_API int fcgi_cgi_set(struct fcgi_cgi *cgi, const char *name,
                          const char *value);

/**
 * The variables, as `params` of struct fcgi_request.
 *
 * @param count  set to how many there are
 * @return owned by `cgi`, until it is built, set or freed; a NUL stands behind
 *         every name and value
 */
FCGI_API const struct fcgi_param *fcgi_cgi_params(const struct fcgi_cgi *cgi,
                                                  size_t *count);

/**
 * Whether a field of the answer may be handed on to the HTTP client: not if it
 * is hop-by-hop (RFC 9110, 7.6.1), or Connection names it.
 *
 * @param response  the answer it stands in
 * @param field     one of its fields
 */
FCGI_API bool fcgi_cgi_is_end_to_end(const struct fcgi_response *response,
                                     const struct fcgi_field *field);

/**
 * The path and query of a local redirect (RFC 3875, 6.2.2): a response whose
 * only field is a Location that begins with "/", and no Status. The server then
 * answers as if that had been asked.
 *
 * @return owned by the response; NULL: it is none
 */
FCGI_API const char *
fcgi_cgi_local_redirect(const struct fcgi_response *response);

/** Whether the HTTP answer of that status to that method has a body. */
FCGI_API bool fcgi_cgi_has_body(struct fcgi_slice method, int status);

#ifdef __cplusplus
}
#endif

#endif
