/*
 * php_fpm - a PHP-FPM for a test: see php_fpm.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "php_fpm.h"

#include <arpa/inet.h>
#include <glob.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "must.h"
#include "program.h"
#include "temp.h"

#define START_MS 10000
#define START_TRIES 20

/* Below the ports that systems choose by themselves, so that no other program
 * gets it while PHP-FPM is down. */
#define PORT_FIRST 20000
#define PORT_COUNT 10000

struct php_fpm {
    struct php_fpm_options options;
    struct temp *folder;
    struct program *program;
    char *path;      /* of the program */
    char *config;    /* of its file */
    char *pid_file;  /* written when it has its sockets */
    char *log;       /* of its file */
    char *socket;    /* of its file */
    char listen[32]; /* of TCP: address and port */
    char *address;
};

/* The last match of a pattern, or NULL; the caller frees it. */
static char *last_match(const char *pattern)
{
    glob_t found;
    char *path = NULL;
    if (glob(pattern, 0, NULL, &found) == 0) {
        path = strdup(found.gl_pathv[found.gl_pathc - 1]);
        globfree(&found);
    }
    return path;
}

/* The program's path, or NULL; the caller frees it. */
static char *find_program(void)
{
    static const char *const patterns[] = {
        "/usr/sbin/php-fpm8.2",     "/usr/sbin/php-fpm",   "/usr/sbin/php-fpm*",
        "/usr/local/sbin/php-fpm*", "/opt/*/sbin/php-fpm",
    };
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        char *path = last_match(patterns[i]);
        if (path != NULL && program_exists(path)) {
            return path;
        }
        free(path);
    }
    return NULL;
}

bool php_fpm_installed(void)
{
    char *path = find_program();
    free(path);
    return path != NULL;
}

static bool port_is_free(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0) {
        must_die("tests: socket");
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    bool is_free = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    (void)close(fd);
    return is_free;
}

/* Another program may still take it first: PHP-FPM ends then, and the next port
 * is tried. Tests that run at the same time begin at different ports. */
static uint16_t choose_port(void)
{
    static unsigned tried;
    for (int i = 0; i < PORT_COUNT; i++) {
        unsigned n = (unsigned)getpid() * 101u + tried++;
        uint16_t port = (uint16_t)(PORT_FIRST + n % PORT_COUNT);
        if (port_is_free(port)) {
            return port;
        }
    }
    must_die("tests: no free port");
    return 0;
}

static void choose_address(struct php_fpm *fpm)
{
    if (fpm->options.tcp) {
        (void)snprintf(fpm->listen, sizeof(fpm->listen), "127.0.0.1:%u",
                       (unsigned)choose_port());
    }
    const char *where = fpm->options.tcp ? fpm->listen : fpm->socket;
    size_t size = strlen(where) + sizeof("unix:");
    free(fpm->address);
    fpm->address = must_allocate(size);
    (void)snprintf(fpm->address, size, "%s%s",
                   fpm->options.tcp ? "" : "unix:", where);
}

static void write_global(const struct php_fpm *fpm, FILE *out)
{
    (void)fprintf(out, "[global]\npid = %s\nerror_log = %s\n", fpm->pid_file,
                  fpm->log);
    /* No line for each child that starts or ends. */
    (void)fprintf(out, "log_level = warning\ndaemonize = no\n");
    /* Without this, a reload kills the requests under way. */
    (void)fprintf(out, "process_control_timeout = 10s\n");
}

static void write_pool(const struct php_fpm *fpm, FILE *out)
{
    const struct php_fpm_options *o = &fpm->options;
    (void)fprintf(out, "[test]\nlisten = %s\n",
                  o->tcp ? fpm->listen : fpm->socket);
    if (geteuid() == 0) {
        (void)fprintf(out, "user = root\ngroup = root\n");
    }
    (void)fprintf(out, "pm = %s\npm.max_children = %d\n",
                  o->ondemand ? "ondemand" : "static",
                  o->max_children > 0 ? o->max_children : 4);
    (void)fprintf(out, "pm.max_requests = %d\n", o->max_requests);
    (void)fprintf(out, "request_terminate_timeout = %ds\n", o->terminate_s);
    (void)fprintf(out, "catch_workers_output = yes\n");
}

