/* src/schema/avro_snappy.h - Snappy's raw form, as far as reading it goes: Debian's library of it is C++, and this is
 * all that an Avro file needs. Source: google/snappy, format_description.txt. Private to schema/. Thread: any. */
#pragma once
#include "base/bytes.h"

/* Appends what was packed, at most `most` bytes. False: it is not of that form, or is more; `out` says nothing then. */
bool td_snappy_unpack(td_bytes packed, size_t most, td_buf *out);
