/*
 * client - the handle that a program keeps for one application server: its
 * address, its limits, its connections, and memory for its calls.
 *
 * Threads: any number at the same time. In the child of a fork() a client has
 * no connections, and dials new ones.
 */
#ifndef FCGI_CLIENT_CLIENT_H
#define FCGI_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/error.h>
#include <fcgi_client/exchange.h>
#include <fcgi_client/pool.h>
#include <fcgi_client/response.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The options of a client; all zero: the defaults. A request can have its own
 *  in place of the first four. */
struct fcgi_client_config {
    struct fcgi_timeouts timeouts; /**< of each request */
    struct fcgi_limits limits;     /**< of each response */
    enum fcgi_retry retry;         /**< of each request; 0: FCGI_RETRY_SAFE */
    bool no_abort;                 /**< of each request, see struct
                                        fcgi_request; a request can set it, not
                                        clear it */
    struct fcgi_pool_config pool;  /**< its allocator is the client's too; its
                                        `connect_timeout_ms` and
                                        `queue_timeout_ms` hold where `timeouts`
                                        has 0 */
    uint64_t reserved[8];          /**< all zero */
};

struct fcgi_client;

/**
 * Make a client for one address. Nothing is dialled yet.
 *
 * @param client   set to the client, which the caller frees; NULL on failure
 * @param address  a string, copied; its forms are those of fcgi_pool_new()
 * @param config   copied; NULL: the defaults
 * @return FCGI_OK, FCGI_ERR_ARGUMENT, FCGI_ERR_ADDRESS, FCGI_ERR_NO_MEMORY or
 *         FCGI_ERR_SYSTEM (errno tells)
 */
FCGI_API int fcgi_client_new(struct fcgi_client **client, const char *address,
                             const struct fcgi_client_config *config);

/** Close the client's pool, as fcgi_pool_close() does: calls that have a
 *  connection go on to their end; those that wait for one, and new ones, fail
 *  with FCGI_ERR_POOL_CLOSED. From any thread; twice, and NULL, are allowed. */
FCGI_API void fcgi_client_close(struct fcgi_client *client);

/** Close and free a client. All its calls have been freed, and no thread is in
 *  one of its functions. NULL is allowed. */
FCGI_API void fcgi_client_free(struct fcgi_client *client);

/**
 * Ask the application and wait for its whole answer.
 *
 * Sending and receiving go on at the same time, so that neither a large body
 * nor a large answer can lock up. A request that is safe to repeat goes over a
 * pooled connection, and is sent once more over a new one if that turns out to
 * be stale; any other goes over a new connection, once: see enum fcgi_retry.
 *
 * Threads: any number at the same time, each with a response of its own. A
 * thread must not be cancelled within this function, since its connection would
 * stay in use: disable that with pthread_setcancelstate(), and end a request
 * that takes too long by its time limits or from its sink.
 *
 * @param request   borrowed for this call; not NULL
 * @param response  the caller's, zero-initialised the first time; emptied, then
 *                  filled; not NULL. After an error it has what was received,
 *                  and its `outcome` tells what happened. It can be used again,
 *                  as can the client, after any of these codes.
 * @return FCGI_OK, whatever the HTTP status, or one of
 *         nothing was sent:
 *           FCGI_ERR_ARGUMENT, FCGI_ERR_PARAMS_TRUNCATED,
 *           FCGI_ERR_CONTENT_TOO_LONG, FCGI_ERR_LENGTH_REQUIRED,
 *           FCGI_ERR_POOL_CLOSED, FCGI_ERR_QUEUE_FULL, FCGI_ERR_QUEUE_TIMEOUT,
 *           FCGI_ERR_RESOLVE, FCGI_ERR_CONNECT, FCGI_ERR_BACKLOG_FULL,
 *           FCGI_ERR_CONNECT_TIMEOUT
 *         the connection failed:
 *           FCGI_ERR_CLOSED, FCGI_ERR_TRUNCATED, FCGI_ERR_RESET
 *         a time limit expired, the last of them perhaps before anything was
 *         sent:
 *           FCGI_ERR_WRITE_TIMEOUT, FCGI_ERR_FIRST_BYTE_TIMEOUT,
 *           FCGI_ERR_IDLE_TIMEOUT, FCGI_ERR_DEADLINE
 *         the answer is not valid:
 *           FCGI_ERR_NOT_FASTCGI, FCGI_ERR_INVALID_HEADER,
 *           FCGI_ERR_BAD_RECORD, FCGI_ERR_BAD_ID, FCGI_ERR_NO_HEAD,
 *           FCGI_ERR_BAD_HEAD, FCGI_ERR_HEAD_TOO_LARGE,
 *           FCGI_ERR_BODY_TOO_LARGE, FCGI_ERR_BODY_SHORT, FCGI_ERR_BODY_LONG
 *         the application refused:
 *           FCGI_ERR_OVERLOADED, FCGI_ERR_CANT_MPX_CONN,
 *           FCGI_ERR_UNKNOWN_ROLE, FCGI_ERR_PROTOCOL_STATUS
 *         something failed on this side:
 *           FCGI_ERR_CANCELLED, FCGI_ERR_SOURCE, FCGI_ERR_STATE (a source or a
 *           sink waits for nothing that can come, or the process forked
 *           meanwhile and this is the child), FCGI_ERR_NO_MEMORY,
 *           FCGI_ERR_SYSTEM
 */
FCGI_API int fcgi_client_do(struct fcgi_client *client,
                            const struct fcgi_request *request,
                            struct fcgi_response *response);

/** What an application says about itself (FastCGI specification, section 4.1).
 *  In each, -1: it did not say. */
struct fcgi_values {
    int64_t max_conns; /**< connections that it accepts at a time */
    int64_t max_reqs;  /**< requests that it accepts at a time */
    int mpxs_conns;    /**< 1: it takes several requests at a time on one
                            connection; 0: it does not */
    uint64_t reserved[2];
};

/**
 * Ask an application for its limits with FCGI_GET_VALUES (section 4.1), over a
 * new connection, which is closed afterwards.
 *
 * Some applications never answer: the client's time limits end the wait. Some
 * close the connection instead, as older PHP-FPM does.
 *
 * Threads: any number at the same time.
 *
 * @param values  filled in, even after an error; not NULL
 * @return FCGI_OK                    also if the application answers that it
 *                                    does not know this question (section 4.2)
 *         FCGI_ERR_PARAMS_TRUNCATED  its answer ends within a pair
 *         other                      an error of fcgi_client_do(); errno tells
 *                                    why the application could not be asked
 */
FCGI_API int fcgi_client_get_values(struct fcgi_client *client,
                                    struct fcgi_values *values);

/** The client's pool, for fcgi_pool_get_stats() and fcgi_pool_evict(). It stays
 *  the client's: never free it. NULL for NULL. */
FCGI_API struct fcgi_pool *fcgi_client_pool(struct fcgi_client *client);

#ifdef __cplusplus
}
#endif

#endif
