/* src/app/config.c - from the tree to the struct: each section has one reader, each setting one row. */
#include "app/config.h"
#include "app/conditions.h"
#include "app/secret.h"
#include "app/spread.h"
#include "app/tree.h"
#include "base/secret.h"
#include "base/time.h"
#include "feed/glob.h"
#include "feed/merge.h"
#include "stream/program.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 1 << 20, KEYS_MAX = 256, PLACE_MAX = 128, WORDS_MAX = 16 };

#define WIDTH_MAX_NS (366 * TD_NS_PER_DAY)

static const td_option log_rows[] = {
    {.key = "dir",
     .type = TD_OPTION_TEXT,
     .fallback = "data",
     .offset = offsetof(td_config_log, dir),
     .help = "folder of the log; one process writes it"},
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
     .help = "size of the log, raw capture aside, beyond which the oldest segments go; 0: keep all"},
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
     .help = "that share the partitions; unset: one per processor; never changes a result"},
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

typedef struct td_config_reader {
    td_tree tree;
    const td_os *os;
    td_config *config;
    td_log_report_fn each; /* is told mistakes, and the reading goes on; NULL: the first one ends it */
    void *each_arg;
    size_t mistakes;
} reader;

/* ---- pieces ----
 * `place` is what messages put before a key: "feeds[0].file.", or "" at the top. */

static td_status pass(reader *r, td_status status) {
    if (status != TD_CONFIG || r->each == NULL) return status;
    r->each(r->each_arg, td_trail());
    r->mistakes++;
    return TD_OK;
}

static td_status fail_unknown(reader *r, td_node key_node, const char *place, const char *const *words) {
    const char *key = td_tree_text(&r->tree, key_node), *nearest = td_nearest(key, words);
    if (nearest != NULL)
        return td_tree_fail(&r->tree, key_node, "%s%s: unknown key; did you mean \"%s\"?", place, key, nearest);
    td_buf list = {0};
    for (size_t i = 0; words[i] != NULL; i++) td_buf_printf(&list, i > 0 ? ", %s" : "%s", words[i]);
    td_status status = td_tree_fail(&r->tree, key_node, "%s%s: unknown key; known: %.*s", place, key, (int)list.size,
                                    (const char *)list.data);
    td_buf_fini(&list);
    return status;
}

typedef td_status (*text_fn)(reader *r, td_node node, const char *section, const char *text, void *arg);

/* "1s, 5s": what a --set or a variable can say. */
static td_status read_commas(reader *r, td_node node, const char *section, text_fn each, void *arg) {
    const char *text;
    td_status status = td_tree_read(&r->tree, node, &text);
    if (status != TD_OK || *text == '\0') return status;
    char *copy = td_copy_text(text), *next = copy;
    for (char *word; status == TD_OK && (word = strsep(&next, ",")) != NULL;) {
        while (isspace((unsigned char)*word) != 0) word++;
        size_t size = strlen(word);
        while (size > 0 && isspace((unsigned char)word[size - 1]) != 0) word[--size] = '\0';
        status = pass(r, each(r, node, section, word, arg));
    }
    free(copy);
    return status;
}

static td_status read_texts(reader *r, const char *section, td_node node, text_fn each, void *arg) {
    if (td_tree_kind(&r->tree, node) == TD_NODE_TEXT) return read_commas(r, node, section, each, arg);
    if (td_tree_kind(&r->tree, node) == TD_NODE_MAP)
        return td_tree_fail(&r->tree, node, "%s: a list is expected", section);
    td_status status = TD_OK;
    for (size_t i = 0; i < td_tree_count(&r->tree, node) && status == TD_OK; i++) {
        td_node item = td_tree_item(&r->tree, node, i);
        const char *text;
        if (td_tree_kind(&r->tree, item) != TD_NODE_TEXT)
            status = td_tree_fail(&r->tree, item, "%s[%zu]: one value is expected", section, i);
        if (status == TD_OK) status = td_tree_read(&r->tree, item, &text);
        if (status == TD_OK) status = each(r, item, section, text, arg);
        status = pass(r, status);
    }
    return status;
}

