/* tests/sim/account.c - folds tape, quarantine, gaps and bars, and holds them against the venue's own trades. */
#include "account.h"
#include "base/time.h"
#include "seeds.h"
#include <inttypes.h>
#include <stdlib.h>

const int64_t td_account_widths_ns[TD_ACCOUNT_WIDTHS] = {TD_NS_PER_S, 10 * TD_NS_PER_S};

/* ---- reading ---- */

typedef struct reading {
    td_account *account;
    const td_topics *topics;
} reading;

typedef bool (*take_fn)(const reading *r, const td_record *record);

static bool each_record(const reading *r, td_topic *topic, take_fn take) {
    for (uint32_t p = 0; p < r->topics->partitions; p++) {
        td_reader *reader;
        td_record record;
        td_status status = td_reader_open(&reader, topic, p, 0, TD_READ_APPENDED);
        bool good = status == TD_OK;
        while (good && (status = td_reader_next(reader, &record)) == TD_OK) good = take(r, &record);
        td_reader_close(reader);
        HOLDS(good && status == TD_AGAIN, "%s-%u", td_topic_name(topic), p);
    }
    return true;
}

static td_account_symbol *symbol_of(const reading *r, td_bytes name) {
    int symbol = name.size > 0 ? name.data[name.size - 1] - '0' : TD_ACCOUNT_SYMBOLS;
    if (symbol < 0 || symbol >= TD_ACCOUNT_SYMBOLS) abort();
    return &r->account->symbols[symbol];
}

static td_account_trade *trade_of(const reading *r, td_bytes name, const td_event *e) {
    td_account_symbol *s = symbol_of(r, name);
    int64_t id = e->trade.trade_id;
    return id >= 1 && id <= s->trade_count ? &s->trades[id - 1] : NULL;
}

static bool take_input(const reading *r, const td_record *record) {
    td_event e = {0};
    td_bytes feed;
    HOLDS(td_record_get_event(r->topics->ids, record->value, &e, &feed) == TD_OK, "offset %" PRId64, record->offset);
    if (e.kind != TD_EVENT_TRADE) return true;
    td_account_trade *trade = trade_of(r, record->key, &e);
    HOLDS(trade != NULL, "the venue has no trade %" PRId64, e.trade.trade_id);
    trade->copies++;
    trade->live |= e.origin == TD_ORIGIN_FEED;
    if (e.origin == TD_ORIGIN_RELEASE) trade->released++;
    return true;
}

static bool take_refused(const reading *r, const td_record *record) {
    td_quarantined q;
    td_bytes name;
    HOLDS(td_record_get_quarantined(r->topics->ids, record->value, &q, &name) == TD_OK, "offset %" PRId64,
          record->offset);
    td_account_trade *trade = trade_of(r, name, &q.event);
    HOLDS(trade != NULL, "the venue has no trade %" PRId64, q.event.trade.trade_id);
    HOLDS(q.reason != TD_REASON_LATE || trade->released > 0, "trade %" PRId64 " missed a bar", q.event.trade.trade_id);
    if (q.reason == TD_REASON_LATE)
        trade->late = true;
    else
        trade->refused++;
    return true;
}

static td_account_gap *gap_of(td_account_symbol *s, int64_t number, int64_t told_ms) {
    if (number > s->gap_count) {
        if (s->gap_count == s->gap_capacity) {
            s->gap_capacity = s->gap_capacity == 0 ? 64 : 2 * s->gap_capacity;
            size_t size = (size_t)s->gap_capacity * sizeof *s->gaps;
            s->gaps = td_alloc_check(realloc(s->gaps, size), size);
        }
        s->gaps[s->gap_count++] = (td_account_gap){.first_id = TD_NONE, .last_id = TD_NONE, .told_ms = told_ms};
    }
    return &s->gaps[number - 1];
}

