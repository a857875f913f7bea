/*
 * exchange - one request and its response, as a state machine that knows no
 * socket and no clock: it hands out the bytes to send, and is handed the bytes
 * received.
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
 *         ... send some of that, and tell how much: fcgi_exchange_sent()
 *         n = fcgi_exchange_input(x, room, 8);
 *         ... receive there, and tell how much: fcgi_exchange_received()
 *     }
 *
 * The request, its sources and its sink are described here for all layers.
 *
 * Threads: one at a time for each exchange.
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
 * Where a body comes from. All zero: an empty body.
 *
 * With `read` NULL, the body is the `len` bytes at `data`, which are never
 * copied. They, and what `context` points to, stay the caller's, and must stay
 * in place until the request has ended.
 *
 * With `read`, `len` is the length of the body if that is known: no more is
 * read, and the end of the stream is sent with the last byte, so that an
 * application that has all it needs can end the request in good order. A source
 * that ends early has failed. 0: the body is what `read` gives.
 */
struct fcgi_source {
    const void *data;
    size_t len;
    /**
     * Store up to `cap` bytes at `buf` and set `*got` to how many.
     *
     * @return FCGI_OK    0 bytes: this is the end
     *         FCGI_WAIT  nothing yet: asked again when `descriptor` is ready or
     *                    the request is resumed
     *         other      the source failed: the request ends with
     *                    FCGI_ERR_SOURCE, and is never retried
     */
    int (*read)(void *context, void *buf, size_t cap, size_t *got);
    /**
     * Go back by `taken` bytes, which is all that was read, to where the source
     * was when the request began. With `taken` 0, only tell whether that is
     * possible. NULL: it is not.
     *
     * @return FCGI_OK; anything else: it is not possible
     */
    int (*replay)(void *context, uint64_t taken);
    /**
     * Return the descriptor that becomes readable when `read` has more; -1:
     * there is none. NULL: there is none. fcgi_client_do() needs one if `read`
     * returns FCGI_WAIT, and fails with FCGI_ERR_STATE without it.
     */
    int (*descriptor)(void *context);
    void *context;
};

/**
 * Where a response goes as it arrives. What has no function is collected in
 * the response.
 *
 * Any function may return non-zero to cancel the request, which then ends with
 * FCGI_ERR_CANCELLED. None may free the call or exchange that called it, and
 * none may be left by longjmp(), by an exception or by the thread's end: the
 * request would keep its connection, and its place among the pool's, until the
 * process ends. The same is true of a source.
 */
struct fcgi_sink {
    /** The head is complete: `response` has its status and fields. Called
     *  once, before any body. */
    int (*head)(void *context, const struct fcgi_response *response);
    /**
     * `*len` bytes of the body are at `data`: set `*len` to how many were
     * taken. Unchanged, it means all; a larger number ends the request with
     * FCGI_ERR_ARGUMENT.
     *
     * Taking fewer pauses the response until it is resumed, when the rest is
     * offered again. fcgi_client_do() offers the rest at once, and ends with
     * FCGI_ERR_STATE if none of it is taken then.
     */
    int (*body)(void *context, const void *data, size_t *len);
    /** `len` bytes of the application's FCGI_STDERR. */
    int (*stderr_data)(void *context, const void *data, size_t len);
    void *context;
};

/**
 * Time limits of a request, in milliseconds. In each, 0 means the default, as
 * given here, and -1 no limit. Time that passes in the caller's sources and
 * sinks counts for `total_ms` alone.
 */
struct fcgi_timeouts {
    int connect_ms;    /**< connecting, all addresses together; 5,000 */
    int write_ms;      /**< no byte accepted while some are pending; 30,000 */
    int first_byte_ms; /**< from the last byte of the request accepted to the
                            first of the response, which is content of this
                            request's own FCGI_STDOUT, FCGI_STDERR or
                            FCGI_END_REQUEST; 60,000 */
    int idle_ms;       /**< after that: no such content received and no byte of
                            the request accepted; 60,000 */
    int total_ms;      /**< all of it, copying the params and waiting for a
                            connection included; no limit, so an application
                            that keeps sending may take any time. The other
                            limits hold as well: for this one alone, set them
                            to -1 */
    int queue_ms;      /**< waiting for a connection; no limit */
};

