/*
 * wakeup - what the call needs of a wake-up beyond its public face.
 */
#ifndef FCGI__WAKEUP_H
#define FCGI__WAKEUP_H

#include <fcgi_client/wakeup.h>

#include "../pool/turns.h"

/* Where calls with that wake-up have their turns listed. */
struct fcgi__turns *fcgi__wakeup_turns(struct fcgi_wakeup *wakeup);

#endif
