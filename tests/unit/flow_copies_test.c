/* tests/unit/flow_copies_test.c - goal: what strategies elsewhere use stands in their partition, too, each once and in
 * order, wherever the log was cut and whatever is used when it goes on. */
#include "log_rig.h"
/* after the rig's own */
#include "base/hash.h"
#include "base/time.h"
#include "flow/ingest.h"
#include "stream/graph_build.h"

enum { PARTITIONS = 2 /* as the rig's topic has */, ITEMS = 12 };

static const char *const names[] = {"NYSE:KO", "NASDAQ:PEP"};

static uint32_t partition_of(size_t i) { return td_partition_of(td_text(names[i]), PARTITIONS); }

/* A graph of one strategy for `set` (NULL: all) that uses PEP. */
static td_graph *user_of_pep(const char *set) {
    td_graph_builder *b = td_graph_builder_new((td_rhythm){.width_ns = TD_NS_PER_MIN});
    td_bytes sets = td_text(set != NULL ? set : "");
    td_graph_builder_begin_strategy(b, TD_TEXT("pair"), set != NULL ? &sets : NULL, set != NULL);
    td_graph_builder_add_use(b, td_text(names[1]));
    td_graph_builder_add_use(b, td_text(names[1]));
    td_graph *graph = td_graph_build(b);
    td_graph_builder_free(b);
    return graph;
}

static void targets_are_where_the_users_live(void **state) {
    (void)state;
    uint64_t ko = UINT64_C(1) << partition_of(0), pep = UINT64_C(1) << partition_of(1);
    assert_true(ko != pep);
    const struct {
        const char *set;
        uint64_t targets; /* of PEP */
    } rows[] = {{"NYSE:KO", ko}, {"NASDAQ:PEP", 0}, {"NYSE:*", ko}, {NULL, ko}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_graph *graph = user_of_pep(rows[i].set);
        td_instruments *instruments = td_instruments_new();
        td_copies *copies = td_copies_new(instruments, PARTITIONS);
        uint32_t first = td_instruments_intern(instruments, td_text(names[1]));
        assert_true(td_copies_of(copies, first) == 0);
        td_copies_follow(copies, &graph, 1);
        uint32_t second = td_instruments_intern(instruments, td_text(names[0])); /* one that is seen later */
        ASSERT_ROW(td_copies_of(copies, first) == rows[i].targets, "row %zu", i);
        ASSERT_ROW(td_copies_of(copies, second) == 0, "row %zu", i);
        td_copies_follow(copies, NULL, 0);
        ASSERT_ROW(td_copies_of(copies, first) == 0, "row %zu", i);
        td_copies_free(copies);
        td_instruments_free(instruments);
        td_graph_free(graph);
    }
}

/* ---- a log ---- */

typedef struct pair_feed { /* trades of both in turn, one a second */
    uint32_t instruments[2];
    int64_t at, until; /* so many are there */
} pair_feed;

static td_status pair_next(void *self, td_feed_item *out) {
    pair_feed *f = self;
    *out = (td_feed_item){.kind = TD_ITEM_END};
    if (f->at == ITEMS) return TD_OK;
    if (f->at == f->until) return TD_AGAIN;
    out->kind = TD_ITEM_EVENT;
    out->clock_ns = ++f->at * TD_NS_PER_S;
    out->position = (td_source_position){.line = (uint64_t)f->at};
    out->event = (td_event){.kind = f->at % 3 == 0 ? TD_EVENT_QUOTE : TD_EVENT_TRADE,
                            .instrument = f->instruments[f->at % 2],
                            .event_ns = out->clock_ns,
                            .receive_ns = out->clock_ns};
    if (out->event.kind == TD_EVENT_TRADE)
        out->event.trade = (td_trade){.price = f->at, .size = 1, .trade_id = TD_NONE};
    else
        out->event.quote = (td_quote){.bid_price = f->at, .bid_size = 1, .ask_price = f->at + 1, .ask_size = 1};
    return TD_OK;
}

static bool pair_file(const void *self, size_t index, td_feed_file *out) {
    (void)self, (void)index, (void)out;
    return false;
}

static void pair_close(void *self) { (void)self; }

static const td_option pair_options[] = {TD_FEED_ROWS("PAIR"), {0}};
static const td_feed_ops pair_ops = {
    .format = "pair", .options = pair_options, .next = pair_next, .file = pair_file, .close = pair_close};

static int64_t mono_ns; /* a clock that a test turns on: what backs off waits no longer than that */

static int64_t test_mono_ns(void *self) {
    (void)self;
    return mono_ns += TD_NS_PER_MS;
}

/* A program that uses PEP for KO is kept and may begin when an input has come to some of its partitions only: the
 * machine fails to write what lay there before it. */
