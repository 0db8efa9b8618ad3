/* src/stream/book.c - two sorted ladders per book. */
#include "stream/book.h"
#include <stdlib.h>

typedef struct rung {
    int64_t price, size;
} rung;

typedef struct ladder { /* the best first */
    uint32_t count;
    rung rungs[TD_BOOK_DEPTH];
} ladder;

typedef struct head { /* as it stands in snapshots, too */
    int64_t last_sequence;
    uint32_t feed;
    uint8_t waiting; /* for a snapshot */
    uint8_t within;  /* a message that goes on */
    uint8_t passing; /* … and is not taken */
    uint8_t reserved;
} head;
_Static_assert(sizeof(head) == 16 && sizeof(rung) == 16, "the snapshot format depends on this layout");

typedef struct td_books_row {
    head head;
    ladder *sides; /* bids, asks; NULL: no book is called so */
} row;

void td_books_fini(td_books *b) {
    for (uint32_t i = 0; i < b->row_capacity; i++) free(b->rows[i].sides);
    free(b->rows);
    td_instruments_free(b->names);
    *b = (td_books){0};
}

static row *add_row(td_books *b, td_bytes instrument) {
    if (b->names == NULL) b->names = td_instruments_new();
    uint32_t index = td_instruments_intern(b->names, instrument);
    if (index >= b->row_capacity) {
        uint32_t capacity = 2 * index + 16;
        row *rows = td_alloc_zero(capacity, sizeof *rows);
        if (b->row_capacity > 0) memcpy(rows, b->rows, b->row_capacity * sizeof *rows);
        free(b->rows);
        b->rows = rows;
        b->row_capacity = capacity;
    }
    row *r = &b->rows[index];
    if (r->sides != NULL) return r;
    r->sides = td_alloc_zero(TD_BOOK_SIDE_COUNT, sizeof *r->sides);
    r->head = (head){.last_sequence = TD_NONE, .waiting = true};
    return r;
}

/* ---- levels ---- */

static bool is_better(unsigned side, int64_t price, int64_t than) {
    return side == TD_BOOK_BID ? price > than : price < than;
}

