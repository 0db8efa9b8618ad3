/* tests/unit/serve_pages_test.c - goal: pages of every table, one after the other, are one large page in pieces: the
 * same rows in the same order, none twice and none left out, whatever came late, and they end. */
#include "serve/answer.h"
#include "serve_rig.h"

enum { TELLINGS = 250, ROWS_MAX = 40000, PAGES_MAX = 4000 };

static rig r;
static td_topic *programs; /* one names IBM */

static const char ibm[] = "LEAN:IBM";
static char beside[24], apart[24]; /* one in IBM's partition, one in the other */

static int open_rig(void **state) {
    td_buf body = {0};
    (void)state;
    rig_open(&r);
    assert_int_equal(td_log_topic(r.log, "trades", RIG_PARTITIONS, TD_TOPIC_OUTPUT, &r.topics.trades), TD_OK);
    assert_int_equal(td_log_topic(r.log, "quotes", RIG_PARTITIONS, TD_TOPIC_OUTPUT, &r.topics.quotes), TD_OK);
    assert_int_equal(td_log_topic(r.log, "news", RIG_PARTITIONS, TD_TOPIC_OUTPUT, &r.topics.news), TD_OK);
    assert_int_equal(td_log_topic(r.log, "_programs", 1, TD_TOPIC_INPUT, &programs), TD_OK);
    td_buf_text(&body, "use ibm = LEAN:IBM");
    td_batch_reset(&r.batch);
    assert_true(td_batch_add(&r.batch, 1, TD_TEXT("key"), td_buf_bytes(&body), TD_TEXT(""), TD_TEXT("")));
    assert_int_equal(td_writer_append(r.writer, programs, 0, &r.batch), TD_OK);
    td_buf_fini(&body);
    uint32_t home = td_partition_of(td_text(ibm), RIG_PARTITIONS);
    beside[0] = apart[0] = '\0';
    for (int i = 0; beside[0] == '\0' || apart[0] == '\0'; i++) {
        char name[24];
        (void)snprintf(name, sizeof name, "LEAN:N%d", i);
        char *to = td_partition_of(td_text(name), RIG_PARTITIONS) == home ? beside : apart;
        if (to[0] == '\0') memcpy(to, name, sizeof name);
    }
    return 0;
}
static int close_rig(void **state) {
    (void)state;
    rig_close(&r);
    return 0;
}

/* ---- what is told ---- */

typedef struct moment { /* when a thing is told, and of what time */
    int64_t now_ns, event_ns, ms;
    const char *of;
    uint64_t random;
} moment;

/* Half of what is told is of now, several of an instant; some comes late, by a little or by much, and often several of
 * it in a row. */
static void pass(moment *m) {
    uint64_t dice = unit_random(&m->random) % 20;
    if (dice < 12) m->now_ns += (int64_t)(unit_random(&m->random) % 3) * RIG_S;
    bool late = m->event_ns < m->now_ns - 2 * RIG_S ? dice < 16 : dice >= 17;
    m->event_ns = late ? m->now_ns - (int64_t)(unit_random(&m->random) % (dice % 2 > 0 ? 9 : 200)) * RIG_S : m->now_ns;
    uint64_t which = unit_random(&m->random) % 8;
    m->of = which < 5 ? ibm : which < 6 ? apart : beside;
    if (dice % 3 == 0) m->ms += (int64_t)(unit_random(&m->random) % 4);
}

static moment begin(uint64_t seed) {
    return (moment){.now_ns = RIG_T0, .event_ns = RIG_T0, .ms = 1000, .random = seed};
}

