/* tests/fuzz/fuzz_feed_binance.c - the Binance recording reader. With 'm' in front the other bytes are its lines,
 * packed here; with any other first byte all bytes are the gzip itself. */
#include "feed_fuzz.h"
#include <zlib.h>

static void fuzz_lines(td_bytes lines) {
    z_stream z = {0};
    int code = deflateInit2(&z, 0, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
    assert(code == Z_OK);
    size_t capacity = deflateBound(&z, lines.size);
    uint8_t *packed = td_alloc(capacity);
    z.next_in = (Bytef *)lines.data;
    z.avail_in = (uInt)lines.size;
    z.next_out = packed;
    z.avail_out = (uInt)capacity;
    code = deflate(&z, Z_FINISH);
    assert(code == Z_STREAM_END);
    fuzz_feed(&td_feed_binance_collector, (td_bytes){packed, z.total_out});
    (void)deflateEnd(&z);
    free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    if (data[0] == 'm')
        fuzz_lines((td_bytes){data + 1, size - 1});
    else
        fuzz_feed(&td_feed_binance_collector, (td_bytes){data, size});
    return 0;
}