/**
 * Which requests go over a pooled connection, and which of those are sent once
 * more if that connection turns out to be stale.
 *
 * A connection is stale if it was dead when the request reached it: it ends
 * before any byte of the response, and within a second after it last took a
 * byte of the request. If it ends later, the application died at its work, and
 * the request fails and is not repeated. Nor is a request ever repeated after a
 * time limit, after a new connection failed, or a second time.
 */
enum fcgi_retry {
    /** Of a request: what its client says. Of a client: FCGI_RETRY_SAFE. */
    FCGI_RETRY_DEFAULT = 0,
    /** A request that is safe to repeat, because its method is idempotent (RFC
     *  9110, section 9.2.2) and its body is absent or can be replayed, goes
     *  over a pooled connection and may be sent once more. Any other goes over
     *  a new connection and is never sent again; if an idle connection would
     *  have served it, that one is closed first. */
    FCGI_RETRY_SAFE = 1,
    /** Any request goes over a pooled connection, and may be sent once more if
     *  its body is absent or can be replayed, whatever its method: it may run
     *  twice. For a body that cannot be replayed, the connection is checked
     *  just before. */
    FCGI_RETRY_STALE = 2,
    /** Any request goes over a pooled connection, which is checked just before,
     *  and none is sent again. */
    FCGI_RETRY_NEVER = 3
};

struct fcgi_wakeup;

/**
 * What is asked of an application. All zero but `params`: a responder request
 * without a body.
 *
 * `params` and `encoded_params` may be freed as soon as the request has begun;
 * the sources and the sink are used until it has ended.
 *
 * No variable is added but on request. With a body, set CONTENT_LENGTH, which
 * PHP needs, or `add_content_length`. A CONTENT_LENGTH among the params must be
 * the length of the body; where the library does not know that, anything but 0.
 * An empty one is 0. No param may have an empty name.
 *
 * An exchange by itself ignores the members from `timeouts` to `context`.
 */
struct fcgi_request {
    enum fcgi_role role;             /**< 0: FCGI_ROLE_RESPONDER */
    const struct fcgi_param *params; /**< `param_count` of them */
    size_t param_count;
    struct fcgi_slice encoded_params; /**< sent before `params`: those that
                                           never change, encoded once with
                                           fcgi_params_encode() */
    struct fcgi_source body;          /**< FCGI_STDIN; none for an authorizer */
    struct fcgi_source data;          /**< FCGI_DATA; only for a filter */
    struct fcgi_sink sink;            /**< empty: collect into the response */
    struct fcgi_limits limits;        /**< 0: the client's */
    struct fcgi_timeouts timeouts;    /**< 0: the client's */
    enum fcgi_retry retry;            /**< 0: the client's */
    bool no_abort; /**< when the request is given up, only close the connection
                        and never send FCGI_ABORT_REQUEST: some applications
                        (Ruby's fcgi.rb) end when they receive one */
    struct fcgi_wakeup *wakeup; /**< of the event loop that drives the call;
                                     must outlive the call; NULL: the client's
                                     own. See wakeup.h */
    void *context;              /**< the host's: fcgi_call_context() */
    bool add_content_length;    /**< unless it is among the params, and but for
                                     an authorizer, add CONTENT_LENGTH, with the
                                     length of `body`, which must be known */
    uint64_t reserved[5];       /**< all zero */
};

/** One request in flight. */
struct fcgi_exchange;

/**
 * Make an exchange, which serves any number of requests, one after another.
 *
 * @param x          set to the exchange, which the caller frees; NULL on
 *                   failure
 * @param allocator  copied; NULL: malloc()
 * @return FCGI_OK, FCGI_ERR_ARGUMENT or FCGI_ERR_NO_MEMORY
 */
FCGI_API int fcgi_exchange_new(struct fcgi_exchange **x,
                               const struct fcgi_allocator *allocator);

/** Free an exchange, giving up a request under way. NULL is allowed. Not from
 *  within a source or a sink. */
FCGI_API void fcgi_exchange_free(struct fcgi_exchange *x);

