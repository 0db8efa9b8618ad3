/* src/sink/parquet_column.c - columns of Parquet. */
#include "sink/parquet_column.h"
#include "base/hash.h"
#include "sink/thrift.h"
#include <assert.h>

enum { ZSTD_LEVEL = 1, PAGE_ROWS = 1 << 15, PAGE_BYTES = 1 << 20 };
enum { DATA_PAGE = 0, DICTIONARY_PAGE = 2 };
/* A dictionary is worth its while where fewer than half of the values are new; that is asked of each prefix, behind
 * a beginning in which most are. It is one page, whatever a group holds. */
enum { NEW_AT_FIRST = 1024, DICTIONARY_BYTES = PAGE_BYTES };

/* ---- values ---- */

void td_parquet_column_init(td_parquet_column *out, const td_duck_column *as) {
    static const td_parquet_type types[] = {
        [TD_DUCK_TEXT] = TD_PARQUET_BYTES,   [TD_DUCK_BIGINT] = TD_PARQUET_INT64,  [TD_DUCK_INT] = TD_PARQUET_INT32,
        [TD_DUCK_BOOL] = TD_PARQUET_BOOLEAN, [TD_DUCK_INSTANT] = TD_PARQUET_INT64, [TD_DUCK_DAY] = TD_PARQUET_INT32,
        [TD_DUCK_DECIMAL] = TD_PARQUET_FIXED};
    *out = (td_parquet_column){.as = *as, .type = types[as->type]};
    if (as->type != TD_DUCK_DECIMAL) return;
    td_i128 bound = 1; /* the least that has too many digits */
    for (int i = 0; i < as->precision; i++) bound *= 10;
    while (out->width < sizeof bound && bound > (td_i128)1 << (8 * out->width - (out->width > 0))) out->width++;
}

void td_parquet_column_fini(td_parquet_column *c) {
    td_buf_fini(&c->values);
    td_buf_fini(&c->ends);
    td_buf_fini(&c->levels);
}

void td_parquet_scratch_init(td_parquet_scratch *out) {
    *out = (td_parquet_scratch){.deflater = td_alloc_check(ZSTD_createCCtx(), 1)};
}

void td_parquet_scratch_fini(td_parquet_scratch *scratch) {
    (void)ZSTD_freeCCtx(scratch->deflater);
    td_buf_fini(&scratch->page);
    td_buf_fini(&scratch->slots);
    td_buf_fini(&scratch->indices);
    td_buf_fini(&scratch->distinct);
}

void td_parquet_column_clear(td_parquet_column *c) {
    c->values.size = c->ends.size = c->levels.size = c->rows = c->count = 0;
}

static void put_level(td_parquet_column *c, uint8_t level) {
    if (level == 0 && c->levels.size == 0 && c->rows > 0) {
        td_buf_reserve(&c->levels, c->rows);
        memset(c->levels.data, 1, c->rows);
        c->levels.size = c->rows;
    }
    if (level == 0 || c->levels.size > 0) td_buf_put(&c->levels, &level, 1);
    c->rows++;
    c->count += level;
}

void td_parquet_put_null(td_parquet_column *c) { put_level(c, 0); }

void td_parquet_put_number(td_parquet_column *c, int64_t value) {
    td_buf_put(&c->values, &value, sizeof value);
    put_level(c, 1);
}

void td_parquet_put_decimal(td_parquet_column *c, td_i128 value) {
    td_buf_put(&c->values, &value, sizeof value);
    put_level(c, 1);
}

void td_parquet_put_text(td_parquet_column *c, td_bytes text) {
    td_buf_reserve(&c->values, text.size + 1); /* so that it lies somewhere, though all be empty */
    if (text.size > 0) td_buf_put(&c->values, text.data, text.size);
    uint64_t end = c->values.size;
    td_buf_put(&c->ends, &end, sizeof end);
    put_level(c, 1);
}

static int64_t number_at(const td_parquet_column *c, size_t i) {
    return ((const int64_t *)(const void *)c->values.data)[i];
}