static void begin_meanwhile(rig *r, td_ingest *ingest, pair_feed *feed) {
    td_program *program = td_alloc_zero(1, sizeof *program);
    program->width_count = 1;
    program->widths_ns[0] = TD_NS_PER_MIN;
    program->graphs[0] = user_of_pep("NYSE:KO");
    program->sha256[0] = 1;
    feed->until = 0;
    assert_int_equal(td_beginning_ask(td_ingest_beginning(ingest), program, TD_TEXT("its body")), TD_OK);
    (void)td_ingest_step(ingest);
    feed->until = ITEMS / 2;
    atomic_store(&r->machine.fail_writes, 1);
    (void)td_ingest_step(ingest);
    assert_int_equal(td_counted(&td_ingest_counters(ingest)->retries), 1);
    assert_true(feed->at < feed->until);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    for (int turn = 0; td_beginning_answer(td_ingest_beginning(ingest)) == TD_AGAIN && turn < 4000; turn++)
        (void)td_ingest_step(ingest);
    feed->until = ITEMS;
}

/* All inputs into the log; the machine fails to write so often. MEANWHILE: as begin_meanwhile has it. */
enum { MEANWHILE = -1 };

static td_status run(rig *r, td_topics *topics, const char *user, int fail_writes) {
    char feed_name[] = "pair", venue_name[] = "V";
    td_feed_conf conf = {.name = feed_name, .venue = venue_name, .ratio = 1};
    td_bytes name = td_text(feed_name);
    td_os_ops ops = *r->os.ops;
    ops.mono_ns = test_mono_ns;
    const td_os os = {&ops, r->os.self};
    td_instruments *instruments = td_instruments_new();
    pair_feed feed = {.until = ITEMS};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        feed.instruments[i] = td_instruments_intern(instruments, td_text(names[i]));
    td_merge *merge = td_merge_new(instruments, PARTITIONS);
    td_merge_add(merge, 0, &pair_ops, &feed, &conf);
    td_live *live = td_live_new(&os, instruments, PARTITIONS, rig_report, r);
    td_ingest_conf ingest_conf = {.os = &os,
                                  .topics = topics,
                                  .merge = merge,
                                  .live = live,
                                  .instruments = instruments,
                                  .feed_names = &name,
                                  .batch_bytes = 200};
    td_ingest *ingest = NULL;
    td_graph *graph = user_of_pep(user != NULL ? user : "NASDAQ:PEP");
    td_status status = td_ingest_open(&ingest, &ingest_conf);
    if (status == TD_OK) td_copies_follow(td_ingest_copies(ingest), &graph, 1);
    if (fail_writes == MEANWHILE)
        begin_meanwhile(r, ingest, &feed);
    else
        atomic_store(&r->machine.fail_writes, fail_writes);
    for (int turn = 0; status == TD_OK && !td_ingest_ended(ingest) && turn < 4000; turn++) {
        (void)td_ingest_step(ingest);
        status = td_fault_status(td_ingest_fault(ingest));
    }
    assert_true(status != TD_OK || td_ingest_ended(ingest));
    assert_int_equal(atomic_load(&r->machine.fail_writes), 0);
    td_ingest_close(ingest);
    td_live_free(live);
    td_merge_free(merge);
    td_instruments_free(instruments);
    td_graph_free(graph);
    return status;
}

/* The partition as text: of each event kind, copy or not, key and place in the feed. */
static td_buf told(const td_topics *topics, uint32_t partition) {
    td_reader *reader;
    td_record record;
    td_event event;
    td_bytes feed;
    td_buf out = {0};
    assert_int_equal(td_reader_open(&reader, topics->tape, partition, 0, TD_READ_APPENDED), TD_OK);
    while (td_reader_next(reader, &record) == TD_OK) {
        assert_int_equal(td_record_get_event(topics->ids, record.value, &event, &feed), TD_OK);
        if (event.kind == TD_EVENT_TIME) continue;
        if (event.kind == TD_EVENT_PROGRAM) {
            td_buf_text(&out, "program\n");
            continue;
        }
        td_buf_printf(&out, "%s%.*s %d %d\n", (event.flags & TD_FLAG_COPY) != 0 ? "copy of " : "", (int)record.key.size,
                      (const char *)record.key.data, (int)event.kind, (int)(event.event_ns / TD_NS_PER_S));
    }
    td_reader_close(reader);
    td_buf_put(&out, "", 1);
    return out;
}

static const char *const own_ko = "NYSE:KO 1 2\nNYSE:KO 1 4\nNYSE:KO 2 6\nNYSE:KO 1 8\nNYSE:KO 1 10\nNYSE:KO 2 12\n";
static const char *const own_pep =
    "NASDAQ:PEP 1 1\nNASDAQ:PEP 2 3\nNASDAQ:PEP 1 5\nNASDAQ:PEP 1 7\nNASDAQ:PEP 2 9\nNASDAQ:PEP 1 11\n";
static const char *const both =
    "copy of NASDAQ:PEP 1 1\nNYSE:KO 1 2\ncopy of NASDAQ:PEP 2 3\nNYSE:KO 1 4\ncopy of NASDAQ:PEP 1 5\nNYSE:KO 2 6\n"
    "copy of NASDAQ:PEP 1 7\nNYSE:KO 1 8\ncopy of NASDAQ:PEP 2 9\nNYSE:KO 1 10\ncopy of NASDAQ:PEP 1 11\nNYSE:KO 2 "
    "12\n";

