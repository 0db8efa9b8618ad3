/* tests/unit/feed_archive_test.c - goal: every whole line of a packed file comes out once, with its number, and what is
 * cut or damaged is told behind them. */
#include "feed/archive.h"
#include "feed_unit.h"

static bool plain; /* text that is not packed is read, too */

/* All lines as "number text", with what is not a line in brackets. */
static char *read_lines(const td_os *os, const char *path) {
    td_archive *archive;
    td_buf out = {0};
    td_status status;
    while ((status = td_archive_open(&archive, os, path, plain)) == TD_RETRY) continue;
    if (status != TD_OK) {
        td_buf_printf(&out, "%s", td_status_name(status));
        td_buf_put(&out, "", 1);
        return (char *)out.data;
    }
    td_buf_printf(&out, "%s;", td_archive_name(archive));
    for (td_line line = {0}; line.kind != TD_LINE_END;) {
        while ((status = td_archive_next(archive, &line)) == TD_RETRY) continue;
        assert_int_equal(status, TD_OK);
        if (line.kind == TD_LINE_END) break;
        td_buf_printf(&out, "%" PRIu64 " ", line.number);
        if (line.kind != TD_LINE_TEXT) {
            assert_non_null(line.detail);
            td_buf_printf(&out, line.kind == TD_LINE_TOO_LONG ? "[long]" : "[broken %.*s]", (int)line.bytes.size,
                          (const char *)line.bytes.data);
        } else {
            td_buf_printf(&out, "%.*s", (int)line.bytes.size, (const char *)line.bytes.data);
        }
        td_buf_text(&out, ";");
    }
    td_archive_close(archive);
    td_buf_put(&out, "", 1);
    return (char *)out.data;
}

static void check_lines(const char *name, const char *expected) {
    char *once = read_lines(&td_os_posix, unit_path(name));
    assert_string_equal(once, expected);
    unit_os flaky;
    char *again = read_lines(unit_os_init(&flaky, 2), unit_path(name));
    assert_string_equal(again, expected); /* reads that are short, or fail and come again, change nothing */
    assert_int_equal(flaky.open_count, 0);
    free(once);
    free(again);
    unit_empty_folder();
}

static void lines_in_gzip_and_plain(void **state) {
    (void)state;
    static const struct {
        const char *text, *lines;
    } steps[] = {
        {"", ";"},
        {"a\nb\n", ";1 a;2 b;"},
        {"a\nb", ";1 a;2 b;"},
        {"a\r\nb\r\n", ";1 a;2 b;"},
        {"a\n\nb\n\n", ";1 a;2 ;3 b;4 ;"},
    };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        unit_write_gz("x.gz", td_text(steps[i].text));
        check_lines("x.gz", steps[i].lines);
        plain = true;
        unit_write("x", steps[i].text, strlen(steps[i].text));
        check_lines("x", i == 0 ? "reject" : steps[i].lines);
        plain = false;
    }
}

static void gzip_members_are_one_text(void **state) {
    (void)state;
    unit_write_gz("x.gz", TD_TEXT("a\nb"));
    unit_write_gz("x.gz", TD_TEXT("c\nd\n"));
    check_lines("x.gz", ";1 a;2 bc;3 d;");
}

/* Stored, not packed, so that each cut is at a known byte of the text: 10 bytes of gzip header, 5 of the block. */
static void cut_anywhere_gives_the_whole_lines_before(void **state) {
    (void)state;
    uint8_t packed[64];
    const char text[] = "one\ntwo\nthree\n";
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 0, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)text;
    z.avail_in = sizeof text - 1;
    z.next_out = packed;
    z.avail_out = sizeof packed;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t size = z.total_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
    for (size_t cut = 10; cut < size; cut++) {
        size_t got = cut <= 15 ? 0 : cut - 15 > sizeof text - 1 ? sizeof text - 1 : cut - 15;
        char expected[64] = ";";
        int number = 1;
        const char *line = text;
        for (const char *end; (end = memchr(line, '\n', got - (size_t)(line - text))) != NULL; line = end + 1) {
            size_t at = strlen(expected);
            (void)snprintf(expected + at, sizeof expected - at, "%d %.*s;", number++, (int)(end - line), line);
        }
        size_t at = strlen(expected);
        (void)snprintf(expected + at, sizeof expected - at, "%d [broken %.*s];", number,
                       (int)(got - (size_t)(line - text)), line);
        unit_write("x.gz", packed, cut);
        check_lines("x.gz", expected);
    }
}

