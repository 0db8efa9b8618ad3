/* src/app/cmd_state.c - `tapedeck state`: from the nearest snapshot to the place, then one instrument's part of it as
 * text or JSON. */
#include "app/cmd_state.h"
#include "app/data.h"
#include "app/known.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"
#include "model/instrument.h"
#include "serve/rows.h"
#include <inttypes.h>

typedef struct state_conf {
    td_data_conf log;
    char *as_of;
    bool json;
} state_conf;

typedef struct shown { /* what is to be said */
    td_bytes instrument;
    uint32_t partition;
    const td_past *past;
    td_window_state feed; /* of its first width: the feed and its clock */
    char program[2 * TD_PROGRAM_SHA_BYTES + 1], digest[2 * TD_PROGRAM_SHA_BYTES + 1];
} shown;

/* ---- what there is ---- */

/* Of the whole partition's state: equal places give equal digests, whatever snapshot they were reached from. */
static void digest_state(const td_state *state, char out[2 * TD_PROGRAM_SHA_BYTES + 1]) {
    uint8_t sha256[TD_PROGRAM_SHA_BYTES];
    td_buf bytes = {0};
    td_state_save(state, &bytes);
    td_sha256(td_buf_bytes(&bytes), sha256);
    td_hex(sha256, sizeof sha256, out);
    td_buf_fini(&bytes);
}

static shown gather(const td_past *past, td_bytes instrument, uint32_t partition) {
    shown s = {.instrument = instrument, .partition = partition, .past = past};
    td_state_window(past->applier.state, instrument, 0, 0, &s.feed);
    td_hex(past->applier.program->sha256, TD_PROGRAM_SHA_BYTES, s.program);
    digest_state(past->applier.state, s.digest);
    return s;
}

typedef struct line_row { /* a number that a strategy remembers */
    td_bytes strategy, name;
    bool known;
    double value;
} line_row;

static bool line_at(const shown *s, size_t at, size_t index, line_row *out) {
    const td_graph *graph = s->past->applier.program->graphs[at];
    const void *memory = td_state_graph(s->past->applier.state, s->instrument, at);
    const td_graph_line *lines;
    if (memory == NULL || index >= td_graph_lines(graph, &lines)) return false;
    *out = (line_row){.strategy = lines[index].strategy, .name = lines[index].name};
    out->known = td_graph_line_value(graph, memory, index, &out->value);
    return true;
}

/* The next strategy from *index on that is for this instrument. */
static bool next_strategy(const shown *s, size_t at, size_t *index, td_bytes *out_name, int64_t *out_target) {
    const td_graph *graph = s->past->applier.program->graphs[at];
    const void *memory = td_state_graph(s->past->applier.state, s->instrument, at);
    td_graph_strategy strategy;
    for (; memory != NULL && td_graph_strategy_at(graph, *index, &strategy); ++*index) {
        if (!td_graph_strategy_wants(&strategy, s->instrument)) continue;
        *out_name = strategy.name;
        *out_target = td_state_target(s->past->applier.state, s->instrument, at, (uint32_t)(*index)++);
        return true;
    }
    return false;
}

/* ---- for people ---- */

enum { BOOK_DEPTH = 10 }; /* levels of a side that are shown */

/* Why there is no book to be read; "" where there is one, or none was ever told. */
static const char *book_trouble(td_book_standing standing) {
    static const char *const words[] = {[TD_BOOK_UNTOLD] = "",
                                        [TD_BOOK_STOPPED] = "waits for a snapshot",
                                        [TD_BOOK_CHANGING] = "a message is not whole yet",
                                        [TD_BOOK_CROSSED] = "crossed",
                                        [TD_BOOK_READABLE] = ""};
    return words[standing];
}

enum { LEVEL_TEXT = 2 * TD_DECIMAL_TEXT_MAX + 4 };

/* "60265.03 x 0.5"; "": the side has no more. */
static const char *level_text(const td_book_level *levels, uint32_t count, uint32_t i, char out[LEVEL_TEXT]) {
    char price[TD_DECIMAL_TEXT_MAX], size[TD_DECIMAL_TEXT_MAX];
    if (i >= count) return "";
    (void)td_decimal_format(levels[i].price, TD_PRICE_SCALE, false, price);
    (void)td_decimal_format(levels[i].size, TD_SIZE_SCALE, false, size);
    (void)snprintf(out, LEVEL_TEXT, "%s x %s", price, size);
    return out;
}

