/* src/app/config_plugs.c - feeds and sinks: lists of plugs, each entry of a kind with rows of its own, and a name. */
#include "app/conditions.h"
#include "app/config_reader.h"
#include "app/secret.h"
#include "app/spread.h"
#include "base/secret.h"
#include "flow/deliver.h"
#include "flow/topics.h"
#include "stream/program.h"
#include <ctype.h>
#include <stdio.h>

enum { WORDS_MAX = 16 };

typedef struct td_config_reader reader;

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
        td_status status = td_config_pass(r, read_plug(r, list, i, td_tree_item(&r->tree, node, i)));
        if (status != TD_OK) return status;
    }
    for (size_t i = 0; i < count; i++) { /* only now: names that were given go first */
        char **name = list->name(r->config, i);
        if (*name == NULL && list->kind(r->config, i) != NULL)
            *name = free_name(list, r->config, list->kind(r->config, i));
    }
    return TD_OK;
}

/* ---- feeds ---- */

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
        if (td_nearest(td_tree_text(&r->tree, key), wanted) != NULL)
            return td_config_fail_unknown(r, key, place, wanted);
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
    char place[TD_CONFIG_PLACE_MAX];
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
        return td_config_fail_unknown(r, kind, place, words);
    }
    td_options_init(feed->ops->options, &feed->conf);
    r->config->feed_count = index + 1;
    td_status status =
        td_config_read_options(r, place, body, feed->ops->options, &feed->conf, is_file ? "format" : NULL);
    td_secrets_find_all(feed->ops->options, &feed->conf, &r->tree.variables);
    const td_texts *pairs = &feed->conf.properties;
    for (size_t i = 0; i < pairs->count; i++)
        if (td_config_is_secret(pairs->items[i])) td_secrets_add(&feed->conf.secrets, strchr(pairs->items[i], '=') + 1);
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

td_status td_config_read_feeds(reader *r, const char *section, td_node node) {
    const plug_list list = {section, &r->config->feed_count, feed_name, feed_kind, feed_place, read_feed};
    td_status status = read_plugs(r, &list, node);
    if (status == TD_OK) status = td_config_pass(r, td_config_spread(r->config));
    return status == TD_OK ? td_config_pass(r, check_tokens(r->config)) : status;
}

/* ---- sinks ---- */

static td_status read_sink(reader *r, size_t index, td_node kind, td_node body) {
    char place[TD_CONFIG_PLACE_MAX];
    const char *word = td_tree_text(&r->tree, kind), *words[WORDS_MAX] = {NULL};
    td_config_sink *sink = &r->config->sinks[index];
    for (size_t i = 0; i + 1 < WORDS_MAX && td_sink_plugs[i] != NULL; i++) {
        words[i] = td_sink_plugs[i]->kind;
        if (strcmp(words[i], word) == 0) sink->ops = td_sink_plugs[i];
    }
    (void)snprintf(place, sizeof place, "sinks[%zu].", index);
    if (sink->ops == NULL) return td_config_fail_unknown(r, kind, place, words);
    (void)snprintf(place, sizeof place, "sinks[%zu].%s.", index, word);
    td_options_init(sink->ops->options, &sink->conf);
    r->config->sink_count = index + 1;
    return td_config_read_options(r, place, body, sink->ops->options, &sink->conf, NULL);
}

static char **sink_name(td_config *config, size_t index) { return &config->sinks[index].conf.name; }
static char **sink_place(td_config *config, size_t index) { return &config->sinks[index].place; }
static const char *sink_kind(const td_config *config, size_t index) {
    const td_sink_ops *ops = config->sinks[index].ops;
    return ops != NULL ? ops->kind : NULL;
}

td_status td_config_read_sinks(reader *r, const char *section, td_node node) {
    const plug_list list = {section, &r->config->sink_count, sink_name, sink_kind, sink_place, read_sink};
    return read_plugs(r, &list, node);
}

/* ---- clusters ---- */

static void *field_of(const td_option *rows, void *conf, const char *key) {
    const td_option *row = td_option_find(rows, key);
    return row != NULL ? (char *)conf + row->offset : NULL;
}

/* Where there is such a key, and nobody has set it. */
static td_status lend_text(const td_option *rows, void *conf, const char *key, const char *value) {
    char *const *field = field_of(rows, conf, key);
    return field == NULL || *field != NULL || value == NULL ? TD_OK : td_options_set(rows, conf, key, value);
}

