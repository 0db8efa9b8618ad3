/* src/flow/copies.c - which partitions the users of an instrument live in. */
#include "flow/copies.h"
#include "base/hash.h"
#include <stdlib.h>

typedef struct row { /* an instrument that strategies of others use */
    char name[TD_INSTRUMENT_NAME_MAX];
    size_t name_size;
    uint64_t targets;
} row;

struct td_copies {
    const td_instruments *instruments;
    uint32_t partitions;
    row *rows;
    size_t row_count;
    uint64_t *targets; /* by instrument, as far as known */
    uint32_t known, capacity;
};

td_copies *td_copies_new(const td_instruments *instruments, uint32_t partitions) {
    td_copies *c = td_alloc_zero(1, sizeof *c);
    c->instruments = instruments;
    c->partitions = partitions;
    return c;
}

void td_copies_free(td_copies *c) {
    if (c == NULL) return;
    free(c->targets);
    free(c->rows);
    free(c);
}

static uint64_t bit_of(const td_copies *c, td_bytes name) {
    return UINT64_C(1) << td_partition_of(name, c->partitions);
}

/* Where instruments of the strategy may be: a set with a star has some anywhere. */
static uint64_t partitions_of(const td_copies *c, const td_graph_strategy *s) {
    uint64_t all = UINT64_MAX >> (64 - c->partitions), found = 0;
    for (size_t i = 0; i < s->set_count; i++)
        found |= s->sets[i].data[s->sets[i].size - 1] == '*' ? all : bit_of(c, s->sets[i]);
    return s->set_count > 0 ? found : all;
}

static row *row_of(const td_copies *c, td_bytes name) {
    for (size_t i = 0; i < c->row_count; i++)
        if (td_bytes_equal((td_bytes){(const uint8_t *)c->rows[i].name, c->rows[i].name_size}, name))
            return &c->rows[i];
    return NULL;
}

static void add_use(td_copies *c, td_bytes name, uint64_t targets) {
    row *found = row_of(c, name);
    if (found == NULL) {
        size_t bytes = (c->row_count + 1) * sizeof *c->rows;
        c->rows = td_alloc_check(realloc(c->rows, bytes), bytes);
        found = &c->rows[c->row_count++];
        *found = (row){.name_size = name.size};
        memcpy(found->name, name.data, name.size);
    }
    found->targets |= targets & ~bit_of(c, name);
}

void td_copies_follow(td_copies *c, td_graph *const *graphs, size_t graph_count) {
    c->row_count = c->known = 0;
    for (size_t g = 0; g < graph_count; g++) {
        const td_graph_use *uses;
        size_t count = graphs[g] != NULL ? td_graph_uses(graphs[g], &uses) : 0;
        for (size_t i = 0; i < count; i++) {
            td_graph_strategy strategy;
            bool found = td_graph_strategy_at(graphs[g], uses[i].strategy, &strategy);
            if (found) add_use(c, uses[i].instrument, partitions_of(c, &strategy));
        }
    }
}

uint64_t td_copies_of_name(const td_copies *c, td_bytes instrument) {
    const row *found = row_of(c, instrument);
    return found != NULL ? found->targets : 0;
}

/* Looks at the instruments that are new. */
static void learn(td_copies *c) {
    uint32_t count = td_instruments_count(c->instruments);
    if (count > c->capacity) {
        c->capacity = count * 2;
        size_t bytes = c->capacity * sizeof *c->targets;
        c->targets = td_alloc_check(realloc(c->targets, bytes), bytes);
    }
    for (; c->known < count; c->known++)
        c->targets[c->known] = td_copies_of_name(c, td_instruments_name(c->instruments, c->known));
}

uint64_t td_copies_of(td_copies *c, uint32_t instrument) {
    if (c->row_count == 0) return 0;
    if (instrument >= c->known) learn(c);
    return c->targets[instrument];
}
