/*
 * response - what an application answered: the head of a CGI response
 * (RFC 3875, section 6), its body, its error output, and how the request ended.
 *
 * Zero-initialise a response, let a call fill it, read it, then use it again
 * for the next call or free it. All that it points to is its own, and stays as
 * it is until then:
 *
 *     struct fcgi_response response = {0};
 *     ...
 *     fcgi_response_free(&response);
 *
 * Threads: one at a time for each response.
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
 * Set all three functions or none. They behave as those do, and are given
 * `context` first; they are called from every thread that uses what was made
 * with them. The struct is copied; what `context` points to must outlive
 * everything made with it.
 */
struct fcgi_allocator {
    void *(*allocate)(void *context, size_t size);
    void *(*resize)(void *context, void *pointer, size_t size);
    void (*release)(void *context, void *pointer);
    void *context;
};

/** How much a response may hold. In each, 0 means the default, as given here,
 *  and -1 no limit. */
struct fcgi_limits {
    int64_t line_len;    /**< bytes of a line of the head; only the limit of the
                              head */
    int64_t head_len;    /**< bytes of the head; 64 KiB */
    int64_t field_count; /**< header fields; 256 */
    int64_t body_len;    /**< bytes of a collected body; 256 MiB; more is
                              FCGI_ERR_BODY_TOO_LARGE */
    int64_t stderr_len;  /**< bytes of collected stderr; 64 KiB; more is cut
                              off, which `stderr_cut` tells */
};

/** One header field. Both strings end in NUL, which no length counts. */
struct fcgi_field {
    const char *name;
    const char *value;
    size_t name_len;
    size_t value_len;
};

/** How far a request got. */
enum fcgi_phase {
    FCGI_PHASE_START,   /**< nothing has been done */
    FCGI_PHASE_QUEUE,   /**< waiting for a connection to become free */
    FCGI_PHASE_CONNECT, /**< connecting */
    FCGI_PHASE_SEND,    /**< sending the request; no answer yet */
    FCGI_PHASE_WAIT,    /**< the whole request was sent; no answer yet */
    FCGI_PHASE_RECEIVE, /**< the answer has begun */
    FCGI_PHASE_END      /**< the application has ended the request */
};

/** What happened to a request. A call fills this in, an exchange by itself does
 *  not. Counts are of the last attempt, times are in microseconds. */
struct fcgi_outcome {
    int error;             /**< what the call returned */
    int system_error;      /**< errno of what failed, or 0 */
    enum fcgi_phase phase; /**< how far the request got */
    bool reused;           /**< the last connection came from the pool */
    bool retried;          /**< a second attempt was made */
    bool may_have_run;     /**< the application may have run the request */
    bool safe_to_repeat;   /**< repeating it can do no harm: it has not run, or
                                its method is idempotent (RFC 9110, section
                                9.2.2) */
    uint64_t bytes_sent;
    uint64_t bytes_received;
    uint64_t records_sent;
    uint64_t records_received;
    int64_t queue_us;      /**< waiting for a connection */
    int64_t connect_us;    /**< connecting */
    int64_t first_byte_us; /**< from the start to the first byte of the answer;
                                -1: there was none */
    int64_t total_us;      /**< from the start to the end */
    uint64_t reserved[4];
};

/**
 * What the application answered. After an error it has what was received
 * before; if there is no whole head, `body` has the bytes that came in its
 * place.
 */
struct fcgi_response {
    int status;         /**< 100..999; 0: no whole head was received */
    const char *reason; /**< the application's reason phrase, else the standard
                             one; not NULL once there is a status */
    const struct fcgi_field *fields; /**< in order, duplicates kept, without
                                          Status */
    size_t field_count;
    struct fcgi_slice body;        /**< unless a sink takes it; not NULL once a
                                        call was made, and followed by a NUL */
    struct fcgi_slice stderr_data; /**< likewise */
    bool stderr_cut;     /**< there was more stderr than the limit allows */
    uint32_t app_status; /**< the application's exit status */
    int protocol_status; /**< enum fcgi_status; -1: the application did not end
                              the request */
    struct fcgi_outcome outcome;
    struct fcgi_response_store *store; /**< the library's own */
    uint64_t reserved[4];
};

/**
 * The value of a header field.
 *
 * @param response  borrowed
 * @param name      a string, without the colon; case does not matter
 * @param nth       0: the first field of that name, 1: the second, ...
 * @return the value, owned by the response; NULL: there is none
 */
FCGI_API const char *fcgi_response_field(const struct fcgi_response *response,
                                         const char *name, size_t nth);

/**
 * Free what a response holds and zero it, so that it can be used again.
 *
 * @param response  NULL and all zero are allowed; not one that a call is still
 *                  filling
 */
FCGI_API void fcgi_response_free(struct fcgi_response *response);

/**
 * The standard reason phrase of a status code (RFC 9110, section 15).
 *
 * @param status  any integer
 * @return a static string; "" if the code has none
 */
FCGI_API const char *fcgi_reason_phrase(int status);

#ifdef __cplusplus
}
#endif

#endif
