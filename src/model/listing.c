/* src/model/listing.c - reads the instrument table's lines, and finds rows by name. */
#include "model/listing.h"
#include "base/decimal.h"
#include "base/lines.h"
#include "base/option.h"
#include "base/time.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS_MAX = 64, WORD_MAX = 63, NEAR_MIN = 5 };

typedef struct reading {
    td_listings *table;
    size_t columns[COLUMNS_MAX]; /* the header's, by their place among all; the user's own are passed over */
    td_bytes names[COLUMNS_MAX];
    size_t column_count, line;
} reading;

static td_bytes take(td_bytes *text, char end) { return td_text_trim(td_text_take(text, end)); }

static bool keep(td_bytes text, char *out, size_t capacity) {
    if (text.size >= capacity) return false;
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return true;
}

/* ---- rows ---- */

static bool pattern_valid(td_bytes pattern) {
    bool open = pattern.size > 0 && pattern.data[pattern.size - 1] == '*';
    if (!open) return td_instrument_name_valid(pattern);
    return pattern.size <= TD_INSTRUMENT_NAME_MAX && memchr(pattern.data, '*', pattern.size - 1) == NULL;
}

static size_t place_of(const td_listings *t, const char *pattern) {
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(t->rows[middle].pattern, pattern) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const td_listings *t, size_t place, const char *pattern) {
    return place < t->count && strcmp(t->rows[place].pattern, pattern) == 0;
}

static td_status add_row(const reading *r, const td_listing *row) {
    td_listings *t = r->table;
    size_t place = place_of(t, row->pattern);
    if (is_at(t, place, row->pattern)) {
        if (t->rows[place].text == row->text)
            return TD_FAIL(TD_CONFIG, "line %zu: %s has a row already", r->line, row->pattern);
        t->rows[place] = *row;
        return TD_OK;
    }
    size_t size = (t->count + 1) * sizeof *row;
    if ((t->count & (t->count - 1)) == 0) /* it grows at powers of two */
        t->rows = td_alloc_check(realloc(t->rows, t->count > 0 ? 2 * size : size), size);
    memmove(&t->rows[place + 1], &t->rows[place], (t->count++ - place) * sizeof *row);
    t->rows[place] = *row;
    return TD_OK;
}

const td_listing *td_listings_find(const td_listings *t, td_bytes name) {
    char pattern[TD_INSTRUMENT_NAME_MAX + 2];
    if (!keep(name, pattern, TD_INSTRUMENT_NAME_MAX + 1)) return NULL;
    size_t place = place_of(t, pattern);
    for (size_t size = name.size + 1; !is_at(t, place, pattern) && size-- > 0; place = place_of(t, pattern))
        memcpy(pattern + size, "*", 2);
    return is_at(t, place, pattern) ? &t->rows[place] : NULL;
}

/* ---- aliases ---- */

static int compare_aliases(const void *a, const void *b) {
    const td_alias *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->until_ns > y->until_ns) - (x->until_ns < y->until_ns);
}

/* "FB<2022-06-09", or "XBT" for all time; of the row's venue. */
static td_status add_alias(const reading *r, const td_listing *row, td_bytes word) {
    td_listings *t = r->table;
    td_alias alias = {.until_ns = INT64_MAX};
    int64_t days = 0;
    td_bytes day = word, symbol = take(&day, '<');
    int venue = (int)strcspn(row->pattern, ":"), size;
    size = snprintf(alias.name, sizeof alias.name, "%.*s:%.*s", venue, row->pattern, (int)symbol.size,
                    (const char *)symbol.data);
    bool valid = size < (int)sizeof alias.name && td_instrument_name_valid(td_text(alias.name));
    if (row->pattern[strlen(row->pattern) - 1] == '*' || strcmp(alias.name, row->pattern) == 0 || !valid)
        return TD_FAIL(TD_CONFIG, "line %zu: aliases: \"%.*s\" is no other name of %s", r->line, (int)word.size,
                       (const char *)word.data, row->pattern);
    if (symbol.size < word.size && td_date_parse(day, &days) != TD_OK)
        return TD_FAIL(TD_CONFIG, "line %zu: aliases: \"%.*s\" is not a day such as 2022-06-09", r->line, (int)day.size,
                       (const char *)day.data);
    if (symbol.size < word.size) alias.until_ns = days * TD_NS_PER_DAY;
    (void)snprintf(alias.means, sizeof alias.means, "%s", row->pattern);
    for (size_t i = 0; i < t->alias_count; i++)
        if (compare_aliases(&t->aliases[i], &alias) == 0)
            return TD_FAIL(TD_CONFIG, "line %zu: aliases: %.*s means %s already", r->line, (int)word.size,
                           (const char *)word.data, t->aliases[i].means);
    size_t bytes = (t->alias_count + 1) * sizeof alias;
    t->aliases = td_alloc_check(realloc(t->aliases, bytes), bytes);
    t->aliases[t->alias_count++] = alias;
    return TD_OK;
}

static td_status add_aliases(const reading *r, const td_listing *row, td_bytes words) {
    td_status status = TD_OK;
    while (status == TD_OK && (words = td_text_trim(words)).size > 0) status = add_alias(r, row, take(&words, ' '));
    return status;
}

/* ---- lines ---- */