static bool take_gap(const reading *r, const td_record *record) {
    td_gap g;
    td_bytes name;
    HOLDS(td_record_get_gap(record->value, &g, &name) == TD_OK, "offset %" PRId64, record->offset);
    td_account_symbol *s = symbol_of(r, name);
    HOLDS(g.number >= 1 && g.number <= s->gap_count + 1, "gap %" PRId64 " behind %" PRId64, g.number, s->gap_count);
    td_account_gap *gap = gap_of(s, g.number, record->timestamp_ms);
    if (g.first_id != TD_NONE && (gap->first_id == TD_NONE || g.first_id < gap->first_id)) gap->first_id = g.first_id;
    if (g.last_id != TD_NONE && g.last_id > gap->last_id) gap->last_id = g.last_id;
    gap->reason = g.reason;
    gap->status = g.status;
    return true;
}

static bool says_the_same(const td_bar *a, const td_bar *b) {
    return a->start_ns == b->start_ns && a->end_ns == b->end_ns && a->open == b->open && a->high == b->high &&
           a->low == b->low && a->close == b->close && a->vwap == b->vwap && a->volume == b->volume &&
           a->notional == b->notional && a->trade_count == b->trade_count;
}

static td_bar *bar_at(td_account_symbol *s, int k, int64_t i) {
    if (i >= s->bar_count[k]) {
        int64_t count = 2 * i + 64;
        s->bars[k] =
            td_alloc_check(realloc(s->bars[k], (size_t)count * sizeof(td_bar)), (size_t)count * sizeof(td_bar));
        memset(s->bars[k] + s->bar_count[k], 0, (size_t)(count - s->bar_count[k]) * sizeof(td_bar));
        s->bar_count[k] = count;
    }
    return &s->bars[k][i];
}

static bool take_bar(const reading *r, const td_record *record) {
    td_bar bar;
    td_bytes name;
    HOLDS(td_record_get_bar(r->topics->ids, record->value, &bar, &name) == TD_OK, "offset %" PRId64, record->offset);
    td_account_symbol *s = symbol_of(r, name);
    int k = bar.width_ns == td_account_widths_ns[0] ? 0 : 1;
    int64_t i = (bar.start_ns - r->account->from_ns) / td_account_widths_ns[k];
    HOLDS(bar.start_ns >= r->account->from_ns && i < 1000000, "a bar at %" PRId64, bar.start_ns);
    td_bar *last = bar_at(s, k, i);
    bool again = last->trade_count > 0;
    HOLDS(bar.revision == (again ? last->revision + 1 : 0), "revision %d behind %d", bar.revision, last->revision);
    bool changed = again && !says_the_same(&bar, last);
    s->revised += again;
    s->changed += changed;
    s->unsaid += changed && last->quality != TD_QUALITY_PARTIAL;
    *last = bar;
    return true;
}

static void begin(td_account *a, const td_venue *venue) {
    td_account_fini(a);
    *a = (td_account){0};
    int64_t widest_ns = td_account_widths_ns[TD_ACCOUNT_WIDTHS - 1];
    a->from_ns = venue->conf.start_ms * TD_NS_PER_MS / widest_ns * widest_ns;
    for (int i = 0; i < TD_ACCOUNT_SYMBOLS; i++) {
        td_account_symbol *s = &a->symbols[i];
        s->trade_count = venue->symbols[i].count;
        s->trades = td_alloc_zero((size_t)s->trade_count + 1, sizeof *s->trades);
    }
}

bool td_account_read(td_account *a, const td_topics *topics, const td_venue *venue) {
    const reading r = {a, topics};
    begin(a, venue);
    return each_record(&r, topics->tape, take_input) &&
           each_record(&r, topics->outputs[TD_OUTPUT_QUARANTINE], take_refused) &&
           each_record(&r, topics->outputs[TD_OUTPUT_GAPS], take_gap) &&
           each_record(&r, topics->outputs[TD_OUTPUT_BARS], take_bar);
}

void td_account_fini(td_account *a) {
    for (int i = 0; i < TD_ACCOUNT_SYMBOLS; i++) {
        td_account_symbol *s = &a->symbols[i];
        free(s->trades);
        free(s->gaps);
        for (int k = 0; k < TD_ACCOUNT_WIDTHS; k++) free(s->bars[k]);
    }
}

