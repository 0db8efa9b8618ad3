/* tests/unit/feed_merge_test.c - goal: the sequence of inputs is what merge.h says of items and Times, to the letter.
 */
#include "base/hash.h"
#include "feed/merge.h"
#include "feed_unit.h"

/* ---- a feed out of a table ---- */

typedef struct row {
    int64_t clock_ms, event_ms; /* event_ms -1: the clock's */
    char kind; /* the partition of an event, 'r' rejected, 'i' ignored, 'p' that and another session, 'e' end */
} row;

typedef struct table_feed {
    const row *rows;
    size_t next;
    bool fail; /* each item only at the second try */
    bool failed;
} table_feed;

enum { PARTITIONS = 3, MS = 1000000 };
static td_instruments *instruments;
static uint32_t instrument_of[PARTITIONS]; /* one for each partition */

static td_status table_next(void *feed, td_feed_item *out) {
    table_feed *f = feed;
    f->failed = f->fail && !f->failed;
    if (f->failed) return TD_FAIL(TD_RETRY, "on command");
    const row *r = &f->rows[f->next];
    *out = (td_feed_item){.kind = TD_ITEM_END, .clock_ns = r->clock_ms * MS, .position = {.line = f->next + 1}};
    if (r->kind == 'e') return TD_OK;
    f->next++;
    if (r->kind == 'r') {
        out->kind = TD_ITEM_REJECTED;
        out->rejected = (td_rejected){.source = TD_TEXT("x"), .position = out->position};
    } else if (r->kind == 'i' || r->kind == 'p') {
        out->kind = TD_ITEM_IGNORED;
        out->parted = r->kind == 'p';
        out->ignored = "depth";
    } else {
        out->kind = TD_ITEM_EVENT;
        out->event = (td_event){.kind = TD_EVENT_TRADE,
                                .feed = 99,
                                .instrument = instrument_of[r->kind - '0'],
                                .event_ns = (r->event_ms < 0 ? r->clock_ms : r->event_ms) * MS,
                                .receive_ns = out->clock_ns};
    }
    return TD_OK;
}

static void table_close(void *feed) { ((table_feed *)feed)->rows = NULL; }

static const td_feed_ops table_ops = {.format = "table", .next = table_next, .close = table_close};

/* ---- inputs as text ---- */

/* "due what partition: …" with due and clocks in ms. */
static void put_input(td_buf *out, const td_input *input, uint32_t partitions) {
    static const char *const sessions[] = {"live", "idle", "down", "ended"};
    const td_feed_item *item = &input->item;
    if (item->kind == TD_ITEM_END) {
        td_buf_text(out, "end");
        return;
    }
    td_buf_printf(out, "%c%" PRId64 " ", 'A' + (char)input->feed, input->due_ns / MS);
    if (item->kind == TD_ITEM_REJECTED) {
        assert_int_equal(input->partition, td_partition_of(item->rejected.feed, partitions));
        td_buf_printf(out, "rejected %.*s", (int)item->rejected.feed.size, (const char *)item->rejected.feed.data);
    } else if (item->kind == TD_ITEM_IGNORED) {
        td_buf_printf(out, "ignored %s", item->ignored);
    } else if (item->event.kind == TD_EVENT_TIME) {
        const td_event *e = &item->event;
        assert_int_equal(e->feed, input->feed);
        assert_true(e->event_ns == item->clock_ns && e->receive_ns == item->clock_ns);
        assert_int_equal(e->time.clock_ns, item->clock_ns);
        td_buf_printf(out, "%s p%" PRIu32, sessions[e->time.session], input->partition);
        if (e->time.bound_ns == TD_NONE)
            td_buf_text(out, " no bound");
        else
            td_buf_printf(out, " >=%" PRId64, e->time.bound_ns / MS);
    } else {
        assert_int_equal(item->event.feed, input->feed);
        td_buf_printf(out, "event p%" PRIu32, input->partition);
    }
    td_buf_printf(out, " @%" PRId64 " :%" PRIu64 "\n", item->clock_ns / MS, item->position.line);
}

