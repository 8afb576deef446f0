/*
 * What a process asks of the disk, written down and, where told, refused.
 *
 * Loaded into a process before libc (LD_PRELOAD). Of the files below $FAULTS_ROOT it sees every
 * write, truncation, sync, creation, renaming, link and removal, whoever makes it: SQLCipher,
 * tantivy, the standard library.
 *
 *   recording: each operation is appended with its bytes to $FAULTS_LOG once it was carried out.
 *   faulting:  the n-th operation that may fail does, as told through $FAULTS_CONTROL.
 *
 * Syncs are not carried out: power cuts are played from the record, and a process that ends leaves
 * its writes to the kernel. The shared memory of a write-ahead log (-shm) is passed through
 * unseen: it is no durable state, SQLite makes it anew at the first opening.
 *
 * Without state about descriptors: the name is asked of /proc each time, so that copies of
 * descriptors need no thought.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef O_TMPFILE
#define O_TMPFILE 0
#endif

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char root[4096];
static char control[4096];
static char report[4096 + 8];
static size_t root_length;
static int log_fd = -1;

enum mode { NONE, COUNT, EIO_ONCE, ENOSPC_ONCE, SHORT_ONCE, FULL_FROM, EMFILE_ONCE };
static enum mode mode = NONE;
static long fail_at;   /* from 1 */
static long counted;   /* operations since arming */
static char fired;     /* kind of the operation that failed, 0 when none did */
static char fired_at[4096]; /* and what it was to be done to */
static char kinds[1 << 16]; /* kinds of the operations since arming */

static void begin(void) {
    const char *text = getenv("FAULTS_ROOT");
    if (text && strlen(text) < sizeof root) {
        strcpy(root, text);
        root_length = strlen(root);
    }
    text = getenv("FAULTS_CONTROL");
    if (text && strlen(text) < sizeof control) {
        strcpy(control, text);
        snprintf(report, sizeof report, "%s.report", control);
    }
    text = getenv("FAULTS_LOG");
    if (text && root_length)
        log_fd = (int)syscall(SYS_openat, AT_FDCWD, text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int below_root(const char *path) {
    size_t length = strlen(path);
    if (!root_length || strncmp(path, root, root_length) != 0 || path[root_length] != '/')
        return 0;
    return !(length > 4 && strcmp(path + length - 4, "-shm") == 0);
}

static int name_of_fd(int fd, char *out, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, out, size - 1);
    if (length <= 0)
        return 0;
    out[length] = 0;
    return 1;
}

/* The absolute name of `path`, seen from `dir`; 0 when it is none of ours. */
static int name_at(int dir, const char *path, char *out, size_t size) {
    pthread_once(&once, begin);
    if (!root_length || !path)
        return 0;
    if (path[0] == '/') {
        if (strlen(path) >= size)
            return 0;
        strcpy(out, path);
    } else {
        if (dir == AT_FDCWD || !name_of_fd(dir, out, size))
            return 0;
        size_t length = strlen(out);
        if (length + 1 + strlen(path) >= size)
            return 0;
        out[length] = '/';
        strcpy(out + length + 1, path);
    }
    return below_root(out);
}

static int name_ours(int fd, char *out, size_t size) {
    pthread_once(&once, begin);
    return root_length && name_of_fd(fd, out, size) && below_root(out);
}

static uint64_t inode_of(int fd) {
    struct stat found;
    return fstat(fd, &found) == 0 ? (uint64_t)found.st_ino : 0;
}

static void append(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length) {
        ssize_t done = syscall(SYS_write, log_fd, at, length);
        if (done <= 0)
            abort();
        at += done;
        length -= (size_t)done;
    }
}

