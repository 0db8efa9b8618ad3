/* src/app/cmd_check.c - reads what a run would read, in the order of a run, and goes on behind each mistake. */
#include "app/cmd_check.h"
#include "app/beacon.h"
#include "app/data.h"
#include "app/draft.h"
#include "app/exit.h"
#include "app/finding.h"
#include "app/market.h"
#include "app/plan.h"
#include "app/registering.h"
#include "app/sample.h"
#include "app/strategies.h"
#include "base/json.h"
#include "base/time.h"
#include "log/log_kafka.h"
#include "serve/guard.h"
#include "serve/tls.h"
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = 512, TEXT_BYTES = 320 };

typedef struct check_conf {
    td_texts sets;
    bool connect, plan, json;
} check_conf;

typedef struct check {
    const td_os *os;
    const check_conf *conf;
    td_findings findings;
    td_config config;
    td_strategies strategies;
    td_instruments *instruments;
    td_buf feeds;     /* JSON of the samples */
    td_buf plan;      /* JSON, where it was asked for */
    td_buf registry;  /* JSON of what it has, likewise */
    bool text_good;   /* the configuration could be read to its end, without mistakes */
    bool all_sampled; /* every feed gave something: an instrument not met is worth a warning */
} check;

static void tell_error(void *self, const char *text) {
    check *c = self;
    td_finding_add(&c->findings, TD_SEVERITY_ERROR, text);
}

static void tell_warning(void *self, const char *text) {
    check *c = self;
    td_finding_add(&c->findings, TD_SEVERITY_WARNING, text);
}

/* ---- strategies ---- */

/* Messages stand one after another; lines that begin with a space show the source. */
static void tell_messages(check *c, td_buf *messages) {
    td_buf_put(messages, "", 1);
    char *next = (char *)messages->data;
    for (char *line; (line = strsep(&next, "\n")) != NULL;) {
        if (*line == '\0') continue;
        if (*line != ' ')
            tell_error(c, line);
        else if (!c->conf->json)
            (void)puts(line);
    }
}

static void check_strategies(check *c) {
    td_buf messages = {0};
    td_status status = td_strategies_load(&c->strategies, c->os, &c->config, &messages);
    if (messages.size > 0)
        tell_messages(c, &messages);
    else if (status != TD_OK)
        tell_error(c, td_trail());
    else
        td_strategies_tell_never_entering(&c->strategies, tell_warning, c);
    td_buf_fini(&messages);
}

/* ---- feeds ---- */

static void put_sample(td_buf *out, const td_config_feed *feed, const td_sample *s) {
    td_buf_text(out, out->size > 0 ? ",\n{\"name\":" : "\n{\"name\":");
    td_json_put_string(out, td_text(feed->conf.name));
    td_buf_printf(out, ",\"live\":%s", feed->ops->live != NULL ? "true" : "false");
    if (s->connected) td_buf_printf(out, ",\"partitions\":%" PRIu32 ",\"records\":%" PRId64, s->partitions, s->records);
    td_buf_printf(out, ",\"events\":%" PRId64 ",\"rejected\":%" PRId64 ",\"ignored\":%" PRId64 ",\"all\":%s}",
                  s->events, s->rejected, s->ignored, s->all ? "true" : "false");
}

static void show_sample(check *c, const td_config_feed *feed, const td_sample *s) {
    if (c->conf->json) {
        put_sample(&c->feeds, feed, s);
        return;
    }
    if (s->connected)
        (void)printf("%s: live; %" PRIu32 " partitions, %" PRId64 " records to be read; at first %" PRId64
                     " events, %" PRId64 " rejected, %" PRId64 " ignored\n",
                     feed->conf.name, s->partitions, s->records, s->events, s->rejected, s->ignored);
    else if (feed->ops->live != NULL)
        (void)printf("%s: live; not connected by this command\n", feed->conf.name);
    else
        (void)printf("%s: %" PRId64 " events, %" PRId64 " rejected, %" PRId64 " ignored%s\n", feed->conf.name,
                     s->events, s->rejected, s->ignored, s->all ? "" : ", and more");
}

