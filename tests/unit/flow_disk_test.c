/* tests/unit/flow_disk_test.c - goal: a disk's level rises at once and falls with slack, and each level brings what it
 * says: lines, a smaller log, waiting input, a reserve that is given up and comes back. */
#include "log_rig.h"
/* after the rig's own */
#include "base/time.h"
#include "flow/disk.h"

#define MB (INT64_C(1) << 20)
enum { TOTAL_MB = 1600 }; /* a 16th of it: more than the reserve */

static int64_t mono_ns, free_bytes;
static bool space_fails;

static int64_t fake_mono_ns(void *self) {
    (void)self;
    return mono_ns;
}

static td_status fake_space(void *self, const char *path, int64_t *out_free_bytes, int64_t *out_total_bytes) {
    (void)self;
    (void)path;
    if (space_fails) return TD_FAIL(TD_RETRY, "no answer");
    *out_free_bytes = free_bytes;
    *out_total_bytes = TOTAL_MB * MB;
    return TD_OK;
}

static td_os fake_os(void) {
    static td_os_ops ops;
    ops = *td_os_posix.ops;
    ops.mono_ns = fake_mono_ns;
    ops.space = fake_space;
    return (td_os){&ops, NULL};
}

static const td_disk_conf usual = {90, 95, 99, 1, 16 * MB};

static int64_t reserve_bytes(const rig *r) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/RESERVE", r->dir);
    return access(path, F_OK) == 0 ? rig_file_bytes(path) : 0;
}

static void look(td_disk *disk, int64_t mb) {
    free_bytes = mb * MB;
    mono_ns += TD_NS_PER_S;
    td_disk_step(disk);
}

static void levels(void **state) {
    rig *r = *state;
    static const struct {
        int64_t free_mb;
        td_disk_level level;
        const char *line; /* that this look makes; "": none */
    } rows[] = {
        {1000, TD_DISK_FREE, ""},
        {161, TD_DISK_FREE, ""},
        {160, TD_DISK_TIGHT, "90.0 % used, 160 MB free"},
        {175, TD_DISK_TIGHT, ""}, /* 89.06: within the slack */
        {177, TD_DISK_FREE, "enough"},
        {79, TD_DISK_SHORT, "lets go"},
        {95, TD_DISK_SHORT, ""},
        {97, TD_DISK_TIGHT, "make room"},
        {15, TD_DISK_FULL, "input waits"}, /* two levels at once */
        {31, TD_DISK_FULL, ""},
        {33, TD_DISK_SHORT, "input goes on after 2 s"},
        {0, TD_DISK_FULL, "input waits"},
        {800, TD_DISK_FREE, "input goes on after 1 s"},
    };
    r->conf.retain_bytes = 1 << 30;
    rig_open_log(r);
    td_os os = fake_os();
    td_disk disk;
    td_disk_conf conf = usual;
    conf.reserve_bytes = 0;
    mono_ns = 1;
    td_disk_init(&disk, &os, &conf, r->log, r->dir);
    td_disk_tell(&disk, rig_report, r);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        r->reports.size = 0;
        look(&disk, rows[i].free_mb);
        ASSERT_ROW(td_disk_level_now(&disk) == rows[i].level, "%zu: %d", i, (int)td_disk_level_now(&disk));
        ASSERT_ROW(rows[i].line[0] == '\0' ? r->reports.size == 0 : rig_reported(r, rows[i].line), "%zu", i);
    }
    assert_int_equal(td_counted(&disk.counts.pauses), 2);
    assert_int_equal(td_counted(&disk.counts.paused_ns), 3 * TD_NS_PER_S);
    assert_int_equal(td_counted(&disk.counts.free_bytes), 800 * MB);

    free_bytes = 0; /* within the second, and while nobody answers, nothing changes */
    td_disk_step(&disk);
    space_fails = true;
    look(&disk, 0);
    assert_int_equal(td_disk_level_now(&disk), TD_DISK_FREE);
    space_fails = false;
    td_disk_fini(&disk);
}

static void the_reserve(void **state) {
    rig *r = *state;
    rig_open_log(r);
    td_os os = fake_os();
    td_disk disk;
    mono_ns = 1;
    td_disk_init(&disk, &os, &usual, r->log, r->dir);
    td_disk_tell(&disk, rig_report, r);
    look(&disk, 1000);
    assert_int_equal(reserve_bytes(r), 16 * MB);
    look(&disk, 4);
    assert_int_equal(td_disk_level_now(&disk), TD_DISK_FULL);
    assert_int_equal(reserve_bytes(r), 16 * MB);
    look(&disk, 3);
    assert_int_equal(reserve_bytes(r), 0);
    assert_true(rig_reported(r, "reserve is given up"));
    look(&disk, 19); /* of which it is 16 */
    assert_int_equal(td_disk_level_now(&disk), TD_DISK_FULL);
    assert_int_equal(td_counted(&disk.counts.free_bytes), 3 * MB);
    look(&disk, 32);
    assert_int_equal(reserve_bytes(r), 0);
    look(&disk, 300);
    assert_int_equal(reserve_bytes(r), 16 * MB);
    td_disk_fini(&disk);

    td_disk_init(&disk, &os, &usual, r->log, r->dir); /* the next run finds it, and its end on a full disk uses it */
    look(&disk, 5);
    assert_int_equal(reserve_bytes(r), 16 * MB);
    td_disk_end(&disk);
    assert_int_equal(reserve_bytes(r), 0);
    td_disk_fini(&disk);
}

/* Down to the level's lower edge, and no further than whole segments. */
static void a_short_disk_shrinks_the_log(void **state) {
    rig *r = *state;
    r->conf.segment_bytes = 300000;
    r->conf.retain_bytes = 1 << 30;
    rig_open_log(r);
    while (td_topic_bytes(r->topic, 0) < 8 * MB) rig_append(r, 0, 10, 500);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    td_os os = fake_os();
    td_disk disk;
    mono_ns = 1;
    td_disk_init(&disk, &os, &usual, r->log, r->dir);
    int64_t before = td_topic_bytes(r->topic, 0);
    look(&disk, 200);
    assert_int_equal(td_topic_bytes(r->topic, 0), before);
    look(&disk, 79);
    look(&disk, 95); /* 1 MB less than what 94 percent leave */
    int64_t gone = before - td_topic_bytes(r->topic, 0);
    assert_true(gone >= 7 * MB && td_topic_segments(r->topic, 0) == 1);
    td_disk_fini(&disk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(levels, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(the_reserve, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_short_disk_shrinks_the_log, rig_new, rig_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
