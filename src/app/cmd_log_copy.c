/* src/app/cmd_log_copy.c - `tapedeck log copy`: a log into another one, each in a folder or on Kafka. */
#include "app/cmd_log_copy.h"
#include "app/data.h"
#include "app/exit.h"
#include "app/progress.h"
#include "app/registering.h"
#include "base/time.h"
#include "flow/transfer.h"
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { SHOWN_EVERY_MS = 250, SYNCED_EVERY_MS = 1000, IDLE_MS = 100, RETRY_MS = 500, RETRIED_S = 60 };

typedef struct copy_conf {
    td_data_conf log;
    char *from, *to, *to_kafka, *to_prefix, *to_registry;
    td_texts topics;
    bool follow, json;
} copy_conf;

typedef struct copying {
    const copy_conf *conf;
    td_config_log from_where, to_where;
    td_log *from, *to;
    td_registry *to_registry; /* elsewhere; NULL: none */
    td_transfer *transfer;
    bool terminal;
    bool reached;                                      /* the end of the log, once */
    int64_t began_ns, shown_ns, synced_ns, failing_ns; /* the last: since when; 0: it is not */
} copying;

static volatile sig_atomic_t stop_wanted;
static void on_stop(int number) { (void)number, stop_wanted = 1; }

static int64_t now_ns(void) { return td_os_posix.ops->mono_ns(td_os_posix.self); }
static int64_t wall_ms(void) { return td_os_posix.ops->wall_ns(td_os_posix.self) / TD_NS_PER_MS; }
static void pause_ms(int64_t ms) { (void)usleep((useconds_t)(ms * 1000)); }

static void report(void *arg, const char *line) {
    const copying *c = arg;
    (void)fprintf(stderr, "%stapedeck log copy: %s\n", c->terminal ? "\r\033[K" : "", line);
}

/* ---- where from, where to ---- */

/* A folder need not be there yet. */
static td_data_conf named_to(const copy_conf *conf) {
    td_data_conf named = {.kafka = conf->to_kafka, .prefix = conf->to_prefix, .registry = conf->to_registry};
    if (conf->to == NULL) return named;
    bool is_file = td_text_ends(conf->to, ".yaml") || td_text_ends(conf->to, ".yml");
    if (is_file || td_os_posix.ops->exists(td_os_posix.self, conf->to)) named = td_data_named(conf->to);
    if (named.config == NULL) named.data = conf->to;
    named.kafka = conf->to_kafka;
    named.prefix = conf->to_prefix;
    named.registry = conf->to_registry;
    return named;
}

/* Retention is the run's, once it has the log. */
static void keep_all(td_config_log *where) {
    if (where->kafka != NULL) return;
    where->retain_bytes = where->retain_ns = where->raw_retain_bytes = where->raw_retain_ns = 0;
}

static td_status locate(copying *c, const td_data_conf *to) {
    td_data_conf from = c->conf->from != NULL ? td_data_named(c->conf->from) : c->conf->log;
    td_buf texts[2] = {{0}, {0}};
    td_status status = td_data_locate(&c->from_where, &from);
    if (status != TD_OK) return status;
    status = td_data_locate(&c->to_where, to);
    if (status != TD_OK) return td_trace(status, "looking where the copy is to be");
    keep_all(&c->to_where);
    td_data_describe(&c->from_where, &texts[0]);
    td_data_describe(&c->to_where, &texts[1]);
    if (td_bytes_equal(td_buf_bytes(&texts[0]), td_buf_bytes(&texts[1])))
        status = TD_FAIL(TD_CONFIG, "%.*s cannot be a copy of itself: name another folder or prefix by --to",
                         (int)texts[0].size, (const char *)texts[0].data);
    td_buf_fini(&texts[0]);
    td_buf_fini(&texts[1]);
    return status;
}

static void note_tape(void *arg, td_topic *topic) {
    if (strcmp(td_topic_name(topic), "tape") == 0) *(uint32_t *)arg = td_topic_partitions(topic);
}

/* A run by that file would refuse the copy. */
static td_status check_partitions(const copying *c, const char *file) {
    uint32_t partitions = 0;
    td_status status = td_log_each_topic(c->from, note_tape, &partitions);
    if (status != TD_OK || partitions == 0 || c->to_where.partitions == partitions) return status;
    return TD_FAIL(TD_CONFIG,
                   "%s: log.partitions is %" PRId64 ", and the log that is to be copied has %" PRIu32
                   ": a copy has as many, so say that there",
                   file, c->to_where.partitions, partitions);
}

