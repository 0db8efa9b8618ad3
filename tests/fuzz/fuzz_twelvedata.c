/* tests/fuzz/fuzz_twelvedata.c - any bytes as an answer of Twelve Data: rows are bars that are whole and lie within our
 * instants, or refused; of anything else no row is given, and it is told. */
#include "answer_fuzz.h"
#include "feed/twelvedata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    td_instruments *instruments = td_instruments_new();
    td_answer_request request = {.naming = {"V", instruments}, .starts = true};
    size_t rows = 0;
    td_bytes text = {0};
    td_answer_word word = td_twelvedata_read((td_bytes){data, size}, &request, fuzz_check_row, &rows, &text);
    assert(td_answer_word_name(word) != NULL);
    assert(word == TD_ANSWER_ROWS || rows == 0);
    td_instruments_free(instruments);
    return 0;
}
