/*
 * faults - a libc that fails when it is told to: see faults.h.
 *
 * Each function here has the name of one in libc, and takes its place because
 * the linker finds it in the program first. It either fails, or calls the next
 * function of that name.
 */
#define _GNU_SOURCE /* RTLD_NEXT */

#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HOUR_S 3600

#define WAY(call, manner, error, harmless)                                     \
    {                                                                          \
        FAULT_##call, FAULT_##manner, (error), (harmless)                      \
    }
#define HARMFUL(call, manner, error) WAY(call, manner, error, false)
#define HARMLESS(call, manner, error) WAY(call, manner, error, true)

static const struct fault_way all_ways[] = {
    HARMFUL(ALLOCATE, REFUSES, ENOMEM),
    HARMFUL(ALLOCATE, STAYS, ENOMEM),
    HARMFUL(SOCKET, REFUSES, EMFILE),
    HARMFUL(SOCKET, REFUSES, ENFILE),
    HARMFUL(SOCKET, REFUSES, ENOBUFS),
    HARMFUL(SOCKET, REFUSES, ENOMEM),
    HARMFUL(SOCKET, REFUSES, EACCES),
    HARMFUL(SOCKET, REFUSES, EAFNOSUPPORT),
    HARMFUL(SOCKET, REFUSES, EPROTONOSUPPORT),
    HARMFUL(SOCKET, STAYS, EMFILE),
    HARMFUL(CONNECT, REFUSES, ECONNREFUSED),
    HARMFUL(CONNECT, REFUSES, ENOENT),
    HARMFUL(CONNECT, REFUSES, EACCES),
    HARMFUL(CONNECT, REFUSES, EPERM),
    HARMFUL(CONNECT, REFUSES, ENETUNREACH),
    HARMFUL(CONNECT, REFUSES, EHOSTUNREACH),
    HARMFUL(CONNECT, REFUSES, ETIMEDOUT),
    HARMFUL(CONNECT, REFUSES, EADDRNOTAVAIL),
    HARMFUL(CONNECT, REFUSES, ECONNRESET),
    HARMFUL(CONNECT, REFUSES, EPROTOTYPE),
    HARMFUL(CONNECT, STAYS, ECONNREFUSED),
    HARMLESS(CONNECT, REFUSES, EAGAIN),
    HARMLESS(CONNECT, DOES, EINTR),
    HARMLESS(CONNECT, DOES, EINPROGRESS),
    HARMFUL(GETADDRINFO, REFUSES, EAI_AGAIN),
    HARMFUL(GETADDRINFO, REFUSES, EAI_FAIL),
    HARMFUL(GETADDRINFO, REFUSES, EAI_MEMORY),
    HARMFUL(GETADDRINFO, REFUSES, EAI_NONAME),
    HARMFUL(GETADDRINFO, REFUSES, EAI_SYSTEM),
    HARMFUL(FCNTL, REFUSES, EBADF),
    HARMFUL(FCNTL, REFUSES, EPERM),
    HARMFUL(SETSOCKOPT, REFUSES, ENOMEM),
    HARMFUL(SETSOCKOPT, REFUSES, ENOBUFS),
    HARMFUL(SETSOCKOPT, REFUSES, EINVAL),
    HARMFUL(GETSOCKOPT, REFUSES, ENOBUFS),
    HARMFUL(GETSOCKOPT, REFUSES, ENOMEM),
    HARMLESS(SENDMSG, REFUSES, EAGAIN),
    HARMLESS(SENDMSG, REFUSES, EINTR),
    HARMLESS(SENDMSG, SHORT, 0),
    HARMFUL(SENDMSG, BREAKS, EPIPE),
    HARMFUL(SENDMSG, BREAKS, ECONNRESET),
    HARMFUL(SENDMSG, BREAKS, ETIMEDOUT),
    HARMFUL(SENDMSG, REFUSES, ENOBUFS),
    HARMFUL(SENDMSG, REFUSES, ENOMEM),
    HARMFUL(SENDMSG, REFUSES, EHOSTUNREACH),
    HARMFUL(SENDMSG, REFUSES, ENETDOWN),
    HARMFUL(SENDMSG, REFUSES, EACCES),
    HARMLESS(RECVMSG, REFUSES, EAGAIN),
    HARMLESS(RECVMSG, REFUSES, EINTR),
    HARMLESS(RECVMSG, SHORT, 0),
    HARMFUL(RECVMSG, ENDS, 0),
    HARMFUL(RECVMSG, BREAKS, ECONNRESET),
    HARMFUL(RECVMSG, BREAKS, ETIMEDOUT),
    HARMFUL(RECVMSG, REFUSES, ENOBUFS),
    HARMFUL(RECVMSG, REFUSES, ENOMEM),
    HARMFUL(RECVMSG, REFUSES, EHOSTUNREACH),
    HARMLESS(RECV, REFUSES, EAGAIN),
    HARMLESS(RECV, REFUSES, EINTR),
    HARMLESS(RECV, ENDS, 0),
    HARMLESS(RECV, BREAKS, ECONNRESET),
    HARMLESS(RECV, BREAKS, ETIMEDOUT),
    HARMLESS(RECV, REFUSES, ENOMEM),
    HARMLESS(POLL, EARLY, 0),
    HARMLESS(POLL, EAGER, 0),
    HARMLESS(POLL, REFUSES, EINTR),
    HARMLESS(POLL, REFUSES, ENOMEM),
    HARMLESS(POLL, REFUSES, EINVAL),
    HARMFUL(PIPE, REFUSES, EMFILE),
    HARMFUL(PIPE, REFUSES, ENFILE),
    HARMFUL(PIPE, STAYS, EMFILE),
    HARMLESS(READ, REFUSES, EINTR),
    HARMLESS(READ, REFUSES, EAGAIN),
    HARMLESS(READ, SHORT, 0),
    HARMFUL(READ, REFUSES, EIO),
    HARMFUL(READ, REFUSES, ENOMEM),
    HARMFUL(READ, REFUSES, ECONNRESET),
    HARMLESS(WRITE, REFUSES, EINTR),
    HARMFUL(WRITE, REFUSES, ENOMEM),
    HARMLESS(WRITE, SHORT, 0),
    HARMLESS(CLOSE, DOES, EINTR),
    HARMLESS(CLOSE, DOES, EIO),
    /* A clock never fails, but it jumps where the machine or the process was
     * stopped. */
    HARMFUL(CLOCK, JUMPS, 0),
    HARMLESS(THREAD, REFUSES, EAGAIN),
    HARMLESS(THREAD, REFUSES, EPERM),
    HARMFUL(LOCK, REFUSES, ENOMEM),
    HARMFUL(LOCK, REFUSES, EAGAIN),
    HARMFUL(LOCK, REFUSES, EPERM),
    HARMFUL(CONDITION, REFUSES, ENOMEM),
    HARMFUL(CONDITION, REFUSES, EAGAIN),
    HARMFUL(ATTRIBUTES, REFUSES, ENOMEM),
    HARMFUL(ATFORK, REFUSES, ENOMEM),
};