static void tell_signal(const moment *m, int number) {
    const char *of = m->of, *leg = of != ibm && number % 3 == 0 ? ibm : "";
    bool late = m->event_ns < m->now_ns;
    td_signal signal = {.strategy = number % 4 == 0 ? TD_TEXT("rare") : TD_TEXT("often"),
                        .leg = td_text(leg),
                        .ordinal = 1 + (uint32_t)(number % 2),
                        .event_ns = m->event_ns,
                        .known_at_ns = m->now_ns,
                        .price = number,
                        .status = late && number % 3 > 0 ? TD_SIGNAL_WITHDRAWN : TD_SIGNAL_FRESH};
    td_buf value = {0};
    td_record_put_signal(&value, r.topics.ids, td_text(of), &signal);
    rig_append(&r, r.topics.signals, of, m->ms, &value);
}

static void tell_fill(const moment *m, int number) {
    const char *of = m->of, *leg = of != ibm && number % 3 == 0 ? ibm : "";
    td_fill fill = {.strategy = number % 4 == 0 ? TD_TEXT("rare") : TD_TEXT("often"),
                    .signal = TD_TEXT("its id"),
                    .leg = td_text(leg),
                    .event_ns = m->event_ns,
                    .known_at_ns = m->now_ns,
                    .quantity = 1 + number,
                    .price = 1,
                    .side = TD_SIDE_BUY};
    td_buf value = {0};
    td_record_put_fill(&value, r.topics.ids, td_text(of), &fill);
    rig_append(&r, r.topics.fills, of, m->ms, &value);
}

/* The first time a start is told of, its bar has its first result: of some that is much later. */
static void tell_bar(const moment *m, int32_t revisions[], int number) {
    int64_t start = (m->event_ns - RIG_T0) / RIG_S;
    if (start < 0) return;
    td_bar bar = {.start_ns = RIG_T0 + start * RIG_S,
                  .end_ns = RIG_T0 + (start + 1) * RIG_S,
                  .width_ns = RIG_S,
                  .open = number,
                  .high = number,
                  .low = number,
                  .close = number,
                  .trade_count = 1,
                  .known_at_ns = m->now_ns + RIG_S,
                  .revision = revisions[start]++};
    td_buf value = {0};
    td_record_put_bar(&value, r.topics.ids, td_text(ibm), &bar);
    rig_append(&r, r.topics.bars, ibm, m->ms, &value);
}

static void tell_tick(const moment *m, td_event_kind kind, int number) {
    td_event e = {.kind = (uint8_t)kind, .event_ns = m->event_ns, .receive_ns = m->now_ns};
    td_topic *topic = kind == TD_EVENT_QUOTE ? r.topics.quotes : r.topics.trades;
    if (kind == TD_EVENT_QUOTE)
        e.quote = (td_quote){number, 1, TD_NONE, TD_NONE, .sequence = TD_NONE};
    else
        e.trade = (td_trade){.price = number, .size = 1, .trade_id = TD_NONE};
    td_buf value = {0};
    td_record_put_published(&value, r.topics.ids, TD_TEXT("lean"), td_text(m->of), &e);
    rig_append(&r, topic, m->of, m->ms, &value);
}

static void tell_vendor_bar(const moment *m, int number) {
    td_event e = {.kind = TD_EVENT_VENDOR_BAR,
                  .event_ns = m->event_ns + RIG_S,
                  .receive_ns = m->now_ns,
                  .vendor_bar = {RIG_S, m->event_ns, 1, 2, 1, 1 + number % 2, TD_NONE, number % 5 == 0}};
    td_buf value = {0};
    td_record_put_event(&value, r.topics.ids, number % 3 == 0 ? TD_TEXT("av") : TD_TEXT("other"), &e);
    rig_append(&r, r.topics.vendor_bars, ibm, m->ms, &value);
}

static void tell_all(uint64_t seed) {
    static int32_t revisions[4 * TELLINGS];
    moment m = begin(seed);
    memset(revisions, 0, sizeof revisions);
    for (int i = 0; i < TELLINGS; i++) {
        pass(&m);
        tell_signal(&m, i);
        tell_fill(&m, i);
        tell_bar(&m, revisions, i);
        tell_tick(&m, TD_EVENT_TRADE, i);
        tell_tick(&m, TD_EVENT_QUOTE, i);
        tell_vendor_bar(&m, i);
        if (i % 3 == 0) rig_gap(&r, m.of, 1 + i / 6, m.event_ns, m.now_ns, (td_gap_status)(i / 3 % 2));
    }
}

