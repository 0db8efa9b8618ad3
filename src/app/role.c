/* src/app/role.c - roles and their words. */
#include "app/role.h"
#include "base/option.h"
#include <stdio.h>

static const char *const words[] = {"record", "process", "deliver", "serve", NULL}; /* bit by bit */

static td_status find(td_bytes word, unsigned *out) {
    for (unsigned i = 0; words[i] != NULL; i++)
        if (td_bytes_equal(word, td_text(words[i]))) {
            *out |= 1U << i;
            return TD_OK;
        }
    char text[64];
    (void)snprintf(text, sizeof text, "%.*s", (int)word.size, (const char *)word.data);
    const char *near = td_nearest(text, words);
    return TD_FAIL(TD_REJECT, "--role: \"%s\" is none of record, process, deliver, serve%s%s%s", text,
                   near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "");
}

td_status td_roles_parse(const char *text, unsigned *out) {
    *out = text == NULL ? TD_ROLES_ALL : 0;
    td_status status = TD_OK;
    for (const char *at = text; at != NULL && status == TD_OK;) {
        size_t size = strcspn(at, ",");
        status = find((td_bytes){(const uint8_t *)at, size}, out);
        at = at[size] == ',' ? at + size + 1 : NULL;
    }
    return status;
}

void td_roles_put(td_buf *out, unsigned roles) {
    const char *comma = "";
    for (unsigned i = 0; words[i] != NULL; i++) {
        if ((roles & 1U << i) == 0) continue;
        td_buf_printf(out, "%s%s", comma, words[i]);
        comma = ",";
    }
}
