/* src/app/explain_why.c - the steps of an explanation with their progress, and the outputs of whole partitions. */
#include "app/explain_why.h"
#include "app/command.h"
#include "app/exit.h"
#include "app/explanation.h"
#include "app/known.h"
#include "app/progress.h"
#include "base/json.h"
#include "base/time.h"
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { STEP_RECORDS = 1 << 14, SHOWN_EVERY_MS = 250, LINE_EVERY_MS = 10000 };

typedef struct shown { /* on a terminal one line that changes, elsewhere now and then a line */
    const char *what;
    int64_t began_ns, shown_ns;
    bool terminal, any;
} shown;

static int64_t now_ns(void) { return td_os_posix.ops->mono_ns(td_os_posix.self); }

static shown show_begin(const char *what) {
    int64_t at_ns = now_ns();
    return (shown){what, at_ns, at_ns, isatty(STDERR_FILENO) == 1, false};
}

static void show(shown *s, int64_t done, int64_t all) {
    int64_t at_ns = now_ns(), every_ms = s->terminal ? SHOWN_EVERY_MS : LINE_EVERY_MS;
    if (at_ns - s->shown_ns < every_ms * TD_NS_PER_MS) return;
    char text[TD_PROGRESS_MAX];
    s->shown_ns = at_ns;
    s->any = true;
    td_progress_text(s->what, done, all, at_ns - s->began_ns, text);
    (void)fprintf(stderr, s->terminal ? "\r%s\033[K" : "%s\n", text);
}

static void show_end(const shown *s) {
    if (s->terminal && s->any) (void)fputs("\r\033[K", stderr);
}

/* ---- one ---- */

static td_status go_to_end(td_explain *x) {
    shown s = show_begin("explaining");
    td_status status;
    while ((status = td_explain_step(x, STEP_RECORDS)) == TD_AGAIN) {
        int64_t done, all;
        td_explain_progress(x, &done, &all);
        show(&s, done, all);
    }
    show_end(&s);
    return status;
}

int td_explain_why(const td_data_conf *which, const td_explain_question *asked, bool json) {
    td_data data;
    td_explain_question q = *asked;
    int exit_code = TD_EXIT_OK;
    td_status status = td_data_open(&data, which);
    if (status == TD_OK) {
        td_buf text = {0};
        q.os = &td_os_posix;
        q.topics = &data.topics;
        q.snapshot_dir = data.snapshots;
        td_explain *x = td_explain_new(&q);
        status = td_known_check(&data, q.instrument);
        if (status == TD_OK) status = go_to_end(x);
        if (status == TD_OK) {
            (json ? td_explanation_put_json : td_explanation_put_text)(x, &q, &text);
            (void)fwrite(text.data, 1, text.size, stdout);
            exit_code = td_explanation_holds(x) ? TD_EXIT_OK : TD_EXIT_CORRUPT;
        }
        td_buf_fini(&text);
        td_explain_free(x);
    }
    if (status != TD_OK) exit_code = td_command_end("explain", status);
    td_data_close(&data);
    return exit_code;
}

/* ---- all ---- */

typedef struct checked {
    const td_data *data;
    bool json;
    shown shown;
    int64_t done, all, outputs[TD_OUTPUT_COUNT], findings;
    int64_t forgetful; /* partitions whose beginning is gone */
    td_buf found;      /* JSON */
} checked;

static void on_finding(void *arg, const td_recheck_finding *finding) {
    checked *c = arg;
    td_buf line = {0};
    if (c->findings >= TD_EXPLAIN_FINDINGS_MAX) {
        c->findings++;
        return;
    }
    td_recheck_put_finding(&line, c->data->topics.ids, finding);
    if (c->json) {
        if (c->found.size > 0) td_buf_text(&c->found, ",");
        td_json_put_string(&c->found, td_buf_bytes(&line));
    } else {
        show_end(&c->shown);
        (void)printf("%.*s\n", (int)line.size, (const char *)line.data);
    }
    c->findings++;
    td_buf_fini(&line);
}

/* How far the worker has come: what lies behind on the tape has no outputs yet. */
static td_status applied_up_to(const td_topics *topics, uint32_t partition, int64_t *out) {
    char name[32];
    td_position at = {0};
    (void)snprintf(name, sizeof name, TD_WORK_WRITER "%" PRIu32, partition);
    td_status status = td_log_committed(topics->log, name, topics->tape, partition, &at);
    *out = status == TD_OK ? at.offset : td_topic_start(topics->tape, partition);
    return status == TD_AGAIN ? TD_OK : status;
}