typedef struct merge_case {
    const char *about;
    uint32_t partitions;
    const row *feeds[3];
    double ratios[3]; /* 0 stands for 1 */
    const char *inputs;
} merge_case;

static void check_case(const merge_case *c, bool fail) {
    td_merge *merge = td_merge_new(instruments, c->partitions);
    td_feed_conf confs[3];
    table_feed feeds[3];
    static char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3 && c->feeds[i] != NULL; i++) {
        feeds[i] = (table_feed){.rows = c->feeds[i], .fail = fail};
        confs[i] = (td_feed_conf){.name = names[i], .ratio = c->ratios[i] == 0 ? 1 : c->ratios[i]};
        confs[i].max_delay_ns = 100 * MS;
        td_merge_add(merge, (uint32_t)i, &table_ops, &feeds[i], &confs[i]);
    }
    td_buf text = {0};
    td_input input;
    int64_t due_ns = 0;
    do {
        td_status status;
        while ((status = td_merge_next(merge, &input)) == TD_RETRY) assert_true(fail);
        assert_int_equal(status, TD_OK);
        if (input.item.kind != TD_ITEM_END) assert_true(input.due_ns >= due_ns);
        due_ns = input.due_ns;
        put_input(&text, &input, c->partitions);
    } while (input.item.kind != TD_ITEM_END);
    assert_int_equal(td_merge_next(merge, &input), TD_OK);
    assert_int_equal(input.item.kind, TD_ITEM_END);
    td_buf_put(&text, "", 1);
    if (strcmp((char *)text.data, c->inputs) != 0) print_error("%s\n", c->about);
    assert_string_equal(text.data, c->inputs);
    td_buf_fini(&text);
    td_merge_free(merge);
    for (size_t i = 0; i < 3 && c->feeds[i] != NULL; i++) assert_null(feeds[i].rows); /* closed */
}

/* ---- what must hold ---- */

#define ROWS(...)                                                                                                      \
    (const row[]) {                                                                                                    \
        __VA_ARGS__, { 0, -1, 'e' }                                                                                    \
    }

