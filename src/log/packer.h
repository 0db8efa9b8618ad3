/* src/log/packer.h - a batch's records packed for the disk and back, by the codecs that there are: one row each in
 * packer.c. Private to log/. Owns its memory, taken at the first compressed batch and kept. Thread: one owner. */
#pragma once
#include "log/head.h"
#include <lz4frame.h>
#include <zstd.h>

typedef struct td_packer { /* {0} is ready */
    ZSTD_CCtx *zstd_deflater;
    ZSTD_DCtx *zstd_inflater;
    LZ4F_cctx *lz4_deflater;
    LZ4F_dctx *lz4_inflater;
    td_buf bytes;
} td_packer;

void td_packer_fini(td_packer *packer);
/* Makes the batch ready to be written at head->base_offset in head->epoch with head->codec, and fills in the rest of
 * the head. The head->size_bytes bytes returned are lent by the batch or, compressed, by the packer. A batch that does
 * not shrink stays uncompressed. Cannot fail. */
const uint8_t *td_batch_seal(td_batch *batch, td_packer *packer, td_head *head);
/* The records of a checked batch, inflated into packer->bytes if need be. Errors: TD_CORRUPT without a trail,
 * TD_RETRY. */
TD_CHECKED td_status td_packer_records(td_packer *packer, const td_head *head, const uint8_t *batch, td_bytes *out);
/* Each record of a checked batch is one, and nothing stands behind the last. Errors: TD_CORRUPT without a trail. */
TD_CHECKED td_status td_packer_check(td_packer *packer, const td_head *head, const uint8_t *batch);
