/*
 * answer - text, cut into records: see answer.h.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <fcgi_client/error.h>

#include "answer.h"
#include "sight.h"
#include "world.h"

enum flaw {
    /* Of the head: */
    NO_COLON,
    CONTROL_BYTE,
    STATUS_IN_WORDS,
    LONG_LINE,
    NO_HEAD,
    /* of the body: */
    SHORT_BODY,
    LONG_BODY,
    /* of a record: */
    WRONG_VERSION,
    HTTP,
    UNKNOWN_TYPE,
    BEGINS,
    SHORT_END,
    ENDS_ANOTHER,
    /* of the end: */
    OVERLOADED,
    CANT_MULTIPLEX,
    UNKNOWN_ROLE,
    STRANGE_STATUS,
    NO_FLAW
};

static const int verdicts[] = {
    [NO_COLON] = FCGI_ERR_BAD_HEAD,
    [CONTROL_BYTE] = FCGI_ERR_BAD_HEAD,
    [STATUS_IN_WORDS] = FCGI_ERR_BAD_HEAD,
    [LONG_LINE] = FCGI_ERR_HEAD_TOO_LARGE,
    [NO_HEAD] = FCGI_ERR_NO_HEAD,
    [SHORT_BODY] = FCGI_ERR_BODY_SHORT,
    [LONG_BODY] = FCGI_ERR_BODY_LONG,
    [WRONG_VERSION] = FCGI_ERR_INVALID_HEADER,
    [HTTP] = FCGI_ERR_NOT_FASTCGI,
    [UNKNOWN_TYPE] = FCGI_ERR_BAD_RECORD,
    [BEGINS] = FCGI_ERR_BAD_RECORD,
    [SHORT_END] = FCGI_ERR_BAD_RECORD,
    [ENDS_ANOTHER] = FCGI_ERR_BAD_ID,
    [OVERLOADED] = FCGI_ERR_OVERLOADED,
    [CANT_MULTIPLEX] = FCGI_ERR_CANT_MPX_CONN,
    [UNKNOWN_ROLE] = FCGI_ERR_UNKNOWN_ROLE,
    [STRANGE_STATUS] = FCGI_ERR_PROTOCOL_STATUS,
    [NO_FLAW] = FCGI_OK,
};

/*
 * The text.
 */

static void add_line(struct wire *text, const char *format, ...)
{
    char line[200];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    wire_text(text, line);
    wire_text(text, world_chance(70) ? "\r\n" : "\n");
}

static void fill(struct wire *to, uint64_t key, size_t len)
{
    char piece[512];

    for (size_t at = 0; at < len; at += sizeof(piece)) {
        size_t n = len - at < sizeof(piece) ? len - at : sizeof(piece);
        ledger_fill(piece, key, at, n);
        wire_append(to, piece, n);
    }
}

static void add_flawed_line(struct wire *text, enum flaw flaw)
{
    switch (flaw) {
    case NO_COLON:
        add_line(text, "no colon here");
        break;
    case CONTROL_BYTE:
        add_line(text, "X-Control: a%cb", 1);
        break;
    case STATUS_IN_WORDS:
        add_line(text, "Status: fine");
        break;
    case LONG_LINE:
        wire_text(text, "X-Long: ");
        for (int i = 0; i < 66000; i++) {
            wire_text(text, "a");
        }
        add_line(text, "");
        break;
    default:
        break;
    }
}

static int pick_status(void)
{
    static const int statuses[] = {200, 200, 200, 404, 500, 302, 204, 304};

    return statuses[world_below(sizeof(statuses) / sizeof(statuses[0]))];
}

