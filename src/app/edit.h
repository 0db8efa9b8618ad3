/* src/app/edit.h - strategies edited while they run: looks at their files once a second, or when asked to, at those
 * that have come to a glob and those that are gone from it, too, compiles what has changed and has ingest begin it.
 * What does not compile, or cannot be begun, leaves the program in force; what is wrong with it is kept for who asks.
 * Everything else of the configuration stays as it was at the start. Thread: the step and the counts one; asking and
 * telling any. */
#pragma once
#include "app/draft.h"
#include "flow/beginning.h"

typedef struct td_edit_conf { /* borrowed */
    const td_os *os;
    td_draft_conf draft;
    td_beginning *beginning;
    td_log_report_fn report; /* what changes, and what cannot */
    void *report_arg;
} td_edit_conf;

typedef enum td_edit_state {
    TD_EDIT_IN_FORCE, /* what the files say */
    TD_EDIT_BEGINS,   /* it compiles, and is on its way into the log */
    TD_EDIT_REFUSED,  /* it cannot be: what was in force still is */
} td_edit_state;

typedef struct td_edit_news { /* a copy; errors are to be freed */
    td_edit_state state;
    td_buf errors;                        /* of REFUSED */
    int64_t turn;                         /* one more each time another program has begun */
    int64_t looked;                       /* looks at the files that are over */
    int64_t at_ns;                        /* wall clock: since when it is so */
    uint8_t sha256[TD_PROGRAM_SHA_BYTES]; /* of the program in force */
} td_edit_news;

typedef struct td_edit_file { /* one that strategies are read from */
    char *path;
    td_buf names;                         /* of its strategies and series in force, each ended by NUL */
    bool runs;                            /* a text of it is in force */
    uint8_t sha256[TD_PROGRAM_SHA_BYTES]; /* of that, its lists included */
} td_edit_file;

typedef struct td_edit td_edit;

/* `draft` is what is in force; it is taken. */
td_edit *td_edit_new(const td_edit_conf *conf, td_draft *draft);
void td_edit_free(td_edit *edit); /* accepts NULL */
void td_edit_step(td_edit *edit); /* a few milliseconds where something has changed */
void td_edit_ask(td_edit *edit);  /* to look at the next step */
void td_edit_tell(td_edit *edit, td_edit_news *out);
/* A copy. False: there are no more. */
bool td_edit_file_at(td_edit *edit, size_t index, td_edit_file *out);
void td_edit_file_fini(td_edit_file *file);
/* The program that it would come to with that text in place of what the file has, owned by the caller; changes nothing.
 * Errors: as td_draft_make's, all words in *errors. Thread: any. */
TD_CHECKED td_status td_edit_try(const td_edit *edit, const char *file, td_bytes text, td_program **out,
                                 td_buf *errors);
/* Writes the file, which is looked at then. Errors: TD_CONFIG: no strategy runs from it, so nothing is written; as
 * td_os_replace_file's. Thread: any, one at a time. */
TD_CHECKED td_status td_edit_save(td_edit *edit, const char *file, td_bytes text);
/* Has the file that the strategy runs from say that text, which was in force before, as td_edit_save; its path is to be
 * freed. TD_CONFIG: no file has that strategy now. TD_REJECT: it does not compile beside the others; nothing is
 * written. */
TD_CHECKED td_status td_edit_back(td_edit *edit, td_bytes strategy, td_bytes text, char **out_file);
const td_draft *td_edit_draft(const td_edit *edit);  /* in force; until the next step */
const char *td_edit_state_name(td_edit_state state); /* "in_force": a literal */
