/* src/serve/schemas.h - the schema registry as the server sees it: a catalogue that follows what is synced of topic
 * `_schemas`, and the one change to it that is on its way. A change is decided on the catalogue as it stands, appended
 * by ingest, and over once the catalogue has read it: nobody is told of what a crash may take back, and no two changes
 * are decided on the same state. One that nobody waits for any more goes on all the same. Thread: the server's. */
#pragma once
#include "schema/catalogue.h"
#include "serve/serve.h"

typedef struct td_schemas td_schemas;

/* The topic may be NULL: there is no registry here. */
TD_CHECKED td_status td_schemas_open(td_schemas **out, const td_serve_topics *topics);
void td_schemas_close(td_schemas *schemas); /* accepts NULL */
int td_schemas_step(td_schemas *schemas);   /* a bounded turn: reads on, appends; work done */
/* NULL: there is no registry, or what the log holds of it cannot be read. */
const td_catalogue *td_schemas_catalogue(const td_schemas *schemas);
/* Without a catalogue: the address of who has the schemas, or NULL. */
const char *td_schemas_elsewhere(const td_schemas *schemas);
bool td_schemas_loaded(const td_schemas *schemas); /* all that was there at the opening has been read */

/* For whoever wants to change something: a turn of its own. TD_FULL: another change is on its way, come again.
 * TD_CONFIG: nobody here may write. */
TD_CHECKED td_status td_schemas_begin(td_schemas *schemas, uint64_t *out_turn);
/* Takes over a record that is to be appended in this turn. */
void td_schemas_add(td_schemas *schemas, td_schema_record *record);
/* The turn's records are to be appended; without any it is over. */
void td_schemas_commit(td_schemas *schemas);
/* Of a committed turn. TD_AGAIN: it is on its way; TD_OK: the catalogue has it; TD_REJECT: it was not taken. */
TD_CHECKED td_status td_schemas_outcome(const td_schemas *schemas, uint64_t turn);
/* Of a turn that is not committed: nothing of it is left. Of another: nothing changes. */
void td_schemas_abort(td_schemas *schemas, uint64_t turn);
