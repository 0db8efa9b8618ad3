/* src/feed/feed_csv.c - plain tables: trades, quotes, books, bars or news as CSV files, told apart by the columns that
 * their first line names, in any order: time, and instrument with price, size[, side, id], or bid, ask[, bid_size,
 * ask_size], or bids, asks, or open, high, low, close, volume; or headline[, instrument, sentiment, source, url, id]. A
 * bar becomes four trades within 3 ms from its time on, which is its begin: open, the extreme that lies behind the
 * direction, the other one, close, each of a quarter of its volume. News becomes an event for each of its instruments,
 * with spaces between them, or of none. The files hold no receive time: the event time stands in.
 *
 * What our stores have in their tables `trades` and `quotes` is told by a column event_ns in place of time, and becomes
 * the events that it was; what stores have of results is refused, since they are made anew. */
#include "base/decimal.h"
#include "base/json.h"
#include "base/time.h"
#include "feed/avro.h"
#include "feed/csv.h"
#include "feed/parquet.h"
#include <math.h>
#include <stdio.h>

typedef enum column {
    TIME,
    INSTRUMENT,
    PRICE,
    SIZE,
    SIDE,
    ID,
    BID,
    ASK,
    BID_SIZE,
    ASK_SIZE,
    OPEN,
    HIGH,
    LOW,
    CLOSE,
    VOLUME,
    HEADLINE,
    SENTIMENT,
    SOURCE,
    URL,
    BIDS,
    ASKS,
    SEQUENCE,
    EXCHANGE,
    CONDITION,
    FLAGS,
    ORIGIN,
    RECEIVE,
    PLACE,
    COLUMN_COUNT
} column;

#define COLUMN(what, stored_)                                                                                          \
    { .name = what, .stored = (stored_), .wrong = what " is missing, no number, or not in its range" }
#define STORED(name_, wrong_)                                                                                          \
    { .stored = (name_), .wrong = name_ wrong_ }
static const struct {
    const char *name, *stored, *wrong; /* in tables of others, in those of our stores; what is said of a value that is
                                          none */
} columns[COLUMN_COUNT] = {
    [TIME] = {"time", "event_ns",
              "time is neither as 2026-03-02T14:30:00Z or with an offset as -05:00 for the Z, nor a whole number of s, "
              "ms, us or ns since 1970"},
    [INSTRUMENT] = {"instrument", "instrument", "instrument is not as VENUE:SYMBOL, or there are over 256 of them"},
    [PRICE] = COLUMN("price", "price"),
    [SIZE] = COLUMN("size", "size"),
    [SIDE] = {"side", "side", "side is neither buy nor sell, nor empty"},
    [ID] = {"id", "trade_id", "id is no whole number"},
    [BID] = COLUMN("bid", "bid_price"),
    [ASK] = COLUMN("ask", "ask_price"),
    [BID_SIZE] = COLUMN("bid_size", "bid_size"),
    [ASK_SIZE] = COLUMN("ask_size", "ask_size"),
    [OPEN] = COLUMN("open", NULL),
    [HIGH] = {"high", NULL, "high is missing, no number, not in its range, or below open or close"},
    [LOW] = {"low", NULL, "low is missing, no number, not in its range, or above open or close"},
    [CLOSE] = COLUMN("close", NULL),
    [VOLUME] = COLUMN("volume", NULL),
    [HEADLINE] = {"headline", NULL, "headline is missing, or a text is no UTF-8"},
    [SENTIMENT] = COLUMN("sentiment", NULL),
    [SOURCE] = {.name = "source"},
    [URL] = {.name = "url"},
    [BIDS] = {"bids", NULL, "bids are not prices above 0, each with a size above 0, or over 128 with the asks"},
    [ASKS] = {"asks", NULL, "asks are not prices above 0, each with a size above 0, or over 128 with the bids"},
    [SEQUENCE] = STORED("sequence", " is no whole number"),
    [EXCHANGE] = STORED("exchange", " is no text of at most 15 bytes"),
    [CONDITION] = STORED("condition", " is no text of at most 15 bytes"),
    [FLAGS] = STORED("flags", " is no whole number"),
    [ORIGIN] = {.stored = "origin"},
    [RECEIVE] = STORED("receive_ns", " is no whole number of ns between the years 1970 and 2200"),
    [PLACE] = STORED("ord", " is no whole number"),
};
/* Each table of results has them, trades and quotes do not have both. */
static const char *const results[] = {"known_at_ns", "src_offset"};

