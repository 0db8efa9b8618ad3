/* tests/sim/venue.h - a venue that goes on whether or not anybody listens: symbols S0, S1, … whose trades are numbered
 * from 1 and are a function of a seed and of time alone. It speaks as Binance's spot market does, by messages and by
 * REST. Thread: one. */
#pragma once
#include "../contract/web.h"
#include "random.h"

typedef struct td_venue_trade {
    int64_t time_ms, price_cents, size; /* its id is its place, from 1 */
    bool maker_buys;
} td_venue_trade;

typedef struct td_venue_symbol {
    td_random random;
    td_venue_trade *trades;
    int64_t count, capacity;
    int64_t due_ms; /* of the next one */
} td_venue_symbol;

typedef struct td_venue {
    td_venue_symbol *symbols;
    int symbol_count;
    int64_t mean_ms; /* between two trades of a symbol */
    int64_t kept;    /* trades that REST still gives of each */
    int64_t asked;   /* requests answered */
} td_venue;

void td_venue_init(td_venue *venue, uint64_t seed, int symbols, int64_t start_ms, int64_t mean_ms);
void td_venue_fini(td_venue *venue);
/* The next trade that has happened by then; false: none. Its symbol and id tell it. */
bool td_venue_next(td_venue *venue, int64_t now_ms, int *out_symbol, int64_t *out_id);
const td_venue_trade *td_venue_trade_of(const td_venue *venue, int symbol, int64_t id);
/* As the stream says it. */
void td_venue_put_message(const td_venue *venue, int symbol, int64_t id, td_buf *out);
/* A web_handler's: /api/v3/trades and /api/v3/historicalTrades. */
void td_venue_answer(void *venue, const char *path, web_answer *out);
