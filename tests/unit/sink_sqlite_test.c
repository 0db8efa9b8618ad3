/* tests/unit/sink_sqlite_test.c - goal: what a batch says is in the file exactly, all of it with its position or none
 * of it, once however often it comes; and what cannot work says so with a cure. */
#include "../contract/sqlite_1.h"
#include "sqlite_unit.h"
#include <unistd.h>

static td_status open_fails(char *file, const char *says) {
    void *sink = NULL;
    td_sink_conf conf = {.file = file};
    td_status status = td_sink_sqlite.open(&sink, &td_os_posix, &conf);
    assert_null(sink);
    if (strstr(td_trail(), says) == NULL) fail_msg("\"%s\" does not say \"%s\"", td_trail(), says);
    return status;
}

static td_sink_row signal_row(int64_t event_ns, td_signal_status status) {
    return (td_sink_row){.kind = TD_ROW_SIGNAL,
                         .instrument = TD_TEXT("LEAN:IBM"),
                         .source = {2, 40},
                         .signal = {.strategy = TD_TEXT("golden_cross"),
                                    .note = TD_TEXT("fast over slow"),
                                    .ordinal = 1,
                                    .event_ns = event_ns,
                                    .width_ns = 90 * NS,
                                    .price = 183420000000,
                                    .target = -150000000,
                                    .known_at_ns = event_ns + NS,
                                    .action = TD_ACTION_SHORT,
                                    .status = (uint8_t)status}};
}

static void writes_exact_values(void **state) {
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("made/when/missing.db", file));
    td_sink_row rows[4] = {bar_row("LEAN:IBM", 0, 0, 10), bar_row("X:LOW", 60 * NS, 0, 11), bar_row("X:TOP", 0, 0, 12),
                           bar_row("X:ZERO", 0, 0, 13)};
    td_i128 top = (td_i128)(((td_u128)1 << 127) - 1);
    rows[1].bar.low = rows[1].bar.open = 1;
    rows[1].bar.volume = 1;
    rows[1].bar.notional = 1;
    rows[1].bar.vwap = -1;
    rows[2].bar.high = rows[2].bar.vwap = INT64_MAX;
    rows[2].bar.volume = rows[2].bar.notional = top;
    rows[2].bar.trade_count = INT64_MAX;
    rows[2].source = (td_position){INT32_MAX, INT64_MAX};
    rows[3].bar.open = rows[3].bar.vwap = 0;
    rows[3].bar.volume = rows[3].bar.notional = 0;
    rows[3].bar.quality = TD_QUALITY_COMPLETE;
    rows[3].bar.evidence = TD_EVIDENCE_ASSUMED;
    assert_int_equal(td_sink_sqlite.write(sink, "bars", 3, rows, 4, (td_position){1, 14}), TD_OK);
    td_sink_sqlite.close(sink);
    expect(file, "SELECT * FROM bars",
           "LEAN:IBM|60000000000|0|60000000000|100|101.5|99.000000001|101|12.5|1253.125|100.250000000|7|0|"
           "61000000000|3|1|10|partial|proven\n"
           "X:LOW|60000000000|60000000000|120000000000|0.000000001|101.5|0.000000001|101|0.00000001|"
           "0.00000000000000001|-0.000000001|7|0|121000000000|3|1|11|partial|proven\n"
           "X:TOP|60000000000|0|60000000000|100|9223372036.854775807|99.000000001|101|"
           "1701411834604692317316873037158.84105727|1701411834604692317316.87303715884105727|"
           "9223372036.854775807|9223372036854775807|0|61000000000|3|2147483647|9223372036854775807|partial|proven\n"
           "X:ZERO|60000000000|0|60000000000|0|101.5|99.000000001|101|0|0|0.000000000|7|0|61000000000|3|1|13|"
           "complete|assumed");
    expect(file,
           "SELECT DISTINCT typeof(open), typeof(vwap), typeof(volume), typeof(start_ns), typeof(trade_count),"
           " typeof(src_offset) FROM bars",
           "text|text|text|integer|integer|integer");
    expect(file, "PRAGMA user_version", "11");
    expect(file, "PRAGMA journal_mode", "wal");
}

