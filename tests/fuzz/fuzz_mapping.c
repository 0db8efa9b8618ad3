/* tests/fuzz/fuzz_mapping.c - any bytes as a record of somebody else's topic, by a mapping that uses all fields: one
 * event that the tape can hold, or a refusal that says what is wrong. */
#include "feed/mapping.h"
#include "model/instrument.h"
#include <assert.h>
#include <stdlib.h>

static td_mapping *open_mapping(const char *event) {
    static const char *const fields[] = {"instrument=s", "event=k",    "price=p",     "size=q.0.s", "side=d",
                                         "trade_id=i",   "exchange=e", "condition=c", "bid=b",      "bid_size=B",
                                         "ask=a",        "ask_size=A", "sequence=n",  "open=o",     "high=h",
                                         "low=l",        "close=x",    "volume=v",    "time=t.a"};
    td_feed_conf *conf = td_alloc_zero(1, sizeof *conf);
    td_mapping *mapping;
    td_options_init(td_feed_kafka.options, conf);
    td_status status = td_options_set(td_feed_kafka.options, conf, "width", "1m");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && status == TD_OK; i++)
        status = td_options_set(td_feed_kafka.options, conf, "fields", fields[i]);
    if (status == TD_OK) status = td_options_set(td_feed_kafka.options, conf, "events", "Q=quote");
    if (status == TD_OK) status = td_options_set(td_feed_kafka.options, conf, "event", event);
    if (status == TD_OK) status = td_mapping_new(&mapping, conf, td_instruments_new());
    if (status != TD_OK) abort();
    return mapping;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static td_mapping *mapping;
    td_recorded row;
    if (mapping == NULL) mapping = open_mapping("trade");
    td_mapping_read(mapping, (td_bytes){data, size}, 1000, &row);
    assert(row.kind == TD_ITEM_EVENT || row.kind == TD_ITEM_REJECTED || row.kind == TD_ITEM_IGNORED);
    assert(row.kind != TD_ITEM_REJECTED || (row.detail[0] != '\0' && row.reason != TD_REASON_NONE));
    assert(row.kind != TD_ITEM_IGNORED || row.ignored != NULL);
    if (row.kind == TD_ITEM_EVENT)
        assert(row.event.event_ns > 0 && row.event.event_ns <= TD_FEED_INSTANT_MAX_NS + INT64_C(60) * 1000000000);
    return 0;
}