typedef struct text_row { /* a row that takes several texts */
    const td_option *row;
    void *conf;
} text_row;

static td_status add_text(reader *r, td_node node, const char *section, const char *text, void *arg) {
    const text_row *t = arg;
    if (*text == '\0') return td_tree_fail(&r->tree, node, "%s: a text is expected", section);
    return td_options_set(t->row, t->conf, t->row->key, text);
}

static td_status read_list(reader *r, const char *place, td_node value, text_row *t) {
    char section[PLACE_MAX];
    (void)snprintf(section, sizeof section, "%s%s", place, t->row->key);
    return read_texts(r, section, value, add_text, t);
}

static td_status read_option(reader *r, const char *place, const td_option *rows, void *conf, td_node key_node,
                             td_node value) {
    const char *key = td_tree_text(&r->tree, key_node), *text = "";
    const td_option *row = td_option_find(rows, key);
    if (row != NULL && row->type == TD_OPTION_TEXTS) return read_list(r, place, value, &(text_row){row, conf});
    if (row != NULL && td_tree_kind(&r->tree, value) != TD_NODE_TEXT)
        return td_tree_fail(&r->tree, value, "%s%s: one value is expected", place, key);
    if (row != NULL && row->type == TD_OPTION_SECRET && td_tree_open(&r->tree, value))
        return td_tree_fail(&r->tree, value, "%s%s: a secret is not written here: ${VARIABLE}, or %s_file: FILE", place,
                            key, key);
    td_status status = row != NULL ? td_tree_read(&r->tree, value, &text) : TD_OK;
    if (status != TD_OK) return status;
    if (td_options_set(rows, conf, key, text) == TD_OK) return TD_OK;
    return td_tree_fail(&r->tree, row != NULL ? value : key_node, "%s%s", place, td_trail());
}

/* Fills conf from a map; `passed` is a key that the caller has read, or NULL. */
static td_status read_options(reader *r, const char *place, td_node map, const td_option *rows, void *conf,
                              const char *passed) {
    if (td_tree_kind(&r->tree, map) != TD_NODE_MAP && !td_tree_empty(&r->tree, map))
        return td_tree_fail(&r->tree, map, "%.*s: keys and values are expected", (int)strlen(place) - 1, place);
    bool refused = false; /* a key that is needed: it is not missing as well */
    for (size_t i = 0; i < td_tree_count(&r->tree, map); i++) {
        td_node key = td_tree_key(&r->tree, map, i);
        if (passed != NULL && strcmp(td_tree_text(&r->tree, key), passed) == 0) continue;
        size_t mistakes = r->mistakes;
        td_status status = pass(r, read_option(r, place, rows, conf, key, td_tree_value(&r->tree, map, i)));
        if (status != TD_OK) return status;
        const td_option *row = td_option_find(rows, td_tree_text(&r->tree, key));
        refused = refused || (r->mistakes > mistakes && row != NULL && row->required);
    }
    td_status status = td_secrets_read(r->os, rows, conf);
    if (status == TD_OK && !refused) status = td_options_check(rows, conf);
    return status == TD_OK ? TD_OK : td_tree_fail(&r->tree, map, "%s%s", place, td_trail());
}

/* ---- feeds and sinks: lists of plugs ---- */

typedef struct plug_list { /* what both have in common */
    const char *section;   /* "feeds" */
    const size_t *count;
    char **(*name)(td_config *config, size_t index);
    const char *(*kind)(const td_config *config, size_t index); /* NULL: could not be read */
    char **(*place)(td_config *config, size_t index);
    /* Reads entry `index`: `kind: body`. */
    td_status (*read)(reader *r, size_t index, td_node kind, td_node body);
} plug_list;

static bool name_taken(const plug_list *list, td_config *config, const char *name, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *other = *list->name(config, i);
        if (other != NULL && strcmp(other, name) == 0) return true;
    }
    return false;
}

