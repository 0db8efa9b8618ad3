/* src/feed/mapping.h - records of somebody else's schema as events, by configuration: which of their fields is which of
 * ours (`fields`), what their words mean (`events`, `sides`), and what is the same for all of them (`event`, `venue`,
 * `time_unit`, `width`). A record becomes one event, or is rejected with the field that is wrong, or ignored where it
 * says to be of another kind. Thread: one. */
#pragma once
#include "feed/lexicon.h"
#include "feed/picker.h"
#include "feed/recording.h"

typedef struct td_mapping td_mapping;

/* Borrows all for its life. TD_CONFIG with a trail that begins with the key; TD_RETRY. */
TD_CHECKED td_status td_mapping_new(td_mapping **out, const td_os *os, const td_feed_conf *conf,
                                    td_instruments *instruments);
/* Whose schemas the records of `conf` name, as it says; its texts are borrowed. False: they name none. */
bool td_mapping_registry(const td_feed_conf *conf, const td_os *os, td_lexicon_conf *out);
void td_mapping_free(td_mapping *mapping); /* accepts NULL */
/* EVENT, REJECTED or IGNORED; its detail is lent until the next reading. `made_ns`: the record's own time, which counts
 * where no field is the time. TD_AGAIN: its schema is being asked for; the same record again. TD_RETRY with a trail:
 * the registry does not say; again, later. */
TD_CHECKED td_status td_mapping_read(td_mapping *mapping, td_bytes record, int64_t made_ns, td_recorded *out);

#define TD_MAPPING_EVENTS "trade|quote|price|bar"
#define TD_MAPPING_ROWS                                                                                                \
    {.key = "format",                                                                                                  \
     .type = TD_OPTION_CHOICE,                                                                                         \
     .fallback = "json",                                                                                               \
     .choices = "json|avro",                                                                                           \
     .offset = offsetof(td_feed_conf, datatype),                                                                       \
     .help = "what its records are: objects of JSON, or Avro with the id of their schema in a registry before it"},    \
        TD_FEED_ROW("registry", TD_OPTION_TEXT, NULL, 0, 0, registry,                                                  \
                    "URL of a schema registry of Confluent's API, for avro; unset: log.registry, with its user, "      \
                    "password and ca, where `brokers` is unset, too"),                                                 \
        TD_FEED_ROW("registry_user", TD_OPTION_TEXT, NULL, 0, 0, registry_user,                                        \
                    "who asks the registry, by basic authentication"),                                                 \
        {.key = "registry_password",                                                                                   \
         .type = TD_OPTION_SECRET,                                                                                     \
         .offset = offsetof(td_feed_conf, registry_password),                                                          \
         .help = "and the password, by ${VARIABLE}"},                                                                  \
        TD_FEED_ROW("registry_password_file", TD_OPTION_TEXT, NULL, 0, 0, registry_password_file,                      \
                    "or the file that holds it"),                                                                      \
        TD_FEED_ROW("registry_ca", TD_OPTION_TEXT, NULL, 0, 0, registry_ca,                                            \
                    "certificates that the registry's https:// is trusted by; unset: the machine's"),                  \
        {.key = "fields",                                                                                              \
         .type = TD_OPTION_PAIRS,                                                                                      \
         .required = true,                                                                                             \
         .offset = offsetof(td_feed_conf, fields),                                                                     \
         .help =                                                                                                       \
             "where theirs has ours, such as { instrument: sym, price: data.px, size: data.qty, time: ts }; ours are " \
             "instrument, venue, event, time, price, size, side, trade_id, exchange, condition, bid, bid_size, ask, "  \
             "ask_size, sequence, open, high, low, close, volume"},                                                    \
        {.key = "event",                                                                                               \
         .type = TD_OPTION_CHOICE,                                                                                     \
         .fallback = "trade",                                                                                          \
         .choices = TD_MAPPING_EVENTS,                                                                                 \
         .offset = offsetof(td_feed_conf, event),                                                                      \
         .help = "what each record is, where no field `event` says it; a bar is a vendor's"},                          \
        {.key = "events",                                                                                              \
         .type = TD_OPTION_PAIRS,                                                                                      \
         .offset = offsetof(td_feed_conf, events),                                                                     \
         .help = "words of the field `event`, such as { T: trade, Q: quote }; records of other words are ignored"},    \
        {.key = "sides",                                                                                               \
         .type = TD_OPTION_PAIRS,                                                                                      \
         .offset = offsetof(td_feed_conf, sides),                                                                      \
         .help = "words of the field `side`, such as { 1: buy, 2: sell, 0: none }; buy, sell, b and s are known"},     \
        {.key = "time_unit",                                                                                           \
         .type = TD_OPTION_CHOICE,                                                                                     \
         .fallback = "auto",                                                                                           \
         .choices = "auto|s|ms|us|ns",                                                                                 \
         .offset = offsetof(td_feed_conf, time_unit),                                                                  \
         .help = "of the field `time`, since 1970; auto: by its size, or a text such as 2026-03-02T14:30:00.5Z"},      \
        TD_FEED_ROW("width", TD_OPTION_DURATION, NULL, 1e6, 366 * 864e11, width_ns, "of bars, where `event` is bar"),  \
    {                                                                                                                  \
        .key = "stamps", .type = TD_OPTION_CHOICE, .fallback = "end", .choices = "end|start",                          \
        .offset = offsetof(td_feed_conf, stamps), .help = "what the time of a bar is"                                  \
    }
