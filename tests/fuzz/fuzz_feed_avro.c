/* tests/fuzz/fuzz_feed_avro.c - Avro container files of trades, quotes and bars: all bytes are the file. */
#include "feed_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_feed(&td_feed_avro, (td_bytes){data, size});
    return 0;
}
