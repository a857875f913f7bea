/*
 * http_status - the HTTP status that stands for an error of the library.
 */
#include "http_status.h"

#include <fcgi_client/error.h>

int http_status_of_error(int error)
{
    switch (error) {
    case FCGI_ERR_BAD_REQUEST:
        return 400;
    case FCGI_ERR_NOT_FOUND:
        return 404;
    case FCGI_ERR_QUEUE_FULL:
    case FCGI_ERR_QUEUE_TIMEOUT:
    case FCGI_ERR_POOL_CLOSED:
    case FCGI_ERR_BACKLOG_FULL:
    case FCGI_ERR_OVERLOADED:
    case FCGI_ERR_NO_MEMORY:
    case FCGI_ERR_SYSTEM:
        return 503;
    case FCGI_ERR_CONNECT_TIMEOUT:
    case FCGI_ERR_WRITE_TIMEOUT:
    case FCGI_ERR_FIRST_BYTE_TIMEOUT:
    case FCGI_ERR_IDLE_TIMEOUT:
    case FCGI_ERR_DEADLINE:
        return 504;
    default:
        return 502;
    }
}