static void tell_book(const shown *s) {
    const td_books *books = td_state_books(s->past->applier.state);
    td_book_view v;
    if (!td_books_view(books, s->instrument, BOOK_DEPTH, &v)) {
        if (v.standing != TD_BOOK_UNTOLD) (void)printf("book not readable: %s", book_trouble(v.standing));
        if (v.gap > 0) (void)printf(" since gap %" PRId64, v.gap);
        if (v.standing != TD_BOOK_UNTOLD) (void)puts("");
        return;
    }
    char texts[2][LEVEL_TEXT];
    td_book_level bids[BOOK_DEPTH], asks[BOOK_DEPTH];
    uint32_t bid_count = td_books_levels(books, s->instrument, TD_BOOK_BID, BOOK_DEPTH, bids);
    uint32_t ask_count = td_books_levels(books, s->instrument, TD_BOOK_ASK, BOOK_DEPTH, asks);
    (void)printf("book, imbalance of %d levels %.3f\n", BOOK_DEPTH, v.imbalance);
    for (uint32_t i = 0; i < bid_count || i < ask_count; i++)
        (void)printf("%31s | %s\n", level_text(bids, bid_count, i, texts[0]), level_text(asks, ask_count, i, texts[1]));
}

typedef struct price_texts {
    char price[TD_DECIMAL_TEXT_MAX], time[40];
    int64_t ns;
} price_texts;

static bool read_price(const shown *s, price_texts *out) {
    int64_t price;
    if (!td_state_price(s->past->applier.state, s->instrument, &price, &out->ns)) return false;
    (void)td_decimal_format(price, TD_PRICE_SCALE, false, out->price);
    (void)td_time_format(out->ns, out->time);
    return true;
}

/* What the strategies of the graph at that place of the program want and remember. */
static void tell_graph(const shown *s, size_t at, const char *label) {
    char text[TD_DECIMAL_TEXT_MAX];
    td_bytes name;
    int64_t target;
    for (size_t i = 0; next_strategy(s, at, &i, &name, &target);) {
        (void)td_decimal_format(target, TD_SIZE_SCALE, false, text);
        (void)printf("%-5s %.*s: target %s\n", label, (int)name.size, (const char *)name.data, text);
    }
    line_row line;
    for (size_t i = 0; line_at(s, at, i, &line); i++)
        if (line.known)
            (void)printf("%-5s %.*s.%.*s = %.12g\n", label, (int)line.strategy.size, (const char *)line.strategy.data,
                         (int)line.name.size, (const char *)line.name.data, line.value);
}

static void tell_width(const shown *s, size_t width) {
    char label[TD_WIDTH_TEXT_MAX], start[40], prices[4][TD_DECIMAL_TEXT_MAX];
    (void)td_width_format(s->past->applier.program->widths_ns[width], label);
    td_bar bar = {.start_ns = INT64_MIN};
    while (td_state_open_bar(s->past->applier.state, s->instrument, width, bar.start_ns, &bar)) {
        const int64_t values[] = {bar.open, bar.high, bar.low, bar.close};
        (void)td_time_format(bar.start_ns, start);
        for (int i = 0; i < 4; i++) (void)td_decimal_format(values[i], TD_PRICE_SCALE, false, prices[i]);
        (void)printf("%-5s open since %s: %s %s %s %s, %" PRId64 " trades\n", label, start, prices[0], prices[1],
                     prices[2], prices[3], bar.trade_count);
    }
    tell_graph(s, width, label);
}

static void tell_ticks(const shown *s) {
    const td_program *program = s->past->applier.program;
    for (size_t g = program->width_count; g < td_program_graph_count(program); g++) {
        char label[TD_RHYTHM_TEXT_MAX];
        td_rhythm_format(td_graph_rhythm(program->graphs[g]), label);
        tell_graph(s, g, label);
    }
}

static void tell(const shown *s) {
    char time[40] = "none";
    price_texts price;
    (void)printf("%.*s in tape-%" PRIu32 " before offset %" PRId64 " (snapshot at %" PRId64 ")\n",
                 (int)s->instrument.size, (const char *)s->instrument.data, s->partition, s->past->offset,
                 s->past->from);
    (void)printf("program %.12s, digest of the whole state %.12s\n", s->program, s->digest);
    tell_book(s);
    if (read_price(s, &price)) (void)printf("price %s at %s, not of a trade\n", price.price, price.time);
    tell_ticks(s);
    if (s->feed.feed.size == 0) {
        (void)puts("no trade of it was on the tape");
        return;
    }
    if (s->feed.watermark_ns != INT64_MIN) (void)td_time_format(s->feed.watermark_ns, time);
    (void)printf("feed %.*s, watermark %s\n", (int)s->feed.feed.size, (const char *)s->feed.feed.data, time);
    for (size_t w = 0; w < s->past->applier.program->width_count; w++) tell_width(s, w);
}

