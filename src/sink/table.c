/* src/sink/table.c - tables of results. A new column goes to the end of its table, where older stores get it. */
#include "sink/table.h"
#include "sink/latest.h"
#include "sink/row.h"
#include <assert.h>

#define TEXT(name_)                                                                                                    \
    { .name = name_, .type = TD_COLUMN_TEXT }
#define KEY_TEXT(name_)                                                                                                \
    { .name = name_, .type = TD_COLUMN_TEXT, .key = true }
#define INT(name_)                                                                                                     \
    { .name = name_, .type = TD_COLUMN_INT }
#define KEY_INT(name_)                                                                                                 \
    { .name = name_, .type = TD_COLUMN_INT, .key = true }
#define KNOWN_INT(name_)                                                                                               \
    { .name = name_, .type = TD_COLUMN_INT, .optional = true }
#define SMALL(name_)                                                                                                   \
    { .name = name_, .type = TD_COLUMN_SMALL }
#define INSTANT(stem, name_)                                                                                           \
    { .name = stem "_ns", .type = TD_COLUMN_INSTANT, .instant = name_ }
#define DECIMAL(name_)                                                                                                 \
    { .name = name_, .type = TD_COLUMN_DECIMAL }
#define KNOWN_DECIMAL(name_)                                                                                           \
    { .name = name_, .type = TD_COLUMN_DECIMAL, .optional = true }
#define SOURCE          SMALL("src_partition"), SMALL("src_epoch"), INT("src_offset")
#define SOURCE_WITH_KEY SMALL("src_partition"), SMALL("src_epoch"), KEY_INT("src_offset")
/* What every bar says, whoever made it. */
#define BAR                                                                                                            \
    KEY_INT("width_ns"), KEY_INSTANT("start", "start_time"), INSTANT("end", "end_time"), DECIMAL("open"),              \
        DECIMAL("high"), DECIMAL("low"), DECIMAL("close")
#define LATER_TEXT(name_, before_)                                                                                     \
    { .name = name_, .type = TD_COLUMN_TEXT, .before = before_ }
#define KEY_INSTANT(stem, name_)                                                                                       \
    { .name = stem "_ns", .type = TD_COLUMN_INSTANT, .instant = name_, .key = true }

static const td_column bars[] = {
    KEY_TEXT("instrument"),
    BAR,
    DECIMAL("volume"),
    DECIMAL("notional"),
    DECIMAL("vwap"),
    INT("trade_count"),
    {.name = "revision", .type = TD_COLUMN_SMALL, .key = true},
    INSTANT("known_at", "known_at"),
    SOURCE,
    LATER_TEXT("quality", "complete"),
    LATER_TEXT("evidence", "assumed"),
};
static const td_column signals[] = {
    KEY_TEXT("id"),
    TEXT("strategy"),
    TEXT("instrument"),
    INSTANT("event", "event_time"),
    INT("width_ns"),
    TEXT("action"),
    DECIMAL("target"),
    KEY_TEXT("status"),
    DECIMAL("price"),
    TEXT("note"),
    INSTANT("known_at", "known_at"),
    SOURCE,
    LATER_TEXT("reason", ""),
    LATER_TEXT("data", ""),
};
static const td_column gaps[] = {
    TEXT("feed"),
    KEY_TEXT("instrument"),
    KEY_INT("number"),
    TEXT("status"),
    TEXT("reason"),
    INSTANT("from", "from_time"),
    {.name = "to_ns", .type = TD_COLUMN_INSTANT, .instant = "to_time", .optional = true},
    KNOWN_INT("first_id"),
    KNOWN_INT("last_id"),
    KNOWN_INT("missing"),
    INT("filled"),
    INSTANT("known_at", "known_at"),
    SOURCE_WITH_KEY,
};
static const td_column vendor_bars[] = {
    KEY_TEXT("feed"),
    KEY_TEXT("instrument"),
    BAR,
    {.name = "volume", .type = TD_COLUMN_DECIMAL, .optional = true},
    {.name = "adjusted", .type = TD_COLUMN_FLAG, .key = true},
    INSTANT("known_at", "known_at"),
    SOURCE_WITH_KEY,
    LATER_TEXT("origin", "feed"),
};
static const td_column fills[] = {
    KEY_TEXT("signal"),
    TEXT("strategy"),
    TEXT("instrument"),
    INSTANT("event", "event_time"),
    TEXT("side"),
    DECIMAL("quantity"),
    DECIMAL("price"),
    DECIMAL("position"),
    TEXT("kind"),
    INSTANT("known_at", "known_at"),
    SOURCE,
};
/* `ord` is the place on the tape of what was published: a tick is itself, in whichever log of published ones it stands.
 */
