/*
 * sim_client - the clients of a program: see sim_client.h.
 */
#include <fcntl.h>
#include <string.h>

#include "descriptor.h"
#include "events.h"
#include "network.h"
#include "sight.h"
#include "sim_client.h"
#include "world.h"

/*
 * Connecting in its own way.
 */

/* As a host does that knows nothing of what the pool wants of a socket. */
static int dial(void *context, int *fd)
{
    struct sockaddr address = {.sa_family = AF_UNIX};
    int made = descriptor_socket(AF_UNIX, SOCK_STREAM);

    (void)context;
    if (made < 0) {
        return FCGI_ERR_SYSTEM;
    }
    world_steal(world_between(0, 5 * MILLISECOND));
    (void)descriptor_fcntl(made, F_SETFL, O_NONBLOCK);
    if (descriptor_connect(made, &address) < 0) {
        (void)descriptor_close(made);
        return FCGI_ERR_CONNECT;
    }
    sight_saw(SIGHT_HOST_DIALLED);
    *fd = made;
    return FCGI_OK;
}

/*
 * Making and ending.
 */

/* 0, or something small. */
static int some_number(int most)
{
    return world_chance(40) ? 0 : (int)world_between(1, most);
}

static void configure_pool(struct sim_client *client)
{
    struct fcgi_pool_config *pool = &client->config.pool;

    pool->max_idle = world_chance(10) ? -1 : some_number(4);
    pool->idle_timeout_ms = world_chance(10) ? -1 : some_number(100);
    pool->max_age_ms = world_chance(70) ? 0 : some_number(200);
    pool->max_requests = world_chance(70) ? 0 : some_number(5);
    pool->max_open = some_number(4);
    pool->max_waiting = world_chance(70) ? 0 : some_number(4);
    pool->evict_by_host = true;
    pool->dial = world_chance(10) ? dial : NULL;
    pool->trace = trace_hear;
    pool->trace_context = client;
    pool->allocator = counting_allocator(&client->memory);
}

/* As short as can be, now and then. */
static int some_time(int most)
{
    return (int)world_between(1, world_chance(10) ? 2 : most);
}

/* The whole may be unlimited; but what is silent has to end, or the host waits
 * for ever. */
static void configure_limits(struct fcgi_timeouts *limits, bool is_patient)
{
    limits->connect_ms = some_time(300);
    limits->write_ms = some_time(400);
    limits->first_byte_ms = some_time(600);
    limits->idle_ms = some_time(600);
    limits->total_ms = world_chance(70) ? -1 : (int)world_between(1, 800);
    limits->queue_ms = world_chance(50) ? -1 : some_time(300);
    if (is_patient) {
        limits->first_byte_ms = PATIENCE;
        limits->total_ms = -1;
    }
}

void client_open(struct sim_client *client)
{
    int index = client->index;
    const char *address;

    memset(client, 0, sizeof(*client));
    client->index = index;
    client->evict_at = NEVER;
    configure_pool(client);
    client->is_patient = world_chance(25);
    configure_limits(&client->config.timeouts, client->is_patient);
    client->config.retry = (enum fcgi_retry)world_below(4);
    world_note("client opens: client, max open, max idle", index,
               client->config.pool.max_open, client->config.pool.max_idle);
    address = network_pick(&client->addresses);
    world_require(fcgi_client_new(&client->handle, address, &client->config) ==
                      FCGI_OK,
                  "a client is made", index, 0);
    wakes_open(client);
    if (world_chance(5)) {
        client->memory.fail_at =
            client->memory.calls + (size_t)world_between(1, 100);
    }
}

void client_free(struct sim_client *client)
{
    world_note("client is freed: client", client->index, 0, 0);
    descriptors_serve(client->index, NOBODY, NULL);
    wakes_free(client);
    fcgi_client_free(client->handle);
    client->handle = NULL;
    fcgi_response_free(&client->used);
    world_require(client->memory.blocks == 0, "no memory is leaked",
                  (int64_t)client->memory.blocks,
                  (int64_t)client->memory.bytes);
}

void client_close(struct sim_client *client)
{
    world_note("client closes: client", client->index, 0, 0);
    sight_saw(SIGHT_CLIENT_CLOSED);
    if (client_stats(client).waiting > 0) {
        sight_saw(SIGHT_TURNED_AWAY);
    }
    client->is_closed = true;
    fcgi_client_close(client->handle);
}

void client_evict(struct sim_client *client)
{
    int ms = fcgi_pool_evict(fcgi_client_pool(client->handle));

    world_note("evict: client, next", client->index, ms, 0);
    client->evict_at = ms < 0 ? NEVER : world_now() + ms * MILLISECOND;
}

bool client_leaves_unused(const struct sim_client *client,
                          const struct stream *s)
{
    return s->state == CONNECTED && s->client_open &&
           s->client == client->index && s->lease.user == NOBODY;
}

/* One that was handed on may have come back from who left without using it. */
void client_renew(struct sim_client *client)
{
    for (int i = 0; i < streams_top(); i++) {
        struct stream *s = stream_at(i);
        if (client_leaves_unused(client, s)) {
            s->idle_since = world_now();
        }
    }
    client->evict_at = world_now();
}

/*
 * Counting.
 */

struct fcgi_pool_stats client_stats(const struct sim_client *client)
{
    struct fcgi_pool_stats stats;

    fcgi_pool_get_stats(fcgi_client_pool(client->handle), &stats);
    return stats;
}

bool client_queue_is_full(const struct sim_client *client)
{
    int most = client->config.pool.max_waiting;

    return most > 0 && client_stats(client).waiting >= (size_t)most;
}

bool client_has_room(const struct sim_client *client)
{
    struct fcgi_pool_stats stats = client_stats(client);
    int most = client->config.pool.max_idle;

    return stats.waiting > 0 || most == 0 || (int)stats.idle < most;
}