/* ---- what must hold ---- */

/* A rule that refuses it does so each time, unless it is told to let it by. */
static bool is_accepted(const td_account_trade *trade) { return trade->copies > trade->refused; }

static bool was_told(const td_account_symbol *s, int64_t id) {
    for (int64_t g = 0; g < s->gap_count; g++)
        if (s->gaps[g].first_id != TD_NONE && id >= s->gaps[g].first_id && id <= s->gaps[g].last_id) return true;
    return false;
}

static td_flaw flaw_of(const td_venue *venue, int symbol, int64_t id) {
    return (td_flaw)td_venue_trade_of(venue, symbol, id)->flaw;
}

bool td_account_has_flaws(const td_account *a, const td_venue *venue, int symbol) {
    const td_account_symbol *s = &a->symbols[symbol];
    for (int64_t id = 1; id <= s->trade_count; id++)
        if (flaw_of(venue, symbol, id) != TD_FLAW_NONE && is_accepted(&s->trades[id - 1])) return true;
    return false;
}

/* Outliers are refused by the prices of before: after a release by others, and when few came by themselves by none. */
bool td_account_has_trades(const td_account *a, const td_venue *venue, int symbol) {
    enum { JUDGED_FROM = 32 };
    const td_account_symbol *s = &a->symbols[symbol];
    bool released = false;
    int64_t live = 0;
    for (int64_t i = 0; i < s->trade_count; i++) released |= s->trades[i].released > 0;
    for (int64_t id = 1; id <= s->trade_count; id++) {
        const td_account_trade *trade = &s->trades[id - 1];
        td_flaw flaw = flaw_of(venue, symbol, id);
        bool sound = flaw == TD_FLAW_NONE, may_vary = flaw == TD_FLAW_OUTLIER && (released || live < JUDGED_FROM);
        live += trade->live;
        HOLDS(trade->copies > 0, "S%d: trade %" PRId64 " of %" PRId64 " is missing", symbol, id, s->trade_count);
        HOLDS(trade->live || was_told(s, id), "S%d: trade %" PRId64 " was missing, and nobody said so", symbol, id);
        HOLDS(may_vary || is_accepted(trade) == (sound || trade->released > 0),
              "S%d: trade %" PRId64 " with flaw %d: %d times, %d refused, %d released", symbol, id, flaw, trade->copies,
              trade->refused, trade->released);
        HOLDS(!sound || trade->refused == 0, "S%d: trade %" PRId64 " was refused", symbol, id);
    }
    return true;
}

bool td_account_has_no_gap(const td_account *a, int symbol) {
    const td_account_symbol *s = &a->symbols[symbol];
    for (int64_t g = 0; g < s->gap_count; g++)
        HOLDS(s->gaps[g].status == TD_GAP_FILLED, "S%d: gap %" PRId64 " of %" PRId64 " is %s", symbol, g + 1,
              s->gap_count, td_gap_status_name((td_gap_status)s->gaps[g].status));
    return true;
}

/* A bar as it is defined, but for the venue's own units. */
typedef struct wanted_bar {
    int64_t open, high, low, close, trade_count, volume;
} wanted_bar;

static void add_trade(wanted_bar *bar, const td_venue_trade *trade) {
    const int64_t price = trade->price_cents * 10000000;
    if (bar->trade_count++ == 0) bar->open = bar->high = bar->low = price;
    if (price > bar->high) bar->high = price;
    if (price < bar->low) bar->low = price;
    bar->close = price;
    bar->volume += trade->size;
}

static bool check_bar(const td_bar *bar, const wanted_bar *wanted, int symbol) {
    HOLDS(bar->trade_count == wanted->trade_count && bar->open == wanted->open && bar->high == wanted->high &&
              bar->low == wanted->low && bar->close == wanted->close &&
              bar->volume == (td_i128)wanted->volume * 100000000,
          "S%d: the bar of %" PRId64 " ns at %" PRId64 " has %" PRId64 " of %" PRId64 " trades", symbol, bar->width_ns,
          bar->start_ns, bar->trade_count, wanted->trade_count);
    HOLDS(bar->quality != TD_QUALITY_PARTIAL, "S%d: the bar at %" PRId64 " is partial", symbol, bar->start_ns);
    return true;
}

