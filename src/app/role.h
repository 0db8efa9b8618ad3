/* src/app/role.h - what a process of a run does: one role for each arrow of the program. Alone it has all; on a cluster
 * they may be processes of their own, several of role `process` among them. */
#pragma once
#include "base/bytes.h"

typedef enum td_role {
    TD_ROLE_RECORD = 1,  /* feeds, ingest, programs, what people ask to be put on the tape; one process */
    TD_ROLE_PROCESS = 2, /* workers; any number of processes share the partitions */
    TD_ROLE_DELIVER = 4, /* sinks; each in one process */
    TD_ROLE_SERVE = 8,   /* API and dashboard; any number */
    TD_ROLES_ALL = 15,
} td_role;

/* Words of a list with commas, NULL for all. TD_REJECT: what is none, with the nearest word. */
TD_CHECKED td_status td_roles_parse(const char *text, unsigned *out);
void td_roles_put(td_buf *out, unsigned roles); /* as they are parsed */
