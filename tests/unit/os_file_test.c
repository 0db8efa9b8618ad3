/* tests/unit/os_file_test.c - goal: the real machine keeps os.h's words, and whole reads and writes finish short ones.
 */
#include "os/os.h"
#include "os/thread.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const td_os *os = &td_os_posix;
static char folder[64];
static char path_text[128];

static const char *path_of(const char *name) {
    (void)snprintf(path_text, sizeof path_text, "%s/%s", folder, name);
    return path_text;
}

static int make_folder(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "%s", "/tmp/tapedeck-os-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static void remove_each(void *arg, const char *name) {
    (void)arg;
    (void)os->ops->remove(os->self, path_of(name));
}

static int remove_folder(void **state) {
    (void)state;
    (void)os->ops->list(os->self, folder, remove_each, NULL);
    return os->ops->remove(os->self, folder) == TD_OK ? 0 : -1;
}

static void opens_by_mode(void **state) {
    (void)state;
    int file;
    const char *path = path_of("modes");
    assert_int_equal(os->ops->open(os->self, path, TD_OPEN_READ, &file), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "modes: cannot be opened: No such file"));
    assert_int_equal(os->ops->open(os->self, path, TD_OPEN_WRITE, &file), TD_CONFIG);
    assert_false(os->ops->exists(os->self, path));
    assert_int_equal(os->ops->open(os->self, path, TD_OPEN_CREATE, &file), TD_OK);
    struct stat about;
    assert_int_equal(fstat(file, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    os->ops->close(os->self, file);
    assert_true(os->ops->exists(os->self, path));
    assert_int_equal(os->ops->open(os->self, path, TD_OPEN_READ, &file), TD_OK);
    assert_int_equal(td_os_write_full(os, file, "x", 1, 0), TD_RETRY);
    os->ops->close(os->self, file);
    assert_int_equal(os->ops->open(os->self, folder, TD_OPEN_READ, &file), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "is a folder"));
    assert_int_equal(os->ops->remove(os->self, path), TD_OK);
    assert_int_equal(os->ops->remove(os->self, path), TD_OK); /* a missing one is fine */
}

static void reads_what_it_wrote(void **state) {
    (void)state;
    int file;
    char text[16];
    size_t size;
    int64_t length;
    assert_int_equal(os->ops->open(os->self, path_of("data"), TD_OPEN_CREATE, &file), TD_OK);
    assert_int_equal(td_os_write_full(os, file, "hello world", 11, 0), TD_OK);
    assert_int_equal(td_os_write_full(os, file, "W", 1, 6), TD_OK);
    assert_int_equal(os->ops->sync(os->self, file), TD_OK);
    assert_int_equal(td_os_read_full(os, file, text, sizeof text, 6, &size), TD_OK);
    assert_int_equal(size, 5); /* short only at the end */
    assert_memory_equal(text, "World", 5);
    assert_int_equal(os->ops->truncate(os->self, file, 5), TD_OK);
    assert_int_equal(os->ops->size(os->self, file, &length), TD_OK);
    assert_int_equal(length, 5);
    assert_int_equal(td_os_read_full(os, file, text, sizeof text, 5, &size), TD_OK);
    assert_int_equal(size, 0);
    os->ops->close(os->self, file);
}

static void locks_once(void **state) {
    (void)state;
    int first, second;
    assert_int_equal(os->ops->open(os->self, path_of("LOCK"), TD_OPEN_CREATE, &first), TD_OK);
    assert_int_equal(os->ops->open(os->self, path_of("LOCK"), TD_OPEN_CREATE, &second), TD_OK);
    assert_int_equal(os->ops->ask_lock(os->self, second), TD_OK);
    assert_int_equal(os->ops->lock(os->self, first), TD_OK); /* asking took nothing */
    assert_int_equal(os->ops->ask_lock(os->self, second), TD_CONFIG);
    assert_int_equal(os->ops->ask_lock(os->self, first), TD_OK); /* our own is in nobody's way */
    assert_int_equal(os->ops->lock(os->self, second), TD_CONFIG);
    os->ops->close(os->self, first);
    assert_int_equal(os->ops->lock(os->self, second), TD_OK);
    os->ops->close(os->self, second);
}