static td_status open_both(copying *c) {
    const td_data_conf to = named_to(c->conf);
    if (c->conf->to == NULL && to.kafka == NULL)
        return TD_FAIL(TD_REJECT, "where to? --to DIR, --to FILE, or --to-kafka HOST:PORT --to-prefix TEXT");
    td_status status = locate(c, &to);
    if (status == TD_OK) status = td_data_open_log(&c->from, &td_os_posix, &c->from_where, report, c);
    if (status == TD_OK && to.config != NULL) status = check_partitions(c, to.config);
    if (status == TD_OK) status = td_data_open_log_to_write(&c->to, &td_os_posix, &c->to_where, report, c);
    if (status != TD_OK) return status;
    td_transfer_conf conf = {.from = c->from, .to = c->to, .chosen = &c->conf->topics, .now_ms = wall_ms()};
    status = td_registering_once(&conf.from_registry, &td_os_posix, &c->from_where, TD_REGISTRAR_LOOK);
    if (status == TD_OK)
        status = td_registering_once(&c->to_registry, &td_os_posix, &c->to_where, TD_REGISTRAR_REGISTER);
    if (status != TD_OK) {
        td_registry_free(conf.from_registry);
        return status;
    }
    if (c->to_registry != NULL) conf.to_ids = td_registry_ids(c->to_registry);
    return td_transfer_open(&c->transfer, &conf);
}

static void close_both(copying *c) {
    td_transfer_close(c->transfer);
    td_registry_free(c->to_registry);
    td_log_close(c->to);
    td_log_close(c->from);
    td_config_log_fini(&c->to_where);
    td_config_log_fini(&c->from_where);
}

/* ---- going on ---- */

static void show(copying *c) {
    td_transfer_counts n;
    char text[TD_PROGRESS_MAX];
    int64_t at_ns = now_ns();
    if (!c->terminal || at_ns - c->shown_ns < SHOWN_EVERY_MS * TD_NS_PER_MS) return;
    c->shown_ns = at_ns;
    td_transfer_count(c->transfer, &n);
    td_progress_text("copying", n.done, n.all, at_ns - c->began_ns, text);
    (void)fprintf(stderr, "\r%s\033[K", text);
}

static td_status sync_now_and_then(copying *c) {
    if (now_ns() - c->synced_ns < SYNCED_EVERY_MS * TD_NS_PER_MS) return TD_OK;
    c->synced_ns = now_ns();
    return td_log_sync(c->to);
}

/* Whatever broke may be mended soon. */
static td_status bear(copying *c) {
    if (c->failing_ns == 0) {
        report(c, td_trail());
        c->failing_ns = now_ns();
    }
    if (!c->conf->follow && now_ns() - c->failing_ns > RETRIED_S * TD_NS_PER_S) return TD_RETRY;
    pause_ms(RETRY_MS);
    return TD_OK;
}

/* A mirror that had caught up ends behind a whole round. */
static bool is_stopped(const copying *c) { return stop_wanted && (!c->reached || c->failing_ns != 0); }

/* TD_AGAIN: the copy is whole. TD_OK: stopped before. */
static td_status go_on(copying *c) {
    td_status status = TD_OK;
    while (status == TD_OK && !is_stopped(c)) {
        status = td_transfer_step(c->transfer);
        if (status == TD_OK) c->failing_ns = 0;
        if (status == TD_OK || status == TD_AGAIN) {
            td_status synced = sync_now_and_then(c);
            if (synced != TD_OK) status = synced;
        }
        show(c);
        if (status == TD_RETRY) status = bear(c);
        if (status == TD_AGAIN) c->reached = true;
        if (status != TD_AGAIN || !c->conf->follow || stop_wanted) continue;
        pause_ms(IDLE_MS);
        status = td_transfer_renew(c->transfer);
        if (status == TD_RETRY) status = bear(c);
    }
    return status;
}

