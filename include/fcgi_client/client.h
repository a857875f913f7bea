/*
 * client - the handle a program keeps for one application server: its address,
 * its limits, its connections and the memory of its calls.
 *
 * A client is safe to use from any number of threads at the same time. In the
 * child of a fork() it has no connection, and dials anew.
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

/** How a client behaves; all zero: the defaults. */
struct fcgi_client_config {
    struct fcgi_timeouts timeouts; /**< of each request */
    struct fcgi_limits limits;     /**< of each response */
    enum fcgi_retry retry;         /**< 0: FCGI_RETRY_SAFE */
    bool no_abort;                 /**< of each request: see struct
                                        fcgi_request */
    struct fcgi_pool_config pool;  /**< its allocator is the client's too; its
                                        time limits hold where `timeouts` says
                                        nothing */
    uint64_t reserved[8];          /**< all zero */
};

struct fcgi_client;

/**
 * Make a client for one address. Nothing is dialled yet.
 *
 * @param client   set to it; NULL on failure
 * @param address  copied; its forms are those of fcgi_pool_new()
 * @param config   copied; NULL: the defaults
 * @return FCGI_OK, FCGI_ERR_ARGUMENT, FCGI_ERR_ADDRESS, FCGI_ERR_NO_MEMORY or
 *         FCGI_ERR_SYSTEM (errno tells)
 */
FCGI_API int fcgi_client_new(struct fcgi_client **client, const char *address,
                             const struct fcgi_client_config *config);

/** Close the client's pool, as fcgi_pool_close(): calls under way go on to
 *  their end, no other begins. From any thread; twice is fine. */
FCGI_API void fcgi_client_close(struct fcgi_client *client);

/** Close and free a client. No call may be under way. NULL is fine. */
FCGI_API void fcgi_client_free(struct fcgi_client *client);

/**
 * Ask the application and wait for its whole answer.
 *
 * Sending and receiving go on at the same time, so that neither a large body
 * nor a large answer can lock up. A request that is safe to repeat goes over a
 * pooled connection, and is sent once more over a new one when that turns out
 * stale; any other goes over a new connection, once: see enum fcgi_retry.
 *
 * Threads: any number at the same time, each with a response of its own. A
 * thread must not be cancelled amid it, since its connection would stay in use:
 * disable that around it with pthread_setcancelstate(), and end a request that
 * takes too long by its time limits or from its sink.
 *
 * @param request   borrowed; not NULL
 * @param response  emptied, then filled; zero-initialised the first time; not
 *                  NULL. After an error it holds what was received, and its
 *                  `outcome` what happened.
 * @return FCGI_OK, whatever the HTTP status, or one of
 *         nothing was sent:
 *           FCGI_ERR_ARGUMENT, FCGI_ERR_PARAMS_TRUNCATED,
 *           FCGI_ERR_CONTENT_TOO_LONG, FCGI_ERR_POOL_CLOSED,
 *           FCGI_ERR_QUEUE_FULL, FCGI_ERR_QUEUE_TIMEOUT, FCGI_ERR_RESOLVE,
 *           FCGI_ERR_CONNECT, FCGI_ERR_BACKLOG_FULL, FCGI_ERR_CONNECT_TIMEOUT
 *         the connection failed:
 *           FCGI_ERR_CLOSED, FCGI_ERR_TRUNCATED, FCGI_ERR_RESET,
 *           FCGI_ERR_WRITE_TIMEOUT, FCGI_ERR_FIRST_BYTE_TIMEOUT,
 *           FCGI_ERR_IDLE_TIMEOUT, FCGI_ERR_DEADLINE
 *         the answer is not valid:
 *           FCGI_ERR_NOT_FASTCGI, FCGI_ERR_INVALID_HEADER,
 *           FCGI_ERR_BAD_RECORD, FCGI_ERR_NO_HEAD, FCGI_ERR_BAD_HEAD,
 *           FCGI_ERR_HEAD_TOO_LARGE, FCGI_ERR_BODY_TOO_LARGE,
 *           FCGI_ERR_BODY_SHORT, FCGI_ERR_BODY_LONG
 *         the application refused:
 *           FCGI_ERR_OVERLOADED, FCGI_ERR_CANT_MPX_CONN,
 *           FCGI_ERR_UNKNOWN_ROLE, FCGI_ERR_PROTOCOL_STATUS
 *         here:
 *           FCGI_ERR_CANCELLED, FCGI_ERR_SOURCE, FCGI_ERR_STATE,
 *           FCGI_ERR_NO_MEMORY, FCGI_ERR_SYSTEM
 */
FCGI_API int fcgi_client_do(struct fcgi_client *client,
                            const struct fcgi_request *request,
                            struct fcgi_response *response);

/** What an application says of itself (FastCGI specification, section 4.1). In
 *  each, -1: it did not say. */
struct fcgi_values {
    int64_t max_conns; /**< connections it takes at a time */
    int64_t max_reqs;  /**< requests it takes at a time */
    int mpxs_conns;    /**< 1: several requests on one connection; 0: not */
    uint64_t reserved[2];
};

/**
 * Ask an application for its limits, over a connection of its own.
 *
 * Some applications never answer: the client's time limits end that. Some close
 * the connection instead, as older PHP-FPM does.
 *
 * @param values  filled in, also after an error; not NULL
 * @return FCGI_OK  also where the application knows no such question;
 *         FCGI_ERR_PARAMS_TRUNCATED  its answer ends amid a pair; or an error
 *         of fcgi_client_do() (errno tells why it could not be asked)
 */
FCGI_API int fcgi_client_get_values(struct fcgi_client *client,
                                    struct fcgi_values *values);

/** The client's pool, for its statistics and for fcgi_pool_evict(). It stays
 *  the client's: never free it. */
FCGI_API struct fcgi_pool *fcgi_client_pool(struct fcgi_client *client);

#ifdef __cplusplus
}
#endif

#endif
