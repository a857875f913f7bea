/*
 * params - name-value pairs (FastCGI specification, section 3.4).
 *
 *  +----------+-----------+---------+----------+
 *  | name len | value len | name ...| value ...|
 *  +----------+-----------+---------+----------+
 *   0xxxxxxx                        one byte: 0 to 127
 *   1xxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx     four: 0 to 2^31 - 1
 *
 * Encoding always uses the shorter form; decoding accepts either.
 */
#include "params.h"
#include "../base/decimal.h"

static size_t length_size(size_t len)
{
    return len < 128 ? 1 : 4;
}

static size_t measured_len(const char *string, size_t len)
{
    return len == FCGI_STRLEN ? strlen(string) : len;
}

static int measure_string(const char *string, size_t *len)
{
    if (string == NULL && *len != 0) {
        return FCGI_ERR_ARGUMENT;
    }
    *len = measured_len(string, *len);
    return *len > FCGI_PARAM_LEN_MAX ? FCGI_ERR_CONTENT_TOO_LONG : FCGI_OK;
}

int fcgi__param_measure(const struct fcgi_param *param,
                        struct fcgi_param *measured, size_t *len)
{
    size_t lengths;
    int rc;

    *measured = *param;
    rc = measure_string(measured->name, &measured->name_len);
    if (rc != FCGI_OK) {
        return rc;
    }
    rc = measure_string(measured->value, &measured->value_len);
    if (rc != FCGI_OK) {
        return rc;
    }
    lengths =
        length_size(measured->name_len) + length_size(measured->value_len);
    /* Two strings of 2^31 - 1 bytes overflow 32 bits. */
    if (measured->name_len > SIZE_MAX - lengths - measured->value_len) {
        return FCGI_ERR_CONTENT_TOO_LONG;
    }
    *len = lengths + measured->name_len + measured->value_len;
    return FCGI_OK;
}

static char *store_length(char *out, size_t len)
{
    if (len < 128) {
        *out = (char)len;
        return out + 1;
    }
    out[0] = (char)(len >> 24 | 0x80);
    out[1] = (char)(len >> 16);
    out[2] = (char)(len >> 8);
    out[3] = (char)len;
    return out + 4;
}

static char *store_string(char *out, const char *string, size_t len)
{
    if (len > 0) {
        memcpy(out, string, len);
    }
    return out + len;
}

char *fcgi__param_store_lengths(char *out, const struct fcgi_param *measured)
{
    out = store_length(out, measured->name_len);
    return store_length(out, measured->value_len);
}

void fcgi__param_store(char *out, const struct fcgi_param *measured)
{
    out = fcgi__param_store_lengths(out, measured);
    out = store_string(out, measured->name, measured->name_len);
    (void)store_string(out, measured->value, measured->value_len);
}

/* Copy a string of `part` to twice `part` bytes in two moves, which may
 * overlap. */
static inline void copy_ends(char *out, const char *string, size_t len,
                             size_t part)
{
    memcpy(out, string, part);
    memcpy(out + len - part, string + len - part, part);
}

static inline bool copy_uncommon_len(char *out, const char *string, size_t len)
{
    if (len > 16) {
        memcpy(out, string, len);
    } else if (len >= 4) {
        copy_ends(out, string, len, 4);
    } else if (len > 0) {
        out[0] = string[0];
        out[len / 2] = string[len / 2];
        out[len - 1] = string[len - 1];
    }
    return len > 0;
}

/* Most strings have 8 to 16 bytes. Returns whether it has any. */
static inline bool copy_string(char *out, const char *string, size_t len)
{
    if (len - 8 > 8) {
        return copy_uncommon_len(out, string, len);
    }
    copy_ends(out, string, len, 8);
    return true;
}

static void note_method(struct fcgi__facts *facts, const char *value,
                        size_t value_len)
{
    size_t len = value_len < FCGI__METHOD_CAP ? value_len : 0;

    (void)copy_string(facts->method, value, len);
    facts->method[len] = '\0';
}

static void note_content_length(struct fcgi__facts *facts, const char *value,
                                size_t value_len)
{
    int64_t length = value_len == 0 ? 0 : fcgi__parse_decimal(value, value_len);

    if (length < 0 || (facts->content_length != FCGI__NO_LENGTH &&
                       facts->content_length != length)) {
        length = FCGI__BAD_LENGTH;
    }
    facts->content_length = length;
}