/* A name is part of keys, file names and messages. */
static bool name_valid(const char *name) {
    size_t size = strlen(name);
    for (const char *c = name; *c != '\0'; c++)
        if (isalnum((unsigned char)*c) == 0 && strchr("._-", *c) == NULL) return false;
    return size > 0 && size <= TD_CONFIG_NAME_MAX;
}

static td_status check_name(reader *r, const plug_list *list, size_t index, td_node node) {
    const char *name = *list->name(r->config, index);
    if (name == NULL) return TD_OK;
    if (!name_valid(name))
        return td_tree_fail(&r->tree, node, "%s[%zu]: name: \"%s\" is not 1 to %d letters, digits, '.', '_' or '-'",
                            list->section, index, name, TD_CONFIG_NAME_MAX);
    if (name_taken(list, r->config, name, index))
        return td_tree_fail(&r->tree, node, "%s[%zu]: name: \"%s\" is another one's", list->section, index, name);
    return TD_OK;
}

/* The kind, then kind-2, …: the first that is free. */
static char *free_name(const plug_list *list, td_config *config, const char *kind) {
    char name[TD_CONFIG_NAME_MAX + 1];
    (void)snprintf(name, sizeof name, "%s", kind);
    for (int n = 2; name_taken(list, config, name, *list->count); n++)
        (void)snprintf(name, sizeof name, "%s-%d", kind, n);
    return td_copy_text(name);
}

static char *name_place(const reader *r, const char *section, size_t index, td_node kind) {
    td_buf text = {0};
    td_tree_place(&r->tree, kind, &text);
    td_buf_printf(&text, ": %s[%zu].%s", section, index, td_tree_text(&r->tree, kind));
    td_buf_put(&text, "", 1);
    return (char *)text.data;
}

static td_status read_plug(reader *r, const plug_list *list, size_t index, td_node item) {
    if (td_tree_kind(&r->tree, item) != TD_NODE_MAP || td_tree_count(&r->tree, item) != 1)
        return td_tree_fail(&r->tree, item, "%s[%zu]: one kind with its settings is expected, as in - kind: { … }",
                            list->section, index);
    size_t mistakes = r->mistakes;
    td_node kind = td_tree_key(&r->tree, item, 0);
    td_status status = list->read(r, index, kind, td_tree_value(&r->tree, item, 0));
    if (status == TD_OK) status = check_name(r, list, index, item);
    if (status == TD_OK && r->mistakes == mistakes)
        *list->place(r->config, index) = name_place(r, list->section, index, kind);
    return status;
}

static td_status read_plugs(reader *r, const plug_list *list, td_node node) {
    if (td_tree_kind(&r->tree, node) != TD_NODE_LIST && !td_tree_empty(&r->tree, node))
        return td_tree_fail(&r->tree, node, "%s: a list is expected", list->section);
    size_t count = td_tree_count(&r->tree, node);
    if (count > TD_CONFIG_LIST_MAX)
        return td_tree_fail(&r->tree, node, "%s: %d are the most there can be", list->section, TD_CONFIG_LIST_MAX);
    for (size_t i = 0; i < count; i++) {
        td_status status = pass(r, read_plug(r, list, i, td_tree_item(&r->tree, node, i)));
        if (status != TD_OK) return status;
    }
    for (size_t i = 0; i < count; i++) { /* only now: names that were given go first */
        char **name = list->name(r->config, i);
        if (*name == NULL && list->kind(r->config, i) != NULL)
            *name = free_name(list, r->config, list->kind(r->config, i));
    }
    return TD_OK;
}

static const td_feed_ops *find_feed(bool is_file, const char *format) {
    for (const td_feed_ops *const *ops = td_feed_plugs; *ops != NULL; ops++)
        if ((*ops)->is_file == is_file && strcmp((*ops)->format, format) == 0) return *ops;
    return NULL;
}

/* Words of the formats there are, for messages. `words` holds WORDS_MAX; `first` comes before them if not NULL. */
static void list_formats(bool is_file, const char *first, const char **words) {
    size_t n = 0;
    if (first != NULL) words[n++] = first;
    for (const td_feed_ops *const *ops = td_feed_plugs; *ops != NULL && n + 1 < WORDS_MAX; ops++)
        if ((*ops)->is_file == is_file) words[n++] = (*ops)->format;
    words[n] = NULL;
}

