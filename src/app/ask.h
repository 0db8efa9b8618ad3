/* src/app/ask.h - one question to a running process: without TLS, given up after two seconds without a byte. Sends the
 * token in $TAPEDECK_TOKEN where there is one. Thread: the main one. */
#pragma once
#include "base/bytes.h"

/* The body of the answer behind "http://127.0.0.1:8750" and "/readyz", replaced in *out, whatever its status is but 401
 * and 403. Errors: TD_CONFIG: nobody answers there, or he does not know us. */
TD_CHECKED td_status td_ask(const char *url, const char *path, td_buf *out);
/* JSON posted there, whose answer may take half a minute; its status, too. */
TD_CHECKED td_status td_ask_to(const char *url, const char *path, td_bytes json, td_buf *out, int *out_http);
