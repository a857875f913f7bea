/*
 * pool - the connections to one application server: those in use, those kept
 * idle for the next request, and the queue of callers that wait for one.
 *
 *                  get                    put
 *     dial --> [ leased ] <-----------> [ idle ] --> evicted
 *                  |                                     |
 *                  +---- discard ----> closed <----------+
 *
 * The connection used last is the first to be reused. A thread of the pool's
 * own closes idle connections when their time has expired; it starts when the
 * first connection is kept, has all signals blocked, and sleeps while none is
 * idle. A host that forbids threads calls fcgi_pool_evict() instead.
 *
 * An idle connection may hold a worker of the application that another request
 * is waiting for. The calls of a client therefore have idle connections closed:
 * one when a request has waited 20 ms for the first byte over a connection
 * dialled for it, and one more each time that wait has doubled; if none is
 * idle, the next one given back is closed. If keeping connections does not pay,
 * because the application closes them or because requests have to be rescued in
 * this way again and again, only one connection of many is kept, as a trial.
 *
 * A client has a pool of its own. This header is for its options and its
 * statistics, and for transports of your own:
 *
 *     rc = fcgi_pool_get(pool, &connection, &reused);
 *     ... a request under fcgi_connection_next_id(connection), over
 *         fcgi_connection_fd(connection)
 *     answered whole:    fcgi_pool_put(pool, connection);
 *     anything else:     fcgi_pool_discard(pool, connection);
 *
 * An idle connection may be dead. If `reused` and the connection ends at once,
 * before a byte of an answer, a request that is safe to repeat may be sent
 * again over one from fcgi_pool_dial(), which is new. One that is not safe to
 * repeat should go over such a connection from the start.
 *
 * Threads: any number for a pool; one at a time for a leased connection.
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

/** What a trace event says has happened. */
enum fcgi_trace_kind {
    FCGI_TRACE_DIALLED,    /**< connected */
    FCGI_TRACE_REUSED,     /**< an idle connection is reused */
    FCGI_TRACE_STALE,      /**< an idle connection was found dead */
    FCGI_TRACE_RETRIED,    /**< a request is sent once more */
    FCGI_TRACE_RECORD_OUT, /**< the header of a record was sent */
    FCGI_TRACE_RECORD_IN,  /**< the header of a record was received */
    FCGI_TRACE_EVICTED,    /**< a connection that could be kept is closed */
    FCGI_TRACE_TIMED_OUT   /**< a time limit expired */
};

struct fcgi_trace_event {
    enum fcgi_trace_kind kind;
    int fd;                    /**< the connection's socket; -1: none */
    int error;                 /**< FCGI_TRACE_TIMED_OUT: the code of the limit;
                                    FCGI_TRACE_RETRIED: why */
    struct fcgi_header header; /**< FCGI_TRACE_RECORD_OUT and _IN: the header */
};

/** The options of a pool. In each number, 0 means the default, as given here,
 *  and -1 off or unlimited. */
