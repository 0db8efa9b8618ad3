/* src/app/cmd_log.c - `tapedeck log`: what is in a log, its records as JSON, and whether all of it is whole. */
#include "app/cmd_log.h"
#include "app/cmd_log_copy.h"
#include "app/data.h"
#include "app/exit.h"
#include "app/progress.h"
#include "app/registering.h"
#include "base/option.h"
#include "base/time.h"
#include "log/repair.h"
#include "serve/show.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char HELP[] =
    "usage: tapedeck log ls [LOG] [--json]\n"
    "       tapedeck log cat TOPIC [--partition P] [--offset N] [--from-time T] [--to-time T] [--limit N] [--key K]\n"
    "                              [--follow] [LOG]\n"
    "       tapedeck log verify [LOG] [--json]\n"
    "       tapedeck log repair [TOPIC-PARTITION] [--dry-run] [--discard] [--data DIR] [--json]\n"
    "       tapedeck log copy [LOG] --to DIR|FILE [--follow]: see `tapedeck log copy --help`\n"
    "LOG: --data DIR, --config FILE, or --kafka HOST:PORT [--prefix TEXT] [--registry URL]\n"
    "\n"
    "Looks into a log, also while a tapedeck process writes to it. Only repair changes anything in it.\n"
    "\n"
    "  ls      topics and partitions: epoch, first offset, end, records, bytes, segments; on Kafka records are "
    "offsets,\n"
    "          the markers of transactions among them, and the last two are not known\n"
    "  cat     records, one line of JSON each, partition after partition\n"
    "  verify  reads everything: each batch's CRC, offsets without a hole, each record, both indexes; on Kafka all "
    "that\n"
    "          is committed, with the CRC of its batches\n"
    "  repair  takes out what verify finds damaged, while no process writes: its bytes go into OFFSET.damaged beside\n"
    "          the segment, its offsets stay empty, everything behind it is read again\n"
    "  copy    all of it into another log, in a folder or on Kafka\n"
    "\n"
    "  --data DIR       the data folder (default: data)\n"
    "  --config FILE    or the configuration of the run: its log, in a folder or on Kafka\n"
    "  --kafka BROKERS  or the brokers of its log on Kafka, where no login is needed\n"
    "  --prefix TEXT    with --kafka: as log.prefix of the run's configuration\n"
    "  --registry URL   with --kafka: the registry of its schemas, where it has one and no login is needed\n"
    "  --json           one JSON object a line\n"
    "  --partition P    this partition only\n"
    "  --offset N       from offset N on, in each partition shown; -N: the last N\n"
    "  --from-time T    what was appended at T or later: 2026-11-21T14:31:00Z, or Unix seconds, ms, us, ns\n"
    "  --to-time T      what was appended before T\n"
    "  --limit N        at most N records\n"
    "  --key K          records with this key only\n"
    "  --follow         waits for more when all is shown, until Ctrl-C\n"
    "  --dry-run        says what repair would do, and does nothing\n"
    "  --discard        does not keep the bytes that repair takes out\n"
    "\n"
    "examples:\n"
    "  tapedeck log ls\n"
    "  tapedeck log cat bars --key LEAN:IBM --limit 10\n"
    "  tapedeck log cat signals --follow | jq .value\n"
    "  tapedeck log cat tape --from-time 2026-11-21T14:30Z --to-time 2026-11-21T14:31Z\n"
    "  tapedeck log verify --data /var/lib/tapedeck\n"
    "  tapedeck log ls --config market.yaml\n"
    "  tapedeck log cat bars --kafka 127.0.0.1:9092 --prefix md.\n"
    "  tapedeck log repair tape-3 --dry-run --data /var/lib/tapedeck\n"
    "\n"
    "exit codes: 0 all is well, or is now; 1 damage was found (by verify, cat, repair --dry-run); 2 wrong usage; 3 "
    "the\n"
    "log cannot be used, or another process writes in the folder; 4 the machine failed, or no broker answers\n";

enum { FOLLOW_IDLE_US = 100 * 1000 };

