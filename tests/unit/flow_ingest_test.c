/* tests/unit/flow_ingest_test.c - goal: what cannot be appended yet is appended as it came, whatever the network does
 * while it waits; a log goes on with new files behind those it was made of, and with nothing else. */
#include "log_rig.h"
/* after the rig's own */
#include "base/hash.h"
#include "base/time.h"
#include "flow/ingest.h"
#include "schema/cause.h"

enum { MESSAGES = 12, MESSAGE_BYTES = 3000, PARTITIONS = 2 /* as the rig's topic has */ };

/* A live feed whose messages are no events; all lie in the same place, which a pump fills anew. */
typedef struct venue {
    uint8_t inbox[MESSAGE_BYTES];
    uint64_t given;
} venue;

static td_status venue_connect(void *self, uint32_t session) {
    (void)self;
    (void)session;
    return TD_OK;
}

static int venue_pump(void *self) {
    venue *v = self;
    memset(v->inbox, '?', sizeof v->inbox);
    return 0;
}

static td_status venue_next(void *self, td_feed_item *out) {
    venue *v = self;
    if (v->given == MESSAGES) return TD_AGAIN;
    memset(v->inbox, (int)('a' + v->given), sizeof v->inbox);
    *out = (td_feed_item){.kind = TD_ITEM_REJECTED, .position = {.file = TD_SESSION_BIT, .line = ++v->given}};
    out->rejected = (td_rejected){.position = out->position,
                                  .reason = TD_REASON_MALFORMED,
                                  .detail = TD_TEXT("no event"),
                                  .bytes = {v->inbox, sizeof v->inbox}};
    return TD_OK;
}

static void venue_close(void *self) { (void)self; }

static const td_live_ops venue_live = {.connect = venue_connect, .pump = venue_pump};
static const td_feed_ops venue_ops = {.live = &venue_live, .next = venue_next, .close = venue_close};

static int64_t mono_ns;

static int64_t test_mono_ns(void *self) {
    (void)self;
    return mono_ns;
}

static int64_t test_wall_ns(void *self) {
    (void)self;
    return TD_NS_PER_DAY + mono_ns;
}

static void check_rejected(const td_topics *topics, td_bytes feed) {
    td_reader *reader;
    td_record record;
    td_rejected rejected;
    int count = 0;
    assert_int_equal(td_reader_open(&reader, topics->rejected, td_partition_of(feed, PARTITIONS), 0, TD_READ_APPENDED),
                     TD_OK);
    for (; td_reader_next(reader, &record) == TD_OK; count++) {
        assert_int_equal(td_record_get_rejected(record.value, &rejected), TD_OK);
        assert_int_equal(rejected.bytes.size, MESSAGE_BYTES);
        for (size_t i = 0; i < rejected.bytes.size; i++)
            ASSERT_ROW(rejected.bytes.data[i] == 'a' + count, "message %d, byte %zu", count, i);
    }
    assert_int_equal(count, MESSAGES);
    td_reader_close(reader);
}

