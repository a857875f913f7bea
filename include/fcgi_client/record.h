/*
 * record - the framing of FastCGI: the 8-byte header, the bodies of fixed
 * length, and whole records through a reader or a writer.
 *
 *      0       1       2       3       4       5       6       7
 *  +-------+-------+---------------+---------------+-------+-------+
 *  |version| type  |  request id   |content length |padding| zero  |
 *  +-------+-------+---------------+---------------+-------+-------+
 *  | content: 0 to 65,535 bytes    ... | padding: 0 to 255 bytes   |
 *  +-----------------------------------+---------------------------+
 *
 * Nothing here allocates, keeps state or makes a system call of its own.
 * FastCGI specification, sections 3.3, 5 and 8.
 *
 * The names have TYPE, ROLE or STATUS in them because libfcgi's <fastcgi.h>
 * defines the shorter ones as macros.
 *
 * Threads: any, each with structs of its own.
 */
#ifndef FCGI_CLIENT_RECORD_H
#define FCGI_CLIENT_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Record types (section 8). */
enum fcgi_type {
    FCGI_TYPE_BEGIN_REQUEST = 1,
    FCGI_TYPE_ABORT_REQUEST = 2,
    FCGI_TYPE_END_REQUEST = 3,
    FCGI_TYPE_PARAMS = 4,
    FCGI_TYPE_STDIN = 5,
    FCGI_TYPE_STDOUT = 6,
    FCGI_TYPE_STDERR = 7,
    FCGI_TYPE_DATA = 8,
    FCGI_TYPE_GET_VALUES = 9,
    FCGI_TYPE_GET_VALUES_RESULT = 10,
    FCGI_TYPE_UNKNOWN_TYPE = 11
};

/** Roles of an application (section 6). */
enum fcgi_role {
    FCGI_ROLE_RESPONDER = 1,
    FCGI_ROLE_AUTHORIZER = 2,
    FCGI_ROLE_FILTER = 3
};

/** The protocol status in FCGI_END_REQUEST (section 5.5). */
enum fcgi_status {
    FCGI_STATUS_REQUEST_COMPLETE = 0,
    FCGI_STATUS_CANT_MPX_CONN = 1,
    FCGI_STATUS_OVERLOADED = 2,
    FCGI_STATUS_UNKNOWN_ROLE = 3
};

#define FCGI_PROTOCOL_VERSION 1
#define FCGI_RECORD_HEADER_LEN 8
#define FCGI_CONTENT_MAX 65535
#define FCGI_PADDING_MAX 255

/** A flag of FCGI_BEGIN_REQUEST: keep the connection open after the request. */
#define FCGI_FLAG_KEEP_CONN 1

/** `len` bytes, owned elsewhere. */
struct fcgi_slice {
    const char *data;
    size_t len;
};

/** `cap` bytes of memory, owned elsewhere; the first `len` are used. */
struct fcgi_memory {
    char *data;
    size_t len;
    size_t cap;
};

/** The header of a record, without its reserved byte. */
struct fcgi_header {
    uint8_t version;
    uint8_t type;            /**< enum fcgi_type, or any number from a peer */
    uint16_t request_id;     /**< 0: a management record */
    uint16_t content_length; /**< bytes */
    uint8_t padding_length;  /**< bytes */
};

/** A record: its header, and its content in memory of the caller's. */
struct fcgi_record {
    struct fcgi_header header;
    struct fcgi_slice content;
};

/** The body of FCGI_BEGIN_REQUEST (section 5.1). */
struct fcgi_begin_request {
    uint16_t role; /**< enum fcgi_role */
    uint8_t flags; /**< FCGI_FLAG_KEEP_CONN or 0 */
};

/** The body of FCGI_END_REQUEST (section 5.5). */
struct fcgi_end_request {
    uint32_t app_status;     /**< the application's exit status */
    uint8_t protocol_status; /**< enum fcgi_status */
};

/**
 * Where bytes come from.
 *
 * `read` stores up to `cap` bytes at `buf`, sets `*got` to how many, and
 * returns FCGI_OK; 0 bytes mean the end. The function that called it stops at
 * any other result and returns that.
 */
struct fcgi_reader {
    int (*read)(void *context, void *buf, size_t cap, size_t *got);
    void *context;
};

/**
 * Where bytes go.
 *
 * `write` takes all bytes of the `count` slices, in order, and returns FCGI_OK.
 * The function that called it returns any other result.
 */
struct fcgi_writer {
    int (*write)(void *context, const struct fcgi_slice *slices, size_t count);
    void *context;
};

/**
 * Encode a header; its reserved byte becomes zero (section 3.3).
 *
 * @param out     8 bytes, written
 * @param header  borrowed; not NULL
 */
FCGI_API void fcgi_header_encode(uint8_t out[FCGI_RECORD_HEADER_LEN],
                                 const struct fcgi_header *header);

/**
 * Decode a header (section 3.3). The reserved byte may have any value.
 *
 * @param header  filled in, even if the version is wrong; not NULL
 * @param in      8 bytes, borrowed
 * @return FCGI_OK, or
 *         FCGI_ERR_INVALID_HEADER  the version is not 1
 */
FCGI_API int fcgi_header_decode(struct fcgi_header *header,
                                const uint8_t in[FCGI_RECORD_HEADER_LEN]);

