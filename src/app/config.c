/* src/app/config.c - from the tree to the struct: each section has one reader, each setting one row. */
#include "app/config_reader.h"
#include "app/role.h"
#include "app/secret.h"
#include "base/secret.h"
#include "base/time.h"
#include "feed/glob.h"
#include "feed/route.h"
#include "flow/topics.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 1 << 20, KEYS_MAX = 256 };

#define WIDTH_MAX_NS (366 * TD_NS_PER_DAY)

static const td_option log_rows[] = {
    {.key = "dir",
     .type = TD_OPTION_TEXT,
     .fallback = "data",
     .offset = offsetof(td_config_log, dir),
     .help = "folder of the log; one process writes it"},
    {.key = "kafka",
     .type = TD_OPTION_TEXT,
     .unit = "HOST:PORT",
     .offset = offsetof(td_config_log, kafka),
     .help = "brokers of a Kafka cluster that keeps the log, with commas between them; `dir` then holds hourly "
             "snapshots and "
             "what sinks lack, and belongs to that log alone; unset: the log is in `dir`"},
    {.key = "prefix",
     .type = TD_OPTION_TEXT,
     .fallback = "",
     .offset = offsetof(td_config_log, prefix),
     .help = "on Kafka: of the names of topics, transactions and groups"},
    {.key = "replicas",
     .type = TD_OPTION_INT,
     .max = 100,
     .unit = "brokers",
     .offset = offsetof(td_config_log, replicas),
     .help = "on Kafka: that hold each partition of topics that are made; unset: as the brokers say"},
    {.key = "properties",
     .type = TD_OPTION_PAIRS,
     .offset = offsetof(td_config_log, properties),
     .help =
         "on Kafka: librdkafka's, such as { security.protocol: sasl_ssl, sasl.mechanism: PLAIN, sasl.username: me }; "
         "those that are secrets by ${VARIABLE}"},
    {.key = "password",
     .type = TD_OPTION_SECRET,
     .offset = offsetof(td_config_log, password),
     .help = "on Kafka: sasl.password, by ${VARIABLE}"},
    {.key = "password_file",
     .type = TD_OPTION_TEXT,
     .unit = "FILE",
     .offset = offsetof(td_config_log, password_file),
     .help = "or the file that holds it"},
    {.key = "registry",
     .type = TD_OPTION_TEXT,
     .unit = "URL",
     .offset = offsetof(td_config_log, registry),
     .help = "on Kafka: a schema registry of Confluent's API that has the log's schemas, such as http://host:8081; "
             "unset: the log keeps them itself, in its topic `_schemas`"},
    {.key = "registry_user",
     .type = TD_OPTION_TEXT,
     .offset = offsetof(td_config_log, registry_user),
     .help = "who asks the registry, by basic authentication"},
    {.key = "registry_password",
     .type = TD_OPTION_SECRET,
     .offset = offsetof(td_config_log, registry_password),
     .help = "and the password, by ${VARIABLE}"},
    {.key = "registry_password_file",
     .type = TD_OPTION_TEXT,
     .unit = "FILE",
     .offset = offsetof(td_config_log, registry_password_file),
     .help = "or the file that holds it"},
    {.key = "registry_ca",
     .type = TD_OPTION_TEXT,
     .unit = "FILE",
     .offset = offsetof(td_config_log, registry_ca),
     .help = "certificates that the registry's https:// is trusted by; unset: the machine's"},
    {.key = "publish",
     .type = TD_OPTION_TEXTS,
     .offset = offsetof(td_config_log, publish),
     .help = "topics for everybody else, of what was accepted: trades, quotes, news; NAME_json of each, and of bars, "
             "signals, fills, gaps, quarantine: the same records as JSON; or none. Unset: trades, quotes and news on "
             "Kafka, none in a folder"},
    {.key = "partitions",
     .type = TD_OPTION_INT,
     .fallback = "8",
     .min = 1,
     .max = TD_PARTITIONS_MAX,
     .offset = offsetof(td_config_log, partitions),
     .unit = "partitions",
     .help = "of each topic; part of a log's identity: another count is refused"},
    {.key = "segment",
     .type = TD_OPTION_BYTES,
     .fallback = "256MB",
     .min = 1 << 12,
     .max = 1 << 30,
     .offset = offsetof(td_config_log, segment_bytes),
     .help = "a segment file is closed at this size"},
    {.key = "retain",
     .type = TD_OPTION_BYTES,
     .fallback = "20GB",
     .offset = offsetof(td_config_log, retain_bytes),
     .help = "size of the log, raw capture aside, beyond which the oldest segments go; on Kafka of each topic; 0: keep "
             "all"},
    {.key = "retain_time",
     .type = TD_OPTION_DURATION,
     .fallback = "0s",
     .max = 36500.0 * (double)TD_NS_PER_DAY,
     .offset = offsetof(td_config_log, retain_ns),
     .help = "age of its last append at which a segment goes; 0s: keep all"},
    {.key = "raw_retain",
     .type = TD_OPTION_BYTES,
     .fallback = "10GB",
     .offset = offsetof(td_config_log, raw_retain_bytes),
     .help = "as retain, of what feeds with `raw` keep: topics raw.*; 0: keep all"},
    {.key = "raw_retain_time",
     .type = TD_OPTION_DURATION,
     .fallback = "0s",
     .max = 36500.0 * (double)TD_NS_PER_DAY,
     .offset = offsetof(td_config_log, raw_retain_ns),
     .help = "as retain_time, of topics raw.*"},
    {.key = "segment_time",
     .type = TD_OPTION_DURATION,
     .fallback = "7d",
     .max = 36500.0 * (double)TD_NS_PER_DAY,
     .offset = offsetof(td_config_log, segment_ns),
     .help = "a segment file is closed at this age, too; 0s: never"},
    {.key = "snapshots",
     .type = TD_OPTION_INT,
     .fallback = "48",
     .max = 10000,
     .offset = offsetof(td_config_log, snapshots_kept),
     .unit = "snapshots",
     .help = "of each hour of the tape's clock, kept per partition for a quick look back; 0: the newest alone"},
    {.key = "codec",
     .type = TD_OPTION_CHOICE,
     .fallback = "none",
     .choices = "none|lz4|zstd",
     .offset = offsetof(td_config_log, codec),
     .help = "of record batches"},
    {.key = "disk_warn",
     .type = TD_OPTION_INT,
     .fallback = "90",
     .min = 1,
     .max = 100,
     .offset = offsetof(td_config_log, disk.tight_percent),
     .unit = "percent",
     .help = "of the disk used: people are told"},
    {.key = "disk_shed",
     .type = TD_OPTION_INT,
     .fallback = "95",
     .min = 1,
     .max = 100,
     .offset = offsetof(td_config_log, disk.short_percent),
     .unit = "percent",
     .help = "of the disk used: raw capture stops, the oldest segments go, unless all are kept (retain, "
             "retain_time: 0)"},
    {.key = "disk_stop",
     .type = TD_OPTION_INT,
     .fallback = "99",
     .min = 1,
     .max = 100,
     .offset = offsetof(td_config_log, disk.full_percent),
     .unit = "percent",
     .help = "of the disk used: feeds wait, and go on by themselves when there is room"},
    {.key = "disk_slack",
     .type = TD_OPTION_INT,
     .fallback = "1",
     .max = 50,
     .offset = offsetof(td_config_log, disk.slack_percent),
     .unit = "percent",
     .help = "so much less must be used until one of these is over"},
    {.key = "disk_reserve",
     .type = TD_OPTION_BYTES,
     .fallback = "16MB",
     .offset = offsetof(td_config_log, disk.reserve_bytes),
     .help = "kept in the folder to end cleanly on a full disk; at most a 16th of it; 0: none"},
    {.key = "sync_interval",
     .type = TD_OPTION_DURATION,
     .fallback = "200ms",
     .min = 1e6,
     .max = 60e9,
     .offset = offsetof(td_config_log, sync_interval_ns),
     .help = "time between two syncs to disk: what a power cut may cost, and how far sinks are behind"},
    {.key = "commit_interval",
     .type = TD_OPTION_DURATION,
     .fallback = "100ms",
     .max = 1e9,
     .offset = offsetof(td_config_log, commit_interval_ns),
     .help =
         "on Kafka: what is recorded, and results of a partition, wait for more until so long after the last commit, "
         "so that there are fewer transactions of more; 0s: a commit follows the one before at once"},
    {0},
};

