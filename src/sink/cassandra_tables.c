/* src/sink/cassandra_tables.c - tables and rows of Cassandra. */
#include "sink/cassandra_tables.h"
#include "base/decimal.h"
#include "base/time.h"
#include "sink/latest.h"
#include "sink/row.h"
#include <inttypes.h>
#include <math.h>

/* In the order in which td_cassandra_add_row gives their values. */
#define WHERE_FROM "src_partition int", "src_epoch int", "src_offset bigint"
#define OF_DAY     "instrument text", "day date", "event_time timestamp", "ord bigint", "event_ns bigint"
#define OF_YEAR    "instrument text", "year int", "event_time timestamp", "ord bigint", "event_ns bigint"
#define PRICES     "open decimal", "high decimal", "low decimal", "close decimal"

enum { COLUMNS_MAX = 32 };

typedef struct table_form {
    const char *name, *key, *order;    /* order NULL: of one row a partition, which are kept */
    bool by_day, has_width, has_stamp; /* the last: who writes a row says when it was written */
    const char *columns[COLUMNS_MAX];
} table_form;

static const char of_day[] = "(instrument, day), event_time, ord", of_year[] = "(instrument, year), event_time, ord",
                  newest[] = "event_time DESC, ord DESC";

static const table_form tables[TD_CASSANDRA_TABLES] = {
    [TD_CASSANDRA_BARS] = {.name = "bars",
                           .key = "(instrument, width_ns, year), start, revision, start_ns",
                           .order = "start DESC, revision DESC, start_ns DESC",
                           .has_width = true,
                           .columns = {"instrument text", "width_ns bigint", "year int", "start timestamp",
                                       "revision int", "start_ns bigint", "end_ns bigint", PRICES, "volume decimal",
                                       "notional decimal", "vwap decimal", "trade_count bigint", "quality text",
                                       "evidence text", "known_at_ns bigint", WHERE_FROM}},
    [TD_CASSANDRA_SIGNALS] = {.name = "signals", /* of a leg they come from several partitions */
                              .key = "(instrument, year), event_time, ord, id",
                              .order = "event_time DESC, ord DESC, id DESC",
                              .columns = {OF_YEAR, "id text", "strategy text", "width_ns bigint", "action text",
                                          "target decimal", "status text", "price decimal", "note text", "reason text",
                                          "data text", "known_at_ns bigint", WHERE_FROM}},
    [TD_CASSANDRA_TRADE_LOG] = {.name = "trade_log",
                                .key = "(instrument, year), event_time, ord, signal",
                                .order = "event_time DESC, ord DESC, signal DESC",
                                .columns = {OF_YEAR, "signal text", "strategy text", "side text", "quantity decimal",
                                            "price decimal", "position decimal", "kind text", "known_at_ns bigint",
                                            WHERE_FROM}},
    [TD_CASSANDRA_GAPS] = {.name = "gaps",
                           .key = of_year,
                           .order = newest,
                           .columns = {OF_YEAR, "feed text", "number bigint", "status text", "reason text",
                                       "to_ns bigint", "first_id bigint", "last_id bigint", "missing bigint",
                                       "filled bigint", "known_at_ns bigint", WHERE_FROM}},
    [TD_CASSANDRA_VENDOR_BARS] = {.name = "vendor_bars",
                                  .key = "(instrument, width_ns, year), start, ord",
                                  .order = "start DESC, ord DESC",
                                  .has_width = true,
                                  .columns = {"instrument text", "width_ns bigint", "year int", "start timestamp",
                                              "ord bigint", "start_ns bigint", "end_ns bigint", PRICES,
                                              "volume decimal", "adjusted boolean", "origin text", "feed text",
                                              "known_at_ns bigint", WHERE_FROM}},
    [TD_CASSANDRA_TICKS] = {.name = "ticks",
                            .key = of_day,
                            .order = newest,
                            .by_day = true,
                            .columns = {OF_DAY, "price decimal", "size decimal", "side text", "trade_id bigint",
                                        "exchange text", "condition text", "feed text", "receive_ns bigint",
                                        WHERE_FROM}},
    [TD_CASSANDRA_BOOK_UPDATES] = {.name = "book_updates",
                                   .key = of_day,
                                   .order = newest,
                                   .by_day = true,
                                   .columns = {OF_DAY, "bid_price decimal", "bid_size decimal", "ask_price decimal",
                                               "ask_size decimal", "sequence bigint", "exchange text", "condition text",
                                               "feed text", "receive_ns bigint", WHERE_FROM}},
    [TD_CASSANDRA_NEWS] = {.name = "news",
                           .key = of_day,
                           .order = newest,
                           .by_day = true,
                           .columns = {OF_DAY, "headline text", "source text", "url text", "id text",
                                       "sentiment double", "feed text", "receive_ns bigint", WHERE_FROM}},
    [TD_CASSANDRA_QUARANTINE] = {.name = "quarantine",
                                 .key = "(instrument, year), known_at, ord",
                                 .order = "known_at DESC, ord DESC",
                                 .columns = {"instrument text",   "year int",           "known_at timestamp",
                                             "ord bigint",        "known_at_ns bigint", "kind text",
                                             "reason text",       "missed text",        "event_time timestamp",
                                             "event_ns bigint",   "tape_ord bigint",    "price decimal",
                                             "size decimal",      "side text",          "trade_id bigint",
                                             "bid_price decimal", "bid_size decimal",   "ask_price decimal",
                                             "ask_size decimal",  "sequence bigint",    "exchange text",
                                             "condition text",    "feed text",          "receive_ns bigint",
                                             WHERE_FROM}},
    [TD_CASSANDRA_REJECTED] = {.name = "rejected", /* a feed's records are in several partitions of the log */
                               .key = "(feed, day), receive_time, ord, src_partition",
                               .order = "receive_time DESC, ord DESC, src_partition DESC",
                               .by_day = true,
                               .columns = {"feed text", "day date", "receive_time timestamp", "ord bigint",
                                           "receive_ns bigint", "source text", "file bigint", "line bigint",
                                           "reason text", "detail text", "bytes blob", WHERE_FROM}},
    [TD_CASSANDRA_LATEST] = {.name = "latest",
                             .key = "instrument",
                             .has_stamp = true,
                             .columns = {"instrument text", "event_time timestamp", "event_ns bigint", "price decimal",
                                         "size decimal", "ord bigint"}},
    [TD_CASSANDRA_POSITIONS] = {.name = "positions",
                                .key = "(name), topic, partition",
                                .columns = {"name text", "topic text", "partition int", "epoch int",
                                            "next_offset bigint"}},
};

