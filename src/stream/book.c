/* src/stream/book.c - two sorted ladders per book. */
#include "stream/book.h"
#include "base/time.h"
#include <stdlib.h>

typedef struct rung {
    int64_t price, size;
} rung;

typedef struct ladder { /* the best first */
    uint32_t count;
    rung rungs[TD_BOOK_DEPTH];
} ladder;

typedef enum book_mode {          /* what a message's levels do */
                         PASS,    /* nothing */
                         PUT,     /* are what stands there; 0: nothing does */
                         COLLECT, /* the same, and 0 is kept: it is to stand against a snapshot */
                         MERGE,   /* stand where nothing was collected */
} book_mode;

typedef struct head {                      /* as it stands in snapshots, too */
    int64_t first_sequence, last_sequence; /* of a book that waits: of what it has collected */
    int64_t last_ns;                       /* of the last update that was taken */
    td_hole gap;
    uint32_t feed;
    uint8_t waiting; /* for a snapshot */
    uint8_t within;  /* a message that goes on */
    uint8_t mode;    /* of that */
    uint8_t word;    /* … and what was said of it */
} head;
_Static_assert(sizeof(head) == 128 && sizeof(rung) == 16, "the snapshot format depends on this layout");

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
    r->head = (head){.first_sequence = TD_NONE, .last_sequence = TD_NONE, .waiting = true};
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

static void put_level(ladder *l, const td_book_level *level, book_mode mode) {
    uint32_t at = find_rung(l, level->side, level->price);
    rung *r = &l->rungs[at];
    bool found = at < l->count && r->price == level->price;
    if (found && mode == MERGE) return;
    if (level->size <= 0 && mode != COLLECT) {
        if (found) memmove(r, r + 1, (--l->count - at) * sizeof *r);
        return;
    }
    if (!found) {
        if (at == TD_BOOK_DEPTH) return; /* worse than all that are kept */
        if (l->count < TD_BOOK_DEPTH) l->count++;
        memmove(r + 1, r, (l->count - at - 1) * sizeof *r);
    }
    *r = (rung){level->price, td_most(level->size, 0)};
}

static void clear(row *r) {
    r->sides[TD_BOOK_BID].count = r->sides[TD_BOOK_ASK].count = 0;
    r->head.first_sequence = r->head.last_sequence = TD_NONE;
}

/* What was collected has stood against the snapshot. */
static void sweep(ladder *l) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < l->count; i++)
        if (l->rungs[i].size > 0) l->rungs[kept++] = l->rungs[i];
    l->count = kept;
}

/* ---- messages ---- */

static td_book_word begin(row *r, book_mode mode, td_book_word word) {
    r->head.mode = (uint8_t)mode;
    r->head.word = (uint8_t)word;
    return word;
}

static td_book_word begin_snapshot(row *r, const td_book *book) {
    head *h = &r->head;
    bool numbered = book->last_sequence != TD_NONE && h->last_sequence != TD_NONE;
    if (numbered && !h->waiting && book->last_sequence < h->last_sequence) return begin(r, PASS, TD_BOOK_OLD);
    if (numbered && h->waiting && book->last_sequence < h->first_sequence - 1) return begin(r, PASS, TD_BOOK_WAITING);
    bool merges = numbered && h->waiting && book->last_sequence < h->last_sequence;
    if (!merges) clear(r);
    if (!merges) h->last_sequence = book->last_sequence;
    h->waiting = false;
    return begin(r, merges ? MERGE : PUT, TD_BOOK_TAKEN);
}

/* Of what waits: an update that joins what was collected, or begins it anew; without numbers it can do neither. */
static td_book_word begin_collected(row *r, const td_book *book, td_book_word word) {
    head *h = &r->head;
    bool numbered = book->first_sequence != TD_NONE && book->last_sequence != TD_NONE;
    bool joins = numbered && h->last_sequence != TD_NONE && book->first_sequence - 1 <= h->last_sequence;
    if (joins && book->last_sequence <= h->last_sequence) return begin(r, PASS, word);
    if (!joins) clear(r);
    if (!numbered) return begin(r, PASS, word);
    if (!joins) h->first_sequence = book->first_sequence;
    h->last_sequence = book->last_sequence;
    return begin(r, COLLECT, word);
}

static td_book_word begin_hole(row *r, const td_book *book) {
    head *h = &r->head;
    bool counted = book->last_sequence != TD_NONE;
    h->gap = (td_hole){.from_ns = h->last_ns,
                       .to_ns = TD_NONE,
                       .first_id = counted ? h->last_sequence + 1 : TD_NONE,
                       .last_id = counted ? book->first_sequence - 1 : TD_NONE,
                       .missing = TD_NONE,
                       .reason = TD_GAP_SEQUENCE};
    h->waiting = true;
    clear(r);
    return begin_collected(r, book, TD_BOOK_HOLE);
}

