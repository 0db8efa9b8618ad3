/* tests/unit/flow_deliver_test.c - goal: a sink gets each row once, with its own texts, and what the log no longer has
 * for it is counted. */
#include "log_rig.h"
/* after the rig's own */
#include "flow/deliver.h"

enum { SOUND, KEEPS_NOTHING, KEEPS_UNHEARD, FALLS_BACK, IS_DAMAGED };

static struct { /* the sink, which outlives its deliveries */
    int64_t rows, next[2];
    bool set_back, deaf; /* by us; it does not take that */
    td_buf told;         /* signals and gaps in words */
    int away;            /* so many times it cannot be opened */
    bool limps;          /* it works, but not as it is meant to */
    int accident;        /* of the next write */
    size_t refused;      /* rows of the last write that failed */
    size_t most;         /* rows of the largest write */
    int64_t of_log_ms;   /* 0: it does not say */
} store;

static td_status sink_open(void **out, const td_os *os, const td_sink_conf *conf) {
    (void)os, (void)conf;
    if (store.away-- > 0) return TD_FAIL(TD_RETRY, "store: cannot connect");
    *out = &store;
    return TD_OK;
}

static td_status sink_position(void *sink, const char *topic, uint32_t partition, td_position *out) {
    (void)sink;
    bool of_log = strcmp(topic, "_log") == 0 && store.of_log_ms > 0;
    *out = (td_position){0, store.of_log_ms};
    if (of_log) return TD_OK;
    bool none = strcmp(topic, "bars") != 0 || (store.next[partition] == 0 && !(store.set_back && partition == 0));
    *out = none ? (td_position){-1, 0} : (td_position){0, store.next[partition]};
    return TD_OK;
}

/* The last of them has no bytes at all. */
static void tell_texts(const td_bytes *texts, int number) {
    const char *space = "";
    for (; texts->data != NULL; texts++, space = " ")
        td_buf_printf(&store.told, "%s%.*s", space, (int)texts->size, (const char *)texts->data);
    if (number >= 0) td_buf_printf(&store.told, " %d", number);
    td_buf_text(&store.told, "\n");
}

static void tell(const td_sink_row *row) {
    const td_signal *s = &row->signal;
    const td_news *news = &row->event.news;
    const td_rejected *no = &row->rejected;
    td_bytes who = row->instrument, none = {0};
    switch (row->kind) {
    case TD_ROW_SIGNAL:
        tell_texts((td_bytes[]){who, s->strategy, s->note, s->reason, s->data, none}, s->status);
        break;
    case TD_ROW_GAP:
        tell_texts((td_bytes[]){who, row->gap.feed, none}, (int)row->gap.number);
        break;
    case TD_ROW_VENDOR_BAR:
        tell_texts((td_bytes[]){who, row->feed, none}, (int)row->event.vendor_bar.close);
        break;
    case TD_ROW_FILL:
        tell_texts((td_bytes[]){who, row->fill.strategy, row->fill.signal, none}, (int)row->fill.price);
        break;
    case TD_ROW_QUARANTINED:
        tell_texts((td_bytes[]){who, row->feed, td_text(td_reason_name((td_reason)row->refusal.reason)), none}, -1);
        break;
    case TD_ROW_REJECTED:
        tell_texts((td_bytes[]){no->feed, no->source, no->detail, no->bytes, none}, -1);
        break;
    case TD_ROW_PUBLISHED:
        tell_texts((td_bytes[]){who, row->feed, news->headline, news->source, news->url, news->id, none}, -1);
        break;
    case TD_ROW_BAR:
        break;
    }
}

static td_status sink_write(void *sink, const char *topic, uint32_t partition, const td_sink_row *rows, size_t count,
                            td_position next) {
    (void)sink;
    if (strcmp(topic, "_log") == 0) store.of_log_ms = next.offset;
    if (strcmp(topic, "bars") != 0) {
        for (size_t i = 0; i < count; i++) tell(&rows[i]);
        return TD_OK;
    }
    for (size_t i = 0; i < count; i++) assert_int_equal(rows[i].bar.trade_count, rows[i].source.offset + 1);
    int accident = store.accident;
    store.accident = SOUND;
    if (count > store.most) store.most = count;
    if (accident != SOUND) store.refused = count;
    if (accident == IS_DAMAGED) return TD_FAIL(TD_CORRUPT, "store: is damaged");
    if (accident == KEEPS_NOTHING) return TD_FAIL(TD_RETRY, "store: is full");
    store.rows += (int64_t)count;
    store.next[partition] = next.offset;
    if (accident == FALLS_BACK) store.rows = store.next[partition] = 30;
    return accident == SOUND ? TD_OK : TD_FAIL(TD_RETRY, "store: no answer");
}

