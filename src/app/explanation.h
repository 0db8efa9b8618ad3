/* src/app/explanation.h - why a strategy acted or did not (flow/explain.h), for people and for programs. Pure. */
#pragma once
#include "flow/explain.h"

/* In lines, for a terminal. */
void td_explanation_put_text(const td_explain *explain, const td_explain_question *question, td_buf *out);
/* One JSON object and the end of its line. */
void td_explanation_put_json(const td_explain *explain, const td_explain_question *question, td_buf *out);
/* The log holds what was made again, the signals that were asked for among it. */
bool td_explanation_holds(const td_explain *explain);