static bool has_bars_of(const td_account *a, const td_venue *venue, int symbol, int k) {
    const td_account_symbol *s = &a->symbols[symbol];
    int64_t width_ns = td_account_widths_ns[k], id = 1;
    for (int64_t i = 0; i < s->bar_count[k]; i++) {
        int64_t end_ms = (a->from_ns + (i + 1) * width_ns) / TD_NS_PER_MS;
        wanted_bar wanted = {0};
        bool late = false;
        for (; id <= s->trade_count; id++) { /* in the order of their times, but for those that nobody accepts */
            const td_venue_trade *trade = td_venue_trade_of(venue, symbol, id);
            if (!is_accepted(&s->trades[id - 1])) continue;
            if (trade->time_ms >= end_ms) break;
            add_trade(&wanted, trade);
            late |= s->trades[id - 1].late;
        }
        HOLDS(wanted.trade_count > 0 || s->bars[k][i].trade_count == 0, "S%d: a bar of nothing", symbol);
        if (wanted.trade_count > 0 && !late && !check_bar(&s->bars[k][i], &wanted, symbol)) return false;
    }
    HOLDS(id > s->trade_count, "S%d: trade %" PRId64 " of %" PRId64 " is behind all bars", symbol, id, s->trade_count);
    return true;
}

bool td_account_has_bars(const td_account *a, const td_venue *venue, int symbol) {
    for (int k = 0; k < TD_ACCOUNT_WIDTHS; k++)
        if (!has_bars_of(a, venue, symbol, k)) return false;
    return true;
}

bool td_account_same_bars(const td_account *got, const td_account *wanted, int symbol) {
    static const td_bar none;
    for (int k = 0; k < TD_ACCOUNT_WIDTHS; k++) {
        const td_account_symbol *g = &got->symbols[symbol], *w = &wanted->symbols[symbol];
        for (int64_t i = 0; i < g->bar_count[k] || i < w->bar_count[k]; i++) {
            const td_bar *a = i < g->bar_count[k] ? &g->bars[k][i] : &none;
            const td_bar *b = i < w->bar_count[k] ? &w->bars[k][i] : &none;
            HOLDS(says_the_same(a, b),
                  "S%d: the bar of %" PRId64 " ns at %" PRId64 " has %" PRId64 " trades, not %" PRId64, symbol,
                  td_account_widths_ns[k], got->from_ns + i * td_account_widths_ns[k], a->trade_count, b->trade_count);
        }
    }
    return true;
}

/* The window of the last accepted trade. */
static bool has_closed(const td_account *a, const td_venue *venue, int symbol, int k) {
    const td_account_symbol *s = &a->symbols[symbol];
    int64_t id = s->trade_count;
    while (id > 1 && !is_accepted(&s->trades[id - 1])) id--;
    int64_t at_ns = td_venue_trade_of(venue, symbol, id)->time_ms * TD_NS_PER_MS - a->from_ns;
    int64_t i = at_ns / td_account_widths_ns[k];
    return i < s->bar_count[k] && s->bars[k][i].trade_count > 0;
}

bool td_account_is_settled(const td_account *a, const td_venue *venue) {
    for (int symbol = 0; symbol < TD_ACCOUNT_SYMBOLS; symbol++) {
        const td_account_symbol *s = &a->symbols[symbol];
        for (int64_t id = 1; id <= s->trade_count; id++)
            if (s->trades[id - 1].copies == 0) return false;
        for (int64_t g = 0; g < s->gap_count; g++)
            if (s->gaps[g].status == TD_GAP_OPEN) return false;
        for (int k = 0; k < TD_ACCOUNT_WIDTHS; k++)
            if (s->trade_count == 0 || !has_closed(a, venue, symbol, k)) return false;
    }
    return true;
}
