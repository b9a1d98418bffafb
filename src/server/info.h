#pragma once
/* INFO's sections. Each appends its own lines, "name:value\r\n", without the header. */
#include "base/buf.h"
#include "server/server.h"

/* A line. */
#define info_line(out, ...) (buf_printf((out), __VA_ARGS__), buf_append((out), "\r\n", 2))

/* "1.50M", as Redis writes sizes for people. */
#define INFO_HUMAN_CHARS 32
void info_human(uint64_t bytes, char out[INFO_HUMAN_CHARS]);

/* info_process.c: the process and who talks to it */
void info_server(struct server *s, struct buf *out);
void info_clients(struct server *s, struct buf *out);
void info_memory(struct server *s, struct buf *out);
void info_cpu(struct server *s, struct buf *out);
/* info_data.c: the data and what was done with it */
void info_persistence(struct server *s, struct buf *out);
void info_stats(struct server *s, struct buf *out);
void info_replication(struct server *s, struct buf *out);
void info_modules(struct server *s, struct buf *out);
void info_commandstats(struct server *s, struct buf *out);
void info_errorstats(struct server *s, struct buf *out);
void info_latencystats(struct server *s, struct buf *out);
void info_cluster(struct server *s, struct buf *out);
void info_keyspace(struct server *s, struct buf *out);
void info_shards(struct server *s, struct buf *out);
