/*
 * variables - name-value pairs that are made piece by piece.
 */
#include <string.h>

#include "../http/field.h"
#include "variables.h"

void fcgi__variables_clear(struct fcgi__variables *variables)
{
    variables->text.len = 0;
    variables->params.len = 0;
    variables->count = 0;
    variables->error = FCGI_OK;
}

void fcgi__variables_free(struct fcgi__variables *variables)
{
    fcgi__buffer_free(&variables->text, variables->allocator);
    fcgi__buffer_free(&variables->params, variables->allocator);
}

struct fcgi_param *
fcgi__variables_params(const struct fcgi__variables *variables)
{
    return (struct fcgi_param *)(void *)variables->params.data;
}

static void append(struct fcgi__variables *variables, struct fcgi_slice bytes)
{
    if (variables->error == FCGI_OK && bytes.len > 0) {
        variables->error = fcgi__buffer_append(
            &variables->text, variables->allocator, bytes.data, bytes.len);
    }
}

/* What was appended since `start` is the name of a new pair. */
static void add_pair(struct fcgi__variables *variables, size_t start)
{
    static const struct fcgi_slice both_nuls = {"\0", 2};
    struct fcgi_param param = {NULL, NULL, variables->text.len - start, 0};

    append(variables, both_nuls);
    if (variables->error == FCGI_OK) {
        variables->error = fcgi__buffer_append(
            &variables->params, variables->allocator, &param, sizeof(param));
    }
    if (variables->error == FCGI_OK) {
        variables->count += 1;
    }
}

void fcgi__variables_begin(struct fcgi__variables *variables,
                           struct fcgi_slice name)
{
    size_t start = variables->text.len;

    append(variables, name);
    add_pair(variables, start);
}

void fcgi__variables_begin_field(struct fcgi__variables *variables,
                                 struct fcgi_slice name)
{
    size_t start = variables->text.len;

    append(variables, fcgi__slice("HTTP_"));
    append(variables, name);
    for (size_t i = start; i < variables->text.len; i++) {
        variables->text.data[i] = fcgi__fold(variables->text.data[i]);
    }
    add_pair(variables, start);
}

void fcgi__variables_append(struct fcgi__variables *variables,
                            struct fcgi_slice bytes)
{
    if (variables->error != FCGI_OK) {
        return;
    }
    /* In place of the NUL, and with another behind it. */
    variables->text.len -= 1;
    append(variables, bytes);
    variables->text.len += 1;
    if (variables->error == FCGI_OK) {
        fcgi__variables_params(variables)[variables->count - 1].value_len +=
            bytes.len;
    }
}

/* To the size of name and value come a NUL behind each, and the one that a
 * buffer puts behind what is appended. */
int fcgi__variables_reserve(struct fcgi__variables *variables, size_t size)
{
    int rc = fcgi__buffer_reserve(&variables->params, variables->allocator,
                                  sizeof(struct fcgi_param) + 1);

    if (rc == FCGI_OK) {
        rc = fcgi__buffer_reserve(&variables->text, variables->allocator,
                                  size + 3);
    }
    return rc;
}

static size_t size_of(const struct fcgi_param *param)
{
    return param->name_len + 1 + param->value_len + 1;
}

/* Take bytes out of a buffer, and close the gap. */
static void cut(struct fcgi__buffer *buffer, size_t at, size_t len)
{
    buffer->len -= len;
    memmove(buffer->data + at, buffer->data + at + len, buffer->len - at);
}

void fcgi__variables_remove(struct fcgi__variables *variables,
                            struct fcgi_slice name)
{
    const struct fcgi_param *params = fcgi__variables_params(variables);
    size_t at = 0;

    for (size_t i = 0; i < variables->count; i++) {
        if (params[i].name_len == name.len &&
            memcmp(variables->text.data + at, name.data, name.len) == 0) {
            cut(&variables->text, at, size_of(&params[i]));
            cut(&variables->params, i * sizeof(*params), sizeof(*params));
            variables->count -= 1;
            return;
        }
        at += size_of(&params[i]);
    }
}

void fcgi__variables_publish(struct fcgi__variables *variables)
{
    struct fcgi_param *params = fcgi__variables_params(variables);
    const char *text = variables->text.data;

    for (size_t i = 0; i < variables->count; i++) {
        params[i].name = text;
        params[i].value = text + params[i].name_len + 1;
        text += size_of(&params[i]);
    }
}