static void keeps_what_waits(void **state) {
    rig *r = *state;
    td_topics topics;
    td_ingest *ingest;
    venue v = {.given = 0};
    char feed_name[] = "venue";
    td_feed_conf conf = {.name = feed_name, .reconnect_ns = 1};
    td_bytes name = td_text(feed_name);
    td_os_ops ops = *r->os.ops; /* its clock stands; what backs off waits for one that does not */
    ops.mono_ns = test_mono_ns;
    ops.wall_ns = test_wall_ns;
    const td_os os = {&ops, r->os.self};
    rig_open_log(r);
    assert_int_equal(td_topics_open(&topics, r->log, PARTITIONS, 0), TD_OK);
    td_instruments *instruments = td_instruments_new();
    td_merge *merge = td_merge_new(instruments, PARTITIONS);
    td_live *live = td_live_new(&os, instruments, PARTITIONS, rig_report, r);
    td_live_add(live, 0, &venue_ops, &v, &conf);
    td_ingest_conf ingest_conf = {.os = &os,
                                  .topics = &topics,
                                  .merge = merge,
                                  .live = live,
                                  .instruments = instruments,
                                  .feed_names = &name,
                                  .batch_bytes = 2 * MESSAGE_BYTES};
    assert_int_equal(td_ingest_open(&ingest, &ingest_conf), TD_OK);
    atomic_store(&r->machine.fail_writes, 3);
    for (int turn = 0; turn < 100; turn++) { /* longer than it backs off, and than all of it takes */
        (void)td_ingest_step(ingest);
        mono_ns += TD_NS_PER_MS;
    }
    assert_int_equal(td_counted(&td_ingest_counters(ingest)->retries), 3);
    const td_histogram *waits = &td_ingest_counters(ingest)->waits;
    assert_int_equal(td_counted(&waits->counts[0]), 0); /* what came first waited for all three */
    assert_true(td_counted(&waits->sum_ns) > 3 * TD_NS_PER_MS && td_counted(&waits->sum_ns) < mono_ns);
    check_rejected(&topics, name);
    td_ingest_close(ingest);
    td_live_free(live);
    td_merge_free(merge);
    td_instruments_free(instruments);
    td_topics_close(&topics);
}

/* A file feed whose files hold ITEMS trades each, one a second, and begin a day apart; the second item of each is
 * refused. */
enum { ITEMS = 10, FILES_MAX = 5 };

typedef struct shelf {
    const rig *r;
    char first; /* its files are r->root/<first>, … */
    size_t count, at;
    uint32_t instrument;
    char paths[FILES_MAX][80];
    bool reads_before; /* it cannot tell when a file begins */
    bool has_no_clock;
} shelf;

static bool shelf_file(const void *self, size_t index, td_feed_file *out) {
    shelf *s = (shelf *)(uintptr_t)self;
    if (index >= s->count) return false;
    (void)snprintf(s->paths[index], sizeof s->paths[index], "%s/%c", s->r->root, (char)(s->first + (char)index));
    *out = (td_feed_file){s->paths[index], s->has_no_clock   ? 1
                                           : s->reads_before ? 0
                                                             : (int64_t)(index + 1) * TD_NS_PER_DAY};
    return true;
}

static td_status shelf_next(void *self, td_feed_item *out) {
    shelf *s = self;
    size_t file = s->at / ITEMS, item = s->at % ITEMS;
    *out = (td_feed_item){.kind = TD_ITEM_END};
    if (file >= s->count) return TD_OK;
    s->at++;
    out->clock_ns = (int64_t)(file + 1) * TD_NS_PER_DAY + (int64_t)(item + 1) * TD_NS_PER_S;
    out->position = (td_source_position){.file = (uint32_t)file, .line = item / 2 + 1, .part = item % 2}; /* pairs */
    if (s->has_no_clock) out->clock_ns = 0;
    out->kind = item == 1 ? TD_ITEM_REJECTED : TD_ITEM_EVENT;
    if (item == 1)
        out->rejected = (td_rejected){.position = out->position,
                                      .receive_ns = out->clock_ns,
                                      .reason = TD_REASON_MALFORMED,
                                      .detail = TD_TEXT("no row")};
    else
        out->event = (td_event){.kind = TD_EVENT_TRADE,
                                .instrument = s->instrument,
                                .event_ns = out->clock_ns,
                                .receive_ns = out->clock_ns,
                                .of_epoch = TD_NONE,
                                .of_offset = TD_NONE,
                                .trade = {.price = 1, .size = 1, .trade_id = TD_NONE}};
    return TD_OK;
}

static const td_option shelf_options[] = {TD_FEED_ROWS("SHELF"), {0}};
static const td_feed_ops shelf_ops = {.format = "shelf",
                                      .is_file = true,
                                      .options = shelf_options,
                                      .next = shelf_next,
                                      .file = shelf_file,
                                      .close = venue_close};

