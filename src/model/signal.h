/* src/model/signal.h - a change of a strategy's target position in one instrument, or what it tells beside. A plain
 * value; texts are borrowed from the program or the record it was decoded from. id = strategy/instrument/time#n (design
 * section 3). */
#pragma once
#include "base/decimal.h"

enum { TD_SIGNAL_NAME_MAX = 63, TD_SIGNAL_ID_MAX = 191 };

typedef enum td_action {
    TD_ACTION_BUY,
    TD_ACTION_SELL,
    TD_ACTION_SHORT,
    TD_ACTION_COVER,
    TD_ACTION_EXIT, /* up to here the target changes */
    TD_ACTION_ALERT,
    TD_ACTION_EMIT,
} td_action;
/* WITHHELD: its condition held on a bar that cannot be trusted; no target moved. */
typedef enum td_signal_status {
    TD_SIGNAL_FRESH,
    TD_SIGNAL_LATE,
    TD_SIGNAL_WITHDRAWN,
    TD_SIGNAL_WITHHELD
} td_signal_status;

typedef struct td_signal {
    td_bytes strategy, note; /* note: "" when none; of an alert its text, of EMIT the name of what it gives */
    td_bytes reason;         /* of WITHHELD, else "" */
    td_bytes data;           /* of EMIT: a JSON object, else "" */
    td_bytes leg;            /* the instrument whose target changes, when it is not the one that the strategy ran on */
    uint32_t instrument;     /* index in the owner's table */
    uint32_t ordinal;        /* n: 1 for the strategy's first signal of this instrument and time */
    int64_t event_ns;        /* the window's end */
    int64_t width_ns;        /* of the bars that the strategy runs on */
    int64_t price;           /* decimal(19,9): close of the bar that fired; of a leg the last of its instrument */
    int64_t target;          /* decimal(19,8), signed: position wanted after it */
    int64_t known_at_ns;
    uint8_t action, status;
} td_signal;

static inline bool td_action_enters(td_action action) { return action == TD_ACTION_BUY || action == TD_ACTION_SHORT; }
/* What it trades, of a strategy that ran on `instrument`. */
static inline td_bytes td_signal_traded(const td_signal *signal, td_bytes instrument) {
    return signal->leg.size > 0 ? signal->leg : instrument;
}

/* Words as published: "buy", "fresh". Literals. */
const char *td_action_name(td_action action);
const char *td_signal_status_name(td_signal_status status);
/* Whether the names of the strategy and of what it ran on are short enough for an id; those of the language are, those
 * in foreign bytes need not be. */
static inline bool td_signal_has_id(const td_signal *signal, td_bytes instrument) {
    return signal->strategy.size <= TD_SIGNAL_NAME_MAX && instrument.size <= TD_SIGNAL_NAME_MAX;
}

/* Writes the id with a NUL and returns its length. It names the instrument that the strategy ran on, whatever it
 * trades. Asserts td_signal_has_id. */
size_t td_signal_id(const td_signal *signal, td_bytes instrument, char out[TD_SIGNAL_ID_MAX + 1]);
