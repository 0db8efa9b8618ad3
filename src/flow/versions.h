/* src/flow/versions.h - the texts that strategies have had, out of the programs that the log holds: which there were,
 * since when each was in force, and one of them. By the places of partition 0: a program begins on all. Read in steps;
 * a version is named by the SHA-256 of its text, lists included. Memory: some 100 bytes for each text, program and
 * place, and the one text asked for. Thread: one. */
#pragma once
#include "flow/programs.h"

enum { TD_VERSION_HASH_MIN = 6 }; /* digits that name one */

typedef struct td_version { /* borrowed; a text in force from then until the next one of the list */
    char hash[2 * TD_PROGRAM_SHA_BYTES + 1];
    const char *names; /* of its strategies and series, each ended by NUL, then an empty one */
    int64_t since_ms;  /* append time of the program that brought it */
    int64_t line_count;
    bool in_force; /* it is the one now */
    bool none;     /* no text had the strategy any more; the above but the time means nothing */
} td_version;

typedef void (*td_version_fn)(void *arg, const td_version *version);

typedef struct td_versions td_versions;

/* `hash`: digits that the text to be kept begins with; "": none is. Borrows the topics. */
td_versions *td_versions_new(const td_topics *topics, const char *hash);
void td_versions_free(td_versions *versions); /* accepts NULL */
/* TD_AGAIN: call again. TD_OK: all is read. Others: as the log's; TD_CORRUPT, too, where a body is not ours. */
TD_CHECKED td_status td_versions_step(td_versions *versions);

/* Once all is read: */
void td_versions_each_of(const td_versions *versions, td_bytes strategy, td_version_fn each, void *arg); /* ascending */
void td_versions_each_now(const td_versions *versions, td_version_fn each, void *arg); /* those in force */
/* The text with that hash. TD_CONFIG: there is none, or there are several; the trail says which. */
TD_CHECKED td_status td_versions_text(const td_versions *versions, td_bytes strategy, td_version *out, td_bytes *text);
bool td_version_has(const td_version *version, td_bytes strategy);