static void tell(const copying *c, bool whole) {
    td_transfer_counts n;
    td_transfer_count(c->transfer, &n);
    if (c->conf->json) {
        (void)printf("{\"topics\":%" PRId64 ",\"partitions\":%" PRId64 ",\"copied\":%" PRId64 ",\"found\":%" PRId64
                     ",\"waiting\":%" PRId64 ",\"whole\":%s}\n",
                     n.topics, n.partitions, n.copied, n.found, n.waiting, whole ? "true" : "false");
        return;
    }
    (void)printf("%" PRId64 " records copied, %" PRId64 " were there: %" PRId64 " topics, %" PRId64 " partitions%s\n",
                 n.copied, n.found, n.topics, n.partitions, whole ? "" : "; run it again, it goes on");
    if (n.waiting > 0)
        (void)printf("%" PRId64
                     " partitions go on with a record of a place that is not written yet, and end before it\n",
                     n.waiting);
}

/* ---- the command ---- */

static int run(void *conf, const char *const *words) {
    (void)words;
    copying *c = td_alloc_zero(1, sizeof *c);
    c->conf = conf;
    c->terminal = isatty(STDERR_FILENO) == 1;
    c->began_ns = c->synced_ns = now_ns();
    td_status status = open_both(c);
    bool opened = status == TD_OK;
    (void)signal(SIGINT, on_stop);
    (void)signal(SIGTERM, on_stop);
    if (opened) status = go_on(c);
    bool whole = status == TD_AGAIN;
    if (whole) status = td_log_sync(c->to);
    if (c->terminal) (void)fprintf(stderr, "\r\033[K");
    if (opened && status == TD_OK) tell(c, whole);
    int code = status != TD_OK ? td_command_end("log copy", status) : whole ? TD_EXIT_OK : TD_EXIT_STOPPED;
    close_both(c);
    free(c);
    return code;
}

static const td_option options[] = {
    TD_DATA_OPTIONS(copy_conf),
    {.key = "from",
     .type = TD_OPTION_TEXT,
     .unit = "DIR|FILE",
     .offset = offsetof(copy_conf, from),
     .help = "the same in a word: the data folder, or the configuration of the run"},
    {.key = "to",
     .type = TD_OPTION_TEXT,
     .unit = "DIR|FILE",
     .offset = offsetof(copy_conf, to),
     .help = "the folder of the copy, or the configuration (.yaml, .yml) whose log it is to be"},
    {.key = "to-kafka",
     .type = TD_OPTION_TEXT,
     .unit = "HOST:PORT",
     .offset = offsetof(copy_conf, to_kafka),
     .help = "or the brokers that are to keep it, where no login is needed"},
    {.key = "to-prefix",
     .type = TD_OPTION_TEXT,
     .unit = "TEXT",
     .offset = offsetof(copy_conf, to_prefix),
     .help = "with --to-kafka: of its topics' names"},
    {.key = "to-registry",
     .type = TD_OPTION_TEXT,
     .unit = "URL",
     .offset = offsetof(copy_conf, to_registry),
     .help = "with --to-kafka: the registry that is to have its schemas, where no login is needed"},
    {.key = "topic",
     .type = TD_OPTION_TEXTS,
     .unit = "NAME",
     .offset = offsetof(copy_conf, topics),
     .help = "of outputs and raw.* only this one; may be given more than once"},
    {.key = "follow",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(copy_conf, follow),
     .help = "goes on with what the log gets, until Ctrl-C"},
    {.key = "json", .type = TD_OPTION_BOOL, .offset = offsetof(copy_conf, json), .help = "one JSON object"},
    {0},
};

const td_command td_command_log_copy = {
    .name = "log copy",
    .words = "",
    .summary = "a log into another one, in a folder or on Kafka",
    .text =
        "Copies a log, all topics and partitions in their order, into a new folder or to a new prefix on Kafka. A run\n"
        "on the copy goes on as on the log, and makes the same bytes: places that records name, such as the causes\n"
        "of outputs, are those of the copy, and so are ids of schemas where it has them in a registry. Its first\n"
        "start makes states from the tape, since snapshots stay behind; sinks begin with a new store. A process may\n"
        "write to the log meanwhile, but nobody to the copy.\n"
        "\n"
        "The tape and what it is read by always go along, whatever --topic names: --topic tape alone leaves outputs\n"
        "to be made anew.\n"
        "\n"
        "Ended anywhere, it goes on when it is run again: what is there is held against the log, and what lacks is\n"
        "appended, each batch whole or not at all. A copy that holds anything else is refused.\n",
    .options = options,
    .conf_size = sizeof(copy_conf),
    .examples = "  tapedeck log copy --data data --to /backup/data\n"
                "  tapedeck log copy --from data --to market-on-kafka.yaml\n"
                "  tapedeck log copy --kafka b1:9092 --prefix md. --to data --follow\n",
    .run = run,
};
