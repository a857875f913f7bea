/*
 * memory - how much memory the requests of a worker hold together.
 */
#include "memory.h"

#include <stdlib.h>

/* Spare blocks may have this part of the limit: one sixteenth. */
#define SPARE_PART 16

/* A block that is more than this many times too large is not reused. */
#define TOO_LARGE 4

/* The front of a spare block. */
struct block {
    struct block *next;
    size_t cap;
};

/*
 * Counting.
 */

static bool fits(const struct memory *memory, size_t len, size_t max)
{
    return memory->used <= max && len <= max - memory->used;
}

static bool take(struct memory *memory, size_t len, size_t max)
{
    if (!fits(memory, len, max)) {
        memory_free_spares(memory);
    }
    if (!fits(memory, len, max)) {
        return false;
    }
    memory->used += len;
    return true;
}

bool memory_take(struct memory *memory, size_t len)
{
    return take(memory, len, memory->max);
}

bool memory_take_for_body(struct memory *memory, size_t len)
{
    return take(memory, len, memory->max - memory->max / 4);
}

void memory_give(struct memory *memory, size_t len)
{
    memory->used -= len;
}

/*
 * Spare blocks.
 */

static struct block *unlink_block(struct memory *memory, struct block **at)
{
    struct block *block = *at;

    *at = block->next;
    memory->spare_len -= block->cap;
    return block;
}

void *memory_reuse(struct memory *memory, size_t len, size_t *cap)
{
    struct block **at = &memory->spares;

    while (*at != NULL && ((*at)->cap < len || (*at)->cap / TOO_LARGE > len)) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        return NULL;
    }
    *cap = (*at)->cap;
    return unlink_block(memory, at);
}

void memory_keep(struct memory *memory, void *block, size_t cap)
{
    struct block *spare = block;

    if (cap < sizeof(*spare) ||
        cap > memory->max / SPARE_PART - memory->spare_len) {
        free(block);
        memory_give(memory, cap);
        return;
    }
    spare->next = memory->spares;
    spare->cap = cap;
    memory->spares = spare;
    memory->spare_len += cap;
}

void memory_free_spares(struct memory *memory)
{
    while (memory->spares != NULL) {
        struct block *block = unlink_block(memory, &memory->spares);
        memory_give(memory, block->cap);
        free(block);
    }
}