/* kind, inode, number, two names, bytes */
static void note(char kind, uint64_t inode, uint64_t number, const char *name, const char *other,
                 const struct iovec *parts, size_t count) {
    if (log_fd < 0)
        return;
    uint32_t name_length = name ? (uint32_t)strlen(name) : 0;
    uint32_t other_length = other ? (uint32_t)strlen(other) : 0;
    uint32_t data_length = 0;
    for (size_t i = 0; i < count; i++)
        data_length += (uint32_t)parts[i].iov_len;
    append(&kind, 1);
    append(&inode, 8);
    append(&number, 8);
    append(&name_length, 4);
    append(&other_length, 4);
    append(&data_length, 4);
    if (name_length)
        append(name, name_length);
    if (other_length)
        append(other, other_length);
    for (size_t i = 0; i < count; i++)
        if (parts[i].iov_len)
            append(parts[i].iov_base, parts[i].iov_len);
}

/* Counts an operation that may fail; the error number that it fails with, or 0. A short write is
 * told by -1. */
static int verdict(char kind, const char *name) {
    if (mode == NONE)
        return 0;
    if (counted < (long)sizeof kinds)
        kinds[counted] = kind;
    counted++;
    int grows = kind == 'w' || kind == 'o' || kind == 'm' || kind == 'r' || kind == 'l';
    int now = counted == fail_at;
    int error = 0;
    switch (mode) {
    case EIO_ONCE: error = now ? EIO : 0; break;
    case ENOSPC_ONCE: error = now ? ENOSPC : 0; break;
    case EMFILE_ONCE: error = now && kind == 'o' ? EMFILE : 0; break;
    case SHORT_ONCE: error = now && kind == 'w' ? -1 : 0; break;
    case FULL_FROM: error = counted >= fail_at && grows ? ENOSPC : 0; break;
    default: break;
    }
    if (error && !fired) {
        fired = kind;
        strcpy(fired_at, name);
    }
    return error;
}

