/* tests/unit/flow_programs_test.c - goal: a program is found by where it begins, however many began before; and begins
 * on a tape that is damaged further back, warmed from behind the damage. */
#include "log_rig.h"
/* after the rig's own */
#include "base/hash.h"
#include "base/time.h"
#include "flow/programs.h"
#include "lang/program.h"

enum { RECORDS = 64, DAMAGED = 32, CHANGES = 300 };

typedef struct bench {
    rig *rig;
    td_topics topics;
    td_buf bodies[2];
} bench;

/* They look back as far as the tape goes, and farther. */
static void bench_open(bench *b, rig *r) {
    static const char *const texts[] = {"strategy x on bars(1m)\n  a = sma(close, 200)\n  buy when close > a\n",
                                        "strategy x on bars(1m)\n  a = sma(close, 300)\n  buy when close > a\n"};
    static const int64_t width_ns = TD_NS_PER_MIN;
    *b = (bench){.rig = r};
    rig_open_log(r);
    assert_int_equal(td_topics_open(&b->topics, r->log, 2, 0), TD_OK);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        td_bytes text = td_text(texts[i]);
        td_program_settings settings = {
            .widths_ns = &width_ns, .width_count = 1, .strategies = &text, .strategy_count = 1};
        td_program_body(&settings, &b->bodies[i]);
    }
}

static void bench_close(bench *b) {
    for (size_t i = 0; i < COUNT_OF(b->bodies); i++) td_buf_fini(&b->bodies[i]);
    td_topics_close(&b->topics);
}

static void begin(bench *b, int which) {
    td_status status = td_program_begin(&b->topics, td_buf_bytes(&b->bodies[which]), 1000);
    if (status != TD_OK) fail_msg("%s", td_trail());
}

static void put_time(bench *b, int64_t event_ns) {
    td_event e = {.kind = TD_EVENT_TIME, .event_ns = event_ns};
    td_buf value = {0};
    td_batch batch;
    td_record_put_event(&value, b->topics.ids, TD_TEXT("f"), &e);
    td_batch_init(&batch, 4096);
    assert_true(td_batch_add(&batch, 1000, TD_TEXT("f"), td_buf_bytes(&value), (td_bytes){0}, (td_bytes){0}));
    assert_int_equal(td_writer_append(b->rig->writer, b->topics.tape, 0, &batch), TD_OK);
    td_batch_fini(&batch);
    td_buf_fini(&value);
}

static td_program_mark mark_at(bench *b, int64_t offset) {
    td_reader *reader;
    td_record record;
    td_event event;
    td_bytes feed;
    assert_int_equal(td_reader_open(&reader, b->topics.tape, 0, offset, TD_READ_APPENDED), TD_OK);
    assert_int_equal(td_reader_next(reader, &record), TD_OK);
    assert_int_equal(td_record_get_event(b->topics.ids, record.value, &event, &feed), TD_OK);
    assert_int_equal(event.kind, TD_EVENT_PROGRAM);
    td_reader_close(reader);
    return event.program;
}

static void begins_behind_damage(void **state) {
    bench b;
    char path[160];
    int64_t damaged = 0;
    bench_open(&b, *state);
    begin(&b, 0);
    (void)snprintf(path, sizeof path, "%s/tape-0/00000000000000000000.log", b.rig->dir);
    for (int64_t i = 1; i < RECORDS; i++) {
        if (i == DAMAGED) damaged = rig_file_bytes(path) + 70;
        put_time(&b, (1000 + i) * TD_NS_PER_MIN);
    }
    rig_flip(path, damaged);
    begin(&b, 1);
    td_program_mark mark = mark_at(&b, RECORDS);
    assert_in_range(mark.warm_from, DAMAGED + 1, RECORDS - 1);
    bench_close(&b);
}

static void the_last_one_is_in_force(void **state) {
    bench b;
    uint8_t found[TD_PROGRAM_SHA_BYTES], wanted[2][TD_PROGRAM_SHA_BYTES];
    bench_open(&b, *state);
    for (int i = 0; i < 2; i++) td_sha256(td_buf_bytes(&b.bodies[i]), wanted[i]);
    for (int i = 0; i < CHANGES; i++) begin(&b, i % 2);
    for (int64_t offset = CHANGES; offset > 0; offset -= 7) { /* in force at an offset is what stands before it */
        assert_int_equal(td_program_at(&b.topics, 0, offset - 1, found), TD_OK);
        assert_memory_equal(found, wanted[(offset - 1) % 2], sizeof found);
    }
    bench_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(begins_behind_damage, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(the_last_one_is_in_force, rig_new, rig_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
