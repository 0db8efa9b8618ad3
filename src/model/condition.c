/* src/model/condition.c - reads a venue's table of sale conditions, and the flags of one. */
#include "model/condition.h"
#include "base/lines.h"

enum { HEX_DIGITS_MAX = 16 };

static const char *const admits_words[] = {[TD_ADMITS_NOTHING] = "nothing",
                                           [TD_ADMITS_VOLUME] = "volume",
                                           [TD_ADMITS_HIGH_LOW] = "high-low",
                                           [TD_ADMITS_LAST] = "last"};

static bool read_hex(const uint8_t *text, size_t size, uint64_t *out) {
    *out = 0;
    for (size_t i = 0; i < size; i++) {
        uint8_t digit = (uint8_t)(text[i] - '0'), letter = (uint8_t)((text[i] | 0x20) - 'a');
        if (digit > 9 && letter > 5) return false;
        *out = *out << 4 | (digit <= 9 ? digit : letter + 10u);
    }
    return size > 0 && size <= HEX_DIGITS_MAX;
}

uint64_t td_condition_flags(const td_code *condition) {
    uint64_t flags;
    return read_hex((const uint8_t *)condition->text, condition->size, &flags) ? flags : 0;
}

static void restrict_to(td_conditions *c, uint64_t flag, td_admits admits) {
    if (admits < TD_ADMITS_VOLUME) c->no_volume |= flag;
    if (admits < TD_ADMITS_HIGH_LOW) c->no_high_low |= flag;
    if (admits < TD_ADMITS_LAST) c->no_last |= flag;
}

static const char *read_flag(td_condition_table *t, const td_line *row, uint64_t *known) {
    uint64_t flag;
    int admits = row->count > 1 ? td_line_word(admits_words, TD_ADMITS_LAST + 1, row->at[1]) : -1;
    if (!read_hex(row->at[0].data, row->at[0].size, &flag) || flag == 0 || (flag & (flag - 1)) != 0)
        return "a row begins with one flag, as 00000200";
    if (flag >> 63 != 0) return "63 flags are the most there can be";
    if ((*known & flag) != 0) return "the flag has a row already";
    if (admits < 0) return "a flag admits nothing, volume, high-low or last";
    bool extended = row->count == 3 && td_bytes_equal(row->at[2], TD_TEXT("extended"));
    if (row->count > 2 && !extended) return "what follows is `extended` or a comment";
    *known |= flag;
    restrict_to(&t->regular, flag, (td_admits)admits);
    if (!extended) restrict_to(&t->all, flag, (td_admits)admits);
    return NULL;
}

static const char *read_venue(td_condition_table *t, const td_line *row) {
    if (row->count != 2 || !td_bytes_equal(row->at[0], TD_TEXT("venue")) || row->at[1].size >= sizeof t->venue)
        return "the first line names the venue, as `venue LEAN`";
    memcpy(t->venue, row->at[1].data, row->at[1].size);
    return NULL;
}

td_status td_condition_table_parse(td_bytes text, td_condition_table *out) {
    td_line row = {0};
    uint64_t known = 0;
    *out = (td_condition_table){0};
    while (td_line_next(&text, &row)) {
        const char *mistake = out->venue[0] == '\0' ? read_venue(out, &row) : read_flag(out, &row, &known);
        if (mistake != NULL) return TD_FAIL(TD_REJECT, "line %zu: %s", row.number, mistake);
    }
    return known != 0 ? TD_OK : TD_FAIL(TD_REJECT, "line %zu: no flag has a row", row.number);
}
