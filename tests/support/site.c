/*
 * site - an application and a gateway in front of it: see site.h.
 */
#include "site.h"

#include <stddef.h>
#include <stdlib.h>

#include "app.h"
#include "front.h"
#include "php_fpm.h"
#include "program.h"
#include "test.h"

static struct site the_site;

static int put_front(void **state, const char *program, const char *upstream)
{
    char *root = php_fpm_script("");
    the_site.front = front_start(program, upstream, root, NULL);
    free(root);
    *state = &the_site;
    if (the_site.front != NULL) {
        return 0;
    }
    (void)site_stop(state);
    *state = NULL;
    return program_missing(program);
}

int site_of_php(void **state, const char *program, int children)
{
    struct php_fpm_options options = {.max_children = children};
    if (!php_fpm_installed()) {
        return program_missing("php-fpm");
    }
    the_site.fpm = php_fpm_start(&options);
    return put_front(state, program, php_fpm_address(the_site.fpm));
}

int site_of_libfcgi(void **state, const char *program)
{
    char *path = program_built("app_libfcgi");
    if (path == NULL) {
        return program_missing("app_libfcgi");
    }
    the_site.app = app_start(path, true);
    free(path);
    return put_front(state, program, app_address(the_site.app));
}

int site_stop(void **state)
{
    struct site *site = *state;
    bool ended = true;
    if (site != NULL) {
        ended = front_stop(site->front);
        php_fpm_stop(site->fpm);
        app_stop(site->app);
        *site = (struct site){0};
    }
    return ended ? 0 : -1;
}

int site_finds_gateway(void **state)
{
    static char found[] = "";
    char *path = program_built("fcgi-gateway");
    *state = path == NULL ? NULL : found;
    free(path);
    return *state == NULL ? program_missing("fcgi-gateway") : 0;
}

struct front *site_gateway(void **state, const char *upstream,
                           const char *const *options)
{
    if (*state == NULL) {
        skip();
        return NULL;
    }
    char *root = php_fpm_script("");
    struct front *front = front_start("fcgi-gateway", upstream, root, options);
    free(root);
    return front;
}

struct site *site_get(void **state)
{
    if (*state == NULL) {
        skip();
    }
    return *state;
}
