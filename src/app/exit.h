/* src/app/exit.h - the program's exit codes; scripts may rely on them. */
#pragma once

enum {
    TD_EXIT_OK = 0,
    TD_EXIT_CORRUPT = 1, /* a partition of the log stands still, or `log verify` found damage; the rest went on */
    TD_EXIT_USAGE = 2,   /* unknown command, option or configuration key: nothing was started */
    TD_EXIT_CONFIG = 3,  /* what the configuration names cannot be used: file, folder, port, lock */
    TD_EXIT_FAILED = 4,  /* the machine failed: no memory for threads, disk errors at start */
    TD_EXIT_STOPPED = 5, /* --until-end was stopped before its end; run again, it goes on */
};