/* The first rung that is not better. */
static uint32_t find_rung(const ladder *l, unsigned side, int64_t price) {
    uint32_t low = 0, high = l->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (is_better(side, l->rungs[middle].price, price))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void put_level(ladder *l, const td_book_level *level) {
    uint32_t at = find_rung(l, level->side, level->price);
    rung *r = &l->rungs[at];
    bool found = at < l->count && r->price == level->price;
    if (level->size <= 0) {
        if (found) memmove(r, r + 1, (--l->count - at) * sizeof *r);
        return;
    }
    if (!found) {
        if (at == TD_BOOK_DEPTH) return; /* worse than all that are kept */
        if (l->count < TD_BOOK_DEPTH) l->count++;
        memmove(r + 1, r, (l->count - at - 1) * sizeof *r);
    }
    *r = (rung){level->price, level->size};
}

/* ---- messages ---- */

static td_book_word judge(head *h, const td_book *book) {
    if (book->snapshot) return TD_BOOK_TAKEN;
    if (h->within) return h->passing ? TD_BOOK_OLD : h->waiting ? TD_BOOK_WAITING : TD_BOOK_TAKEN;
    if (h->waiting) return TD_BOOK_WAITING;
    if (h->last_sequence == TD_NONE || book->first_sequence == TD_NONE || book->last_sequence == TD_NONE)
        return TD_BOOK_TAKEN;
    if (book->last_sequence <= h->last_sequence) return TD_BOOK_OLD;
    return book->first_sequence - 1 > h->last_sequence ? TD_BOOK_HOLE : TD_BOOK_TAKEN;
}

td_book_word td_books_put(td_books *b, td_bytes instrument, const td_event *event) {
    const td_book *book = &event->book;
    row *r = add_row(b, instrument);
    td_book_word word = judge(&r->head, book);
    r->head.feed = event->feed;
    r->head.within = book->more;
    r->head.passing = book->more && word == TD_BOOK_OLD;
    if (word == TD_BOOK_HOLE) r->head.waiting = true;
    if (word != TD_BOOK_TAKEN) return word;
    if (book->snapshot) r->sides[TD_BOOK_BID].count = r->sides[TD_BOOK_ASK].count = 0;
    if (book->snapshot) r->head.waiting = false;
    r->head.last_sequence = book->last_sequence;
    for (size_t i = 0; i < book->level_count; i++) put_level(&r->sides[book->levels[i].side], &book->levels[i]);
    return word;
}

static uint32_t book_count(const td_books *b) { return b->names != NULL ? td_instruments_count(b->names) : 0; }

void td_books_stop(td_books *b, uint32_t feed) {
    for (uint32_t i = 0; i < book_count(b); i++)
        if (b->rows[i].head.feed == feed) b->rows[i].head.waiting = true;
}

/* ---- reading ---- */

static double size_of(const ladder *l, uint32_t depth) {
    td_i128 sum = 0;
    for (uint32_t i = 0; i < l->count && i < depth; i++) sum += l->rungs[i].size;
    return (double)sum;
}

static td_book_level best(const row *r, td_book_side side) {
    const ladder *l = &r->sides[side];
    td_book_level level = {.side = (uint8_t)side};
    if (l->count == 0) return level;
    level.price = l->rungs[0].price;
    level.size = l->rungs[0].size;
    return level;
}

bool td_books_view(const td_books *b, td_bytes instrument, uint32_t depth, td_book_view *out) {
    uint32_t index = b->names != NULL ? td_instruments_find(b->names, instrument) : UINT32_MAX;
    if (index == UINT32_MAX) return false;
    const row *r = &b->rows[index];
    if (r->head.waiting || r->head.within) return false;
    *out = (td_book_view){.bid = best(r, TD_BOOK_BID), .ask = best(r, TD_BOOK_ASK)};
    if (out->bid.size > 0 && out->ask.size > 0 && out->bid.price >= out->ask.price) return false;
    double bids = size_of(&r->sides[TD_BOOK_BID], depth), asks = size_of(&r->sides[TD_BOOK_ASK], depth);
    out->imbalance = bids + asks > 0 ? (bids - asks) / (bids + asks) : 0;
    return true;
}

/* ---- as bytes: how many books; of each its name, head, and both ladders by count and rungs ---- */

size_t td_books_bytes(const td_books *b) {
    size_t bytes = sizeof(uint32_t);
    for (uint32_t i = 0; i < book_count(b); i++) {
        bytes += TD_INSTRUMENT_NAME_MAX + sizeof(head) + (1 + TD_BOOK_SIDE_COUNT) * sizeof(uint32_t);
        for (int side = 0; side < TD_BOOK_SIDE_COUNT; side++) bytes += b->rows[i].sides[side].count * sizeof(rung);
    }
    return bytes;
}

void td_books_save(const td_books *b, td_buf *out) {
    td_buf_put_u32(out, book_count(b));
    for (uint32_t i = 0; i < book_count(b); i++) {
        const row *r = &b->rows[i];
        td_bytes name = td_instruments_name(b->names, i);
        td_buf_put_u32(out, (uint32_t)name.size);
        td_buf_put(out, name.data, name.size);
        td_buf_put(out, &r->head, sizeof r->head);
        for (int side = 0; side < TD_BOOK_SIDE_COUNT; side++) {
            td_buf_put_u32(out, r->sides[side].count);
            td_buf_put(out, r->sides[side].rungs, r->sides[side].count * sizeof(rung));
        }
    }
}

static bool take_ladder(ladder *l, unsigned side, td_bytes *bytes) {
    if (!td_bytes_take(bytes, &l->count, sizeof l->count) || l->count > TD_BOOK_DEPTH) return false;
    if (!td_bytes_take(bytes, l->rungs, l->count * sizeof(rung))) return false;
    for (uint32_t i = 0; i < l->count; i++) {
        if (l->rungs[i].size <= 0) return false;
        if (i > 0 && !is_better(side, l->rungs[i - 1].price, l->rungs[i].price)) return false;
    }
    return true;
}

static bool take_row(td_books *b, td_bytes *bytes, uint32_t index, uint32_t feeds) {
    uint32_t size;
    uint8_t name[TD_INSTRUMENT_NAME_MAX];
    if (!td_bytes_take(bytes, &size, sizeof size) || size == 0 || size > sizeof name) return false;
    if (!td_bytes_take(bytes, name, size)) return false;
    row *r = add_row(b, (td_bytes){name, size});
    if (td_instruments_count(b->names) != index + 1) return false; /* twice the same name */
    if (!td_bytes_take(bytes, &r->head, sizeof r->head) || r->head.feed >= feeds) return false;
    return take_ladder(&r->sides[TD_BOOK_BID], TD_BOOK_BID, bytes) &&
           take_ladder(&r->sides[TD_BOOK_ASK], TD_BOOK_ASK, bytes);
}

bool td_books_load(td_books *b, td_bytes *bytes, uint32_t feeds) {
    uint32_t count;
    if (!td_bytes_take(bytes, &count, sizeof count)) return false;
    for (uint32_t i = 0; i < count; i++)
        if (!take_row(b, bytes, i, feeds)) return false;
    return true;
}
