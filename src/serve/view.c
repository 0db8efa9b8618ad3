/* src/serve/view.c - tails bars, signals, gaps and tape into what people see now. */
#include "serve/view.h"
#include "base/hash.h"
#include "base/time.h"
#include "model/instrument.h"
#include <stdlib.h>

#define BARS_AT_START_BYTES (INT64_C(64) << 20)
#define GAPS_AT_START_BYTES (INT64_C(32) << 20)
#define TAPE_AHEAD_BYTES    (INT64_C(32) << 20)
#define WATCH_NS            (10 * TD_NS_PER_S)
#define SKIP_CHECK_NS       (100 * TD_NS_PER_MS)
#define STEP_NS             (4 * TD_NS_PER_MS)
enum { RECORDS_PER_LOOK = 256, TAPE_REST = 3, TAILS = 4 };

typedef struct tail { /* one partition of one topic */
    td_reader *reader;
    int64_t start_offset; /* what lies below was there at start */
    int64_t live_offset;  /* what lies below is not told, and of the tape not shown as whole */
    bool corrupt;
} tail;

struct td_view {
    td_os os;
    td_serve_topics topics;
    td_view_events events;
    uint32_t partitions;
    tail *tails[TAILS]; /* bars, signals, gaps, tape; a row of partitions each */
    td_instruments *names;
    td_view_instrument *rows; /* room for all: untouched memory costs nothing */
    td_gap_table *gaps;
    td_view_feed feeds[TD_VIEW_FEEDS_MAX];
    size_t feed_count;
    int64_t changes, skipped, hidden;
    int64_t watched_until_ns, skip_check_ns, tape_rest_until_ns;
    uint32_t tape_next; /* partition whose turn it is */
    bool tape_loading;
};
enum { BARS, SIGNALS, GAPS, TAPE };

static int64_t now_ns(const td_view *v) { return v->os.ops->mono_ns(v->os.self); }

static td_topic *topic_of(const td_view *v, int which) {
    td_topic *const topics[TAILS] = {v->topics.bars, v->topics.signals, v->topics.gaps, v->topics.tape};
    return topics[which];
}

/* ---- instruments ---- */

static uint32_t calendar_of(const td_view *v, td_bytes instrument) {
    return v->topics.program != NULL ? td_program_calendar(v->topics.program, instrument) : TD_NO_CALENDAR;
}

/* The exchange's day. */
static td_period day_at(const td_view *v, const td_view_instrument *row, int64_t ns) {
    if (row->calendar != TD_NO_CALENDAR) return td_calendar_day(v->topics.program->calendars[row->calendar], ns);
    int64_t start_ns = td_window_start(ns, TD_NS_PER_DAY);
    return (td_period){start_ns, start_ns + TD_NS_PER_DAY};
}

/* The windows of an instant; empty where it is outside of the hours. */
static void find_windows(const td_view *v, const td_view_instrument *row, int64_t ns, td_period out[TD_WIDTHS_MAX]) {
    const td_program *program = v->topics.program;
    td_period day = {0};
    bool inside = program == NULL || td_program_day(program, row->calendar, ns, &day);
    for (size_t w = 0; w < v->topics.width_count; w++) {
        int64_t width = v->topics.widths_ns[w], span_ns = td_width_is_timed(width) ? td_width_span_ns(width) : width;
        int64_t start_ns = td_window_start(ns, span_ns);
        out[w] = program != NULL ? td_program_window(program, row->calendar, w, day, ns)
                                 : (td_period){start_ns, start_ns + span_ns};
        if (!inside && !td_width_is_extended(width)) out[w] = (td_period){0};
    }
}

