/* tests/unit/serve_survey_test.c - goal: what lies on the tape and what was refused meet in one row; reading in steps,
 * while more is appended, gives what reading at once does; bounds hold, and what is beyond them is counted. */
#include "serve/survey.h"
#include "serve_rig.h"

#define NOON (INT64_C(19700) * TD_NS_PER_DAY + 12 * TD_NS_PER_HOUR)

typedef struct market {
    rig r;
    td_topic *quarantine, *rejected;
} market;

static void market_open(market *m) {
    rig_open(&m->r);
    assert_int_equal(td_log_topic(m->r.log, "quarantine", RIG_PARTITIONS, TD_TOPIC_OUTPUT, &m->quarantine), TD_OK);
    assert_int_equal(td_log_topic(m->r.log, "rejected", RIG_PARTITIONS, TD_TOPIC_INPUT, &m->rejected), TD_OK);
}

static td_survey *survey_of(const market *m, size_t series_max) {
    return td_survey_new(&(td_survey_conf){.tape = m->r.topics.tape,
                                           .quarantine = m->quarantine,
                                           .rejected = m->rejected,
                                           .ids = m->r.topics.ids,
                                           .date = TD_NONE,
                                           .series_max = series_max});
}

static void put_quarantined(market *m, const char *instrument, int64_t at_ns) {
    td_quarantined q = {.event = {.kind = TD_EVENT_TRADE,
                                  .event_ns = at_ns,
                                  .receive_ns = at_ns,
                                  .of_epoch = TD_NONE,
                                  .of_offset = TD_NONE,
                                  .trade = {.price = 1, .size = 1, .trade_id = TD_NONE}},
                        .feed = TD_TEXT("lean"),
                        .reason = TD_REASON_OUTLIER};
    td_buf value = {0};
    td_record_put_quarantined(&value, m->r.topics.ids, td_text(instrument), &q);
    rig_append(&m->r, m->quarantine, instrument, 1, &value);
}

static void put_rejected(market *m, int64_t at_ns) {
    td_rejected rejected = {.feed = TD_TEXT("lean"), .receive_ns = at_ns, .reason = TD_REASON_MALFORMED};
    td_buf value = {0};
    td_record_put_rejected(&value, m->r.topics.ids, &rejected);
    rig_append(&m->r, m->rejected, "lean", 1, &value);
}

static void put_ended(market *m, int64_t at_ns) {
    td_event e = {.kind = TD_EVENT_TIME, .time = {.bound_ns = at_ns, .clock_ns = at_ns, .session = TD_SESSION_ENDED}};
    for (uint32_t p = 0; p < RIG_PARTITIONS; p++) {
        td_buf value = {0};
        td_record_put_event(&value, m->r.topics.ids, TD_TEXT("lean"), &e);
        td_batch_reset(&m->r.batch);
        assert_true(td_batch_add(&m->r.batch, 1, TD_TEXT("lean"), td_buf_bytes(&value), (td_bytes){0}, (td_bytes){0}));
        assert_int_equal(td_writer_append(m->r.writer, m->r.topics.tape, p, &m->r.batch), TD_OK);
        td_buf_fini(&value);
    }
}

static void fill_day(market *m, int64_t day, bool all) {
    for (int n = 0; n < 10; n++) {
        int64_t at_ns = NOON + day * TD_NS_PER_DAY + n * TD_NS_PER_S;
        rig_trade(&m->r, "SIM:A", at_ns, 5000000000);
        if (all) rig_trade(&m->r, "SIM:B", at_ns, 5000000000);
    }
    put_quarantined(m, "SIM:A", NOON + day * TD_NS_PER_DAY);
    put_rejected(m, NOON + day * TD_NS_PER_DAY);
}

static void put_all(const td_survey *s, int64_t date, td_buf *out) {
    size_t count;
    td_survey_row *rows = td_survey_rows(s, date, &count);
    for (size_t i = 0; i < count; i++) td_survey_put_row(out, &rows[i]);
    free(rows);
    td_buf_put(out, "", 1);
}

static void read_all(td_survey *s) {
    td_status status;
    while ((status = td_survey_step(s, 3)) == TD_OK) continue;
    assert_int_equal(status, TD_AGAIN);
}

static void rows_hold_all_topics(void **state) {
    static market m;
    (void)state;
    market_open(&m);
    fill_day(&m, 0, true);
    td_survey *early = survey_of(&m, 100);
    read_all(early);
    fill_day(&m, 1, false);
    put_rejected(&m, 0); /* a file of which nothing could be read: of the newest day, whenever it is met */
    put_ended(&m, NOON + TD_NS_PER_DAY + 9 * TD_NS_PER_S);
    read_all(early);
    td_survey *s = survey_of(&m, 100);
    read_all(s);
    td_survey_state at_end;
    td_survey_state_of(s, &at_end);
    assert_int_equal(at_end.read_records, 30 + 2 + 3 + RIG_PARTITIONS);
    assert_int_equal(at_end.all_records, at_end.read_records);

    size_t count;
    td_survey_row *rows = td_survey_rows(s, TD_NONE, &count);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++) {
        const td_survey_row *row = &rows[i];
        assert_int_equal(row->day.date, 19701);
        assert_true(row->over);
        assert_int_equal(row->anomalies.count, 1);
        const char *wanted = row->instrument.size == 0             ? "16.67 % of what came could not be decoded"
                             : row->instrument.data[4] == (int)'A' ? "10.00 % of events are refused by rules"
                                                                   : "nothing on this day; 10 events on 2023-12-09";
        ASSERT_ROW(strcmp(row->anomalies.items[0].text, wanted) == 0, "%s", row->anomalies.items[0].text);
    }
    assert_int_equal(rows[0].instrument.data[4], 'A'); /* as many anomalies, most events */
    assert_int_equal(rows[0].day.refused[TD_REASON_OUTLIER], 1);
    free(rows);

    td_buf a = {0}, b = {0};
    put_all(s, 19700, &a);
    assert_non_null(
        strstr((const char *)a.data, "\"instrument\":\"SIM:B\",\"day\":\"2023-12-09\",\"over\":true,\"trades\":10"));
    put_all(s, TD_NONE, &a);
    put_all(early, 19700, &b);
    put_all(early, TD_NONE, &b);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    td_buf_fini(&a);
    td_buf_fini(&b);
    td_survey_free(early);
    td_survey_free(s);
    rig_close(&m.r);
}

static void bounds_hold(void **state) {
    static market m;
    td_survey_state at_end;
    size_t count;
    (void)state;
    market_open(&m);
    fill_day(&m, 0, true);
    td_survey *s = survey_of(&m, 1);
    read_all(s);
    td_survey_state_of(s, &at_end);
    assert_int_equal(at_end.unprofiled, 10);
    td_survey_row *rows = td_survey_rows(s, TD_NONE, &count);
    assert_int_equal(count, 2); /* one instrument, and the feed */
    free(rows);
    td_survey_free(s);
    td_buf bad = {0};
    td_buf_text(&bad, "no record of ours");
    rig_append(&m.r, m.r.topics.tape, "SIM:A", 1, &bad);
    s = survey_of(&m, 100);
    read_all(s);
    td_survey_state_of(s, &at_end);
    assert_int_equal(at_end.corrupt, 1);
    rows = td_survey_rows(s, TD_NONE, &count);
    assert_int_equal(count, 3); /* what lies before the damage is told */
    free(rows);
    td_survey_free(s);
    rig_close(&m.r);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_hold_all_topics), cmocka_unit_test(bounds_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
