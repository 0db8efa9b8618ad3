/* src/app/cmd_explain.c - `tapedeck explain window`: the partition's tape is applied once more, in memory, and the
 * state at its end is asked. What it says is what the worker knew there. */
#include "app/cmd_explain.h"
#include "app/exit.h"
#include "base/hash.h"
#include "base/time.h"
#include "flow/topics.h"
#include "log/log_segment.h"
#include "model/instrument.h"
#include "os/os.h"
#include "stream/state.h"
#include <inttypes.h>
#include <stdlib.h>

typedef struct explain_conf {
    char *data;
} explain_conf;

typedef struct explanation {
    const td_topics *topics;
    uint32_t partition;
    td_bytes instrument;
    int64_t width_ns, start_ns;
    td_program *program;
    td_state *state;
    td_bar last; /* bar of the window; trade_count 0: none yet */
    int64_t late_count;
    td_event newest; /* of the feed that closes it; kind 0: none */
    char feed[64];
} explanation;

/* ---- the tape, once more ---- */

static void on_bar(void *self, td_bytes instrument, const td_bar *bar) {
    explanation *x = self;
    if (bar->start_ns == x->start_ns && bar->end_ns - bar->start_ns == x->width_ns &&
        td_bytes_equal(instrument, x->instrument))
        x->last = *bar;
}

static void on_signal(void *self, td_bytes instrument, const td_signal *signal) {
    (void)self, (void)instrument, (void)signal;
}

static void on_quarantined(void *self, td_bytes instrument, const td_quarantined *q) {
    explanation *x = self;
    if (td_window_start(q->event.event_ns, x->width_ns) != x->start_ns || !td_bytes_equal(instrument, x->instrument))
        return;
    for (int i = 0; i < q->missed_count; i++) x->late_count += q->missed_width_ns[i] == x->width_ns;
}

static void on_gap(void *self, td_bytes instrument, const td_gap *gap) { (void)self, (void)instrument, (void)gap; }

static td_status swap_program(explanation *x, const uint8_t *sha256) {
    td_program *next;
    if (memcmp(x->program->sha256, sha256, TD_PROGRAM_SHA_BYTES) == 0) return TD_OK;
    td_status status = td_topics_load_program(x->topics, sha256, &next);
    if (status != TD_OK) return status;
    td_state_swap(x->state, next);
    td_program_free(x->program);
    x->program = next;
    return TD_OK;
}

