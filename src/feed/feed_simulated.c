/* src/feed/feed_simulated.c - a market made up from a seed: hundreds of instruments at Zipf rates, bursts of all and of
 * one, random-walk prices on a grid, as many trades as quotes, a little out of order. Integers only, so that a seed
 * means the same on every machine. Its clock is the receive time. */
#include "base/time.h"
#include "feed/feed.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    BLOCK_TICKS = 256,        /* pace and burst are drawn once for so many */
    SESSION_TICKS = 40000000, /* of the default session; sets the pace of an endless one */
    CENT_M = 10000000,        /* the price grid, 0.01 as decimal(19,9) */
    UNIT_M = 100000000,       /* 1 as decimal(19,8) */
    CENTS_MIN = 100,          /* prices walk within 1 and 1000 */
    CENTS_MAX = 100000,
    STRAGGLERS = 256, /* one tick of so many takes long on its way, */
    QUICK_SHARE = 64, /* the others at most this part of delay_max_ns */
    INSTRUMENTS_MAX = 100000,
};
static const int64_t delay_limit_ns = 250 * TD_NS_PER_MS;

typedef struct sim_instrument {
    uint32_t index;        /* in the instrument table */
    int32_t cents, spread; /* middle of the book, and half of what lies between its sides */
    int64_t trade_id, sequence;
    uint32_t threshold, other; /* alias method: below the threshold this instrument, else the other */
} sim_instrument;

typedef struct simulated {
    uint64_t random;
    sim_instrument *instruments;
    uint32_t instrument_count;
    int64_t tick_count, given; /* tick_count 0: endless */
    int64_t end_ns, delay_max_ns, session_gap_ns;
    int64_t sent_ns;     /* of the last tick; received delay_max_ns later, and happened in between */
    uint64_t gap_ns;     /* of the block, on average */
    sim_instrument *hot; /* has half of the block's ticks; NULL: no burst */
} simulated;

/* ---- choosing ---- */

static uint64_t next_random(simulated *sim) { /* splitmix64 */
    uint64_t z = sim->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Uniform in 0 .. n-1 out of 32 random bits. */
static uint32_t scale(uint32_t random, uint32_t n) { return (uint32_t)((uint64_t)random * n >> 32); }

static sim_instrument *choose(simulated *sim, uint64_t random) {
    sim_instrument *column = &sim->instruments[scale((uint32_t)(random >> 32), sim->instrument_count)];
    return (uint32_t)random <= column->threshold ? column : &sim->instruments[column->other];
}

/* Vose's alias method: columns of equal height, each holding at most two instruments. The k-th has weight 1/k. */
static void build_choice(simulated *sim) {
    uint32_t n = sim->instrument_count, small_count = 0, large_count = 0;
    uint64_t *weights = td_alloc(n * sizeof *weights), total = 0;
    uint32_t *small = td_alloc(n * sizeof *small), *large = td_alloc(n * sizeof *large);
    for (uint32_t i = 0; i < n; i++) total += weights[i] = (UINT64_C(1) << 40) / (i + 1);
    for (uint32_t i = 0; i < n; i++) {
        weights[i] *= n; /* now the height of a column is `total` */
        sim->instruments[i].threshold = UINT32_MAX;
        if (weights[i] < total)
            small[small_count++] = i;
        else
            large[large_count++] = i;
    }
    while (small_count > 0 && large_count > 0) {
        uint32_t s = small[--small_count], l = large[large_count - 1];
        sim->instruments[s].threshold = (uint32_t)(((td_u128)weights[s] << 32) / total);
        sim->instruments[s].other = l;
        weights[l] -= total - weights[s];
        if (weights[l] >= total) continue;
        large_count--;
        small[small_count++] = l;
    }
    free(large);
    free(small);
    free(weights);
}

/* ---- opening ---- */

static void add_instruments(simulated *sim, const char *venue, td_instruments *table) {
    for (uint32_t i = 0; i < sim->instrument_count; i++) {
        char name[TD_INSTRUMENT_NAME_MAX + 1];
        (void)snprintf(name, sizeof name, "%s:S%04u", venue, i + 1);
        uint64_t random = next_random(sim);
        sim->instruments[i] = (sim_instrument){
            .index = td_instruments_intern(table, td_text(name)),
            .cents = 500 + (int32_t)scale((uint32_t)random, 49500),
            .spread = 1,
        };
    }
}

static td_status simulated_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    (void)os; /* no machine is needed */
    int64_t start_ns;
    if (td_time_parse(td_text(conf->start), &start_ns) != TD_OK || start_ns <= 0 || start_ns > TD_FEED_INSTANT_MAX_NS)
        return TD_FAIL(TD_CONFIG, "start: \"%s\" is no instant like 2026-01-05T14:30:00Z", conf->start);
    td_status status = td_feed_check_venue(conf->venue);
    if (status != TD_OK) return status;
    simulated *sim = td_alloc_zero(1, sizeof *sim);
    sim->random = (uint64_t)conf->seed;
    sim->instrument_count = (uint32_t)conf->instruments;
    sim->instruments = td_alloc_zero(sim->instrument_count, sizeof *sim->instruments);
    add_instruments(sim, conf->venue, instruments);
    build_choice(sim);
    sim->tick_count = conf->ticks;
    sim->delay_max_ns = td_least(delay_limit_ns, td_least(conf->lateness_ns / 2, conf->duration_ns / 4)) + 1;
    sim->session_gap_ns = conf->duration_ns / SESSION_TICKS;
    sim->sent_ns = start_ns;
    sim->end_ns = start_ns + conf->duration_ns - sim->delay_max_ns; /* strictly within, even the slowest */
    *out = sim;
    return TD_OK;
}

