/*
 * pool - the connections of one application server: those in use, those kept
 * idle for the next request, and who waits for one.
 *
 *                  get                    put
 *     dial --> [ leased ] <-----------> [ idle ] --> evicted
 *                  |                                     |
 *                  +---- discard ----> closed <----------+
 *
 * The connection used last is the first to be used again. Idle connections are
 * closed after their time by a thread of the pool's own, which starts with the
 * first one kept, blocks all signals, and sleeps while there is none; a host
 * that forbids threads calls fcgi_pool_evict() instead.
 *
 * An idle connection may occupy a worker of the application for which another
 * request waits. The calls of a client therefore have idle connections closed:
 * one when a request has waited 20 ms for the first byte over a connection
 * dialled for it, and one more each time that wait has doubled; where none is
 * idle, the next that comes back. Where keeping does not pay, because the
 * application closes what is kept or because requests have to be rescued so
 * again and again, only one connection of many is kept, as a trial.
 *
 * A client has a pool of its own; this header is for its options and its
 * statistics, and for transports of your own:
 *
 *     rc = fcgi_pool_get(pool, &connection, &reused);
 *     ... a request under fcgi_connection_next_id(connection), over
 *         fcgi_connection_fd(connection)
 *     answered whole:    fcgi_pool_put(pool, connection);
 *     anything else:     fcgi_pool_discard(pool, connection);
 *
 * An idle connection may have died. If `reused` and the connection ends at
 * once, before a byte of an answer, a request that is safe to repeat may be
 * sent again over one from fcgi_pool_dial(), which is new; one that is not
 * should go over such a connection from the start.
 */
#ifndef FCGI_CLIENT_POOL_H
#define FCGI_CLIENT_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/error.h>
#include <fcgi_client/record.h>
#include <fcgi_client/response.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a trace tells of. */
enum fcgi_trace_kind {
    FCGI_TRACE_DIALLED,    /**< connected */
    FCGI_TRACE_REUSED,     /**< an idle connection is used again */
    FCGI_TRACE_STALE,      /**< an idle connection was found dead */
    FCGI_TRACE_RETRIED,    /**< a request is sent once more */
    FCGI_TRACE_RECORD_OUT, /**< the header of a record was sent */
    FCGI_TRACE_RECORD_IN,  /**< the header of a record was received */
    FCGI_TRACE_EVICTED,    /**< a connection is closed that could be kept */
    FCGI_TRACE_TIMED_OUT   /**< a time limit was over */
};

struct fcgi_trace_event {
    enum fcgi_trace_kind kind;
    int fd;                    /**< the connection's socket; -1: none */
    int error;                 /**< of FCGI_TRACE_TIMED_OUT: which limit */
    struct fcgi_header header; /**< of the two records' */
};

/** How a pool behaves. In each number, 0 is the default and -1 off or
 *  unlimited. */
struct fcgi_pool_config {
    int max_idle;           /**< idle connections kept; 32; -1: none is kept,
                                 every request has a connection of its own */
    int idle_timeout_ms;    /**< an idle connection is closed after; 2,000 */
    int max_age_ms;         /**< none is used again that long after it was
                                 dialled; off */
    int max_requests;       /**< requests on one connection; unlimited. Set it
                                 to pm.max_requests of PHP-FPM */
    int max_open;           /**< idle, leased and dialling together; unlimited.
                                 Below pm.max_children of PHP-FPM, requests wait
                                 here, in order, and not in its listen queue */
    int max_waiting;        /**< callers waiting for one of those; 1,024 */
    int queue_timeout_ms;   /**< each waits at most; unlimited */
    int connect_timeout_ms; /**< to connect, all addresses together; 5,000 */
    bool evict_by_host;     /**< no thread: the host calls fcgi_pool_evict() */
    /**
     * Connect instead of the library: store a connected stream socket, which
     * becomes the pool's, in `*fd`. It may block for as long as it takes.
     *
     * @return FCGI_OK or an error code, which the request then ends with, as
     *         with the errno it leaves; a number above 0 is FCGI_ERR_CONNECT
     */
    int (*dial)(void *context, int *fd);
    void *dial_context;
    /** Tell of what happens, for people who debug; NULL: costs nothing. Called
     *  from whichever thread it happens in, never under a lock. It may use the
     *  pool's statistics, but make no call on it. */
    void (*trace)(void *context, const struct fcgi_trace_event *event);
    void *trace_context;
    struct fcgi_allocator allocator; /**< copied; all zero: malloc() */
    uint64_t reserved[8];            /**< all zero */
};

