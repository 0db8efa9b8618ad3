/* tests/unit/app_config_test.c - goal: the file, the environment and --set fill one struct, and every mistake is named
 * with its place. */
#include "app/conditions.h"
#include "app/config.h"
#include "base/secret.h"
#include "base/time.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/tapedeck-config-XXXXXX";

static int enter_folder(void **state) {
    (void)state;
    static const char *const files[] = {"s/a.td", "s/b.td", "s/c.txt"};
    if (mkdtemp(folder) == NULL || chdir(folder) != 0) return -1;
    if (td_os_posix.ops->make_dir(td_os_posix.self, "s") != TD_OK) return -1;
    for (size_t i = 0; i < COUNT_OF(files); i++)
        if (td_os_replace_file(&td_os_posix, files[i], TD_TEXT("x")) != TD_OK) return -1;
    return 0;
}

static int leave_folder(void **state) {
    (void)state;
    static const char *const names[] = {"s/a.td", "s/b.td", "s/c.txt", "s", "c.yaml"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (td_os_posix.ops->remove(td_os_posix.self, names[i]) != TD_OK) return -1;
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static td_status load(td_config *out, const char *text, const char *const *sets, size_t set_count) {
    assert_int_equal(td_os_replace_file(&td_os_posix, "c.yaml", td_text(text)), TD_OK);
    return td_config_load(out, &td_os_posix, "c.yaml", sets, set_count);
}

#define ASSERT_LOADS(config, text) ASSERT_ROW(load(&(config), text, NULL, 0) == TD_OK, "\n%s\n%s", text, td_trail())

static const char small[] = "feeds: [simulated: {}]\n";

static void reads_everything_there_is(void **state) {
    (void)state;
    td_config c;
    ASSERT_LOADS(
        c, "feeds:\n"
           "  - file: { format: lean, path: \"data/*.zip\", from: \"09:30\", to: \"16:00\", ratio: 60,\n"
           "            venue: NYSE, lateness: 2s, max_delay: 3s, max_ahead: 4s, max_instruments: 5, rules: off,\n"
           "            trade_ids: any }\n"
           "  - file: { format: binance-collector, name: crypto, path: b.gz }\n"
           "  - simulated: { seed: 7, ticks: 1000 }\n"
           "bars: [5m, 1s, 1m, 60s, 5s]\n"
           "strategies: [\"s/*.td\", s/c.txt]\n"
           "log: { dir: tape, partitions: 4, segment: 1GB, retain: 20MB, codec: zstd,\n"
           "       sync_interval: 50ms }\n"
           "sinks:\n"
           "  - sqlite: { file: market.db }\n"
           "  - sqlite: { file: other.db }\n"
           "serve: { listen: 127.0.0.1:9000 }\n"
           "speed: 2.5x\n"
           "hours: all\n"
           "grace: 90s\nrepair_horizon: 2h\n"
           "workers: 3\n");
    assert_int_equal(c.feed_count, 3);
    const td_feed_conf *lean = &c.feeds[0].conf;
    assert_ptr_equal(c.feeds[0].ops, &td_feed_lean);
    assert_string_equal(lean->name, "lean");
    assert_string_equal(lean->path, "data/*.zip");
    assert_string_equal(lean->venue, "NYSE");
    assert_true(lean->ratio == 60.0);
    assert_int_equal(lean->from_ns, 570 * TD_NS_PER_MIN);
    assert_int_equal(lean->to_ns, 16 * TD_NS_PER_HOUR);
    assert_int_equal(lean->lateness_ns, 2 * TD_NS_PER_S);
    assert_int_equal(lean->max_delay_ns, 3 * TD_NS_PER_S);
    assert_int_equal(lean->max_ahead_ns, 4 * TD_NS_PER_S);
    assert_int_equal(lean->max_instruments, 5);
    assert_int_equal(lean->rules, TD_RULES_OFF);
    assert_int_equal(lean->trade_ids, TD_IDS_ANY);
    assert_ptr_equal(c.feeds[1].ops, &td_feed_binance_collector);
    assert_string_equal(c.feeds[1].conf.name, "crypto");
    assert_int_equal(c.feeds[1].conf.rules, TD_RULES_BASIC);
    assert_string_equal(c.feeds[1].conf.venue, "BINANCE");
    assert_int_equal(c.feeds[1].conf.from_ns, -1);
    assert_int_equal(c.feeds[1].conf.lateness_ns, TD_NS_PER_S);
    assert_ptr_equal(c.feeds[2].ops, &td_feed_simulated);
    assert_string_equal(c.feeds[2].conf.name, "simulated");
    assert_int_equal(c.feeds[2].conf.ticks, 1000);
    static const int64_t widths[] = {TD_NS_PER_S, 5 * TD_NS_PER_S, TD_NS_PER_MIN, 5 * TD_NS_PER_MIN};
    assert_int_equal(c.width_count, COUNT_OF(widths)); /* sorted, without doubles */
    assert_memory_equal(c.widths_ns, widths, sizeof widths);
    assert_int_equal(c.strategy_count, 2);
    assert_string_equal(c.strategies[0], "s/*.td");
    assert_string_equal(c.strategies[1], "s/c.txt");
    assert_string_equal(c.log.dir, "tape");
    assert_int_equal(c.log.partitions, 4);
    assert_int_equal(c.log.segment_bytes, 1 << 30);
    assert_int_equal(c.log.retain_bytes, 20 << 20);
    assert_int_equal(c.log.codec, 2);
    assert_int_equal(c.log.sync_interval_ns, 50 * TD_NS_PER_MS);
    assert_int_equal(c.sink_count, 2);
    assert_string_equal(c.sinks[0].conf.name, "sqlite");
    assert_string_equal(c.sinks[1].conf.name, "sqlite-2");
    assert_string_equal(c.sinks[1].conf.file, "other.db");
    assert_true(c.serve_on);
    assert_string_equal(c.serve.listen, "127.0.0.1:9000");
    assert_true(c.speed == 2.5);
    assert_int_equal(c.workers, 3);
    assert_true(c.grace_ns == 90 * TD_NS_PER_S && c.repair_horizon_ns == 7200 * TD_NS_PER_S);
    td_config_fini(&c);
}

static void has_defaults(void **state) {
    (void)state;
    td_config c;
    ASSERT_LOADS(c, "feeds: [simulated: ]\nstrategies:\nsinks:\nbars:\nlog:\n");
    assert_int_equal(c.feed_count, 1);
    assert_string_equal(c.feeds[0].conf.venue, "SIM");
    assert_int_equal(c.width_count + c.strategy_count + c.sink_count, 0);
    assert_string_equal(c.log.dir, "data");
    assert_int_equal(c.log.partitions, 8);
    assert_int_equal(c.log.segment_bytes, 256 << 20);
    assert_int_equal(c.log.retain_bytes, INT64_C(20) << 30);
    assert_int_equal(c.log.codec, 0);
    assert_int_equal(c.log.sync_interval_ns, 200 * TD_NS_PER_MS);
    assert_false(c.serve_on);
    assert_true(c.speed == -1.0);
    assert_true(c.workers >= 1 && c.workers <= 8);
    td_config_fini(&c);
}

static void names_feeds(void **state) {
    (void)state;
    td_config c;
    ASSERT_LOADS(c, "feeds:\n"
                    "  - simulated: {}\n"
                    "  - simulated: {}\n"
                    "  - file: { format: lean, path: secret/path.zip }\n"
                    "  - simulated: { name: simulated }\n"
                    "  - simulated: { name: simulated-3 }\n"
                    "  - simulated: {}\n");
    static const char *const names[] = {"simulated-2", "simulated-4", "lean",
                                        "simulated",   "simulated-3", "simulated-5"};
    for (size_t i = 0; i < COUNT_OF(names); i++) assert_string_equal(c.feeds[i].conf.name, names[i]);
    td_config_fini(&c);
}

static void spreads_symbols_over_connections(void **state) {
    (void)state;
    td_config c;
    ASSERT_LOADS(c, "feeds:\n"
                    "  - simulated: {}\n"
                    "  - coinbase: { products: [A, B, C, D, E], per_connection: 2, ca: x.pem, history_interval: 1s }\n"
                    "  - coinbase: { products: [F, G], per_connection: 2, name: other }\n"
                    "  - simulated: { name: last }\n");
    static const struct {
        const char *name, *symbols;
        int64_t interval_ns;
    } feeds[] = {{"simulated", "", 0},
                 {"coinbase", "AB", 3 * TD_NS_PER_S},
                 {"coinbase.2", "CD", 3 * TD_NS_PER_S},
                 {"coinbase.3", "E", 3 * TD_NS_PER_S},
                 {"other", "FG", 300 * TD_NS_PER_MS},
                 {"last", "", 0}};
    assert_int_equal(c.feed_count, COUNT_OF(feeds));
    for (size_t i = 0; i < COUNT_OF(feeds); i++) {
        const td_feed_conf *conf = &c.feeds[i].conf;
        td_buf symbols = {0};
        for (size_t k = 0; k < conf->symbols.count; k++) td_buf_text(&symbols, conf->symbols.items[k]);
        ASSERT_ROW(strcmp(conf->name, feeds[i].name) == 0, "%s", conf->name);
        ASSERT_ROW(td_bytes_equal(td_buf_bytes(&symbols), td_text(feeds[i].symbols)), "%s", conf->name);
        ASSERT_ROW(conf->history_interval_ns == feeds[i].interval_ns, "%s", conf->name);
        ASSERT_ROW((conf->ca != NULL) == (strncmp(conf->name, "coinbase", 8) == 0), "%s", conf->name);
        td_buf_fini(&symbols);
    }
    td_config_fini(&c);
}

/* `venue` is the default of a kind of feed only where its table is there. */
static void rules_go_by_tables(void **state) {
    (void)state;
    for (const td_feed_ops *const *ops = td_feed_plugs; *ops != NULL; ops++) {
        td_condition_table table;
        bool venue = strcmp(td_option_find((*ops)->options, "rules")->fallback, "venue") == 0;
        ASSERT_ROW(!venue || td_conditions_find((*ops)->venue, &table), "%s", (*ops)->format);
        ASSERT_ROW(venue || *ops != &td_feed_lean, "%s", (*ops)->format);
    }
}

static void knows_speeds_and_switches(void **state) {
    static const struct {
        const char *text;
        double speed;
        bool serve_on;
    } rows[] = {
        {"speed: max", 0, false},        {"speed: 1x", 1, false}, {"speed: 60x", 60, false},
        {"speed: \"0.5x\"", 0.5, false}, {"serve: on", -1, true}, {"serve: off", -1, false},
        {"serve: {}", -1, true},         {"serve:", -1, true},    {"serve: { listen: 127.0.0.1:1 }", -1, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "%s%s\n", small, rows[i].text);
        td_config c;
        ASSERT_LOADS(c, text);
        ASSERT_ROW(c.speed == rows[i].speed && c.serve_on == rows[i].serve_on, "%s", rows[i].text);
        td_config_fini(&c);
    }
}

#define LONGEST_NAME "a12345678901234567890123456789012345678901234567890123456789012"
#define TEN(x)       #x "0," #x "1," #x "2," #x "3," #x "4," #x "5," #x "6," #x "7," #x "8," #x "9,"

static const struct {
    const char *text, *trail;
} mistakes[] = {
    {"", "c.yaml:1:1: empty; a configuration begins with feeds:"},
    {"# nothing\n", "c.yaml:1:1: empty; a configuration begins with feeds:"},
    {"- a\n", "c.yaml:1:1: not keys and values; a configuration begins with feeds:"},
    {"log: {}\n", "c.yaml:1:1: feeds: at least one is needed"},
    {"feeds: []\n", "c.yaml:1:1: feeds: at least one is needed"},
    {"feed: []\n", "c.yaml:1:1: feed: unknown key; did you mean \"feeds\"?"},
    {"feeds: {}\nlog:\n  dri: x\n", "c.yaml:3:3: log.dri: unknown key; did you mean \"dir\"?"},
    {"feeds:\n  - file: { formt: lean, path: x }\n",
     "c.yaml:2:13: feeds[0].file.formt: unknown key; did you mean \"format\"?"},
    {"feeds:\n  - file: { path: x }\n", "c.yaml:2:11: feeds[0].file.format: missing; one of lean, binance-collector, "
                                        "cryptofeed, actions, alphavantage, csv, parquet, avro"},
    {"feeds:\n  - file: [path, x]\n", "c.yaml:2:11: feeds[0].file.format: missing; one of lean, binance-collector, "
                                      "cryptofeed, actions, alphavantage, csv, parquet, avro"},
    {"feeds:\n  - file: { format: leen, path: x }\n",
     "c.yaml:2:21: feeds[0].file.format: \"leen\" is not one of lean, "
     "binance-collector, cryptofeed, actions, alphavantage, csv, parquet, avro; did you mean \"lean\"?"},
    {"feeds:\n  - file: { format: simulated }\n",
     "c.yaml:2:21: feeds[0].file.format: \"simulated\" is not one of "
     "lean, binance-collector, cryptofeed, actions, alphavantage, csv, parquet, avro"},
    {"feeds:\n  - file: x\n", "c.yaml:2:11: feeds[0].file.format: missing; one of lean, binance-collector, cryptofeed, "
                              "actions, alphavantage, csv, parquet, avro"},
    {"feeds:\n  - file: { format: [lean] }\n", "c.yaml:2:21: feeds[0].file.format: one value is expected"},
    {"feeds:\n  - file:\n      format: lean\n      pth: x\n",
     "c.yaml:4:7: feeds[0].file.pth: unknown key; did you mean \"path\"?"},
    {"feeds:\n  - file:\n      format: lean\n      path: x\n      ratio: fast\n",
     "c.yaml:5:14: feeds[0].file.ratio: \"fast\" is not a number"},
    {"feeds:\n  - file:\n      format: lean\n      path: [x, y]\n",
     "c.yaml:4:13: feeds[0].file.path: one value is expected"},
    {"feeds:\n  - fil: { format: lean }\n", "c.yaml:2:5: feeds[0].fil: unknown key; did you mean \"file\"?"},
    {"feeds:\n  - coinbase: {}\n",
     "c.yaml:2:15: feeds[0].coinbase.products: missing: what to listen to, by the venue's "
     "names: [BTC-USD, ETH-USD]"},
    {"feeds:\n  - coinbase: { products: { a: b } }\n", "c.yaml:2:27: feeds[0].coinbase.products: a list is expected"},
    {"feeds:\n  - coinbase: { products: [[a]] }\n",
     "c.yaml:2:28: feeds[0].coinbase.products[0]: one value is expected"},
    {"feeds:\n  - coinbase: { products: [\"\"] }\n", "c.yaml:2:28: feeds[0].coinbase.products: a text is expected"},
    {"feeds:\n  - coinbase: { products: [A, B, A], per_connection: 2 }\n",
     "c.yaml:2:5: feeds[0].coinbase: A is there twice"},
    {"feeds:\n  - coinbase: { products: [A, B], per_connection: 1 }\n  - simulated: { name: coinbase.2 }\n",
     "c.yaml:2:5: feeds[0].coinbase: per_connection: its connection \"coinbase.2\" is called like another feed"},
    {"feeds:\n  - coinbase: { products: [A, B], per_connection: 1, name: " LONGEST_NAME " }\n",
     "c.yaml:2:5: feeds[0].coinbase: per_connection: \"" LONGEST_NAME ".2\" is longer than 63 characters"},
    {"feeds:\n  - coinbase: { products: [" TEN(A) TEN(B) TEN(C) TEN(D) TEN(E) TEN(F) TEN(G) "], per_connection: 1 }\n",
     "c.yaml:2:5: feeds[0].coinbase: per_connection: 70 connections, and 64 feeds are the most there can be"},
    {"feeds:\n  - lean: {}\n", "c.yaml:2:5: feeds[0].lean: unknown key; known: file, simulated, websocket, coinbase, "
                               "coincap, finnhub, twelvedata, alphavantage, twelvedata-series, produced, kafka"},
    {"feeds:\n  - simulated\n", "c.yaml:2:5: feeds[0]: one kind with its settings is expected, as in - kind: { … }"},
    {"feeds:\n  - simulated: 5\n", "c.yaml:2:16: feeds[0].simulated: keys and values are expected"},
    {"feeds:\n  - { simulated: {}, file: {} }\n",
     "c.yaml:2:5: feeds[0]: one kind with its settings is expected, as in - kind: { … }"},
    {"feeds: simulated\n", "c.yaml:1:8: feeds: a list is expected"},
    {"feeds:\n  - simulated: { name: a }\n  - simulated: { name: a }\n",
     "c.yaml:3:5: feeds[1]: name: \"a\" is another one's"},
    {"feeds:\n  - simulated: { name: data/x.zip }\n",
     "c.yaml:2:5: feeds[0]: name: \"data/x.zip\" is not 1 to 63 letters, digits, '.', '_' or '-'"},
    {"feeds:\n  - simulated: { seed: 1, seed: 2 }\n", "c.yaml:2:27: seed: given twice, first in line 2"},
    {"log: {}\nfeeds:\n  - simulated: {}\nlog: {}\n", "c.yaml:4:1: log: given twice, first in line 1"},
    {"? [a]\n: b\n", "c.yaml:1:3: a key that is no text"},
    {"feeds: [simulated: {}]\nbars: [1s, 5 m]\n",
     "c.yaml:2:12: bars: \"5 m\" is not a width such as 1s, 5m, 1m filled, 100 trades or 5000 volume"},
    {"feeds: [simulated: {}]\nbars: [1500us]\n",
     "c.yaml:2:8: bars: 1500us is not a whole number of milliseconds within 1ms to 366d"},
    {"feeds: [simulated: {}]\nbars: [0s]\n",
     "c.yaml:2:8: bars: \"0s\" is not a width such as 1s, 5m, 1m filled, 100 trades or 5000 volume"},
    {"feeds: [simulated: {}]\nbars: [400d]\n",
     "c.yaml:2:8: bars: 400d is not a whole number of milliseconds within 1ms to 366d"},
    {"feeds: [simulated: {}]\nbars: [1s,2s,3s,4s,5s,6s,7s,8s,8s,9s]\n",
     "c.yaml:2:35: bars: 8 widths are the most there can be"},
    {"feeds: [simulated: {}]\nbars: { a: 1s }\n", "c.yaml:2:7: bars: a list is expected"},
    {"feeds: [simulated: {}]\nbars: [[1s]]\n", "c.yaml:2:8: bars[0]: one value is expected"},
    {"feeds: [simulated: {}]\nstrategies: [s/a.td, s/none.td]\n", "c.yaml:2:22: strategies: no file \"s/none.td\""},
    {"feeds: [simulated: {}]\nlog: { partitions: 65 }\n", "c.yaml:2:20: log.partitions: 65 is not within 1 to 64"},
    {"feeds: [simulated: {}]\nlog: { segment: 2GB }\n", "c.yaml:2:17: log.segment: 2GB is not within 4KB to 1GB"},
    {"feeds: [simulated: {}]\nlog: { codec: zst }\n",
     "c.yaml:2:15: log.codec: \"zst\" is not one of none|lz4|zstd; did you mean \"zstd\"?"},
    {"feeds: [simulated: {}]\nlog: 5\n", "c.yaml:2:6: log: keys and values are expected"},
    {"feeds: [simulated: {}]\nsinks:\n  - sqlit: { file: x }\n",
     "c.yaml:3:5: sinks[0].sqlit: unknown key; did you mean \"sqlite\"?"},
    {"feeds: [simulated: {}]\nsinks: [sqlite: { file: a.db, of: [bars, signal] }]\n",
     "c.yaml:2:9: sinks[0].sqlite.of: nothing is called \"signal\"; did you mean \"signals\"?"},
    {"feeds: [simulated: {}]\nsinks: [sqlite: { file: a.db, of: [orderbook] }]\n",
     "c.yaml:2:9: sinks[0].sqlite.of: nothing is called \"orderbook\"; there are bars, signals, fills, gaps, "
     "vendor_bars, quarantine, rejected, trades, quotes and news"},
    {"feeds: [simulated: {}]\nsinks: [sqlite: { file: a.db, of: [trades] }]\n",
     "c.yaml:2:9: sinks[0].sqlite.of: trades are not published: put them into log.publish"},
    {"feeds: [simulated: {}]\nsinks: [sqlite: { file: a.db }, parquet: { dir: a }, avro: { dir: a }]\n",
     "c.yaml:2:54: sinks[2].avro.dir: sinks[1] has the same: each sink needs one of its own"},
    {"feeds: [simulated: {}]\nsinks: [sqlite: { file: a.db }, sqlite: { file: a.db }]\n",
     "c.yaml:2:33: sinks[1].sqlite.file: sinks[0] has the same: each sink needs one of its own"},
    {"feeds: [simulated: {}]\nsinks: [postgres: { url: u, schema: s }, postgres: { url: u, schema: t }, postgres: { "
     "url: u, schema: s }]\n",
     "c.yaml:2:75: sinks[2].postgres.schema: sinks[0] has the same: each sink needs one of its own"},
    {"feeds: [simulated: {}]\nserve: maybe\n", "c.yaml:2:8: serve: \"maybe\" is not on, off or { listen: … }"},
    {"feeds: [simulated: {}]\nserve: { lisen: x }\n",
     "c.yaml:2:10: serve.lisen: unknown key; did you mean \"listen\"?"},
    {"feeds: [simulated: {}]\nspeed: 60\n", "c.yaml:2:8: speed: \"60\" is not max or a speed such as 1x or 60x"},
    {"feeds: [simulated: {}]\nspeed: 0x\n", "c.yaml:2:8: speed: \"0x\" is not max or a speed such as 1x or 60x"},
    {"feeds: [simulated: {}]\nspeed: -1x\n", "c.yaml:2:8: speed: \"-1x\" is not max or a speed such as 1x or 60x"},
    {"feeds: [simulated: {}]\nspeed: x\n", "c.yaml:2:8: speed: \"x\" is not max or a speed such as 1x or 60x"},
    {"feeds: [simulated: {}]\nspeed: [1x]\n", "c.yaml:2:8: speed: \"\" is not max or a speed such as 1x or 60x"},
    {"feeds: [simulated: {rules: venue}]\n",
     "c.yaml:1:28: feeds[0].simulated.rules: venue: there is no table of sale conditions for simulated feeds; "
     "there is one for FINNHUB, LEAN"},
    {"feeds: [finnhub: {symbols: [A], token: abcdef}]\n",
     "c.yaml:1:40: feeds[0].finnhub.token: a secret is not written here: ${VARIABLE}, or token_file: FILE"},
    {"feeds: [finnhub: {symbols: [A]}]\n", "c.yaml:1:18: feeds[0].finnhub.token: missing: your key: ${FINNHUB_TOKEN}"},
    {"feeds: [finnhub: {symbols: [A], token: \"${HOME} x\"}]\n",
     "c.yaml:1:40: feeds[0].finnhub.token: 1 to 512 printable characters without spaces are expected"},
    {"feeds: [finnhub: {symbols: [A], token_file: none}]\n",
     "c.yaml:1:18: feeds[0].finnhub.token_file: cannot read a secret of at most 512 printable characters from 'none'"},
    {"feeds: [finnhub: {symbols: [A], token_file: s/a.td, token: \"${HOME}\"}]\n",
     "c.yaml:1:18: feeds[0].finnhub.token and token_file are both set: one is enough"},
    {"feeds: [finnhub: {symbols: [A], token_file: s/a.td}, finnhub: {symbols: [B], token_file: s/b.td}]\n",
     "c.yaml:1:54: feeds[1].finnhub.token: the vendor takes 1 connection of a key, and this is one more: put the "
     "symbols of several feeds into one"},
    {"feeds: [file: {format: cryptofeed, path: x, rules: venue}]\n",
     "c.yaml:1:52: feeds[0].file.rules: venue: there is no table of sale conditions for cryptofeed feeds; there is "
     "one for FINNHUB, LEAN"},
    {"feeds: [simulated: {}]\nhours: some\n", "c.yaml:2:8: hours: \"some\" is not one of all|regular"},
    {"feeds: [simulated: {}]\nworkers: 0\n", "c.yaml:2:10: workers: 0 is not within 1 to 64"},
    {"feeds: [simulated: {}]\nworkers: [1]\n", "c.yaml:2:10: workers: one value is expected"},
    {"feeds: [simulated: {}]\nlog: { dir: \"${TAPE_UNSET}/x\" }\n",
     "c.yaml:2:13: ${TAPE_UNSET}: not set in the environment"},
    {"feeds: [simulated: {}]\nlog: { dir: \"a\\0b\" }\n", "c.yaml:2:13: a NUL character in a text"},
    {"feeds: [simulated: {}]\nlog: { dir: x\n", "c.yaml:3:1: did not find expected ',' or '}', while parsing a flow "
                                                "mapping"},
    {"feeds: *nothing\n", "c.yaml:1:8: found undefined alias, while reading"},
    {"feeds: [simulated: {}]\n---\na: b\n", "c.yaml:3:1: a second document; a configuration is one"},
    {"a: \xff\n", "c.yaml: byte 4: invalid leading UTF-8 octet"},
    {"a: &a [*a]\n", "c.yaml:1:1: a: unknown key; known: feeds, bars, strategies, log, sinks, serve, speed, hours, "
                     "instruments, grace, repair_horizon, workers, drain, log_format"},
    {"feeds: &f [*f]\n", "c.yaml:1:8: feeds[0]: one kind with its settings is expected, as in - kind: { … }"},
};

static void names_every_mistake_with_its_place(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(mistakes); i++) {
        td_config c;
        ASSERT_ROW(load(&c, mistakes[i].text, NULL, 0) == TD_CONFIG, "%s", mistakes[i].text);
        ASSERT_ROW(strcmp(td_trail(), mistakes[i].trail) == 0, "%s: %s", mistakes[i].text, td_trail());
    }
    td_config c;
    assert_int_equal(td_config_load(&c, &td_os_posix, "none.yaml", NULL, 0), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "none.yaml: cannot be opened"));
}

