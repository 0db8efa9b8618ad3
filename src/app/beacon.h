/* src/app/beacon.h - the address that a running process leaves in its data folder, so that other commands find it.
 * Thread: the main one. */
#pragma once
#include "os/os.h"

enum { TD_BEACON_MAX = 128 };

/* Best effort: who cannot be found is asked by --url. */
void td_beacon_light(const td_os *os, const char *dir, const char *url);
void td_beacon_put_out(const td_os *os, const char *dir);
/* The address; false where none was left. It may be of a process that was killed. */
bool td_beacon_find(const td_os *os, const char *dir, char out_url[TD_BEACON_MAX]);
/* TD_CONFIG while another process writes in the folder. Takes nothing: a run that starts meanwhile is not refused. */
TD_CHECKED td_status td_beacon_ask_lock(const td_os *os, const char *dir);
