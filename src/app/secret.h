/* src/app/secret.h - secrets among settings: a row KEY of type SECRET takes the text from the environment, the row
 * KEY_file beside it names a file that holds it. What reads the settings afterwards finds it in KEY either way. */
#pragma once
#include "base/option.h"
#include "os/os.h"

/* Reads the files that are set. Errors: TD_CONFIG with a trail that names the key, never the secret. */
TD_CHECKED td_status td_secrets_read(const td_os *os, const td_option *rows, void *conf);
/* Calls `each` for every secret that is set. */
void td_secrets_each(const td_option *rows, const void *conf, void (*each)(void *arg, const char *secret), void *arg);
