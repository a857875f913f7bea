/*
 * Inputs to begin with, made of the answers in support/corpus.c, in the formats
 * that the heads of the targets' files describe:
 *
 *     fuzz-seeds tests/fuzz/corpus
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "corpus.h"
#include "talk.h"
#include "test.h"
#include "wire.h"

#define LARGEST 3000

/* Steps by number, as fuzz_answer_next() and the step() of the targets have
 * them. */
enum {
    RAW = 13,
    SEND_ALL = 1, /* of fuzz_exchange.c, with two choices of 0 */
    TELL = 4,
    RECEIVE = 6,
    FEED = 8,
    FINISH = 11,
    START = 0, /* of fuzz_client.c */
    ADVANCE = 2,
    LEAVE = 7,
    ACT = 12,
    SOMEHOW = 5
};

static const char *folder;
static size_t written;

static FILE *create(const char *noun, const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, noun);
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        perror(path);
        exit(1);
    }
    (void)snprintf(path, sizeof(path), "%s/%s/seed %s", folder, noun, name);
    for (char *space = strchr(path, ' '); space; space = strchr(space, ' ')) {
        *space = '-';
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    return file;
}

static void keep(const char *noun, const char *name, const struct wire *input)
{
    FILE *file = create(noun, name);
    if (fwrite(input->data, 1, input->len, file) != input->len ||
        fclose(file) != 0) {
        perror(name);
        exit(1);
    }
    written += 1;
}

/* Behind a head of choices, all of them the first. */
static struct wire begin(size_t choices)
{
    struct wire input = {0};
    for (size_t i = 0; i < choices; i++) {
        wire_append(&input, "", 1);
    }
    return input;
}

static void append_raw(struct wire *input, const struct wire *bytes)
{
    for (size_t at = 0; at < bytes->len;) {
        size_t len = bytes->len - at < 255 ? bytes->len - at : 255;
        const uint8_t head[2] = {RAW, (uint8_t)len};
        wire_append(input, head, 2);
        wire_append(input, bytes->data + at, len);
        at += len;
    }
}

static void seed_record(const struct conversation *c, const struct wire *answer)
{
    static const uint8_t choices[] = {159, 7}; /* room for any content */
    struct wire input = {0};
    wire_append(&input, choices, sizeof(choices));
    wire_append(&input, answer->data, answer->len);
    keep("record", c->name, &input);
    wire_free(&input);
}

static void seed_head(const struct conversation *c, const struct wire *answer)
{
    struct wire input = begin(5);
    struct wire_frame frame;
    size_t at = 0;
    while (wire_next(answer->data, answer->len, &at, &frame)) {
        if (frame.type == WIRE_STDOUT) {
            wire_append(&input, frame.content, frame.len);
        }
    }
    input.data[0] = strcmp(c->method, "HEAD") == 0;
    keep("head", c->name, &input);
    wire_free(&input);
}

static void seed_conversation(const struct conversation *c,
                              const struct wire *answer)
{
    struct wire input = begin(6);
    input.data[0] = strcmp(c->method, "HEAD") == 0;
    input.data[4] = 99; /* cuts */
    append_raw(&input, answer);
    keep("conversation", c->name, &input);
    wire_free(&input);
}

/* A GET, sent; pieces of the answer are told and fed, or told and received. */
static void seed_exchange(const struct conversation *c,
                          const struct wire *answer)
{
    static const uint8_t request[] = {0, 1, 0, 0, 0, 0, 0, SEND_ALL, 0, 0};
    static const uint8_t hear[] = {FEED, 0, RECEIVE, 0, FINISH, 0};
    struct wire input = {0};
    wire_append(&input, request, sizeof(request));
    for (size_t at = 0; at < answer->len;) {
        size_t len = answer->len - at < 250 ? answer->len - at : 250;
        const uint8_t tell[] = {TELL, RAW, (uint8_t)len};
        wire_append(&input, tell, sizeof(tell));
        wire_append(&input, answer->data + at, len);
        wire_append(&input, hear + (at / 250 % 2) * 2, 2);
        at += len;
    }
    wire_append(&input, hear + 4, 2);
    keep("exchange", c->name, &input);
    wire_free(&input);
}

/* As to the first request on a connection, whose id is 1. */
static void readdress(struct wire *answer)
{
    struct wire_frame frame;
    size_t at = 0;
    size_t begin = 0;
    while (wire_next(answer->data, answer->len, &at, &frame)) {
        if (frame.id == TALK_ID) {
            answer->data[begin + 2] = 0;
            answer->data[begin + 3] = 1;
        }
        begin = at;
    }
}

/* A call is begun, advanced, answered, and advanced once more. */
static void seed_client(const struct conversation *c, struct wire *answer)
{
    static const uint8_t start[] = {START, 0, 0, 0, 0, 0, 0, 0, ADVANCE, 0, 0};
    static const uint8_t end[] = {ADVANCE, 0, 0, LEAVE, 0, 0, 0};
    struct wire input = begin(7);
    readdress(answer);
    wire_append(&input, start, sizeof(start));
    for (size_t at = 0; at < answer->len;) {
        size_t len = answer->len - at < 250 ? answer->len - at : 250;
        const uint8_t say[] = {ACT, 0, 0, 0, SOMEHOW, RAW, (uint8_t)len};
        wire_append(&input, say, sizeof(say));
        wire_append(&input, answer->data + at, len);
        wire_append(&input, end, 3);
        at += len;
    }
    wire_append(&input, end, sizeof(end));
    keep("client", c->name, &input);
    wire_free(&input);
}

static void seed_params(void)
{
    struct wire input = begin(1);
    struct wire noise = {0};
    wire_param(&input, "REQUEST_METHOD", "GET");
    wire_param(&input, "", "");
    wire_noise(&noise, 200);
    wire_pair(&input, noise.data, 127, noise.data, 128);
    wire_pair(&input, noise.data, 128, noise.data, 0);
    keep("params", "pairs", &input);
    input.len -= 1;
    keep("params", "truncated", &input);
    wire_free(&noise);
    wire_free(&input);
}

/* A body of 65,535 bytes, which lands in its place. */
static void seed_large(void)
{
    static const uint8_t story[] = {2, 7, 7, 255, 158, 4};
    static const uint8_t request[] = {0, 1, 0, 0, 0, 0, 0, SEND_ALL, 0, 0};
    static const uint8_t steps[] = {
        TELL, 2,  7,       TELL, 7,   3,       158, TELL,    4, RECEIVE,
        1,    13, RECEIVE, 1,    157, RECEIVE, 0,   RECEIVE, 0};
    struct wire input = begin(6);
    input.data[4] = 99; /* cuts */
    wire_append(&input, story, sizeof(story));
    keep("conversation", "landing", &input);
    wire_clear(&input);
    wire_append(&input, request, sizeof(request));
    wire_append(&input, steps, sizeof(steps));
    keep("exchange", "landing", &input);
    wire_free(&input);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fputs("usage: fuzz-seeds FOLDER\n", stderr);
        return 2;
    }
    folder = argv[1];
    for (size_t i = 0; i < corpus_len; i++) {
        struct wire answer = {0};
        corpus[i].write(&answer);
        if (answer.len <= LARGEST) {
            seed_record(&corpus[i], &answer);
            seed_head(&corpus[i], &answer);
            seed_conversation(&corpus[i], &answer);
            seed_exchange(&corpus[i], &answer);
            seed_client(&corpus[i], &answer);
        }
        wire_free(&answer);
    }
    seed_params();
    seed_large();
    (void)printf("%zu seeds\n", written);
    return 0;
}
