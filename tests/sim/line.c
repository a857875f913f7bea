/*
 * line - the calls that wait, in order: see line.h.
 */
#include "line.h"
#include "world.h"

static struct {
    struct caller *callers[ENTRIES];
    size_t count;
} line;

void line_begin(void)
{
    line.count = 0;
}

void line_join(struct caller *c)
{
    line.callers[line.count] = c;
    line.count += 1;
}

/* SIZE_MAX: it is not there. */
static size_t find(const struct caller *c)
{
    for (size_t i = 0; i < line.count; i++) {
        if (line.callers[i] == c) {
            return i;
        }
    }
    return SIZE_MAX;
}

bool line_has(const struct caller *c)
{
    return find(c) != SIZE_MAX;
}

void line_leave(struct caller *c)
{
    line.count -= 1;
    for (size_t i = find(c); i < line.count; i++) {
        line.callers[i] = line.callers[i + 1];
    }
    c->is_told = false;
}

/* Of a client, among the first `end`. */
static size_t count_before(const struct sim_client *client, size_t end)
{
    size_t count = 0;

    for (size_t i = 0; i < end; i++) {
        count += line.callers[i]->client == client;
    }
    return count;
}

size_t line_count_turns(const struct sim_client *client)
{
    size_t count = count_before(client, line.count);
    size_t waiting = count == 0 ? 0 : client_stats(client).waiting;

    world_require(waiting <= count, "calls that wait are counted",
                  (int64_t)waiting, (int64_t)count);
    return count - waiting;
}

bool line_has_turn(const struct caller *c)
{
    size_t at = find(c);

    return at != SIZE_MAX &&
           count_before(c->client, at) < line_count_turns(c->client);
}

struct caller *line_first_turn(const struct sim_client *client,
                               const struct wake *wake)
{
    size_t turns = line_count_turns(client);

    for (size_t i = 0; i < line.count && turns > 0; i++) {
        struct caller *c = line.callers[i];
        if (c->client == client) {
            turns -= 1;
            if (c->wake == wake && !c->is_told) {
                return c;
            }
        }
    }
    return NULL;
}
