/* src/flow/playback.c - a lane per feed: its records in their order, and where its answers stand. */
#include "flow/playback.h"
#include "base/hash.h"
#include "base/secret.h"
#include "base/time.h"
#include "feed/merge.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SLICE_NS (TD_NS_PER_S / 10)  /* what is given in one go */
#define NUDGE_NS (TD_NS_PER_S / 100) /* whoever does not come for what is there waits for a while to be over */

enum { WHY_MAX = 200 };

typedef struct answer {
    uint64_t hash; /* of its address */
    int64_t offset;
    bool taken;
} answer;

typedef struct lane {
    td_playback *playback;
    const td_feed_conf *conf;
    td_topic *topic;
    int64_t begin; /* offset of the first record */
    td_reader *reader;
    td_raw head; /* the next record, borrowed from the reader */
    int64_t head_offset;
    bool has_head, ended;
    int64_t passed; /* offset behind the last record that was given */
    bool wanted;    /* a connection was asked for */
    bool open;
    unsigned turns; /* answers and ends that came by */
    answer *answers;
    size_t answer_count, answer_capacity;
    char why[WHY_MAX];
} lane;

struct td_playback {
    td_playback_conf conf;
    td_os_ops ops;
    td_os os;
    int64_t clock_ns, until_ns; /* records up to there may be given */
    int64_t step_ns;            /* of silence; doubles */
    td_playback_counts counts;
    lane *lanes[TD_MERGE_FEEDS_MAX];
    size_t lane_count;
};

/* ---- records ---- */

static bool is_within(const td_playback *p, const td_raw *raw) {
    return raw->receive_ns >= p->conf.from_ns && raw->receive_ns < p->conf.to_ns;
}

/* False: there are no more. */
static bool look(lane *l) {
    td_record record;
    if (l->has_head || l->ended) return l->has_head;
    l->has_head = td_reader_next(l->reader, &record) == TD_OK && td_record_get_raw(record.value, &l->head) == TD_OK &&
                  l->head.receive_ns < l->playback->conf.to_ns;
    l->ended = !l->has_head;
    if (l->has_head) l->head_offset = record.offset;
    return l->has_head;
}

/* The lane whose record is next; NULL: none has any. */
static lane *next_lane(const td_playback *p) {
    lane *first = NULL;
    for (size_t i = 0; i < p->lane_count; i++) {
        lane *l = p->lanes[i];
        if (look(l) && (first == NULL || l->head.receive_ns < first->head.receive_ns)) first = l;
    }
    return first;
}

static void pass(lane *l) {
    td_playback *p = l->playback;
    uint8_t kind = l->head.kind;
    l->has_head = false;
    l->passed = l->head_offset + 1;
    l->turns += kind != TD_RAW_OPENED && kind != TD_RAW_MESSAGE;
    p->counts.given++;
    p->counts.messages += kind == TD_RAW_MESSAGE;
    p->counts.answers += kind == TD_RAW_ANSWER;
}

/* ---- the machine ---- */

static int64_t play_clock(void *self) { return ((const td_playback *)self)->clock_ns; }

td_playback *td_playback_new(const td_playback_conf *conf) {
    assert(conf->os->self == NULL); /* its functions of files get the playback in that place */
    td_playback *p = td_alloc_zero(1, sizeof *p);
    *p = (td_playback){.conf = *conf, .ops = *conf->os->ops, .step_ns = TD_NS_PER_S};
    p->ops.wall_ns = p->ops.mono_ns = play_clock;
    p->os = (td_os){&p->ops, p};
    return p;
}

const td_os *td_playback_os(const td_playback *p) { return &p->os; }

void td_playback_free(td_playback *p) {
    if (p == NULL) return;
    for (size_t i = 0; i < p->lane_count; i++) {
        td_reader_close(p->lanes[i]->reader);
        free(p->lanes[i]->answers);
        free(p->lanes[i]);
    }
    free(p);
}

bool td_playback_advance(td_playback *p) {
    const lane *l = next_lane(p);
    if (l == NULL) return false;
    int64_t due_ns = l->head.receive_ns;
    if (due_ns <= p->until_ns) {
        p->clock_ns += NUDGE_NS;
    } else if (due_ns - p->clock_ns > p->step_ns) {
        p->clock_ns += p->step_ns;
        p->step_ns *= 2;
    } else {
        p->step_ns = TD_NS_PER_S;
        p->until_ns = due_ns + SLICE_NS;
    }
    return true;
}

