/* tests/unit/flow_restate_test.c - goal: whatever names a place of a log names that of its copy there, waits until that
 * is known, and all else stays as it is. */
#include "unit.h"
/* after cmocka's own */
#include "base/hash.h"
#include "flow/restate.h"
#include "schema/cause.h"
#include "schema/registry.h"
#include <stdlib.h>

enum { PARTITIONS = 2, KNOWN = 100, AHEAD = 1, LOST = 10 };

/* Of the tape the log has lost ten records, and its copy has a program of its own first; every tenth offset of the copy
 * is a hole. Of `rejected` nothing is different but the epoch. */
typedef struct bench {
    td_registry *registry;
    const td_schema_ids *ids;
    td_atlas atlas;
    td_restater restater;
} bench;

static td_status keep(void *arg, td_bytes key, td_bytes value) {
    (void)arg, (void)key, (void)value;
    return TD_OK;
}

static int64_t place_of(int64_t offset) {
    int64_t number = offset - LOST + AHEAD;
    return number + number / 9;
}

static int bench_new(void **state) {
    bench *b = test_calloc(1, sizeof *b);
    b->registry = td_registry_new();
    assert_int_equal(td_registry_ensure(b->registry, keep, NULL), TD_OK);
    b->ids = td_registry_ids(b->registry);
    td_atlas_init(&b->atlas, PARTITIONS);
    b->restater.atlas = &b->atlas;
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        td_sheet *tape = &b->atlas.tape[p], *rejected = &b->atlas.rejected[p];
        tape->begin = LOST;
        tape->ahead = AHEAD;
        td_sheet_note_copy(tape, (td_position){3, 0});
        for (int64_t i = LOST; i < KNOWN; i++) {
            td_sheet_note_original(tape, i);
            td_sheet_note_copy(tape, (td_position){3, place_of(i)});
            td_sheet_note_original(rejected, i - LOST);
            td_sheet_note_copy(rejected, (td_position){5, i - LOST});
        }
    }
    *state = b;
    return 0;
}

static int bench_free(void **state) {
    bench *b = *state;
    td_restater_fini(&b->restater);
    td_atlas_fini(&b->atlas);
    td_registry_free(b->registry);
    test_free(b);
    return 0;
}

static td_status restate(bench *b, const char *topic, const td_record *record, td_record *out) {
    td_original original = {topic, 1, record};
    return td_restate(&b->restater, b->ids, &original, out);
}

/* ---- texts ---- */

