/* tests/fuzz/fuzz_mapping.c - any bytes as a record of somebody else's topic, by a mapping that uses all fields: one
 * event that the tape can hold, or a refusal that says what is wrong. */
#include "feed/mapping.h"
#include "model/instrument.h"
#include <assert.h>
#include <limits.h>
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
    if (status == TD_OK) status = td_mapping_new(&mapping, &td_os_posix, conf, td_instruments_new());
    if (status != TD_OK) abort();
    return mapping;
}

static const char schema_text[] =
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
    "{\"name\":\"l\",\"type\":{\"type\":\"array\",\"items\":[\"null\",\"R\"]}},"
    "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":[\"long\",\"double\",\"float\",\"boolean\",\"bytes\"]}},"
    "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}},"
    "{\"name\":\"d\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":30,\"scale\":9}},"
    "{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}},"
    "{\"name\":\"t\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}]}";

static void read_avro(td_bytes record) {
    static const char *const paths[] = {"l.0.d", "l.1.m.k", "m.k", "e", "d", "f", "t", "l.0.l.0.t"};
    static td_picker picker;
    static td_avro_schema *schema;
    static td_picked picked[TD_PICKER_MAX];
    for (size_t i = picker.count; i < sizeof paths / sizeof paths[0]; i++)
        if (td_picker_add(&picker, paths[i]) != TD_OK) abort();
    if (schema == NULL && td_avro_schema_parse(td_text(schema_text), &schema) != TD_OK) abort();
    if (!td_picker_read_avro(&picker, schema, record, picked)) return;
    unsigned sum = 0; /* every byte that is lent can be read */
    for (size_t i = 0; i < picker.count; i++)
        for (size_t b = 0; b < picked[i].text.size; b++) sum += picked[i].text.data[b];
    assert(sum < UINT_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static td_mapping *mapping;
    td_recorded row;
    read_avro((td_bytes){data, size});
    if (mapping == NULL) mapping = open_mapping("trade");
    if (td_mapping_read(mapping, (td_bytes){data, size}, 1000, &row) != TD_OK) abort();
    assert(row.kind == TD_ITEM_EVENT || row.kind == TD_ITEM_REJECTED || row.kind == TD_ITEM_IGNORED);
    assert(row.kind != TD_ITEM_REJECTED || (row.detail[0] != '\0' && row.reason != TD_REASON_NONE));
    assert(row.kind != TD_ITEM_IGNORED || row.ignored != NULL);
    if (row.kind == TD_ITEM_EVENT)
        assert(row.event.event_ns > 0 && row.event.event_ns <= TD_FEED_INSTANT_MAX_NS + INT64_C(60) * 1000000000);
    return 0;
}