void fcgi__facts_note(struct fcgi__facts *facts, const char *name,
                      const char *value, size_t value_len)
{
    if (memcmp(name, "REQUEST_METHOD", FCGI__FACT_NAME_LEN) == 0) {
        note_method(facts, value, value_len);
    } else if (memcmp(name, "CONTENT_LENGTH", FCGI__FACT_NAME_LEN) == 0) {
        note_content_length(facts, value, value_len);
    }
}

size_t fcgi__pairs_store(struct fcgi__pairs *pairs,
                         const struct fcgi_param *params, size_t count)
{
    const struct fcgi_param *param = params;
    char *out = pairs->out;
    const char *last;

    if (pairs->room < FCGI__SHORT_PAIR_LEN) {
        return 0;
    }
    last = out + pairs->room - FCGI__SHORT_PAIR_LEN;
    for (; param < params + count && out <= last; param++) {
        const char *name = param->name;
        const char *value = param->value;
        size_t name_len = param->name_len;
        size_t value_len = param->value_len;
        if (name == NULL || value == NULL) {
            break;
        }
        if ((name_len | value_len) >= 128) {
            name_len = measured_len(name, name_len);
            value_len = measured_len(value, value_len);
            if ((name_len | value_len) >= 128) {
                break;
            }
        }
        out[0] = (char)name_len;
        out[1] = (char)value_len;
        if (!copy_string(out + 2, name, name_len)) {
            break;
        }
        out += 2 + name_len;
        (void)copy_string(out, value, value_len);
        out += value_len;
        /* What was stored is read, not what was given: that spares registers.
         */
        if (name_len == FCGI__FACT_NAME_LEN && pairs->facts != NULL) {
            fcgi__facts_note(pairs->facts, out - value_len - name_len,
                             out - value_len, value_len);
        }
    }
    pairs->room -= (size_t)(out - pairs->out);
    pairs->out = out;
    return (size_t)(param - params);
}

/* Store a pair of any length, if there is room for it, and add to `*total` what
 * it takes. */
static int store_any_pair(struct fcgi__pairs *pairs,
                          const struct fcgi_param *param, size_t *total)
{
    struct fcgi_param measured;
    size_t len;
    int rc = fcgi__param_measure(param, &measured, &len);

    if (rc == FCGI_OK && len > SIZE_MAX - *total) {
        rc = FCGI_ERR_CONTENT_TOO_LONG;
    }
    if (rc != FCGI_OK) {
        return rc;
    }
    *total += len;
    if (len <= pairs->room) {
        fcgi__param_store(pairs->out, &measured);
        pairs->out += len;
        pairs->room -= len;
    } else {
        pairs->room = 0;
    }
    return FCGI_OK;
}

int fcgi_params_encode(const struct fcgi_param *params, size_t count, void *buf,
                       size_t cap, size_t *len)
{
    struct fcgi__pairs pairs = {buf, cap, NULL};
    size_t total = 0;
    size_t i = 0;

    if (len == NULL || (params == NULL && count > 0) ||
        (buf == NULL && cap > 0)) {
        return FCGI_ERR_ARGUMENT;
    }
    while (i < count) {
        size_t room = pairs.room;
        int rc = FCGI_OK;
        i += fcgi__pairs_store(&pairs, params + i, count - i);
        total += room - pairs.room;
        if (i < count) {
            rc = store_any_pair(&pairs, &params[i], &total);
            i += 1;
        }
        if (rc != FCGI_OK) {
            return rc;
        }
    }
    *len = total;
    return buf != NULL && total > cap ? FCGI_ERR_CONTENT_TOO_LONG : FCGI_OK;
}

/* Take one length off the front. */
static int take_length(struct fcgi_slice *rest, size_t *len)
{
    const uint8_t *in = (const uint8_t *)rest->data;
    size_t size;

    if (rest->len == 0) {
        return FCGI_ERR_PARAMS_TRUNCATED;
    }
    size = in[0] < 128 ? 1 : 4;
    if (rest->len < size) {
        return FCGI_ERR_PARAMS_TRUNCATED;
    }
    *len = in[0];
    if (size == 4) {
        *len = (size_t)(in[0] & 0x7f) << 24 | (size_t)in[1] << 16 |
               (size_t)in[2] << 8 | in[3];
    }
    rest->data += size;
    rest->len -= size;
    return FCGI_OK;
}

