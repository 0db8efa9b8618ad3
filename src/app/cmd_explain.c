/* src/app/cmd_explain.c - `tapedeck explain`, and of it `explain window`: the state of the instrument's partition at a
 * place of its tape is asked, and the outputs made up to there. What it says is what the worker knew there. */
#include "app/cmd_explain.h"
#include "app/data.h"
#include "app/exit.h"
#include "app/explain_why.h"
#include "app/known.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"
#include "model/instrument.h"
#include "schema/cause.h"
#include "schema/place.h"
#include "serve/gap_table.h"
#include "serve/history.h"
#include "serve/rows.h"
#include <inttypes.h>

enum { GAPS_TOLD = 10 }; /* to people, the newest */

typedef struct explain_conf {
    td_data_conf log;
    char *as_of;
    bool all, json;
} explain_conf;

typedef struct explanation {
    const td_topics *topics;
    td_past past;
    uint32_t partition;
    td_bytes instrument;
    int64_t width_ns, at_ns;
    td_bar last; /* bar of the window; end_ns 0: none yet */
    int64_t late_count;
    td_gap_table *gaps, *gaps_again; /* of the partition: as they stood at the snapshot, then at the place */
    td_past_record newest;           /* of the feed that closes it; kind 0: none */
} explanation;

/* ---- outputs: what the log holds up to the snapshot, then what is made again ---- */

static void on_bar(void *self, td_bytes instrument, const td_bar *bar) {
    explanation *x = self;
    if (x->at_ns >= bar->start_ns && x->at_ns < bar->end_ns && bar->width_ns == x->width_ns &&
        td_bytes_equal(instrument, x->instrument))
        x->last = *bar;
}

/* Among those of the program; their count when it is not. */
static size_t width_index(const explanation *x) {
    const td_program *program = x->past.applier.program;
    size_t index = 0;
    while (index < program->width_count && program->widths_ns[index] != x->width_ns) index++;
    return index;
}

/* False: no window of the width holds the instant, by the program that applied last. */
static bool find_window(const explanation *x, int64_t ns, td_window_state *out) {
    size_t width = width_index(x);
    if (width == x->past.applier.program->width_count) return false;
    td_state_window(x->past.applier.state, x->instrument, width, ns, out);
    return !out->outside;
}

static void on_quarantined(void *self, td_bytes instrument, const td_quarantined *q) {
    explanation *x = self;
    td_window_state w, missed;
    if (!td_bytes_equal(instrument, x->instrument)) return;
    if (!find_window(x, x->at_ns, &w) || !find_window(x, q->event.event_ns, &missed)) return;
    if (missed.period.start_ns != w.period.start_ns) return;
    for (int i = 0; i < q->missed_count; i++) x->late_count += q->missed_width_ns[i] == x->width_ns;
}

static td_status read_bar(explanation *x) {
    td_place up_to = {x->past.from, INT64_MAX}; /* the snapshot */
    td_bar again = x->last;
    td_window_state w;
    if (!find_window(x, x->at_ns, &w)) return TD_OK;
    td_history_question q = {.topic = x->topics->outputs[TD_OUTPUT_BARS],
                             .ids = x->topics->ids,
                             .kind = TD_HISTORY_BARS,
                             .instrument = x->instrument,
                             .width_ns = x->width_ns,
                             .from_ns = w.period.start_ns,
                             .before_ns = w.period.start_ns + 1,
                             .cursor = -1,
                             .limit = 1,
                             .as_of = up_to};
    const td_history_row *rows;
    td_bytes name;
    td_status status;
    td_history *history = td_history_new(&q);
    while ((status = td_history_step(history)) == TD_AGAIN) continue;
    if (status == TD_OK && again.end_ns == 0 && td_history_rows(history, &rows) > 0)
        status = td_record_get_bar(x->topics->ids, td_history_value(history, &rows[0]), &x->last, &name);
    td_history_free(history);
    return status;
}

static void on_gap(void *self, td_bytes instrument, const td_gap *gap) {
    explanation *x = self;
    td_gap_table_put(x->gaps_again, instrument, gap);
}

