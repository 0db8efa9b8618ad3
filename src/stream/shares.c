/* src/stream/shares.c - a sorted row of actions per instrument. */
#include "stream/shares.h"
#include <stdlib.h>

typedef struct action {
    int64_t ex_ns, amount;
    uint32_t numerator, denominator;
    int32_t ex_day;
    uint32_t kind;
} action;
_Static_assert(sizeof(action) == 32, "the snapshot format depends on this layout");

typedef struct td_shares_row { /* by ex_ns, then as they came */
    action *actions;
    uint32_t count, capacity;
} row;

void td_shares_fini(td_shares *s) {
    for (uint32_t i = 0; i < s->row_capacity; i++) free(s->rows[i].actions);
    free(s->rows);
    td_instruments_free(s->names);
    *s = (td_shares){0};
}

static const row *find_row(const td_shares *s, td_bytes instrument) {
    uint32_t index = s->names != NULL ? td_instruments_find(s->names, instrument) : UINT32_MAX;
    return index != UINT32_MAX ? &s->rows[index] : NULL;
}

static row *add_row(td_shares *s, td_bytes instrument) {
    if (s->names == NULL) s->names = td_instruments_new();
    uint32_t index = td_instruments_intern(s->names, instrument);
    if (index >= s->row_capacity) {
        uint32_t capacity = 2 * index + 16;
        row *rows = td_alloc_zero(capacity, sizeof *rows);
        if (s->row_capacity > 0) memcpy(rows, s->rows, s->row_capacity * sizeof *rows);
        free(s->rows);
        s->rows = rows;
        s->row_capacity = capacity;
    }
    return &s->rows[index];
}

static bool row_has(const row *r, const td_corporate *c) {
    for (uint32_t i = 0; i < r->count; i++)
        if (r->actions[i].kind == c->kind && r->actions[i].ex_day == c->ex_day && r->actions[i].amount == c->amount)
            return true;
    return false;
}

static void row_put(row *r, const action *new) {
    if (r->count == r->capacity) {
        r->capacity = 2 * r->count + 4;
        size_t bytes = r->capacity * sizeof *r->actions;
        r->actions = td_alloc_check(realloc(r->actions, bytes), bytes);
    }
    uint32_t at = r->count++;
    for (; at > 0 && r->actions[at - 1].ex_ns > new->ex_ns; at--) r->actions[at] = r->actions[at - 1];
    r->actions[at] = *new;
}

td_share_word td_shares_put(td_shares *s, td_bytes instrument, const td_corporate *c, int64_t ex_ns) {
    bool split = c->kind == TD_CORPORATE_SPLIT;
    if (split && (c->numerator == 0 || c->denominator == 0)) return TD_SHARE_FULL;
    row *r = add_row(s, instrument);
    if (row_has(r, c)) return TD_SHARE_DOUBLE;
    td_split all = td_shares_split(s, instrument, INT64_MIN, INT64_MAX);
    bool fits = !split || td_split_add(&all, c->numerator, c->denominator);
    if (r->count == TD_SHARES_MAX || !fits) return TD_SHARE_FULL;
    action new = {.ex_ns = ex_ns, .amount = c->amount, .ex_day = c->ex_day, .kind = c->kind};
    new.numerator = split ? c->numerator : 1;
    new.denominator = split ? c->denominator : 1;
    row_put(r, &new);
    return TD_SHARE_TAKEN;
}

td_split td_shares_split(const td_shares *s, td_bytes instrument, int64_t after_ns, int64_t up_to_ns) {
    const row *r = find_row(s, instrument);
    td_split split = {1, 1};
    for (uint32_t i = 0; r != NULL && i < r->count && r->actions[i].ex_ns <= up_to_ns; i++)
        if (r->actions[i].ex_ns > after_ns)
            (void)td_split_add(&split, r->actions[i].numerator, r->actions[i].denominator);
    return split;
}

bool td_shares_change(const td_shares *s, td_bytes instrument, int64_t after_ns, int64_t up_to_ns) {
    const row *r = find_row(s, instrument);
    for (uint32_t i = 0; r != NULL && i < r->count; i++)
        if (r->actions[i].kind == TD_CORPORATE_SPLIT && r->actions[i].ex_ns > after_ns &&
            r->actions[i].ex_ns <= up_to_ns)
            return true;
    return false;
}

td_i128 td_shares_dividends(const td_shares *s, td_bytes instrument, int64_t after_ns, int64_t up_to_ns) {
    const row *r = find_row(s, instrument);
    td_split split = {1, 1};
    td_i128 sum = 0;
    for (uint32_t i = 0, splits = 0; r != NULL && i < r->count && r->actions[i].ex_ns <= up_to_ns; i++) {
        const action *a = &r->actions[i];
        if (a->ex_ns <= after_ns || a->kind != TD_CORPORATE_DIVIDEND) continue;
        for (; splits < r->count && r->actions[splits].ex_ns <= a->ex_ns; splits++)
            if (r->actions[splits].ex_ns > after_ns)
                (void)td_split_add(&split, r->actions[splits].numerator, r->actions[splits].denominator);
        sum += td_split_size(split, a->amount);
    }
    return sum;
}

/* ---- as bytes: how many instruments; of each its name, how many actions, and those ---- */

void td_shares_save(const td_shares *s, td_buf *out) {
    uint32_t count = s->names != NULL ? td_instruments_count(s->names) : 0;
    td_buf_put_u32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        td_bytes name = td_instruments_name(s->names, i);
        td_buf_put_u32(out, (uint32_t)name.size);
        td_buf_put(out, name.data, name.size);
        td_buf_put_u32(out, s->rows[i].count);
        td_buf_put(out, s->rows[i].actions, s->rows[i].count * sizeof *s->rows[i].actions);
    }
}

static bool is_sound(const row *r) {
    for (uint32_t i = 0; i < r->count; i++) {
        const action *a = &r->actions[i];
        if (a->numerator == 0 || a->denominator == 0 || a->kind >= TD_CORPORATE_KIND_COUNT) return false;
        if (i > 0 && a->ex_ns < r->actions[i - 1].ex_ns) return false;
    }
    return true;
}

static bool take_row(td_shares *s, td_bytes *bytes, uint32_t index) {
    uint32_t size, count;
    uint8_t name[TD_INSTRUMENT_NAME_MAX];
    if (!td_bytes_take(bytes, &size, sizeof size) || size == 0 || size > sizeof name) return false;
    if (!td_bytes_take(bytes, name, size) || !td_bytes_take(bytes, &count, sizeof count)) return false;
    if (count == 0 || count > TD_SHARES_MAX || count > bytes->size / sizeof(action)) return false;
    row *r = add_row(s, (td_bytes){name, size});
    if (r->count > 0 || td_instruments_count(s->names) != index + 1) return false; /* twice the same name */
    r->actions = td_alloc(count * sizeof *r->actions);
    r->count = r->capacity = count;
    return td_bytes_take(bytes, r->actions, count * sizeof *r->actions) && is_sound(r);
}

bool td_shares_load(td_shares *s, td_bytes *bytes) {
    uint32_t count;
    if (!td_bytes_take(bytes, &count, sizeof count)) return false;
    for (uint32_t i = 0; i < count; i++)
        if (!take_row(s, bytes, i)) return false;
    return true;
}
