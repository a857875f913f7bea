/*
 * world - chance, time, log and rules: see world.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

/* How many grains the largest body has. */
#define SIZE_PER_GRAIN 60

/* More than any seed needs: what goes on for longer goes on for ever. */
#define NOTES_MAX 3000000

static struct {
    bool on;
    bool aloud;
    uint64_t seed;
    uint64_t chance;
    uint64_t hash;
    uint64_t notes;
    int64_t now;
    size_t grain;
    int64_t stolen;
    int64_t first_look, last_look; /* 0: none yet */
} world;

void world_begin(uint64_t seed, bool aloud)
{
    memset(&world, 0, sizeof(world));
    world.on = true;
    world.aloud = aloud;
    world.seed = seed;
    world.chance = seed;
    world.hash = UINT64_C(0xcbf29ce484222325);
    world.now = (int64_t)world_below(1000 * 1000 * MILLISECOND);
    world.grain = (size_t)1 << world_between(5, 16);
}

void world_end(void)
{
    world.on = false;
}

bool world_is_on(void)
{
    return world.on;
}

uint64_t world_hash(void)
{
    return world.hash;
}

/*
 * Chance: splitmix64, which is small, quick, and takes any seed.
 */

uint64_t world_random(void)
{
    uint64_t z;

    world.chance += UINT64_C(0x9e3779b97f4a7c15);
    z = world.chance;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t world_below(uint64_t n)
{
    return world_random() % n;
}

int64_t world_between(int64_t least, int64_t most)
{
    return least + (int64_t)world_below((uint64_t)(most - least) + 1);
}

bool world_chance(unsigned percent)
{
    return world_below(100) < percent;
}

size_t world_size(size_t most)
{
    size_t scale = (size_t)1 << world_below(18);

    if (most > world.grain * SIZE_PER_GRAIN) {
        most = world.grain * SIZE_PER_GRAIN;
    }
    return (size_t)world_below((scale < most ? scale : most) + 1);
}

size_t world_grain(void)
{
    return world.grain;
}

/*
 * Time.
 */

int64_t world_now(void)
{
    return world.now;
}

void world_reach(int64_t moment)
{
    if (moment > world.now) {
        world.now = moment;
    }
}

void world_steal(int64_t us)
{
    world.now += us;
    world.stolen += us;
}

void world_stole_since(int64_t moment)
{
    world.stolen += world.now - moment;
}

int64_t world_stolen(void)
{
    return world.stolen;
}

int64_t world_look_at_clock(void)
{
    world_steal((int64_t)world_below(3));
    world.last_look = world.now;
    if (world.first_look == 0) {
        world.first_look = world.now;
    }
    return world.now;
}

void world_forget_looks(void)
{
    world.first_look = world.last_look = 0;
}

int64_t world_first_look(void)
{
    return world.first_look;
}

int64_t world_last_look(void)
{
    return world.last_look;
}

/*
 * The log.
 */

static void hash_number(int64_t number)
{
    world.hash = (world.hash ^ (uint64_t)number) * UINT64_C(0x100000001b3);
    world.hash ^= world.hash >> 29;
}

void world_note(const char *what, int64_t a, int64_t b, int64_t c)
{
    for (const char *at = what; *at != '\0'; at++) {
        world.hash =
            (world.hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    }
    hash_number(world.now);
    hash_number(a);
    hash_number(b);
    hash_number(c);
    if (world.aloud) {
        printf("%12.3f ms  %-44s %" PRId64 " %" PRId64 " %" PRId64 "\n",
               (double)world.now / 1000, what, a, b, c);
    }
    world.notes += 1;
    world_require(world.notes < NOTES_MAX, "a seed comes to an end",
                  (int64_t)world.notes, 0);
}

uint64_t world_notes(void)
{
    return world.notes;
}

void world_require(bool holds, const char *rule, int64_t a, int64_t b)
{
    if (holds) {
        return;
    }
    fflush(stdout);
    fprintf(stderr,
            "sim: seed %" PRIu64 " at %.3f ms breaks the rule: %s (%" PRId64
            ", %" PRId64 ")\nreplay: test_sim --seed %" PRIu64 "\n",
            world.seed, (double)world.now / 1000, rule, a, b, world.seed);
    exit(EXIT_FAILURE);
}
