/*
 * gateway-threads - an HTTP server in front of a FastCGI application, in one
 * file: libmicrohttpd speaks HTTP, with a thread for each connection, and
 * fcgi_client_do() asks the application. `options` is the command line.
 *
 * Bodies are held in memory: those of all requests up to --memory together,
 * and each answer up to the library's limit. For large bodies, or many slow
 * clients, see fcgi-gateway.
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <fcgi_client.h>
#include <microhttpd.h>

#include "../common/cli.h"
#include "../common/descriptors.h"
#include "../common/http_status.h"
#include "../common/signals.h"
#include "../common/variables.h"
#include "options.h"

#define FIELDS_MAX 100
#define HEAD_MAX ((size_t)64 << 10) /* of a request, and of an answer */
#define BODY_MAX ((size_t)16 << 20)

/* What all requests share. */
static struct fcgi_client *client;
static struct fcgi_cgi_site site = {.folding = FCGI_CGI_FOLDING_DROP};
static struct options options;
static atomic_size_t held; /* bytes of request bodies */

/* One request, and its answer. */
struct visit {
    const char *method; /* NULL: the head has not been read */
    struct fcgi_field fields[FIELDS_MAX];
    size_t field_count;
    struct fcgi_source body; /* `data` is the visit's, to be freed */
    size_t received;         /* bytes of the body, held or not */
    int refusal;             /* the status to answer the body with; 0: none */
    struct fcgi_cgi *cgi;
    struct fcgi_response response;
    char target[];
};

static struct fcgi_slice slice(const char *text)
{
    return (struct fcgi_slice){text, strlen(text)};
}

/* One line: whatever the client or the application has sent must not make
 * another. */
static void log_line(const struct visit *visit, const char *what,
                     const char *text)
{
    char line[600];

    (void)snprintf(line, sizeof(line), "%s %.200s: %s: %s", visit->method,
                   visit->target, what, text);
    for (char *at = line; *at != '\0'; at++) {
        *at = *at < ' ' || *at > '~' ? '?' : *at;
    }
    (void)fprintf(stderr, "gateway-threads: %s\n", line);
}

/* `target` is what the client has sent, byte for byte. */
static void *begin_visit(void *none, const char *target,
                         struct MHD_Connection *c)
{
    struct visit *visit = calloc(1, sizeof(*visit) + strlen(target) + 1);

    (void)none, (void)c;
    if (visit != NULL) {
        strcpy(visit->target, target);
    }
    return visit;
}

static void release_body(struct visit *visit)
{
    atomic_fetch_sub(&held, visit->body.len);
    free((void *)visit->body.data);
    visit->body = (struct fcgi_source){0};
}

static void end_visit(void *none, struct MHD_Connection *c, void **state,
                      enum MHD_RequestTerminationCode how)
{
    struct visit *visit = *state;

    (void)none, (void)c, (void)how;
    if (visit != NULL) {
        fcgi_response_free(&visit->response);
        fcgi_cgi_free(visit->cgi);
        release_body(visit);
        free(visit);
    }
}

static enum MHD_Result take_field(void *visit, enum MHD_ValueKind kind,
                                  const char *name, size_t name_len,
                                  const char *value, size_t value_len)
{
    struct visit *v = visit;

    (void)kind;
    if (v->field_count < FIELDS_MAX) {
        v->fields[v->field_count++] =
            (struct fcgi_field){name, value, name_len, value_len};
    }
    return MHD_YES;
}

/* Returns 0, or the status to refuse the request with at once. */
static int read_head(struct visit *visit, struct MHD_Connection *c)
{
    const char *length =
        MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length");
    int count =
        MHD_get_connection_values_n(c, MHD_HEADER_KIND, take_field, visit);

    if (count > FIELDS_MAX) {
        return 431;
    }
    return length != NULL && strtoull(length, NULL, 10) > BODY_MAX ? 413 : 0;
}

