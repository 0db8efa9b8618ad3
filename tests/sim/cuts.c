/* tests/sim/cuts.c - the first promise: nothing missing unseen. A feed is cut at any place while its venue goes on;
 * what must hold in the end: the log has the venue's (symbol, trade id), all of them; the last revision of every bar is
 * that of a run without a cut, and what the venue's trades give in their order; every trade that did not come by itself
 * was told missing; no bar changed that had not been called partial before; counters add up. Without a cut there is no
 * gap and no revision. With --cuts N a seed has N cuts, else 50. Prints how long holes were there before they were
 * told. */
#include "base/time.h"
#include "listener.h"
#include "seeds.h"
#include <inttypes.h>
#include <stdlib.h>

#define FORLORN_NS (4 * TD_NS_PER_S)
enum { CUTS = 50, CUTS_EVERYWHERE = 200, OPEN_MAX = 12, CALM_S = 90, LATENCIES_MAX = 1 << 17 };

static int64_t cuts_wanted = CUTS;
static int64_t latencies_ms[LATENCIES_MAX]; /* from the first missing trade to the record that tells of it */
static size_t latency_count;
static struct { /* over all seeds */
    int64_t cuts[TD_CUT_COUNT], all, in_one_window, gaps, afterwards, trades, revised, simulated_s;
} tally;

static td_listener_conf conf_of(uint64_t seed, bool trace) {
    return (td_listener_conf){.seed = seed, .mean_ms = 300 + seed % 200, .settings = "", .trace = trace};
}

/* ---- the run that is cut ---- */

typedef struct deck { /* kinds of cuts, each once before one comes again */
    td_cut cards[TD_CUT_COUNT];
    int count;
} deck;

static td_cut deal(deck *d, td_listener *l) {
    if (d->count == 0)
        for (; d->count < TD_CUT_COUNT; d->count++) d->cards[d->count] = (td_cut)d->count;
    int i = (int)td_listener_below(l, (uint64_t)d->count);
    td_cut card = d->cards[i];
    d->cards[i] = d->cards[--d->count];
    return card;
}

/* The next cut where a session is up; after a minute's worth of failures the program waits long, and is started anew.
 */
static bool cut_once(td_listener *l, deck *cards, int64_t heard_ns) {
    if (td_listener_can_cut(l)) return td_listener_cut(l, deal(cards, l));
    bool forlorn = !l->up && !l->dying && td_listener_now_ns(l) - heard_ns > FORLORN_NS;
    return !forlorn || td_listener_cut(l, td_listener_below(l, 2) == 0 ? TD_CUT_KILLED : TD_CUT_STOPPED);
}

/* The ledger holds eight gaps of an instrument open, then it lets the oldest go: no faster than that. */
static bool cut_up(td_listener *l) {
    static const int64_t waits_ns[] = {TD_NS_PER_S / 5, TD_NS_PER_S, 4 * TD_NS_PER_S, 25 * TD_NS_PER_S};
    deck cards = {0};
    int64_t heard_ns = td_listener_now_ns(l), next_ns = heard_ns + 3 * TD_NS_PER_S;
    l->rough = true;
    while (l->cut_count < cuts_wanted) {
        int64_t count = l->cut_count;
        if (!td_listener_turn(l)) return false;
        if (l->up) heard_ns = td_listener_now_ns(l);
        if (td_listener_now_ns(l) < next_ns || td_listener_open_gaps(l) > OPEN_MAX) continue;
        if (!cut_once(l, &cards, heard_ns)) return false;
        if (l->cut_count == count) continue;
        next_ns = td_listener_now_ns(l) + (int64_t)td_listener_below(l, (uint64_t)waits_ns[td_listener_below(l, 4)]);
    }
    l->ends_ms = td_listener_now_ns(l) / TD_NS_PER_MS + CALM_S * 1000;
    return true;
}

