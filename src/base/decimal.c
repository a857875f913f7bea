/*
 * decimal - decimal numbers in text.
 */
#include "decimal.h"

int64_t fcgi__parse_decimal(const char *text, size_t len)
{
    int64_t number = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';
        if (digit > 9 || number > (INT64_MAX - 9) / 10) {
            return -1;
        }
        number = number * 10 + (int64_t)digit;
    }
    return len == 0 ? -1 : number;
}