static td_status sink_reset(void *sink, const td_sink_place *places, size_t count, bool empties) {
    (void)sink;
    if (store.deaf) return TD_OK;
    if (empties) store.rows = store.of_log_ms = 0;
    store.set_back = true;
    assert_int_equal(count, 1); /* nothing is said of what has no records */
    assert_string_equal(places[0].topic, "bars");
    store.next[places[0].partition] = places[0].at.offset;
    return TD_OK;
}

static td_status sink_look(const void *sink) {
    (void)sink;
    return store.limps ? TD_FAIL(TD_RETRY, "store: on one leg") : TD_OK;
}

static void sink_close(void *sink) { (void)sink; }

static const td_sink_ops sink_ops = {.kind = "store",
                                     .open = sink_open,
                                     .position = sink_position,
                                     .write = sink_write,
                                     .reset = sink_reset,
                                     .look = sink_look,
                                     .close = sink_close};

static const td_sink_conf store_conf = {.name = (char *)"store"};

static td_deliver_conf conf_of(const rig *r, const td_topics *topics) {
    return (td_deliver_conf){
        .os = &td_os_posix, .topics = topics, .ops = &sink_ops, .sink_conf = &store_conf, .dir = r->dir};
}

static void append(rig *r, td_topic *topic, const char *instrument, td_buf *value) {
    td_batch_reset(&r->batch);
    assert_true(td_batch_add(&r->batch, 1000, td_text(instrument), td_buf_bytes(value), TD_TEXT(""), TD_TEXT("")));
    assert_int_equal(td_writer_append(r->writer, topic, 0, &r->batch), TD_OK);
    value->size = 0;
}

/* It knows its offset. */
static void append_bar(rig *r, const td_schema_ids *ids) {
    td_buf value = {0};
    int64_t number = td_topic_end(r->topic, 0) + 1;
    td_bar bar = {.end_ns = 1, .known_at_ns = number, .trade_count = number};
    td_record_put_bar(&value, ids, TD_TEXT("TEST:A"), &bar);
    append(r, r->topic, "TEST:A", &value);
    td_buf_fini(&value);
}

/* In segments of a few. */
static void append_bars(rig *r, const td_schema_ids *ids, int count) {
    for (int i = 0; i < count; i++) append_bar(r, ids);
    assert_int_equal(td_log_sync(r->log), TD_OK);
}

/* And the sink is new. */
static void open_topics(rig *r, const td_schema_ids *ids, td_topics *out) {
    td_buf_fini(&store.told);
    memset(&store, 0, sizeof store);
    rig_open_log(r);
    *out = (td_topics){.log = r->log, .partitions = 2, .ids = ids};
    out->outputs[TD_OUTPUT_BARS] = r->topic;
    assert_int_equal(td_log_topic(r->log, "signals", 2, TD_TOPIC_OUTPUT, &out->outputs[TD_OUTPUT_SIGNALS]), TD_OK);
    assert_int_equal(td_log_topic(r->log, "gaps", 2, TD_TOPIC_OUTPUT, &out->outputs[TD_OUTPUT_GAPS]), TD_OK);
    td_topic **vendor_bars = &out->outputs[TD_OUTPUT_VENDOR_BARS];
    assert_int_equal(td_log_topic(r->log, "vendor_bars", 2, TD_TOPIC_OUTPUT, vendor_bars), TD_OK);
    assert_int_equal(td_log_topic(r->log, "fills", 2, TD_TOPIC_OUTPUT, &out->outputs[TD_OUTPUT_FILLS]), TD_OK);
}

