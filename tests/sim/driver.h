/*
 * driver - the host: a program with an event loop and several clients, which
 * starts calls, watches what they tell, and now and then does what programs
 * do: cancels, closes, evicts, comes late, or blocks.
 */
#ifndef SIM_DRIVER_H
#define SIM_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

/** Run the world of a seed to its end; `aloud` prints its log.
 *  Returns the hash of the log. What breaks a rule ends the program. */
uint64_t driver_run(uint64_t seed, bool aloud);

#endif