typedef enum csv_kind { NEWS, TRADES, QUOTES, BOOKS, BARS, KIND_COUNT } csv_kind; /* of several the last */
static const struct {
    const char *name;
    size_t count;
    column needs[7];
} kinds[] = {[TRADES] = {"trades", 4, {TIME, INSTRUMENT, PRICE, SIZE}},
             [QUOTES] = {"quotes", 4, {TIME, INSTRUMENT, BID, ASK}},
             [BOOKS] = {"books", 4, {TIME, INSTRUMENT, BIDS, ASKS}},
             [BARS] = {"bars", 7, {TIME, INSTRUMENT, OPEN, HIGH, LOW, CLOSE, VOLUME}},
             [NEWS] = {"news", 2, {TIME, HEADLINE}}};

/* A line is read once for each of its parts, so that news is of so many instruments at most. */
enum { COLUMNS_MAX = 32, BAR_TRADES = 4, QUOTED_MAX = 8192, NEWS_INSTRUMENTS_MAX = 256 };

typedef struct csv_file {
    csv_kind kind;
    bool stored;                 /* it is a table of our stores */
    uint8_t place[COLUMN_COUNT]; /* among the columns, from 1; 0: not there */
    size_t columns;
    td_naming naming;
    uint32_t part;                       /* of the bar or the news being told */
    uint8_t again[NEWS_INSTRUMENTS_MAX]; /* 1: of the news being told, an instrument that was named before */
    bool header;                         /* it was passed */
    uint8_t quoted[QUOTED_MAX];          /* values with quotes inside, without their doubling */
    size_t quoted_size;
    td_book_level levels[TD_BOOK_LEVELS_MAX]; /* of the book being told */
} csv_file;

static bool is_blank(uint8_t c) { return c == ' ' || c == '\r'; }

/* Up to the comma; without the blanks around it. */
static td_bytes take_plain(const uint8_t **p, const uint8_t *end) {
    const uint8_t *start = *p;
    while (*p < end && **p != ',') ++*p;
    td_bytes value = {start, (size_t)(*p - start)};
    while (value.size > 0 && is_blank(value.data[value.size - 1])) value.size--;
    return value;
}

/* "a value, with ""quotes"" and commas". False: it does not end, something stands behind it, or it is too long. */
static bool take_quoted(csv_file *f, const uint8_t **p, const uint8_t *end, td_bytes *out) {
    uint8_t *start = f->quoted + f->quoted_size;
    for (++*p; *p < end; ++*p) {
        bool quote = **p == '"';
        if (quote && (*p + 1 == end || (*p)[1] != '"')) break;
        if (f->quoted_size == QUOTED_MAX) return false;
        f->quoted[f->quoted_size++] = **p;
        *p += quote;
    }
    if (*p >= end) return false;
    for (++*p; *p < end && is_blank(**p);) ++*p;
    *out = (td_bytes){start, (size_t)(f->quoted + f->quoted_size - start)};
    return *p == end || **p == ',';
}

/* COLUMNS_MAX + 1: more than that. 0: quotes that do not fit, and nothing can be said of the columns. */
static size_t split(csv_file *f, td_bytes line, td_bytes out[COLUMNS_MAX]) {
    const uint8_t *p = line.data, *end = td_bytes_end(line);
    f->quoted_size = 0;
    for (size_t count = 0; count < COLUMNS_MAX; p++) {
        while (p < end && *p == ' ') p++;
        bool quoted = p < end && *p == '"';
        if (!quoted) out[count] = take_plain(&p, end);
        if (quoted && !take_quoted(f, &p, end, &out[count])) return 0;
        count++;
        if (p == end) return count;
    }
    return COLUMNS_MAX + 1;
}

/* How many of the columns that tables of that kind need are there, those aside that nearly all need. */
static size_t count_own(const csv_file *f, csv_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < kinds[kind].count; i++)
        count += kinds[kind].needs[i] > INSTRUMENT && f->place[kinds[kind].needs[i]] > 0;
    return count;
}

static bool has_all(const csv_file *f, csv_kind kind) {
    for (size_t i = 0; i < kinds[kind].count; i++)
        if (f->place[kinds[kind].needs[i]] == 0) return false;
    return true;
}

