/* tests/unit/flow_live_test.c - goal: a live feed's sessions, losses and quiet times become Time records exactly as
 * flow/live.h says, whatever the machine's clock does, and a busy feed starves no other. */
#include "base/hash.h"
#include "base/secret.h"
#include "base/time.h"
#include "flow/live.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

enum { FEEDS_MAX = 2, STEP_MS = 10 };
#define START_NS (INT64_C(1700000000) * TD_NS_PER_S)

/* ---- feeds that say what a table tells ---- */

typedef enum step_kind {
    STEP_UP,
    STEP_DOWN,
    STEP_REFUSE,
    STEP_DENY,
    STEP_ITEM_0,
    STEP_ITEM_1,
    STEP_REJECT,
    STEP_IGNORE,
    STEP_PAST /* a trade that was asked for afterwards */
} step_kind;

typedef struct step {
    int at_ms; /* since START; not before it is asked to connect, for the first four */
    step_kind kind;
} step;

typedef struct fake {
    const step *steps;
    size_t next, count;
    td_instruments *instruments;
    td_source_position position;
    uint32_t wanted; /* session that was asked for; 0: none */
    const struct rig *rig;
} fake;

typedef struct rig {
    td_os_ops ops;
    td_os os;
    int64_t mono_ns, wall_ns;
    td_instruments *instruments;
    uint32_t of_partition[2]; /* an instrument in each */
    td_live *live;
    fake fakes[FEEDS_MAX];
    td_feed_conf confs[FEEDS_MAX];
    td_buf text, reports;
    int connects;
    int64_t connected_ms[32];
} rig;

static int64_t rig_wall_ns(void *self) { return ((const rig *)self)->wall_ns; }
static int64_t rig_mono_ns(void *self) { return ((const rig *)self)->mono_ns; }
static int64_t since_ms(const rig *r) { return (r->mono_ns - START_NS) / TD_NS_PER_MS; }

static td_status fake_connect(void *self, uint32_t session) {
    fake *f = self;
    rig *r = (rig *)(uintptr_t)f->rig;
    f->wanted = session;
    f->position = (td_source_position){.file = TD_SESSION_BIT | session};
    if (r->connects < (int)COUNT_OF(r->connected_ms)) r->connected_ms[r->connects] = since_ms(r);
    r->connects++;
    return TD_OK;
}

static int fake_pump(void *self) { return ((fake *)self)->rig == NULL; }

static td_status fake_next(void *self, td_feed_item *out) {
    fake *f = self;
    if (f->next == f->count || since_ms(f->rig) < f->steps[f->next].at_ms) return TD_AGAIN;
    step_kind kind = f->steps[f->next].kind;
    if ((kind == STEP_UP || kind == STEP_REFUSE || kind == STEP_DENY) && f->wanted == 0) return TD_AGAIN;
    f->next++;
    if (kind >= STEP_ITEM_0) f->position.line++;
    *out = (td_feed_item){.clock_ns = f->rig->wall_ns, .position = f->position};
    switch (kind) {
    case STEP_UP:
    case STEP_DOWN:
    case STEP_REFUSE:
    case STEP_DENY:
        out->kind = TD_ITEM_SESSION;
        out->session = (td_feed_session){.live = kind == STEP_UP, .denied = kind == STEP_DENY, .detail = "on command"};
        if (kind != STEP_UP) f->wanted = 0;
        break;
    case STEP_ITEM_0:
    case STEP_ITEM_1:
        out->kind = TD_ITEM_EVENT;
        out->event.kind = TD_EVENT_TRADE;
        out->event.instrument = f->rig->of_partition[kind - STEP_ITEM_0];
        break;
    case STEP_PAST:
        out->past = true;
        out->event =
            (td_event){.kind = TD_EVENT_TRADE, .origin = TD_ORIGIN_BACKFILL, .instrument = f->rig->of_partition[0]};
        break;
    case STEP_REJECT:
        out->kind = TD_ITEM_REJECTED;
        break;
    case STEP_IGNORE:
        out->kind = TD_ITEM_IGNORED;
        break;
    }
    return TD_OK;
}