static void texts_name_other_places(void **state) {
    static const struct {
        const char *topic, *key, *value, *wanted; /* NULL: it waits */
    } rows[] = {
        {"_answers", "av/IBM", "begun 1 20 5 7 99", "begun 1 12 5 7 99"},
        {"_answers", "av/IBM", "begun 0 100 5 7 99", NULL},
        {"_answers", "av/IBM", "whole 20 30", "whole 20 30"},
        {"_answers", "av/IBM", "begun 7 20 5 7 99", "begun 7 20 5 7 99"},
        {"_inputs", "lean/ended@2", "tape 0 1 100\ntape 1 1 11\nrejected 0 0 0\nrejected 1 0 4\n",
         "tape 0 3 101\ntape 1 3 2\nrejected 0 5 0\nrejected 1 5 4\n"},
        {"_inputs", "lean/ended@2", "tape 0 1 100\ntape 1 1 101\n", NULL},
        {"_bookmarks", "desk", "source 0 1200\ntape 0 100\ntape 1 11\nrejected 1 4\n",
         "source 0 1200\ntape 0 101\ntape 1 2\nrejected 1 4\n"},
        {"_bookmarks", "desk", "source 0 1200\ntape 0 100\ntape 1 101\n", NULL},
        {"_inputs", "lean/0", "tape 0 1 100\n", "tape 0 1 100\n"},
        {"_programs", "tape/1", "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff 30",
         "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff 23"},
        {"_programs", "tape/1", "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff 3",
         "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff 0"},
        {"_programs", "tape/0", "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff 100", NULL},
        {"_programs", "00ff00ff", "bars 1s 30", "bars 1s 30"},
        {"raw.x", "tape/1", "begun 1 20 5 7 99", "begun 1 20 5 7 99"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_record out, in = {.offset = 5, .key = td_text(rows[i].key), .value = td_text(rows[i].value)};
        td_status status = restate(*state, rows[i].topic, &in, &out);
        ASSERT_ROW(status == (rows[i].wanted == NULL ? TD_AGAIN : TD_OK), "%zu: status %d", i, (int)status);
        if (rows[i].wanted == NULL) continue;
        ASSERT_ROW(td_bytes_equal(out.value, td_text(rows[i].wanted)), "%zu: %.*s", i, (int)out.value.size,
                   (const char *)out.value.data);
        ASSERT_ROW(td_bytes_equal(out.key, in.key), "%zu", i);
    }
}

/* ---- events ---- */

static td_event trade(uint8_t origin, int64_t of_offset, uint8_t flags) {
    td_event e = {.kind = TD_EVENT_TRADE, .event_ns = 5, .receive_ns = 6, .origin = origin, .flags = flags};
    e.of_epoch = 0;
    e.of_offset = of_offset;
    e.trade = (td_trade){.price = 7, .size = 8, .trade_id = TD_NONE};
    return e;
}

static td_status restate_event(bench *b, const td_event *e, td_event *out) {
    td_buf value = {0};
    td_record restated;
    td_bytes feed;
    td_record_put_event(&value, b->ids, TD_TEXT("f"), e);
    td_record in = {.offset = 5, .key = TD_TEXT("V:KO"), .value = td_buf_bytes(&value)};
    td_status status = restate(b, "tape", &in, &restated);
    *out = (td_event){0};
    if (status == TD_OK) assert_int_equal(td_record_get_event(b->ids, restated.value, out, &feed), TD_OK);
    td_buf_fini(&value);
    return status;
}

static void events_name_other_places(void **state) {
    bench *b = *state;
    static const struct {
        uint8_t origin;
        int64_t of, wanted; /* TD_NONE: it waits */
        int64_t epoch;
    } rows[] = {{TD_ORIGIN_RELEASE, 10, 1, 3},  {TD_ORIGIN_RELEASE, 50, 45, 3}, {TD_ORIGIN_RELEASE, 100, TD_NONE, 0},
                {TD_ORIGIN_RELEASE, 9, -1, 0},  {TD_ORIGIN_RELEASE, 2, -8, 0}, /* lost: it stays apart */
                {TD_ORIGIN_BACKFILL, 50, 50, 0}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_event e = trade(rows[i].origin, rows[i].of, 0), got;
        td_status status = restate_event(b, &e, &got);
        ASSERT_ROW(status == (rows[i].wanted == TD_NONE ? TD_AGAIN : TD_OK), "%zu", i);
        if (rows[i].wanted == TD_NONE) continue;
        ASSERT_ROW(got.of_offset == rows[i].wanted && got.of_epoch == rows[i].epoch, "%zu: %d", i, (int)got.of_offset);
        ASSERT_ROW(got.trade.price == e.trade.price && got.event_ns == e.event_ns, "%zu", i);
    }
}

/* A copy of an event names a place of its instrument's own partition. */
static void copies_name_places_at_home(void **state) {
    bench *b = *state;
    td_event e = trade(TD_ORIGIN_RELEASE, KNOWN, TD_FLAG_COPY), got;
    assert_int_equal(td_partition_of(TD_TEXT("V:KO"), PARTITIONS), 0); /* it is copied to 1 */
    assert_int_equal(restate_event(b, &e, &got), TD_AGAIN);
    td_sheet_note_original(&b->atlas.tape[0], KNOWN);
    td_sheet_note_copy(&b->atlas.tape[0], (td_position){4, 500});
    assert_int_equal(restate_event(b, &e, &got), TD_OK);
    assert_int_equal(got.of_offset, 500);
    assert_int_equal(got.of_epoch, 4);
    e.flags = 0;
    assert_int_equal(restate_event(b, &e, &got), TD_AGAIN);
}

static void programs_are_warmed_from_there(void **state) {
    static const struct { int64_t from, wanted; } rows[] = {{10, 1}, {42, 36}, {3, 0}, {TD_NONE, TD_NONE}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_event e = {.kind = TD_EVENT_PROGRAM, .program.warm_from = rows[i].from}, got;
        assert_int_equal(restate_event(*state, &e, &got), TD_OK);
        ASSERT_ROW(got.program.warm_from == rows[i].wanted, "%zu: %d", i, (int)got.program.warm_from);
    }
}

static void what_is_no_event_stays(void **state) {
    td_record out, in = {.offset = 5, .value = TD_TEXT("\0\0\0\0\7 of somebody else")};
    assert_int_equal(restate(*state, "tape", &in, &out), TD_OK);
    assert_true(td_bytes_equal(out.value, in.value));
    in.value = (td_bytes){0};
    assert_int_equal(restate(*state, "tape", &in, &out), TD_OK);
    assert_null(out.value.data);
}

/* ---- causes ---- */

static void causes_among_other_headers(void **state) {
    static const struct {
        const char *cause, *wanted; /* NULL: it waits */
    } rows[] = {{"tape/1/0/20/3", "tape/1/3/12/3"}, {"tape/0/0/99/0", "tape/0/3/100/0"}, {"tape/0/0/100/0", NULL},
                {"tape/1/0/4/17", "tape/1/3/0/17"}, {"tape/9/0/20/3", "tape/9/0/20/3"},  {"mine", "mine"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t count[TD_VARINT_MAX];
        td_buf headers = {0};
        td_batch batch;
        td_buf_put(&headers, count, (size_t)(td_varint_put(count, 3) - count));
        td_headers_put(&headers, TD_TEXT("trace"), TD_TEXT("abc"));
        td_headers_put(&headers, TD_CAUSE_HEADER, td_text(rows[i].cause));
        td_headers_put(&headers, TD_TEXT("none"), (td_bytes){0});
        td_record out,
            in = {.offset = 5, .key = TD_TEXT("k"), .value = TD_TEXT("v"), .headers = td_buf_bytes(&headers)};
        td_status status = restate(*state, "bars", &in, &out);
        ASSERT_ROW(status == (rows[i].wanted == NULL ? TD_AGAIN : TD_OK), "%zu", i);
        if (status == TD_OK) { /* and through a batch */
            td_batch_init(&batch, 1000);
            assert_true(td_batch_add_record(&batch, &out));
            td_cursor cursor = {.at = batch.bytes.data + TD_BATCH_HEADER_BYTES,
                                .end = td_bytes_end(td_buf_bytes(&batch.bytes)),
                                .left = 1};
            assert_true(td_cursor_next(&cursor, &out));
            ASSERT_ROW(td_bytes_equal(td_record_header(&out, TD_CAUSE_HEADER), td_text(rows[i].wanted)), "%zu", i);
            ASSERT_ROW(td_bytes_equal(td_record_header(&out, TD_TEXT("trace")), TD_TEXT("abc")), "%zu", i);
            ASSERT_ROW(out.headers.data[0] == 6 && td_bytes_equal(out.value, in.value), "%zu", i);
            td_batch_fini(&batch);
        }
        td_buf_fini(&headers);
    }
}

/* Ids of the copy's registry stand where the log's did; a stranger's stays, unless it would become one of ours. */
static void schemas_have_the_ids_of_the_copy(void **state) {
    enum { HERE = 1000, OLDER = 1500, THERE = 2000, STRANGERS = 7 };
    bench *b = *state;
    td_schema_ids here, there;
    td_schema_ids_init(&here);
    td_schema_ids_init(&there);
    for (int i = 0; i < TD_SCHEMA_COUNT; i++) {
        assert_true(td_schema_ids_put(&here, here.id[i] = HERE + i, (int8_t)i));
        assert_true(td_schema_ids_put(&there, there.id[i] = THERE - i, (int8_t)i));
    }
    assert_true(td_schema_ids_put(&here, OLDER, TD_SCHEMA_BAR + TD_SCHEMA_BEFORE));
    assert_true(td_schema_ids_put(&here, OLDER + 1, TD_SCHEMA_SIGNAL + TD_SCHEMA_BEFORE));
    assert_true(td_schema_ids_put(&there, OLDER + 2, TD_SCHEMA_BAR + TD_SCHEMA_BEFORE));
    const struct {
        const char *topic;
        uint32_t id;
        td_status status;
        uint32_t wanted;
    } rows[] = {
        {"bars", HERE + TD_SCHEMA_BAR, TD_OK, THERE - TD_SCHEMA_BAR},
        {"rejected", HERE + TD_SCHEMA_REJECTED, TD_OK, THERE - TD_SCHEMA_REJECTED},
        {"bars", OLDER, TD_OK, OLDER + 2},
        {"signals", OLDER + 1, TD_CONFIG, 0},
        {"tape", STRANGERS, TD_OK, STRANGERS},
        {"tape", THERE, TD_CONFIG, 0},
        {"_bars", HERE, TD_OK, HERE}, /* none of ours begins so */
    };
    b->restater.to_ids = &there;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t value[8] = {0, [5] = 'x', 'y', 'z'};
        td_put_be32(value + 1, rows[i].id);
        td_record in = {.offset = 5, .value = {value, sizeof value}}, out;
        td_original original = {rows[i].topic, 1, &in};
        td_status status = td_restate(&b->restater, &here, &original, &out);
        ASSERT_ROW(status == rows[i].status, "%zu: %d", i, (int)status);
        if (status != TD_OK) continue;
        ASSERT_ROW(out.value.size == sizeof value && td_get_be32(out.value.data + 1) == rows[i].wanted, "%zu", i);
        ASSERT_ROW(memcmp(out.value.data + 5, "xyz", 3) == 0 && td_get_be32(value + 1) == rows[i].id, "%zu", i);
        ASSERT_ROW(!b->restater.placed, "%zu", i);
    }
    td_record text = {.offset = 5, .value = TD_TEXT("{\"json\":1}")}, out;
    assert_int_equal(td_restate(&b->restater, &here, &(td_original){"bars.json", 1, &text}, &out), TD_OK);
    assert_ptr_equal(out.value.data, text.value.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(texts_name_other_places, bench_new, bench_free),
        cmocka_unit_test_setup_teardown(events_name_other_places, bench_new, bench_free),
        cmocka_unit_test_setup_teardown(copies_name_places_at_home, bench_new, bench_free),
        cmocka_unit_test_setup_teardown(programs_are_warmed_from_there, bench_new, bench_free),
        cmocka_unit_test_setup_teardown(what_is_no_event_stays, bench_new, bench_free),
        cmocka_unit_test_setup_teardown(causes_among_other_headers, bench_new, bench_free),
        cmocka_unit_test_setup_teardown(schemas_have_the_ids_of_the_copy, bench_new, bench_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
