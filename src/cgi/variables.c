/*
 * variables - name-value pairs that are written one after another.
 */
#include <stdbool.h>
#include <string.h>

#include "variables.h"

/* Sums of a few such lengths cannot overflow. */
#define LONGEST (SIZE_MAX / 8)

void fcgi__variables_clear(struct fcgi__variables *variables)
{
    variables->text.len = 0;
    variables->params.len = 0;
    variables->borrowed = 0;
    variables->error = FCGI_OK;
}

void fcgi__variables_free(struct fcgi__variables *variables)
{
    fcgi__buffer_free(&variables->text, variables->allocator);
    fcgi__buffer_free(&variables->params, variables->allocator);
}

/* Point to the text again, which has moved or become shorter. */
static void point_to_text(struct fcgi__variables *variables)
{
    struct fcgi_param *params = fcgi__variables_params(variables);
    const char *text = variables->text.data;

    for (size_t i = 0; i < fcgi__variables_count(variables); i++) {
        if (i >= variables->borrowed) {
            params[i].name = text;
            text += params[i].name_len + 1;
        }
        params[i].value = text;
        text += params[i].value_len + 1;
    }
}

static int reserve_text(struct fcgi__variables *variables, size_t extra)
{
    const char *before = variables->text.data;
    int rc = extra > LONGEST
                 ? FCGI_ERR_NO_MEMORY
                 : fcgi__buffer_reserve(&variables->text, variables->allocator,
                                        extra);

    if (variables->text.data != before) {
        point_to_text(variables);
    }
    return rc;
}

int fcgi__variables_reserve(struct fcgi__variables *variables, size_t name_len,
                            size_t value_len)
{
    int rc = fcgi__buffer_reserve(&variables->params, variables->allocator,
                                  sizeof(struct fcgi_param));

    if (name_len > LONGEST || value_len > LONGEST) {
        return FCGI_ERR_NO_MEMORY;
    }
    return rc == FCGI_OK ? reserve_text(variables, name_len + 1 + value_len + 1)
                         : rc;
}

/* Add bytes and a NUL to the text; there is room. */
static const char *write_string(struct fcgi__buffer *text,
                                struct fcgi_slice bytes)
{
    char *at = text->data + text->len;

    text->len += bytes.len + 1;
    at[bytes.len] = '\0';
    return bytes.len == 0 ? at : memcpy(at, bytes.data, bytes.len);
}

/* Add a pair that has only lengths yet. */
static struct fcgi_param *add_param(struct fcgi__variables *variables,
                                    size_t name_len, size_t value_len)
{
    char *at = variables->params.data + variables->params.len;
    struct fcgi_param *param = (struct fcgi_param *)(void *)at;

    variables->params.len += sizeof(*param);
    param->name_len = name_len;
    param->value_len = value_len;
    return param;
}

static bool has_room(const struct fcgi__variables *variables, size_t value_len)
{
    return variables->text.cap - variables->text.len > value_len &&
           variables->params.cap - variables->params.len >=
               sizeof(struct fcgi_param);
}

void fcgi__variables_add(struct fcgi__variables *variables,
                         struct fcgi_slice name, struct fcgi_slice value)
{
    struct fcgi_param *param;

    if (variables->error == FCGI_OK && !has_room(variables, value.len)) {
        variables->error = fcgi__variables_reserve(variables, 0, value.len);
    }
    if (variables->error != FCGI_OK) {
        return;
    }
    param = add_param(variables, name.len, value.len);
    param->name = name.data;
    param->value = write_string(&variables->text, value);
    variables->borrowed += 1;
}

void fcgi__variables_append(struct fcgi__variables *variables,
                            struct fcgi_slice bytes)
{
    size_t last = variables->borrowed - 1;

    if (variables->error == FCGI_OK) {
        variables->error = reserve_text(variables, bytes.len);
    }
    if (variables->error == FCGI_OK && bytes.len > 0) {
        variables->text.len -= 1; /* the NUL */
        (void)write_string(&variables->text, bytes);
        fcgi__variables_params(variables)[last].value_len += bytes.len;
    }
}

void fcgi__variables_add_copy(struct fcgi__variables *variables,
                              struct fcgi_slice name, struct fcgi_slice value)
{
    name.data = write_string(&variables->text, name);
    fcgi__variables_add(variables, name, value);
    variables->borrowed -= 1;
}

/* Remove bytes from a buffer, and close the gap. */
static void remove_bytes(struct fcgi__buffer *buffer, const void *start,
                         size_t len)
{
    size_t at = (size_t)((const char *)start - buffer->data);

    buffer->len -= len;
    memmove(buffer->data + at, buffer->data + at + len, buffer->len - at);
}

static void remove_at(struct fcgi__variables *variables, size_t i)
{
    const struct fcgi_param *param = fcgi__variables_params(variables) + i;
    bool is_copied = i >= variables->borrowed;
    size_t copied = is_copied ? param->name_len + 1 : 0;

    remove_bytes(&variables->text, param->value - copied,
                 copied + param->value_len + 1);
    remove_bytes(&variables->params, param, sizeof(*param));
    variables->borrowed -= is_copied ? 0 : 1;
    point_to_text(variables);
}

void fcgi__variables_remove(struct fcgi__variables *variables,
                            struct fcgi_slice name)
{
    const struct fcgi_param *params = fcgi__variables_params(variables);

    for (size_t i = 0; i < fcgi__variables_count(variables); i++) {
        if (params[i].name_len == name.len &&
            memcmp(params[i].name, name.data, name.len) == 0) {
            remove_at(variables, i);
            return;
        }
    }
}