static td_status apply_record(explanation *x, const td_record *record) {
    td_emit emit = {x, on_bar, on_signal, on_quarantined, on_gap};
    td_event e;
    td_bytes feed;
    td_status status = td_record_get_event_numbers(x->topics->ids, record->value, &e, &feed);
    if (status != TD_OK)
        return TD_FAIL(status, "offset %" PRId64 " of the tape is not a record of ours", record->offset);
    if (e.kind == TD_EVENT_PROGRAM) return swap_program(x, e.program_sha256);
    e.feed = td_state_feed(x->state, feed);
    if (e.feed == UINT32_MAX) return TD_FAIL(TD_CORRUPT, "the tape has more than %d feeds", TD_PROGRAM_FEEDS_MAX);
    bool tick = e.kind != TD_EVENT_TIME;
    if (tick && td_bytes_equal(record->key, x->instrument) && e.kind == TD_EVENT_TRADE)
        (void)snprintf(x->feed, sizeof x->feed, "%.*s", (int)feed.size, (const char *)feed.data);
    if (td_bytes_equal(feed, td_text(x->feed))) x->newest = e;
    if (tick) e.instrument = td_state_find_instrument(x->state, record->key);
    if (tick && e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(x->state, &e, record->key);
    if (!tick || e.instrument != UINT32_MAX) (void)td_state_apply(x->state, &e, &emit);
    return TD_OK;
}

static td_status apply_tape(explanation *x) {
    uint8_t sha256[TD_PROGRAM_SHA_BYTES];
    td_reader *reader;
    td_record record;
    td_topic *tape = x->topics->tape;
    int64_t start = td_topic_start(tape, x->partition);
    td_status status = td_topics_program_at(x->topics, x->partition, start, sha256);
    if (status == TD_OK) status = td_topics_load_program(x->topics, sha256, &x->program);
    if (status == TD_OK) status = td_reader_open(&reader, tape, x->partition, start, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    x->state = td_state_new(x->program);
    while (status == TD_OK && (status = td_reader_next(reader, &record)) == TD_OK) status = apply_record(x, &record);
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

/* ---- what to say ---- */

static const char *instant(int64_t ns, char out[40]) {
    (void)td_time_format(ns, out);
    return out;
}

static void tell_feed(const explanation *x, const td_window_state *w) {
    static const char *const sessions[] = {"live", "idle", "down", "ended"};
    char text[40];
    int64_t end_ns = x->start_ns + x->width_ns;
    (void)printf("feed %.*s closes it; its watermark in tape-%" PRIu32 " stands at %s", (int)w->feed.size,
                 (const char *)w->feed.data, x->partition, instant(w->watermark_ns, text));
    if (w->watermark_ns < end_ns) (void)printf(", %.3f s short of the end", (double)(end_ns - w->watermark_ns) / 1e9);
    (void)printf(" (session %s)\n", sessions[w->session]);
    if (x->newest.kind == 0) return;
    bool time = x->newest.kind == TD_EVENT_TIME;
    (void)printf("its last record there is a %s of %s\n",
                 time                               ? "Time"
                 : x->newest.kind == TD_EVENT_TRADE ? "trade"
                                                    : "quote",
                 instant(x->newest.event_ns, text));
}

static void tell_open(const explanation *x, const td_window_state *w) {
    char text[40];
    int64_t end_ns = x->start_ns + x->width_ns;
    (void)printf("open, %" PRId64 " trades so far\n", w->trade_count);
    tell_feed(x, w);
    (void)printf("what closes it: an event of that feed in tape-%" PRIu32 " of %s or later", x->partition,
                 instant(end_ns + w->lateness_ns, text));
    (void)printf(" (the end + lateness), a Time whose bound is %s or later, or the feed's end\n",
                 instant(end_ns, text));
    if (w->session == TD_SESSION_DOWN)
        (void)puts("the session is down: bounds go on `hold` after it broke, or with the next session");
}

static void tell_closed(const explanation *x, const td_window_state *w) {
    char text[40];
    int64_t final_ns = x->start_ns + x->width_ns + w->grace_ns;
    if (x->last.trade_count > 0)
        (void)printf("closed: revision %" PRId32 " of %" PRId64 " trades, known at %s\n", x->last.revision,
                     x->last.trade_count, instant(x->last.known_at_ns, text));
    else
        (void)puts("closed: nothing traded in it");
    if (x->late_count > 0)
        (void)printf("%" PRId64 " trades came too late for it and are in quarantine\n", x->late_count);
    tell_feed(x, w);
    if (w->watermark_ns < final_ns && w->grace_ns > 0)
        (void)printf("it takes late trades until the watermark is at %s\n", instant(final_ns, text));
    else
        (void)puts("it is final for good");
}

static td_status tell(const explanation *x) {
    char from[40], to[40], width[24];
    td_window_state w;
    size_t index = 0;
    while (index < x->program->width_count && x->program->widths_ns[index] != x->width_ns) index++;
    (void)td_duration_format(x->width_ns, width);
    if (index == x->program->width_count)
        return TD_FAIL(TD_CONFIG, "the program in force makes no bars of %s; `bars:` or a strategy must name the width",
                       width);
    td_state_window(x->state, x->instrument, index, x->start_ns, &w);
    (void)printf("%.*s %s from %s to %s: ", (int)x->instrument.size, (const char *)x->instrument.data, width,
                 instant(x->start_ns, from), instant(x->start_ns + x->width_ns, to));
    if (w.feed.size == 0)
        (void)printf("unknown\nno trade of it is on the tape that tape-%" PRIu32 " still holds\n", x->partition);
    else if (w.closed)
        tell_closed(x, &w);
    else
        tell_open(x, &w);
    return TD_OK;
}

/* ---- the command ---- */

static td_status explain(explanation *x, const char *dir) {
    td_log *log = NULL;
    td_topics topics = {0};
    td_log_conf conf = {.dir = dir, .read_only = true};
    td_status status = td_log_segment_open(&log, &td_os_posix, &conf, NULL, NULL);
    if (status == TD_OK) status = td_topics_open_to_read(&topics, log);
    if (status == TD_OK) {
        x->topics = &topics;
        x->partition = td_partition_of(x->instrument, topics.partitions);
        status = apply_tape(x);
        if (status == TD_OK) status = tell(x);
    }
    td_state_free(x->state);
    td_program_free(x->program);
    if (topics.registry != NULL) td_topics_close(&topics);
    td_log_close(log);
    return status;
}

static int usage(const char *what, const char *word) {
    (void)fprintf(stderr, "tapedeck explain: %s \"%s\"\n`tapedeck explain --help` tells more.\n", what, word);
    return TD_EXIT_USAGE;
}

static int run(void *conf_any, const char *const *words) {
    const explain_conf *conf = conf_any;
    explanation x = {.instrument = td_text(words[1])};
    int64_t at_ns;
    if (strcmp(words[0], "window") != 0) return usage("only a window can be explained yet, not a", words[0]);
    if (!td_instrument_name_valid(x.instrument)) return usage("not VENUE:SYMBOL:", words[1]);
    if (td_duration_parse(td_text(words[2]), &x.width_ns) != TD_OK || x.width_ns <= 0)
        return usage("not a width such as 1m:", words[2]);
    if (td_time_parse(td_text(words[3]), &at_ns) != TD_OK)
        return usage("not a time such as 2026-11-21T14:31Z:", words[3]);
    x.start_ns = td_window_start(at_ns, x.width_ns);
    td_status status = explain(&x, conf->data);
    if (status != TD_OK) (void)fprintf(stderr, "tapedeck explain: %s\n", td_trail());
    return td_exit_of(status);
}

static const td_option options[] = {
    {.key = "data",
     .type = TD_OPTION_TEXT,
     .fallback = "data",
     .unit = "DIR",
     .offset = offsetof(explain_conf, data),
     .help = "the data folder of a run"},
    {0},
};

const td_command td_command_explain = {
    .name = "explain",
    .words = "window INSTRUMENT WIDTH TIME",
    .words_least = 4,
    .words_most = 4,
    .summary = "why a bar is still open, and what would close it",
    .text = "Tells whether the window of that width that holds TIME is open, closed or final for good, where the\n"
            "watermark stands that closes it, and what would move it there. Applies the instrument's partition of the\n"
            "tape once more, in memory, also while a process writes to it. Changes nothing.\n",
    .options = options,
    .conf_size = sizeof(explain_conf),
    .examples = "  tapedeck explain window BINANCE:BTCUSDT 1m 2026-11-21T14:31Z\n"
                "  tapedeck explain window LEAN:IBM 5m 2013-10-07T14:00:00Z --data /var/lib/tapedeck\n",
    .run = run,
};
