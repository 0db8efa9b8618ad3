/* src/app/share.h - what comes with the program beside its binary: examples, their recordings, strategies. Installed it
 * is PREFIX/share/tapedeck; in a source tree the tree itself. Thread: the main one. */
#pragma once
#include "os/os.h"

enum { TD_SHARE_MAX = 512 };

/* The folder: $TAPEDECK_SHARE, or where it lies from the running binary. False: it is not there. */
bool td_share_find(const td_os *os, char out[TD_SHARE_MAX]);
