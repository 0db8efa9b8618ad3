/* src/schema/avro_codec.c - zlib's raw deflate, zstd, and Snappy with its checksum behind it. */
#include "schema/avro_codec.h"
#include "schema/avro_snappy.h"
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/* The window is the largest that libzstd reads unless it is told otherwise: who packs streams may name one larger than
 * any block. */
enum { STEP = 64 * 1024, WINDOW_LOG = 27, LEVEL = 3, CHECKSUM_BYTES = 4 };
_Static_assert(1 << WINDOW_LOG >= TD_AVRO_BLOCK_MAX, "a block may need a window of all of it");

static const char too_much[] = "holds more than 64 MB: to be read it must be written in smaller blocks";

struct td_avro_packer {
    td_avro_codec codec;
    z_stream inflater, deflater;
    bool inflates, deflates; /* they are there */
    ZSTD_DCtx *zstd_inflater;
    ZSTD_CCtx *zstd_deflater;
    td_buf out;
};

/* ---- names ---- */

static const char *const names[TD_AVRO_CODEC_COUNT] = {[TD_AVRO_CODEC_NULL] = "null",
                                                       [TD_AVRO_CODEC_DEFLATE] = "deflate",
                                                       [TD_AVRO_CODEC_SNAPPY] = "snappy",
                                                       [TD_AVRO_CODEC_ZSTANDARD] = "zstandard"};

td_avro_codec td_avro_codec_named(td_bytes name) {
    int codec = 0;
    while (codec < TD_AVRO_CODEC_COUNT && !td_bytes_equal(td_text(names[codec]), name)) codec++;
    return (td_avro_codec)codec;
}

const char *td_avro_codec_name(td_avro_codec codec) { return names[codec]; }

/* ---- unpacking ---- */

/* Room for some more of it, at most as much as a block may hold. False: that is full. */
static bool make_room(td_buf *out) {
    if (out->size == TD_AVRO_BLOCK_MAX) return false;
    if (out->size == out->capacity) td_buf_reserve(out, STEP);
    return true;
}

static size_t room_of(const td_buf *out) {
    size_t capacity = out->capacity < TD_AVRO_BLOCK_MAX ? out->capacity : TD_AVRO_BLOCK_MAX;
    return capacity - out->size;
}

/* What stands behind the end is let be: some writers leave a part of zlib's checksum there. */
static td_status unpack_deflate(td_avro_packer *p, td_bytes packed, const char **wrong) {
    z_stream *z = &p->inflater;
    int code = inflateReset(z);
    z->next_in = (Bytef *)(uintptr_t)packed.data;
    z->avail_in = (uInt)packed.size;
    while (code == Z_OK) {
        *wrong = too_much;
        if (!make_room(&p->out)) return TD_REJECT;
        size_t room = room_of(&p->out);
        z->next_out = p->out.data + p->out.size;
        z->avail_out = (uInt)room;
        code = inflate(z, Z_NO_FLUSH);
        p->out.size += room - z->avail_out;
    }
    if (code == Z_STREAM_END) return TD_OK;
    if (code == Z_MEM_ERROR) return TD_FAIL(TD_RETRY, "no memory to unpack");
    *wrong = code == Z_BUF_ERROR ? "ends within its deflate" : "is no deflate";
    return TD_REJECT;
}

static td_status fail_zstandard(size_t code, const char **wrong) {
    ZSTD_ErrorCode error = ZSTD_getErrorCode(code);
    if (error == ZSTD_error_memory_allocation) return TD_FAIL(TD_RETRY, "no memory to unpack");
    *wrong = error == ZSTD_error_frameParameter_windowTooLarge
                 ? "needs over 128 MB to be unpacked: to be read its zstandard must be written with a smaller window"
                 : "is no zstandard";
    return TD_REJECT;
}

static td_status unpack_zstandard(td_avro_packer *p, td_bytes packed, const char **wrong) {
    ZSTD_inBuffer in = {packed.data, packed.size, 0};
    size_t rest = ZSTD_DCtx_reset(p->zstd_inflater, ZSTD_reset_session_only);
    bool full = false;
    while (in.pos < in.size || full) {
        *wrong = too_much;
        if (!make_room(&p->out)) return TD_REJECT;
        ZSTD_outBuffer out = {p->out.data + p->out.size, room_of(&p->out), 0};
        rest = ZSTD_decompressStream(p->zstd_inflater, &out, &in);
        if (ZSTD_isError(rest)) return fail_zstandard(rest, wrong);
        p->out.size += out.pos;
        full = out.pos == out.size && rest > 0;
    }
    *wrong = "ends within its zstandard";
    return rest == 0 ? TD_OK : TD_REJECT;
}

