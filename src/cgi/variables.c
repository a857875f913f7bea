/*
 * variables - name-value pairs that are written piece by piece.
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

static void append_text(struct fcgi__variables *variables,
                        struct fcgi_slice bytes)
{
    if (variables->error == FCGI_OK && bytes.len > 0) {
        variables->error = fcgi__buffer_append(
            &variables->text, variables->allocator, bytes.data, bytes.len);
    }
}

/* Add a pair, whose name is the text from `start` on. */
static void add_pair(struct fcgi__variables *variables, size_t start)
{
    static const struct fcgi_slice both_nuls = {"\0", 2};
    struct fcgi_param param = {NULL, NULL, variables->text.len - start, 0};

    append_text(variables, both_nuls);
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

    append_text(variables, name);
    add_pair(variables, start);
}

void fcgi__variables_begin_field(struct fcgi__variables *variables,
                                 struct fcgi_slice name)
{
    size_t start = variables->text.len;

    append_text(variables, fcgi__slice("HTTP_"));
    append_text(variables, name);
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
    /* Overwrite the NUL; another follows the new bytes. */
    variables->text.len -= 1;
    append_text(variables, bytes);
    variables->text.len += 1;
    if (variables->error == FCGI_OK) {
        fcgi__variables_params(variables)[variables->count - 1].value_len +=
            bytes.len;
    }
}

/* A NUL follows the name, another the value, and the buffer puts a third behind
 * what is appended. */
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

static size_t pair_size(const struct fcgi_param *param)
{
    return param->name_len + 1 + param->value_len + 1;
}

/* Remove bytes from a buffer, and close the gap. */
static void remove_bytes(struct fcgi__buffer *buffer, size_t at, size_t len)
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
            remove_bytes(&variables->text, at, pair_size(&params[i]));
            remove_bytes(&variables->params, i * sizeof(*params),
                         sizeof(*params));
            variables->count -= 1;
            return;
        }
        at += pair_size(&params[i]);
    }
}

void fcgi__variables_publish(struct fcgi__variables *variables)
{
    struct fcgi_param *params = fcgi__variables_params(variables);
    const char *text = variables->text.data;

    for (size_t i = 0; i < variables->count; i++) {
        params[i].name = text;
        params[i].value = text + params[i].name_len + 1;
        text += pair_size(&params[i]);
    }
}
