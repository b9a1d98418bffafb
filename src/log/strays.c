#include "log/strays.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/num.h"
#include "log/files.h"
#include "log/reader.h"

/* The size of a header and no command, as a process leaves it that is killed while it makes its first files. */
#define BEGUN_BYTES_MAX 512
#define LISTED_MAX      5

/* Takes `end` off the end of a name. False: the name ends otherwise. */
static bool cut_end(struct slice *name, struct slice end)
{
    if (name->len < end.len ||
        !slice_equal(slice_of(name->ptr + name->len - end.len, end.len), end))
        return false;
    name->len -= end.len;
    return true;
}

/* PREFIX.<seq>.<base|incr>.<aof|rdb> */
static bool parse_name(struct slice name, struct stray *out)
{
    if (name.len >= MANIFEST_NAME_BYTES_MAX)
        return false;
    memcpy(out->file.name, name.ptr, name.len);
    out->file.name[name.len] = '\0';
    if (!cut_end(&name, SLICE(".aof")) && !cut_end(&name, SLICE(".rdb")))
        return false;
    if (cut_end(&name, SLICE(".base")))
        out->file.type = MANIFEST_BASE;
    else if (cut_end(&name, SLICE(".incr")))
        out->file.type = MANIFEST_INCR;
    else
        return false;
    const char *dot = name.len ? memrchr(name.ptr, '.', name.len) : NULL;
    if (!dot || dot == name.ptr)
        return false;
    out->prefix_len = (size_t)(dot - name.ptr);
    return num_parse_u64(slice_of(dot + 1, name.len - out->prefix_len - 1), &out->file.seq) &&
           out->file.seq > 0 && out->file.seq <= MANIFEST_SEQ_MAX;
}

/* A small file without any command, whole or torn. */
static bool was_just_begun(const char *path)
{
    struct reader *r;
    struct reader_batch b;
    enum reader_status status;
    bool commands = false;
    if (reader_open(&r, path) != ERR_OK)
        return false;
    while ((status = reader_next(r, &b)) == READER_BATCH)
        commands = commands || b.count > 0;
    reader_close(&r);
    return !commands && (status == READER_END || status == READER_TORN);
}

static void look_at(const char *dir, int dir_fd, struct stray *s)
{
    struct stat st;
    char path[FILES_PATH_BYTES_MAX];
    if (fstatat(dir_fd, s->file.name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    s->regular = S_ISREG(st.st_mode);
    s->bytes = (uint64_t)st.st_size;
    s->holds = !s->regular || s->bytes > BEGUN_BYTES_MAX ||
               (s->bytes > 0 && files_path(path, dir, s->file.name) && !was_just_begun(path));
}

static void add(struct strays *s, const struct stray *stray)
{
    if (s->count == STRAYS_MAX)
        return;
    if (s->count == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 8;
        s->at = mem_realloc(s->at, s->cap * sizeof(*s->at));
    }
    s->at[s->count++] = *stray;
}

static int compare(const void *left, const void *right)
{
    const struct stray *a = left, *b = right;
    int order =
        slice_compare(slice_of(a->file.name, a->prefix_len), slice_of(b->file.name, b->prefix_len));
    if (order == 0)
        order = (int)a->file.type - (int)b->file.type;
    return order ? order : (a->file.seq > b->file.seq) - (a->file.seq < b->file.seq);
}

bool strays_find(struct strays *s, const char *dir, const struct manifest *m)
{
    DIR *d = opendir(dir);
    *s = (struct strays){0};
    if (!d)
        return false;
    for (struct dirent *entry; (entry = readdir(d));) {
        struct stray stray = {0};
        const char *name = entry->d_name;
        if (strncmp(name, MANIFEST_REWRITE_START, sizeof(MANIFEST_REWRITE_START) - 1) == 0)
            s->cut_rewrite = true;
        else if ((!m || !manifest_names(m, name)) && parse_name(slice_from_cstr(name), &stray)) {
            look_at(dir, dirfd(d), &stray);
            add(s, &stray);
        }
    }
    closedir(d);
    if (s->count > 0)
        qsort(s->at, s->count, sizeof(*s->at), compare);
    return true;
}

void strays_deinit(struct strays *s)
{
    mem_free(s->at);
    *s = (struct strays){0};
}

bool stray_is_of(const struct stray *s, const char *prefix)
{
    return slice_equal(slice_of(s->file.name, s->prefix_len), slice_from_cstr(prefix));
}

size_t strays_list(const struct strays *s, const char *prefix, bool others, struct buf *out)
{
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct stray *stray = &s->at[i];
        if (!stray->holds || stray_is_of(stray, prefix) == others)
            continue;
        if (count++ < LISTED_MAX)
            buf_printf(out, "%s%s (%llu bytes)", count == 1 ? "" : ", ", stray->file.name,
                       (unsigned long long)stray->bytes);
    }
    if (count > LISTED_MAX)
        buf_printf(out, " and %zu more", count - LISTED_MAX);
    return count;
}
