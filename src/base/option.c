/* src/base/option.c - setting, checking and explaining the fields that option rows describe. */
#include "base/option.h"
#include "base/time.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORD_MAX = 48, NEAR_MAX = 3 };

static size_t edit_distance(const char *a, const char *b) {
    size_t row[WORD_MAX + 1];
    size_t a_size = strlen(a), b_size = strlen(b);
    if (a_size > WORD_MAX || b_size > WORD_MAX) return SIZE_MAX;
    for (size_t j = 0; j <= b_size; j++) row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
            if (above + 1 < best) best = above + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[b_size];
}

/* The better of two candidates, so that rows, words and choices need no list made for them. */
static void consider(const char *word, const char *candidate, const char **nearest, size_t *distance) {
    size_t d = edit_distance(word, candidate);
    if (d > NEAR_MAX || d > (strlen(word) + 1) / 2 || d >= *distance) return;
    *nearest = candidate;
    *distance = d;
}

const char *td_nearest(const char *word, const char *const *words) {
    const char *nearest = NULL;
    size_t distance = SIZE_MAX;
    for (; *words != NULL; words++) consider(word, *words, &nearest, &distance);
    return nearest;
}

const char *td_option_nearest(const td_option *rows, const char *key) {
    const char *nearest = NULL;
    size_t distance = SIZE_MAX;
    for (; rows->key != NULL; rows++) consider(key, rows->key, &nearest, &distance);
    return nearest;
}

static td_status fail_unknown_key(const td_option *rows, const char *key) {
    const char *nearest = td_option_nearest(rows, key);
    if (nearest == NULL) return TD_FAIL(TD_CONFIG, "%s: unknown key", key);
    return TD_FAIL(TD_CONFIG, "%s: unknown key; did you mean \"%s\"?", key, nearest);
}

const td_option *td_option_find(const td_option *rows, const char *key) {
    for (; rows->key != NULL; rows++)
        if (strcmp(rows->key, key) == 0) return rows;
    return NULL;
}

static td_status fail_value(const td_option *row, const char *value, const char *expected) {
    return TD_FAIL(TD_CONFIG, "%s: \"%s\" is not %s", row->key, value, expected);
}

/* A bound as the row's values are written. */
static void format_bound(const td_option *row, double bound, char out[24]) {
    static const char *const units[] = {"", "KB", "MB", "GB", "TB"};
    size_t unit = 0;
    switch (row->type) {
    case TD_OPTION_DURATION:
        (void)td_duration_format((int64_t)bound, out);
        return;
    case TD_OPTION_BYTES:
        for (; unit < 4 && bound >= 1024 && fmod(bound, 1024) == 0; unit++) bound /= 1024;
        break;
    default:
        break;
    }
    (void)snprintf(out, 24, "%.15g%s", bound, units[unit]);
}

static bool is_list(const td_option *row) { return row->type == TD_OPTION_TEXTS || row->type == TD_OPTION_PAIRS; }

static bool is_bounded(const td_option *row) { return row->min != 0 || row->max != 0; }

void td_option_describe(const td_option *row, td_buf *out) {
    static const char *const words[] = {
        [TD_OPTION_TEXT] = "text",
        [TD_OPTION_INT] = "whole number",
        [TD_OPTION_BOOL] = "true or false",
        [TD_OPTION_DURATION] = "duration",
        [TD_OPTION_BYTES] = "size in bytes",
        [TD_OPTION_CLOCK] = "time of day",
        [TD_OPTION_REAL] = "number",
        [TD_OPTION_TEXTS] = "text, more than once",
        [TD_OPTION_PAIRS] = "names and values",
        [TD_OPTION_SECRET] = "secret",
    };
    if (row->type != TD_OPTION_CHOICE) td_buf_text(out, words[row->type]);
    for (const char *c = row->choices; row->type == TD_OPTION_CHOICE && *c != '\0'; c++)
        td_buf_printf(out, *c == '|' ? " or " : "%c", *c);
    char least[24], most[24];
    format_bound(row, row->min, least);
    format_bound(row, row->max, most);
    if (is_bounded(row)) td_buf_printf(out, ", %s to %s", least, most);
    if (row->unit != NULL) td_buf_printf(out, is_bounded(row) ? " %s" : " of %s", row->unit);
}

static td_status check_range(const td_option *row, const char *value, double number) {
    if (!is_bounded(row) || (number >= row->min && number <= row->max)) return TD_OK;
    char least[24], most[24];
    format_bound(row, row->min, least);
    format_bound(row, row->max, most);
    return TD_FAIL(TD_CONFIG, "%s: %s is not within %s to %s", row->key, value, least, most);
}