/* The row of an instrument, made when new; NULL beyond the bound. */
static td_view_instrument *row_of(td_view *v, td_bytes name) {
    if (!td_instrument_name_valid(name)) return NULL;
    uint32_t index = td_instruments_find(v->names, name);
    if (index != UINT32_MAX) return &v->rows[index];
    if (td_instruments_count(v->names) == TD_VIEW_INSTRUMENTS_MAX) return NULL;
    td_view_instrument *row = &v->rows[td_instruments_intern(v->names, name)];
    row->spark_stride = 1;
    row->feed = TD_VIEW_NO_FEED;
    row->calendar = calendar_of(v, name);
    uint32_t p = td_partition_of(name, v->partitions);
    bool whole = v->tails[TAPE][p].live_offset == 0; /* the tape is followed from its beginning */
    for (size_t w = 0; w < v->topics.width_count; w++)
        row->provisional.whole[w] = whole && td_width_is_timed(v->topics.widths_ns[w]);
    return row;
}

static void set_last(td_view *v, td_view_instrument *row, int64_t price, int64_t at_ns) {
    if (row->last_ns == 0 || !td_period_holds(row->day, at_ns)) {
        row->day = day_at(v, row, at_ns);
        row->reference = price;
        row->spark_count = row->spark_skip = 0;
        row->spark_stride = 1;
    }
    row->last = price;
    row->last_ns = at_ns;
    row->changed = ++v->changes;
}

/* Keeps the day's shape in few points: when they are full every second one goes. */
static void add_spark(td_view_instrument *row, int64_t close) {
    if (row->spark_skip++ % row->spark_stride != 0) return;
    if (row->spark_count == TD_SPARK_MAX) {
        for (uint32_t i = 0; i < TD_SPARK_MAX / 2; i++) row->spark[i] = row->spark[2 * i];
        row->spark_count = TD_SPARK_MAX / 2;
        row->spark_stride *= 2;
    }
    row->spark[row->spark_count++] = close;
}

/* ---- records ---- */

static void take_latest(td_view_instrument *row, td_latest said) {
    if (td_latest_is_newer(&said, &row->latest[said.kind])) row->latest[said.kind] = said;
}

static void take_bar(td_view *v, const td_record *record, bool live) {
    td_bar bar;
    td_bytes name;
    if (td_record_get_bar(v->topics.ids, record->value, &bar, &name) != TD_OK) return;
    td_view_instrument *row = row_of(v, name);
    if (row == NULL) return;
    take_latest(row, td_latest_of_bar(&bar, record->offset));
    for (size_t w = 0; w < v->topics.width_count; w++) {
        if (v->topics.widths_ns[w] != bar.width_ns) continue;
        row->bars[w] += bar.revision == 0;
        if (bar.end_ns > row->final_ns[w]) row->final_ns[w] = bar.end_ns;
        if (w > 0) break;
        if (bar.start_ns > row->last_ns) {
            set_last(v, row, bar.close, bar.end_ns - 1);
            row->last_from_ns = bar.start_ns;
        }
        if (bar.revision == 0) add_spark(row, bar.close);
    }
    row->changed = ++v->changes;
    if (live) v->events.bar(v->events.self, name, &bar);
}

static void take_signal(td_view *v, const td_record *record) {
    td_signal signal;
    td_bytes name;
    if (td_record_get_signal(v->topics.ids, record->value, &signal, &name) == TD_OK)
        v->events.signal(v->events.self, name, &signal, record->timestamp_ms);
}

static void take_gap(td_view *v, const td_record *record, bool live) {
    td_gap gap;
    td_bytes name;
    if (td_record_get_gap(record->value, &gap, &name) != TD_OK) return;
    td_gap_table_put(v->gaps, name, &gap);
    if (live) v->events.gap(v->events.self, name, &gap);
}

static uint8_t feed_of(td_view *v, td_bytes name) {
    for (size_t i = 0; i < v->feed_count; i++)
        if (td_bytes_equal(name, (td_bytes){(const uint8_t *)v->feeds[i].name, v->feeds[i].name_size}))
            return (uint8_t)i;
    if (v->feed_count == TD_VIEW_FEEDS_MAX || name.size >= sizeof v->feeds[0].name) return TD_VIEW_NO_FEED;
    td_view_feed *feed = &v->feeds[v->feed_count];
    *feed = (td_view_feed){.name_size = name.size, .bound_ns = TD_NONE};
    memcpy(feed->name, name.data, name.size);
    return (uint8_t)v->feed_count++;
}

