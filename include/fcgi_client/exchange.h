/*
 * exchange - one request and its response, as a state machine that knows no
 * socket and no clock: it hands out bytes and is told bytes.
 *
 *           request                          response
 *              |                                 ^
 *   begin -> [ BEGIN  PARAMS  STDIN  DATA ]   [ head | body | stderr ]
 *              |                                 ^
 *          output, sent                   input, received
 *              v                                 |
 *           ========== whatever carries bytes ==========
 *
 * fcgi_client_do() and the pollable call are loops over this; so is any
 * transport of your own. Both directions go on at the same time:
 *
 *     fcgi_exchange_begin(x, &request, &response, 1, FCGI_FLAG_KEEP_CONN);
 *     while (fcgi_exchange_status(x) == FCGI_WAIT) {
 *         n = fcgi_exchange_output(x, slices, 8);
 *         ... send some of them, and say how much: fcgi_exchange_sent()
 *         n = fcgi_exchange_input(x, room, 8);
 *         ... receive into them, and say how much: fcgi_exchange_received()
 *     }
 *
 * FastCGI specification, sections 3 to 6.
 */
#ifndef FCGI_CLIENT_EXCHANGE_H
#define FCGI_CLIENT_EXCHANGE_H

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

/**
 * Where a body comes from. All zero: an empty body. With `read` NULL it is the
 * `len` bytes at `data`, never copied; they, and `context`, stay the caller's
 * and must stay until the request has ended.
 *
 * With `read`, `len` is how many bytes there will be, where that is known: no
 * more are read, and the end goes out with the last of them, which lets an
 * application that has what it needs end the request in good order. A source
 * that ends before it gave as many has failed. 0: as many as come.
 */
struct fcgi_source {
    const void *data;
    size_t len;
    /**
     * Store up to `cap` bytes at `buf` and their count in `*got`.
     *
     * @return FCGI_OK; 0 bytes: the end
     *         FCGI_WAIT  nothing yet: wait for `descriptor`, or be resumed
     *         other      the source failed: the request ends with
     *                    FCGI_ERR_SOURCE, and is never retried
     */
    int (*read)(void *context, void *buf, size_t cap, size_t *got);
    /**
     * Go back by `taken` bytes, all that were read, to where the stream stood
     * when the request began. Asked with 0 it only says whether it could.
     * NULL: it cannot.
     *
     * @return FCGI_OK; anything else: it cannot
     */
    int (*replay)(void *context, uint64_t taken);
    /**
     * The descriptor that becomes readable when `read` has more; -1: none.
     * NULL: none. A blocking call needs one if `read` returns FCGI_WAIT.
     */
    int (*descriptor)(void *context);
    void *context;
};

/**
 * Where a response goes as it arrives. What has no function is collected in
 * the response. Any function may return non-zero to cancel the request, which
 * then ends with FCGI_ERR_CANCELLED. None may free what it is called from, nor
 * be left by longjmp(), by an exception or by a thread's end: the request would
 * hold its connection, and its place among those of the pool, until the process
 * ends. The same is true of a source.
 */
struct fcgi_sink {
    /** The head is complete: `response` has its status and fields. Called
     *  once, before any body. */
    int (*head)(void *context, const struct fcgi_response *response);
    /** `*len` bytes of body are offered at `data`; set it to what was taken
     *  (more than that ends the request with FCGI_ERR_ARGUMENT).
     *  Left as it is, all is taken. Taking less pauses the response until it is
     * resumed; what was not taken is then offered again. A blocking call offers
     * it again at once, and ends with FCGI_ERR_STATE if nothing is taken then.
     */
    int (*body)(void *context, const void *data, size_t *len);
    /** `len` bytes of the application's FCGI_STDERR. */
    int (*stderr_data)(void *context, const void *data, size_t len);
    void *context;
};

/** Time limits in milliseconds. In each, 0 is the default and -1 no limit. */
struct fcgi_timeouts {
    int connect_ms;    /**< to connect, all addresses together; 5,000 */
    int write_ms;      /**< no byte accepted while some are pending; 30,000 */
    int first_byte_ms; /**< from the last byte of the request accepted to the
                            first of the response: content of this request's
                            own FCGI_STDOUT, FCGI_STDERR or FCGI_END_REQUEST;
                            60,000 */
    int idle_ms;       /**< neither direction moved after that, where other
                            records do not count either; 60,000 */
    int total_ms;      /**< everything, copying the params and waiting for a
                            connection included; no limit: an application that
                            keeps sending may take any time. The others hold
                            beside it: for this one alone set them to -1 */
    int queue_ms;      /**< waiting for a connection; no limit */
};

