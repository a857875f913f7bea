/*
 * ledger - the requests of a world: see ledger.h.
 */
#include <string.h>

#include "ledger.h"
#include "world.h"

static struct entry entries[ENTRIES];
static int count;

void ledger_begin(void)
{
    count = 0;
}

struct entry *ledger_open(void)
{
    struct entry *entry = &entries[count];

    world_require(count < ENTRIES, "the ledger has room", count, 0);
    count += 1;
    memset(entry, 0, sizeof(*entry));
    entry->token = world_random() | 1;
    return entry;
}

struct entry *ledger_find(uint64_t token)
{
    for (int i = 0; i < count; i++) {
        if (entries[i].token == token) {
            return &entries[i];
        }
    }
    return NULL;
}

int ledger_count(void)
{
    return count;
}

struct entry *ledger_at(int index)
{
    return &entries[index];
}

uint64_t ledger_key(uint64_t token, enum purpose purpose, uint64_t serial)
{
    uint64_t key = token + (uint64_t)purpose * UINT64_C(0x9e3779b97f4a7c15) +
                   serial * UINT64_C(0xbf58476d1ce4e5b9);

    key = (key ^ (key >> 31)) * UINT64_C(0x94d049bb133111eb);
    return key ^ (key >> 29);
}

/* Neighbours differ, and so do places that are a power of two apart. */
static uint8_t byte_at(uint64_t key, uint64_t offset)
{
    return (uint8_t)((key >> (8 * (offset & 7))) + (offset >> 3) * 37 +
                     (offset >> 11) * 101);
}

void ledger_fill(void *out, uint64_t key, uint64_t offset, size_t len)
{
    uint8_t *bytes = out;

    for (size_t i = 0; i < len; i++) {
        bytes[i] = byte_at(key, offset + i);
    }
}

bool ledger_matches(const void *data, uint64_t key, uint64_t offset, size_t len)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != byte_at(key, offset + i)) {
            return false;
        }
    }
    return true;
}
