/*
 * cgi_answer - turns an application's answer back into HTTP (RFC 3875, section
 * 6; RFC 9110; RFC 9112).
 */
#include <string.h>

#include <fcgi_client/cgi.h>

#include "../exchange/response.h"
#include "../http/field.h"
#include "field_name.h"

static bool is_connection(const struct fcgi_field *field)
{
    return field->name_len == sizeof("Connection") - 1 &&
           fcgi__name_kind(field->name, field->name_len) ==
               FCGI__NAME_CONNECTION;
}

/* Whether a Connection field names this field. */
static bool names_field(const struct fcgi_field *connection,
                        const struct fcgi_field *field)
{
    struct fcgi_slice list = {connection->value, connection->value_len};
    struct fcgi_slice name;

    while (fcgi__next_member(&list, &name)) {
        if (fcgi__same_name(name.data, name.len, field->name,
                            field->name_len)) {
            return true;
        }
    }
    return false;
}

bool fcgi_cgi_is_end_to_end(const struct fcgi_response *response,
                            const struct fcgi_field *field)
{
    const struct fcgi_field *other;

    if (response == NULL || field == NULL ||
        fcgi__is_hop_by_hop(field->name, field->name_len)) {
        return false;
    }
    other = response->fields;
    for (size_t left = response->field_count; left > 0; left--, other++) {
        if (is_connection(other) && names_field(other, field)) {
            return false;
        }
    }
    return true;
}

/* Whether the application sent a status, rather than leave it to follow from
 * the other fields. */
static bool has_status(const struct fcgi_response *response)
{
    return response->store == NULL || response->store->head.reason != 0;
}

/* "//host/path" names another server (RFC 3986, section 4.2), and a URL
 * with a fragment is for the client to follow (RFC 3875, section 6.2.4). */
const char *fcgi_cgi_local_redirect(const struct fcgi_response *response)
{
    const char *location;

    if (response == NULL || response->field_count != 1 ||
        has_status(response)) {
        return NULL;
    }
    location = fcgi_response_field(response, "Location", 0);
    if (location == NULL || location[0] != '/' || location[1] == '/' ||
        strchr(location, '#') != NULL) {
        return NULL;
    }
    return location;
}

/* RFC 9112, section 6.3: a response to these methods, or with these statuses,
 * ends with its head, whatever the head says of a body. */
bool fcgi_cgi_has_body(struct fcgi_slice method, int status)
{
    if (fcgi__slice_equals(method, "HEAD") ||
        (fcgi__slice_equals(method, "CONNECT") && status >= 200 &&
         status <= 299)) {
        return false;
    }
    return status >= 200 && status != 204 && status != 304;
}