static td_status set_int(const td_option *row, const char *value, int64_t *field) {
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    bool whole = errno == 0 && end != value && *end == '\0' && strspn(value, "+-0123456789") == strlen(value);
    if (!whole) return fail_value(row, value, "a whole number");
    td_status status = check_range(row, value, (double)number);
    if (status == TD_OK) *field = number;
    return status;
}

static td_status set_real(const td_option *row, const char *value, double *field) {
    char *end;
    double number = strtod(value, &end);
    bool plain = end != value && *end == '\0' && isfinite(number) && strspn(value, "+-.0123456789eE") == strlen(value);
    if (!plain) return fail_value(row, value, "a number");
    td_status status = check_range(row, value, number);
    if (status == TD_OK) *field = number;
    return status;
}

static td_status set_bool(const td_option *row, const char *value, bool *field) {
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(value, words[i]) != 0) continue;
        *field = i % 2 == 1;
        return TD_OK;
    }
    return fail_value(row, value, "true or false");
}

static td_status set_duration(const td_option *row, const char *value, int64_t *field) {
    int64_t ns;
    if (td_duration_parse(td_text(value), &ns) != TD_OK)
        return fail_value(row, value, "a duration such as 200ms, 5s or 1m");
    td_status status = check_range(row, value, (double)ns);
    if (status == TD_OK) *field = ns;
    return status;
}

static td_status set_bytes(const td_option *row, const char *value, int64_t *field) {
    static const struct {
        const char *name;
        int64_t bytes;
    } units[] = {{"", 1},
                 {"B", 1},
                 {"KB", INT64_C(1) << 10},
                 {"MB", INT64_C(1) << 20},
                 {"GB", INT64_C(1) << 30},
                 {"TB", INT64_C(1) << 40}};
    size_t digits = strspn(value, "0123456789");
    errno = 0;
    long long count = strtoll(value, NULL, 10);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        int64_t bytes;
        if (digits == 0 || errno != 0 || strcmp(value + digits, units[i].name) != 0) continue;
        if (__builtin_mul_overflow(count, units[i].bytes, &bytes)) break;
        td_status status = check_range(row, value, (double)bytes);
        if (status == TD_OK) *field = bytes;
        return status;
    }
    return fail_value(row, value, "a size such as 4096, 64KB, 20MB or 20GB");
}

static td_status set_clock(const td_option *row, const char *value, int64_t *field) {
    if (td_clock_parse(td_text(value), field) == TD_OK) return TD_OK;
    return fail_value(row, value, "a time of day such as 09:30");
}

static td_status set_choice(const td_option *row, const char *value, int *field) {
    const char *nearest = NULL;
    size_t distance = SIZE_MAX;
    int index = 0;
    char words[256], *next = words;
    (void)snprintf(words, sizeof words, "%s", row->choices);
    for (char *word; (word = strsep(&next, "|")) != NULL; index++) {
        if (strcmp(word, value) == 0) {
            *field = index;
            return TD_OK;
        }
        consider(value, word, &nearest, &distance);
    }
    if (nearest == NULL) return TD_FAIL(TD_CONFIG, "%s: \"%s\" is not one of %s", row->key, value, row->choices);
    return TD_FAIL(TD_CONFIG, "%s: \"%s\" is not one of %s; did you mean \"%s\"?", row->key, value, row->choices,
                   nearest);
}

static td_status set_text(const char *value, char **field) {
    char *copy = td_copy_text(value); /* before the free: `value` may be the field itself */
    free(*field);
    *field = copy;
    return TD_OK;
}

static void wipe(char **field) {
    if (*field != NULL) explicit_bzero(*field, strlen(*field));
    free(*field);
    *field = NULL;
}

static td_status set_secret(const td_option *row, const char *value, char **field) {
    size_t size = 0;
    while (value[size] > ' ' && value[size] <= '~') size++;
    if (size == 0 || size > TD_SECRET_MAX || value[size] != '\0') /* without the text: it may be nearly the right one */
        return TD_FAIL(TD_CONFIG, "%s: 1 to %d printable characters without spaces are expected", row->key,
                       TD_SECRET_MAX);
    wipe(field);
    *field = td_copy_text(value);
    return TD_OK;
}

static td_status add_text(const char *value, td_texts *field) {
    size_t bytes = (field->count + 1) * sizeof(char *);
    char **items = td_alloc_check(realloc(field->items, bytes), bytes);
    items[field->count++] = td_copy_text(value);
    field->items = items;
    return TD_OK;
}

char *td_pair_split(const char *pair, const char **out_value) {
    size_t size = strcspn(pair, "=");
    *out_value = pair[size] == '=' ? pair + size + 1 : pair + size;
    return td_copy_bytes((td_bytes){(const uint8_t *)pair, size});
}

