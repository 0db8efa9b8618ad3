/* tests/unit/serve_release_test.c - goal: each event wished for is found, or it is said why it cannot be released; what
 * comes out is the event that the tape holds, and says what it stands for and which rules it passes. */
#include "schema/cause.h"
#include "serve/release.h"
#include "serve_rig.h"

static td_event trade_of(int64_t price) {
    return (td_event){.kind = TD_EVENT_TRADE,
                      .event_ns = RIG_T0,
                      .receive_ns = RIG_T0,
                      .of_epoch = TD_NONE,
                      .of_offset = TD_NONE,
                      .trade = {.price = price, .size = 1, .trade_id = TD_NONE}};
}

static int64_t put_event(rig *r, uint32_t partition, const td_event *event) {
    td_buf value = {0};
    int64_t offset = td_topic_end(r->topics.tape, partition);
    td_record_put_event(&value, r->topics.ids, TD_TEXT("lean"), event);
    td_batch_reset(&r->batch);
    assert_true(td_batch_add(&r->batch, 1, TD_TEXT("V:X"), td_buf_bytes(&value), (td_bytes){0}, (td_bytes){0}));
    assert_int_equal(td_writer_append(r->writer, r->topics.tape, partition, &r->batch), TD_OK);
    td_buf_fini(&value);
    return offset;
}

static void put_refused(rig *r, td_cause cause, const td_event *event, td_reason reason) {
    td_quarantined q = {.event = *event, .feed = TD_TEXT("lean"), .reason = (uint8_t)reason};
    td_buf value = {0};
    char text[TD_CAUSE_MAX];
    td_bytes header = {(const uint8_t *)text, td_cause_put(&cause, text)};
    td_record_put_quarantined(&value, r->topics.ids, TD_TEXT("V:X"), &q);
    td_batch_reset(&r->batch);
    assert_true(td_batch_add(&r->batch, 1, TD_TEXT("V:X"), td_buf_bytes(&value), TD_CAUSE_HEADER, header));
    assert_int_equal(td_writer_append(r->writer, r->topics.quarantine, cause.partition, &r->batch), TD_OK);
    td_buf_fini(&value);
}

/* An event of that price, refused: one record of the tape and one of quarantine. */
static void refuse(rig *r, uint32_t partition, int64_t price, td_reason reason) {
    td_event event = trade_of(price);
    put_refused(r, (td_cause){.partition = partition, .offset = put_event(r, partition, &event)}, &event, reason);
}

static td_release *release_of(const rig *r, td_release_wish wish) {
    wish.tape = r->topics.tape;
    wish.quarantine = r->topics.quarantine;
    wish.ids = r->topics.ids;
    td_release *release = td_release_new(&wish);
    td_status status;
    while ((status = td_release_step(release)) == TD_AGAIN) continue;
    assert_int_equal(status, TD_OK);
    return release;
}

static td_event event_of(const rig *r, td_release *release, const td_release_item *item) {
    td_event event;
    td_bytes feed;
    assert_true(td_bytes_equal(td_release_key(release, item), TD_TEXT("V:X")));
    assert_int_equal(td_record_get_event(r->topics.ids, td_release_value(release, item), &event, &feed), TD_OK);
    assert_true(td_bytes_equal(feed, TD_TEXT("lean")) && event.origin == TD_ORIGIN_RELEASE);
    return event;
}