/* ---- pages of a walk ---- */

typedef struct found { /* the newest first */
    struct {
        int64_t order, offset;
        uint32_t partition;
    } rows[ROWS_MAX];
    size_t count, pages;
    bool cut;
} found;

static td_topic *topic_of(td_history_kind kind) {
    return kind == TD_HISTORY_SIGNALS       ? r.topics.signals
           : kind == TD_HISTORY_FILLS       ? r.topics.fills
           : kind == TD_HISTORY_TRADES      ? r.topics.trades
           : kind == TD_HISTORY_QUOTES      ? r.topics.quotes
           : kind == TD_HISTORY_VENDOR_BARS ? r.topics.vendor_bars
                                            : r.topics.bars;
}

static td_history_question all_of(td_history_kind kind, const char *instrument) {
    return (td_history_question){.topic = topic_of(kind),
                                 .ids = r.topics.ids,
                                 .kind = kind,
                                 .instrument = td_text(instrument),
                                 .strategy = TD_TEXT(""),
                                 .feed = TD_TEXT(""),
                                 .width_ns = RIG_S,
                                 .from_ns = INT64_MIN,
                                 .before_ns = INT64_MAX,
                                 .cursor = -1,
                                 .limit = 5000,
                                 .as_of = TD_PLACE_END};
}

/* As the address of an answer goes on. False: that was the last page. */
static bool take_page(td_history_question *q, found *f) {
    const td_history_row *rows;
    td_history *h = td_history_new(q);
    td_status status = TD_AGAIN;
    while (status == TD_AGAIN) status = td_history_step(h);
    assert_int_equal(status, TD_OK);
    size_t count = td_history_rows(h, &rows);
    for (size_t i = count; i > 0; i--, f->count++) {
        assert_true(f->count < ROWS_MAX);
        f->rows[f->count].order = rows[i - 1].order;
        f->rows[f->count].offset = rows[i - 1].offset;
        f->rows[f->count].partition = rows[i - 1].partition;
    }
    bool bars = q->kind == TD_HISTORY_BARS || q->kind == TD_HISTORY_VENDOR_BARS;
    if (bars && count > 0) q->before_ns = rows[0].order;
    q->cursor = td_history_cursor(h);
    q->edge = td_history_edge_of(h);
    bool more = q->cursor >= 0 || q->edge.known, cut = td_history_is_cut(h);
    assert_true(q->cursor < 0 || !q->edge.known);
    ASSERT_ROW(!more || cut || count >= q->limit, "page %zu has %zu of %zu", f->pages, count, q->limit);
    f->cut |= cut;
    f->pages++;
    td_history_free(h);
    return more;
}

static void take_pages(td_history_question q, found *f) {
    f->count = f->pages = 0;
    f->cut = false;
    while (take_page(&q, f)) assert_true(f->pages < PAGES_MAX);
}

/* ---- of one large page ---- */

typedef struct asked {
    td_history_kind kind;
    const char *instrument, *strategy;
    bool named;
    int from_s, before_s, known_s; /* behind the begin; 0: none */
    int64_t known_offset;          /* 0: none */
    bool known_now;
} asked;