/* By the rules in `apply`, as their defaults are: one wrong tick is not to stand on the board until the bar is final.
 */
static bool is_refused(td_recent *recent, const td_event *event) {
    td_program_feed feed = td_program_feed_default();
    td_rule_case judged = {.event = event, .feed = &feed, .recent = recent};
    return td_rules_judge(&judged, true) != TD_REASON_NONE || td_rules_judge(&judged, false) != TD_REASON_NONE;
}

static td_admits admits_of(const td_view *v, uint8_t feed, const td_trade *trade) {
    if (v->topics.program == NULL || feed == TD_VIEW_NO_FEED) return TD_ADMITS_LAST;
    td_bytes name = {(const uint8_t *)v->feeds[feed].name, v->feeds[feed].name_size};
    return td_conditions_admit(&td_program_feed_of(v->topics.program, name)->conditions, &trade->condition);
}

static void take_trade(td_view *v, td_bytes name, uint8_t feed, const td_event *event, int64_t offset) {
    const td_trade *trade = &event->trade;
    if (trade->price <= 0 || trade->size <= 0) return;
    td_view_instrument *row = row_of(v, name);
    if (row == NULL) {
        v->hidden++;
        return;
    }
    if (is_refused(&row->recent, event)) return;
    take_latest(row, td_latest_of_event(event, offset));
    td_admits admits = admits_of(v, feed, trade);
    row->feed = feed;
    td_period windows[TD_WIDTHS_MAX];
    find_windows(v, row, event->event_ns, windows);
    if (admits != TD_ADMITS_NOTHING)
        td_provisional_add(&row->provisional, windows, v->topics.width_count, event->event_ns, trade, admits);
    if (admits != TD_ADMITS_LAST) return;
    td_recent_put(&row->recent, trade->price);
    if (event->event_ns < row->last_from_ns) return;
    set_last(v, row, trade->price, event->event_ns);
    row->last_from_ns = event->event_ns;
}

static void take_price(td_view *v, td_bytes name, uint8_t feed, const td_event *event) {
    td_view_instrument *row = row_of(v, name);
    v->hidden += row == NULL;
    if (row == NULL || is_refused(&row->prices, event)) return;
    td_recent_put(&row->prices, event->price.price);
    if (row->feed == TD_VIEW_NO_FEED) row->feed = feed;
    if (event->event_ns < row->last_from_ns) return;
    set_last(v, row, event->price.price, event->event_ns);
    row->last_from_ns = event->event_ns;
}

static void take_quote(td_view *v, td_bytes name, uint8_t feed, const td_event *event, int64_t offset) {
    td_view_instrument *row = row_of(v, name);
    v->hidden += row == NULL;
    if (row == NULL || (!td_quote_is_plain(&event->quote) && is_refused(&row->recent, event))) return;
    if (row->feed == TD_VIEW_NO_FEED) row->feed = feed;
    take_latest(row, td_latest_of_event(event, offset));
}