/* Of the kind that the table is nearest to, what is missing; with nothing of any, what there is to choose from. */
static td_status fail_columns(const csv_file *f) {
    csv_kind near = NEWS;
    char text[128];
    size_t size = 0;
    for (int kind = NEWS; kind < KIND_COUNT; kind++)
        if (count_own(f, (csv_kind)kind) > count_own(f, near)) near = (csv_kind)kind;
    if (count_own(f, near) == 0)
        return TD_FAIL(TD_REJECT,
                       "its %s neither time,instrument,price,size nor time,instrument,bid,ask nor "
                       "time,instrument,bids,asks nor time,instrument,open,high,low,close,volume nor time,headline",
                       f->header ? "columns are" : "first line names");
    for (size_t i = 0; i < kinds[near].count; i++) {
        column c = kinds[near].needs[i];
        if (f->place[c] > 0) continue;
        size += (size_t)snprintf(text + size, sizeof text - size, size > 0 ? ", %s" : "%s", columns[c].name);
    }
    return TD_FAIL(TD_REJECT, "its %s what %s need: %s", f->header ? "columns lack" : "first line lacks",
                   kinds[near].name, text);
}

/* What spreadsheets put before a text to say that it is UTF-8. */
static td_bytes without_mark(td_bytes line) {
    static const td_bytes mark = {(const uint8_t *)"\xef\xbb\xbf", 3};
    return line.size >= mark.size && memcmp(line.data, mark.data, mark.size) == 0
               ? (td_bytes){line.data + mark.size, line.size - mark.size}
               : line;
}

/* ---- names ---- */

/* What theirs is called; NULL: as ours. */
static const char *theirs(const td_texts *fields, const char *ours) {
    size_t size = strlen(ours);
    for (size_t i = 0; i < fields->count; i++)
        if (strncmp(fields->items[i], ours, size) == 0 && fields->items[i][size] == '=')
            return fields->items[i] + size + 1;
    return NULL;
}

static bool is_called(const td_texts *fields, column c, td_bytes name) {
    const char *other = columns[c].name != NULL ? theirs(fields, columns[c].name) : NULL;
    const char *called = other != NULL ? other : columns[c].name;
    return called != NULL && td_bytes_equal(name, td_text(called));
}

static bool is_stored_as(column c, td_bytes name) {
    return columns[c].stored != NULL && td_bytes_equal(name, td_text(columns[c].stored));
}

bool td_csv_knows(const td_texts *fields, td_bytes name) {
    for (int c = 0; c < COLUMN_COUNT; c++)
        if (is_called(fields, (column)c, name) || is_stored_as((column)c, name)) return true;
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
        if (td_bytes_equal(name, td_text(results[i]))) return true;
    return false;
}

td_status td_csv_check_fields(const td_texts *fields) {
    const char *ours[COLUMN_COUNT + 1];
    size_t count = 0;
    for (int c = 0; c < COLUMN_COUNT; c++)
        if (columns[c].name != NULL) ours[count++] = columns[c].name;
    ours[count] = NULL;
    for (size_t i = 0; i < fields->count; i++) {
        char word[32];
        size_t size = strcspn(fields->items[i], "="), k = 0;
        (void)snprintf(word, sizeof word, "%.*s", (int)size, fields->items[i]);
        while (ours[k] != NULL && strcmp(ours[k], word) != 0) k++;
        const char *nearest = ours[k] == NULL ? td_nearest(word, ours) : NULL;
        if (ours[k] == NULL)
            return TD_FAIL(TD_CONFIG, "fields.%s: no column of ours%s%s%s", word,
                           nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                           nearest != NULL ? "\"?" : "");
        if (theirs(fields, word) != fields->items[i] + size + 1)
            return TD_FAIL(TD_CONFIG, "fields.%s: it is there twice", word);
    }
    return TD_OK;
}

/* ---- a file's begin ---- */

typedef bool (*is_named_fn)(const td_texts *fields, column c, td_bytes name);

static bool is_stored_by(const td_texts *fields, column c, td_bytes name) {
    (void)fields;
    return is_stored_as(c, name);
}

static void place_columns(csv_file *f, const td_bytes *names, const td_texts *fields, is_named_fn is_named) {
    for (size_t i = 0; i < f->columns && i < COLUMNS_MAX; i++)
        for (int c = 0; c < COLUMN_COUNT; c++)
            if (is_named(fields, (column)c, names[i])) f->place[c] = (uint8_t)(i + 1);
}