static const td_option top_rows[] = {
    {.key = "hours",
     .type = TD_OPTION_CHOICE,
     .fallback = "regular",
     .choices = "all|regular",
     .offset = offsetof(td_config, hours),
     .help = "trades that make bars: those of the venue's sessions, where its calendar has regular hours, or all"},
    {.key = "instruments",
     .type = TD_OPTION_TEXT,
     .offset = offsetof(td_config, instruments),
     .help = "file of the instrument table; unset: LEAN:* by the calendar us-equities, all others by 24x7"},
    {.key = "grace",
     .type = TD_OPTION_DURATION,
     .fallback = "60s",
     .max = 86400e9,
     .offset = offsetof(td_config, grace_ns),
     .help = "how long after its close a bar takes late trades and is given again as a revision, within 256 of its "
             "widths; 0s: never"},
    {.key = "repair_horizon",
     .type = TD_OPTION_DURATION,
     .fallback = "1d",
     .max = 7 * 86400e9,
     .offset = offsetof(td_config, repair_horizon_ns),
     .help =
         "how long after its close the release of a refused trade still revises a bar, within 256 of its widths; 0s: "
         "no longer than grace"},
    {.key = "workers",
     .type = TD_OPTION_INT,
     .min = 1,
     .max = TD_PARTITIONS_MAX,
     .offset = offsetof(td_config, workers),
     .unit = "threads",
     .help = "that share the partitions; unset: one per processor, on Kafka one per partition; never changes a "
             "result"},
    {.key = "drain",
     .type = TD_OPTION_DURATION,
     .fallback = "10s",
     .min = 0,
     .max = 3600e9,
     .offset = offsetof(td_config, drain_ns),
     .help = "after SIGTERM or SIGINT: how long what was received may take to reach the sinks"},
    {.key = "log_format",
     .type = TD_OPTION_CHOICE,
     .fallback = "text",
     .choices = "text|json",
     .offset = offsetof(td_config, log_format),
     .help = "of the lines on standard error: for people, or one JSON object each"},
    {0},
};

