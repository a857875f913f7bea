/*
 * sim_stream - a connection of the simulation: bytes up to the application,
 * bytes down to the client, and how each side has ended.
 *
 *              send                      take
 *     client  ------>  [ up, bounded ]  ------>  application
 *             <------  [down, bounded]  <------
 *              receive                   give
 *
 * It behaves as sockets do: what was given before an end can still be received,
 * an error is told once, and a reset may swallow what was under way.
 */
#ifndef SIM_SIM_STREAM_H
#define SIM_SIM_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/uio.h>

#include "byte_queue.h"
#include "framing.h"
#include "wire.h"
#include "world.h"

#define STREAMS 192
#define NOBODY (-1)

/** How long after it took a request a connection that ends was dead already,
 *  for all that is known. */
#define STALE (1000 * MILLISECOND)

enum stream_state { UNUSED, FRESH, CONNECTING, FAILED, CONNECTED };

/** Why one was closed that could have been kept. */
enum eviction { FOR_ITSELF, YIELDED, RESCUED, UNKEPT };

/** What one request has done on a stream, as the client's system saw it. */
struct lease {
    int user; /**< the caller; NOBODY */
    bool reused;
    uint64_t sent, got;
    uint64_t brought;        /**< what was got of content of its own */
    int64_t begun;           /**< when it tried to send first; 0: not yet */
    int64_t accepted;        /**< when a byte of it was accepted, */
    int64_t accepted_before; /**< the same, of the send before, */
    int64_t received;        /**< and one of that content received; 0: none */
    int64_t held_since;      /**< what is offered is not all accepted; 0 */
    int64_t held_before;     /**< the same, before the last send */
    bool ended;              /**< the end of file was received, */
    bool failed;             /**< or sending or receiving failed */
};

struct stream {
    enum stream_state state;
    int index;
    uint64_t serial; /**< no other stream of the world has it */
    bool is_unix;
    int client; /**< which client dialled it */

    int connect_error; /**< what CONNECTING will come to, */
    int64_t connect_at;
    int64_t connected_at;
    int64_t dialled_at; /**< when its client saw that, */
    bool is_beside;     /**< others of its client being open then, */
    int64_t used_at;    /**< and used it first */

    struct queue up, down;
    struct framing framing; /**< of what went up, */
    struct framing answers; /**< and of what was received */
    bool client_open;       /**< its descriptor is */
    bool client_shut;       /**< the client has ended both directions, */
    bool given_up;          /**< though it has not closed it yet */
    bool app_open;          /**< the application reads and may give */
    bool app_ended;         /**< no more is given */
    bool app_deaf;          /**< what is sent next is accepted, and lost */
    int error;              /**< to be told once: ECONNRESET */

    uint64_t sent, got; /**< by the client, in all */
    int receives;       /**< that brought something, in a row */
    int64_t idle_since;
    uint64_t rested; /**< the order in which they became idle */
    bool handed_on;  /**< to one who waits: it is not idle */
    bool suspect;    /**< another one was found dead meanwhile */
    bool was_peeked; /**< it was looked at since */
    int64_t stolen;  /**< what the host had been late by then */
    enum eviction eviction;
    struct lease lease;

    size_t read_edges, write_edges; /**< what a host hears of by changes */
};

/** Forget all streams. */
void streams_begin(void);

/** How many are in use, by either side. */
int streams_in_use(void);

/** Behind the last that was used. */
int streams_top(void);

/** The nth of STREAMS, which lie in a row; it may be UNUSED. */
struct stream *stream_at(int index);

/* The client's side; negative results are errno. */
struct stream *stream_open(int client, bool is_unix);
void stream_connect(struct stream *s, int error, int64_t delay);
int stream_connect_error(struct stream *s); /**< told once */
long stream_send(struct stream *s, const struct iovec *vector, size_t count);
long stream_receive(struct stream *s, const struct iovec *vector, size_t count);
long stream_peek(struct stream *s);
bool stream_readable(const struct stream *s);
bool stream_writable(const struct stream *s);
bool stream_is_full(const struct stream *s);
void stream_client_shut(struct stream *s);
void stream_client_close(struct stream *s);

/** From here on it serves this caller. */
void stream_serve(struct stream *s, int user);

/** Its caller tries to send on it. */
void stream_try(struct stream *s);

/** So much time was its caller's own, and is not charged to it. */
void stream_forgive(struct stream *s, int64_t us);

/** The caller is done with it. */
void stream_rest(struct stream *s);

/* The application's side. */
size_t stream_take(struct stream *s, struct wire *to, size_t most);
size_t stream_give(struct stream *s, const void *data, size_t len);
bool stream_client_gone(const struct stream *s); /**< and all was taken */
void stream_end(struct stream *s);               /**< give no more */
void stream_app_close(struct stream *s);
void stream_reset(struct stream *s, bool swallow);

/** A connect whose time has come: done. */
void stream_connected(struct stream *s);

#endif
