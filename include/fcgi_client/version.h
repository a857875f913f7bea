/*
 * version - the version of libfcgi-client, stated here and nowhere else: the
 * build reads these three lines.
 */
#ifndef FCGI_CLIENT_VERSION_H
#define FCGI_CLIENT_VERSION_H

#define FCGI_CLIENT_VERSION_MAJOR 0
#define FCGI_CLIENT_VERSION_MINOR 1
#define FCGI_CLIENT_VERSION_PATCH 0

#endif