struct fcgi_pool_config {
    int max_idle;           /**< idle connections kept; 32; -1: none is kept,
                                 every request has a connection of its own */
    int idle_timeout_ms;    /**< how long a connection stays idle before it is
                                 closed; 2,000 */
    int max_age_ms;         /**< how long after it was dialled a connection may
                                 be reused; off */
    int max_requests;       /**< requests over one connection, each of which
                                 has an id of its own; 65,535, which is the
                                 most. Set this to pm.max_requests of PHP-FPM */
    int max_open;           /**< idle, leased and dialling connections together;
                                 unlimited. Below pm.max_children of PHP-FPM,
                                 requests wait here, in order, and not in its
                                 listen queue */
    int max_waiting;        /**< callers that wait because of that; 1,024 */
    int queue_timeout_ms;   /**< how long each of them waits; unlimited */
    int connect_timeout_ms; /**< connecting, all addresses together; 5,000 */
    bool evict_by_host;     /**< no thread: the host calls fcgi_pool_evict() */
    /**
     * Connect in place of the library: set `*fd` to a connected stream socket,
     * which becomes the pool's. May block for as long as it takes; no time
     * limit ends it.
     *
     * @return FCGI_OK; or an error code, which the request then ends with, and
     *         errno with it; a number above 0 means FCGI_ERR_CONNECT
     */
    int (*dial)(void *context, int *fd);
    void *dial_context;
    /** Learn what happens, for debugging; NULL costs nothing. Called from the
     *  thread in which it happens, never under a lock. May get the pool's
     *  statistics, but must not do anything else with the pool. */
    void (*trace)(void *context, const struct fcgi_trace_event *event);
    void *trace_context;
    struct fcgi_allocator allocator; /**< copied; all zero: malloc() */
    /** Learn of each socket of the pool, for example to watch it for as long as
     *  it is open: `opened` when it exists, before it is connected, and
     *  `closing` before it is closed, for whatever reason. Called from the
     *  thread in which that happens, never under a lock; an event loop that
     *  wants them in its own thread sets `evict_by_host` and drives all calls
     *  itself. In the child of a fork(), sockets of the parent are closed
     *  without a call. NULL: not told. */
    void (*socket_opened)(void *context, int fd);
    void (*socket_closing)(void *context, int fd);
    void *socket_context;
    uint64_t reserved[5]; /**< all zero */
};

/** What a pool counts: what there is now, and what happened since it was
 *  made. */
struct fcgi_pool_stats {
    size_t idle;        /**< connections ready to be reused */
    size_t open;        /**< idle, leased and dialling connections */
    size_t waiting;     /**< callers that wait for a connection */
    uint64_t dials;     /**< connections opened, or tried */
    uint64_t reuses;    /**< connections taken from the idle ones */
    uint64_t stale;     /**< idle connections found dead */
    uint64_t retries;   /**< requests sent once more, over a new connection */
    uint64_t evictions; /**< connections closed because of their idle time,
                             their age or their number of requests, because
                             enough were idle, or for a reason that is also
                             counted by itself: */
    uint64_t yielded;   /**< a request that needed a new connection would have
                             taken it */
    uint64_t rescues;   /**< another request waited for its first byte */
    uint64_t unkept;    /**< keeping connections did not pay */
    uint64_t timeouts;  /**< requests ended by a time limit */
    uint64_t reserved[4];
};

struct fcgi_pool;

/** A connection of a pool, leased to a caller. */
struct fcgi_connection;

/** Set all options to their defaults, spelt out: 32 idle connections, 2,000 ms,
 *  and so on. */
FCGI_API void fcgi_pool_config_init(struct fcgi_pool_config *config);

/**
 * Make a pool for one address. Nothing is dialled yet.
 *
 * @param pool     set to the pool, which the caller frees; NULL on failure
 * @param address  a string, copied. `unix:/path` or `/path`: a Unix socket;
 *                 `unix:@name`: an abstract one (Linux); `host:port`,
 *                 `1.2.3.4:port`, `[v6]:port`, `[v6%zone]:port`: TCP. A host
 *                 name is resolved each time a connection is dialled, the one
 *                 step that no time limit bounds; a number is never resolved. A
 *                 zone is the name of an interface that exists now, or its
 *                 number.
 * @param config   copied; NULL: the defaults
 * @return FCGI_OK, or
 *         FCGI_ERR_ARGUMENT   NULL where it is not allowed, an option below -1,
 *                             or an allocator that is not complete
 *         FCGI_ERR_ADDRESS    malformed, or a path too long for a socket
 *         FCGI_ERR_NO_MEMORY
 *         FCGI_ERR_SYSTEM     errno tells
 */
FCGI_API int fcgi_pool_new(struct fcgi_pool **pool, const char *address,
                           const struct fcgi_pool_config *config);

