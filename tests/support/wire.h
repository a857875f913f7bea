/*
 * wire - FastCGI conversations as bytes, for tests: written record by record,
 * and parsed again.
 *
 * It uses nothing of the library, so that a mistake in the library's encoder
 * shows. Bytes that a peer may fill with anything are never zero here: the
 * reserved bytes and, as PHP-FPM sends it, the padding.
 *
 *     struct wire w = {0};
 *     wire_stdout(&w, 1, "Status: 200\r\n\r\nhello");
 *     wire_end(&w, 1, 0, WIRE_COMPLETE);
 *     ... w.data, w.len ...
 *     wire_free(&w);
 */
#ifndef TESTS_WIRE_H
#define TESTS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Record types and protocol statuses, by number, as the specification lists
 * them in section 8. */
enum {
    WIRE_BEGIN = 1,
    WIRE_ABORT = 2,
    WIRE_END = 3,
    WIRE_PARAMS = 4,
    WIRE_STDIN = 5,
    WIRE_STDOUT = 6,
    WIRE_STDERR = 7,
    WIRE_DATA = 8,
    WIRE_GET_VALUES = 9,
    WIRE_GET_VALUES_RESULT = 10,
    WIRE_UNKNOWN_TYPE = 11
};

enum {
    WIRE_COMPLETE = 0,
    WIRE_CANT_MPX_CONN = 1,
    WIRE_OVERLOADED = 2,
    WIRE_UNKNOWN_ROLE = 3
};

/** A buffer that grows; all zero is empty. Ends the program if there is no
 * memory. */
struct wire {
    uint8_t *data;
    size_t len;
    size_t cap;
};

void wire_free(struct wire *w);
/** Empty it, but keep its memory. */
void wire_clear(struct wire *w);
void wire_append(struct wire *w, const void *data, size_t len);
/** The same for a string, without its NUL. */
void wire_text(struct wire *w, const char *text);

/** One record with exactly this padding; `len` is 0..65535, `padding`
 *  0..255. */
void wire_record(struct wire *w, int type, int id, const void *content,
                 size_t len, size_t padding);

/** One record, padded to a multiple of 8. */
void wire_padded(struct wire *w, int type, int id, const void *content,
                 size_t len);

/** One FCGI_STDOUT or FCGI_STDERR record that holds a string; an empty string
 *  gives the record that ends the stream. */
void wire_stdout(struct wire *w, int id, const char *text);
void wire_stderr(struct wire *w, int id, const char *text);

/** Any number of bytes, in as many records as needed. */
void wire_stream(struct wire *w, int type, int id, const void *data,
                 size_t len);

/** FCGI_END_REQUEST without padding; FCGI_BEGIN_REQUEST likewise. */
void wire_end(struct wire *w, int id, uint32_t app_status, int protocol_status);
void wire_begin(struct wire *w, int id, int role, int flags);

/** One encoded name-value pair, without a record around it. */
void wire_pair(struct wire *w, const void *name, size_t name_len,
               const void *value, size_t value_len);
/** The same for two strings. */
void wire_param(struct wire *w, const char *name, const char *value);

/** `len` pseudo-random bytes, the same each time. */
void wire_noise(struct wire *w, size_t len);

/** One parsed record; it points into the bytes it was read from. */
struct wire_frame {
    int version;
    int type;
    int id;
    int reserved;
    const uint8_t *content;
    size_t len;
    const uint8_t *padding;
    size_t padding_len;
};

/**
 * Take the next record off `data[*at..len)`.
 *
 * @param at  moved behind the record and its padding
 * @return false, with `at` unchanged, if the record is not complete
 */
bool wire_next(const uint8_t *data, size_t len, size_t *at,
               struct wire_frame *frame);

/**
 * Take the next name-value pair off `data[*at..len)`.
 *
 * @return false, with `at` unchanged, if the pair is not complete
 */
bool wire_next_pair(const uint8_t *data, size_t len, size_t *at,
                    struct wire *name, struct wire *value);

/** A request, read as an application reads it. */
struct wire_request {
    int id;
    int role;
    int flags;
    struct wire params; /* the content of all FCGI_PARAMS, joined */
    struct wire body;   /* FCGI_STDIN */
    struct wire data;   /* FCGI_DATA */
    size_t records;
    size_t params_records; /* without the empty one */
    size_t params_ends;    /* empty records, of each stream */
    size_t body_ends;
    size_t data_ends;
    bool aborted;
};

/**
 * Read all records of `data`, and append them to a zero-initialised request.
 *
 * @return how many bytes were read: less than `len` if the last record is not
 *         complete
 */
size_t wire_request_read(struct wire_request *request, const uint8_t *data,
                         size_t len);
void wire_request_free(struct wire_request *request);

/** The value of a param as a string, which the caller frees; NULL: there is no
 *  such param. */
char *wire_request_param(const struct wire_request *request, const char *name);

#endif