static void damage_is_told(void **state) {
    (void)state;
    unit_write_gz("x.gz", TD_TEXT("a\nb\n"));
    FILE *file = fopen(unit_path("x.gz"), "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -8, SEEK_END), 0); /* the checksum */
    assert_int_equal(fwrite("\0\0\0\0", 1, 4, file), 4);
    assert_int_equal(fclose(file), 0);
    check_lines("x.gz", ";1 a;2 b;3 [broken ];");

    unit_write_gz("x.gz", TD_TEXT("a\n"));
    file = fopen(unit_path("x.gz"), "ab");
    assert_non_null(file);
    assert_int_equal(fwrite("more", 1, 4, file), 4);
    assert_int_equal(fclose(file), 0);
    check_lines("x.gz", ";1 a;2 [broken ];");
}

static void zip_lines(void **state) {
    (void)state;
    static const int methods[] = {ZIP_CM_DEFLATE, ZIP_CM_STORE};
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        unit_write_zip("x.zip", "in/a.csv", TD_TEXT("a\nb"), methods[i]);
        check_lines("x.zip", "a.csv;1 a;2 b;");
        unit_write_zip("x.zip", "in/", (td_bytes){0}, 0);
        unit_write_zip("x.zip", "in/a.csv", TD_TEXT("a\nb"), methods[i]);
        check_lines("x.zip", "a.csv;1 a;2 b;");
        unit_write_zip("x.zip", "a.csv", TD_TEXT("a\n"), methods[i]);
        unit_write_zip("x.zip", "b.csv", TD_TEXT("b\n"), methods[i]);
        check_lines("x.zip", "a.csv;1 a;2 [broken ];");
    }
    unit_write_zip("x.zip", "a.csv", TD_TEXT("one\ntwo\nthree\n"), ZIP_CM_STORE);
    unit_cut("x.zip", 30 + 5 + 6); /* header, name, "one\ntw" */
    check_lines("x.zip", "a.csv;1 one;2 [broken tw];");
    unit_write_zip("x.zip", "a.csv", TD_TEXT("one\n"), ZIP_CM_STORE);
    unit_cut("x.zip", 30 + 5 + 4); /* nothing is missing but the directory, and who knows what else */
    check_lines("x.zip", "a.csv;1 one;2 [broken ];");
}

/* As a zip is written to a pipe: sizes and checksum behind the data, with and without signature, small and large. */
static void zip_with_descriptor(void **state) {
    (void)state;
    static const uint8_t header[30] = {'P', 'K', 3, 4, 20, 0, 8, 0, 8, 0, [26] = 1}, directory[] = {'P', 'K', 1, 2};
    static const uint8_t packed[] = {0x4b, 0xe4, 0x02, 0x00}; /* "a\n" by deflate */
    static const uint8_t crc[] = {0x07, 0xa1, 0xea, 0xdd}, zeros[16] = {0};
    for (int form = 0; form < 8; form++) {
        bool sign = form & 1, large = form & 2, wrong = form & 4;
        td_buf zip = {0};
        td_buf_put(&zip, header, sizeof header);
        td_buf_put(&zip, "n", 1);
        td_buf_put(&zip, packed, sizeof packed);
        if (sign) td_buf_put(&zip, "PK\7\10", 4);
        td_buf_put(&zip, wrong ? zeros : crc, 4);
        td_buf_put(&zip, zeros, large ? 16 : 8);
        td_buf_put(&zip, directory, sizeof directory);
        unit_write("x.zip", zip.data, zip.size);
        check_lines("x.zip", wrong ? "n;1 a;2 [broken ];" : "n;1 a;");
        td_buf_fini(&zip);
    }
}

static void what_is_no_archive_is_refused(void **state) {
    (void)state;
    static const uint8_t encrypted[31] = {'P', 'K', 3, 4, 20, 0, 1, 0, 8, 0, [18] = 5, [26] = 1, [30] = 'n'};
    static const uint8_t bzip2[31] = {'P', 'K', 3, 4, 20, 0, 0, 0, 12, 0, [18] = 5, [26] = 1, [30] = 'n'};
    check_lines("missing", "config");
    unit_write("x", "", 0);
    check_lines("x", "reject");
    unit_write("x", "date,price\n", 11);
    check_lines("x", "reject");
    unit_write("x", encrypted, sizeof encrypted);
    check_lines("x", "reject");
    unit_write("x", bzip2, sizeof bzip2);
    check_lines("x", "reject");
    unit_write("x", encrypted, 20);
    check_lines("x", "reject");
}