static td_i128 decimal_at(const td_parquet_column *c, size_t i) {
    td_i128 value;
    memcpy(&value, c->values.data + i * sizeof value, sizeof value);
    return value;
}

/* As it is kept. */
static inline td_bytes value_at(const td_parquet_column *c, size_t i) {
    if (c->type == TD_PARQUET_FIXED) return (td_bytes){c->values.data + i * sizeof(td_i128), sizeof(td_i128)};
    if (c->type != TD_PARQUET_BYTES) return (td_bytes){c->values.data + i * sizeof(int64_t), sizeof(int64_t)};
    const uint64_t *ends = (const uint64_t *)(const void *)c->ends.data;
    uint64_t begin = i > 0 ? ends[i - 1] : 0;
    return (td_bytes){c->values.data + begin, ends[i] - begin};
}

static bool is_less(const td_parquet_column *c, size_t a, size_t b) {
    if (c->type == TD_PARQUET_FIXED) return decimal_at(c, a) < decimal_at(c, b);
    if (c->type == TD_PARQUET_BYTES) return td_bytes_compare(value_at(c, a), value_at(c, b)) < 0;
    return number_at(c, a) < number_at(c, b);
}

/* ---- encodings ---- */

/* As the format has it by itself; BOOLEAN alone is not here. */
static void put_plain(td_buf *out, const td_parquet_column *c, size_t i) {
    if (c->type == TD_PARQUET_BYTES) {
        td_bytes text = value_at(c, i);
        td_buf_put_u32(out, (uint32_t)text.size);
        if (text.size > 0) td_buf_put(out, text.data, text.size);
    } else if (c->type == TD_PARQUET_FIXED) {
        uint8_t bytes[sizeof(td_i128)];
        td_u128 value = (td_u128)decimal_at(c, i);
        td_put_be64(bytes, (uint64_t)(value >> 64));
        td_put_be64(bytes + 8, (uint64_t)value);
        td_buf_put(out, bytes + sizeof bytes - c->width, c->width);
    } else {
        td_buf_put(out, value_at(c, i).data, c->type == TD_PARQUET_INT32 ? sizeof(int32_t) : sizeof(int64_t));
    }
}

typedef struct bits { /* least first, into bytes */
    td_buf *out;
    td_u128 held;
    unsigned count;
} bits;

static inline void put_bits(bits *b, uint64_t value, unsigned width) {
    b->held |= (td_u128)value << b->count;
    b->count += width;
    if (b->count < 64) return;
    uint64_t word = (uint64_t)b->held;
    td_buf_put(b->out, &word, sizeof word);
    b->held >>= 64;
    b->count -= 64;
}

static void end_bits(bits *b) {
    uint64_t word = (uint64_t)b->held;
    td_buf_put(b->out, &word, (b->count + 7) / 8);
}

static unsigned width_of(uint64_t value) { return value > 0 ? 64 - (unsigned)__builtin_clzll(value) : 0; }

static void put_booleans(td_buf *out, const td_parquet_column *c, size_t from, size_t to) {
    bits b = {.out = out};
    for (size_t i = from; i < to; i++) put_bits(&b, number_at(c, i) != 0, 1);
    end_bits(&b);
}

/* Numbers by their differences: 128 in a block, 32 of one width each. All arithmetic is modulo 2^64. */
enum { BLOCK = 128, PARTS = 4, PART = BLOCK / PARTS };

static void put_block(td_buf *out, const uint64_t *deltas, size_t count) {
    int64_t least = (int64_t)deltas[0];
    for (size_t i = 1; i < count; i++) least = (int64_t)deltas[i] < least ? (int64_t)deltas[i] : least;
    td_thrift_put_zigzag(out, least);
    uint8_t widths[PARTS] = {0};
    for (size_t i = 0; i < count; i++) {
        uint8_t width = (uint8_t)width_of(deltas[i] - (uint64_t)least);
        if (width > widths[i / PART]) widths[i / PART] = width;
    }
    td_buf_put(out, widths, sizeof widths);
    for (size_t part = 0; part * PART < count; part++) {
        bits b = {.out = out};
        for (size_t i = part * PART; i < (part + 1) * PART; i++)
            put_bits(&b, i < count ? deltas[i] - (uint64_t)least : 0, widths[part]);
        end_bits(&b);
    }
}

