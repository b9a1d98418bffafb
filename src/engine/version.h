#pragma once
/* This program's name and version, and the Redis version whose behaviour it keeps to. */
struct buf;

/* Client libraries choose by it which commands they send. */
#define ENGINE_REDIS_VERSION "7.2.4"

/* "0.1.0" */
extern const char corsac_version[];
/* The short name of the commit, with "-dirty" behind it where the sources were changed since. */
extern const char corsac_git_sha[];
/* Appends one line in the form of `redis-server --version`, without a line break. */
void version_line(struct buf *out);