static void each_kind_comes_with_its_words(void **state) {
    rig *r = *state;
    td_schema_ids ids = {0};
    td_topics topics;
    td_deliver *d;
    td_buf value = {0};
    ids.id[TD_SCHEMA_VENDOR_BAR] = TD_SCHEMA_VENDOR_BAR;
    (void)td_schema_ids_put(&ids, TD_SCHEMA_VENDOR_BAR, TD_SCHEMA_VENDOR_BAR);
    open_topics(r, &ids, &topics);
    td_signal signal = {.strategy = TD_TEXT("cross"), .note = TD_TEXT("up"), .reason = TD_TEXT("gap 4"), .status = 3};
    signal.data = TD_TEXT("{}");
    td_gap gap = {.feed = TD_TEXT("live"), .number = 4, .to_ns = TD_NONE, .first_id = TD_NONE, .last_id = TD_NONE};
    gap.missing = TD_NONE;
    td_record_put_signal(&value, &ids, TD_TEXT("TEST:A"), &signal);
    append(r, topics.outputs[TD_OUTPUT_SIGNALS], "TEST:A", &value);
    signal = (td_signal){.strategy = TD_TEXT("mean")};
    td_record_put_signal(&value, &ids, TD_TEXT("TEST:B"), &signal);
    append(r, topics.outputs[TD_OUTPUT_SIGNALS], "TEST:B", &value);
    for (; gap.number < 6; gap.number++) {
        td_record_put_gap(&value, &ids, TD_TEXT("TEST:C"), &gap);
        append(r, topics.outputs[TD_OUTPUT_GAPS], "TEST:C", &value);
    }
    td_event bar = {.kind = TD_EVENT_VENDOR_BAR, .vendor_bar = {.close = 7, .volume = TD_NONE}};
    td_record_put_event(&value, &ids, TD_TEXT("vendor"), &bar);
    append(r, topics.outputs[TD_OUTPUT_VENDOR_BARS], "TEST:D", &value);
    td_fill fill = {.strategy = TD_TEXT("cross"), .signal = TD_TEXT("cross/x#1"), .price = 9, .side = TD_SIDE_SELL};
    td_record_put_fill(&value, &ids, TD_TEXT("TEST:E"), &fill);
    append(r, topics.outputs[TD_OUTPUT_FILLS], "TEST:E", &value);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    const td_deliver_conf conf = conf_of(r, &topics);
    assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
    while (td_deliver_step(d) > 0) continue;
    assert_true(td_deliver_level(d));
    td_buf_put(&store.told, "", 1);
    assert_string_equal((const char *)store.told.data, "TEST:A cross up gap 4 {} 3\nTEST:B mean    0\nTEST:C live 4\n"
                                                       "TEST:C live 5\nTEST:D vendor 7\n"
                                                       "TEST:E cross cross/x#1 9\n");
    td_deliver_close(d);
    td_buf_fini(&store.told);
    td_buf_fini(&value);
}

#define ODD "oooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo"

/* Texts of what was refused, too, to who takes that; and nobody else is given any, or may name it. Batches are packed,
 * so that the reader unpacks each over the one before. */
static void what_was_refused_goes_to_who_takes_it(void **state) {
    rig *r = *state;
    td_schema_ids ids = {0};
    td_topics topics;
    td_deliver *d;
    td_buf value = {0};
    char *names[] = {(char *)"rejected"};
    td_sink_ops ops = sink_ops;
    static const int schemas[] = {TD_SCHEMA_REJECTED, TD_SCHEMA_QUARANTINED};
    for (size_t i = 0; i < COUNT_OF(schemas); i++)
        assert_true(td_schema_ids_put(&ids, ids.id[schemas[i]] = schemas[i], (int8_t)schemas[i]));
    r->conf.codec = TD_CODEC_LZ4;
    open_topics(r, &ids, &topics);
    td_topic **quarantine = &topics.outputs[TD_OUTPUT_QUARANTINE];
    assert_int_equal(td_log_topic(r->log, "quarantine", 2, TD_TOPIC_OUTPUT, quarantine), TD_OK);
    assert_int_equal(td_log_topic(r->log, "rejected", 2, TD_TOPIC_INPUT, &topics.rejected), TD_OK);
    for (int i = 0; i < 2; i++) {
        char bytes[8];
        (void)snprintf(bytes, sizeof bytes, "line %d", i);
        td_rejected rejected = {.feed = TD_TEXT("f"), .detail = TD_TEXT(ODD), .reason = TD_REASON_RANGE};
        rejected.source = TD_TEXT("a.csv");
        rejected.bytes = td_text(bytes);
        td_record_put_rejected(&value, &ids, &rejected);
        append(r, topics.rejected, "", &value);
    }
    td_quarantined q = {.event = {.kind = TD_EVENT_TRADE}, .feed = TD_TEXT("f"), .reason = TD_REASON_OUTLIER};
    td_record_put_quarantined(&value, &ids, TD_TEXT("TEST:A"), &q);
    append(r, *quarantine, "TEST:A", &value);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    td_sink_conf sink_conf = store_conf;
    td_deliver_conf conf = conf_of(r, &topics);
    conf.ops = &ops;
    conf.sink_conf = &sink_conf;
    for (int taken = 0; taken <= 1; taken++) {
        ops.takes_quarantine = ops.takes_rejected = taken == 1;
        store.told = (td_buf){0};
        assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
        while (td_deliver_step(d) > 0) continue;
        assert_int_equal(td_deliver_taken(d, topics.rejected, 0), taken == 1 ? 2 : -1);
        td_buf_put(&store.told, "", 1);
        assert_string_equal((const char *)store.told.data,
                            taken == 1 ? "TEST:A f outlier\nf a.csv " ODD " line 0\nf a.csv " ODD " line 1\n" : "");
        td_deliver_close(d);
        td_buf_fini(&store.told);
        sink_conf.of = (td_texts){names, 1};
        assert_int_equal(td_deliver_open(&d, &conf), taken == 1 ? TD_OK : TD_CONFIG);
        if (taken == 1) td_deliver_close(d);
        sink_conf.of = (td_texts){0};
    }
    td_buf_fini(&value);
}

