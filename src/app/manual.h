/* src/app/manual.h - what can be said of the configuration's keys, made from their rows: for people who ask for one,
 * for docs/configuration.md, and for editors that know JSON Schema. Pure. */
#pragma once
#include "app/config.h"

const char *td_manual_help(const td_config_key *key); /* of a key of the top level */
/* The keys of that name ("log.partitions", or "partitions" wherever it stands). False: there is none. */
bool td_manual_put_key(td_buf *out, const char *name);
const char *td_manual_nearest(const char *name); /* or NULL; a literal */
void td_manual_put_markdown(td_buf *out);        /* one table per section */
void td_manual_put_schema(td_buf *out);          /* draft 2020-12 */
