/* src/serve/editor.h - the texts of strategies over HTTP: which there are, one of them, what is wrong with another, and
 * that saved in its place, which then is looked at as if it were edited by hand. The program in force changes by that
 * alone. Thread: the server's; compiling and saving are what somebody does by hand, and take a few milliseconds. */
#pragma once
#include "serve/api.h"
#include "serve/view.h"

static inline bool td_editor_answers(td_api_kind kind) {
    return kind == TD_API_STRATEGIES || kind == TD_API_CHECK || kind == TD_API_SAVE;
}
/* The whole answer. False: *error says why. */
bool td_editor_answer(const td_view *view, const td_api_request *request, td_bytes body, td_buf *out,
                      td_api_error *error);
/* False, with why nobody may save here. */
bool td_editor_refuse(td_api_error *error);
/* The program with the text of the body, {"text": "…"}, in place of the request's file; owned by the caller. NULL:
 * *error says why. */
td_program *td_editor_compile(const td_view *view, const td_api_request *request, td_bytes body, td_api_error *error);