typedef struct log_command {
    const char *verb, *topic;
    td_data_conf which;
    td_config_log where; /* what that names */
    bool json, follow, dry_run, discard;
    int64_t partition; /* -1: all */
    int64_t offset, limit;
    int64_t from_ms, to_ms; /* INT64_MIN, INT64_MAX: any */
    const char *key;        /* NULL: any */
    td_log *log;
    td_topic **topics;
    size_t topic_count;
} log_command;

/* `word`: what the text is about, or "". */
static int usage_hint(void) {
    (void)fputs("\n`tapedeck log --help` tells more.\n", stderr);
    return TD_EXIT_USAGE;
}

static int usage(const char *text, const char *word) {
    bool quoted = word[0] != '\0';
    (void)fprintf(stderr, "tapedeck log: %s%s%s%s", text, quoted ? " `" : "", word, quoted ? "`" : "");
    return usage_hint();
}

static int unknown_option(const char *said, const struct option *options) {
    const char *names[24] = {NULL};
    for (size_t i = 0; options[i].name != NULL && i + 1 < sizeof names / sizeof names[0]; i++)
        names[i] = options[i].name;
    const char *nearest = td_nearest(said + strspn(said, "-"), names);
    (void)fprintf(stderr, "tapedeck log: %s: unknown option, or one without its value", said);
    if (nearest != NULL && !td_bytes_equal(td_text(nearest), td_text(said + strspn(said, "-"))))
        (void)fprintf(stderr, "; did you mean \"--%s\"?", nearest);
    return usage_hint();
}

static int fail_of(td_status status) {
    (void)fprintf(stderr, "tapedeck: %s\n", td_trail());
    return status == TD_CORRUPT ? TD_EXIT_CORRUPT : status == TD_CONFIG ? TD_EXIT_CONFIG : TD_EXIT_FAILED;
}

static int worse(int a, int b) { return a > b ? a : b; }

/* --- ls ------------------------------------------------------------------------------------------------------- */

/* Of a partition on Kafka nobody tells it. */
static void put_size(const log_command *c, int64_t bytes, size_t segments) {
    if (bytes >= 0)
        (void)printf(c->json ? ",\"bytes\":%" PRId64 ",\"segments\":%zu}\n" : " %15" PRId64 " %8zu\n", bytes, segments);
    else
        (void)printf(c->json ? "}\n" : " %15s %8s\n", "-", "-");
}

static int list_partitions(log_command *c) {
    if (!c->json) {
        (void)printf("%-20s %9s %6s %12s %12s %12s %15s %8s\n", "topic", "partition", "epoch", "start", "end",
                     "records", "bytes", "segments");
    }
    for (size_t i = 0; i < c->topic_count; i++) {
        const td_topic *t = c->topics[i];
        for (uint32_t p = 0; p < td_topic_partitions(t); p++) {
            int64_t start = td_topic_start(t, p), end = td_topic_end(t, p);
            (void)printf(c->json ? "{\"topic\":\"%s\",\"partition\":%" PRIu32 ",\"epoch\":%" PRId32
                                   ",\"start\":%" PRId64 ",\"end\":%" PRId64 ",\"records\":%" PRId64
                                 : "%-20s %9" PRIu32 " %6" PRId32 " %12" PRId64 " %12" PRId64 " %12" PRId64,
                         td_topic_name(t), p, td_topic_epoch(t, p), start, end, end - start);
            put_size(c, td_topic_bytes(t, p), td_topic_segments(t, p));
        }
    }
    return TD_EXIT_OK;
}

/* --- cat ------------------------------------------------------------------------------------------------------ */

static td_topic *find_topic(const log_command *c, const char *name) {
    for (size_t i = 0; i < c->topic_count; i++) {
        if (strcmp(td_topic_name(c->topics[i]), name) == 0) return c->topics[i];
    }
    return NULL;
}