/**
 * Which requests go over a pooled connection, and which of those are sent once
 * more when that connection turns out stale.
 *
 * A connection is stale if it was dead when the request reached it: it ends
 * before any byte of the response, and within a second after it last took a
 * byte of the request. If it ends later, the application died at its work; the
 * request then fails and is not repeated. Nor is a request ever repeated after
 * a time limit, after a failure of a new connection, or a second time.
 */
enum fcgi_retry {
    FCGI_RETRY_DEFAULT = 0, /**< the client's; there: FCGI_RETRY_SAFE */
    /** A request that is safe to repeat, because its method is idempotent (RFC
     *  9110, section 9.2.2) and its body absent or replayable, goes over a
     *  pooled connection and is sent once more. Any other goes over a new
     *  connection and is never sent again; where an idle connection would have
     *  been taken, that is closed first. */
    FCGI_RETRY_SAFE = 1,
    /** Any request goes over a pooled connection, and is sent once more if its
     *  body is absent or replayable, whatever its method: it may run twice. */
    FCGI_RETRY_STALE = 2,
    /** Any request goes over a pooled connection, which is checked just before,
     *  and none is sent again. */
    FCGI_RETRY_NEVER = 3
};

struct fcgi_wakeup;

/**
 * What is asked of an application. All zero but `params` is a responder
 * request without a body.
 *
 * The params, and `encoded_params`, may go once the request has begun; the
 * sources and the sink are used until it has ended. CONTENT_LENGTH is never
 * added: PHP needs it with a body.
 */
struct fcgi_request {
    enum fcgi_role role; /**< 0: FCGI_ROLE_RESPONDER */
    const struct fcgi_param *params;
    size_t param_count;
    struct fcgi_slice encoded_params; /**< sent ahead of `params`: what never
                                           changes, from fcgi_params_encode() */
    struct fcgi_source body;          /**< FCGI_STDIN; none for an authorizer */
    struct fcgi_source data;          /**< FCGI_DATA; a filter's alone */
    struct fcgi_sink sink;            /**< empty: collect into the response */
    struct fcgi_limits limits;        /**< 0: the client's */
    struct fcgi_timeouts timeouts;    /**< 0: the client's */
    enum fcgi_retry retry;            /**< 0: the client's */
    bool no_abort; /**< never send FCGI_ABORT_REQUEST when the request is given
                        up, but close the connection alone: some applications
                        (Ruby's fcgi.rb) end when they are sent one */
    struct fcgi_wakeup *wakeup; /**< of the event loop that drives the
                                     call, which must outlive it; NULL:
                                     the client's own. See wakeup.h */
    void *context;              /**< the host's: fcgi_call_context() */
    uint64_t reserved[6];       /**< all zero */
};

/** One request in flight. */
struct fcgi_exchange;

/**
 * Make an exchange, which serves any number of requests, one after another.
 *
 * @param x          set to it; NULL on failure
 * @param allocator  copied; NULL: malloc()
 * @return FCGI_OK, FCGI_ERR_ARGUMENT or FCGI_ERR_NO_MEMORY
 */
FCGI_API int fcgi_exchange_new(struct fcgi_exchange **x,
                               const struct fcgi_allocator *allocator);

/** Free an exchange; a request under way is given up. NULL is fine. Not from
 *  within a source or a sink. */
FCGI_API void fcgi_exchange_free(struct fcgi_exchange *x);

/**
 * Begin a request; one under way is given up, unless what is asked for is
 * refused for a NULL, an id or a flag.
 *
 * @param x           not NULL
 * @param request     borrowed for this call, but its sources and sink stay in
 *                    use
 * @param response    emptied, then filled until the request has ended
 * @param request_id  1..65535; not the one used before on that connection
 * @param flags       FCGI_FLAG_KEEP_CONN or 0
 * @return FCGI_OK, or, with nothing begun,
 *         FCGI_ERR_ARGUMENT          NULL, an id of 0, an unknown role or
 *                                    flag, a body for an authorizer, data for
 *                                    another role than filter
 *         FCGI_ERR_PARAMS_TRUNCATED  `encoded_params` end amid a pair
 *         FCGI_ERR_CONTENT_TOO_LONG  a name or value over FCGI_PARAM_LEN_MAX
 *         FCGI_ERR_NO_MEMORY
 */
FCGI_API int fcgi_exchange_begin(struct fcgi_exchange *x,
                                 const struct fcgi_request *request,
                                 struct fcgi_response *response,
                                 uint16_t request_id, uint8_t flags);

/**
 * Begin the same request again on another connection: the sources are taken
 * back to where they began, and the response is emptied.
 *
 * @return FCGI_OK, or
 *         FCGI_ERR_STATE  no request was begun, or a byte of its response has
 *                         been received, or a source cannot be replayed
 *         FCGI_ERR_ARGUMENT  an id of 0
 */
FCGI_API int fcgi_exchange_restart(struct fcgi_exchange *x,
                                   uint16_t request_id);

