/*
 * fuzz_answer - implements fuzz_answer.h.
 */
#include "fuzz_answer.h"

#define ENOUGH ((size_t)300 * 1024)

static void tell_bytes(struct fuzz_input *s, struct wire *w, int type, int id)
{
    size_t padding = fuzz_input_byte(s);
    struct fcgi_slice bytes = fuzz_input_bytes(s);
    wire_record(w, type, id, bytes.data, bytes.len, padding);
}

/* Printable, so that it may also stand in a head. */
static void tell_much(struct fuzz_input *s, struct wire *w, int type, int id)
{
    static char much[65535];
    size_t padding = fuzz_input_byte(s);
    size_t len = fuzz_input_length(s);
    if (much[0] == '\0') {
        for (size_t i = 0; i < sizeof(much); i++) {
            much[i] = (char)('a' + i % 26);
        }
    }
    wire_record(w, type, id, much, len, padding);
}

static void tell_head(struct fuzz_input *s, struct wire *w, int id)
{
    static const char *const texts[] = {"A: b\r\n\r\n",
                                        "\n",
                                        "\r\n",
                                        "Status: 404 Not Found\r\n",
                                        "Status: 204\n",
                                        "Status: 304 \r\n",
                                        "Content-Length: 5\r\n\r\n",
                                        "Content-Length: 65535\n\n",
                                        "Content-Length: 9000\n",
                                        "content-length:0\n",
                                        "Location: /a\n",
                                        "Set-Cookie: a=1\r\n",
                                        "Transfer-Encoding: chunked\n",
                                        "X: ",
                                        "\r"};
    wire_stdout(w, id,
                texts[fuzz_input_below(s, sizeof(texts) / sizeof(*texts))]);
}

static void tell_end(struct fuzz_input *s, struct wire *w, int id)
{
    uint8_t body[16] = {0};
    size_t len = fuzz_input_below(s, sizeof(body) + 1);
    body[3] = fuzz_input_byte(s);
    body[4] = fuzz_input_byte(s) % 5;
    wire_record(w, WIRE_END, id, body, len, fuzz_input_byte(s));
}

static void tell_raw(struct fuzz_input *s, struct wire *w)
{
    struct fcgi_slice bytes = fuzz_input_bytes(s);
    wire_append(w, bytes.data, bytes.len);
}

void fuzz_answer_next(struct fuzz_input *s, struct wire *answer, int id)
{
    switch (fuzz_input_below(s, 14)) {
    case 0:
    case 1:
        tell_bytes(s, answer, WIRE_STDOUT, id);
        break;
    case 2:
    case 3:
        tell_head(s, answer, id);
        break;
    case 4:
        wire_end(answer, id, 0, WIRE_COMPLETE);
        break;
    case 5:
        tell_end(s, answer, id);
        break;
    case 6:
        tell_bytes(s, answer, WIRE_STDERR, id);
        break;
    case 7:
        tell_much(s, answer, WIRE_STDOUT, id);
        break;
    case 8:
        tell_much(s, answer, WIRE_STDERR, id);
        break;
    case 9: /* another's, or no one's */
        tell_bytes(s, answer, fuzz_input_byte(s), id ^ fuzz_input_byte(s));
        break;
    case 10:
        tell_bytes(s, answer, fuzz_input_byte(s), 0);
        break;
    case 11:
        tell_much(s, answer, fuzz_input_byte(s) % 12, id + 1);
        break;
    case 12:
        wire_record(answer, WIRE_STDOUT, id, NULL, 0, fuzz_input_byte(s));
        break;
    default:
        tell_raw(s, answer);
        break;
    }
}

void fuzz_answer_tell(struct fuzz_input *s, struct wire *answer, int id)
{
    while (!fuzz_input_is_spent(s) && answer->len < ENOUGH) {
        fuzz_answer_next(s, answer, id);
    }
}

static int64_t limit(struct fuzz_input *s)
{
    static const int64_t limits[] = {0, 0,  0,  -1,  1,    2,
                                     5, 16, 64, 255, 9000, 65535};
    return limits[fuzz_input_below(s, sizeof(limits) / sizeof(limits[0]))];
}

struct fcgi_limits fuzz_answer_limits(struct fuzz_input *s)
{
    struct fcgi_limits limits = {0};
    if (fuzz_input_below(s, 2) == 0) {
        return limits;
    }
    limits.line_len = limit(s);
    limits.head_len = limit(s);
    limits.field_count = limit(s);
    limits.body_len = limit(s);
    limits.stderr_len = limit(s);
    return limits;
}
