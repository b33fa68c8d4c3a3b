/* Fails calls on the files of one folder with one error, as long as a file says so.

   FAIL_UNDER names the folder, FAIL_WHEN the file. The file holds the number of the error and the
   calls: open, write, fallocate, sync, stat, read, lock, map, unlink, rename, mkdir. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(name) dlsym(RTLD_NEXT, name)

static int failing(const char *call, const char *path) {
    const char *under = getenv("FAIL_UNDER"), *when = getenv("FAIL_WHEN");
    char says[512];
    if (!under || !when || !path || strncmp(path, under, strlen(under))) return 0;
    int kept = errno, number = 0;
    int fd = syscall(SYS_openat, AT_FDCWD, when, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        long length = syscall(SYS_read, fd, says, sizeof says - 1);
        syscall(SYS_close, fd);
        says[length > 0 ? length : 0] = 0;
        if (strstr(says, call)) number = atoi(says);
    }
    errno = number ? number : kept;
    return number;
}

static int failing_on(const char *call, int descriptor) {
    char link[64], path[4096];
    if (descriptor < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return failing(call, path);
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...) {                                                   \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t mode = va_arg(more, mode_t);                                                        \
        va_end(more);                                                                              \
        int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))REAL(#name);        \
        return failing("open", path) ? -1 : real(path, flags, mode);                               \
    }
OPEN(open)
OPEN(open64)

#define ON(name, call, failed, type, parameters, arguments)                                        \
    type name parameters {                                                                         \
        type(*real) parameters = (type(*) parameters)REAL(#name);                                  \
        if (failing_on(call, fd)) return failed;                                                   \
        return real arguments;                                                                     \
    }
ON(write, "write", -1, ssize_t, (int fd, const void *data, size_t size), (fd, data, size))
ON(pwrite, "write", -1, ssize_t, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
ON(pwrite64, "write", -1, ssize_t, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
ON(ftruncate, "write", -1, int, (int fd, off_t size), (fd, size))
ON(ftruncate64, "write", -1, int, (int fd, off64_t size), (fd, size))
ON(read, "read", -1, ssize_t, (int fd, void *data, size_t size), (fd, data, size))
ON(pread, "read", -1, ssize_t, (int fd, void *data, size_t size, off_t at), (fd, data, size, at))
ON(pread64, "read", -1, ssize_t, (int fd, void *data, size_t size, off64_t at), (fd, data, size, at))
ON(fsync, "sync", -1, int, (int fd), (fd))
ON(flock, "lock", -1, int, (int fd, int what), (fd, what))
ON(fstat, "stat", -1, int, (int fd, struct stat *found), (fd, found))
ON(fstat64, "stat", -1, int, (int fd, struct stat64 *found), (fd, found))
ON(posix_fallocate, "fallocate", errno, int, (int fd, off_t at, off_t size), (fd, at, size))
ON(posix_fallocate64, "fallocate", errno, int, (int fd, off64_t at, off64_t size), (fd, at, size))
ON(mmap, "map", MAP_FAILED, void *, (void *place, size_t size, int may, int how, int fd, off_t at),
   (place, size, may, how, fd, at))
ON(mmap64, "map", MAP_FAILED, void *,
   (void *place, size_t size, int may, int how, int fd, off64_t at), (place, size, may, how, fd, at))

#define BY_PATH(name, call, parameters, arguments, which)                                          \
    int name parameters {                                                                          \
        int(*real) parameters = (int(*) parameters)REAL(#name);                                    \
        return failing(call, which) ? -1 : real arguments;                                         \
    }
BY_PATH(mkdir, "mkdir", (const char *path, mode_t mode), (path, mode), path)
BY_PATH(rename, "rename", (const char *from, const char *to), (from, to), to)
BY_PATH(unlink, "unlink", (const char *path), (path), path)
BY_PATH(stat, "stat", (const char *path, struct stat *found), (path, found), path)
BY_PATH(lstat, "stat", (const char *path, struct stat *found), (path, found), path)