static void simulated_close(void *feed) {
    simulated *sim = feed;
    if (sim == NULL) return;
    free(sim->instruments);
    free(sim);
}

/* ---- ticks ---- */

/* What is left of the session is spread over the ticks left, at a pace that changes from block to block. */
static void begin_block(simulated *sim) {
    static const uint8_t paces[] = {1, 4, 12, 16, 20, 24, 24, 27}; /* sixteenths of the average gap; their own is 16 */
    uint64_t random = next_random(sim);
    int64_t gap_ns = sim->session_gap_ns;
    if (sim->tick_count > 0) gap_ns = (sim->end_ns - sim->sent_ns) / (sim->tick_count - sim->given);
    uint8_t pace = paces[random % sizeof paces];
    sim->gap_ns = (uint64_t)gap_ns * pace / 16;
    sim->hot = pace == 1 ? choose(sim, next_random(sim)) : NULL;
}

static void move_time(simulated *sim, uint64_t random) {
    int64_t gap_ns = (int64_t)((td_u128)sim->gap_ns * (random & 0xffff) >> 15); /* 0 to twice the average */
    sim->sent_ns += gap_ns;
    if (sim->tick_count > 0 && sim->sent_ns > sim->end_ns) sim->sent_ns = sim->end_ns;
}

static int64_t draw_delay(const simulated *sim, uint64_t random) {
    uint64_t span_ns = (uint64_t)sim->delay_max_ns;
    if (random % STRAGGLERS != 0) span_ns = span_ns / QUICK_SHARE + 1;
    if (span_ns > (uint64_t)sim->delay_max_ns) span_ns = (uint64_t)sim->delay_max_ns;
    return 1 + (int64_t)(span_ns * (random >> 8 & 0xffff) >> 16);
}

static void move_price(sim_instrument *s, uint64_t random) {
    int32_t step = (int32_t)(random & 1) - (int32_t)(random >> 1 & 1);
    if (s->cents <= CENTS_MIN) step = 1;
    if (s->cents >= CENTS_MAX) step = -1;
    s->cents += step;
    s->spread = 1 + (int32_t)(random >> 2 & 3) / 2;
}

static void fill_quote(sim_instrument *s, uint64_t random, td_quote *out) {
    move_price(s, random);
    *out = (td_quote){.bid_price = (int64_t)(s->cents - s->spread) * CENT_M,
                      .bid_size = (int64_t)(1 + (random >> 8 & 15)) * 100 * UNIT_M,
                      .ask_price = (int64_t)(s->cents + s->spread) * CENT_M,
                      .ask_size = (int64_t)(1 + (random >> 16 & 15)) * 100 * UNIT_M,
                      .sequence = ++s->sequence};
}

static void fill_trade(sim_instrument *s, uint64_t random, td_trade *out) {
    bool buy = (random & 1) != 0;
    *out = (td_trade){.price = (int64_t)(s->cents + (buy ? s->spread : -s->spread)) * CENT_M,
                      .size = (int64_t)(1 + (random >> 8 & 511)) * UNIT_M,
                      .trade_id = ++s->trade_id,
                      .side = buy ? TD_SIDE_BUY : TD_SIDE_SELL};
}

static td_status simulated_next(void *feed, td_feed_item *out) {
    simulated *sim = feed;
    if (sim->tick_count > 0 && sim->given == sim->tick_count) {
        *out = (td_feed_item){.kind = TD_ITEM_END, .clock_ns = sim->sent_ns + sim->delay_max_ns};
        return TD_OK;
    }
    if (sim->given % BLOCK_TICKS == 0) begin_block(sim);
    uint64_t which = next_random(sim), how = next_random(sim), when = next_random(sim);
    sim_instrument *s = sim->hot != NULL && (how >> 63) != 0 ? sim->hot : choose(sim, which);
    move_time(sim, when);
    int64_t receive_ns = sim->sent_ns + sim->delay_max_ns;
    bool quote = sim->given++ % 2 == 0;
    out->kind = TD_ITEM_EVENT;
    out->clock_ns = receive_ns;
    out->position = (td_source_position){.line = (uint64_t)sim->given};
    td_event *e = &out->event;
    e->kind = quote ? TD_EVENT_QUOTE : TD_EVENT_TRADE;
    e->flags = 0;
    e->feed = 0;
    e->instrument = s->index;
    e->event_ns = receive_ns - draw_delay(sim, when >> 16);
    e->receive_ns = receive_ns;
    if (quote)
        fill_quote(s, how, &e->quote);
    else
        fill_trade(s, how, &e->trade);
    return TD_OK;
}

static const td_option simulated_options[] = {
    TD_FEED_ROWS("SIM"),
    TD_FEED_ROW("seed", TD_OPTION_INT, "1", 0, 0, seed, "same seed, same market"),
    TD_FEED_ROW("instruments", TD_OPTION_INT, "800", 1, INSTRUMENTS_MAX, instruments, "how many: SIM:S0001, …"),
    TD_FEED_ROW("ticks", TD_OPTION_INT, "40000000", 0, 1e12, ticks,
                "how many within the duration; 0: endless, such a run never ends by itself"),
    TD_FEED_ROW("start", TD_OPTION_TEXT, "2026-01-05T14:30:00Z", 0, 0, start, "instant at which the session begins"),
    TD_FEED_ROW("duration", TD_OPTION_DURATION, "390m", 1e9, 1e17, duration_ns,
                "length of the session; endless ones give 40 million ticks in each"),
    {0}};

const td_feed_ops td_feed_simulated = {.format = "simulated",
                                       .is_file = false,
                                       .venue = "SIM",
                                       .options = simulated_options,
                                       .open = simulated_open,
                                       .next = simulated_next,
                                       .close = simulated_close};