static void fake_close(void *self) { ((fake *)self)->rig = NULL; }

static const td_live_ops fake_live = {.connect = fake_connect, .pump = fake_pump};
static const td_live_ops elsewhere_live = {.connect = fake_connect, .pump = fake_pump, .elsewhere = true};
static const td_feed_ops elsewhere_ops = {.live = &elsewhere_live, .next = fake_next, .close = fake_close};
static const td_feed_ops fake_ops = {.live = &fake_live, .next = fake_next, .close = fake_close};

/* ---- a rig ---- */

static void keep_report(void *arg, const char *line) { td_buf_printf(&((rig *)arg)->reports, "%s\n", line); }

static void rig_open(rig *r, const step *const *steps, const size_t *counts, size_t feeds) {
    static char names[FEEDS_MAX][8] = {"a", "b"};
    *r = (rig){.ops = {.wall_ns = rig_wall_ns, .mono_ns = rig_mono_ns}, .mono_ns = START_NS, .wall_ns = START_NS};
    r->os = (td_os){&r->ops, r};
    r->instruments = td_instruments_new();
    for (int found = 0, n = 0; found != 3; n++) { /* an instrument in each of the two partitions */
        char name[16];
        (void)snprintf(name, sizeof name, "V:%d", n);
        uint32_t p = td_partition_of(td_text(name), 2);
        r->of_partition[p] = td_instruments_intern(r->instruments, td_text(name));
        found |= 1 << p;
    }
    r->live = td_live_new(&r->os, r->instruments, 2, keep_report, r);
    for (size_t i = 0; i < feeds; i++) {
        r->fakes[i] = (fake){.steps = steps[i], .count = counts[i], .instruments = r->instruments, .rig = r};
        r->confs[i] = (td_feed_conf){.name = names[i],
                                     .max_delay_ns = 100 * TD_NS_PER_MS,
                                     .reconnect_ns = 100 * TD_NS_PER_MS,
                                     .hold_ns = 2 * TD_NS_PER_S};
        td_live_add(r->live, (uint32_t)i, counts[i] > 0 ? &fake_ops : &elsewhere_ops, &r->fakes[i], &r->confs[i]);
    }
}

static void rig_close(rig *r) {
    td_live_free(r->live);
    for (size_t i = 0; i < FEEDS_MAX; i++) assert_null(r->fakes[i].rig); /* closed, each */
    td_instruments_free(r->instruments);
    td_buf_fini(&r->text);
    td_buf_fini(&r->reports);
}

static int64_t ms_of(int64_t ns) { return ns == TD_NONE ? -1 : (ns - START_NS) / TD_NS_PER_MS; }

/* "0 1.2 live 1000>900": partition, session and message, then a Time's state, clock and bound, or what else it is. */
static void put_input(rig *r, const td_input *input) {
    static const char *const sessions[] = {"live", "idle", "down", "ended"};
    const td_feed_item *item = &input->item;
    const td_time_mark *time = &item->event.time;
    assert_true((item->position.file & TD_SESSION_BIT) != 0);
    td_buf_printf(&r->text, "%u %u.%d ", input->partition, item->position.file & ~TD_SESSION_BIT,
                  (int)item->position.line);
    if (item->kind != TD_ITEM_EVENT)
        td_buf_printf(&r->text, "%s\n", item->kind == TD_ITEM_REJECTED ? "rejected" : "ignored");
    else if (item->event.kind == TD_EVENT_TIME)
        td_buf_printf(&r->text, "%s %d>%d\n", sessions[time->session], (int)ms_of(time->clock_ns),
                      (int)ms_of(time->bound_ns));
    else
        td_buf_printf(&r->text, "trade %d\n", (int)ms_of(item->event.receive_ns));
}

