/* src/model/instrument.c - the name table: open addressing over indexes, names in blocks that never move. */
#include "model/instrument.h"
#include "base/hash.h"
#include "base/option.h"
#include <assert.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 4096, SLOTS_MIN = 64 };

typedef struct slot {
    uint32_t tag;   /* high half of the hash: most strangers are told apart without touching their name */
    uint32_t place; /* index + 1; 0: empty */
} slot;

typedef struct block {
    struct block *before;
    char bytes[BLOCK_BYTES];
} block;

struct td_instruments {
    slot *slots;
    uint32_t slot_mask; /* slot count - 1, a power of two minus one; at most half of them are used */
    uint32_t count, capacity;
    td_bytes *names;
    block *blocks; /* the newest first */
    size_t block_used;
};

td_instruments *td_instruments_new(void) {
    td_instruments *table = td_alloc_zero(1, sizeof *table);
    table->slots = td_alloc_zero(SLOTS_MIN, sizeof *table->slots);
    table->slot_mask = SLOTS_MIN - 1;
    table->block_used = BLOCK_BYTES;
    return table;
}

void td_instruments_free(td_instruments *table) {
    if (table == NULL) return;
    for (block *b = table->blocks, *before; b != NULL; b = before) {
        before = b->before;
        free(b);
    }
    free(table->names);
    free(table->slots);
    free(table);
}

/* The slot that holds the name, or the empty one where it belongs. On the way of every tick. */
static inline __attribute__((always_inline)) slot *probe(const td_instruments *table, td_bytes name, uint64_t hash) {
    uint32_t tag = (uint32_t)(hash >> 32);
    for (uint32_t i = (uint32_t)hash & table->slot_mask;; i = (i + 1) & table->slot_mask) {
        slot *s = &table->slots[i];
        if (s->place == 0 || (s->tag == tag && td_bytes_equal(table->names[s->place - 1], name))) return s;
    }
}

static void grow_slots(td_instruments *table) {
    uint32_t slot_count = 2 * (table->slot_mask + 1);
    free(table->slots);
    table->slots = td_alloc_zero(slot_count, sizeof *table->slots);
    table->slot_mask = slot_count - 1;
    for (uint32_t index = 0; index < table->count; index++) {
        uint64_t hash = td_hash_bytes(table->names[index]);
        *probe(table, table->names[index], hash) = (slot){(uint32_t)(hash >> 32), index + 1};
    }
}

static void grow_names(td_instruments *table) {
    uint32_t capacity = table->capacity > 0 ? 2 * table->capacity : SLOTS_MIN / 2;
    td_bytes *names = td_alloc(capacity * sizeof *names);
    if (table->count > 0) memcpy(names, table->names, table->count * sizeof *names);
    free(table->names);
    table->names = names;
    table->capacity = capacity;
}

static td_bytes keep_name(td_instruments *table, td_bytes name) {
    if (table->block_used + name.size + 1 > BLOCK_BYTES) {
        block *fresh = td_alloc(sizeof *fresh);
        fresh->before = table->blocks;
        table->blocks = fresh;
        table->block_used = 0;
    }
    char *copy = table->blocks->bytes + table->block_used;
    memcpy(copy, name.data, name.size);
    copy[name.size] = '\0';
    table->block_used += name.size + 1;
    return (td_bytes){(const uint8_t *)copy, name.size};
}

static __attribute__((noinline)) uint32_t add(td_instruments *table, td_bytes name, uint64_t hash) {
    if (2 * (table->count + 1) > table->slot_mask + 1) grow_slots(table);
    if (table->count == table->capacity) grow_names(table);
    table->names[table->count] = keep_name(table, name);
    *probe(table, name, hash) = (slot){(uint32_t)(hash >> 32), ++table->count};
    return table->count - 1;
}

uint32_t td_instruments_intern(td_instruments *table, td_bytes name) {
    assert(name.size > 0 && name.size <= TD_INSTRUMENT_NAME_MAX);
    uint64_t hash = td_hash_bytes(name);
    uint32_t place = probe(table, name, hash)->place;
    return place != 0 ? place - 1 : add(table, name, hash);
}

uint32_t td_instruments_find(const td_instruments *table, td_bytes name) {
    return probe(table, name, td_hash_bytes(name))->place - 1; /* 0 - 1 is UINT32_MAX: unknown */
}

td_bytes td_instruments_name(const td_instruments *table, uint32_t index) {
    assert(index < table->count);
    return table->names[index];
}

uint32_t td_instruments_count(const td_instruments *table) { return table->count; }

const char *td_instruments_nearest(const td_instruments *table, td_bytes name) {
    const char **words = td_alloc((table->count + 1) * sizeof *words);
    char word[TD_INSTRUMENT_NAME_MAX + 1] = "";
    for (uint32_t i = 0; i < table->count; i++) words[i] = (const char *)table->names[i].data;
    words[table->count] = NULL;
    memcpy(word, name.data, name.size < sizeof word ? name.size : sizeof word - 1);
    const char *nearest = td_nearest(word, words);
    for (char *c = word; nearest == NULL && *c != '\0'; c++) *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    if (nearest == NULL) nearest = td_nearest(word, words);
    free(words);
    return nearest;
}

bool td_instrument_name_valid(td_bytes name) {
    if (name.size == 0 || name.size > TD_INSTRUMENT_NAME_MAX) return false;
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] <= ' ' || name.data[i] > '~') return false;
    /* The first colon parts them; a symbol may hold more ("OANDA:FX:EURUSD"). */
    const uint8_t *colon = memchr(name.data, ':', name.size);
    return colon != NULL && colon > name.data && colon < name.data + name.size - 1;
}
