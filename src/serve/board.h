/* src/serve/board.h - what the run and its log are doing now, as one JSON object: feeds, lag, rates, ends. Asked by
 * `status` and pushed once a second; and the short answers of /livez and /readyz. Thread: the server's. */
#pragma once
#include "serve/view.h"

typedef struct td_board { /* {0} to begin */
    int64_t measured_ns, measured_records;
    double records_per_second; /* appended to the tape, smoothed over a few seconds */
} td_board;

void td_board_measure(td_board *board, const td_view *view, int64_t mono_ns); /* about once a second */
void td_board_put(td_buf *out, const td_board *board, const td_view *view);
void td_board_put_metrics(td_buf *out, const td_view *view); /* the View's families */

/* {"live":…,"reasons":[…]}: every thread makes its turns. {"ready":…,"reasons":[…]}: caught up after the start, nothing
 * stands still, not told to end. Reasons are stable words, so that they may be shown to anybody. Return what they say.
 */
bool td_board_put_live(td_buf *out, const td_view *view);
bool td_board_put_ready(td_buf *out, const td_view *view);