static bool is_of_results(const csv_file *f, const td_bytes *names) {
    size_t met = 0;
    for (size_t i = 0; i < f->columns && i < COLUMNS_MAX; i++)
        for (size_t k = 0; k < sizeof results / sizeof results[0]; k++)
            met += td_bytes_equal(names[i], td_text(results[k]));
    return met == sizeof results / sizeof results[0];
}

/* Of our own an exact number; else as people write it. */
static bool read_time(const csv_file *f, td_bytes text, int64_t *out_ns) {
    bool inexact;
    td_status status = f->stored ? td_decimal_parse(text, 0, out_ns, &inexact) : td_time_parse(text, out_ns);
    return status == TD_OK && *out_ns > 0;
}

/* No row is of an earlier time; 0: nobody knows. */
static td_status find_start(const csv_file *f, const td_recording_file *file, int64_t *out_ns) {
    uint8_t place = f->place[RECEIVE] > 0 ? f->place[RECEIVE] : f->place[TIME];
    td_bytes text;
    int64_t ns;
    td_status status = file->least != NULL ? file->least(file->of, place - 1u, &text) : TD_AGAIN;
    *out_ns = status == TD_OK && read_time(f, text, &ns) ? ns : 0;
    return status == TD_AGAIN ? TD_OK : status;
}

static td_status csv_begin(void *state, const td_recording_file *file, td_recording_begin *out) {
    csv_file *f = state;
    td_bytes names[COLUMNS_MAX];
    f->naming = file->naming;
    f->header = file->least != NULL;
    f->columns = split(f, without_mark(file->first_line), names);
    place_columns(f, names, file->fields, is_called);
    if (f->place[TIME] == 0) {
        memset(f->place, 0, sizeof f->place);
        place_columns(f, names, file->fields, is_stored_by);
        f->stored = f->place[TIME] > 0;
        if (!f->stored) place_columns(f, names, file->fields, is_called);
        if (is_of_results(f, names))
            return TD_FAIL(TD_REJECT, "it is a table of results, which are made of trades and quotes anew: give those");
    }
    for (int kind = KIND_COUNT - 1; kind >= NEWS; kind--) {
        if (!has_all(f, (csv_kind)kind)) continue;
        f->kind = (csv_kind)kind;
        *out = (td_recording_begin){.rank = !f->stored && (kind == TRADES || kind == BARS) ? 1 : 0};
        return find_start(f, file, &out->start_ns);
    }
    return fail_columns(f);
}

/* ---- rows ---- */

typedef struct csv_row {
    const csv_file *file;
    td_book_level *levels; /* the file's */
    td_bytes columns[COLUMNS_MAX];
    char name[TD_INSTRUMENT_NAME_MAX + 1]; /* of the venue and a symbol */
    uint8_t flags;
    td_reason reason; /* the first thing that was wrong, */
    column wrong;     /* and where */
} csv_row;

static void refuse(csv_row *r, column c, td_reason reason) {
    if (r->reason != TD_REASON_NONE || reason == TD_REASON_NONE) return;
    r->reason = reason;
    r->wrong = c;
}

static td_bytes text_of(const csv_row *r, column c) {
    return r->file->place[c] == 0 ? (td_bytes){0} : r->columns[r->file->place[c] - 1];
}

/* TD_NONE where it is not said. */
static int64_t number_of(csv_row *r, column c, int scale) {
    int64_t m = TD_NONE;
    td_bytes text = text_of(r, c);
    if (text.size == 0) return TD_NONE;
    refuse(r, c, td_recorded_number(text, scale, &m, &r->flags));
    return m;
}

static int64_t needed(csv_row *r, column c, int scale) {
    if (text_of(r, c).size == 0) refuse(r, c, TD_REASON_MALFORMED);
    return number_of(r, c, scale);
}

static bool is_text(td_bytes text) { return td_utf8_find_bad(text) == text.size; }

static td_code code_of(csv_row *r, column c) {
    td_code code = {0};
    td_bytes text = text_of(r, c);
    if (text.size > TD_CODE_MAX || !is_text(text)) {
        refuse(r, c, TD_REASON_MALFORMED);
        return code;
    }
    code.size = (uint8_t)text.size;
    if (text.size > 0) memcpy(code.text, text.data, text.size);
    return code;
}

