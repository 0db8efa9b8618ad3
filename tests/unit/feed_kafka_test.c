/* tests/unit/feed_kafka_test.c - goal: a topic of others is read from the right places in the order of its records'
 * times; what it lacks, what is new in it and who does not answer is said; and time is told only up to where all that
 * it had was given. */
#include "consumer_unit.h"
#include "feed_unit.h"

typedef struct rig {
    td_os_ops ops;
    td_os os;
    int64_t now_ns;
    unit_feed f;
    td_buf text;
} rig;

static int64_t rig_wall_ns(void *self) { return ((const rig *)self)->now_ns; }

static const unit_option options[] = {
    {"topic", "t"}, {"fields", "instrument=s"}, {"fields", "price=p"}, {"event", "price"},
    {"venue", "V"}, {"brokers", "b:1"},         {NULL, NULL}};

static void rig_begin(rig *r, const char *from) {
    *r = (rig){.ops = *td_os_posix.ops, .now_ns = INT64_C(1700000000) * TD_NS_PER_S};
    r->ops.wall_ns = rig_wall_ns;
    r->os = (td_os){&r->ops, r};
    unit_feed_conf(&r->f, &td_feed_kafka, options);
    assert_int_equal(td_options_set(td_feed_kafka.options, &r->f.conf, "from", from), TD_OK);
    r->f.conf.consumer = &unit_consumer;
    unit_feed_open(&r->f, &r->os);
}

/* The topic stays. */
static void rig_stop(rig *r) {
    unit_feed_close(&r->f);
    td_buf_fini(&r->text);
}

static void rig_end(rig *r) {
    rig_stop(r);
    unit_topic_free();
}

static void put_places(td_buf *out, const td_feed_places *places) {
    td_buf_text(out, "places");
    for (uint32_t p = 0; p < places->count; p++) td_buf_printf(out, " %" PRId64, places->next[p]);
}

static void put_item(rig *r, const td_feed_item *item) {
    if (item->kind == TD_ITEM_PLACES)
        put_places(&r->text, &item->places);
    else if (item->kind == TD_ITEM_NOTICE)
        td_buf_printf(&r->text, "says %.*s", (int)item->notice.size, (const char *)item->notice.data);
    else if (item->kind == TD_ITEM_SESSION)
        td_buf_printf(&r->text, "%s%s%s",
                      item->session.live ? "live" : "down: ", item->session.live ? "" : item->session.detail,
                      item->session.denied ? " (denied)" : "");
    else
        td_buf_printf(&r->text, "%" PRIu32 ":%" PRIu64, item->position.file & ~TD_SESSION_BIT, item->position.line);
    if (item->kind == TD_ITEM_EVENT) td_buf_printf(&r->text, "=%" PRId64, item->event.price.price / 1000000000);
    if (item->kind == TD_ITEM_REJECTED)
        td_buf_printf(&r->text, "!%.*s %.*s", (int)item->rejected.source.size, (const char *)item->rejected.source.data,
                      (int)item->rejected.bytes.size, (const char *)item->rejected.bytes.data);
    if (item->kind == TD_ITEM_IGNORED) td_buf_printf(&r->text, "-%s", item->ignored);
    td_buf_text(&r->text, "; ");
}

static const char *take_text(rig *r) {
    static char text[4096];
    (void)snprintf(text, sizeof text, "%.*s", (int)r->text.size, (const char *)r->text.data);
    r->text.size = 0;
    return text;
}

/* All that comes now, the network having moved once. */
static const char *run(rig *r) {
    td_feed_item item;
    td_status status;
    (void)td_feed_kafka.live->pump(r->f.feed);
    while ((status = td_feed_kafka.next(r->f.feed, &item)) == TD_OK) put_item(r, &item);
    assert_int_equal(status, TD_AGAIN);
    return take_text(r);
}

static const char *connect_and_run(rig *r) {
    assert_int_equal(td_feed_kafka.live->connect(r->f.feed, 1), TD_OK);
    return run(r);
}

static int64_t whole_ns(const rig *r) { return td_feed_kafka.live->whole_ns(r->f.feed); }

static void put_price(uint32_t p, int64_t time_ms, int price) {
    char value[64];
    (void)snprintf(value, sizeof value, "{\"s\":\"A\",\"p\":%d}", price);
    unit_topic_put(p, time_ms, value);
}

static void in_the_order_of_time(void **state) {
    (void)state;
    rig r;
    unit_topic.partitions = 3;
    put_price(0, 1000, 1);
    put_price(0, 4000, 4);
    put_price(1, 2000, 2);
    unit_topic_put(1, 3000, "poison");
    unit_topic_put(1, 3500, "deleted");
    unit_topic_put(1, 3600, NULL); /* a transaction's marker */
    put_price(1, 5000, 5);
    rig_begin(&r, "start");
    assert_string_equal(run(&r), ""); /* who only looks at the settings reads nothing */
    assert_string_equal(connect_and_run(&r),
                        "places 0 0 0; live; 0:1=1; 1:1=2; 1:2!t-1 poison; 1:3-deleted; 0:2=4; 1:5=5; ");
    put_price(2, 100, 9); /* it comes late: in its turn */
    assert_string_equal(run(&r), "2:1=9; ");
    rig_end(&r);
}

