/* tests/unit/flow_playback_test.c - goal: what was kept of several feeds comes in the order of its times, in sessions
 * that begin and end as they did, and an answer comes to who asked for it, not before its place. */
#include "log_rig.h"
/* after the rig's own */
#include "base/time.h"
#include "flow/capture.h"
#include "flow/playback.h"
#include "flow/topics.h"

typedef struct kept {
    char feed;
    uint8_t kind; /* td_raw_kind */
    int64_t at_ms;
    const char *bytes; /* OPENED: the format; ANSWER: address and body */
} kept;

typedef struct player { /* as a feed, to whom the networks are real */
    td_feed_conf conf;
    char name[2];
    td_topic *topic;
    void *net, *http[2];
} player;

typedef struct stage {
    rig *rig;
    td_topics topics;
    td_playback *playback;
    player players[2]; /* a, b */
    td_buf said;       /* what came: "a:o a:m1@100 …" */
} stage;

static void keep(stage *s, const kept *k) {
    td_buf value = {0};
    player *p = &s->players[k->feed - 'a'];
    td_raw raw = {.kind = k->kind, .receive_ns = k->at_ms * TD_NS_PER_MS, .bytes = td_text(k->bytes)};
    if (k->kind == TD_RAW_OPENED) raw.format = td_text(k->bytes);
    if (k->kind == TD_RAW_ANSWER) raw.address = td_text(k->bytes);
    td_record_put_raw(&value, s->topics.ids, &raw);
    td_batch_reset(&s->rig->batch);
    assert_true(td_batch_add(&s->rig->batch, 1, (td_bytes){0}, td_buf_bytes(&value), (td_bytes){0}, (td_bytes){0}));
    assert_int_equal(td_writer_append(s->rig->writer, p->topic, 0, &s->rig->batch), TD_OK);
    td_buf_fini(&value);
}

static void stage_open(stage *s, rig *r, const kept *rows, size_t count) {
    static const char *const topics[] = {"raw.a", "raw.b"};
    *s = (stage){.rig = r};
    rig_open_log(r);
    assert_int_equal(td_topics_open(&s->topics, r->log, 2, 0), TD_OK);
    for (int i = 0; i < 2; i++) {
        player *p = &s->players[i];
        *p = (player){.name = {(char)('a' + i)}};
        p->conf.name = p->name;
        assert_int_equal(td_log_topic(r->log, topics[i], 1, TD_TOPIC_INPUT, &p->topic), TD_OK);
    }
    for (size_t i = 0; i < count; i++) keep(s, &rows[i]);
}

static td_status stage_play(stage *s, int64_t from_ms, int64_t to_ms) {
    td_playback_conf conf = {&td_os_posix, from_ms * TD_NS_PER_MS, to_ms * TD_NS_PER_MS};
    td_status status = TD_OK;
    td_net_conf net = {0};
    td_http_conf http = {0};
    s->playback = td_playback_new(&conf);
    for (int i = 0; i < 2 && status == TD_OK; i++) {
        player *p = &s->players[i];
        status = td_playback_add(s->playback, &p->conf, "kraken", p->topic, s->topics.ids);
        if (status != TD_OK) break;
        net.name = http.name = p->name;
        assert_int_equal(p->conf.transport->open(&p->net, td_playback_os(s->playback), &net), TD_OK);
        for (int h = 0; h < 2; h++)
            assert_int_equal(p->conf.http->open(&p->http[h], td_playback_os(s->playback), &http), TD_OK);
    }
    return status;
}

static void stage_close(stage *s) {
    for (int i = 0; i < 2; i++)
        for (int h = 0; h < 2; h++)
            if (s->players[i].http[h] != NULL) s->players[i].conf.http->close(s->players[i].http[h]);
    td_playback_free(s->playback);
    td_buf_fini(&s->said);
    td_topics_close(&s->topics);
}

static int64_t clock_ms(const stage *s) {
    const td_os *os = td_playback_os(s->playback);
    return os->ops->wall_ns(os->self) / TD_NS_PER_MS;
}

static void say(stage *s, const player *p, const td_net_event *e) {
    switch (e->kind) {
    case TD_NET_OPENED:
        td_buf_printf(&s->said, "%s:o ", p->name);
        break;
    case TD_NET_BYTES:
        assert_true(e->last && e->at_ns <= clock_ms(s) * TD_NS_PER_MS);
        td_buf_printf(&s->said, "%s:%.*s@%" PRId64 " ", p->name, (int)e->bytes.size, (const char *)e->bytes.data,
                      e->at_ns / TD_NS_PER_MS);
        break;
    case TD_NET_CLOSED:
        td_buf_printf(&s->said, "%s:(%s) ", p->name, e->detail);
        break;
    }
}

