/* src/feed/feed_binance.c - raw Binance spot messages as hftbacktest's collector keeps them: gzip, one message a line
 * behind the recorder's receive time in ns. */
#include "base/time.h"
#include "feed/venue.h"

enum { RECEIVE_DIGITS_MAX = 19 };

/* The receive time in front and the rest behind its space. */
static bool split_receive(td_bytes line, int64_t *out_ns, td_bytes *out_json) {
    size_t n = 0;
    uint64_t ns = 0;
    for (; n < line.size && n < RECEIVE_DIGITS_MAX && line.data[n] >= '0' && line.data[n] <= '9'; n++)
        ns = ns * 10 + (uint64_t)(line.data[n] - '0');
    if (ns == 0 || ns > INT64_MAX || n == line.size || line.data[n] != ' ') return false;
    *out_ns = (int64_t)ns;
    *out_json = (td_bytes){line.data + n + 1, line.size - n - 1};
    return true;
}

static void collector_decode(void *state, td_bytes line, td_recorded *out) {
    td_bytes json;
    int64_t receive_ns;
    if (!split_receive(line, &receive_ns, &json)) {
        td_recorded_reject(out, TD_REASON_MALFORMED, "no receive time in front");
        return;
    }
    out->ns_of_day = receive_ns % TD_NS_PER_DAY;
    td_venue_binance.decode(state, json, receive_ns, out);
    if (out->kind != TD_ITEM_REJECTED)
        out->clock_ns = receive_ns; /* of what is damaged not even the time is believed */
    if (out->kind == TD_ITEM_EVENT) out->ns_of_day = out->event.event_ns % TD_NS_PER_DAY;
}

static td_status collector_begin(void *state, const td_recording_file *file, td_recording_begin *out) {
    td_bytes json;
    *out = (td_recording_begin){0};
    td_venue_binance.begin(state, &file->naming, (td_bytes){0});
    if (!split_receive(file->first_line, &out->start_ns, &json)) out->start_ns = 0;
    return TD_OK;
}

static td_status collector_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    static const td_recording_ops format = {
        .state_size = TD_VENUE_STATE_MAX, .begin = collector_begin, .decode = collector_decode};
    return td_recording_open(out, os, conf, &format, instruments);
}

static const td_option collector_options[] = {TD_FEED_ROWS("BINANCE"), TD_RECORDING_ROWS, {0}};

const td_feed_ops td_feed_binance_collector = {.format = "binance-collector",
                                               .is_file = true,
                                               .venue = "BINANCE",
                                               .options = collector_options,
                                               .open = collector_open,
                                               .next = td_recording_next,
                                               .file = td_recording_file_of,
                                               .close = td_recording_close};