static const char whole[] = "feeds:\n"
                            "  - file: { format: lean, path: a.zip }\n"
                            "  - simulated: {}\n"
                            "log: { dir: tape }\n"
                            "serve: { listen: 127.0.0.1:8750 }\n";

static void sets_from_arguments(void **state) {
    (void)state;
    static const char *const sets[] = {
        "log.dir=x=y",
        "log.sync_interval=1s",
        "speed=max",
        "serve.listen=127.0.0.1:1",
        "feeds.0.file.path=b.zip",
        "feeds.2.simulated.ticks=5", /* one behind the last: appended */
        "sinks.0.sqlite.file=s.db",
        "bars=1m, 1s",
        "strategies=s/a.td,s/b.td",
        "log.dir=last one wins",
    };
    td_config c;
    ASSERT_ROW(load(&c, whole, sets, COUNT_OF(sets)) == TD_OK, "%s", td_trail());
    assert_string_equal(c.log.dir, "last one wins");
    assert_int_equal(c.log.sync_interval_ns, TD_NS_PER_S);
    assert_true(c.speed == 0);
    assert_string_equal(c.serve.listen, "127.0.0.1:1");
    assert_string_equal(c.feeds[0].conf.path, "b.zip");
    assert_int_equal(c.feed_count, 3);
    assert_int_equal(c.feeds[2].conf.ticks, 5);
    assert_string_equal(c.feeds[2].conf.name, "simulated-2");
    assert_int_equal(c.sink_count, 1);
    assert_string_equal(c.sinks[0].conf.file, "s.db");
    assert_int_equal(c.width_count, 2);
    assert_int_equal(c.strategy_count, 2);
    td_config_fini(&c);
}

