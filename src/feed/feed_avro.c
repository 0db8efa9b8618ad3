/* src/feed/feed_avro.c - Avro container files as a feed: what feed_parquet.c has of Parquet, and for the same reasons.
 */
#include "feed/csv.h"

static td_status avro_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    td_status status = td_csv_check_fields(&conf->fields);
    return status == TD_OK ? td_recording_open(out, os, conf, &td_csv_of_avro, instruments) : status;
}

static const td_option avro_options[] = {
    TD_FEED_ROWS_LIVE_RULES(NULL, "basic", "off"),
    TD_FEED_ROW("ratio", TD_OPTION_REAL, "1", 1e-6, 1e6, ratio, "seconds of its clock to one second of the run"),
    {.key = "path",
     .type = TD_OPTION_TEXT,
     .required = true,
     .offset = offsetof(td_feed_conf, path),
     .help = "file, or files by the wildcards * ? [a-z]; a folder: all *.avro in it and below, of an archive of a "
             "sink avro its trades and quotes"},
    TD_CSV_ROW_FIELDS,
    {0}};

const td_feed_ops td_feed_avro = {.format = "avro",
                                  .is_file = true,
                                  .options = avro_options,
                                  .open = avro_open,
                                  .next = td_recording_next,
                                  .file = td_recording_file_of,
                                  .close = td_recording_close};
