/* src/serve/tls.h - the certificate and its key, looked at before anything listens: what the network library makes of
 * bad ones has no words. */
#pragma once
#include "base/status.h"

/* Errors: TD_CONFIG with the key of the setting: a file that is no PEM certificate or key, or two that do not belong
 * together. */
TD_CHECKED td_status td_tls_check(const char *cert_path, const char *key_path);
