/*
 * error - one code for each cause of failure, its name and its message.
 *
 * Error codes are negative, so that a function can return either a count or a
 * code. The errno behind a code, if there is one, is in struct fcgi_outcome
 * (response.h).
 *
 * Threads: any.
 */
#ifndef FCGI_CLIENT_ERROR_H
#define FCGI_CLIENT_ERROR_H

#if defined(__GNUC__) || defined(__clang__)
#define FCGI_API __attribute__((visibility("default")))
#else
#define FCGI_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, code, message): every error there is. Codes never change. */
#define FCGI_ERROR_MAP(X)                                                      \
    X(ARGUMENT, -1, "invalid argument")                                        \
    X(ADDRESS, -2, "malformed address")                                        \
    X(STATE, -3, "not allowed in this state")                                  \
    X(NO_MEMORY, -4, "out of memory")                                          \
    X(SYSTEM, -5, "system error")                                              \
    X(RESOLVE, -6, "name could not be resolved")                               \
    X(CONNECT, -7, "could not connect")                                        \
    X(BACKLOG_FULL, -8, "could not connect: the listen queue stayed full")     \
    X(CONNECT_TIMEOUT, -9, "time limit to connect exceeded")                   \
    X(WRITE_TIMEOUT, -10, "time limit exceeded while sending the request")     \
    X(FIRST_BYTE_TIMEOUT, -11, "time limit exceeded waiting for a response")   \
    X(IDLE_TIMEOUT, -12, "time limit exceeded amid the response")              \
    X(DEADLINE, -13, "time limit of the whole request exceeded")               \
    X(QUEUE_TIMEOUT, -14, "time limit exceeded waiting for a connection")      \
    X(QUEUE_FULL, -15, "too many requests are waiting for a connection")       \
    X(CLOSED, -16, "connection closed before the response")                    \
    X(TRUNCATED, -17, "connection closed amid the response")                   \
    X(RESET, -18, "connection reset by the application")                       \
    X(NOT_FASTCGI, -19, "the peer speaks HTTP or TLS, not FastCGI")            \
    X(INVALID_HEADER, -20, "invalid record header")                            \
    X(BAD_RECORD, -21, "record not allowed here")                              \
    X(PARAMS_TRUNCATED, -22, "name-value pairs end amid a pair")               \
    X(CONTENT_TOO_LONG, -23, "content is too long")                            \
    X(NO_HEAD, -24, "the response ended before its head was complete")         \
    X(BAD_HEAD, -25, "malformed head of the response")                         \
    X(HEAD_TOO_LARGE, -26, "head of the response is over its limit")           \
    X(BODY_TOO_LARGE, -27, "body of the response is over its limit")           \
    X(BODY_SHORT, -28, "body is shorter than its Content-Length")              \
    X(BODY_LONG, -29, "body is longer than its Content-Length")                \
    X(OVERLOADED, -30, "the application is overloaded")                        \
    X(CANT_MPX_CONN, -31, "the application cannot multiplex connections")      \
    X(UNKNOWN_ROLE, -32, "the application does not know the role")             \
    X(PROTOCOL_STATUS, -33, "the application ended with an unknown status")    \
    X(CANCELLED, -34, "cancelled")                                             \
    X(SOURCE, -35, "the source of the request body failed")                    \
    X(POOL_CLOSED, -36, "the connection pool is closed")                       \
    X(BAD_REQUEST, -37, "malformed HTTP request")                              \
    X(LENGTH_REQUIRED, -38, "the length of the request body is not known")     \
    X(BAD_ID, -39, "the application ended a request that was never made")      \
    X(NOT_FOUND, -40, "the site has nothing at that path")

enum fcgi_error {
#define FCGI_ERROR_ENUM(name, code, sentence) FCGI_ERR_##name = (code),
    FCGI_ERROR_MAP(FCGI_ERROR_ENUM)
#undef FCGI_ERROR_ENUM
        FCGI_OK = 0,
    /** Not an error: nothing can be done until something happens outside, such
     *  as a descriptor becoming ready. */
    FCGI_WAIT = 1
};

/**
 * The message of a code: English, lower case, without a full stop.
 *
 * @param code  any integer
 * @return a static string; "unknown error" if there is no such code
 */
FCGI_API const char *fcgi_strerror(int code);

/**
 * The name of a code as a program spells it, such as "FCGI_ERR_TRUNCATED".
 *
 * @param code  any integer
 * @return a static string; "FCGI_ERR_?" if there is no such code
 */
FCGI_API const char *fcgi_error_name(int code);

/**
 * The version of the library that the program runs with, which need not be the
 * one that version.h says it was compiled for: "major.minor.patch".
 *
 * @return a static string
 */
FCGI_API const char *fcgi_version(void);

#ifdef __cplusplus
}
#endif

#endif