/* Each its own, although the batch that the next is in is unpacked over it; also those that a batch has no room for. */
static void news_come_with_their_words(void **state) {
    rig *r = *state;
    td_schema_ids ids = {0};
    td_topics topics;
    td_deliver *d;
    td_buf value = {0};
    char *names[] = {(char *)"news"};
    assert_true(td_schema_ids_put(&ids, ids.id[TD_SCHEMA_PUBLISHED_NEWS] = TD_SCHEMA_PUBLISHED_NEWS,
                                  (int8_t)TD_SCHEMA_PUBLISHED_NEWS));
    r->conf.codec = TD_CODEC_LZ4;
    open_topics(r, &ids, &topics);
    td_topic **news = &topics.outputs[TD_OUTPUT_NEWS];
    assert_int_equal(td_log_topic(r->log, "news", 2, TD_TOPIC_OUTPUT, news), TD_OK);
    enum { LARGE = 3 << 20 };
    char *large = td_alloc(LARGE + 1);
    memset(large, 'x', LARGE);
    large[LARGE] = '\0';
    const char *const headlines[] = {"up up up up up up up up up up", large, large, "down down down down down down"};
    td_buf wanted = {0};
    for (size_t i = 0; i < COUNT_OF(headlines); i++) {
        td_buf_printf(&wanted, "TEST:A f %s wire http://x/ 7\n", headlines[i]);
        td_event event = {.kind = TD_EVENT_NEWS,
                          .news = {.headline = td_text(headlines[i]), .source = TD_TEXT("wire")}};
        event.news.url = TD_TEXT("http://x/");
        event.news.id = TD_TEXT("7");
        td_record_put_published(&value, &ids, TD_TEXT("f"), TD_TEXT("TEST:A"), &event);
        append(r, *news, "TEST:A", &value);
    }
    assert_int_equal(td_log_sync(r->log), TD_OK);
    td_sink_conf sink_conf = store_conf;
    sink_conf.of = (td_texts){names, 1};
    td_deliver_conf conf = conf_of(r, &topics);
    conf.sink_conf = &sink_conf;
    assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
    while (td_deliver_step(d) > 0) continue;
    assert_true(td_bytes_equal(td_buf_bytes(&store.told), td_buf_bytes(&wanted)));
    assert_int_equal(td_counted(&td_deliver_counters(d)->rows), COUNT_OF(headlines));
    td_deliver_close(d);
    td_buf_fini(&wanted);
    free(large);
    td_buf_fini(&store.told);
    td_buf_fini(&value);
}

