/* tests/sim/venue.c - trades out of a seed, as messages and as pages. */
#include "venue.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS_MAX = 1000, PRICE_CENTS = 1000000, DRIFT_CENTS = 200, SPAN_CENTS = 20000, SOUND_FROM = 40 };
enum { SILENT_EVERY_MS = 20000, HOUR_MS = 3600000 };

void td_venue_init(td_venue *v, const td_venue_conf *conf) {
    *v = (td_venue){.conf = *conf, .kept = INT64_MAX};
    v->symbols = td_alloc_zero((size_t)conf->symbols, sizeof *v->symbols);
    for (int i = 0; i < conf->symbols; i++)
        v->symbols[i] = (td_venue_symbol){
            .random.state = conf->seed * 1000 + (uint64_t)i, .due_ms = conf->start_ms + 1, .price_cents = PRICE_CENTS};
}

void td_venue_fini(td_venue *v) {
    for (int i = 0; i < v->conf.symbols; i++) free(v->symbols[i].trades);
    free(v->symbols);
}

/* Never two in a row, and none before rules have anything to compare with. */
static td_flaw flaw_of_next(const td_venue *v, td_venue_symbol *s) {
    bool may = v->conf.flawed_every > 0 && s->count > SOUND_FROM && s->trades[s->count - 1].flaw == TD_FLAW_NONE;
    if (!may || td_random_below(&s->random, v->conf.flawed_every) != 0) return TD_FLAW_NONE;
    return (td_flaw)(1 + td_random_below(&s->random, TD_FLAW_COUNT - 1));
}

static void spoil(td_venue_trade *trade, td_flaw flaw) {
    trade->flaw = (uint8_t)flaw;
    if (flaw == TD_FLAW_OUTLIER) trade->price_cents *= 3;
    if (flaw == TD_FLAW_NON_POSITIVE) trade->size = 0;
    if (flaw == TD_FLAW_AHEAD) trade->time_ms += HOUR_MS;
}

/* Prices stay within a few parts of a hundred: no rule of ours doubts them. */
static void add_trade(td_venue *v, td_venue_symbol *s) {
    if (s->count == s->capacity) {
        s->capacity = s->capacity == 0 ? 256 : 2 * s->capacity;
        s->trades = td_alloc_check(realloc(s->trades, (size_t)s->capacity * sizeof *s->trades),
                                   (size_t)s->capacity * sizeof *s->trades);
    }
    s->price_cents += (int64_t)td_random_below(&s->random, 2 * DRIFT_CENTS + 1) - DRIFT_CENTS;
    if (llabs(s->price_cents - PRICE_CENTS) > SPAN_CENTS) s->price_cents = PRICE_CENTS;
    td_venue_trade trade = {.time_ms = s->due_ms,
                            .price_cents = s->price_cents,
                            .size = 1 + (int64_t)td_random_below(&s->random, 100),
                            .maker_buys = td_random_below(&s->random, 2) == 0};
    spoil(&trade, flaw_of_next(v, s));
    s->trades[s->count++] = trade;
    s->due_ms += (int64_t)td_random_below(&s->random, (uint64_t)(2 * v->conf.mean_ms) + 1);
    int64_t silent_ms = v->conf.silent_ms - s->due_ms % SILENT_EVERY_MS;
    if (silent_ms > 0) s->due_ms += silent_ms;
}

bool td_venue_next(td_venue *v, int64_t now_ms, int *out_symbol, int64_t *out_id) {
    int first = 0;
    for (int i = 1; i < v->conf.symbols; i++)
        if (v->symbols[i].due_ms < v->symbols[first].due_ms) first = i;
    if (v->symbols[first].due_ms > now_ms) return false;
    add_trade(v, &v->symbols[first]);
    *out_symbol = first;
    *out_id = v->symbols[first].count;
    return true;
}

const td_venue_trade *td_venue_trade_of(const td_venue *v, int symbol, int64_t id) {
    return &v->symbols[symbol].trades[id - 1];
}

void td_venue_put_message(const td_venue *v, int symbol, int64_t id, td_buf *out) {
    const td_venue_trade *t = td_venue_trade_of(v, symbol, id);
    td_buf_printf(out,
                  "{\"e\":\"trade\",\"s\":\"S%d\",\"t\":%" PRId64 ",\"p\":\"%" PRId64 ".%02d\",\"q\":\"%" PRId64
                  "\",\"T\":%" PRId64 ",\"m\":%s}",
                  symbol, id, t->price_cents / 100, (int)(t->price_cents % 100), t->size, t->time_ms,
                  t->maker_buys ? "true" : "false");
}

static void put_row(td_buf *out, int64_t id, const td_venue_trade *t) {
    td_buf_printf(out,
                  "{\"id\":%" PRId64 ",\"price\":\"%" PRId64 ".%02d\",\"qty\":\"%" PRId64
                  "\",\"quoteQty\":\"1.5\",\"time\":%" PRId64 ",\"isBuyerMaker\":%s,\"isBestMatch\":true}",
                  id, t->price_cents / 100, (int)(t->price_cents % 100), t->size, t->time_ms,
                  t->maker_buys ? "true" : "false");
}

void td_venue_answer(void *self, const char *path, web_answer *out) {
    const td_venue *v = self;
    int symbol = -1;
    int64_t from_id = -1, limit = 0;
    bool old = sscanf(path, "/api/v3/historicalTrades?symbol=S%d&fromId=%" SCNd64 "&limit=%" SCNd64, &symbol, &from_id,
                      &limit) == 3;
    if (!old && sscanf(path, "/api/v3/trades?symbol=S%d&limit=%" SCNd64, &symbol, &limit) != 2) symbol = -1;
    if (symbol < 0 || symbol >= v->conf.symbols || limit < 1 || limit > ROWS_MAX) {
        out->code = 400;
        td_buf_text(&out->body, "{\"code\":-1100,\"msg\":\"Illegal characters found in a parameter.\"}");
        return;
    }
    const td_venue_symbol *s = &v->symbols[symbol];
    int64_t lowest = s->count > v->kept ? s->count - v->kept + 1 : 1;
    if (!old) from_id = s->count - limit + 1;
    if (from_id < lowest) from_id = lowest;
    td_buf_text(&out->body, "[");
    for (int64_t id = from_id; id < from_id + limit && id <= s->count; id++) {
        if (id > from_id) td_buf_text(&out->body, ",");
        put_row(&out->body, id, &s->trades[id - 1]);
    }
    td_buf_text(&out->body, "]");
}