static void run_until(rig *r, int end_ms) {
    td_input input;
    for (; since_ms(r) <= end_ms; r->mono_ns += STEP_MS * TD_NS_PER_MS, r->wall_ns += STEP_MS * TD_NS_PER_MS) {
        (void)td_live_pump(r->live);
        while (td_live_next(r->live, &input) == TD_OK) put_input(r, &input);
    }
}

static void expect(rig *r, const char *wanted) {
    td_buf_put(&r->text, "", 1);
    assert_string_equal((const char *)r->text.data, wanted);
    r->text.size = 0;
}

#define RIG(r, ...)                                                                                                    \
    rig r;                                                                                                             \
    static const step steps_[] = {__VA_ARGS__};                                                                        \
    rig_open(&r, (const step *[]){steps_}, (size_t[]){COUNT_OF(steps_)}, 1)

/* ---- the tests ---- */

static void quiet_partitions_get_time(void **state) {
    (void)state;
    RIG(r, {0, STEP_UP}, {500, STEP_ITEM_0}, {1200, STEP_ITEM_0}, {1300, STEP_REJECT}, {1400, STEP_IGNORE});
    run_until(&r, 3600);
    expect(&r, "0 1.0 live 0>-100\n"
               "1 1.0 live 0>-100\n"
               "0 1.1 trade 500\n"
               "1 1.1 live 1000>900\n" /* a second after its last record, while the feed is heard elsewhere */
               "0 1.2 trade 1200\n"
               "0 1.3 rejected\n"
               "0 1.4 ignored\n"
               "1 1.4 live 2000>1900\n"
               "0 1.4 live 2200>2100\n"
               "1 1.4 idle 3000>2900\n" /* no message for a second */
               "0 1.4 idle 3200>3100\n");
    rig_close(&r);
}

static void a_cut_is_told_and_time_waits(void **state) {
    (void)state;
    RIG(r, {0, STEP_UP}, {300, STEP_ITEM_1}, {900, STEP_DOWN}, {950, STEP_REFUSE}, {1600, STEP_UP},
        {1650, STEP_ITEM_0});
    run_until(&r, 1700);
    expect(&r, "0 1.0 live 0>-100\n"
               "1 1.0 live 0>-100\n"
               "1 1.1 trade 300\n"
               "0 1.1 down 300>-1\n" /* since the last message, not since it was noticed */
               "1 1.1 down 300>-1\n"
               "0 2.0 live 1600>1500\n" /* the try in between began no session */
               "1 2.0 live 1600>1500\n"
               "0 2.1 trade 1650\n");
    const td_live_counts *counts = td_live_counters(r.live, 0);
    assert_int_equal(td_counted(&counts->sessions), 2);
    assert_int_equal(td_counted(&counts->failures), 2);
    assert_int_equal(td_counted(&counts->up), 1);
    assert_null(td_live_counters(r.live, 1));
    td_live_end end;
    assert_true(td_live_last_end(counts, &end));
    assert_string_equal(end.why, "on command");
    assert_int_equal(end.at_ns, START_NS + TD_NS_PER_S); /* of the try that led to none */
    td_buf_put(&r.reports, "", 1);
    assert_non_null(strstr((const char *)r.reports.data, "a: the session ended: on command"));
    assert_non_null(strstr((const char *)r.reports.data, "a: no session: on command"));
    rig_close(&r);
}

static void the_past_shows_nothing_of_the_session(void **state) {
    (void)state;
    RIG(r, {0, STEP_UP}, {300, STEP_ITEM_0}, {900, STEP_PAST}, {1500, STEP_PAST}, {1800, STEP_DOWN});
    run_until(&r, 2000);
    expect(&r, "0 1.0 live 0>-100\n"
               "1 1.0 live 0>-100\n"
               "0 1.1 trade 300\n"
               "0 1.2 trade 900\n"
               "1 1.2 live 1000>900\n"
               "0 1.2 idle 1300>1200\n" /* quiet for a second, for all that came */
               "0 1.3 trade 1500\n"
               "0 1.3 down 300>-1\n" /* since then nothing was heard */
               "1 1.3 down 300>-1\n");
    assert_int_equal(td_counted(&td_live_counters(r.live, 0)->backfilled), 2);
    rig_close(&r);
}