typedef struct td_config_reader reader;

/* ---- sections: config_plugs.c has those of feeds and sinks ---- */

static td_status add_width(reader *r, td_node node, const char *section, const char *text, void *arg) {
    (void)arg;
    td_config *c = r->config;
    int64_t ns;
    if (td_width_parse(td_text(text), &ns) != TD_OK)
        return td_tree_fail(&r->tree, node,
                            "%s: \"%s\" is not a width such as 1s, 5m, 1m filled, 100 trades or 5000 volume", section,
                            text);
    int64_t span_ns = td_width_span_ns(ns);
    if (td_width_is_timed(ns) && (span_ns < TD_NS_PER_MS || span_ns % TD_NS_PER_MS != 0 || span_ns > WIDTH_MAX_NS))
        return td_tree_fail(&r->tree, node, "%s: %s is not a whole number of milliseconds within 1ms to 366d", section,
                            text);
    size_t at = 0;
    while (at < c->width_count && c->widths_ns[at] < ns) at++;
    if (at < c->width_count && c->widths_ns[at] == ns) return TD_OK;
    if (c->width_count == TD_WIDTHS_MAX)
        return td_tree_fail(&r->tree, node, "%s: %d widths are the most there can be", section, TD_WIDTHS_MAX);
    for (size_t i = c->width_count++; i > at; i--) c->widths_ns[i] = c->widths_ns[i - 1];
    c->widths_ns[at] = ns;
    return TD_OK;
}

static td_status read_bars(reader *r, const char *section, td_node node) {
    return td_config_read_texts(r, section, node, add_width, NULL);
}

