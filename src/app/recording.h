/* src/app/recording.h - what a process of role `record` has: the feeds with ingest, the program that the log is to
 * hold, and the strategies' files, which may be edited while it runs. Thread: opening and closing one; then ingest's
 * steps and the edit's one each. */
#pragma once
#include "app/edit.h"
#include "flow/ingest.h"
#include "serve/serve.h"

typedef struct td_recording_conf { /* borrowed */
    const td_os *os;
    const td_config *config;
    const td_market *market;
    const td_topics *topics;
    const td_disk *disk;
    td_log_report_fn report;
    void *report_arg;
} td_recording_conf;

typedef struct td_recording td_recording;

/* Reads and compiles the strategies. Before a log is opened: what is wrong with them must not touch one. */
TD_CHECKED td_status td_recording_new(td_recording **out, const td_os *os, const td_config *config);
/* Opens feeds and ingest, and puts the program into the log where another one is in force. Errors: as theirs. */
TD_CHECKED td_status td_recording_begin(td_recording *recording, const td_recording_conf *conf);
void td_recording_free(td_recording *recording); /* accepts NULL */
td_ingest *td_recording_ingest(td_recording *recording);
td_live *td_recording_live(td_recording *recording);
td_edit *td_recording_edit(td_recording *recording);
/* The feed of that index; false: there are no more. Thread: any. */
bool td_recording_feed(td_recording *recording, size_t index, td_serve_feed *out);
/* Tells the strategies that are for none of the instruments that the feeds gave. False: these have not ended yet. */
bool td_recording_tell_idle(td_recording *recording, td_log_report_fn each, void *arg);