/**
 * Close a pool: its idle connections are closed now, leased ones when they are
 * given back, and callers that wait or ask for one get FCGI_ERR_POOL_CLOSED.
 * From any thread; twice, and NULL, are allowed.
 */
FCGI_API void fcgi_pool_close(struct fcgi_pool *pool);

/** Close and free a pool. All connections have been given back, and no thread
 *  is in one of its functions. NULL is allowed. */
FCGI_API void fcgi_pool_free(struct fcgi_pool *pool);

/**
 * Lease a connection: the idle one used last, else a new one. While `max_open`
 * are open, wait in the queue.
 *
 * @param connection  set to the connection, to be given back with
 *                    fcgi_pool_put() or fcgi_pool_discard(); NULL on failure
 * @param reused      set to whether it was idle, and so may be stale; NULL is
 *                    allowed
 * @return FCGI_OK, or, with errno telling why if it was the system's refusal,
 *         FCGI_ERR_ARGUMENT, FCGI_ERR_POOL_CLOSED, FCGI_ERR_QUEUE_FULL,
 *         FCGI_ERR_QUEUE_TIMEOUT, FCGI_ERR_RESOLVE, FCGI_ERR_CONNECT,
 *         FCGI_ERR_BACKLOG_FULL, FCGI_ERR_CONNECT_TIMEOUT, FCGI_ERR_NO_MEMORY,
 *         FCGI_ERR_SYSTEM, or what `dial` returned
 */
FCGI_API int fcgi_pool_get(struct fcgi_pool *pool,
                           struct fcgi_connection **connection, bool *reused);

/** As fcgi_pool_get(), but always a new connection. If `max_open` are open, the
 *  one that has been idle longest is closed to make room. */
FCGI_API int fcgi_pool_dial(struct fcgi_pool *pool,
                            struct fcgi_connection **connection);

/**
 * Give a connection back to be reused. Only for one whose last request was
 * answered whole, with nothing left to read.
 *
 * It is closed instead if the pool is closed, if enough are idle, if it has
 * reached its age or its number of requests, or if keeping it would do harm, as
 * the head of this file says.
 *
 * @param connection  not the caller's any more; NULL is allowed
 */
FCGI_API void fcgi_pool_put(struct fcgi_pool *pool,
                            struct fcgi_connection *connection);

/** Give a connection back to be closed. It is not the caller's any more; NULL
 *  is allowed. */
FCGI_API void fcgi_pool_discard(struct fcgi_pool *pool,
                                struct fcgi_connection *connection);

/** The socket of a leased connection. It stays the pool's, and is in blocking
 *  mode, which must not be changed. -1 in the child of a fork(), and for
 *  NULL. */
FCGI_API int fcgi_connection_fd(const struct fcgi_connection *connection);

/** The id for the next request over a leased connection, which counts as one
 *  towards `max_requests`: 1, 2, 3 and so on, and 1 again after 65,535, for
 *  those who go on beyond that. Not NULL. */
FCGI_API uint16_t fcgi_connection_next_id(struct fcgi_connection *connection);

/**
 * Pass on that an idle connection has become readable: it is closed if the
 * application has closed it, rather than found dead by the next request. From
 * the thread that gets and gives back connections, or while no other does.
 *
 * @param fd  a descriptor of `socket_opened`; harmless if its connection is not
 *            idle
 */
FCGI_API void fcgi_pool_check_idle(struct fcgi_pool *pool, int fd);

/**
 * Close the idle connections whose time has expired: what the pool's thread
 * does, for a host that set `evict_by_host`. From any thread.
 *
 * @return milliseconds until this is next needed; -1: not before a connection
 *         is given back
 */
FCGI_API int fcgi_pool_evict(struct fcgi_pool *pool);

/** Fill in the pool's statistics. From any thread. */
FCGI_API void fcgi_pool_get_stats(struct fcgi_pool *pool,
                                  struct fcgi_pool_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