static td_status add_strategies(reader *r, td_node node, const char *section, const char *text, void *arg) {
    (void)arg;
    td_config *c = r->config;
    td_paths paths;
    td_status status = td_glob(r->os, text, &paths);
    if (status == TD_OK && paths.count == 0) status = td_tree_fail(&r->tree, node, "%s: no file \"%s\"", section, text);
    td_paths_fini(&paths);
    if (status != TD_OK) return status;
    if (c->strategy_count == TD_CONFIG_LIST_MAX)
        return td_tree_fail(&r->tree, node, "%s: %d are the most there can be", section, TD_CONFIG_LIST_MAX);
    c->strategies[c->strategy_count++] = td_copy_text(text);
    return TD_OK;
}

static td_status read_strategies(reader *r, const char *section, td_node node) {
    return td_config_read_texts(r, section, node, add_strategies, NULL);
}

static void unset_empty(char **text) {
    if (*text == NULL || **text != '\0') return;
    free(*text);
    *text = NULL;
}

uint32_t td_config_published(const td_config_log *log) {
    static const td_output unasked[] = {TD_OUTPUT_TRADES, TD_OUTPUT_QUOTES, TD_OUTPUT_NEWS};
    uint32_t published = 0;
    for (size_t i = 0; i < log->publish.count; i++) published |= td_topics_published(log->publish.items[i]);
    for (size_t i = 0; i < sizeof unasked / sizeof unasked[0]; i++)
        if (log->publish.count == 0 && log->kafka != NULL) published |= td_topics_bit(unasked[i]);
    return published;
}

