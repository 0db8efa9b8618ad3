/* src/stream/why.h - why a strategy acted on a bar or tick, or did not: the conditions of its actions, alerts and emits
 * as trees in the words of its text, with the values that the graph gave each part before the bar and on it; how far a
 * comparison that failed was off; and what became of each action. Owns copies of all texts, so that it outlives the
 * graph. Thread: any. */
#pragma once
#include "stream/term.h"

typedef enum td_why_word {
    TD_WHY_FIRED,
    TD_WHY_FALSE,
    TD_WHY_NA,
    TD_WHY_BEATEN,       /* an exit of its side goes before */
    TD_WHY_CONTRADICTED, /* buy and short at once */
    TD_WHY_THERE,        /* the target is on its side already */
    TD_WHY_FLAT,         /* there is nothing that it could leave */
    TD_WHY_HELD_BACK,    /* an entry, by a cooldown or a limit */
    TD_WHY_STANDING,     /* an alert: its condition held before, too */
    TD_WHY_OTHER,        /* another action of the strategy goes before */
    TD_WHY_NOT_MEANT,    /* the strategy is not for this instrument */
} td_why_word;

typedef struct td_why_row {   /* a part of a condition; its own parts follow it, one deeper */
    uint32_t text, text_size; /* in `texts` */
    uint32_t depth;
    uint8_t kind, type;       /* td_term_kind, td_type */
    bool constant;            /* its value never changes, as a param's */
    bool known;               /* false: nothing computes it, no value is of account */
    bool measured;            /* `off` and `share` are there */
    td_value before, at, off; /* off: left less right, of `off_type`: of times a duration */
    uint8_t off_type;
    double share;    /* off / abs(right); NaN where right is 0, or a time */
    uint32_t warmup; /* bars that it has no value for */
    td_value of;     /* of a cross-section how many members there were, a double; else na */
} td_why_row;

typedef struct td_why_action {
    uint32_t first, count;        /* rows; none where the text was not kept */
    uint32_t traded, traded_size; /* of a leg that trades another instrument; else empty */
    uint32_t note, note_size;
    uint8_t action, verdict; /* td_action, td_why_word */
    uint8_t leaving;         /* td_leaving: of an EXIT the rule that it is */
} td_why_action;

typedef struct td_why_level { /* a stop, trail or target of the position that is held */
    int64_t price;            /* as traded; 0: its expression has had no value yet */
    int64_t away;             /* that the last price may still move towards it; 0 and less: it is reached */
    uint8_t kind;             /* td_exit_kind */
    bool awake;               /* else it waits for its `from` */
} td_why_level;

typedef struct td_why_param {
    uint32_t name, name_size;
    td_value value;
    uint8_t type; /* td_type */
} td_why_param;

typedef struct td_why {
    td_buf rows, actions, params; /* td_why_row, td_why_action, td_why_param */
    td_buf levels;                /* td_why_level, in the order of its text; none where nothing is held */
    td_buf texts;
    uint64_t seen; /* bars up to this one */
    bool has_before;
} td_why;

typedef struct td_why_question {
    const td_graph *graph;
    uint32_t strategy;
    const void *before, *at; /* states of the instrument; before: NULL or of no bar: not known */
    td_stance stance;        /* before the bar */
    bool meant;              /* the strategy is for the instrument */
    void *position;          /* the state that has its position; may be NULL */
    int64_t price;           /* of the last trade */
} td_why_question;

void td_why_ask(td_why *out, const td_why_question *question);
void td_why_fini(td_why *why);

static inline td_bytes td_why_text(const td_why *why, uint32_t at, uint32_t size) {
    return (td_bytes){why->texts.data + at, size};
}
