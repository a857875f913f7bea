/*
 * story - answers as a fuzz input tells them: see story.h.
 */
#include "story.h"

#include <string.h>

#define ENOUGH ((size_t)300 * 1024)

static void tell_bytes(struct supply *s, struct wire *w, int type, int id)
{
    size_t padding = supply_byte(s);
    struct fcgi_slice bytes = supply_bytes(s);
    wire_record(w, type, id, bytes.data, bytes.len, padding);
}

/* Printable, so that it may also stand in a head. */
static void tell_much(struct supply *s, struct wire *w, int type, int id)
{
    static char much[65535];
    size_t padding = supply_byte(s);
    size_t len = supply_length(s);
    if (much[0] == '\0') {
        for (size_t i = 0; i < sizeof(much); i++) {
            much[i] = (char)('a' + i % 26);
        }
    }
    wire_record(w, type, id, much, len, padding);
}

static void tell_head(struct supply *s, struct wire *w, int id)
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
    wire_stdout(w, id, texts[supply_below(s, sizeof(texts) / sizeof(*texts))]);
}

static void tell_end(struct supply *s, struct wire *w, int id)
{
    uint8_t body[16] = {0};
    size_t len = supply_below(s, sizeof(body) + 1);
    body[3] = supply_byte(s);
    body[4] = supply_byte(s) % 5;
    wire_record(w, WIRE_END, id, body, len, supply_byte(s));
}

static void tell_raw(struct supply *s, struct wire *w)
{
    struct fcgi_slice bytes = supply_bytes(s);
    wire_append(w, bytes.data, bytes.len);
}

void story_next(struct supply *s, struct wire *answer, int id)
{
    switch (supply_below(s, 14)) {
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
        tell_bytes(s, answer, supply_byte(s), id ^ supply_byte(s));
        break;
    case 10:
        tell_bytes(s, answer, supply_byte(s), 0);
        break;
    case 11:
        tell_much(s, answer, supply_byte(s) % 12, id + 1);
        break;
    case 12:
        wire_record(answer, WIRE_STDOUT, id, NULL, 0, supply_byte(s));
        break;
    default:
        tell_raw(s, answer);
        break;
    }
}

void story_tell(struct supply *s, struct wire *answer, int id)
{
    while (!supply_is_spent(s) && answer->len < ENOUGH) {
        story_next(s, answer, id);
    }
}

static int64_t limit(struct supply *s)
{
    static const int64_t limits[] = {0, 0,  0,  -1,  1,    2,
                                     5, 16, 64, 255, 9000, 65535};
    return limits[supply_below(s, sizeof(limits) / sizeof(limits[0]))];
}

struct fcgi_limits story_limits(struct supply *s)
{
    struct fcgi_limits limits = {0};
    if (supply_below(s, 2) == 0) {
        return limits;
    }
    limits.line_len = limit(s);
    limits.head_len = limit(s);
    limits.field_count = limit(s);
    limits.body_len = limit(s);
    limits.stderr_len = limit(s);
    return limits;
}