static void what_retention_took_is_counted(void **state) {
    rig *r = *state;
    td_schema_ids ids = {0};
    td_topics topics;
    td_deliver *d;
    r->conf.segment_bytes = 1000;
    r->conf.retain_bytes = INT64_C(1) << 40;
    open_topics(r, &ids, &topics);
    append_bars(r, &ids, 100);
    assert_int_equal(td_log_release(r->log, 2000), TD_OK);
    int64_t first = td_topic_start(r->topic, 0);
    assert_true(first > 0);

    const td_deliver_conf conf = conf_of(r, &topics);
    assert_int_equal(td_deliver_open(&d, &conf), TD_OK); /* new: what went before it was never its own */
    while (td_deliver_step(d) > 0) continue;
    assert_true(td_deliver_level(d));
    assert_int_equal(store.rows, 100 - first);
    assert_int_equal(td_counted(&td_deliver_counters(d)->lost), 0);
    int64_t all_lost = 0;
    for (int restarted = 0; restarted <= 1; restarted++) { /* while it runs, or while it does not */
        if (restarted == 1) td_deliver_close(d);
        int64_t had = td_topic_end(r->topic, 0), rows = store.rows;
        append_bars(r, &ids, 200);
        assert_int_equal(td_log_release(r->log, INT64_C(1) << 40), TD_OK);
        int64_t lost = td_topic_start(r->topic, 0) - had;
        assert_true(lost > 0);
        if (restarted == 1) assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
        while (td_deliver_step(d) > 0) continue;
        assert_int_equal(store.rows, rows + 200 - lost);
        assert_int_equal(td_counted(&td_deliver_counters(d)->lost), lost);
        all_lost += lost;
        assert_int_equal(td_counted(&td_deliver_counters(d)->red), all_lost); /* until somebody says so */
    }
    td_losses losses;
    assert_int_equal(td_losses_load(&losses, &r->os, r->dir, "store"), TD_OK);
    assert_int_equal(losses.count, 1);
    assert_string_equal(losses.items[0].topic, "bars");
    assert_true(losses.items[0].first == 100 && losses.items[0].end == td_topic_start(r->topic, 0));
    td_deliver_close(d);
    assert_int_equal(td_losses_forget(&r->os, r->dir, "store"), TD_OK);
    assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
    assert_int_equal(td_counted(&td_deliver_counters(d)->red), 0);
    td_deliver_close(d);
}

/* Where all that is synced went and the first record kept is not synced yet: it has a time to be named by. */
static void a_loss_ends_with_the_row_behind_it(void **state) {
    rig *r = *state;
    td_schema_ids ids = {0};
    td_topics topics;
    td_deliver *d;
    r->conf.segment_bytes = 1000;
    r->conf.retain_bytes = INT64_C(1) << 40;
    open_topics(r, &ids, &topics);
    append_bars(r, &ids, 1);
    const td_deliver_conf conf = conf_of(r, &topics);
    assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
    while (td_deliver_step(d) > 0) continue;
    while (td_topic_start(r->topic, 0) < 100 || td_topic_start(r->topic, 0) != td_topic_synced(r->topic, 0)) {
        assert_int_equal(td_log_sync(r->log), TD_OK);
        append_bar(r, &ids); /* in time it begins a segment */
        assert_int_equal(td_log_release(r->log, INT64_C(1) << 40), TD_OK);
    }
    td_losses losses;
    while (td_deliver_step(d) > 0) continue;
    assert_false(td_losses_kept(&r->os, r->dir, "store"));
    assert_int_equal(td_log_sync(r->log), TD_OK);
    while (td_deliver_step(d) > 0) continue;
    assert_int_equal(td_losses_load(&losses, &r->os, r->dir, "store"), TD_OK);
    assert_int_equal(losses.count, 1);
    assert_true(losses.items[0].from_ns == 1 && losses.items[0].to_ns == 1);
    assert_true(losses.items[0].first == 1 && losses.items[0].end == td_topic_start(r->topic, 0));
    td_deliver_close(d);
}

/* A crash between the file and the sink's rows finds the same stretch again. */
static void a_loss_is_written_down_once(void **state) {
    rig *r = *state;
    rig_open_log(r);
    static const td_loss found[] = {{"bars", 3, 10, 20, 9, 1000, 2000},
                                    {"bars", 3, 10, 20, 9, 1000, 2000},
                                    {"signals", 3, 10, 20, 10, TD_NONE, TD_NONE},
                                    {"bars", 3, 40, 50, 5, 3000, 4000}};
    td_losses losses = {.count = 0}, read;
    for (size_t i = 0; i < COUNT_OF(found); i++) td_losses_add(&losses, &found[i]);
    assert_int_equal(td_losses_sum(&losses), 24);
    assert_false(td_losses_kept(&r->os, r->dir, "s"));
    assert_int_equal(td_losses_save(&losses, &r->os, r->dir, "s"), TD_OK);
    assert_int_equal(td_losses_load(&read, &r->os, r->dir, "s"), TD_OK);
    assert_int_equal(read.count, 2);
    assert_memory_equal(&read.items[1], &found[2], sizeof found[2]);
    char text[256];
    td_loss_text(&read.items[0], text);
    assert_string_equal(text, "bars-3: 14 records, offsets 10 to 49, from 1970-01-01T00:00:00.000001Z to "
                              "1970-01-01T00:00:00.000004Z");
}

