/* src/base/secret.h - texts that nobody may see: keys and tokens of the settings. Whoever lets out what came from
 * outside, which may repeat them, or a setting that holds them, has them replaced here. Thread: any, where nothing is
 * added meanwhile. */
#pragma once
#include "base/option.h"

enum { TD_SECRET_LEAST = 6 }; /* shorter ones cannot be told from any other text */

/* Copies it, unless it is NULL, too short or there already. */
void td_secrets_add(td_texts *secrets, const char *secret);
/* Makes of secrets that are another one's copies of its own. */
void td_secrets_own(td_texts *secrets);
/* Adds what stands behind words such as token=, "apiKey": or "your key as" in an address or a message; `text` may be
 * NULL. */
void td_secrets_find(td_texts *secrets, const char *text);
void td_secrets_fini(td_texts *secrets); /* overwrites them */
/* The text itself, or a copy in `room` (emptied first) with *** for each secret in it. */
td_bytes td_secrets_hide(const td_texts *secrets, td_bytes text, td_buf *room);
