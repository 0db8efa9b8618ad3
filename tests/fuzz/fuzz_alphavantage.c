/* tests/fuzz/fuzz_alphavantage.c - any bytes as an answer of Alpha Vantage: rows are bars or prices that are whole and
 * lie within our instants, or refused; of anything else no row is given. */
#include "base/time.h"
#include "feed/alphavantage.h"
#include <assert.h>

static void check_row(void *arg, const td_recorded *row, td_bytes bytes) {
    const td_event *e = &row->event;
    const td_vendor_bar *bar = &e->vendor_bar;
    *(size_t *)arg += 1;
    assert(bytes.size > 0);
    if (row->kind == TD_ITEM_REJECTED) {
        assert(row->reason != TD_REASON_NONE && row->detail != NULL);
        return;
    }
    assert(row->kind == TD_ITEM_EVENT && e->event_ns > 0 && e->event_ns <= TD_FEED_INSTANT_MAX_NS);
    if (e->kind == TD_EVENT_PRICE) return;
    assert(e->kind == TD_EVENT_VENDOR_BAR && bar->width_ns > 0 && bar->start_ns < e->event_ns);
    assert(e->event_ns - bar->start_ns <= bar->width_ns + TD_NS_PER_HOUR); /* a day in autumn */
    assert(bar->low > 0 && bar->low <= bar->open && bar->low <= bar->close);
    assert(bar->high >= bar->open && bar->high >= bar->close && (bar->volume == TD_NONE || bar->volume >= 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    td_instruments *instruments = td_instruments_new();
    td_answer_request request = {.naming = {"V", instruments}, .symbol = TD_TEXT("S"), .width_ns = TD_NS_PER_MIN};
    if (size > 0 && data[0] % 2 == 0) request.starts = request.adjusted = true;
    size_t rows = 0;
    td_bytes text = {0};
    td_answer_word word = td_av_read((td_bytes){data, size}, &request, check_row, &rows, &text);
    assert(td_answer_word_name(word) != NULL);
    assert(word == TD_ANSWER_ROWS || rows == 0);
    td_instruments_free(instruments);
    return 0;
}