/* Each length is compared with what is left, never added to another first: the
 * sum of two may overflow 32 bits. */
static int take_string(struct fcgi_slice *rest, const char **string, size_t len)
{
    if (len > rest->len) {
        return FCGI_ERR_PARAMS_TRUNCATED;
    }
    *string = rest->data;
    rest->data += len;
    rest->len -= len;
    return FCGI_OK;
}

/* Take a pair whose lengths have either form. */
static int take_pair(struct fcgi_slice *rest, struct fcgi_param *param)
{
    struct fcgi_slice left = *rest;

    if (take_length(&left, &param->name_len) != FCGI_OK ||
        take_length(&left, &param->value_len) != FCGI_OK ||
        take_string(&left, &param->name, param->name_len) != FCGI_OK ||
        take_string(&left, &param->value, param->value_len) != FCGI_OK) {
        return FCGI_ERR_PARAMS_TRUNCATED;
    }
    *rest = left;
    return FCGI_OK;
}

int fcgi_params_next(struct fcgi_slice *rest, struct fcgi_param *param)
{
    const char *data = rest->data;
    size_t len = rest->len;
    size_t name_len, value_len;

    if (len < 2) {
        return len == 0 ? FCGI_OK : FCGI_ERR_PARAMS_TRUNCATED;
    }
    name_len = (uint8_t)data[0];
    value_len = (uint8_t)data[1];
    data += 2;
    len -= 2;
    if ((name_len | value_len) >= 128 || name_len + value_len > len) {
        int rc = take_pair(rest, param);
        return rc == FCGI_OK ? FCGI_PAIR : rc;
    }
    param->name = data;
    param->name_len = name_len;
    param->value = data + name_len;
    param->value_len = value_len;
    rest->data = param->value + value_len;
    rest->len = len - name_len - value_len;
    return FCGI_PAIR;
}

/* Walk over the pairs at the front that are short and whole, and have a name.
 * Of a pair that is not short, one of the lengths is negative here. */
static void walk_short_pairs(struct fcgi_slice *rest, struct fcgi__facts *facts)
{
    const char *at = rest->data;
    size_t left = rest->len;

    while (left >= 2) {
        ptrdiff_t name_len = (int8_t)at[0];
        ptrdiff_t value_len = (int8_t)at[1];
        size_t len = (size_t)(2 + name_len + value_len);
        if (((name_len - 1) | value_len) < 0 || len > left) {
            break;
        }
        if (name_len == FCGI__FACT_NAME_LEN) {
            fcgi__facts_note(facts, at + 2, at + 2 + name_len,
                             (size_t)value_len);
        }
        at += len;
        left -= len;
    }
    rest->data = at;
    rest->len = left;
}

/* Take a pair of any length, which must have a name. */
static int walk_pair(struct fcgi_slice *rest, struct fcgi__facts *facts)
{
    struct fcgi_param param;

    if (take_pair(rest, &param) != FCGI_OK) {
        return FCGI_ERR_PARAMS_TRUNCATED;
    }
    if (param.name_len == 0) {
        return FCGI_ERR_ARGUMENT;
    }
    if (param.name_len == FCGI__FACT_NAME_LEN) {
        fcgi__facts_note(facts, param.name, param.value, param.value_len);
    }
    return FCGI_OK;
}

int fcgi__pairs_check(struct fcgi_slice encoded, struct fcgi__facts *facts)
{
    int rc = FCGI_OK;

    while (rc == FCGI_OK && encoded.len > 0) {
        walk_short_pairs(&encoded, facts);
        if (encoded.len > 0) {
            rc = walk_pair(&encoded, facts);
        }
    }
    return rc;
}

int fcgi_params_decode(const void *data, size_t len, struct fcgi_param *params,
                       size_t cap, size_t *count)
{
    struct fcgi_slice rest = {data, len};
    struct fcgi_param param;
    int rc;

    if (count == NULL || (data == NULL && len > 0) ||
        (params == NULL && cap > 0)) {
        return FCGI_ERR_ARGUMENT;
    }
    *count = 0;
    for (rc = fcgi_params_next(&rest, &param); rc == FCGI_PAIR;
         rc = fcgi_params_next(&rest, &param)) {
        if (*count < cap) {
            params[*count] = param;
        }
        *count += 1;
    }
    if (rc == FCGI_OK && params != NULL && *count > cap) {
        return FCGI_ERR_CONTENT_TOO_LONG;
    }
    return rc;
}
