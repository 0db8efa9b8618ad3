/* src/flow/bookmarks.c - records of lines "source PARTITION NEXT" and "TOPIC PARTITION END". */
#include "flow/bookmarks.h"
#include "schema/cause.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { EACH_MS = 60 * 1000, INPUTS = 1000 * 1000, RECENT = 8, WORD_MAX = 32 };
enum { TAPE, REJECTED, TOPICS };

typedef enum stage { SETTLED, WAITS, APPENDED } stage; /* of places that are new */

typedef struct keeper { /* of one feed */
    uint32_t feed;
    int64_t *next; /* by the source's partition: all below it is dealt with */
    uint32_t count;
    int64_t *held; /* by topic, partition and the source's partition: what is below that is there; as it was opened */
    uint32_t held_count;
    int64_t passed;                   /* of its inputs, since the last bookmark */
    int64_t marked_ms, marked_inputs; /* when that was, by time and by the inputs of all */
    stage stage;
    int64_t end;                             /* APPENDED: of `_bookmarks`, behind it */
    td_buf value;                            /* a bookmark that waits; size 0: none does */
    int64_t ends[TOPICS][TD_PARTITIONS_MAX]; /* what must be synced before it is appended */
    int64_t from[TOPICS][TD_PARTITIONS_MAX]; /* where a start looks behind */
    char *recent[RECENT];                    /* while it is opened: the newest of the log, the last at `newest` */
    size_t newest;
} keeper;

struct td_bookmarks {
    td_bookmarks_conf conf;
    td_topic *topic;
    keeper *keepers[TD_PROGRAM_FEEDS_MAX]; /* by feed; NULL: it keeps nothing */
    int64_t inputs;                        /* of all feeds */
};

static td_topic *topic_of(const td_bookmarks *b, int t) {
    return t == TAPE ? b->conf.topics->tape : b->conf.topics->rejected;
}

static uint32_t source_partition(td_source_position position) { return position.file & ~TD_SESSION_BIT; }

/* Other inputs carry the position of what came before them. */
static bool is_read(const td_feed_item *item) {
    if (item->kind == TD_ITEM_EVENT) return item->event.kind != TD_EVENT_TIME && item->event.kind != TD_EVENT_FILLED;
    return item->kind == TD_ITEM_REJECTED || item->kind == TD_ITEM_IGNORED;
}

static void grow(int64_t **items, uint32_t *count, uint32_t to) {
    if (to <= *count) return;
    *items = td_alloc_check(realloc(*items, to * sizeof **items), to * sizeof **items);
    memset(*items + *count, 0, (to - *count) * sizeof **items);
    *count = to;
}

/* ---- one bookmark ---- */

typedef struct line { /* of it */
    char word[WORD_MAX];
    uint32_t partition;
    int64_t offset;
} line;

static bool read_line(const char *at, line *out) {
    return sscanf(at, "%31s %" SCNu32 " %" SCNd64, out->word, &out->partition, &out->offset) == 3;
}

static bool is_source(const line *l) {
    return strcmp(l->word, "source") == 0 && l->partition < TD_CONSUMER_PARTITIONS_MAX;
}

static const char *next_line(const char *at) {
    at += strcspn(at, "\n");
    return at + (*at == '\n');
}

static void put_line(td_buf *out, const char *word, uint32_t partition, int64_t offset) {
    td_buf_printf(out, "%s %" PRIu32 " %" PRId64 "\n", word, partition, offset);
}

td_status td_bookmarks_restate(const td_record *record, const td_atlas *atlas, td_buf *out_value) {
    char *value = td_copy_bytes(record->value);
    td_status status = TD_OK;
    line l;
    for (const char *at = value; *at != '\0' && status == TD_OK; at = next_line(at)) {
        if (!read_line(at, &l)) continue;
        td_position there = {.offset = l.offset};
        const td_sheet *sheet = td_atlas_sheet(atlas, td_text(l.word), l.partition);
        if (sheet != NULL) status = td_sheet_behind(sheet, l.offset, &there);
        if (status == TD_OK) put_line(out_value, l.word, l.partition, there.offset);
    }
    free(value);
    return status;
}