static const merge_case cases[] = {
    {"nothing at all", 1, {NULL}, {0}, "end"},
    {"a feed without an item",
     2,
     {(const row[]){{0, -1, 'e'}}},
     {0},
     "A0 ended p0 no bound @0 :0\nA0 ended p1 no bound @0 :0\nend"},
    {"one partition, one second: ended closes it, bound by the largest event time",
     1,
     {ROWS({1200, 1190, '0'}, {1300, 1200, '0'}, {1400, 1150, '0'})},
     {0},
     "A0 event p0 @1200 :1\nA100 event p0 @1300 :2\nA200 event p0 @1400 :3\nA200 ended p0 >=1200 @1400 :3\nend"},
    {"another session: what lies before it was not recorded, and no time passes there",
     2,
     {ROWS({1000, -1, 'p'}, {1200, -1, '0'}, {1300, -1, 'p'}, {1400, -1, '1'}, {9500, -1, 'p'}, {9600, -1, '0'},
           {9700, -1, '0'})},
     {0},
     "A0 ignored depth @1000 :1\nA200 event p0 @1200 :2\nA200 down p0 no bound @1200 :2\n"
     "A200 down p1 no bound @1200 :2\nA300 live p0 >=1200 @1300 :2\nA300 live p1 >=1200 @1300 :2\n"
     "A300 ignored depth @1300 :3\nA400 event p1 @1400 :4\nA400 down p0 no bound @1400 :4\n"
     "A400 down p1 no bound @1400 :4\nA8500 live p0 >=9400 @9500 :4\nA8500 live p1 >=9400 @9500 :4\n"
     "A8500 ignored depth @9500 :5\nA8600 event p0 @9600 :6\nA8700 event p0 @9700 :7\n"
     "A8700 ended p0 >=9700 @9700 :7\nA8700 ended p1 >=9700 @9700 :7\nend"},
    {"a second's end goes to the partitions without an event in it",
     3,
     {ROWS({1200, -1, '0'}, {1900, -1, '2'}, {2100, -1, '1'}, {2900, -1, '1'}, {3000, -1, '0'})},
     {0},
     "A0 event p0 @1200 :1\nA700 event p2 @1900 :2\n"
     "A800 live p1 >=1900 @2000 :2\n"
     "A900 event p1 @2100 :3\nA1700 event p1 @2900 :4\n"
     "A1800 live p0 >=2900 @3000 :4\nA1800 live p2 >=2900 @3000 :4\n"
     "A1800 event p0 @3000 :5\n"
     "A1800 ended p0 >=3000 @3000 :5\nA1800 ended p1 >=3000 @3000 :5\nA1800 ended p2 >=3000 @3000 :5\nend"},
    {"exactly one second is no silence",
     2,
     {ROWS({1200, -1, '0'}, {2200, -1, '0'})},
     {0},
     "A0 event p0 @1200 :1\nA800 live p1 >=1900 @2000 :1\nA1000 event p0 @2200 :2\n"
     "A1000 ended p0 >=2200 @2200 :2\nA1000 ended p1 >=2200 @2200 :2\nend"},
    {"silence: its second's end, 1, 2, 4, … s, and its end",
     2,
     {ROWS({1200, -1, '0'}, {9300, -1, '1'})},
     {0},
     "A0 event p0 @1200 :1\n"
     "A800 live p1 >=1900 @2000 :1\n"
     "A1000 idle p0 >=2100 @2200 :1\nA1000 idle p1 >=2100 @2200 :1\n"
     "A2000 idle p0 >=3100 @3200 :1\nA2000 idle p1 >=3100 @3200 :1\n"
     "A4000 idle p0 >=5100 @5200 :1\nA4000 idle p1 >=5100 @5200 :1\n"
     "A8000 idle p0 >=9100 @9200 :1\nA8000 idle p1 >=9100 @9200 :1\n"
     "A8100 live p0 >=9200 @9300 :1\nA8100 live p1 >=9200 @9300 :1\n"
     "A8100 event p1 @9300 :2\n"
     "A8100 ended p0 >=9300 @9300 :2\nA8100 ended p1 >=9300 @9300 :2\nend"},
    {"a step of silence at the next item's clock is not given: the silence's end is",
     1,
     {ROWS({1200, -1, '0'}, {3200, -1, '0'})},
     {0},
     "A0 event p0 @1200 :1\nA1000 idle p0 >=2100 @2200 :1\nA2000 live p0 >=3100 @3200 :1\nA2000 event p0 @3200 :2\n"
     "A2000 ended p0 >=3200 @3200 :2\nend"},
    {"an item on the full second: silence's first step stands for the second's end",
     2,
     {ROWS({2000, -1, '0'}, {3001, -1, '0'}, {4000, -1, '0'}, {5000, -1, '0'})},
     {0},
     "A0 event p0 @2000 :1\n"
     "A1000 idle p0 >=2900 @3000 :1\nA1000 idle p1 >=2900 @3000 :1\n"
     "A1001 live p0 >=2901 @3001 :1\nA1001 live p1 >=2901 @3001 :1\n"
     "A1001 event p0 @3001 :2\n"
     "A2000 live p1 >=3900 @4000 :2\nA2000 event p0 @4000 :3\n"
     "A3000 live p1 >=4900 @5000 :3\nA3000 event p0 @5000 :4\n"
     "A3000 ended p0 >=5000 @5000 :4\nA3000 ended p1 >=5000 @5000 :4\nend"},
    {"ignored and rejected items show that the feed is alive, and put nothing on a partition",
     1,
     {ROWS({1200, -1, '0'}, {1900, -1, 'i'}, {2800, -1, 'r'}, {3100, -1, 'i'})},
     {0},
     "A0 event p0 @1200 :1\nA700 ignored depth @1900 :2\nA1600 rejected a @2800 :3\n"
     "A1800 live p0 >=2900 @3000 :3\nA1900 ignored depth @3100 :4\nA1900 ended p0 >=1200 @3100 :4\nend"},
    {"before its first instant a feed has no time",
     1,
     {ROWS({0, -1, 'r'}, {0, -1, 'r'}, {5200, -1, '0'})},
     {0},
     "A0 rejected a @0 :1\nA0 rejected a @0 :2\nA0 event p0 @5200 :3\nA0 ended p0 >=5200 @5200 :3\nend"},
    {"and it begins with its first instant, even in the first second of all",
     1,
     {ROWS({0, -1, 'r'}, {500, -1, '0'})},
     {0},
     "A0 rejected a @0 :1\nA0 event p0 @500 :2\nA0 ended p0 >=500 @500 :2\nend"},
    {"each silence begins anew",
     1,
     {ROWS({1200, -1, '0'}, {4300, -1, '0'}, {4400, -1, '0'}, {5900, -1, '0'})},
     {0},
     "A0 event p0 @1200 :1\nA1000 idle p0 >=2100 @2200 :1\nA2000 idle p0 >=3100 @3200 :1\n"
     "A3100 live p0 >=4200 @4300 :1\nA3100 event p0 @4300 :2\nA3200 event p0 @4400 :3\n"
     "A4200 idle p0 >=5300 @5400 :3\nA4700 live p0 >=5800 @5900 :3\nA4700 event p0 @5900 :4\n"
     "A4700 ended p0 >=5900 @5900 :4\nend"},
    {"nothing but rejected items",
     1,
     {ROWS({0, -1, 'r'})},
     {0},
     "A0 rejected a @0 :1\nA0 ended p0 no bound @0 :1\nend"},
    {"feeds by elapsed time, ties by their order; each one has its own clock and end",
     1,
     {ROWS({1000, -1, '0'}, {1500, -1, '0'}, {1600, -1, '0'}), ROWS({70000, -1, '0'}, {70500, -1, '0'})},
     {0},
     "A0 event p0 @1000 :1\nB0 event p0 @70000 :1\n"
     "A500 event p0 @1500 :2\nB500 event p0 @70500 :2\nB500 ended p0 >=70500 @70500 :2\n"
     "A600 event p0 @1600 :3\nA600 ended p0 >=1600 @1600 :3\nend"},
    {"ratio: a clock that runs faster is due earlier, Times too",
     1,
     {ROWS({1000, -1, '0'}, {1100, -1, '0'}), ROWS({1000, -1, '0'}, {5000, -1, '0'})},
     {1, 60},
     "A0 event p0 @1000 :1\nB0 event p0 @1000 :1\n"
     "B16 idle p0 >=1900 @2000 :1\nB33 idle p0 >=2900 @3000 :1\nB66 live p0 >=4900 @5000 :1\nB66 event p0 @5000 "
     ":2\n"
     "B66 ended p0 >=5000 @5000 :2\n"
     "A100 event p0 @1100 :2\nA100 ended p0 >=1100 @1100 :2\nend"},
    {"a Time of one feed waits for the items of another, and carries its own feed's position",
     2,
     {ROWS({1900, -1, '0'}, {2300, -1, '0'}), ROWS({1000, -1, '1'}, {1050, -1, '1'}, {1150, -1, '1'})},
     {0},
     "A0 event p0 @1900 :1\nB0 event p1 @1000 :1\nB50 event p1 @1050 :2\n"
     "A100 live p1 >=1900 @2000 :1\n"
     "B150 event p1 @1150 :3\nB150 ended p0 >=1150 @1150 :3\nB150 ended p1 >=1150 @1150 :3\n"
     "A400 event p0 @2300 :2\nA400 ended p0 >=2300 @2300 :2\nA400 ended p1 >=2300 @2300 :2\nend"},
};