/* Returns 0, or the status to refuse the request with. */
static int append_body(struct visit *visit, const char *data, size_t len)
{
    size_t had = visit->body.len;
    char *grown;

    if (len > BODY_MAX - had) {
        return 413;
    }
    visit->body.len += len;
    if (atomic_fetch_add(&held, len) + len > options.memory) {
        return 503;
    }
    grown = realloc((void *)visit->body.data, had + len);
    if (grown == NULL) {
        return 503;
    }
    memcpy(grown + had, data, len);
    visit->body.data = grown;
    return 0;
}

/* libmicrohttpd cannot answer in the middle of a body: the rest of one that is
 * refused is read, up to a limit, but not held. */
static enum MHD_Result take_body(struct visit *visit, const char *data,
                                 size_t *len)
{
    visit->received += *len;
    if (visit->refusal == 0) {
        visit->refusal = append_body(visit, data, *len);
    }
    if (visit->refusal != 0) {
        release_body(visit);
    }
    *len = 0;
    return visit->received <= 2 * BODY_MAX ? MHD_YES : MHD_NO;
}

/* Only this host can be the client. */
static int ask_application(struct visit *visit, const char *version)
{
    struct fcgi_request request = {.body = visit->body};
    struct fcgi_cgi_request http = {.method = slice(visit->method),
                                    .target = slice(visit->target),
                                    .protocol = slice(version),
                                    .fields = visit->fields,
                                    .field_count = visit->field_count,
                                    .remote_addr = slice("127.0.0.1"),
                                    .server_port = slice(options.port),
                                    .content_length = (int64_t)visit->body.len};
    int rc = fcgi_cgi_new(&visit->cgi, NULL);

    if (rc == FCGI_OK) {
        rc = fcgi_cgi_build(visit->cgi, &site, &http);
    }
    if (rc == FCGI_OK) {
        rc = variables_set(&options.variables, visit->cgi);
    }
    if (rc == FCGI_OK) {
        request.params = fcgi_cgi_params(visit->cgi, &request.param_count);
        rc = fcgi_client_do(client, &request, &visit->response);
        release_body(visit);
    }
    if (visit->response.stderr_data.len > 0) {
        log_line(visit, "application", visit->response.stderr_data.data);
    }
    if (rc == FCGI_OK && visit->response.status < 200) {
        return FCGI_ERR_BAD_HEAD; /* HTTP clients expect another after it */
    }
    /* A body that was too long has been cut at its Content-Length. */
    return rc == FCGI_ERR_BODY_LONG ? FCGI_OK : rc;
}

