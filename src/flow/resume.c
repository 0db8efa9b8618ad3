/* src/flow/resume.c - the ends of a partition's feeds, block by block backwards; then their inputs come by. */
#include "flow/resume.h"
#include "base/hash.h"
#include "base/time.h"
#include "schema/cause.h"
#include <inttypes.h>
#include <stdlib.h>

typedef struct mark { /* an input as its record on the log shows it: enough to know it again */
    bool present;
    uint8_t kind; /* td_event_kind; 0 for a rejected one */
    uint8_t session;
    bool copy; /* of what stands in its instrument's partition */
    uint32_t feed;
    int64_t offset;
    td_source_position position;
    int64_t event_ns, receive_ns; /* of Time both are its clock; of a rejected one the first is 0 */
} mark;

typedef struct feed_end { /* how the partition ends, of one feed's inputs that come again */
    mark last;            /* present: they are passed in silence until this one has come by */
    mark ended;           /* present: made again just so, it is passed too; it falls away where the feed has grown */
    bool whole;           /* the feed had ended, and is as it was: all its inputs are passed */
} feed_end;

struct td_resume {
    td_resume_conf conf;
    td_topic *topic;
    uint32_t partition;
    bool stands;
    uint32_t end_count; /* above all indexes of feeds of the merge */
    feed_end ends[];    /* by feed index */
};

/* ---- where the log ends ---- */

static td_status read_mark(const td_topics *topics, const td_record *record, mark *out, td_bytes *out_feed) {
    *out = (mark){0};
    td_bytes src = td_record_header(record, TD_SRC_HEADER), feed = {0};
    if (src.data == NULL) return TD_OK; /* not an input */
    td_event event = {0};
    td_rejected rejected = {0};
    td_status status;
    if (td_record_schema(topics->ids, record->value) == TD_SCHEMA_REJECTED) {
        status = td_record_get_rejected(record->value, &rejected);
        feed = rejected.feed;
    } else {
        status = td_record_get_event(topics->ids, record->value, &event, &feed);
    }
    /* What was asked for afterwards says nothing of when the feed was heard. */
    if (status == TD_OK && (event.kind == TD_EVENT_FILLED || event.origin == TD_ORIGIN_BACKFILL)) return TD_OK;
    if (status != TD_OK || !td_src_get(src, &out->position))
        return TD_FAIL(TD_CORRUPT, "offset %lld is not a record of ours", (long long)record->offset);
    *out_feed = feed;
    out->offset = record->offset;
    out->present = true;
    out->kind = event.kind;
    out->copy = (event.flags & TD_FLAG_COPY) != 0;
    out->event_ns = event.event_ns;
    out->receive_ns = event.kind == 0 ? rejected.receive_ns : event.receive_ns;
    if (event.kind == TD_EVENT_TIME) out->session = event.time.session;
    return TD_OK;
}

static bool is_ended(const mark *m) { return m->kind == TD_EVENT_TIME && m->session == TD_SESSION_ENDED; }

static void note_end(td_resume *r, td_bytes feed_name, mark *found) {
    for (size_t i = 0; i < td_merge_feed_count(r->conf.merge); i++) {
        const td_merge_feed *feed = td_merge_feed_at(r->conf.merge, i);
        if (!td_bytes_equal(td_text(feed->conf->name), feed_name)) continue;
        found->feed = feed->index;
        feed_end *end = &r->ends[feed->index];
        *(is_ended(found) ? &end->ended : &end->last) = *found;
        if (!is_ended(found)) end->ended.present = false; /* the feed has gone on behind it */
    }
}