/* ---- what the log holds ---- */

static td_status note_recent(void *arg, const td_record *record) {
    td_bookmarks *b = arg;
    uint32_t feed = td_live_find(b->conf.live, record->key);
    keeper *k = feed != UINT32_MAX ? b->keepers[feed] : NULL;
    if (k == NULL) return TD_OK;
    k->newest = (k->newest + 1) % RECENT;
    free(k->recent[k->newest]);
    k->recent[k->newest] = td_copy_bytes(record->value);
    return TD_OK;
}

static td_topic *find_topic(const td_bookmarks *b, const line *l, int *out) {
    for (*out = 0; *out < TOPICS; ++*out)
        if (strcmp(l->word, td_topic_name(topic_of(b, *out))) == 0 && l->partition < b->conf.topics->partitions)
            return topic_of(b, *out);
    return NULL;
}

/* What it rests on is still there: it was synced before, but a disk may have lost it all the same. */
static bool holds(const td_bookmarks *b, const char *value) {
    line l;
    int t;
    for (const char *at = value; *at != '\0'; at = next_line(at)) {
        const td_topic *topic = read_line(at, &l) ? find_topic(b, &l, &t) : NULL;
        if (topic != NULL && l.offset > td_topic_end(topic, l.partition)) return false;
    }
    return true;
}

static int64_t *held_at(const td_bookmarks *b, const keeper *k, int t, uint32_t partition) {
    return k->held + ((size_t)t * b->conf.topics->partitions + partition) * k->held_count;
}

/* Whose record it is, and of what place. False: of nobody here. */
static bool read_record(const td_bookmarks *b, int t, const td_record *record, td_bytes *feed,
                        td_source_position *position) {
    td_event event = {0};
    td_rejected rejected;
    if (!td_src_get(td_record_header(record, TD_SRC_HEADER), position) || !td_source_is_live(*position)) return false;
    if (t == REJECTED && td_record_get_rejected(record->value, &rejected) == TD_OK) {
        *feed = rejected.feed;
        return true;
    }
    if (t == REJECTED || td_record_get_event(b->conf.topics->ids, record->value, &event, feed) != TD_OK) return false;
    return event.kind != TD_EVENT_TIME && event.kind != TD_EVENT_FILLED;
}

