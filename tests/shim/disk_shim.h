#pragma once
/* Talks to disk_shim.so: a file that the test and the processes under test map, shared.
 *
 *   test:     disk_shim_create(path) -> LD_PRELOAD=disk_shim.so DISK_SHIM=path for the process
 *   process:  calls on files below `dir` are counted, delayed and failed; what was synced is noted
 *   test:     kill -9, disk_shim_power_cut(dir)
 *
 * Everything may be changed while the process runs. */
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISK_SHIM_FILES_MAX 4096

enum disk_call {
    DISK_OPEN,  /* that may create or write */
    DISK_WRITE, /* write, pwrite, pwritev */
    DISK_SYNC,  /* fdatasync, fsync, of files */
    DISK_SYNC_DIR,
    DISK_RENAME,
    DISK_CALLS
};

struct disk_shim {
    char dir[256]; /* absolute; "": nothing is touched */
    /* Calls of the kinds in `kinds` (bits) from the nth on, 1 being the next, fail `times` times. */
    _Atomic uint32_t kinds, nth, times;
    _Atomic int error; /* errno; 0: a write is cut in half instead, anything else goes through */
    _Atomic uint32_t failed; /* so far */
    _Atomic uint32_t delay_us, delay_kinds;
    _Atomic uint32_t calls[DISK_CALLS];
    struct disk_file {
        _Atomic uint64_t inode; /* 0: free */
        _Atomic uint64_t synced;
    } files[DISK_SHIM_FILES_MAX];
};

static inline struct disk_shim *disk_shim_map(const char *path, int create)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_TRUNC : 0), 0600);
    if (fd < 0 || (create && ftruncate(fd, sizeof(struct disk_shim)) != 0))
        return NULL;
    void *p = mmap(NULL, sizeof(struct disk_shim), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return p == MAP_FAILED ? NULL : (struct disk_shim *)p;
}

static inline void disk_shim_fail(struct disk_shim *s, uint32_t kinds, uint32_t nth, uint32_t times,
                                  int error)
{
    atomic_store(&s->nth, 0);
    atomic_store(&s->kinds, kinds);
    atomic_store(&s->times, times);
    atomic_store(&s->error, error);
    atomic_store(&s->failed, 0);
    atomic_store(&s->nth, nth);
}

static inline uint64_t disk_shim_synced(struct disk_shim *s, uint64_t inode)
{
    for (int i = 0; i < DISK_SHIM_FILES_MAX; i++)
        if (atomic_load(&s->files[i].inode) == inode)
            return atomic_load(&s->files[i].synced);
    return UINT64_MAX; /* never written to: it is as it always was */
}

/* Cuts each file in `dir` to what was synced and a random part of the rest. The processes are dead. */
static inline void disk_shim_power_cut(struct disk_shim *s, const char *dir, unsigned seed)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[1024];
        struct stat st;
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        uint64_t synced = disk_shim_synced(s, st.st_ino), size = (uint64_t)st.st_size;
        if (synced < size) {
            uint64_t rest = size - synced;
            seed = seed * 1103515245u + 12345u;
            uint64_t part = seed >> 16 & 3 ? (uint64_t)(seed >> 4) % (rest + 1) : 0;
            if (truncate(path, (off_t)(synced + part)) != 0)
                abort();
        }
    }
    if (d)
        closedir(d);
}
