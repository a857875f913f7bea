/*
 * dribble - what an application can send without any progress of a request:
 * see dribble.h.
 */
#include "dribble.h"

/* The header of a record: `id` and `len` are two bytes each. */
#define RECORD(type, id, len, padding) "\x01" type id len padding "\0"

#define END_REQUEST "\x03"
#define STDOUT "\x06"
#define STDERR "\x07"
#define GET_VALUES_RESULT "\x0a"
#define UNKNOWN_TYPE "\x0b"
#define OF_NO_KNOWN_TYPE "\x0c"

/* The ids that requests have on a new connection, one that no request has, and
 * that of management records. */
#define OWN "\0\x01"
#define SERVED "\0\x01"
#define OTHER "\0\x63"
#define NONE "\0\0"

#define ONE "\0\x01"
#define EIGHT "\0\x08"
#define LARGE "\xff\xff"

#define P15 "ppppppppppppppp"
#define P60 P15 P15 P15 P15
#define P255 P60 P60 P60 P60 P15

#define ZEROS "\0\0\0\0\0\0\0\0"
#define TEXT "whatever"
#define UNKNOWN "\x0c\0\0\0\0\0\0\0" /* of that type */
#define VALUE "\x05\x01VALUE1"

#define NOTHING FAKE_SEND("")

/* Milliseconds from one record to the next, or from one byte to the next. */
#define OFTEN 1
#define NOW_AND_THEN 20

#define REPEAT(type, id, len, padding, rest)                                   \
    NOTHING, FAKE_REPEAT(OFTEN, RECORD(type, id, len, padding) rest)
#define BY_BYTES(type, id, len, padding, rest)                                 \
    NOTHING, FAKE_SEND_SLOWLY(NOW_AND_THEN, RECORD(type, id, len, padding) rest)

const struct dribble dribbles[DRIBBLES] = {
    {"the end of a request before", 1, false,
     REPEAT(END_REQUEST, SERVED, EIGHT, "\0", ZEROS)},
    {"empty FCGI_STDERR", 0, false, REPEAT(STDERR, OWN, NONE, "\0", "")},
    {"FCGI_STDERR of padding alone", 0, false,
     REPEAT(STDERR, OWN, NONE, "\xff", P255)},
    {"management records of an unknown type", 0, false,
     REPEAT(OF_NO_KNOWN_TYPE, NONE, EIGHT, "\0", TEXT)},
    {"FCGI_UNKNOWN_TYPE", 0, false,
     REPEAT(UNKNOWN_TYPE, NONE, EIGHT, "\0", UNKNOWN)},
    {"FCGI_GET_VALUES_RESULT", 0, false,
     REPEAT(GET_VALUES_RESULT, NONE, EIGHT, "\0", VALUE)},
    {"FCGI_STDOUT of another request", 0, false,
     REPEAT(STDOUT, OTHER, EIGHT, "\0", TEXT)},
    {"FCGI_STDERR of another request", 0, false,
     REPEAT(STDERR, OTHER, EIGHT, "\0", TEXT)},
    {"a large record of another request, byte by byte", 0, false,
     BY_BYTES(STDOUT, OTHER, LARGE, "\0", P255)},
    {"a large management record, byte by byte", 0, false,
     BY_BYTES(OF_NO_KNOWN_TYPE, NONE, LARGE, "\0", P255)},
    {"the empty FCGI_STDOUT and its padding, byte by byte", 0, false,
     BY_BYTES(STDOUT, OWN, NONE, "\xff", P255)},
    {"the padding of FCGI_STDOUT, byte by byte", 0, true,
     FAKE_SEND(RECORD(STDOUT, OWN, ONE, "\xff") "A"),
     FAKE_SEND_SLOWLY(NOW_AND_THEN, P255)},
};
