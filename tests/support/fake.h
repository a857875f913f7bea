/*
 * fake - a FastCGI application in threads of the test process that follows a
 * script: it does what real ones never do, at the moment a test needs it.
 *
 * A script is an array of steps. FAKE_ACCEPT begins the next connection; the
 * steps up to the next FAKE_ACCEPT are for that connection, which runs beside
 * the others. Connections beyond the last one in the script repeat its steps. A
 * connection that has done its steps reads until the client closes it.
 *
 *     static const struct fake_step script[] = {
 *         FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_CLOSE,
 *         FAKE_ACCEPT, FAKE_SERVE,
 *     };
 *     struct fake *app = FAKE_RUN(FAKE_UNIX, script);
 *     ... fake_address(app) ... fake_await(app, FAKE_CLOSED, 1) ...
 *     fake_stop(app);
 *
 * Only steps with a time sleep. Everything that happens is counted, and can be
 * awaited; a wait of more than a minute ends the test program. Its threads
 * block all signals, so that those of a test reach the test's own thread.
 */
#ifndef TESTS_FAKE_H
#define TESTS_FAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "wire.h"

enum fake_family {
    FAKE_UNIX,     /**< a socket in a folder of its own */
    FAKE_ABSTRACT, /**< Linux's Unix sockets without a file */
    FAKE_TCP,      /**< 127.0.0.1, a free port */
    FAKE_TCP6      /**< ::1, a free port */
};

enum fake_action {
    FAKE_DO_ACCEPT,
    FAKE_DO_READ,
    FAKE_DO_READ_PARAMS,
    FAKE_DO_READ_REQUEST,
    FAKE_DO_SEND,
    FAKE_DO_SEND_EACH,
    FAKE_DO_SEND_SLOWLY,
    FAKE_DO_REPEAT,
    FAKE_DO_RECORD,
    FAKE_DO_STRANGER,
    FAKE_DO_PROMISE,
    FAKE_DO_BODY,
    FAKE_DO_FLOOD,
    FAKE_DO_DUPLEX,
    FAKE_DO_END,
    FAKE_DO_ANSWER,
    FAKE_DO_ANSWER_EACH,
    FAKE_DO_SERVE,
    FAKE_DO_CORK,
    FAKE_DO_UNCORK,
    FAKE_DO_PAUSE,
    FAKE_DO_REACH,
    FAKE_DO_HALF_CLOSE,
    FAKE_DO_CLOSE,
    FAKE_DO_RESET
};

/** One step, to be written as one of the macros below. */
struct fake_step {
    enum fake_action action;
    int number;
    const char *data;
    size_t len;
};

#define FAKE_STEP(action, number, data, len)                                   \
    {                                                                          \
        FAKE_DO_##action, (number), (data), (len)                              \
    }
#define FAKE_TEXT_STEP(action, number, text)                                   \
    FAKE_STEP(action, number, text, sizeof(text) - 1)

/** The next connection begins here. */
#define FAKE_ACCEPT FAKE_STEP(ACCEPT, 0, NULL, 0)
/** Read exactly that many bytes. */
#define FAKE_READ(n) FAKE_STEP(READ, 0, NULL, n)
/** Read records up to the end of FCGI_PARAMS, or of the whole request. */
#define FAKE_READ_PARAMS FAKE_STEP(READ_PARAMS, 0, NULL, 0)
#define FAKE_READ_REQUEST FAKE_STEP(READ_REQUEST, 0, NULL, 0)
/** Send the bytes of a literal: at once, or each in a send of its own. */
#define FAKE_SEND(text) FAKE_TEXT_STEP(SEND, 0, text)
#define FAKE_SEND_EACH(text) FAKE_TEXT_STEP(SEND_EACH, 0, text)
/** Send each byte of a literal that many milliseconds after the one before; or
 *  the whole of it, again and again, until the client leaves. */
#define FAKE_SEND_SLOWLY(ms, text) FAKE_TEXT_STEP(SEND_SLOWLY, ms, text)
#define FAKE_REPEAT(ms, text) FAKE_TEXT_STEP(REPEAT, ms, text)
/** Send one record with the id of the request read last, or with another: that
 *  of the request before, if there is one. */
