/*
 * pattern - bytes that depend on nothing but their offset: see pattern.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "pattern.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "must.h"

#define LINE 16
#define DIGITS 15

static void fill_line(char out[LINE], uint64_t number)
{
    for (int i = DIGITS - 1; i >= 0; i--) {
        out[i] = "0123456789abcdef"[number & 15];
        number >>= 4;
    }
    out[DIGITS] = '\n';
}

/* Most lines differ from the one before by one digit, so that this is cheaper
 * than to print each. */
static void next_line(char line[LINE])
{
    int i = DIGITS - 1;
    while (i > 0 && line[i] == 'f') {
        line[i--] = '0';
    }
    line[i] = line[i] == '9' ? 'a' : (char)(line[i] + 1);
}

void pattern_fill(void *out, uint64_t offset, size_t len)
{
    char line[LINE];
    char *at = out;
    size_t skip = (size_t)(offset % LINE);
    fill_line(line, offset / LINE);
    while (len > 0) {
        size_t count = LINE - skip < len ? LINE - skip : len;
        memcpy(at, line + skip, count);
        next_line(line);
        at += count;
        len -= count;
        skip = 0;
    }
}

void *pattern_make(size_t len)
{
    void *data = must_allocate(len > 0 ? len : 1);
    pattern_fill(data, 0, len);
    return data;
}

bool pattern_matches(const void *data, uint64_t offset, size_t len)
{
    char expected[4096];
    const char *at = data;
    while (len > 0) {
        size_t count = len < sizeof(expected) ? len : sizeof(expected);
        pattern_fill(expected, offset, count);
        if (memcmp(at, expected, count) != 0) {
            return false;
        }
        at += count;
        offset += count;
        len -= count;
    }
    return true;
}

void pattern_hash(char out[17], uint64_t len)
{
    char block[4096];
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint64_t at = 0; at < len; at += sizeof(block)) {
        uint64_t left = len - at;
        size_t count = left < sizeof(block) ? (size_t)left : sizeof(block);
        pattern_fill(block, at, count);
        for (size_t i = 0; i < count; i++) {
            hash = (hash ^ (uint8_t)block[i]) * UINT64_C(0x100000001b3);
        }
    }
    (void)snprintf(out, 17, "%016" PRIx64, hash);
}

static int read_upload(void *context, void *buf, size_t cap, size_t *got)
{
    struct pattern_upload *upload = context;
    uint64_t left = upload->len - upload->at;
    *got = left < cap ? (size_t)left : cap;
    pattern_fill(buf, upload->at, *got);
    upload->at += *got;
    return FCGI_OK;
}

static int replay_upload(void *context, uint64_t taken)
{
    struct pattern_upload *upload = context;
    upload->at -= taken;
    return FCGI_OK;
}

struct fcgi_source pattern_source(struct pattern_upload *upload)
{
    return (struct fcgi_source){
        .read = read_upload, .replay = replay_upload, .context = upload};
}

static int check_download(void *context, const void *data, size_t *len)
{
    struct pattern_download *download = context;
    if (!pattern_matches(data, download->at, *len)) {
        download->wrong = true;
    }
    download->at += *len;
    return 0;
}

struct fcgi_sink pattern_sink(struct pattern_download *download)
{
    return (struct fcgi_sink){.body = check_download, .context = download};
}