static td_status add_pair(const td_option *row, const char *value, td_texts *field) {
    const char *equals = strchr(value, '=');
    return equals != NULL && equals > value ? add_text(value, field) : fail_value(row, value, "a NAME=VALUE");
}

static td_status set_field(const td_option *row, void *conf, const char *value) {
    void *field = (char *)conf + row->offset;
    switch (row->type) {
    case TD_OPTION_TEXT:
        return set_text(value, field);
    case TD_OPTION_INT:
        return set_int(row, value, field);
    case TD_OPTION_BOOL:
        return set_bool(row, value, field);
    case TD_OPTION_DURATION:
        return set_duration(row, value, field);
    case TD_OPTION_BYTES:
        return set_bytes(row, value, field);
    case TD_OPTION_CLOCK:
        return set_clock(row, value, field);
    case TD_OPTION_CHOICE:
        return set_choice(row, value, field);
    case TD_OPTION_REAL:
        return set_real(row, value, field);
    case TD_OPTION_TEXTS:
        return add_text(value, field);
    case TD_OPTION_PAIRS:
        return add_pair(row, value, field);
    case TD_OPTION_SECRET:
        return set_secret(row, value, field);
    }
    abort(); /* a row of a type that is none */
}

static void clear_field(const td_option *row, void *conf) {
    void *field = (char *)conf + row->offset;
    switch (row->type) {
    case TD_OPTION_TEXT:
    case TD_OPTION_SECRET:
        *(char **)field = NULL;
        break;
    case TD_OPTION_BOOL:
        *(bool *)field = false;
        break;
    case TD_OPTION_CLOCK:
        *(int64_t *)field = -1;
        break;
    case TD_OPTION_CHOICE:
        *(int *)field = 0;
        break;
    case TD_OPTION_REAL:
        *(double *)field = 0;
        break;
    case TD_OPTION_TEXTS:
    case TD_OPTION_PAIRS:
        *(td_texts *)field = (td_texts){0};
        break;
    case TD_OPTION_INT:
    case TD_OPTION_DURATION:
    case TD_OPTION_BYTES:
        *(int64_t *)field = 0;
        break;
    }
}

void td_options_init(const td_option *rows, void *conf) {
    for (; rows->key != NULL; rows++) {
        clear_field(rows, conf);
        if (rows->fallback != NULL && set_field(rows, conf, rows->fallback) != TD_OK) abort(); /* the row is wrong */
    }
}

td_status td_options_set(const td_option *rows, void *conf, const char *key, const char *value) {
    const td_option *row = td_option_find(rows, key);
    return row != NULL ? set_field(row, conf, value) : fail_unknown_key(rows, key);
}

td_status td_options_check(const td_option *rows, const void *conf) {
    for (; rows->key != NULL; rows++) {
        const void *field = (const char *)conf + rows->offset;
        bool text = (rows->type == TD_OPTION_TEXT || rows->type == TD_OPTION_SECRET) && *(char *const *)field == NULL;
        bool texts = is_list(rows) && ((const td_texts *)field)->count == 0;
        if (rows->required && (text || texts)) return TD_FAIL(TD_CONFIG, "%s: missing: %s", rows->key, rows->help);
    }
    return TD_OK;
}

void td_texts_own(td_texts *texts) {
    char *const *others = texts->items;
    texts->items = texts->count > 0 ? td_alloc(texts->count * sizeof *texts->items) : NULL;
    for (size_t i = 0; i < texts->count; i++) texts->items[i] = td_copy_text(others[i]);
}

void td_options_own_texts(const td_option *rows, void *conf) {
    for (; rows->key != NULL; rows++) {
        void *field = (char *)conf + rows->offset;
        bool text = rows->type == TD_OPTION_TEXT || rows->type == TD_OPTION_SECRET;
        if (text && *(char **)field != NULL) *(char **)field = td_copy_text(*(char **)field);
        if (is_list(rows)) td_texts_own(field);
    }
}

void td_texts_fini(td_texts *texts) {
    for (size_t i = 0; i < texts->count; i++) wipe(&texts->items[i]);
    free(texts->items);
    *texts = (td_texts){0};
}

void td_options_fini(const td_option *rows, void *conf) {
    for (; rows->key != NULL; rows++) {
        void *field = (char *)conf + rows->offset;
        if (rows->type == TD_OPTION_SECRET) wipe(field);
        if (rows->type == TD_OPTION_TEXT) free(*(char **)field);
        if (is_list(rows)) td_texts_fini(field);
        if (rows->type == TD_OPTION_TEXT) clear_field(rows, conf);
    }
}