static const char *const names[FAULT_CALLS] = {"allocate",
                                               "socket",
                                               "connect",
                                               "getaddrinfo",
                                               "fcntl",
                                               "setsockopt",
                                               "getsockopt",
                                               "sendmsg",
                                               "recvmsg",
                                               "recv",
                                               "poll",
                                               "pipe",
                                               "read",
                                               "write",
                                               "close",
                                               "clock_gettime",
                                               "pthread_create",
                                               "pthread_mutex_init",
                                               "pthread_cond_init",
                                               "pthread_condattr_init",
                                               "pthread_atfork"};

static const char *const manners[] = {"refuses",
                                      "refuses from now on",
                                      "does it, but tells",
                                      "breaks",
                                      "is short",
                                      "ends",
                                      "is early",
                                      "is eager",
                                      "jumps"};

/* The fault to come; and what has come of it. */
static const struct fault_way *chosen;
static size_t chosen_nth;
static void (*visitor)(enum fault_call call);
static atomic_size_t seen[FAULT_CALLS];
static atomic_bool struck;
static atomic_long late_s;
static struct timespec awaited;
static bool has_awaited;

/* Whether the calls of this thread, and of threads that it starts, may fail. */
static _Thread_local bool exposed;
static _Thread_local bool children_exposed;

const struct fault_way *faults_ways(size_t *count)
{
    *count = sizeof(all_ways) / sizeof(all_ways[0]);
    return all_ways;
}

const char *faults_call_name(enum fault_call call)
{
    return names[call];
}

