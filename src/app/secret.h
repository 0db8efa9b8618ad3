/* src/app/secret.h - secrets among settings: a row KEY of type SECRET takes the text from the environment, the row
 * KEY_file beside it names a file that holds it. What reads the settings afterwards finds it in KEY either way. */
#pragma once
#include "feed/feed.h"

/* Reads the files that are set. Errors: TD_CONFIG with a trail that names the key, never the secret. */
TD_CHECKED td_status td_secrets_read(const td_os *os, const td_option *rows, void *conf);
/* Calls `each` for every secret that is set. */
void td_secrets_each(const td_option *rows, const void *conf, void (*each)(void *arg, const char *secret), void *arg);
/* Fills conf->secrets: those rows, what `variables` of the environment gave, unless it is as short as what is no
 * secret, and what its other settings call a key. */
void td_secrets_find_all(const td_option *rows, td_feed_conf *conf, const td_texts *variables);
