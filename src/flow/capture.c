/* src/flow/capture.c - one lane per feed with `raw`. */
#include "flow/capture.h"
#include "flow/lane.h"
#include "schema/cause.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct track { /* of one feed */
    const char *name;  /* borrowed */
    td_lane lane;
    td_capture_counts counts;
    bool stopped;
    int64_t missed_before; /* of the counted ones, when it stopped */
    td_buf opened[3];      /* what the last session was begun with: format, venue, address */
} track;

struct td_capture {
    td_capture_conf conf;
    td_buf value;
    track *tracks[TD_MERGE_FEEDS_MAX]; /* by feed index; NULL: nothing of it is kept */
};

/* ---- life ---- */

static td_status track_open(td_capture *c, track **out, const td_feed_conf *feed) {
    char name[128];
    td_topic *topic;
    (void)snprintf(name, sizeof name, TD_CAPTURE_TOPICS "%s", feed->name);
    td_status status = td_log_topic(c->conf.topics->log, name, 1, TD_TOPIC_INPUT, &topic);
    if (status != TD_OK) return status;
    track *t = *out = td_alloc_zero(1, sizeof *t);
    t->name = feed->name;
    td_lane_init(&t->lane, topic, 0, c->conf.batch_bytes);
    return TD_OK;
}

td_status td_capture_open(td_capture **out, const td_capture_conf *conf) {
    td_capture *c = td_alloc_zero(1, sizeof *c);
    td_status status = TD_OK;
    c->conf = *conf;
    for (size_t i = 0; i < td_live_feed_count(conf->live) && status == TD_OK; i++) {
        uint32_t index = td_live_index(conf->live, i);
        const td_feed_conf *feed = td_live_conf(conf->live, index);
        if (feed->raw) status = track_open(c, &c->tracks[index], feed);
    }
    if (status != TD_OK) {
        td_capture_close(c);
        return status;
    }
    *out = c;
    return TD_OK;
}

void td_capture_close(td_capture *c) {
    if (c == NULL) return;
    for (size_t f = 0; f < TD_MERGE_FEEDS_MAX; f++) {
        track *t = c->tracks[f];
        if (t == NULL) continue;
        td_lane_fini(&t->lane);
        for (int i = 0; i < 3; i++) td_buf_fini(&t->opened[i]);
        free(t);
    }
    td_buf_fini(&c->value);
    free(c);
}

const td_topic *td_capture_topic(const td_capture *c, uint32_t feed) {
    return c->tracks[feed] != NULL ? c->tracks[feed]->lane.topic : NULL;
}

const td_capture_counts *td_capture_counters(const td_capture *c, uint32_t feed) {
    return c->tracks[feed] != NULL ? &c->tracks[feed]->counts : NULL;
}

bool td_capture_is_synced(const td_capture *c) {
    for (size_t f = 0; f < TD_MERGE_FEEDS_MAX; f++) {
        const track *t = c->tracks[f];
        if (t != NULL && td_topic_synced(t->lane.topic, 0) < td_topic_end(t->lane.topic, 0)) return false;
    }
    return true;
}

/* ---- appending ---- */

static td_status track_flush(td_capture *c, track *t) {
    int64_t bytes = (int64_t)t->lane.batch.bytes.size, count = t->lane.batch.count;
    td_status status = td_lane_flush(&t->lane, c->conf.writer);
    if (status != TD_OK || count == 0) return status;
    td_count(&t->counts.bytes, bytes);
    td_count(&t->counts.kept, count);
    return TD_OK;
}

bool td_capture_has_batched(const td_capture *c) {
    for (size_t f = 0; f < TD_MERGE_FEEDS_MAX; f++)
        if (c->tracks[f] != NULL && c->tracks[f]->lane.batch.count > 0) return true;
    return false;
}

td_status td_capture_flush(td_capture *c) {
    td_status status = TD_OK;
    for (size_t f = 0; f < TD_MERGE_FEEDS_MAX && status == TD_OK; f++)
        if (c->tracks[f] != NULL) status = track_flush(c, c->tracks[f]);
    return status;
}

static td_status put(td_capture *c, track *t, const td_raw *raw, td_source_position position, int64_t now_ms) {
    uint8_t src[TD_SRC_MAX];
    c->value.size = 0;
    td_record_put_raw(&c->value, c->conf.topics->ids, raw);
    td_lane_record record = {now_ms, {0}, td_buf_bytes(&c->value), TD_SRC_HEADER, {src, td_src_put(position, src)}};
    if (td_lane_put(&t->lane, &record)) return TD_OK;
    td_status status = td_capture_flush(c); /* all, in one order: what the log may have comes first again */
    if (status != TD_OK) return status;
    bool added = td_lane_put(&t->lane, &record);
    assert(added);
    (void)added;
    return TD_OK;
}

/* ---- while the disk is short ---- */

static void tell(const td_capture *c, const track *t, const char *what) {
    char line[256];
    (void)snprintf(line, sizeof line, "%s: raw capture %s", t->name, what);
    c->conf.report(c->conf.report_arg, line);
}

static td_status stop(td_capture *c, track *t, const td_feed_item *item, int64_t now_ms) {
    td_raw raw = {
        .kind = TD_RAW_STOPPED, .receive_ns = item->raw.receive_ns, .bytes = TD_TEXT("the disk is short of room")};
    td_status status = put(c, t, &raw, item->position, now_ms);
    if (status != TD_OK) return status;
    t->stopped = true;
    t->missed_before = td_counted(&t->counts.missed);
    tell(c, t, "stops: the disk is short of room");
    return TD_OK;
}

/* A session that is under way begins anew for who reads it. */
static td_status go_on(td_capture *c, track *t, const td_feed_item *item, int64_t now_ms) {
    char what[128];
    td_raw raw = {.kind = TD_RAW_OPENED,
                  .receive_ns = item->raw.receive_ns,
                  .format = td_buf_bytes(&t->opened[0]),
                  .venue = td_buf_bytes(&t->opened[1]),
                  .address = td_buf_bytes(&t->opened[2])};
    td_source_position begin = {.file = item->position.file};
    td_status status = item->raw.kind != TD_RAW_OPENED ? put(c, t, &raw, begin, now_ms) : TD_OK;
    if (status != TD_OK) return status;
    t->stopped = false;
    (void)snprintf(what, sizeof what, "goes on; %" PRId64 " messages were not kept",
                   td_counted(&t->counts.missed) - t->missed_before);
    tell(c, t, what);
    return TD_OK;
}

static void remember_opened(track *t, const td_raw *raw) {
    const td_bytes texts[3] = {raw->format, raw->venue, raw->address};
    for (int i = 0; i < 3; i++) {
        t->opened[i].size = 0;
        td_buf_put(&t->opened[i], texts[i].data, texts[i].size);
    }
}

td_status td_capture_take(td_capture *c, uint32_t feed, const td_feed_item *item, int64_t now_ms) {
    track *t = c->tracks[feed];
    bool is_short = c->conf.disk != NULL && td_disk_level_now(c->conf.disk) >= TD_DISK_SHORT;
    td_status status = TD_OK;
    if (item->raw.kind == TD_RAW_OPENED) remember_opened(t, &item->raw);
    if (is_short && !t->stopped) status = stop(c, t, item, now_ms);
    if (!is_short && t->stopped) status = go_on(c, t, item, now_ms);
    if (status != TD_OK) return status;
    if (!t->stopped) return put(c, t, &item->raw, item->position, now_ms);
    td_count(&t->counts.missed, item->raw.kind == TD_RAW_MESSAGE || item->raw.kind == TD_RAW_ANSWER);
    return TD_OK;
}
