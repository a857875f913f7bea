/*
 * cgi_fields - the fields of a request, sorted by their variables.
 */
#include <string.h>

#include "../http/field.h"
#include "cgi_fields.h"

static struct fcgi__cgi_field *items_of(const struct fcgi__cgi_fields *fields)
{
    return (struct fcgi__cgi_field *)(void *)fields->sorted.data;
}

static int compare_name(const struct fcgi__cgi_field *a, const char *name,
                        size_t len)
{
    return fcgi__compare_folded(a->field->name, a->field->name_len, name, len);
}

/*
 * Heapsort: no order that a client chooses makes it slow, and it needs no
 * memory.
 */

/* Whether `a` goes before `b`. Those of one name stay in the order they came
 * in. */
static bool precedes(const struct fcgi__cgi_field *a,
                     const struct fcgi__cgi_field *b)
{
    int order = compare_name(a, b->field->name, b->field->name_len);

    return order < 0 || (order == 0 && a->field < b->field);
}

/* Move the item at `at` down the heap, below those that belong behind it. */
static void sift_down(struct fcgi__cgi_field *heap, size_t count, size_t at)
{
    struct fcgi__cgi_field item = heap[at];

    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && precedes(&heap[child], &heap[child + 1])) {
            child += 1;
        }
        if (!precedes(&item, &heap[child])) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = item;
}

static void sort_items(struct fcgi__cgi_field *items, size_t count)
{
    for (size_t i = count / 2; i > 0; i--) {
        sift_down(items, count, i - 1);
    }
    for (size_t end = count; end > 1; end--) {
        struct fcgi__cgi_field greatest = items[0];
        items[0] = items[end - 1];
        items[end - 1] = greatest;
        sift_down(items, end - 1, 0);
    }
}

/* The index of the first field whose name is not before this one. */
static size_t lower_bound(const struct fcgi__cgi_fields *fields,
                          const char *name, size_t len)
{
    size_t low = 0;
    size_t high = fields->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_name(&items_of(fields)[middle], name, len) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool has_name_at(const struct fcgi__cgi_fields *fields, size_t i,
                        const char *name, size_t len)
{
    return i < fields->count &&
           compare_name(&items_of(fields)[i], name, len) == 0;
}

/* How many fields have this name, from `first` on. */
static size_t count_named(const struct fcgi__cgi_fields *fields, size_t first,
                          const char *name, size_t len)
{
    size_t end = first;

    while (has_name_at(fields, end, name, len)) {
        end += 1;
    }
    return end - first;
}

const struct fcgi__cgi_field *
fcgi__cgi_fields_find(const struct fcgi__cgi_fields *fields, const char *name,
                      size_t *count)
{
    size_t len = strlen(name);
    size_t first = lower_bound(fields, name, len);

    *count = count_named(fields, first, name, len);
    return *count == 0 ? NULL : &items_of(fields)[first];
}

/* Names that never become HTTP_*. `Proxy` would become HTTP_PROXY, and many
 * programs would send their own requests through the proxy that it names. */
static bool is_reserved(const char *name, size_t len)
{
    static const char *const names[] = {"Content-Length", "Content-Type",
                                        "Host", "Proxy"};

    return fcgi__folds_onto(name, len, names,
                            sizeof(names) / sizeof(names[0])) ||
           fcgi__is_hop_by_hop(name, len);
}

static bool name_folds(const struct fcgi_field *field)
{
    return memchr(field->name, '_', field->name_len) != NULL ||
           memchr(field->name, '.', field->name_len) != NULL;
}

/* Whether a field whose name folds is accepted. None may pass for a field that
 * controls the connection or the body: Content_Length is not Content-Length. */
static bool may_fold(const struct fcgi_field *field,
                     enum fcgi_cgi_folding folding)
{
    return folding == FCGI_CGI_FOLDING_ALLOW &&
           !is_reserved(field->name, field->name_len);
}

static int accept_field(struct fcgi__cgi_fields *fields,
                        const struct fcgi_allocator *allocator,
                        const struct fcgi_field *field,
                        enum fcgi_cgi_folding folding)
{
    struct fcgi__cgi_field item = {field, false};

    if (!fcgi__is_token(field->name, field->name_len) ||
        !fcgi__is_value(field->value, field->value_len)) {
        return FCGI_ERR_BAD_REQUEST;
    }
    if (name_folds(field) && folding == FCGI_CGI_FOLDING_REFUSE) {
        return FCGI_ERR_BAD_REQUEST;
    }
    if (name_folds(field) && !may_fold(field, folding)) {
        return FCGI_OK;
    }
    fields->count += 1;
    return fcgi__buffer_append(&fields->sorted, allocator, &item, sizeof(item));
}

/* Withhold the fields that one Connection field names. */
static void withhold_named(const struct fcgi__cgi_fields *fields,
                           const struct fcgi_field *connection)
{
    struct fcgi_slice list = {connection->value, connection->value_len};
    struct fcgi_slice name;

    while (fcgi__next_member(&list, &name)) {
        size_t first = lower_bound(fields, name.data, name.len);
        if (has_name_at(fields, first, name.data, name.len)) {
            items_of(fields)[first].withheld = true;
        }
    }
}

static void withhold_connection_named(struct fcgi__cgi_fields *fields)
{
    size_t count;
    const struct fcgi__cgi_field *connection =
        fcgi__cgi_fields_find(fields, "Connection", &count);

    for (size_t i = 0; i < count; i++) {
        withhold_named(fields, connection[i].field);
    }
}

int fcgi__cgi_fields_take(struct fcgi__cgi_fields *fields,
                          const struct fcgi_allocator *allocator,
                          const struct fcgi_cgi_site *site,
                          const struct fcgi_cgi_request *request)
{
    fields->sorted.len = 0;
    fields->count = 0;
    for (size_t i = 0; i < request->field_count; i++) {
        int rc =
            accept_field(fields, allocator, &request->fields[i], site->folding);
        if (rc != FCGI_OK) {
            return rc;
        }
    }
    sort_items(items_of(fields), fields->count);
    if (site->drop_connection_named) {
        withhold_connection_named(fields);
    }
    return FCGI_OK;
}

/* Add one variable that joins all fields of a name (RFC 9110, section 5.3;
 * cookies: RFC 9113, section 8.2.3). */
static void add_joined(struct fcgi__variables *variables,
                       const struct fcgi__cgi_field *items, size_t count)
{
    const struct fcgi_field *first = items[0].field;
    struct fcgi_slice separator = {
        fcgi__field_is(first, "Cookie") ? "; " : ", ", 2};
    struct fcgi_slice name = {first->name, first->name_len};
    struct fcgi_slice value = {first->value, first->value_len};

    fcgi__variables_begin_field(variables, name);
    fcgi__variables_append(variables, value);
    for (size_t i = 1; i < count; i++) {
        value.data = items[i].field->value;
        value.len = items[i].field->value_len;
        fcgi__variables_append(variables, separator);
        fcgi__variables_append(variables, value);
    }
}

void fcgi__cgi_fields_add(const struct fcgi__cgi_fields *fields,
                          struct fcgi__variables *variables)
{
    size_t count;

    for (size_t i = 0; i < fields->count; i += count) {
        const struct fcgi__cgi_field *items = &items_of(fields)[i];
        const struct fcgi_field *field = items[0].field;
        count = count_named(fields, i, field->name, field->name_len);
        if (!items[0].withheld && !is_reserved(field->name, field->name_len)) {
            add_joined(variables, items, count);
        }
    }
}