/* Until all is there, however often it has to wait: by a clock that goes. */
static void deliver_all(td_deliver *d) {
    while (!td_deliver_level(d)) (void)td_deliver_step(d);
}

static void a_sink_that_is_away_is_waited_for(void **state) {
    rig *r = *state;
    td_schema_ids ids = {0};
    td_topics topics;
    td_deliver *d;
    r->conf.segment_bytes = 1000;
    r->conf.retain_bytes = INT64_C(1) << 40;
    open_topics(r, &ids, &topics);
    append_bars(r, &ids, 50);
    assert_int_equal(td_log_release(r->log, 2000), TD_OK);
    int64_t first = td_topic_start(r->topic, 0);
    assert_true(first > 0);
    store.away = 3;
    const td_deliver_conf conf = conf_of(r, &topics);
    assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
    assert_int_equal(td_trouble_ask(td_deliver_trouble(d)), TD_TROUBLE_BEGAN);
    assert_string_equal(td_deliver_trouble(d)->text, "store: cannot connect; while opening sink store");
    assert_false(td_deliver_level(d));
    assert_int_equal(td_deliver_taken(d, r->topic, 0), first);
    assert_int_equal(td_deliver_lag(d, r->topic, 0), 50 - first); /* not what nobody has any more */
    deliver_all(d);
    assert_int_equal(td_deliver_lag(d, r->topic, 0), 0);
    assert_int_equal(store.rows, 50 - first);
    assert_int_equal(td_counted(&td_deliver_counters(d)->retries), 3);
    assert_int_equal(td_trouble_ask(td_deliver_trouble(d)), TD_TROUBLE_OVER);
    td_deliver_close(d);
    store.away = 0;
}

/* Of a log that was made at another time nothing is taken but by who is emptied first. */
static void a_sink_is_of_one_log(void **state) {
    rig *r = *state;
    td_schema_ids ids = {0};
    td_topics topics;
    td_deliver *d;
    td_batch schema;
    open_topics(r, &ids, &topics);
    assert_int_equal(td_log_topic(r->log, "_schemas", 1, TD_TOPIC_INPUT, &topics.schemas), TD_OK);
    td_batch_init(&schema, 1000);
    for (int64_t n = 0; n < 2; n++) /* the first one counts */
        assert_true(td_batch_add(&schema, 86400000 + n, TD_TEXT("k"), TD_TEXT("v"), (td_bytes){0}, (td_bytes){0}));
    assert_int_equal(td_writer_append(r->writer, topics.schemas, 0, &schema), TD_OK);
    td_batch_fini(&schema);
    append_bars(r, &ids, 5);
    td_deliver_conf conf = conf_of(r, &topics);
    for (int time = 1; time <= 2; time++) { /* an older program's, and one that says so */
        assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
        deliver_all(d);
        assert_true(store.rows == 5 && store.of_log_ms == 86400000);
        td_deliver_close(d);
    }
    const td_deliver_reset from = {.from = &(td_place){0}}, all = {.empties = true};
    store.of_log_ms = 5000;
    for (int time = 1; time <= 2; time++) {
        assert_int_equal(td_deliver_open(&d, &conf), TD_CONFIG);
        assert_non_null(
            strstr(td_trail(), "made at 1970-01-01T00:00:05Z, and this one was made at 1970-01-02T00:00:00Z"));
        assert_non_null(strstr(td_trail(), "`tapedeck rebuild store` fills it anew"));
        conf.reset = &from;
    }
    conf.reset = &all;
    assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
    assert_int_equal(store.of_log_ms, 86400000);
    td_deliver_close(d);
    conf.reset = NULL;
    store.of_log_ms = 0; /* one that is refused for its offsets has said nothing */
    store.next[0] = 1000;
    assert_int_equal(td_deliver_open(&d, &conf), TD_CONFIG);
    assert_int_equal(store.of_log_ms, 0);
    store.of_log_ms = 5000; /* one that has nothing is anybody's */
    store.next[0] = 0;
    store.set_back = false;
    assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
    assert_int_equal(store.of_log_ms, 86400000);
    td_deliver_close(d);
}

