/* src/app/versioning.h - versions of strategies for a server that asks for them, and going back to one: what
 * td_serve_texts calls. Thread: the server's; each task has a state of its own. */
#pragma once
#include "app/edit.h"
#include "flow/versions.h"

/* The versions of a strategy, or with digits of a hash that one with its text. What it reads is lent for its life. */
void *td_versioning_begin(const td_topics *topics, const char *strategy, const char *hash);
/* The same, and then its text is put into the file that has the strategy, if it may be. */
void *td_versioning_begin_back(const td_topics *topics, td_edit *edit, const char *strategy, const char *hash);
/* TD_REJECT: that text does not compile beside the others. */
TD_CHECKED td_status td_versioning_step(void *versioning);
void td_versioning_put(void *versioning, td_buf *out);
void td_versioning_end(void *versioning);

void td_version_put(td_buf *out, const td_version *version); /* as JSON */
