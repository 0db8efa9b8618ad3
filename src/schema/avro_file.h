/* src/schema/avro_file.h - Avro's object container files: a schema, then blocks of records, each packed by itself and
 * closed by the file's own marker. Source: Apache Avro specification 1.12, "Object Container Files". A reader pulls
 * bytes by a function of its owner's, a writer makes them for its owner to put where they belong: neither knows a file.
 *
 * A reader holds one block, packed and not, each of at most TD_AVRO_BLOCK_MAX bytes, of the first no more than the file
 * really has, whatever it says; and for zstandard a window of at most twice as many. What a block took room for stays
 * until the reader is closed. Thread: one. */
#pragma once
#include "schema/avro_schema.h"

enum { TD_AVRO_BLOCK_MAX = 1 << 26, TD_AVRO_MARKER_BYTES = 16 };

typedef enum td_avro_codec {
    TD_AVRO_CODEC_NULL,
    TD_AVRO_CODEC_DEFLATE,
    TD_AVRO_CODEC_ZSTANDARD,
    TD_AVRO_CODEC_SNAPPY, /* is read, not written */
    TD_AVRO_CODEC_COUNT
} td_avro_codec;

/* ---- reading ---- */

/* Up to so many bytes that begin `at` bytes into the file; fewer at its end alone. Its errors are given on. */
typedef td_status (*td_avro_read_fn)(void *arg, uint64_t at, void *out, size_t size, size_t *out_size);

typedef struct td_avro_block {
    uint64_t at;    /* in bytes: where it begins in the file */
    uint64_t count; /* of its records; 0: the file has ended */
    td_bytes bytes; /* of the records, one right behind the other; as many as records, at least; lent until the next */
} td_avro_block;

typedef struct td_avro_file td_avro_file;

/* Errors: TD_REJECT with a trail, it is no such file, or of a schema or a codec that is not read; TD_RETRY, no memory.
 */
TD_CHECKED td_status td_avro_file_open(td_avro_file **out, td_avro_read_fn read, void *arg);
void td_avro_file_close(td_avro_file *file); /* accepts NULL */
const td_avro_schema *td_avro_file_schema(const td_avro_file *file);
/* Its marker, by which it can be told from other files, and where in it that stands first, in bytes. */
uint64_t td_avro_file_marker(const td_avro_file *file, uint8_t out[TD_AVRO_MARKER_BYTES]);
/* Begins anew with the first block. */
void td_avro_file_rewind(td_avro_file *file);
/* The next block. Errors: TD_REJECT with a trail that says where it begins, and the same again from then on: it is cut
 * or damaged, and `count` is of the records that are lost with it, 0 where that is not known. After others the same
 * block comes again. */
TD_CHECKED td_status td_avro_file_next(td_avro_file *file, td_avro_block *out);
/* After a TD_REJECT: the next block is the one behind the bad one's own marker or, where it has none, behind the next
 * that there is. *out_there false: there is none. Errors: those of reading; again from the same place. */
TD_CHECKED td_status td_avro_file_skip(td_avro_file *file, bool *out_there);

/* ---- writing ---- */

typedef struct td_avro_writer td_avro_writer;

/* `schema`: its text, which is lent until the writer is freed. `block_bytes`: a block is closed by the record that
 * makes it so large before it is packed, at most half of TD_AVRO_BLOCK_MAX. Equal records make equal files: the marker
 * is a hash of the schema and of the first block. */
td_avro_writer *td_avro_writer_new(td_bytes schema, td_avro_codec codec, size_t block_bytes);
void td_avro_writer_free(td_avro_writer *writer); /* accepts NULL */
/* Begins another file; what is left of the one before goes. The first needs none of it. */
void td_avro_writer_begin(td_avro_writer *writer);
/* One record, encoded by the schema, at most half of TD_AVRO_BLOCK_MAX. Errors: TD_RETRY, no memory. */
TD_CHECKED td_status td_avro_writer_put(td_avro_writer *writer, td_bytes record);
/* Behind the last record. */
TD_CHECKED td_status td_avro_writer_end(td_avro_writer *writer);
/* What is ready to be written; the owner empties it whenever it likes. */
td_buf *td_avro_writer_out(td_avro_writer *writer);
