/* tests/unit/serve_rig.h - a small log in a temporary folder, with bars, signals and trades put in by hand. */
#pragma once
#include "base/hash.h"
#include "base/time.h"
#include "lang/program.h"
#include "log/log_segment.h"
#include "schema/cause.h"
#include "schema/registry.h"
#include "serve/serve.h"
#include "unit.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { RIG_PARTITIONS = 2 };
#define RIG_T0 (INT64_C(1381152600) * TD_NS_PER_S) /* 2013-10-07T13:30:00Z */
#define RIG_S  TD_NS_PER_S

typedef struct rig {
    char folder[64];
    td_log *log;
    td_writer *writer;
    td_registry *registry;
    td_serve_topics topics;
    td_program *program;
    td_batch batch;
} rig;

static const int64_t rig_widths_ns[] = {1 * RIG_S, 60 * RIG_S};

static inline td_status rig_append_schema(void *arg, td_bytes key, td_bytes value) {
    (void)arg;
    (void)key;
    (void)value;
    return TD_OK;
}
static inline void rig_report(void *arg, const char *line) {
    (void)arg;
    (void)line;
}

/* LEAN keeps New York's days. */
static inline td_program *rig_program(const int64_t *widths_ns, size_t width_count) {
    const td_bytes calendars[] = {TD_TEXT("zone UTC\ndays mon\n"), TD_TEXT("zone America/New_York\ndays mon\n")};
    static const td_program_listing listings[] = {{"*", 0}, {"LEAN:*", 1}};
    td_program_settings settings = {.widths_ns = widths_ns,
                                    .width_count = width_count,
                                    .calendars = calendars,
                                    .calendar_count = COUNT_OF(calendars),
                                    .listings = listings,
                                    .listing_count = COUNT_OF(listings)};
    td_program *program;
    td_buf body = {0};
    td_program_body(&settings, &body);
    assert_int_equal(td_program_compile(td_buf_bytes(&body), &program), TD_OK);
    td_buf_fini(&body);
    return program;
}

static inline void rig_open(rig *r) {
    *r = (rig){.folder = "/tmp/tapedeck-serve-XXXXXX"};
    assert_non_null(mkdtemp(r->folder));
    td_log_conf conf = {.dir = r->folder, .segment_bytes = 1 << 20, .retain_bytes = INT64_C(1) << 32};
    assert_int_equal(td_log_segment_open(&r->log, &td_os_posix, &conf, rig_report, NULL), TD_OK);
    td_serve_topics *t = &r->topics;
    assert_int_equal(td_writer_open(&r->writer, r->log, "rig"), TD_OK);
    assert_int_equal(td_log_topic(r->log, "tape", RIG_PARTITIONS, TD_TOPIC_INPUT, &t->tape), TD_OK);
    assert_int_equal(td_log_topic(r->log, "bars", RIG_PARTITIONS, TD_TOPIC_OUTPUT, &t->bars), TD_OK);
    assert_int_equal(td_log_topic(r->log, "vendor_bars", RIG_PARTITIONS, TD_TOPIC_OUTPUT, &t->vendor_bars), TD_OK);
    assert_int_equal(td_log_topic(r->log, "fills", RIG_PARTITIONS, TD_TOPIC_OUTPUT, &t->fills), TD_OK);
    assert_int_equal(td_log_topic(r->log, "signals", RIG_PARTITIONS, TD_TOPIC_OUTPUT, &t->signals), TD_OK);
    assert_int_equal(td_log_topic(r->log, "quarantine", RIG_PARTITIONS, TD_TOPIC_OUTPUT, &t->quarantine), TD_OK);
    assert_int_equal(td_log_topic(r->log, "gaps", RIG_PARTITIONS, TD_TOPIC_OUTPUT, &t->gaps), TD_OK);
    r->registry = td_registry_new();
    assert_int_equal(td_registry_ensure(r->registry, rig_append_schema, NULL), TD_OK);
    t->ids = td_registry_ids(r->registry);
    t->widths_ns = rig_widths_ns;
    t->width_count = COUNT_OF(rig_widths_ns);
    t->program = r->program = rig_program(rig_widths_ns, COUNT_OF(rig_widths_ns));
    td_batch_init(&r->batch, 1 << 20);
}