static void judge_connection(check *c, const td_config_feed *feed, const td_sample *s) {
    char text[PATH_BYTES + TD_SAMPLE_TEXT];
    if (s->failure[0] == '\0') return;
    (void)snprintf(text, sizeof text, "%s: %s; %s", feed->place, s->failure,
                   s->denied ? "see its `properties` and `password`, and allow READ and DESCRIBE on the topic"
                             : "a run would wait for that");
    tell_error(c, text);
}

static void judge_sample(check *c, const td_config_feed *feed, const td_sample *s) {
    char text[PATH_BYTES + TD_SAMPLE_TEXT];
    if (s->unreadable > 0) {
        (void)snprintf(text, sizeof text, "%s: %" PRId64 " of its files cannot be read to the end; the first: %s",
                       feed->place, s->unreadable, s->first);
        tell_error(c, text);
        return;
    }
    const char *what = s->events == 0 && s->all ? "gives no event" : s->rejected > 0 ? "gives what is no event" : NULL;
    if (what != NULL) {
        (void)snprintf(text, sizeof text, "%s: %s: of its first %" PRId64 " messages %" PRId64 " would be rejected%s%s",
                       feed->place, what, s->events + s->rejected + s->ignored, s->rejected,
                       s->rejected > 0 ? "; the first: " : "", s->first);
        tell_warning(c, text);
    }
    bool first = feed == c->config.feeds || feed[-1].place == NULL || strcmp(feed[-1].place, feed->place) != 0;
    if (first && td_config_feed_is_endless(feed)) { /* of several connections one speaks for all */
        (void)snprintf(text, sizeof text, "%s: never ends by itself, nor does `run --until-end`", feed->place);
        tell_warning(c, text);
    }
}

/* Errors begin with the key. */
static void tell_of_feed(check *c, const td_config_feed *feed) {
    td_buf text = {0};
    td_buf_printf(&text, "%s.%s%c", feed->place, td_trail(), '\0');
    tell_error(c, (const char *)text.data);
    td_buf_fini(&text);
}

/* False: the feed needs a registry that does not answer, which is told. */
static bool check_schemas(check *c, const td_config_feed *feed) {
    if (td_sample_ask_registry(c->os, &feed->conf) == TD_OK) return true;
    tell_of_feed(c, feed);
    return false;
}

static void check_feed(check *c, const td_config_feed *feed) {
    void *opened = NULL;
    td_sample s = {0};
    bool connect = c->conf->connect && td_sample_connects(feed->ops);
    td_status status = feed->ops->open(&opened, c->os, &feed->conf, c->instruments);
    bool answered = status != TD_OK || !connect || check_schemas(c, feed);
    if (status == TD_OK) status = td_sample_take(&s, c->os, feed->ops, opened, connect);
    if (status != TD_OK) {
        tell_of_feed(c, feed);
    } else {
        show_sample(c, feed, &s);
        if (answered || !s.connected) judge_connection(c, feed, &s);
        judge_sample(c, feed, &s);
    }
    c->all_sampled = c->all_sampled && s.events > 0 && feed->ops->live == NULL; /* what else comes live nobody knows */
    feed->ops->close(opened);
}

static void check_feeds(check *c) {
    c->all_sampled = true;
    for (size_t i = 0; i < c->config.feed_count; i++) {
        if (c->config.feeds[i].place != NULL)
            check_feed(c, &c->config.feeds[i]);
        else
            c->all_sampled = false;
    }
    if (c->all_sampled) td_strategies_tell_idle(&c->strategies, c->instruments, tell_warning, c);
}

/* ---- the log ---- */

static void note_tape(void *tape, td_topic *topic) {
    if (strcmp(td_topic_name(topic), "tape") == 0) *(td_topic **)tape = topic;
}

/* Others than the tape may have been made by somebody else, too. */
static void check_count(void *self, td_topic *topic) {
    check *c = self;
    char text[PATH_BYTES];
    const char *name = td_topic_name(topic);
    uint32_t count = td_topic_partitions(topic),
             wanted = td_topics_partitions_of(name, (uint32_t)c->config.log.partitions);
    if (wanted == 0 || wanted == count || strcmp(name, "tape") == 0) return;
    (void)snprintf(text, sizeof text, "log: topic %s has %u partitions and must have %u: remove it while it is empty",
                   name, count, wanted);
    tell_error(c, text);
}