static void take_event(td_view *v, const td_record *record) {
    int schema = td_record_schema(v->topics.ids, record->value);
    if (schema != TD_SCHEMA_TRADE && schema != TD_SCHEMA_QUOTE && schema != TD_SCHEMA_PRICE && schema != TD_SCHEMA_TIME)
        return;
    td_event event;
    td_bytes feed_name;
    td_status status = schema == TD_SCHEMA_QUOTE /* half of the tape, and nobody asks for their codes */
                           ? td_record_get_event_numbers(v->topics.ids, record->value, &event, &feed_name)
                           : td_record_get_event(v->topics.ids, record->value, &event, &feed_name);
    if (status != TD_OK) return;
    if ((event.flags & TD_FLAG_COPY) != 0) return; /* its own partition has it, too */
    uint8_t index = feed_of(v, feed_name);
    if (index != TD_VIEW_NO_FEED && event.origin == TD_ORIGIN_FEED) { /* what is put on the tape anew is no news */
        td_view_feed *feed = &v->feeds[index];
        bool time = event.kind == TD_EVENT_TIME;
        if (event.event_ns > feed->event_ns && !time) feed->event_ns = event.event_ns;
        int64_t clock_ns = time ? event.time.clock_ns : event.receive_ns;
        if (clock_ns > feed->receive_ns) feed->receive_ns = clock_ns;
        if (time) feed->bound_ns = event.time.bound_ns;
        feed->session = time ? event.time.session : TD_SESSION_LIVE;
    }
    if (event.kind == TD_EVENT_TRADE) take_trade(v, record->key, index, &event, record->offset);
    if (event.kind == TD_EVENT_QUOTE) take_quote(v, record->key, index, &event, record->offset);
    if (event.kind == TD_EVENT_PRICE) take_price(v, record->key, index, &event);
}

/* ---- tailing ---- */

/* Reads one partition until its end or until the time is over. */
static int follow(td_view *v, int which, uint32_t p, int64_t until_ns) {
    tail *t = &v->tails[which][p];
    int done = 0;
    if (t->corrupt || td_reader_offset(t->reader) >= td_topic_end(topic_of(v, which), p)) return 0;
    for (;;) {
        td_record record;
        td_status status = td_reader_next(t->reader, &record);
        t->corrupt = status == TD_CORRUPT; /* the run reports it; what was read stays shown */
        if (status != TD_OK) return done;
        if (which == BARS) take_bar(v, &record, record.offset >= t->live_offset);
        if (which == SIGNALS) take_signal(v, &record);
        if (which == GAPS) take_gap(v, &record, record.offset >= t->live_offset);
        if (which == TAPE) take_event(v, &record);
        if (++done % RECORDS_PER_LOOK == 0 && now_ns(v) >= until_ns) return done;
    }
}

/* Windows of the partition's instruments have a hole now, and what is newest may lie in it. */
static void break_rows(td_view *v, uint32_t p) {
    for (uint32_t i = 0; i < td_instruments_count(v->names); i++) {
        if (td_partition_of(td_instruments_name(v->names, i), v->partitions) != p) continue;
        td_view_instrument *row = &v->rows[i];
        td_provisional_break(&row->provisional, v->topics.width_count);
        row->latest[TD_LATEST_TRADE].kind = row->latest[TD_LATEST_QUOTE].kind = TD_LATEST_NONE;
    }
}

static void skip_ahead(td_view *v, uint32_t p) {
    tail *t = &v->tails[TAPE][p];
    int64_t offset = td_reader_offset(t->reader), end = td_topic_end(v->topics.tape, p);
    if (t->corrupt || offset >= end) return;
    int64_t nearest = td_topic_block_before(v->topics.tape, p, end, TAPE_AHEAD_BYTES);
    if (nearest <= offset) return;
    v->skipped += nearest - offset;
    t->live_offset = nearest; /* instruments first seen from here on are not seen whole either */
    td_reader_seek(t->reader, nearest);
    break_rows(v, p);
}

/* Not all is read yet that was there at start. */
static bool is_loading(const td_view *v, int which) {
    for (uint32_t p = 0; p < v->partitions; p++) {
        const tail *t = &v->tails[which][p];
        if (!t->corrupt && td_reader_offset(t->reader) < t->start_offset) return true;
    }
    return false;
}

