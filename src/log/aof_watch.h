#pragma once
/* Notices that the files of a log have lost their names: the directory was removed, renamed or replaced, or one of the
 * files was, while the log goes on writing to descriptors that no start would load. The watch looks twice a second, on
 * a thread of its own, as a look may wait for the disk. A lost name is a fault of the log, mended by a rewrite
 * (aof_rehouse). */
#include <stdbool.h>

#define AOF_WATCH_MS 500

enum aof_gone {
    AOF_THERE,
    AOF_GONE_DIRECTORY,
    AOF_GONE_MANIFEST,
    AOF_GONE_FILE, /* a file that the manifest names, or the increment in use */
};

struct aof;
struct aof_watch;
/* NULL: no thread is to be had. Borrows the log for life. */
struct aof_watch *aof_watch_new(struct aof *a);
void aof_watch_free(struct aof_watch **w); /* waits for the look under way */
/* The path of the directory still leads to the one that is open. May wait for the disk. */
bool aof_is_there(const struct aof *a);
