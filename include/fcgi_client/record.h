/*
 * record - the framing of FastCGI: the 8-byte header and the fixed bodies,
 * and whole records through a reader or a writer.
 *
 *      0       1       2       3       4       5       6       7
 *  +-------+-------+---------------+---------------+-------+-------+
 *  |version| type  |  request id   |content length |padding| zero  |
 *  +-------+-------+---------------+---------------+-------+-------+
 *  | content: 0 to 65,535 bytes    ... | padding: 0 to 255 bytes   |
 *  +-----------------------------------+---------------------------+
 *
 * Pure functions: nothing here allocates, keeps state or makes a system call
 * of its own. FastCGI specification, sections 3.3, 5 and 8.
 *
 * Names carry TYPE, ROLE or STATUS because <fastcgi.h> of libfcgi defines the
 * bare ones as macros.
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

/** Protocol status of FCGI_END_REQUEST (section 5.5). */
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

/** Flag of FCGI_BEGIN_REQUEST: keep the connection open afterwards. */
#define FCGI_FLAG_KEEP_CONN 1

/** Bytes that somebody else owns. */
struct fcgi_slice {
    const char *data;
    size_t len;
};

/** Room that somebody else owns: `len` bytes are used of `cap`. */
struct fcgi_memory {
    char *data;
    size_t len;
    size_t cap;
};

/** The header of a record; the reserved byte is neither kept nor looked at. */
struct fcgi_header {
    uint8_t version;
    uint8_t type; /**< enum fcgi_type, or what the peer invented */
    uint16_t request_id;
    uint16_t content_length;
    uint8_t padding_length;
};

/** One record: its header, and its content in the caller's buffer. */
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
    uint32_t app_status;
    uint8_t protocol_status; /**< enum fcgi_status */
};

/**
 * Where bytes come from.
 *
 * `read` stores up to `cap` bytes at `buf` and their count in `*got`, and
 * returns FCGI_OK; 0 bytes mean the end. Any error code ends the reading and
 * is handed to whoever asked.
 */
struct fcgi_reader {
    int (*read)(void *context, void *buf, size_t cap, size_t *got);
    void *context;
};

/**
 * Where bytes go.
 *
 * `write` takes all bytes of the `count` slices in order and returns FCGI_OK,
 * or returns an error code, which is handed to whoever asked.
 */
struct fcgi_writer {
    int (*write)(void *context, const struct fcgi_slice *slices, size_t count);
    void *context;
};

/**
 * Store a header in its 8 bytes; the reserved byte is zero.
 *
 * @param out     8 bytes, written
 * @param header  borrowed; not NULL
 */
FCGI_API void fcgi_header_encode(uint8_t out[FCGI_RECORD_HEADER_LEN],
                                 const struct fcgi_header *header);

/**
 * Read a header from its 8 bytes.
 *
 * @param header  filled in, also when the version is wrong
 * @param in      8 bytes
 * @return FCGI_OK, or
 *         FCGI_ERR_INVALID_HEADER  the version is not 1
 */
FCGI_API int fcgi_header_decode(struct fcgi_header *header,
                                const uint8_t in[FCGI_RECORD_HEADER_LEN]);

/**
 * The padding this library sends behind content of a given length: to a
 * multiple of 8 bytes (section 3.3), but none where content and padding would
 * come to over 65,535 bytes together, which PHP-FPM refuses.
 *
 * @param content_length  bytes, 0..65535
 * @return bytes, 0..7; 0 above 65,528
 */
FCGI_API uint8_t fcgi_padding_for(size_t content_length);

/** Store the body of FCGI_BEGIN_REQUEST; reserved bytes are zero. */
FCGI_API void fcgi_begin_request_encode(uint8_t out[8],
                                        const struct fcgi_begin_request *begin);

/** Read the body of FCGI_BEGIN_REQUEST; reserved bytes are not looked at. */
FCGI_API void fcgi_begin_request_decode(struct fcgi_begin_request *begin,
                                        const uint8_t in[8]);

/** Store the body of FCGI_END_REQUEST; reserved bytes are zero. */
FCGI_API void fcgi_end_request_encode(uint8_t out[8],
                                      const struct fcgi_end_request *end);

/** Read the body of FCGI_END_REQUEST; reserved bytes are not looked at. */
FCGI_API void fcgi_end_request_decode(struct fcgi_end_request *end,
                                      const uint8_t in[8]);

/**
 * Write one record, padded to a multiple of 8 bytes, in one call of the
 * writer.
 *
 * @param writer      borrowed; not NULL
 * @param type        enum fcgi_type
 * @param request_id  0 for management records
 * @param content     `len` bytes, borrowed for this call; may be NULL when
 *                    `len` is 0
 * @param len         bytes, 0..65535
 * @return FCGI_OK, the writer's error, or
 *         FCGI_ERR_ARGUMENT          NULL where it is not allowed
 *         FCGI_ERR_CONTENT_TOO_LONG  over 65,535 bytes; nothing was written
 */
FCGI_API int fcgi_record_write(const struct fcgi_writer *writer, uint8_t type,
                               uint16_t request_id, const void *content,
                               size_t len);

/**
 * Write FCGI_BEGIN_REQUEST (section 5.1).
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
 * Read one record whole, and drain its padding.
 *
 * @param reader  borrowed; not NULL
 * @param record  its content points into `buffer` afterwards
 * @param buffer  the caller's room for the content; `cap` bytes, 65,535 hold
 *                any record
 * @return FCGI_OK, the reader's error, or
 *         FCGI_ERR_ARGUMENT          NULL where it is not allowed
 *         FCGI_ERR_CLOSED            the end, before any byte of a record
 *         FCGI_ERR_TRUNCATED         the end, amid a record
 *         FCGI_ERR_INVALID_HEADER    not version 1
 *         FCGI_ERR_CONTENT_TOO_LONG  the content does not fit in `cap` bytes;
 *                                    `record->header` says what it needs, and
 *                                    the reader stands behind the header
 */
FCGI_API int fcgi_record_read(const struct fcgi_reader *reader,
                              struct fcgi_record *record, void *buffer,
                              size_t cap);

/**
 * Read one record, appending what is FCGI_STDOUT or FCGI_STDERR straight to
 * the room given for it; any other content goes into `buffer`.
 *
 * @param reader  borrowed; not NULL
 * @param record  its content points to where the bytes went
 * @param out     room for FCGI_STDOUT; its `len` grows by the content
 * @param err     room for FCGI_STDERR; its `len` grows by the content
 * @param buffer  room of `cap` bytes for the content of other types
 * @return as fcgi_record_read(); FCGI_ERR_CONTENT_TOO_LONG when the room
 *         chosen cannot take the content
 */
FCGI_API int fcgi_record_read_into(const struct fcgi_reader *reader,
                                   struct fcgi_record *record,
                                   struct fcgi_memory *out,
                                   struct fcgi_memory *err, void *buffer,
                                   size_t cap);

/**
 * A reader of the bytes in `unread`, which shrinks from its front as it is
 * read. `unread` belongs to the caller and must outlive the reader.
 */
FCGI_API struct fcgi_reader fcgi_memory_reader(struct fcgi_slice *unread);

/**
 * A writer that appends to `memory`, and fails with FCGI_ERR_CONTENT_TOO_LONG,
 * writing nothing, where that is full. `memory` belongs to the caller and must
 * outlive the writer.
 */
FCGI_API struct fcgi_writer fcgi_memory_writer(struct fcgi_memory *memory);

#ifdef __cplusplus
}
#endif

#endif