static td_status unpack_snappy(td_avro_packer *p, td_bytes packed, const char **wrong) {
    *wrong = "ends within its snappy";
    if (packed.size < CHECKSUM_BYTES) return TD_REJECT;
    size_t size = packed.size - CHECKSUM_BYTES;
    *wrong = "is no snappy, or holds more than 64 MB";
    if (!td_snappy_unpack(td_bytes_upto(packed, size), TD_AVRO_BLOCK_MAX, &p->out)) return TD_REJECT;
    uint32_t sum = (uint32_t)crc32(0, p->out.data, (uInt)p->out.size);
    *wrong = "does not have the checksum of its snappy";
    return sum == td_get_be32(packed.data + size) ? TD_OK : TD_REJECT;
}

td_status td_avro_unpack(td_avro_packer *p, td_bytes packed, td_bytes *out, const char **out_wrong) {
    static td_status (*const unpackers[])(td_avro_packer *, td_bytes,
                                          const char **) = {[TD_AVRO_CODEC_DEFLATE] = unpack_deflate,
                                                            [TD_AVRO_CODEC_SNAPPY] = unpack_snappy,
                                                            [TD_AVRO_CODEC_ZSTANDARD] = unpack_zstandard};
    p->out.size = 0;
    td_status status = p->codec != TD_AVRO_CODEC_NULL ? unpackers[p->codec](p, packed, out_wrong) : TD_OK;
    *out = p->codec != TD_AVRO_CODEC_NULL ? td_buf_bytes(&p->out) : packed;
    return status;
}

/* ---- packing ---- */

static td_status pack_deflate(td_avro_packer *p, td_bytes bytes) {
    z_stream *z = &p->deflater;
    if (!p->deflates && deflateInit2(z, LEVEL, Z_DEFLATED, -MAX_WBITS, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return TD_FAIL(TD_RETRY, "no memory to pack");
    p->deflates = true;
    (void)deflateReset(z);
    td_buf_reserve(&p->out, deflateBound(z, (uLong)bytes.size));
    z->next_in = (Bytef *)(uintptr_t)bytes.data;
    z->avail_in = (uInt)bytes.size;
    z->next_out = p->out.data;
    z->avail_out = (uInt)p->out.capacity;
    int code = deflate(z, Z_FINISH);
    p->out.size = p->out.capacity - z->avail_out;
    return code == Z_STREAM_END ? TD_OK : TD_FAIL(TD_RETRY, "zlib cannot pack a block");
}

static td_status pack_zstandard(td_avro_packer *p, td_bytes bytes) {
    if (p->zstd_deflater == NULL) p->zstd_deflater = ZSTD_createCCtx();
    if (p->zstd_deflater == NULL) return TD_FAIL(TD_RETRY, "no memory to pack");
    td_buf_reserve(&p->out, ZSTD_compressBound(bytes.size));
    size_t size = ZSTD_compressCCtx(p->zstd_deflater, p->out.data, p->out.capacity, bytes.data, bytes.size, LEVEL);
    if (ZSTD_isError(size)) return TD_FAIL(TD_RETRY, "zstd cannot pack a block: %s", ZSTD_getErrorName(size));
    p->out.size = size;
    return TD_OK;
}

td_status td_avro_pack(td_avro_packer *p, td_bytes bytes, td_bytes *out) {
    td_status status = TD_OK;
    p->out.size = 0;
    *out = bytes;
    if (p->codec == TD_AVRO_CODEC_NULL) return TD_OK;
    status = p->codec == TD_AVRO_CODEC_DEFLATE ? pack_deflate(p, bytes) : pack_zstandard(p, bytes);
    *out = td_buf_bytes(&p->out);
    return status;
}

/* ---- life ---- */

static bool begin(td_avro_packer *p) {
    if (p->codec == TD_AVRO_CODEC_DEFLATE) {
        p->inflates = inflateInit2(&p->inflater, -MAX_WBITS) == Z_OK;
        return p->inflates;
    }
    if (p->codec != TD_AVRO_CODEC_ZSTANDARD) return true;
    p->zstd_inflater = ZSTD_createDCtx();
    return p->zstd_inflater != NULL &&
           !ZSTD_isError(ZSTD_DCtx_setParameter(p->zstd_inflater, ZSTD_d_windowLogMax, WINDOW_LOG));
}

td_status td_avro_packer_new(td_avro_packer **out, td_avro_codec codec) {
    td_avro_packer *p = td_alloc_zero(1, sizeof *p);
    p->codec = codec;
    if (begin(p)) {
        *out = p;
        return TD_OK;
    }
    td_avro_packer_free(p);
    return TD_FAIL(TD_RETRY, "no memory to unpack");
}

void td_avro_packer_free(td_avro_packer *p) {
    if (p == NULL) return;
    if (p->inflates) (void)inflateEnd(&p->inflater);
    if (p->deflates) (void)deflateEnd(&p->deflater);
    (void)ZSTD_freeDCtx(p->zstd_inflater);
    (void)ZSTD_freeCCtx(p->zstd_deflater);
    td_buf_fini(&p->out);
    free(p);
}
