/*
 * memory - what the requests of a worker hold, in sum.
 */
#include "gateway_events_memory.h"

static bool take(struct memory *memory, size_t len, size_t max)
{
    if (memory->used > max || len > max - memory->used) {
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
