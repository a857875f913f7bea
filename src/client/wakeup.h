/*
 * wakeup - what a call needs of a wake-up beyond its public face.
 */
#ifndef FCGI__WAKEUP_H
#define FCGI__WAKEUP_H

#include <fcgi_client/wakeup.h>

#include "../pool/turns.h"

/* Where the turns of calls with that wake-up are listed. */
struct fcgi__turns *fcgi__wakeup_turns(struct fcgi_wakeup *wakeup);

#endif
