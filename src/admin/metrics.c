#include "admin/metrics.h"

#include <string.h>

#include "admin/admin_impl.h"
#include "admin/info.h"
#include "admin/metrics_text.h"
#include "admin/slowlog.h"

#define METRICS_BYTES_MIN ((size_t)64 << 10)

/* --- rows of INFO ----------------------------------------------------------------------------------------- */

static void gather(struct admin *a, struct info_facts *f)
{
    size_t count;
    const struct info_section *sections = info_sections(&count);
    for (size_t i = 0; i < count; i++)
        if (sections[i].gather)
            sections[i].gather(a, f);
}

typedef void (*each_row_fn)(const struct info_facts *f, const struct info_field *row,
                            struct buf *out);

static void each_row(const struct info_facts *f, struct buf *out, each_row_fn fn)
{
    size_t count;
    const struct info_section *sections = info_sections(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sections[i].count; k++)
            if (info_shown(f, &sections[i].fields[k]))
                fn(f, &sections[i].fields[k], out);
}

static void append_value(const struct info_facts *f, const struct info_field *row, double per,
                         struct buf *out)
{
    const void *at = (const char *)f + row->at;
    switch (row->kind) {
    case INFO_U64:
        if (per == 1)
            metrics_u64(out, *(const uint64_t *)at);
        else
            metrics_double(out, (double)*(const uint64_t *)at / per);
        break;
    case INFO_WHOLE:
    case INFO_DECIMAL:
    case INFO_PERCENT: metrics_double(out, *(const double *)at / per); break;
    case INFO_SECONDS: metrics_double(out, (double)*(const int64_t *)at / 1e6); break;
    case INFO_TEXT: metrics_u64(out, strcmp(*(const char *const *)at, "ok") == 0); break;
    case INFO_ABSENT:
        if (strcmp(row->text, "ok") == 0)
            metrics_u64(out, 1);
        else
            buf_append_cstr(out, row->text), buf_append_char(out, '\n');
        break;
    default: info_append_value(f, row, out); buf_append_char(out, '\n');
    }
}

static void append_own(const struct info_facts *f, const struct info_field *row, struct buf *out)
{
    const struct info_metric *m = &row->metric;
    if (m->type == METRIC_NONE || m->type == METRIC_LABEL || !m->name)
        return;
    const struct metric_family family = {METRICS_OWN, m->name, m->type, m->help};
    metrics_head(out, &family);
    metrics_line(out, &family, NULL);
    append_value(f, row, m->per, out);
}

/* Exporters of Redis take a name that ends in "_total" for a counter, and any other for a gauge. */
static enum metric_type type_of_name(const char *name)
{
    static const char end[] = "_total";
    size_t len = strlen(name);
    return len > sizeof(end) - 1 && strcmp(name + len - (sizeof(end) - 1), end) == 0
               ? METRIC_COUNTER
               : METRIC_GAUGE;
}

static void append_redis(const struct info_facts *f, const struct info_field *row, struct buf *out)
{
    const struct info_metric *m = &row->metric;
    if (m->type == METRIC_NONE || m->type == METRIC_LABEL || !m->redis)
        return;
    const struct metric_family family = {METRICS_REDIS, m->redis, type_of_name(m->redis), m->help};
    metrics_head(out, &family);
    metrics_line(out, &family, NULL);
    append_value(f, row, 1, out);
}

/* --- identity --------------------------------------------------------------------------------------------- */

static void append_label(const struct info_facts *f, const struct info_field *row, const char *name,
                         struct buf *labels)
{
    struct buf value;
    if (row->metric.type != METRIC_LABEL || !name)
        return;
    buf_init(&value);
    info_append_value(f, row, &value);
    metrics_label(labels, name, buf_slice(&value));
    if (value.err != ERR_OK)
        labels->err = value.err;
    buf_deinit(&value);
}

static void label_own(const struct info_facts *f, const struct info_field *row, struct buf *labels)
{
    append_label(f, row, row->metric.name, labels);
}

static void label_redis(const struct info_facts *f, const struct info_field *row,
                        struct buf *labels)
{
    append_label(f, row, row->metric.redis, labels);
}

static void append_identity(const struct info_facts *f, const struct metric_family *family,
                            each_row_fn label, struct buf *out)
{
    struct buf labels;
    buf_init(&labels);
    each_row(f, &labels, label);
    metrics_head(out, family);
    metrics_line(out, family, &labels);
    metrics_u64(out, 1);
    if (labels.err != ERR_OK)
        out->err = labels.err;
    buf_deinit(&labels);
}

/* --- figures without a row -------------------------------------------------------------------------------- */

static void append_one(struct buf *out, const struct metric_family *family, double value)
{
    metrics_head(out, family);
    metrics_line(out, family, NULL);
    metrics_double(out, value);
}

static void append_others(const struct admin *a, const struct info_facts *f, struct buf *out)
{
    double start_s = (double)f->process.start_wall_ms / 1e3;
    double slow = (double)slowlog_len(a->slowlog);
    append_one(out,
               &(struct metric_family){METRICS_OWN, "start_timestamp_seconds", METRIC_GAUGE,
                                       "When the server started."},
               start_s);
    append_one(out,
               &(struct metric_family){METRICS_OWN, "slowlog_entries", METRIC_GAUGE,
                                       "Requests that the slow log holds."},
               slow);
    append_one(
        out, &(struct metric_family){METRICS_REDIS, "up", METRIC_GAUGE, "The server answers."}, 1);
    append_one(out,
               &(struct metric_family){METRICS_REDIS, "start_time_seconds", METRIC_GAUGE,
                                       "When the server started."},
               start_s);
    append_one(out,
               &(struct metric_family){METRICS_REDIS, "slowlog_length", METRIC_GAUGE,
                                       "Requests that the slow log holds."},
               slow);
}

static void append_lists(const struct admin *a, struct buf *out)
{
    size_t count;
    const struct info_section *sections = info_sections(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sections[i].count; k++)
            if (sections[i].fields[k].metrics)
                sections[i].fields[k].metrics(a, out);
}

void metrics_append(struct admin *a, struct buf *out)
{
    struct info_facts facts = {0};
    gather(a, &facts);
    buf_reserve(out, METRICS_BYTES_MIN);
    append_identity(
        &facts,
        &(struct metric_family){METRICS_OWN, "info", METRIC_GAUGE, "1, with what the server is."},
        label_own, out);
    append_identity(&facts,
                    &(struct metric_family){METRICS_REDIS, "instance_info", METRIC_GAUGE,
                                            "1, with what the server is."},
                    label_redis, out);
    append_others(a, &facts, out);
    each_row(&facts, out, append_own);
    each_row(&facts, out, append_redis);
    append_lists(a, out);
    metrics_latency(a, out);
    metrics_waits(a, out);
}