void faults_describe(const struct fault_way *way, size_t nth, char *out,
                     size_t cap)
{
    bool resolves = way->call == FAULT_GETADDRINFO;
    const char *why =
        resolves ? gai_strerror(way->error) : strerror(way->error);
    (void)snprintf(out, cap, "call %zu of %s() %s: %s", nth, names[way->call],
                   manners[way->manner], why);
}

void faults_reset(void)
{
    chosen = NULL;
    for (size_t i = 0; i < FAULT_CALLS; i++) {
        atomic_store(&seen[i], 0);
    }
    atomic_store(&struck, false);
    atomic_store(&late_s, 0);
    has_awaited = false;
}

static void begin(const struct fault_way *way, size_t nth)
{
    faults_reset();
    chosen = way;
    chosen_nth = nth;
}

void faults_begin(const struct fault_way *way, size_t nth)
{
    begin(way, nth);
    exposed = true;
}

void faults_begin_for_threads(const struct fault_way *way, size_t nth)
{
    begin(way, nth);
    children_exposed = true;
}

bool faults_end(void)
{
    exposed = false;
    children_exposed = false;
    return atomic_load(&struck);
}

bool faults_expose(bool on)
{
    bool before = exposed;
    exposed = on;
    return before;
}

void faults_visit(void (*visit)(enum fault_call call))
{
    visitor = visit;
}

void faults_strike_in_child(void)
{
    atomic_store(&struck, true);
}

size_t faults_seen(enum fault_call call)
{
    return atomic_load(&seen[call]);
}

bool faults_awaited_moment(struct timespec *moment)
{
    *moment = awaited;
    return has_awaited;
}

/* Count a call; returns the way it must fail, or NULL. */
static const struct fault_way *strike(enum fault_call call)
{
    if (!exposed) {
        return NULL;
    }
    if (visitor != NULL) {
        visitor(call);
    }
    size_t nth = atomic_fetch_add(&seen[call], 1) + 1;
    if (chosen == NULL || chosen->call != call || nth < chosen_nth ||
        (nth > chosen_nth && chosen->manner != FAULT_STAYS)) {
        return NULL;
    }
    atomic_store(&struck, true);
    return chosen;
}

static bool refuses(const struct fault_way *way)
{
    return way != NULL &&
           (way->manner == FAULT_REFUSES || way->manner == FAULT_STAYS);
}

static bool is(const struct fault_way *way, enum fault_manner manner)
{
    return way != NULL && way->manner == manner;
}

static int fail_with(const struct fault_way *way)
{
    errno = way->error;
    return -1;
}

/* The function of that name that would be called without this file. */
static void *next(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL) {
        (void)fprintf(stderr, "tests: there is no %s()\n", name);
        abort();
    }
    return function;
}

/* With the type that the header declares. */
#define REAL(name) ((__typeof__(&name))next(#name))

/* ---- memory ------------------------------------------------------------- */

static struct fcgi_allocator memory;

static void *allocate(void *context, size_t size)
{
    return strike(FAULT_ALLOCATE) != NULL ? NULL
                                          : memory.allocate(context, size);
}

static void *resize(void *context, void *pointer, size_t size)
{
    return strike(FAULT_ALLOCATE) != NULL
               ? NULL
               : memory.resize(context, pointer, size);
}

struct fcgi_allocator faults_allocator(struct counting_allocator *counting)
{
    memory = counting_allocator(counting);
    struct fcgi_allocator allocator = memory;
    allocator.allocate = allocate;
    allocator.resize = resize;
    return allocator;
}

/* ---- connecting --------------------------------------------------------- */