/**
 * Begin a request. One under way is given up, unless this one is refused for a
 * NULL, its id or its flags.
 *
 * @param x           not NULL
 * @param request     borrowed for this call, but its sources and sink are used
 *                    until the request has ended; not NULL
 * @param response    emptied, then filled until the request has ended; not NULL
 * @param request_id  1..65535; above all those used before on that connection:
 *                    if the application ends a request of id 0, or of one above
 *                    this, it ends one that was never made, and this one ends
 *                    with FCGI_ERR_BAD_ID
 * @param flags       FCGI_FLAG_KEEP_CONN or 0
 * @return FCGI_OK, or, with nothing begun,
 *         FCGI_ERR_ARGUMENT          NULL where it is not allowed, an id of 0,
 *                                    an unknown role or flag, a body for an
 *                                    authorizer, data for any role but a
 *                                    filter, a limit below -1, a param without
 *                                    a name, a CONTENT_LENGTH that is not a
 *                                    number or contradicts the body, a reserved
 *                                    member that is not 0
 *         FCGI_ERR_LENGTH_REQUIRED   CONTENT_LENGTH was to be added, and the
 *                                    length of the body is not known
 *         FCGI_ERR_PARAMS_TRUNCATED  `encoded_params` end within a pair
 *         FCGI_ERR_CONTENT_TOO_LONG  a name or a value is longer than
 *                                    FCGI_PARAM_LEN_MAX
 *         FCGI_ERR_NO_MEMORY
 */
FCGI_API int fcgi_exchange_begin(struct fcgi_exchange *x,
                                 const struct fcgi_request *request,
                                 struct fcgi_response *response,
                                 uint16_t request_id, uint8_t flags);

/**
 * Begin the same request again, on another connection: take the sources back to
 * where they were and empty the response.
 *
 * @param request_id  1..65535
 * @return FCGI_OK, or
 *         FCGI_ERR_STATE     no request was begun, a byte of the response has
 *                            been received, or a source cannot be replayed
 *         FCGI_ERR_ARGUMENT  NULL, or an id of 0
 */
FCGI_API int fcgi_exchange_restart(struct fcgi_exchange *x,
                                   uint16_t request_id);

/** Whether all sources can be replayed. May call the sources. */
FCGI_API bool fcgi_exchange_replayable(const struct fcgi_exchange *x);

/**
 * Get the bytes to send next, in order; until some are sent, they stay the
 * same. May call the sources.
 *
 * @param slices  the caller's memory for `max` slices, at least 4; the bytes
 *                stay the exchange's or the source's, and stay in place until
 *                fcgi_exchange_sent()
 * @return how many slices were set; 0: there is nothing to send now, and if
 *         fcgi_exchange_sent_all(), never will be; or
 *         FCGI_ERR_ARGUMENT   NULL, or `max` below 4
 *         FCGI_ERR_SOURCE, FCGI_ERR_NO_MEMORY  the request has ended with that
 */
FCGI_API int fcgi_exchange_output(struct fcgi_exchange *x,
                                  struct fcgi_slice *slices, size_t max);

/**
 * Tell that the first `n` bytes of the output were sent.
 *
 * @return FCGI_OK, or
 *         FCGI_ERR_ARGUMENT  that is more than was handed out; nothing is
 *                            counted
 */
FCGI_API int fcgi_exchange_sent(struct fcgi_exchange *x, size_t n);

/**
 * Tell that nothing more can be sent (EPIPE, ECONNRESET). Go on receiving: what
 * the application answered before that counts. `x` is not NULL.
 */
FCGI_API void fcgi_exchange_send_failed(struct fcgi_exchange *x);

/** Whether the source had nothing when last asked; if so, `*descriptor` is set
 *  to what it waits for, -1: to be resumed. Neither may be NULL. */
FCGI_API bool fcgi_exchange_source_waits(const struct fcgi_exchange *x,
                                         int *descriptor);

/** Whether the whole request, its end included, has been sent. `x` is not
 *  NULL. */
FCGI_API bool fcgi_exchange_sent_all(const struct fcgi_exchange *x);