static void time_goes_on_after_hold(void **state) {
    (void)state;
    RIG(r, {0, STEP_UP}, {100, STEP_DOWN});
    run_until(&r, 4500);
    expect(&r, "0 1.0 live 0>-100\n"
               "1 1.0 live 0>-100\n"
               "0 1.0 down 0>-1\n"
               "1 1.0 down 0>-1\n"
               "0 1.0 down 2100>2000\n" /* hold is over */
               "1 1.0 down 2100>2000\n"
               "0 1.0 down 3100>3000\n"
               "1 1.0 down 3100>3000\n"
               "0 1.0 down 4100>4000\n"
               "1 1.0 down 4100>4000\n");
    rig_close(&r);
}

static void what_a_dead_process_missed_is_told(void **state) {
    (void)state;
    RIG(r, {200, STEP_UP}, {250, STEP_ITEM_0});
    assert_false(td_live_resumed(r.live, 0));
    td_live_resume(r.live, TD_TEXT("a"), 0, (td_source_position){.file = TD_SESSION_BIT | 7, .line = 50},
                   START_NS - TD_NS_PER_S);
    td_live_resume(r.live, TD_TEXT("a"), 1, (td_source_position){.file = TD_SESSION_BIT | 7, .line = 48},
                   START_NS - 2 * TD_NS_PER_S);
    td_live_resume(r.live, TD_TEXT("gone"), 1, (td_source_position){.file = TD_SESSION_BIT | 9, .line = 1}, START_NS);
    assert_true(td_live_resumed(r.live, 0) && td_live_resumed(r.live, 1));
    run_until(&r, 300);
    expect(&r, "0 7.50 down -1000>-1\n" /* since each partition's own last record */
               "1 7.50 down -2000>-1\n"
               "0 8.0 live 200>100\n" /* sessions are counted on */
               "1 8.0 live 200>100\n"
               "0 8.1 trade 250\n");
    rig_close(&r);
}

/* Another program puts its events on the tape: time alone comes from here, and a stop of ours is none of the feed's. */
static void what_others_produce_gets_time(void **state) {
    (void)state;
    rig r;
    rig_open(&r, (const step *[]){NULL}, (size_t[]){0}, 1);
    td_live_resume(r.live, TD_TEXT("a"), 0, (td_source_position){.file = TD_SESSION_BIT}, START_NS - TD_NS_PER_S / 2);
    run_until(&r, 900);
    r.wall_ns -= TD_NS_PER_S;
    run_until(&r, 2900);
    expect(&r, "1 0.0 live 0>-100\n"
               "0 0.0 live 500>400\n"  /* a second behind what stands there */
               "1 0.0 live 1000>900\n" /* 2000 by then, for the machine's clock was set back */
               "0 0.0 live 1500>1400\n");
    assert_int_equal(r.connects, 0);
    assert_int_equal(td_counted(&td_live_counters(r.live, 0)->up), 1);
    rig_close(&r);
}

static int64_t kept_whole_ns;

static int64_t whole_ns(const void *self) {
    (void)self;
    return kept_whole_ns;
}

static int64_t kept_lag = -1;

static int64_t lag(const void *self) {
    (void)self;
    return kept_lag;
}

static void keep_nothing(void *self, const td_feed_places *places) { (void)self, (void)places; }

