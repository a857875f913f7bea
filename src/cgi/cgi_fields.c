/*
 * cgi_fields - the fields of a request, and the variables that they become.
 *
 * Fields of one name become one variable. As nearly always all names differ,
 * that is looked at first; else sorting finds them, which no order that a
 * client chooses makes slow.
 */
#include <string.h>

#include "../base/decimal.h"
#include "../http/field.h"
#include "cgi_fields.h"
#include "field_name.h"

#define PREFIX "HTTP_"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

/* One field; or a name that Connection withholds. */
struct item {
    uint64_t key;                   /* of the variable's name */
    size_t name;                    /* where it starts, among all names */
    size_t name_len;                /* with the prefix */
    const struct fcgi_field *field; /* NULL: the name is withheld */
    struct item *next;              /* in order; then of the same name */
    bool is_first;                  /* of its name, and not withheld */
};

static struct item *items_of(const struct fcgi__cgi_fields *fields)
{
    return (struct item *)(void *)fields->items.data;
}

static struct fcgi_slice value_of(const struct fcgi_field *field)
{
    return (struct fcgi_slice){field->value, field->value_len};
}

/*
 * Sorting: a list of items in the order of their names. Those of one name stay
 * in the order they came in.
 */

/* Most names differ in their ends. */
static uint64_t key_of(const char *name, size_t len)
{
    uint64_t key = 0;

    if (len >= sizeof(key)) {
        memcpy(&key, name + len - sizeof(key), sizeof(key));
    }
    return key;
}

/* Nobody sees the order, which differs from machine to machine. */
static int compare_names(const char *names, const struct item *a,
                         const struct item *b)
{
    if (a->key != b->key) {
        return a->key < b->key ? -1 : 1;
    }
    if (a->name_len != b->name_len) {
        return a->name_len < b->name_len ? -1 : 1;
    }
    return memcmp(names + a->name, names + b->name, a->name_len);
}

static struct item *merge_lists(const char *names, struct item *a,
                                struct item *b)
{
    struct item *merged = NULL;
    struct item **end = &merged;

    while (a != NULL && b != NULL) {
        struct item **least = compare_names(names, a, b) <= 0 ? &a : &b;
        *end = *least;
        end = &(*least)->next;
        *least = *end;
    }
    *end = a != NULL ? a : b;
    return merged;
}

static struct item *sort_items(const char *names, struct item *items,
                               size_t count)
{
    size_t half = count / 2;

    if (count == 1) {
        items->next = NULL;
        return items;
    }
    return merge_lists(names, sort_items(names, items, half),
                       sort_items(names, items + half, count - half));
}

/* Cut the sorted list into one list for each name. */
static void group_items(const char *names, struct item *sorted)
{
    while (sorted != NULL) {
        struct item *first = sorted;
        struct item *last = first;
        bool is_withheld = first->field == NULL;
        while (last->next != NULL &&
               compare_names(names, last, last->next) == 0) {
            last = last->next;
            last->is_first = false;
            is_withheld |= last->field == NULL;
        }
        first->is_first = !is_withheld;
        sorted = last->next;
        last->next = NULL;
    }
}

/*
 * Reading: what a field says is noted, or an item is added for it.
 */

/* Write the name of a variable behind those that are kept. False in
 * `*is_exact`: another name becomes the same variable, or this is no name. */
static int write_name(struct fcgi__cgi_fields *fields,
                      const struct fcgi_allocator *allocator,
                      struct fcgi_slice name, bool *is_exact)
{
    char *out;
    int rc = name.len > SIZE_MAX - sizeof(PREFIX)
                 ? FCGI_ERR_NO_MEMORY
                 : fcgi__buffer_reserve(&fields->names, allocator,
                                        sizeof(PREFIX) + name.len);

    if (rc == FCGI_OK) {
        out = fields->names.data + fields->names.len;
        memcpy(out, PREFIX, PREFIX_LEN);
        *is_exact = fcgi__fold_name(name.data, name.len, out + PREFIX_LEN);
        out[PREFIX_LEN + name.len] = '\0';
    }
    return rc;
}