/* From a variable, a part of one, or a file; never from where others may read it. */
static void takes_secrets(void **state) {
    (void)state;
    static const char text[] = "feeds: [finnhub: {symbols: [A], token: \"x${UNIT_TOKEN}\"}]\n"
                               "serve: { token_file: secret }\n";
    static const char *const sets[] = {"feeds.0.finnhub.token=in-the-open"};
    static const char *const variable[] = {"feeds.0.finnhub.token=${UNIT_TOKEN}"};
    td_config c;
    assert_int_equal(td_os_replace_file(&td_os_posix, "secret", TD_TEXT("0123456789abcdef \n")), TD_OK);
    assert_int_equal(setenv("UNIT_TOKEN", "of-the-environment", 1), 0);
    ASSERT_LOADS(c, text);
    assert_string_equal(c.feeds[0].conf.token, "xof-the-environment");
    assert_string_equal(c.serve.token, "0123456789abcdef");
    td_config_fini(&c);
    assert_int_equal(load(&c, text, sets, 1), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "--set: feeds[0].finnhub.token: a secret is not written here"));
    assert_null(strstr(td_trail(), "in-the-open"));
    assert_int_equal(load(&c, text, variable, 1), TD_OK);
    assert_string_equal(c.feeds[0].conf.token, "of-the-environment");
    td_config_fini(&c);
    assert_int_equal(setenv("TAPEDECK_FEEDS_0_FINNHUB_TOKEN", "another", 1), 0);
    ASSERT_LOADS(c, text);
    assert_string_equal(c.feeds[0].conf.token, "another");
    td_config_fini(&c);
    assert_int_equal(unsetenv("TAPEDECK_FEEDS_0_FINNHUB_TOKEN"), 0);
    assert_int_equal(unsetenv("UNIT_TOKEN"), 0);
    assert_int_equal(td_os_posix.ops->remove(td_os_posix.self, "secret"), TD_OK);
}

