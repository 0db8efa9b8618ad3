/* src/app/data.h - the log of a run open for reading, beside whoever writes in it: in a data folder or on a Kafka
 * cluster. Thread: the main one. */
#pragma once
#include "app/config.h"
#include "base/option.h"
#include "flow/past.h"
#include <stddef.h>

typedef struct td_data_conf { /* which log, as a command's options say it */
    char *data, *config, *kafka, *prefix, *registry;
} td_data_conf;

typedef struct td_data {
    td_config_log where; /* its dir is NULL where no folder is known beside a log on Kafka */
    td_log *log;
    td_topics topics;
    char *snapshots; /* NULL: none are known */
} td_data;

/* Rows for a command's options, into member `log` of its struct, a td_data_conf. */
#define TD_DATA_OPTIONS(conf)                                                                                          \
    {.key = "data",                                                                                                    \
     .type = TD_OPTION_TEXT,                                                                                           \
     .unit = "DIR",                                                                                                    \
     .offset = offsetof(conf, log.data),                                                                               \
     .help = "the data folder of a run; unset: data"},                                                                 \
        {.key = "config",                                                                                              \
         .type = TD_OPTION_TEXT,                                                                                       \
         .unit = "FILE",                                                                                               \
         .offset = offsetof(conf, log.config),                                                                         \
         .help = "or the configuration of the run: its log, in a folder or on Kafka"},                                 \
        {.key = "kafka",                                                                                               \
         .type = TD_OPTION_TEXT,                                                                                       \
         .unit = "HOST:PORT",                                                                                          \
         .offset = offsetof(conf, log.kafka),                                                                          \
         .help = "or the brokers of its log on Kafka, where no login is needed"},                                      \
        {.key = "prefix",                                                                                              \
         .type = TD_OPTION_TEXT,                                                                                       \
         .unit = "TEXT",                                                                                               \
         .offset = offsetof(conf, log.prefix),                                                                         \
         .help = "with --kafka: as log.prefix of the run's configuration"},                                            \
    {                                                                                                                  \
        .key = "registry", .type = TD_OPTION_TEXT, .unit = "URL", .offset = offsetof(conf, log.registry),              \
        .help = "with --kafka: the registry of its schemas, where it has one and no login is needed"                   \
    }

/* Where the log is; to be freed after TD_OK. Errors: TD_CONFIG: the options contradict each other; as
 * td_config_load's. */
TD_CHECKED td_status td_data_locate(td_config_log *out, const td_data_conf *which);
/* "data", or "Kafka at host:9092, prefix md." */
void td_data_describe(const td_config_log *where, td_buf *out);
/* A folder, or a file that configures a run: what a word on the command line may name. */
td_data_conf td_data_named(const char *word);
/* Opens no writer, takes no folder. Errors: as the log's. */
TD_CHECKED td_status td_data_open_log(td_log **out, const td_os *os, const td_config_log *where,
                                      td_log_report_fn report, void *arg);
/* What ids mean there: by its registry elsewhere or, where it has none, by its topic `_schemas` as far as that is ours.
 * The caller's, after a failure, too (or NULL). Errors: as the log's and the registry's. */
TD_CHECKED td_status td_data_open_schemas(td_registry **out, const td_os *os, const td_config_log *where,
                                          td_topic *schemas);

/* As a run does: takes the folder. */
TD_CHECKED td_status td_data_open_log_to_write(td_log **out, const td_os *os, const td_config_log *where,
                                               td_log_report_fn report, void *arg);

/* Errors: TD_CONFIG: there is no tape; as the log's and td_data_locate's. To be closed either way. */
TD_CHECKED td_status td_data_open(td_data *out, const td_data_conf *which);
/* For who appends to a folder while nobody else does. Errors: TD_CONFIG: somebody does, the log is on Kafka, or there
 * is no tape; then nothing is made. */
TD_CHECKED td_status td_data_open_to_write(td_data *out, const td_data_conf *which);
void td_data_close(td_data *data);

/* "--as-of": a place, or the end of the tape where it is not given. Errors: TD_REJECT. */
TD_CHECKED td_status td_data_place(const char *text, td_place *out);
/* The value of the option of that name; NULL leaves it as it is. Errors: TD_REJECT. */
TD_CHECKED td_status td_data_time(const char *option, const char *text, int64_t *out_ns);
