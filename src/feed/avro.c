/* src/feed/avro.c - records of Avro as lines, block by block. */
#include "feed/avro.h"
#include "base/decimal.h"
#include "base/time.h"
#include "feed/csv.h"
#include "feed/picker.h"
#include "feed/tables.h"
#include "schema/avro_file.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { DETAIL_MAX = 400 };

/* A whole number below it is one of larger units, as td_time_parse has them: 1973. */
static const int64_t LEAST_NS = INT64_C(100000000000000000);

static const char no_value[] = "\"?\""; /* no number, no time and no side: its row is refused and can be read */

typedef struct avro_file {
    const td_os *os;
    const char *path; /* lent */
    int file;         /* -1: not open, as it is between calls: there may be more files of one time than can be open */
    td_avro_file *container;
    td_picker picker;
    td_buf names;   /* of its columns, as a line: those that are picked, then those of folders */
    size_t columns; /* of both */
    td_buf folders; /* what each line has of them, behind a comma */
    td_buf line;
    td_avro_block block;
    td_bytes rest;  /* of the block */
    uint64_t left;  /* of its records */
    uint64_t given; /* of the file's records, those that are known to be lost among them */
    uint64_t lost;  /* of those, in what is damaged */
    bool ended;
    bool damaged;   /* what was read last, of which `detail` says what */
    bool bad_block; /* and the blocks behind it have to be looked for */
    char least[TD_DECIMAL_TEXT_MAX];
    char detail[DETAIL_MAX];
} avro_file;

/* ---- columns ---- */

static bool is_value(const td_avro_node *node) {
    switch (node->type) {
    case TD_AVRO_INT:
    case TD_AVRO_LONG:
    case TD_AVRO_FLOAT:
    case TD_AVRO_DOUBLE:
    case TD_AVRO_STRING:
    case TD_AVRO_ENUM:
        return true;
    case TD_AVRO_BYTES:
        return node->logical != TD_AVRO_BIG_DECIMAL;
    case TD_AVRO_FIXED:
        return node->logical == TD_AVRO_DECIMAL;
    case TD_AVRO_UNION:
        for (size_t i = 0; i < node->count; i++)
            if (is_value(node->nodes[i])) return true;
        return false;
    default:
        return false;
    }
}

static const td_avro_node *member_of(const td_avro_schema *schema, const td_avro_node *node, td_bytes name) {
    const td_avro_node *found = NULL;
    if (node->type == TD_AVRO_UNION)
        for (size_t i = 0; i < node->count && found == NULL; i++) found = member_of(schema, node->nodes[i], name);
    if (node->type != TD_AVRO_RECORD) return found;
    int32_t at = td_avro_member_find(schema, node, name);
    return at >= 0 ? node->fields[at].type : NULL;
}

/* Of a path with dots; NULL: there is no such. */
static const td_avro_node *find_node(const td_avro_schema *schema, const char *path) {
    const td_avro_node *node = td_avro_schema_root(schema);
    for (const char *part = path; node != NULL;) {
        size_t size = strcspn(part, ".");
        node = member_of(schema, node, (td_bytes){(const uint8_t *)part, size});
        if (part[size] == '\0') break;
        part += size + 1;
    }
    return node;
}

static void put_quoted(td_buf *out, td_bytes text) {
    td_buf_text(out, "\"");
    for (size_t from = 0; from < text.size;) {
        td_bytes rest = td_bytes_from(text, from);
        const uint8_t *quote = memchr(rest.data, '"', rest.size);
        size_t size = quote != NULL ? (size_t)(quote - rest.data) + 1 : rest.size;
        td_buf_put(out, rest.data, size);
        if (quote != NULL) td_buf_text(out, "\"");
        from += size;
    }
    td_buf_text(out, "\"");
}

static void put_name(avro_file *f, td_bytes name) {
    if (f->columns++ > 0) td_buf_text(&f->names, ",");
    put_quoted(&f->names, name);
}

static void add_column(avro_file *f, const char *path, const td_avro_node *node) {
    if (node != NULL && is_value(node) && td_picker_add(&f->picker, path) == TD_OK) put_name(f, td_text(path));
}