static void read_trade(csv_row *r, td_event *e) {
    td_bytes side = text_of(r, SIDE);
    e->kind = TD_EVENT_TRADE;
    e->trade = (td_trade){.price = needed(r, PRICE, TD_PRICE_SCALE), .size = needed(r, SIZE, TD_SIZE_SCALE)};
    e->trade.trade_id = number_of(r, ID, 0);
    e->trade.exchange = code_of(r, EXCHANGE);
    e->trade.condition = code_of(r, CONDITION);
    if (td_bytes_equal(side, TD_TEXT("buy")))
        e->trade.side = TD_SIDE_BUY;
    else if (td_bytes_equal(side, TD_TEXT("sell")))
        e->trade.side = TD_SIDE_SELL;
    else if (side.size > 0 && !(r->file->stored && td_bytes_equal(side, td_text(td_side_name(TD_SIDE_UNKNOWN)))))
        refuse(r, SIDE, TD_REASON_MALFORMED);
}

/* A side with a price may say no size; one without a price is missing. */
static void read_side(csv_row *r, column price, column size, int64_t *out_price, int64_t *out_size) {
    *out_price = number_of(r, price, TD_PRICE_SCALE);
    *out_size = *out_price != TD_NONE ? number_of(r, size, TD_SIZE_SCALE) : TD_NONE;
}

static void read_quote(csv_row *r, td_event *e) {
    e->kind = TD_EVENT_QUOTE;
    e->quote = (td_quote){
        .sequence = number_of(r, SEQUENCE, 0), .exchange = code_of(r, EXCHANGE), .condition = code_of(r, CONDITION)};
    read_side(r, BID, BID_SIZE, &e->quote.bid_price, &e->quote.bid_size);
    read_side(r, ASK, ASK_SIZE, &e->quote.ask_price, &e->quote.ask_size);
}

/* The next of the words with spaces between them; empty: there are no more. */
static td_bytes next_word(td_bytes *words) {
    while (words->size > 0 && words->data[0] == ' ') *words = (td_bytes){words->data + 1, words->size - 1};
    const uint8_t *space = words->size > 0 ? memchr(words->data, ' ', words->size) : NULL;
    td_bytes word = {words->data, space != NULL ? (size_t)(space - words->data) : words->size};
    *words = td_bytes_from(*words, word.size);
    return word;
}

/* "61500.5 0.7 61500 1.2": prices, each with what stands there. */
static void read_levels(csv_row *r, column c, td_book_side side, td_book *book) {
    td_bytes words = text_of(r, c), price;
    while (r->reason == TD_REASON_NONE && (price = next_word(&words)).size > 0) {
        td_book_level level = {.side = (uint8_t)side};
        refuse(r, c, td_recorded_number(price, TD_PRICE_SCALE, &level.price, &r->flags));
        refuse(r, c, td_recorded_number(next_word(&words), TD_SIZE_SCALE, &level.size, &r->flags));
        bool good = level.price > 0 && level.size > 0 && book->level_count < TD_BOOK_LEVELS_MAX;
        if (!good) refuse(r, c, TD_REASON_MALFORMED);
        if (r->reason == TD_REASON_NONE) r->levels[book->level_count++] = level;
    }
}

/* All of it, as it stands from then on. */
static void read_book(csv_row *r, td_event *e) {
    e->kind = TD_EVENT_BOOK;
    e->book = (td_book){.first_sequence = TD_NONE, .last_sequence = TD_NONE, .snapshot = true, .levels = r->levels};
    read_levels(r, BIDS, TD_BOOK_BID, &e->book);
    read_levels(r, ASKS, TD_BOOK_ASK, &e->book);
}

/* The trade of that part. */
static void read_bar(csv_row *r, uint32_t part, td_event *e) {
    int64_t open = needed(r, OPEN, TD_PRICE_SCALE), high = needed(r, HIGH, TD_PRICE_SCALE);
    int64_t low = needed(r, LOW, TD_PRICE_SCALE), close = needed(r, CLOSE, TD_PRICE_SCALE);
    int64_t volume = needed(r, VOLUME, TD_SIZE_SCALE), quarter = volume / BAR_TRADES;
    bool rises = close >= open;
    const int64_t prices[BAR_TRADES] = {open, rises ? low : high, rises ? high : low, close};
    e->kind = TD_EVENT_TRADE;
    e->event_ns += part * TD_NS_PER_MS;
    e->trade = (td_trade){.price = prices[part],
                          .size = part + 1 < BAR_TRADES ? quarter : volume - (BAR_TRADES - 1) * quarter,
                          .trade_id = TD_NONE};
    bool ordered = low <= open && low <= close && high >= open && high >= close;
    if (!ordered) refuse(r, high < open || high < close ? HIGH : LOW, TD_REASON_MALFORMED);
}