static td_status load_own_schemas(td_topic *schemas, td_registry *registry) {
    td_reader *reader;
    td_record record;
    td_status status = td_reader_open(&reader, schemas, 0, 0, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    while ((status = td_reader_next(reader, &record)) == TD_OK) {
        if (td_registry_load(registry, record.key, record.value) != TD_OK) {
            (void)fprintf(stderr, "tapedeck log: _schemas, offset %" PRId64 ": %s\n", record.offset, td_trail());
        }
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

/* Without the schemas, or behind one that is not ours, values are shown as bytes. */
static td_status load_schemas(const log_command *c, td_registry **out) {
    td_topic *schemas = find_topic(c, "_schemas");
    if (td_registering_once(out, &td_os_posix, &c->where, TD_REGISTRAR_LOOK) != TD_OK)
        (void)fprintf(stderr, "tapedeck log: %s; values are shown as bytes\n", td_trail());
    if (*out != NULL) return TD_OK;
    *out = td_registry_new();
    return schemas != NULL && c->where.registry == NULL ? load_own_schemas(schemas, *out) : TD_OK;
}

typedef struct cat {
    log_command *c;
    td_topic *topic;
    const td_schema_ids *ids;
    td_reader **readers; /* by partition; NULL: not shown, or corrupt from here on */
    bool *ended;         /* by partition: what comes is too late */
    td_buf line;
    int64_t shown;
    int exit_code;
} cat;

static bool cat_done(const cat *k) { return k->shown >= k->c->limit || ferror(stdout) != 0; }

/* All that one partition has now. True when something was read. */
static bool cat_partition(cat *k, uint32_t p) {
    bool any = false;
    td_status status = TD_OK;
    td_record record;
    while (!cat_done(k) && (status = td_reader_next(k->readers[p], &record)) == TD_OK) {
        any = true;
        k->ended[p] = record.timestamp_ms >= k->c->to_ms; /* append times never go back */
        if (k->ended[p]) break;
        if (k->c->key != NULL && !td_bytes_equal(record.key, td_text(k->c->key))) continue;
        k->line.size = 0;
        td_show_record(&k->line, k->ids, &(td_shown){td_topic_name(k->topic), p, &record, 0});
        td_buf_text(&k->line, "\n");
        (void)fwrite(k->line.data, 1, k->line.size, stdout);
        k->shown++;
    }
    if (status != TD_OK && status != TD_AGAIN) { /* the others go on */
        k->exit_code = worse(k->exit_code, fail_of(status));
        td_reader_close(k->readers[p]);
        k->readers[p] = NULL;
    }
    return any;
}

static td_status cat_open(cat *k) {
    uint32_t count = td_topic_partitions(k->topic);
    k->readers = td_alloc_zero(count, sizeof(td_reader *));
    k->ended = td_alloc_zero(count, sizeof *k->ended);
    td_status status = TD_OK;
    for (uint32_t p = 0; p < count && status == TD_OK; p++) {
        if (k->c->partition >= 0 && k->c->partition != p) continue;
        int64_t offset = k->c->offset >= 0 ? k->c->offset : td_topic_end(k->topic, p) + k->c->offset;
        if (k->c->from_ms != INT64_MIN) status = td_topic_at_time(k->topic, p, k->c->from_ms, &offset);
        if (status == TD_OK) status = td_reader_open(&k->readers[p], k->topic, p, offset, TD_READ_APPENDED);
    }
    return status;
}

static void cat_run(cat *k) {
    uint32_t count = td_topic_partitions(k->topic);
    bool more = true;
    while (more) {
        bool any = false, alive = false;
        for (uint32_t p = 0; p < count && !cat_done(k); p++) {
            if (k->readers[p] == NULL || k->ended[p]) continue;
            any = cat_partition(k, p) || any;
            alive = alive || (k->readers[p] != NULL && !k->ended[p]);
        }
        (void)fflush(stdout);
        more = k->c->follow && alive && !cat_done(k);
        if (more && !any) (void)usleep(FOLLOW_IDLE_US);
    }
}

static int cat_records(log_command *c) {
    cat k = {.c = c, .topic = find_topic(c, c->topic)};
    if (k.topic == NULL) return usage("there is no topic", c->topic);
    if (c->partition >= td_topic_partitions(k.topic)) return usage("that partition does not exist in topic", c->topic);
    td_registry *registry;
    td_status status = load_schemas(c, &registry);
    k.ids = td_registry_ids(registry);
    if (status == TD_OK) status = cat_open(&k);
    if (status == TD_OK)
        cat_run(&k);
    else
        k.exit_code = fail_of(status);
    for (uint32_t p = 0; k.readers != NULL && p < td_topic_partitions(k.topic); p++) td_reader_close(k.readers[p]);
    free(k.readers);
    free(k.ended);
    td_buf_fini(&k.line);
    td_registry_free(registry);
    return k.exit_code;
}

/* --- verify --------------------------------------------------------------------------------------------------- */

typedef struct verify {
    bool terminal;
    int64_t all_bytes, done_bytes; /* done: of the partitions before */
    int64_t begin_ns;
    td_verify total;
} verify;

static void clear_progress(const verify *v) {
    if (v->terminal) (void)fputs("\r\033[K", stderr);
}

static void show_progress(void *arg, int64_t bytes_done) {
    verify *v = arg;
    if (!v->terminal || v->all_bytes <= 0) return;
    char text[TD_PROGRESS_MAX];
    int64_t past_ns = td_os_posix.ops->mono_ns(td_os_posix.self) - v->begin_ns;
    td_progress_text("bytes verified", v->done_bytes + bytes_done, v->all_bytes, past_ns, text);
    (void)fprintf(stderr, "\r%s\033[K", text);
}

static void show_problem(void *arg, const char *line) {
    clear_progress(arg);
    (void)fprintf(stderr, "%s\n", line);
}

static void put_verified(const log_command *c, const td_topic *t, uint32_t p, const td_verify *found) {
    if (c->json) {
        (void)printf("{\"topic\":\"%s\",\"partition\":%" PRIu32 ",\"segments\":%" PRId64 ",\"batches\":%" PRId64
                     ",\"records\":%" PRId64 ",\"bytes\":%" PRId64 ",\"torn_bytes\":%" PRId64 ",\"corrupt\":%" PRId64
                     ",\"index_errors\":%" PRId64 ",\"lost\":%" PRId64 ",\"unindexed\":%" PRId64 "}\n",
                     td_topic_name(t), p, found->segments, found->batches, found->records, found->bytes,
                     found->torn_bytes, found->corrupt, found->index_errors, found->lost, found->unindexed);
        return;
    }
    const char *verdict = found->corrupt > 0 ? "CORRUPT" : found->index_errors > 0 ? "INDEX WRONG" : "ok";
    (void)printf("%s-%" PRIu32 ": %s, %" PRId64 " records", td_topic_name(t), p, verdict, found->records);
    if (found->segments > 0)
        (void)printf(" in %" PRId64 " batches, %" PRId64 " segments", found->batches, found->segments);
    (void)printf(", %" PRId64 " bytes", found->bytes);
    if (found->torn_bytes > 0) (void)printf(", and %" PRId64 " bytes behind the end", found->torn_bytes);
    if (found->lost > 0) (void)printf(", %" PRId64 " offsets lost to a repair", found->lost);
    if (found->unindexed > 0) (void)printf(", %" PRId64 " segments to be indexed anew", found->unindexed);
    (void)printf("\n");
}

static void add_verified(td_verify *total, const td_verify *found) {
    total->segments += found->segments;
    total->batches += found->batches;
    total->records += found->records;
    total->bytes += found->bytes;
    total->torn_bytes += found->torn_bytes;
    total->corrupt += found->corrupt;
    total->index_errors += found->index_errors;
}

static int verify_partition(const log_command *c, verify *v, const td_topic *t, uint32_t p) {
    td_verify found;
    td_verify_conf conf = {.report = show_problem, .progress = show_progress, .arg = v};
    td_status status = td_topic_verify(t, p, &conf, &found);
    clear_progress(v);
    if (status != TD_OK && status != TD_CORRUPT) return fail_of(status);
    put_verified(c, t, p, &found);
    add_verified(&v->total, &found);
    v->done_bytes += found.bytes;
    return status == TD_OK ? TD_EXIT_OK : TD_EXIT_CORRUPT;
}

static int verify_log(log_command *c) {
    verify v = {.terminal = isatty(STDERR_FILENO) == 1, .begin_ns = td_os_posix.ops->mono_ns(td_os_posix.self)};
    int exit_code = TD_EXIT_OK;
    for (size_t i = 0; i < c->topic_count; i++) {
        for (uint32_t p = 0; p < td_topic_partitions(c->topics[i]); p++) v.all_bytes += td_topic_bytes(c->topics[i], p);
    }
    for (size_t i = 0; i < c->topic_count; i++) {
        for (uint32_t p = 0; p < td_topic_partitions(c->topics[i]); p++) {
            exit_code = worse(exit_code, verify_partition(c, &v, c->topics[i], p));
        }
    }
    const td_verify *t = &v.total;
    (void)printf(c->json ? "{\"total\":true,\"segments\":%" PRId64 ",\"records\":%" PRId64 ",\"bytes\":%" PRId64
                           ",\"corrupt\":%" PRId64 ",\"index_errors\":%" PRId64 "}\n"
                         : "total: %" PRId64 " segments, %" PRId64 " records, %" PRId64 " bytes, %" PRId64
                           " damaged places, %" PRId64 " wrong index entries\n",
                 t->segments, t->records, t->bytes, t->corrupt, t->index_errors);
    return exit_code;
}

/* --- the command ----------------------------------------------------------------------------------------------- */

static void note_topic(void *arg, td_topic *topic) {
    log_command *c = arg;
    td_topic **topics = td_alloc((c->topic_count + 1) * sizeof *topics);
    if (c->topic_count > 0) memcpy(topics, c->topics, c->topic_count * sizeof *topics);
    free(c->topics);
    c->topics = topics;
    c->topics[c->topic_count++] = topic;
}

/* `terminal`: where a progress line stands that must go first. */
static void note_report(void *terminal, const char *line) {
    if (terminal != NULL) (void)fputs("\r\033[K", terminal);
    (void)fprintf(stderr, "%s\n", line);
}

static void show_segment(void *terminal, const char *partition, size_t at, size_t count) {
    if (terminal != NULL) (void)fprintf(terminal, "\r%s: segment %zu of %zu\033[K", partition, at, count);
}

static int repair_log(log_command *c) {
    FILE *terminal = isatty(STDERR_FILENO) == 1 ? stderr : NULL;
    if (c->which.config != NULL || c->which.kafka != NULL)
        return usage("repair is for a folder, by --data: a broker repairs its own files", "");
    td_repair_conf conf = {.dir = c->which.data != NULL ? c->which.data : "data",
                           .partition = c->topic,
                           .dry_run = c->dry_run,
                           .discard = c->discard,
                           .report = note_report,
                           .progress = show_segment,
                           .arg = terminal};
    td_repair found;
    td_status status = td_log_repair(&td_os_posix, &conf, &found);
    if (terminal != NULL) (void)fputs("\r\033[K", terminal);
    if (status != TD_OK) return fail_of(status);
    (void)printf(c->json ? "{\"partitions\":%" PRId64 ",\"segments\":%" PRId64 ",\"damaged\":%" PRId64
                           ",\"removed_bytes\":%" PRId64 ",\"lost\":%" PRId64 ",\"kept\":%" PRId64 "}\n"
                         : "%" PRId64 " partitions, %" PRId64 " segments: %" PRId64 " damaged places, %" PRId64
                           " bytes out, %" PRId64 " offsets lost, %" PRId64 " records kept\n",
                 found.partitions, found.segments, found.damaged, found.removed_bytes, found.lost, found.records);
    return c->dry_run && found.damaged > 0 ? TD_EXIT_CORRUPT : TD_EXIT_OK;
}

typedef enum verb_topic { NO_TOPIC, WANTS_TOPIC, MAY_HAVE_TOPIC } verb_topic;

static const struct {
    const char *verb;
    int (*run)(log_command *c);
    verb_topic topic;
    bool opens; /* the log, for reading */
} verbs[] = {{"ls", list_partitions, NO_TOPIC, true},
             {"cat", cat_records, WANTS_TOPIC, true},
             {"verify", verify_log, NO_TOPIC, true},
             {"repair", repair_log, MAY_HAVE_TOPIC, false}};

static int run_verb(log_command *c, size_t verb) {
    /* verify finds the same damage again, and says more about it */
    td_log_report_fn report = verbs[verb].run == verify_log ? NULL : note_report;
    td_status status = td_data_locate(&c->where, &c->which);
    if (status != TD_OK) return fail_of(status);
    status = td_data_open_log(&c->log, &td_os_posix, &c->where, report, NULL);
    if (status != TD_OK) td_config_log_fini(&c->where);
    if (status != TD_OK) return fail_of(status);
    status = td_log_each_topic(c->log, note_topic, c);
    if (status == TD_OK && c->topic_count == 0)
        status = TD_FAIL(TD_CONFIG, "there are no topics: name the log of a run by --data, --config or --kafka");
    int exit_code = status == TD_OK ? verbs[verb].run(c) : fail_of(status);
    if (fflush(stdout) != 0 && exit_code == TD_EXIT_OK) exit_code = TD_EXIT_FAILED;
    free(c->topics);
    td_log_close(c->log);
    td_config_log_fini(&c->where);
    return exit_code;
}

static bool parse_number(const char *text, int64_t least, int64_t *out) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *out = value;
    return errno == 0 && end != text && *end == '\0' && value >= least;
}

/* To the first millisecond that is not before it. */
static bool parse_moment(const char *text, int64_t *out_ms) {
    int64_t ns;
    if (td_time_parse(td_text(text), &ns) != TD_OK) return false;
    *out_ms = ns / TD_NS_PER_MS + (ns % TD_NS_PER_MS > 0);
    return true;
}

/* -1 when all is well, else the exit code. */
static int parse_options(log_command *c, int argc, char **argv) {
    static const struct option options[] = {
        {"data", required_argument, NULL, 'd'},
        {"config", required_argument, NULL, 'c'},
        {"kafka", required_argument, NULL, 'b'},
        {"prefix", required_argument, NULL, 'r'},
        {"registry", required_argument, NULL, 'g'},
        {"json", no_argument, NULL, 'j'},
        {"partition", required_argument, NULL, 'p'},
        {"offset", required_argument, NULL, 'o'},
        {"limit", required_argument, NULL, 'l'},
        {"key", required_argument, NULL, 'k'},
        {"follow", no_argument, NULL, 'f'},
        {"from-time", required_argument, NULL, 's'},
        {"to-time", required_argument, NULL, 'e'},
        {"dry-run", no_argument, NULL, 'n'},
        {"discard", no_argument, NULL, 'x'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    optind = 1;
    opterr = 0; /* said below, with the nearest word */
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        bool good = option != '?';
        if (option == 'd') c->which.data = optarg;
        if (option == 'c') c->which.config = optarg;
        if (option == 'b') c->which.kafka = optarg;
        if (option == 'r') c->which.prefix = optarg;
        if (option == 'g') c->which.registry = optarg;
        if (option == 'j') c->json = true;
        if (option == 'f') c->follow = true;
        if (option == 'n') c->dry_run = true;
        if (option == 'x') c->discard = true;
        if (option == 's') good = parse_moment(optarg, &c->from_ms);
        if (option == 'e') good = parse_moment(optarg, &c->to_ms);
        if (option == 'k') c->key = optarg;
        if (option == 'p') good = parse_number(optarg, 0, &c->partition);
        if (option == 'o') good = parse_number(optarg, INT64_MIN, &c->offset);
        if (option == 'l') good = parse_number(optarg, 0, &c->limit);
        if (option == 'h') return (void)fputs(HELP, stdout), TD_EXIT_OK;
        if (!good)
            return option == '?' ? unknown_option(argv[optind - 1], options) : usage("not a number or a time:", optarg);
    }
    return -1;
}

int td_cmd_log(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "copy") == 0) return td_command_main(&td_command_log_copy, argc - 1, argv + 1);
    log_command c = {.partition = -1, .limit = INT64_MAX, .from_ms = INT64_MIN, .to_ms = INT64_MAX};
    int exit_code = parse_options(&c, argc, argv);
    if (exit_code >= 0) return exit_code;
    if (optind >= argc) return usage("ls, cat, verify, repair or copy?", "");
    c.verb = argv[optind++];
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].verb, c.verb) != 0) continue;
        if (verbs[i].topic == WANTS_TOPIC && optind >= argc)
            return usage("cat which topic? `tapedeck log ls` shows them", "");
        if (verbs[i].topic != NO_TOPIC && optind < argc) c.topic = argv[optind++];
        if (optind < argc) return usage("one too many:", argv[optind]);
        return verbs[i].opens ? run_verb(&c, i) : verbs[i].run(&c);
    }
    return usage("there is no command", c.verb);
}