static void write_head(struct answer *a, uint64_t key, enum flaw flaw,
                       size_t body_len)
{
    if (a->status != 200 || flaw == STATUS_IN_WORDS || world_chance(50)) {
        add_line(&a->text, "Status: %d Sim", a->status);
    }
    add_line(&a->text, "X-Answer: %016" PRIx64, key);
    for (uint64_t i = world_below(4); i > 0; i--) {
        add_line(&a->text, "Set-Cookie: %" PRIu64 "=%016" PRIx64, i, key);
    }
    add_flawed_line(&a->text, flaw);
    if (flaw == SHORT_BODY) {
        add_line(&a->text, "Content-Length: %zu", body_len + 1);
    } else if (flaw == LONG_BODY) {
        add_line(&a->text, "Content-Length: %zu", body_len - 1);
    } else if (world_chance(30)) {
        add_line(&a->text, "content-length: %zu", body_len);
    }
    add_line(&a->text, "");
}

static void write_text(struct answer *a, uint64_t key, enum flaw flaw)
{
    size_t body_len = world_size(150000) + (flaw == LONG_BODY);

    wire_clear(&a->text);
    a->head_len = a->body_len = 0;
    if (flaw == NO_HEAD) {
        return;
    }
    write_head(a, key, flaw, body_len);
    a->head_len = a->text.len;
    a->body_len = a->bodiless ? 0 : body_len - (flaw == LONG_BODY);
    fill(&a->text, key, body_len);
    if (body_len > 65535) {
        sight_saw(SIGHT_LARGE_ANSWER);
    }
}

/*
 * The records.
 */

static size_t some_padding(void)
{
    return world_chance(50) ? 0 : (size_t)world_below(256);
}

static void add_record(struct wire *bytes, int type, int id, const void *data,
                       size_t len)
{
    wire_record(bytes, type, id, data, len, some_padding());
}

/* An id that the client's ids, which grow, never reach. */
static int unused_id(void)
{
    return (int)world_between(1000, 65535);
}

static int other_id(int id)
{
    return id > 1 && world_chance(50) ? id - 1 : unused_id();
}

/* The end of a request that was never made would be no oddity, but a flaw. */
static void add_foreign_record(struct answer *a, int id)
{
    static const int types[] = {WIRE_STDOUT, WIRE_STDERR, WIRE_ABORT, WIRE_END};
    int other = other_id(id);

    a->foreign = true;
    add_record(&a->bytes, types[world_below(other < id ? 4 : 3)], other,
               "Status: 200\r\n\r\nforeign", 22);
    sight_saw(SIGHT_FOREIGN);
}

static void add_oddity(struct answer *a, int id,
                       const struct answer_habits *habits)
{
    if (world_chance(5)) {
        add_record(&a->bytes, world_chance(50) ? WIRE_UNKNOWN_TYPE : 77, 0,
                   "managing", 8);
    }
    if (world_chance(habits->foreign)) {
        add_foreign_record(a, id);
    }
}

/* Where a record stands out. */
static void add_flawed_record(struct answer *a, int id, enum flaw flaw)
{
    size_t at = a->bytes.len;

    switch (flaw) {
    case WRONG_VERSION:
        add_record(&a->bytes, WIRE_STDOUT, id, "wrong", 5);
        a->bytes.data[at] = world_chance(50) ? 0 : 2;
        break;
    case UNKNOWN_TYPE:
        add_record(&a->bytes, (int)world_between(12, 255),
                   world_chance(50) ? id : other_id(id), "unknown", 7);
        break;
    case BEGINS:
        add_record(&a->bytes, WIRE_BEGIN, id, "\0\1\0\0\0\0\0\0", 8);
        break;
    case SHORT_END:
        add_record(&a->bytes, WIRE_END, id, "\0\0\0\0\0\0\0",
                   (size_t)world_below(8));
        break;
    case ENDS_ANOTHER:
        add_record(&a->bytes, WIRE_END, world_chance(50) ? 0 : unused_id(),
                   "\0\0\0\0\0\0\0", 8);
        break;
    default:
        break;
    }
}

static size_t record_len(size_t left)
{
    static const size_t scales[] = {8, 100, 5000, 65535};
    size_t most =
        scales[left > 2000 ? world_between(1, 3) : world_between(0, 3)];
    size_t len = 1 + (size_t)world_below(most);

    return len < left ? len : left;
}