static void read_news(csv_row *r, td_event *e) {
    int64_t sentiment = number_of(r, SENTIMENT, TD_PRICE_SCALE);
    td_news *n = &e->news;
    e->kind = TD_EVENT_NEWS;
    *n = (td_news){.headline = text_of(r, HEADLINE),
                   .source = text_of(r, SOURCE),
                   .url = text_of(r, URL),
                   .id = text_of(r, ID),
                   .sentiment = sentiment == TD_NONE ? NAN : td_decimal_double(sentiment, TD_PRICE_SCALE)};
    bool good = n->headline.size > 0 && is_text(n->headline) && is_text(n->source) && is_text(n->url) && is_text(n->id);
    if (!good) refuse(r, HEADLINE, TD_REASON_MALFORMED);
}

/* Of news that name an instrument twice there is one event of it. */
static void mark_again(const csv_row *r, uint8_t again[NEWS_INSTRUMENTS_MAX]) {
    td_bytes names = text_of(r, INSTRUMENT), before[NEWS_INSTRUMENTS_MAX];
    for (uint32_t i = 0; i < NEWS_INSTRUMENTS_MAX && (before[i] = next_word(&names)).size > 0; i++) {
        again[i] = 0;
        for (uint32_t k = 0; k < i && again[i] == 0; k++) again[i] = td_bytes_equal(before[k], before[i]);
    }
}

/* A symbol alone gets the feed's venue, where one is configured. */
static bool name_instrument(csv_row *r, td_bytes name, td_bytes *out) {
    const char *venue = r->file->naming.venue;
    size_t size = venue != NULL ? strlen(venue) + 1 : 0;
    *out = name;
    if (venue == NULL || (name.size > 0 && memchr(name.data, ':', name.size) != NULL))
        return td_instrument_name_valid(name);
    if (size + name.size > TD_INSTRUMENT_NAME_MAX) return false;
    (void)snprintf(r->name, sizeof r->name, "%s:%.*s", venue, (int)name.size, (const char *)name.data);
    *out = (td_bytes){(const uint8_t *)r->name, size + name.size};
    return td_instrument_name_valid(*out);
}

/* The instrument of this part; of news there may be several, or none. False: one is none, or they are too many. */
static bool find_instrument(csv_row *r, td_bytes *out, bool *out_more) {
    const csv_file *f = r->file;
    td_bytes names = text_of(r, INSTRUMENT), name = names;
    *out_more = false;
    if (f->kind == NEWS && names.size == 0) *out = TD_TEXT(TD_GENERAL_NEWS);
    if (f->kind == NEWS && names.size == 0) return true;
    if (f->kind != NEWS) return name_instrument(r, name, out);
    for (uint32_t i = 0, part = 0; (name = next_word(&names)).size > 0; i++) {
        if (i == NEWS_INSTRUMENTS_MAX || !td_instrument_name_valid(name)) return false;
        if (f->again[i]) continue;
        if (part == f->part) *out = name;
        *out_more |= part++ > f->part;
    }
    return true;
}

static void read_row(csv_row *r, uint32_t part, td_event *e) {
    static void (*const readers[])(csv_row *, td_event *) = {
        [TRADES] = read_trade, [QUOTES] = read_quote, [BOOKS] = read_book, [NEWS] = read_news};
    if (r->file->kind == BARS)
        read_bar(r, part, e);
    else
        readers[r->file->kind](r, e);
}

/* Of a line with so many columns what is wrong before its values are looked at; NULL: nothing. */
static const char *find_wrong(const csv_row *r, size_t count, int64_t *out_event_ns) {
    if (count == 0) return "a quote that does not end, or goes on behind its end";
    if (count != r->file->columns) return "not as many columns as the first line";
    if (read_time(r->file, text_of(r, TIME), out_event_ns)) return NULL;
    return r->file->stored ? "event_ns is no whole number of ns since 1970" : columns[TIME].wrong;
}