void td_playback_count(const td_playback *p, td_playback_counts *out) { *out = p->counts; }

/* ---- the transport ---- */

static lane *lane_of(const td_os *os, const char *name) {
    const td_playback *p = os->self;
    for (size_t i = 0; i < p->lane_count; i++)
        if (strcmp(p->lanes[i]->conf->name, name) == 0) return p->lanes[i];
    return NULL;
}

static td_status net_open(void **out, const td_os *os, const td_net_conf *conf) {
    *out = lane_of(os, conf->name);
    assert(*out != NULL);
    return TD_OK;
}

static td_status net_connect(void *self, const char *url, uint32_t *out_connection) {
    lane *l = self;
    (void)url;
    l->wanted = true;
    *out_connection = 0;
    return TD_OK;
}

static int net_pump(void *self) {
    (void)self;
    return 0;
}

static td_status end_session(lane *l, td_bytes why, td_net_event *out) {
    (void)snprintf(l->why, sizeof l->why, "%.*s", (int)why.size, (const char *)why.data);
    l->open = l->wanted = false;
    out->kind = TD_NET_CLOSED;
    out->reason = TD_NET_LOST;
    out->detail = l->why;
    return TD_OK;
}

static td_status begin_session(lane *l, td_net_event *out) {
    l->open = true;
    l->playback->counts.sessions++;
    out->kind = TD_NET_OPENED;
    return TD_OK;
}

/* What the record at the head is for the feed. TD_AGAIN: nothing now. */
static td_status give(lane *l, td_net_event *out) {
    const td_raw *raw = &l->head;
    bool begins = raw->kind == TD_RAW_OPENED, was_open = l->open;
    switch ((td_raw_kind)raw->kind) {
    case TD_RAW_OPENED:
    case TD_RAW_MESSAGE:
        if (begins && was_open) return end_session(l, TD_TEXT("the process that kept it ended"), out);
        if (!was_open && !l->wanted) return TD_AGAIN;
        if (begins || was_open) pass(l);
        if (!was_open) return begin_session(l, out);
        out->kind = TD_NET_BYTES;
        out->bytes = raw->bytes;
        out->last = true;
        return TD_OK;
    case TD_RAW_CLOSED:
    case TD_RAW_STOPPED:
        pass(l);
        return was_open ? end_session(l, raw->bytes, out) : TD_AGAIN;
    case TD_RAW_ANSWER:
    case TD_RAW_COUNT:
        break;
    }
    pass(l); /* it is there for who asked for it */
    return TD_AGAIN;
}

static td_status net_next(void *self, td_net_event *out) {
    lane *l = self;
    td_playback *p = l->playback;
    if (next_lane(p) != l || l->head.receive_ns > p->until_ns) return TD_AGAIN;
    if (l->head.receive_ns > p->clock_ns) p->clock_ns = l->head.receive_ns;
    *out = (td_net_event){.at_ns = l->head.receive_ns};
    return give(l, out);
}

static td_status net_send(void *self, uint32_t connection, td_bytes message) {
    (void)self;
    (void)connection;
    (void)message;
    return TD_OK; /* what was answered to it is in the records */
}

static void net_drop(void *self, uint32_t connection) {
    lane *l = self;
    (void)connection;
    l->open = l->wanted = false;
}

static void net_close(void *self) { (void)self; }

static const td_transport_ops transport = {.name = "playback",
                                           .open = net_open,
                                           .connect = net_connect,
                                           .pump = net_pump,
                                           .next = net_next,
                                           .send = net_send,
                                           .leave = net_drop,
                                           .drop = net_drop,
                                           .close = net_close};

/* ---- answers ---- */

typedef struct client {
    lane *lane;
    bool asked;
    int64_t offset; /* of the answer; -1: it was not kept */
    unsigned turn;  /* the lane's, when it was asked */
    td_buf room;    /* an address without secrets; a body */
} client;

static td_status http_open(void **out, const td_os *os, const td_http_conf *conf) {
    client *c = td_alloc_zero(1, sizeof *c);
    c->lane = lane_of(os, conf->name);
    assert(c->lane != NULL);
    *out = c;
    return TD_OK;
}

static td_status http_get(void *self, const char *url) {
    client *c = self;
    lane *l = c->lane;
    if (c->asked) return TD_FULL;
    uint64_t hash = td_hash_bytes(td_secrets_hide(&l->conf->secrets, td_text(url), &c->room));
    size_t i = 0;
    while (i < l->answer_count && (l->answers[i].taken || l->answers[i].hash != hash)) i++;
    c->offset = i < l->answer_count ? l->answers[i].offset : -1;
    if (i < l->answer_count) l->answers[i].taken = true;
    c->asked = true;
    c->turn = l->turns;
    return TD_OK;
}