typedef struct column {
    const char *word;
    size_t offset, size; /* of its text in a row; 0: it is read otherwise */
} column;

#define TEXT_COLUMN(field)                                                                                             \
    { #field, offsetof(td_listing, field), sizeof(((td_listing *)NULL)->field) }
static const column columns[] = {{"instrument", 0, 0}, TEXT_COLUMN(asset),    {"tick", 0, 0},   TEXT_COLUMN(currency),
                                 TEXT_COLUMN(unit),    TEXT_COLUMN(calendar), {"aliases", 0, 0}};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0], INSTRUMENT = 0, ALIASES = COLUMN_COUNT - 1 };

/* A column of the user's own, for strategies: a name in their texts, and none of ours misspelt. */
static td_status check_own(const reading *r, td_bytes word) {
    const char *words[COLUMN_COUNT + 1] = {NULL};
    char copy[WORD_MAX + 1];
    bool name = keep(word, copy, sizeof copy) && word.size > 0 && isdigit(word.data[0]) == 0;
    for (size_t i = 0; i < word.size; i++) name = name && (isalnum(word.data[i]) != 0 || word.data[i] == '_');
    if (!name)
        return TD_FAIL(TD_CONFIG, "line %zu: \"%.*s\" is no name of a column: letters, digits and _, at most %d",
                       r->line, (int)word.size, (const char *)word.data, WORD_MAX);
    for (size_t i = 0; i < COLUMN_COUNT; i++) words[i] = columns[i].word;
    const char *near = td_nearest(copy, words);
    if (near == NULL || near[0] != copy[0] || word.size < NEAR_MIN) return TD_OK; /* short words are near to many */
    return TD_FAIL(TD_CONFIG, "line %zu: \"%s\" is near to the column %s; write that, or take another name", r->line,
                   copy, near);
}

static td_status read_header(reading *r, td_bytes line) {
    while (line.size > 0) {
        td_bytes word = take(&line, ',');
        size_t i = 0;
        while (i < COLUMN_COUNT && !td_bytes_equal(word, td_text(columns[i].word))) i++;
        if (r->column_count == 0 && i != INSTRUMENT)
            return TD_FAIL(TD_CONFIG, "line %zu: the first column is instrument", r->line);
        if (r->column_count == COLUMNS_MAX)
            return TD_FAIL(TD_CONFIG, "line %zu: %d columns are the most there can be", r->line, COLUMNS_MAX);
        for (size_t k = 0; k < r->column_count; k++)
            if (td_bytes_equal(r->names[k], word))
                return TD_FAIL(TD_CONFIG, "line %zu: column %.*s stands there twice", r->line, (int)word.size,
                               (const char *)word.data);
        td_status status = i == COLUMN_COUNT ? check_own(r, word) : TD_OK;
        if (status != TD_OK) return status;
        r->names[r->column_count] = word;
        r->columns[r->column_count++] = i;
    }
    return TD_OK;
}

static bool read_field(td_listing *row, const column *c, td_bytes text) {
    bool inexact;
    if (text.size == 0) return true;
    if (c->size > 0) return keep(text, (char *)row + c->offset, c->size);
    return td_decimal_parse(text, TD_PRICE_SCALE, &row->tick, &inexact) == TD_OK && !inexact && row->tick > 0;
}

static td_status read_row(reading *r, td_bytes line) {
    td_listing row = {.text = r->table->texts};
    td_bytes pattern = take(&line, ','), aliases = {0};
    if (!pattern_valid(pattern))
        return TD_FAIL(TD_CONFIG, "line %zu: instrument: \"%.*s\" is not VENUE:SYMBOL, VENUE:* or *", r->line,
                       (int)pattern.size, (const char *)pattern.data);
    (void)keep(pattern, row.pattern, sizeof row.pattern);
    for (size_t i = 1; i < r->column_count && i < COLUMNS_MAX; i++) {
        td_bytes text = take(&line, ',');
        if (r->columns[i] == COLUMN_COUNT) continue;
        const column *c = &columns[r->columns[i]];
        if (c == &columns[ALIASES])
            aliases = text;
        else if (!read_field(&row, c, text))
            return TD_FAIL(TD_CONFIG, "line %zu: %s: \"%.*s\" is not one", r->line, c->word, (int)text.size,
                           (const char *)text.data);
    }
    if (line.size > 0) return TD_FAIL(TD_CONFIG, "line %zu: more fields than columns", r->line);
    td_status status = add_row(r, &row);
    return status == TD_OK ? add_aliases(r, &row, aliases) : status;
}

td_status td_listings_read(td_listings *table, td_bytes csv) {
    reading r = {.table = table};
    td_status status = TD_OK;
    while (status == TD_OK && csv.size > 0) {
        td_bytes line = take(&csv, '\n');
        r.line++;
        if (line.size == 0 || line.data[0] == '#') continue;
        status = r.column_count == 0 ? read_header(&r, line) : read_row(&r, line);
    }
    if (table->alias_count > 0) qsort(table->aliases, table->alias_count, sizeof *table->aliases, compare_aliases);
    table->texts++;
    return status;
}

void td_listings_fini(td_listings *table) {
    free(table->rows);
    free(table->aliases);
    *table = (td_listings){0};
}