bool td_cassandra_serves(td_bytes release) {
    static const int least[] = {3, 0, 8};
    for (size_t i = 0; i < sizeof least / sizeof least[0]; i++) {
        int number = 0, digits = 0;
        for (; digits < 6 && release.size > 0 && *release.data >= '0' && *release.data <= '9'; digits++) {
            number = 10 * number + (*release.data - '0');
            release = td_bytes_from(release, 1);
        }
        if (digits == 0 || number != least[i]) return digits > 0 && number > least[i];
        if (release.size > 0 && *release.data == '.') release = td_bytes_from(release, 1);
    }
    return true;
}

const char *td_cassandra_table_name(td_cassandra_table table) { return tables[table].name; }

/* ---- statements ---- */

/* The largest unit that is exact. Where rows stay for ever, a year's partition would lie in a file of each window:
 * those tables are as the node has them then. */
static void put_window(td_buf *out, int64_t window_ns) {
    bool days = window_ns % TD_NS_PER_DAY == 0, hours = window_ns % TD_NS_PER_HOUR == 0;
    int64_t unit_ns = days ? TD_NS_PER_DAY : hours ? TD_NS_PER_HOUR : TD_NS_PER_MIN;
    td_buf_printf(out,
                  " AND compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': '%s',"
                  " 'compaction_window_size': %" PRId64 "}",
                  days    ? "DAYS"
                  : hours ? "HOURS"
                          : "MINUTES",
                  td_most(window_ns / unit_ns, 1));
}

