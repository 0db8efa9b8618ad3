/* src/model/width.c - widths as words. */
#include "model/width.h"
#include "base/time.h"
#include <inttypes.h>
#include <stdio.h>

size_t td_width_format(int64_t width, char out[TD_WIDTH_TEXT_MAX]) {
    if (td_width_is_timed(width)) {
        size_t size = td_duration_format(td_width_span_ns(width), out);
        return size + (size_t)snprintf(out + size, TD_WIDTH_TEXT_MAX - size, "%s%s",
                                       td_width_is_filled(width) ? " filled" : "",
                                       td_width_is_extended(width) ? " extended" : "");
    }
    if (width < TD_WIDTH_VOLUME)
        return (size_t)snprintf(out, TD_WIDTH_TEXT_MAX, "%" PRId64 " trades", width - TD_WIDTH_TRADES);
    char volume[TD_DECIMAL_TEXT_MAX];
    (void)td_decimal_format(width - TD_WIDTH_VOLUME, TD_SIZE_SCALE, false, volume);
    return (size_t)snprintf(out, TD_WIDTH_TEXT_MAX, "%.30s volume", volume);
}

/* The text without the word at its end, and without the space before that. False: it does not end so. */
static bool cut_word(td_bytes *text, const char *word) {
    size_t size = strlen(word);
    if (text->size <= size || memcmp(text->data + text->size - size, word, size) != 0) return false;
    text->size -= size;
    if (text->size > 1 && text->data[text->size - 1] == ' ') text->size--;
    return true;
}

static td_status parse_timed(td_bytes text, int64_t *out) {
    int64_t kind = cut_word(&text, "extended") ? TD_WIDTH_EXTENDED : 0;
    kind += cut_word(&text, "filled") ? TD_WIDTH_FILLED : 0;
    if (td_duration_parse(text, out) != TD_OK || *out <= 0 || *out >= TD_WIDTH_FILLED) return TD_REJECT;
    *out += kind;
    return TD_OK;
}

td_status td_width_parse(td_bytes text, int64_t *out) {
    bool trades = cut_word(&text, "trades"), volume = !trades && cut_word(&text, "volume"), inexact;
    if (!trades && !volume) return parse_timed(text, out);
    int64_t amount, most = trades ? TD_WIDTH_TRADES_MAX : TD_WIDTH_VOLUME_MAX;
    if (td_decimal_parse(text, trades ? 0 : TD_SIZE_SCALE, &amount, &inexact) != TD_OK) return TD_REJECT;
    if (inexact || amount <= 0 || amount > most) return TD_REJECT;
    *out = (trades ? TD_WIDTH_TRADES : TD_WIDTH_VOLUME) + amount;
    return TD_OK;
}