/* More and more as long as that goes well, the first half of a batch that did not, and each row once. */
static void a_write_is_as_large_as_the_sink_says(void **state) {
    enum { BARS = 13000, MOST = 8192, USUAL = 4096 };
    rig *r = *state;
    td_schema_ids ids = {0};
    td_topics topics;
    td_deliver *d;
    open_topics(r, &ids, &topics);
    append_bars(r, &ids, BARS);
    assert_true(td_sink_postgres.rows_most > USUAL); /* it is meant for that one */
    td_sink_ops ops = sink_ops;
    td_deliver_conf conf = conf_of(r, &topics);
    conf.ops = &ops;
    for (size_t most = 0; most <= MOST; most += MOST) {
        ops.rows_most = most;
        store.rows = store.next[0] = 0;
        store.most = 0;
        assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
        deliver_all(d);
        assert_int_equal(store.rows, BARS);
        assert_int_equal(store.most, most > 0 ? MOST : USUAL);
        td_deliver_close(d);
    }
    store.rows = store.next[0] = 0;
    assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
    for (size_t wanted = USUAL; wanted >= 128; wanted /= 2) {
        store.accident = KEEPS_NOTHING;
        while (store.accident != SOUND) (void)td_deliver_step(d);
        assert_int_equal(store.refused, wanted > 256 ? wanted : 256);
    }
    append_bars(r, &ids, 1);
    deliver_all(d);
    assert_true(store.rows == BARS + 1 && store.next[0] == BARS + 1);
    assert_int_equal(store.most, MOST);
    td_deliver_close(d);
}

/* It gets its rows all the same, and people hear of it once, and that it is over. */
static void a_sink_that_limps_is_told(void **state) {
    rig *r = *state;
    td_schema_ids ids = {0};
    td_topics topics;
    td_deliver *d;
    open_topics(r, &ids, &topics);
    append_bars(r, &ids, 5);
    const td_deliver_conf conf = conf_of(r, &topics);
    assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
    for (int limps = 0; limps < 3; limps++) {
        store.limps = limps == 1;
        append_bars(r, &ids, 5);
        deliver_all(d);
        assert_int_equal(td_deliver_lag(d, r->topic, 0), 0);
        static const td_trouble_news news[] = {TD_TROUBLE_NO_NEWS, TD_TROUBLE_BEGAN, TD_TROUBLE_OVER};
        assert_int_equal(td_trouble_ask(td_deliver_hindrance(d)), news[limps]);
        if (store.limps) assert_string_equal(td_deliver_hindrance(d)->text, "store: on one leg");
        assert_int_equal(td_counted(&td_deliver_counters(d)->hindered), store.limps);
        assert_int_equal(td_trouble_ask(td_deliver_hindrance(d)), TD_TROUBLE_NO_NEWS);
    }
    assert_int_equal(td_counted(&td_deliver_counters(d)->retries), 0);
    td_deliver_close(d);
}

/* A commit that nobody heard of stands; a server that was restored has less than it said. */
static void after_a_failure_a_sink_is_asked_where_it_is(void **state) {
    rig *r = *state;
    td_schema_ids ids = {0};
    td_topics topics;
    td_deliver *d;
    int64_t wanted = 40;
    open_topics(r, &ids, &topics);
    append_bars(r, &ids, 40);
    const td_deliver_conf conf = conf_of(r, &topics);
    assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
    deliver_all(d);
    for (int accident = KEEPS_NOTHING; accident <= FALLS_BACK; accident++) {
        append_bars(r, &ids, 20);
        store.accident = accident;
        (void)td_deliver_step(d);
        assert_int_equal(store.refused, 20);
        append_bars(r, &ids, 5); /* is not mixed into a batch that the sink may have */
        store.refused = 0;
        if (accident == KEEPS_NOTHING) {
            store.accident = KEEPS_NOTHING;
            while (store.refused == 0) (void)td_deliver_step(d);
            assert_int_equal(store.refused, 20);
        }
        deliver_all(d);
        assert_int_equal(store.rows, wanted += 25);
        assert_int_equal(store.next[0], wanted); /* so there are neither holes nor doubles */
    }
    td_deliver_close(d);
}