static td_status fail_format(reader *r, td_node node, const char *place, const char *format) {
    const char *words[WORDS_MAX];
    list_formats(true, NULL, words);
    td_buf text = {0};
    td_buf_printf(&text, format == NULL ? "missing; one of" : "\"%s\" is not one of", format);
    for (size_t i = 0; words[i] != NULL; i++) td_buf_printf(&text, "%s %s", i > 0 ? "," : "", words[i]);
    const char *nearest = format != NULL ? td_nearest(format, words) : NULL;
    if (nearest != NULL) td_buf_printf(&text, "; did you mean \"%s\"?", nearest);
    td_status status = td_tree_fail(&r->tree, node, "%sformat: %.*s", place, (int)text.size, (const char *)text.data);
    td_buf_fini(&text);
    return status;
}

/* Without `format` nothing else can be judged, so a misspelt one is looked for first. */
static td_status fail_no_format(reader *r, td_node body, const char *place) {
    static const char *const wanted[] = {"format", NULL};
    size_t keys = td_tree_kind(&r->tree, body) == TD_NODE_MAP ? td_tree_count(&r->tree, body) : 0;
    for (size_t i = 0; i < keys; i++) {
        td_node key = td_tree_key(&r->tree, body, i);
        if (td_nearest(td_tree_text(&r->tree, key), wanted) != NULL) return fail_unknown(r, key, place, wanted);
    }
    return fail_format(r, body, place, NULL);
}

static td_status find_file_feed(reader *r, td_node body, const char *place, const td_feed_ops **out) {
    td_node node = td_tree_kind(&r->tree, body) == TD_NODE_MAP ? td_tree_find(&r->tree, body, "format") : 0;
    if (node == 0) return fail_no_format(r, body, place);
    if (td_tree_kind(&r->tree, node) != TD_NODE_TEXT)
        return td_tree_fail(&r->tree, node, "%sformat: one value is expected", place);
    const char *format;
    td_status status = td_tree_read(&r->tree, node, &format);
    if (status != TD_OK) return status;
    *out = find_feed(true, format);
    return *out != NULL ? TD_OK : fail_format(r, node, place, format);
}

/* Conditions are coded as the kind of feed does it, whatever its instruments are called. */
static td_status check_rules(reader *r, td_node body, const char *place, const td_config_feed *feed) {
    td_condition_table table;
    if (feed->conf.rules != TD_RULES_VENUE || td_conditions_find(feed->ops->venue, &table)) return TD_OK;
    td_buf venues = {0};
    td_conditions_list(&venues);
    td_status status =
        td_tree_fail(&r->tree, td_tree_find(&r->tree, body, "rules"),
                     "%srules: venue: there is no table of sale conditions for %s feeds; there is one for %.*s", place,
                     feed->ops->format, (int)venues.size, (const char *)venues.data);
    td_buf_fini(&venues);
    return status;
}

static td_status read_feed(reader *r, size_t index, td_node kind, td_node body) {
    char place[PLACE_MAX];
    const char *word = td_tree_text(&r->tree, kind);
    bool is_file = strcmp(word, "file") == 0;
    td_config_feed *feed = &r->config->feeds[index];
    (void)snprintf(place, sizeof place, "feeds[%zu].%s.", index, word);
    if (is_file) {
        td_status status = find_file_feed(r, body, place, &feed->ops);
        if (status != TD_OK) return status;
    } else if ((feed->ops = find_feed(false, word)) == NULL) {
        const char *words[WORDS_MAX];
        list_formats(false, "file", words);
        (void)snprintf(place, sizeof place, "feeds[%zu].", index);
        return fail_unknown(r, kind, place, words);
    }
    td_options_init(feed->ops->options, &feed->conf);
    r->config->feed_count = index + 1;
    td_status status = read_options(r, place, body, feed->ops->options, &feed->conf, is_file ? "format" : NULL);
    td_secrets_find_all(feed->ops->options, &feed->conf, &r->tree.variables);
    return status == TD_OK ? check_rules(r, body, place, feed) : status;
}