static td_status look_behind(td_bookmarks *b, keeper *k, int t, const line *l) {
    td_reader *reader;
    td_record record;
    td_bytes feed, own = td_text(td_live_conf(b->conf.live, k->feed)->name);
    td_source_position position;
    int64_t *held = held_at(b, k, t, l->partition);
    td_status status = td_reader_open(&reader, topic_of(b, t), l->partition, l->offset, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    while ((status = td_reader_next(reader, &record)) == TD_OK) {
        if (!read_record(b, t, &record, &feed, &position) || !td_bytes_equal(feed, own)) continue;
        uint32_t p = source_partition(position);
        if (p < k->held_count && (int64_t)position.line > held[p]) held[p] = (int64_t)position.line;
    }
    td_reader_close(reader);
    return status == TD_AGAIN || status == TD_CORRUPT ? TD_OK : status; /* damage is told by who appends there */
}

static void take_places(keeper *k, const char *value) {
    line l;
    for (const char *at = value; *at != '\0'; at = next_line(at)) {
        if (!read_line(at, &l) || !is_source(&l)) continue;
        grow(&k->next, &k->count, l.partition + 1);
        k->next[l.partition] = l.offset;
    }
}

static td_status resume(td_bookmarks *b, keeper *k, const char *value) {
    td_status status = TD_OK;
    line l;
    int t;
    take_places(k, value);
    k->held_count = k->count;
    k->held = td_alloc_zero((size_t)TOPICS * b->conf.topics->partitions * k->count + 1, sizeof *k->held);
    for (const char *at = value; *at != '\0' && status == TD_OK; at = next_line(at)) {
        if (!read_line(at, &l) || find_topic(b, &l, &t) == NULL) continue;
        k->from[t][l.partition] = l.offset;
        status = look_behind(b, k, t, &l);
    }
    td_feed_places places = {k->next, k->count};
    if (status == TD_OK) td_live_keep(b->conf.live, k->feed, &places);
    return status;
}

static td_status resume_newest(td_bookmarks *b, keeper *k) {
    const char *name = td_live_conf(b->conf.live, k->feed)->name;
    if (k->recent[k->newest] == NULL) return TD_OK;
    for (size_t back = 0; back < RECENT; back++) {
        const char *value = k->recent[(k->newest + RECENT - back) % RECENT];
        if (value == NULL || !holds(b, value)) continue;
        if (back > 0)
            td_buf_text(&k->value, value); /* the newest again: those behind it would hold once the log has grown */
        return resume(b, k, value);
    }
    return TD_FAIL(
        TD_CORRUPT,
        "what the log kept of feed %s is gone, with places that _bookmarks-0 names; give the feed another name "
        "to read its source anew",
        name);
}

/* ---- life ---- */

static keeper *keeper_new(uint32_t feed) {
    keeper *k = td_alloc_zero(1, sizeof *k);
    k->feed = feed;
    return k;
}

static void keeper_free(keeper *k) {
    if (k == NULL) return;
    for (size_t i = 0; i < RECENT; i++) free(k->recent[i]);
    free(k->next);
    free(k->held);
    td_buf_fini(&k->value);
    free(k);
}

td_status td_bookmarks_open(td_bookmarks **out, const td_bookmarks_conf *conf) {
    td_bookmarks *b = td_alloc_zero(1, sizeof *b);
    b->conf = *conf;
    bool any = false;
    for (size_t i = 0; i < td_live_feed_count(conf->live); i++) {
        uint32_t feed = td_live_index(conf->live, i);
        if (!td_live_keeps(conf->live, feed)) continue;
        b->keepers[feed] = keeper_new(feed);
        any = true;
    }
    td_status status = TD_OK;
    if (any) status = td_log_topic(conf->topics->log, "_bookmarks", 1, TD_TOPIC_INPUT, &b->topic);
    if (any && status == TD_OK) status = td_topics_each_record(b->topic, note_recent, b);
    for (size_t f = 0; f < TD_PROGRAM_FEEDS_MAX && status == TD_OK; f++)
        if (b->keepers[f] != NULL) status = resume_newest(b, b->keepers[f]);
    if (status != TD_OK) {
        td_bookmarks_close(b);
        return status;
    }
    *out = b;
    return TD_OK;
}

void td_bookmarks_close(td_bookmarks *b) {
    if (b == NULL) return;
    for (size_t f = 0; f < TD_PROGRAM_FEEDS_MAX; f++) keeper_free(b->keepers[f]);
    free(b);
}

/* ---- inputs ---- */

bool td_bookmarks_hold(const td_bookmarks *b, const td_topic *topic, uint32_t partition, const td_input *input) {
    const keeper *k = b->keepers[input->feed];
    if (k == NULL || !is_read(&input->item)) return false;
    uint32_t p = source_partition(input->item.position);
    int t = topic == b->conf.topics->tape ? TAPE : REJECTED;
    return p < k->held_count && (int64_t)input->item.position.line <= held_at(b, k, t, partition)[p];
}

void td_bookmarks_pass(td_bookmarks *b, const td_input *input) {
    b->inputs++;
    keeper *k = b->keepers[input->feed];
    if (k == NULL || !is_read(&input->item)) return;
    uint32_t p = source_partition(input->item.position);
    int64_t next = (int64_t)input->item.position.line;
    if (p >= k->count) return; /* its places are taken first */
    if (next > k->next[p]) k->next[p] = next;
    k->passed++;
}

/* What is read again has not come up to all that the log held as it was opened: that stands behind the old ends. */
static bool is_behind(const td_bookmarks *b, const keeper *k) {
    size_t all = (size_t)TOPICS * b->conf.topics->partitions * k->held_count;
    for (size_t i = 0; i < all; i++)
        if (k->held[i] > k->next[i % k->held_count]) return true;
    return false;
}

/* As it is now, to be appended once all that it rests on is safe. */
static void write_bookmark(td_bookmarks *b, keeper *k, int64_t now_ms) {
    bool behind = is_behind(b, k);
    k->value.size = 0;
    for (uint32_t p = 0; p < k->count; p++) put_line(&k->value, "source", p, k->next[p]);
    for (int t = 0; t < TOPICS; t++) {
        const td_topic *topic = topic_of(b, t);
        for (uint32_t p = 0; p < b->conf.topics->partitions; p++) {
            k->ends[t][p] = td_topic_end(topic, p);
            if (!behind) k->from[t][p] = k->ends[t][p];
            put_line(&k->value, td_topic_name(topic), p, k->from[t][p]);
        }
    }
    k->passed = 0;
    k->marked_ms = now_ms;
    k->marked_inputs = b->inputs;
}

static bool is_safe(const td_bookmarks *b, const keeper *k) {
    for (int t = 0; t < TOPICS; t++)
        for (uint32_t p = 0; p < b->conf.topics->partitions; p++)
            if (td_topic_synced(topic_of(b, t), p) < k->ends[t][p]) return false;
    return true;
}

static td_status append(const td_bookmarks *b, keeper *k, int64_t now_ms) {
    td_batch batch;
    const char *name = td_live_conf(b->conf.live, k->feed)->name;
    td_batch_init(&batch, k->value.size + 1024);
    (void)td_batch_add(&batch, now_ms, td_text(name), td_buf_bytes(&k->value), (td_bytes){0}, (td_bytes){0});
    td_status status = td_writer_append(b->conf.writer, b->topic, 0, &batch);
    td_batch_fini(&batch);
    return status;
}

static td_status step_keeper(td_bookmarks *b, keeper *k, int64_t now_ms) {
    if (k->value.size == 0 || !is_safe(b, k)) return TD_OK;
    td_status status = append(b, k, now_ms);
    if (status != TD_OK) return status;
    k->value.size = 0;
    if (k->stage != WAITS) return TD_OK;
    k->stage = APPENDED;
    k->end = td_topic_end(b->topic, 0);
    return TD_OK;
}

td_status td_bookmarks_step(td_bookmarks *b, int64_t now_ms) {
    td_status status = TD_OK;
    for (size_t f = 0; f < TD_PROGRAM_FEEDS_MAX && status == TD_OK; f++)
        if (b->keepers[f] != NULL) status = step_keeper(b, b->keepers[f], now_ms);
    return status;
}

void td_bookmarks_mark(td_bookmarks *b, int64_t now_ms) {
    for (size_t f = 0; f < TD_PROGRAM_FEEDS_MAX; f++) {
        keeper *k = b->keepers[f];
        if (k == NULL || k->count == 0 || k->value.size > 0) continue;
        bool far = b->inputs - k->marked_inputs >= INPUTS; /* its ends are those of a log that all feeds make longer */
        if (far || (k->passed > 0 && now_ms - k->marked_ms >= EACH_MS)) write_bookmark(b, k, now_ms);
    }
}

td_status td_bookmarks_take(td_bookmarks *b, const td_input *input, int64_t now_ms) {
    keeper *k = b->keepers[input->feed];
    const td_feed_places *places = &input->item.places;
    if (k == NULL) return TD_OK;
    if (k->stage == SETTLED) {
        uint32_t known = k->count;
        grow(&k->next, &k->count, places->count);
        for (uint32_t p = known; p < k->count; p++) k->next[p] = places->next[p];
        write_bookmark(b, k, now_ms);
        k->stage = WAITS;
    }
    if (k->stage != APPENDED || td_topic_synced(b->topic, 0) < k->end) return TD_AGAIN;
    k->stage = SETTLED;
    return TD_OK;
}