static const asked questions[] = {
    {.kind = TD_HISTORY_BARS, .instrument = ibm},
    {.kind = TD_HISTORY_BARS, .instrument = ibm, .from_s = 60, .before_s = 200},
    {.kind = TD_HISTORY_BARS, .instrument = ibm, .known_s = 150},
    {.kind = TD_HISTORY_BARS, .instrument = ibm, .known_s = 150, .known_now = true},
    {.kind = TD_HISTORY_BARS, .instrument = ibm, .known_offset = 200, .known_now = true},
    {.kind = TD_HISTORY_VENDOR_BARS, .instrument = ibm},
    {.kind = TD_HISTORY_VENDOR_BARS, .instrument = ibm, .from_s = 60, .before_s = 200, .known_s = 170},
    {.kind = TD_HISTORY_SIGNALS, .instrument = ibm},
    {.kind = TD_HISTORY_SIGNALS, .instrument = ibm, .named = true},
    {.kind = TD_HISTORY_SIGNALS, .instrument = ibm, .strategy = "rare"},
    {.kind = TD_HISTORY_SIGNALS, .instrument = ibm, .from_s = 60, .before_s = 200},
    {.kind = TD_HISTORY_SIGNALS, .instrument = ibm, .from_s = 60, .before_s = 200, .named = true},
    {.kind = TD_HISTORY_SIGNALS, .instrument = ibm, .known_s = 150},
    {.kind = TD_HISTORY_SIGNALS, .instrument = ibm, .known_offset = 120, .named = true},
    {.kind = TD_HISTORY_SIGNALS, .instrument = ""},
    {.kind = TD_HISTORY_SIGNALS, .instrument = "", .strategy = "rare", .from_s = 60},
    {.kind = TD_HISTORY_FILLS, .instrument = ibm},
    {.kind = TD_HISTORY_FILLS, .instrument = ibm, .named = true},
    {.kind = TD_HISTORY_FILLS, .instrument = ibm, .named = true, .from_s = 60, .before_s = 200, .strategy = "often"},
    {.kind = TD_HISTORY_FILLS, .instrument = ibm, .known_offset = 120, .before_s = 200},
    {.kind = TD_HISTORY_FILLS, .instrument = ""},
    {.kind = TD_HISTORY_TRADES, .instrument = ibm},
    {.kind = TD_HISTORY_TRADES, .instrument = "", .from_s = 60, .before_s = 200},
    {.kind = TD_HISTORY_QUOTES, .instrument = ibm, .known_s = 150},
    {.kind = TD_HISTORY_QUOTES, .instrument = ""},
};

static td_history_question question_of(const asked *a) {
    td_history_question q = all_of(a->kind, a->instrument);
    if (a->strategy != NULL) q.strategy = td_text(a->strategy);
    if (a->named) q.programs = programs;
    if (a->from_s > 0) q.from_ns = RIG_T0 + a->from_s * RIG_S;
    if (a->before_s > 0) q.before_ns = RIG_T0 + a->before_s * RIG_S;
    if (a->known_s > 0) q.as_of.known_ns = RIG_T0 + a->known_s * RIG_S;
    if (a->known_offset > 0) q.as_of.offset = a->known_offset;
    q.known_now = a->known_now;
    return q;
}

/* All rows there are, of those by time the ones asked for: nothing here ends before all is read. */
static void take_whole(const asked *a, found *f) {
    td_history_question q = question_of(a);
    bool bars = a->kind == TD_HISTORY_BARS || a->kind == TD_HISTORY_VENDOR_BARS;
    bool by_time = bars || (a->kind == TD_HISTORY_SIGNALS && a->instrument[0] != '\0');
    int64_t from_ns = q.from_ns, before_ns = q.before_ns;
    if (by_time) q.from_ns = INT64_MIN;
    if (by_time) q.before_ns = INT64_MAX;
    take_pages(q, f);
    assert_true(f->pages == 1 && !f->cut);
    size_t kept = 0;
    for (size_t i = 0; by_time && i < f->count; i++)
        if (f->rows[i].order >= from_ns && f->rows[i].order < before_ns) f->rows[kept++] = f->rows[i];
    if (by_time) f->count = kept;
}

