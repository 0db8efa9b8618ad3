/* tests/sim/listener.h - the whole program on a simulated machine, listening to a venue over a simulated network, and
 * what befalls both: sessions that end anywhere, REST that breaks, kill -9. The venue goes on meanwhile. Thread: one.
 */
#pragma once
#include "../contract/peer.h"
#include "account.h"
#include "app/engine.h"
#include "os_sim.h"

typedef enum td_cut {
    TD_CUT_BEHIND,          /* the session ends behind a message */
    TD_CUT_WITHIN,          /* … within one */
    TD_CUT_ACK,             /* … within the answer to the subscription */
    TD_CUT_REFUSED,         /* … and for a while the venue takes no other */
    TD_CUT_AGAIN,           /* a session ends that has just begun */
    TD_CUT_HALF_OPEN,       /* nothing comes any more, and nobody says so */
    TD_CUT_BACKFILL,        /* it ends while a page of the past is on its way */
    TD_CUT_PAGE_BORDER,     /* … and the page fails, which is not the first one of its gap */
    TD_CUT_KILLED,          /* kill -9 */
    TD_CUT_KILLED_BACKFILL, /* … while a page of the past is on its way */
    TD_CUT_STOPPED,         /* the process ends as it should, and is started again */
    TD_CUT_COUNT,
} td_cut;

typedef struct td_manners { /* how the venue says its trades; all 0: at once, each once */
    uint64_t reordered_ms;  /* each is held back for a time below that */
    uint64_t late_every, late_ms;
    uint64_t doubled_every;
} td_manners;

typedef struct td_listener_conf {
    uint64_t seed;
    uint64_t mean_ms, flawed_every;
    int64_t silent_ms;
    td_manners manners;
    const char *settings;           /* more of the feed's: ", silence: 2s", or "" */
    const char *strategy, *actions; /* the text of a file each, or NULL */
    bool trace;
} td_listener_conf;

typedef struct td_said { /* a message that is held back */
    int64_t due_ms, id;
    int symbol;
} td_said;

enum { TD_HELD_BACK_MAX = 4096 };

typedef struct td_listener {
    td_sim *sim;
    td_os os;
    td_random random;
    td_venue venue;
    td_manners manners;
    void *peer, *web;
    td_config config;
    td_engine *engine;
    bool trace, rough;                                 /* rough: REST breaks now and then */
    bool up, over;                                     /* there is a session; its end is on its way */
    int64_t ends_ms;                                   /* the venue's last trade is before that */
    int64_t mute_until_ns, refuse_until_ns, end_at_ns; /* 0: not */
    unsigned armed;                                    /* cuts that wait for their place, a bit each */
    bool dying;                                        /* … of which one has found it */
    td_cut dying_of;
    int page_symbol; /* of the last request: a page that ends below it is the next one of its gap */
    int64_t page_from_id;
    td_said held[TD_HELD_BACK_MAX];
    size_t held_count;
    int lives;
    int64_t cuts[TD_CUT_COUNT], cut_count, in_one_window, last_cut_ns;
} td_listener;

/* The venue begins to trade 2 s after the start: the session is there by then. False: stderr says why. */
bool td_listener_open(td_listener *l, const td_listener_conf *conf);
void td_listener_close(td_listener *l);
/* A step of the venue and one of the program. False: it does not start again. */
bool td_listener_turn(td_listener *l);
/* Makes the cut now, or as soon as its place is there; a session is up. False: as turn. */
bool td_listener_cut(td_listener *l, td_cut cut);
bool td_listener_can_cut(td_listener *l);
/* Without further cuts until nothing is awaited any more; trades go on until ends_ms. */
bool td_listener_settle(td_listener *l, td_account *account);
/* What this life has counted is all that it met. */
bool td_listener_check_counts(td_listener *l);
int64_t td_listener_open_gaps(td_listener *l);

const char *td_cut_name(td_cut cut);
static inline int64_t td_listener_now_ns(const td_listener *l) { return l->os.ops->wall_ns(l->os.self); }
static inline uint64_t td_listener_below(td_listener *l, uint64_t bound) { return td_random_below(&l->random, bound); }
