/*
 * debt - what is owed to calls that wait: see debt.h.
 */
#include <stdint.h>

#include "debt.h"

void debt_grow(struct debt *debt, bool surely)
{
    debt->least += surely;
    debt->most += 1;
}

void debt_pay(struct debt *debt)
{
    debt->least -= debt->least > 0;
    debt->most -= debt->most > 0;
}

void debt_settle(struct debt *debt)
{
    if (debt->late == 0) {
        debt->least = 0;
    }
    if (debt->late == 0 && debt->doubtful == 0) {
        debt->most = 0;
    }
}

void debt_forget(struct debt *debt)
{
    debt->least = 0;
    debt->most = SIZE_MAX / 2;
    debt_settle(debt);
}
