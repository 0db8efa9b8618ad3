/* src/serve/api.h - what can be asked under /api/v1/: a path and its parameters as one checked value, and errors as
 * answers. Pure. Anything unknown, doubled, missing or out of bounds is an error that says what is expected. */
#pragma once
#include "base/json.h"
#include "model/instrument.h"
#include "model/refusal.h"
#include "model/signal.h"
#include "serve/adjust.h"
#include "serve/history.h"

typedef enum td_api_kind {
    TD_API_INSTRUMENTS,
    TD_API_BARS,
    TD_API_SIGNALS,
    TD_API_GAPS,
    TD_API_LINES,
    TD_API_STREAM,
    TD_API_QUARANTINE,
    TD_API_RELEASE, /* posted: a body may say what, too */
    TD_API_ACTIONS, /* posted, too */
    TD_API_STATUS,
    TD_API_PROFILE,
    TD_API_VENDOR_BARS,
    TD_API_EXPLAIN,
    TD_API_TAKEN, /* the path of ACTIONS, not posted: those that were taken */
    TD_API_FILLS,
    TD_API_STRATEGIES,
    TD_API_VERSIONS,
    TD_API_TOPICS,
    TD_API_TOPIC,   /* one, by its name in the path */
    TD_API_RECORDS, /* of one */
    TD_API_GROUPS,  /* that read it */
    TD_API_NEWS,
    TD_API_TRADES,
    TD_API_QUOTES,
    TD_API_LATEST,
    TD_API_CHECK, /* posted, as the next three: a text */
    TD_API_SAVE,
    TD_API_PREVIEW,
    TD_API_ROLLBACK, /* no text */
    TD_API_COUNT,
} td_api_kind;

enum { TD_API_LIMIT_DEFAULT = 1000, TD_API_RECORDS_DEFAULT = 100, TD_API_LIMIT_MAX = 5000, TD_API_NAME_MAX = 63 };
enum { TD_API_TOPIC_MAX = 249 }; /* Kafka's bound */

typedef struct td_api_error {
    int http;          /* 400, 403, 404, …; 0: none */
    const char *code;  /* one word for programs, a literal */
    const char *allow; /* of 405: the methods; NULL: GET, HEAD */
    char message[240];
} td_api_error;

typedef struct td_api_action { /* a corporate action as words of td_corporate_words; "": not given */
    char date[16], kind[16], value[64], currency[16], announced[40], source[256];
} td_api_action;

typedef enum td_api_format { TD_API_JSON, TD_API_CSV, TD_API_ARROW } td_api_format; /* of tables */

typedef struct td_api_request {
    td_api_kind kind;
    uint32_t given;                              /* a bit per parameter row */
    char instrument[TD_INSTRUMENT_NAME_MAX + 1]; /* "": not given; so below */
    char strategy[TD_API_NAME_MAX + 1], feed[TD_API_NAME_MAX + 1];
    char signal[TD_SIGNAL_ID_MAX + 1]; /* an id */
    char file[256];                    /* of a strategy */
    char topic[TD_API_TOPIC_MAX + 1];  /* of the path */
    char key[256];                     /* of records */
    int64_t partition, offset;         /* of records; -1: not given */
    int64_t time_ns;                   /* since when they were appended; INT64_MIN: not given */
    char hash[65];                     /* digits that a version's begins with */
    td_reason reason;                  /* NONE: not given */
    int64_t width_ns;                  /* 0: not given */
    int64_t from_ns, to_ns;            /* [from, to) */
    int64_t before_ns;                 /* another exclusive upper end: for scrolling back */
    int64_t cursor;                    /* what lies before: an offset in the topic, of gaps their serial; -1: its end */
    td_history_edge edge;              /* the same of signals, fills and all instruments */
    int64_t limit;
    int64_t date;        /* days since 1970; TD_NONE: not given */
    td_place as_of;      /* what was known there */
    bool known_now;      /* of the bars known then the revisions known now */
    uint8_t statuses;    /* of gaps: a bit per td_gap_status; 0: any */
    td_adjusting adjust; /* of bars */
    td_api_action action;
    td_api_format format;
} td_api_request;

typedef struct td_api_parameter { /* that a kind knows */
    const char *name;             /* a literal */
    bool required;
} td_api_parameter;

const char *td_api_name(td_api_kind kind); /* "bars": a literal */
/* The table itself, kind by kind. False: the kind knows no more of them. */
bool td_api_parameter_at(td_api_kind kind, size_t index, td_api_parameter *out);
const char *td_api_format_name(td_api_format format); /* "csv": a literal */
const char *td_api_format_type(td_api_format format); /* "text/csv; charset=utf-8": a literal */
const char *td_adjusting_name(td_adjusting adjusting);
/* The size of a text from outside, cut so that a message stays short. */
static inline int td_api_shown(td_bytes text) { return text.size > 40 ? 40 : (int)text.size; }
static inline bool td_api_is_posted(td_api_kind kind) {
    return kind == TD_API_RELEASE || kind == TD_API_ACTIONS || kind >= TD_API_CHECK;
}
/* Starts a request for the path behind "/api/v1/"; in the format of tables that the Accept header asks for. False: 404
 * in *error. */
bool td_api_begin(td_api_request *request, td_bytes path, td_bytes accept, td_api_error *error);
/* One parameter, percent-decoded. False: *error says why. */
bool td_api_set(td_api_request *request, td_bytes name, td_bytes value, td_api_error *error);
/* The texts of the object that *json begins with, as parameters. False: *error says why. */
bool td_api_set_all(td_api_request *request, td_json *json, td_api_error *error);
/* All that the kind requires was given. */
bool td_api_check(const td_api_request *request, td_api_error *error);

bool td_api_fail(td_api_error *error, int http, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5))); /* false, so that it can be returned */
/* {"error":{"code":…,"message":…}} and a newline. */
void td_api_put_error(td_buf *out, const td_api_error *error);