#define TICK   KEY_TEXT("instrument"), KEY_INSTANT("event", "event_time"), KEY_INT("ord")
#define ORIGIN TEXT("exchange"), TEXT("condition"), TEXT("feed"), SMALL("flags"), TEXT("origin")

static const td_column trades[] = {
    TICK,
    DECIMAL("price"),
    DECIMAL("size"),
    TEXT("side"),
    KNOWN_INT("trade_id"),
    ORIGIN,
    INSTANT("receive", "receive_time"),
    SOURCE,
};
static const td_column quotes[] = {
    TICK,
    KNOWN_DECIMAL("bid_price"),
    KNOWN_DECIMAL("bid_size"),
    KNOWN_DECIMAL("ask_price"),
    KNOWN_DECIMAL("ask_size"),
    KNOWN_INT("sequence"),
    ORIGIN,
    INSTANT("receive", "receive_time"),
    SOURCE,
};
/* An instrument is in one partition, so its place in that tells one from another. */
static const td_column quarantine[] = {
    KEY_TEXT("instrument"),
    KEY_INSTANT("known_at", "known_at"),
    TEXT("kind"),
    TEXT("reason"),
    TEXT("missed"),
    INSTANT("event", "event_time"),
    INT("ord"),
    KNOWN_DECIMAL("price"),
    KNOWN_DECIMAL("size"),
    {.name = "side", .type = TD_COLUMN_TEXT, .optional = true},
    KNOWN_INT("trade_id"),
    KNOWN_DECIMAL("bid_price"),
    KNOWN_DECIMAL("bid_size"),
    KNOWN_DECIMAL("ask_price"),
    KNOWN_DECIMAL("ask_size"),
    KNOWN_INT("sequence"),
    TEXT("exchange"),
    TEXT("condition"),
    TEXT("feed"),
    SMALL("flags"),
    INSTANT("receive", "receive_time"),
    SOURCE_WITH_KEY,
};
static const td_column rejected[] = {
    KEY_TEXT("feed"),
    KEY_INSTANT("receive", "receive_time"),
    TEXT("source"),
    INT("file"),
    INT("line"),
    TEXT("reason"),
    TEXT("detail"),
    {.name = "bytes", .type = TD_COLUMN_BYTES},
    {.name = "src_partition", .type = TD_COLUMN_SMALL, .key = true},
    SMALL("src_epoch"),
    KEY_INT("src_offset"),
};
static const td_column latest[] = {
    KEY_TEXT("instrument"),     KEY_TEXT("kind"),          INSTANT("event", "event_time"),  INT("ord"),
    KNOWN_DECIMAL("price"),     KNOWN_DECIMAL("size"),     KNOWN_DECIMAL("bid_price"),      KNOWN_DECIMAL("bid_size"),
    KNOWN_DECIMAL("ask_price"), KNOWN_DECIMAL("ask_size"), INSTANT("known_at", "known_at"), SOURCE,
};
static const td_column instruments[] = {
    KEY_TEXT("instrument"),
    TEXT("venue"),
    TEXT("symbol"),
    INSTANT("first", "first_time"),
};

#define LATER   " where (excluded.event_ns, excluded.ord) >= (latest.event_ns, latest.ord)"
#define EARLIER " where excluded.first_ns < instruments.first_ns"

#define TABLE(columns) .name = #columns, columns, sizeof columns / sizeof columns[0]
const td_table td_tables[TD_TABLE_COUNT] = {[TD_TABLE_BARS] = {TABLE(bars)},
                                            [TD_TABLE_SIGNALS] = {TABLE(signals)},
                                            [TD_TABLE_GAPS] = {TABLE(gaps)},
                                            [TD_TABLE_VENDOR_BARS] = {TABLE(vendor_bars)},
                                            [TD_TABLE_FILLS] = {TABLE(fills)},
                                            [TD_TABLE_TRADES] = {TABLE(trades), .by_time = true},
                                            [TD_TABLE_QUOTES] = {TABLE(quotes), .by_time = true},
                                            [TD_TABLE_QUARANTINE] = {TABLE(quarantine)},
                                            [TD_TABLE_LATEST] = {TABLE(latest), .stays = LATER},
                                            [TD_TABLE_INSTRUMENTS] = {TABLE(instruments), .stays = EARLIER},
                                            [TD_TABLE_REJECTED] = {TABLE(rejected)}};