void td_cassandra_put_create(td_buf *out, const td_cassandra_form *form, td_cassandra_table table, const char *name) {
    const table_form *t = &tables[table];
    td_buf_printf(out, "CREATE TABLE IF NOT EXISTS %s.%s (", form->keyspace, name);
    for (const char *const *column = t->columns; *column != NULL; column++) td_buf_printf(out, "%s, ", *column);
    td_buf_printf(out, "PRIMARY KEY (%s))", t->key);
    if (t->order == NULL) return;
    td_buf_printf(out, " WITH CLUSTERING ORDER BY (%s) AND default_time_to_live = %" PRId64, t->order, form->ttl_s);
    if (t->by_day || form->ttl_s > 0) put_window(out, form->window_ns);
}

void td_cassandra_put_insert(td_buf *out, const char *keyspace, td_cassandra_table table, const char *name) {
    const char *const *columns = tables[table].columns;
    td_buf_printf(out, "INSERT INTO %s.%s (", keyspace, name);
    for (size_t i = 0; columns[i] != NULL; i++)
        td_buf_printf(out, "%s%.*s", i > 0 ? ", " : "", (int)strcspn(columns[i], " "), columns[i]);
    td_buf_text(out, ") VALUES (");
    for (size_t i = 0; columns[i] != NULL; i++) td_buf_text(out, i > 0 ? ", ?" : "?");
    td_buf_text(out, tables[table].has_stamp ? ") USING TIMESTAMP ?" : ")");
}

uint32_t td_cassandra_marks(td_cassandra_table table) {
    uint32_t count = tables[table].has_stamp;
    for (const char *const *column = tables[table].columns; *column != NULL; column++) count++;
    return count;
}

uint32_t td_cassandra_keys(td_cassandra_table table) {
    if (tables[table].order == NULL) return 1;
    return tables[table].has_width ? 3 : 2;
}

/* ---- partitions ---- */

static int32_t day_of(int64_t ns) { return (int32_t)(td_window_start(ns, TD_NS_PER_DAY) / TD_NS_PER_DAY); }

static int32_t year_of(int64_t ns) {
    int64_t day = day_of(ns);
    int year = 1970 + (int)(day / 366); /* not far from it */
    while (day < td_days_from_civil(year, 1, 1)) year--;
    while (day >= td_days_from_civil(year + 1, 1, 1)) year++;
    return year;
}

static int64_t ms_of(int64_t ns) { return td_window_start(ns, TD_NS_PER_MS) / TD_NS_PER_MS; }

static td_cassandra_table table_of(const td_sink_row *row) {
    switch (row->kind) {
    case TD_ROW_BAR:
        return TD_CASSANDRA_BARS;
    case TD_ROW_SIGNAL:
        return TD_CASSANDRA_SIGNALS;
    case TD_ROW_FILL:
        return TD_CASSANDRA_TRADE_LOG;
    case TD_ROW_VENDOR_BAR:
        return TD_CASSANDRA_VENDOR_BARS;
    case TD_ROW_PUBLISHED:
        if (row->event.kind == TD_EVENT_TRADE) return TD_CASSANDRA_TICKS;
        return row->event.kind == TD_EVENT_QUOTE ? TD_CASSANDRA_BOOK_UPDATES : TD_CASSANDRA_NEWS;
    case TD_ROW_QUARANTINED:
        return TD_CASSANDRA_QUARANTINE;
    case TD_ROW_REJECTED:
        return TD_CASSANDRA_REJECTED;
    default:
        return TD_CASSANDRA_GAPS;
    }
}

td_cassandra_partition td_cassandra_partition_of(const td_sink_row *row) {
    td_cassandra_partition p = {.table = table_of(row), .instrument = td_sink_row_instrument(row)};
    if (row->kind == TD_ROW_REJECTED) p.instrument = row->rejected.feed;
    int64_t ns = td_sink_row_time(row);
    p.bucket = tables[p.table].by_day ? day_of(ns) : year_of(ns);
    if (tables[p.table].has_width)
        p.width_ns = row->kind == TD_ROW_BAR ? row->bar.width_ns : row->event.vendor_bar.width_ns;
    return p;
}