static void take_answers(stage *s, player *p) {
    td_http_answer answer;
    for (int h = 0; h < 2; h++)
        if (p->conf.http->next(p->http[h], &answer) == TD_OK)
            td_buf_printf(&s->said, "%s:a%d=%.*s ", p->name, answer.code, (int)answer.body.size,
                          (const char *)answer.body.data);
}

/* To the end; whoever's session has ended connects anew. */
static const char *play(stage *s) {
    td_net_event e;
    uint32_t connection;
    do {
        bool more = true;
        while (more) {
            more = false;
            for (int i = 0; i < 2; i++) {
                player *p = &s->players[i];
                assert_int_equal(p->conf.transport->connect(p->net, "ws://x", &connection), TD_OK);
                while (p->conf.transport->next(p->net, &e) == TD_OK) {
                    say(s, p, &e);
                    more = true;
                    if (e.kind == TD_NET_CLOSED) break;
                }
                take_answers(s, p);
            }
        }
    } while (td_playback_advance(s->playback));
    td_buf_put(&s->said, "", 1);
    return (const char *)s->said.data;
}

static const kept day[] = {
    {'a', TD_RAW_OPENED, 1000, "kraken"}, {'a', TD_RAW_MESSAGE, 1000, "1"},         {'a', TD_RAW_MESSAGE, 3000, "2"},
    {'a', TD_RAW_OPENED, 4000, "kraken"}, /* killed in between */
    {'a', TD_RAW_MESSAGE, 4001, "3"},     {'a', TD_RAW_ANSWER, 4002, "http://x/1"}, {'a', TD_RAW_MESSAGE, 4003, "4"},
    {'a', TD_RAW_CLOSED, 4003, "bye"},    {'a', TD_RAW_MESSAGE, 9000, "5"}, /* what began it was not kept */
    {'a', TD_RAW_STOPPED, 9001, "short"}, {'b', TD_RAW_OPENED, 2000, "kraken"},     {'b', TD_RAW_MESSAGE, 3000, "6"},
    {'b', TD_RAW_MESSAGE, 4002, "7"},     {'b', TD_RAW_MESSAGE, 90000, "8"},
};

static void as_it_was(void **state) {
    stage s;
    stage_open(&s, *state, day, COUNT_OF(day));
    assert_int_equal(stage_play(&s, 0, 1000000), TD_OK);
    player *a = &s.players[0];
    assert_int_equal(a->conf.http->get(a->http[0], "http://x/2"), TD_OK); /* never answered */
    assert_int_equal(a->conf.http->get(a->http[1], "http://x/1"), TD_OK);
    assert_int_equal(a->conf.http->get(a->http[1], "http://x/1"), TD_FULL);
    assert_string_equal(play(&s),
                        "a:o a:1@1000 b:o a:2@3000 b:6@3000 a:(the process that kept it ended) a:o a:3@4001 "
                        "a:a0= a:a200=http://x/1 b:7@4002 a:4@4003 a:(bye) a:o a:5@9000 a:(short) b:8@90000 ");
    assert_int_equal(clock_ms(&s), 90000);
    td_playback_counts counts;
    td_playback_count(s.playback, &counts);
    assert_int_equal(counts.given, COUNT_OF(day));
    assert_int_equal(counts.records, COUNT_OF(day));
    assert_int_equal(counts.messages, 8);
    assert_int_equal(counts.sessions, 4);
    assert_int_equal(a->conf.http->get(a->http[1], "http://x/1"), TD_OK); /* each answer is given once */
    take_answers(&s, a);
    assert_null(strstr((const char *)s.said.data, "a:a200=http://x/1 a:a200"));
    stage_close(&s);
}

static void a_part_of_it(void **state) {
    stage s;
    stage_open(&s, *state, day, COUNT_OF(day));
    assert_int_equal(stage_play(&s, 3000, 4003), TD_OK);
    assert_string_equal(play(&s),
                        "a:o a:2@3000 b:o b:6@3000 a:(the process that kept it ended) a:o a:3@4001 b:7@4002 ");
    stage_close(&s);
}

static void of_another_format(void **state) {
    static const kept rows[] = {{'b', TD_RAW_OPENED, 1, "coinbase"}};
    stage s;
    stage_open(&s, *state, rows, 1);
    assert_int_equal(stage_play(&s, 0, 10), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "raw.b holds messages of coinbase, and the feed b reads those of kraken"));
    stage_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(as_it_was, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_part_of_it, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(of_another_format, rig_new, rig_free),
    };
    return cmocka_run_group_tests_name("flow_playback", tests, NULL, NULL);
}