static td_status lend_registry(const td_config_log *log, const td_option *rows, void *conf) {
    char *const *own = field_of(rows, conf, "registry");
    if (own == NULL || *own != NULL || log->registry == NULL) return TD_OK;
    td_status status = lend_text(rows, conf, "registry", log->registry);
    if (status == TD_OK) status = lend_text(rows, conf, "registry_user", log->registry_user);
    if (status == TD_OK) status = lend_text(rows, conf, "registry_password", log->registry_password);
    return status == TD_OK ? lend_text(rows, conf, "registry_ca", log->registry_ca) : status;
}

/* The cluster of the log, with what it takes to get in, to who wants brokers and names none. */
static td_status lend(const td_config_log *log, const td_option *rows, void *conf) {
    char *const *own = field_of(rows, conf, "brokers");
    if (own == NULL || *own != NULL) return TD_OK;
    td_status status = lend_text(rows, conf, "brokers", log->kafka);
    bool has_own = ((const td_texts *)field_of(rows, conf, "properties"))->count > 0;
    for (size_t i = 0; i < log->properties.count && !has_own && status == TD_OK; i++)
        status = td_options_set(rows, conf, "properties", log->properties.items[i]);
    if (status == TD_OK) status = lend_text(rows, conf, "prefix", log->prefix);
    if (status == TD_OK) status = lend_text(rows, conf, "password", log->password);
    return status == TD_OK ? lend_registry(log, rows, conf) : status;
}

static bool is_of_log(const char *topic) {
    bool found = strcmp(topic, "{topic}") == 0 || strcmp(topic, "tape") == 0 || strcmp(topic, "rejected") == 0;
    for (int i = 0; i < TD_OUTPUT_COUNT; i++) found |= strcmp(topic, td_topics_name((td_output)i)) == 0;
    return found;
}

/* What it would write there is none of the log's own. */
static td_status keep_off(const td_config_log *log, const td_config_sink *sink) {
    const td_sink_conf *conf = &sink->conf;
    bool same = conf->brokers != NULL && strcmp(conf->brokers, log->kafka) == 0 && conf->prefix != NULL &&
                strcmp(conf->prefix, log->prefix) == 0;
    if (!same || conf->topic == NULL || !is_of_log(conf->topic)) return TD_OK;
    return TD_FAIL(TD_CONFIG, "%s.topic: \"%s\" names topics of the log itself: name others, or another prefix",
                   sink->place, conf->topic);
}

/* Texts that two sinks may not both have; NULL: unset. */
static bool is_same(const char *a, const char *b) { return a != NULL && b != NULL && strcmp(a, b) == 0; }

/* A folder, a file or a schema has the positions of one sink. */
static td_status check_own_place(const td_config_sink *sinks, size_t index) {
    const td_config_sink *sink = &sinks[index];
    for (size_t i = 0; i < index; i++) {
        const td_sink_conf *other = &sinks[i].conf, *own = &sink->conf;
        const char *key = is_same(own->dir, other->dir)                                          ? "dir"
                          : is_same(own->file, other->file)                                      ? "file"
                          : is_same(own->url, other->url) && is_same(own->schema, other->schema) ? "schema"
                                                                                                 : NULL;
        if (key != NULL)
            return TD_FAIL(TD_CONFIG, "%s.%s: sinks[%zu] has the same: each sink needs one of its own", sink->place,
                           key, i);
    }
    return TD_OK;
}

td_status td_config_check_sinks(reader *r) {
    const td_config *c = r->config;
    uint32_t published = td_config_published(&c->log);
    td_status status = TD_OK;
    for (size_t i = 0; i < c->sink_count && status == TD_OK; i++) {
        const td_config_sink *sink = &c->sinks[i];
        if (sink->ops == NULL || sink->place == NULL) continue; /* told already */
        status = td_deliver_check_of(sink->ops, &sink->conf.of, published);
        status = status == TD_OK ? check_own_place(c->sinks, i) : TD_FAIL(status, "%s.%s", sink->place, td_trail());
        status = td_config_pass(r, status);
    }
    return status;
}

td_status td_config_lend_cluster(td_config *config) {
    const td_config_log *log = &config->log;
    td_status status = TD_OK;
    if (log->kafka == NULL) return status;
    for (size_t i = 0; i < config->feed_count && status == TD_OK; i++) {
        td_config_feed *feed = &config->feeds[i];
        if (feed->ops != NULL) status = lend(log, feed->ops->options, &feed->conf);
        td_secrets_add(&feed->conf.secrets, feed->conf.password);
        td_secrets_add(&feed->conf.secrets, feed->conf.registry_password);
    }
    for (size_t i = 0; i < config->sink_count && status == TD_OK; i++) {
        td_config_sink *sink = &config->sinks[i];
        if (sink->ops != NULL) status = lend(log, sink->ops->options, &sink->conf);
        if (status == TD_OK) status = keep_off(log, sink);
    }
    return status;
}
