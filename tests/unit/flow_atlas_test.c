/* tests/unit/flow_atlas_test.c - goal: a place of a log is found in its copy, whatever holes either of them has, and
 * none is told before it is known. */
#include "unit.h"
/* after cmocka's own */
#include "flow/atlas.h"

enum { NOT_YET = -1 };

static void fill(td_sheet *s, const int64_t *original, size_t originals, const td_position *copy, size_t copies) {
    if (originals > 0) s->begin = original[0];
    for (size_t i = 0; i < originals; i++) td_sheet_note_original(s, original[i]);
    for (size_t i = 0; i < copies; i++) td_sheet_note_copy(s, copy[i]);
}

static int64_t at(const td_sheet *s, int64_t offset, int32_t *out_epoch) {
    td_position found;
    td_status status = td_sheet_at(s, offset, &found);
    assert_true(status == TD_OK || status == TD_AGAIN);
    if (status == TD_AGAIN) return NOT_YET;
    *out_epoch = found.epoch;
    return found.offset;
}

static void free_sheet(td_sheet *s) {
    td_buf_fini(&s->original);
    td_buf_fini(&s->copy);
}

/* The log lost what was before 10 and has a hole at 12; of the copy a record of its own stands first. */
static void places_across_holes(void **state) {
    (void)state;
    static const int64_t original[] = {10, 11, 14, 15, 16};
    static const td_position copy[] = {{0, 0}, {0, 1}, {0, 2}, {0, 5}, {3, 6}};
    static const struct {
        int64_t offset, at;
        int32_t epoch;
        int64_t behind;
    } rows[] = {{0, 0, 0, 1},
                {9, 0, 0, 1},
                {10, 1, 0, 1},
                {11, 2, 0, 2},
                {12, 5, 0, 3},
                {14, 5, 0, 3},
                {15, 6, 3, 6},
                {16, NOT_YET, 0, 7},
                {17, NOT_YET, 0, NOT_YET},
                {20, NOT_YET, 0, NOT_YET}};
    td_sheet s = {.ahead = 1};
    fill(&s, original, COUNT_OF(original), copy, COUNT_OF(copy));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int32_t epoch = 0;
        td_position behind = {0, NOT_YET};
        td_status status = td_sheet_behind(&s, rows[i].offset, &behind);
        ASSERT_ROW(at(&s, rows[i].offset, &epoch) == rows[i].at, "%d", (int)rows[i].offset);
        ASSERT_ROW(epoch == rows[i].epoch, "%d", (int)rows[i].offset);
        ASSERT_ROW(status == (rows[i].behind == NOT_YET ? TD_AGAIN : TD_OK), "%d", (int)rows[i].offset);
        ASSERT_ROW(behind.offset == rows[i].behind, "%d: %d", (int)rows[i].offset, (int)behind.offset);
    }
    free_sheet(&s);
}

/* The first record that is left may name one that is not. */
static void what_is_lost_is_where_the_copy_begins(void **state) {
    (void)state;
    td_position found = {9, 9};
    td_sheet s = {.begin = 10, .passed = 10};
    assert_int_equal(td_sheet_at(&s, 3, &found), TD_OK);
    assert_int_equal(found.offset, 0);
    td_sheet_note_original(&s, 10);
    td_sheet_note_copy(&s, (td_position){2, 4});
    assert_int_equal(td_sheet_at(&s, 3, &found), TD_OK);
    assert_int_equal(found.offset, 4);
    assert_int_equal(found.epoch, 2);
    free_sheet(&s);
}

/* With markers at random places on both sides every record is found, and every position behind one. */
static void records_of_all_kinds_of_holes(void **state) {
    (void)state;
    enum { RECORDS = 5000 };
    uint64_t seed = 7;
    td_sheet s = {0};
    int64_t original[RECORDS], from = 3, to = 0;
    td_position copy[RECORDS];
    int32_t epoch = 0, found;
    for (size_t i = 0; i < RECORDS; i++) {
        from += 1 + (unit_random(&seed) % 10 == 0);
        to += 1 + (unit_random(&seed) % 7 == 0);
        epoch += unit_random(&seed) % 500 == 0;
        original[i] = from;
        copy[i] = (td_position){epoch, to};
    }
    fill(&s, original, RECORDS, copy, RECORDS);
    for (size_t i = 0; i < RECORDS; i++) {
        td_position behind;
        assert_int_equal(at(&s, original[i], &found), copy[i].offset);
        assert_int_equal(found, copy[i].epoch);
        assert_int_equal(td_sheet_behind(&s, original[i] + 1, &behind), TD_OK);
        assert_int_equal(behind.offset, copy[i].offset + 1);
        assert_int_equal(behind.epoch, copy[i].epoch);
    }
    free_sheet(&s);
}

static void nothing_is_known_of_nothing(void **state) {
    (void)state;
    td_atlas atlas;
    td_position found;
    td_atlas_init(&atlas, 2);
    td_sheet *s = td_atlas_sheet(&atlas, TD_TEXT("tape"), 1);
    assert_ptr_equal(s, &atlas.tape[1]);
    assert_ptr_equal(td_atlas_sheet(&atlas, TD_TEXT("rejected"), 0), &atlas.rejected[0]);
    assert_null(td_atlas_sheet(&atlas, TD_TEXT("bars"), 0));
    assert_null(td_atlas_sheet(&atlas, TD_TEXT("tape"), 2));
    assert_int_equal(td_sheet_at(s, 0, &found), TD_AGAIN);
    assert_int_equal(td_sheet_behind(s, 0, &found), TD_OK); /* an empty partition ends where it begins */
    assert_int_equal(found.offset, 0);
    assert_int_equal(td_sheet_behind(s, 1, &found), TD_AGAIN);
    s->passed = 1; /* a marker */
    assert_int_equal(td_sheet_behind(s, 1, &found), TD_OK);
    assert_int_equal(found.offset, 0);
    td_atlas_fini(&atlas);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_across_holes), cmocka_unit_test(what_is_lost_is_where_the_copy_begins),
        cmocka_unit_test(records_of_all_kinds_of_holes), cmocka_unit_test(nothing_is_known_of_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
