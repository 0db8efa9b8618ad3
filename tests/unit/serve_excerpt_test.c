/* tests/unit/serve_excerpt_test.c - goal: whoever turns the pages of a topic, backwards or forwards, of any size, sees
 * each record once, in order, with all that it has; and no page costs more than its budget. */
#include "serve/excerpt.h"
#include "serve_rig.h"

enum { RECORDS = 600 };

static rig r;
static td_topic *topic;

static int open_rig(void **state) {
    (void)state;
    rig_open(&r);
    assert_int_equal(td_log_topic(r.log, "notes", RIG_PARTITIONS, TD_TOPIC_OUTPUT, &topic), TD_OK);
    return 0;
}
static int close_rig(void **state) {
    (void)state;
    rig_close(&r);
    return 0;
}

/* One record, as one batch, with a header. */
static void put(uint32_t partition, int64_t ms, td_bytes key, td_bytes value) {
    td_batch_reset(&r.batch);
    assert_true(td_batch_add(&r.batch, ms, key, value, TD_TEXT("by"), TD_TEXT("test")));
    assert_int_equal(td_writer_append(r.writer, topic, partition, &r.batch), TD_OK);
}

static td_bytes text_of(const char *fmt, int number) {
    static char text[32];
    (void)snprintf(text, sizeof text, fmt, number);
    return td_text(text);
}

/* Partition 0: RECORDS, every third with key "b"; appended at 1000, 1010, … */
static void fill(void) {
    for (int i = 0; i < RECORDS; i++)
        put(0, 1000 + 10 * i, i % 3 == 0 ? TD_TEXT("b") : TD_TEXT("a"), text_of("value %d", i));
}

static td_excerpt_question question(int64_t partition, size_t limit) {
    return (td_excerpt_question){
        .topic = topic, .partition = partition, .below = -1, .from = -1, .from_ms = INT64_MIN, .limit = limit};
}

static td_excerpt *walk(const td_excerpt_question *q) {
    td_excerpt *x = td_excerpt_new(q);
    td_status status = TD_AGAIN;
    for (int steps = 0; status == TD_AGAIN && steps < 100000; steps++) status = td_excerpt_step(x);
    assert_int_equal(status, TD_OK);
    return x;
}

static int number_at(const td_excerpt *x, size_t index) {
    td_excerpt_row row = td_excerpt_at(x, index);
    assert_true(td_bytes_begin(row.record.value, TD_TEXT("value ")));
    return atoi((const char *)row.record.value.data + strlen("value "));
}

static void turns_every_page_back(void **state) {
    static const size_t limits[] = {1, 7, 599, 600, 601};
    static const int64_t blocks[] = {1, 3000, 0};
    (void)state;
    fill();
    for (unsigned k = 0; k < COUNT_OF(limits); k++) {
        for (unsigned b = 0; b < COUNT_OF(blocks); b++) {
            td_excerpt_question q = question(0, limits[k]);
            q.block_bytes = blocks[b];
            int wanted = RECORDS - 1;
            do {
                td_excerpt *x = walk(&q);
                for (size_t i = 0; i < td_excerpt_count(x); i++, wanted--)
                    ASSERT_ROW(number_at(x, i) == wanted, "limit %zu, %d wanted", limits[k], wanted);
                ASSERT_ROW(td_excerpt_count(x) == limits[k] || wanted < 0, "limit %zu: a short page", limits[k]);
                q.below = td_excerpt_rest(x);
                td_excerpt_free(x);
            } while (q.below >= 0 && wanted >= 0);
            ASSERT_ROW(wanted == -1 && q.below < 0, "limit %zu: %d left", limits[k], wanted);
        }
    }
}

static void turns_every_page_forth(void **state) {
    static const size_t limits[] = {7, 600, 601};
    (void)state;
    fill();
    for (unsigned k = 0; k < COUNT_OF(limits); k++) {
        td_excerpt_question q = question(0, limits[k]);
        q.from = 0;
        q.block_bytes = 500;
        int wanted = 0;
        do {
            td_excerpt *x = walk(&q);
            for (size_t i = 0; i < td_excerpt_count(x); i++, wanted++)
                ASSERT_ROW(number_at(x, i) == wanted, "limit %zu, %d wanted", limits[k], wanted);
            q.from = td_excerpt_rest(x);
            td_excerpt_free(x);
        } while (q.from >= 0);
        ASSERT_ROW(wanted == RECORDS, "limit %zu: %d", limits[k], wanted);
    }
}

/* From any page the other way leads to its neighbour. */
static void turns_back_where_it_came_from(void **state) {
    (void)state;
    fill();
    td_excerpt_question q = question(0, 10);
    q.below = 300;
    td_excerpt *x = walk(&q);
    assert_int_equal(number_at(x, 0), 299);
    assert_int_equal(td_excerpt_back(x), 300);
    td_excerpt_free(x);
    q = question(0, 10);
    q.from = 300;
    x = walk(&q);
    assert_int_equal(number_at(x, 9), 309);
    assert_int_equal(td_excerpt_back(x), 300);
    assert_int_equal(td_excerpt_rest(x), 310);
    td_excerpt_free(x);
    q.from = 0;
    x = walk(&q);
    assert_int_equal(td_excerpt_back(x), -1);
    td_excerpt_free(x);
    q = question(0, 10); /* at the end: what comes later is behind it */
    x = walk(&q);
    assert_int_equal(td_excerpt_back(x), RECORDS);
    td_excerpt_free(x);
    q = question(1, 10); /* nothing yet */
    x = walk(&q);
    assert_int_equal(td_excerpt_count(x), 0);
    assert_int_equal(td_excerpt_back(x), 0);
    assert_int_equal(td_excerpt_rest(x), -1);
    td_excerpt_free(x);
}

