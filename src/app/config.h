/* src/app/config.h - the configuration file as one struct, filled from option rows; nothing else in the program reads
 * YAML. Owns all its texts. Thread: start-up only; constant afterwards.
 * Overrides: TAPEDECK_LOG_DIR=x and --set log.dir=x, in that order, after the file. ${VAR} in a value is replaced from
 * the environment; an unset one is an error. Relative paths (feeds, strategies, sinks, log.dir) are taken from the
 * working folder. */
#pragma once
#include "feed/feed.h"
#include "serve/serve.h"
#include "sink/sink.h"

enum { TD_CONFIG_LIST_MAX = 64 };

typedef struct td_config_feed {
    const td_feed_ops *ops;
    td_feed_conf conf;
} td_config_feed;

typedef struct td_config_sink {
    const td_sink_ops *ops;
    td_sink_conf conf;
} td_config_sink;

typedef struct td_config_log {
    char *dir;
    int64_t partitions, segment_bytes, retain_bytes;
    int codec; /* 0 none, 1 lz4, 2 zstd: the row's choice */
    int64_t sync_interval_ns;
    int64_t batch_bytes, snapshot_records; /* no keys: 0 means the engine's own; simulations want them small */
} td_config_log;

typedef struct td_config {
    td_config_feed feeds[TD_CONFIG_LIST_MAX];
    size_t feed_count;
    int64_t
        widths_ns[TD_WIDTHS_MAX]; /* `bars:`, ascending, without doubles; strategies' widths are added by the caller */
    size_t width_count;
    char *strategies[TD_CONFIG_LIST_MAX]; /* paths, globs expanded */
    size_t strategy_count;
    td_config_log log;
    td_config_sink sinks[TD_CONFIG_LIST_MAX];
    size_t sink_count;
    bool serve_on;
    td_serve_conf serve;
    double speed;     /* 60 for "60x"; 0: max; -1: not set (1x, or max with --until-end) */
    int hours, rules; /* all|regular, basic|venue: the second of each is refused until it exists */
    int64_t workers;  /* threads for partitions; default: processors, at most partitions */
} td_config;

/* Reads, checks and fills; `sets` are "key=value". Errors: TD_CONFIG (TD_RETRY where the disk broke), the trail says
 * file, line, key, what is wrong and the nearest valid word; nothing is left to free. */
TD_CHECKED td_status td_config_load(td_config *out, const td_os *os, const char *path, const char *const *sets,
                                    size_t set_count);
void td_config_fini(td_config *config);

/* src/app/registry.c: the plugs there are; the only place naming concrete ones. NULL-terminated. */
extern const td_feed_ops *const td_feed_plugs[];
extern const td_sink_ops *const td_sink_plugs[];