/* ---- for programs ---- */

/* ,"targets":{"crossing":"1"},"lines":[…] */
static void put_graph(td_buf *out, const shown *s, size_t at) {
    char text[TD_DECIMAL_TEXT_MAX];
    td_bytes name;
    int64_t target;
    const char *comma = "";
    td_buf_text(out, ",\"targets\":{");
    for (size_t i = 0; next_strategy(s, at, &i, &name, &target); comma = ",") {
        td_buf_text(out, comma);
        td_json_put_string(out, name);
        (void)td_decimal_format(target, TD_SIZE_SCALE, false, text);
        td_buf_printf(out, ":\"%s\"", text);
    }
    line_row line;
    td_buf_text(out, "},\"lines\":[");
    for (size_t i = 0; line_at(s, at, i, &line); i++) {
        td_buf_text(out, i > 0 ? ",{\"strategy\":" : "{\"strategy\":");
        td_json_put_string(out, line.strategy);
        td_buf_text(out, ",\"name\":");
        td_json_put_string(out, line.name);
        if (line.known)
            td_buf_printf(out, ",\"value\":%.17g}", line.value);
        else
            td_buf_text(out, ",\"value\":null}");
    }
    td_buf_text(out, "]");
}

static void put_width(td_buf *out, const shown *s, size_t width) {
    char text[TD_WIDTH_TEXT_MAX];
    td_bar bar = {.start_ns = INT64_MIN};
    (void)td_width_format(s->past->applier.program->widths_ns[width], text);
    td_buf_printf(out, "%s\n{\"width\":\"%s\",\"open\":[", width > 0 ? "," : "", text);
    for (size_t i = 0; td_state_open_bar(s->past->applier.state, s->instrument, width, bar.start_ns, &bar); i++) {
        if (i > 0) td_buf_text(out, ",");
        td_row_put_bar(out, TD_ROW_JSON, s->instrument, &bar);
    }
    td_buf_text(out, "]");
    put_graph(out, s, width);
    td_buf_text(out, "}");
}

/* "ticks":[{"on":"trades","targets":{…},"lines":[…]},…] */
static void put_ticks(td_buf *out, const shown *s) {
    const td_program *program = s->past->applier.program;
    td_buf_text(out, ",\"ticks\":[");
    for (size_t g = program->width_count; g < td_program_graph_count(program); g++) {
        char label[TD_RHYTHM_TEXT_MAX];
        td_rhythm_format(td_graph_rhythm(program->graphs[g]), label);
        td_buf_printf(out, "%s\n{\"on\":\"%s\"", g > program->width_count ? "," : "", label);
        put_graph(out, s, g);
        td_buf_text(out, "}");
    }
    td_buf_text(out, "]");
}

/* "bids":[["9.5","2"],…]: the best first. */
static void put_levels(td_buf *out, const shown *s, td_book_side side, const char *name) {
    td_book_level levels[BOOK_DEPTH];
    const td_books *books = td_state_books(s->past->applier.state);
    uint32_t count = td_books_levels(books, s->instrument, side, BOOK_DEPTH, levels);
    td_buf_printf(out, ",\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++) {
        char price[TD_DECIMAL_TEXT_MAX], size[TD_DECIMAL_TEXT_MAX];
        (void)td_decimal_format(levels[i].price, TD_PRICE_SCALE, false, price);
        (void)td_decimal_format(levels[i].size, TD_SIZE_SCALE, false, size);
        td_buf_printf(out, "%s[\"%s\",\"%s\"]", i > 0 ? "," : "", price, size);
    }
    td_buf_text(out, "]");
}

