/*
 * hello - the shortest useful program: ask the application at ADDRESS to run
 * SCRIPT, wait for the whole answer, and print its status and body.
 *
 *     hello unix:/run/php/php-fpm.sock /srv/www/index.php
 */
#include <stdio.h>

#include <fcgi_client.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: hello ADDRESS SCRIPT\n", stderr);
        return 3;
    }
    const struct fcgi_param params[] = {
        FCGI_PARAM("SCRIPT_FILENAME", argv[2]),
        FCGI_PARAM("REQUEST_METHOD", "GET"),
    };
    const struct fcgi_request request = {.params = params, .param_count = 2};
    struct fcgi_response response = {0};
    struct fcgi_client *client;
    int rc = fcgi_client_new(&client, argv[1], NULL);

    if (rc == FCGI_OK) {
        rc = fcgi_client_do(client, &request, &response);
    }
    if (rc == FCGI_OK) {
        printf("%d\n%s\n", response.status, response.body.data);
    } else {
        fprintf(stderr, "hello: %s\n", fcgi_strerror(rc));
    }
    fcgi_response_free(&response);
    fcgi_client_free(client);
    return rc == FCGI_OK ? 0 : 1;
}