static size_t compare(const asked *a, uint64_t seed) {
    static const struct {
        size_t limit;
        int64_t block_bytes;
    } sizes[] = {{2, 5000}, {7, 1}, {7, 0}, {37, 1}, {37, 5000}, {1000, 1}};
    static found whole, pages;
    unsigned row = (unsigned)(a - questions);
    take_whole(a, &whole);
    ASSERT_ROW(whole.count > 20, "question %u: %zu rows", row, whole.count);
    for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
        td_history_question q = question_of(a);
        q.limit = sizes[i].limit;
        q.block_bytes = sizes[i].block_bytes;
        take_pages(q, &pages);
        for (size_t k = 0; k < whole.count && k < pages.count; k++)
            ASSERT_ROW(whole.rows[k].partition == pages.rows[k].partition &&
                           whole.rows[k].offset == pages.rows[k].offset,
                       "seed %u question %u limit %zu block %d: row %zu of %zu, %zu", (unsigned)seed, row, q.limit,
                       (int)q.block_bytes, k, whole.count, pages.count);
        ASSERT_ROW(whole.count == pages.count, "seed %u question %u limit %zu: %zu of %zu", (unsigned)seed, row,
                   q.limit, pages.count, whole.count);
    }
    return whole.count;
}

static void pages_are_one_large_page(void **state) {
    size_t count = 0;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        tell_all(seed);
        for (unsigned i = 0; i < COUNT_OF(questions); i++) count += compare(&questions[i], seed);
        close_rig(state);
        open_rig(state);
    }
    assert_true(count > 3000);
}

/* ---- beyond the budget ---- */

enum { MANY = 5000 }; /* with blocks of one record a question reads 2048 of them */

static void tell_many(void) {
    moment m = begin(9);
    for (int i = 0; i < MANY; i++) {
        pass(&m);
        m.of = i % 5 < 4 ? ibm : apart;
        tell_signal(&m, i);
        tell_fill(&m, i);
    }
}

static void compare_sets(const found *whole, const found *pages) {
    static bool seen[RIG_PARTITIONS][ROWS_MAX];
    memset(seen, 0, sizeof seen);
    assert_int_equal(pages->count, whole->count);
    for (size_t k = 0; k < whole->count; k++) seen[pages->rows[k].partition][pages->rows[k].offset] = true;
    for (size_t k = 0; k < whole->count; k++)
        ASSERT_ROW(seen[whole->rows[k].partition][whole->rows[k].offset], "row %zu", k);
}

/* Rows that come late may be on a newer page than those of their time: each is there once. */
static void all_come_once_beyond_the_budget(void **state) {
    static const size_t limits[] = {1000, 5000};
    static found whole, pages;
    (void)state;
    tell_many();
    for (unsigned i = 0; i < COUNT_OF(limits) * 6; i++) {
        td_history_question q = all_of(i % 2 > 0 ? TD_HISTORY_FILLS : TD_HISTORY_SIGNALS, i / 2 % 3 < 2 ? ibm : "");
        if (i / 2 % 3 == 0) q.programs = programs;
        take_pages(q, &whole);
        q.limit = limits[i / 6];
        q.block_bytes = 1;
        take_pages(q, &pages);
        assert_true(whole.count > 3000 && (pages.cut || (q.limit < 5000 && q.programs == NULL)));
        ASSERT_ROW(pages.count == whole.count, "%u: %zu of %zu", i, pages.count, whole.count);
        ASSERT_ROW(pages.pages < 10 + 2 * whole.count / q.limit, "%u: %zu pages", i, pages.pages);
        compare_sets(&whole, &pages);
    }
}