/* The body of an answer to HEAD, which is never sent. */
static ssize_t read_no_body(void *none, uint64_t at, char *room, size_t len)
{
    (void)none, (void)at, (void)room, (void)len;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

/* The answer to HEAD has the Content-Length of the application's. Without one
 * the connection is closed: libmicrohttpd would send the end of a chunked
 * body. */
static struct MHD_Response *make_head_response(const struct fcgi_response *from)
{
    const char *length = fcgi_response_field(from, "Content-Length", 0);
    struct MHD_Response *response = MHD_create_response_from_callback(
        length == NULL ? MHD_SIZE_UNKNOWN : strtoull(length, NULL, 10), 1,
        read_no_body, NULL, NULL);

    if (length == NULL) {
        (void)MHD_set_response_options(response, MHD_RF_HTTP_VERSION_1_0_ONLY,
                                       MHD_RO_END);
    }
    return response;
}

static struct MHD_Response *make_response(struct fcgi_slice body)
{
    return MHD_create_response_from_buffer(
        body.len, (void *)(uintptr_t)body.data, MHD_RESPMEM_PERSISTENT);
}

static void add_fields(struct MHD_Response *response,
                       const struct fcgi_response *from)
{
    for (size_t i = 0; i < from->field_count; i++) {
        const struct fcgi_field *field = &from->fields[i];
        if (fcgi_cgi_is_end_to_end(from, field) &&
            strcasecmp(field->name, "Content-Length") != 0) {
            (void)MHD_add_response_header(response, field->name, field->value);
        }
    }
}

static enum MHD_Result queue_response(struct MHD_Connection *c, int status,
                                      struct MHD_Response *response)
{
    enum MHD_Result result = MHD_queue_response(c, (unsigned)status, response);

    MHD_destroy_response(response);
    return result;
}

/* Send the application's answer. */
static enum MHD_Result answer(struct MHD_Connection *c,
                              const struct visit *visit)
{
    const struct fcgi_response *from = &visit->response;
    struct MHD_Response *response = strcmp(visit->method, "HEAD") == 0
                                        ? make_head_response(from)
                                        : make_response(from->body);

    add_fields(response, from);
    return queue_response(c, from->status, response);
}

/* Nothing more is read from this client, which may be about to send a body. */
static enum MHD_Result refuse(struct MHD_Connection *c, int status)
{
    struct MHD_Response *response =
        make_response(slice(fcgi_reason_phrase(status)));

    (void)MHD_add_response_header(response, "Connection", "close");
    return queue_response(c, status, response);
}

/* Called with the head, with each piece of the body, and for the answer. */
static enum MHD_Result handle_request(void *none, struct MHD_Connection *c,
                                      const char *path, const char *method,
                                      const char *version, const char *data,
                                      size_t *len, void **state)
{
    struct visit *v = *state;
    int rc;

    (void)none, (void)path;
    if (v == NULL) {
        return MHD_NO;
    }
    if (v->method == NULL) {
        v->method = method;
        rc = read_head(v, c);
        return rc == 0 ? MHD_YES : refuse(c, rc);
    }
    if (*len > 0) {
        return take_body(v, data, len);
    }
    if (v->refusal != 0) {
        return refuse(c, v->refusal);
    }
    rc = ask_application(v, version);
    if (rc == FCGI_OK) {
        return answer(c, v);
    }
    log_line(v, fcgi_error_name(rc), fcgi_strerror(rc));
    return refuse(c, http_status_of_error(rc));
}

static int serve(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port =
                                      htons((uint16_t)atoi(options.port)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon;
    sigset_t ends;
    char name[32];

    signals_block(&ends);
    daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, 0,
        NULL, NULL, handle_request, NULL, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_URI_LOG_CALLBACK, begin_visit, NULL,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, 2 * HEAD_MAX,
        MHD_OPTION_NOTIFY_COMPLETED, end_visit, NULL,
        MHD_OPTION_CONNECTION_TIMEOUT, 60U, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_END);
    if (daemon == NULL) {
        (void)snprintf(name, sizeof(name), "127.0.0.1:%s", options.port);
        return cli_fail(EXIT_FAILURE, name, strerror(errno));
    }
    (void)fprintf(stderr, "gateway-threads: listening on 127.0.0.1:%u\n",
                  MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    (void)sigwait(&ends, &(int){0});
    MHD_stop_daemon(daemon);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct fcgi_client_config config = {0};
    int rc;

    descriptors_open_standard();
    if (!options_read(&options, argc, argv, &rc)) {
        return rc;
    }
    site.root = options.root;
    site.drop_connection_named = options.drop_connection_named;
    config.limits.line_len = HEAD_MAX;
    config.limits.head_len = HEAD_MAX;
    config.timeouts.idle_ms = options.timeout_ms;
    config.timeouts.first_byte_ms = options.timeout_ms;
    config.timeouts.total_ms = options.total_ms;
    config.no_abort = options.no_abort;
    rc = fcgi_client_new(&client, options.upstream, &config);
    if (rc != FCGI_OK) {
        return cli_fail(EXIT_USAGE, options.upstream, fcgi_strerror(rc));
    }
    rc = serve();
    fcgi_client_free(client);
    return rc;
}
