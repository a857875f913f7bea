/*
 * sight - what was seen, and how often: see sight.h.
 */
#include <inttypes.h>
#include <stdio.h>

#include <fcgi_client/error.h>

#include "sight.h"
#include "world.h"

#define ENDINGS 64

static const char *const texts[] = {
#define SIGHT_TEXT(name, what) what,
    SIGHT_MAP(SIGHT_TEXT)
#undef SIGHT_TEXT
};

static uint64_t sights[SIGHTS];
static uint64_t endings[ENDINGS];

void sight_saw(enum sight sight)
{
    sights[sight] += 1;
}

void sight_saw_ending(int code)
{
    world_require(code <= 0 && code > -ENDINGS, "a call ends with a code", code,
                  0);
    endings[-code] += 1;
}

uint64_t sight_count(enum sight sight)
{
    return sights[sight];
}

uint64_t sight_count_endings(int code)
{
    return endings[-code];
}

const char *sight_text(enum sight sight)
{
    return texts[sight];
}

void sights_tell(void)
{
    for (int sight = 0; sight < SIGHTS; sight++) {
        printf("%10" PRIu64 "  %s\n", sights[sight], texts[sight]);
    }
    for (int code = 0; code > -ENDINGS; code--) {
        if (endings[-code] > 0) {
            printf("%10" PRIu64 "  %s\n", endings[-code],
                   fcgi_error_name(code));
        }
    }
}