static void all_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check_case(&cases[i], false);
        check_case(&cases[i], true); /* feeds that fail at every other call give the same */
    }
}

/* (feed, position, kind, clock, session) tells an input of a partition from all others: merge.h promises it. */
static void inputs_are_told_apart(void **state) {
    (void)state;
    enum { ITEMS = 3000 };
    static row rows[ITEMS + 1];
    uint64_t seed = 5;
    int64_t clock_ms = 1000;
    for (size_t i = 0; i < ITEMS; i++) {
        uint64_t r = unit_random(&seed);
        clock_ms += r % 4 == 0 ? 1000 * (int64_t)(r >> 8 & 7) : (int64_t)(r >> 8 & 511);
        rows[i] = (row){clock_ms, -1, "0012irr"[(r >> 32) % 7]};
    }
    rows[ITEMS] = (row){0, -1, 'e'};
    td_merge *merge = td_merge_new(instruments, PARTITIONS);
    table_feed feed = {.rows = rows};
    td_feed_conf conf = {.name = "a", .ratio = 1};
    td_merge_add(merge, 0, &table_ops, &feed, &conf);
    td_input input, last[PARTITIONS] = {0};
    int64_t clock_ns = 0;
    while (td_merge_next(merge, &input) == TD_OK && input.item.kind != TD_ITEM_END) {
        assert_true(input.item.clock_ns >= clock_ns);
        clock_ns = input.item.clock_ns;
        if (input.item.kind != TD_ITEM_EVENT) continue;
        const td_feed_item *a = &last[input.partition].item, *b = &input.item;
        /* Inputs ascend by (position, time behind it, ended last), so that neighbours are enough to look at. */
        bool later = b->position.line > a->position.line;
        bool time = b->event.kind == TD_EVENT_TIME;
        bool ended = time && b->event.time.session == TD_SESSION_ENDED && a->event.time.session != TD_SESSION_ENDED;
        assert_true(later || (time && (b->clock_ns > a->clock_ns || a->event.kind != TD_EVENT_TIME || ended)));
        last[input.partition] = input;
    }
    td_merge_free(merge);
}