/* A run may be under way. TD_AGAIN: there is nothing to be asked; where there is no folder, a run makes it. */
static td_status open_log(check *c, td_log **out) {
    const td_config_log *log = &c->config.log;
    if (log->kafka != NULL ? !c->conf->connect : !c->os->ops->exists(c->os->self, log->dir)) return TD_AGAIN;
    /* What a client's library retries is no finding; what it cannot do comes with what fails. */
    td_status status = td_data_open_log(out, c->os, log, log->kafka != NULL ? NULL : tell_warning, c);
    return status == TD_OK || log->kafka != NULL ? status : TD_FAIL(status, "log.dir: %s", td_trail());
}

static void tell_of_cluster(void *self, bool bad, const char *text) {
    char line[PATH_BYTES + TEXT_BYTES];
    (void)snprintf(line, sizeof line, "log.kafka: %s", text);
    (bad ? tell_error : tell_warning)(self, line);
}

static void check_counts(check *c, td_log *log, const td_topic *tape) {
    const td_config_log *conf = &c->config.log;
    char text[PATH_BYTES + 128];
    if (tape == NULL || td_topic_partitions(tape) == conf->partitions) {
        if (td_log_each_topic(log, check_count, c) != TD_OK) tell_error(c, td_trail());
        return;
    }
    (void)snprintf(text, sizeof text,
                   "log.partitions: %" PRId64 ", but the log in %s has %u; write that, or name another log.%s",
                   conf->partitions, conf->kafka != NULL ? conf->kafka : conf->dir, td_topic_partitions(tape),
                   conf->kafka != NULL ? "prefix" : "dir");
    tell_error(c, text);
}

static void check_log(check *c) {
    const td_config_log *conf = &c->config.log;
    td_topic *tape = NULL;
    td_log *log;
    if (conf->kafka != NULL && conf->registry == NULL && conf->prefix[0] == '\0')
        tell_warning(c,
                     "log.prefix: without one the topic of schemas is `_schemas`, as that of Confluent's registry is: "
                     "give one where such a registry runs");
    td_status status = open_log(c, &log);
    if (status != TD_OK) {
        if (status != TD_AGAIN) tell_error(c, td_trail());
        return;
    }
    status = td_log_each_topic(log, note_tape, &tape);
    if (status == TD_OK && c->text_good) check_counts(c, log, tape);
    if (status == TD_OK && conf->kafka != NULL)
        status = td_log_kafka_examine(log, TD_TOPICS_SNAPSHOTS, tell_of_cluster, c);
    if (status != TD_OK) tell_error(c, td_trail());
    td_log_close(log);
}

/* What it has of our schemas, and whether it would take the rest. */
static void check_registry(check *c) {
    td_registry *registry;
    int there = 0;
    if (c->config.log.registry == NULL || !c->conf->connect) return;
    if (td_registering_once(&registry, c->os, &c->config.log, TD_REGISTRAR_JUDGE) != TD_OK) {
        tell_error(c, td_trail());
        return;
    }
    for (int i = 0; i < TD_SCHEMA_COUNT; i++) there += td_registry_ids(registry)->id[i] >= 0;
    if (c->conf->json)
        td_buf_printf(&c->registry, ",\"registry\":{\"schemas\":%d,\"there\":%d}", (int)TD_SCHEMA_COUNT, there);
    else
        (void)printf("registry %s: has %d of %d schemas, %s\n", c->config.log.registry, there, (int)TD_SCHEMA_COUNT,
                     there < TD_SCHEMA_COUNT ? "takes the others" : "which is all");
    td_registry_free(registry);
}

/* Nothing is made here: the nearest folder that is there must let a run make the rest. */
static void check_folder(check *c) {
    char path[PATH_BYTES], text[PATH_BYTES * 2], *nearest = path;
    (void)snprintf(path, sizeof path, "%s", c->config.log.dir);
    while (access(nearest, F_OK) != 0 && errno == ENOENT) nearest = dirname(nearest);
    if (access(nearest, W_OK | X_OK) == 0) return;
    (void)snprintf(text, sizeof text, "log.dir: %s: %s: %s; name a folder that can be written", c->config.log.dir,
                   nearest, strerror(errno));
    tell_error(c, text);
}