int socket(int domain, int type, int protocol)
{
    const struct fault_way *way = strike(FAULT_SOCKET);
    return refuses(way) ? fail_with(way) : REAL(socket)(domain, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t len)
{
    const struct fault_way *way = strike(FAULT_CONNECT);
    if (refuses(way)) {
        return fail_with(way);
    }
    int rc = REAL(connect)(fd, address, len);
    return rc == 0 && is(way, FAULT_DOES) ? fail_with(way) : rc;
}

int getaddrinfo(const char *node, const char *service,
                const struct addrinfo *hints, struct addrinfo **result)
{
    const struct fault_way *way = strike(FAULT_GETADDRINFO);
    if (refuses(way)) {
        errno = EMFILE;
        return way->error;
    }
    return REAL(getaddrinfo)(node, service, hints, result);
}

int fcntl(int fd, int command, ...)
{
    const struct fault_way *way = strike(FAULT_FCNTL);
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return refuses(way) ? fail_with(way) : REAL(fcntl)(fd, command, argument);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    const struct fault_way *way = strike(FAULT_SETSOCKOPT);
    return refuses(way) ? fail_with(way)
                        : REAL(setsockopt)(fd, level, name, value, len);
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    const struct fault_way *way = strike(FAULT_GETSOCKOPT);
    return refuses(way) ? fail_with(way)
                        : REAL(getsockopt)(fd, level, name, value, len);
}

/* ---- sending, receiving, waiting ---------------------------------------- */

/* What happens before the real call: nothing, or the connection ends. */
static bool goes_wrong(const struct fault_way *way, int fd)
{
    if (is(way, FAULT_BREAKS) || is(way, FAULT_ENDS)) {
        (void)shutdown(fd, SHUT_RDWR);
        return true;
    }
    return refuses(way);
}

static ssize_t result_of(const struct fault_way *way)
{
    return is(way, FAULT_ENDS) ? 0 : fail_with(way);
}

/* Only the first byte of it. */
static struct msghdr shorten(const struct msghdr *message, struct iovec *part)
{
    struct msghdr short_one = *message;
    size_t at = 0;
    while (at + 1 < message->msg_iovlen && message->msg_iov[at].iov_len == 0) {
        at += 1;
    }
    *part = message->msg_iov[at];
    part->iov_len = part->iov_len > 1 ? 1 : part->iov_len;
    short_one.msg_iov = part;
    short_one.msg_iovlen = 1;
    return short_one;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    const struct fault_way *way = strike(FAULT_SENDMSG);
    struct iovec part;
    struct msghdr short_one;
    if (goes_wrong(way, fd)) {
        return result_of(way);
    }
    if (is(way, FAULT_SHORT)) {
        short_one = shorten(message, &part);
        message = &short_one;
    }
    return REAL(sendmsg)(fd, message, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    const struct fault_way *way = strike(FAULT_RECVMSG);
    struct iovec part;
    struct msghdr short_one;
    if (goes_wrong(way, fd)) {
        return result_of(way);
    }
    if (is(way, FAULT_SHORT)) {
        short_one = shorten(message, &part);
        message = &short_one;
    }
    return REAL(recvmsg)(fd, message, flags);
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
    const struct fault_way *way = strike(FAULT_RECV);
    return goes_wrong(way, fd) ? result_of(way)
                               : REAL(recv)(fd, buf, len, flags);
}

/* Report every descriptor as ready. */
static int all_ready(struct pollfd *fds, nfds_t count)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        fds[i].revents = fds[i].fd >= 0 ? fds[i].events : 0;
        ready += fds[i].revents != 0;
    }
    return ready;
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    const struct fault_way *way = strike(FAULT_POLL);
    if (refuses(way)) {
        return fail_with(way);
    }
    if (is(way, FAULT_EAGER)) {
        return all_ready(fds, count);
    }
    return REAL(poll)(fds, count, is(way, FAULT_EARLY) ? 0 : timeout);
}

/* ---- pipes and files ---------------------------------------------------- */

int pipe2(int ends[2], int flags)
{
    const struct fault_way *way = strike(FAULT_PIPE);
    return refuses(way) ? fail_with(way) : REAL(pipe2)(ends, flags);
}

int pipe(int ends[2])
{
    const struct fault_way *way = strike(FAULT_PIPE);
    return refuses(way) ? fail_with(way) : REAL(pipe)(ends);
}

ssize_t read(int fd, void *buf, size_t len)
{
    const struct fault_way *way = strike(FAULT_READ);
    if (refuses(way)) {
        return fail_with(way);
    }
    return REAL(read)(fd, buf, is(way, FAULT_SHORT) && len > 1 ? 1 : len);
}

ssize_t write(int fd, const void *buf, size_t len)
{
    const struct fault_way *way = strike(FAULT_WRITE);
    if (refuses(way)) {
        return fail_with(way);
    }
    return REAL(write)(fd, buf, is(way, FAULT_SHORT) && len > 1 ? 1 : len);
}

/* As on Linux, the descriptor is closed whatever it returns. */
int close(int fd)
{
    const struct fault_way *way = strike(FAULT_CLOSE);
    int rc = REAL(close)(fd);
    return way == NULL ? rc : fail_with(way);
}