static void writes_signals_and_their_view(void **state) {
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("signals.db", file));
    int64_t at_ns = INT64_C(1795271465123456789); /* 2026-11-21T14:31:05.123456789Z */
    td_sink_row rows[3] = {signal_row(at_ns, TD_SIGNAL_FRESH), signal_row(at_ns, TD_SIGNAL_WITHHELD),
                           signal_row(at_ns - 123456789, TD_SIGNAL_LATE)};
    rows[1].signal.reason = TD_TEXT("gap 3");
    rows[2].signal.note = (td_bytes){0};
    rows[2].signal.width_ns = 250000000;
    assert_int_equal(td_sink_sqlite.write(sink, "signals", 0, rows, 3, (td_position){2, 43}), TD_OK);
    td_sink_sqlite.close(sink);
    expect(
        file, "SELECT * FROM signals ORDER BY event_ns, status",
        "golden_cross/LEAN:IBM/2026-11-21T14:31:05#1|golden_cross|LEAN:IBM|1795271465000000000|250000000|short|-1.5|"
        "late|183.42||1795271466000000000|0|2|40||\n"
        "golden_cross/LEAN:IBM/2026-11-21T14:31:05.123456789#1|golden_cross|LEAN:IBM|1795271465123456789|90000000000|"
        "short|-1.5|fresh|183.42|fast over slow|1795271466123456789|0|2|40||\n"
        "golden_cross/LEAN:IBM/2026-11-21T14:31:05.123456789#1|golden_cross|LEAN:IBM|1795271465123456789|90000000000|"
        "short|-1.5|withheld|183.42|fast over slow|1795271466123456789|0|2|40|gap 3|");
    expect(file,
           "SELECT time, width, action, target, typeof(target), status, reason, price, known_at FROM signals_view"
           " ORDER BY time, status",
           "2026-11-21T14:31:05.123456789Z|90s|short|-1.5|real|fresh||183.42|2026-11-21T14:31:06.123456789Z\n"
           "2026-11-21T14:31:05.123456789Z|90s|short|-1.5|real|withheld|gap 3|183.42|2026-11-21T14:31:06.123456789Z\n"
           "2026-11-21T14:31:05Z|250ms|short|-1.5|real|late||183.42|2026-11-21T14:31:06Z");
}

static void writes_gaps_and_their_view(void **state) {
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("gaps.db", file));
    td_sink_row row = {.kind = TD_ROW_GAP,
                       .instrument = TD_TEXT("BINANCE:BTCUSDT"),
                       .source = {2, 40},
                       .gap = {.feed = TD_TEXT("binance"),
                               .number = 1,
                               .from_ns = INT64_C(1795271465500000000),
                               .to_ns = TD_NONE,
                               .first_id = TD_NONE,
                               .last_id = TD_NONE,
                               .missing = TD_NONE,
                               .known_at_ns = INT64_C(1795271466000000000),
                               .reason = TD_GAP_SESSION,
                               .status = TD_GAP_OPEN}};
    td_sink_row rows[3] = {row, row, row};
    rows[1].source.offset = 41; /* the trade behind it told how much */
    rows[1].gap.to_ns = row.gap.from_ns + 1250 * (NS / 1000);
    rows[1].gap.first_id = 7;
    rows[1].gap.last_id = 9;
    rows[1].gap.missing = 2;
    rows[1].gap.filled = 1;
    rows[2].source.offset = 42;
    rows[2].gap.number = 2;
    rows[2].gap.reason = TD_GAP_SILENCE;
    rows[2].gap.status = TD_GAP_LOST;
    for (int again = 0; again < 2; again++)
        assert_int_equal(td_sink_sqlite.write(sink, "gaps", 5, rows, 3, (td_position){2, 43}), TD_OK);
    td_sink_sqlite.close(sink);
    expect(file, "SELECT * FROM gaps",
           "binance|BINANCE:BTCUSDT|1|open|session|1795271465500000000|(null)|(null)|(null)|(null)|0|"
           "1795271466000000000|5|2|40\n"
           "binance|BINANCE:BTCUSDT|1|open|session|1795271465500000000|1795271466750000000|7|9|2|1|"
           "1795271466000000000|5|2|41\n"
           "binance|BINANCE:BTCUSDT|2|lost|silence|1795271465500000000|(null)|(null)|(null)|(null)|0|"
           "1795271466000000000|5|2|42");
    expect(file, "SELECT * FROM gaps_view ORDER BY number",
           "binance|BINANCE:BTCUSDT|1|open|session|2026-11-21T14:31:05.5Z|2026-11-21T14:31:06.75Z|1.25|7|9|2|1|"
           "2026-11-21T14:31:06Z\n"
           "binance|BINANCE:BTCUSDT|2|lost|silence|2026-11-21T14:31:05.5Z|(null)|(null)|(null)|(null)|(null)|0|"
           "2026-11-21T14:31:06Z");
}

