/* src/serve/provisional.h - the bars in the making of one instrument, by the same operator that makes final ones
 * (stream/window.h). They are shown, never recorded. A window of which trades may have been missed is not shown at all.
 * Thread: the View's. */
#pragma once
#include "model/calendar.h"
#include "model/refusal.h"
#include "stream/window.h"

typedef struct td_provisional {
    td_window windows[TD_WIDTHS_MAX]; /* the newest one per width */
    bool whole[TD_WIDTHS_MAX];        /* all its trades were seen */
} td_provisional;

/* From here on trades were missed: open windows are no longer whole, nor is the one that the next trade opens. */
void td_provisional_break(td_provisional *p, size_t width_count);
/* Adds what `admits`, at least VOLUME, lets it of a trade; periods: that of its window, per width, or an empty one. A
 * window older than the newest takes nothing: its final bar is near and will say it. */
void td_provisional_add(td_provisional *p, const td_period *periods, size_t width_count, int64_t event_ns,
                        const td_trade *trade, td_admits admits);
/* The bar in the making, when there is a whole one. */
bool td_provisional_bar(const td_provisional *p, size_t width, int64_t width_ns, td_bar *out);
