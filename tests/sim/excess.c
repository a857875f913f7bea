/*
 * excess - many calls at a time: see excess.h.
 */
#include <string.h>

#include "descriptor.h"
#include "excess.h"
#include "judge.h"
#include "sight.h"
#include "world.h"

/* How many calls a client keeps the memory of. */
#define KEPT 64

#define CROWD (KEPT + 6)

static struct fcgi_call *calls[CROWD];
static struct fcgi_response responses[CROWD];

bool excess_has_room(const struct sim_client *client)
{
    struct fcgi_pool_stats stats = client_stats(client);

    return !client->is_closed && stats.idle == 0 && stats.waiting == 0;
}

/* Returns how many there are. */
static int begin(const struct sim_client *client)
{
    struct fcgi_param param = FCGI_PARAM("REQUEST_METHOD", "GET");
    struct fcgi_request request = {.params = &param, .param_count = 1};
    int begun = 0;

    memset(responses, 0, sizeof(responses));
    for (int i = 0; i < CROWD; i++) {
        begun += fcgi_call_start(&calls[i], client->handle, &request,
                                 &responses[i]) == FCGI_OK;
    }
    return begun;
}

/* A call has more than one block of memory; its connection is one. */
static bool gives_back(const struct sim_client *client, struct fcgi_call *call)
{
    size_t before = client->memory.blocks;

    fcgi_call_free(call);
    return before - client->memory.blocks > 1;
}

void excess_begin_and_give_up(struct sim_client *client)
{
    bool all;

    world_note("crowd: client", client->index, 0, 0);
    descriptors_serve(client->index, NOBODY, NULL);
    all = begin(client) == CROWD;
    for (int i = 0; i < CROWD; i++) {
        bool gone = gives_back(client, calls[i]);
        world_require(!all || gone == (i >= KEPT),
                      "a client keeps the memory of so many calls", i, gone);
        fcgi_response_free(&responses[i]);
    }
    descriptors_serve(NOBODY, NOBODY, NULL);
    judge_strangers(client);
    (void)descriptors_were_short();
    if (all) {
        sight_saw(SIGHT_CROWD);
    }
}
