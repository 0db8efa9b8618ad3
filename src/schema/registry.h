/* src/schema/registry.h - our own schemas in a registry: which ids they have, and which of them are still to be
 * registered. Of the embedded one the records of topic `_schemas` say that (catalogue.h); what a registry elsewhere has
 * answered is told by td_registry_learn instead (flow/registrar.h). Does no I/O: flow/ reads the topic into it at
 * start and appends what it asks for. Thread: owner only; read-only once records flow. */
#pragma once
#include "schema/record.h"

typedef struct td_registry td_registry;

td_registry *td_registry_new(void);
void td_registry_free(td_registry *registry);
/* Takes in one record of `_schemas`. Errors: TD_CORRUPT when key or value is not what we write. */
TD_CHECKED td_status td_registry_load(td_registry *registry, td_bytes key, td_bytes value);
/* Calls `append` with key and value for each of our schemas that the registry does not hold yet (in enum order), and
 * takes it in once append says TD_OK. Subjects: tape-<full name> for events (TopicRecordNameStrategy), <topic>-value
 * for outputs. Before anything is appended each is held against the latest version of its subject: it must be able to
 * read what that one wrote (BACKWARD). Afterwards the ids are complete. Errors: append's; TD_CONFIG, with subject,
 * version, place and reason, for a change that is incompatible. */
typedef td_status (*td_registry_append_fn)(void *arg, td_bytes key, td_bytes value);
TD_CHECKED td_status td_registry_ensure(td_registry *registry, td_registry_append_fn append, void *arg);
/* As all that was loaded so far has it. */
const td_schema_ids *td_registry_ids(td_registry *registry);
/* A registry elsewhere has this id for one of our schemas, or for an older version of it. False: the id is another
 * schema's already, or there are more ids than there may be. Not together with td_registry_load. */
bool td_registry_learn(td_registry *registry, td_schema schema, int age, int32_t id);
/* The first of our schemas that has no id yet; TD_SCHEMA_COUNT: all have one. */
td_schema td_registry_lacks(td_registry *registry);
/* The log's records are of this subject's schemas: nobody else registers there, and nothing is deleted. */
bool td_registry_keeps(td_bytes subject);
/* The .avsc text of one of our schemas, minified JSON. */
td_bytes td_schema_text(td_schema schema);
/* So many versions before it, 0 the one that is written; of size 0: there was none. */
td_bytes td_schema_text_of_age(td_schema schema, int age);
const char *td_schema_subject(td_schema schema);
