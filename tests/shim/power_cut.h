#pragma once
/* What a power cut leaves of what disk_shim.so watched. The processes are dead.
 *
 * Of each directory, what was synced and any of the later changes: in whatever order, but a change that
 * builds upon another not without it. Of each file, what was synced and a part of the rest, perhaps with
 * zeros behind it: it grew before its data arrived. */
#include <dirent.h>

#include "disk_shim.h"

static inline uint32_t power_cut_random(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(*seed >> 8) * below >> 24);
}

static inline uint64_t power_cut_inode(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

/* --- directories ---------------------------------------------------------------------------- */

static inline void power_cut_undo(const struct disk_change *c)
{
    uint64_t there = power_cut_inode(c->path), inode = atomic_load(&c->inode);
    if (c->kind == DISK_MADE && there && (!inode || there == inode)) {
        if (remove(c->path) != 0 && rename(c->path, c->kept) != 0) /* a directory: with all in it */
            abort();
    } else if (c->kind == DISK_RENAMED && there == inode) {
        if (rename(c->path, c->from) != 0 || (c->kept[0] && rename(c->kept, c->path) != 0))
            abort();
    } else if (c->kind == DISK_REMOVED && !there && c->kept[0]) {
        if (rename(c->kept, c->path) != 0)
            abort();
    }
}

static inline int power_cut_later(const void *a, const void *b)
{
    uint64_t x = atomic_load(&(*(struct disk_change *const *)a)->order);
    uint64_t y = atomic_load(&(*(struct disk_change *const *)b)->order);
    return x < y ? 1 : -1;
}

static inline int power_cut_builds_upon(const struct disk_change *later,
                                        const struct disk_change *c)
{
    size_t n = strlen(c->path); /* a directory holds those below it */
    return strncmp(later->path, c->path, n) == 0 || strcmp(later->from, c->path) == 0 ||
           (c->from[0] && (strcmp(later->path, c->from) == 0 || strcmp(later->from, c->from) == 0));
}

static inline void power_cut_directories(struct disk_shim *s, uint32_t *seed)
{
    struct disk_change *all[DISK_SHIM_CHANGES_MAX], *left[DISK_SHIM_CHANGES_MAX];
    size_t n = 0, left_count = 0;
    uint32_t quarters = power_cut_random(seed, 5); /* of the changes that are left, about */
    for (int i = 0; i < DISK_SHIM_CHANGES_MAX; i++)
        if (atomic_load(&s->changes[i].order) > 1)
            all[n++] = &s->changes[i];
    qsort(all, n, sizeof(*all), power_cut_later);
    for (size_t i = 0; i < n; i++) {
        int stays = power_cut_random(seed, 4) < quarters;
        for (size_t j = 0; j < left_count && !stays; j++)
            stays = power_cut_builds_upon(left[j], all[i]);
        if (stays)
            left[left_count++] = all[i];
        else
            power_cut_undo(all[i]);
    }
}

/* --- files ---------------------------------------------------------------------------------- */

static inline void power_cut_file(const char *path, uint64_t synced, uint64_t size, uint32_t *seed)
{
    uint64_t part = (uint64_t)power_cut_random(seed, 1u << 24) * (size - synced) >> 24;
    if (power_cut_random(seed, 4) == 0)
        part = 0;
    if (truncate(path, (off_t)(synced + part)) != 0)
        abort();
    if (power_cut_random(seed, 4) == 0 && truncate(path, (off_t)size) != 0)
        abort();
}

static inline void power_cut_files(struct disk_shim *s, const char *dir, uint32_t *seed)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[DISK_SHIM_PATH_MAX + 256];
        struct stat st;
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (e->d_name[0] == '.' || lstat(path, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode))
            power_cut_files(s, path, seed);
        uint64_t synced = disk_shim_synced(s, (uint64_t)st.st_ino), size = (uint64_t)st.st_size;
        if (S_ISREG(st.st_mode) && synced < size)
            power_cut_file(path, synced, size, seed);
    }
    if (d)
        closedir(d);
}

static inline void disk_shim_power_cut(struct disk_shim *s, uint32_t seed)
{
    char dir[sizeof(s->dir)];
    memcpy(dir, s->dir, sizeof(dir));
    s->dir[0] = 0; /* the caller itself may run under the library */
    power_cut_directories(s, &seed);
    power_cut_files(s, dir, &seed);
    disk_shim_forget(s);
    memcpy(s->dir, dir, sizeof(dir));
}