static void take_quarantined(explanation *x, td_bytes value) {
    td_quarantined q;
    td_bytes name;
    if (td_record_get_quarantined(x->topics->ids, value, &q, &name) == TD_OK) on_quarantined(x, name, &q);
}

static void take_gap(explanation *x, td_bytes value) {
    td_gap gap;
    td_bytes name;
    if (td_record_get_gap(value, &gap, &name) == TD_OK) td_gap_table_put(x->gaps, name, &gap);
}

static td_status read_output(explanation *x, td_output which, void (*take)(explanation *x, td_bytes value)) {
    td_reader *reader;
    td_record record;
    td_place up_to = {x->past.from, INT64_MAX};
    td_topic *topic = x->topics->outputs[which];
    if (topic == NULL) return TD_OK;
    td_status status = td_reader_open(&reader, topic, x->partition, 0, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    while ((status = td_reader_next(reader, &record)) == TD_OK &&
           td_place_has(&up_to, INT64_MIN, td_record_header(&record, TD_CAUSE_HEADER)))
        take(x, record.value);
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

static td_status look_back(explanation *x, const char *snapshots, td_place place) {
    td_emit emit = td_emit_none;
    emit.self = x;
    emit.bar = on_bar;
    emit.quarantined = on_quarantined;
    emit.gap = on_gap;
    const td_past_conf conf = {.os = &td_os_posix,
                               .topics = x->topics,
                               .snapshot_dir = snapshots,
                               .instrument = x->instrument,
                               .place = place,
                               .emit = &emit};
    td_status status = td_past_open(&x->past, &conf);
    if (status == TD_OK) status = read_bar(x);
    if (status == TD_OK) status = read_output(x, TD_OUTPUT_QUARANTINE, take_quarantined);
    if (status == TD_OK) status = read_output(x, TD_OUTPUT_GAPS, take_gap);
    for (size_t i = 0; i < td_gap_table_count(x->gaps_again); i++) {
        const td_gap *gap = td_gap_table_at(x->gaps_again, i);
        td_gap_table_put(x->gaps, td_gap_table_name(x->gaps_again, gap->instrument), gap);
    }
    if (status != TD_OK) return status;
    status = td_past_last(&conf, td_state_feed_of(x->past.applier.state, x->instrument), x->past.offset, &x->newest);
    return status == TD_AGAIN ? TD_OK : status;
}

/* ---- what is known of the window ---- */

typedef enum stage { OUTSIDE, UNTRADED, OPEN, CLOSED, SETTLED } stage;
static const char *const stage_names[] = {"outside", "unknown", "open", "closed", "final"};
static const char *const session_names[] = {"live", "idle", "down", "ended"};

static stage stage_of(const td_window_state *w) {
    if (w->outside) return OUTSIDE;
    if (w->feed.size == 0) return UNTRADED;
    if (!w->closed) return OPEN;
    return w->watermark_ns < w->period.end_ns + w->grace_ns ? CLOSED : SETTLED;
}

static const char *last_kind(const explanation *x) { return td_event_kind_name((td_event_kind)x->newest.event.kind); }

static td_gap_question gaps_over(const explanation *x, const td_window_state *w) {
    return (td_gap_question){.instrument = x->instrument, .from_ns = w->period.start_ns, .to_ns = w->period.end_ns};
}

/* ---- for people ---- */

static const char *instant(int64_t ns, char out[40]) {
    (void)td_time_format(ns, out);
    return out;
}

static const char *duration(int64_t ns, char out[24]) {
    (void)td_duration_format(ns, out);
    return out;
}

static const char *width_text(int64_t width_ns, char out[TD_WIDTH_TEXT_MAX]) {
    (void)td_width_format(width_ns, out);
    return out;
}

static bool is_given(const explanation *x) { return x->last.end_ns != 0; }

static void tell_feed(const explanation *x, const td_window_state *w) {
    char text[40], known[40], lateness[24];
    int64_t short_ns = w->period.end_ns - w->watermark_ns;
    (void)printf("feed %.*s closes it; its watermark in tape-%" PRIu32 " stands at %s", (int)w->feed.size,
                 (const char *)w->feed.data, x->partition, instant(w->watermark_ns, text));
    if (short_ns > 0 && !w->closed) (void)printf(", %.3f s short of the end", (double)short_ns / 1e9);
    (void)printf(" (session %s, lateness %s)\n", session_names[w->session], duration(w->lateness_ns, lateness));
    if (x->newest.event.kind == 0) return;
    (void)printf("its last record there is a %s of %s, known at %s\n", last_kind(x),
                 instant(x->newest.event.event_ns, text), instant(x->newest.event.receive_ns, known));
}

/* Why it is partial, or was, or will be. */
static void tell_gap(const explanation *x, const td_window_state *w, const td_gap *gap) {
    char from[40], to[40];
    bool spared = is_given(x) && x->last.quality == TD_QUALITY_COMPLETE; /* it was too old to be revised */
    bool empty = !is_given(x) && w->closed, told = gap->missing != TD_NONE;
    (void)printf("gap %" PRId64 " lies over it (%s, from %s to %s)", gap->number,
                 td_gap_reason_name((td_gap_reason)gap->reason), instant(gap->from_ns, from),
                 gap->to_ns != TD_NONE ? instant(gap->to_ns, to) : "a time not known yet");
    if (gap->status == TD_GAP_FILLED) {
        (void)printf(": filled, %" PRId64 " trades came afterwards\n", gap->filled);
        return;
    }
    (void)printf("%s: %s, ",
                 spared  ? ", told when nothing could revise it"
                 : empty ? " and hides what traded"
                         : " and makes it partial",
                 td_gap_status_name((td_gap_status)gap->status));
    if (told) (void)printf("%" PRId64 " trades ", gap->missing);
    if (gap->status == TD_GAP_LOST)
        (void)printf("%swill not come\n", told ? "" : "what is missing ");
    else
        (void)printf("%s, %" PRId64 " came since\n", told ? "missing" : "nobody knows how many trades are missing",
                     gap->filled);
}

static void tell_gaps(const explanation *x, const td_window_state *w) {
    const td_gap_question over = gaps_over(x, w);
    size_t at = SIZE_MAX, count = 0;
    if (is_given(x))
        (void)printf("it is %s, by evidence %s\n", td_quality_name((td_quality)x->last.quality),
                     td_evidence_name((td_evidence)x->last.evidence));
    for (; (at = td_gap_table_find(x->gaps, &over, at)) != SIZE_MAX; count++)
        if (count < GAPS_TOLD) tell_gap(x, w, td_gap_table_at(x->gaps, at));
    if (count > GAPS_TOLD)
        (void)printf("and %zu gaps before that: `tapedeck gaps --instrument %.*s` or --json has all\n",
                     count - GAPS_TOLD, (int)x->instrument.size, (const char *)x->instrument.data);
    if (count == 0 && is_given(x) && x->last.quality == TD_QUALITY_PARTIAL)
        (void)puts("the gap that makes it partial is older than what the log holds of topic gaps");
}

static void tell_open(const explanation *x, const td_window_state *w) {
    static const char *const hints[] = {
        [TD_SESSION_LIVE] = "the session is live: each event moves the watermark, and in its silence a Time does\n",
        [TD_SESSION_IDLE] = "the session is idle: nothing came, and the watermark follows the feed's Time records\n",
        [TD_SESSION_DOWN] = "the session is down: bounds go on `hold` after it broke, or with the next session\n",
        [TD_SESSION_ENDED] = "the feed ended before it: without more of its records nothing will be in it\n"};
    char text[40];
    int64_t end_ns = w->period.end_ns;
    (void)printf("open, %" PRId64 " trades so far\n", w->trade_count);
    tell_feed(x, w);
    (void)printf("what closes it: an event of that feed in tape-%" PRIu32 " of %s or later", x->partition,
                 instant(end_ns + w->lateness_ns, text));
    (void)printf(" (the end + lateness), a Time whose bound is %s or later, or the feed's end\n",
                 instant(end_ns, text));
    (void)fputs(hints[w->session], stdout);
}

/* How it was closed, and what came too late for that. */
static void tell_result(const explanation *x, const td_window_state *w) {
    static const char late[] = "trades came too late for it and are in quarantine";
    char text[40];
    bool is_bar = is_given(x);
    if (is_bar)
        (void)printf("closed: revision %" PRId32 " of %" PRId64 " trades, known at %s\n", x->last.revision,
                     x->last.trade_count, instant(x->last.known_at_ns, text));
    else if (w->trade_count > 0)
        (void)printf("closed without a bar: the sale conditions of its %" PRId64
                     " trades let none of them set a price\n",
                     w->trade_count);
    else if (x->late_count > 0)
        (void)printf("closed without a bar: all of its %" PRId64 " %s\n", x->late_count, late);
    else
        (void)puts("closed: no trade of it came");
    if (x->late_count > 0 && (is_bar || w->trade_count > 0)) (void)printf("%" PRId64 " %s\n", x->late_count, late);
}

static void tell_closed(const explanation *x, const td_window_state *w) {
    char text[40], grace[24];
    tell_result(x, w);
    tell_feed(x, w);
    if (w->watermark_ns < w->period.end_ns && w->session == TD_SESSION_ENDED) (void)puts("the feed's end closed it");
    (void)duration(w->grace_ns, grace);
    if (stage_of(w) == CLOSED)
        (void)printf("it takes late trades until the watermark is at %s (grace %s)\n",
                     instant(w->period.end_ns + w->grace_ns, text), grace);
    else
        (void)printf("it takes no late trades any more (grace %s); a release or a backfill may still revise it\n",
                     grace);
}

static void tell(const explanation *x, const td_window_state *w) {
    char from[40], to[40], width[TD_WIDTH_TEXT_MAX];
    (void)printf("%.*s %s ", (int)x->instrument.size, (const char *)x->instrument.data, width_text(x->width_ns, width));
    if (w->outside) {
        (void)printf(
            "at %s: outside\nthe regular hours of its venue do not hold it; `hours: all` makes bars of then, too\n",
            instant(x->at_ns, from));
        return;
    }
    (void)printf("from %s to %s: ", instant(w->period.start_ns, from), instant(w->period.end_ns, to));
    if (w->feed.size == 0)
        (void)printf("unknown\nno trade of that instrument is in what the log holds of tape-%" PRIu32 "\n",
                     x->partition);
    else if (w->closed)
        tell_closed(x, w);
    else
        tell_open(x, w);
    if (w->period.end_ns - w->period.start_ns < td_width_span_ns(x->width_ns))
        (void)puts("it is shorter than its width: the regular hours of its venue end it or begin with it");
    tell_gaps(x, w);
}

/* ---- for programs ---- */

static void put_time(td_buf *out, const char *name, int64_t ns) {
    char text[40];
    td_buf_printf(out, ",\"%s_ns\":%" PRId64 ",\"%s\":\"%s\"", name, ns, name, instant(ns, text));
}

static void put_feed(td_buf *out, const explanation *x, const td_window_state *w) {
    td_buf_text(out, ",\"feed\":");
    td_json_put_string(out, w->feed);
    td_buf_printf(out, ",\"session\":\"%s\"", session_names[w->session]);
    put_time(out, "watermark", w->watermark_ns);
    put_time(out, "closes_with_event", w->period.end_ns + w->lateness_ns);
    td_buf_printf(out,
                  ",\"short_ns\":%" PRId64 ",\"lateness_ns\":%" PRId64 ",\"grace_ns\":%" PRId64 ",\"trades\":%" PRId64
                  ",\"late\":%" PRId64 ",\"last\":",
                  w->watermark_ns < w->period.end_ns ? w->period.end_ns - w->watermark_ns : 0, w->lateness_ns,
                  w->grace_ns, w->trade_count, x->late_count);
    if (x->newest.event.kind == 0) {
        td_buf_text(out, "null");
        return;
    }
    td_buf_printf(out, "{\"kind\":\"%s\"", last_kind(x));
    put_time(out, "event", x->newest.event.event_ns);
    put_time(out, "known_at", x->newest.event.receive_ns);
    td_buf_text(out, "}");
}

static void put_json(td_buf *out, const explanation *x, const td_window_state *w) {
    char width[TD_WIDTH_TEXT_MAX];
    td_buf_text(out, "{\"instrument\":");
    td_json_put_string(out, x->instrument);
    td_buf_printf(out, ",\"width\":\"%s\",\"state\":\"%s\",\"partition\":%" PRIu32, width_text(x->width_ns, width),
                  stage_names[stage_of(w)], x->partition);
    if (!w->outside) {
        put_time(out, "start", w->period.start_ns);
        put_time(out, "end", w->period.end_ns);
    }
    if (w->feed.size > 0) put_feed(out, x, w);
    td_buf_text(out, ",\"bar\":");
    if (is_given(x))
        td_row_put_bar(out, TD_ROW_JSON, x->instrument, &x->last);
    else
        td_buf_text(out, "null");
    td_buf_text(out, ",\"gaps\":[");
    const td_gap_question over = gaps_over(x, w);
    const char *comma = "";
    for (size_t at = SIZE_MAX; !w->outside && (at = td_gap_table_find(x->gaps, &over, at)) != SIZE_MAX; comma = ",") {
        td_buf_text(out, comma);
        td_row_put_gap(out, TD_ROW_JSON, x->instrument, td_gap_table_at(x->gaps, at));
    }
    td_buf_text(out, "]}\n");
    (void)fwrite(out->data, 1, out->size, stdout);
}

static td_status show(const explanation *x, bool json) {
    char width[TD_WIDTH_TEXT_MAX];
    td_window_state w;
    td_buf out = {0};
    size_t index = width_index(x);
    if (index == x->past.applier.program->width_count)
        return TD_FAIL(TD_CONFIG, "the program in force makes no bars of %s; `bars:` or a strategy must name the width",
                       width_text(x->width_ns, width));
    td_state_window(x->past.applier.state, x->instrument, index, x->at_ns, &w);
    if (json)
        put_json(&out, x, &w);
    else
        tell(x, &w);
    td_buf_fini(&out);
    return TD_OK;
}

/* ---- the command ---- */

static td_status explain(explanation *x, const explain_conf *conf) {
    td_data data;
    td_place place;
    td_status status = td_data_place(conf->as_of, &place);
    if (status != TD_OK) return status;
    status = td_data_open(&data, &conf->log);
    if (status == TD_OK) {
        x->topics = &data.topics;
        x->gaps = td_gap_table_new(0);
        x->gaps_again = td_gap_table_new(0);
        x->partition = td_partition_of(x->instrument, data.topics.partitions);
        status = look_back(x, data.snapshots, place);
        if (status == TD_OK) status = td_known_check_in(x->past.applier.state, &data, x->instrument);
        if (status == TD_OK) status = show(x, conf->json);
        td_gap_table_free(x->gaps_again);
        td_gap_table_free(x->gaps);
        td_past_close(&x->past);
    }
    td_data_close(&data);
    return status;
}

static int run_window(const explain_conf *conf, const char *const *words) {
    explanation x = {.instrument = td_text(words[0])};
    int64_t at_ns;
    if (!td_instrument_name_valid(x.instrument)) return td_command_usage("explain", "not VENUE:SYMBOL:", words[0]);
    if (td_width_parse(td_text(words[1]), &x.width_ns) != TD_OK)
        return td_command_usage("explain", "not a width such as 1m:", words[1]);
    if (!td_width_is_timed(x.width_ns))
        return td_command_usage("explain",
                                "windows are of time; what is open by count `tapedeck state` shows:", words[1]);
    if (td_time_parse(td_text(words[2]), &at_ns) != TD_OK)
        return td_command_usage("explain", "not a time such as 2026-11-21T14:31Z:", words[2]);
    x.at_ns = at_ns;
    td_status status = explain(&x, conf);
    return td_command_end("explain", status);
}

static int run_why(const explain_conf *conf, const char *const *words) {
    td_explain_question q = {.strategy = td_text(words[0])};
    if (words[1] == NULL) {
        if (td_explain_parse_id(td_text(words[0]), &q) != TD_OK)
            return td_command_usage("explain",
                                    "not a signal's id such as golden_cross/LEAN:IBM/2013-10-07T14:31#1:", words[0]);
        return td_explain_why(&conf->log, &q, conf->json);
    }
    if (words[2] == NULL || words[3] != NULL)
        return td_command_usage("explain", "STRATEGY INSTRUMENT TIME, not", words[0]);
    q.instrument = td_text(words[1]);
    if (!td_instrument_name_valid(q.instrument)) return td_command_usage("explain", "not VENUE:SYMBOL:", words[1]);
    if (td_time_parse(td_text(words[2]), &q.at_ns) != TD_OK)
        return td_command_usage("explain", "not a time such as 2026-11-21T14:31Z:", words[2]);
    return td_explain_why(&conf->log, &q, conf->json);
}

static int run(void *conf_any, const char *const *words) {
    const explain_conf *conf = conf_any;
    bool window = words[0] != NULL && strcmp(words[0], "window") == 0;
    if (conf->all && words[0] != NULL)
        return td_command_usage("explain", "--all is about all signals: leave out", words[0]);
    if (!window && conf->as_of != NULL) return td_command_usage("explain", "--as-of is for windows, not for", words[0]);
    if (conf->all) return td_explain_all(&conf->log, conf->json);
    if (words[0] == NULL)
        return td_command_usage("explain", "what? A signal's id, STRATEGY INSTRUMENT TIME, or --all", NULL);
    if (!window) return run_why(conf, words);
    if (words[1] == NULL || words[2] == NULL || words[3] == NULL)
        return td_command_usage("explain", "window INSTRUMENT WIDTH TIME, not", "window");
    return run_window(conf, words + 1);
}

static const td_option options[] = {
    TD_DATA_OPTIONS(explain_conf),
    {.key = "all",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(explain_conf, all),
     .help = "makes each signal, bar, gap and refusal of the log again and tells which are not the same"},
    {.key = "as-of",
     .type = TD_OPTION_TEXT,
     .unit = "PLACE",
     .offset = offsetof(explain_conf, as_of),
     .help = "of a window: as it was at a time, or at an offset of the tape: @120000; unset: now"},
    {.key = "json", .type = TD_OPTION_BOOL, .offset = offsetof(explain_conf, json), .help = "one JSON object"},
    {0},
};

const td_command td_command_explain = {
    .name = "explain",
    .words = "SIGNAL | STRATEGY INSTRUMENT TIME | window INSTRUMENT WIDTH TIME",
    .words_least = 0,
    .words_most = 4,
    .summary = "why a strategy acted, why it did not, and why a bar is still open or partial",
    .text =
        "SIGNAL is a signal's id: tells the record that led to it, its bar, and each part of the strategy's "
        "conditions\n"
        "with its value on the bar before and on that bar, in the words of the strategy as it was then. With a\n"
        "strategy, an instrument and a time the same of the bar that holds the time, or of the last tick up to it "
        "that\n"
        "ran the strategy: what failed there, and how far off it was. What it tells is made again from the tape, with\n"
        "the program in force there, and held against what the log has, byte for byte: answers 1 where that is\n"
        "something else.\n\n"
        "`window` tells whether the window of that width that holds TIME is open, closed or takes late trades no "
        "more,\n"
        "which feed holds it back and by how much, what would close it, and which gap makes it partial.\n\n"
        "Applies the instrument's partition of the tape once more, in memory, from the snapshot before that place; "
        "also\n"
        "while a process writes to it. Changes nothing.\n",
    .options = options,
    .conf_size = sizeof(explain_conf),
    .examples = "  tapedeck explain golden_cross/LEAN:IBM/2013-10-07T14:31#1\n"
                "  tapedeck explain golden_cross LEAN:IBM 2013-10-07T14:40Z --json | jq .judgements\n"
                "  tapedeck explain --all --data /var/lib/tapedeck\n"
                "  tapedeck explain window BINANCE:BTCUSDT 1m 2026-11-21T14:31Z\n"
                "  tapedeck explain window LEAN:IBM 1d 2013-10-07T14:00Z --json | jq .gaps\n",
    .run = run,
};