/** Whether the sources could be taken back to where they began. */
FCGI_API bool fcgi_exchange_replayable(const struct fcgi_exchange *x);

/**
 * The bytes to send next, in order. Asking again without having sent gives the
 * same bytes. May call the sources.
 *
 * @param slices  room for `max` slices, at least 4
 * @return how many were set; 0: nothing to send now (fcgi_exchange_sent_all()
 *         tells whether ever), or
 *         FCGI_ERR_SOURCE    a source failed; the request has ended
 */
FCGI_API int fcgi_exchange_output(struct fcgi_exchange *x,
                                  struct fcgi_slice *slices, size_t max);

/**
 * Say that the first `n` bytes of the output were sent.
 *
 * @return FCGI_OK, or
 *         FCGI_ERR_ARGUMENT  more than the output was; nothing is counted
 */
FCGI_API int fcgi_exchange_sent(struct fcgi_exchange *x, size_t n);

/**
 * Say that nothing more can be sent (EPIPE, ECONNRESET): what the application
 * answered before that is still to be read, and wins.
 */
FCGI_API void fcgi_exchange_send_failed(struct fcgi_exchange *x);

/** Whether a source has nothing yet; `*descriptor` is set to what it waits
 *  for, -1: to be resumed. */
FCGI_API bool fcgi_exchange_source_waits(const struct fcgi_exchange *x,
                                         int *descriptor);

/** Whether the request, its end included, has been sent whole. */
FCGI_API bool fcgi_exchange_sent_all(const struct fcgi_exchange *x);

/**
 * Where the next bytes are best received: large bodies land where they will
 * stay.
 *
 * @param room  `max` places, which are filled in order; set to where bytes may
 *              be stored
 * @param max   at least 2; 8 take several large records at once
 * @return how many were set; 0: paused, or ended
 *         FCGI_ERR_NO_MEMORY  the request has ended
 */
FCGI_API int fcgi_exchange_input(struct fcgi_exchange *x,
                                 struct fcgi_memory *room, size_t max);

/**
 * Say that `n` bytes were stored where fcgi_exchange_input() said, and act on
 * them: the sinks are run for what they complete.
 *
 * @return fcgi_exchange_status(), or
 *         FCGI_ERR_ARGUMENT  more than there was room for; nothing is done
 */
FCGI_API int fcgi_exchange_received(struct fcgi_exchange *x, size_t n);

/**
 * Hand bytes from elsewhere to the exchange, which copies what it keeps.
 *
 * @param data  `len` bytes, borrowed for this call
 * @param used  set to how many were consumed: fewer than `len` when paused or
 *              ended; not NULL
 * @return fcgi_exchange_status()
 */
FCGI_API int fcgi_exchange_feed(struct fcgi_exchange *x, const void *data,
                                size_t len, size_t *used);

/**
 * Say that no more bytes will come: the end of file, or a reset.
 *
 * @param reset  the connection was reset, not closed
 * @return FCGI_OK  the request had ended, but for padding
 *         FCGI_ERR_CLOSED     closed before any byte of the response
 *         FCGI_ERR_TRUNCATED  closed amid the response
 *         FCGI_ERR_RESET      reset
 *         or the error the request had ended with before
 */
FCGI_API int fcgi_exchange_eof(struct fcgi_exchange *x, bool reset);

/** Go on after a pause: offer the sink again what it did not take, and ask the
 *  source again. Returns fcgi_exchange_status(). */
FCGI_API int fcgi_exchange_resume(struct fcgi_exchange *x);

/** Whether the sink has taken less than it was offered. */
FCGI_API bool fcgi_exchange_paused(const struct fcgi_exchange *x);

/**
 * End the request with an error of the caller's choosing, unless it has ended
 * already.
 *
 * @param error  a negative code
 * @param record 8 bytes, set to an FCGI_ABORT_REQUEST record if one may be
 *               sent now, that is between two records; NULL: not wanted
 * @return how many bytes of `record` are to be sent: 8 or 0
 */
FCGI_API size_t fcgi_exchange_cancel(struct fcgi_exchange *x, int error,
                                     uint8_t record[FCGI_RECORD_HEADER_LEN]);

/**
 * How the request stands.
 *
 * @return FCGI_WAIT  under way
 *         FCGI_OK    ended: FCGI_END_REQUEST with FCGI_STATUS_REQUEST_COMPLETE
 *         FCGI_ERR_STATE  no request was begun
 *         any other error  ended with that; what was received before is in
 *                          the response
 */
FCGI_API int fcgi_exchange_status(const struct fcgi_exchange *x);

/** Whether the connection may carry another request: this one was sent whole,
 *  ended well, and nothing follows it. */
FCGI_API bool fcgi_exchange_reusable(const struct fcgi_exchange *x);

#ifdef __cplusplus
}
#endif

#endif
