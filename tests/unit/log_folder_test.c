/* tests/unit/log_folder_test.c - goal: a data folder says which form it has, and whose it is; a later form is refused
 * untouched, an older one is taken, and no log takes another one's folder. */
#include "log/folder.h"
#include "log_rig.h"

static void put_format(rig *r, const char *text) {
    rig_run("rm -rf %s && mkdir %s", r->dir, r->dir);
    if (text != NULL) rig_run("printf '%s' > %s/FORMAT", text, r->dir);
}

static void formats(void **state) {
    rig *r = *state;
    static const struct {
        const char *text; /* NULL: no such file, as version 1 left it */
        td_status status;
        const char *trail;
    } rows[] = {
        {NULL, TD_OK, ""},
        {"tapedeck 1\n", TD_OK, ""},
        {"tapedeck 2\n", TD_OK, ""},
        {"tapedeck 3\n", TD_CONFIG, "use the newer tapedeck"},
        {"tapedeck 99999999999999999999\n", TD_CORRUPT, "FORMAT"},
        {"tapedeck 0\n", TD_CORRUPT, "FORMAT"},
        {"tapedeck 2", TD_CORRUPT, "write `tapedeck 2` into it"}, /* torn */
        {"", TD_CORRUPT, "FORMAT"},
        {"another program\n", TD_CORRUPT, "FORMAT"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (int read_only = 0; read_only <= 1; read_only++) {
            put_format(r, rows[i].text);
            r->conf.read_only = read_only == 1;
            td_status status = td_log_segment_open(&r->log, &r->os, &r->conf, rig_report, r);
            if (status != TD_OK) r->log = NULL;
            ASSERT_ROW(status == rows[i].status, "%zu", i);
            ASSERT_ROW(status == TD_OK || strstr(td_trail(), rows[i].trail) != NULL, "%zu: %s", i, td_trail());
            char path[128];
            (void)snprintf(path, sizeof path, "%s/LOCK", r->dir);
            ASSERT_ROW((access(path, F_OK) == 0) == (status == TD_OK && read_only == 0), "%zu", i);
            rig_close_log(r);
        }
    }
}

static void a_writer_brings_the_folder_up_to_its_form(void **state) {
    rig *r = *state;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/FORMAT", r->dir);
    put_format(r, NULL);
    r->conf.read_only = true;
    assert_int_equal(td_log_segment_open(&r->log, &r->os, &r->conf, rig_report, r), TD_OK);
    rig_close_log(r);
    assert_int_not_equal(access(path, F_OK), 0);
    r->conf.read_only = false;
    rig_open_log(r);
    rig_close_log(r);
    td_buf text = {0};
    assert_int_equal(td_os_read_file(&r->os, path, 100, &text), TD_OK);
    assert_true(td_bytes_equal(td_buf_bytes(&text), TD_TEXT("tapedeck 2\n")));
    td_buf_fini(&text);
}

static td_status lock_beside(rig *r, const char *whose) {
    int file;
    td_status status = td_folder_lock_beside(&r->os, r->dir, whose, &file);
    if (status == TD_OK) r->os.ops->close(r->os.self, file);
    return status;
}

static void a_folder_beside_a_log_elsewhere_is_its_alone(void **state) {
    rig *r = *state;
    rig_run("rm -rf %s", r->dir);
    assert_int_equal(td_folder_check_beside(&r->os, r->dir, "cluster two\n"), TD_OK); /* nothing is kept there yet */
    assert_int_not_equal(access(r->dir, F_OK), 0);
    assert_int_equal(lock_beside(r, "cluster one\n"), TD_OK);
    assert_int_equal(lock_beside(r, "cluster one\n"), TD_OK);
    int held;
    assert_int_equal(td_folder_lock_beside(&r->os, r->dir, "cluster one\n", &held), TD_OK);
    assert_int_equal(td_folder_check_beside(&r->os, r->dir, "cluster one\n"), TD_OK); /* whoever writes there */
    r->os.ops->close(r->os.self, held);
    assert_int_equal(td_folder_check_beside(&r->os, r->dir, "cluster two\n"), TD_CONFIG);
    assert_int_equal(lock_beside(r, "cluster two\n"), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "another log, cluster one: name another folder (log.dir)"));
    for (int read_only = 0; read_only <= 1; read_only++) {
        td_log *log;
        r->conf.read_only = read_only == 1;
        assert_int_equal(td_log_segment_open(&log, &r->os, &r->conf, rig_report, r), TD_CONFIG);
        assert_non_null(strstr(td_trail(), "on Kafka"));
    }
    r->conf.read_only = false;
    rig_run("rm -rf %s", r->dir);
    rig_open_log(r);
    rig_close_log(r);
    assert_int_equal(lock_beside(r, "cluster one\n"), TD_CONFIG);
    assert_int_equal(td_folder_check_beside(&r->os, r->dir, "cluster one\n"), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "holds a log of its own"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(formats, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_writer_brings_the_folder_up_to_its_form, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_folder_beside_a_log_elsewhere_is_its_alone, rig_new, rig_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