/* A vendor says the same twice, then something else, then the first again: three rows, and the last one counts. */
static void writes_vendors_bars_once(void **state) {
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("vendor.db", file));
    td_sink_row row = {.kind = TD_ROW_VENDOR_BAR,
                       .instrument = TD_TEXT("ALPHAVANTAGE:MSFT"),
                       .feed = TD_TEXT("av"),
                       .event = {.kind = TD_EVENT_VENDOR_BAR,
                                 .event_ns = INT64_C(1795271520000000000),
                                 .receive_ns = INT64_C(1795271526000000000),
                                 .vendor_bar = {60 * (int64_t)NS, INT64_C(1795271460000000000), 86490000000,
                                                86500000000, 86475000000, 86500000000, TD_NONE, false}}};
    td_sink_row rows[6] = {row, row, row, row, row, row};
    for (int i = 0; i < 6; i++) rows[i].source = (td_position){2, 40 + i};
    rows[2].event.vendor_bar.volume = 10494 * INT64_C(100000000);
    rows[4].event.vendor_bar.adjusted = true; /* another series */
    rows[5].feed = TD_TEXT("other");          /* another voice */
    rows[5].event.origin = TD_ORIGIN_BACKFILL;
    for (int again = 0; again < 2; again++)
        assert_int_equal(td_sink_sqlite.write(sink, "vendor_bars", 5, rows, 6, (td_position){2, 46}), TD_OK);
    td_sink_sqlite.close(sink);
    expect(file, "SELECT feed, close, volume, adjusted, known_at_ns, src_offset FROM vendor_bars ORDER BY src_offset",
           "av|86.5|(null)|0|1795271526000000000|40\n"
           "av|86.5|10494|0|1795271526000000000|42\n"
           "av|86.5|(null)|0|1795271526000000000|43\n"
           "av|86.5|(null)|1|1795271526000000000|44\n"
           "other|86.5|(null)|0|1795271526000000000|45");
    expect(file, "SELECT * FROM vendor_bars_view ORDER BY feed, adjusted",
           "av|ALPHAVANTAGE:MSFT|1m|2026-11-21T14:31:00Z|2026-11-21T14:32:00Z|86.49|86.5|86.475|86.5|(null)|0|2|feed|"
           "2026-11-21T14:32:06Z\n"
           "av|ALPHAVANTAGE:MSFT|1m|2026-11-21T14:31:00Z|2026-11-21T14:32:00Z|86.49|86.5|86.475|86.5|(null)|1|0|feed|"
           "2026-11-21T14:32:06Z\n"
           "other|ALPHAVANTAGE:MSFT|1m|2026-11-21T14:31:00Z|2026-11-21T14:32:00Z|86.49|86.5|86.475|86.5|(null)|0|0|"
           "backfill|"
           "2026-11-21T14:32:06Z");
}

static void writes_fills_and_their_view(void **state) {
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("fills.db", file));
    td_sink_row row = {.kind = TD_ROW_FILL,
                       .instrument = TD_TEXT("BINANCE:BTCUSDT"),
                       .source = {2, 40},
                       .fill = {.strategy = TD_TEXT("cross"),
                                .signal = TD_TEXT("cross/BINANCE:BTCUSDT/2026-11-21T14:31#1"),
                                .event_ns = INT64_C(1795271465500000000),
                                .known_at_ns = INT64_C(1795271466000000000),
                                .quantity = 150000000,
                                .price = 61500250000000,
                                .position = -50000000,
                                .side = TD_SIDE_SELL,
                                .kind = TD_FILL_NEXT}};
    for (int again = 0; again < 2; again++)
        assert_int_equal(td_sink_sqlite.write(sink, "fills", 5, &row, 1, (td_position){2, 41}), TD_OK);
    td_sink_sqlite.close(sink);
    expect(file, "SELECT * FROM fills",
           "cross/BINANCE:BTCUSDT/2026-11-21T14:31#1|cross|BINANCE:BTCUSDT|1795271465500000000|sell|1.5|61500.25|-0.5|"
           "next|1795271466000000000|5|2|40");
    expect(file, "SELECT * FROM fills_view",
           "cross/BINANCE:BTCUSDT/2026-11-21T14:31#1|cross|BINANCE:BTCUSDT|2026-11-21T14:31:05.5Z|sell|1.5|61500.25|"
           "-0.5|next|2026-11-21T14:31:06Z");
}

static void writes_ticks_once(void **state) {
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("ticks.db", file));
    td_sink_row trades[3] = {tick_row(TD_EVENT_TRADE, "A:B", 5 * NS, 20), tick_row(TD_EVENT_TRADE, "A:B", 5 * NS, 22),
                             tick_row(TD_EVENT_TRADE, "A:C", 6 * NS, 24)};
    td_sink_row quote = tick_row(TD_EVENT_QUOTE, "A:B", 4 * NS + 1, 18);
    trades[1].event.trade.trade_id = INT64_MAX;
    trades[1].event.trade.side = TD_SIDE_SELL;
    trades[1].event.origin = TD_ORIGIN_BACKFILL;
    for (int again = 0; again < 2; again++) {
        assert_int_equal(td_sink_sqlite.write(sink, "trades", 5, trades, 3, (td_position){2, 13}), TD_OK);
        assert_int_equal(td_sink_sqlite.write(sink, "quotes", 5, &quote, 1, (td_position){2, 10}), TD_OK);
    }
    td_sink_sqlite.close(sink);
    expect(file, "SELECT * FROM trades",
           "A:B|5000000000|20|20|2.5|unknown|(null)|Q|@F|desk|1|feed|6000000000|5|2|10\n"
           "A:B|5000000000|22|22|2.5|sell|9223372036854775807|Q|@F|desk|1|backfill|6000000000|5|2|11\n"
           "A:C|6000000000|24|24|2.5|unknown|(null)|Q|@F|desk|1|feed|7000000000|5|2|12");
    expect(file, "SELECT * FROM quotes", "A:B|4000000001|18|99|1.5|(null)|(null)|7|P||desk|1|feed|5000000001|5|2|9");
    expect(file, "SELECT time, price, typeof(price), receive_time FROM trades_view WHERE side = 'sell'",
           "1970-01-01T00:00:05Z|22.0|real|1970-01-01T00:00:06Z");
    expect(file, "SELECT time, bid_price, ask_price, sequence FROM quotes_view",
           "1970-01-01T00:00:04.000000001Z|99.0|(null)|7");
}

