#pragma once
/* What this program calls itself. */

extern const char corsac_version[]; /* "0.1.0" */
extern const char
    corsac_git_sha[]; /* short name of the commit, "-dirty" behind it when it was changed */
/* One line in the form of `redis-server --version`, without a line break. */
struct buf;
void version_line(struct buf *out);