static int64_t count_records(const td_topic *topic) {
    int64_t count = 0;
    for (uint32_t p = 0; p < PARTITIONS; p++) count += td_topic_end(topic, p);
    return count;
}

enum { NOT_COUNTED = -1 };

typedef struct shelf_run {
    const char *does;
    const char *command; /* what happens to the folder first, or NULL */
    char first;
    size_t files;
    bool reads_before;
    const char *refused; /* NULL: it runs to its end */
    int64_t items;       /* then on the tape, without Time; NOT_COUNTED: they have no clock */
} shelf_run;

typedef struct next_shelf { /* of another feed, a file */
    char first;
    bool dies; /* it all, before its first step */
} next_shelf;

static td_status run_shelves(rig *r, const shelf_run *run, const next_shelf *next, td_topics *topics) {
    char feed_name[] = "shelf", venue_name[] = "SHELF", other_name[] = "other";
    td_feed_conf conf = {.name = feed_name, .venue = venue_name, .ratio = 1},
                 beside_conf = {.name = other_name, .venue = other_name, .ratio = 1};
    td_bytes names[] = {td_text(feed_name), td_text(other_name)};
    td_instruments *instruments = td_instruments_new();
    shelf s = {.r = r,
               .first = run->first,
               .count = run->files,
               .instrument = td_instruments_intern(instruments, TD_TEXT("SHELF:A")),
               .reads_before = run->reads_before,
               .has_no_clock = run->items == NOT_COUNTED};
    shelf beside = {.r = r,
                    .first = next != NULL ? next->first : 0,
                    .count = 1,
                    .instrument = td_instruments_intern(instruments, TD_TEXT("other:A"))};
    td_merge *merge = td_merge_new(instruments, PARTITIONS);
    td_merge_add(merge, 0, &shelf_ops, &s, &conf);
    if (next != NULL) td_merge_add(merge, 1, &shelf_ops, &beside, &beside_conf);
    td_live *live = td_live_new(&r->os, instruments, PARTITIONS, rig_report, r);
    td_ingest_conf ingest_conf = {.os = &r->os,
                                  .topics = topics,
                                  .merge = merge,
                                  .live = live,
                                  .instruments = instruments,
                                  .feed_names = names,
                                  .batch_bytes = 1000};
    td_ingest *ingest = NULL;
    td_status status = td_ingest_open(&ingest, &ingest_conf);
    bool dies = status == TD_OK && next != NULL && next->dies;
    if (dies) status = TD_AGAIN;
    for (int turn = 0; status == TD_OK && !td_ingest_ended(ingest) && turn < 10; turn++) {
        (void)td_ingest_step(ingest);
        status = td_fault_status(td_ingest_fault(ingest));
    }
    assert_true(status != TD_OK || td_ingest_ended(ingest));
    td_ingest_close(ingest);
    td_live_free(live);
    td_merge_free(merge);
    td_instruments_free(instruments);
    return dies ? TD_OK : status;
}

static td_status run_shelf(rig *r, const shelf_run *run, td_topics *topics) {
    return run_shelves(r, run, NULL, topics);
}

static int64_t count_trades(const td_topics *topics) {
    int64_t count = 0;
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        td_reader *reader;
        td_record record;
        td_event event;
        td_bytes feed;
        assert_int_equal(td_reader_open(&reader, topics->tape, p, 0, TD_READ_APPENDED), TD_OK);
        while (td_reader_next(reader, &record) == TD_OK) {
            assert_int_equal(td_record_get_event(topics->ids, record.value, &event, &feed), TD_OK);
            count += event.kind == TD_EVENT_TRADE;
        }
        td_reader_close(reader);
    }
    return count;
}

