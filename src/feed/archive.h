/* src/feed/archive.h - the lines of one text file: a zip with one file in it, gzip of one or more members, or plain.
 * Reads forward only and asks no central directory, so that a file cut short still gives every whole line before the
 * cut, and then says so. Memory: about 90 KB while open, 2 MB more once a line needs it. Thread: one. */
#pragma once
#include "os/os.h"

enum { TD_ARCHIVE_LINE_MAX = 1 << 20 };

typedef enum td_line_kind {
    TD_LINE_TEXT,
    TD_LINE_TOO_LONG, /* over TD_ARCHIVE_LINE_MAX bytes: its beginning; the rest is skipped      */
    TD_LINE_BROKEN,   /* cut or damaged here: the bytes of the unfinished line; of a text END comes next */
    TD_LINE_END,
} td_line_kind;

typedef struct td_line {
    td_line_kind kind;
    uint64_t number;    /* from 1, each given once */
    td_bytes bytes;     /* without its end (LF or CRLF); borrowed until the next call */
    const char *detail; /* TOO_LONG, BROKEN: what is wrong; until the next call */
} td_line;

typedef struct td_archive td_archive;

/* `plain`: what is neither zip nor gzip is text. Errors: TD_CONFIG (cannot be opened), TD_REJECT with a trail (empty,
 * or of a kind that is not read), TD_RETRY. `os` is borrowed for the archive's life. */
TD_CHECKED td_status td_archive_open(td_archive **out, const td_os *os, const char *path, bool plain);
void td_archive_close(td_archive *archive); /* accepts NULL */
/* Name of the file inside the zip, without folders; else "". Lives as long as the archive. */
const char *td_archive_name(const td_archive *archive);
/* Errors: TD_RETRY; call again, nothing is lost. */
TD_CHECKED td_status td_archive_next(td_archive *archive, td_line *out);