static void put_deltas(td_buf *out, const td_parquet_column *c, size_t from, size_t to) {
    uint64_t deltas[BLOCK];
    td_thrift_put_varint(out, BLOCK);
    td_thrift_put_varint(out, PARTS);
    td_thrift_put_varint(out, to - from);
    td_thrift_put_zigzag(out, to > from ? number_at(c, from) : 0);
    for (size_t at = from + 1; at < to; at += BLOCK) {
        size_t count = to - at < BLOCK ? to - at : BLOCK;
        for (size_t i = 0; i < count; i++)
            deltas[i] = (uint64_t)number_at(c, at + i) - (uint64_t)number_at(c, at + i - 1);
        put_block(out, deltas, count);
    }
}

/* Small numbers of one width: runs of 8 and more equal ones, the rest by eights. */
static void put_run(td_buf *out, uint32_t value, size_t count, unsigned width) {
    td_thrift_put_varint(out, count << 1);
    td_buf_put(out, &value, (width + 7) / 8);
}

static void put_eights(td_buf *out, const uint32_t *values, size_t count, unsigned width) {
    if (count == 0) return;
    size_t eights = (count + 7) / 8;
    bits b = {.out = out};
    td_thrift_put_varint(out, eights << 1 | 1);
    for (size_t i = 0; i < count; i++) put_bits(&b, values[i], width);
    for (size_t i = count; i < 8 * eights; i++) put_bits(&b, 0, width);
    end_bits(&b);
}

static void put_runs(td_buf *out, const uint32_t *values, size_t count, unsigned width) {
    size_t begin = 0, i = 0; /* those from `begin` wait to go by eights */
    while (i < count) {
        size_t end = i + 1;
        while (end < count && values[end] == values[i]) end++;
        size_t fill = (8 - (i - begin) % 8) % 8; /* of the run, to make eights of what waits */
        if (end - i >= fill + 8) {
            put_eights(out, values + begin, i + fill - begin, width);
            put_run(out, values[i], end - i - fill, width);
            begin = end;
        }
        i = end;
    }
    put_eights(out, values + begin, count - begin, width);
}

/* ---- a dictionary ---- */

static uint32_t *words(td_buf *buf) { return (uint32_t *)(void *)buf->data; }

static void make_room(td_buf *buf, size_t count) {
    buf->size = 0;
    td_buf_reserve(buf, (count + 1) * sizeof(uint32_t));
}

typedef struct dictionary {
    uint32_t *slots;    /* 1 + an index, by hash */
    uint32_t *indices;  /* of each value */
    uint32_t *distinct; /* of each index the first value that has it */
    size_t mask, bytes;
    uint32_t count;
} dictionary;

static uint32_t find(dictionary *d, const td_parquet_column *c, size_t i) {
    td_bytes value = value_at(c, i);
    size_t slot = td_hash_bytes(value) & d->mask;
    for (; d->slots[slot] != 0; slot = (slot + 1) & d->mask)
        if (td_bytes_equal(value_at(c, d->distinct[d->slots[slot] - 1]), value)) return d->slots[slot] - 1;
    d->distinct[d->count] = (uint32_t)i;
    d->bytes += value.size;
    d->slots[slot] = ++d->count;
    return d->count - 1;
}

/* False: too many are distinct. */
static bool make_dictionary(const td_parquet_column *c, td_parquet_scratch *scratch, dictionary *out) {
    size_t room = 16;
    if (c->type == TD_PARQUET_BOOLEAN || c->count == 0 || c->count > UINT32_MAX / 4) return false;
    while (room < NEW_AT_FIRST + c->count) room *= 2; /* at most half of it is taken, and a little */
    make_room(&scratch->slots, room);
    make_room(&scratch->indices, c->count);
    make_room(&scratch->distinct, NEW_AT_FIRST + c->count / 2 + 1);
    memset(scratch->slots.data, 0, room * sizeof(uint32_t));
    dictionary d = {words(&scratch->slots), words(&scratch->indices), words(&scratch->distinct), room - 1, 0, 0};
    d.indices[0] = find(&d, c, 0);
    for (size_t i = 1; i < c->count; i++) {
        bool again = td_bytes_equal(value_at(c, i), value_at(c, i - 1)); /* many columns hardly change */
        d.indices[i] = again ? d.indices[i - 1] : find(&d, c, i);
        if (d.count > NEW_AT_FIRST + i / 2 || d.bytes > DICTIONARY_BYTES) return false;
    }
    *out = d;
    return true;
}

