/*
 * framing - where records begin and end among the bytes that go by.
 */
#ifndef SIM_FRAMING_H
#define SIM_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** All zero: a record is to begin. */
struct framing {
    uint8_t header[8];
    size_t had;       /**< of the header, */
    size_t left;      /**< and what is to come of content and padding, */
    size_t content;   /**< of content alone */
    uint64_t brought; /**< content of answers to `request_id` */
    int request_id;
};

/** These bytes go by. */
void framing_follow(struct framing *f, const void *data, size_t len);

/** The id of the record that went by last, or goes by. */
int framing_id(const struct framing *f);

/** Whether what went by ends with a record. */
bool framing_is_whole(const struct framing *f);

#endif