/* Fields of the record itself, and those within others that the configuration names. */
static void add_columns(avro_file *f, const td_texts *fields) {
    const td_avro_schema *schema = td_avro_file_schema(f->container);
    const td_avro_node *root = td_avro_schema_root(schema);
    for (size_t i = 0; root->type == TD_AVRO_RECORD && i < root->count; i++) {
        if (!td_csv_knows(fields, root->fields[i].name)) continue;
        char *name = td_copy_bytes(root->fields[i].name);
        add_column(f, name, root->fields[i].type);
        free(name);
    }
    for (size_t i = 0; i < fields->count; i++) {
        const char *equals = strchr(fields->items[i], '=');
        if (equals != NULL && strchr(equals, '.') != NULL) add_column(f, equals + 1, find_node(schema, equals + 1));
    }
}

/* ---- folders ---- */

static int hex_of(char c) {
    static const char digits[] = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

static void put_decoded(td_buf *out, td_bytes text) {
    for (size_t i = 0; i < text.size; i++) {
        char c = (char)text.data[i];
        int high = c == '%' && i + 2 < text.size ? hex_of((char)text.data[i + 1]) : -1;
        int low = high >= 0 ? hex_of((char)text.data[i + 2]) : -1;
        if (low >= 0) {
            c = (char)(high * 16 + low);
            i += 2;
        }
        td_buf_put(out, &c, 1);
    }
}

static bool has_column(const avro_file *f, td_bytes name) {
    for (size_t i = 0; i < f->picker.count; i++)
        if (f->picker.paths[i].depth == 1 && td_bytes_equal(f->picker.paths[i].parts[0], name)) return true;
    return false;
}

static void add_folder(avro_file *f, td_bytes name, td_bytes said) {
    td_buf value = {0};
    put_name(f, name);
    td_buf_text(&f->folders, ",");
    put_decoded(&value, said);
    if (!td_bytes_equal(said, TD_TEXT("__HIVE_DEFAULT_PARTITION__"))) put_quoted(&f->folders, td_buf_bytes(&value));
    td_buf_fini(&value);
}

static void add_folders(avro_file *f, const char *path, const td_texts *fields) {
    for (const char *slash; (slash = strchr(path, '/')) != NULL; path = slash + 1) {
        const char *equals = memchr(path, '=', (size_t)(slash - path));
        if (equals == NULL || f->columns == TD_PICKER_MAX) continue;
        td_bytes name = {(const uint8_t *)path, (size_t)(equals - path)};
        td_bytes said = {(const uint8_t *)equals + 1, (size_t)(slash - equals - 1)};
        if (td_csv_knows(fields, name) && !has_column(f, name)) add_folder(f, name, said);
    }
}

/* ---- a file ---- */

static void let_go(avro_file *f) {
    if (f->file >= 0) f->os->ops->close(f->os->self, f->file);
    f->file = -1;
}

/* Another one of the same name would be read from within, and all of it taken for damage. */
static td_status check_same(const avro_file *f) {
    uint8_t was[TD_AVRO_MARKER_BYTES], is[TD_AVRO_MARKER_BYTES];
    size_t size;
    int64_t at = (int64_t)td_avro_file_marker(f->container, was);
    td_status status = td_os_read_full(f->os, f->file, is, sizeof is, at, &size);
    if (status != TD_OK || (size == sizeof is && memcmp(was, is, size) == 0)) return status;
    return TD_FAIL(TD_CONFIG, "%s is another file than the one whose reading began", f->path);
}

static td_status open_again(avro_file *f) {
    td_status status = f->os->ops->open(f->os->self, f->path, TD_OPEN_READ, &f->file);
    if (status != TD_OK) f->file = -1;
    if (status == TD_OK && f->container != NULL) status = check_same(f);
    if (status != TD_OK) let_go(f);
    return status;
}

static td_status read_bytes(void *arg, uint64_t at, void *out, size_t size, size_t *out_size) {
    avro_file *f = arg;
    if (at > INT64_MAX - size) return TD_OK; /* nothing is there */
    td_status status = f->file < 0 ? open_again(f) : TD_OK;
    return status == TD_OK ? td_os_read_full(f->os, f->file, out, size, (int64_t)at, out_size) : status;
}

static void avro_close(void *file) {
    avro_file *f = file;
    if (f == NULL) return;
    td_avro_file_close(f->container);
    td_picker_fini(&f->picker);
    td_buf_fini(&f->names);
    td_buf_fini(&f->folders);
    td_buf_fini(&f->line);
    free(f);
}

static td_status avro_open(void **out, void *reader, const char *path, const td_texts *fields, td_bytes *out_names) {
    avro_file *f = td_alloc_zero(1, sizeof *f);
    *f = (avro_file){.os = reader, .path = path, .file = -1};
    td_status status = td_avro_file_open(&f->container, read_bytes, f);
    let_go(f);
    if (status == TD_CONFIG) status = TD_REJECT; /* it alone is not to be had */
    if (status != TD_OK) {
        avro_close(f);
        return status;
    }
    add_columns(f, fields);
    add_folders(f, path, fields);
    *out_names = td_buf_bytes(&f->names);
    *out = f;
    return TD_OK;
}

/* ---- records ---- */

static td_status fail_block(const avro_file *f, const char *wrong) {
    return TD_FAIL(TD_REJECT, "the block at byte %" PRIu64 " %s", f->block.at, wrong);
}

/* What is damaged is told once, whatever it is. */
static td_status note_damage(avro_file *f, td_status status) {
    if (status != TD_REJECT) return status;
    (void)snprintf(f->detail, sizeof f->detail, "%s", td_trail());
    f->damaged = true;
    f->lost += f->left;
    f->rest = (td_bytes){0};
    f->left = 0;
    return TD_OK;
}

/* Its records, or the end. */
static td_status load_block(avro_file *f) {
    td_status status = td_avro_file_next(f->container, &f->block);
    f->bad_block = status == TD_REJECT;
    if (f->bad_block) f->lost += f->block.count;
    if (status != TD_OK) return status;
    f->ended = f->block.count == 0;
    f->rest = f->block.bytes;
    f->left = f->block.count;
    return TD_OK;
}

/* Behind damage: the first block that is good again, or the end. Errors: of the machine; begun again it goes on. */
static td_status recover(avro_file *f) {
    td_status status = TD_OK;
    bool there = true;
    do {
        if (f->bad_block) status = td_avro_file_skip(f->container, &there);
        if (status != TD_OK) return status;
        f->ended = !there;
        if (there) status = load_block(f);
    } while (status == TD_REJECT);
    if (status == TD_OK) f->damaged = false;
    return status;
}

/* The next record, in `picked`, unless the file has ended there or is damaged. Errors: of the machine. */
static td_status next_record(avro_file *f, td_picker *picker, td_picked *picked, bool *out_there) {
    *out_there = false;
    if (f->left == 0) {
        if (f->rest.size > 0) return note_damage(f, fail_block(f, "goes on behind its last record"));
        td_status status = load_block(f);
        if (status != TD_OK || f->ended) return note_damage(f, status);
    }
    *out_there = td_picker_take_avro(picker, td_avro_file_schema(f->container), &f->rest, picked);
    if (*out_there) f->left--;
    if (*out_there) return TD_OK;
    return note_damage(f, fail_block(f, "is not as its schema says, or has a record of over a million values"));
}

/* A text that says no number is an instant, or of no row: that one is refused and has no time. */
static td_picked_kind kind_of_text(td_bytes text, int64_t *out, bool *inexact) {
    if (td_decimal_parse(text, 0, out, inexact) == TD_OK) return TD_PICKED_NUMBER;
    return td_time_parse(text, out) == TD_OK && *out > 0 ? TD_PICKED_INSTANT : TD_PICKED_NONE;
}

static bool take_least(const td_picked *value, td_picked_kind *kind, int64_t *least) {
    int64_t number = value->ns;
    bool inexact = false;
    td_picked_kind is = value->kind;
    if (is == TD_PICKED_TEXT) is = kind_of_text(value->text, &number, &inexact);
    if (is == TD_PICKED_NONE) return true;
    if (is != TD_PICKED_NUMBER && is != TD_PICKED_INSTANT) return false;
    if (value->kind == TD_PICKED_NUMBER && td_decimal_parse(value->text, 0, &number, &inexact) != TD_OK) return false;
    if (inexact || (*kind != TD_PICKED_NONE && *kind != is)) return false;
    *kind = is;
    if (number < *least) *least = number;
    return true;
}

static void rewind_file(avro_file *f) {
    td_avro_file_rewind(f->container);
    f->rest = (td_bytes){0};
    f->left = 0;
    f->lost = 0;
    f->ended = f->damaged = f->bad_block = false;
}

/* A reading of its own, since no such file says it. */
static td_status avro_least(void *file, size_t column, td_bytes *out) {
    avro_file *f = file;
    if (column >= f->picker.count) return TD_AGAIN;
    td_picker one = {.paths = {f->picker.paths[column]}, .count = 1}; /* its path is lent */
    td_picked value[TD_PICKER_MAX];
    td_picked_kind kind = TD_PICKED_NONE;
    int64_t least = INT64_MAX;
    bool good = true, there;
    td_status status = TD_OK;
    while (good && !f->ended && status == TD_OK) {
        status = next_record(f, &one, value, &there);
        if (there) good = take_least(value, &kind, &least);
        if (f->damaged && status == TD_OK) status = recover(f);
    }
    td_buf_fini(&one.texts);
    let_go(f);
    rewind_file(f);
    *out = (td_bytes){(const uint8_t *)f->least, td_decimal_format(least, 0, false, f->least)};
    if (status != TD_OK) return status;
    bool said = kind == TD_PICKED_NUMBER || (kind == TD_PICKED_INSTANT && least >= LEAST_NS);
    return good && said ? TD_OK : TD_AGAIN;
}

/* ---- lines ---- */

static void put_cell(td_buf *out, const td_picked *value) {
    switch (value->kind) {
    case TD_PICKED_NONE:
        break;
    case TD_PICKED_TEXT:
        put_quoted(out, value->text);
        break;
    case TD_PICKED_NUMBER:
        td_buf_put(out, value->text.data, value->text.size);
        break;
    case TD_PICKED_INSTANT:
        td_buf_printf(out, "%" PRId64, value->ns);
        break;
    case TD_PICKED_OTHER:
        if (!value->nan) td_buf_text(out, no_value);
        break;
    }
}

/* A line without any text would be blank, and nothing is told of it. */
static void put_line(avro_file *f, const td_picked *picked) {
    f->line.size = 0;
    for (size_t i = 0; i < f->picker.count; i++) {
        if (i > 0) td_buf_text(&f->line, ",");
        put_cell(&f->line, &picked[i]);
    }
    size_t from = f->picker.count == 0 && f->folders.size > 0 ? 1 : 0;
    td_bytes folders = td_bytes_from(td_buf_bytes(&f->folders), from);
    if (folders.size > 0) td_buf_put(&f->line, folders.data, folders.size);
    if (f->line.size == 0) td_buf_text(&f->line, "\"\"");
}

static void give_line(avro_file *f, td_line *out) {
    bool fits = f->line.size <= TD_ARCHIVE_LINE_MAX;
    *out = (td_line){.kind = fits ? TD_LINE_TEXT : TD_LINE_TOO_LONG,
                     .number = ++f->given,
                     .bytes = td_bytes_upto(td_buf_bytes(&f->line), TD_ARCHIVE_LINE_MAX),
                     .detail = fits ? NULL : "a record above 1 MB"};
}

/* Where it goes on is known by then. Of blocks without their end nobody knows how many records they had. */
static void give_damage(avro_file *f, td_line *out) {
    size_t size = strlen(f->detail);
    if (f->lost > 0)
        (void)snprintf(f->detail + size, sizeof f->detail - size, "; %" PRIu64 " records at least", f->lost);
    size = strlen(f->detail);
    if (f->ended)
        (void)snprintf(f->detail + size, sizeof f->detail - size, "; nothing behind it can be read");
    else
        (void)snprintf(f->detail + size, sizeof f->detail - size, "; read again from byte %" PRIu64 " on", f->block.at);
    *out = (td_line){.kind = TD_LINE_BROKEN, .number = f->given + 1, .detail = f->detail};
    f->given += f->lost > 0 ? f->lost : 1;
    f->lost = 0;
}

static td_status give_next(avro_file *f, td_line *out) {
    td_picked picked[TD_PICKER_MAX];
    bool there = false;
    td_status status = f->ended || f->damaged ? TD_OK : next_record(f, &f->picker, picked, &there);
    if (status == TD_OK && f->damaged) {
        status = recover(f);
        if (status == TD_OK) give_damage(f, out);
        return status;
    }
    if (status != TD_OK) return status;
    *out = (td_line){.kind = TD_LINE_END, .number = f->given + 1};
    if (!there) return TD_OK;
    put_line(f, picked);
    give_line(f, out);
    return TD_OK;
}

static td_status avro_next(void *file, td_line *out) {
    td_status status = give_next(file, out);
    let_go(file);
    return status;
}

/* ---- all files of a feed ---- */

static td_status avro_find(const td_os *os, const char *path, td_paths *out) {
    return td_tables_find(os, path, ".avro", out);
}

static td_status avro_start(void **out_reader, const td_os *os) {
    *out_reader = (void *)(uintptr_t)os;
    return TD_OK;
}

static void avro_stop(void *reader) { (void)reader; }

const td_recording_files td_avro_files = {.find = avro_find,
                                          .start = avro_start,
                                          .stop = avro_stop,
                                          .open = avro_open,
                                          .least = avro_least,
                                          .next = avro_next,
                                          .close = avro_close};
