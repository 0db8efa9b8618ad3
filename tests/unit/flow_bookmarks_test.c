/* tests/unit/flow_bookmarks_test.c - goal: whenever a process dies, and whatever its disk loses of what was not synced,
 * each record of a source that keeps what it has is in the log once, and in each partition in the source's order. */
#include "log_rig.h"
/* after the rig's own */
#include "base/hash.h"
#include "base/time.h"
#include "consumer_unit.h"
#include "flow/bookmarks.h"
#include "flow/ingest.h"
#include "schema/cause.h"
#include <sys/stat.h>

enum { PARTITIONS = 2 /* as the rig's topic has */, SOURCES = 3, RECORDS = 120, SEEDS = 60, FILES = 2 * PARTITIONS };

typedef struct world {
    rig *rig;
    td_os_ops ops;
    td_os os;
    int64_t mono_ns, skipped_ns;
    uint64_t seed;
    td_feed_conf conf;
    td_topics topics;
    td_instruments *instruments;
    td_merge *merge;
    td_live *live;
    td_ingest *ingest;
    int64_t safe_bytes[FILES]; /* of each file at the last sync */
    int lives, cuts;
} world;

static world *the_world;
static int64_t now_mono_ns(void *self) {
    (void)self;
    return the_world->mono_ns;
}
static int64_t now_wall_ns(void *self) {
    (void)self;
    return INT64_C(1700000000) * TD_NS_PER_S + the_world->mono_ns + the_world->skipped_ns;
}

/* Trades of four instruments over all partitions, some of which are none. */
static void fill_source(uint64_t *seed) {
    char value[120];
    unit_topic.partitions = SOURCES;
    for (int i = 0; i < SOURCES * RECORDS; i++) {
        uint64_t random = unit_random(seed);
        (void)snprintf(value, sizeof value, "{\"s\":\"%c\",\"p\":%d}", (int)('A' + random % 4), i + 1);
        if (random % 11 == 0) (void)snprintf(value, sizeof value, "poison %d", i);
        unit_topic_put((uint32_t)(random >> 8) % SOURCES, 1000 + i, random % 13 == 0 ? NULL : value);
    }
    for (uint32_t p = 0; p < SOURCES; p++) unit_topic.shown[p] = 0;
}

static void file_of(const world *w, int i, char path[160]) {
    (void)snprintf(path, 160, "%s/%s-%d/00000000000000000000.log", w->rig->dir, i < PARTITIONS ? "tape" : "rejected",
                   i % PARTITIONS);
}

static void note_safe(world *w) {
    char path[160];
    struct stat about;
    for (int i = 0; i < FILES; i++) {
        file_of(w, i, path);
        w->safe_bytes[i] = stat(path, &about) == 0 ? about.st_size : 0;
    }
}

static void sync_log(world *w) {
    assert_int_equal(td_log_sync(w->rig->log), TD_OK);
    note_safe(w);
}

static void begin(world *w) {
    static const td_bytes feed_name = {(const uint8_t *)"desk", 4};
    rig_open_log(w->rig);
    assert_int_equal(td_topics_open(&w->topics, w->rig->log, PARTITIONS, 0), TD_OK);
    w->instruments = td_instruments_new();
    w->merge = td_merge_new(w->instruments, PARTITIONS);
    w->live = td_live_new(&w->os, w->instruments, PARTITIONS, rig_report, w->rig);
    void *feed;
    assert_int_equal(td_feed_kafka.open(&feed, &w->os, &w->conf, w->instruments), TD_OK);
    td_live_add(w->live, 0, &td_feed_kafka, feed, &w->conf);
    td_ingest_conf conf = {.os = &w->os,
                           .topics = &w->topics,
                           .merge = w->merge,
                           .live = w->live,
                           .instruments = w->instruments,
                           .feed_names = &feed_name,
                           .batch_bytes = 1000};
    td_status status = td_ingest_open(&w->ingest, &conf);
    if (status != TD_OK) print_error("%s\n", td_trail());
    assert_int_equal(status, TD_OK);
    w->lives++;
    note_safe(w);
}

static void end(world *w) {
    td_ingest_close(w->ingest);
    td_live_free(w->live);
    td_merge_free(w->merge);
    td_instruments_free(w->instruments);
    td_topics_close(&w->topics);
}

