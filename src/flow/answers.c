/* src/flow/answers.c - records "begun PARTITION OFFSET SESSION MESSAGE UNTIL" and "whole UNTIL ASKED". */
#include "flow/answers.h"
#include "schema/cause.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { WAITING_MAX = 64, BATCH_BYTES = 4096, TEXT_MAX = 160 };

typedef struct waiting { /* a whole answer whose events are not synced yet */
    char *key;
    char value[TEXT_MAX];
    uint32_t partition;
    int64_t end; /* of the tape's partition, behind them */
} waiting;

typedef struct kept { /* what the log says of one */
    char *key, *value;
    size_t at; /* its place among them */
} kept;

struct td_answers {
    td_answers_conf conf;
    td_topic *topic;
    waiting waiting[WAITING_MAX]; /* the oldest first */
    size_t waiting_count;
    kept *kept; /* while it is opened */
    size_t kept_count, kept_capacity;
};

/* ---- what the log holds ---- */

static td_status keep_record(void *self, const td_record *record) {
    td_answers *a = self;
    if (a->kept_count == a->kept_capacity) {
        a->kept_capacity = a->kept_capacity == 0 ? 64 : 2 * a->kept_capacity;
        a->kept =
            td_alloc_check(realloc(a->kept, a->kept_capacity * sizeof *a->kept), a->kept_capacity * sizeof *a->kept);
    }
    a->kept[a->kept_count] = (kept){td_copy_bytes(record->key), td_copy_bytes(record->value), a->kept_count};
    a->kept_count++;
    return TD_OK;
}