/* One that has more than has come is waited for: its next may be the oldest of all. */
static void what_is_on_its_way_is_waited_for(void **state) {
    (void)state;
    rig r;
    unit_topic.partitions = 2;
    put_price(0, 2000, 2);
    put_price(1, 1000, 1);
    put_price(1, 3000, 3);
    unit_topic.shown[1] = 0;
    rig_begin(&r, "start");
    assert_string_equal(connect_and_run(&r), "places 0 0; live; ");
    assert_true(whole_ns(&r) == TD_NONE);
    unit_topic.shown[1] = 1;
    assert_string_equal(run(&r), "1:1=1; ");
    assert_true(whole_ns(&r) == TD_NONE);
    unit_topic.shown[1] = 2;
    assert_string_equal(run(&r), "0:1=2; 1:2=3; ");
    assert_true(whole_ns(&r) == r.now_ns);
    r.now_ns += TD_NS_PER_S;
    put_price(0, 4000, 4);
    unit_topic.shown[0] = 1;
    assert_string_equal(run(&r), "");
    assert_true(whole_ns(&r) == r.now_ns - TD_NS_PER_S);
    rig_end(&r);
}

static void where_it_begins(void **state) {
    (void)state;
    rig r;
    const int64_t kept[] = {2, 1};
    unit_topic.partitions = 2;
    for (int i = 0; i < 4; i++) put_price(0, 1000, i);
    for (int i = 0; i < 2; i++) put_price(1, 1000, 10 + i);
    unit_topic.spans[0].from = 3; /* as the cluster says of that time */
    unit_topic.spans[1].from = 2;
    rig_begin(&r, "2026-03-02T14:30:00Z");
    assert_int_equal(unit_topic.from_ms, INT64_C(1772461800000));
    assert_string_equal(connect_and_run(&r), "places 3 2; live; 0:4=3; ");
    rig_stop(&r);

    rig_begin(&r, "end"); /* what the log keeps wins */
    assert_int_equal(unit_topic.from_ms, TD_CONSUMER_END);
    td_feed_kafka.live->keep(r.f.feed, &(td_feed_places){kept, 2});
    assert_string_equal(connect_and_run(&r), "live; 0:3=2; 0:4=3; 1:2=11; ");
    unit_topic.partitions = 3; /* all of a new one, and its place before its first record */
    unit_topic.spans[2] = (td_consumer_span){.start = 0, .from = 1};
    put_price(2, 1000, 20);
    assert_string_equal(run(&r), "places 2 1 0; 2:1=20; ");
    assert_string_equal(run(&r), "");
    rig_end(&r);
}

static void what_is_gone_is_said(void **state) {
    (void)state;
    rig r;
    const int64_t kept[] = {1}, beyond[] = {9};
    unit_topic.partitions = 1;
    for (int i = 0; i < 4; i++) put_price(0, 1000, i);
    unit_topic.spans[0].start = 3;
    rig_begin(&r, "start");
    td_feed_kafka.live->keep(r.f.feed, &(td_feed_places){kept, 1});
    assert_string_equal(connect_and_run(&r),
                        "says offsets 1 to 2 of partition 0 of topic t were removed before they were "
                        "read: what they held is missing; live; 0:4=3; ");
    for (int i = 4; i < 9; i++) put_price(0, 1000, i);
    unit_topic.spans[0].start = 8; /* while it reads */
    assert_string_equal(run(&r), "down: what is next was removed before it was read; ");
    assert_string_equal(connect_and_run(&r),
                        "says offsets 4 to 7 of partition 0 of topic t were removed before they were "
                        "read: what they held is missing; live; 0:9=8; ");
    rig_stop(&r);

    unit_topic_free();
    unit_topic.partitions = 1;
    rig_begin(&r, "start");
    td_feed_kafka.live->keep(r.f.feed, &(td_feed_places){beyond, 1});
    assert_string_equal(
        connect_and_run(&r),
        "down: partition 0 of topic t ends at offset 0 and was read up to 9 before: another topic has its "
        "name now; give the feed another name to read that one (denied); ");
    rig_end(&r);
}