/* ---- pages ---- */

typedef struct ending { /* of a row group's column */
    td_parquet_column *c;
    td_parquet_scratch *scratch;
    td_buf *out;
    td_parquet_chunk *chunk;
    dictionary words;
} ending;

static void put_page_header(td_buf *out, int kind, const ending *e, size_t size, int64_t count) {
    td_thrift t = {.out = out};
    td_thrift_number(&t, 1, TD_THRIFT_I32, kind);
    td_thrift_number(&t, 2, TD_THRIFT_I32, (int64_t)e->scratch->page.size);
    td_thrift_number(&t, 3, TD_THRIFT_I32, (int64_t)size);
    int outer = td_thrift_begin(&t, kind == DATA_PAGE ? 5 : 7);
    td_thrift_number(&t, 1, TD_THRIFT_I32, count);
    td_thrift_number(&t, 2, TD_THRIFT_I32, kind == DATA_PAGE ? e->chunk->encoding : TD_PARQUET_PLAIN);
    if (kind == DATA_PAGE) {
        td_thrift_number(&t, 3, TD_THRIFT_I32, TD_PARQUET_RLE);
        td_thrift_number(&t, 4, TD_THRIFT_I32, TD_PARQUET_RLE);
    }
    td_thrift_end(&t, outer);
    td_thrift_stop(&t);
}

/* The header says how large the page is that follows, so that is compressed first, behind room for both. */
static void put_page(ending *e, int kind, int64_t count) {
    enum { HEADER_MAX = 64 };
    const td_buf *page = &e->scratch->page;
    size_t bound = ZSTD_compressBound(page->size), before = e->out->size;
    uint8_t room[HEADER_MAX];
    td_buf header = {.data = room, .capacity = sizeof room};
    td_buf_reserve(e->out, bound + HEADER_MAX);
    uint8_t *body = e->out->data + before + HEADER_MAX;
    size_t size = ZSTD_compressCCtx(e->scratch->deflater, body, bound, page->data, page->size, ZSTD_LEVEL);
    if (ZSTD_isError(size)) (void)td_alloc_check(NULL, bound); /* aborts: no memory is all that can be the cause */
    put_page_header(&header, kind, e, size, count);
    assert(header.data == room);
    td_buf_put(e->out, header.data, header.size);
    memmove(e->out->data + e->out->size, body, size);
    e->out->size += size;
    e->chunk->plain_size += (int64_t)(header.size + page->size);
    e->chunk->size += (int64_t)(header.size + size);
}

static void put_dictionary(ending *e) {
    e->scratch->page.size = 0;
    for (uint32_t i = 0; i < e->words.count; i++) put_plain(&e->scratch->page, e->c, e->words.distinct[i]);
    put_page(e, DICTIONARY_PAGE, e->words.count);
    e->chunk->dictionary_size = e->chunk->size;
}

static void put_levels(td_buf *out, const uint8_t *levels, size_t rows, size_t values) {
    uint32_t size = 0, wide[8];
    size_t at = out->size;
    td_buf_put_u32(out, size);
    if (values == rows)
        put_run(out, 1, rows, 1);
    else
        td_thrift_put_varint(out, (rows + 7) / 8 << 1 | 1);
    for (size_t i = 0; values < rows && i < rows; i += 8) {
        bits b = {.out = out};
        for (size_t k = 0; k < 8; k++) wide[k] = i + k < rows ? levels[i + k] : 0;
        for (size_t k = 0; k < 8; k++) put_bits(&b, wide[k], 1);
        end_bits(&b);
    }
    size = (uint32_t)(out->size - at - sizeof size);
    memcpy(out->data + at, &size, sizeof size);
}