static void write_trade(void *sink, const char *instrument, int64_t day, int64_t ord) {
    td_sink_row row = tick_row(TD_EVENT_TRADE, instrument, day * 86400 * NS + ord, ord);
    assert_int_equal(td_sink_sqlite.write(sink, "trades", 0, &row, 1, (td_position){1, ord}), TD_OK);
}

static void ticks_go_that_are_older_than_is_kept(void **state) {
    (void)state;
    char file[256];
    void *sink = NULL;
    td_sink_conf conf = {.file = path_in_dir("kept.db", file), .retain_ns = 2 * 86400 * NS};
    assert_int_equal(td_sink_sqlite.open(&sink, &td_os_posix, &conf), TD_OK);
    static const struct {
        const char *instrument;
        int64_t day;
    } rows[] = {{"A:B", 10}, {"A:C", 11}, {"A:B", 12}, {"A:C", 13}, {"A:B", 3}, {"A:B", 13}, {"A:D", 14}};
    for (size_t i = 0; i < COUNT_OF(rows) - 1; i++) write_trade(sink, rows[i].instrument, rows[i].day, (int64_t)i + 1);
    expect(file, "SELECT instrument, event_ns / 86400000000000 FROM trades ORDER BY ord",
           "A:C|11\nA:B|12\nA:C|13\nA:B|3\nA:B|13"); /* what comes late stays until the next day */
    write_trade(sink, rows[6].instrument, rows[6].day, 7);
    td_sink_sqlite.close(sink);
    expect(file, "SELECT instrument, event_ns / 86400000000000 FROM trades ORDER BY ord",
           "A:B|12\nA:C|13\nA:B|13\nA:D|14");
    expect(file, "SELECT instrument, event_ns / 86400000000000 FROM latest ORDER BY instrument",
           "A:B|13\nA:C|13\nA:D|14");
}

static void writes_what_was_refused(void **state) {
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("refused.db", file));
    static const char line[] = "\xff,\0,x";
    td_sink_row rows[3] = {{.kind = TD_ROW_REJECTED, .source = {1, 4}}, {.kind = TD_ROW_REJECTED, .source = {1, 5}}};
    rows[0].rejected = (td_rejected){.feed = TD_TEXT("f"), .source = TD_TEXT("a.csv"), .position = {.line = 3}};
    rows[0].rejected.receive_ns = NS;
    rows[0].rejected.reason = TD_REASON_MALFORMED;
    rows[0].rejected.detail = TD_TEXT("no number");
    rows[0].rejected.bytes = (td_bytes){(const uint8_t *)line, sizeof line - 1};
    rows[1].rejected.reason = TD_REASON_UNREADABLE;
    for (int again = 0; again < 2; again++)
        assert_int_equal(td_sink_sqlite.write(sink, "rejected", 2, rows, 2, (td_position){1, 6}), TD_OK);
    rows[0] = tick_row(TD_EVENT_TRADE, "V:A", NS, 9);
    rows[1] = tick_row(TD_EVENT_QUOTE, "V:A", NS, 11);
    rows[2] = rows[0];
    rows[2].source.offset = 8;
    rows[2].event.kind = TD_EVENT_PRICE;
    rows[2].event.price.price = 3 * NS;
    for (int i = 0; i < 3; i++) {
        rows[i].kind = TD_ROW_QUARANTINED;
        rows[i].refusal = (td_sink_refusal){TD_REASON_LATE, 2, {NS, 60 * NS}, (2 + i) * NS};
    }
    rows[1].refusal.missed_count = 0;
    for (int again = 0; again < 2; again++)
        assert_int_equal(td_sink_sqlite.write(sink, "quarantine", 2, rows, 3, (td_position){1, 9}), TD_OK);
    td_sink_sqlite.close(sink);
    expect(file,
           "SELECT feed, source, line, reason, detail, hex(bytes), typeof(bytes), src_offset FROM rejected ORDER BY 8",
           "f|a.csv|3|malformed|no number|FF2C002C78|blob|4\n||0|unreadable|||blob|5");
    expect(file, "SELECT receive_time, line FROM rejected_view WHERE feed = 'f'", "1970-01-01T00:00:01Z|3");
    expect(file,
           "SELECT kind, reason, missed, event_ns, ord, price, size, side, bid_price, ask_size, known_at_ns FROM "
           "quarantine",
           "trade|late|1s 1m|1000000000|9|9|2.5|unknown|(null)|(null)|2000000000\n"
           "quote|late||1000000000|11|(null)|(null)|(null)|99|(null)|3000000000\n"
           "price|late|1s 1m|1000000000|9|3|(null)|(null)|(null)|(null)|4000000000");
    expect(file, "SELECT place, time, price FROM quarantine_view WHERE kind = 'trade'", "2/4|1970-01-01T00:00:01Z|9.0");
    expect(file, "SELECT count(*) FROM latest", "0");
}

