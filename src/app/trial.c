/* src/app/trial.c - a run like any other, in a folder for the time being: tables to the tape, the tape through the
 * strategy; then the signals of its log beside those expected. */
#include "app/trial.h"
#include "app/config.h"
#include "app/data.h"
#include "app/engine.h"
#include "app/exit.h"
#include "app/refused.h"
#include "app/scratch.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/lines.h"
#include "feed/glob.h"
#include "serve/rows.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, EXPECTED_BYTES_MAX = 64 << 20, SHOWN_MAX = 20, IDLE_US = 500 };

typedef struct trial { /* of one file */
    const td_trial_conf *conf;
    const char *file;
    char dir[PATH_BYTES];      /* of its tables */
    char expected[PATH_BYTES]; /* the table of signals there */
    char scratch[TD_SCRATCH_MAX];
    bool instruments; /* the folder has a table of them */
    td_paths tables;  /* of events, as the run reads them */
    td_buf came, wanted, differences;
    int64_t signals, different, outside; /* the last: of the accepted trades, those beyond their venue's hours */
    td_refused refused;
} trial;

/* ---- the folder ---- */

/* Links to the tables of events. */
static td_status link_tables(trial *t) {
    char pattern[PATH_BYTES + 8], whole[PATH_BYTES], link_path[PATH_BYTES];
    td_paths tables;
    size_t count = 0;
    (void)snprintf(pattern, sizeof pattern, "%s/*.csv", t->dir);
    td_status status = td_glob(&td_os_posix, pattern, &tables);
    for (size_t i = 0; i < tables.count && status == TD_OK; i++) {
        const char *name = td_path_base(tables.items[i]);
        bool instruments = strcmp(name, "instruments.csv") == 0;
        t->instruments |= instruments;
        if (instruments || strcmp(name, "signals.csv") == 0) continue;
        int size = snprintf(link_path, sizeof link_path, "%s/%s", t->scratch, name);
        bool made = size > 0 && (size_t)size < sizeof link_path && strlen(tables.items[i]) < sizeof whole;
        char *real = made ? realpath(tables.items[i], NULL) : NULL;
        if (real == NULL || symlink(real, link_path) != 0)
            status = TD_FAIL(TD_CONFIG, "%s: %s", tables.items[i], strerror(errno));
        free(real);
        count++;
    }
    td_paths_fini(&tables);
    if (status == TD_OK && count == 0)
        status = TD_FAIL(TD_CONFIG,
                         "%s has no table beside signals.csv; put trades.csv, quotes.csv or bars.csv there, or "
                         "name another folder by --data",
                         t->dir);
    return status;
}

static td_status write_file(const char *path, td_bytes text) {
    FILE *file = fopen(path, "w");
    bool written = file != NULL && fwrite(text.data, 1, text.size, file) == text.size;
    if (file != NULL) written = fclose(file) == 0 && written;
    return written ? TD_OK : TD_FAIL(TD_CONFIG, "%s: %s", path, strerror(errno));
}

static td_status write_config(const trial *t, char path[PATH_BYTES]) {
    td_buf text = {0};
    char inputs[PATH_BYTES], log_dir[PATH_BYTES], instruments[PATH_BYTES + 20];
    (void)snprintf(path, PATH_BYTES, "%s/test.yaml", t->scratch);
    (void)snprintf(inputs, sizeof inputs, "%s/*.csv", t->scratch);
    (void)snprintf(log_dir, sizeof log_dir, "%s/log", t->scratch);
    td_buf_text(&text, "feeds:\n  - file: { name: test, format: csv, rules: off, trade_ids: off, path: ");
    td_json_put_string(&text, td_text(inputs));
    td_buf_text(&text, " }\nstrategies: [");
    td_json_put_string(&text, td_text(t->file));
    td_buf_text(&text, "]\n");
    (void)snprintf(instruments, sizeof instruments, "%s/instruments.csv", t->dir);
    if (t->instruments) td_buf_text(&text, "instruments: ");
    if (t->instruments) td_json_put_string(&text, td_text(instruments));
    td_buf_text(&text, "\nbars: [1m]\nlog: { partitions: 1, disk_reserve: 0, sync_interval: 1ms, dir: ");
    td_json_put_string(&text, td_text(log_dir));
    td_buf_text(&text, " }\n");
    td_status status = write_file(path, td_buf_bytes(&text));
    td_buf_fini(&text);
    return status;
}

/* ---- the run ---- */

static void ignore_line(void *arg, const char *line) { (void)arg, (void)line; }

static void tell_fault(void *arg, const char *line) { (void)arg, (void)fprintf(stderr, "tapedeck test: %s\n", line); }

