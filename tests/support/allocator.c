/*
 * allocator - a struct fcgi_allocator that counts: see allocator.h.
 *
 * In front of each block stands its size, so that the bytes can be counted, and
 * behind it a fence that must not change. A block is overwritten when it is
 * released, so that a later use of it shows.
 *
 *     [size | block ... | fence]
 */
#define _POSIX_C_SOURCE 200809L

#include "allocator.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No test needs a larger block. */
#define MOST ((size_t)1 << 30)

#define FENCE "do not overwrite"

/* What new and released blocks are filled with: never zero, so that nothing
 * relies on zeroed memory. */
#define FRESH 0xdb
#define STALE 0xdd

union prefix {
    size_t size;
    max_align_t align;
};

/* Shared by all allocators, since it is never held for long. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool fails_now(struct counting_allocator *memory)
{
    memory->calls += 1;
    bool fails = memory->fail_at != 0 &&
                 (memory->calls == memory->fail_at ||
                  (memory->fail_onwards && memory->calls > memory->fail_at));
    memory->failures += fails;
    return fails;
}

static void *take(struct counting_allocator *memory, size_t size)
{
    if (size > MOST) {
        return NULL;
    }
    union prefix *block = malloc(sizeof(*block) + size + sizeof(FENCE));
    if (block == NULL) {
        return NULL;
    }
    block->size = size;
    memset(block + 1, FRESH, size);
    memcpy((char *)(block + 1) + size, FENCE, sizeof(FENCE));
    memory->blocks += 1;
    memory->bytes += size;
    if (memory->bytes > memory->peak) {
        memory->peak = memory->bytes;
    }
    return block + 1;
}

static void give_back(struct counting_allocator *memory, void *pointer)
{
    union prefix *block = (union prefix *)pointer - 1;
    if (memcmp((char *)pointer + block->size, FENCE, sizeof(FENCE)) != 0) {
        fputs("tests: a block was written past its end\n", stderr);
        abort();
    }
    memory->blocks -= 1;
    memory->bytes -= block->size;
    memory->releases += 1;
    memset(pointer, STALE, block->size);
    free(block);
}

static void *allocate(void *context, size_t size)
{
    struct counting_allocator *memory = context;
    pthread_mutex_lock(&lock);
    void *pointer = fails_now(memory) ? NULL : take(memory, size);
    pthread_mutex_unlock(&lock);
    return pointer;
}

/* The block always moves, so that a use of the old pointer shows. */
static void *resize(void *context, void *pointer, size_t size)
{
    struct counting_allocator *memory = context;
    pthread_mutex_lock(&lock);
    void *moved = fails_now(memory) ? NULL : take(memory, size);
    if (moved != NULL && pointer != NULL) {
        size_t old = ((union prefix *)pointer - 1)->size;
        memcpy(moved, pointer, old < size ? old : size);
        give_back(memory, pointer);
    }
    pthread_mutex_unlock(&lock);
    return moved;
}

static void release(void *context, void *pointer)
{
    struct counting_allocator *memory = context;
    if (pointer == NULL) {
        return;
    }
    pthread_mutex_lock(&lock);
    give_back(memory, pointer);
    pthread_mutex_unlock(&lock);
}

struct fcgi_allocator counting_allocator(struct counting_allocator *memory)
{
    struct fcgi_allocator allocator = {allocate, resize, release, memory};
    return allocator;
}
