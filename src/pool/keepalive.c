/*
 * keepalive - what is owed to waiting requests, and what keeping has earned.
 */
#include "keepalive.h"

#define RESCUE_COSTS 4
#define DEATH_COSTS 64

/* How many connections are given back between one trial and the next. */
#define INTERVAL_MIN 16
#define INTERVAL_MAX 1024

void fcgi__keepalive_init(struct fcgi__keepalive *keepalive)
{
    fcgi__keepalive_forget(keepalive);
    keepalive->credit = FCGI__CREDIT_MAX;
    keepalive->interval = 0;
    keepalive->countdown = 0;
}

void fcgi__keepalive_forget(struct fcgi__keepalive *keepalive)
{
    keepalive->late = 0;
    keepalive->owed = 0;
}

/*
 * What is owed.
 */

void fcgi__keepalive_owe(struct fcgi__keepalive *keepalive)
{
    keepalive->owed += 1;
}

void fcgi__keepalive_pay(struct fcgi__keepalive *keepalive)
{
    keepalive->owed -= keepalive->owed > 0;
}

void fcgi__keepalive_add_late(struct fcgi__keepalive *keepalive)
{
    keepalive->late += 1;
}

void fcgi__keepalive_remove_late(struct fcgi__keepalive *keepalive)
{
    /* In the child of a fork() the parent's are not counted. */
    keepalive->late -= keepalive->late > 0;
    if (keepalive->late == 0) {
        keepalive->owed = 0;
    }
}

/*
 * What keeping earns.
 */

static void begin_trials(struct fcgi__keepalive *keepalive)
{
    int doubled = 2 * keepalive->interval;

    keepalive->interval = doubled == 0              ? INTERVAL_MIN
                          : doubled <= INTERVAL_MAX ? doubled
                                                    : INTERVAL_MAX;
    keepalive->countdown = keepalive->interval;
}

static void charge(struct fcgi__keepalive *keepalive, int cost)
{
    keepalive->credit -= cost;
    if (keepalive->credit < 0) {
        keepalive->credit = 0;
        begin_trials(keepalive);
    }
}

void fcgi__keepalive_charge_rescue(struct fcgi__keepalive *keepalive)
{
    charge(keepalive, RESCUE_COSTS);
}

void fcgi__keepalive_charge_death(struct fcgi__keepalive *keepalive)
{
    charge(keepalive, DEATH_COSTS);
}

bool fcgi__keepalive_tries(struct fcgi__keepalive *keepalive)
{
    keepalive->countdown -= 1;
    if (keepalive->countdown > 0) {
        return false;
    }
    keepalive->countdown = keepalive->interval;
    return true;
}