/* Where retention has taken the beginning: the earliest snapshot. INT64_MAX: there is none. */
static td_status find_begin(td_recheck_conf *conf, int64_t end) {
    int64_t best = INT64_MAX, start = td_topic_start(conf->topics->tape, conf->partition);
    td_status status = TD_OK;
    bool more = true;
    for (conf->begin = end; status == TD_OK && more; conf->begin = best - 1) {
        td_recheck *r;
        status = td_recheck_open(&r, conf);
        more = status == TD_OK && !td_recheck_counted(r)->forgetful;
        if (more) best = td_recheck_past(r)->from;
        more = more && best > start;
        td_recheck_close(r);
    }
    conf->begin = best;
    return status;
}

static td_status check_partition(checked *c, uint32_t partition) {
    int64_t end;
    td_recheck *r = NULL;
    td_recheck_conf conf = {.os = &td_os_posix,
                            .topics = &c->data->topics,
                            .partition = partition,
                            .begin = INT64_MAX,
                            .found = on_finding,
                            .arg = c};
    td_status status = applied_up_to(conf.topics, partition, &end);
    int64_t start = td_topic_start(conf.topics->tape, partition);
    if (status != TD_OK || end == start) return status;
    if (start > 0) {
        c->forgetful++;
        conf.snapshot_dir = c->data->snapshots;
        status = find_begin(&conf, end);
        if (status != TD_OK || conf.begin == INT64_MAX) return status;
    }
    status = td_recheck_open(&r, &conf);
    if (status == TD_OK) status = TD_AGAIN;
    while (status == TD_AGAIN) {
        status = td_recheck_step(r, end, STEP_RECORDS);
        show(&c->shown, c->done + td_recheck_past(r)->offset - start, c->all);
    }
    for (int i = 0; i < TD_OUTPUT_COUNT; i++) c->outputs[i] += td_recheck_counted(r)->outputs[i];
    c->done += end - start;
    td_recheck_close(r);
    return status;
}

static int64_t published_of(const int64_t outputs[TD_OUTPUT_COUNT]) {
    int64_t sum = 0;
    for (int i = TD_OUTPUT_PUBLISHED; i < TD_OUTPUT_COUNT; i++) sum += outputs[i];
    return sum;
}

static void tell_checked(const checked *c) {
    const int64_t *n = c->outputs;
    if (c->json) {
        (void)printf("{\"signals\":%" PRId64 ",\"bars\":%" PRId64 ",\"gaps\":%" PRId64 ",\"quarantined\":%" PRId64
                     ",\"fills\":%" PRId64 ",\"published\":%" PRId64 ",\"differences\":%" PRId64 ",\"partial\":%" PRId64
                     ",\"found\":[%.*s]}\n",
                     n[TD_OUTPUT_SIGNALS], n[TD_OUTPUT_BARS], n[TD_OUTPUT_GAPS], n[TD_OUTPUT_QUARANTINE],
                     n[TD_OUTPUT_FILLS], published_of(n), c->findings, c->forgetful, (int)c->found.size,
                     c->found.size > 0 ? (const char *)c->found.data : "");
        return;
    }
    if (c->findings > TD_EXPLAIN_FINDINGS_MAX)
        (void)printf("and %" PRId64 " more\n", c->findings - TD_EXPLAIN_FINDINGS_MAX);
    (void)printf("%" PRId64 " signals, %" PRId64 " bars, %" PRId64 " fills, %" PRId64 " gaps and %" PRId64 " refusals",
                 n[TD_OUTPUT_SIGNALS], n[TD_OUTPUT_BARS], n[TD_OUTPUT_FILLS], n[TD_OUTPUT_GAPS],
                 n[TD_OUTPUT_QUARANTINE]);
    if (published_of(n) > 0) (void)printf(", and %" PRId64 " records of what was accepted,", published_of(n));
    (void)fputs(" made again: ", stdout);
    if (c->findings == 0)
        (void)puts("all as the log has them, byte for byte");
    else
        (void)printf("%" PRId64 " are not as the log has them\n", c->findings);
    if (c->forgetful > 0)
        (void)printf("of %" PRId64
                     " partitions retention has taken the beginning: what follows their first snapshot was made\n",
                     c->forgetful);
}

int td_explain_all(const td_data_conf *which, bool json) {
    td_data data;
    checked c = {.data = &data, .json = json, .shown = show_begin("making again")};
    td_status status = td_data_open(&data, which);
    for (uint32_t p = 0; status == TD_OK && p < data.topics.partitions; p++)
        c.all += td_topic_end(data.topics.tape, p) - td_topic_start(data.topics.tape, p);
    for (uint32_t p = 0; status == TD_OK && p < data.topics.partitions; p++) status = check_partition(&c, p);
    show_end(&c.shown);
    int exit_code = status != TD_OK ? td_command_end("explain", status) : c.findings > 0 ? TD_EXIT_CORRUPT : TD_EXIT_OK;
    if (status == TD_OK) tell_checked(&c);
    td_buf_fini(&c.found);
    td_data_close(&data);
    return exit_code;
}
