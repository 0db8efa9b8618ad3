/* src/schema/avro_codec.h - how the blocks of an Avro container file are packed: null, deflate, snappy and zstandard
 * are read, all but snappy are written. Source: Apache Avro specification 1.12, "Required Codecs" and "Optional
 * Codecs". Private to schema/. Thread: one at a time for each packer. */
#pragma once
#include "schema/avro_file.h"

typedef struct td_avro_packer td_avro_packer; /* of one codec, into a buffer of its own, which grows */

/* TD_AVRO_CODEC_COUNT: none is called that. */
td_avro_codec td_avro_codec_named(td_bytes name);
/* As files spell it: a literal. */
const char *td_avro_codec_name(td_avro_codec codec);

/* Errors: TD_RETRY, no memory. */
TD_CHECKED td_status td_avro_packer_new(td_avro_packer **out, td_avro_codec codec);
void td_avro_packer_free(td_avro_packer *packer); /* accepts NULL */
/* What was packed, lent until the next call; never more than TD_AVRO_BLOCK_MAX, whatever the bytes say. Errors:
 * TD_REJECT without a trail, and *out_wrong says what is wrong with them: a literal; TD_RETRY, no memory. */
TD_CHECKED td_status td_avro_unpack(td_avro_packer *packer, td_bytes packed, td_bytes *out, const char **out_wrong);
/* Lent until the next call. `bytes`: at most TD_AVRO_BLOCK_MAX. Errors: TD_RETRY, no memory. */
TD_CHECKED td_status td_avro_pack(td_avro_packer *packer, td_bytes bytes, td_bytes *out);