static void put_values(ending *e, size_t from, size_t to) {
    const td_parquet_column *c = e->c;
    td_buf *out = &e->scratch->page;
    if (e->chunk->encoding == TD_PARQUET_DICTIONARY) {
        unsigned width = width_of(e->words.count - 1);
        uint8_t told = (uint8_t)(width > 0 ? width : 1);
        td_buf_put(out, &told, 1);
        put_runs(out, e->words.indices + from, to - from, told);
    } else if (e->chunk->encoding == TD_PARQUET_DELTA) {
        put_deltas(out, c, from, to);
    } else if (c->type == TD_PARQUET_BOOLEAN) {
        put_booleans(out, c, from, to);
    } else {
        for (size_t i = from; i < to; i++) put_plain(out, c, i);
    }
}

static void put_pages(ending *e) {
    td_parquet_column *c = e->c;
    size_t value = 0;
    for (size_t row = 0; row < c->rows;) {
        size_t end = row, end_value = value, bytes = 0;
        for (; end < c->rows && end - row < PAGE_ROWS && bytes < PAGE_BYTES; end++) {
            if (c->levels.size > 0 && c->levels.data[end] == 0) continue;
            bytes += value_at(c, end_value).size;
            end_value++;
        }
        e->scratch->page.size = 0;
        put_levels(&e->scratch->page, c->levels.size > 0 ? c->levels.data + row : NULL, end - row, end_value - value);
        put_values(e, value, end_value);
        put_page(e, DATA_PAGE, (int64_t)(end - row));
        row = end;
        value = end_value;
    }
}

/* ---- statistics ---- */

static size_t put_bound(const td_parquet_column *c, size_t i, uint8_t out[TD_PARQUET_BOUND_MAX]) {
    td_bytes text = value_at(c, i);
    if (c->type == TD_PARQUET_BYTES) {
        if (text.size > 0) memcpy(out, text.data, text.size);
        return text.size;
    }
    td_buf plain = {.data = out, .capacity = TD_PARQUET_BOUND_MAX};
    put_plain(&plain, c, i);
    return c->type == TD_PARQUET_BOOLEAN ? 1 : plain.size;
}

static void find_bounds(const ending *e) {
    const td_parquet_column *c = e->c;
    bool few = e->chunk->encoding == TD_PARQUET_DICTIONARY;
    size_t count = few ? e->words.count : c->count, least = 0, most = 0;
    for (size_t k = 0; k < count; k++) {
        size_t i = few ? e->words.distinct[k] : k;
        if (is_less(c, i, least)) least = i;
        if (is_less(c, most, i)) most = i;
    }
    bool bytes = c->type == TD_PARQUET_BYTES;
    e->chunk->bounded =
        count > 0 &&
        (!bytes || (value_at(c, least).size <= TD_PARQUET_BOUND_MAX && value_at(c, most).size <= TD_PARQUET_BOUND_MAX));
    if (!e->chunk->bounded) return;
    e->chunk->least_size = put_bound(c, least, e->chunk->least);
    e->chunk->most_size = put_bound(c, most, e->chunk->most);
}

void td_parquet_column_end(td_parquet_column *c, td_parquet_scratch *scratch, td_buf *out,
                           td_parquet_chunk *out_chunk) {
    ending e = {.c = c, .scratch = scratch, .out = out, .chunk = out_chunk};
    *out_chunk = (td_parquet_chunk){.value_count = (int64_t)c->rows, .null_count = (int64_t)(c->rows - c->count)};
    out_chunk->encoding = c->type == TD_PARQUET_INT64 ? TD_PARQUET_DELTA : TD_PARQUET_PLAIN;
    if (make_dictionary(c, scratch, &e.words)) {
        out_chunk->encoding = TD_PARQUET_DICTIONARY;
        put_dictionary(&e);
    }
    put_pages(&e);
    find_bounds(&e);
    td_parquet_column_clear(c);
}