static const char shown_bytes[] = "SELECT bytes FROM rejected_view ORDER BY line";

static td_sink_row rejected_row(uint64_t line, td_bytes bytes) {
    td_sink_row row = {.kind = TD_ROW_REJECTED, .source = {1, (int64_t)line}};
    row.rejected = (td_rejected){.feed = TD_TEXT("f"), .source = TD_TEXT("a.csv"), .bytes = bytes};
    row.rejected.position.line = line;
    row.rejected.reason = TD_REASON_MALFORMED;
    return row;
}

/* No client can fail over what a venue sent. */
static void shows_bytes_as_a_text(void **state) {
    const struct {
        td_bytes bytes;
        const char *shown;
    } cases[] = {
        {TD_TEXT("A:B,~ x\t1"), "A:B,~ x\t1"},
        {TD_TEXT(""), ""},
        {TD_TEXT("\xff"), "FF"},
        {TD_TEXT("a\0b"), "610062"},
        {TD_TEXT("a\x80"), "6180"},
        {TD_TEXT("\xc3\xa9"), "C3A9"},
        {TD_TEXT("a\r"), "610D"},
        {TD_TEXT("\x7f"), "7F"},
    };
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("bytes.db", file));
    td_buf wanted = {0};
    td_sink_row rows[COUNT_OF(cases)];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        rows[i] = rejected_row(i, cases[i].bytes);
        td_buf_printf(&wanted, "%s%s", i > 0 ? "\n" : "", cases[i].shown);
    }
    td_buf_put(&wanted, "", 1);
    assert_int_equal(td_sink_sqlite.write(sink, "rejected", 2, rows, COUNT_OF(rows), (td_position){1, 9}), TD_OK);
    td_sink_sqlite.close(sink);
    expect(file, shown_bytes, (const char *)wanted.data);
    td_buf_fini(&wanted);
}

static void a_file_gets_views_that_were_mended(void **state) {
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("view.db", file));
    td_sink_row row = rejected_row(1, TD_TEXT("\xff"));
    assert_int_equal(td_sink_sqlite.write(sink, "rejected", 2, &row, 1, (td_position){1, 9}), TD_OK);
    td_sink_sqlite.close(sink);
    sqlite3 *db = look(file);
    run_sql(db, "DROP VIEW rejected_view; CREATE VIEW rejected_view AS SELECT line, 'old' AS bytes FROM rejected;"
                "DROP VIEW instruments_view; DROP TABLE instruments; PRAGMA user_version = 8");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    expect(file, shown_bytes, "old");
    td_sink_sqlite.close(must_open(file));
    expect(file, shown_bytes, "FF");
}

/* What comes late, or again from an earlier place, changes nothing. */
static void latest_only_goes_on(void **state) {
    static const char all[] = "SELECT instrument, kind, event_ns, ord, price, size, bid_price, known_at_ns FROM latest";
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("latest.db", file));
    td_sink_row early = tick_row(TD_EVENT_TRADE, "A:B", 5 * NS, 20), late = tick_row(TD_EVENT_TRADE, "A:B", 4 * NS, 30),
                tied = tick_row(TD_EVENT_TRADE, "A:B", 5 * NS, 26), quote = tick_row(TD_EVENT_QUOTE, "A:B", 6 * NS, 28),
                bar = bar_row("A:B", 0, 0, 3), other = bar_row("A:C", 0, 0, 4);
    const td_position next = {2, 1};
    static const struct {
        int row;
        const char *rows;
    } steps[] = {
        {0, "A:B|trade|5000000000|20|20|2.5|(null)|6000000000"},
        {1, "A:B|trade|5000000000|20|20|2.5|(null)|6000000000"},
        {2, "A:B|trade|5000000000|26|26|2.5|(null)|6000000000"},
        {0, "A:B|trade|5000000000|26|26|2.5|(null)|6000000000"},
        {3, "A:B|quote|6000000000|28|(null)|(null)|99|7000000000\n"
            "A:B|trade|5000000000|26|26|2.5|(null)|6000000000"},
    };
    td_sink_row *const rows[] = {&early, &late, &tied, &quote};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        assert_int_equal(td_sink_sqlite.write(sink, "x", 0, rows[steps[i].row], 1, next), TD_OK);
        expect(file, all, steps[i].rows);
    }
    assert_int_equal(td_sink_sqlite.write(sink, "bars", 0, &bar, 1, next), TD_OK);
    assert_int_equal(td_sink_sqlite.write(sink, "bars", 0, &other, 1, next), TD_OK);
    td_sink_sqlite.close(sink);
    expect(file, "SELECT * FROM latest_view ORDER BY instrument", /* a trade's price before a bar's */
           "A:B|26.0|2.5|1970-01-01T00:00:05Z|99.0|1.5|(null)|(null)|1970-01-01T00:00:06Z\n"
           "A:C|101.0|(null)|1970-01-01T00:01:00Z|(null)|(null)|(null)|(null)|(null)");
}