static void take_tally(const td_listener *l, const td_account *a) {
    for (int c = 0; c < TD_CUT_COUNT; c++) tally.cuts[c] += l->cuts[c];
    tally.all += l->cut_count;
    tally.in_one_window += l->in_one_window;
    tally.simulated_s += (l->ends_ms - l->venue.conf.start_ms) / 1000 - CALM_S;
    for (int s = 0; s < TD_ACCOUNT_SYMBOLS; s++) {
        const td_account_symbol *symbol = &a->symbols[s];
        tally.gaps += symbol->gap_count;
        tally.revised += symbol->revised;
        tally.trades += symbol->trade_count;
        for (int64_t i = 0; i < symbol->trade_count; i++) tally.afterwards += !symbol->trades[i].live;
        for (int64_t g = 0; g < symbol->gap_count && latency_count < LATENCIES_MAX; g++)
            if (symbol->gaps[g].first_id != TD_NONE) /* below 0: told before it was there */
                latencies_ms[latency_count++] =
                    symbol->gaps[g].told_ms - td_venue_trade_of(&l->venue, s, symbol->gaps[g].first_id)->time_ms;
    }
}

static bool check(td_listener *l, const td_account *a) {
    for (int s = 0; s < TD_ACCOUNT_SYMBOLS; s++) {
        if (!td_account_has_trades(a, &l->venue, s) || !td_account_has_no_gap(a, s) ||
            !td_account_has_bars(a, &l->venue, s))
            return false;
        HOLDS(a->symbols[s].unsaid == 0, "S%d: %" PRId64 " of %" PRId64 " changes were of bars not said to be partial",
              s, a->symbols[s].unsaid, a->symbols[s].changed);
    }
    return td_listener_check_counts(l);
}

/* ---- the run that is not ---- */

static bool run_uncut(const td_listener_conf *conf, int64_t ends_ms, td_account *a) {
    td_listener l;
    bool good = td_listener_open(&l, conf);
    l.ends_ms = ends_ms;
    good = good && td_listener_settle(&l, a) && check(&l, a);
    td_listener_close(&l);
    for (int s = 0; s < TD_ACCOUNT_SYMBOLS && good; s++)
        HOLDS(a->symbols[s].gap_count == 0 && a->symbols[s].revised == 0,
              "S%d was never cut: %" PRId64 " gaps, %" PRId64 " revisions", s, a->symbols[s].gap_count,
              a->symbols[s].revised);
    return good;
}

static bool run_seed(uint64_t seed, bool trace) {
    td_listener l;
    td_listener_conf conf = conf_of(seed, trace);
    td_account cut = {0}, uncut = {0};
    bool good = td_listener_open(&l, &conf);
    good = good && cut_up(&l) && td_listener_settle(&l, &cut) && check(&l, &cut);
    if (good) take_tally(&l, &cut);
    td_listener_close(&l);
    good = good && run_uncut(&conf, l.ends_ms, &uncut);
    for (int s = 0; s < TD_ACCOUNT_SYMBOLS && good; s++) {
        HOLDS(cut.symbols[s].trade_count == uncut.symbols[s].trade_count, "S%d: other trades", s);
        good = td_account_same_bars(&cut, &uncut, s);
    }
    td_account_fini(&cut);
    td_account_fini(&uncut);
    return good;
}

/* ---- all of them ---- */

static int by_size(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* False: nothing was missing, or with so many cuts a place was never cut at: nothing was proved. */
static bool tell(void) {
    bool everywhere = true;
    for (int c = 0; c < TD_CUT_COUNT; c++) {
        (void)printf("%s%" PRId64 " %s", c > 0 ? ", " : "", tally.cuts[c], td_cut_name((td_cut)c));
        everywhere = everywhere && tally.cuts[c] > 0;
    }
    (void)printf("; %" PRId64 " twice in one window\n", tally.in_one_window);
    if (latency_count == 0 || tally.afterwards == 0 || (tally.all >= CUTS_EVERYWHERE && !everywhere)) return false;
    qsort(latencies_ms, latency_count, sizeof *latencies_ms, by_size);
    (void)printf("%" PRId64 " cuts in %" PRId64 " s: %" PRId64 " trades, %" PRId64 " of them only afterwards, %" PRId64
                 " gaps, %" PRId64 " revisions; from hole to flag: median %.2f s, at most %.2f s\n",
                 tally.all, tally.simulated_s, tally.trades, tally.afterwards, tally.gaps, tally.revised,
                 (double)latencies_ms[latency_count / 2] / 1e3, (double)latencies_ms[latency_count - 1] / 1e3);
    return true;
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "--cuts") == 0) {
        cuts_wanted = strtoll(argv[2], NULL, 10);
        argv[2] = argv[0];
        argv += 2;
        argc -= 2;
    }
    int code = td_seeds_main(argc, argv, run_seed);
    if (code == 0 && !tell()) (void)fprintf(stderr, "nothing is proved by that\n"), code = 1;
    return code;
}