/**
 * Get the memory to receive the next bytes into: a large body lands where it
 * will stay.
 *
 * @param room  `max` of them, set to memory of the exchange or the response,
 *              `cap` bytes each, to be filled in order; valid until
 *              fcgi_exchange_received(), or until asked for again
 * @param max   at least 2; 8 take several large records at once
 * @return how many were set; 0: the response is paused, or has ended; or
 *         FCGI_ERR_ARGUMENT   NULL, or `max` below 2
 *         FCGI_ERR_NO_MEMORY  the request has ended with that
 */
FCGI_API int fcgi_exchange_input(struct fcgi_exchange *x,
                                 struct fcgi_memory *room, size_t max);

/**
 * Tell that `n` bytes were stored where fcgi_exchange_input() said, once for
 * each time it was asked, and act on them. May call the sink.
 *
 * @return fcgi_exchange_status(), or
 *         FCGI_ERR_ARGUMENT  NULL, or more than there was room for; nothing is
 *                            done
 */
FCGI_API int fcgi_exchange_received(struct fcgi_exchange *x, size_t n);

/**
 * Hand received bytes to the exchange, in place of fcgi_exchange_input() and
 * fcgi_exchange_received(). It copies what it keeps. May call the sink.
 *
 * @param data  `len` bytes, borrowed for this call
 * @param used  set to how many were consumed; not NULL. Fewer than `len`: the
 *              response has ended or is paused; after fcgi_exchange_resume(),
 *              hand in the rest
 * @return fcgi_exchange_status(), or
 *         FCGI_ERR_ARGUMENT  NULL where it is not allowed
 */
FCGI_API int fcgi_exchange_feed(struct fcgi_exchange *x, const void *data,
                                size_t len, size_t *used);

/**
 * Tell that no more bytes will come: end of file, or a reset. All bytes that
 * came before must have been handed in.
 *
 * @param x      not NULL
 * @param reset  the connection was reset, not closed
 * @return fcgi_exchange_status(), which is
 *         FCGI_OK             the response was whole, but for padding at most
 *         FCGI_ERR_CLOSED     closed before any byte of the response
 *         FCGI_ERR_TRUNCATED  closed within the response
 *         FCGI_ERR_RESET      reset before the response was whole
 *         FCGI_WAIT           paused: one of these once it is resumed
 *         other               what the request had ended with before, or what
 *                             FCGI_END_REQUEST says
 */
FCGI_API int fcgi_exchange_eof(struct fcgi_exchange *x, bool reset);

/** Go on after a pause: offer the sink again what it did not take. (A source
 *  that had nothing is asked again by fcgi_exchange_output().) `x` is not NULL.
 *  Returns fcgi_exchange_status(). */
FCGI_API int fcgi_exchange_resume(struct fcgi_exchange *x);

/** Whether the sink has taken less than it was offered, so that the response
 *  waits for fcgi_exchange_resume(). `x` is not NULL. */
FCGI_API bool fcgi_exchange_paused(const struct fcgi_exchange *x);

/**
 * End the request with an error of the caller's choosing, unless it has ended
 * already. Allowed from within a source or a sink.
 *
 * @param error   a negative code
 * @param record  8 bytes, set to an FCGI_ABORT_REQUEST record (section 5.4) if
 *                one may be sent now, which is between two records of a request
 *                whose first byte was sent; NULL: not wanted
 * @return how many bytes of `record` to send: 8 or 0
 */
FCGI_API size_t fcgi_exchange_cancel(struct fcgi_exchange *x, int error,
                                     uint8_t record[FCGI_RECORD_HEADER_LEN]);

/**
 * How the request stands.
 *
 * @return FCGI_WAIT       under way
 *         FCGI_OK         ended well: FCGI_END_REQUEST came with
 *                         FCGI_STATUS_REQUEST_COMPLETE, after a whole response
 *         FCGI_ERR_STATE  no request was begun
 *         other           ended with that error; the response has what was
 *                         received before
 */
FCGI_API int fcgi_exchange_status(const struct fcgi_exchange *x);

/** Whether the connection may carry another request, if this one asked for that
 *  with FCGI_FLAG_KEEP_CONN: it was sent whole and ended well, and nothing else
 *  came. `x` is not NULL. */
FCGI_API bool fcgi_exchange_reusable(const struct fcgi_exchange *x);

#ifdef __cplusplus
}
#endif

#endif
