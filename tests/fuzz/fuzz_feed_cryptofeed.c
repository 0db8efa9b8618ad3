/* tests/fuzz/fuzz_feed_cryptofeed.c - recorded sessions of all venues whose messages are read: all bytes are the file.
 */
#include "feed_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_feed(&td_feed_cryptofeed, (td_bytes){data, size});
    return 0;
}
