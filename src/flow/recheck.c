/* src/flow/recheck.c - along the tape with a reader on each topic of outputs beside it. */
#include "flow/recheck.h"
#include <inttypes.h>
#include <stdlib.h>

/* What a state makes, or lets pass; the others stand on the tape as they are. */
static bool is_made(int output) { return output != TD_OUTPUT_ACTIONS && output != TD_OUTPUT_VENDOR_BARS; }

typedef struct held { /* what the log holds of one topic, in the order of causes */
    td_topic *topic;  /* NULL: nothing is compared, or the log is older than it */
    td_reader *reader;
    td_record record; /* the next one to be made */
    td_cause cause;
    bool there, begun; /* begun: of what is published, the first record that is made again has been met */
} held;

struct td_recheck {
    const td_recheck_conf *conf;
    td_past_conf past_conf;
    td_emit emit;
    td_accepted accepted;
    td_past past;
    td_cause cause;
    held held[TD_OUTPUT_COUNT];
    td_buf made, renewed, json;
    td_recheck_counts counts;
    td_status status; /* of reading outputs: told after the record */
};

/* ---- what the log holds ---- */

static void next_held(td_recheck *r, held *h) {
    h->there = false;
    if (h->topic == NULL || r->status != TD_OK) return;
    td_status status;
    while ((status = td_reader_next(h->reader, &h->record)) == TD_OK)
        if (td_cause_get(td_record_header(&h->record, TD_CAUSE_HEADER), &h->cause)) break;
    h->there = status == TD_OK;
    if (status != TD_OK && status != TD_AGAIN) r->status = status;
}

static void tell(td_recheck *r, td_recheck_word word, const held *h, td_bytes key, td_bytes made) {
    bool there = word != TD_RECHECK_MISSING;
    td_recheck_finding finding = {.word = word,
                                  .topic = td_topic_name(h->topic),
                                  .partition = r->conf->partition,
                                  .offset = there ? h->record.offset : -1,
                                  .cause = word == TD_RECHECK_UNMADE ? h->cause : r->cause,
                                  .key = key,
                                  .held = there ? h->record.value : (td_bytes){0},
                                  .made = made};
    r->counts.findings++;
    r->conf->found(r->conf->arg, &finding);
}

/* Behind what is held for causes before this one, of which nothing came. */
static void pass_unmade(td_recheck *r, held *h, const td_cause *cause) {
    for (; h->there && td_cause_compare(&h->cause, cause) < 0; next_held(r, h))
        tell(r, TD_RECHECK_UNMADE, h, h->record.key, (td_bytes){0});
}

/* Though it may have been written by the version before. */
static bool is_same(td_recheck *r, const held *h, td_bytes key, td_bytes made) {
    if (!td_bytes_equal(h->record.key, key)) return false;
    if (td_bytes_equal(h->record.value, made)) return true;
    r->renewed.size = 0;
    return td_record_renew(&r->renewed, r->conf->topics->ids, h->record.value) &&
           td_bytes_equal(td_buf_bytes(&r->renewed), made);
}

static void compare_one(td_recheck *r, td_output which, td_bytes key, td_bytes made) {
    held *h = &r->held[which];
    if (h->topic == NULL) return;
    pass_unmade(r, h, &r->cause);
    bool there = h->there && td_cause_compare(&h->cause, &r->cause) == 0;
    if (!there && which >= TD_OUTPUT_PUBLISHED && (!h->begun || !h->there)) return; /* not published yet, or any more */
    r->counts.outputs[which]++;
    h->begun |= there;
    if (!there)
        tell(r, TD_RECHECK_MISSING, h, key, made);
    else if (!is_same(r, h, key, made))
        tell(r, TD_RECHECK_DIFFERS, h, key, made);
    if (there) next_held(r, h);
}

