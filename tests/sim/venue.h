/* tests/sim/venue.h - a venue that goes on whether or not anybody listens: symbols S0, S1, … whose trades are numbered
 * from 1 and are a function of a seed and of time alone. It speaks as Binance's spot market does, by messages and by
 * REST. Thread: one. */
#pragma once
#include "../contract/web.h"
#include "random.h"

typedef enum td_flaw { /* what is wrong with a trade, by rules that know nothing of this table */
                       TD_FLAW_NONE,
                       TD_FLAW_OUTLIER,      /* three times the price of those beside it */
                       TD_FLAW_NON_POSITIVE, /* a size of 0 */
                       TD_FLAW_AHEAD,        /* an hour ahead of the clock */
                       TD_FLAW_COUNT,
} td_flaw;

typedef struct td_venue_trade {
    int64_t time_ms, price_cents, size; /* its id is its place, from 1 */
    bool maker_buys;
    uint8_t flaw;
} td_venue_trade;

typedef struct td_venue_symbol {
    td_random random;
    td_venue_trade *trades;
    int64_t count, capacity;
    int64_t due_ms, price_cents; /* the time of the next one; the price of the last one without a flaw */
} td_venue_symbol;

typedef struct td_venue_conf {
    uint64_t seed;
    int symbols;
    int64_t start_ms;
    int64_t mean_ms;       /* between two trades of a symbol */
    uint64_t flawed_every; /* one trade in so many has a flaw; 0: none */
    int64_t silent_ms;     /* nothing trades for so long in every 20 s */
} td_venue_conf;

typedef struct td_venue {
    td_venue_conf conf;
    td_venue_symbol *symbols;
    int64_t kept; /* trades of each that REST still gives; at first all */
} td_venue;

void td_venue_init(td_venue *venue, const td_venue_conf *conf);
void td_venue_fini(td_venue *venue);
/* The next trade that has happened by then; false: none. Its symbol and id tell it. */
bool td_venue_next(td_venue *venue, int64_t now_ms, int *out_symbol, int64_t *out_id);
const td_venue_trade *td_venue_trade_of(const td_venue *venue, int symbol, int64_t id);
/* As the stream says it. */
void td_venue_put_message(const td_venue *venue, int symbol, int64_t id, td_buf *out);
/* A web_handler's: /api/v3/trades and /api/v3/historicalTrades. */
void td_venue_answer(void *venue, const char *path, web_answer *out);