static td_cell *add(td_cells *cells) {
    assert(cells->count < TD_TABLE_COLUMNS_MAX);
    td_cell *cell = &cells->items[cells->count++];
    *cell = (td_cell){.null = false};
    return cell;
}

static void add_text(td_cells *cells, td_bytes text) { add(cells)->text = text; }
static void add_word(td_cells *cells, const char *word) { add_text(cells, td_text(word)); }
static void add_number(td_cells *cells, int64_t number) { add(cells)->number = number; }

static void add_known(td_cells *cells, int64_t number) { /* null where it is not */
    td_cell *cell = add(cells);
    cell->number = number;
    cell->null = number == TD_NONE;
}

static void add_decimal(td_cells *cells, td_i128 m, int scale) {
    td_cell *cell = add(cells);
    cell->decimal = m;
    cell->scale = (uint8_t)scale;
}

static void add_known_decimal(td_cells *cells, int64_t m, int scale) {
    add_decimal(cells, m, scale);
    cells->items[cells->count - 1].null = m == TD_NONE;
}

static void add_code(td_cells *cells, const td_code *code) {
    add_text(cells, (td_bytes){(const uint8_t *)code->text, code->size});
}

static void add_source(td_cells *cells, uint32_t partition, td_position source) {
    add_number(cells, partition);
    add_number(cells, source.epoch);
    add_number(cells, source.offset);
}

static void bar_cells(const td_sink_row *row, uint32_t partition, td_cells *out) {
    const td_bar *bar = &row->bar;
    add_text(out, row->instrument);
    add_number(out, bar->width_ns);
    add_number(out, bar->start_ns);
    add_number(out, bar->end_ns);
    add_decimal(out, bar->open, TD_PRICE_SCALE);
    add_decimal(out, bar->high, TD_PRICE_SCALE);
    add_decimal(out, bar->low, TD_PRICE_SCALE);
    add_decimal(out, bar->close, TD_PRICE_SCALE);
    add_decimal(out, bar->volume, TD_SIZE_SCALE);
    add_decimal(out, bar->notional, TD_NOTIONAL_SCALE);
    add_decimal(out, bar->vwap, TD_PRICE_SCALE);
    out->items[out->count - 1].keep_zeros = true; /* it is rounded */
    add_number(out, bar->trade_count);
    add_number(out, bar->revision);
    add_number(out, bar->known_at_ns);
    add_source(out, partition, row->source);
    add_word(out, td_quality_name((td_quality)bar->quality));
    add_word(out, td_evidence_name((td_evidence)bar->evidence));
}

static void signal_cells(const td_sink_row *row, uint32_t partition, td_cells *out) {
    const td_signal *signal = &row->signal;
    add_text(out, (td_bytes){(const uint8_t *)out->id, td_signal_id(signal, row->instrument, out->id)});
    add_text(out, signal->strategy);
    add_text(out, td_signal_traded(signal, row->instrument));
    add_number(out, signal->event_ns);
    add_number(out, signal->width_ns);
    add_word(out, td_action_name(signal->action));
    add_decimal(out, signal->target, TD_SIZE_SCALE);
    add_word(out, td_signal_status_name(signal->status));
    add_decimal(out, signal->price, TD_PRICE_SCALE);
    add_text(out, signal->note);
    add_number(out, signal->known_at_ns);
    add_source(out, partition, row->source);
    add_text(out, signal->reason);
    add_text(out, signal->data);
}

static void gap_cells(const td_sink_row *row, uint32_t partition, td_cells *out) {
    const td_gap *gap = &row->gap;
    add_text(out, gap->feed);
    add_text(out, row->instrument);
    add_number(out, gap->number);
    add_word(out, td_gap_status_name((td_gap_status)gap->status));
    add_word(out, td_gap_reason_name((td_gap_reason)gap->reason));
    add_number(out, gap->from_ns);
    add_known(out, gap->to_ns);
    add_known(out, gap->first_id);
    add_known(out, gap->last_id);
    add_known(out, gap->missing);
    add_number(out, gap->filled);
    add_number(out, gap->known_at_ns);
    add_source(out, partition, row->source);
}