/**
 * How much padding this library sends after content of a given length: up to a
 * multiple of 8 bytes (section 3.3), but none if content and padding together
 * would exceed 65,535 bytes, which PHP-FPM refuses.
 *
 * @param content_length  bytes, 0..65535
 * @return bytes, 0..7; 0 above 65,528
 */
FCGI_API uint8_t fcgi_padding_for(size_t content_length);

/** Encode the body of FCGI_BEGIN_REQUEST (section 5.1): 8 bytes at `out`, the
 *  reserved ones zero. `begin` is borrowed; neither may be NULL. */
FCGI_API void fcgi_begin_request_encode(uint8_t out[8],
                                        const struct fcgi_begin_request *begin);

/** Decode the body of FCGI_BEGIN_REQUEST (section 5.1) from the 8 bytes at
 *  `in`, whatever the reserved ones hold. Neither may be NULL. */
FCGI_API void fcgi_begin_request_decode(struct fcgi_begin_request *begin,
                                        const uint8_t in[8]);

/** Encode the body of FCGI_END_REQUEST (section 5.5): 8 bytes at `out`, the
 *  reserved ones zero. `end` is borrowed; neither may be NULL. */
FCGI_API void fcgi_end_request_encode(uint8_t out[8],
                                      const struct fcgi_end_request *end);

/** Decode the body of FCGI_END_REQUEST (section 5.5) from the 8 bytes at `in`,
 *  whatever the reserved ones hold. Neither may be NULL. */
FCGI_API void fcgi_end_request_decode(struct fcgi_end_request *end,
                                      const uint8_t in[8]);

/**
 * Write one record, padded as fcgi_padding_for() says, with a single call of
 * the writer.
 *
 * @param writer      borrowed; not NULL
 * @param type        enum fcgi_type
 * @param request_id  0 for a management record
 * @param content     `len` bytes, borrowed for this call; may be NULL if `len`
 *                    is 0
 * @param len         bytes, 0..65535
 * @return FCGI_OK, what the writer returned, or, with nothing written,
 *         FCGI_ERR_ARGUMENT          NULL where it is not allowed
 *         FCGI_ERR_CONTENT_TOO_LONG  over 65,535 bytes
 */
FCGI_API int fcgi_record_write(const struct fcgi_writer *writer, uint8_t type,
                               uint16_t request_id, const void *content,
                               size_t len);

/**
 * Write an FCGI_BEGIN_REQUEST record (section 5.1).
 *
 * @param writer      borrowed; not NULL
 * @param request_id  1..65535
 * @param role        enum fcgi_role
 * @param flags       FCGI_FLAG_KEEP_CONN or 0
 * @return as fcgi_record_write()
 */
FCGI_API int fcgi_record_write_begin_request(const struct fcgi_writer *writer,
                                             uint16_t request_id, uint16_t role,
                                             uint8_t flags);

/**
 * Read one whole record, its padding included, which is discarded.
 *
 * @param reader  borrowed; not NULL
 * @param record  filled in; its content then points into `buffer`; not NULL
 * @param buffer  the caller's memory for the content, `cap` bytes: 65,535 are
 *                enough for any record
 * @return FCGI_OK, what the reader returned, or
 *         FCGI_ERR_ARGUMENT          NULL where it is not allowed
 *         FCGI_ERR_CLOSED            the end came before any byte of a record
 *         FCGI_ERR_TRUNCATED         the end came within a record
 *         FCGI_ERR_INVALID_HEADER    not version 1: where the next record
 *                                    starts is not known
 *         FCGI_ERR_CONTENT_TOO_LONG  the content does not fit in `cap` bytes;
 *                                    the header has been read, and
 *                                    `record->header` tells how much content
 *                                    and padding the reader has next
 */
FCGI_API int fcgi_record_read(const struct fcgi_reader *reader,
                              struct fcgi_record *record, void *buffer,
                              size_t cap);

/**
 * Read one whole record, appending the content of FCGI_STDOUT and FCGI_STDERR
 * directly to memory of their own.
 *
 * @param reader  borrowed; not NULL
 * @param record  filled in; its content then points to where it was stored;
 *                not NULL
 * @param out     the caller's memory for FCGI_STDOUT; its `len` grows by the
 *                content; not NULL
 * @param err     the same for FCGI_STDERR
 * @param buffer  the caller's memory for the content of other types, `cap`
 *                bytes
 * @return as fcgi_record_read(); FCGI_ERR_CONTENT_TOO_LONG if the content does
 *         not fit in the memory that is meant for it
 */
FCGI_API int fcgi_record_read_into(const struct fcgi_reader *reader,
                                   struct fcgi_record *record,
                                   struct fcgi_memory *out,
                                   struct fcgi_memory *err, void *buffer,
                                   size_t cap);

/**
 * A reader of the bytes in `unread`, which then starts after what was read.
 * `unread` is the caller's and must outlive the reader.
 */
FCGI_API struct fcgi_reader fcgi_memory_reader(struct fcgi_slice *unread);

/**
 * A writer that appends to `memory`, or returns FCGI_ERR_CONTENT_TOO_LONG and
 * appends nothing if there is not enough left of it. `memory` is the caller's
 * and must outlive the writer.
 */
FCGI_API struct fcgi_writer fcgi_memory_writer(struct fcgi_memory *memory);

#ifdef __cplusplus
}
#endif

#endif