static void finds_a_key(void **state) {
    (void)state;
    fill();
    td_excerpt_question q = question(0, 50);
    q.key = TD_TEXT("b");
    q.block_bytes = 2000;
    int wanted = RECORDS - 3;
    do {
        td_excerpt *x = walk(&q);
        for (size_t i = 0; i < td_excerpt_count(x); i++, wanted -= 3) assert_int_equal(number_at(x, i), wanted);
        q.below = td_excerpt_rest(x);
        td_excerpt_free(x);
    } while (q.below >= 0);
    assert_int_equal(wanted, -3);
    q.below = -1;
    q.from = 0;
    wanted = 0;
    do {
        td_excerpt *x = walk(&q);
        for (size_t i = 0; i < td_excerpt_count(x); i++, wanted += 3) assert_int_equal(number_at(x, i), wanted);
        q.from = td_excerpt_rest(x);
        td_excerpt_free(x);
    } while (q.from >= 0);
    assert_int_equal(wanted, RECORDS);
}

/* What is looked for is not there: a budget ends the search, and the next question goes on behind it. */
static void ends_a_search_with_its_budget(void **state) {
    (void)state;
    fill();
    for (int forward = 0; forward < 2; forward++) {
        td_excerpt_question q = question(0, 50);
        q.key = TD_TEXT("nowhere");
        q.block_bytes = 1000;
        q.budget_bytes = 5000;
        int pages = 0;
        if (forward) q.from = 0;
        for (bool more = true; more; pages++) {
            td_excerpt *x = walk(&q);
            int64_t rest = td_excerpt_rest(x);
            more = rest >= 0;
            assert_int_equal(td_excerpt_count(x), 0);
            assert_int_equal(td_excerpt_is_cut(x), more);
            if (more) assert_true(forward ? rest > q.from : q.below < 0 || rest < q.below);
            *(forward ? &q.from : &q.below) = rest;
            td_excerpt_free(x);
        }
        assert_in_range(pages, 2, 40);
    }
}

static void begins_at_a_time(void **state) {
    (void)state;
    fill();
    td_excerpt_question q = question(0, 3);
    q.from_ms = 2005; /* between two */
    td_excerpt *x = walk(&q);
    assert_int_equal(number_at(x, 0), 101);
    assert_int_equal(td_excerpt_back(x), 101);
    td_excerpt_free(x);
    q.from_ms = INT64_MAX;
    x = walk(&q);
    assert_int_equal(td_excerpt_count(x), 0);
    td_excerpt_free(x);
}

static void merges_partitions_by_time(void **state) {
    (void)state;
    for (int i = 0; i < 40; i++) put((uint32_t)(i % 3 == 0), 1000 + i, TD_TEXT("a"), text_of("value %d", i));
    td_excerpt_question q = question(-1, 15);
    td_excerpt *x = walk(&q);
    assert_int_equal(td_excerpt_count(x), 15);
    for (size_t i = 0; i < 15; i++) {
        assert_int_equal(number_at(x, i), 39 - (int)i);
        assert_int_equal(td_excerpt_at(x, i).partition, (39 - i) % 3 == 0);
    }
    assert_true(td_excerpt_rest(x) == -1 && td_excerpt_back(x) == -1);
    td_excerpt_free(x);
    q.from_ms = 1010;
    x = walk(&q);
    for (size_t i = 0; i < 15; i++) assert_int_equal(number_at(x, i), 10 + (int)i);
    td_excerpt_free(x);
}

/* Null is not empty; headers and times come along; of a long value its first bytes. */
static void keeps_all_of_a_record(void **state) {
    static uint8_t large[400000];
    (void)state;
    memset(large, 'x', sizeof large);
    put(1, 5, (td_bytes){0}, TD_TEXT(""));
    put(1, 6, TD_TEXT(""), (td_bytes){0});
    for (int i = 0; i < 6; i++) put(1, 7 + i, TD_TEXT("k"), (td_bytes){large, sizeof large});
    td_excerpt_question q = question(1, 100);
    q.from = 0;
    td_excerpt *x = walk(&q);
    assert_in_range(td_excerpt_count(x), 3, 6); /* so many of the large ones fit */
    assert_int_equal(td_excerpt_rest(x), td_excerpt_count(x));
    td_excerpt_row first = td_excerpt_at(x, 0), second = td_excerpt_at(x, 1), third = td_excerpt_at(x, 2);
    assert_true(first.record.key.data == NULL && first.record.value.data != NULL && first.record.timestamp_ms == 5);
    assert_true(second.record.key.data != NULL && second.record.value.data == NULL);
    assert_true(td_bytes_equal(td_record_header(&first.record, TD_TEXT("by")), TD_TEXT("test")));
    assert_int_equal(third.value_bytes, sizeof large);
    assert_int_equal(third.record.value.size, 256 << 10);
    td_excerpt_free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(turns_every_page_back, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(turns_every_page_forth, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(turns_back_where_it_came_from, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(finds_a_key, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(ends_a_search_with_its_budget, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(begins_at_a_time, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(merges_partitions_by_time, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(keeps_all_of_a_record, open_rig, close_rig),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
