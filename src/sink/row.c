/* src/sink/row.c - rows of all kinds. */
#include "sink/row.h"
#include "base/time.h"

int64_t td_sink_row_time(const td_sink_row *row) {
    switch (row->kind) {
    case TD_ROW_BAR:
        return row->bar.start_ns;
    case TD_ROW_SIGNAL:
        return row->signal.event_ns;
    case TD_ROW_FILL:
        return row->fill.event_ns;
    case TD_ROW_VENDOR_BAR:
        return row->event.vendor_bar.start_ns;
    case TD_ROW_PUBLISHED:
        return row->event.event_ns;
    case TD_ROW_QUARANTINED: /* the event's own may be why it is there */
        return row->refusal.known_at_ns;
    case TD_ROW_REJECTED:
        return row->rejected.receive_ns;
    default:
        return row->gap.from_ns;
    }
}

int64_t td_sink_row_clock(const td_sink_row *row) {
    return td_least(td_sink_row_time(row), row->appended_ms * TD_NS_PER_MS);
}

td_bytes td_sink_row_instrument(const td_sink_row *row) {
    if (row->kind == TD_ROW_SIGNAL) return td_signal_traded(&row->signal, row->instrument);
    return row->kind == TD_ROW_FILL ? td_fill_traded(&row->fill, row->instrument) : row->instrument;
}

td_sink_name td_sink_split_name(td_bytes instrument) {
    const uint8_t *colon = instrument.size > 0 ? memchr(instrument.data, ':', instrument.size) : NULL;
    size_t venue = colon != NULL ? (size_t)(colon - instrument.data) : 0;
    return (td_sink_name){td_bytes_upto(instrument, venue), td_bytes_from(instrument, venue + (colon != NULL))};
}
