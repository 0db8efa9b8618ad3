/* src/stream/shares.h - what companies did to their shares, as far as the tape has told: of each instrument its actions
 * by their instants. By name, for much of what is told is of instruments that nobody trades here. {0} begins.
 *
 * Full: of an instrument TD_SHARES_MAX actions are taken; further ones are told to whoever put them. Memory: 32 bytes
 * each, taken as they come. A plain function of its calls. Thread: the state's owner. */
#pragma once
#include "model/corporate.h"
#include "model/instrument.h"

enum { TD_SHARES_MAX = 256 };

typedef struct td_shares {
    td_instruments *names;      /* NULL: nothing was told yet */
    struct td_shares_row *rows; /* by index of the name */
    uint32_t row_capacity;
} td_shares;

typedef enum td_share_word {
    TD_SHARE_NONE,   /* it was no corporate action */
    TD_SHARE_TAKEN,  /* ahead of its instant */
    TD_SHARE_LATE,   /* taken, when time had passed its instant already */
    TD_SHARE_DOUBLE, /* the same kind for the same day, of dividends the same amount: the first word stands */
    TD_SHARE_FULL,   /* one more than is kept, or no action that anybody can make anything of */
    TD_SHARE_WORDS,
} td_share_word;

/* An action that applies from ex_ns on. TAKEN, DOUBLE or FULL. */
td_share_word td_shares_put(td_shares *shares, td_bytes instrument, const td_corporate *action, int64_t ex_ns);
/* What a share of before has become by the splits of (after_ns, up_to_ns]. */
td_split td_shares_split(const td_shares *shares, td_bytes instrument, int64_t after_ns, int64_t up_to_ns);
/* Some split lies in (after_ns, up_to_ns], whatever they come to together. */
bool td_shares_change(const td_shares *shares, td_bytes instrument, int64_t after_ns, int64_t up_to_ns);
/* The cash that such a share has brought by then, by the dividends of (after_ns, up_to_ns]: each for as many shares as
 * it had become, one of the day of a split for the new ones; so rounded, half to even at 9 places. */
td_i128 td_shares_dividends(const td_shares *shares, td_bytes instrument, int64_t after_ns, int64_t up_to_ns);
static inline bool td_shares_any(const td_shares *shares) { return shares->names != NULL; }
void td_shares_fini(td_shares *shares);

/* Appends all as bytes, and reads them back from the front of *bytes into an empty one. False: no such bytes. */
void td_shares_save(const td_shares *shares, td_buf *out);
bool td_shares_load(td_shares *shares, td_bytes *bytes);