/* A source that keeps what it has: no stop and no session's end is a loss, and time stands still while it has more. */
static void what_is_kept_is_not_missed(void **state) {
    (void)state;
    static const td_live_ops live = {
        .connect = fake_connect, .pump = fake_pump, .keep = keep_nothing, .whole_ns = whole_ns, .lag = lag};
    static const td_feed_ops kept = {.live = &live, .next = fake_next, .close = fake_close};
    static const step steps[] = {
        {100, STEP_UP}, {200, STEP_ITEM_0}, {300, STEP_DOWN}, {3200, STEP_UP}, {3300, STEP_ITEM_1}};
    rig r;
    rig_open(&r, (const step *[]){NULL}, (size_t[]){0}, 0);
    r.fakes[0] = (fake){.steps = steps, .count = COUNT_OF(steps), .instruments = r.instruments, .rig = &r};
    static char name[] = "a";
    r.confs[0] = (td_feed_conf){.name = name, .max_delay_ns = 100 * TD_NS_PER_MS, .reconnect_ns = TD_NS_PER_MS};
    td_live_add(r.live, 0, &kept, &r.fakes[0], &r.confs[0]);
    assert_true(td_live_keeps(r.live, 0) && !td_live_keeps(r.live, 1));
    const td_counter *told = &td_live_counters(r.live, 0)->lag_records;
    assert_int_equal(td_counted(told), -1); /* nobody was asked yet */
    kept_lag = 5;
    td_live_resume(r.live, TD_TEXT("a"), 0, (td_source_position){.file = TD_SESSION_BIT | 1, .line = 9},
                   START_NS - 9 * TD_NS_PER_S);
    kept_whole_ns = TD_NONE;
    run_until(&r, 3000);
    expect(&r, "0 1.1 trade 200\n");
    assert_int_equal(td_counted(told), 5);
    kept_lag = -1;
    kept_whole_ns = START_NS + 1500 * TD_NS_PER_MS; /* since then nobody has answered */
    run_until(&r, 3250);
    expect(&r, "0 1.1 idle 1500>1400\n"
               "1 1.1 idle 1500>1400\n");
    assert_int_equal(td_counted(told), -1);
    kept_whole_ns = START_NS + 4500 * TD_NS_PER_MS;
    run_until(&r, 4600);
    expect(&r, "0 2.0 idle 4500>4400\n"
               "1 2.0 idle 4500>4400\n"
               "1 2.1 trade 3300\n");
    rig_close(&r);
}

static void a_clock_set_back_takes_no_time_back(void **state) {
    (void)state;
    RIG(r, {0, STEP_UP}, {1000, STEP_ITEM_0}, {1500, STEP_ITEM_0}, {3000, STEP_ITEM_0});
    run_until(&r, 1200);
    r.wall_ns -= 1 * TD_NS_PER_S;
    run_until(&r, 3100);
    expect(&r, "0 1.0 live 0>-100\n"
               "1 1.0 live 0>-100\n"
               "0 1.1 trade 1000\n"
               "1 1.1 live 1000>900\n"
               "0 1.2 trade 1200\n" /* it stands still until the machine's has come so far again */
               "0 1.3 trade 2000\n"
               "1 1.3 live 2000>1900\n");
    rig_close(&r);
}

static void waits_double_and_vary(void **state) {
    (void)state;
    static step steps[12];
    for (size_t i = 0; i < COUNT_OF(steps); i++) steps[i] = (step){0, STEP_REFUSE};
    rig r;
    rig_open(&r, (const step *[]){steps}, (size_t[]){COUNT_OF(steps)}, 1);
    run_until(&r, 300000);
    int64_t wait_ms = 100;
    bool varies = false;
    for (int i = 1; i < (int)COUNT_OF(steps); i++) {
        int64_t waited_ms = r.connected_ms[i] - r.connected_ms[i - 1];
        assert_in_range(waited_ms, wait_ms * 4 / 5 - STEP_MS, wait_ms + STEP_MS);
        varies |= waited_ms + STEP_MS < wait_ms;
        wait_ms = wait_ms * 2 < 60000 ? wait_ms * 2 : 60000;
    }
    assert_true(varies);
    rig_close(&r);
}

