/* tests/sim/sqlite_vfs.h - SQLite's file system, named "sim", over a td_os: SQLite then lives on the simulated machine.
 * Open with `file:/path.db?vfs=sim`. WAL works: its shared memory is plain memory, since one connection at a time may
 * have a file open (another gets SQLITE_BUSY). Chance and time come from the machine, so that a seed is a whole run.
 * Thread: one. */
#pragma once
#include "os/os.h"

/* Becomes SQLite's default until the next register or unregister. `os` is borrowed until then. */
void td_sqlite_vfs_register(const td_os *os, uint64_t seed);
void td_sqlite_vfs_unregister(void);
/* The process died with its files open: they are nobody's. */
void td_sqlite_vfs_forget(void);
