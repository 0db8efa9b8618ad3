/* src/app/refused.c - the topic `rejected` says where a line stood; of what is in quarantine the tape does. */
#include "app/refused.h"
#include "base/json.h"
#include "base/time.h"
#include "schema/cause.h"
#include "schema/record.h"
#include <inttypes.h>
#include <stdio.h>

void td_refused_put_why(td_buf *out, const td_quarantined *q) {
    char text[TD_DECIMAL_TEXT_MAX];
    switch ((td_reason)q->reason) {
    case TD_REASON_AHEAD:
        td_buf_printf(out, "its time is %.3f s ahead of its arrival, more than max_ahead allows",
                      (double)(q->event.event_ns - q->event.receive_ns) / 1e9);
        return;
    case TD_REASON_CROSSED:
        (void)td_decimal_format((td_i128)q->event.quote.bid_price - q->event.quote.ask_price, TD_PRICE_SCALE, false,
                                text);
        td_buf_printf(out, "its bid is %s above its ask", text);
        return;
    case TD_REASON_OUTLIER:
        td_buf_text(out,
                    "its price is further from the median of the last 16 accepted ones than a tenth of it and four "
                    "times their range");
        return;
    case TD_REASON_INSTRUMENT:
        td_buf_text(out, "its feed had named max_instruments others in this partition");
        return;
    case TD_REASON_NON_POSITIVE:
        td_buf_text(out, "a price or a size is not above 0");
        return;
    case TD_REASON_OVERFLOW:
        td_buf_text(out, "a bar's sums would have left 38 digits");
        return;
    case TD_REASON_LATE:
        td_buf_text(out, "it was accepted, but bars were final for good, those of");
        for (int i = 0; i < q->missed_count; i++) {
            char width[TD_WIDTH_TEXT_MAX];
            (void)td_width_format(q->missed_width_ns[i], width);
            td_buf_printf(out, "%s %s", i > 0 ? "," : "", width);
        }
        return;
    default:
        td_buf_printf(out, "rule %s refused it", td_reason_name((td_reason)q->reason));
        return;
    }
}

/* ---- one line of a file ---- */

typedef struct reading {
    const td_refused_question *q;
    td_refused *out;
    td_reader *tape;
    int64_t offset;              /* of the tape's record that was read last */
    td_source_position position; /* where that one stood */
    int64_t newest_ns;           /* the latest time of all up to there, refused ones too: they move time … */
    td_source_position newest;   /* … and where that stood */
} reading;

static const char *file_at(const reading *r, td_source_position position) {
    return position.file < r->q->files->count ? td_path_base(r->q->files->items[position.file]) : "?";
}

static bool is_shown(const reading *r) { return r->out->rejected + r->out->quarantined <= r->q->shown_most; }

/* `kind`: what stands before it in the line for people. */
static void put(reading *r, const char *file, uint64_t line, const char *kind, td_reason reason, td_bytes why) {
    td_refused *out = r->out;
    td_buf_printf(&out->lines, "%s/%s:%" PRIu64 ": %s%.*s\n", r->q->dir, file, line, kind, (int)why.size,
                  (const char *)why.data);
    td_buf_text(&out->json, out->json.size > 0 ? ",{\"file\":" : "{\"file\":");
    td_json_put_string(&out->json, td_text(file));
    td_buf_printf(&out->json, ",\"line\":%" PRIu64 ",\"reason\":\"%s\",\"why\":", line, td_reason_name(reason));
    td_json_put_string(&out->json, why);
    td_buf_text(&out->json, "}");
}

/* ---- lines that are no events ---- */

static void put_rejected(reading *r, const td_rejected *rejected) {
    char file[256];
    td_buf why = {0};
    (void)snprintf(file, sizeof file, "%.*s", (int)rejected->source.size, (const char *)rejected->source.data);
    td_buf_put(&why, rejected->detail.data, rejected->detail.size);
    if (rejected->bytes.size > 0) td_buf_text(&why, ": ");
    td_buf_put(&why, rejected->bytes.data, rejected->bytes.size);
    put(r, file, rejected->position.line > 0 ? rejected->position.line : 1, "", (td_reason)rejected->reason,
        td_buf_bytes(&why));
    td_buf_fini(&why);
}

