/*
 * response - what an application answered: the head of a CGI response
 * (RFC 3875, section 6), its body, its error output and how the request ended.
 *
 * A response is zero-initialised, filled by a call, read, then used again for
 * the next call or freed. Whatever it points to is its own, and stays as it is
 * until then:
 *
 *     struct fcgi_response response = {0};
 *     ...
 *     fcgi_response_free(&response);
 */
#ifndef FCGI_CLIENT_RESPONSE_H
#define FCGI_CLIENT_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/error.h>
#include <fcgi_client/record.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Where memory comes from. All zero: malloc(), realloc() and free().
 *
 * The three behave as those do, `context` first; they are called from any
 * thread that uses what was made with them. The struct is copied; `context`
 * must outlive everything made with it.
 */
struct fcgi_allocator {
    void *(*allocate)(void *context, size_t size);
    void *(*resize)(void *context, void *pointer, size_t size);
    void (*release)(void *context, void *pointer);
    void *context;
};

/** What a response may hold. In each, 0 is the default and -1 no limit. */
struct fcgi_limits {
    int64_t line_len;    /**< bytes of one head line; default 16 KiB */
    int64_t head_len;    /**< bytes of the head; default 64 KiB */
    int64_t field_count; /**< header fields; default 256 */
    int64_t body_len;    /**< bytes of a collected body; default 256 MiB */
    int64_t stderr_len;  /**< bytes of collected stderr; default 64 KiB */
};

/** One header field; both strings end in NUL, which the lengths leave out. */
struct fcgi_field {
    const char *name;
    const char *value;
    size_t name_len;
    size_t value_len;
};

/** How far a request came. */
enum fcgi_phase {
    FCGI_PHASE_START,   /**< nothing has been done */
    FCGI_PHASE_QUEUE,   /**< waiting for a connection to become free */
    FCGI_PHASE_CONNECT, /**< connecting */
    FCGI_PHASE_SEND,    /**< sending the request, no answer yet */
    FCGI_PHASE_WAIT,    /**< request sent whole, no answer yet */
    FCGI_PHASE_RECEIVE, /**< the answer has begun */
    FCGI_PHASE_END      /**< the application has ended the request */
};

/** What happened to a request, as a call tells it (an exchange by itself does
 *  not); counts are of the last attempt. */
struct fcgi_outcome {
    int error;             /**< what the call returned */
    int system_error;      /**< errno of what failed, or 0 */
    enum fcgi_phase phase; /**< how far it came */
    bool reused;           /**< the last connection came from the pool */
    bool retried;          /**< a second attempt was made */
    bool may_have_run;     /**< the application may have run the request */
    bool safe_to_repeat;   /**< repeating it can do no harm: it has not run, or
                                its method is idempotent (RFC 9110, 9.2.2) */
    uint64_t bytes_sent;
    uint64_t bytes_received;
    uint64_t records_sent;
    uint64_t records_received;
    int64_t queue_us;      /**< microseconds spent waiting for a connection */
    int64_t connect_us;    /**< microseconds spent connecting */
    int64_t first_byte_us; /**< from the start to the first byte; -1: none */
    int64_t total_us;      /**< from the start to the end */
    uint64_t reserved[4];
};

/** What the application answered. */
struct fcgi_response {
    int status;         /**< 100..999; 0: no whole head was received */
    const char *reason; /**< the application's, or the standard one; not NULL
                             once there is a status */
    const struct fcgi_field *fields; /**< in order, duplicates kept, without
                                          Status */
    size_t field_count;
    struct fcgi_slice body;        /**< data is never NULL once a call was
                                        made, and a NUL stands behind it */
    struct fcgi_slice stderr_data; /**< likewise */
    bool stderr_cut;     /**< there was more stderr than the limit allows */
    uint32_t app_status; /**< the application's exit status */
    int protocol_status; /**< enum fcgi_status; -1: the request never ended */
    struct fcgi_outcome outcome;
    struct fcgi_response_store *store; /**< the library's own */
    uint64_t reserved[4];
};

/**
 * The value of a header field.
 *
 * @param response  borrowed; not NULL
 * @param name      without the colon; case does not matter
 * @param nth       0: the first field of that name, 1: the second, ...
 * @return the value, owned by the response; NULL: there is none
 */
FCGI_API const char *fcgi_response_field(const struct fcgi_response *response,
                                         const char *name, size_t nth);

/**
 * Free what a response holds, and make it all zero, ready to be used again.
 *
 * @param response  NULL and all zero are fine; not one that a call still fills
 */
FCGI_API void fcgi_response_free(struct fcgi_response *response);

/**
 * The standard reason phrase of a status code (RFC 9110, section 15).
 *
 * @param status  any integer
 * @return a static string; "" for a code that has none
 */
FCGI_API const char *fcgi_reason_phrase(int status);

#ifdef __cplusplus
}
#endif

#endif