static void what_has_no_table_is_refused(void **state) {
    (void)state;
    char file[256], bars[] = "bars", news[] = "news", *names[] = {bars, news};
    void *sink = NULL;
    td_sink_conf conf = {.file = path_in_dir("news.db", file), .of = {names, 2}};
    assert_int_equal(td_sink_sqlite.open(&sink, &td_os_posix, &conf), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "no table for news"));
    assert_int_equal(access(file, F_OK), -1);
    conf.of.count = 1;
    assert_int_equal(td_sink_sqlite.open(&sink, &td_os_posix, &conf), TD_OK);
    td_sink_sqlite.close(sink);
}

/* Whoever grew up is as whoever was born yesterday, but for what an older program could not know. */
static void an_older_file_grows(void **state) {
    static const char schema[] = "SELECT name, sql FROM sqlite_master ORDER BY name";
    (void)state;
    char file[256], born[256];
    td_buf wanted = {0};
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path_in_dir("old.db", file), &db), SQLITE_OK);
    run_sql(db, sqlite_1_sql);
    run_sql(db,
            "INSERT INTO bars VALUES('A:B', 60, 0, 60, '1', '2', '1', '2', '3', '4', '1.5', 5, 0, 61, 0, 1, 7);"
            "INSERT INTO signals VALUES('s/A:B/t#1', 's', 'A:B', 60, 60, 'buy', '1', 'fresh', '2', '', 61, 0, 1, 8);"
            "INSERT INTO positions VALUES('bars', 0, 1, 8)");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    td_sink_sqlite.close(must_open(file));
    td_sink_sqlite.close(must_open(path_in_dir("born.db", born)));
    select_rows(born, schema, &wanted);
    expect(file, schema, (const char *)wanted.data);
    td_buf_fini(&wanted);
    expect(file, "SELECT quality, evidence, close FROM bars_view", "complete|assumed|2.0");
    expect(file, "SELECT status, reason, price FROM signals_view", "fresh||2.0");
    expect(file, "SELECT next_offset, (SELECT count(*) FROM gaps) FROM positions", "8|0");
    expect(file, "SELECT * FROM instruments", "A:B|A|B|0");
}

static void bars_view_reads_well(void **state) {
    (void)state;
    static const struct {
        int64_t width_ns, start_ns;
        const char *row;
    } rows[] = {
        {86400 * NS, 0, "1d|1970-01-01T00:00:00Z|1970-01-02T00:00:00Z"},
        {7200 * NS, -7200 * NS, "2h|1969-12-31T22:00:00Z|1970-01-01T00:00:00Z"},
        {60 * NS, INT64_C(1381152600) * NS, "1m|2013-10-07T13:30:00Z|2013-10-07T13:31:00Z"},
        {90 * NS, 90 * NS, "90s|1970-01-01T00:01:30Z|1970-01-01T00:03:00Z"},
        {NS, NS, "1s|1970-01-01T00:00:01Z|1970-01-01T00:00:02Z"},
        {NS / 4, -NS / 4, "250ms|1969-12-31T23:59:59.75Z|1970-01-01T00:00:00Z"},
        {1500, 0, "1500ns|1970-01-01T00:00:00Z|1970-01-01T00:00:00.0000015Z"},
        {2000, -2000, "2us|1969-12-31T23:59:59.999998Z|1970-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char file[256], name[32];
        (void)snprintf(name, sizeof name, "view-%zu.db", i);
        void *sink = must_open(path_in_dir(name, file));
        td_sink_row row = bar_row("A:B", rows[i].start_ns, 0, 1);
        row.bar.end_ns = rows[i].start_ns + rows[i].width_ns;
        row.bar.width_ns = rows[i].width_ns;
        assert_int_equal(td_sink_sqlite.write(sink, "bars", 0, &row, 1, (td_position){0, 2}), TD_OK);
        td_sink_sqlite.close(sink);
        expect(file, "SELECT width, start, \"end\" FROM bars_view", rows[i].row);
    }
}

static void bars_view_shows_the_last_revision(void **state) {
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("revisions.db", file));
    td_sink_row rows[4] = {bar_row("A:B", 0, 0, 1), bar_row("A:B", 60 * NS, 0, 2), bar_row("A:B", 0, 2, 4),
                           bar_row("A:B", 0, 1, 3)};
    for (int i = 0; i < 4; i++) rows[i].bar.close = (i + 1) * NS;
    assert_int_equal(td_sink_sqlite.write(sink, "bars", 0, rows, 4, (td_position){0, 5}), TD_OK);
    td_sink_sqlite.close(sink);
    expect(file, "SELECT start, close, typeof(close), vwap, revision FROM bars_view ORDER BY start",
           "1970-01-01T00:00:00Z|3.0|real|100.25|2\n1970-01-01T00:01:00Z|2.0|real|100.25|0");
    expect(file, "SELECT count(*) FROM bars", "4");
}

