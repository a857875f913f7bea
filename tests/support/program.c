/*
 * program - another program, run beside a test: see program.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "must.h"
#include "process.h"

/* How long a program may take to end after SIGTERM. */
#define STOP_MS 5000
#define ARGUMENTS_MAX 16

struct program {
    struct program *next;
    pid_t owner;
    pid_t pid;
};

/* The programs to end at exit. Only the main thread starts and stops any. */
static struct program *programs;

bool program_runs(const struct program *program)
{
    /* It is not reaped here, so that its pid stays its own. */
    siginfo_t info = {0};
    int rc =
        waitid(P_PID, (id_t)program->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    return rc == 0 && info.si_pid == 0;
}

/* There is no descriptor for the end of a program, or for most of what it does:
 * look again after 1 ms, 2 ms, and so on up to 16 ms. */
static void back_off(int *pause_ms)
{
    (void)poll(NULL, 0, *pause_ms);
    *pause_ms = *pause_ms < 16 ? *pause_ms * 2 : 16;
}

bool program_await(const struct program *program, int limit_ms,
                   bool (*ready)(void *context), void *context)
{
    int64_t until = now_ms() + limit_ms;
    int pause_ms = 1;
    while (now_ms() < until && program_runs(program)) {
        if (ready(context)) {
            return true;
        }
        back_off(&pause_ms);
    }
    return false;
}

long program_pid(const struct program *program)
{
    return (long)program->pid;
}

void program_signal(const struct program *program, int signal_number)
{
    (void)kill(program->pid, signal_number);
}

static bool never(void *context)
{
    (void)context;
    return false;
}

static void end_group(const struct program *program)
{
    if (program->owner != getpid()) {
        return; /* A child of fork() has a copy, but not the program. */
    }
    program_signal(program, SIGTERM);
    /* One that was stopped must go on in order to end. */
    program_signal(program, SIGCONT);
    (void)program_await(program, STOP_MS, never, NULL);
    /* Until it is reaped no other group can have its number. */
    (void)kill(-program->pid, SIGKILL);
    while (waitpid(program->pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

static void end_all(void)
{
    for (struct program *p = programs; p != NULL; p = p->next) {
        end_group(p);
    }
}

static void enlist(struct program *program)
{
    static bool registered;
    if (!registered) {
        registered = true;
        (void)atexit(end_all);
    }
    program->next = programs;
    programs = program;
}

void program_stop(struct program *program)
{
    if (program == NULL) {
        return;
    }
    struct program **at = &programs;
    while (*at != program) {
        at = &(*at)->next;
    }
    *at = program->next;
    end_group(program);
    free(program);
}

/* Everything from here to run() happens in the child of fork(), where only
 * async-signal-safe functions may be called. */
static void die_with_parent(pid_t parent)
{
#ifdef __linux__
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
    if (getppid() != parent) {
        _exit(127); /* The parent died before that took effect. */
    }
}

static void place(int fd, int target)
{
    if (fd < 0 || dup2(fd, target) < 0) {
        _exit(127);
    }
}

static void arrange_descriptors(const struct program_spec *spec)
{
    if (spec->log != NULL) {
        int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
        int fd = open(spec->log, flags, 0600);
        place(fd, STDOUT_FILENO);
        place(fd, STDERR_FILENO);
    }
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    place(spec->listener > 0 ? spec->listener : null, STDIN_FILENO);
}

static void run(const struct program_spec *spec, char **argv, pid_t parent)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)setpgid(0, 0);
    die_with_parent(parent);
    arrange_descriptors(spec);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execv(spec->path, argv);
    _exit(127);
}

/* The arguments as execv() wants them: it changes none of them. */
static void make_argv(const struct program_spec *spec,
                      char *argv[ARGUMENTS_MAX + 2])
{
    size_t count = 0;
    argv[count++] = (char *)(uintptr_t)spec->path;
    while (spec->arguments != NULL && spec->arguments[count - 1] != NULL) {
        if (count > ARGUMENTS_MAX) {
            must_die("tests: too many arguments");
        }
        argv[count] = (char *)(uintptr_t)spec->arguments[count - 1];
        count++;
    }
    argv[count] = NULL;
}

struct program *program_start(const struct program_spec *spec)
{
    char *argv[ARGUMENTS_MAX + 2];
    struct program *program = must_allocate(sizeof(*program));
    make_argv(spec, argv);
    program->owner = getpid();
    program->pid = fork();
    if (program->pid < 0) {
        must_die("tests: fork");
    }
    if (program->pid == 0) {
        run(spec, argv, program->owner);
    }
    /* Either side does this, since either may be first to need it. */
    (void)setpgid(program->pid, program->pid);
    enlist(program);
    return program;
}

bool program_exists(const char *path)
{
    return access(path, X_OK) == 0;
}

char *program_built(const char *name)
{
    const char *folder = getenv("FCGI_TEST_BIN");
    if (folder == NULL) {
        return NULL;
    }
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = must_allocate(size);
    (void)snprintf(path, size, "%s/%s", folder, name);
    if (!program_exists(path)) {
        free(path);
        return NULL;
    }
    return path;
}

int program_missing(const char *name)
{
    bool skip = getenv("FCGI_TEST_ALLOW_SKIP") != NULL;
    (void)fprintf(stderr, "%s was not found; %s\n", name,
                  skip ? "its tests are skipped"
                       : "install it, or set FCGI_TEST_ALLOW_SKIP");
    return skip ? 0 : -1;
}
