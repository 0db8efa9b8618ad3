/* src/schema/avro_writer.c - container files, made block by block; the header waits for the first, as its marker is of
 * both. */
#include "base/hash.h"
#include "schema/avro.h"
#include "schema/avro_codec.h"
#include <assert.h>
#include <stdlib.h>

enum { MARKER_BYTES = 16, RECORD_MAX = TD_AVRO_BLOCK_MAX / 2 };

struct td_avro_writer {
    td_bytes schema;
    td_avro_codec codec;
    size_t block_bytes;
    td_avro_packer *packer; /* NULL: there was no need of it */
    bool begun;             /* the header is out */
    uint8_t marker[MARKER_BYTES];
    uint64_t count; /* of records in `block` */
    td_buf block, out;
};

td_avro_writer *td_avro_writer_new(td_bytes schema, td_avro_codec codec, size_t block_bytes) {
    assert(codec != TD_AVRO_CODEC_SNAPPY && block_bytes > 0 && block_bytes <= RECORD_MAX);
    td_avro_writer *w = td_alloc_zero(1, sizeof *w);
    *w = (td_avro_writer){.schema = schema, .codec = codec, .block_bytes = block_bytes};
    return w;
}

void td_avro_writer_free(td_avro_writer *w) {
    if (w == NULL) return;
    td_avro_packer_free(w->packer);
    td_buf_fini(&w->block);
    td_buf_fini(&w->out);
    free(w);
}

void td_avro_writer_begin(td_avro_writer *w) {
    w->begun = false;
    w->count = 0;
    w->block.size = w->out.size = 0;
}

td_buf *td_avro_writer_out(td_avro_writer *w) { return &w->out; }

static void put_long(td_buf *out, int64_t number) {
    td_buf_reserve(out, TD_AVRO_LONG_MAX);
    out->size = (size_t)(td_avro_put_long(out->data + out->size, number) - out->data);
}

static void put_bytes(td_buf *out, td_bytes bytes) {
    td_buf_reserve(out, TD_AVRO_LONG_MAX + bytes.size);
    out->size = (size_t)(td_avro_put_bytes(out->data + out->size, bytes) - out->data);
}

/* No record of the first block can name a marker that is made of itself, so that none of them is ever taken for one;
 * those of later blocks are, only where somebody means them to be and what is before them is damaged. */
static void make_marker(td_avro_writer *w) {
    uint8_t hashes[64];
    td_sha256(w->schema, hashes);
    td_sha256(td_buf_bytes(&w->block), hashes + 32);
    td_sha256((td_bytes){hashes, sizeof hashes}, hashes);
    memcpy(w->marker, hashes, MARKER_BYTES);
}

static td_status put_header(td_avro_writer *w) {
    td_status status = w->packer == NULL ? td_avro_packer_new(&w->packer, w->codec) : TD_OK;
    if (status != TD_OK) return status;
    w->begun = true;
    make_marker(w);
    td_buf_text(&w->out, "Obj\x01");
    put_long(&w->out, 2);
    put_bytes(&w->out, TD_TEXT("avro.schema"));
    put_bytes(&w->out, w->schema);
    put_bytes(&w->out, TD_TEXT("avro.codec"));
    put_bytes(&w->out, td_text(td_avro_codec_name(w->codec)));
    put_long(&w->out, 0);
    td_buf_put(&w->out, w->marker, MARKER_BYTES);
    return TD_OK;
}

static td_status close_block(td_avro_writer *w) {
    td_bytes packed;
    td_status status = w->begun ? TD_OK : put_header(w);
    if (status != TD_OK || w->count == 0) return status;
    status = td_avro_pack(w->packer, td_buf_bytes(&w->block), &packed);
    if (status != TD_OK) return status;
    put_long(&w->out, (int64_t)w->count);
    put_bytes(&w->out, packed);
    td_buf_put(&w->out, w->marker, MARKER_BYTES);
    w->block.size = 0;
    w->count = 0;
    return TD_OK;
}

td_status td_avro_writer_put(td_avro_writer *w, td_bytes record) {
    assert(record.size <= RECORD_MAX);
    td_buf_put(&w->block, record.data, record.size);
    w->count++;
    return w->block.size >= w->block_bytes ? close_block(w) : TD_OK;
}

td_status td_avro_writer_end(td_avro_writer *w) { return close_block(w); }