static td_status read_rejected(reading *r) {
    td_reader *reader;
    td_record record;
    td_status status = td_reader_open(&reader, r->q->topics->rejected, 0, 0, TD_READ_APPENDED);
    while (status == TD_OK && (status = td_reader_next(reader, &record)) == TD_OK) {
        td_rejected rejected;
        if (td_record_get_rejected(record.value, &rejected) != TD_OK) continue;
        r->out->rejected++;
        if (is_shown(r)) put_rejected(r, &rejected);
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

/* ---- events in quarantine ---- */

static void take_record(reading *r, const td_record *record) {
    td_event event;
    td_bytes feed;
    r->offset = record->offset;
    if (!td_src_get(td_record_header(record, TD_SRC_HEADER), &r->position)) return;
    if (td_record_get_event(r->q->topics->ids, record->value, &event, &feed) != TD_OK) return;
    if (!td_event_is_tick(&event) || event.event_ns <= r->newest_ns) return;
    r->newest_ns = event.event_ns;
    r->newest = r->position;
}

/* Up to the tape's record at that offset. */
static td_status go_to(reading *r, int64_t offset) {
    td_record record;
    td_status status = TD_OK;
    while (r->offset < offset && (status = td_reader_next(r->tape, &record)) == TD_OK) take_record(r, &record);
    return status == TD_AGAIN ? TD_OK : status;
}

/* Of what is late the line that brought time so far is as likely to be wrong. */
static void put_late(const reading *r, const td_quarantined *q, td_buf *why) {
    char time[40], newest[40];
    (void)td_time_format(q->event.event_ns, time);
    (void)td_time_format(r->newest_ns, newest);
    td_buf_printf(why, "; its time is %s, and %s:%" PRIu64 " had brought %s", time, file_at(r, r->newest),
                  r->newest.line, newest);
}

static void put_quarantined(reading *r, const td_quarantined *q) {
    td_buf why = {0};
    char kind[48];
    (void)snprintf(kind, sizeof kind, "in quarantine as %s: ", td_reason_name((td_reason)q->reason));
    td_refused_put_why(&why, q);
    if (q->reason == TD_REASON_LATE && r->newest_ns > q->event.event_ns) put_late(r, q, &why);
    put(r, file_at(r, r->position), r->position.line, kind, (td_reason)q->reason, td_buf_bytes(&why));
    td_buf_fini(&why);
}

static td_status read_quarantined(reading *r) {
    td_reader *reader;
    td_record record;
    td_status status = td_reader_open(&reader, r->q->topics->outputs[TD_OUTPUT_QUARANTINE], 0, 0, TD_READ_APPENDED);
    while (status == TD_OK && (status = td_reader_next(reader, &record)) == TD_OK) {
        td_quarantined q;
        td_bytes instrument;
        td_cause cause;
        if (td_record_get_quarantined(r->q->topics->ids, record.value, &q, &instrument) != TD_OK) continue;
        r->out->quarantined++;
        if (!is_shown(r) || !td_cause_get(td_record_header(&record, TD_CAUSE_HEADER), &cause)) continue;
        status = go_to(r, cause.offset);
        if (status == TD_OK) put_quarantined(r, &q);
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

td_status td_refused_read(const td_refused_question *question, td_refused *out) {
    reading r = {.q = question, .out = out, .offset = -1, .newest_ns = INT64_MIN};
    *out = (td_refused){0};
    td_status status = td_reader_open(&r.tape, question->topics->tape, 0, 0, TD_READ_APPENDED);
    if (status == TD_OK) status = read_rejected(&r);
    if (status == TD_OK) status = read_quarantined(&r);
    td_reader_close(r.tape);
    return status;
}

void td_refused_fini(td_refused *refused) {
    td_buf_fini(&refused->lines);
    td_buf_fini(&refused->json);
}