static char **feed_name(td_config *config, size_t index) { return &config->feeds[index].conf.name; }
static char **feed_place(td_config *config, size_t index) { return &config->feeds[index].place; }
static const char *feed_kind(const td_config *config, size_t index) {
    const td_feed_ops *ops = config->feeds[index].ops;
    return ops != NULL ? ops->format : NULL;
}

static bool shares_token(const td_config_feed *a, const td_config_feed *b) {
    return a->ops == b->ops && a->conf.token != NULL && b->conf.token != NULL &&
           strcmp(a->conf.token, b->conf.token) == 0;
}

/* A vendor that takes so many connections of one key ends the others. */
static td_status check_tokens(const td_config *c) {
    for (size_t i = 1; i < c->feed_count; i++) {
        const td_config_feed *feed = &c->feeds[i];
        int others = 0;
        for (size_t k = 0; k < i && feed->place != NULL; k++) others += shares_token(feed, &c->feeds[k]);
        if (others == 0 || feed->ops->feeds_per_token == 0 || others < feed->ops->feeds_per_token) continue;
        return TD_FAIL(TD_CONFIG,
                       "%s.token: the vendor takes %d connection%s of a key, and this is one more: put the symbols of "
                       "several feeds into one",
                       feed->place, feed->ops->feeds_per_token, feed->ops->feeds_per_token == 1 ? "" : "s");
    }
    return TD_OK;
}

static td_status read_feeds(reader *r, const char *section, td_node node) {
    const plug_list list = {section, &r->config->feed_count, feed_name, feed_kind, feed_place, read_feed};
    td_status status = read_plugs(r, &list, node);
    if (status == TD_OK) status = pass(r, td_config_spread(r->config));
    return status == TD_OK ? pass(r, check_tokens(r->config)) : status;
}

static td_status read_sink(reader *r, size_t index, td_node kind, td_node body) {
    char place[PLACE_MAX];
    const char *word = td_tree_text(&r->tree, kind), *words[WORDS_MAX] = {NULL};
    td_config_sink *sink = &r->config->sinks[index];
    for (size_t i = 0; i + 1 < WORDS_MAX && td_sink_plugs[i] != NULL; i++) {
        words[i] = td_sink_plugs[i]->kind;
        if (strcmp(words[i], word) == 0) sink->ops = td_sink_plugs[i];
    }
    (void)snprintf(place, sizeof place, "sinks[%zu].", index);
    if (sink->ops == NULL) return fail_unknown(r, kind, place, words);
    (void)snprintf(place, sizeof place, "sinks[%zu].%s.", index, word);
    td_options_init(sink->ops->options, &sink->conf);
    r->config->sink_count = index + 1;
    return read_options(r, place, body, sink->ops->options, &sink->conf, NULL);
}

static char **sink_name(td_config *config, size_t index) { return &config->sinks[index].conf.name; }
static char **sink_place(td_config *config, size_t index) { return &config->sinks[index].place; }
static const char *sink_kind(const td_config *config, size_t index) {
    const td_sink_ops *ops = config->sinks[index].ops;
    return ops != NULL ? ops->kind : NULL;
}

static td_status read_sinks(reader *r, const char *section, td_node node) {
    const plug_list list = {section, &r->config->sink_count, sink_name, sink_kind, sink_place, read_sink};
    return read_plugs(r, &list, node);
}

/* ---- the other sections ---- */

static td_status add_width(reader *r, td_node node, const char *section, const char *text, void *arg) {
    (void)arg;
    td_config *c = r->config;
    int64_t ns;
    if (td_duration_parse(td_text(text), &ns) != TD_OK)
        return td_tree_fail(&r->tree, node, "%s: \"%s\" is not a width such as 1s, 5m or 1h", section, text);
    if (ns < TD_NS_PER_MS || ns % TD_NS_PER_MS != 0 || ns > WIDTH_MAX_NS)
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
    return read_texts(r, section, node, add_width, NULL);
}