static int follow_tape(td_view *v, int64_t at_ns) {
    v->tape_loading = v->tape_loading && is_loading(v, TAPE);
    if ((at_ns >= v->watched_until_ns && !v->tape_loading) || at_ns < v->tape_rest_until_ns) return 0;
    if (at_ns >= v->skip_check_ns) {
        for (uint32_t p = 0; p < v->partitions; p++) skip_ahead(v, p);
        v->skip_check_ns = at_ns + SKIP_CHECK_NS;
    }
    int64_t began_ns = now_ns(v), ended_ns = began_ns;
    int done = 0;
    for (uint32_t i = 0; i < v->partitions && ended_ns < began_ns + STEP_NS; i++) {
        done += follow(v, TAPE, v->tape_next, began_ns + STEP_NS);
        v->tape_next = (v->tape_next + 1) % v->partitions;
        ended_ns = now_ns(v);
    }
    if (done > 0) v->tape_rest_until_ns = ended_ns + TAPE_REST * (ended_ns - began_ns);
    return done;
}

int td_view_step(td_view *v) {
    int64_t at_ns = now_ns(v);
    int done = 0;
    for (int which = BARS; which <= GAPS; which++)
        for (uint32_t p = 0; p < v->partitions; p++)
            if (now_ns(v) < at_ns + STEP_NS) done += follow(v, which, p, at_ns + STEP_NS);
    if (done == 0) done += follow_tape(v, at_ns);
    return done;
}

void td_view_watch(td_view *v) { v->watched_until_ns = now_ns(v) + WATCH_NS; }

/* ---- another program ---- */

/* Of a width that is new nothing has been seen. */
static void move_widths(td_view_instrument *row, const td_serve_topics *topics, const td_program *program) {
    td_view_instrument was = *row;
    for (size_t w = 0; w < program->width_count; w++) {
        size_t old = 0;
        while (old < topics->width_count && topics->widths_ns[old] != program->widths_ns[w]) old++;
        bool known = old < topics->width_count;
        row->bars[w] = known ? was.bars[old] : 0;
        row->final_ns[w] = known ? was.final_ns[old] : 0;
        row->provisional.windows[w] = known ? was.provisional.windows[old] : (td_window){0};
        row->provisional.whole[w] = known && was.provisional.whole[old];
    }
    if (program->widths_ns[0] == topics->widths_ns[0]) return;
    row->spark_count = row->spark_skip = 0; /* of the narrowest bars */
    row->spark_stride = 1;
}

void td_view_obey(td_view *v, const td_program *program) {
    for (uint32_t i = 0; i < td_instruments_count(v->names); i++) move_widths(&v->rows[i], &v->topics, program);
    v->topics.program = program;
    v->topics.widths_ns = program->widths_ns;
    v->topics.width_count = program->width_count;
    for (uint32_t i = 0; i < td_instruments_count(v->names); i++)
        v->rows[i].calendar = calendar_of(v, td_instruments_name(v->names, i));
}

/* ---- looking ---- */

const char *td_view_nearest(const td_view *v, td_bytes instrument) {
    return td_instruments_nearest(v->names, instrument);
}

uint32_t td_view_count(const td_view *v) { return td_instruments_count(v->names); }
const td_view_instrument *td_view_instrument_at(const td_view *v, uint32_t index) { return &v->rows[index]; }
td_bytes td_view_name(const td_view *v, uint32_t index) { return td_instruments_name(v->names, index); }
uint32_t td_view_find(const td_view *v, td_bytes name) { return td_instruments_find(v->names, name); }
int64_t td_view_changes(const td_view *v) { return v->changes; }
uint32_t td_view_partitions(const td_view *v) { return v->partitions; }

void td_view_tape_ends(const td_view *v, int64_t *ends) {
    for (uint32_t p = 0; p < v->partitions; p++) ends[p] = td_topic_end(v->topics.tape, p);
}

bool td_view_has_read(const td_view *v, const int64_t *tape_ends) {
    for (uint32_t p = 0; p < v->partitions; p++)
        if (!v->tails[TAPE][p].corrupt && td_reader_offset(v->tails[TAPE][p].reader) < tape_ends[p]) return false;
    return true;
}
const td_serve_topics *td_view_topics(const td_view *v) { return &v->topics; }
const td_gap_table *td_view_gaps(const td_view *v) { return v->gaps; }