static void assert_told(const td_topics *topics, const char *ko, const char *pep, const char *does) {
    td_buf texts[] = {told(topics, partition_of(0)), told(topics, partition_of(1))};
    ASSERT_ROW(strcmp((char *)texts[0].data, ko) == 0, "%s: KO's partition:\n%s", does, (char *)texts[0].data);
    ASSERT_ROW(strcmp((char *)texts[1].data, pep) == 0, "%s: PEP's partition:\n%s", does, (char *)texts[1].data);
    for (size_t i = 0; i < COUNT_OF(texts); i++) td_buf_fini(&texts[i]);
}

static void begin(rig *r, td_topics *topics) {
    rig_open_log(r);
    assert_int_equal(td_topics_open(topics, r->log, PARTITIONS, 0), TD_OK);
}

static void end(rig *r, td_topics *topics) {
    td_topics_close(topics);
    rig_close_log(r);
}

static void only_what_is_used_is_copied(void **state) {
    rig *r = *state;
    td_topics topics;
    begin(r, &topics);
    assert_int_equal(run(r, &topics, NULL, 0), TD_OK);
    assert_told(&topics, own_ko, own_pep, "nobody uses PEP but itself");
    end(r, &topics);
}

static void a_log_goes_on_wherever_it_was_cut(void **state) {
    rig *r = *state;
    td_topics topics;
    begin(r, &topics);
    assert_int_equal(run(r, &topics, "NYSE:KO", 0), TD_OK);
    assert_told(&topics, both, own_pep, "uncut");
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        int64_t records = td_topic_end(topics.tape, p);
        for (int64_t cut = 0; cut < records; cut++) {
            char does[64];
            (void)snprintf(does, sizeof does, "partition %d cut at %d", (int)p, (int)cut);
            assert_int_equal(td_log_truncate(topics.tape, p, cut), TD_OK);
            assert_int_equal(run(r, &topics, "NYSE:KO", 0), TD_OK);
            assert_told(&topics, both, own_pep, does);
            ASSERT_ROW(td_topic_end(topics.tape, p) == records, "%s", does);
        }
    }
    end(r, &topics);
}

/* The last that the partition holds may be a copy which nobody wants any more. */
static void a_log_goes_on_without_the_users(void **state) {
    rig *r = *state;
    td_topics topics;
    begin(r, &topics);
    assert_int_equal(run(r, &topics, "NYSE:KO", 0), TD_OK);
    uint32_t ko = partition_of(0);
    int64_t records = td_topic_end(topics.tape, ko);
    for (int64_t cut = records; cut >= 0; cut--) {
        assert_int_equal(td_log_truncate(topics.tape, ko, cut), TD_OK);
        assert_int_equal(run(r, &topics, NULL, 0), TD_OK);
        td_buf text = told(&topics, ko);
        int own = 0;
        for (const char *at = (char *)text.data; (at = strstr(at, "NYSE:KO")) != NULL; at++) own++;
        ASSERT_ROW(own == ITEMS / 2, "cut at %d:\n%s", (int)cut, (char *)text.data);
        td_buf_fini(&text);
    }
    assert_told(&topics, own_ko, own_pep, "at last");
    end(r, &topics);
}

static void a_disk_that_fails_doubles_nothing(void **state) {
    rig *r = *state;
    td_topics topics;
    begin(r, &topics);
    assert_int_equal(run(r, &topics, "NYSE:KO", 7), TD_OK);
    assert_told(&topics, both, own_pep, "seven writes failed");
    end(r, &topics);
}

/* Of each event all partitions have what one program wants: it is on the same side of the next one everywhere. */
static void a_program_begins_behind_what_is_half_way(void **state) {
    rig *r = *state;
    td_topics topics;
    begin(r, &topics);
    assert_int_equal(run(r, &topics, NULL, MEANWHILE), TD_OK);
    assert_told(&topics,
                "NYSE:KO 1 2\nNYSE:KO 1 4\nNYSE:KO 2 6\nprogram\ncopy of NASDAQ:PEP 1 7\nNYSE:KO 1 8\n"
                "copy of NASDAQ:PEP 2 9\nNYSE:KO 1 10\ncopy of NASDAQ:PEP 1 11\nNYSE:KO 2 12\n",
                "NASDAQ:PEP 1 1\nNASDAQ:PEP 2 3\nNASDAQ:PEP 1 5\nprogram\nNASDAQ:PEP 1 7\nNASDAQ:PEP 2 9\n"
                "NASDAQ:PEP 1 11\n",
                "a program has begun");
    end(r, &topics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_where_the_users_live),
        cmocka_unit_test_setup_teardown(only_what_is_used_is_copied, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_log_goes_on_wherever_it_was_cut, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_log_goes_on_without_the_users, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_disk_that_fails_doubles_nothing, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_program_begins_behind_what_is_half_way, rig_new, rig_free),
    };
    return cmocka_run_group_tests_name("flow_copies", tests, NULL, NULL);
}
