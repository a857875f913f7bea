/*
 * libfcgi-client - ask a FastCGI application for something.
 *
 * This header includes every other one but <fcgi_client/io.h>, which needs
 * FILE, and those of loops in epoll, libevent and libuv. To use one layer
 * alone, include its header alone.
 */
#ifndef FCGI_CLIENT_H
#define FCGI_CLIENT_H

#include <fcgi_client/call.h>
#include <fcgi_client/cgi.h>
#include <fcgi_client/client.h>
#include <fcgi_client/error.h>
#include <fcgi_client/exchange.h>
#include <fcgi_client/loop.h>
#include <fcgi_client/params.h>
#include <fcgi_client/pool.h>
#include <fcgi_client/record.h>
#include <fcgi_client/response.h>
#include <fcgi_client/version.h>
#include <fcgi_client/wakeup.h>

#endif