static void goes_on_with_new_files(void **state) {
    rig *r = *state;
    static const shelf_run runs[] = {
        {"first", "cd %s && for f in a b c d e; do echo $f > $f; done", 'a', 1, false, NULL, ITEMS - 1},
        {"nothing is new", NULL, 'a', 1, false, NULL, ITEMS - 1},
        {"one more", NULL, 'a', 2, false, NULL, 2 * (ITEMS - 1)},
        {"one gone", NULL, 'a', 1, false, "b, of which the log was made, is gone", 0},
        {"others", NULL, 'b', 2, false, "b stands where the log was made of a", 0},
        {"one more, of no known time", NULL, 'a', 3, true, "c is new and cannot be known to begin", 0},
        {"changed", "echo x >> %s/b", 'a', 2, false, "b has changed", 0},
        {"as it was, and one more", "echo b > %s/b", 'a', 3, false, NULL, 3 * (ITEMS - 1)},
        {"a log older than the list, with one more", "rm -r %s/data/_inputs-0", 'a', 4, false, NULL, 4 * (ITEMS - 1)},
        {"now it is said", NULL, 'b', 4, false, "b stands where the log was made of a", 0},
        {"a log older than the list, without what it was made of", "rm -r %s/data/_inputs-0", 'a', 1, false,
         "which the inputs no longer give", 0},
        {"that was not kept as the list", NULL, 'a', 5, false, NULL, 5 * (ITEMS - 1)},
    };
    for (size_t i = 0; i < COUNT_OF(runs); i++) {
        const shelf_run *run = &runs[i];
        td_topics topics;
        if (run->command != NULL) {
            char command[200];
            (void)snprintf(command, sizeof command, run->command, r->root);
            rig_run("%s", command);
        }
        rig_open_log(r);
        assert_int_equal(td_topics_open(&topics, r->log, PARTITIONS, 0), TD_OK);
        int64_t before = count_records(topics.tape), rejected = count_records(topics.rejected);
        td_status status = run_shelf(r, run, &topics);
        ASSERT_ROW((status == TD_CONFIG) == (run->refused != NULL), "%s: %s", run->does, td_trail());
        if (run->refused != NULL) {
            ASSERT_ROW(strstr(td_trail(), run->refused) != NULL, "%s: %s", run->does, td_trail());
            ASSERT_ROW(count_records(topics.tape) == before && count_records(topics.rejected) == rejected, "%s",
                       run->does);
        } else {
            ASSERT_ROW(count_trades(&topics) == run->items, "%s: %d", run->does, (int)count_trades(&topics));
            ASSERT_ROW(count_records(topics.rejected) * (ITEMS - 1) == run->items, "%s", run->does);
        }
        td_topics_close(&topics);
        rig_close_log(r);
    }
}

static atomic_llong bytes_read;

static td_status counting_read_at(void *self, int file, void *out, size_t size, int64_t offset, size_t *out_size) {
    td_status status = RIG_REAL->read_at(self, file, out, size, offset, out_size);
    if (status == TD_OK) atomic_fetch_add(&bytes_read, (long long)*out_size);
    return status;
}

enum { FILLER_BATCHES = 40, FILLER_BYTES = 60000 }; /* of each partition */

static void put_filler(rig *r, const td_topics *topics) {
    static uint8_t bytes[FILLER_BYTES];
    td_writer *writer;
    assert_int_equal(td_writer_open(&writer, r->log, "ingest"), TD_OK);
    for (uint32_t i = 0; i < FILLER_BATCHES * PARTITIONS; i++) {
        td_batch_reset(&r->batch);
        assert_true(
            td_batch_add(&r->batch, 1, TD_TEXT("x"), (td_bytes){bytes, sizeof bytes}, (td_bytes){0}, (td_bytes){0}));
        assert_int_equal(td_writer_append(writer, topics->tape, i % PARTITIONS, &r->batch), TD_OK);
    }
    td_writer_close(writer);
}

