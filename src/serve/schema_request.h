/* src/serve/schema_request.h - what can be asked of the schema registry under /registry: a method, a path and its
 * parameters in the words of Confluent's API as one checked value. A subject may hold slashes, so that a path is read
 * from both of its ends. Pure. */
#pragma once
#include "schema/catalogue.h"

typedef enum td_schema_ask {
    TD_SCHEMA_ASK_ROOT,
    TD_SCHEMA_ASK_TYPES,
    TD_SCHEMA_ASK_CONTEXTS,
    TD_SCHEMA_ASK_SCHEMAS,
    TD_SCHEMA_ASK_ID,
    TD_SCHEMA_ASK_ID_TEXT,
    TD_SCHEMA_ASK_ID_SUBJECTS,
    TD_SCHEMA_ASK_ID_VERSIONS,
    TD_SCHEMA_ASK_SUBJECTS,
    TD_SCHEMA_ASK_VERSIONS,
    TD_SCHEMA_ASK_VERSION,
    TD_SCHEMA_ASK_VERSION_TEXT,
    TD_SCHEMA_ASK_REFERENCES,
    TD_SCHEMA_ASK_LOOKUP,
    TD_SCHEMA_ASK_REGISTER,
    TD_SCHEMA_ASK_DELETE,
    TD_SCHEMA_ASK_DELETE_VERSION,
    TD_SCHEMA_ASK_CHECK,
    TD_SCHEMA_ASK_CHECK_ALL,
    TD_SCHEMA_ASK_LEVEL,
    TD_SCHEMA_ASK_SET_LEVEL,
    TD_SCHEMA_ASK_DELETE_LEVEL,
    TD_SCHEMA_ASK_MODE,
    TD_SCHEMA_ASK_SET_MODE,
    TD_SCHEMA_ASK_DELETE_MODE,
} td_schema_ask;

typedef enum td_schema_method {
    TD_SCHEMA_GET,
    TD_SCHEMA_POST,
    TD_SCHEMA_PUT,
    TD_SCHEMA_DELETE,
    TD_SCHEMA_OTHER,
} td_schema_method;

enum { TD_SCHEMA_LATEST = -1 };

typedef struct td_schema_request {
    td_schema_ask ask;
    char subject[TD_SUBJECT_MAX + 1]; /* "": all, of levels and modes */
    int32_t version;                  /* or TD_SCHEMA_LATEST */
    int32_t id;
    char prefix[TD_SUBJECT_MAX + 1]; /* of subjects */
    bool deleted, deleted_only, permanent, verbose, default_to_global, latest_only;
    int32_t offset, limit; /* of a list; limit -1: none */
} td_schema_request;

typedef struct td_schema_error {
    int http;       /* 0: none */
    int code;       /* Confluent's, or the status */
    char allow[32]; /* of 405: the methods */
    char message[600];
} td_schema_error;

/* The path behind /registry, percent-decoded. False: *error says why. */
bool td_schema_request_read(td_schema_request *out, td_schema_method method, td_bytes path, td_schema_error *error);
/* One parameter, percent-decoded; what is not known is passed over, as Confluent does. */
void td_schema_request_set(td_schema_request *request, td_bytes name, td_bytes value);
bool td_schema_is_posted(td_schema_ask ask); /* it has a body */

bool td_schema_fail(td_schema_error *error, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4))); /* the status is the code's first three digits; false, to be returned */
/* {"error_code":…,"message":…} */
void td_schema_put_error(td_buf *out, const td_schema_error *error);