static void add_secret(void *secrets, const char *secret) { td_secrets_add(secrets, secret); }

/* A topic is of the log's cluster, login and all, unless it names another one. */
static void lends_the_cluster_of_the_log(void **state) {
    (void)state;
    static const char text[] =
        "feeds:\n"
        "  - kafka: { topic: t, fields: { instrument: s } }\n"
        "  - kafka: { topic: u, brokers: \"c:9092\", fields: { instrument: s } }\n"
        "log: { kafka: \"b:9092\", password: \"${UNIT_PASSWORD}\", properties: { sasl.username: me }, "
        "registry: \"http://r:1\", registry_user: you }\n";
    td_config c;
    assert_int_equal(setenv("UNIT_PASSWORD", "open-sesame", 1), 0);
    assert_int_equal(load(&c, text, NULL, 0), TD_OK);
    const td_feed_conf *lent = &c.feeds[0].conf, *own = &c.feeds[1].conf;
    assert_string_equal(lent->brokers, "b:9092");
    assert_string_equal(lent->password, "open-sesame");
    assert_int_equal(lent->properties.count, 1);
    assert_string_equal(lent->properties.items[0], "sasl.username=me");
    assert_string_equal(lent->registry, "http://r:1");
    assert_string_equal(lent->registry_user, "you");
    td_buf room = {0};
    td_bytes shown = td_secrets_hide(&lent->secrets, TD_TEXT("bad: open-sesame"), &room);
    assert_int_equal(shown.size, strlen("bad: ***"));
    td_buf_fini(&room);
    assert_string_equal(own->brokers, "c:9092");
    assert_null(own->password);
    assert_null(own->registry);
    assert_int_equal(own->properties.count, 0);
    td_config_fini(&c);
    assert_int_equal(unsetenv("UNIT_PASSWORD"), 0);
}

