#include "log/rebuild.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log/files.h"
#include "log/reader.h"
#include "log/strays.h"

static bool refuse(char error[MANIFEST_ERROR_CHARS], const char *why)
{
    snprintf(error, MANIFEST_ERROR_CHARS, "%s", why);
    return false;
}

static bool find_prefix(const struct strays *s, char prefix[MANIFEST_NAME_BYTES_MAX],
                        char error[MANIFEST_ERROR_CHARS])
{
    for (size_t i = 0; i < s->count && prefix[0]; i++)
        if (stray_is_of(&s->at[i], prefix))
            return true;
    if (s->count == 0 || prefix[0])
        return refuse(error, "there are no files of a log");
    if (s->at[0].prefix_len != s->at[s->count - 1].prefix_len ||
        memcmp(s->at[0].file.name, s->at[s->count - 1].file.name, s->at[0].prefix_len) != 0)
        return refuse(error,
                      "there are files of several logs: name the manifest, DIR/PREFIX.manifest, "
                      "PREFIX being appendfilename");
    memcpy(prefix, s->at[0].file.name, s->at[0].prefix_len);
    prefix[s->at[0].prefix_len] = '\0';
    return true;
}

static bool is_plain(const char *dir, const struct stray *s)
{
    char path[FILES_PATH_BYTES_MAX];
    struct reader *r;
    struct reader_batch b;
    struct reader_report report;
    if (!files_path(path, dir, s->file.name) || reader_open(&r, path) != ERR_OK)
        return true;
    reader_next(r, &b);
    reader_report(r, &report);
    reader_close(&r);
    return !report.sealed;
}

/* The files of one prefix. */
struct found {
    const struct stray *base;
    size_t bases;
    uint64_t first_seq, last_seq; /* of increments */
    bool plain, gap;
};

static void look(struct found *f, const struct strays *s, const char *dir, const char *prefix)
{
    *f = (struct found){0};
    for (size_t i = 0; i < s->count; i++) {
        const struct stray *stray = &s->at[i];
        if (!stray_is_of(stray, prefix) || stray->bytes == 0)
            continue;
        f->plain = f->plain || is_plain(dir, stray);
        if (stray->file.type == MANIFEST_BASE) {
            f->base = stray;
            f->bases++;
            continue;
        }
        f->gap = f->gap || (f->last_seq && stray->file.seq != f->last_seq + 1);
        f->first_seq = f->first_seq ? f->first_seq : stray->file.seq;
        f->last_seq = stray->file.seq;
    }
}

static bool is_certain(const struct found *f, char error[MANIFEST_ERROR_CHARS])
{
    if (!f->base && f->first_seq != 1)
        return refuse(error, "there is no base, and the first increment is missing, too");
    if (f->plain && f->bases > 1)
        return refuse(error,
                      "there are several bases, and no positions in the files that tell which "
                      "increments follow which: move away what is not wanted");
    if (f->plain && f->gap)
        return refuse(error, "a number is missing among the increments, which hold no positions");
    return true;
}

bool rebuild_manifest(struct manifest *m, const char *dir, char prefix[MANIFEST_NAME_BYTES_MAX],
                      char error[MANIFEST_ERROR_CHARS])
{
    struct strays s;
    struct found f;
    manifest_deinit(m);
    bool fine = strays_find(&s, dir, NULL) || refuse(error, strerror(errno));
    if (fine && find_prefix(&s, prefix, error)) {
        look(&f, &s, dir, prefix);
        fine = is_certain(&f, error);
        for (size_t i = 0; i < s.count && fine; i++) {
            const struct stray *stray = &s.at[i];
            if (!stray_is_of(stray, prefix) || stray->bytes == 0 ||
                (stray->file.type == MANIFEST_BASE && stray != f.base))
                continue;
            fine = manifest_add(m, stray->file.type, stray->file.seq, stray->file.name) == ERR_OK ||
                   refuse(error, "there are too many files");
        }
    } else {
        fine = false;
    }
    strays_deinit(&s);
    if (!fine)
        manifest_deinit(m);
    return fine;
}