static inline int rig_remove(const char *path, const struct stat *about, int kind, struct FTW *where) {
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline void rig_close(rig *r) {
    td_batch_fini(&r->batch);
    td_writer_close(r->writer);
    td_log_close(r->log);
    td_registry_free(r->registry);
    td_program_free(r->program);
    (void)nftw(r->folder, rig_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* One record, as one batch of its own, made by the tape's record at the offset that it has itself. `ms` is the append
 * time. */
static inline void rig_append(rig *r, td_topic *topic, const char *instrument, int64_t ms, td_buf *value) {
    td_bytes key = td_text(instrument);
    uint32_t partition = td_partition_of(key, RIG_PARTITIONS);
    char text[TD_CAUSE_MAX];
    td_cause cause = {.partition = partition, .offset = td_topic_end(topic, partition)};
    td_bytes header = {(const uint8_t *)text, td_cause_put(&cause, text)};
    td_batch_reset(&r->batch);
    assert_true(td_batch_add(&r->batch, ms, key, td_buf_bytes(value), TD_CAUSE_HEADER, header));
    assert_int_equal(td_writer_append(r->writer, topic, partition, &r->batch), TD_OK);
    td_buf_fini(value);
}

static inline void rig_bar(rig *r, const char *instrument, int64_t width_ns, int64_t start_ns, int64_t close,
                           int32_t revision) {
    td_bar bar = {.start_ns = start_ns,
                  .end_ns = start_ns + width_ns,
                  .width_ns = width_ns,
                  .open = close,
                  .high = close,
                  .low = close,
                  .close = close,
                  .vwap = close,
                  .volume = 100000000,
                  .notional = (td_i128)close * 100000000,
                  .trade_count = 1,
                  .known_at_ns = start_ns + width_ns,
                  .revision = revision};
    td_buf value = {0};
    td_record_put_bar(&value, r->topics.ids, td_text(instrument), &bar);
    rig_append(r, r->topics.bars, instrument, 1, &value);
}

static inline void rig_signal(rig *r, const char *instrument, const char *strategy, int64_t event_ns, int64_t ms) {
    td_signal signal = {.strategy = td_text(strategy),
                        .note = TD_TEXT(""),
                        .ordinal = 1,
                        .event_ns = event_ns,
                        .width_ns = RIG_S,
                        .price = 5000000000,
                        .target = 100000000,
                        .known_at_ns = event_ns};
    td_buf value = {0};
    td_record_put_signal(&value, r->topics.ids, td_text(instrument), &signal);
    rig_append(r, r->topics.signals, instrument, ms, &value);
}

static inline void rig_gap(rig *r, const char *instrument, int64_t number, int64_t from_ns, int64_t to_ns,
                           td_gap_status status) {
    td_gap gap = {.feed = TD_TEXT("lean"),
                  .number = number,
                  .from_ns = from_ns,
                  .to_ns = to_ns,
                  .first_id = TD_NONE,
                  .last_id = TD_NONE,
                  .missing = TD_NONE,
                  .known_at_ns = from_ns + RIG_S,
                  .reason = TD_GAP_SESSION,
                  .status = (uint8_t)status};
    td_buf value = {0};
    td_record_put_gap(&value, r->topics.ids, td_text(instrument), &gap);
    rig_append(r, r->topics.gaps, instrument, 1, &value);
}

static inline void rig_price(rig *r, const char *instrument, int64_t event_ns, int64_t price) {
    td_event event = {.kind = TD_EVENT_PRICE, .event_ns = event_ns, .receive_ns = event_ns, .price = {price}};
    td_buf value = {0};
    td_record_put_event(&value, r->topics.ids, TD_TEXT("lean"), &event);
    rig_append(r, r->topics.tape, instrument, 1, &value);
}

/* Of one lot on each side. */
static inline void rig_quote(rig *r, const char *instrument, int64_t event_ns, int64_t bid, int64_t ask) {
    td_event event = {.kind = TD_EVENT_QUOTE,
                      .event_ns = event_ns,
                      .receive_ns = event_ns,
                      .quote = {bid, 100000000, ask, 100000000, .sequence = TD_NONE}};
    td_buf value = {0};
    td_record_put_event(&value, r->topics.ids, TD_TEXT("lean"), &event);
    rig_append(r, r->topics.tape, instrument, 1, &value);
}

static inline void rig_trade(rig *r, const char *instrument, int64_t event_ns, int64_t price) {
    td_event event = {.kind = TD_EVENT_TRADE,
                      .event_ns = event_ns,
                      .receive_ns = event_ns,
                      .trade = {.price = price, .size = 100000000, .trade_id = TD_NONE}};
    td_buf value = {0};
    td_record_put_event(&value, r->topics.ids, TD_TEXT("lean"), &event);
    rig_append(r, r->topics.tape, instrument, 1, &value);
}