/* What is for another machine may be missing on this one. */
static void reads_the_log_alone(void **state) {
    (void)state;
    static const char text[] = "feeds: [finnhub: { symbols: [A], token: \"${NOBODY_SET_THIS}\" }]\n"
                               "strategies: [none/*.td]\n"
                               "log: { dir: there, kafka: \"b:9092\", prefix: md., partitions: 3 }\n";
    td_config c;
    td_config_log log;
    assert_int_equal(load(&c, text, NULL, 0), TD_CONFIG);
    assert_int_equal(td_config_load_log(&log, &td_os_posix, "c.yaml"), TD_OK);
    assert_string_equal(log.kafka, "b:9092");
    assert_string_equal(log.prefix, "md.");
    assert_string_equal(log.dir, "there");
    assert_int_equal(log.partitions, 3);
    td_config_log_fini(&log);
    assert_int_equal(load(&c, "feeds: [simulated: {}]\nlog: { kafka: \"\" }\n", NULL, 0), TD_OK);
    assert_null(c.log.kafka);
    td_config_fini(&c);
    assert_int_equal(load(&c, "log: { partitons: 3 }\n", NULL, 0), TD_CONFIG);
    assert_int_equal(td_config_load_log(&log, &td_os_posix, "c.yaml"), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "partitions"));
}

