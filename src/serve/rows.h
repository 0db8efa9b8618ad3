/* src/serve/rows.h - rows of answers as JSON objects, CSV lines or cells of Arrow, from one list of fields each, so
 * that they can never differ. Decimals are exact: text in JSON, plain in CSV; times are both ns integers and ISO text,
 * which are times in Arrow. Pure. */
#pragma once
#include "model/bar.h"
#include "model/fill.h"
#include "model/gap.h"
#include "model/latest.h"
#include "model/refusal.h"
#include "model/signal.h"
#include "serve/view.h"

typedef enum td_row_format {
    TD_ROW_JSON,
    TD_ROW_CSV,
    TD_ROW_CSV_HEADER,
    TD_ROW_ARROW, /* for td_arrow_add */
    TD_ROW_ARROW_HEADER
} td_row_format;

typedef struct td_row_place { /* of a record in its topic */
    uint32_t partition;
    int64_t offset, appended_ms;
} td_row_place;

/* Each writes one row, or of a header the names alone; CSV ends its line, JSON has no comma around it. */
void td_row_put_bar(td_buf *out, td_row_format format, td_bytes instrument, const td_bar *bar);
/* `revised`: the vendor said otherwise before. */
void td_row_put_vendor_bar(td_buf *out, td_row_format format, td_bytes instrument, td_bytes feed, const td_event *event,
                           bool revised);
void td_row_put_signal(td_buf *out, td_row_format format, td_bytes instrument, const td_signal *signal,
                       int64_t appended_ms);
void td_row_put_fill(td_buf *out, td_row_format format, td_bytes instrument, const td_fill *fill, int64_t appended_ms);
/* What of a signal hangs on nothing but its inputs and its strategy: for tests of strategies. */
void td_row_put_signal_told(td_buf *out, td_row_format format, td_bytes instrument, const td_signal *signal);
void td_row_put_quarantined(td_buf *out, td_row_format format, td_bytes instrument, const td_row_place *place,
                            const td_quarantined *q);
void td_row_put_trade(td_buf *out, td_row_format format, td_bytes instrument, td_bytes feed, const td_event *event,
                      int64_t ord);
void td_row_put_quote(td_buf *out, td_row_format format, td_bytes instrument, td_bytes feed, const td_event *event,
                      int64_t ord);
void td_row_put_latest(td_buf *out, td_row_format format, td_bytes instrument, const td_latest *latest);
void td_row_put_news(td_buf *out, td_row_format format, td_bytes instrument, td_bytes feed, const td_event *event,
                     int64_t appended_ms);
void td_row_put_action(td_buf *out, td_row_format format, td_bytes instrument, const td_event *action);
void td_row_put_gap(td_buf *out, td_row_format format, td_bytes instrument, const td_gap *gap);
void td_row_put_instrument(td_buf *out, td_row_format format, const td_view *view, uint32_t index);
/* The few fields that change with a trade, for pushes: JSON only. */
void td_row_put_tick(td_buf *out, const td_view *view, uint32_t index);