static void vendor_bar_cells(const td_sink_row *row, uint32_t partition, td_cells *out) {
    const td_vendor_bar *bar = &row->event.vendor_bar;
    add_text(out, row->feed);
    add_text(out, row->instrument);
    add_number(out, bar->width_ns);
    add_number(out, bar->start_ns);
    add_number(out, row->event.event_ns);
    add_decimal(out, bar->open, TD_PRICE_SCALE);
    add_decimal(out, bar->high, TD_PRICE_SCALE);
    add_decimal(out, bar->low, TD_PRICE_SCALE);
    add_decimal(out, bar->close, TD_PRICE_SCALE);
    add_known_decimal(out, bar->volume, TD_SIZE_SCALE);
    add_number(out, bar->adjusted);
    add_number(out, row->event.receive_ns);
    add_source(out, partition, row->source);
    add_word(out, td_event_origin_name((td_event_origin)row->event.origin));
}

static void fill_cells(const td_sink_row *row, uint32_t partition, td_cells *out) {
    const td_fill *fill = &row->fill;
    add_text(out, fill->signal);
    add_text(out, fill->strategy);
    add_text(out, td_fill_traded(fill, row->instrument));
    add_number(out, fill->event_ns);
    add_word(out, td_fill_side_name((td_side)fill->side));
    add_decimal(out, fill->quantity, TD_SIZE_SCALE);
    add_decimal(out, fill->price, TD_PRICE_SCALE);
    add_decimal(out, fill->position, TD_SIZE_SCALE);
    add_word(out, td_fill_kind_name((td_fill_kind)fill->kind));
    add_number(out, fill->known_at_ns);
    add_source(out, partition, row->source);
}

static void add_tick(td_cells *out, const td_sink_row *row) {
    add_text(out, row->instrument);
    add_number(out, row->event.event_ns);
    add_number(out, row->tape_offset);
}

static void add_origin(td_cells *out, const td_sink_row *row, const td_code *exchange, const td_code *condition) {
    add_code(out, exchange);
    add_code(out, condition);
    add_text(out, row->feed);
    add_number(out, row->event.flags);
    add_word(out, td_event_origin_name((td_event_origin)row->event.origin));
    add_number(out, row->event.receive_ns);
}

static void trade_cells(const td_sink_row *row, uint32_t partition, td_cells *out) {
    const td_trade *trade = &row->event.trade;
    add_tick(out, row);
    add_decimal(out, trade->price, TD_PRICE_SCALE);
    add_decimal(out, trade->size, TD_SIZE_SCALE);
    add_word(out, td_side_name((td_side)trade->side));
    add_known(out, trade->trade_id);
    add_origin(out, row, &trade->exchange, &trade->condition);
    add_source(out, partition, row->source);
}

static void add_book_top(td_cells *out, const td_numbers *numbers) {
    add_known_decimal(out, numbers->bid_price, TD_PRICE_SCALE);
    add_known_decimal(out, numbers->bid_size, TD_SIZE_SCALE);
    add_known_decimal(out, numbers->ask_price, TD_PRICE_SCALE);
    add_known_decimal(out, numbers->ask_size, TD_SIZE_SCALE);
}

static void quote_cells(const td_sink_row *row, uint32_t partition, td_cells *out) {
    const td_quote *quote = &row->event.quote;
    const td_numbers numbers = td_numbers_of(&row->event);
    add_tick(out, row);
    add_book_top(out, &numbers);
    add_known(out, quote->sequence);
    add_origin(out, row, &quote->exchange, &quote->condition);
    add_source(out, partition, row->source);
}

/* A price has no size, and a quote no price. */
static void quarantine_cells(const td_sink_row *row, uint32_t partition, td_cells *out) {
    const td_event *e = &row->event;
    const td_sink_refusal *why = &row->refusal;
    const td_numbers numbers = td_numbers_of(e);
    bool traded = e->kind == TD_EVENT_TRADE;
    add_text(out, row->instrument);
    add_number(out, why->known_at_ns);
    add_word(out, td_event_kind_name((td_event_kind)e->kind));
    add_word(out, td_reason_name((td_reason)why->reason));
    size_t size = td_missed_format(why->missed_width_ns, why->missed_count, out->missed);
    add_text(out, (td_bytes){(const uint8_t *)out->missed, size});
    add_number(out, e->event_ns);
    add_number(out, row->tape_offset);
    add_known_decimal(out, numbers.price, TD_PRICE_SCALE);
    add_known_decimal(out, numbers.size, TD_SIZE_SCALE);
    add_word(out, td_side_name(traded ? (td_side)e->trade.side : TD_SIDE_UNKNOWN));
    out->items[out->count - 1].null = !traded;
    add_known(out, numbers.trade_id);
    add_book_top(out, &numbers);
    add_known(out, numbers.sequence);
    add_code(out, td_event_exchange(e));
    add_code(out, td_event_condition(e));
    add_text(out, row->feed);
    add_number(out, e->flags);
    add_number(out, e->receive_ns);
    add_source(out, partition, row->source);
}