static void long_lines_are_skipped(void **state) {
    (void)state;
    static const size_t sizes[] = {TD_ARCHIVE_LINE_MAX - 2, TD_ARCHIVE_LINE_MAX + 1, TD_ARCHIVE_LINE_MAX * 3 / 2,
                                   TD_ARCHIVE_LINE_MAX * 5};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        td_buf text = {0};
        td_buf_text(&text, "a\n");
        td_buf_reserve(&text, sizes[i]);
        memset(text.data + text.size, 'x', sizes[i]);
        text.size += sizes[i];
        td_buf_text(&text, "\nb\n");
        unit_write_gz("x.gz", td_buf_bytes(&text));
        td_buf_fini(&text);
        char *lines = read_lines(&td_os_posix, unit_path("x.gz"));
        if (sizes[i] < TD_ARCHIVE_LINE_MAX)
            assert_int_equal(strlen(lines), sizes[i] + strlen(";1 a;2 ;3 b;"));
        else
            assert_string_equal(lines, ";1 a;2 [long];3 b;");
        free(lines);
        unit_empty_folder();
    }
}

static void long_last_lines(void **state) {
    (void)state;
    td_buf text = {0};
    td_buf_text(&text, "a\n");
    td_buf_reserve(&text, TD_ARCHIVE_LINE_MAX * 3);
    memset(text.data + text.size, 'x', TD_ARCHIVE_LINE_MAX * 3);
    text.size += TD_ARCHIVE_LINE_MAX * 3;
    unit_write_gz("x.gz", td_buf_bytes(&text));
    check_lines("x.gz", ";1 a;2 [long];");
    unit_write_gz("x.gz", td_buf_bytes(&text));
    unit_cut("x.gz", -8);
    check_lines("x.gz", ";1 a;2 [long];3 [broken ];");
    td_buf_fini(&text);
}

/* Lines of any length, over many reads and buffers, as they were written. */
static void many_lines(void **state) {
    (void)state;
    td_buf text = {0}, expected = {0};
    uint64_t seed = 3;
    for (int number = 1; text.size < 300000; number++) {
        uint64_t r = unit_random(&seed);
        size_t size = r % 20000 == 0 ? r >> 8 & 0xffff : r >> 8 & 7, from = text.size;
        td_buf_reserve(&text, size + 1);
        for (size_t i = 0; i < size; i++) text.data[text.size++] = (uint8_t)('a' + (r >> i % 48) % 26);
        td_buf_printf(&expected, "%d %.*s;", number, (int)size, (const char *)text.data + from);
        td_buf_text(&text, "\n");
    }
    td_buf_put(&expected, "", 1);
    enum { GZIP = -1, PLAIN = -2 };
    static const int methods[] = {ZIP_CM_DEFLATE, ZIP_CM_STORE, GZIP, PLAIN};
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        plain = methods[i] == PLAIN;
        if (plain)
            unit_write("x", text.data, text.size);
        else if (methods[i] == GZIP)
            unit_write_gz("x", td_buf_bytes(&text));
        else
            unit_write_zip("x", "n", td_buf_bytes(&text), methods[i]);
        unit_os flaky;
        char *lines = read_lines(unit_os_init(&flaky, 4), unit_path("x"));
        assert_true(strcmp(lines + (methods[i] < 0 ? 1 : 2), (char *)expected.data) == 0);
        free(lines);
        unit_empty_folder();
    }
    plain = false;
    td_buf_fini(&text);
    td_buf_fini(&expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_in_gzip_and_plain),
        cmocka_unit_test(gzip_members_are_one_text),
        cmocka_unit_test(cut_anywhere_gives_the_whole_lines_before),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(zip_lines),
        cmocka_unit_test(zip_with_descriptor),
        cmocka_unit_test(what_is_no_archive_is_refused),
        cmocka_unit_test(long_lines_are_skipped),
        cmocka_unit_test(long_last_lines),
        cmocka_unit_test(many_lines),
    };
    return cmocka_run_group_tests_name("feed_archive", tests, unit_make_folder, unit_remove_folder);
}