/* What has come since, and what was there before, is not looked through for it. */
static void a_feed_that_has_ended_is_not_looked_for(void **state) {
    rig *r = *state;
    static const shelf_run one = {.first = 'a', .files = 1, .items = NOT_COUNTED};
    static const shelf_run two = {.first = 'a', .files = 2, .items = NOT_COUNTED};
    td_topics topics;
    static td_os_ops ops;
    ops = *r->os.ops;
    ops.read_at = counting_read_at;
    r->os.ops = &ops;
    rig_run("cd %s && echo a > a && echo b > b", r->root);
    rig_open_log(r);
    assert_int_equal(td_topics_open(&topics, r->log, PARTITIONS, 0), TD_OK);
    put_filler(r, &topics);
    assert_int_equal(run_shelf(r, &one, &topics), TD_OK);
    int64_t records = count_records(topics.tape), rejected = count_records(topics.rejected);
    assert_int_equal(records, FILLER_BATCHES * PARTITIONS + ITEMS - 1 + PARTITIONS);
    put_filler(r, &topics);
    records += FILLER_BATCHES * PARTITIONS;
    bytes_read = 0;
    assert_int_equal(run_shelf(r, &one, &topics), TD_OK);
    ASSERT_ROW(bytes_read < FILLER_BATCHES * FILLER_BYTES, "%lld bytes were read", bytes_read);
    assert_int_equal(count_records(topics.tape), records);
    assert_int_equal(count_records(topics.rejected), rejected);
    assert_int_equal(run_shelf(r, &two, &topics), TD_OK); /* it has grown: what is new comes behind */
    assert_int_equal(count_records(topics.tape), records + ITEMS - 1 + PARTITIONS);
    assert_int_equal(count_records(topics.rejected), 2 * rejected);
    td_topics_close(&topics);
    rig_close_log(r);
}

/* Who dies between a new feed's beginning and its first input has none of it, though retention has taken what was at
 * the beginning of the log: that it was there cannot be meant. */
static void a_feed_that_gave_nothing_yet(void **state) {
    rig *r = *state;
    static const shelf_run one = {.first = 'a', .files = 1};
    static const next_shelf dies = {'b', true}, lives = {'b', false};
    td_topics topics;
    rig_run("cd %s && echo a > a && echo b > b", r->root);
    r->conf.retain_bytes = 2 << 20;
    rig_open_log(r);
    assert_int_equal(td_topics_open(&topics, r->log, PARTITIONS, 0), TD_OK);
    put_filler(r, &topics);
    assert_int_equal(run_shelf(r, &one, &topics), TD_OK);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    for (uint32_t p = 0; p < PARTITIONS; p++) assert_true(td_topic_start(topics.tape, p) > 0);
    assert_int_equal(run_shelves(r, &one, &dies, &topics), TD_OK);
    int64_t records = count_records(topics.tape);
    assert_int_equal(run_shelves(r, &one, &lives, &topics), TD_OK);
    assert_true(count_records(topics.tape) >= records + ITEMS - 1); /* and Time */
    records = count_records(topics.tape);
    assert_int_equal(run_shelves(r, &one, &lives, &topics), TD_OK);
    assert_int_equal(count_records(topics.tape), records);
    td_topics_close(&topics);
    rig_close_log(r);
}