/* Both streams, in whatever order. */
static void write_records(struct answer *a, int id, enum flaw flaw,
                          const struct answer_habits *habits)
{
    size_t text = 0;
    size_t errors = 0;
    size_t flaw_at = (size_t)world_below(a->text.len + 1);

    while (text < a->text.len || errors < a->errors.len) {
        bool of_errors =
            errors < a->errors.len && (text == a->text.len || world_chance(30));
        const struct wire *from = of_errors ? &a->errors : &a->text;
        size_t *at = of_errors ? &errors : &text;
        size_t len = record_len(from->len - *at);
        if (text >= flaw_at) {
            add_flawed_record(a, id, flaw);
            flaw = NO_FLAW;
        }
        add_oddity(a, id, habits);
        add_record(&a->bytes, of_errors ? WIRE_STDERR : WIRE_STDOUT, id,
                   from->data + *at, len);
        *at += len;
    }
    add_flawed_record(a, id, flaw);
}

static int protocol_status(enum flaw flaw)
{
    switch (flaw) {
    case CANT_MULTIPLEX:
        return WIRE_CANT_MPX_CONN;
    case OVERLOADED:
        return WIRE_OVERLOADED;
    case UNKNOWN_ROLE:
        return WIRE_UNKNOWN_ROLE;
    case STRANGE_STATUS:
        return (int)world_between(4, 255);
    default:
        return WIRE_COMPLETE;
    }
}

static void write_end(struct answer *a, int id, enum flaw flaw)
{
    uint8_t body[20] = {(uint8_t)(a->app_status >> 24),
                        (uint8_t)(a->app_status >> 16),
                        (uint8_t)(a->app_status >> 8), (uint8_t)a->app_status,
                        (uint8_t)protocol_status(flaw)};

    if (world_chance(50)) {
        add_record(&a->bytes, WIRE_STDOUT, id, "", 0);
    }
    if (world_chance(20)) {
        add_record(&a->bytes, WIRE_STDERR, id, "", 0);
    }
    add_record(&a->bytes, WIRE_END, id, body, world_chance(90) ? 8 : 20);
}

/*
 * All of it.
 */

static enum flaw pick_flaw(const struct answer_habits *habits)
{
    return world_chance(habits->flawed) ? (enum flaw)world_below(NO_FLAW)
                                        : NO_FLAW;
}

static int pick_verdict(const struct answer *a, enum flaw flaw)
{
    bool of_body = flaw == SHORT_BODY || flaw == LONG_BODY;

    return of_body && a->bodiless ? FCGI_OK : verdicts[flaw];
}

static void write_http(struct wire *bytes)
{
    wire_clear(bytes);
    wire_text(bytes, "HTTP/1.1 400 Bad Request\r\n\r\n");
}

void answer_compose(struct answer *a, const struct entry *entry, int id,
                    uint64_t serial, const struct answer_habits *habits)
{
    enum flaw flaw = pick_flaw(habits);

    a->foreign = false;
    a->status = pick_status();
    a->bodiless = entry->to_head || a->status == 204 || a->status == 304;
    a->verdict = pick_verdict(a, flaw);
    a->refused = flaw >= OVERLOADED && flaw <= UNKNOWN_ROLE;
    a->app_status = world_chance(50) ? 0 : (uint32_t)world_random();
    wire_clear(&a->errors);
    wire_clear(&a->bytes);
    write_text(a, ledger_key(entry->token, FOR_ANSWER, serial), flaw);
    if (world_chance(30)) {
        fill(&a->errors, ledger_key(entry->token, FOR_ERRORS, serial),
             world_size(2000));
    }
    write_records(a, id, flaw, habits);
    write_end(a, id, flaw);
    if (flaw == HTTP) {
        write_http(&a->bytes);
    }
}

void answer_late_record(struct wire *bytes, int id)
{
    add_record(bytes, world_chance(50) ? WIRE_STDOUT : WIRE_END, id,
               "\0\0\0\0\0\0\0\0Status: 200\r\n\r\nlate", 27);
    sight_saw(SIGHT_LATE);
}