/* ---- sinks and server ---- */

static td_status try_listen(const td_listen *listen_at) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found;
    char port[8];
    int on = 1;
    (void)snprintf(port, sizeof port, "%u", listen_at->port);
    if (getaddrinfo(listen_at->host, port, &hints, &found) != 0)
        return TD_FAIL(TD_CONFIG, "serve.listen: %s is no address of this machine", listen_at->host);
    int fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (fd >= 0) (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool bound = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 1) == 0;
    if (fd >= 0) (void)close(fd);
    freeaddrinfo(found);
    if (bound) return TD_OK;
    return TD_FAIL(TD_CONFIG, "serve.listen: another program has %s:%s; choose another port", listen_at->host, port);
}

static void check_server(check *c) {
    td_guard guard;
    if (!c->config.serve_on) return;
    td_status status = td_guard_init(&guard, &c->config.serve);
    if (status == TD_OK && guard.tls) status = td_tls_check(c->config.serve.cert, c->config.serve.key);
    if (status == TD_OK && c->conf->connect) status = try_listen(&guard.listen);
    if (status != TD_OK) tell_error(c, td_trail());
}

static void check_market(check *c) {
    td_market market;
    if (td_market_load(&market, c->os, &c->config) == TD_OK)
        td_market_fini(&market);
    else
        tell_error(c, td_trail());
}

static void check_sinks(check *c) {
    for (size_t i = 0; i < c->config.sink_count; i++) {
        const td_config_sink *sink = &c->config.sinks[i];
        void *opened = NULL;
        if (sink->place == NULL) continue;
        if (sink->ops->open(&opened, c->os, &sink->conf) == TD_OK) {
            sink->ops->close(opened);
            continue;
        }
        char text[PATH_BYTES * 2];
        (void)snprintf(text, sizeof text, "%s: %s", sink->place, td_trail());
        tell_error(c, text);
    }
}

/* ---- the whole ---- */

/* What others make of the machine meanwhile does not count. */
static int64_t processor_ns(void *clock) {
    struct timespec used;
    (void)clock;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return used.tv_sec * TD_NS_PER_S + used.tv_nsec;
}

static void show_plan(check *c) {
    td_buf text = {0};
    td_program *program;
    if (td_draft_compile(&program, c->os, &c->config) != TD_OK) {
        tell_error(c, td_trail());
        return;
    }
    const td_plan_question q = {.program = program, .instruments = c->instruments, .now_ns = processor_ns};
    if (c->conf->json) {
        td_buf_text(&c->plan, ",\"plan\":");
        td_plan_put_json(&q, &c->plan);
    } else {
        td_plan_put_text(&q, &text);
        (void)fwrite(text.data, 1, text.size, stdout);
    }
    td_buf_fini(&text);
    td_program_free(program);
}

static void show_verdict(const check *c, const char *file) {
    const td_findings *f = &c->findings;
    if (c->conf->json) {
        (void)printf("{\"ok\":%s,\"errors\":%zu,\"warnings\":%zu,\"findings\":[%.*s],\"feeds\":[%.*s]%.*s%.*s}\n",
                     f->errors == 0 ? "true" : "false", f->errors, f->warnings, (int)f->list.size,
                     f->list.size > 0 ? (const char *)f->list.data : "", (int)c->feeds.size,
                     c->feeds.size > 0 ? (const char *)c->feeds.data : "", (int)c->plan.size,
                     c->plan.size > 0 ? (const char *)c->plan.data : "", (int)c->registry.size,
                     c->registry.size > 0 ? (const char *)c->registry.data : "");
        return;
    }
    (void)printf("%s: %s: %zu error%s, %zu warning%s\n", file, f->errors == 0 ? "good" : "not good", f->errors,
                 f->errors == 1 ? "" : "s", f->warnings, f->warnings == 1 ? "" : "s");
}