static td_status run_to_end(const td_config *config, int64_t *outside) {
    td_engine *engine;
    td_engine_counts counts;
    td_status status = td_engine_open(&engine, &td_os_posix, config, NULL, ignore_line, NULL);
    if (status != TD_OK) return status;
    while (!td_engine_finished(engine) && td_engine_faults(engine, ignore_line, NULL) == TD_OK) {
        int done = 0;
        for (size_t i = 0; i < td_engine_step_count(engine); i++) done += td_engine_step(engine, i);
        if (done == 0) (void)usleep(IDLE_US);
    }
    status = td_engine_faults(engine, tell_fault, NULL);
    td_engine_count(engine, &counts);
    *outside = counts.outside;
    td_engine_close(engine, true);
    return status;
}

static td_status read_signals(trial *t, const td_topics *topics) {
    td_reader *reader;
    td_record record;
    td_row_put_signal_told(&t->came, TD_ROW_CSV_HEADER, (td_bytes){0}, &(td_signal){0});
    td_status status = td_reader_open(&reader, topics->outputs[TD_OUTPUT_SIGNALS], 0, 0, TD_READ_APPENDED);
    while (status == TD_OK && (status = td_reader_next(reader, &record)) == TD_OK) {
        td_signal signal;
        td_bytes instrument;
        status = td_record_get_signal(topics->ids, record.value, &signal, &instrument);
        if (status != TD_OK) break;
        td_row_put_signal_told(&t->came, TD_ROW_CSV, instrument, &signal);
        t->signals++;
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

/* What the tables have that did not count: a signal may be missing for it. */
static td_status read_refused(trial *t, const td_topics *topics) {
    td_refused_question q = {.topics = topics, .dir = t->dir, .files = &t->tables, .shown_most = SHOWN_MAX};
    td_status status = td_refused_read(&q, &t->refused);
    (void)fwrite(t->refused.lines.data, 1, t->refused.lines.size, stderr);
    return status;
}

static td_status play(trial *t) {
    char path[PATH_BYTES], log_dir[PATH_BYTES];
    td_config config;
    td_data data = {0};
    td_status status = link_tables(t);
    (void)snprintf(path, sizeof path, "%s/*.csv", t->scratch);
    if (status == TD_OK) status = td_glob(&td_os_posix, path, &t->tables);
    if (status == TD_OK) status = write_config(t, path);
    if (status == TD_OK) status = td_config_load(&config, &td_os_posix, path, NULL, 0);
    if (status != TD_OK) return status;
    status = run_to_end(&config, &t->outside);
    td_config_fini(&config);
    (void)snprintf(log_dir, sizeof log_dir, "%s/log", t->scratch);
    if (status == TD_OK) status = td_data_open(&data, &(td_data_conf){.data = log_dir});
    if (status == TD_OK) status = read_signals(t, &data.topics);
    if (status == TD_OK) status = read_refused(t, &data.topics);
    td_data_close(&data);
    return status;
}

/* ---- what came beside what was expected ---- */

typedef struct found_line { /* of those that came */
    uint64_t hash;
    size_t at; /* its place in the text */
} found_line;

static int by_hash_and_place(const void *a, const void *b) {
    const found_line *x = a, *y = b;
    if (x->hash != y->hash) return x->hash > y->hash ? 1 : -1;
    return (x->at > y->at) - (x->at < y->at);
}

/* All lines of the text in the order of their hashes; to be freed. */
static found_line *index_lines(td_bytes text, size_t *out_count) {
    td_buf lines = {0};
    td_bytes rest = text, line;
    while (td_text_line(&rest, &line)) {
        found_line found = {td_hash_bytes(line), (size_t)(line.data - text.data)};
        td_buf_put(&lines, &found, sizeof found);
    }
    *out_count = lines.size / sizeof(found_line);
    if (*out_count > 0) qsort(lines.data, *out_count, sizeof(found_line), by_hash_and_place);
    return (found_line *)(void *)lines.data;
}

/* Does the line stand in the text at `from` or behind it? */
static bool stands_behind(const found_line *lines, size_t count, td_bytes line, size_t from) {
    const found_line sought = {td_hash_bytes(line), from};
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_hash_and_place(&lines[middle], &sought) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && lines[low].hash == sought.hash;
}

static void put_difference(trial *t, char sign, td_bytes line) {
    if (t->different++ < SHOWN_MAX)
        td_buf_printf(&t->differences, "  %c %.*s\n", sign, (int)line.size, (const char *)line.data);
}

/* Line by line; what stands in one alone is told where it stands. */
static void compare(trial *t) {
    td_bytes came = td_buf_bytes(&t->came), wanted = td_buf_bytes(&t->wanted), line, other;
    const uint8_t *begin = came.data;
    size_t count;
    found_line *lines = index_lines(came, &count);
    while (td_text_line(&wanted, &line)) {
        td_bytes here = came;
        if (!stands_behind(lines, count, line, (size_t)(came.data - begin))) {
            put_difference(t, '-', line);
            continue;
        }
        while (td_text_line(&here, &other) && !td_bytes_equal(other, line)) put_difference(t, '+', other);
        came = here;
    }
    while (td_text_line(&came, &other)) put_difference(t, '+', other);
    free(lines);
}

/* ---- one file ---- */

/* The tables of a/b.td are in a/b, where no other folder is named. */
static td_status find_tables(trial *t) {
    size_t size = strlen(t->file);
    if (!td_os_posix.ops->exists(td_os_posix.self, t->file)) return TD_FAIL(TD_CONFIG, "there is no such file");
    if (td_text_ends(t->file, ".td")) size -= strlen(".td");
    if (t->conf->data != NULL)
        (void)snprintf(t->dir, sizeof t->dir, "%s", t->conf->data);
    else
        (void)snprintf(t->dir, sizeof t->dir, "%.*s", (int)size, t->file);
    int length = snprintf(t->expected, sizeof t->expected, "%s/signals.csv", t->dir);
    if (length < 0 || (size_t)length >= sizeof t->expected)
        return TD_FAIL(TD_CONFIG, "the path of %s is too long", t->dir);
    return td_scratch_make("tapedeck-test", t->scratch);
}

static td_status judge(trial *t) {
    if (t->conf->update) return write_file(t->expected, td_buf_bytes(&t->came));
    td_status status = td_os_read_file(&td_os_posix, t->expected, EXPECTED_BYTES_MAX, &t->wanted);
    if (status != TD_OK) return td_trace(status, "reading what is expected; --update writes what comes");
    compare(t);
    return TD_OK;
}

static void tell_json(const trial *t, bool good) {
    td_buf out = {0};
    td_buf_text(&out, "{\"file\":");
    td_json_put_string(&out, td_text(t->file));
    td_buf_printf(&out,
                  ",\"ok\":%s,\"signals\":%" PRId64 ",\"different\":%" PRId64 ",\"rejected\":%" PRId64
                  ",\"quarantined\":%" PRId64 ",\"outside\":%" PRId64 ",\"refused\":[",
                  good ? "true" : "false", t->signals, t->different, t->refused.rejected, t->refused.quarantined,
                  t->outside);
    td_buf_put(&out, t->refused.json.data, t->refused.json.size);
    td_buf_text(&out, "],\"differences\":");
    td_json_put_string(&out, td_buf_bytes(&t->differences));
    (void)printf("%.*s}\n", (int)out.size, (const char *)out.data);
    td_buf_fini(&out);
}

static bool is_good(const trial *t) { return t->different == 0 && t->refused.rejected == 0; }

static void tell(const trial *t) {
    bool good = is_good(t);
    if (t->conf->json) {
        tell_json(t, good);
        return;
    }
    (void)printf("%-6s %s: %" PRId64 " signals",
                 !good             ? "FAILED"
                 : t->conf->update ? "wrote"
                                   : "ok",
                 t->file, t->signals);
    if (t->refused.rejected > 0) (void)printf(", %" PRId64 " lines of the tables are no events", t->refused.rejected);
    if (t->refused.quarantined > 0) (void)printf(", %" PRId64 " events are in quarantine", t->refused.quarantined);
    if (t->outside > 0) (void)printf(", %" PRId64 " trades are outside of hours", t->outside);
    if (t->different > 0) (void)printf(", %" PRId64 " lines differ (- expected, + came)", t->different);
    (void)printf("\n%.*s", (int)t->differences.size, t->differences.size > 0 ? (const char *)t->differences.data : "");
    if (t->different > SHOWN_MAX) (void)printf("  and %" PRId64 " more\n", t->different - SHOWN_MAX);
}

int td_trial_run(const td_trial_conf *conf, const char *file) {
    trial t = {.conf = conf, .file = file};
    td_status status = find_tables(&t);
    if (status == TD_OK) {
        status = play(&t);
        if (status == TD_OK) status = judge(&t);
        td_scratch_remove(t.scratch);
    }
    int exit_code = td_exit_of(status);
    if (status != TD_OK)
        (void)fprintf(stderr, "tapedeck test: %s: %s\n", file, td_trail());
    else
        tell(&t);
    if (!is_good(&t)) exit_code = TD_EXIT_DIFFERENT;
    td_refused_fini(&t.refused);
    td_paths_fini(&t.tables);
    td_buf_fini(&t.differences);
    td_buf_fini(&t.wanted);
    td_buf_fini(&t.came);
    return exit_code;
}