/* What was not synced is lost in part, each file by itself. */
static void die(world *w) {
    char path[160];
    end(w);
    rig_kill(w->rig);
    for (int i = 0; i < FILES; i++) {
        struct stat about;
        file_of(w, i, path);
        if (stat(path, &about) != 0 || about.st_size <= w->safe_bytes[i] || unit_random(&w->seed) % 2 == 0) continue;
        int64_t left = (int64_t)(unit_random(&w->seed) % (uint64_t)(about.st_size - w->safe_bytes[i]));
        assert_int_equal(truncate(path, w->safe_bytes[i] + left), 0);
        w->cuts++;
    }
}

static bool all_shown(void) {
    for (uint32_t p = 0; p < SOURCES; p++)
        if (unit_topic.shown[p] < unit_topic.ends[p]) return false;
    return true;
}

static void show_more(world *w) {
    for (uint32_t p = 0; p < SOURCES; p++) {
        int64_t more = (int64_t)(unit_random(&w->seed) % 8);
        unit_topic.shown[p] = td_least(unit_topic.ends[p], unit_topic.shown[p] + more);
    }
}

/* Nothing rests on what a machine may lose: else only older bookmarks would help. */
static void check_bookmark(const world *w, const td_record *record) {
    char *text = td_copy_bytes(record->value), *rest = text, topic[32];
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        uint32_t p;
        int64_t end;
        if (sscanf(line, "%31s %" SCNu32 " %" SCNd64, topic, &p, &end) != 3 || strcmp(topic, "source") == 0) continue;
        assert_true(end <= td_topic_synced(strcmp(topic, "tape") == 0 ? w->topics.tape : w->topics.rejected, p));
    }
    free(text);
}

static void check_bookmarks(const world *w) {
    td_topic *topic;
    td_reader *reader;
    td_record record;
    assert_int_equal(td_log_topic(w->rig->log, "_bookmarks", 1, TD_TOPIC_INPUT, &topic), TD_OK);
    assert_int_equal(td_reader_open(&reader, topic, 0, 0, TD_READ_APPENDED), TD_OK);
    while (td_reader_next(reader, &record) == TD_OK) check_bookmark(w, &record);
    td_reader_close(reader);
}

/* Some steps of all that can happen. */
static void live_for(world *w, int steps) {
    for (int i = 0; i < steps; i++) {
        uint64_t random = unit_random(&w->seed);
        w->mono_ns += 10 * TD_NS_PER_MS;
        if (random % 4 == 0) show_more(w);
        if (random % 7 == 0) sync_log(w);
        if (random % 9 == 0) w->skipped_ns += 61 * TD_NS_PER_S; /* a bookmark is due */
        (void)td_ingest_step(w->ingest);
        assert_int_equal(td_fault_status(td_ingest_fault(w->ingest)), TD_OK);
        if (random % 5 == 0) check_bookmarks(w);
    }
}

typedef struct seen {
    int times[SOURCES][UNIT_RECORDS];
    int64_t last[SOURCES];
} seen;

static void note_record(seen *s, const td_record *record) {
    td_source_position position;
    assert_true(td_src_get(td_record_header(record, TD_SRC_HEADER), &position));
    uint32_t p = position.file & ~TD_SESSION_BIT;
    int64_t at = (int64_t)position.line - 1;
    assert_in_range(p, 0, SOURCES - 1);
    ASSERT_ROW(at > s->last[p], "%u:%d comes behind %d", p, (int)at, (int)s->last[p]);
    s->last[p] = at;
    s->times[p][at]++;
}

static void look_at(const world *w, td_topic *topic, bool tape, seen *s) {
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        td_reader *reader;
        td_record record;
        td_event event;
        td_bytes feed;
        for (uint32_t k = 0; k < SOURCES; k++) s->last[k] = -1;
        assert_int_equal(td_reader_open(&reader, topic, p, 0, TD_READ_APPENDED), TD_OK);
        while (td_reader_next(reader, &record) == TD_OK) {
            if (tape) assert_int_equal(td_record_get_event(w->topics.ids, record.value, &event, &feed), TD_OK);
            if (!tape || event.kind == TD_EVENT_PRICE) note_record(s, &record);
        }
        td_reader_close(reader);
    }
}

static void check_once(const world *w, int64_t from) {
    static seen s;
    s = (seen){0};
    look_at(w, w->topics.tape, true, &s);
    look_at(w, w->topics.rejected, false, &s);
    for (uint32_t p = 0; p < SOURCES; p++)
        for (int64_t i = 0; i < unit_topic.ends[p]; i++)
            ASSERT_ROW(s.times[p][i] == (i >= from && unit_topic.values[p][i] != NULL), "%u:%d is there %d times", p,
                       (int)i, s.times[p][i]);
}

