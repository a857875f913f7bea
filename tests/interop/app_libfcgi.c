/*
 * app_libfcgi - an application made with libfcgi, in each of its roles, for
 * the interop tests. Its listening socket is descriptor 0.
 *
 * As a responder it does what the variable APP_MODE says; without one it
 * answers with its variables, a line each, an empty line and the body.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcgiapp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN "Content-Type: text/plain\r\n\r\n"

static const char *variable(const FCGX_Request *request, const char *name)
{
    const char *value = FCGX_GetParam(name, request->envp);
    return value != NULL ? value : "";
}

/* What has arrived is handed on before more is waited for. */
static void copy(FCGX_Stream *in, FCGX_Stream *out)
{
    int c = FCGX_GetChar(in);
    while (c >= 0) {
        (void)FCGX_UnGetChar(c, in);
        int len = (int)(in->stop - in->rdNext);
        if (FCGX_PutStr((const char *)in->rdNext, len, out) != len ||
            FCGX_FFlush(out) != 0) {
            return; /* The client has gone. */
        }
        in->rdNext += len;
        c = FCGX_GetChar(in);
    }
}

static void echo(FCGX_Request *request)
{
    (void)FCGX_PutS(PLAIN, request->out);
    for (char **entry = request->envp; *entry != NULL; entry++) {
        (void)FCGX_FPrintF(request->out, "%s\n", *entry);
    }
    (void)FCGX_PutS("\n", request->out);
    copy(request->in, request->out);
}

static void cat(FCGX_Request *request)
{
    (void)FCGX_PutS(PLAIN, request->out);
    copy(request->in, request->out);
}

static void end_with_status(FCGX_Request *request)
{
    (void)FCGX_PutS(PLAIN "ended", request->out);
    FCGX_SetExitStatus((int)strtol(variable(request, "APP_STATUS"), NULL, 10),
                       request->out);
}

static void complain(FCGX_Request *request)
{
    (void)FCGX_PutS("before\n", request->err);
    (void)FCGX_FFlush(request->err);
    (void)FCGX_PutS(PLAIN "one ", request->out);
    (void)FCGX_FFlush(request->out);
    (void)FCGX_PutS("amid\n", request->err);
    (void)FCGX_FFlush(request->err);
    (void)FCGX_PutS("two", request->out);
    (void)FCGX_FFlush(request->out);
    (void)FCGX_PutS("after\n", request->err);
}

static void redirect(FCGX_Request *request)
{
    (void)FCGX_PutS("Location: /elsewhere\n\n", request->out);
}

static void ramble(FCGX_Request *request)
{
    (void)FCGX_PutS("this is no head\n\nof a response", request->out);
}

static void respond(FCGX_Request *request)
{
    static const struct {
        const char *name;
        void (*serve)(FCGX_Request *request);
    } modes[] = {
        {"cat", cat},         {"status", end_with_status},
        {"stderr", complain}, {"location", redirect},
        {"no-head", ramble},
    };
    const char *mode = variable(request, "APP_MODE");
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(mode, modes[i].name) == 0) {
            modes[i].serve(request);
            return;
        }
    }
    echo(request);
}

static void authorize(FCGX_Request *request)
{
    if (strcmp(variable(request, "HTTP_AUTHORIZATION"), "open") == 0) {
        (void)FCGX_PutS("Status: 200 OK\r\n"
                        "Variable-AUTH_USER: somebody\r\n"
                        "Variable-AUTH_GROUP: some of them\r\n\r\n",
                        request->out);
    } else {
        (void)FCGX_PutS("Status: 403 Not You\r\n" PLAIN "go away",
                        request->out);
    }
}

/* FCGI_STDIN whole, then FCGI_DATA. */
static void filter(FCGX_Request *request)
{
    (void)FCGX_PutS(PLAIN "stdin:", request->out);
    copy(request->in, request->out);
    (void)FCGX_PutS("\ndata:", request->out);
    if (FCGX_StartFilterData(request->in) != 0) {
        (void)FCGX_PutS("(none)", request->err);
        return;
    }
    copy(request->in, request->out);
}

static void serve(FCGX_Request *request)
{
    const char *role = variable(request, "FCGI_ROLE");
    if (strcmp(role, "AUTHORIZER") == 0) {
        authorize(request);
    } else if (strcmp(role, "FILTER") == 0) {
        filter(request);
    } else {
        respond(request);
    }
}

int main(void)
{
    FCGX_Request request;
    if (FCGX_Init() != 0 || FCGX_InitRequest(&request, 0, 0) != 0) {
        (void)fprintf(stderr, "app_libfcgi: libfcgi does not start\n");
        return 1;
    }
    while (FCGX_Accept_r(&request) == 0) {
        serve(&request);
        FCGX_Finish_r(&request);
    }
    return 0;
}