/* Once the files have come by, what a live feed gives is not waited for: nothing is resumed any more. */
static void files_beside_a_live_feed_come_to_an_end(void **state) {
    rig *r = *state;
    td_topics topics;
    char shelf_name[] = "shelf", venue_name[] = "SHELF", live_name[] = "venue";
    td_feed_conf conf = {.name = shelf_name, .venue = venue_name, .ratio = 1};
    td_feed_conf live_conf = {.name = live_name, .reconnect_ns = 1};
    const td_bytes names[] = {td_text(shelf_name), td_text(live_name)};
    rig_run("echo a > %s/a", r->root);
    rig_open_log(r);
    assert_int_equal(td_topics_open(&topics, r->log, PARTITIONS, 0), TD_OK);
    for (int run = 0; run < 2; run++) {
        venue v = {.given = MESSAGES};
        td_instruments *instruments = td_instruments_new();
        shelf s = {.r = r, .first = 'a', .count = 1, .has_no_clock = true};
        s.instrument = td_instruments_intern(instruments, TD_TEXT("SHELF:A"));
        td_merge *merge = td_merge_new(instruments, PARTITIONS);
        td_merge_add(merge, 0, &shelf_ops, &s, &conf);
        td_live *live = td_live_new(&r->os, instruments, PARTITIONS, rig_report, r);
        td_live_add(live, 1, &venue_ops, &v, &live_conf);
        td_ingest_conf ingest_conf = {.os = &r->os,
                                      .topics = &topics,
                                      .merge = merge,
                                      .live = live,
                                      .instruments = instruments,
                                      .feed_names = names,
                                      .batch_bytes = 1000};
        td_ingest *ingest;
        assert_int_equal(td_ingest_open(&ingest, &ingest_conf), TD_OK);
        assert_int_equal(td_counted(&td_ingest_counters(ingest)->resuming), run);
        for (int turn = 0; turn < 5; turn++) (void)td_ingest_step(ingest);
        assert_int_equal(td_fault_status(td_ingest_fault(ingest)), TD_OK);
        assert_int_equal(td_counted(&td_ingest_counters(ingest)->resuming), 0);
        td_ingest_close(ingest);
        td_live_free(live);
        td_merge_free(merge);
        td_instruments_free(instruments);
    }
    assert_int_equal(count_trades(&topics), ITEMS - 1);
    td_topics_close(&topics);
    rig_close_log(r);
}

enum { RELEASES = 5 };

/* Of an id that no schema of ours has. */
static uint64_t put_a_schema(td_ingest *ingest) {
    td_command command = {.to_schemas = true,
                          .key = TD_TEXT("{\"keytype\":\"SCHEMA\",\"subject\":\"s\",\"version\":1,\"magic\":1}"),
                          .value = TD_TEXT("{\"subject\":\"s\",\"version\":1,\"id\":90,\"schema\":\"1\"}")};
    uint64_t ticket;
    assert_int_equal(td_commands_put(td_ingest_commands(ingest), &command, &ticket), TD_OK);
    return ticket;
}

static void put_releases(td_ingest *ingest, const td_topics *topics, uint64_t *tickets) {
    td_event event = {.kind = TD_EVENT_TRADE,
                      .origin = TD_ORIGIN_RELEASE,
                      .event_ns = 1,
                      .receive_ns = 1,
                      .pass = 1u << TD_REASON_OUTLIER,
                      .trade = {.price = 1, .size = 1, .trade_id = TD_NONE}};
    for (int64_t i = 0; i < RELEASES; i++) {
        td_buf value = {0};
        event.of_offset = i;
        td_record_put_event(&value, topics->ids, TD_TEXT("shelf"), &event);
        td_command command = {
            .partition = (uint32_t)i % PARTITIONS, .key = TD_TEXT("SHELF:A"), .value = td_buf_bytes(&value)};
        assert_int_equal(td_commands_put(td_ingest_commands(ingest), &command, &tickets[i]), TD_OK);
        td_buf_fini(&value);
    }
    td_command nowhere = {.partition = PARTITIONS, .value = TD_TEXT("x")};
    assert_int_equal(td_commands_put(td_ingest_commands(ingest), &nowhere, &tickets[RELEASES]), TD_OK);
}

