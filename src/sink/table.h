/* src/sink/table.h - results as rows of tables: the one list of what tables there are, of their columns in order, and
 * of what stands in them. A store of SQL says how it spells them. Pure. Thread: any. */
#pragma once
#include "model/fill.h"
#include "sink/sink.h"

typedef enum td_column_type {
    TD_COLUMN_TEXT,  /* may hold any bytes, which a store may need to mend */
    TD_COLUMN_BYTES, /* as they are */
    TD_COLUMN_INT,
    TD_COLUMN_SMALL,   /* of 32 bits */
    TD_COLUMN_FLAG,    /* 0 or 1 */
    TD_COLUMN_INSTANT, /* ns since the Unix epoch; its name ends with _ns */
    TD_COLUMN_DECIMAL,
} td_column_type;

typedef struct td_column {
    const char *name;
    td_column_type type;
    bool key, optional;  /* of the primary key; may be null */
    const char *instant; /* of an INSTANT: the name of a column that has it as a type of the store's own */
    const char *before;  /* of a column that came later: what rows of older programs have there; else NULL */
} td_column;

typedef enum td_table_id {
    TD_TABLE_BARS,
    TD_TABLE_SIGNALS,
    TD_TABLE_GAPS,
    TD_TABLE_VENDOR_BARS, /* a row for each time that its vendor said something else than before */
    TD_TABLE_FILLS,
    TD_TABLE_TRADES, /* published, as quotes */
    TD_TABLE_QUOTES,
    TD_TABLE_QUARANTINE,
    TD_TABLE_LATEST,      /* behind those whose rows say what is newest of an instrument (latest.h) */
    TD_TABLE_INSTRUMENTS, /* likewise: since when they are there (firsts.h) */
    TD_TABLE_REJECTED,    /* of no instrument */
    TD_TABLE_COUNT
} td_table_id;

typedef struct td_table {
    const char *name;
    const td_column *columns;
    size_t column_count;
    bool by_time;      /* it is large: a store that can keeps it in parts by the instant of its key */
    const char *stays; /* SQL that says when a row replaces the one of its key; NULL: the later in the log does */
} td_table;

extern const td_table td_tables[TD_TABLE_COUNT];

enum { TD_TABLE_COLUMNS_MAX = 24 };

typedef struct td_cell { /* as its column's type says */
    bool null;
    bool keep_zeros; /* of a decimal: it is written with all of its scale */
    uint8_t scale;
    union {
        int64_t number;
        td_i128 decimal;
        td_bytes text;
    };
} td_cell;

typedef struct td_cells { /* of one row; borrowed from it, and from here */
    td_cell items[TD_TABLE_COLUMNS_MAX];
    size_t count;
    union {
        char id[TD_SIGNAL_ID_MAX + 1];
        char missed[TD_MISSED_TEXT_MAX];
    };
} td_cells;

/* Where such a row goes; TD_TABLE_COUNT: there is no table for it. */
td_table_id td_table_of(const td_sink_row *row);
#define TD_TABLE_OF_HELP                                                                                               \
    "what goes there: bars, signals, fills, gaps, vendor_bars, quarantine, rejected; trades and quotes that "          \
    "`log.publish` names; unset: the first seven"
/* TD_CONFIG: one of these outputs has no table. */
TD_CHECKED td_status td_table_check_of(const td_texts *of);
/* The row's cells in the order of the columns of its table, or of TD_TABLE_LATEST or TD_TABLE_INSTRUMENTS. */
void td_table_cells(td_table_id id, const td_sink_row *row, uint32_t partition, td_cells *out);
/* Appends the names of the columns with commas; `instants`: each INSTANT's own column behind it. */
void td_table_put_columns(const td_table *table, bool instants, td_buf *out);

/* Of what is latest of an instrument: what its trade says, else its bar. */
#define TD_LATEST_SQL(column)                                                                                          \
    "coalesce(max(" column ") filter (where kind = 'trade'), max(" column ") filter (where kind = 'bar'))"

/* clang-format off */
/* The rows of `instruments` out of the tables that are there: of bars one look for each instrument and width, of ticks,
 * which `first_tick`(table) finds for l.instrument, one for each instrument. In `columns` first_ns is known. */
