/* src/feed/csv.h - tables of trades, quotes, books, bars or news, as lines of CSV: out of text, or out of Parquet
 * or Avro files, whose rows are made such lines. Private to feed/. */
#pragma once
#include "feed/recording.h"

extern const td_recording_ops td_csv_of_text, td_csv_of_parquet, td_csv_of_avro;

/* "fields" of a configuration: ours=theirs. TD_CONFIG: one is none of ours, or there twice. */
TD_CHECKED td_status td_csv_check_fields(const td_texts *fields);
/* A column of that name is read, or says what table it is of. */
bool td_csv_knows(const td_texts *fields, td_bytes name);

#define TD_CSV_ROW_FIELDS                                                                                              \
    {                                                                                                                  \
        .key = "fields", .type = TD_OPTION_PAIRS, .offset = offsetof(td_feed_conf, fields),                            \
        .help = "what its columns are called, where that is not as ours, such as { time: ts, instrument: symbol, "     \
                "size: qty }"                                                                                          \
    }
