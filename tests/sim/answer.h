/*
 * answer - what the application answers to one request: good, or wrong in one
 * of the ways there are, cut into records anywhere, among stderr, management
 * records and those of other requests.
 */
#ifndef SIM_ANSWER_H
#define SIM_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger.h"
#include "wire.h"

/** How often things happen, in percent. */
struct answer_habits {
    unsigned flawed;  /**< answers that are wrong */
    unsigned foreign; /**< answers with records of other requests in them */
};

/** All zero at first; its memory is used again. */
struct answer {
    int verdict; /**< what a client must make of it, once it has it whole */
    int status;
    bool bodiless;
    bool foreign;
    bool is_early; /**< it began before the request was read */
    bool refused;  /**< it says that the request has not run */
    uint32_t app_status;
    struct wire text;   /**< the content of FCGI_STDOUT, */
    size_t head_len;    /**< its head */
    size_t body_len;    /**< and what of its body may be handed on */
    struct wire errors; /**< the content of FCGI_STDERR */
    struct wire bytes;  /**< on the wire, FCGI_END_REQUEST and padding too */
};

/** Make one up, for a request with that id on that stream. */
void answer_compose(struct answer *a, const struct entry *entry, int id,
                    uint64_t serial, const struct answer_habits *habits);

/** A record that was late: of the request with that id, long answered. */
void answer_late_record(struct wire *bytes, int id);

#endif
