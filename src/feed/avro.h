/* src/feed/avro.h - Avro container files as lines of CSV, a record a line: what its schema says to be an instant
 * becomes whole ns since 1970, a double the shortest digits that are it again, a decimal all of its own; a field within
 * others is called by its path, as in trade.px. Folders of a path, as in `instrument=X%3AA`, are columns, too, where
 * the record has none of that name. An open file holds what td_avro_file does, and one line.
 * Private to feed/. Thread: one. */
#pragma once
#include "feed/recording_files.h"

extern const td_recording_files td_avro_files;
