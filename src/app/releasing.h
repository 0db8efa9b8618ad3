/* src/app/releasing.h - a release from the command line: what it is about is read from the log; done it is by the
 * process that writes in the folder, asked over its API, or by this one where there is none. Thread: the main one. */
#pragma once
#include "app/data.h"
#include "serve/release.h"

/* Finds the wish's events; its topics and ids are filled in. To be freed either way. Errors: as the log's. */
TD_CHECKED td_status td_release_find(const td_topics *topics, td_release_wish *wish, td_release **out);
/* Releases those that are ready, and leaves in each item what became of it. No log of it may be open here.
 * Errors: TD_CONFIG: who writes there cannot be asked. */
TD_CHECKED td_status td_release_do(const td_data_conf *which, td_release_item *items, size_t count);
