/* src/lang/program.c - settings and strategies -> canonical body -> compiled program. */
#include "lang/program.h"
#include "base/hash.h"
#include "base/json.h"
#include "stream/carry.h"
#include <inttypes.h>
#include <stdlib.h>

/* What `apply` means. A change of meaning changes this word, and with it the hash of every program. */
#define ENGINE_VERSION "2"
#define ENGINE_BEFORE  "1" /* its bodies are read: what a log holds is replayed as it was made */

static const char *const rules_words[] = {
    [TD_RULES_BASIC] = "basic", [TD_RULES_VENUE] = "venue", [TD_RULES_OFF] = "off"};
static const char *const hours_words[] = {"all", "regular"};
static const char *const ids_words[] = {[TD_IDS_ORDERED] = "ordered", [TD_IDS_ANY] = "any", [TD_IDS_OFF] = "off"};

/* ---- writing ---- */

static int compare_texts(const void *a, const void *b) {
    return td_bytes_compare(*(const td_bytes *)a, *(const td_bytes *)b);
}

static int compare_feeds(const void *a, const void *b) {
    const td_program_feed *x = *(const td_program_feed *const *)a, *y = *(const td_program_feed *const *)b;
    return strcmp(x->name, y->name);
}

static const char *const condition_keys[2][3] = {{"no_volume", "no_high_low", "no_last"},
                                                 {"extended_no_volume", "extended_no_high_low", "extended_no_last"}};

static void put_conditions(const td_conditions *c, const char *const keys[3], td_buf *out) {
    td_buf_printf(out, ",\"%s\":%" PRIu64 ",\"%s\":%" PRIu64 ",\"%s\":%" PRIu64, keys[0], c->no_volume, keys[1],
                  c->no_high_low, keys[2], c->no_last);
}

static void put_feed(const td_program_feed *feed, bool extended, td_buf *out) {
    td_buf_text(out, "{\"name\":");
    td_json_put_string(out, td_text(feed->name));
    td_buf_printf(out,
                  ",\"lateness_ns\":%" PRId64 ",\"max_ahead_ns\":%" PRId64 ",\"max_instruments\":%" PRId64
                  ",\"rules\":\"%s\",\"trade_ids\":\"%s\",\"max_delay_ns\":%" PRId64 ",\"silence_ns\":%" PRId64,
                  feed->lateness_ns, feed->max_ahead_ns, feed->max_instruments, rules_words[feed->rules],
                  ids_words[feed->trade_ids], feed->max_delay_ns, feed->silence_ns);
    if (feed->rules == TD_RULES_VENUE) put_conditions(&feed->conditions, condition_keys[0], out);
    if (feed->rules == TD_RULES_VENUE && extended) put_conditions(&feed->extended, condition_keys[1], out);
    td_buf_text(out, "}");
}

static void put_feeds(const td_program_settings *s, td_buf *out) {
    const td_program_feed *feeds[TD_PROGRAM_FEEDS_MAX];
    for (size_t i = 0; i < s->feed_count; i++) feeds[i] = &s->feeds[i];
    qsort(feeds, s->feed_count, sizeof feeds[0], compare_feeds);
    bool extended = false;
    for (size_t w = 0; w < s->width_count; w++) extended |= td_width_is_extended(s->widths_ns[w]);
    for (size_t i = 0; i < s->feed_count; i++) {
        if (i > 0) td_buf_text(out, ",");
        put_feed(feeds[i], extended, out);
    }
}

static void put_calendars(const td_program_settings *s, td_buf *out) {
    td_buf_text(out, ",\"calendars\":[");
    for (size_t i = 0; i < s->calendar_count; i++) {
        if (i > 0) td_buf_text(out, ",");
        td_json_put_string(out, s->calendars[i]);
    }
    td_buf_text(out, "],\"instruments\":{");
    for (size_t i = 0; i < s->listing_count; i++) {
        if (i > 0) td_buf_text(out, ",");
        td_json_put_string(out, td_text(s->listings[i].pattern));
        td_buf_printf(out, ":%" PRIu32, s->listings[i].calendar);
    }
    td_buf_text(out, "}");
}

