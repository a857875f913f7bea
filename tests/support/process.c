/*
 * process - what a test asks about its own process: see process.h.
 */
#define _GNU_SOURCE /* sched_setaffinity() */

#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How much later than its limit something may come on a busy machine. */
#define LATE_MS 5000

static bool is_entry(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static DIR *open_folder(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        perror(path);
        abort();
    }
    return dir;
}

static size_t count_entries(const char *path)
{
    size_t count = 0;
    DIR *dir = open_folder(path);
    struct dirent *entry = readdir(dir);
    while (entry != NULL) {
        count += is_entry(entry);
        entry = readdir(dir);
    }
    (void)closedir(dir);
    return count;
}

size_t open_descriptors(void)
{
    /* Without the one that reads the folder. */
    return count_entries("/proc/self/fd") - 1;
}

int send_buffer(int fd)
{
    int size = 0;
    socklen_t len = sizeof(size);
    if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &len) != 0) {
        perror("SO_SNDBUF");
        abort();
    }
    return size;
}

int send_buffer_for(int len)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int size;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &len, sizeof(len));
    size = send_buffer(fd);
    (void)close(fd);
    return size;
}

size_t running_threads(void)
{
    return count_entries("/proc/self/task");
}

bool await_threads(size_t count)
{
    int64_t start = now_ms();
    while (running_threads() != count && now_ms() - start < LATE_MS) {
        (void)sched_yield();
    }
    return running_threads() == count;
}

/* The mask of blocked signals of one thread; signal n is bit n - 1. */
static uint64_t blocked_signals(const char *task)
{
    char path[300];
    char line[200];
    uint64_t mask = UINT64_MAX;
    (void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", task);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return mask; /* It has just ended. */
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        (void)sscanf(line, "SigBlk: %" SCNx64, &mask);
    }
    (void)fclose(file);
    return mask;
}

/* The caller is the main thread in all tests, whose id is the process's. */
static bool is_caller(const char *task)
{
    return strtol(task, NULL, 10) == (long)getpid();
}

size_t threads_open_to(int signal_number)
{
    size_t count = 0;
    uint64_t bit = UINT64_C(1) << (signal_number - 1);
    DIR *dir = open_folder("/proc/self/task");
    struct dirent *entry = readdir(dir);
    while (entry != NULL) {
        if (is_entry(entry) && !is_caller(entry->d_name)) {
            count += (blocked_signals(entry->d_name) & bit) == 0;
        }
        entry = readdir(dir);
    }
    (void)closedir(dir);
    return count;
}

/* Of the main thread. It is open from before main(), so that reading it opens
 * no descriptor while a test counts them, and does not allocate. An emulator
 * makes up /proc/self, but not this. */
#define STAT "/proc/thread-self/stat"
static int stat_of_main = -1;

__attribute__((constructor)) static void open_stat(void)
{
    stat_of_main = open(STAT, O_RDONLY | O_CLOEXEC);
}

/* The letter behind the name in parentheses. */
bool main_is_asleep(void)
{
    char line[400];
    ssize_t got = pread(stat_of_main, line, sizeof(line) - 1, 0);
    if (got < 0) {
        perror(STAT);
        abort();
    }
    line[got] = '\0';
    const char *behind = strrchr(line, ')');
    return behind != NULL && behind[1] == ' ' && behind[2] == 'S';
}

void await_main_asleep(void)
{
    while (!main_is_asleep()) {
        (void)sched_yield();
    }
}

#ifdef __GNUC__
/* Exists only in a build with --coverage that is linked with -u __gcov_dump: it
 * writes the counts, which otherwise happens at exit. */
void __gcov_dump(void) __attribute__((weak));

static void keep_counts(void)
{
    if (__gcov_dump != NULL) {
        __gcov_dump();
    }
}
#else
static void keep_counts(void)
{
}
#endif

void child_ends_well(void)
{
    keep_counts();
    (void)raise(SIGKILL);
}

ssize_t read_on(int fd, void *buf, size_t len)
{
    ssize_t got;
    do {
        got = read(fd, buf, len);
    } while (got < 0 && errno == EINTR);
    return got;
}

int await_exit(pid_t child)
{
    int status;
    pid_t ended;
    do {
        ended = waitpid(child, &status, 0);
    } while (ended < 0 && errno == EINTR);
    if (ended != child) {
        perror("tests: waitpid");
        abort();
    }
    return status;
}

size_t requests_wanted(size_t standard)
{
    const char *wanted = getenv("FCGI_TEST_REQUESTS");
    return wanted == NULL ? standard : strtoul(wanted, NULL, 10);
}

int64_t now_ms(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        abort();
    }
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#ifdef CPU_SET
static void choose_first(cpu_set_t *chosen, const cpu_set_t *all)
{
    CPU_ZERO(chosen);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(chosen) == 0; i++) {
        if (CPU_ISSET(i, all)) {
            CPU_SET(i, chosen);
        }
    }
}

void share_one_processor(bool on)
{
    static cpu_set_t all;
    cpu_set_t one;
    if (on) {
        (void)sched_getaffinity(0, sizeof(all), &all);
    }
    choose_first(&one, &all);
    (void)sched_setaffinity(0, sizeof(all), on ? &one : &all);
}
#else
void share_one_processor(bool on)
{
    (void)on;
}
#endif

void pass_ms(int64_t duration)
{
    struct timespec left = {(time_t)(duration / 1000),
                            (long)(duration % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0) {
        /* A signal came; `left` is what is left. */
    }
}

bool elapsed(int64_t since, int64_t least)
{
    int64_t took = now_ms() - since;
    if (took < least || took > least + LATE_MS) {
        (void)fprintf(stderr, "took %" PRId64 " ms, not %" PRId64 "\n", took,
                      least);
        return false;
    }
    return true;
}