static void says_what_can_be_released(void **state) {
    rig r;
    (void)state;
    rig_open(&r);
    for (int64_t i = 0; i < 3; i++) refuse(&r, 1, 100 + i, i == 1 ? TD_REASON_NON_POSITIVE : TD_REASON_OUTLIER);
    td_event event = trade_of(9);
    put_refused(&r, (td_cause){.partition = 1, .offset = 77}, &event, TD_REASON_OUTLIER); /* the tape ends before */
    put_refused(&r, (td_cause){.partition = 1, .epoch = 5}, &event, TD_REASON_OUTLIER);   /* and has no such epoch */
    const td_release_place places[] = {
        {1, 2}, {1, 0}, {1, 1}, {1, 2}, {1, 3}, {1, 4}, {1, 99}, {0, 0}, {RIG_PARTITIONS, 0}};
    static const struct {
        int64_t offset;
        td_release_state state;
    } wanted[] = {{0, TD_RELEASE_UNKNOWN},  {0, TD_RELEASE_READY}, {4, TD_RELEASE_GONE},
                  {99, TD_RELEASE_UNKNOWN}, {1, TD_RELEASE_NEVER}, {2, TD_RELEASE_BEFORE},
                  {2, TD_RELEASE_READY},    {3, TD_RELEASE_GONE},  {0, TD_RELEASE_UNKNOWN}};
    td_release_item *items;
    td_release *release = release_of(&r, (td_release_wish){.places = places, .place_count = COUNT_OF(places)});
    assert_int_equal(td_release_items(release, &items), COUNT_OF(wanted));
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        ASSERT_ROW(items[i].place.offset == wanted[i].offset && items[i].state == wanted[i].state, "%zu: %d %s", i,
                   (int)items[i].place.offset, td_release_state_name(items[i].state));
    event = event_of(&r, release, &items[6]);
    assert_true(event.of_offset == 2 && event.of_epoch == 0 && event.trade.price == 102);
    assert_int_equal(event.pass, 1u << TD_REASON_OUTLIER);
    td_release_free(release);
    rig_close(&r);
}

static void one_that_was_refused_again_passes_both_rules(void **state) {
    rig r;
    (void)state;
    rig_open(&r);
    refuse(&r, 0, 100, TD_REASON_AHEAD);
    td_event again = trade_of(100);
    again.origin = TD_ORIGIN_RELEASE;
    again.of_epoch = again.of_offset = 0;
    again.pass = 1u << TD_REASON_AHEAD;
    put_refused(&r, (td_cause){.offset = put_event(&r, 0, &again)}, &again, TD_REASON_OUTLIER);
    td_release_item *items;
    td_release *release = release_of(&r, (td_release_wish){.from_ns = INT64_MIN, .before_ns = INT64_MAX});
    assert_int_equal(td_release_items(release, &items), 2);
    assert_int_equal(items[0].state, TD_RELEASE_BEFORE);
    assert_int_equal(items[1].state, TD_RELEASE_READY);
    td_event event = event_of(&r, release, &items[1]);
    assert_int_equal(event.of_offset, 0);
    assert_int_equal(event.pass, 1u << TD_REASON_AHEAD | 1u << TD_REASON_OUTLIER);
    td_release_free(release);
    (void)put_event(&r, 0, &event); /* and now it is released */
    release = release_of(&r, (td_release_wish){.from_ns = INT64_MIN, .before_ns = INT64_MAX});
    assert_int_equal(td_release_items(release, &items), 2);
    assert_true(items[0].state == TD_RELEASE_BEFORE && items[1].state == TD_RELEASE_BEFORE);
    td_release_free(release);
    rig_close(&r);
}

static void a_choice_is_bounded(void **state) {
    rig r;
    (void)state;
    rig_open(&r);
    for (int64_t i = 0; i < 40; i++)
        refuse(&r, (uint32_t)(i % 2), 100 + i, i % 4 == 0 ? TD_REASON_CROSSED : TD_REASON_OUTLIER);
    static const struct {
        td_release_wish wish;
        size_t count;
    } rows[] = {
        {{.before_ns = INT64_MAX}, 40},
        {{.before_ns = INT64_MAX, .reason = TD_REASON_CROSSED}, 10},
        {{.before_ns = RIG_T0}, 0},
        {{.from_ns = RIG_T0, .before_ns = RIG_T0 + 1}, 40},
        {{.before_ns = INT64_MAX, .feed = {(const uint8_t *)"lea", 3}}, 0},
        {{.before_ns = INT64_MAX, .instrument = {(const uint8_t *)"V:Y", 3}}, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_release_item *items;
        td_release *release = release_of(&r, rows[i].wish);
        ASSERT_ROW(td_release_items(release, &items) == rows[i].count, "%zu", i);
        td_release_free(release);
    }
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_can_be_released),
        cmocka_unit_test(one_that_was_refused_again_passes_both_rules),
        cmocka_unit_test(a_choice_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