static void compare(td_recheck *r, td_output which, td_bytes key) {
    td_output json = td_topics_json_of(which);
    compare_one(r, which, key, td_buf_bytes(&r->made));
    if (json < TD_OUTPUT_COUNT && r->held[json].topic != NULL) {
        r->json.size = 0;
        (void)td_record_json_plain(r->conf->topics->ids, td_buf_bytes(&r->made), &r->json);
        compare_one(r, json, key, td_buf_bytes(&r->json));
    }
    r->cause.ordinal++;
}

/* ---- what is made ---- */

/* Ordinals count the outputs of one record. */
static void begin_output(td_recheck *r) {
    r->made.size = 0;
    if (r->past.record->offset == r->cause.offset) return;
    r->cause =
        (td_cause){.partition = r->conf->partition, .epoch = r->past.record->epoch, .offset = r->past.record->offset};
}

static void on_bar(void *self, td_bytes instrument, const td_bar *bar) {
    td_recheck *r = self;
    begin_output(r);
    td_record_put_bar(&r->made, r->conf->topics->ids, instrument, bar);
    if (r->conf->emit != NULL) r->conf->emit->bar(r->conf->emit->self, instrument, bar);
    compare(r, TD_OUTPUT_BARS, instrument);
}

static void on_signal(void *self, td_bytes instrument, const td_signal *signal) {
    td_recheck *r = self;
    begin_output(r);
    td_record_put_signal(&r->made, r->conf->topics->ids, instrument, signal);
    if (r->conf->emit != NULL) r->conf->emit->signal(r->conf->emit->self, instrument, signal);
    compare(r, TD_OUTPUT_SIGNALS, instrument);
}

static void on_quarantined(void *self, td_bytes instrument, const td_quarantined *quarantined) {
    td_recheck *r = self;
    td_quarantined whole = *quarantined;
    td_bytes feed;
    td_status status = td_record_get_event(r->conf->topics->ids, r->past.record->value, &whole.event, &feed);
    if (status != TD_OK && r->status == TD_OK) r->status = status;
    begin_output(r);
    td_record_put_quarantined(&r->made, r->conf->topics->ids, instrument, &whole);
    if (r->conf->emit != NULL) r->conf->emit->quarantined(r->conf->emit->self, instrument, quarantined);
    compare(r, TD_OUTPUT_QUARANTINE, instrument);
}

static void on_gap(void *self, td_bytes instrument, const td_gap *gap) {
    td_recheck *r = self;
    begin_output(r);
    td_record_put_gap(&r->made, r->conf->topics->ids, instrument, gap);
    if (r->conf->emit != NULL) r->conf->emit->gap(r->conf->emit->self, instrument, gap);
    compare(r, TD_OUTPUT_GAPS, instrument);
}

static void on_fill(void *self, td_bytes instrument, const td_fill *fill) {
    td_recheck *r = self;
    begin_output(r);
    td_record_put_fill(&r->made, r->conf->topics->ids, instrument, fill);
    if (r->conf->emit != NULL) r->conf->emit->fill(r->conf->emit->self, instrument, fill);
    compare(r, TD_OUTPUT_FILLS, instrument);
}

static void on_member(void *self, td_bytes instrument, const td_member *member) {
    td_recheck *r = self;
    begin_output(r);
    td_record_put_member(&r->made, r->conf->topics->ids, member);
    compare(r, TD_OUTPUT_SECTIONS, instrument);
}

static void on_accepted(void *self, td_bytes instrument, td_bytes feed, const td_event *event) {
    td_recheck *r = self;
    if (!td_record_is_published(event->kind)) return;
    begin_output(r);
    td_record_put_published(&r->made, r->conf->topics->ids, feed, instrument, event);
    compare(r, td_topics_output_of(event->kind), instrument);
}

/* No output. */
static void on_waited(void *self, td_bytes instrument, const td_waited *waited) {
    const td_recheck *r = self;
    r->conf->emit->waited(r->conf->emit->self, instrument, waited);
}

/* ---- the way ---- */

