/* src/feed/feed_tables.c - files of Parquet or Avro as a feed: an archive of ours, of which trades and quotes become
 * the events that they were, or tables of others, with the columns of `csv`. An archive's rows have been told from
 * their doubles, so ids are not compared again unless the feed is told to. */
#include "feed/csv.h"

static td_status open_tables(void **out, const td_os *os, const td_feed_conf *conf, const td_recording_ops *ops,
                             td_instruments *instruments) {
    td_status status = td_csv_check_fields(&conf->fields);
    return status == TD_OK ? td_recording_open(out, os, conf, ops, instruments) : status;
}

static td_status parquet_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    return open_tables(out, os, conf, &td_csv_of_parquet, instruments);
}

static td_status avro_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    return open_tables(out, os, conf, &td_csv_of_avro, instruments);
}

#define OPTIONS(kind)                                                                                                  \
    {                                                                                                                  \
        TD_FEED_ROWS_LIVE_RULES(NULL, "basic", "off"),                                                                 \
            TD_FEED_ROW("ratio", TD_OPTION_REAL, "1", 1e-6, 1e6, ratio,                                                \
                        "seconds of its clock to one second of the run"),                                              \
            {.key = "path",                                                                                            \
             .type = TD_OPTION_TEXT,                                                                                   \
             .required = true,                                                                                         \
             .offset = offsetof(td_feed_conf, path),                                                                   \
             .help = "file, or files by the wildcards * ? [a-z]; a folder: all *." kind                                \
                     " in it and below, of an archive of "                                                             \
                     "a sink " kind " its trades and quotes"},                                                         \
            TD_CSV_ROW_FIELDS, {                                                                                       \
            0                                                                                                          \
        }                                                                                                              \
    }

static const td_option parquet_options[] = OPTIONS("parquet"), avro_options[] = OPTIONS("avro");

#define OPS(kind)                                                                                                      \
    {                                                                                                                  \
        .format = #kind, .is_file = true, .options = kind##_options, .open = kind##_open, .next = td_recording_next,   \
        .file = td_recording_file_of, .close = td_recording_close                                                      \
    }

const td_feed_ops td_feed_parquet = OPS(parquet), td_feed_avro = OPS(avro);
