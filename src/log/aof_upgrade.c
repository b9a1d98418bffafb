/* Taking over the one append-only file that Redis wrote before version 7.
 *
 * The file lies beside the log's directory, not in it, and its name is the prefix of the log's names. It
 * becomes the base of the log, as Redis 7 does it:
 *
 *     1  the manifest is written, and names the file as the base
 *     2  the file is moved into the directory, under its name
 *
 * A crash between the steps leaves a manifest whose base is still beside the directory: the next start
 * moves it. A crash within a step leaves that step undone or done. A file is left alone where there is a
 * manifest that does not name it. A file that begins as an RDB file does cannot be loaded: it stops the
 * start. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/aof_impl.h"

static bool is_file(int dir_fd, const char *name)
{
    struct stat st;
    return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode);
}

/* There is no log yet, or a crash came behind step 1. */
static bool is_wanted(const struct aof *a)
{
    const struct manifest *m = &a->manifest;
    return m->count == 0 ||
           (m->count == 1 && m->files[0].type == MANIFEST_BASE &&
            strcmp(m->files[0].name, a->filename) == 0 && !is_file(a->dir_fd, a->filename));
}

static enum err failed(const struct aof *a, const char *old_dir, const char *step,
                       char error[AOF_ERROR_CHARS])
{
    snprintf(error, AOF_ERROR_CHARS, "cannot take %s/%s over into %s: %s: %s", old_dir, a->filename,
             a->dir, step, files_error(errno));
    return ERR_IO;
}

/* Syncs the file that is to be the base before a manifest names it; refuses an RDB file. */
static enum err look_at_file(const struct aof *a, const char *old_dir, const char *path,
                             char error[AOF_ERROR_CHARS])
{
    int fd = files_open(AT_FDCWD, path, O_RDONLY);
    if (fd < 0 || fsync(fd) != 0) {
        enum err e = failed(a, old_dir, fd < 0 ? "open" : "fsync", error);
        if (fd >= 0)
            close(fd);
        return e;
    }
    bool rdb = aof_is_rdb(fd);
    close(fd);
    if (!rdb)
        return ERR_OK;
    snprintf(
        error, AOF_ERROR_CHARS,
        "%s/%s begins with an RDB file, which this version cannot load: on the server that wrote "
        "it, set aof-use-rdb-preamble to no, run BGREWRITEAOF, and copy what it wrote. The file "
        "is left as it is",
        old_dir, a->filename);
    return ERR_SYNTAX;
}

static enum err name_base(struct aof *a, char error[AOF_ERROR_CHARS])
{
    char why[MANIFEST_ERROR_CHARS] = "the name cannot be that of a file";
    enum err e = manifest_add(&a->manifest, MANIFEST_BASE, 1, a->filename);
    if (e == ERR_OK)
        e = manifest_save(&a->manifest, a->dir, a->manifest_name, why);
    if (e != ERR_OK)
        snprintf(error, AOF_ERROR_CHARS, "%s/%s: %s", a->dir, a->manifest_name, why);
    return e;
}

static enum err move_in(const struct aof *a, const char *old_dir, const char *path,
                        char error[AOF_ERROR_CHARS])
{
    if (renameat(AT_FDCWD, path, a->dir_fd, a->filename) != 0)
        return failed(a, old_dir, "rename", error);
    /* The new directory first: a crash between the two may leave both names of the file, but never none. */
    if (fsync(a->dir_fd) != 0 || files_sync_dir(old_dir) != ERR_OK)
        return failed(a, old_dir, "fsync of the directories", error);
    return ERR_OK;
}

enum err aof_upgrade(struct aof *a, const char *old_dir, char error[AOF_ERROR_CHARS])
{
    char path[FILES_PATH_BYTES_MAX];
    if (!is_wanted(a) || !files_path(path, old_dir, a->filename) || !is_file(AT_FDCWD, path))
        return ERR_OK;
    enum err e = look_at_file(a, old_dir, path, error);
    if (e == ERR_OK && a->manifest.count == 0)
        e = name_base(a, error);
    if (e == ERR_OK)
        e = move_in(a, old_dir, path, error);
    if (e == ERR_OK)
        log_notice(a->logger, "Successfully migrated an old-style AOF: %s is the base in %s now",
                   path, a->dir);
    return e;
}