static void world_begin(world *w, rig *r, uint64_t seed, const char *from) {
    static const char *const settings[][2] = {{"name", "desk"},     {"topic", "t"},     {"venue", "V"},
                                              {"brokers", "b:1"},   {"event", "price"}, {"fields", "instrument=s"},
                                              {"fields", "price=p"}};
    *w = (world){.rig = r, .seed = seed, .ops = *r->os.ops};
    the_world = w;
    w->ops.mono_ns = now_mono_ns;
    w->ops.wall_ns = now_wall_ns;
    w->os = (td_os){&w->ops, r->os.self};
    td_options_init(td_feed_kafka.options, &w->conf);
    for (size_t i = 0; i < COUNT_OF(settings); i++)
        assert_int_equal(td_options_set(td_feed_kafka.options, &w->conf, settings[i][0], settings[i][1]), TD_OK);
    assert_int_equal(td_options_set(td_feed_kafka.options, &w->conf, "from", from), TD_OK);
    w->conf.consumer = &unit_consumer;
    fill_source(&w->seed);
}

static void world_end(world *w) {
    td_options_fini(td_feed_kafka.options, &w->conf);
    unit_topic_free();
}

static void once_whatever_dies(void **state) {
    rig *r = *state;
    world w;
    int lives = 0, cuts = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        world_begin(&w, r, seed, "start");
        begin(&w);
        while (!all_shown()) {
            live_for(&w, (int)(unit_random(&w.seed) % 40));
            if (unit_random(&w.seed) % 3 != 0) continue;
            die(&w);
            begin(&w);
        }
        for (int i = 0; i < 20; i++) { /* until nothing is left */
            live_for(&w, 4);
            sync_log(&w);
        }
        check_once(&w, 0);
        lives += w.lives;
        cuts += w.cuts;
        end(&w);
        rig_close_log(r);
        rig_run("rm -rf %s", r->dir);
        world_end(&w);
    }
    print_message("%d lives, %d files cut\n", lives, cuts);
    assert_in_range(lives, 3 * SEEDS, 1000 * SEEDS);
    assert_in_range(cuts, SEEDS, 1000 * SEEDS);
}

/* Where it began is known before its first record is: `end` means the same after a death. */
static void its_begin_is_safe_first(void **state) {
    rig *r = *state;
    world w;
    world_begin(&w, r, 7, "end");
    for (uint32_t p = 0; p < SOURCES; p++) {
        unit_topic.spans[p].from = 20;
        unit_topic.shown[p] = unit_topic.ends[p];
    }
    begin(&w);
    for (int i = 0; i < 5; i++) {
        w.mono_ns += 10 * TD_NS_PER_MS;
        (void)td_ingest_step(w.ingest);
    }
    for (uint32_t p = 0; p < PARTITIONS; p++) /* nothing is synced */
        assert_int_equal(td_topic_end(w.topics.tape, p) + td_topic_end(w.topics.rejected, p), 0);
    sync_log(&w);
    (void)td_ingest_step(w.ingest);
    (void)td_ingest_step(w.ingest);
    die(&w);
    for (uint32_t p = 0; p < SOURCES; p++) unit_topic.spans[p].from = unit_topic.ends[p]; /* it has grown since */
    begin(&w);
    for (int i = 0; i < 20; i++) {
        live_for(&w, 4);
        sync_log(&w);
    }
    check_once(&w, 20);
    end(&w);
    world_end(&w);
}

static void show(world *w, int64_t up_to) {
    for (uint32_t p = 0; p < SOURCES; p++) unit_topic.shown[p] = td_least(unit_topic.ends[p], up_to);
    for (int i = 0; i < 12; i++) {
        w->mono_ns += 10 * TD_NS_PER_MS;
        (void)td_ingest_step(w->ingest);
        sync_log(w);
    }
}

/* A bookmark that is kept while what the log holds passes still does not hide the rest of that from the next start. */
static void what_is_read_again_in_parts(void **state) {
    world w;
    world_begin(&w, *state, 3, "start");
    begin(&w);
    show(&w, 5);
    show(&w, 80); /* no bookmark is due */
    die(&w);
    begin(&w);
    show(&w, 20); /* one is, as whenever a start has read something */
    die(&w);
    begin(&w);
    show(&w, UNIT_RECORDS);
    show(&w, UNIT_RECORDS);
    check_once(&w, 0);
    end(&w);
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_read_again_in_parts, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(once_whatever_dies, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(its_begin_is_safe_first, rig_new, rig_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