static td_status check_published(reader *r, td_node node, const td_texts *publish) {
    const char *words[TD_OUTPUT_COUNT - TD_OUTPUT_PUBLISHED + 2] = {"none"};
    for (int i = TD_OUTPUT_PUBLISHED; i < TD_OUTPUT_COUNT; i++)
        words[i - TD_OUTPUT_PUBLISHED + 1] = td_topics_name((td_output)i);
    for (size_t i = 0; i < publish->count; i++) {
        const char *name = publish->items[i], *nearest = td_nearest(name, words);
        if (strcmp(name, "none") == 0 && publish->count > 1)
            return td_tree_fail(&r->tree, node, "log.publish: none stands alone");
        if (td_topics_published(name) == 0 && strcmp(name, "none") != 0)
            return td_tree_fail(&r->tree, node, "log.publish: \"%s\" is no topic that is published%s%s%s", name,
                                nearest != NULL ? "; did you mean \""
                                                : ": trades, quotes, news, bars_json and others, or none",
                                nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
    }
    return TD_OK;
}

static td_status read_log(reader *r, const char *section, td_node node) {
    (void)section;
    td_config_log *log = &r->config->log;
    td_status status = td_config_read_options(r, "log.", node, log_rows, log, NULL);
    unset_empty(&log->kafka); /* --set log.kafka= goes back to the folder */
    unset_empty(&log->registry);
    if (status == TD_OK) status = check_published(r, node, &log->publish);
    if (status != TD_OK || log->registry == NULL || log->kafka != NULL) return status;
    return td_tree_fail(&r->tree, node,
                        "log.registry: a log in a folder keeps its schemas itself; it belongs to "
                        "log.kafka");
}

/* off, on, or a map of settings, which means on. */
static td_status read_serve(reader *r, const char *section, td_node node) {
    const char *text = "";
    bool word = td_tree_kind(&r->tree, node) == TD_NODE_TEXT;
    td_status status = word ? td_tree_read(&r->tree, node, &text) : TD_OK;
    if (status != TD_OK) return status;
    r->config->serve_on = true;
    if (!word) return td_config_read_options(r, "serve.", node, td_serve_options, &r->config->serve, NULL);
    static const td_option rows[] = {{.key = "serve", .type = TD_OPTION_BOOL}, {0}};
    if (*text == '\0' || td_options_set(rows, &r->config->serve_on, section, text) == TD_OK) return TD_OK;
    return td_tree_fail(&r->tree, node, "%s: \"%s\" is not on, off or { listen: … }", section, text);
}

static td_status read_speed(reader *r, const char *section, td_node node) {
    const char *text = "";
    td_status status = td_tree_kind(&r->tree, node) == TD_NODE_TEXT ? td_tree_read(&r->tree, node, &text) : TD_OK;
    if (status != TD_OK) return status;
    if (strcmp(text, "max") == 0) {
        r->config->speed = 0;
        return TD_OK;
    }
    char *end;
    r->config->speed = strtod(text, &end);
    bool plain = strspn(text, "0123456789.") == (size_t)(end - text) && end > text && strcmp(end, "x") == 0;
    if (plain && r->config->speed >= 0.001 && r->config->speed <= 1e6) return TD_OK;
    return td_tree_fail(&r->tree, node, "%s: \"%s\" is not max or a speed such as 1x or 60x", section, text);
}

static td_status read_top(reader *r, const char *section, td_node node) {
    const char *text = "";
    if (td_tree_kind(&r->tree, node) != TD_NODE_TEXT)
        return td_tree_fail(&r->tree, node, "%s: one value is expected", section);
    td_status status = td_tree_read(&r->tree, node, &text);
    if (status != TD_OK) return status;
    if (td_options_set(top_rows, r->config, section, text) == TD_OK) return TD_OK;
    return td_tree_fail(&r->tree, node, "%s", td_trail());
}

#define WIDTH_PATTERN "^([0-9]+(ms|s|m|h|d)( ?filled)?( ?extended)?|[0-9]+ ?trades|[0-9]+([.][0-9]+)? ?volume)$"

const td_config_key td_config_keys[] = {
    {.key = "feeds", .shape = TD_KEY_FEEDS, .read = td_config_read_feeds, .help = "where events come from; needed"},
    {.key = "bars",
     .shape = TD_KEY_LIST,
     .read = read_bars,
     .pattern = WIDTH_PATTERN,
     .help = "widths such as [1s, 5m, 1m filled, 100 trades, 5000 volume], at most 8 with those that strategies name, "
             "which are added by themselves"},
    {.key = "strategies",
     .shape = TD_KEY_LIST,
     .read = read_strategies,
     .pattern = ".",
     .help = "files of strategies, or globs: [\"strategies/*.td\"], which files may come to and go from while it runs"},
    {.key = "log",
     .shape = TD_KEY_MAP,
     .read = read_log,
     .rows = log_rows,
     .help = "where the log is and how large it may grow"},
    {.key = "sinks",
     .shape = TD_KEY_SINKS,
     .read = td_config_read_sinks,
     .help = "where bars and signals go besides the log"},
    {.key = "serve",
     .shape = TD_KEY_SWITCH,
     .read = read_serve,
     .rows = td_serve_options,
     .fallback = "off",
     .help = "dashboard and API: on, off, or its settings, which means on"},
    {.key = "speed",
     .shape = TD_KEY_VALUE,
     .read = read_speed,
     .pattern = "^(max|[0-9.]+x)$",
     .fallback = "1x, or max with --until-end",
     .help = "pace of the whole run: 60x, 0.5x or max; never changes the tape"},
    {.key = "hours", .shape = TD_KEY_VALUE, .read = read_top, .rows = top_rows},
    {.key = "instruments", .shape = TD_KEY_VALUE, .read = read_top, .rows = top_rows},
    {.key = "grace", .shape = TD_KEY_VALUE, .read = read_top, .rows = top_rows},
    {.key = "repair_horizon", .shape = TD_KEY_VALUE, .read = read_top, .rows = top_rows},
    {.key = "workers", .shape = TD_KEY_VALUE, .read = read_top, .rows = top_rows},
    {.key = "drain", .shape = TD_KEY_VALUE, .read = read_top, .rows = top_rows},
    {.key = "log_format", .shape = TD_KEY_VALUE, .read = read_top, .rows = top_rows},
    {0},
};
enum { KEY_COUNT = sizeof td_config_keys / sizeof td_config_keys[0] - 1 };

static td_status read_section(reader *r, td_node key_node, td_node value) {
    const char *words[KEY_COUNT + 1] = {NULL};
    for (size_t i = 0; i < KEY_COUNT; i++) {
        words[i] = td_config_keys[i].key;
        if (strcmp(words[i], td_tree_text(&r->tree, key_node)) == 0) return td_config_keys[i].read(r, words[i], value);
    }
    return td_config_fail_unknown(r, key_node, "", words);
}

static td_status read_tree(reader *r) {
    td_config *c = r->config;
    td_node root = td_tree_root(&r->tree);
    for (size_t i = 0; i < td_tree_count(&r->tree, root); i++) {
        td_node key = td_tree_key(&r->tree, root, i), value = td_tree_value(&r->tree, root, i);
        if (r->log_alone && strcmp(td_tree_text(&r->tree, key), "log") != 0) continue;
        td_status status = td_config_pass(r, read_section(r, key, value));
        if (status != TD_OK) return status;
    }
    if (r->log_alone) return TD_OK;
    if (c->feed_count == 0 && r->mistakes == 0) return td_tree_fail(&r->tree, root, "feeds: at least one is needed");
    /* On Kafka a worker waits for brokers most of the time. */
    if (c->workers == 0) c->workers = c->log.kafka != NULL ? c->log.partitions : sysconf(_SC_NPROCESSORS_ONLN);
    if (c->workers > c->log.partitions) c->workers = c->log.partitions;
    if (c->workers < 1) c->workers = 1;
    td_status status = td_config_lend_cluster(c);
    return status == TD_OK ? td_config_check_sinks(r) : status;
}

/* ---- overrides ---- */

/* "LOG_SYNC_INTERVAL" to "log.sync_interval", "FEEDS_0_FILE_PATH" to "feeds.0.file.path": keys may hold underscores,
 * so only those in front of them become dots. False for what names no section. */
static bool keys_of_variable(const char *name, size_t size, char keys[KEYS_MAX]) {
    if (size >= KEYS_MAX) return false;
    for (size_t i = 0; i < size; i++) keys[i] = (char)tolower((unsigned char)name[i]);
    keys[size] = '\0';
    size_t first = strcspn(keys, "_");
    for (const td_config_key *k = td_config_keys; k->key != NULL; k++) {
        if (strcmp(k->key, keys) == 0) return true; /* LOG_FORMAT is log_format */
    }
    for (const td_config_key *k = td_config_keys; k->key != NULL; k++) {
        if (strlen(k->key) != first || strncmp(k->key, keys, first) != 0) continue;
        bool is_list = k->shape == TD_KEY_FEEDS || k->shape == TD_KEY_SINKS;
        char *at = keys;
        for (int dots = is_list ? 3 : 1; dots > 0 && (at = strchr(at, '_')) != NULL; dots--) *at = '.';
        return true;
    }
    return false;
}

static td_status set_from_environment(reader *r) {
    static const char prefix[] = "TAPEDECK_";
    td_status status = TD_OK;
    for (char **entry = environ; *entry != NULL && status == TD_OK; entry++) {
        char keys[KEYS_MAX], origin[KEYS_MAX];
        size_t size = strcspn(*entry, "="), skip = sizeof prefix - 1;
        if (strncmp(*entry, prefix, skip) != 0 || !keys_of_variable(*entry + skip, size - skip, keys)) continue;
        (void)snprintf(origin, sizeof origin, "%.*s", (int)size, *entry);
        status = td_tree_set(&r->tree, origin, keys, *entry + size + 1);
    }
    return status;
}

static td_status set_from_arguments(reader *r, const char *const *sets, size_t set_count) {
    for (size_t i = 0; i < set_count; i++) {
        char keys[KEYS_MAX];
        size_t size = strcspn(sets[i], "=");
        if (size == 0 || size >= sizeof keys || sets[i][size] == '\0')
            return TD_FAIL(TD_CONFIG, "--set: \"%s\" is not key=value", sets[i]);
        memcpy(keys, sets[i], size);
        keys[size] = '\0';
        td_status status = td_tree_set(&r->tree, "--set", keys, sets[i] + size + 1);
        if (status != TD_OK) return status;
    }
    return TD_OK;
}

static td_status load(reader *r, const td_config_source *source, td_bytes text) {
    td_status status = td_tree_parse(&r->tree, source->path, text);
    if (status == TD_OK) status = set_from_environment(r);
    if (status == TD_OK) status = set_from_arguments(r, source->sets, source->set_count);
    if (status == TD_OK) status = td_tree_check(&r->tree);
    if (status == TD_OK) status = read_tree(r);
    td_tree_fini(&r->tree);
    return status;
}

void td_config_default(td_config *c) {
    *c = (td_config){.speed = -1, .roles = TD_ROLES_ALL};
    td_options_init(log_rows, &c->log);
    td_options_init(top_rows, c);
    td_options_init(td_serve_options, &c->serve);
}

static td_status read_source(reader *r, const td_config_source *source) {
    td_config_default(r->config);
    td_buf text = {0};
    td_status status = td_os_read_file(r->os, source->path, FILE_BYTES_MAX, &text);
    if (status == TD_OK) status = load(r, source, td_buf_bytes(&text));
    td_buf_fini(&text);
    return status;
}

td_status td_config_load(td_config *out, const td_os *os, const char *path, const char *const *sets, size_t set_count) {
    td_config_source source = {os, path, sets, set_count};
    reader r = {.os = os, .config = out};
    td_status status = read_source(&r, &source);
    if (status != TD_OK) td_config_fini(out);
    return status;
}

td_status td_config_load_log(td_config_log *out, const td_os *os, const char *path) {
    td_config whole;
    td_config_source source = {os, path, NULL, 0};
    reader r = {.os = os, .config = &whole, .log_alone = true};
    td_status status = read_source(&r, &source);
    if (status == TD_OK) {
        *out = whole.log;
        whole.log = (td_config_log){0};
    }
    td_config_fini(&whole);
    return status;
}

void td_config_log_init(td_config_log *log) {
    *log = (td_config_log){0};
    td_options_init(log_rows, log);
}

void td_config_log_fini(td_config_log *log) { td_options_fini(log_rows, log); }

td_status td_config_check(td_config *out, const td_config_source *source, td_log_report_fn each, void *arg) {
    reader r = {.os = source->os, .config = out, .each = each, .each_arg = arg};
    td_status status = td_config_pass(&r, read_source(&r, source));
    if (status == TD_OK && r.mistakes > 0) status = TD_FAIL(TD_CONFIG, "%s: %zu mistakes", source->path, r.mistakes);
    return status;
}

static void each_secret_pair(const td_texts *pairs, void (*each)(void *arg, const char *secret), void *arg) {
    for (size_t i = 0; i < pairs->count; i++)
        if (td_config_is_secret(pairs->items[i])) each(arg, strchr(pairs->items[i], '=') + 1);
}

void td_config_each_secret(const td_config *config, void (*each)(void *arg, const char *secret), void *arg) {
    td_secrets_each(td_serve_options, &config->serve, each, arg);
    td_secrets_each(log_rows, &config->log, each, arg);
    each_secret_pair(&config->log.properties, each, arg);
    for (size_t i = 0; i < config->sink_count; i++) {
        const td_config_sink *sink = &config->sinks[i];
        if (sink->ops != NULL) td_secrets_each(sink->ops->options, &sink->conf, each, arg);
        each_secret_pair(&sink->conf.properties, each, arg);
    }
}

void td_config_fini(td_config *config) {
    for (size_t i = 0; i < config->feed_count; i++) {
        td_config_feed *feed = &config->feeds[i];
        if (feed->ops != NULL) td_options_fini(feed->ops->options, &feed->conf);
        td_secrets_fini(&feed->conf.secrets);
        free(feed->place);
    }
    for (size_t i = 0; i < config->sink_count; i++) {
        td_config_sink *sink = &config->sinks[i];
        if (sink->ops != NULL) td_options_fini(sink->ops->options, &sink->conf);
        free(sink->place);
    }
    for (size_t i = 0; i < config->strategy_count; i++) free(config->strategies[i]);
    td_options_fini(top_rows, config);
    td_options_fini(log_rows, &config->log);
    td_options_fini(td_serve_options, &config->serve);
    *config = (td_config){0};
}