/* A registry elsewhere belongs to a cluster; its password is a secret as others are. */
static void takes_a_registry(void **state) {
    (void)state;
    static const char text[] = "feeds: [simulated: {}]\nlog: { kafka: \"b:9092\", registry: \"https://r:8081/api\", "
                               "registry_user: me, registry_password: \"${W}\", registry_ca: ca.pem }\n";
    static const char *const folder_log[] = {"log.kafka="}, *const neither[] = {"log.kafka=", "log.registry="},
                             *const openly[] = {"log.registry_password=word-word"};
    td_config c;
    assert_int_equal(setenv("W", "word-word", 1), 0);
    ASSERT_LOADS(c, text);
    assert_string_equal(c.log.registry, "https://r:8081/api");
    assert_string_equal(c.log.registry_user, "me");
    assert_string_equal(c.log.registry_password, "word-word");
    assert_string_equal(c.log.registry_ca, "ca.pem");
    td_texts secrets = {0};
    td_config_each_secret(&c, add_secret, &secrets);
    assert_int_equal(secrets.count, 1);
    assert_string_equal(secrets.items[0], "word-word");
    td_secrets_fini(&secrets);
    td_config_fini(&c);
    assert_int_equal(load(&c, text, folder_log, 1), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "log.registry: a log in a folder keeps its schemas itself"));
    assert_int_equal(load(&c, text, openly, 1), TD_CONFIG);
    assert_null(strstr(td_trail(), "word-word"));
    assert_int_equal(load(&c, text, neither, 2), TD_OK);
    assert_null(c.log.registry);
    td_config_fini(&c);
    assert_int_equal(unsetenv("W"), 0);
}

/* However they are written; what is a secret never openly. */
static void takes_properties_of_a_cluster(void **state) {
    (void)state;
    static const char *const texts[] = {"feeds: [simulated: {}]\nlog: { kafka: \"b:9092\", properties: { "
                                        "sasl.username: me, ssl.key.password: \"${K}\" } }\n",
                                        "feeds: [simulated: {}]\nlog: { kafka: \"b:9092\", properties: { sasl: { "
                                        "username: me }, ssl: { key: { password: "
                                        "\"${K}\" } } } }\n"};
    static const char *const sets[] = {"log.kafka=b:9092", "log.properties.sasl.username=me",
                                       "log.properties.ssl.key.password=${K}"};
    static const char *const open[] = {"log.properties.ssl.key.password=deck"}, *const word[] = {"log.properties=me"};
    assert_int_equal(setenv("K", "key-word", 1), 0);
    for (size_t i = 0; i <= COUNT_OF(texts); i++) {
        td_config c;
        bool in_file = i < COUNT_OF(texts);
        td_status status = in_file ? load(&c, texts[i], NULL, 0) : load(&c, small, sets, COUNT_OF(sets));
        ASSERT_ROW(status == TD_OK, "%zu: %s", i, td_trail());
        assert_string_equal(c.log.kafka, "b:9092");
        assert_string_equal(c.log.prefix, "");
        assert_int_equal(c.log.properties.count, 2);
        assert_string_equal(c.log.properties.items[0], "sasl.username=me");
        assert_string_equal(c.log.properties.items[1], "ssl.key.password=key-word");
        td_texts secrets = {0};
        td_config_each_secret(&c, add_secret, &secrets);
        assert_int_equal(secrets.count, 1);
        assert_string_equal(secrets.items[0], "key-word");
        td_secrets_fini(&secrets);
        td_config_fini(&c);
    }
    static const struct {
        const char *set;
        bool secret;
    } rows[] = {{"log.properties.sasl.password=x", true},
                {"log.properties.sasl.oauthbearer.client.secret=x", true},
                {"log.properties.sasl.oauthbearer.assertion.private.key.passphrase=x", true},
                {"log.properties.sasl.oauthbearer.config=x", true},
                {"log.properties.ssl.key.pem=x", true},
                {"log.properties.ssl.ca.pem=x", false}, /* everybody may see a certificate */
                {"log.properties.ssl.certificate.pem=x", false},
                {"log.properties.ssl.key.location=x", false}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_config one;
        td_status status = load(&one, small, &rows[i].set, 1);
        ASSERT_ROW(status == (rows[i].secret ? TD_CONFIG : TD_OK), "%s", rows[i].set);
        if (status == TD_OK) td_config_fini(&one);
    }
    td_config c;
    assert_int_equal(load(&c, small, open, 1), TD_CONFIG);
    assert_string_equal(td_trail(),
                        "--set: log.properties.ssl.key.password: a secret is not written here: ${VARIABLE}");
    assert_int_equal(load(&c, small, word, 1), TD_CONFIG);
    assert_string_equal(td_trail(), "--set: log.properties: names and values are expected");
    assert_int_equal(unsetenv("K"), 0);
}

