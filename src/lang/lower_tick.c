/* src/lang/lower_tick.c - what trades, quotes, books and news have by a name: of the strategy's own event, and the
 * newest as of it. */
#include "lang/lower.h"
#include "lang/words.h"
#include "stream/field.h"

/* ---- the graphs that names stand at ---- */

static td_graph_builder **builders(const td_builders *b) { return (td_graph_builder **)(void *)b->list.data; }

td_graph_builder *td_builders_of(td_builders *b, td_rhythm rhythm) {
    size_t count = b->list.size / sizeof(td_graph_builder *), at = 0;
    while (at < count && td_rhythm_compare(td_graph_builder_rhythm(builders(b)[at]), rhythm) < 0) at++;
    if (at < count && td_rhythm_compare(td_graph_builder_rhythm(builders(b)[at]), rhythm) == 0) return builders(b)[at];
    td_graph_builder *builder = td_graph_builder_new(rhythm);
    td_buf_put(&b->list, &builder, sizeof builder);
    memmove(builders(b) + at + 1, builders(b) + at, (count - at) * sizeof builder);
    builders(b)[at] = builder;
    return builder;
}

td_rhythm td_lower_rhythm(const td_source_tree *s) {
    _Static_assert((int)TD_SOURCE_NEWS == (int)TD_RHYTHM_NEWS, "sources are in the order of rhythms");
    if (s->kind == TD_SOURCE_BARS) return (td_rhythm){.width_ns = s->width_ns};
    return (td_rhythm){.source = s->kind, .every_ns = s->every_ns};
}

/* ---- names ---- */

typedef struct names {
    const char *const *words;
    td_field first;
    const char *of; /* what has them */
} names;

static const names names_of[] = {
    [TD_RHYTHM_BARS] = {td_words_field, TD_FIELD_OPEN, "bars"},
    [TD_RHYTHM_TRADES] = {td_words_trade, TD_FIELD_PRICE, "trades"},
    [TD_RHYTHM_QUOTES] = {td_words_sides, TD_FIELD_BID, "quotes"},
    [TD_RHYTHM_BOOK] = {td_words_sides, TD_FIELD_BID, "a book"},
    [TD_RHYTHM_NEWS] = {td_words_news, TD_FIELD_SENTIMENT, "news"},
    [TD_RHYTHM_SECTION] = {td_words_field, TD_FIELD_OPEN, "bars"},
};

static const names *own_names(const td_lowering *l) { return &names_of[td_graph_builder_rhythm(l->builder).source]; }

const char *const *td_lower_own_words(const td_lowering *l) { return own_names(l)->words; }

static uint32_t add_field(td_graph_builder *builder, td_field field, uint32_t depth) {
    return td_graph_builder_add(builder, (td_node){.op = TD_OP_FIELD, .n = (uint32_t)field | depth << TD_FIELD_BITS});
}

bool td_lower_own_field(td_lowering *l, const td_expr *name, uint32_t *out_node) {
    const names *own = own_names(l);
    int at = td_word_find(own->words, name->text);
    *out_node = TD_NODE_BAD;
    if (at >= 0) {
        *out_node = add_field(l->builder, (td_field)((int)own->first + at), 0);
        return true;
    }
    for (size_t i = 0; i < sizeof names_of / sizeof names_of[0]; i++) {
        if (td_word_find(names_of[i].words, name->text) < 0) continue;
        if (i == TD_RHYTHM_BARS)
            td_lower_fail(l, name->offset, "'%.*s' is of bars, and this runs on %s", TD_WORD(name->text), own->of);
        else
            td_lower_fail(l, name->offset, "'%.*s' is of %s, and this runs on %s: the newest is %s.%.*s",
                          TD_WORD(name->text), names_of[i].of, own->of, td_words_asof[i - TD_RHYTHM_TRADES],
                          TD_WORD(name->text));
        return true;
    }
    if (td_word_find(td_words_asof, name->text) < 0) return false;
    td_lower_fail(l, name->offset, "'%.*s' is several values: say which, as in %.*s.age", TD_WORD(name->text),
                  TD_WORD(name->text));
    return true;
}

/* ---- as of the strategy's event ---- */

/* The levels of a book that a size is of: 0 where nothing is said. False after an error. */
static bool lower_depth(td_lowering *l, const td_expr *e, td_rhythm_source source, td_field field, uint32_t *out) {
    uint32_t arg = td_syntax_expr(l->tree, e->first)->next;
    bool deep = field == TD_FIELD_BID_SIZE || field == TD_FIELD_ASK_SIZE || field == TD_FIELD_IMBALANCE;
    *out = 0;
    if (arg == 0) return true;
    if (source != TD_RHYTHM_BOOK || !deep) {
        td_lower_fail(l, e->offset, "only book.bid_size, book.ask_size and book.imbalance take a number of levels");
        return false;
    }
    *out = td_lower_whole(l, arg, "the number of levels", 1);
    if (*out == UINT32_MAX) return false;
    if (*out > TD_FIELD_DEPTH_MAX)
        td_lower_fail(l, td_syntax_expr(l->tree, arg)->offset, "the number of levels is at most %d",
                      TD_FIELD_DEPTH_MAX);
    return *out <= TD_FIELD_DEPTH_MAX;
}

static uint32_t fail_field(const td_lowering *l, const td_expr *e, const td_expr *of, const char *const *words) {
    const char *near = td_word_nearest(words, e->text);
    const char *hint[3] = {near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : ""};
    td_lower_fail(l, e->offset, "'%.*s' has no field '%.*s'%s%s%s", TD_WORD(of->text), TD_WORD(e->text), hint[0],
                  hint[1], hint[2]);
    return TD_NODE_BAD;
}

td_graph_builder *td_lower_asof_builder(const td_lowering *l, td_bytes name) {
    int asof = td_word_find(td_words_asof, name);
    return asof < 0 ? NULL
                    : td_builders_of(l->builders, (td_rhythm){.source = (uint32_t)((int)TD_RHYTHM_TRADES + asof)});
}

bool td_lower_asof_field(td_lowering *l, const td_expr *e, const td_expr *of, uint32_t *out_node) {
    int asof = of->kind == TD_EXPR_NAME ? td_word_find(td_words_asof, of->text) : -1;
    if (asof < 0) return false;
    td_rhythm_source source = (td_rhythm_source)((int)TD_RHYTHM_TRADES + asof);
    const names *has = &names_of[source];
    td_graph_builder *builder = td_lower_asof_builder(l, of->text);
    int at = td_word_find(has->words, e->text);
    bool age = td_bytes_equal(e->text, TD_TEXT("age"));
    td_field field = (td_field)((int)has->first + (at >= 0 ? at : 0));
    uint32_t depth = 0;
    if (at < 0 && !age)
        *out_node = fail_field(l, e, of, has->words);
    else if (!lower_depth(l, e, source, age ? TD_FIELD_COUNT : field, &depth))
        *out_node = TD_NODE_BAD;
    else if (age)
        *out_node = td_lower_age(l, (td_lower_place){.builder = builder});
    else
        *out_node = td_lower_read(l, (td_lower_place){.builder = builder}, add_field(builder, field, depth), e->offset);
    return true;
}