static void a_session_that_lasts_resets_the_wait(void **state) {
    (void)state;
    RIG(r, {0, STEP_REFUSE}, {0, STEP_REFUSE}, {0, STEP_UP}, {500, STEP_DOWN}, {0, STEP_UP}, {8000, STEP_DOWN},
        {0, STEP_UP}, {9000, STEP_DOWN}, {0, STEP_UP});
    static const int64_t waits_ms[] = {100, 200, 400, 100, 100};
    run_until(&r, 12000);
    for (int i = 1; i <= (int)COUNT_OF(waits_ms); i++) {
        int64_t since_ms = i == 3 ? 500 : i == 4 ? 8000 : i == 5 ? 9000 : r.connected_ms[i - 1];
        int64_t waited_ms = r.connected_ms[i] - since_ms;
        assert_in_range(waited_ms, waits_ms[i - 1] * 4 / 5 - STEP_MS, waits_ms[i - 1] + STEP_MS);
    }
    rig_close(&r);
}

/* Whether the token was refused before a session or in it: the vendor is left alone. */
static void what_is_denied_waits_long(void **state) {
    (void)state;
    RIG(r, {0, STEP_DENY}, {0, STEP_UP}, {60100, STEP_DENY}, {0, STEP_UP});
    run_until(&r, 121000);
    assert_int_equal(r.connects, 3);
    assert_in_range(r.connected_ms[1], 48000 - STEP_MS, 60000 + STEP_MS);
    assert_in_range(r.connected_ms[2] - 60100, 48000 - STEP_MS, 60000 + STEP_MS);
    rig_close(&r);
}

/* Who repeats what they were told is not repeated: neither in the line nor where the last end is asked for. */
static void an_end_is_told_without_secrets(void **state) {
    (void)state;
    RIG(r, {0, STEP_UP}, {300, STEP_DOWN});
    td_secrets_add(&r.confs[0].secrets, "on command");
    run_until(&r, 400);
    td_live_end end;
    assert_true(td_live_last_end(td_live_counters(r.live, 0), &end));
    assert_string_equal(end.why, "***");
    td_buf_put(&r.reports, "", 1);
    assert_non_null(strstr((const char *)r.reports.data, "a: the session ended: ***;"));
    td_secrets_fini(&r.confs[0].secrets);
    rig_close(&r);
}

static void a_busy_feed_starves_no_other(void **state) {
    (void)state;
    static step busy[2000];
    static const step rare[] = {{0, STEP_UP}, {10, STEP_ITEM_1}};
    busy[0] = (step){0, STEP_UP};
    for (size_t i = 1; i < COUNT_OF(busy); i++) busy[i] = (step){10, STEP_ITEM_0};
    rig r;
    rig_open(&r, (const step *[]){busy, rare}, (size_t[]){COUNT_OF(busy), COUNT_OF(rare)}, 2);
    run_until(&r, 0);
    td_input input;
    int before = 0;
    while (td_live_next(r.live, &input) == TD_OK && input.feed != 1) before++;
    assert_int_equal(input.feed, 1);
    assert_int_equal(input.item.event.feed, 1);
    assert_in_range(before, 0, 2);
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quiet_partitions_get_time),
        cmocka_unit_test(a_cut_is_told_and_time_waits),
        cmocka_unit_test(the_past_shows_nothing_of_the_session),
        cmocka_unit_test(time_goes_on_after_hold),
        cmocka_unit_test(what_a_dead_process_missed_is_told),
        cmocka_unit_test(what_is_kept_is_not_missed),
        cmocka_unit_test(a_clock_set_back_takes_no_time_back),
        cmocka_unit_test(what_others_produce_gets_time),
        cmocka_unit_test(waits_double_and_vary),
        cmocka_unit_test(a_session_that_lasts_resets_the_wait),
        cmocka_unit_test(what_is_denied_waits_long),
        cmocka_unit_test(an_end_is_told_without_secrets),
        cmocka_unit_test(a_busy_feed_starves_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
