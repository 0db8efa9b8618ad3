/* src/app/known.c - names out of snapshots and keys. */
#include "app/known.h"
#include "base/hash.h"
#include "model/instrument.h"

typedef struct known {
    const td_data *data;
    td_instruments *names;
} known;

static void add_name(const known *k, td_bytes name) {
    if (td_instrument_name_valid(name)) (void)td_instruments_intern(k->names, name);
}

static void add_names(const known *k, const td_instruments *names) {
    for (uint32_t i = 0; names != NULL && i < td_instruments_count(names); i++)
        add_name(k, td_instruments_name(names, i));
}

/* A book is kept before anything else is known of its instrument. */
static void add_state(const known *k, const td_state *state) {
    add_names(k, td_state_instruments(state));
    add_names(k, td_state_books(state)->names);
}

/* To the reader's end; what a record says is not looked at. */
static td_status add_keys(const known *k, td_reader *reader) {
    td_record record;
    td_status status;
    while ((status = td_reader_next(reader, &record)) == TD_OK) add_name(k, record.key);
    return status == TD_AGAIN ? TD_OK : status;
}

/* Of instruments that nobody trades the state knows nothing. */
static td_status add_told(const known *k, td_output output, uint32_t partition) {
    td_topic *topic = k->data->topics.outputs[output];
    td_reader *reader;
    if (topic == NULL) return TD_OK;
    td_status status = td_reader_open(&reader, topic, partition, td_topic_start(topic, partition), TD_READ_APPENDED);
    if (status == TD_OK) status = add_keys(k, reader);
    td_reader_close(reader);
    return status;
}

static td_status add_partition(const known *k, uint32_t partition) {
    const td_past_conf conf = {.os = &td_os_posix,
                               .topics = &k->data->topics,
                               .snapshot_dir = k->data->snapshots,
                               .partition = partition,
                               .place = TD_PLACE_END,
                               .emit = &td_emit_none};
    td_past past;
    td_status status = td_past_begin(&past, &conf);
    if (status == TD_OK) add_state(k, past.applier.state);
    if (status == TD_OK) status = add_keys(k, past.reader);
    td_past_close(&past);
    if (status == TD_OK) status = add_told(k, TD_OUTPUT_VENDOR_BARS, partition);
    if (status == TD_OK) status = add_told(k, TD_OUTPUT_GAPS, partition);
    return status == TD_OK ? add_told(k, TD_OUTPUT_ACTIONS, partition) : status;
}

static td_status fail_unknown(const known *k, td_bytes instrument) {
    const char *nearest = td_instruments_nearest(k->names, instrument);
    uint32_t count = td_instruments_count(k->names);
    if (nearest != NULL)
        return TD_FAIL(TD_CONFIG, "no such instrument in the log: %.*s; did you mean \"%s\"?", (int)instrument.size,
                       (const char *)instrument.data, nearest);
    return TD_FAIL(TD_CONFIG, "no such instrument in the log: %.*s; there are %u%s%s", (int)instrument.size,
                   (const char *)instrument.data, count, count > 0 ? ", such as " : "",
                   count > 0 ? (const char *)td_instruments_name(k->names, 0).data : "");
}

td_status td_known_check(const td_data *data, td_bytes instrument) {
    const known k = {.data = data, .names = td_instruments_new()};
    uint32_t partitions = data->topics.partitions, own = td_partition_of(instrument, partitions);
    td_status status = add_partition(&k, own);
    if (status == TD_OK && td_instruments_find(k.names, instrument) == UINT32_MAX) {
        for (uint32_t p = 0; p < partitions && status == TD_OK; p++)
            if (p != own) status = add_partition(&k, p);
        if (status == TD_OK) status = fail_unknown(&k, instrument);
    }
    td_instruments_free(k.names);
    return status;
}

td_status td_known_check_in(const td_state *state, const td_data *data, td_bytes instrument) {
    if (td_instruments_find(td_state_instruments(state), instrument) != UINT32_MAX) return TD_OK;
    return td_known_check(data, instrument);
}