static td_status read_body(client *c, td_http_answer *out) {
    td_reader *reader;
    td_record record;
    td_raw raw;
    td_status status = td_reader_open(&reader, c->lane->topic, 0, c->offset, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    status = td_reader_next(reader, &record);
    if (status == TD_OK) status = td_record_get_raw(record.value, &raw);
    c->room.size = 0;
    if (status == TD_OK) td_buf_put(&c->room, raw.bytes.data, raw.bytes.size);
    td_reader_close(reader);
    *out = (td_http_answer){.code = 200, .body = td_buf_bytes(&c->room)};
    return status;
}

static td_status http_next(void *self, td_http_answer *out) {
    client *c = self;
    bool kept = c->offset >= 0;
    if (!c->asked || (kept ? c->offset >= c->lane->passed : c->turn == c->lane->turns)) return TD_AGAIN;
    c->asked = false;
    if (kept && read_body(c, out) == TD_OK) return TD_OK;
    *out = (td_http_answer){.detail = "no answer to this was kept"};
    return TD_OK;
}

static void http_drop(void *self) { ((client *)self)->asked = false; }

static void http_close(void *self) {
    client *c = self;
    if (c != NULL) td_buf_fini(&c->room);
    free(c);
}

static const td_http_ops http = {.name = "playback",
                                 .open = http_open,
                                 .get = http_get,
                                 .pump = net_pump,
                                 .next = http_next,
                                 .drop = http_drop,
                                 .close = http_close};

/* ---- what there is ---- */

static void note_answer(lane *l, uint64_t hash, int64_t offset) {
    if (l->answer_count == l->answer_capacity) {
        l->answer_capacity = l->answer_capacity == 0 ? 64 : 2 * l->answer_capacity;
        answer *grown = td_alloc(l->answer_capacity * sizeof *grown);
        if (l->answer_count > 0) memcpy(grown, l->answers, l->answer_count * sizeof *grown);
        free(l->answers);
        l->answers = grown;
    }
    l->answers[l->answer_count++] = (answer){hash, offset, false};
}

static td_status note(lane *l, const char *format, const td_schema_ids *ids, const td_record *record) {
    td_playback *p = l->playback;
    td_raw raw;
    if (td_record_schema(ids, record->value) != TD_SCHEMA_RAW || td_record_get_raw(record->value, &raw) != TD_OK)
        return TD_FAIL(TD_CORRUPT, "offset %" PRId64 " of %s is no raw record", record->offset,
                       td_topic_name(l->topic));
    if (!is_within(p, &raw)) return TD_OK;
    if (raw.kind == TD_RAW_OPENED && !td_bytes_equal(raw.format, td_text(format)))
        return TD_FAIL(TD_CONFIG, "%s holds messages of %.*s, and the feed %s reads those of %s",
                       td_topic_name(l->topic), (int)raw.format.size, (const char *)raw.format.data, l->conf->name,
                       format);
    if (raw.kind == TD_RAW_ANSWER) note_answer(l, td_hash_bytes(raw.address), record->offset);
    if (l->begin < 0) l->begin = record->offset;
    if (p->counts.records++ == 0 || raw.receive_ns < p->clock_ns) p->clock_ns = p->until_ns = raw.receive_ns - 1;
    return TD_OK;
}

td_status td_playback_add(td_playback *p, td_feed_conf *conf, const char *format, td_topic *topic,
                          const td_schema_ids *ids) {
    assert(p->lane_count < TD_MERGE_FEEDS_MAX);
    td_record record;
    lane *l = p->lanes[p->lane_count++] = td_alloc_zero(1, sizeof *l);
    *l = (lane){.playback = p, .conf = conf, .topic = topic, .begin = -1};
    td_status status = td_reader_open(&l->reader, topic, 0, 0, TD_READ_APPENDED);
    while (status == TD_OK && (status = td_reader_next(l->reader, &record)) == TD_OK)
        status = note(l, format, ids, &record);
    if (status != TD_AGAIN) return status;
    l->ended = l->begin < 0;
    if (!l->ended) td_reader_seek(l->reader, l->begin);
    conf->transport = &transport;
    conf->http = &http;
    return TD_OK;
}
