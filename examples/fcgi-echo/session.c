/*
 * session - the application's side of a connection (FastCGI specification,
 * sections 3 to 6).
 *
 *     BEGIN -> PARAMS ... -> STDIN ... ->  DATA ...        in
 *                    |            |          | (a filter)
 *                    v            v          v
 *                  head, then a STDOUT record for each -> END     out
 *
 * One request at a time: a second one is refused, as this application does not
 * multiplex. A violation of the protocol ends the connection.
 */
#define _POSIX_C_SOURCE 200809L
#include "session.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcgi_client/io.h>
#include <fcgi_client/params.h>
#include <fcgi_client/record.h>

#define PARAMS_MAX (16 * 1024 * 1024)

/** What the current request waits for. */
enum state { AWAIT_BEGIN, AWAIT_PARAMS, AWAIT_BODY, AWAIT_DATA };

struct session {
    struct fcgi_reader reader;
    struct fcgi_writer writer;
    enum state state;
    uint16_t request_id;
    struct fcgi_begin_request request;
    struct fcgi_memory params; /* encoded; decoded once they are complete */
    size_t text_len;           /* bytes of the answer in `text` */
    char text[32 * 1024];      /* the next record of the answer */
    char content[FCGI_CONTENT_MAX]; /* of the last record read */
};

static int write_stdout(struct session *session, const void *data, size_t len)
{
    return fcgi_record_write(&session->writer, FCGI_TYPE_STDOUT,
                             session->request_id, data, len);
}

static int flush_text(struct session *session)
{
    size_t len = session->text_len;

    session->text_len = 0;
    return len == 0 ? FCGI_OK : write_stdout(session, session->text, len);
}

static int put_text(struct session *session, struct fcgi_slice text)
{
    int rc = FCGI_OK;

    while (text.len > 0 && rc == FCGI_OK) {
        size_t room = sizeof(session->text) - session->text_len;
        size_t part = text.len < room ? text.len : room;

        memcpy(session->text + session->text_len, text.data, part);
        session->text_len += part;
        text.data += part;
        text.len -= part;
        if (part == room) {
            rc = flush_text(session);
        }
    }
    return rc;
}

static int put_param(struct session *session, const struct fcgi_param *param)
{
    const struct fcgi_slice line[] = {
        {param->name, param->name_len},
        {"=", 1},
        {param->value, param->value_len},
        {"\n", 1},
    };
    int rc = FCGI_OK;

    for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
        rc = rc == FCGI_OK ? put_text(session, line[i]) : rc;
    }
    return rc;
}

static int put_params(struct session *session)
{
    struct fcgi_slice rest = {session->params.data, session->params.len};
    struct fcgi_param param;
    int more = fcgi_params_next(&rest, &param);

    while (more == FCGI_PAIR) {
        int rc = put_param(session, &param);

        more = rc == FCGI_OK ? fcgi_params_next(&rest, &param) : rc;
    }
    return more;
}

/* Everything in the answer before the body. */
static int write_head(struct session *session)
{
    static const char head[] = "Content-Type: text/plain\r\n\r\n";
    int rc = put_text(session, (struct fcgi_slice){head, sizeof(head) - 1});

    rc = rc == FCGI_OK ? put_params(session) : rc;
    rc = rc == FCGI_OK ? put_text(session, (struct fcgi_slice){"\n", 1}) : rc;
    return rc == FCGI_OK ? flush_text(session) : rc;
}

static int write_end(struct session *session, uint16_t request_id,
                     uint32_t app_status, enum fcgi_status status)
{
    const struct fcgi_end_request end = {app_status, (uint8_t)status};
    uint8_t body[8];

    fcgi_end_request_encode(body, &end);
    return fcgi_record_write(&session->writer, FCGI_TYPE_END_REQUEST,
                             request_id, body, sizeof(body));
}

/* End the current request, and the connection too unless the client has asked
 * to keep it. */
static int end_request(struct session *session, uint32_t app_status,
                       enum fcgi_status status)
{
    int rc = write_end(session, session->request_id, app_status, status);

    session->state = AWAIT_BEGIN;
    if (rc == FCGI_OK && (session->request.flags & FCGI_FLAG_KEEP_CONN) == 0) {
        return FCGI_ERR_CLOSED;
    }
    return rc;
}

static int end_answer(struct session *session)
{
    int rc = write_stdout(session, NULL, 0);

    return rc == FCGI_OK ? end_request(session, 0, FCGI_STATUS_REQUEST_COMPLETE)
                         : rc;
}

static int begin_request(struct session *session,
                         const struct fcgi_record *record)
{
    uint16_t id = record->header.request_id;

    if (record->content.len != 8 ||
        (session->state != AWAIT_BEGIN && id == session->request_id)) {
        return FCGI_ERR_BAD_RECORD;
    }
    if (session->state != AWAIT_BEGIN) {
        return write_end(session, id, 0, FCGI_STATUS_CANT_MPX_CONN);
    }
    fcgi_begin_request_decode(&session->request,
                              (const uint8_t *)record->content.data);
    session->request_id = id;
    session->params.len = 0;
    session->state = AWAIT_PARAMS;
    if (session->request.role < FCGI_ROLE_RESPONDER ||
        session->request.role > FCGI_ROLE_FILTER) {
        return end_request(session, 0, FCGI_STATUS_UNKNOWN_ROLE);
    }
    return FCGI_OK;
}

