/* src/feed/parquet.h - Parquet files as lines of CSV, a row a line, read by DuckDB's library (os/duck.h): values that
 * are times become whole ns since 1970, all others what DuckDB has as their text, which says a double or a decimal to
 * its last digit. What DuckDB says of a file is said of the file: it is damaged there. Folders of a path, as in
 * `instrument=X%3AA`, are columns, too. Private to feed/. Thread: one. */
#pragma once
#include "feed/recording_files.h"

extern const td_recording_files td_parquet_files;