#define FAKE_RECORD(type, text) FAKE_TEXT_STEP(RECORD, type, text)
#define FAKE_STRANGER(type, text) FAKE_TEXT_STEP(STRANGER, type, text)
#define FAKE_STDOUT(text) FAKE_RECORD(WIRE_STDOUT, text)
#define FAKE_STDERR(text) FAKE_RECORD(WIRE_STDERR, text)
/** Send only the header of a record with that much content. */
#define FAKE_PROMISE(type, n) FAKE_STEP(PROMISE, type, NULL, n)
/** Send the first n bytes of the pattern, in records of that type. */
#define FAKE_BULK(type, n) FAKE_STEP(BODY, type, NULL, n)
#define FAKE_BODY(n) FAKE_BULK(WIRE_STDOUT, n)
/** Send FCGI_STDERR until the client closes the connection. */
#define FAKE_FLOOD FAKE_STEP(FLOOD, 0, NULL, 0)
/** The same until the whole request, which it reads meanwhile, has come. */
#define FAKE_DUPLEX FAKE_STEP(DUPLEX, 0, NULL, 0)
/** Send FCGI_END_REQUEST with that protocol status, and 0. */
#define FAKE_END(status) FAKE_STEP(END, status, NULL, 0)
/** The same with that much padding announced, but not sent. */
#define FAKE_PADDED_END(n) FAKE_STEP(END, WIRE_COMPLETE, NULL, n)
/** Send a whole answer: FCGI_STDOUT and its end, FCGI_END_REQUEST. */
#define FAKE_ANSWER(text) FAKE_TEXT_STEP(ANSWER, 0, text)
#define FAKE_ANSWER_EACH(text) FAKE_TEXT_STEP(ANSWER_EACH, 0, text)
/** Answer each request with a 200 whose body is that of the request, or "hello"
 *  if that is empty: until the client closes the connection, or that many
 * times. As an application does, it closes after a request without
 * FCGI_KEEP_CONN. */
#define FAKE_SERVE FAKE_STEP(SERVE, -1, NULL, 0)
#define FAKE_SERVE_TIMES(n) FAKE_STEP(SERVE, n, NULL, 0)
/** Gather what the steps in between send, and send it all at once. */
#define FAKE_CORK FAKE_STEP(CORK, 0, NULL, 0)
#define FAKE_UNCORK FAKE_STEP(UNCORK, 0, NULL, 0)
/** Do nothing, neither read nor send, until fake_go(). */
#define FAKE_PAUSE FAKE_STEP(PAUSE, 0, NULL, 0)
/** Only count FAKE_REACHED. */
#define FAKE_REACH FAKE_STEP(REACH, 0, NULL, 0)
/** Shut down the sending side, and read on. */
#define FAKE_HALF_CLOSE FAKE_STEP(HALF_CLOSE, 0, NULL, 0)
/** Close the connection. The system makes that a reset if there are unread
 *  bytes. */
#define FAKE_CLOSE FAKE_STEP(CLOSE, 0, NULL, 0)
/** Close with a reset: always over TCP; over a Unix socket only if there are
 *  unread bytes. */
#define FAKE_RESET FAKE_STEP(RESET, 0, NULL, 0)

/** What is counted, over all connections. */
enum fake_event {
    FAKE_ACCEPTED, /**< connections */
    FAKE_BEGUN,    /**< FCGI_BEGIN_REQUEST read */
    FAKE_ASKED,    /**< whole requests read */
    FAKE_ANSWERED, /**< answers of FAKE_ANSWER and FAKE_SERVE sent */
    FAKE_ABORTED,  /**< FCGI_ABORT_REQUEST read */
    FAKE_PAUSED,   /**< pauses begun */
    FAKE_REACHED,  /**< FAKE_REACH steps done */
    FAKE_LEFT,     /**< connections that the client closed */
    FAKE_CLOSED,   /**< connections that the script closed */
    FAKE_EVENTS
};

struct fake;

/** An array of steps and their number, as two arguments. */
#define FAKE_STEPS(steps) (steps), sizeof(steps) / sizeof((steps)[0])
#define FAKE_RUN(family, steps) fake_start((family), FAKE_STEPS(steps))

/**
 * Listen, and run a script.
 *
 * @param steps  copied, but not their data; the first is FAKE_ACCEPT
 * @return NULL if this machine has no such family; other failures abort
 */
struct fake *fake_start(enum fake_family family, const struct fake_step *steps,
                        size_t count);

/** Serve any number of connections with FAKE_SERVE. */
struct fake *fake_serve(enum fake_family family);

/** Listen with a listen queue that is full, and accept nothing: a TCP handshake
 *  is not answered then, and a Unix socket reports EAGAIN. After fake_hear() it
 *  accepts, and does as fake_serve(). */
struct fake *fake_clogged(enum fake_family family);
void fake_hear(struct fake *fake);

/** Close everything and end all threads. */
void fake_stop(struct fake *fake);

/** Where it listens, written as the library expects it; owned by the fake. */
const char *fake_address(const struct fake *fake);

/** A connected socket, for a test that dials without the library. */
int fake_connect(const struct fake *fake);

/** End one pause: the current one, or else the next. */
void fake_go(struct fake *fake);

/** End all its connections, as a restart of the application does, and go on
 *  accepting. Returns when they have ended. */
void fake_restart(struct fake *fake);

size_t fake_count(struct fake *fake, enum fake_event event);

/** Wait until something has happened that many times since the start. */
void fake_await(struct fake *fake, enum fake_event event, size_t times);

/** The nth request begun, from 0, as far as it was read; valid until
 *  fake_stop(). Await the event that says it is there before looking at it. */
const struct wire_request *fake_request(struct fake *fake, size_t nth);

/** The number of the connection it came over, from 0. */
size_t fake_request_connection(struct fake *fake, size_t nth);

#endif
