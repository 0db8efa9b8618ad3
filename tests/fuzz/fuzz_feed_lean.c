/* tests/fuzz/fuzz_feed_lean.c - Lean's reader. The first byte says what the others are: 't' rows of trades, 'q' rows of
 * quotes, both put into a zip, and with any other first byte all bytes are the zip itself. */
#include "feed_fuzz.h"
#include <zlib.h>

enum { HEADER_BYTES = 30 };

static void put_le32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> 8 * i);
}

static void fuzz_rows(const char *name, td_bytes rows) {
    uint8_t header[HEADER_BYTES] = {'P', 'K', 3, 4, 20, [26] = (uint8_t)strlen(name)};
    td_buf zip = {0};
    put_le32(header + 14, (uint32_t)crc32_z(0, rows.data, rows.size));
    put_le32(header + 18, (uint32_t)rows.size);
    put_le32(header + 22, (uint32_t)rows.size);
    td_buf_put(&zip, header, sizeof header);
    td_buf_text(&zip, name);
    td_buf_put(&zip, rows.data, rows.size);
    td_buf_put(&zip, "PK\1\2", 4);
    fuzz_feed(&td_feed_lean, td_buf_bytes(&zip));
    td_buf_fini(&zip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    td_bytes rest = {data + 1, size - 1};
    if (data[0] == 't' || data[0] == 'q')
        fuzz_rows(data[0] == 't' ? "20131007_ibm_Trade_Tick.csv" : "20131103_ibm_Quote_Tick.csv", rest);
    else
        fuzz_feed(&td_feed_lean, (td_bytes){data, size});
    return 0;
}