/** What a pool counts. */
struct fcgi_pool_stats {
    size_t idle;        /**< connections ready for use */
    size_t open;        /**< idle, leased and dialling */
    size_t waiting;     /**< callers waiting for a connection */
    uint64_t dials;     /**< connections opened, or tried */
    uint64_t reuses;    /**< connections taken from the idle ones */
    uint64_t stale;     /**< idle connections found dead */
    uint64_t retries;   /**< requests sent again on a fresh connection */
    uint64_t evictions; /**< connections closed for their time, age or number
                             of requests, because enough were idle, or for one
                             of these reasons: */
    uint64_t yielded;   /**< a request that goes over a new connection would
                             have taken it */
    uint64_t rescues;   /**< another request waited for its first byte */
    uint64_t unkept;    /**< keeping did not pay */
    uint64_t timeouts;  /**< requests ended by a time limit */
    uint64_t reserved[4];
};

struct fcgi_pool;

/** A connection on lease from a pool. */
struct fcgi_connection;

/** Fill in the defaults by number: 32 idle, 2 s, and so on. */
FCGI_API void fcgi_pool_config_init(struct fcgi_pool_config *config);

/**
 * Make a pool for one address. Nothing is dialled yet.
 *
 * @param pool     set to it; NULL on failure
 * @param address  copied. `unix:/path` or `/path`: a Unix socket;
 *                 `unix:@name`: an abstract one (Linux); `host:port`,
 *                 `1.2.3.4:port`, `[v6]:port`, `[v6%zone]:port`: TCP. A name
 *                 is resolved at each dial, which is the one step no time limit
 *                 bounds; a number never is. A zone is an interface that is
 *                 there now, or its number.
 * @param config   copied; NULL: the defaults
 * @return FCGI_OK, or
 *         FCGI_ERR_ARGUMENT   NULL, or an option below -1
 *         FCGI_ERR_ADDRESS    malformed, or a path too long for a socket
 *         FCGI_ERR_NO_MEMORY, FCGI_ERR_SYSTEM
 */
FCGI_API int fcgi_pool_new(struct fcgi_pool **pool, const char *address,
                           const struct fcgi_pool_config *config);

/**
 * Close a pool: its idle connections are closed, who waits gets
 * FCGI_ERR_POOL_CLOSED, what is leased is closed when it comes back. From any
 * thread; twice is fine; NULL is fine.
 */
FCGI_API void fcgi_pool_close(struct fcgi_pool *pool);

/** Close and free a pool. No connection may be leased and no thread may be in
 *  one of its functions. NULL is fine. */
FCGI_API void fcgi_pool_free(struct fcgi_pool *pool);

/**
 * Take a connection: the idle one used last, else a new one. Waits for its
 * turn where `max_open` are open.
 *
 * Threads: any.
 *
 * @param connection  set to it; NULL on failure
 * @param reused      set to whether it was idle, and so may be stale; NULL is
 *                    fine
 * @return FCGI_OK, or
 *         FCGI_ERR_ARGUMENT, FCGI_ERR_POOL_CLOSED, FCGI_ERR_QUEUE_FULL,
 *         FCGI_ERR_QUEUE_TIMEOUT, FCGI_ERR_RESOLVE, FCGI_ERR_CONNECT (errno
 *         tells why), FCGI_ERR_BACKLOG_FULL, FCGI_ERR_CONNECT_TIMEOUT,
 *         FCGI_ERR_NO_MEMORY, FCGI_ERR_SYSTEM (errno tells), or what `dial`
 *         returned
 */
FCGI_API int fcgi_pool_get(struct fcgi_pool *pool,
                           struct fcgi_connection **connection, bool *reused);

/** As fcgi_pool_get(), but always a new connection, past the idle ones: where
 *  `max_open` are open, the one idle longest makes room. */
FCGI_API int fcgi_pool_dial(struct fcgi_pool *pool,
                            struct fcgi_connection **connection);

/**
 * Give a connection back to be used again. It is closed instead where the pool
 * is closed, enough are idle, or it has reached its age or its requests. Only
 * for one whose last request was answered whole.
 *
 * @param connection  not the caller's any more; NULL is fine
 */
FCGI_API void fcgi_pool_put(struct fcgi_pool *pool,
                            struct fcgi_connection *connection);

/** Give a connection back to be closed. NULL is fine. */
FCGI_API void fcgi_pool_discard(struct fcgi_pool *pool,
                                struct fcgi_connection *connection);

/** The socket of a leased connection, in blocking mode, which is not to be
 *  changed; it stays the pool's. -1 in the child of a fork(). */
FCGI_API int fcgi_connection_fd(const struct fcgi_connection *connection);

/** The id for the next request on a leased connection: never 0, and another
 *  one each time. */
FCGI_API uint16_t fcgi_connection_next_id(struct fcgi_connection *connection);

/**
 * Close the idle connections whose time is over: what the pool's thread does,
 * for a host that set `evict_by_host`.
 *
 * @return milliseconds until this is next needed; -1: not before a connection
 *         is put back
 */
FCGI_API int fcgi_pool_evict(struct fcgi_pool *pool);

/** Count. From any thread. */
FCGI_API void fcgi_pool_get_stats(struct fcgi_pool *pool,
                                  struct fcgi_pool_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
