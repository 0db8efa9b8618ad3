/* src/lang/lists.h - lists of instruments that stand in files of their own, `for @lists/majors.txt`: one name a line,
 * '#' begins a comment. What is read of them is put behind the strategies' text as a comment, "#@lists/majors.txt NAME
 * NAME", and goes with it into the program: a replay needs no file, and no place in the text moves. Pure. Thread: any.
 */
#pragma once
#include "base/status.h"
#include "model/instrument.h"

enum { TD_LIST_NAMES_MAX = 4096 };

/* Each list that the text names and does not have yet, in its order; once for each time it is named. */
void td_lists_each(td_bytes text, void (*each)(void *arg, td_bytes path), void *arg);
/* Appends the list to the text. Errors: TD_CONFIG, each with `file` and line in *errors. */
TD_CHECKED td_status td_list_put(td_buf *text, td_bytes path, const char *file, td_bytes content, td_buf *errors);
/* The text without the lists that were put behind it. */
td_bytes td_lists_strip(td_bytes text);
/* The names that the text has of it, apart by blanks. False: it has no such list. */
bool td_list_find(td_bytes text, td_bytes path, td_bytes *out_names);
/* Takes the first name off them. False: there is none. */
bool td_list_next(td_bytes *names, td_bytes *out_name);
