/* src/app/config.h - the configuration file as one struct, filled from option rows; nothing else in the program reads
 * YAML. Owns all its texts. Thread: start-up only; constant afterwards.
 * Overrides: TAPEDECK_LOG_DIR=x and --set log.dir=x, in that order, after the file. ${VAR} in a value is replaced from
 * the environment; an unset one is an error. Relative paths (feeds, strategies, sinks, log.dir) are taken from the
 * working folder. */
#pragma once
#include "feed/feed.h"
#include "flow/disk.h"
#include "log/log.h"
#include "serve/serve.h"
#include "sink/sink.h"

enum { TD_CONFIG_LIST_MAX = 64, TD_CONFIG_NAME_MAX = 63 }; /* feeds; bytes of a name */

typedef struct td_config_feed {
    const td_feed_ops *ops;
    td_feed_conf conf;
    char *place; /* "market.yaml:3:5: feeds[0].file", for messages; NULL when it could not be read */
} td_config_feed;

typedef struct td_config_sink {
    const td_sink_ops *ops;
    td_sink_conf conf;
    char *place; /* as a feed's */
} td_config_sink;

typedef struct td_config_log {
    char *dir;
    char *kafka, *prefix, *password, *password_file; /* of a log on a cluster; kafka NULL: it is in `dir` */
    td_texts properties;
    int64_t replicas;
    char *registry, *registry_user, *registry_password, *registry_password_file, *registry_ca; /* NULL: none */
    td_texts publish;
    int64_t partitions, segment_bytes, segment_ns, retain_bytes, retain_ns, raw_retain_bytes, raw_retain_ns,
        snapshots_kept;
    int codec; /* 0 none, 1 lz4, 2 zstd: the row's choice */
    int64_t sync_interval_ns, commit_interval_ns;
    td_disk_conf disk;
    int64_t batch_bytes, snapshot_records; /* no keys: 0 means the engine's own; simulations want them small */
} td_config_log;

static inline td_codec td_config_codec(const td_config_log *log) {
    static const td_codec codecs[] = {TD_CODEC_NONE, TD_CODEC_LZ4, TD_CODEC_ZSTD};
    return codecs[log->codec];
}

typedef struct td_config {
    td_config_feed feeds[TD_CONFIG_LIST_MAX];
    size_t feed_count;
    int64_t
        widths_ns[TD_WIDTHS_MAX]; /* `bars:`, ascending, without doubles; strategies' widths are added by the caller */
    size_t width_count;
    char *strategies[TD_CONFIG_LIST_MAX]; /* paths and globs; what these name is looked at again while it runs */
    size_t strategy_count;
    td_config_log log;
    td_config_sink sinks[TD_CONFIG_LIST_MAX];
    size_t sink_count;
    bool serve_on;
    td_serve_conf serve;
    double speed;      /* 60 for "60x"; 0: max; -1: not set (1x, or max with --until-end) */
    int hours;         /* 0 all, 1 regular: the row's choice */
    char *instruments; /* path of the instrument table; NULL: what comes with the program alone */
    int64_t grace_ns, repair_horizon_ns;
    int64_t workers; /* threads for partitions; default: processors, at most partitions */
    int64_t drain_ns;
    int log_format; /* text|json */
    unsigned roles; /* no key: td_role bits; all of them, unless the runner was told others */
} td_config;

typedef struct td_config_source {
    const td_os *os;
    const char *path;
    const char *const *sets;
    size_t set_count;
} td_config_source;

struct td_config_reader;

/* What an empty file says: every key as it is when nobody names it. To be freed. */
void td_config_default(td_config *out);
/* Reads, checks and fills; `sets` are "key=value". Errors: TD_CONFIG (TD_RETRY where the disk broke), the trail says
 * file, line, key, what is wrong and the nearest valid word; nothing is left to free. */
TD_CHECKED td_status td_config_load(td_config *out, const td_os *os, const char *path, const char *const *sets,
                                    size_t set_count);
/* As td_config_load, but passes over each mistake, tells it and goes on. TD_CONFIG when there was any; what is right is
 * in *out all the same, which is to be freed. */
TD_CHECKED td_status td_config_check(td_config *out, const td_config_source *source, td_log_report_fn each, void *arg);
void td_config_fini(td_config *config);
/* The section `log` of a file alone, with what the environment overrides: the rest may be for another machine. To be
 * freed after TD_OK. Errors: as td_config_load's. */
TD_CHECKED td_status td_config_load_log(td_config_log *out, const td_os *os, const char *path);
void td_config_log_init(td_config_log *log); /* its defaults */
void td_config_log_fini(td_config_log *log);
/* What is published, as bits of flow/topics.h: the default depends on where the log is. */
uint32_t td_config_published(const td_config_log *log);
/* Calls `each` for every secret of its sections but the feeds', which keep theirs. */
void td_config_each_secret(const td_config *config, void (*each)(void *arg, const char *secret), void *arg);

typedef enum td_key_shape {
    TD_KEY_VALUE,  /* one text: of a row of `rows`, or by `pattern`    */
    TD_KEY_LIST,   /* texts by `pattern`                               */
    TD_KEY_MAP,    /* keys by `rows`                                   */
    TD_KEY_SWITCH, /* off or on, or keys by `rows`, which means on     */
    TD_KEY_FEEDS,  /* entries `- kind: { … }`, kinds by td_feed_plugs  */
    TD_KEY_SINKS,  /* the same by td_sink_plugs                        */
} td_key_shape;

/* A key of the top level: its reader, and what help, documentation and the editors' schema say of it. */
typedef struct td_config_key {
    const char *key;
    td_key_shape shape;
    const td_option *rows;
    const char *fallback; /* as a row's */
    const char *pattern;  /* regular expression of a text */
    const char *help;
    td_status (*read)(struct td_config_reader *reader, const char *key, int node); /* config.c's own */
} td_config_key;

extern const td_config_key td_config_keys[]; /* ends with key == NULL */

/* src/app/registry.c: the plugs there are; the only place naming concrete ones. NULL-terminated. */
extern const td_feed_ops *const td_feed_plugs[];
/* What a new configuration says where a plug must be told something; ends with kind == NULL. */
typedef struct td_plug_sample {
    const char *kind, *key, *value;
    bool bundled; /* the value is a path below what comes with the program (app/share.h) */
} td_plug_sample;
extern const td_plug_sample td_plug_samples[];
/* True for a feed that never ends by itself. */
bool td_config_feed_is_endless(const td_config_feed *feed);
extern const td_sink_ops *const td_sink_plugs[];