/* Partitions follow names, and instruments may appear at any time. */
static void partitions_follow_names(void **state) {
    (void)state;
    unit_feed f;
    unit_feed_conf(&f, &td_feed_simulated, (unit_option[]){{"ticks", "20000"}, {"instruments", "5000"}, {0}});
    unit_feed_open(&f, &td_os_posix);
    td_merge *merge = td_merge_new(f.instruments, TD_PARTITIONS_MAX);
    td_merge_add(merge, 0, f.ops, f.feed, &f.conf);
    td_input input;
    int64_t events = 0;
    while (td_merge_next(merge, &input) == TD_OK && input.item.kind != TD_ITEM_END) {
        if (input.item.event.kind == TD_EVENT_TIME) continue;
        td_bytes name = td_instruments_name(f.instruments, input.item.event.instrument);
        assert_int_equal(input.partition, td_partition_of(name, TD_PARTITIONS_MAX));
        events++;
    }
    assert_int_equal(events, 20000);
    td_merge_free(merge);
    td_options_fini(f.ops->options, &f.conf);
    td_instruments_free(f.instruments);
}

static int find_instruments(void **state) {
    (void)state;
    instruments = td_instruments_new();
    char name[16];
    for (uint32_t found = 0, i = 0; found < PARTITIONS; i++) { /* the first name of each partition, of 2 and of 3 */
        (void)snprintf(name, sizeof name, "X:%u", i);
        bool low = td_partition_of(td_text(name), 2) == (found < 2 ? found : 0);
        if (td_partition_of(td_text(name), PARTITIONS) != found || !low) continue;
        instrument_of[found++] = td_instruments_intern(instruments, td_text(name));
    }
    return 0;
}

static int free_instruments(void **state) {
    (void)state;
    td_instruments_free(instruments);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_cases),
        cmocka_unit_test(inputs_are_told_apart),
        cmocka_unit_test(partitions_follow_names),
    };
    return cmocka_run_group_tests_name("feed_merge", tests, find_instruments, free_instruments);
}
