/* src/schema/catalogue.h - what a schema registry knows: the versions of its subjects, their levels of compatibility
 * and their modes, folded from the records of a topic `_schemas` in Confluent's own form, which this makes, too. Does
 * no I/O. Thread: owner only.
 *
 * A version that is deleted is still there, and its id still means its schema, until it is purged; its number is not
 * given again. Bounds: 65536 versions, 64 MB of texts, 65536 settings. */
#pragma once
#include "schema/compatibility.h"
#include "schema/identity.h"

enum { TD_SUBJECT_MAX = 255 }; /* bytes of a subject's name */

typedef struct td_schema_version { /* of a subject; lent until the next load */
    td_bytes subject, text;
    int32_t version, id;
    bool deleted;
    uint8_t identity[TD_IDENTITY_BYTES];
} td_schema_version;

typedef enum td_schema_mode { TD_MODE_READWRITE, TD_MODE_READONLY, TD_MODE_COUNT } td_schema_mode;

typedef struct td_catalogue td_catalogue;

td_catalogue *td_catalogue_new(void);
void td_catalogue_free(td_catalogue *catalogue); /* accepts NULL */
/* Takes in one record; one that says again what is known changes nothing. Errors: TD_CORRUPT: it is none of these, or
 * says otherwise what an id or a version means, or there are more than there may be. */
TD_CHECKED td_status td_catalogue_load(td_catalogue *catalogue, td_bytes key, td_bytes value);

size_t td_catalogue_count(const td_catalogue *catalogue);                           /* versions, deleted ones too */
const td_schema_version *td_catalogue_at(const td_catalogue *catalogue, size_t at); /* by subject, then by version */
/* Those of a subject are [*out_from, the result). */
size_t td_catalogue_span(const td_catalogue *catalogue, td_bytes subject, size_t *out_from);
/* NULL: there is none; deleted ones too. */
const td_schema_version *td_catalogue_find(const td_catalogue *catalogue, td_bytes subject, int32_t version);
const td_schema_version *td_catalogue_latest(const td_catalogue *catalogue, td_bytes subject); /* that is not deleted */
const td_schema_version *td_catalogue_of_id(const td_catalogue *catalogue, int32_t id);
/* One that is the same schema: of the subject, the latest of those; of any (size 0). */
const td_schema_version *td_catalogue_same(const td_catalogue *catalogue, td_bytes subject,
                                           const uint8_t identity[TD_IDENTITY_BYTES], bool deleted_too);
/* What the next schema and the subject's next version are numbered; 0: there is no number left. */
int32_t td_catalogue_next_id(const td_catalogue *catalogue);
int32_t td_catalogue_next_version(const td_catalogue *catalogue, td_bytes subject);

/* For who is about to append it: whether there is room, with some left for the program's own schemas. */
bool td_catalogue_takes(const td_catalogue *catalogue, const td_schema_version *version);
bool td_catalogue_takes_setting(const td_catalogue *catalogue, td_bytes subject); /* size 0: for all */

/* What was set for the subject itself, or with size 0 for all. False: nothing was. */
bool td_catalogue_own_level(const td_catalogue *catalogue, td_bytes subject, td_compatibility *out);
bool td_catalogue_own_mode(const td_catalogue *catalogue, td_bytes subject, td_schema_mode *out);
/* What holds for it: its own, else that of all, else BACKWARD and READWRITE. */
td_compatibility td_catalogue_level(const td_catalogue *catalogue, td_bytes subject);
td_schema_mode td_catalogue_mode(const td_catalogue *catalogue, td_bytes subject);
const char *td_schema_mode_name(td_schema_mode mode); /* "READWRITE": a literal */
bool td_schema_mode_find(td_bytes name, td_schema_mode *out);

/* A record of `_schemas`; without a value it purges what its key names. */
typedef struct td_schema_record {
    td_buf key, value;
} td_schema_record;

void td_schema_record_fini(td_schema_record *record);
td_schema_record td_schema_record_version(const td_schema_version *version);
td_schema_record td_schema_record_purge(td_bytes subject, int32_t version);
td_schema_record td_schema_record_delete(td_bytes subject, int32_t up_to_version);
/* For a subject, or all with size 0; NULL takes it back. */
td_schema_record td_schema_record_level(td_bytes subject, const char *level);
td_schema_record td_schema_record_mode(td_bytes subject, const char *mode);
