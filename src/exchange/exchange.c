/*
 * exchange - one request and its response: the request writer says what to
 * send, the receive buffer where to receive, and the response reader acts on
 * what was received. Sending and receiving know nothing of each other.
 *
 * No socket, no clock.
 */
#include <string.h>

#include "../base/allocator.h"
#include "../codec/record.h"
#include "exchange.h"
#include "receive_buffer.h"
#include "request_writer.h"
#include "response.h"
#include "response_reader.h"

/* The most memory that a prologue keeps for the next. */
#define KEPT_LEN ((size_t)128 * 1024)

struct fcgi_exchange {
    struct fcgi_allocator allocator;
    struct fcgi__request_writer writer;
    struct fcgi__receive_buffer buffer;
    struct fcgi__response_reader reader; /* its status is the exchange's */
    bool send_failed;
};

int fcgi_exchange_new(struct fcgi_exchange **x,
                      const struct fcgi_allocator *allocator)
{
    struct fcgi_allocator own;

    if (x == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    *x = NULL;
    if (fcgi__allocator_init(&own, allocator) != FCGI_OK) {
        return FCGI_ERR_ARGUMENT;
    }
    *x = fcgi__allocate(&own, sizeof(**x));
    if (*x == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    (*x)->allocator = own;
    (*x)->reader.status = FCGI_ERR_STATE;
    return FCGI_OK;
}

void fcgi_exchange_free(struct fcgi_exchange *x)
{
    struct fcgi_allocator allocator;

    if (x == NULL) {
        return;
    }
    allocator = x->allocator;
    fcgi__request_writer_free(&x->writer, &allocator);
    fcgi__buffer_free(&x->buffer.memory, &allocator);
    fcgi__release(&allocator, x);
}

/* No request is under way or has ended. */
static void forget_request(struct fcgi_exchange *x)
{
    x->reader.response = NULL;
    x->reader.status = FCGI_ERR_STATE;
}

void fcgi__exchange_trim(struct fcgi_exchange *x)
{
    struct fcgi__buffer *prologue = &x->writer.prologue.wire;

    if (prologue->cap > KEPT_LEN) {
        fcgi__buffer_free(prologue, &x->allocator);
    }
}

/*
 * Beginning.
 */

void fcgi__exchange_hurry(struct fcgi_exchange *x,
                          bool (*is_late)(void *context), void *context)
{
    x->writer.prologue.is_late = is_late;
    x->writer.prologue.context = context;
}

/* Empty the response, and begin to receive it. `limits` are NULL where the
 * request begins again. */
static int begin_receiving(struct fcgi_exchange *x,
                           const struct fcgi_limits *limits,
                           struct fcgi_response *response, uint16_t request_id)
{
    int rc = fcgi__response_begin(response, &x->allocator, limits);

    if (rc == FCGI_OK) {
        x->reader.response = response;
        x->send_failed = false;
        fcgi__receive_buffer_begin(&x->buffer);
        fcgi__response_reader_begin(&x->reader, request_id);
    }
    return rc;
}

int fcgi__exchange_begin(struct fcgi_exchange *x,
                         const struct fcgi_request *request,
                         const struct fcgi_limits *limits,
                         struct fcgi_response *response, uint16_t request_id,
                         uint8_t flags)
{
    int rc;

    forget_request(x);
    rc = fcgi__request_writer_begin(&x->writer, &x->allocator, request,
                                    request_id, flags);
    if (rc != FCGI_OK) {
        return rc;
    }
    x->reader.sink = request->sink;
    x->reader.head_request = fcgi__prologue_is_head(&x->writer.prologue);
    return begin_receiving(x, limits, response, request_id);
}

int fcgi_exchange_begin(struct fcgi_exchange *x,
                        const struct fcgi_request *request,
                        struct fcgi_response *response, uint16_t request_id,
                        uint8_t flags)
{
    struct fcgi_limits limits;
    int rc;

    if (x == NULL || request == NULL || response == NULL || request_id == 0 ||
        (flags & ~FCGI_FLAG_KEEP_CONN) != 0) {
        return FCGI_ERR_ARGUMENT;
    }
    rc = fcgi__limits_resolve(&limits, &request->limits, NULL);
    if (rc == FCGI_OK) {
        rc = fcgi__exchange_begin(x, request, &limits, response, request_id,
                                  flags);
    }
    if (rc != FCGI_OK) {
        forget_request(x);
        fcgi__response_clear(response);
    }
    return rc;
}

int fcgi__exchange_begin_values(struct fcgi_exchange *x,
                                struct fcgi_response *response)
{
    int rc;

    forget_request(x);
    rc = fcgi__request_writer_begin_values(&x->writer, &x->allocator);
    if (rc != FCGI_OK) {
        return rc;
    }
    memset(&x->reader.sink, 0, sizeof(x->reader.sink));
    return begin_receiving(x, &fcgi__standard_limits, response, 0);
}

int fcgi_exchange_restart(struct fcgi_exchange *x, uint16_t request_id)
{
    int rc;

    if (x == NULL || request_id == 0) {
        return FCGI_ERR_ARGUMENT;
    }
    if (x->reader.status == FCGI_ERR_STATE || fcgi__exchange_answered(x)) {
        return FCGI_ERR_STATE;
    }
    rc = fcgi__request_writer_restart(&x->writer, request_id);
    return rc == FCGI_OK
               ? begin_receiving(x, NULL, x->reader.response, request_id)
               : rc;
}

bool fcgi_exchange_replayable(const struct fcgi_exchange *x)
{
    return x != NULL && fcgi__request_writer_replayable(&x->writer);
}

/*
 * Sending.
 */

int fcgi_exchange_output(struct fcgi_exchange *x, struct fcgi_slice *slices,
                         size_t max)
{
    int rc;

    if (x == NULL || slices == NULL || max < 4) {
        return FCGI_ERR_ARGUMENT;
    }
    if (x->reader.status != FCGI_WAIT || x->send_failed) {
        return 0;
    }
    rc = fcgi__request_writer_fill(&x->writer, &x->allocator);
    if (x->reader.status != FCGI_WAIT) {
        return 0; /* the source has cancelled the request */
    }
    return rc < 0 ? fcgi__response_reader_fail(&x->reader, rc)
                  : (int)fcgi__request_writer_slices(&x->writer, slices, max);
}

int fcgi_exchange_sent(struct fcgi_exchange *x, size_t n)
{
    return x == NULL ? FCGI_ERR_ARGUMENT
                     : fcgi__request_writer_sent(&x->writer, n);
}

void fcgi_exchange_send_failed(struct fcgi_exchange *x)
{
    if (x != NULL) {
        x->send_failed = true;
    }
}

bool fcgi_exchange_source_waits(const struct fcgi_exchange *x, int *descriptor)
{
    const struct fcgi_source *source;

    if (x == NULL || !x->writer.waits || x->reader.status != FCGI_WAIT ||
        x->send_failed || descriptor == NULL) {
        return false;
    }
    source = &x->writer.streams[x->writer.stream].source;
    *descriptor = -1;
    if (source->descriptor != NULL) {
        *descriptor = source->descriptor(source->context);
    }
    return true;
}

bool fcgi_exchange_sent_all(const struct fcgi_exchange *x)
{
    return x != NULL && x->reader.response != NULL &&
           fcgi__request_writer_all_sent(&x->writer);
}

/*
 * Receiving.
 */

int fcgi_exchange_input(struct fcgi_exchange *x, struct fcgi_memory *room,
                        size_t max)
{
    int rc;

    if (x == NULL || room == NULL || max < 2) {
        return FCGI_ERR_ARGUMENT;
    }
    if (x->reader.status != FCGI_WAIT || x->reader.paused) {
        return 0;
    }
    rc = fcgi__receive_buffer_offer(&x->buffer, &x->reader, &x->allocator, room,
                                    max);
    return rc < 0 ? fcgi__response_reader_fail(&x->reader, rc) : rc;
}

bool fcgi__exchange_received(struct fcgi_exchange *x, size_t n)
{
    struct fcgi__response_reader *reader = &x->reader;
    struct fcgi__scatter *scatter = &x->buffer.scatter;
    struct fcgi_slice *unread = &x->buffer.unread;

    reader->progressed = false;
    fcgi__receive_buffer_received(&x->buffer, n);
    if (reader->status == FCGI_WAIT) {
        while (fcgi__scatter_next(scatter, &reader->deframer, unread)) {
            fcgi__response_reader_read(reader, unread);
        }
        fcgi__response_reader_conclude(reader);
    }
    return reader->progressed;
}

int fcgi_exchange_received(struct fcgi_exchange *x, size_t n)
{
    if (x == NULL || n > x->buffer.scatter.cap) {
        return FCGI_ERR_ARGUMENT;
    }
    (void)fcgi__exchange_received(x, n);
    return x->reader.status;
}

int fcgi_exchange_feed(struct fcgi_exchange *x, const void *bytes, size_t len,
                       size_t *used)
{
    struct fcgi_slice data = {bytes, len};
    bool was_under_way;

    if (x == NULL || used == NULL || (bytes == NULL && len > 0)) {
        return FCGI_ERR_ARGUMENT;
    }
    was_under_way = x->reader.status == FCGI_WAIT;
    x->buffer.scatter.cap = 0; /* nothing can have been received there */
    fcgi__response_reader_read(&x->reader, &data);
    if (was_under_way) {
        fcgi__response_reader_conclude(&x->reader);
    }
    *used = len - data.len;
    return x->reader.status;
}

int fcgi_exchange_eof(struct fcgi_exchange *x, bool reset)
{
    if (x == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    x->reader.ending = reset ? FCGI__RESET : FCGI__CLOSED;
    if (x->reader.status == FCGI_WAIT) {
        fcgi__response_reader_conclude(&x->reader);
    }
    return x->reader.status;
}

int fcgi_exchange_resume(struct fcgi_exchange *x)
{
    if (x == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    if (x->reader.status == FCGI_WAIT) {
        x->reader.paused = false;
        fcgi__response_reader_read(&x->reader, &x->buffer.unread);
        fcgi__response_reader_conclude(&x->reader);
    }
    return x->reader.status;
}

bool fcgi_exchange_paused(const struct fcgi_exchange *x)
{
    return x != NULL && x->reader.status == FCGI_WAIT && x->reader.paused;
}

/*
 * Ending.
 */

size_t fcgi__exchange_abort(const struct fcgi_exchange *x,
                            uint8_t record[FCGI_RECORD_HEADER_LEN])
{
    uint64_t remainder;

    (void)fcgi__request_writer_records(&x->writer, &remainder);
    if (x->reader.request_id == 0 || remainder > 0 || x->writer.bytes == 0 ||
        x->send_failed) {
        return 0;
    }
    fcgi__record_header(record, FCGI_TYPE_ABORT_REQUEST, x->reader.request_id,
                        0);
    return FCGI_RECORD_HEADER_LEN;
}

size_t fcgi_exchange_cancel(struct fcgi_exchange *x, int error,
                            uint8_t record[FCGI_RECORD_HEADER_LEN])
{
    if (x == NULL || x->reader.status != FCGI_WAIT || error >= 0) {
        return 0;
    }
    (void)fcgi__response_reader_fail(&x->reader, error);
    return record == NULL ? 0 : fcgi__exchange_abort(x, record);
}

int fcgi_exchange_status(const struct fcgi_exchange *x)
{
    return x == NULL ? FCGI_ERR_STATE : x->reader.status;
}

bool fcgi_exchange_reusable(const struct fcgi_exchange *x)
{
    return x != NULL && fcgi__response_reader_is_clean(&x->reader) &&
           !x->send_failed && fcgi__request_writer_all_sent(&x->writer);
}

/*
 * What only the call needs to know.
 */

bool fcgi__exchange_is_idempotent(const struct fcgi_exchange *x)
{
    return fcgi__prologue_is_idempotent(&x->writer.prologue);
}

bool fcgi__exchange_answered(const struct fcgi_exchange *x)
{
    return fcgi__response_reader_has_begun(&x->reader);
}

bool fcgi__exchange_sent_any(const struct fcgi_exchange *x)
{
    return x->writer.bytes > 0;
}

bool fcgi__exchange_sent_params(const struct fcgi_exchange *x)
{
    return x->writer.prologue_sent >= x->writer.prologue.params_len;
}

uint64_t fcgi__exchange_body_len(const struct fcgi_exchange *x)
{
    return x->reader.body_len;
}

bool fcgi__exchange_calls_out(const struct fcgi_exchange *x)
{
    const struct fcgi_sink *sink = &x->reader.sink;

    return sink->head != NULL || sink->body != NULL ||
           sink->stderr_data != NULL ||
           fcgi__request_writer_calls_out(&x->writer);
}

void fcgi__exchange_count(const struct fcgi_exchange *x)
{
    struct fcgi_outcome *outcome = &x->reader.response->outcome;
    uint64_t remainder;

    outcome->bytes_sent = x->writer.bytes;
    outcome->bytes_received = x->reader.deframer.bytes;
    outcome->records_sent =
        fcgi__request_writer_records(&x->writer, &remainder);
    outcome->records_received = x->reader.deframer.records;
}