/* A partition whose rows in the sink are damaged stands, and is not tried again and again; the others go on. */
static void a_damaged_partition_stands_alone(void **state) {
    rig *r = *state;
    td_schema_ids ids = {0};
    td_topics topics;
    td_deliver *d;
    open_topics(r, &ids, &topics);
    append_bars(r, &ids, 40);
    store.accident = IS_DAMAGED;
    const td_deliver_conf conf = conf_of(r, &topics);
    assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
    assert_int_equal(td_deliver_step(d), 0);
    assert_int_equal(td_fault_status(td_deliver_fault(d)), TD_CORRUPT);
    assert_non_null(strstr(td_deliver_fault(d)->text, "store: is damaged"));
    td_signal signal = {.strategy = TD_TEXT("cross")};
    td_buf value = {0};
    td_record_put_signal(&value, &ids, TD_TEXT("TEST:A"), &signal);
    append(r, topics.outputs[TD_OUTPUT_SIGNALS], "TEST:A", &value);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    assert_int_equal(td_deliver_step(d), 1);
    assert_int_equal(td_deliver_step(d), 0);
    assert_int_equal(store.rows, 0);
    assert_true(td_deliver_level(d));
    td_deliver_close(d);
    td_buf_fini(&store.told);
    td_buf_fini(&value);
}

/* Delivered to its end. */
static void expect_lost(const td_deliver_conf *conf, int64_t lost) {
    td_deliver *d;
    assert_int_equal(td_deliver_open(&d, conf), TD_OK);
    deliver_all(d);
    assert_int_equal(td_counted(&td_deliver_counters(d)->lost), lost);
    assert_int_equal(td_counted(&td_deliver_counters(d)->red), lost);
    td_deliver_close(d);
}

static void a_sink_is_set_back(void **state) {
    rig *r = *state;
    td_schema_ids ids = {0};
    td_topics topics;
    td_deliver *d;
    const td_place place = {INT64_MAX, 60};
    const td_place first = {INT64_MAX, 0};
    const td_deliver_reset behind_60 = {.from = &place}, all = {.empties = true}, rows_stay = {0};
    const td_deliver_reset from_the_first = {.from = &first, .empties = true};
    r->conf.segment_bytes = 1000;
    r->conf.retain_bytes = INT64_C(1) << 40;
    open_topics(r, &ids, &topics);
    append_bars(r, &ids, 100);
    td_deliver_conf conf = conf_of(r, &topics);
    conf.reset = &behind_60;
    store.next[0] = 1000; /* of another log, which is no obstacle */
    assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
    assert_int_equal(store.next[0], 60);
    deliver_all(d);
    assert_true(store.rows == 40 && store.next[0] == 100);
    td_deliver_close(d);
    store.next[0] = 10; /* one that is behind stays there, or rows would be missing */
    assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
    assert_int_equal(store.next[0], 10);
    deliver_all(d);
    assert_true(store.rows == 40 + 90 && store.next[0] == 100);
    td_deliver_close(d);

    assert_int_equal(td_log_release(r->log, 2000), TD_OK);
    int64_t gone = td_topic_start(r->topic, 0);
    assert_true(gone > 0);
    conf.reset = &rows_stay; /* what it has of what is gone it has */
    expect_lost(&conf, 0);
    conf.reset = &from_the_first;
    expect_lost(&conf, gone);
    conf.reset = &all;
    for (int time = 1; time <= 2; time++) { /* what was lost once is told once */
        expect_lost(&conf, gone);
        assert_true(store.rows == 100 - gone && store.next[0] == 100);
    }
    td_losses losses;
    assert_int_equal(td_losses_load(&losses, &r->os, r->dir, "store"), TD_OK);
    assert_true(losses.count == 1 && losses.items[0].first == 0 && losses.items[0].end == gone);

    store.deaf = true;
    assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
    assert_int_equal(td_trouble_ask(td_deliver_trouble(d)), TD_TROUBLE_BEGAN);
    assert_true(td_bytes_have(td_text(td_deliver_trouble(d)->text), TD_TEXT("not where it was set to")));
    store.deaf = false; /* it is set back as soon as it can be */
    deliver_all(d);
    assert_int_equal(store.rows, 100 - gone);
    td_deliver_close(d);

    td_sink_ops ops = sink_ops;
    ops.reset = NULL;
    conf.ops = &ops;
    assert_int_equal(td_deliver_open(&d, &conf), TD_CONFIG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_kind_comes_with_its_words, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(what_was_refused_goes_to_who_takes_it, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(news_come_with_their_words, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(what_retention_took_is_counted, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_loss_ends_with_the_row_behind_it, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_loss_is_written_down_once, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_sink_that_is_away_is_waited_for, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_sink_is_of_one_log, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_write_is_as_large_as_the_sink_says, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_sink_that_limps_is_told, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(after_a_failure_a_sink_is_asked_where_it_is, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_damaged_partition_stands_alone, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_sink_is_set_back, rig_new, rig_free)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