static void takes_lists_from_arguments(void **state) {
    static const char *const lists[] = {"bars=[1s,1m]", "bars=[ 1m , 1s ]", "bars=[\"1s\", 1m]", "bars=1s,1m"};
    static const struct {
        const char *set, *trail;
    } bad[] = {
        {"bars=[1s, 1m, 5]", "--set: bars: \"5\" is not a width such as 1s, 5m, 1m filled, 100 trades or 5000 volume"},
        {"bars=[1s", "--set: bars: \"[1s\" is not a width such as 1s, 5m, 1m filled, 100 trades or 5000 volume"},
        {"bars=[1s] [1m]", "--set: bars: \"[1s] [1m]\" is neither a list nor a map in YAML"},
        {"bars=[1s}]", "--set: bars: \"[1s}]\" is neither a list nor a map in YAML"},
        {"bars=&a [*a]",
         "--set: bars: \"&a [*a]\" is not a width such as 1s, 5m, 1m filled, 100 trades or 5000 volume"},
        {"bars=[&a [*a]]", "--set: bars: \"[&a [*a]]\" is neither a list nor a map in YAML"},
        {"log={ dri: x }", "--set: log.dri: unknown key; did you mean \"dir\"?"},
        {"log={ dir: x, dir: y }", "--set: dir: given twice, first in line 1"},
    };
    (void)state;
    td_config c;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        ASSERT_ROW(load(&c, whole, &lists[i], 1) == TD_OK, "%s: %s", lists[i], td_trail());
        ASSERT_ROW(c.width_count == 2 && c.widths_ns[0] == TD_NS_PER_S, "%s", lists[i]);
        td_config_fini(&c);
    }
    static const char *const feeds[] = {"feeds=[simulated: { ticks: 3 }]", "log={ dir: there, partitions: 2 }"};
    ASSERT_ROW(load(&c, whole, feeds, 2) == TD_OK, "%s", td_trail());
    assert_int_equal(c.feed_count, 1);
    assert_int_equal(c.feeds[0].conf.ticks, 3);
    assert_string_equal(c.feeds[0].place, "--set: feeds[0].simulated");
    assert_string_equal(c.log.dir, "there");
    td_config_fini(&c);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        ASSERT_ROW(load(&c, whole, &bad[i].set, 1) == TD_CONFIG, "%s", bad[i].set);
        ASSERT_ROW(strcmp(td_trail(), bad[i].trail) == 0, "%s: %s", bad[i].set, td_trail());
    }
}

/* In a folder only what is asked for; on Kafka all of it but where somebody says otherwise. */
static void publishes_what_is_asked_for(void **state) {
    enum { TRADES = 1, QUOTES = 2, NEWS = 4, TRADES_JSON = 8, BARS_JSON = 64 };
    static const struct {
        const char *log;
        uint32_t published;
    } rows[] = {{"{ dir: d }", 0},
                {"{ kafka: \"b:1\" }", TRADES | QUOTES | NEWS},
                {"{ kafka: \"b:1\", publish: none }", 0},
                {"{ kafka: \"b:1\", publish: [quotes] }", QUOTES},
                {"{ dir: d, publish: trades }", TRADES},
                {"{ dir: d, publish: [news, trades, news] }", TRADES | NEWS},
                {"{ dir: d, publish: [] }", 0},
                {"{ dir: d, publish: [trades_json, bars_json] }", TRADES_JSON | BARS_JSON}};
    static const struct {
        const char *set, *trail;
    } bad[] = {{"log.publish=[trades, quote]",
                "--set: log.publish: \"quote\" is no topic that is published; did you mean \"quotes\"?"},
               {"log.publish=[rejected]",
                "--set: log.publish: \"rejected\" is no topic that is published: trades, quotes, news, bars_json and "
                "others, or none"},
               {"log.publish=[trades, none]", "--set: log.publish: none stands alone"}};
    (void)state;
    td_config c;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "feeds: [simulated: {}]\nlog: %s\n", rows[i].log);
        ASSERT_ROW(load(&c, text, NULL, 0) == TD_OK, "%s: %s", rows[i].log, td_trail());
        ASSERT_ROW(td_config_published(&c.log) == rows[i].published, "%s: %u", rows[i].log,
                   td_config_published(&c.log));
        td_config_fini(&c);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        ASSERT_ROW(load(&c, small, &bad[i].set, 1) == TD_CONFIG, "%s", bad[i].set);
        ASSERT_ROW(strstr(td_trail(), strchr(bad[i].trail, ' ')) != NULL, "%s: %s", bad[i].set, td_trail());
    }
}

static void note_line(void *arg, const char *line) {
    td_buf *lines = arg;
    td_buf_printf(lines, "%s\n", line);
}

static void tells_all_mistakes_at_once(void **state) {
    static const char text[] = "feeds:\n"
                               "  - file: { formt: lean, path: a.zip }\n"
                               "  - simulated: { sed: 1, ticks: many }\n"
                               "  - simulated: { seed: 4 }\n"
                               "bars: [1s, 2x, 3y]\n"
                               "strategies: [s/none.td, s/a.td]\n"
                               "lgo: { dir: x }\n"
                               "log: { dir: tape, partitions: 0 }\n"
                               "sinks: [sqlite: {}, sqlite: { file: [] }]\n";
    static const char told[] =
        "c.yaml:2:13: feeds[0].file.formt: unknown key; did you mean \"format\"?\n"
        "c.yaml:3:18: feeds[1].simulated.sed: unknown key; did you mean \"seed\"?\n"
        "c.yaml:3:33: feeds[1].simulated.ticks: \"many\" is not a whole number\n"
        "c.yaml:5:12: bars: \"2x\" is not a width such as 1s, 5m, 1m filled, 100 trades or 5000 volume\n"
        "c.yaml:5:16: bars: \"3y\" is not a width such as 1s, 5m, 1m filled, 100 trades or 5000 volume\n"
        "c.yaml:6:14: strategies: no file \"s/none.td\"\n"
        "c.yaml:7:1: lgo: unknown key; did you mean \"log\"?\n"
        "c.yaml:8:31: log.partitions: 0 is not within 1 to 64\n"
        "c.yaml:9:17: sinks[0].sqlite.file: missing: the database file; it and its folder are made when missing\n"
        "c.yaml:9:37: sinks[1].sqlite.file: one value is expected\n"; /* refused, so it is not missing as well */
    (void)state;
    td_config c;
    td_buf lines = {0};
    td_config_source source = {.os = &td_os_posix, .path = "c.yaml"};
    assert_int_equal(td_os_replace_file(&td_os_posix, "c.yaml", td_text(text)), TD_OK);
    assert_int_equal(td_config_check(&c, &source, note_line, &lines), TD_CONFIG);
    assert_string_equal(td_trail(), "c.yaml: 10 mistakes");
    td_buf_put(&lines, "", 1);
    assert_string_equal(lines.data, told);
    assert_int_equal(c.feed_count, 3); /* what is right is there, */
    assert_string_equal(c.feeds[2].place, "c.yaml:4:5: feeds[2].simulated");
    assert_null(c.feeds[0].place); /* and what is not is marked */
    assert_null(c.feeds[1].place);
    assert_int_equal(c.strategy_count, 1);
    assert_string_equal(c.log.dir, "tape");
    td_config_fini(&c);
    td_buf_fini(&lines);
}