static void who_does_not_answer(void **state) {
    (void)state;
    rig r;
    unit_topic.silent = true;
    rig_begin(&r, "start");
    assert_string_equal(connect_and_run(&r), "");
    unit_topic.silent = false;
    unit_topic.failure = "no broker";
    assert_string_equal(run(&r), "down: no broker; ");
    assert_string_equal(run(&r), ""); /* until it is asked to connect again */
    unit_topic.failure = NULL;
    unit_topic.partitions = 1;
    put_price(0, 1000, 1);
    assert_string_equal(connect_and_run(&r), "places 0; live; 0:1=1; ");
    unit_topic.failure = "no login";
    unit_topic.denied = true;
    put_price(0, 1000, 2);
    assert_string_equal(run(&r), "down: no login (denied); ");
    r.now_ns += TD_NS_PER_S;
    assert_true(whole_ns(&r) < r.now_ns);
    unit_topic.failure = NULL;
    unit_topic.denied = false;
    int reads = unit_topic.reads;
    assert_string_equal(connect_and_run(&r), "live; 0:2=2; ");
    assert_int_equal(unit_topic.reads, reads); /* it goes on where it was */
    rig_end(&r);
}

static int64_t lag(const rig *r) { return td_feed_kafka.live->lag(r->f.feed); }

/* What was not given is counted from the place of each partition, whether it is on its way or at hand; what is not
 * known is no number, and who is waited for may be another than the brokers. */
static void expect_no_lag_of_another_topic(void) {
    rig r;
    const int64_t kept[] = {0, 9};
    unit_topic.partitions = 2;
    put_price(0, 1000, 1);
    rig_begin(&r, "start");
    td_feed_kafka.live->keep(r.f.feed, &(td_feed_places){kept, 2});
    assert_non_null(strstr(connect_and_run(&r), "another topic has its name now"));
    assert_int_equal(lag(&r), -1);
    rig_end(&r);
}

static void how_far_it_is_behind(void **state) {
    (void)state;
    rig r;
    const int64_t kept[] = {1, 0};
    unit_topic.partitions = 2;
    for (int i = 0; i < 4; i++) put_price(0, 1000 * (i + 1), i);
    put_price(1, 2500, 9);
    unit_topic.shown[1] = 0;
    rig_begin(&r, "start");
    assert_int_equal(lag(&r), -1); /* nobody was asked */
    td_feed_kafka.live->keep(r.f.feed, &(td_feed_places){kept, 2});
    assert_int_equal(lag(&r), -1);
    assert_string_equal(connect_and_run(&r), "live; "); /* it waits for what the other partition has */
    assert_int_equal(lag(&r), 4);                       /* one of three is at hand */
    unit_topic.shown[1] = 1;
    assert_string_equal(run(&r), "0:2=1; 1:1=9; 0:3=2; 0:4=3; ");
    assert_int_equal(lag(&r), 0);
    put_price(0, 5000, 5);
    unit_topic_put(0, 5000, NULL);
    unit_topic.shown[0] = 4;
    assert_string_equal(run(&r), "");
    assert_int_equal(lag(&r), 2);
    unit_topic.failure = "no broker";
    assert_string_equal(run(&r), "down: no broker; ");
    assert_int_equal(lag(&r), -1);
    unit_topic.failure = NULL; /* the session is still down, but the cluster answers */
    put_price(1, 5000, 6);
    assert_string_equal(run(&r), "");
    assert_int_equal(lag(&r), 3);
    unit_topic.spans[0].start = 5; /* what is gone is not behind: it is lost */
    assert_string_equal(run(&r), "");
    assert_int_equal(lag(&r), 2);
    rig_end(&r);
    expect_no_lag_of_another_topic();
}

static void settings_that_cannot_work(void **state) {
    (void)state;
    static const struct {
        const char *key, *value, *says;
    } rows[] = {{"from", "yesterday", "from: \"yesterday\" is not start, end or a time"},
                {"fields", "prize=p", "fields.prize"}};
    for (size_t i = 0; i <= COUNT_OF(rows); i++) {
        unit_feed f;
        unit_feed_conf(&f, &td_feed_kafka, options);
        f.conf.consumer = &unit_consumer;
        if (i < COUNT_OF(rows)) {
            assert_int_equal(td_options_set(f.ops->options, &f.conf, rows[i].key, rows[i].value), TD_OK);
        } else {
            free(f.conf.brokers);
            f.conf.brokers = NULL;
        }
        ASSERT_ROW(f.ops->open(&f.feed, &td_os_posix, &f.conf, f.instruments) == TD_CONFIG, "%zu", i);
        const char *says = i < COUNT_OF(rows) ? rows[i].says : "brokers: missing";
        ASSERT_ROW(strstr(td_trail(), says) != NULL, "%zu: %s", i, td_trail());
        td_options_fini(f.ops->options, &f.conf);
        td_instruments_free(f.instruments);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_the_order_of_time), cmocka_unit_test(what_is_on_its_way_is_waited_for),
        cmocka_unit_test(where_it_begins),      cmocka_unit_test(what_is_gone_is_said),
        cmocka_unit_test(who_does_not_answer),  cmocka_unit_test(settings_that_cannot_work),
        cmocka_unit_test(how_far_it_is_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