/* Each once and in order, though the disk fails meanwhile; none is taken for an input. */
static void check_releases(const td_topics *topics) {
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        td_reader *reader;
        td_record record;
        td_event event;
        td_bytes feed;
        int64_t next = p;
        assert_int_equal(td_reader_open(&reader, topics->tape, p, 0, TD_READ_APPENDED), TD_OK);
        while (td_reader_next(reader, &record) == TD_OK) {
            assert_int_equal(td_record_get_event(topics->ids, record.value, &event, &feed), TD_OK);
            if (event.origin != TD_ORIGIN_RELEASE) continue;
            assert_true(event.of_offset == next && td_bytes_equal(record.key, TD_TEXT("SHELF:A")));
            assert_null(td_record_header(&record, TD_SRC_HEADER).data);
            next += PARTITIONS;
        }
        assert_true(next >= RELEASES);
        td_reader_close(reader);
    }
}

static void ask_for_releases(rig *r, td_topics *topics) {
    td_instruments *instruments = td_instruments_new();
    td_merge *merge = td_merge_new(instruments, PARTITIONS);
    td_live *live = td_live_new(&r->os, instruments, PARTITIONS, rig_report, r);
    td_os_ops ops = *r->os.ops;
    ops.mono_ns = test_mono_ns;
    const td_os os = {&ops, r->os.self};
    td_bytes name = TD_TEXT("shelf");
    td_ingest_conf conf = {.os = &os,
                           .topics = topics,
                           .merge = merge,
                           .live = live,
                           .instruments = instruments,
                           .feed_names = &name,
                           .batch_bytes = 100}; /* one record a batch */
    td_ingest *ingest;
    uint64_t tickets[RELEASES + 1];
    assert_int_equal(td_ingest_open(&ingest, &conf), TD_OK);
    for (int turn = 0; turn < 3; turn++) (void)td_ingest_step(ingest);
    assert_true(td_ingest_ended(ingest)); /* and yet it takes them */
    int64_t schemas = td_topic_end(topics->schemas, 0);
    uint64_t schema = put_a_schema(ingest);
    put_releases(ingest, topics, tickets);
    assert_int_equal(td_commands_ask(td_ingest_commands(ingest), tickets[0]), TD_AGAIN);
    atomic_store(&r->machine.fail_writes, 4);
    for (int turn = 0; turn < 200; turn++, mono_ns += TD_NS_PER_MS) (void)td_ingest_step(ingest);
    for (int i = 0; i <= RELEASES; i++)
        ASSERT_ROW(td_commands_ask(td_ingest_commands(ingest), tickets[i]) == (i < RELEASES ? TD_OK : TD_REJECT), "%d",
                   i);
    assert_int_equal(td_commands_ask(td_ingest_commands(ingest), schema), TD_OK);
    assert_int_equal(td_topic_end(topics->schemas, 0), schemas + 1);
    assert_int_equal(td_counted(&td_ingest_counters(ingest)->commands), RELEASES);
    assert_int_equal(td_counted(&td_ingest_counters(ingest)->retries), 4);
    td_ingest_close(ingest);
    td_live_free(live);
    td_merge_free(merge);
    td_instruments_free(instruments);
}

static void appends_what_others_ask_for(void **state) {
    rig *r = *state;
    static const shelf_run run = {"", NULL, 'a', 1, false, NULL, ITEMS - 1};
    td_topics topics;
    rig_run("echo a > %s/a", r->root);
    rig_open_log(r);
    assert_int_equal(td_topics_open(&topics, r->log, PARTITIONS, 0), TD_OK);
    assert_int_equal(run_shelf(r, &run, &topics), TD_OK);
    ask_for_releases(r, &topics);
    check_releases(&topics);
    int64_t before = count_records(topics.tape);
    assert_int_equal(run_shelf(r, &run, &topics), TD_OK); /* it finds where its inputs end, behind the releases */
    assert_int_equal(count_records(topics.tape), before);
    td_topics_close(&topics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_what_waits, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(appends_what_others_ask_for, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(goes_on_with_new_files, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_feed_that_has_ended_is_not_looked_for, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_feed_that_gave_nothing_yet, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(files_beside_a_live_feed_come_to_an_end, rig_new, rig_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
