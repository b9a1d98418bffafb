#include "admin/metrics_text.h"

#include "base/num.h"

#define NS_PER_S UINT64_C(1000000000)

/* --- heads ------------------------------------------------------------------------------------------------ */

static const char *const type_names[] = {
    [METRIC_NONE] = "untyped",        [METRIC_GAUGE] = "gauge",   [METRIC_COUNTER] = "counter",
    [METRIC_HISTOGRAM] = "histogram", [METRIC_LABEL] = "untyped",
};

static void append_name(struct buf *out, const struct metric_family *f)
{
    buf_append_cstr(out, f->prefix);
    buf_append_cstr(out, f->name);
}

void metrics_head(struct buf *out, const struct metric_family *f)
{
    buf_append_cstr(out, "# HELP ");
    append_name(out, f);
    buf_append_char(out, ' ');
    buf_append_cstr(out, f->help);
    buf_append_cstr(out, "\n# TYPE ");
    append_name(out, f);
    buf_append_char(out, ' ');
    buf_append_cstr(out, type_names[f->type]);
    buf_append_char(out, '\n');
}

/* --- lines ------------------------------------------------------------------------------------------------ */

/* name_suffix{labels} */
static void append_start(struct buf *out, const struct metric_family *f, const char *suffix,
                         const struct buf *labels)
{
    append_name(out, f);
    buf_append_cstr(out, suffix);
    if (labels && labels->len > 0) {
        buf_append_char(out, '{');
        buf_append(out, labels->ptr, labels->len);
        buf_append_char(out, '}');
    }
    buf_append_char(out, ' ');
}

void metrics_line(struct buf *out, const struct metric_family *f, const struct buf *labels)
{
    append_start(out, f, "", labels);
}

void metrics_u64(struct buf *out, uint64_t value)
{
    char text[NUM_I64_CHARS + 1];
    int len = num_print_u64(text, value);
    text[len++] = '\n';
    buf_append(out, text, (size_t)len);
}

void metrics_double(struct buf *out, double value)
{
    char text[33];
    int len = num_print_double(text, value);
    text[len++] = '\n';
    buf_append(out, text, (size_t)len);
}

/* Prints whole numbers, as finding the shortest decimal of a double is slow. */
void metrics_seconds(struct buf *out, uint64_t ns)
{
    char text[NUM_I64_CHARS + 11];
    int len = num_print_u64(text, ns / NS_PER_S);
    text[len++] = '.';
    for (uint64_t digit = NS_PER_S / 10, left = ns % NS_PER_S; digit > 0; digit /= 10) {
        text[len++] = (char)('0' + left / digit);
        left %= digit;
    }
    text[len++] = '\n';
    buf_append(out, text, (size_t)len);
}

void metrics_label(struct buf *labels, const char *name, struct slice value)
{
    size_t from = 0;
    if (labels->len > 0)
        buf_append_char(labels, ',');
    buf_append_cstr(labels, name);
    buf_append_cstr(labels, "=\"");
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c != '\\' && c != '"' && c != '\n')
            continue;
        buf_append(labels, value.ptr + from, i - from);
        buf_append_char(labels, '\\');
        buf_append_char(labels, c == '\n' ? 'n' : c);
        from = i + 1;
    }
    buf_append(labels, value.ptr + from, value.len - from);
    buf_append_char(labels, '"');
}

/* --- histograms ------------------------------------------------------------------------------------------- */

/* The ends of buckets in seconds: powers of two of microseconds. */
static const struct slice ends[METRICS_LAST_BUCKET + 1] = {
#define END(text)                            \
    {                                        \
        text "\"} ", sizeof(text "\"} ") - 1 \
    }
    END("0.000001"), END("0.000002"), END("0.000004"), END("0.000008"), END("0.000016"),
    END("0.000032"), END("0.000064"), END("0.000128"), END("0.000256"), END("0.000512"),
    END("0.001024"), END("0.002048"), END("0.004096"), END("0.008192"), END("0.016384"),
    END("0.032768"), END("0.065536"), END("0.131072"), END("0.262144"), END("0.524288"),
    END("1.048576"), END("2.097152"), END("4.194304"),
#undef END
};

#define BUCKET_CHARS (sizeof("0.000001\"} \n") + NUM_I64_CHARS)

/* Writes the buckets' lines, which all begin the same, into reserved room: they are most of a scrape. */
static char *append_buckets(char *at, const struct buf *start, const uint64_t *count)
{
    uint64_t total = 0;
    for (int i = 0; i <= METRICS_LAST_BUCKET; i++) {
        total += count[i];
        memcpy(at, start->ptr, start->len);
        at += start->len;
        memcpy(at, ends[i].ptr, ends[i].len);
        at += ends[i].len;
        at += num_print_u64(at, total);
        *at++ = '\n';
    }
    return at;
}

void metrics_histogram(struct buf *out, const struct metric_family *f, const struct buf *labels,
                       const uint64_t *count, uint64_t sum_ns)
{
    struct buf start;
    uint64_t total = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
        total += count[i];
    buf_init(&start);
    append_name(&start, f);
    buf_append_cstr(&start, "_bucket{");
    if (labels && labels->len > 0) {
        buf_append(&start, labels->ptr, labels->len);
        buf_append_char(&start, ',');
    }
    buf_append_cstr(&start, "le=\"");
    if (start.err != ERR_OK)
        out->err = start.err;
    if (buf_reserve(out, (METRICS_LAST_BUCKET + 1) * (start.len + BUCKET_CHARS)) == ERR_OK)
        out->len = (size_t)(append_buckets(out->ptr + out->len, &start, count) - out->ptr);
    buf_append(out, start.ptr, start.len);
    buf_append_cstr(out, "+Inf\"} ");
    metrics_u64(out, total);
    append_start(out, f, "_sum", labels);
    metrics_seconds(out, sum_ns);
    append_start(out, f, "_count", labels);
    metrics_u64(out, total);
    buf_deinit(&start);
}