static td_book_word begin_update(row *r, const td_book *book) {
    head *h = &r->head;
    if (h->waiting) return begin_collected(r, book, TD_BOOK_WAITING);
    if (book->first_sequence != TD_NONE && book->last_sequence == TD_NONE) return begin_hole(r, book);
    bool numbered = h->last_sequence != TD_NONE && book->first_sequence != TD_NONE && book->last_sequence != TD_NONE;
    if (numbered && book->last_sequence <= h->last_sequence) return begin(r, PASS, TD_BOOK_OLD);
    if (numbered && book->first_sequence - 1 > h->last_sequence) return begin_hole(r, book);
    h->last_sequence = book->last_sequence;
    return begin(r, PUT, TD_BOOK_TAKEN);
}

td_book_word td_books_put(td_books *b, td_bytes instrument, const td_event *event, td_hole **out_gap) {
    const td_book *book = &event->book;
    row *r = add_row(b, instrument);
    head *h = &r->head;
    td_book_word word = book->snapshot ? begin_snapshot(r, book)
                        : h->within    ? (td_book_word)h->word
                                       : begin_update(r, book);
    h->feed = event->feed;
    h->within = book->more;
    if (h->waiting) h->word = TD_BOOK_WAITING; /* also of what goes on behind a hole */
    for (size_t i = 0; h->mode != PASS && i < book->level_count; i++)
        put_level(&r->sides[book->levels[i].side], &book->levels[i], h->mode);
    if (word == TD_BOOK_TAKEN) h->last_ns = event->event_ns;
    *out_gap = &h->gap;
    if (h->mode == MERGE && !book->more)
        for (int side = 0; side < TD_BOOK_SIDE_COUNT; side++) sweep(&r->sides[side]);
    return word;
}

static uint32_t book_count(const td_books *b) { return b->names != NULL ? td_instruments_count(b->names) : 0; }

void td_books_stop(td_books *b, uint32_t feed) {
    for (uint32_t i = 0; i < book_count(b); i++) {
        if (b->rows[i].head.feed != feed) continue;
        clear(&b->rows[i]);
        b->rows[i].head.waiting = true;
        b->rows[i].head.mode = PASS; /* what is left of a message says nothing */
        b->rows[i].head.word = TD_BOOK_WAITING;
    }
}

/* ---- reading ---- */

const td_books_row *td_books_find(const td_books *b, td_bytes instrument) {
    uint32_t index = b->names != NULL ? td_instruments_find(b->names, instrument) : UINT32_MAX;
    return index != UINT32_MAX ? &b->rows[index] : NULL;
}

td_i128 td_book_size(const row *r, td_book_side side, uint32_t depth) {
    const ladder *l = &r->sides[side];
    td_i128 sum = 0;
    for (uint32_t i = 0; i < l->count && i < depth; i++) sum += l->rungs[i].size;
    return sum;
}

td_book_level td_book_best(const row *r, td_book_side side) {
    const ladder *l = &r->sides[side];
    td_book_level level = {.side = (uint8_t)side};
    if (l->count == 0) return level;
    level.price = l->rungs[0].price;
    level.size = l->rungs[0].size;
    return level;
}

td_book_standing td_book_standing_of(const row *r) {
    if (r->head.waiting) return TD_BOOK_STOPPED;
    if (r->head.within) return TD_BOOK_CHANGING;
    td_book_level bid = td_book_best(r, TD_BOOK_BID), ask = td_book_best(r, TD_BOOK_ASK);
    return bid.size > 0 && ask.size > 0 && bid.price >= ask.price ? TD_BOOK_CROSSED : TD_BOOK_READABLE;
}

double td_book_imbalance(td_i128 bids, td_i128 asks) {
    return bids + asks > 0 ? (double)(bids - asks) / (double)(bids + asks) : 0;
}

bool td_books_view(const td_books *b, td_bytes instrument, uint32_t depth, td_book_view *out) {
    const row *r = td_books_find(b, instrument);
    *out = (td_book_view){.standing = TD_BOOK_UNTOLD};
    if (r == NULL) return false;
    out->bid = td_book_best(r, TD_BOOK_BID);
    out->ask = td_book_best(r, TD_BOOK_ASK);
    out->imbalance = td_book_imbalance(td_book_size(r, TD_BOOK_BID, depth), td_book_size(r, TD_BOOK_ASK, depth));
    out->standing = td_book_standing_of(r);
    out->gap = r->head.gap.number;
    return out->standing == TD_BOOK_READABLE;
}

uint32_t td_books_levels(const td_books *b, td_bytes instrument, td_book_side side, uint32_t most, td_book_level *out) {
    const row *r = td_books_find(b, instrument);
    uint32_t count = r != NULL ? r->sides[side].count : 0;
    if (count > most) count = most;
    for (uint32_t i = 0; i < count; i++)
        out[i] = (td_book_level){r->sides[side].rungs[i].price, r->sides[side].rungs[i].size, (uint8_t)side};
    return count;
}

td_hole *td_books_next_gap(const td_books *b, uint32_t feed, uint32_t *at, td_bytes *out_instrument) {
    while (*at < book_count(b)) {
        uint32_t i = (*at)++;
        head *h = &b->rows[i].head;
        if (h->feed != feed || h->gap.number == 0) continue;
        *out_instrument = td_instruments_name(b->names, i);
        return &h->gap;
    }
    return NULL;
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
        if (l->rungs[i].size < 0) return false;
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
    if (r->head.mode > MERGE || r->head.word >= TD_BOOK_WORDS) return false;
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
