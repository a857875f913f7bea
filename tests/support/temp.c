/*
 * temp - a temporary folder for a test: see temp.h.
 */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64 /* readdir() of large folders, also in 32 bits */

#include "temp.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The longest folder that leaves room for a socket's name in sun_path, which
 * holds 104 bytes on the BSDs. */
#define FOLDER_MAX 64

struct temp {
    struct temp *next;
    pid_t owner;
    char path[FOLDER_MAX + 32];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct temp *folders;

static void die(const char *what)
{
    perror(what);
    abort();
}

char *temp_path(const struct temp *temp, const char *name)
{
    size_t size = strlen(temp->path) + strlen(name) + 2;
    char *path = malloc(size);
    if (path == NULL) {
        die("tests: temp");
    }
    (void)snprintf(path, size, "%s%s%s", temp->path, *name ? "/" : "", name);
    return path;
}

/* Programs may make folders in it. */
static void remove_tree(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        return;
    }
    struct dirent *entry = readdir(dir);
    while (entry != NULL) {
        if (strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0 &&
            unlinkat(fd, entry->d_name, 0) != 0) {
            remove_tree(fd, entry->d_name);
        }
        entry = readdir(dir);
    }
    (void)closedir(dir);
    (void)unlinkat(at, name, AT_REMOVEDIR);
}

static void remove_folder(const struct temp *temp)
{
    /* A child of fork() has a copy of the list, but must not remove them. */
    if (temp->owner == getpid()) {
        remove_tree(AT_FDCWD, temp->path);
    }
}

static void remove_all(void)
{
    for (struct temp *temp = folders; temp != NULL; temp = temp->next) {
        remove_folder(temp);
    }
}

static const char *parent(void)
{
    const char *folder = getenv("TMPDIR");
    bool usable =
        folder != NULL && *folder != '\0' && strlen(folder) <= FOLDER_MAX;
    return usable ? folder : "/tmp";
}

static void enlist(struct temp *temp)
{
    static bool registered;
    (void)pthread_mutex_lock(&lock);
    if (!registered) {
        registered = true;
        (void)atexit(remove_all);
    }
    temp->next = folders;
    folders = temp;
    (void)pthread_mutex_unlock(&lock);
}

static void delist(const struct temp *temp)
{
    (void)pthread_mutex_lock(&lock);
    struct temp **at = &folders;
    while (*at != temp) {
        at = &(*at)->next;
    }
    *at = temp->next;
    (void)pthread_mutex_unlock(&lock);
}

struct temp *temp_new(void)
{
    struct temp *temp = calloc(1, sizeof(*temp));
    if (temp == NULL) {
        die("tests: temp");
    }
    temp->owner = getpid();
    (void)snprintf(temp->path, sizeof(temp->path), "%s/fcgi-test-XXXXXX",
                   parent());
    if (mkdtemp(temp->path) == NULL) {
        die("tests: mkdtemp");
    }
    enlist(temp);
    return temp;
}

void temp_free(struct temp *temp)
{
    if (temp == NULL) {
        return;
    }
    delist(temp);
    remove_folder(temp);
    free(temp);
}

int temp_file(const void *data, size_t len)
{
    struct temp *temp = temp_new();
    char *path = temp_path(temp, "file");
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, len) != (ssize_t)len ||
        lseek(fd, 0, SEEK_SET) != 0) {
        die("tests: temp file");
    }
    free(path);
    temp_free(temp);
    return fd;
}