int td_cassandra_partition_compare(const td_cassandra_partition *a, const td_cassandra_partition *b) {
    if (a->table != b->table) return a->table < b->table ? -1 : 1;
    int order = td_bytes_compare(a->instrument, b->instrument);
    if (order != 0) return order;
    if (a->width_ns != b->width_ns) return a->width_ns < b->width_ns ? -1 : 1;
    return a->bucket == b->bucket ? 0 : a->bucket < b->bucket ? -1 : 1;
}

/* ---- rows ---- */

static void add_word(td_cql_values *v, const char *word) { td_cql_add_bytes(v, td_text(word)); }

/* Rows are written once: what one lacks was never there. */
static void add_known(td_cql_values *v, int64_t value) {
    if (value == TD_NONE)
        td_cql_add_unset(v);
    else
        td_cql_add_bigint(v, value);
}

static void add_decimal(td_cql_values *v, int64_t m, int32_t scale) {
    if (m == TD_NONE)
        td_cql_add_unset(v);
    else
        td_cql_add_decimal(v, m, scale);
}

static void add_price(td_cql_values *v, int64_t price) { add_decimal(v, price, TD_PRICE_SCALE); }
static void add_size(td_cql_values *v, int64_t size) { add_decimal(v, size, TD_SIZE_SCALE); }

static void add_code(td_cql_values *v, const td_code *code) {
    td_cql_add_text(v, (td_bytes){(const uint8_t *)code->text, code->size});
}

static void add_prices(td_cql_values *v, int64_t open, int64_t high, int64_t low, int64_t close) {
    add_price(v, open);
    add_price(v, high);
    add_price(v, low);
    add_price(v, close);
}

static void add_bar(td_cql_values *v, const td_sink_row *row) {
    const td_bar *bar = &row->bar;
    td_cql_add_bigint(v, ms_of(bar->start_ns));
    td_cql_add_int(v, bar->revision);
    td_cql_add_bigint(v, bar->start_ns);
    td_cql_add_bigint(v, bar->end_ns);
    add_prices(v, bar->open, bar->high, bar->low, bar->close);
    td_cql_add_decimal(v, bar->volume, TD_SIZE_SCALE);
    td_cql_add_decimal(v, bar->notional, TD_NOTIONAL_SCALE);
    add_price(v, bar->vwap);
    td_cql_add_bigint(v, bar->trade_count);
    add_word(v, td_quality_name((td_quality)bar->quality));
    add_word(v, td_evidence_name((td_evidence)bar->evidence));
    td_cql_add_bigint(v, bar->known_at_ns);
}

static void add_signal(td_cql_values *v, const td_sink_row *row) {
    const td_signal *signal = &row->signal;
    char id[TD_SIGNAL_ID_MAX + 1];
    size_t size = td_signal_id(signal, row->instrument, id);
    td_cql_add_text(v, (td_bytes){(const uint8_t *)id, size});
    td_cql_add_text(v, signal->strategy);
    td_cql_add_bigint(v, signal->width_ns);
    add_word(v, td_action_name((td_action)signal->action));
    add_size(v, signal->target);
    add_word(v, td_signal_status_name((td_signal_status)signal->status));
    add_price(v, signal->price);
    td_cql_add_text(v, signal->note);
    td_cql_add_text(v, signal->reason);
    td_cql_add_text(v, signal->data);
    td_cql_add_bigint(v, signal->known_at_ns);
}

static void add_fill(td_cql_values *v, const td_sink_row *row) {
    const td_fill *fill = &row->fill;
    td_cql_add_text(v, fill->signal);
    td_cql_add_text(v, fill->strategy);
    add_word(v, td_fill_side_name((td_side)fill->side));
    td_cql_add_decimal(v, fill->quantity, TD_SIZE_SCALE);
    add_price(v, fill->price);
    add_size(v, fill->position);
    add_word(v, td_fill_kind_name((td_fill_kind)fill->kind));
    td_cql_add_bigint(v, fill->known_at_ns);
}