void td_program_body(const td_program_settings *s, td_buf *out) {
    td_buf_printf(out,
                  "{\"engine\":\"" ENGINE_VERSION "\",\"hours\":\"%s\",\"grace_ns\":%" PRId64
                  ",\"repair_horizon_ns\":%" PRId64 ",\"fills\":1",
                  hours_words[s->regular], s->grace_ns, s->repair_horizon_ns);
    put_calendars(s, out);
    td_buf_text(out, ",\"bars_ns\":[");
    for (size_t i = 0; i < s->width_count; i++) td_buf_printf(out, "%s%" PRId64, i > 0 ? "," : "", s->widths_ns[i]);
    td_buf_text(out, "],\"feeds\":[");
    put_feeds(s, out);
    td_buf_text(out, "],\"strategies\":[");
    td_bytes *texts = td_alloc_zero(s->strategy_count + 1, sizeof *texts);
    for (size_t i = 0; i < s->strategy_count; i++) texts[i] = s->strategies[i];
    qsort(texts, s->strategy_count, sizeof *texts, compare_texts);
    for (size_t i = 0; i < s->strategy_count; i++) {
        if (i > 0) td_buf_text(out, ",");
        td_json_put_string(out, texts[i]);
    }
    free(texts);
    td_buf_text(out, "]}");
}

/* ---- reading ---- */

typedef struct body { /* what is read of a body before it is compiled */
    bool before;      /* of the engine before */
    td_program *program;
    td_buf texts[TD_PROGRAM_FEEDS_MAX];
    size_t text_count;
} body;

static bool key_is(td_json *j, const char *key) {
    return td_json_next(j) == TD_JSON_KEY && td_bytes_equal(j->text, td_text(key));
}

static bool string_is(td_json *j, const char *text) {
    return td_json_next(j) == TD_JSON_STRING && td_bytes_equal(j->text, td_text(text));
}

static bool read_integer(td_json *j, int64_t *out) {
    bool inexact;
    return td_decimal_parse(j->text, 0, out, &inexact) == TD_OK && !inexact;
}

static bool read_widths(td_json *j, td_program *p) {
    if (td_json_next(j) != TD_JSON_ARRAY) return false;
    td_json_type type;
    while ((type = td_json_next(j)) == TD_JSON_NUMBER) {
        int64_t width_ns;
        if (p->width_count == TD_WIDTHS_MAX || !read_integer(j, &width_ns) || !td_width_is_sound(width_ns))
            return false;
        p->counted_count += !td_width_is_timed(width_ns);
        if (p->width_count > 0 && width_ns <= p->widths_ns[p->width_count - 1]) return false;
        p->widths_ns[p->width_count++] = width_ns;
    }
    return type == TD_JSON_ARRAY_END && p->width_count > 0;
}

static bool read_number(td_json *j, const char *key, int64_t *out) {
    return key_is(j, key) && td_json_next(j) == TD_JSON_NUMBER && read_integer(j, out);
}

/* One that bodies before did not have: then *out stays. */
static bool read_young_number(td_json *j, const char *key, int64_t *out) {
    td_json before = *j;
    if (read_number(j, key, out)) return true;
    *j = before;
    return true;
}

static bool read_word(td_json *j, const char *key, const char *const words[3], int *out) {
    if (!key_is(j, key) || td_json_next(j) != TD_JSON_STRING) return false;
    for (*out = 0; *out < 3; ++*out)
        if (td_bytes_equal(j->text, td_text(words[*out]))) return true;
    return false;
}

/* What the engine before knew of a feed: nothing but how late its events may be. */
static td_program_feed feed_before(void) {
    return (td_program_feed){.lateness_ns = td_program_feed_default().lateness_ns,
                             .max_ahead_ns = INT64_MAX,
                             .max_instruments = INT64_MAX,
                             .rules = TD_RULES_OFF,
                             .trade_ids = TD_IDS_OFF};
}

static bool read_conditions(td_json *j, const char *const keys[3], td_conditions *out) {
    int64_t no_volume, no_high_low, no_last;
    if (!read_number(j, keys[0], &no_volume) || !read_number(j, keys[1], &no_high_low) ||
        !read_number(j, keys[2], &no_last))
        return false;
    *out = (td_conditions){(uint64_t)no_volume, (uint64_t)no_high_low, (uint64_t)no_last};
    return no_volume >= 0 && (no_volume & ~no_high_low) == 0 && (no_high_low & ~no_last) == 0;
}