static int append_params(struct fcgi_memory *params, struct fcgi_slice more)
{
    size_t needed = params->len + more.len;

    if (needed > PARAMS_MAX) {
        return FCGI_ERR_CONTENT_TOO_LONG;
    }
    if (needed > params->cap) {
        char *larger = realloc(params->data, needed * 2);

        if (larger == NULL) {
            return FCGI_ERR_NO_MEMORY;
        }
        params->data = larger;
        params->cap = needed * 2;
    }
    memcpy(params->data + params->len, more.data, more.len);
    params->len = needed;
    return FCGI_OK;
}

static int take_params(struct session *session, struct fcgi_slice content)
{
    int rc;

    if (content.len > 0) {
        return append_params(&session->params, content);
    }
    rc = write_head(session);
    if (rc != FCGI_OK) {
        return rc;
    }
    session->state = AWAIT_BODY;
    return session->request.role == FCGI_ROLE_AUTHORIZER ? end_answer(session)
                                                         : FCGI_OK;
}

/* A record of the body is sent back as it came. */
static int take_stream(struct session *session, struct fcgi_slice content)
{
    if (content.len > 0) {
        return write_stdout(session, content.data, content.len);
    }
    if (session->state == AWAIT_BODY &&
        session->request.role == FCGI_ROLE_FILTER) {
        session->state = AWAIT_DATA;
        return FCGI_OK;
    }
    return end_answer(session);
}

static const char *find_value(const struct fcgi_param *asked)
{
    static const char number[] = {'0' + SESSIONS_MAX / 10,
                                  '0' + SESSIONS_MAX % 10, '\0'};
    static const struct {
        const char *name;
        const char *value;
    } known[] = {
        {"FCGI_MAX_CONNS", number},
        {"FCGI_MAX_REQS", number},
        {"FCGI_MPXS_CONNS", "0"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (asked->name_len == strlen(known[i].name) &&
            memcmp(asked->name, known[i].name, asked->name_len) == 0) {
            return known[i].value;
        }
    }
    return NULL;
}

/* Section 4.1: a name that is not known is left out of the result. */
static int answer_values(struct session *session, struct fcgi_slice rest)
{
    char result[1024];
    struct fcgi_param param;
    size_t len = 0;
    int more = fcgi_params_next(&rest, &param);

    while (more == FCGI_PAIR) {
        size_t taken = 0;

        param.value = find_value(&param);
        param.value_len = FCGI_STRLEN;
        if (param.value != NULL &&
            fcgi_params_encode(&param, 1, result + len, sizeof(result) - len,
                               &taken) == FCGI_OK) {
            len += taken;
        }
        more = fcgi_params_next(&rest, &param);
    }
    return more < 0
               ? more
               : fcgi_record_write(&session->writer,
                                   FCGI_TYPE_GET_VALUES_RESULT, 0, result, len);
}

/* Section 4: records that belong to no request. */
static int serve_management(struct session *session,
                            const struct fcgi_record *record)
{
    const uint8_t unknown[8] = {record->header.type};

    if (record->header.type == FCGI_TYPE_GET_VALUES) {
        return answer_values(session, record->content);
    }
    return fcgi_record_write(&session->writer, FCGI_TYPE_UNKNOWN_TYPE, 0,
                             unknown, sizeof(unknown));
}

/* A record of the current request. */
static int serve_request(struct session *session,
                         const struct fcgi_record *record)
{
    enum state state = session->state;

    switch (record->header.type) {
    case FCGI_TYPE_ABORT_REQUEST:
        return end_request(session, 1, FCGI_STATUS_REQUEST_COMPLETE);
    case FCGI_TYPE_PARAMS:
        return state == AWAIT_PARAMS ? take_params(session, record->content)
                                     : FCGI_ERR_BAD_RECORD;
    case FCGI_TYPE_STDIN:
        return state == AWAIT_BODY ? take_stream(session, record->content)
                                   : FCGI_ERR_BAD_RECORD;
    case FCGI_TYPE_DATA:
        return state == AWAIT_DATA ? take_stream(session, record->content)
                                   : FCGI_ERR_BAD_RECORD;
    default:
        return FCGI_ERR_BAD_RECORD;
    }
}

static int serve_record(struct session *session,
                        const struct fcgi_record *record)
{
    if (record->header.request_id == 0) {
        return serve_management(session, record);
    }
    if (record->header.type == FCGI_TYPE_BEGIN_REQUEST) {
        return begin_request(session, record);
    }
    if (session->state == AWAIT_BEGIN ||
        record->header.request_id != session->request_id) {
        return FCGI_OK; /* section 3.3: its request has ended */
    }
    return serve_request(session, record);
}

struct session *session_new(void)
{
    return calloc(1, sizeof(struct session));
}

int session_serve(struct session *session, int fd)
{
    struct fcgi_record record;
    int rc = FCGI_OK;

    session->reader = fcgi_fd_reader(fd);
    session->writer = fcgi_fd_writer(fd);
    session->state = AWAIT_BEGIN;
    session->text_len = 0;
    while (rc == FCGI_OK) {
        rc = fcgi_record_read(&session->reader, &record, session->content,
                              sizeof(session->content));
        rc = rc == FCGI_OK ? serve_record(session, &record) : rc;
    }
    return rc;
}

void session_free(struct session *session)
{
    if (session != NULL) {
        free(session->params.data);
    }
    free(session);
}