static td_status add_strategies(reader *r, td_node node, const char *section, const char *text, void *arg) {
    (void)arg;
    td_config *c = r->config;
    td_paths paths;
    td_status status = td_glob(r->os, text, &paths);
    if (status == TD_OK && paths.count == 0) status = td_tree_fail(&r->tree, node, "%s: no file \"%s\"", section, text);
    for (size_t i = 0; i < paths.count && status == TD_OK; i++) {
        if (c->strategy_count == TD_CONFIG_LIST_MAX)
            status = td_tree_fail(&r->tree, node, "%s: %d are the most there can be", section, TD_CONFIG_LIST_MAX);
        else
            c->strategies[c->strategy_count++] = td_copy_text(paths.items[i]);
    }
    td_paths_fini(&paths);
    return status;
}

static td_status read_strategies(reader *r, const char *section, td_node node) {
    return read_texts(r, section, node, add_strategies, NULL);
}

static td_status read_log(reader *r, const char *section, td_node node) {
    (void)section;
    return read_options(r, "log.", node, log_rows, &r->config->log, NULL);
}

/* off, on, or a map of settings, which means on. */
static td_status read_serve(reader *r, const char *section, td_node node) {
    const char *text = "";
    bool word = td_tree_kind(&r->tree, node) == TD_NODE_TEXT;
    td_status status = word ? td_tree_read(&r->tree, node, &text) : TD_OK;
    if (status != TD_OK) return status;
    r->config->serve_on = true;
    if (!word) return read_options(r, "serve.", node, td_serve_options, &r->config->serve, NULL);
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

#define WIDTH_PATTERN "^[0-9]+(ms|s|m|h|d)$"

const td_config_key td_config_keys[] = {
    {.key = "feeds", .shape = TD_KEY_FEEDS, .read = read_feeds, .help = "where events come from; needed"},
    {.key = "bars",
     .shape = TD_KEY_LIST,
     .read = read_bars,
     .pattern = WIDTH_PATTERN,
     .help = "widths such as [1s, 5m, 1h], at most 8 with those that strategies name, which are added by themselves"},
    {.key = "strategies",
     .shape = TD_KEY_LIST,
     .read = read_strategies,
     .pattern = ".",
     .help = "files of strategies, or globs: [\"strategies/*.td\"]"},
    {.key = "log",
     .shape = TD_KEY_MAP,
     .read = read_log,
     .rows = log_rows,
     .help = "where the log is and how large it may grow"},
    {.key = "sinks", .shape = TD_KEY_SINKS, .read = read_sinks, .help = "where bars and signals go besides the log"},
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
    return fail_unknown(r, key_node, "", words);
}

static td_status read_tree(reader *r) {
    td_config *c = r->config;
    td_node root = td_tree_root(&r->tree);
    for (size_t i = 0; i < td_tree_count(&r->tree, root); i++) {
        td_node key = td_tree_key(&r->tree, root, i), value = td_tree_value(&r->tree, root, i);
        td_status status = pass(r, read_section(r, key, value));
        if (status != TD_OK) return status;
    }
    if (c->feed_count == 0 && r->mistakes == 0) return td_tree_fail(&r->tree, root, "feeds: at least one is needed");
    if (c->workers == 0) c->workers = sysconf(_SC_NPROCESSORS_ONLN);
    if (c->workers > c->log.partitions) c->workers = c->log.partitions;
    if (c->workers < 1) c->workers = 1;
    return TD_OK;
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

static td_status read_source(reader *r, const td_config_source *source) {
    td_config *c = r->config;
    *c = (td_config){.speed = -1};
    td_options_init(log_rows, &c->log);
    td_options_init(top_rows, c);
    td_options_init(td_serve_options, &c->serve);
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

td_status td_config_check(td_config *out, const td_config_source *source, td_log_report_fn each, void *arg) {
    reader r = {.os = source->os, .config = out, .each = each, .each_arg = arg};
    td_status status = pass(&r, read_source(&r, source));
    if (status == TD_OK && r.mistakes > 0) status = TD_FAIL(TD_CONFIG, "%s: %zu mistakes", source->path, r.mistakes);
    return status;
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
