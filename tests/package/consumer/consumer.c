/*
 * consumer - a program in the shape of a user's: it asks an application for
 * one script and prints the answer.
 */
#include <stdio.h>

#include <fcgi_client.h>

static int ask(struct fcgi_client *client, const char *script)
{
    struct fcgi_param params[] = {
        FCGI_PARAM("SCRIPT_FILENAME", script),
        FCGI_PARAM("REQUEST_METHOD", "GET"),
    };
    struct fcgi_request request = {.params = params, .param_count = 2};
    struct fcgi_response response = {0};

    int rc = fcgi_client_do(client, &request, &response);
    if (rc == FCGI_OK) {
        printf("%d %s\n%s", response.status, response.reason,
               response.body.data);
    } else {
        fprintf(stderr, "%s\n", fcgi_error_name(rc));
    }
    fcgi_response_free(&response);
    return rc == FCGI_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct fcgi_client *client;

    if (argc != 3) {
        fprintf(stderr, "usage: consumer ADDRESS SCRIPT\n");
        return 2;
    }
    int rc = fcgi_client_new(&client, argv[1], NULL);
    if (rc != FCGI_OK) {
        fprintf(stderr, "%s\n", fcgi_error_name(rc));
        return 2;
    }
    int status = ask(client, argv[2]);
    fcgi_client_free(client);
    return status;
}