static td_status open_held(td_recheck *r) {
    const td_topics *topics = r->conf->topics;
    td_status status = TD_OK;
    for (int i = 0; i < TD_OUTPUT_COUNT && status == TD_OK; i++) {
        held *h = &r->held[i];
        h->topic = is_made(i) ? topics->outputs[i] : NULL;
        if (h->topic == NULL) continue;
        int64_t from = r->past.ends.outputs[i].offset;
        h->begun = from > 0;
        status = td_reader_open(&h->reader, h->topic, r->conf->partition, td_most(from, 0), TD_READ_APPENDED);
        if (status == TD_OK) next_held(r, h);
        while (from < 0 && h->there && h->cause.offset < r->past.from) next_held(r, h); /* made before the snapshot */
    }
    return status == TD_OK ? r->status : status;
}

td_status td_recheck_open(td_recheck **out, const td_recheck_conf *conf) {
    td_recheck *r = *out = td_alloc_zero(1, sizeof *r);
    r->conf = conf;
    r->emit = (td_emit){r, on_bar, on_signal, on_quarantined, on_gap, on_fill, on_member, NULL};
    if (conf->emit != NULL && conf->emit->waited != NULL) r->emit.waited = on_waited;
    r->past_conf = (td_past_conf){.os = conf->os,
                                  .topics = conf->topics,
                                  .snapshot_dir = conf->snapshot_dir,
                                  .partition = conf->partition,
                                  .place = {conf->begin, INT64_MAX},
                                  .emit = &r->emit};
    r->cause.offset = -1;
    td_status status = td_past_begin(&r->past, &r->past_conf);
    if (status != TD_OK) return status;
    r->accepted = (td_accepted){r, on_accepted};
    r->past.applier.accepted = &r->accepted;
    r->counts.forgetful = r->past.from > 0 && r->past.ends.tape.offset == 0;
    return open_held(r);
}

void td_recheck_close(td_recheck *r) {
    if (r == NULL) return;
    for (int i = 0; i < TD_OUTPUT_COUNT; i++) td_reader_close(r->held[i].reader);
    td_past_close(&r->past);
    td_buf_fini(&r->renewed);
    td_buf_fini(&r->json);
    td_buf_fini(&r->made);
    free(r);
}

td_status td_recheck_step(td_recheck *r, int64_t offset, int64_t records) {
    r->past.end = offset;
    td_status status = td_past_step(&r->past, records);
    if (r->status != TD_OK) return r->status;
    const td_cause end = {.offset = offset};
    for (int i = 0; i < TD_OUTPUT_COUNT && status == TD_OK; i++) pass_unmade(r, &r->held[i], &end);
    return status;
}

const td_past *td_recheck_past(const td_recheck *r) { return &r->past; }
td_cause td_recheck_cause(const td_recheck *r) { return r->cause; }
const td_recheck_counts *td_recheck_counted(const td_recheck *r) { return &r->counts; }

void td_recheck_put_finding(td_buf *out, const td_schema_ids *ids, const td_recheck_finding *f) {
    static const char *const words[] = {[TD_RECHECK_DIFFERS] = "is not what the tape makes",
                                        [TD_RECHECK_MISSING] = "is missing",
                                        [TD_RECHECK_UNMADE] = "is made by nothing on the tape"};
    char cause[TD_CAUSE_MAX];
    td_buf_printf(out, "%s-%" PRIu32 ": ", f->topic, f->partition);
    if (f->offset >= 0) td_buf_printf(out, "offset %" PRId64 " ", f->offset);
    size_t size = td_cause_put(&f->cause, cause);
    td_buf_printf(out, "(cause %.*s) %s", (int)size, cause, words[f->word]);
    if (f->held.size > 0) td_buf_text(out, "; the log holds ");
    if (f->held.size > 0 && !td_record_json(ids, f->held, out)) td_buf_text(out, "what is no record of ours");
    if (f->made.size > 0) td_buf_text(out, "; the tape makes ");
    if (f->made.size > 0) (void)td_record_json(ids, f->made, out);
}