/* "arm MODE N", "disarm", "mark TEXT" */
static void order(const char *text, size_t length) {
    char word[4096];
    size_t size = length < sizeof word - 1 ? length : sizeof word - 1;
    memcpy(word, text, size);
    word[size] = 0;
    int wanted;
    long at;
    if (strncmp(word, "mark ", 5) == 0) {
        note('M', 0, 0, word + 5, NULL, NULL, 0);
    } else if (sscanf(word, "arm %d %ld", &wanted, &at) == 2) {
        mode = (enum mode)wanted;
        fail_at = at;
        counted = 0;
        fired = 0;
        fired_at[0] = 0;
    } else if (strncmp(word, "disarm", 6) == 0) {
        mode = NONE;
        char line[8192];
        int fd = (int)syscall(SYS_openat, AT_FDCWD, report, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int text_length = snprintf(line, sizeof line, "%c\n%s\n", fired ? fired : '-', fired_at);
        syscall(SYS_write, fd, line, (size_t)text_length);
        syscall(SYS_write, fd, kinds,
                counted < (long)sizeof kinds ? (size_t)counted : sizeof kinds);
        syscall(SYS_close, fd);
    } else {
        abort();
    }
}

static int fail(int error) {
    pthread_mutex_unlock(&lock);
    errno = error;
    return -1;
}

/* ---- opening ---- */

static int open_ours(int dir, const char *path, int flags, mode_t bits) {
    char name[4096];
    if (!name_at(dir, path, name, sizeof name) || (flags & O_TMPFILE) == O_TMPFILE)
        return (int)syscall(SYS_openat, dir, path, flags, bits);
    pthread_mutex_lock(&lock);
    int absent = (flags & O_CREAT) && syscall(SYS_faccessat, dir, path, F_OK) != 0;
    int error = verdict('o', name);
    if (error > 0)
        return fail(error);
    int fd = (int)syscall(SYS_openat, dir, path, flags, bits);
    if (fd >= 0 && absent)
        note('c', inode_of(fd), 0, name, NULL, NULL, 0);
    else if (fd >= 0 && (flags & O_TRUNC))
        note('t', inode_of(fd), 0, name, NULL, NULL, 0);
    int saved = errno;
    pthread_mutex_unlock(&lock);
    errno = saved;
    return fd;
}

static mode_t bits_of(int flags, va_list *rest) {
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(*rest, mode_t) : 0;
}

#define OPEN(NAME)                                       \
    int NAME(const char *path, int flags, ...) {         \
        va_list rest;                                    \
        va_start(rest, flags);                           \
        mode_t bits = bits_of(flags, &rest);             \
        va_end(rest);                                    \
        return open_ours(AT_FDCWD, path, flags, bits);   \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(NAME)                                     \
    int NAME(int dir, const char *path, int flags, ...) {\
        va_list rest;                                    \
        va_start(rest, flags);                           \
        mode_t bits = bits_of(flags, &rest);             \
        va_end(rest);                                    \
        return open_ours(dir, path, flags, bits);        \
    }
OPENAT(openat)
OPENAT(openat64)

/* ---- writing ---- */

static ssize_t write_ours(int fd, const struct iovec *parts, size_t count, int at_offset,
                          off_t offset) {
    char name[4096];
    pthread_once(&once, begin);
    if (root_length && control[0] && name_of_fd(fd, name, sizeof name) && strcmp(name, control) == 0) {
        pthread_mutex_lock(&lock);
        order(parts[0].iov_base, parts[0].iov_len);
        pthread_mutex_unlock(&lock);
        return (ssize_t)parts[0].iov_len;
    }
    if (!name_ours(fd, name, sizeof name))
        return at_offset ? syscall(SYS_pwritev, fd, parts, count, offset, 0)
                         : syscall(SYS_writev, fd, parts, count);
    pthread_mutex_lock(&lock);
    int error = verdict('w', name);
    if (error > 0)
        return fail(error);
    struct iovec first;
    if (error < 0) {
        /* The disk takes half of the first piece. */
        first = parts[0];
        first.iov_len = first.iov_len > 1 ? first.iov_len / 2 : first.iov_len;
        parts = &first;
        count = 1;
    }
    if (!at_offset)
        offset = lseek(fd, 0, SEEK_CUR);
    ssize_t done = at_offset ? syscall(SYS_pwritev, fd, parts, count, offset, 0)
                             : syscall(SYS_writev, fd, parts, count);
    int saved = errno;
    if (done > 0) {
        struct iovec written[64];
        size_t left = (size_t)done, used = 0;
        for (; used < count && used < 64 && left; used++) {
            written[used] = parts[used];
            if (written[used].iov_len > left)
                written[used].iov_len = left;
            left -= written[used].iov_len;
        }
        note('w', inode_of(fd), (uint64_t)offset, name, NULL, written, used);
    }
    pthread_mutex_unlock(&lock);
    errno = saved;
    return done;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    struct iovec part = {(void *)bytes, length};
    return write_ours(fd, &part, 1, 0, 0);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    struct iovec part = {(void *)bytes, length};
    return write_ours(fd, &part, 1, 1, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    return pwrite(fd, bytes, length, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    return write_ours(fd, parts, (size_t)count, 0, 0);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    return write_ours(fd, parts, (size_t)count, 1, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
    return write_ours(fd, parts, (size_t)count, 1, offset);
}

/* Whoever copies so is made to read and write. */
ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t length,
                        unsigned flags) {
    char name[4096];
    if (name_ours(out, name, sizeof name)) {
        errno = ENOSYS;
        return -1;
    }
    return syscall(SYS_copy_file_range, in, in_at, out, out_at, length, flags);
}

ssize_t sendfile(int out, int in, off_t *at, size_t length) {
    char name[4096];
    if (name_ours(out, name, sizeof name)) {
        errno = ENOSYS;
        return -1;
    }
    return syscall(SYS_sendfile, out, in, at, length);
}

ssize_t sendfile64(int out, int in, off64_t *at, size_t length) {
    return sendfile(out, in, at, length);
}

int ftruncate(int fd, off_t length) {
    char name[4096];
    if (!name_ours(fd, name, sizeof name))
        return (int)syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&lock);
    int error = verdict('t', name);
    if (error > 0)
        return fail(error);
    int done = (int)syscall(SYS_ftruncate, fd, length);
    if (done == 0)
        note('t', inode_of(fd), (uint64_t)length, name, NULL, NULL, 0);
    int saved = errno;
    pthread_mutex_unlock(&lock);
    errno = saved;
    return done;
}

int ftruncate64(int fd, off64_t length) {
    return ftruncate(fd, length);
}

static int sync_ours(int fd, long call) {
    char name[4096];
    if (!name_ours(fd, name, sizeof name)) {
        /* The root itself is synced when something directly below it is made. */
        if (!root_length || !name_of_fd(fd, name, sizeof name) || strcmp(name, root) != 0)
            return (int)syscall(call, fd);
    }
    pthread_mutex_lock(&lock);
    int error = verdict('s', name);
    if (error > 0)
        return fail(error);
    struct stat found;
    if (fstat(fd, &found) == 0)
        note(S_ISDIR(found.st_mode) ? 'd' : 's', (uint64_t)found.st_ino, 0, name, NULL, NULL, 0);
    pthread_mutex_unlock(&lock);
    return 0;
}

int fsync(int fd) {
    return sync_ours(fd, SYS_fsync);
}

int fdatasync(int fd) {
    return sync_ours(fd, SYS_fdatasync);
}

/* ---- names ---- */

static int rename_ours(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    char name[4096], other[4096];
    if (!name_at(from_dir, from, name, sizeof name) || !name_at(to_dir, to, other, sizeof other))
        return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
    pthread_mutex_lock(&lock);
    int error = verdict('r', name);
    if (error > 0)
        return fail(error);
    int done = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
    int saved = errno;
    if (done == 0)
        note('r', 0, 0, name, other, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return done;
}

int rename(const char *from, const char *to) {
    return rename_ours(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to) {
    return rename_ours(from_dir, from, to_dir, to, 0);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    return rename_ours(from_dir, from, to_dir, to, flags);
}

static int link_ours(int from_dir, const char *from, int to_dir, const char *to, int flags) {
    char name[4096], other[4096];
    if (!name_at(from_dir, from, name, sizeof name) || !name_at(to_dir, to, other, sizeof other))
        return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
    pthread_mutex_lock(&lock);
    int error = verdict('l', name);
    if (error > 0)
        return fail(error);
    int done = (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
    int saved = errno;
    if (done == 0)
        note('l', 0, 0, name, other, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return done;
}

int link(const char *from, const char *to) {
    return link_ours(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
    return link_ours(from_dir, from, to_dir, to, flags);
}

static int unlink_ours(int dir, const char *path, int flags) {
    char name[4096];
    if (!name_at(dir, path, name, sizeof name))
        return (int)syscall(SYS_unlinkat, dir, path, flags);
    pthread_mutex_lock(&lock);
    int error = verdict('u', name);
    if (error > 0)
        return fail(error);
    int done = (int)syscall(SYS_unlinkat, dir, path, flags);
    int saved = errno;
    if (done == 0)
        note(flags & AT_REMOVEDIR ? 'k' : 'u', 0, 0, name, NULL, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return done;
}

int unlink(const char *path) {
    return unlink_ours(AT_FDCWD, path, 0);
}

int unlinkat(int dir, const char *path, int flags) {
    return unlink_ours(dir, path, flags);
}

int rmdir(const char *path) {
    return unlink_ours(AT_FDCWD, path, AT_REMOVEDIR);
}

static int mkdir_ours(int dir, const char *path, mode_t bits) {
    char name[4096];
    if (!name_at(dir, path, name, sizeof name))
        return (int)syscall(SYS_mkdirat, dir, path, bits);
    pthread_mutex_lock(&lock);
    int error = verdict('m', name);
    if (error > 0)
        return fail(error);
    int done = (int)syscall(SYS_mkdirat, dir, path, bits);
    int saved = errno;
    if (done == 0)
        note('m', 0, 0, name, NULL, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return done;
}

int mkdir(const char *path, mode_t bits) {
    return mkdir_ours(AT_FDCWD, path, bits);
}

int mkdirat(int dir, const char *path, mode_t bits) {
    return mkdir_ours(dir, path, bits);
}