static void add_gap(td_cql_values *v, const td_sink_row *row) {
    const td_gap *gap = &row->gap;
    td_cql_add_text(v, gap->feed);
    td_cql_add_bigint(v, gap->number);
    add_word(v, td_gap_status_name((td_gap_status)gap->status));
    add_word(v, td_gap_reason_name((td_gap_reason)gap->reason));
    add_known(v, gap->to_ns);
    add_known(v, gap->first_id);
    add_known(v, gap->last_id);
    add_known(v, gap->missing);
    td_cql_add_bigint(v, gap->filled);
    td_cql_add_bigint(v, gap->known_at_ns);
}

static void add_vendor_bar(td_cql_values *v, const td_sink_row *row) {
    const td_vendor_bar *bar = &row->event.vendor_bar;
    td_cql_add_bigint(v, ms_of(bar->start_ns));
    td_cql_add_bigint(v, row->source.offset);
    td_cql_add_bigint(v, bar->start_ns);
    td_cql_add_bigint(v, row->event.event_ns);
    add_prices(v, bar->open, bar->high, bar->low, bar->close);
    add_size(v, bar->volume);
    td_cql_add_bool(v, bar->adjusted);
    add_word(v, td_event_origin_name((td_event_origin)row->event.origin));
    td_cql_add_text(v, row->feed);
    td_cql_add_bigint(v, row->event.receive_ns);
}

static void add_side(td_cql_values *v, uint8_t side) {
    if (side == TD_SIDE_UNKNOWN)
        td_cql_add_unset(v);
    else
        add_word(v, td_fill_side_name((td_side)side));
}

static void add_codes(td_cql_values *v, const td_event *event) {
    add_code(v, td_event_exchange(event));
    add_code(v, td_event_condition(event));
}

static void add_trade(td_cql_values *v, const td_sink_row *row) {
    const td_trade *trade = &row->event.trade;
    add_price(v, trade->price);
    add_size(v, trade->size);
    add_side(v, trade->side);
    add_known(v, trade->trade_id);
    add_codes(v, &row->event);
}

static void add_book_top(td_cql_values *v, const td_numbers *numbers) {
    add_price(v, numbers->bid_price);
    add_size(v, numbers->bid_size);
    add_price(v, numbers->ask_price);
    add_size(v, numbers->ask_size);
    add_known(v, numbers->sequence);
}

static void add_quote(td_cql_values *v, const td_sink_row *row) {
    const td_numbers numbers = td_numbers_of(&row->event);
    add_book_top(v, &numbers);
    add_codes(v, &row->event);
}

static void add_news(td_cql_values *v, const td_sink_row *row) {
    const td_news *news = &row->event.news;
    int64_t bits;
    td_cql_add_text(v, news->headline);
    td_cql_add_text(v, news->source);
    td_cql_add_text(v, news->url);
    td_cql_add_text(v, news->id);
    memcpy(&bits, &news->sentiment, sizeof bits);
    if (isnan(news->sentiment))
        td_cql_add_unset(v);
    else
        td_cql_add_bigint(v, bits); /* a double is its eight bytes, too */
}

static void add_published(td_cql_values *v, const td_sink_row *row) {
    if (row->event.kind == TD_EVENT_TRADE)
        add_trade(v, row);
    else if (row->event.kind == TD_EVENT_QUOTE)
        add_quote(v, row);
    else
        add_news(v, row);
    td_cql_add_text(v, row->feed);
    td_cql_add_bigint(v, row->event.receive_ns);
}

static void add_quarantined(td_cql_values *v, const td_sink_row *row) {
    const td_event *e = &row->event;
    const td_sink_refusal *why = &row->refusal;
    const td_numbers numbers = td_numbers_of(e);
    char missed[TD_MISSED_TEXT_MAX];
    size_t size = td_missed_format(why->missed_width_ns, why->missed_count, missed);
    add_word(v, td_event_kind_name((td_event_kind)e->kind));
    add_word(v, td_reason_name((td_reason)why->reason));
    td_cql_add_bytes(v, (td_bytes){(const uint8_t *)missed, size});
    td_cql_add_bigint(v, ms_of(e->event_ns));
    td_cql_add_bigint(v, e->event_ns);
    td_cql_add_bigint(v, row->tape_offset);
    add_price(v, numbers.price);
    add_size(v, numbers.size);
    add_side(v, e->kind == TD_EVENT_TRADE ? e->trade.side : TD_SIDE_UNKNOWN);
    add_known(v, numbers.trade_id);
    add_book_top(v, &numbers);
    add_codes(v, e);
    td_cql_add_text(v, row->feed);
    td_cql_add_bigint(v, e->receive_ns);
}