static bool read_feed(td_json *j, body *b) {
    td_program *p = b->program;
    if (p->feed_count == TD_PROGRAM_FEEDS_MAX) return false;
    td_program_feed *feed = &p->feeds[p->feed_count++];
    *feed = p->unnamed;
    if (!key_is(j, "name") || td_json_next(j) != TD_JSON_STRING) return false;
    size_t size = td_json_unescape(j->text, feed->name, sizeof feed->name - 1);
    if (size == SIZE_MAX || !read_number(j, "lateness_ns", &feed->lateness_ns)) return false;
    feed->name[size] = '\0';
    feed->max_delay_ns = TD_NONE;
    bool young = b->before || (read_number(j, "max_ahead_ns", &feed->max_ahead_ns) &&
                               read_number(j, "max_instruments", &feed->max_instruments) &&
                               read_word(j, "rules", rules_words, &feed->rules) &&
                               read_word(j, "trade_ids", ids_words, &feed->trade_ids) &&
                               read_young_number(j, "max_delay_ns", &feed->max_delay_ns) &&
                               read_young_number(j, "silence_ns", &feed->silence_ns));
    feed->gaps = feed->max_delay_ns != TD_NONE; /* else the body is of an engine that knew none */
    bool venue = young && feed->rules == TD_RULES_VENUE, extended = td_program_first_extended(p) < td_program_timed(p);
    if (venue) young = read_conditions(j, condition_keys[0], &feed->conditions);
    if (venue && young && extended)
        young = read_conditions(j, condition_keys[1], &feed->extended) &&
                (feed->extended.no_last & ~feed->conditions.no_last) == 0;
    return young && td_json_next(j) == TD_JSON_OBJECT_END;
}

static bool read_feeds(td_json *j, body *b) {
    if (!key_is(j, "feeds") || td_json_next(j) != TD_JSON_ARRAY) return false;
    td_json_type type;
    while ((type = td_json_next(j)) == TD_JSON_OBJECT)
        if (!read_feed(j, b)) return false;
    return type == TD_JSON_ARRAY_END;
}

static bool read_strategies(td_json *j, body *b) {
    if (td_json_next(j) != TD_JSON_ARRAY) return false;
    td_json_type type;
    while ((type = td_json_next(j)) == TD_JSON_STRING) {
        if (b->text_count == TD_PROGRAM_FEEDS_MAX) return false;
        td_buf *text = &b->texts[b->text_count++];
        td_buf_reserve(text, j->text.size + 1);
        text->size = td_json_unescape(j->text, (char *)text->data, text->capacity);
        if (text->size == SIZE_MAX) {
            text->size = 0;
            return false;
        }
    }
    return type == TD_JSON_ARRAY_END;
}

static bool read_engine(td_json *j, body *b) {
    if (!key_is(j, "engine") || td_json_next(j) != TD_JSON_STRING) return false;
    b->before = td_bytes_equal(j->text, TD_TEXT(ENGINE_BEFORE));
    b->program->unnamed = b->before ? feed_before() : td_program_feed_default();
    return b->before || td_bytes_equal(j->text, TD_TEXT(ENGINE_VERSION));
}

static bool read_hours(td_json *j, td_program *p) {
    if (!key_is(j, "hours") || td_json_next(j) != TD_JSON_STRING) return false;
    p->regular = td_bytes_equal(j->text, td_text(hours_words[1]));
    return p->regular || td_bytes_equal(j->text, td_text(hours_words[0]));
}

static bool read_calendars(td_json *j, td_program *p) {
    td_json_type type;
    while ((type = td_json_next(j)) == TD_JSON_STRING) {
        if (p->calendar_count == TD_CALENDARS_MAX) return false;
        td_buf text = {0};
        td_buf_reserve(&text, j->text.size + 1);
        text.size = td_json_unescape(j->text, (char *)text.data, text.capacity);
        if (text.size == SIZE_MAX) text.size = 0; /* refused as a calendar */
        td_status status = td_calendar_parse(td_buf_bytes(&text), &p->calendars[p->calendar_count]);
        td_buf_fini(&text);
        if (status != TD_OK) return false;
        p->calendar_count++;
    }
    return type == TD_JSON_ARRAY_END;
}

static bool read_listing(td_json *j, td_program *p, size_t *capacity) {
    if (p->listing_count == *capacity) {
        *capacity = 2 * *capacity + 8;
        size_t size = *capacity * sizeof *p->listings;
        p->listings = td_alloc_check(realloc(p->listings, size), size);
    }
    td_program_listing *listing = &p->listings[p->listing_count];
    size_t size = td_json_unescape(j->text, listing->pattern, sizeof listing->pattern - 1);
    int64_t calendar;
    if (size == SIZE_MAX || td_json_next(j) != TD_JSON_NUMBER || !read_integer(j, &calendar)) return false;
    if (calendar < 0 || (uint64_t)calendar >= p->calendar_count) return false;
    listing->pattern[size] = '\0';
    listing->calendar = (uint32_t)calendar;
    if (p->listing_count > 0 && strcmp(listing[-1].pattern, listing->pattern) >= 0) return false;
    p->listing_count++;
    return true;
}