static void positions_live_with_the_rows(void **state) {
    (void)state;
    char file[256];
    path_in_dir("positions.db", file);
    void *sink = must_open(file);
    td_position at;
    td_sink_row row = bar_row("A:B", 0, 0, 1);
    assert_int_equal(td_sink_sqlite.position(sink, "bars", 0, &at), TD_OK);
    assert_true(at.epoch == -1 && at.offset == 0);
    assert_int_equal(td_sink_sqlite.write(sink, "bars", 0, &row, 1, (td_position){3, 2}), TD_OK);
    assert_int_equal(td_sink_sqlite.write(sink, "bars", 7, &row, 1, (td_position){3, INT64_MAX}), TD_OK);
    assert_int_equal(td_sink_sqlite.write(sink, "signals", 0, NULL, 0, (td_position){4, 9}), TD_OK);
    assert_int_equal(td_sink_sqlite.write(sink, "bars", 0, &row, 1, (td_position){5, 8}), TD_OK);
    static const struct {
        const char *topic;
        uint32_t partition;
        td_position at;
    } steps[] = {{"bars", 0, {5, 8}}, {"bars", 7, {3, INT64_MAX}}, {"signals", 0, {4, 9}}, {"bars", 1, {-1, 0}}};
    for (int reopened = 0; reopened < 2; reopened++) {
        for (size_t i = 0; i < COUNT_OF(steps); i++) {
            assert_int_equal(td_sink_sqlite.position(sink, steps[i].topic, steps[i].partition, &at), TD_OK);
            ASSERT_ROW(at.epoch == steps[i].at.epoch && at.offset == steps[i].at.offset, "%zu", i);
        }
        td_sink_sqlite.close(sink);
        sink = must_open(file);
    }
    td_sink_sqlite.close(sink);
    td_sink_sqlite.close(NULL);
}

static void the_same_rows_again_leave_one_copy(void **state) {
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("again.db", file));
    td_sink_row bars[2] = {bar_row("A:B", 0, 0, 1), bar_row("A:C", 0, 0, 2)};
    td_sink_row signal = signal_row(NS, TD_SIGNAL_FRESH);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(td_sink_sqlite.write(sink, "bars", 0, bars, 2, (td_position){0, 3}), TD_OK);
        assert_int_equal(td_sink_sqlite.write(sink, "signals", 0, &signal, 1, (td_position){0, 1}), TD_OK);
    }
    expect(file, "SELECT (SELECT count(*) FROM bars), (SELECT count(*) FROM signals)", "2|1");
    bars[0].bar.close = 77 * NS; /* a log made anew says something else: the newer word counts */
    assert_int_equal(td_sink_sqlite.write(sink, "bars", 0, bars, 1, (td_position){0, 2}), TD_OK);
    td_sink_sqlite.close(sink);
    expect(file, "SELECT close FROM bars ORDER BY instrument", "77\n101");
}

/* A batch that fails in its middle leaves neither rows nor position; the sink works on. */
static void a_failed_batch_leaves_nothing(void **state) {
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("nothing.db", file));
    td_sink_row first = bar_row("A:A", 0, 0, 1), rows[2] = {bar_row("A:B", 0, 0, 2), bar_row("A:C", 0, 0, 3)};
    assert_int_equal(td_sink_sqlite.write(sink, "bars", 0, &first, 1, (td_position){0, 2}), TD_OK);
    sqlite3 *db = look(file);
    run_sql(db, "CREATE TRIGGER refuse BEFORE INSERT ON bars WHEN NEW.instrument = 'A:C'"
                " BEGIN SELECT raise(ABORT, 'no'); END");
    assert_int_equal(td_sink_sqlite.write(sink, "bars", 0, rows, 2, (td_position){0, 4}), TD_CONFIG);
    expect(file, "SELECT instrument, next_offset FROM bars, positions", "A:A|2");
    run_sql(db, "DROP TRIGGER refuse");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(td_sink_sqlite.write(sink, "bars", 0, rows, 2, (td_position){0, 4}), TD_OK);
    td_sink_sqlite.close(sink);
    expect(file, "SELECT group_concat(instrument), next_offset FROM bars, positions", "A:A,A:B,A:C|4");
}

