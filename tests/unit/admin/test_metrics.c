/* Metrics: Prometheus' text format, every number of INFO, and histograms that add up. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/info.h"
#include "admin/metrics.h"
#include "base/clock.h"
#include "base/mem.h"
#include "unit/server/server_test.h"

static const char *scrape(struct test_server *t, struct buf *out)
{
    buf_clear(out);
    metrics_append(t->s->admin, out);
    assert_int_equal(out->err, ERR_OK);
    return buf_cstr(out);
}

/* The value of the line that begins with this; fails where there is none. */
static double value_of(const char *text, const char *start)
{
    size_t len = strlen(start);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1)
        if (strncmp(line, start, len) == 0 && line[len] == ' ')
            return strtod(line + len, NULL);
    fail_msg("no line begins with %s", start);
    return 0;
}

/* --- the format ------------------------------------------------------------------------------------------- */

struct family {
    char name[128], type[16];
    int lines;
};

static void check_name(const char *name, size_t len)
{
    assert_true(len > 0 && (isalpha((unsigned char)name[0]) || name[0] == '_'));
    for (size_t i = 0; i < len; i++)
        assert_true(isalnum((unsigned char)name[i]) || name[i] == '_');
}

/* Behind the opening brace; returns what is behind the closing one. */
static const char *check_labels(const char *at)
{
    for (;;) {
        size_t len = strcspn(at, "=");
        check_name(at, len);
        at += len + 1;
        assert_int_equal(*at++, '"');
        for (; *at != '"'; at++) {
            assert_int_not_equal(*at, '\n');
            if (*at == '\\')
                at++;
        }
        if (*++at == '}')
            return at + 1;
        assert_int_equal(*at++, ',');
    }
}

static bool belongs(const struct family *f, const char *name, size_t len)
{
    static const char *const ends[] = {"", "_bucket", "_sum", "_count"};
    bool histogram = strcmp(f->type, "histogram") == 0;
    size_t own = strlen(f->name);
    if (len < own || memcmp(name, f->name, own) != 0)
        return false;
    for (int i = histogram; i < (histogram ? 4 : 1); i++)
        if (strlen(ends[i]) == len - own && memcmp(name + own, ends[i], len - own) == 0)
            return true;
    return false;
}

static void check_line(const struct family *f, const char *line)
{
    size_t len = strcspn(line, "{ ");
    char *end;
    check_name(line, len);
    if (!belongs(f, line, len))
        fail_msg("%s is not of %s", line, f->name);
    const char *at = line[len] == '{' ? check_labels(line + len + 1) : line + len;
    assert_int_equal(*at, ' ');
    strtod(at + 1, &end);
    assert_true(end > at + 1 && *end == '\0');
}

static void begin_family(struct family *all, int *count, const char *help)
{
    struct family *f = &all[*count];
    assert_int_equal(sscanf(help, "# HELP %127s", f->name), 1);
    assert_true(strlen(help) > strlen("# HELP  ") + strlen(f->name));
    assert_true(help[strlen(help) - 1] == '.');
    for (int i = 0; i < *count; i++)
        assert_string_not_equal(all[i].name, f->name);
    ++*count;
}

#define FAMILIES_MAX 512
/* Every family has one head, and its lines behind it. Returns how many there are. */
static int check_format(const char *scraped)
{
    struct family *all = calloc(FAMILIES_MAX, sizeof(*all));
    char *text = strdup(scraped), *rest = NULL;
    int count = 0;
    assert_int_equal(text[strlen(text) - 1], '\n');
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            assert_true(count < FAMILIES_MAX);
            begin_family(all, &count, line);
        } else if (line[0] == '#') {
            char name[128];
            struct family *f = &all[count - 1];
            assert_int_equal(sscanf(line, "# TYPE %127s %15s", name, f->type), 2);
            assert_string_equal(name, f->name);
            assert_int_equal(f->lines, 0);
            bool total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
            assert_int_equal(total, strcmp(f->type, "counter") == 0);
        } else {
            check_line(&all[count - 1], line);
            all[count - 1].lines++;
        }
    }
    free(text);
    free(all);
    return count;
}