/* Bodies before had neither calendars nor instruments: their days were those of UTC. */
static bool read_young_calendars(td_json *j, td_program *p) {
    td_json before = *j;
    if (!key_is(j, "calendars") || td_json_next(j) != TD_JSON_ARRAY) {
        *j = before;
        return true;
    }
    if (!read_calendars(j, p) || !key_is(j, "instruments") || td_json_next(j) != TD_JSON_OBJECT) return false;
    td_json_type type;
    size_t capacity = 0;
    while ((type = td_json_next(j)) == TD_JSON_KEY)
        if (!read_listing(j, p, &capacity)) return false;
    return type == TD_JSON_OBJECT_END;
}

static bool read_body(td_bytes bytes, body *b) {
    td_json j;
    int64_t fills = 0;
    td_json_init(&j, bytes);
    if (td_json_next(&j) != TD_JSON_OBJECT || !read_engine(&j, b)) return false;
    if (!read_hours(&j, b->program)) return false;
    if (b->before ? !key_is(&j, "rules") || !string_is(&j, "basic")
                  : !read_number(&j, "grace_ns", &b->program->grace_ns) ||
                        !read_young_number(&j, "repair_horizon_ns", &b->program->repair_horizon_ns) ||
                        !read_young_number(&j, "fills", &fills))
        return false;
    b->program->fills = fills != 0;
    return (b->before || read_young_calendars(&j, b->program)) && key_is(&j, "bars_ns") &&
           read_widths(&j, b->program) && read_feeds(&j, b) && key_is(&j, "strategies") && read_strategies(&j, b) &&
           td_json_next(&j) == TD_JSON_OBJECT_END;
}

/* Gives each graph its place: by width, or behind those. A width that the body does not list is a body we did not
 * write. */
static bool place_graphs(td_program *p, td_graph **graphs, size_t graph_count) {
    bool placed = true;
    for (size_t g = 0; g < graph_count; g++) {
        bool behind = td_graph_rhythm(graphs[g]).source != TD_RHYTHM_BARS;
        size_t w = 0;
        while (w < p->width_count && p->widths_ns[w] != td_graph_width_ns(graphs[g])) w++;
        if (behind) {
            p->graphs[p->width_count + p->tick_graph_count++] = graphs[g];
        } else if (w < p->width_count) {
            p->graphs[w] = graphs[g];
        } else {
            td_graph_free(graphs[g]);
            placed = false;
        }
    }
    return placed;
}

static td_status compile_body(body *b) {
    td_source_text texts[TD_PROGRAM_FEEDS_MAX];
    for (size_t i = 0; i < b->text_count; i++) texts[i] = (td_source_text){"program", td_buf_bytes(&b->texts[i])};
    td_graph **graphs = NULL;
    size_t graph_count = 0;
    td_buf errors = {0};
    td_status status = td_lang_compile(texts, b->text_count, &graphs, &graph_count, &errors);
    if (status != TD_OK)
        status = TD_FAIL(TD_CORRUPT, "a program of the log no longer compiles: %.*s", (int)errors.size,
                         (const char *)errors.data);
    else if (!place_graphs(b->program, graphs, graph_count))
        status = TD_FAIL(TD_CORRUPT, "a program of the log has a strategy on a width that it does not list");
    if (status == TD_OK) td_carry_name_sections(b->program);
    free(graphs);
    td_buf_fini(&errors);
    return status;
}

static td_status open_body(td_bytes bytes, body *out) {
    *out = (body){.program = td_alloc_zero(1, sizeof *out->program)};
    if (read_body(bytes, out)) return TD_OK;
    return TD_FAIL(TD_CORRUPT, "a program of the log cannot be read; it may be of another version");
}

static void drop_texts(body *b) {
    for (size_t i = 0; i < b->text_count; i++) td_buf_fini(&b->texts[i]);
}

td_status td_program_each_text(td_bytes bytes, void (*each)(void *arg, td_bytes text), void *arg) {
    body b;
    td_status status = open_body(bytes, &b);
    for (size_t i = 0; i < b.text_count && status == TD_OK; i++) each(arg, td_buf_bytes(&b.texts[i]));
    drop_texts(&b);
    td_program_free(b.program);
    return status;
}

td_status td_program_compile(td_bytes bytes, td_program **out) {
    body b;
    td_status status = open_body(bytes, &b);
    if (status == TD_OK) status = compile_body(&b);
    drop_texts(&b);
    if (status != TD_OK) {
        td_program_free(b.program);
        return status;
    }
    td_sha256(bytes, b.program->sha256);
    *out = b.program;
    return TD_OK;
}
