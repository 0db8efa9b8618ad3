/* bench/feed_bench.c - what reading costs: for each recorded format unpacking into lines alone, then the feed, then the
 * feed merged; and the simulated feed. CPU time, one line of JSON each: feed_bench [EXAMPLES_DATA [TICKS]]. */
#include "base/time.h"
#include "feed/archive.h"
#include "feed/glob.h"
#include "feed/merge.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct count {
    int64_t items, trades, quotes, ignored, rejected, times;
} count;

static int64_t cpu_ns(void) { /* others may use the machine */
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * TD_NS_PER_S + now.tv_nsec;
}

static void add_item(count *c, const td_feed_item *item) {
    c->items++;
    if (item->kind == TD_ITEM_REJECTED) c->rejected++;
    if (item->kind == TD_ITEM_IGNORED) c->ignored++;
    if (item->kind != TD_ITEM_EVENT) return;
    if (item->event.kind == TD_EVENT_TRADE) c->trades++;
    if (item->event.kind == TD_EVENT_QUOTE) c->quotes++;
    if (item->event.kind == TD_EVENT_TIME) c->times++;
}

static void stop(const char *what) {
    (void)fprintf(stderr, "feed_bench: %s: %s\n", what, td_trail());
    exit(1);
}

static void report(const char *what, const count *c, int64_t from_ns) {
    double ns = (double)(cpu_ns() - from_ns);
    (void)printf("{\"what\":\"%s\",\"items\":%" PRId64 ",\"trades\":%" PRId64 ",\"quotes\":%" PRId64
                 ",\"ignored\":%" PRId64 ",\"rejected\":%" PRId64 ",\"times\":%" PRId64
                 ",\"seconds\":%.3f,\"million_per_second\":%.2f,\"ns_per_item\":%.1f}\n",
                 what, c->items, c->trades, c->quotes, c->ignored, c->rejected, c->times, ns / 1e9,
                 (double)c->items / ns * 1e3, ns / (double)c->items);
}

static void run(const td_feed_ops *ops, const td_feed_conf *conf, bool merged, const char *what) {
    td_instruments *instruments = td_instruments_new();
    td_merge *merge = td_merge_new(instruments, 8);
    count c = {0};
    void *feed;
    td_input input;
    td_status status = TD_OK;
    if (ops->open(&feed, &td_os_posix, conf, instruments) != TD_OK) stop(what);
    if (merged) td_merge_add(merge, 0, ops, feed, conf);
    int64_t from_ns = cpu_ns();
    for (;;) {
        status = merged ? td_merge_next(merge, &input) : ops->next(feed, &input.item);
        if (status != TD_OK) stop(what);
        if (input.item.kind == TD_ITEM_END) break;
        add_item(&c, &input.item);
    }
    report(what, &c, from_ns);
    if (!merged) ops->close(feed);
    td_merge_free(merge);
    td_instruments_free(instruments);
}

static void unpack(const char *pattern) {
    td_paths paths;
    count c = {0};
    if (td_glob(&td_os_posix, pattern, &paths) != TD_OK) stop(pattern);
    int64_t from_ns = cpu_ns();
    for (size_t i = 0; i < paths.count; i++) {
        td_archive *archive;
        td_line line;
        if (td_archive_open(&archive, &td_os_posix, paths.items[i], false) != TD_OK) stop(paths.items[i]);
        while (td_archive_next(archive, &line) == TD_OK && line.kind != TD_LINE_END) c.items++;
        td_archive_close(archive);
    }
    report("lines alone", &c, from_ns);
    td_paths_fini(&paths);
}

static void set(const td_feed_ops *ops, td_feed_conf *conf, const char *key, const char *value) {
    if (td_options_set(ops->options, conf, key, value) != TD_OK) stop(key);
}

static void bench(const td_feed_ops *ops, const char *key, const char *value) {
    td_feed_conf conf = {0};
    char what[64];
    td_options_init(ops->options, &conf);
    set(ops, &conf, "name", ops->format);
    set(ops, &conf, key, value);
    run(ops, &conf, false, ops->format);
    (void)snprintf(what, sizeof what, "%s, merged", ops->format);
    run(ops, &conf, true, what);
    td_options_fini(ops->options, &conf);
}

int main(int argc, char **argv) {
    const char *data = argc > 1 ? argv[1] : "examples/data";
    char lean[512], binance[512];
    (void)snprintf(lean, sizeof lean, "%s/lean/*.zip", data);
    (void)snprintf(binance, sizeof binance, "%s/binance/*.gz", data);
    unpack(lean);
    bench(&td_feed_lean, "path", lean);
    unpack(binance);
    bench(&td_feed_binance_collector, "path", binance);
    bench(&td_feed_simulated, "ticks", argc > 2 ? argv[2] : "40000000");
    return 0;
}
