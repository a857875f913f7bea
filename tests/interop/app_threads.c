/*
 * app_threads - an application made with libfcgi, of four threads that take
 * turns to accept, as libfcgi needs it: for the interop tests. A thread that
 * has kept its connection waits there for the next request, and nobody else
 * accepts meanwhile. Its listening socket is descriptor 0.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcgiapp.h>
#include <pthread.h>
#include <stdio.h>

#define THREADS 4

static pthread_mutex_t accepting = PTHREAD_MUTEX_INITIALIZER;

static int accept_one(FCGX_Request *request)
{
    int rc;

    (void)pthread_mutex_lock(&accepting);
    rc = FCGX_Accept_r(request);
    (void)pthread_mutex_unlock(&accepting);
    return rc;
}

static void *serve(void *none)
{
    FCGX_Request request;

    if (FCGX_InitRequest(&request, 0, 0) != 0) {
        return NULL;
    }
    while (accept_one(&request) == 0) {
        (void)FCGX_PutS("Content-Type: text/plain\r\n\r\nhello", request.out);
        FCGX_Finish_r(&request);
    }
    return none;
}

int main(void)
{
    pthread_t threads[THREADS];

    if (FCGX_Init() != 0) {
        (void)fprintf(stderr, "app_threads: libfcgi does not start\n");
        return 1;
    }
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, serve, NULL) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return 0;
}