static void test_format(void **state)
{
    (void)state;
    struct test_server t;
    struct buf out;
    buf_init(&out);
    test_server_init(&t, "shards 4");
    int idle = check_format(scrape(&t, &out));
    assert_reply(&t, "SET a 1 EX 1000", "+OK\r\n");
    test_server_run(&t, "GET");
    test_server_run(&t, "LPUSH a x");
    test_server_run(&t, "CONFIG GET port");
    assert_reply(&t, "SELECT 3", "+OK\r\n");
    assert_reply(&t, "SET a b", "+OK\r\n");
    const char *text = scrape(&t, &out);
    assert_int_equal(check_format(text), idle);
    assert_true(value_of(text, "corsac_command_calls_total{command=\"set\"}") == 2);
    assert_true(value_of(text, "redis_commands_total{cmd=\"set\"}") == 2);
    assert_true(value_of(text, "corsac_command_failed_calls_total{command=\"lpush\"}") == 1);
    assert_true(value_of(text, "corsac_command_rejected_calls_total{command=\"get\"}") == 1);
    assert_true(value_of(text, "corsac_command_calls_total{command=\"config|get\"}") == 1);
    assert_true(value_of(text, "corsac_errors_total{code=\"WRONGTYPE\"}") == 1);
    assert_true(value_of(text, "redis_errors_total{err=\"ERR\"}") == 1);
    assert_true(value_of(text, "corsac_database_keys{database=\"3\"}") == 1);
    assert_true(value_of(text, "redis_db_keys_expiring{db=\"db0\"}") == 1);
    assert_true(value_of(text, "redis_db_avg_ttl_seconds{db=\"db0\"}") > 990);
    double keys = 0, slots = 0;
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof(name), "corsac_shard_keys{shard=\"%d\"}", i);
        keys += value_of(text, name);
        snprintf(name, sizeof(name), "corsac_shard_slots{shard=\"%d\"}", i);
        slots += value_of(text, name);
    }
    assert_true(keys == 2 && slots == 16384);
    test_server_deinit(&t);
    buf_deinit(&out);
}

static void test_units(void **state)
{
    (void)state;
    struct test_server t;
    struct buf out;
    buf_init(&out);
    test_server_init(&t, "");
    const char *text = scrape(&t, &out);
    assert_true(value_of(text, "redis_up") == 1);
    assert_true(value_of(text, "corsac_aof_write_ok") == 1);
    assert_true(value_of(text, "redis_aof_last_bgrewrite_status") == 1);
    assert_true(value_of(text, "redis_evicted_keys_total") == 0);
    assert_true(value_of(text, "corsac_memory_used_bytes") > 1000);
    assert_true(value_of(text, "corsac_memory_used_peak_ratio") <= 1);
    assert_has(text, "\ncorsac_info{redis_version=\"7.2.4\",version=\"");
    assert_has(text, ",role=\"master\"} 1\n");
    double now_s = (double)clock_wall_us() / 1e6;
    double start_s = value_of(text, "corsac_start_timestamp_seconds");
    assert_true(start_s <= now_s && start_s > now_s - 600);
    test_server_deinit(&t);
    buf_deinit(&out);
}

static void test_labels(void **state)
{
    (void)state;
    struct buf labels;
    buf_init(&labels);
    metrics_label(&labels, "a", slice_from_cstr("x\\y\"z\n"));
    metrics_label(&labels, "b", slice_from_cstr(""));
    assert_string_equal(buf_cstr(&labels), "a=\"x\\\\y\\\"z\\n\",b=\"\"");
    buf_deinit(&labels);
}

/* --- histograms ------------------------------------------------------------------------------------------- */

static void test_histogram(void **state)
{
    (void)state;
    static const struct metric_family family = {METRICS_OWN, "x_seconds", METRIC_HISTOGRAM, "X."};
    static const uint64_t durations[] = {0, 1, 2, 3, 4, 1000, 4194303, 4194304, UINT64_MAX};
    struct histogram h = {0};
    struct buf out;
    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++)
        histogram_add(&h, durations[i]);
    buf_init(&out);
    metrics_head(&out, &family);
    metrics_histogram(&out, &family, NULL, h.count, 1500000001);
    const char *text = buf_cstr(&out);
    check_format(text);
    static const struct {
        const char *end;
        int count;
    } want[] = {{"0.000001", 1}, {"0.000002", 2}, {"0.000004", 4}, {"0.000008", 5}, {"0.000512", 5},
                {"0.001024", 6}, {"2.097152", 6}, {"4.194304", 7}, {"+Inf", 9}};
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "corsac_x_seconds_bucket{le=\"%s\"}", want[i].end);
        assert_true(value_of(text, name) == want[i].count);
    }
    assert_true(value_of(text, "corsac_x_seconds_count") == 9);
    assert_true(value_of(text, "corsac_x_seconds_sum") == 1.500000001);
    buf_deinit(&out);
}

/* Each bucket holds all that those before it hold. */
static void check_cumulative(const char *text, const char *start)
{
    double last = 0;
    int buckets = 0;
    for (const char *line = strstr(text, start); line && strncmp(line, start, strlen(start)) == 0;
         line = strchr(line, '\n') + 1) {
        double count = strtod(line + strcspn(line, " ") + 1, NULL);
        assert_true(count >= last);
        last = count;
        buckets++;
    }
    assert_int_equal(buckets, METRICS_LAST_BUCKET + 2);
}