/* Note a key; whether another item may have it is told without a search. */
static void note_key(struct fcgi__cgi_fields *fields, uint64_t key)
{
    unsigned place = (unsigned)(key * UINT64_C(0x9e3779b97f4a7c15) >> 56);
    uint64_t *seen = &fields->seen[place / 64];
    uint64_t bit = UINT64_C(1) << place % 64;

    fields->may_repeat |= (*seen & bit) != 0;
    *seen |= bit;
}

/* Add an item, and keep the name that was written last. */
static int add_item(struct fcgi__cgi_fields *fields,
                    const struct fcgi_allocator *allocator, size_t name_len,
                    const struct fcgi_field *field)
{
    struct item *item;
    int rc = fcgi__buffer_reserve(&fields->items, allocator, sizeof(*item));

    if (rc != FCGI_OK) {
        return rc;
    }
    item = items_of(fields) + fields->count;
    item->name = fields->names.len;
    item->name_len = PREFIX_LEN + name_len;
    item->key = key_of(fields->names.data + item->name, item->name_len);
    item->field = field;
    item->next = NULL;
    item->is_first = field != NULL;
    note_key(fields, item->key);
    fields->names.len += item->name_len + 1;
    fields->items.len += sizeof(*item);
    fields->count += 1;
    return FCGI_OK;
}

/* Withhold the fields that one Connection field names. */
static int withhold_named(struct fcgi__cgi_fields *fields,
                          const struct fcgi_allocator *allocator,
                          const struct fcgi_field *connection)
{
    struct fcgi_slice list = value_of(connection);
    struct fcgi_slice name;
    int rc = FCGI_OK;

    while (rc == FCGI_OK && fcgi__next_member(&list, &name)) {
        bool is_exact;
        rc = write_name(fields, allocator, name, &is_exact);
        if (rc == FCGI_OK) {
            rc = add_item(fields, allocator, name.len, NULL);
        }
    }
    return rc;
}

/* Note a field that may appear only once. */
static int take_single(const struct fcgi_field **single,
                       const struct fcgi_field *field)
{
    bool is_repeated = *single != NULL;

    *single = field;
    return is_repeated ? FCGI_ERR_BAD_REQUEST : FCGI_OK;
}

/* Content-Length may be repeated if it is the same each time (RFC 9112, section
 * 6.3). */
static int take_content_length(struct fcgi__cgi_fields *fields,
                               const struct fcgi_field *field)
{
    int64_t before = fields->content_length;

    fields->content_length =
        fcgi__parse_decimal(field->value, field->value_len);
    return fields->content_length < 0 ||
                   (before >= 0 && before != fields->content_length)
               ? FCGI_ERR_BAD_REQUEST
               : FCGI_OK;
}

/* Note a field that has a meaning of its own. None of them becomes HTTP_*:
 * `Proxy` would become HTTP_PROXY, and many programs would send their own
 * requests through the proxy that it names. */
static int take_known(struct fcgi__cgi_fields *fields,
                      const struct fcgi_allocator *allocator,
                      const struct fcgi_cgi_site *site,
                      enum fcgi__name_kind kind, const struct fcgi_field *field)
{
    switch (kind) {
    case FCGI__NAME_HOST:
        return take_single(&fields->host, field);
    case FCGI__NAME_CONTENT_TYPE:
        return take_single(&fields->content_type, field);
    case FCGI__NAME_CONTENT_LENGTH:
        return take_content_length(fields, field);
    case FCGI__NAME_TRANSFER_ENCODING:
        fields->has_transfer_encoding = true;
        return FCGI_OK;
    case FCGI__NAME_CONNECTION:
        return site->drop_connection_named
                   ? withhold_named(fields, allocator, field)
                   : FCGI_OK;
    default:
        return FCGI_OK;
    }
}

static int check_field(const struct fcgi_field *field)
{
    if ((field->name == NULL && field->name_len > 0) ||
        (field->value == NULL && field->value_len > 0)) {
        return FCGI_ERR_ARGUMENT;
    }
    return field->name_len > 0 && fcgi__is_value(field->value, field->value_len)
               ? FCGI_OK
               : FCGI_ERR_BAD_REQUEST;
}