static void rejected_cells(const td_sink_row *row, uint32_t partition, td_cells *out) {
    const td_rejected *r = &row->rejected;
    add_text(out, r->feed);
    add_number(out, r->receive_ns);
    add_text(out, r->source);
    add_number(out, r->position.file);
    add_number(out, (int64_t)r->position.line);
    add_word(out, td_reason_name((td_reason)r->reason));
    add_text(out, r->detail);
    add_text(out, r->bytes);
    add_source(out, partition, row->source);
}

static void latest_cells(const td_sink_row *row, uint32_t partition, td_cells *out) {
    const td_latest at = td_latest_of(row);
    add_text(out, row->instrument);
    add_word(out, td_latest_kind_name(at.kind));
    add_number(out, at.event_ns);
    add_number(out, at.ord);
    add_known_decimal(out, at.numbers.price, TD_PRICE_SCALE);
    add_known_decimal(out, at.numbers.size, TD_SIZE_SCALE);
    add_book_top(out, &at.numbers);
    add_number(out, at.known_at_ns);
    add_source(out, partition, row->source);
}

static void instrument_cells(const td_sink_row *row, uint32_t partition, td_cells *out) {
    td_sink_name name = td_sink_split_name(row->instrument);
    (void)partition;
    add_text(out, row->instrument);
    add_text(out, name.venue);
    add_text(out, name.symbol);
    add_number(out, td_sink_row_time(row));
}

td_table_id td_table_of(const td_sink_row *row) {
    switch (row->kind) {
    case TD_ROW_BAR:
        return TD_TABLE_BARS;
    case TD_ROW_SIGNAL:
        return TD_TABLE_SIGNALS;
    case TD_ROW_GAP:
        return TD_TABLE_GAPS;
    case TD_ROW_VENDOR_BAR:
        return TD_TABLE_VENDOR_BARS;
    case TD_ROW_FILL:
        return TD_TABLE_FILLS;
    case TD_ROW_PUBLISHED:
        if (row->event.kind == TD_EVENT_TRADE) return TD_TABLE_TRADES;
        if (row->event.kind == TD_EVENT_QUOTE) return TD_TABLE_QUOTES;
        break;
    case TD_ROW_QUARANTINED:
        return TD_TABLE_QUARANTINE;
    case TD_ROW_REJECTED:
        return TD_TABLE_REJECTED;
    }
    return TD_TABLE_COUNT;
}

td_status td_table_check_of(const td_texts *of) {
    for (size_t i = 0; i < of->count; i++)
        if (strcmp(of->items[i], "news") == 0)
            return TD_FAIL(TD_CONFIG, "of: there is no table for news; sinks cassandra and kafka take them");
    return TD_OK;
}

void td_table_cells(td_table_id id, const td_sink_row *row, uint32_t partition, td_cells *out) {
    static void (*const cells_of[TD_TABLE_COUNT])(const td_sink_row *, uint32_t,
                                                  td_cells *) = {[TD_TABLE_BARS] = bar_cells,
                                                                 [TD_TABLE_SIGNALS] = signal_cells,
                                                                 [TD_TABLE_GAPS] = gap_cells,
                                                                 [TD_TABLE_VENDOR_BARS] = vendor_bar_cells,
                                                                 [TD_TABLE_FILLS] = fill_cells,
                                                                 [TD_TABLE_TRADES] = trade_cells,
                                                                 [TD_TABLE_QUOTES] = quote_cells,
                                                                 [TD_TABLE_LATEST] = latest_cells,
                                                                 [TD_TABLE_INSTRUMENTS] = instrument_cells,
                                                                 [TD_TABLE_QUARANTINE] = quarantine_cells,
                                                                 [TD_TABLE_REJECTED] = rejected_cells};
    assert(id != TD_TABLE_COUNT);
    out->count = 0;
    cells_of[id](row, partition, out);
    assert(out->count == td_tables[id].column_count);
}

void td_table_put_columns(const td_table *table, bool instants, td_buf *out) {
    for (size_t i = 0; i < table->column_count; i++) {
        const td_column *column = &table->columns[i];
        td_buf_printf(out, "%s%s", i > 0 ? ", " : "", column->name);
        if (instants && column->instant != NULL) td_buf_printf(out, ", %s", column->instant);
    }
}