static void test_durations(void **state)
{
    (void)state;
    struct test_server t;
    struct buf out;
    buf_init(&out);
    test_server_init(&t, "");
    for (int i = 0; i < 10; i++)
        assert_reply(&t, "SET a b", "+OK\r\n");
    const char *text = scrape(&t, &out);
    check_cumulative(text, "corsac_command_duration_seconds_bucket{command=\"set\",le=\"");
    double seconds = value_of(text, "corsac_command_seconds_total{command=\"set\"}");
    assert_true(value_of(text, "corsac_command_duration_seconds_count{command=\"set\"}") == 10);
    assert_true(value_of(text, "corsac_command_duration_seconds_sum{command=\"set\"}") == seconds);
    /* While none are kept, none are told, and afterwards only of those that were. */
    test_server_run(&t, "CONFIG SET latency-tracking no");
    for (int i = 0; i < 10; i++)
        assert_reply(&t, "SET a b", "+OK\r\n");
    assert_null(strstr(scrape(&t, &out), "corsac_command_duration_seconds"));
    test_server_run(&t, "CONFIG SET latency-tracking yes");
    text = scrape(&t, &out);
    seconds = value_of(text, "corsac_command_seconds_total{command=\"set\"}");
    double sum = value_of(text, "corsac_command_duration_seconds_sum{command=\"set\"}");
    assert_true(sum > seconds * 0.49 && sum < seconds * 0.51);
    test_server_deinit(&t);
    buf_deinit(&out);
}

/* --- rows ------------------------------------------------------------------------------------------------- */

/* What would be told twice, or is no figure of the server. */
static bool need_not_be_told(const char *name)
{
    static const char *const names[] = {"redis_git_dirty", "server_time_usec", "uptime_in_days",
                                        "lru_clock"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void test_every_number_of_info(void **state)
{
    (void)state;
    size_t count;
    const struct info_section *sections = info_sections(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sections[i].count; k++) {
            const struct info_field *row = &sections[i].fields[k];
            const struct info_metric *m = &row->metric;
            bool number = row->kind <= INFO_PERCENT || row->kind == INFO_SECONDS;
            if (number && !need_not_be_told(row->name) && !m->name && !m->redis)
                fail_msg("%s is not among the metrics", row->name);
            if (m->type == METRIC_COUNTER && m->name)
                assert_has(m->name, "_total");
            assert_true(m->type == METRIC_NONE || m->per > 0);
            assert_false(row->kind == INFO_ABSENT && m->name);
        }
}

/* --- much, and little memory ------------------------------------------------------------------------------ */

/* Every command was called, and has taken all kinds of times. */
static void call_all(struct test_server *t)
{
    const struct cmd_table *table = engine_table(t->s->engine);
    for (size_t i = 0; i < cmd_table_count(table); i++) {
        struct cmd_stats *st = &cmd_table_at(table, i)->stats;
        if (!st->histogram)
            st->histogram = mem_zalloc(CMD_HISTOGRAM_BUCKETS * sizeof(*st->histogram));
        st->calls = st->failed_calls = st->rejected_calls = 123456789012;
        st->ticks = 123456789012345;
        for (int k = 0; k < CMD_HISTOGRAM_BUCKETS; k++)
            st->histogram[k] = 12345678901;
    }
}

static void test_all_commands(void **state)
{
    (void)state;
    struct test_server t;
    struct buf out;
    buf_init(&out);
    test_server_init(&t, "");
    call_all(&t);
    check_format(scrape(&t, &out));
    int64_t best_us = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        int64_t start_us = clock_mono_us();
        scrape(&t, &out);
        int64_t us = clock_mono_us() - start_us;
        best_us = us < best_us ? us : best_us;
    }
    print_message("%zu commands: %zu bytes in %lld us\n",
                  cmd_table_count(engine_table(t.s->engine)), out.len, (long long)best_us);
    test_server_deinit(&t);
    buf_deinit(&out);
}

/* The nth allocation fails: that is told, and nothing else happens. */
static void test_little_memory(void **state)
{
    (void)state;
    struct test_server t;
    bool failed = true;
    test_server_init(&t, "");
    assert_reply(&t, "SET a b", "+OK\r\n");
    for (size_t n = 1; failed; n++) {
        struct buf out;
        buf_init(&out);
        mem_fail_after(n);
        metrics_append(t.s->admin, &out);
        failed = mem_fails_in() == 0;
        mem_fail_after(0);
        assert_int_equal(out.err, failed ? ERR_NOMEM : ERR_OK);
        buf_deinit(&out);
    }
    test_server_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),       cmocka_unit_test(test_units),
        cmocka_unit_test(test_labels),       cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_durations),    cmocka_unit_test(test_every_number_of_info),
        cmocka_unit_test(test_all_commands), cmocka_unit_test(test_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