static void check_configuration(check *c, const char *file) {
    td_config_source source = {c->os, file, (const char *const *)c->conf->sets.items, c->conf->sets.count};
    c->text_good = td_config_check(&c->config, &source, tell_error, c) == TD_OK;
    check_strategies(c);
    if (c->text_good && c->findings.errors == 0 && c->strategies.graph_count == 0 && c->config.width_count == 0)
        tell_error(c, "bars: no width is given, and no strategy names one; write `bars: [1m]`");
    check_feeds(c);
    if (c->text_good) check_market(c);
    check_log(c);
    check_registry(c);
    check_server(c);
    if (!c->conf->connect) return;
    check_folder(c);
    if (td_beacon_ask_lock(c->os, c->config.log.dir) != TD_OK) tell_error(c, td_trail());
    check_sinks(c);
}

/* A file of strategies by itself, as if a configuration named it alone, beside bars of 1m, with the instrument table
 * that `tapedeck test` would take. */
static void check_strategy(check *c, const char *file) {
    char table[PATH_BYTES];
    td_config_default(&c->config);
    c->config.widths_ns[c->config.width_count++] = TD_NS_PER_MIN;
    int size = snprintf(table, sizeof table, "%.*s/instruments.csv", (int)(strlen(file) - strlen(".td")), file);
    bool there = size > 0 && (size_t)size < sizeof table && c->os->ops->exists(c->os->self, table);
    if (there) c->config.instruments = td_copy_text(table);
    c->config.strategies[c->config.strategy_count++] = td_copy_text(file);
    check_strategies(c);
    c->text_good = c->findings.errors == 0;
}

static int run(void *conf, const char *const *words) {
    check c = {.os = &td_os_posix, .conf = conf, .instruments = td_instruments_new()};
    bool strategy = td_text_ends(words[0], ".td");
    c.findings.json = c.conf->json;
    if (strategy && (c.conf->connect || c.conf->sets.count > 0))
        return td_command_usage("check", "belongs to a configuration, not to a file of strategies:",
                                c.conf->connect ? "--connect" : "--set");
    (strategy ? check_strategy : check_configuration)(&c, words[0]);
    if (c.conf->plan && c.strategies.graph_count > 0 && c.findings.errors == 0) show_plan(&c);
    show_verdict(&c, words[0]);
    int code = !c.text_good ? TD_EXIT_USAGE : c.findings.errors > 0 ? TD_EXIT_CONFIG : TD_EXIT_OK;
    td_strategies_fini(&c.strategies);
    td_instruments_free(c.instruments);
    td_config_fini(&c.config);
    td_findings_fini(&c.findings);
    td_buf_fini(&c.registry);
    td_buf_fini(&c.plan);
    td_buf_fini(&c.feeds);
    return code;
}

static const td_option options[] = {
    {.key = "connect",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(check_conf, connect),
     .help = "also try what a run takes: lock, port, sinks (made), clusters' logins, rights, topics, schemas"},
    {.key = "plan",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(check_conf, plan),
     .help = "also what strategies compile to: nodes, the events they need, memory, time per event"},
    {.key = "json",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(check_conf, json),
     .help = "one JSON object: ok, errors, warnings, findings with file, line, column, key; feeds"},
    {.key = "set",
     .type = TD_OPTION_TEXTS,
     .unit = "KEY=VALUE",
     .offset = offsetof(check_conf, sets),
     .help = "override a key of FILE, as `run` does"},
    {0},
};

const td_command td_command_check = {
    .name = "check",
    .words = "FILE",
    .words_least = 1,
    .words_most = 1,
    .summary = "find what is wrong with a configuration or a strategy before it runs",
    .text =
        "Reads the configuration FILE, its strategies and the beginning of its inputs, and tells all mistakes at\n"
        "once, each with file, line, key and the nearest valid word. A FILE that ends in .td holds strategies and is\n"
        "read alone. Writes nothing. Answers 2 for mistakes in FILE, 3 where something that it names cannot be used;\n"
        "warnings alone answer 0.\n",
    .options = options,
    .conf_size = sizeof(check_conf),
    .examples = "  tapedeck check market.yaml\n"
                "  tapedeck check --plan momentum.td\n"
                "  tapedeck check --plan market.yaml\n"
                "  tapedeck check --connect --json market.yaml | jq .findings\n",
    .run = run,
};