static void drops_and_restores_the_server(void **state) {
    (void)state;
    static const char *const sets[] = {"serve=off", "serve.listen=127.0.0.1:2"};
    td_config c;
    assert_int_equal(load(&c, whole, sets, 1), TD_OK);
    assert_false(c.serve_on);
    td_config_fini(&c);
    assert_int_equal(load(&c, whole, sets, 2), TD_OK);
    assert_true(c.serve_on);
    assert_string_equal(c.serve.listen, "127.0.0.1:2");
    td_config_fini(&c);
}

static void names_mistaken_arguments(void **state) {
    static const struct {
        const char *set, *trail;
    } rows[] = {
        {"log.dir", "--set: \"log.dir\" is not key=value"},
        {"=x", "--set: \"=x\" is not key=value"},
        {"log.dri=x", "--set: log.dri: unknown key; did you mean \"dir\"?"},
        {"lgo.dir=x", "--set: lgo: unknown key; did you mean \"log\"?"},
        {"log.partitions=0", "--set: log.partitions: 0 is not within 1 to 64"},
        {"feeds.3.simulated.seed=1",
         "--set: feeds.3.simulated.seed: \"3\" is no place in a list of 2; they count from 0"},
        {"feeds.x=1", "--set: feeds.x: \"x\" is no place in a list of 2; they count from 0"},
        {"hours=regulr", "--set: hours: \"regulr\" is not one of all|regular; did you mean \"regular\"?"},
        {"log.dir=${TAPE_UNSET}", "--set: ${TAPE_UNSET}: not set in the environment"},
        {"feeds.1.file.path=x", "c.yaml:3:5: feeds[1]: one kind with its settings is expected, as in - kind: { … }"},
        {"log.=x", "--set: log.: unknown key"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_config c;
        ASSERT_ROW(load(&c, whole, &rows[i].set, 1) == TD_CONFIG, "%s", rows[i].set);
        ASSERT_ROW(strcmp(td_trail(), rows[i].trail) == 0, "%s: %s", rows[i].set, td_trail());
    }
}

static void sets_from_the_environment(void **state) {
    (void)state;
    static const char *const variables[] = {"TAPEDECK_LOG_DIR",
                                            "from environment",
                                            "TAPEDECK_LOG_SYNC_INTERVAL",
                                            "2s",
                                            "TAPEDECK_FEEDS_0_FILE_PATH",
                                            "env.zip",
                                            "TAPEDECK_FEEDS_0_FILE_MAX_DELAY",
                                            "9s",
                                            "TAPEDECK_BARS",
                                            "1s,1m",
                                            "TAPEDECK_HOME",
                                            "nobody's business",
                                            "TAPE_DIR",
                                            "here"};
    for (size_t i = 0; i < COUNT_OF(variables); i += 2) assert_int_equal(setenv(variables[i], variables[i + 1], 1), 0);
    static const char *const sets[] = {"log.dir=${TAPE_DIR}/and ${TAPE_DIR}, ${, $"};
    td_config c;
    assert_int_equal(load(&c, whole, NULL, 0), TD_OK);
    assert_string_equal(c.log.dir, "from environment");
    assert_int_equal(c.log.sync_interval_ns, 2 * TD_NS_PER_S);
    assert_string_equal(c.feeds[0].conf.path, "env.zip");
    assert_int_equal(c.feeds[0].conf.max_delay_ns, 9 * TD_NS_PER_S);
    assert_int_equal(c.width_count, 2);
    td_config_fini(&c);
    assert_int_equal(load(&c, whole, sets, 1), TD_CONFIG); /* "${," is no name */
    static const char *const good[] = {"log.dir=${TAPE_DIR}/and ${TAPE_DIR} $"};
    assert_int_equal(load(&c, whole, good, 1), TD_OK); /* an argument beats the environment */
    assert_string_equal(c.log.dir, "here/and here $");
    td_config_fini(&c);
    assert_int_equal(setenv("TAPEDECK_LOG_DRI", "x", 1), 0);
    assert_int_equal(load(&c, whole, NULL, 0), TD_CONFIG);
    assert_string_equal(td_trail(), "TAPEDECK_LOG_DRI: log.dri: unknown key; did you mean \"dir\"?");
    assert_int_equal(unsetenv("TAPEDECK_LOG_DRI"), 0);
    for (size_t i = 0; i < COUNT_OF(variables); i += 2) assert_int_equal(unsetenv(variables[i]), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_everything_there_is),
        cmocka_unit_test(has_defaults),
        cmocka_unit_test(names_feeds),
        cmocka_unit_test(spreads_symbols_over_connections),
        cmocka_unit_test(rules_go_by_tables),
        cmocka_unit_test(knows_speeds_and_switches),
        cmocka_unit_test(names_every_mistake_with_its_place),
        cmocka_unit_test(sets_from_arguments),
        cmocka_unit_test(takes_secrets),
        cmocka_unit_test(lends_the_cluster_of_the_log),
        cmocka_unit_test(reads_the_log_alone),
        cmocka_unit_test(takes_a_registry),
        cmocka_unit_test(takes_properties_of_a_cluster),
        cmocka_unit_test(publishes_what_is_asked_for),
        cmocka_unit_test(takes_lists_from_arguments),
        cmocka_unit_test(tells_all_mistakes_at_once),
        cmocka_unit_test(drops_and_restores_the_server),
        cmocka_unit_test(names_mistaken_arguments),
        cmocka_unit_test(sets_from_the_environment),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
