/*
 * excess - more calls at a time than a client keeps the memory of, begun one
 * after another and given up before any of them says a word.
 */
#ifndef SIM_EXCESS_H
#define SIM_EXCESS_H

#include <stdbool.h>

#include "sim_client.h"

/** Whether there is room for them: what is idle is not for them. */
bool excess_has_room(const struct sim_client *client);

/** Begin them, and give them up. */
void excess_begin_and_give_up(struct sim_client *client);

#endif
