/* src/flow/rows.c - records of outputs as rows. */
#include "flow/rows.h"
#include "schema/cause.h"

static td_status decode_vendor_bar(const td_schema_ids *ids, const td_record *record, td_sink_row *row) {
    row->kind = TD_ROW_VENDOR_BAR;
    row->instrument = record->key;
    td_status status = td_record_get_event(ids, record->value, &row->event, &row->feed);
    return status == TD_OK && row->event.kind != TD_EVENT_VENDOR_BAR ? TD_CORRUPT : status;
}

/* Of its topic's own kind, or TD_CORRUPT: on Kafka others may append there. */
static td_status decode_published(const td_schema_ids *ids, td_output output, const td_record *record,
                                  td_sink_row *row) {
    row->kind = TD_ROW_PUBLISHED;
    td_cause cause; /* somebody's record without a cause has a place of its own at least */
    bool caused = td_cause_get(td_record_header(record, TD_CAUSE_HEADER), &cause);
    row->tape_offset = caused ? cause.offset : record->offset;
    td_status status = td_record_get_published(ids, record->value, &row->event, &row->feed, &row->instrument);
    return status == TD_OK && td_topics_output_of(row->event.kind) != output ? TD_CORRUPT : status;
}

static td_status decode_quarantined(const td_schema_ids *ids, const td_record *record, td_sink_row *row) {
    td_quarantined q;
    td_cause cause;
    row->kind = TD_ROW_QUARANTINED;
    bool caused = td_cause_get(td_record_header(record, TD_CAUSE_HEADER), &cause);
    row->tape_offset = caused ? cause.offset : record->offset;
    td_status status = td_record_get_quarantined(ids, record->value, &q, &row->instrument);
    if (status != TD_OK) return status;
    row->event = q.event;
    row->feed = q.feed;
    row->refusal = (td_sink_refusal){q.reason, q.missed_count, {0}, q.known_at_ns};
    memcpy(row->refusal.missed_width_ns, q.missed_width_ns, sizeof q.missed_width_ns);
    return TD_OK;
}

static td_status decode_rejected(const td_schema_ids *ids, const td_record *record, td_sink_row *row) {
    row->kind = TD_ROW_REJECTED;
    if (td_record_schema(ids, record->value) != TD_SCHEMA_REJECTED) return TD_CORRUPT;
    td_status status = td_record_get_rejected(record->value, &row->rejected);
    if (row->rejected.receive_ns == 0) /* before a recording's first event, whose clock it goes by */
        row->rejected.receive_ns = record->timestamp_ms * TD_NS_PER_MS;
    return status;
}

td_status td_row_decode(const td_schema_ids *ids, int delivered, const td_record *record, td_sink_row *out) {
    td_bytes value = record->value;
    *out = (td_sink_row){.source = {record->epoch, record->offset}, .appended_ms = record->timestamp_ms};
    switch (delivered) {
    case TD_OUTPUT_BARS:
        out->kind = TD_ROW_BAR;
        return td_record_get_bar(ids, value, &out->bar, &out->instrument);
    case TD_OUTPUT_SIGNALS:
        out->kind = TD_ROW_SIGNAL;
        return td_record_get_signal(ids, value, &out->signal, &out->instrument);
    case TD_OUTPUT_FILLS:
        out->kind = TD_ROW_FILL;
        return td_record_get_fill(value, &out->fill, &out->instrument);
    case TD_OUTPUT_VENDOR_BARS:
        return decode_vendor_bar(ids, record, out);
    case TD_OUTPUT_TRADES:
    case TD_OUTPUT_QUOTES:
    case TD_OUTPUT_NEWS:
        return decode_published(ids, (td_output)delivered, record, out);
    case TD_OUTPUT_QUARANTINE:
        return decode_quarantined(ids, record, out);
    case TD_DELIVERED_REJECTED:
        return decode_rejected(ids, record, out);
    default:
        out->kind = TD_ROW_GAP;
        return td_record_get_gap(value, &out->gap, &out->instrument);
    }
}