/* Each feed's last input that comes again among the records from `from` on; those of live feeds are theirs to know. */
static td_status last_marks_from(td_resume *r, int64_t from) {
    td_reader *reader;
    td_status status = td_reader_open(&reader, r->topic, r->partition, from, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    td_record record;
    td_bytes feed;
    while ((status = td_reader_next(reader, &record)) == TD_OK) {
        mark found;
        status = read_mark(r->conf.topics, &record, &found, &feed);
        if (status != TD_OK) break;
        if (!found.present) continue;
        if (!td_source_is_live(found.position))
            note_end(r, feed, &found);
        else if (r->topic == r->conf.topics->tape)
            td_live_resume(r->conf.live, feed, r->partition, found.position, found.receive_ns);
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

/* Inputs of that feed that come again can lie there. */
static bool is_fed_by(const td_resume *r, const td_merge_feed *feed) {
    return r->topic == r->conf.topics->tape ||
           r->partition == td_partition_of(td_text(feed->conf->name), r->conf.topics->partitions);
}

/* All that the start has to know of this partition. */
static bool is_known(const td_resume *r) {
    for (size_t i = 0; i < td_merge_feed_count(r->conf.merge); i++) {
        const td_merge_feed *feed = td_merge_feed_at(r->conf.merge, i);
        const feed_end *end = &r->ends[feed->index];
        if (is_fed_by(r, feed) && !end->last.present && !end->whole) return false;
    }
    return r->topic != r->conf.topics->tape || td_live_resumed(r->conf.live, r->partition);
}

/* Where retention has taken the last input of a feed, those that came before the partition's own last one are there,
 * or were. A feed that has lost nothing gave none. */
static void borrow_marks(td_resume *r) {
    const mark *newest = NULL;
    for (uint32_t f = 0; f < r->end_count; f++) {
        const mark *last = &r->ends[f].last;
        if (last->present && (newest == NULL || last->offset > newest->offset)) newest = last;
    }
    for (size_t i = 0; newest != NULL && i < td_merge_feed_count(r->conf.merge); i++) {
        const td_merge_feed *feed = td_merge_feed_at(r->conf.merge, i);
        bool gave_none =
            !td_inputs_unsaid(r->conf.inputs) && td_inputs_all_there(r->conf.inputs, feed, r->topic, r->partition);
        feed_end *end = &r->ends[feed->index];
        if (!end->last.present && !end->whole && !gave_none) end->last = *newest;
    }
}

/* What the log says of them need not be looked for: it may lie far back. */
static void note_ended(td_resume *r) {
    for (size_t i = 0; i < td_merge_feed_count(r->conf.merge); i++) {
        const td_merge_feed *feed = td_merge_feed_at(r->conf.merge, i);
        r->ends[feed->index].whole = td_inputs_ended(r->conf.inputs, feed, r->topic, r->partition);
    }
}

/* Blocks backwards until what is wanted is found. */
static td_status find_ends(td_resume *r) {
    enum { BLOCK_BYTES = 64 * 1024 };
    int64_t start = td_topic_start(r->topic, r->partition), from = td_topic_end(r->topic, r->partition);
    int64_t block_bytes = BLOCK_BYTES;
    while (from > start && !is_known(r)) {
        from = td_topic_block_before(r->topic, r->partition, from, block_bytes);
        block_bytes *= 4;
        td_status status = last_marks_from(r, from);
        if (status == TD_CORRUPT) { /* what lies behind the damage is not known */
            r->stands = true;
            memset(r->ends, 0, r->end_count * sizeof *r->ends);
        }
        if (status != TD_OK) return td_trace(status, "finding where %s-%u ends", td_topic_name(r->topic), r->partition);
    }
    if (start > 0 && from <= start) borrow_marks(r);
    return TD_OK;
}

/* ---- life ---- */

td_status td_resume_open(td_resume **out, const td_resume_conf *conf, td_topic *topic, uint32_t partition) {
    uint32_t end_count = 0;
    for (size_t i = 0; i < td_merge_feed_count(conf->merge); i++) {
        uint32_t feed = td_merge_feed_at(conf->merge, i)->index;
        if (feed >= end_count) end_count = feed + 1;
    }
    td_resume *r = *out = td_alloc_zero(1, sizeof *r + end_count * sizeof r->ends[0]);
    r->conf = *conf;
    r->topic = topic;
    r->partition = partition;
    r->end_count = end_count;
    note_ended(r);
    return find_ends(r);
}

void td_resume_close(td_resume *r) { free(r); }

bool td_resume_stands(const td_resume *r) { return r->stands; }

bool td_resume_waits(const td_resume *r) {
    for (uint32_t f = 0; f < r->end_count; f++)
        if (r->ends[f].last.present || r->ends[f].whole) return true;
    return false;
}

bool td_resume_waits_for_copy(const td_resume *r) {
    for (uint32_t f = 0; f < r->end_count; f++)
        if (r->ends[f].last.present && r->ends[f].last.copy) return true;
    return false;
}

int64_t td_resume_clock_ns(const td_resume *r, uint32_t feed) {
    const feed_end *end = &r->ends[feed];
    if (end->last.present && end->last.feed != feed) return INT64_MAX; /* borrowed */
    return td_most(end->last.present ? end->last.receive_ns : 0, end->ended.present ? end->ended.receive_ns : 0);
}

/* ---- one input ---- */

static bool same_place(const mark *last, const mark *now) {
    if (now->kind != last->kind || now->feed != last->feed || !td_source_position_equal(now->position, last->position))
        return false;
    /* There may be other Times at that place. */
    return now->kind != TD_EVENT_TIME || (now->receive_ns == last->receive_ns && now->session == last->session);
}

static mark mark_of(const td_input *input) {
    const td_feed_item *item = &input->item;
    mark m = {.feed = input->feed, .position = item->position};
    if (item->kind == TD_ITEM_REJECTED) {
        m.receive_ns = item->rejected.receive_ns;
        return m;
    }
    m.kind = item->event.kind;
    m.event_ns = item->event.event_ns;
    m.receive_ns = item->event.receive_ns;
    if (m.kind == TD_EVENT_TIME) m.session = item->event.time.session;
    return m;
}

/* The log holds it, or what comes behind it. */
static bool is_repeated(const feed_end *end, const td_input *input) {
    if (end->last.present || end->whole || !end->ended.present) return end->last.present || end->whole;
    mark now = mark_of(input);
    return same_place(&end->ended, &now);
}

/* The awaited input has come by, for its feed and for those that borrowed its mark. */
static void release_feeds(td_resume *r, const mark *met) {
    for (uint32_t f = 0; f < r->end_count; f++)
        if (same_place(&r->ends[f].last, met)) r->ends[f].last.present = false;
}

bool td_resume_holds(const td_resume *r, const td_input *input) {
    return is_repeated(&r->ends[input->feed], input) || r->stands;
}

static td_status fail_other(const td_resume *r, const mark *last, const char *is, const char *behind) {
    td_bytes feed = r->conf.feed_names[last->feed];
    return TD_FAIL(TD_CONFIG,
                   "%s-%" PRIu32 " %s file %" PRIu32 ", line %" PRIu64
                   " of feed %.*s%s; a log goes on with the inputs it was made of: name another log.dir for others",
                   td_topic_name(r->topic), r->partition, is, last->position.file, last->position.line, (int)feed.size,
                   (const char *)feed.data, behind);
}

td_status td_resume_pass(td_resume *r, const td_input *input) {
    if (td_source_is_live(input->item.position))
        return r->stands ? TD_AGAIN : TD_OK; /* the standing fault tells the loss */
    if (!td_resume_holds(r, input)) return TD_OK;
    const mark now = mark_of(input), *last = &r->ends[input->feed].last;
    if (r->stands || !last->present || !same_place(last, &now)) return TD_AGAIN;
    if (now.event_ns != last->event_ns || now.receive_ns != last->receive_ns)
        return fail_other(r, &now, "holds another input as", "");
    release_feeds(r, &now);
    return TD_AGAIN;
}

td_status td_resume_end(const td_resume *r) {
    for (uint32_t f = 0; f < r->end_count; f++)
        if (r->ends[f].last.present)
            return fail_other(r, &r->ends[f].last, "ends with", ", which the inputs no longer give");
    return TD_OK;
}