/* Of a row of our stores: when it came, in which order, and what its flags and origin say. A release is one again: the
 * rule that refused it would refuse it now, too. What was asked for afterwards is here what comes late. */
static void read_stored(csv_row *r, td_recorded *out) {
    td_event *e = &out->event;
    int64_t flags = number_of(r, FLAGS, 0), order = number_of(r, PLACE, 0);
    out->clock_ns = number_of(r, RECEIVE, 0);
    out->order = order != TD_NONE ? order : 0;
    if (out->clock_ns == TD_NONE) out->clock_ns = e->event_ns;
    if (out->clock_ns <= 0) refuse(r, RECEIVE, TD_REASON_RANGE);
    if (flags != TD_NONE) r->flags |= flags & (TD_FLAG_INEXACT | TD_FLAG_TIME_RECEIVE | TD_FLAG_SUSPICIOUS);
    if (!td_bytes_equal(text_of(r, ORIGIN), td_text(td_event_origin_name(TD_ORIGIN_RELEASE)))) return;
    r->flags |= TD_FLAG_ANEW;
    e->origin = TD_ORIGIN_RELEASE;
    e->receive_ns = out->clock_ns;
    e->of_epoch = e->of_offset = TD_NONE;
    for (int reason = 0; reason < TD_REASON_COUNT; reason++)
        if (td_reason_is_releasable((td_reason)reason)) e->pass |= UINT32_C(1) << reason;
}

static void read_event(csv_row *r, uint32_t part, td_recorded *out) {
    out->clock_ns = out->event.event_ns;
    read_row(r, part, &out->event);
    if (r->file->kind == BARS) out->clock_ns = out->event.event_ns;
    if (r->file->stored) read_stored(r, out);
    out->event.flags = r->flags;
}

static void csv_decode(void *state, td_bytes line, td_recorded *out) {
    csv_file *f = state;
    csv_row r = {.file = f, .levels = f->levels};
    td_event *e = &out->event;
    td_bytes name;
    bool more;
    if (!f->header) { /* the first line that is not blank names the columns */
        f->header = true;
        out->kind = TD_ITEM_END;
        return;
    }
    *e = (td_event){0};
    const char *wrong = find_wrong(&r, split(f, line, r.columns), &e->event_ns);
    if (wrong == NULL && f->kind == NEWS && f->part == 0) mark_again(&r, f->again);
    if (wrong == NULL && !find_instrument(&r, &name, &more)) wrong = columns[INSTRUMENT].wrong;
    if (wrong != NULL) {
        td_recorded_reject(out, TD_REASON_MALFORMED, wrong);
        return;
    }
    e->instrument = td_instruments_intern(f->naming.instruments, name);
    read_event(&r, f->part, out);
    if (r.reason != TD_REASON_NONE) {
        f->part = 0;
        out->clock_ns = 0;
        td_recorded_reject(out, r.reason, columns[r.wrong].wrong);
        return;
    }
    if (f->kind == BARS) more = f->part + 1 < BAR_TRADES;
    f->part = more ? f->part + 1 : 0;
    out->more = more;
    out->kind = TD_ITEM_EVENT;
    td_recorded_check_instants(out);
}

/* ---- as a feed ---- */

const td_recording_ops td_csv_of_text = {
    .state_size = sizeof(csv_file), .plain = true, .begin = csv_begin, .decode = csv_decode};
const td_recording_ops td_csv_of_parquet = {
    .state_size = sizeof(csv_file), .files = &td_parquet_files, .begin = csv_begin, .decode = csv_decode};
const td_recording_ops td_csv_of_avro = {
    .state_size = sizeof(csv_file), .files = &td_avro_files, .begin = csv_begin, .decode = csv_decode};

static td_status csv_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    td_status status = td_csv_check_fields(&conf->fields);
    return status == TD_OK ? td_recording_open(out, os, conf, &td_csv_of_text, instruments) : status;
}

static const td_option csv_options[] = {TD_FEED_ROWS_RULES(NULL, "basic"), TD_RECORDING_ROWS, TD_CSV_ROW_FIELDS, {0}};

const td_feed_ops td_feed_csv = {.format = "csv",
                                 .is_file = true,
                                 .options = csv_options,
                                 .open = csv_open,
                                 .next = td_recording_next,
                                 .file = td_recording_file_of,
                                 .close = td_recording_close};