static void collect(void *names, const char *name) { td_buf_printf(names, "%s,", name); }

static void check_look(const char *path, td_path_kind wanted) {
    td_path_kind kind;
    assert_int_equal(os->ops->look(os->self, path, &kind), TD_OK);
    ASSERT_ROW(kind == wanted, "%s: %d", path, (int)kind);
}

/* What cannot be told is never said to be nothing. */
static void looks_at_what_is_there(void **state) {
    (void)state;
    char file[160], below[200], loop[160];
    td_path_kind kind;
    (void)snprintf(file, sizeof file, "%s/file", folder);
    (void)snprintf(below, sizeof below, "%s/below", file);
    (void)snprintf(loop, sizeof loop, "%s/loop", folder);
    check_look(file, TD_PATH_NONE);
    assert_int_equal(td_os_replace_file(os, file, td_text("x")), TD_OK);
    check_look(file, TD_PATH_FILE);
    check_look(below, TD_PATH_NONE);
    check_look(folder, TD_PATH_FOLDER);
    assert_int_equal(symlink("loop", loop), 0);
    assert_int_equal(os->ops->look(os->self, loop, &kind), TD_CONFIG);
    assert_int_equal(unlink(loop), 0);
    assert_int_equal(unlink(file), 0);
}

static void lists_in_byte_order(void **state) {
    (void)state;
    static const char *const names[] = {"b", "a", "B", "10", "9"};
    char deep[160];
    (void)snprintf(deep, sizeof deep, "%s/list/of", folder);
    assert_int_equal(os->ops->list(os->self, deep, collect, NULL), TD_CONFIG);
    assert_int_equal(os->ops->make_dir(os->self, deep), TD_OK);
    assert_int_equal(os->ops->make_dir(os->self, deep), TD_OK); /* an existing one is fine */
    struct stat about;
    assert_int_equal(stat(deep, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char path[200];
        (void)snprintf(path, sizeof path, "%s/%s", deep, names[i]);
        assert_int_equal(td_os_replace_file(os, path, td_text(names[i])), TD_OK);
    }
    td_buf seen = {0};
    assert_int_equal(os->ops->list(os->self, deep, collect, &seen), TD_OK);
    assert_true(td_bytes_equal(td_buf_bytes(&seen), TD_TEXT("10,9,B,a,b,"))); /* and no temporary file is left */
    td_buf_fini(&seen);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char path[200];
        (void)snprintf(path, sizeof path, "%s/%s", deep, names[i]);
        assert_int_equal(os->ops->remove(os->self, path), TD_OK);
    }
    assert_int_equal(os->ops->remove(os->self, deep), TD_OK);
    assert_int_equal(td_os_replace_file(os, path_of("plain"), TD_TEXT("x")), TD_OK);
    char below[200];
    (void)snprintf(below, sizeof below, "%s/plain/below", folder);
    assert_int_equal(os->ops->make_dir(os->self, below), TD_CONFIG); /* a file is in the way */
    assert_int_equal(symlink("nowhere", path_of("loose")), 0);
    assert_int_not_equal(os->ops->make_dir(os->self, path_of("loose")), TD_OK);
    assert_non_null(strstr(td_trail(), "File exists")); /* what mkdir said, not what was found out behind it */
    assert_int_equal(os->ops->remove(os->self, path_of("loose")), TD_OK);
}

static void replaces_and_reads_whole_files(void **state) {
    (void)state;
    td_buf text = {0};
    const char *path = path_of("whole");
    assert_int_equal(td_os_read_file(os, path, 100, &text), TD_CONFIG);
    assert_int_equal(td_os_replace_file(os, path, TD_TEXT("a long first text")), TD_OK);
    int left;
    assert_int_equal(os->ops->open(os->self, path_of("whole.tmp"), TD_OPEN_CREATE, &left), TD_OK);
    assert_int_equal(td_os_write_full(os, left, "what a crash left behind", 24, 0), TD_OK);
    os->ops->close(os->self, left);
    path = path_of("whole");
    assert_int_equal(td_os_replace_file(os, path, TD_TEXT("second")), TD_OK);
    assert_int_equal(td_os_read_file(os, path, 6, &text), TD_OK);
    assert_true(td_bytes_equal(td_buf_bytes(&text), TD_TEXT("second")));
    assert_int_equal(td_os_read_file(os, path, 5, &text), TD_CONFIG);
    assert_int_equal(text.size, 0);
    assert_int_equal(td_os_replace_file(os, path, (td_bytes){NULL, 0}), TD_OK);
    assert_int_equal(td_os_read_file(os, path, 5, &text), TD_OK);
    assert_int_equal(text.size, 0);
    td_buf_fini(&text);
}

