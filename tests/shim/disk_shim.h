#pragma once
/* Talks to disk_shim.so: a file that the test and the processes under test map, shared.
 *
 *   test:     disk_shim_map(path, 1) -> LD_PRELOAD=disk_shim.so DISK_SHIM=path for the process
 *   process:  calls on files below `dir` are counted, delayed and failed; what was synced is noted
 *   test:     kill -9, disk_shim_power_cut (shim/power_cut.h)
 *
 * What was synced: of a file, its size when the last sync of it began; of a directory, the changes
 * (files made, renamed, removed) that had happened when the last sync of it began. What a change took
 * away is kept in `grave` by a hard link, so that the change can be undone. Syncing a file syncs no
 * name: there are file systems that are kinder.
 *
 * Everything may be changed while the process runs. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISK_SHIM_FILES_MAX   4096
#define DISK_SHIM_CHANGES_MAX 512 /* of directories, that no sync covered yet */
#define DISK_SHIM_PATH_MAX    384

#define DISK_SHIM_KILL (-1) /* as an error: the process is killed with -9 ahead of the call */

enum disk_call {
    DISK_OPEN,  /* that may create or write */
    DISK_WRITE, /* write, pwrite, pwritev */
    DISK_SYNC,  /* fdatasync, fsync, of files */
    DISK_SYNC_DIR,
    DISK_RENAME,
    DISK_CALLS
};

/* Noted ahead of the call, so that it may not have happened; `inode` tells. */
struct disk_change {
    _Atomic uint64_t order; /* 0: free; 1: being noted */
    enum { DISK_MADE, DISK_RENAMED, DISK_REMOVED } kind;
    _Atomic uint64_t inode;        /* of the file (RENAMED: that moves); 0: not known yet */
    char path[DISK_SHIM_PATH_MAX]; /* RENAMED: the new one */
    char from[DISK_SHIM_PATH_MAX]; /* RENAMED: the old one */
    char kept[DISK_SHIM_PATH_MAX]; /* in the grave: what was at `path`; "": nothing. MADE: where a
                                      directory goes when this is undone */
};

struct disk_shim {
    char dir[256];   /* absolute; "": nothing is touched */
    char grave[256]; /* absolute, not below `dir`; "": changes of directories count as synced */
    /* Calls of the kinds in `kinds` (bits) from the nth on, 1 being the next, fail `times` times. */
    _Atomic uint32_t kinds, nth, times;
    /* errno; 0: a write is cut in half instead, anything else goes through; DISK_SHIM_KILL */
    _Atomic int error;
    _Atomic uint32_t failed;                /* so far */
    _Atomic uint32_t delay_us, delay_kinds; /* whoever is delayed goes on when this is over, or 0 */
    _Atomic uint32_t delayed;               /* calls, now */
    _Atomic uint32_t passes;                /* so many of them go on at once */
    /* syncs are noted, not done: the disk's own speed does not matter */
    _Atomic uint32_t sync_nothing;
    _Atomic uint32_t calls[DISK_CALLS];
    struct disk_file {
        _Atomic uint64_t inode; /* 0: free */
        _Atomic uint64_t synced;
    } files[DISK_SHIM_FILES_MAX];
    _Atomic uint64_t changes_made;
    struct disk_change changes[DISK_SHIM_CHANGES_MAX];
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

/* Calls of these kinds stand still until they are let go one by one, or the delay is made 0. */
#define DISK_SHIM_HOLD_US (60 * 1000 * 1000)

static inline void disk_shim_delay(struct disk_shim *s, uint32_t kinds, uint32_t delay_us)
{
    atomic_store(&s->passes, 0);
    atomic_store(&s->delay_kinds, kinds);
    atomic_store(&s->delay_us, delay_us);
}

/* One call that is delayed goes on. */
static inline void disk_shim_let_go(struct disk_shim *s)
{
    if (atomic_load(&s->delayed) > atomic_load(&s->passes))
        atomic_fetch_add(&s->passes, 1);
}

static inline uint64_t disk_shim_synced(struct disk_shim *s, uint64_t inode)
{
    for (int i = 0; i < DISK_SHIM_FILES_MAX; i++)
        if (atomic_load(&s->files[i].inode) == inode)
            return atomic_load(&s->files[i].synced);
    return UINT64_MAX; /* never written to: it is as it always was */
}

/* What is there now is what is on the disk. */
static inline void disk_shim_forget(struct disk_shim *s)
{
    for (int i = 0; i < DISK_SHIM_CHANGES_MAX; i++) {
        if (atomic_load(&s->changes[i].order) > 1 && s->changes[i].kept[0])
            unlink(s->changes[i].kept);
        atomic_store(&s->changes[i].order, 0);
    }
    memset((void *)s->files, 0, sizeof(s->files));
}

/* The test's own functions of the library, for callers that cannot include this: what is above, and
 * disk_shim_power_cut. */
struct disk_shim *disk_control_open(const char *path, const char *dir, const char *grave);
void disk_control_fail(struct disk_shim *s, uint32_t kinds, uint32_t nth, int error);
void disk_control_delay(struct disk_shim *s, uint32_t kinds, uint32_t delay_us);
void disk_control_let_go(struct disk_shim *s);
uint32_t disk_control_delayed(struct disk_shim *s);
uint32_t disk_control_failed(struct disk_shim *s);
void disk_control_power_cut(struct disk_shim *s, uint32_t seed);