/* ---- time, threads and locks -------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    const struct fault_way *way = strike(FAULT_CLOCK);
    if (is(way, FAULT_JUMPS)) {
        atomic_store(&late_s, HOUR_S);
    }
    int rc = REAL(clock_gettime)(clock, now);
    if (rc == 0 && clock == CLOCK_MONOTONIC) {
        now->tv_sec += atomic_load(&late_s);
    }
    return rc;
}

/* What an exposed thread runs. */
struct beginning {
    void *(*run)(void *);
    void *argument;
};

static void *begin_exposed(void *argument)
{
    struct beginning beginning = *(struct beginning *)argument;
    free(argument);
    exposed = true;
    return beginning.run(beginning.argument);
}

static int start_exposed(pthread_t *thread, const pthread_attr_t *attributes,
                         void *(*run)(void *), void *argument)
{
    struct beginning *beginning = malloc(sizeof(*beginning));
    if (beginning == NULL) {
        return EAGAIN;
    }
    beginning->run = run;
    beginning->argument = argument;
    int rc = REAL(pthread_create)(thread, attributes, begin_exposed, beginning);
    if (rc != 0) {
        free(beginning);
    }
    return rc;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*run)(void *), void *argument)
{
    const struct fault_way *way = strike(FAULT_THREAD);
    if (refuses(way)) {
        return way->error;
    }
    return children_exposed
               ? start_exposed(thread, attributes, run, argument)
               : REAL(pthread_create)(thread, attributes, run, argument);
}

int pthread_mutex_init(pthread_mutex_t *lock,
                       const pthread_mutexattr_t *attributes)
{
    const struct fault_way *way = strike(FAULT_LOCK);
    return refuses(way) ? way->error
                        : REAL(pthread_mutex_init)(lock, attributes);
}

int pthread_cond_init(pthread_cond_t *condition,
                      const pthread_condattr_t *attributes)
{
    const struct fault_way *way = strike(FAULT_CONDITION);
    return refuses(way) ? way->error
                        : REAL(pthread_cond_init)(condition, attributes);
}

int pthread_condattr_init(pthread_condattr_t *attributes)
{
    const struct fault_way *way = strike(FAULT_ATTRIBUTES);
    return refuses(way) ? way->error : REAL(pthread_condattr_init)(attributes);
}

/* `until` is a time of the clock that jumps, unless it was computed before the
 * jump; the kernel's clock does not jump. Nothing here waits by another clock,
 * or for half an hour. */
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *lock,
                           const struct timespec *until)
{
    struct timespec real = *until;
    struct timespec now;
    if (exposed) {
        awaited = *until;
        has_awaited = true;
    }
    (void)REAL(clock_gettime)(CLOCK_MONOTONIC, &now);
    if (real.tv_sec - now.tv_sec > HOUR_S / 2) {
        real.tv_sec -= atomic_load(&late_s);
    }
    return REAL(pthread_cond_timedwait)(condition, lock, &real);
}

static void (*amid_registration)(void);

void faults_amid_registration(void (*act)(void))
{
    amid_registration = act;
}

/* What goes before a registration: the error it ends with, or 0. */
static int begin_registration(void)
{
    const struct fault_way *way = strike(FAULT_ATFORK);
    void (*act)(void) = amid_registration;
    amid_registration = NULL;
    if (act != NULL) {
        act();
    }
    return refuses(way) ? way->error : 0;
}

/* In glibc a program and each shared library have a pthread_atfork() of their
 * own, and all of these call this. The sanitizer for threads does so before any
 * code that it has instrumented may run: there only the program's is replaced,
 * and the library is part of it. */
#ifdef __GLIBC__
int __register_atfork(void (*prepare)(void), void (*parent)(void),
                      void (*child)(void), void *library);
#define REGISTER(prepare, parent, child, library)                              \
    REAL(__register_atfork)(prepare, parent, child, library)
#else
#define REGISTER(prepare, parent, child, library)                              \
    REAL(pthread_atfork)(prepare, parent, child)
#endif

#if defined(__GLIBC__) && !defined(__SANITIZE_THREAD__)
int __register_atfork(void (*prepare)(void), void (*parent)(void),
                      void (*child)(void), void *library)
{
    int error = begin_registration();
    return error != 0 ? error : REGISTER(prepare, parent, child, library);
}
#else
int pthread_atfork(void (*prepare)(void), void (*parent)(void),
                   void (*child)(void))
{
    int error = begin_registration();
    return error != 0 ? error : REGISTER(prepare, parent, child, NULL);
}
#endif