static int by_key(const void *a, const void *b) {
    const kept *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

typedef struct begun { /* an answer that the process may have died in */
    uint32_t partition;
    int64_t offset;
    td_source_position position;
    int64_t until_ns;
} begun;

#define BEGUN_FORMAT "begun %" PRIu32 " %" PRId64 " %" PRIu32 " %" PRIu64 " %" PRId64

static bool parse_begun(const char *value, begun *b) {
    return sscanf(value, "begun %" SCNu32 " %" SCNd64 " %" SCNu32 " %" SCNu64 " %" SCNd64, &b->partition, &b->offset,
                  &b->position.file, &b->position.line, &b->until_ns) == 5;
}

td_status td_answers_restate(const td_record *record, const td_atlas *atlas, td_buf *out_value) {
    begun b;
    char *value = td_copy_bytes(record->value);
    bool names_place = parse_begun(value, &b) && b.partition < atlas->partitions;
    free(value);
    if (!names_place) return TD_OK;
    td_position at;
    td_status status = td_sheet_at(&atlas->tape[b.partition], b.offset, &at);
    if (status == TD_OK)
        td_buf_printf(out_value, BEGUN_FORMAT, b.partition, at.offset, b.position.file, b.position.line, b.until_ns);
    return status;
}

static bool is_behind(td_source_position a, td_source_position b) {
    return a.file != b.file ? a.file > b.file : a.line > b.line;
}

/* Its newest event on the tape. False behind the last one that can be its. */
static bool look_at(const td_topics *topics, td_bytes feed, const td_record *record, begun *b) {
    td_event event;
    td_bytes name;
    td_source_position position;
    if (!td_src_get(td_record_header(record, TD_SRC_HEADER), &position) || !td_source_is_live(position)) return true;
    if (td_record_get_event(topics->ids, record->value, &event, &name) != TD_OK) return true;
    if (!td_bytes_equal(name, feed)) return true;
    if (is_behind(position, b->position)) return false;
    bool its =
        event.kind == TD_EVENT_VENDOR_BAR && position.file == b->position.file && position.line == b->position.line;
    if (its && event.event_ns > b->until_ns) b->until_ns = event.event_ns;
    return true;
}

static td_status find_rows(const td_answers *a, td_bytes feed, begun *b) {
    td_reader *reader;
    td_record record;
    if (b->partition >= a->conf.topics->partitions) return TD_OK;
    td_status status = td_reader_open(&reader, a->conf.topics->tape, b->partition, b->offset, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    while ((status = td_reader_next(reader, &record)) == TD_OK)
        if (!look_at(a->conf.topics, feed, &record, b)) break;
    td_reader_close(reader);
    return status == TD_AGAIN || status == TD_CORRUPT ? TD_OK : status; /* damage is told by who appends there */
}

static td_status read_value(const td_answers *a, td_bytes feed, const char *value, td_feed_answer *out) {
    begun b = {0};
    out->whole = sscanf(value, "whole %" SCNd64 " %" SCNd64, &out->until_ns, &out->asked_ns) == 2;
    if (out->whole) return TD_OK;
    if (!parse_begun(value, &b)) return TD_FAIL(TD_CORRUPT, "_answers-0 holds \"%s\", which is not of ours", value);
    b.position.file |= TD_SESSION_BIT;
    td_status status = find_rows(a, feed, &b);
    out->until_ns = b.until_ns;
    return status;
}

static td_status tell(td_answers *a, const kept *k) {
    const char *mark = strchr(k->key, '/'); /* a feed's name has none */
    if (mark == NULL) return TD_FAIL(TD_CORRUPT, "_answers-0 holds \"%s\", which is not of ours", k->key);
    td_bytes feed = {(const uint8_t *)k->key, (size_t)(mark - k->key)};
    uint32_t index = td_live_find(a->conf.live, feed);
    td_feed_answer answer = {.name = td_text(mark + 1)};
    if (index == UINT32_MAX) return TD_OK;
    td_status status = read_value(a, feed, k->value, &answer);
    if (status == TD_OK) td_live_hold(a->conf.live, index, &answer);
    return status;
}

static td_status tell_all(td_answers *a) {
    td_status status = td_topics_each_record(a->topic, keep_record, a);
    if (a->kept_count > 1) qsort(a->kept, a->kept_count, sizeof *a->kept, by_key);
    for (size_t i = 0; i < a->kept_count && status == TD_OK; i++)
        if (i + 1 == a->kept_count || strcmp(a->kept[i].key, a->kept[i + 1].key) != 0) status = tell(a, &a->kept[i]);
    for (size_t i = 0; i < a->kept_count; i++) {
        free(a->kept[i].key);
        free(a->kept[i].value);
    }
    free(a->kept);
    a->kept = NULL;
    a->kept_count = 0;
    return status;
}

/* ---- life ---- */

td_status td_answers_open(td_answers **out, const td_answers_conf *conf) {
    td_answers *a = td_alloc_zero(1, sizeof *a);
    a->conf = *conf;
    td_status status = TD_OK;
    if (td_live_holds(conf->live)) status = td_log_topic(conf->topics->log, "_answers", 1, TD_TOPIC_INPUT, &a->topic);
    if (status == TD_OK && a->topic != NULL) status = tell_all(a);
    if (status != TD_OK) {
        td_answers_close(a);
        return status;
    }
    *out = a;
    return TD_OK;
}

void td_answers_close(td_answers *a) {
    if (a == NULL) return;
    for (size_t i = 0; i < a->waiting_count; i++) free(a->waiting[i].key);
    free(a);
}

/* ---- what comes ---- */

static td_status append(td_answers *a, const char *key, const char *value, int64_t now_ms) {
    td_batch batch;
    td_batch_init(&batch, BATCH_BYTES);
    (void)td_batch_add(&batch, now_ms, td_text(key), td_text(value), (td_bytes){0}, (td_bytes){0});
    td_status status = td_writer_append(a->conf.writer, a->topic, 0, &batch);
    td_batch_fini(&batch);
    return status;
}

static char *key_of(const td_answers *a, const td_input *input) {
    td_buf key = {0};
    td_bytes name = input->item.answer.name;
    td_buf_printf(&key, "%s/%.*s", td_live_conf(a->conf.live, input->feed)->name, (int)name.size,
                  (const char *)name.data);
    td_buf_put(&key, "", 1);
    return (char *)key.data;
}

static td_status begin(td_answers *a, const td_input *input, int64_t now_ms) {
    char value[TEXT_MAX];
    const td_feed_item *item = &input->item;
    (void)snprintf(value, sizeof value, BEGUN_FORMAT, input->partition,
                   td_topic_end(a->conf.topics->tape, input->partition), item->position.file & ~TD_SESSION_BIT,
                   item->position.line, item->answer.until_ns);
    char *key = key_of(a, input);
    td_status status = append(a, key, value, now_ms);
    free(key);
    return status;
}

td_status td_answers_take(td_answers *a, const td_input *input, int64_t now_ms) {
    const td_feed_answer *answer = &input->item.answer;
    if (!answer->whole) return begin(a, input, now_ms);
    if (a->waiting_count == WAITING_MAX) return TD_FAIL(TD_FULL, "%d answers wait for their sync", WAITING_MAX);
    waiting *w = &a->waiting[a->waiting_count++];
    *w = (waiting){.key = key_of(a, input),
                   .partition = input->partition,
                   .end = td_topic_end(a->conf.topics->tape, input->partition)};
    (void)snprintf(w->value, sizeof w->value, "whole %" PRId64 " %" PRId64, answer->until_ns, answer->asked_ns);
    return TD_OK;
}

td_status td_answers_step(td_answers *a, int64_t now_ms) {
    while (a->waiting_count > 0) {
        waiting *w = &a->waiting[0];
        if (td_topic_synced(a->conf.topics->tape, w->partition) < w->end) return TD_OK;
        td_status status = append(a, w->key, w->value, now_ms);
        if (status != TD_OK) return status;
        free(w->key);
        memmove(w, w + 1, --a->waiting_count * sizeof *w);
    }
    return TD_OK;
}