size_t td_view_feeds(const td_view *v, const td_view_feed **out) {
    *out = v->feeds;
    return v->feed_count;
}

bool td_view_bar_making(const td_view *v, uint32_t index, size_t width, td_bar *out) {
    const td_view_instrument *row = &v->rows[index];
    if (!td_provisional_bar(&row->provisional, width, v->topics.widths_ns[width], out)) return false;
    const td_gap_question spoilt = {.instrument = td_view_name(v, index),
                                    .statuses = 1 << TD_GAP_OPEN | 1 << TD_GAP_LOST,
                                    .from_ns = out->start_ns,
                                    .to_ns = out->end_ns};
    if (td_gap_table_find(v->gaps, &spoilt, SIZE_MAX) != SIZE_MAX) out->quality = TD_QUALITY_PARTIAL;
    return out->start_ns >= row->final_ns[width];
}

void td_view_lag_of(const td_view *v, td_view_lag *out) {
    *out = (td_view_lag){.skipped = v->skipped,
                         .hidden = v->hidden,
                         .loading = v->tape_loading || is_loading(v, BARS) || is_loading(v, GAPS)};
    for (uint32_t p = 0; p < v->partitions; p++) {
        out->tape_records += td_topic_end(v->topics.tape, p) - td_reader_offset(v->tails[TAPE][p].reader);
        for (int which = 0; which < TAILS; which++) out->corrupt += v->tails[which][p].corrupt;
    }
}

/* ---- opening ---- */

static td_status open_tail(td_view *v, int which, uint32_t p) {
    td_topic *topic = topic_of(v, which);
    int64_t end = td_topic_end(topic, p), offset = end;
    if (which == BARS) offset = td_topic_block_before(topic, p, end, BARS_AT_START_BYTES);
    if (which == GAPS) offset = td_topic_block_before(topic, p, end, GAPS_AT_START_BYTES);
    if (which == TAPE) offset = td_topic_block_before(topic, p, end, TAPE_AHEAD_BYTES);
    v->tails[which][p].live_offset = which == TAPE ? offset : end;
    v->tails[which][p].start_offset = end;
    return td_reader_open(&v->tails[which][p].reader, topic, p, offset, TD_READ_APPENDED);
}

td_status td_view_open(td_view **out, const td_os *os, const td_serve_topics *topics, const td_view_events *events) {
    td_view *v = td_alloc_zero(1, sizeof *v);
    v->os = *os;
    v->topics = *topics;
    v->events = *events;
    v->partitions = td_topic_partitions(topics->tape);
    v->tape_loading = true;
    v->names = td_instruments_new();
    v->gaps = td_gap_table_new(TD_VIEW_GAPS_MAX);
    v->rows = td_alloc_zero(TD_VIEW_INSTRUMENTS_MAX, sizeof *v->rows);
    td_status status = TD_OK;
    for (int which = 0; which < TAILS; which++) {
        v->tails[which] = td_alloc_zero(v->partitions, sizeof *v->tails[which]);
        for (uint32_t p = 0; p < v->partitions && status == TD_OK; p++) status = open_tail(v, which, p);
    }
    if (status != TD_OK) {
        td_view_close(v);
        return td_trace(status, "opening the dashboard's view");
    }
    *out = v;
    return TD_OK;
}

void td_view_close(td_view *v) {
    if (v == NULL) return;
    for (int which = 0; which < TAILS; which++) {
        for (uint32_t p = 0; p < v->partitions && v->tails[which] != NULL; p++)
            td_reader_close(v->tails[which][p].reader);
        free(v->tails[which]);
    }
    free(v->rows);
    td_gap_table_free(v->gaps);
    td_instruments_free(v->names);
    free(v);
}

int64_t td_view_now_ns(const td_view *v) { return now_ns(v); }
int64_t td_view_wall_ns(const td_view *v) { return v->os.ops->wall_ns(v->os.self); }