/* More signals than are remembered at a time, in batches of 16, every hundredth of them of long ago. */
static void tell_more_than_is_remembered(void) {
    for (int i = 0; i < ROWS_MAX; i += 16) {
        td_batch_reset(&r.batch);
        for (int k = i; k < i + 16; k++) {
            td_signal signal = {.strategy = TD_TEXT("often"),
                                .ordinal = 1,
                                .event_ns = RIG_T0 + (k % 100 == 7 ? k / 9 : k) * RIG_S,
                                .known_at_ns = RIG_T0 + k * RIG_S};
            td_buf value = {0};
            td_record_put_signal(&value, r.topics.ids, td_text(ibm), &signal);
            assert_true(
                td_batch_add(&r.batch, 1 + i / 64, td_text(ibm), td_buf_bytes(&value), TD_TEXT(""), TD_TEXT("")));
            td_buf_fini(&value);
        }
        uint32_t home = td_partition_of(td_text(ibm), RIG_PARTITIONS);
        assert_int_equal(td_writer_append(r.writer, r.topics.signals, home, &r.batch), TD_OK);
    }
}

static void what_is_not_remembered_comes_later(void **state) {
    static found whole, pages;
    (void)state;
    tell_more_than_is_remembered();
    take_pages(all_of(TD_HISTORY_SIGNALS, ibm), &whole);
    assert_true(!whole.cut && whole.count == ROWS_MAX);
    for (size_t k = 1; k < whole.count; k++) assert_true(whole.rows[k].order <= whole.rows[k - 1].order);
    for (size_t limit = 2500; limit < 5000; limit += 1500) {
        td_history_question q = all_of(TD_HISTORY_SIGNALS, ibm);
        q.programs = programs;
        q.limit = limit;
        q.block_bytes = 1;
        take_pages(q, &pages);
        assert_true(pages.cut && pages.pages < 10 + ROWS_MAX / limit);
        compare_sets(&whole, &pages);
    }
}

/* Told long after their time, all of them: a page needs no more of the log than its place for it. */
static void old_things_told_today_need_no_whole_log(void **state) {
    static found pages;
    static int32_t revisions[MANY];
    (void)state;
    for (int i = 0; i < MANY; i++) {
        const moment m = {.now_ns = RIG_T0 + (1000000 + i / 100) * RIG_S,
                          .event_ns = RIG_T0 + (i % 50 == 49 ? i - 60 : i) * RIG_S,
                          .ms = i,
                          .of = ibm};
        tell_bar(&m, revisions, i);
        tell_signal(&m, i);
    }
    for (int i = 0; i < 2; i++) {
        td_history_question q = all_of(i == 0 ? TD_HISTORY_BARS : TD_HISTORY_SIGNALS, ibm);
        q.limit = 600;
        q.block_bytes = 1;
        take_pages(q, &pages);
        ASSERT_ROW(!pages.cut && pages.pages == (pages.count + 599) / 600, "%d: %zu pages", i, pages.pages);
        ASSERT_ROW(pages.count == (i == 0 ? MANY - MANY / 50 : MANY), "%d: %zu rows", i, pages.count);
        for (size_t k = 1; k < pages.count; k++) assert_true(pages.rows[k].order <= pages.rows[k - 1].order);
    }
}

/* ---- addresses ---- */

/* Answers that address; `next` is the one of the page before it. Its rows go before those in *out. */
static size_t ask(const td_view *view, const char *path, td_buf *out, char next[1024]) {
    static const char above[] = "/api/v1/";
    td_api_request request;
    td_api_error error = {0};
    size_t rows = 0, at = sizeof above - 1, end = at + strcspn(path + at, "?");
    assert_memory_equal(path, above, at);
    assert_true(td_api_begin(&request, (td_bytes){(const uint8_t *)path + at, end - at}, TD_TEXT("text/csv"), &error));
    for (at = end; path[at] != '\0'; at = end) {
        at++;
        size_t name = at + strcspn(path + at, "=");
        end = at + strcspn(path + at, "&");
        td_bytes value = {(const uint8_t *)path + name + 1, end - name - 1};
        assert_true(td_api_set(&request, (td_bytes){(const uint8_t *)path + at, name - at}, value, &error));
    }
    assert_true(td_api_check(&request, &error));
    td_answer *answer = td_answer_new(&(td_answer_sources){.view = view}, &request, TD_TEXT(""), &error);
    assert_non_null(answer);
    td_status status = TD_AGAIN;
    while (status == TD_AGAIN) status = td_answer_step(answer);
    assert_int_equal(status, TD_OK);
    td_bytes body = td_buf_bytes(td_answer_body(answer));
    const uint8_t *names_end = memchr(body.data, '\n', body.size);
    body = td_bytes_from(body, (size_t)(names_end + 1 - body.data));
    for (size_t i = 0; i < body.size; i++) rows += body.data[i] == '\n';
    td_buf text = {0};
    td_buf_put(&text, body.data, body.size);
    td_buf_put(&text, out->data, out->size);
    td_buf_fini(out);
    *out = text;
    assert_true(strlen(td_answer_next(answer)) < 1024);
    memcpy(next, td_answer_next(answer), strlen(td_answer_next(answer)) + 1);
    td_answer_free(answer);
    return rows;
}

