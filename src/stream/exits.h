/* src/stream/exits.h - the rules by which a held position is left: stops, trails and targets, as levels of price
 * against which each trade of the instrument is held. Distances are from the entry, of a trail from the best price
 * since; a trail only ever follows. R is how far the first stop stood from the entry when that was filled. A rule with
 * `from` is asleep until the price was so many R better than the entry. Where a level's expression is na, the level
 * stays. One trade can reach several levels: stops and trails come before targets, for what was lost is certain. A
 * plain function of its calls; the levels are part of the strategy's state. Thread: the owner's of the state. */
#pragma once
#include "stream/paper.h"
#include "stream/value.h"

enum { TD_EXITS_MAX = 8 }; /* of a strategy */

typedef enum td_exit_kind { /* in the order in which they are looked at */
                            TD_EXIT_STOP,
                            TD_EXIT_TRAIL,
                            TD_EXIT_TARGET,
                            TD_EXIT_NONE, /* none of them */
} td_exit_kind;

typedef enum td_exit_level { TD_EXIT_DISTANCE, TD_EXIT_PERCENT, TD_EXIT_AT, TD_EXIT_R } td_exit_level;

typedef struct td_exit_rule {
    td_value r, from_r;  /* decimals; of R; from_r 0: awake from the entry on */
    uint32_t node;       /* of DISTANCE, PERCENT and AT: the graph's */
    uint8_t kind;        /* td_exit_kind */
    uint8_t level;       /* td_exit_level */
    uint8_t of_position; /* 1: the expression looks at the position; filled in */
    uint8_t zero[9];
} td_exit_rule;

typedef struct td_exit { /* one rule of a held position */
    int64_t price;       /* its level; 0: there was none yet */
    int64_t awake;       /* 1: trades are held against it */
} td_exit;

typedef struct td_exits { /* all rules of a strategy with its position; lent */
    const td_exit_rule *rules;
    td_exit *at; /* beside them */
    td_paper *paper;
    uint32_t count;
} td_exits;

/* What a rule's expression says is a price or a distance of prices; TD_VALUE_NA: nothing. */
typedef struct td_exit_values {
    td_value of[TD_EXITS_MAX];
} td_exit_values;

/* A position was opened: levels begin anew. Then, and whenever values or the best price have moved: where they stand.
 */
void td_exits_begin(td_exits exits);
void td_exits_follow(td_exits exits, const td_exit_values *values);
/* Behind the first follow: R. */
void td_exits_take_risk(td_exits exits);
/* What a trade at that price reaches. */
td_exit_kind td_exits_reached(td_exits exits, int64_t price);
/* A trade at that price has left it as it is: it may be the best one. */
void td_exits_pass(td_exits exits, int64_t price);
/* Trades between the two, which are left out, reach nothing and are not the best one where that matters. */
void td_exits_quiet(td_exits exits, int64_t *low, int64_t *high);
/* A share of before has become so many. */
void td_exits_split(td_exits exits, td_split split);
/* "stop", "trail", "target": a literal. */
const char *td_exit_kind_name(td_exit_kind kind);
