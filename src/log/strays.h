#pragma once
/* Files of a log that lie in its directory and that its manifest does not name: the manifest was lost, a crash left
 * them, or they were copied there.
 *
 *   PREFIX.<seq>.base.aof   PREFIX.<seq>.incr.aof   PREFIX.<seq>.base.rdb      PREFIX being appendfilename
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "log/manifest.h"

#define STRAYS_MAX 4096 /* beyond it, files are left out */

struct stray {
    struct manifest_file file;
    size_t prefix_len; /* of its name */
    uint64_t bytes;
    bool regular;
    bool holds; /* data: it is neither empty nor just begun */
};
struct strays {
    struct stray *at; /* owned; by prefix, then bases, then by number */
    size_t count, cap;
    bool cut_rewrite; /* the temporary file of a rewrite lies there, too */
};

/* False: the directory cannot be read, and errno says why. `m`: NULL for none. */
bool strays_find(struct strays *s, const char *dir, const struct manifest *m);
void strays_deinit(struct strays *s);
bool stray_is_of(const struct stray *s, const char *prefix);
/* Appends "NAME (N bytes)", separated by commas, for the files with data: of the prefix, or (`others`) of all other
 * prefixes. Returns how many there are; a long list is cut short. */
size_t strays_list(const struct strays *s, const char *prefix, bool others, struct buf *out);