static void add_rejected(td_cql_values *v, const td_sink_row *row) {
    const td_rejected *rejected = &row->rejected;
    td_cql_add_text(v, rejected->source);
    td_cql_add_bigint(v, rejected->position.file);
    td_cql_add_bigint(v, (int64_t)rejected->position.line);
    add_word(v, td_reason_name((td_reason)rejected->reason));
    td_cql_add_text(v, rejected->detail);
    td_cql_add_bytes(v, rejected->bytes);
}

/* What OF_DAY and OF_YEAR have behind the partition. */
static void add_place(td_cql_values *v, const td_sink_row *row) {
    int64_t ns = td_sink_row_time(row);
    td_cql_add_bigint(v, ms_of(ns));
    td_cql_add_bigint(v, row->kind == TD_ROW_PUBLISHED ? row->tape_offset : row->source.offset);
    td_cql_add_bigint(v, ns);
}

void td_cassandra_add_row(td_cql_values *out, const td_cassandra_partition *to, uint32_t partition,
                          const td_sink_row *row) {
    static void (*const adds[])(td_cql_values *, const td_sink_row *) = {[TD_ROW_BAR] = add_bar,
                                                                         [TD_ROW_SIGNAL] = add_signal,
                                                                         [TD_ROW_GAP] = add_gap,
                                                                         [TD_ROW_VENDOR_BAR] = add_vendor_bar,
                                                                         [TD_ROW_FILL] = add_fill,
                                                                         [TD_ROW_PUBLISHED] = add_published,
                                                                         [TD_ROW_QUARANTINED] = add_quarantined,
                                                                         [TD_ROW_REJECTED] = add_rejected};
    td_cql_add_bytes(out, to->instrument);
    if (tables[to->table].has_width) td_cql_add_bigint(out, to->width_ns);
    if (tables[to->table].by_day)
        td_cql_add_date(out, to->bucket);
    else
        td_cql_add_int(out, to->bucket);
    if (!tables[to->table].has_width) add_place(out, row);
    adds[row->kind](out, row);
    td_cql_add_int(out, (int32_t)partition);
    td_cql_add_int(out, row->source.epoch);
    td_cql_add_bigint(out, row->source.offset);
}

/* ---- the last price ---- */

bool td_cassandra_latest_of(const td_sink_row *row, td_cassandra_latest *out) {
    const td_latest at = td_latest_of(row);
    *out = (td_cassandra_latest){at.event_ns, at.numbers.price, at.numbers.size, at.ord, TD_NONE};
    return at.kind == TD_LATEST_BAR || at.kind == TD_LATEST_TRADE;
}

static bool is_older(const td_cassandra_latest *a, const td_cassandra_latest *b) {
    return a->event_ns != b->event_ns ? a->event_ns < b->event_ns : a->ord < b->ord;
}

bool td_cassandra_latest_take(td_cassandra_latest *known, const td_cassandra_latest *next) {
    if (is_older(next, known)) return false;
    int64_t behind = known->stamp < INT64_MAX ? known->stamp + 1 : INT64_MAX;
    *known = *next;
    known->stamp = td_most(next->event_ns, behind);
    return true;
}

void td_cassandra_add_latest(td_cql_values *out, td_bytes instrument, const td_cassandra_latest *latest) {
    td_cql_add_bytes(out, instrument);
    td_cql_add_bigint(out, ms_of(latest->event_ns));
    td_cql_add_bigint(out, latest->event_ns);
    add_price(out, latest->price);
    if (latest->size != TD_NONE)
        add_size(out, latest->size);
    else
        td_cql_add_null(out); /* that of the trade before it goes */
    td_cql_add_bigint(out, latest->ord);
    td_cql_add_bigint(out, latest->stamp);
}
