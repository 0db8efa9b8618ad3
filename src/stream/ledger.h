/* src/stream/ledger.h - the gap ledger of a state: which records open, bound and close gaps, and which bars change by
 * that. state.h says the rules. For state.c and snapshot.c alone; no clock, no file. Thread: the partition's worker. */
#pragma once
#include "stream/state_layout.h"

/* The instrument's trades have ids that count them. */
static inline bool td_ledger_counts_ids(const feed_state *feed, const block_head *block) {
    return feed->set.trade_ids == TD_IDS_ORDERED && block->seen.ids.begun != 0;
}

/* Quality and evidence of the bar that the window gives now. */
void td_ledger_grade(const td_step *step, const block_head *block, td_window *window, td_bar *bar);
/* The number of a gap over those times, for who asks why a bar is partial; 0: none is known any more. */
int64_t td_ledger_number_over(const td_state *s, uint32_t instrument, int64_t start_ns, int64_t end_ns);

/* The place of a trade's id, accepted or passed, when it is not simply the next. It was missing, told or not, or was
 * awaited: the latest trade that was known before the hole; else INT64_MAX. */
int64_t td_ledger_take_id(td_step *step, const td_event *trade, td_id_place place);
/* The open gap whose backfill the trade belongs to, and which lies over it; NULL: none. */
const td_hole *td_ledger_backfilled(const td_state *s, const td_event *trade);
/* The watermark has moved past what was due: holes become gaps. */
void td_ledger_tell_due(td_step *step);
/* Before a Time moves the watermark; and an event while its feed was silent. */
void td_ledger_take_time(td_step *step, const td_time_mark *mark);
void td_ledger_end_silence(td_step *step, const td_event *event);
void td_ledger_take_filled(td_step *step, const td_event *event);
/* Nothing more comes of the instrument's feed: all its gaps are lost, those without an end at bound_ns. */
void td_ledger_end(td_step *step, uint32_t instrument, int64_t bound_ns);
/* The instrument's trades come from step->feed from that one on, and came from `before`: its gaps are told anew as of
 * who may fill them. Where no ids will tell, what nobody heard of between the two is one more. */
void td_ledger_move(td_step *step, const td_event *trade, const feed_state *before);
/* Nothing more comes of the step's feed: the gaps of its books are lost. */
void td_ledger_end_books(td_step *step, int64_t bound_ns);
/* Gives again the instrument's bars that the changes of this step have changed, in the order (width, start); of those
 * that backfilled trades have touched, those not under an open gap, or all. */
void td_ledger_regrade(td_step *step, uint32_t instrument, bool all_touched);

/* A window leaves its slot: what may still change it keeps it, and so does a bar that this step has still to give. */
void td_ledger_let_go(td_state *s, uint32_t instrument, size_t w, td_window *window);
/* Recomputes when the feed's next hole is due. */
void td_ledger_find_next_due(td_state *s, feed_state *feed);
