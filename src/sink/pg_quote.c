/* src/sink/pg_quote.c - names and texts within SQL, as every server of today reads them. */
#include "sink/pg_server.h"

static void put_quoted(td_buf *out, const char *text, char quote) {
    td_buf_put(out, &quote, 1);
    for (; *text != '\0'; text++) {
        if (*text == quote) td_buf_put(out, &quote, 1);
        td_buf_put(out, text, 1);
    }
    td_buf_put(out, &quote, 1);
}

void td_pg_put_name(td_buf *out, const char *name) { put_quoted(out, name, '"'); }
void td_pg_put_text(td_buf *out, const char *text) { put_quoted(out, text, '\''); }
