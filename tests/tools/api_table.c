/* tests/tools/api_table.c - the server's own table of what can be asked: a line for each parameter of each path, as
 * "METHOD path name required|optional", and one with "-" for each path. */
#include "serve/api.h"
#include <stdio.h>

int main(void) {
    for (td_api_kind kind = 0; kind < TD_API_COUNT; kind++) {
        const char *method = td_api_is_posted(kind) ? "POST" : "GET", *path = td_api_name(kind);
        td_api_parameter p;
        (void)printf("%s %s - optional\n", method, path);
        for (size_t i = 0; td_api_parameter_at(kind, i, &p); i++)
            (void)printf("%s %s %s %s\n", method, path, p.name, p.required ? "required" : "optional");
    }
    return 0;
}