static size_t follow(const td_view *view, const char *question, int limit, td_buf *out) {
    char path[1024], next[1024];
    size_t rows = 0;
    (void)snprintf(next, sizeof next, "/api/v1/%slimit=%d", question, limit);
    for (int pages = 0; next[0] != '\0'; pages++) {
        memcpy(path, next, sizeof path);
        rows += ask(view, path, out, next);
        ASSERT_ROW(pages < PAGES_MAX, "%s limit %d does not end: %s", question, limit, next);
    }
    return rows;
}

static void addresses_lead_through_all_rows(void **state) {
    static const char *const addresses[] = {
        "bars?instrument=LEAN:IBM&width=1s&",
        "bars?instrument=LEAN:IBM&width=1s&from=1381152660&before=1381152800&",
        "bars?instrument=LEAN:IBM&width=1s&as_of=1381152750&known=now&",
        "vendor_bars?instrument=LEAN:IBM&width=1s&feed=av&",
        "signals?instrument=LEAN:IBM&",
        "signals?instrument=LEAN:IBM&from=1381152660&before=1381152800&",
        "signals?instrument=LEAN:IBM&to=1381152800&as_of=1381152790&strategy=often&",
        "signals?",
        "fills?instrument=LEAN:IBM&",
        "fills?strategy=rare&to=1381152800&",
        "trades?instrument=LEAN:IBM&as_of=@100&",
        "trades?",
        "quotes?to=1381152800&",
        "gaps?",
        "gaps?instrument=LEAN:IBM&status=open&",
        "gaps?feed=lean&from=1381152660&to=1381152800&"};
    static const int limits[] = {1, 37};
    (void)state;
    tell_all(21);
    for (int named = 0; named < 2; named++) {
        r.topics.programs = named > 0 ? programs : NULL;
        td_view *view;
        assert_int_equal(td_view_open(&view, &td_os_posix, &r.topics, &(td_view_events){0}), TD_OK);
        while (td_view_step(view) > 0) continue;
        for (unsigned i = 0; i < COUNT_OF(addresses); i++) {
            td_buf whole = {0};
            size_t count = follow(view, addresses[i], 5000, &whole);
            ASSERT_ROW(count > 5, "%s: %zu rows", addresses[i], count);
            for (unsigned k = 0; k < COUNT_OF(limits); k++) {
                td_buf pages = {0};
                size_t rows = follow(view, addresses[i], limits[k], &pages);
                ASSERT_ROW(rows == count, "%s limit %d: %zu of %zu", addresses[i], limits[k], rows, count);
                ASSERT_ROW(td_bytes_equal(td_buf_bytes(&pages), td_buf_bytes(&whole)), "%s limit %d", addresses[i],
                           limits[k]);
                td_buf_fini(&pages);
            }
            td_buf_fini(&whole);
        }
        td_view_close(view);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_are_one_large_page, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(all_come_once_beyond_the_budget, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(old_things_told_today_need_no_whole_log, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(what_is_not_remembered_comes_later, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(addresses_lead_through_all_rows, open_rig, close_rig),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
