/*
 * timers - a binary heap: no timer is due before the one at half its place.
 */
#include "timers.h"

static size_t count_of(const struct fcgi__timers *timers)
{
    return timers->heap.len / sizeof(struct fcgi__timer *);
}

static struct fcgi__timer **heap_of(const struct fcgi__timers *timers)
{
    return (struct fcgi__timer **)(void *)timers->heap.data;
}

static void put(struct fcgi__timer **heap, size_t place,
                struct fcgi__timer *timer)
{
    heap[place] = timer;
    timer->place = place;
}

static void sift_up(struct fcgi__timer **heap, struct fcgi__timer *timer)
{
    size_t place = timer->place;

    while (place > 0 && heap[(place - 1) / 2]->due > timer->due) {
        put(heap, place, heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(heap, place, timer);
}

static void sift_down(struct fcgi__timer **heap, size_t count,
                      struct fcgi__timer *timer)
{
    size_t place = timer->place;
    size_t child;

    for (child = 2 * place + 1; child < count; child = 2 * place + 1) {
        if (child + 1 < count && heap[child + 1]->due < heap[child]->due) {
            child += 1;
        }
        if (heap[child]->due >= timer->due) {
            break;
        }
        put(heap, place, heap[child]);
        place = child;
    }
    put(heap, place, timer);
}

int fcgi__timers_add(struct fcgi__timers *timers,
                     const struct fcgi_allocator *allocator,
                     struct fcgi__timer *timer, int64_t due)
{
    int rc = fcgi__buffer_reserve(&timers->heap, allocator, sizeof(timer));

    if (rc != FCGI_OK) {
        return rc;
    }
    timer->due = due;
    timer->place = count_of(timers);
    timers->heap.len += sizeof(timer);
    sift_up(heap_of(timers), timer);
    return FCGI_OK;
}

void fcgi__timers_move(struct fcgi__timers *timers, struct fcgi__timer *timer,
                       int64_t due)
{
    timer->due = due;
    sift_up(heap_of(timers), timer);
    sift_down(heap_of(timers), count_of(timers), timer);
}

void fcgi__timers_remove(struct fcgi__timers *timers, struct fcgi__timer *timer)
{
    size_t last = count_of(timers) - 1;
    struct fcgi__timer *moved = heap_of(timers)[last];

    timers->heap.len -= sizeof(timer);
    if (moved != timer) {
        moved->place = timer->place;
        fcgi__timers_move(timers, moved, moved->due);
    }
}

struct fcgi__timer *fcgi__timers_first(const struct fcgi__timers *timers)
{
    return count_of(timers) == 0 ? NULL : heap_of(timers)[0];
}

void fcgi__timers_free(struct fcgi__timers *timers,
                       const struct fcgi_allocator *allocator)
{
    fcgi__buffer_free(&timers->heap, allocator);
}
