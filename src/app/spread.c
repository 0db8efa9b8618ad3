/* src/app/spread.c - one configured feed into as many as it has connections. */
#include "app/spread.h"
#include "base/secret.h"
#include <stdio.h>
#include <stdlib.h>

static size_t connections_of(const td_feed_conf *conf) {
    size_t most = (size_t)conf->per_connection;
    return most == 0 || conf->symbols.count == 0 ? 1 : (conf->symbols.count + most - 1) / most;
}

/* Those from `first` on, at most `count`. */
static void keep_symbols(td_texts *symbols, size_t first, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < symbols->count; i++) {
        if (i >= first && i < first + count)
            symbols->items[kept++] = symbols->items[i];
        else
            free(symbols->items[i]);
    }
    symbols->count = kept;
}

static td_status check_symbols(const td_config_feed *feed) {
    const td_texts *symbols = &feed->conf.symbols;
    for (size_t i = 0; i < symbols->count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(symbols->items[k], symbols->items[i]) == 0)
                return TD_FAIL(TD_CONFIG, "%s: %s is there twice", feed->place, symbols->items[i]);
    return TD_OK;
}

static td_status name_part(const td_config *config, td_config_feed *part, size_t number) {
    td_buf name = {0};
    td_status status = TD_OK;
    td_buf_printf(&name, "%s.%zu", part->conf.name, number);
    td_buf_put(&name, "", 1);
    free(part->conf.name);
    part->conf.name = (char *)name.data;
    for (size_t i = 0; i < config->feed_count && status == TD_OK; i++) {
        const char *other = config->feeds[i].conf.name;
        if (&config->feeds[i] != part && other != NULL && strcmp(other, part->conf.name) == 0)
            status = TD_FAIL(TD_CONFIG, "%s: per_connection: its connection \"%s\" is called like another feed",
                             part->place, other);
    }
    if (status == TD_OK && name.size > TD_CONFIG_NAME_MAX + 1)
        status = TD_FAIL(TD_CONFIG, "%s: per_connection: \"%s\" is longer than %d characters", part->place,
                         part->conf.name, TD_CONFIG_NAME_MAX);
    return status;
}

/* Makes room behind feed `at` and fills it with copies. */
static void copy_feed(td_config *config, size_t at, size_t copies) {
    td_config_feed *feed = &config->feeds[at];
    memmove(feed + 1 + copies, feed + 1, (config->feed_count - at - 1) * sizeof *feed);
    config->feed_count += copies;
    for (size_t i = 1; i <= copies; i++) {
        feed[i] = *feed;
        feed[i].place = td_copy_text(feed->place);
        td_options_own_texts(feed->ops->options, &feed[i].conf);
        td_secrets_own(&feed[i].conf.secrets);
    }
}

static td_status spread_feed(td_config *config, size_t at, size_t connections) {
    td_config_feed *feed = &config->feeds[at];
    size_t most = (size_t)feed->conf.per_connection;
    if (config->feed_count + connections - 1 > TD_CONFIG_LIST_MAX)
        return TD_FAIL(TD_CONFIG, "%s: per_connection: %zu connections, and %d feeds are the most there can be",
                       feed->place, connections, TD_CONFIG_LIST_MAX);
    td_status status = check_symbols(feed);
    if (status != TD_OK) return status;
    feed->conf.history_interval_ns *= (int64_t)connections;
    copy_feed(config, at, connections - 1);
    for (size_t i = 0; i < connections; i++) keep_symbols(&feed[i].conf.symbols, i * most, most);
    for (size_t i = 1; i < connections && status == TD_OK; i++) status = name_part(config, &feed[i], i + 1);
    return status;
}

td_status td_config_spread(td_config *config) {
    td_status status = TD_OK;
    for (size_t i = 0; i < config->feed_count && status == TD_OK; i++) {
        const td_config_feed *feed = &config->feeds[i];
        size_t connections = feed->place != NULL ? connections_of(&feed->conf) : 1;
        if (connections > 1) status = spread_feed(config, i, connections);
        i += connections - 1;
    }
    return status;
}