/* A machine that gives three bytes at a time and breaks after `calls_left` of them. */
typedef struct short_machine {
    char bytes[32];
    int calls_left;
} short_machine;

static td_status short_read(void *self, int file, void *out, size_t size, int64_t offset, size_t *out_size) {
    short_machine *m = self;
    (void)file;
    if (m->calls_left-- == 0) return TD_FAIL(TD_RETRY, "broken");
    size_t left = sizeof m->bytes - (size_t)offset, count = size < 3 ? size : 3;
    *out_size = count < left ? count : left;
    memcpy(out, m->bytes + offset, *out_size);
    return TD_OK;
}

static td_status short_write(void *self, int file, const void *data, size_t size, int64_t offset, size_t *out_size) {
    short_machine *m = self;
    (void)file;
    if (m->calls_left-- == 0) return TD_FAIL(TD_RETRY, "broken");
    *out_size = size < 3 ? size : 3;
    memcpy(m->bytes + offset, data, *out_size);
    return TD_OK;
}

static void finishes_short_calls(void **state) {
    (void)state;
    static const td_os_ops ops = {.read_at = short_read, .write_at = short_write};
    short_machine machine = {.calls_left = 100};
    const td_os shorty = {&ops, &machine};
    char text[32] = "";
    size_t size;
    assert_int_equal(td_os_write_full(&shorty, 0, "0123456789", 10, 4), TD_OK);
    assert_int_equal(td_os_read_full(&shorty, 0, text, 10, 4, &size), TD_OK);
    assert_int_equal(size, 10);
    assert_memory_equal(text, "0123456789", 10);
    assert_int_equal(td_os_read_full(&shorty, 0, text, 20, 20, &size), TD_OK);
    assert_int_equal(size, 12);
    for (machine.calls_left = 0; machine.calls_left < 4;) { /* break at each call in turn */
        int before = machine.calls_left;
        assert_int_equal(td_os_write_full(&shorty, 0, "0123456789", 10, 4), TD_RETRY);
        machine.calls_left = before;
        assert_int_equal(td_os_read_full(&shorty, 0, text, 10, 4, &size), TD_RETRY);
        machine.calls_left = before + 1;
    }
}

static void clocks_run(void **state) {
    (void)state;
    int64_t before = os->ops->mono_ns(os->self);
    assert_true(os->ops->mono_ns(os->self) >= before);
    assert_true(os->ops->wall_ns(os->self) > INT64_C(1700000000000000000));
}

static int count_step(void *counter) { return atomic_fetch_add((atomic_int *)counter, 1) < 100; }

static void threads_step_and_stop_at_once(void **state) {
    (void)state;
    atomic_int counter = 0;
    td_thread thread = {0};
    td_thread_stop(&thread); /* never started: fine */
    int64_t before = os->ops->mono_ns(os->self);
    assert_int_equal(td_thread_start(&thread, "a name longer than the system keeps", count_step, &counter, 60000000),
                     TD_OK);
    while (atomic_load(&counter) <= 100) (void)sched_yield();
    td_thread_stop(&thread); /* wakes it from a minute's idling */
    assert_true(os->ops->mono_ns(os->self) - before < INT64_C(30000000000));
    assert_int_equal(atomic_load(&counter), 101); /* busy steps follow each other, an idle one ends the run */
    td_thread_stop(&thread);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_by_mode),
        cmocka_unit_test(reads_what_it_wrote),
        cmocka_unit_test(locks_once),
        cmocka_unit_test(looks_at_what_is_there),
        cmocka_unit_test(lists_in_byte_order),
        cmocka_unit_test(replaces_and_reads_whole_files),
        cmocka_unit_test(finishes_short_calls),
        cmocka_unit_test(clocks_run),
        cmocka_unit_test(threads_step_and_stop_at_once),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
