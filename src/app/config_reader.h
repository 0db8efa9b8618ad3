/* src/app/config_reader.h - the pieces of which the readers of a configuration's sections are made. `place` is what
 * messages put before a key: "feeds[0].file.", or "" at the top. Errors: TD_CONFIG, the trail says where and what; as
 * the tree's. Thread: start-up only. */
#pragma once
#include "app/config.h"
#include "app/tree.h"

enum { TD_CONFIG_PLACE_MAX = 128 };

typedef struct td_config_reader {
    td_tree tree;
    const td_os *os;
    td_config *config;
    td_log_report_fn each; /* is told mistakes, and the reading goes on; NULL: the first one ends it */
    void *each_arg;
    size_t mistakes;
    bool log_alone; /* other sections are passed over */
} td_config_reader;

/* Tells a mistake where somebody wants to hear all of them: TD_OK then. */
TD_CHECKED td_status td_config_pass(td_config_reader *reader, td_status status);
/* Of a key that is none of `words`, which end with NULL. */
TD_CHECKED td_status td_config_fail_unknown(td_config_reader *reader, td_node key, const char *place,
                                            const char *const *words);

typedef td_status (*td_config_text_fn)(td_config_reader *reader, td_node node, const char *section, const char *text,
                                       void *arg);
/* Each of a list, or of one text with commas. */
TD_CHECKED td_status td_config_read_texts(td_config_reader *reader, const char *section, td_node node,
                                          td_config_text_fn each, void *arg);
/* Fills `conf` from a map; `passed` is a key that the caller has read, or NULL. */
TD_CHECKED td_status td_config_read_options(td_config_reader *reader, const char *place, td_node map,
                                            const td_option *rows, void *conf, const char *passed);

/* Whether the name before the `=` of a pair, or the pair's name alone, is one of what nobody may see. */
bool td_config_is_secret(const char *pair);

/* Behind all sections: feeds and sinks of a Kafka cluster that is not named are on that of the log. */
TD_CHECKED td_status td_config_lend_cluster(td_config *config);
/* Behind that: what sinks are to take, and that no two have one place. */
TD_CHECKED td_status td_config_check_sinks(td_config_reader *reader);
/* The sections that are lists of plugs: config_plugs.c. */
TD_CHECKED td_status td_config_read_feeds(td_config_reader *reader, const char *section, td_node node);
TD_CHECKED td_status td_config_read_sinks(td_config_reader *reader, const char *section, td_node node);