static void write_php(const struct php_fpm *fpm, FILE *out)
{
    const struct php_fpm_options *o = &fpm->options;
    char *folder = temp_path(fpm->folder, "");
    (void)fprintf(out, "php_admin_value[sys_temp_dir] = %s\n", folder);
    (void)fprintf(out, "php_admin_value[post_max_size] = %s\n",
                  o->post_max != NULL ? o->post_max : "0");
    (void)fprintf(out, "php_admin_value[memory_limit] = %s\n",
                  o->memory != NULL ? o->memory : "128M");
    (void)fprintf(out, "php_admin_flag[enable_post_data_reading] = %s\n",
                  o->lazy_body ? "off" : "on");
    /* Errors go to FCGI_STDERR, and nowhere else. */
    (void)fprintf(out, "php_admin_flag[log_errors] = on\n"
                       "php_admin_flag[fastcgi.logging] = on\n"
                       "php_admin_flag[display_errors] = off\n"
                       "php_admin_flag[html_errors] = off\n");
    free(folder);
}

static void write_config(const struct php_fpm *fpm)
{
    FILE *out = fopen(fpm->config, "w");
    if (out == NULL) {
        must_die(fpm->config);
    }
    write_global(fpm, out);
    write_pool(fpm, out);
    write_php(fpm, out);
    if (fclose(out) != 0) {
        must_die(fpm->config);
    }
}

static void fail_to_start(const struct php_fpm *fpm)
{
    char line[1000];
    FILE *log = fopen(fpm->log, "r");
    (void)fprintf(stderr, "tests: %s did not start\n", fpm->path);
    while (log != NULL && fgets(line, sizeof(line), log) != NULL) {
        (void)fputs(line, stderr);
    }
    exit(EXIT_FAILURE);
}

/* PHP-FPM writes its pid once it listens; an answer at its address before that
 * comes from another program. */
static bool has_written_pid(void *context)
{
    struct php_fpm *fpm = context;
    long pid = 0;
    FILE *file = fopen(fpm->pid_file, "r");
    if (file == NULL) {
        return false;
    }
    bool found = fscanf(file, "%ld", &pid) == 1;
    (void)fclose(file);
    return found && pid == program_pid(fpm->program);
}

static bool run(struct php_fpm *fpm)
{
    /* Without php.ini, in the foreground, and as the user who runs the tests.
     */
    const char *arguments[] = {"-n", "-F", "-y", fpm->config, "-R", NULL};
    struct program_spec spec = {
        .path = fpm->path, .arguments = arguments, .log = fpm->log};
    fpm->program = program_start(&spec);
    return program_await(fpm->program, START_MS, has_written_pid, fpm);
}

void php_fpm_up(struct php_fpm *fpm)
{
    if (!run(fpm)) {
        fail_to_start(fpm);
    }
}

void php_fpm_down(struct php_fpm *fpm)
{
    program_stop(fpm->program);
    fpm->program = NULL;
    (void)unlink(fpm->pid_file);
}

static bool try_address(struct php_fpm *fpm)
{
    choose_address(fpm);
    write_config(fpm);
    if (run(fpm)) {
        return true;
    }
    php_fpm_down(fpm);
    return false;
}

struct php_fpm *php_fpm_start(const struct php_fpm_options *options)
{
    struct php_fpm *fpm = must_allocate(sizeof(*fpm));
    fpm->options = *options;
    fpm->path = find_program();
    fpm->folder = temp_new();
    fpm->config = temp_path(fpm->folder, "php-fpm.conf");
    fpm->pid_file = temp_path(fpm->folder, "php-fpm.pid");
    fpm->log = temp_path(fpm->folder, "php-fpm.log");
    fpm->socket = temp_path(fpm->folder, "php-fpm.sock");
    for (int i = 0; i < (options->tcp ? START_TRIES : 1); i++) {
        if (try_address(fpm)) {
            return fpm;
        }
    }
    fail_to_start(fpm);
    return NULL;
}

void php_fpm_stop(struct php_fpm *fpm)
{
    if (fpm == NULL) {
        return;
    }
    program_stop(fpm->program);
    temp_free(fpm->folder);
    free(fpm->path);
    free(fpm->config);
    free(fpm->pid_file);
    free(fpm->log);
    free(fpm->socket);
    free(fpm->address);
    free(fpm);
}

void php_fpm_reload(struct php_fpm *fpm)
{
    program_signal(fpm->program, SIGUSR2);
}

const char *php_fpm_address(const struct php_fpm *fpm)
{
    return fpm->address;
}

char *php_fpm_script(const char *name)
{
    const char *source = getenv("FCGI_TEST_SOURCE");
    if (source == NULL) {
        (void)fputs("tests: FCGI_TEST_SOURCE is not set\n", stderr);
        exit(EXIT_FAILURE);
    }
    size_t size = strlen(source) + strlen(name) + sizeof("/interop/php/");
    char *path = must_allocate(size);
    (void)snprintf(path, size, "%s/interop/php/%s", source, name);
    return path;
}