static void put_book(td_buf *out, const shown *s) {
    td_book_view v;
    bool readable = td_books_view(td_state_books(s->past->applier.state), s->instrument, BOOK_DEPTH, &v);
    if (v.standing == TD_BOOK_UNTOLD) return;
    td_buf_printf(out, ",\"book\":{\"readable\":%s", readable ? "true" : "false");
    if (readable) {
        put_levels(out, s, TD_BOOK_BID, "bids");
        put_levels(out, s, TD_BOOK_ASK, "asks");
        td_buf_printf(out, ",\"imbalance\":%.17g}", v.imbalance);
        return;
    }
    td_buf_printf(out, ",\"reason\":\"%s\"", book_trouble(v.standing));
    if (v.gap > 0) td_buf_printf(out, ",\"gap\":%" PRId64, v.gap);
    td_buf_text(out, "}");
}

static void put_json(td_buf *out, const shown *s) {
    td_buf_text(out, "{\"instrument\":");
    td_json_put_string(out, s->instrument);
    td_buf_printf(out, ",\"partition\":%" PRIu32 ",\"offset\":%" PRId64 ",\"snapshot_offset\":%" PRId64, s->partition,
                  s->past->offset, s->past->from);
    td_buf_printf(out, ",\"program\":\"%s\",\"digest\":\"%s\",\"feed\":", s->program, s->digest);
    td_json_put_string(out, s->feed.feed);
    if (s->feed.watermark_ns != INT64_MIN)
        td_buf_printf(out, ",\"watermark_ns\":%" PRId64, s->feed.watermark_ns);
    else
        td_buf_text(out, ",\"watermark_ns\":null");
    put_book(out, s);
    price_texts price;
    if (read_price(s, &price)) td_buf_printf(out, ",\"price\":\"%s\",\"price_ns\":%" PRId64, price.price, price.ns);
    td_buf_text(out, ",\"widths\":[");
    for (size_t w = 0; w < s->past->applier.program->width_count; w++) put_width(out, s, w);
    td_buf_text(out, "\n]");
    put_ticks(out, s);
    td_buf_text(out, "}\n");
    (void)fwrite(out->data, 1, out->size, stdout);
}

/* ---- the command ---- */

static td_status show(const state_conf *conf, td_bytes instrument) {
    td_data data;
    td_place place;
    td_status status = td_data_place(conf->as_of, &place);
    if (status != TD_OK) return status;
    status = td_data_open(&data, &conf->log);
    if (status == TD_OK) {
        td_past past;
        td_buf text = {0};
        const td_past_conf past_conf = {.os = &td_os_posix,
                                        .topics = &data.topics,
                                        .snapshot_dir = data.snapshots,
                                        .instrument = instrument,
                                        .place = place,
                                        .emit = &td_emit_none};
        status = td_past_open(&past, &past_conf);
        if (status == TD_OK) status = td_known_check_in(past.applier.state, &data, instrument);
        if (status == TD_OK) {
            shown s = gather(&past, instrument, td_partition_of(instrument, data.topics.partitions));
            if (conf->json)
                put_json(&text, &s);
            else
                tell(&s);
        }
        td_buf_fini(&text);
        td_past_close(&past);
    }
    td_data_close(&data);
    return status;
}

static int run(void *conf, const char *const *words) {
    if (!td_instrument_name_valid(td_text(words[0]))) return td_command_usage("state", "not VENUE:SYMBOL:", words[0]);
    td_status status = show(conf, td_text(words[0]));
    return td_command_end("state", status);
}

static const td_option options[] = {
    TD_DATA_OPTIONS(state_conf),
    {.key = "as-of",
     .type = TD_OPTION_TEXT,
     .unit = "PLACE",
     .offset = offsetof(state_conf, as_of),
     .help = "as it was at a time, or at an offset of the tape: @120000; unset: now"},
    {.key = "json", .type = TD_OPTION_BOOL, .offset = offsetof(state_conf, json), .help = "one JSON object"},
    {0},
};

const td_command td_command_state = {
    .name = "state",
    .words = "INSTRUMENT",
    .words_least = 1,
    .words_most = 1,
    .summary = "what is remembered of an instrument, now or at an earlier place",
    .text = "Shows the open windows of an instrument, the watermark that closes them, and what strategies remember:\n"
            "targets and named numbers. With --as-of as the worker had them there: from the nearest snapshot before\n"
            "that place the tape is applied once more, in memory. Changes nothing.\n",
    .options = options,
    .conf_size = sizeof(state_conf),
    .examples = "  tapedeck state BINANCE:BTCUSDT\n"
                "  tapedeck state LEAN:IBM --as-of 2013-10-07T14:31Z --data /var/lib/tapedeck\n"
                "  tapedeck state LEAN:IBM --as-of @120000 --json | jq .widths\n",
    .run = run,
};