#define TD_INSTRUMENTS_SQL(columns, first_tick)                                                                        \
    "with recursive named(instrument) as (select min(instrument) from bars union all select (select min(b.instrument)" \
    " from bars as b where b.instrument > named.instrument) from named where named.instrument is not null),"           \
    " wide(instrument, width_ns) as (select instrument, (select min(b.width_ns) from bars as b"                        \
    " where b.instrument = named.instrument) from named where instrument is not null union all"                        \
    " select wide.instrument, (select min(b.width_ns) from bars as b where b.instrument = wide.instrument"             \
    " and b.width_ns > wide.width_ns) from wide where wide.width_ns is not null),"                                     \
    " told(instrument, first_ns) as (select instrument, (select min(b.start_ns) from bars as b"                        \
    " where b.instrument = wide.instrument and b.width_ns = wide.width_ns) from wide where width_ns is not null"       \
    " union all select instrument, min(start_ns) from vendor_bars group by instrument"                                 \
    " union all select instrument, " first_tick("trades") " from latest as l where kind = 'trade'"                     \
    " union all select instrument, " first_tick("quotes") " from latest as l where kind = 'quote'),"                   \
    " firsts as (select instrument, min(first_ns) as first_ns from told where first_ns is not null"                    \
    " group by instrument) select " columns " from firsts"

/* Orders of paper positions, out of `signals` and `fills`: a fresh signal that moves a target is an order, in the place
 * of one before it that is not filled. `distance`: from held to target, as decimals of the store. `times`: "" or, with
 * a comma behind, ordered_time and filled_time, which `times_from` takes from s and f. */
#define TD_ORDERS_DESK_SQL "rtrim(s.id, replace(s.id, '/', ''))" /* the id without its time: who orders, on what */
#define TD_ORDERS_SQL(distance, times, times_from)                                                                     \
    "select id as signal, strategy, instrument, action, coalesce(filled_side, case when action in ('buy', 'cover')"    \
    " or (action = 'exit' and cast(held as real) < 0) then 'buy' else 'sell' end) as side,"                            \
    " coalesce(filled_quantity, " distance ") as quantity, target, case when fill is not null then 'filled'"           \
    " when target = held then 'needless' when next_id is null then 'waiting' else 'overtaken' end as state,"           \
    " ordered_ns, filled_ns, " times "filled_price as price, fill from"                                                \
    " (select o.*, coalesce(first_value(filled_position) over (partition by instrument, desk, fills"                   \
    " order by src_offset), '0') as held,"                                                                             \
    " lead(id) over (partition by instrument, desk order by src_offset) as next_id from"                               \
    " (select s.id, s.strategy, s.instrument, s.action, s.target, s.event_ns as ordered_ns, s.src_offset,"             \
    " " TD_ORDERS_DESK_SQL " as desk, f.kind as fill, f.side as filled_side, f.quantity as filled_quantity,"           \
    " f.price as filled_price, f.position as filled_position, f.event_ns as filled_ns, " times_from                    \
    "count(f.signal) over (partition by s.instrument, " TD_ORDERS_DESK_SQL " order by s.src_offset) as fills"          \
    " from signals as s left join fills as f on f.signal = s.id where s.status = 'fresh'"                              \
    " and s.action in ('buy', 'sell', 'short', 'cover', 'exit')) as o) as orders_and_fills"

/* The text of a width (model/width.h) in plain SQL, over a column width_ns: "1m", "100 trades". */
#define TD_SPAN_SQL "(width_ns % 100000000000000000)"
/* `volume`: of a width by volume that volume as a text, which stores write in ways of their own. */
#define TD_WIDTH_SQL(volume) \
    "CASE WHEN width_ns >= 2000000000000000000 THEN " volume " || ' volume'"                                         \
    "     WHEN width_ns >= 1000000000000000000 THEN (width_ns - 1000000000000000000) || ' trades'"                   \
    "     ELSE CASE WHEN " TD_SPAN_SQL " % 86400000000000 = 0 THEN (" TD_SPAN_SQL " / 86400000000000) || 'd'"        \
    "     WHEN " TD_SPAN_SQL " % 3600000000000 = 0 THEN (" TD_SPAN_SQL " / 3600000000000) || 'h'"                    \
    "     WHEN " TD_SPAN_SQL " % 60000000000 = 0 THEN (" TD_SPAN_SQL " / 60000000000) || 'm'"                        \
    "     WHEN " TD_SPAN_SQL " % 1000000000 = 0 THEN (" TD_SPAN_SQL " / 1000000000) || 's'"                          \
    "     WHEN " TD_SPAN_SQL " % 1000000 = 0 THEN (" TD_SPAN_SQL " / 1000000) || 'ms'"                               \
    "     WHEN " TD_SPAN_SQL " % 1000 = 0 THEN (" TD_SPAN_SQL " / 1000) || 'us' ELSE " TD_SPAN_SQL " || 'ns' END"    \
    "     || CASE WHEN width_ns / 100000000000000000 % 2 = 1 THEN ' filled' ELSE '' END"                             \
    "     || CASE WHEN width_ns >= 200000000000000000 THEN ' extended' ELSE '' END END"
/* clang-format on */
