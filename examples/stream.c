/*
 * stream - send a FILE of any size to SCRIPT, and print the answer as it
 * arrives: neither is ever in memory as a whole.
 *
 *     stream unix:/run/php/php-fpm.sock /srv/www/upload.php film.mkv
 *
 * The body of the request comes from a source, and the answer goes to a sink.
 * Sending and receiving go on at the same time.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <fcgi_client.h>
#include <fcgi_client/io.h>

static int print_head(void *context, const struct fcgi_response *response)
{
    (void)context;
    fprintf(stderr, "stream: %d %s\n", response->status, response->reason);
    return 0;
}

/* All `*len` bytes are taken, or the request is cancelled. */
static int print_body(void *context, const void *data, size_t *len)
{
    FILE *out = context;

    return fwrite(data, 1, *len, out) == *len ? 0 : -1;
}

static int print_stderr(void *context, const void *data, size_t len)
{
    (void)context;
    return fwrite(data, 1, len, stderr) == len ? 0 : -1;
}

static int ask(struct fcgi_client *client, const char *script, int fd)
{
    struct fcgi_fd_state state;
    struct fcgi_response response = {0};
    const struct fcgi_param params[] = {
        FCGI_PARAM("SCRIPT_FILENAME", script),
        FCGI_PARAM("REQUEST_METHOD", "POST"),
        FCGI_PARAM("CONTENT_TYPE", "application/octet-stream"),
    };
    const struct fcgi_request request = {
        .params = params,
        .param_count = sizeof(params) / sizeof(params[0]),
        .body = fcgi_fd_source(&state, fd),
        .add_content_length = true,
        .sink = {.head = print_head,
                 .body = print_body,
                 .stderr_data = print_stderr,
                 .context = stdout},
    };
    int rc = fcgi_client_do(client, &request, &response);

    fcgi_response_free(&response);
    return rc == FCGI_OK && fflush(stdout) != 0 ? FCGI_ERR_SYSTEM : rc;
}

int main(int argc, char **argv)
{
    struct fcgi_client *client;
    int fd;
    int rc;

    if (argc != 4) {
        fputs("usage: stream ADDRESS SCRIPT FILE\n", stderr);
        return 3;
    }
    fd = open(argv[3], O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        perror("stream");
        return 1;
    }
    rc = fcgi_client_new(&client, argv[1], NULL);
    if (rc == FCGI_OK) {
        rc = ask(client, argv[2], fd);
    }
    if (rc != FCGI_OK) {
        fprintf(stderr, "stream: %s\n", fcgi_strerror(rc));
    }
    fcgi_client_free(client);
    close(fd);
    return rc == FCGI_OK ? 0 : 1;
}
