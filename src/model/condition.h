/* src/model/condition.h - what the sale condition of a trade lets it do to a bar. A venue's table (docs/conditions.md)
 * says it of each flag of the number by which the venue codes conditions; it is read once and is three masks
 * afterwards. Plain values. Thread: any. */
#pragma once
#include "model/event.h"

/* Each lets a trade do what those before it do, too: no plan knows a condition that sets a price and counts no volume,
 * or closes a bar and makes no high. */
typedef enum td_admits {
    TD_ADMITS_NOTHING,
    TD_ADMITS_VOLUME,   /* volume, notional, the count of trades */
    TD_ADMITS_HIGH_LOW, /* … and open and close of a bar that has no better trade */
    TD_ADMITS_LAST,     /* … and open and close: all */
} td_admits;

typedef struct td_conditions { /* flags of conditions; each mask holds those of the one before. {0}: all is admitted */
    uint64_t no_volume, no_high_low, no_last;
} td_conditions;

typedef struct td_condition_table {
    char venue[32];
    td_conditions regular; /* where bars are of regular hours alone */
    td_conditions all;     /* where they are of all hours: trades outside of sessions make prices, too */
} td_condition_table;

/* Errors: TD_REJECT, the trail says line and what is wrong. */
TD_CHECKED td_status td_condition_table_parse(td_bytes text, td_condition_table *out);

/* The number that a condition is, hexadecimal; 0 for what is none. */
uint64_t td_condition_flags(const td_code *condition);

static inline td_admits td_conditions_admit(const td_conditions *conditions, const td_code *condition) {
    uint64_t flags = td_condition_flags(condition);
    if ((flags & conditions->no_last) == 0) return TD_ADMITS_LAST;
    if ((flags & conditions->no_high_low) == 0) return TD_ADMITS_HIGH_LOW;
    return (flags & conditions->no_volume) == 0 ? TD_ADMITS_VOLUME : TD_ADMITS_NOTHING;
}