/* A name that folds is accepted where the site says so, but may not pass for
 * one that has a meaning of its own: Content_Length is not Content-Length. */
static int take_field(struct fcgi__cgi_fields *fields,
                      const struct fcgi_allocator *allocator,
                      const struct fcgi_cgi_site *site,
                      const struct fcgi_field *field)
{
    struct fcgi_slice name = {field->name, field->name_len};
    enum fcgi__name_kind kind;
    bool is_exact;
    int rc = check_field(field);

    if (rc == FCGI_OK) {
        rc = write_name(fields, allocator, name, &is_exact);
    }
    if (rc != FCGI_OK) {
        return rc;
    }
    kind = fcgi__name_kind(name.data, name.len);
    if (!is_exact && (site->folding == FCGI_CGI_FOLDING_REFUSE ||
                      !fcgi__is_token(name.data, name.len))) {
        return FCGI_ERR_BAD_REQUEST;
    }
    if (!is_exact &&
        (site->folding == FCGI_CGI_FOLDING_DROP || kind != FCGI__NAME_PLAIN)) {
        return FCGI_OK;
    }
    return kind == FCGI__NAME_PLAIN
               ? add_item(fields, allocator, name.len, field)
               : take_known(fields, allocator, site, kind, field);
}

static void clear_fields(struct fcgi__cgi_fields *fields)
{
    fields->items.len = 0;
    fields->names.len = 0;
    fields->count = 0;
    fields->host = NULL;
    fields->content_type = NULL;
    fields->content_length = -1;
    fields->has_transfer_encoding = false;
    fields->may_repeat = false;
    memset(fields->seen, 0, sizeof(fields->seen));
}

/* Content-Length beside Transfer-Encoding is an attempt to smuggle a request
 * (RFC 9112, section 6.1). */
int fcgi__cgi_fields_read(struct fcgi__cgi_fields *fields,
                          const struct fcgi_allocator *allocator,
                          const struct fcgi_cgi_site *site,
                          const struct fcgi_cgi_request *request)
{
    clear_fields(fields);
    for (size_t i = 0; i < request->field_count; i++) {
        int rc = take_field(fields, allocator, site, &request->fields[i]);
        if (rc != FCGI_OK) {
            return rc;
        }
    }
    if (fields->has_transfer_encoding && fields->content_length >= 0) {
        return FCGI_ERR_BAD_REQUEST;
    }
    if (fields->may_repeat) {
        const char *names = fields->names.data;
        group_items(names, sort_items(names, items_of(fields), fields->count));
    }
    return FCGI_OK;
}

/*
 * Writing.
 */

/* Add one variable that joins all fields of a name (RFC 9110, section 5.3;
 * cookies: RFC 9113, section 8.2.3). */
static void add_joined(struct fcgi__variables *variables,
                       struct fcgi_slice name, const struct item *item)
{
    fcgi__variables_add(variables, name, value_of(item->field));
    for (item = item->next; item != NULL; item = item->next) {
        bool is_cookie = fcgi__slice_equals(name, PREFIX "COOKIE");
        fcgi__variables_append(variables, fcgi__slice(is_cookie ? "; " : ", "));
        fcgi__variables_append(variables, value_of(item->field));
    }
}

void fcgi__cgi_fields_add(const struct fcgi__cgi_fields *fields,
                          struct fcgi__variables *variables)
{
    const struct item *items = items_of(fields);

    for (size_t i = 0; i < fields->count; i++) {
        struct fcgi_slice name = {fields->names.data + items[i].name,
                                  items[i].name_len};
        if (items[i].is_first) {
            add_joined(variables, name, &items[i]);
        }
    }
}

void fcgi__cgi_fields_free(struct fcgi__cgi_fields *fields,
                           const struct fcgi_allocator *allocator)
{
    fcgi__buffer_free(&fields->items, allocator);
    fcgi__buffer_free(&fields->names, allocator);
}
