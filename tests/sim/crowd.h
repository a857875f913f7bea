/*
 * crowd - more calls at a time than a client keeps the memory of, begun one
 * after another and given up before any of them says a word.
 */
#ifndef SIM_CROWD_H
#define SIM_CROWD_H

#include <stdbool.h>

#include "client.h"

/** Whether there is room for them: what is idle is not for them. */
bool crowd_has_room(const struct sim_client *client);

/** Begin them, and give them up. */
void crowd_gather(struct sim_client *client);

#endif
