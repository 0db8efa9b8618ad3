/* tests/fuzz/fuzz_alphavantage.c - any bytes as an answer of Alpha Vantage: rows are bars or prices that are whole and
 * lie within our instants, or refused; of anything else no row is given. */
#include "answer_fuzz.h"
#include "feed/alphavantage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    td_instruments *instruments = td_instruments_new();
    td_answer_request request = {.naming = {"V", instruments}, .symbol = TD_TEXT("S"), .width_ns = TD_NS_PER_MIN};
    if (size > 0 && data[0] % 2 == 0) request.starts = request.adjusted = true;
    size_t rows = 0;
    td_bytes text = {0};
    td_answer_word word = td_av_read((td_bytes){data, size}, &request, fuzz_check_row, &rows, &text);
    assert(td_answer_word_name(word) != NULL);
    assert(word == TD_ANSWER_ROWS || rows == 0);
    td_instruments_free(instruments);
    return 0;
}