static void a_full_file_is_tried_again(void **state) {
    (void)state;
    enum { ROWS = 4000 };
    char file[256];
    sqlite3_stmt *stmt;
    void *sink = must_open(path_in_dir("full.db", file));
    td_sink_sqlite.close(sink);
    td_sink_row *rows = td_alloc_zero(ROWS, sizeof *rows);
    for (int i = 0; i < ROWS; i++) rows[i] = bar_row("A:B", i * 60 * NS, 0, i);
    sink = must_open(file);
    sqlite3 *db = *(sqlite3 **)sink; /* its first field: the only way to bound a file from inside */
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA max_page_count = 20", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_int_equal(td_sink_sqlite.write(sink, "bars", 0, rows, ROWS, (td_position){0, ROWS}), TD_RETRY);
    expect(file, "SELECT (SELECT count(*) FROM bars), (SELECT count(*) FROM positions)", "0|0");
    run_sql(db, "PRAGMA max_page_count = 100000");
    assert_int_equal(td_sink_sqlite.write(sink, "bars", 0, rows, ROWS, (td_position){0, ROWS}), TD_OK);
    expect(file, "SELECT (SELECT count(*) FROM bars), next_offset FROM positions", "4000|4000");
    td_sink_sqlite.close(sink);
    free(rows);
}

static void a_locked_file_is_tried_again(void **state) {
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("locked.db", file));
    td_sink_row row = bar_row("A:B", 0, 0, 1);
    sqlite3 *other = look(file);
    run_sql(other, "BEGIN IMMEDIATE");
    assert_int_equal(td_sink_sqlite.write(sink, "bars", 0, &row, 1, (td_position){0, 2}), TD_RETRY);
    assert_non_null(strstr(td_trail(), "locked"));
    run_sql(other, "COMMIT");
    run_sql(other, "BEGIN; SELECT * FROM bars"); /* a reader stops nobody */
    assert_int_equal(td_sink_sqlite.write(sink, "bars", 0, &row, 1, (td_position){0, 2}), TD_OK);
    run_sql(other, "COMMIT");
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    td_sink_sqlite.close(sink);
    expect(file, "SELECT count(*) FROM bars", "1");
}

static void what_cannot_work_says_so(void **state) {
    (void)state;
    char file[256], uri[300];
    td_sink_sqlite.close(must_open(path_in_dir("readonly.db", file)));
    (void)snprintf(uri, sizeof uri, "file:%s?mode=ro", file);
    assert_int_equal(open_fails(uri, "read-only"), TD_CONFIG);
    sqlite3 *db = look(file);
    run_sql(db, "PRAGMA user_version = 1000");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(open_fails(file, "newer program"), TD_CONFIG);
    expect(file, "PRAGMA user_version", "1000");

    path_in_dir("text.db", file);
    FILE *text = fopen(file, "w");
    assert_non_null(text);
    for (int i = 0; i < 1000; i++) (void)fputs("not a database\n", text);
    assert_int_equal(fclose(text), 0);
    assert_int_equal(open_fails(file, "not an SQLite file"), TD_CONFIG);

    path_in_dir("foreign.db", file);
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    run_sql(db, "CREATE TABLE signals(a)");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(open_fails(file, "name another file"), TD_CONFIG);
    expect(file, "SELECT name FROM sqlite_master", "signals"); /* left as it was */
    db = look(file);
    run_sql(db, "PRAGMA user_version = 1");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(open_fails(file, "name another file"), TD_CONFIG);

    assert_int_equal(open_fails(dir, "unable to open"), TD_CONFIG); /* a folder */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_exact_values),
        cmocka_unit_test(writes_signals_and_their_view),
        cmocka_unit_test(writes_gaps_and_their_view),
        cmocka_unit_test(writes_fills_and_their_view),
        cmocka_unit_test(writes_ticks_once),
        cmocka_unit_test(writes_what_was_refused),
        cmocka_unit_test(shows_bytes_as_a_text),
        cmocka_unit_test(a_file_gets_views_that_were_mended),
        cmocka_unit_test(latest_only_goes_on),
        cmocka_unit_test(what_has_no_table_is_refused),
        cmocka_unit_test(writes_vendors_bars_once),
        cmocka_unit_test(an_older_file_grows),
        cmocka_unit_test(bars_view_reads_well),
        cmocka_unit_test(bars_view_shows_the_last_revision),
        cmocka_unit_test(positions_live_with_the_rows),
        cmocka_unit_test(the_same_rows_again_leave_one_copy),
        cmocka_unit_test(a_failed_batch_leaves_nothing),
        cmocka_unit_test(a_full_file_is_tried_again),
        cmocka_unit_test(a_locked_file_is_tried_again),
        cmocka_unit_test(ticks_go_that_are_older_than_is_kept),
        cmocka_unit_test(what_cannot_work_says_so),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
