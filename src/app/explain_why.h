/* src/app/explain_why.h - `tapedeck explain` of signals: one, none, or all that a log holds. Each says what is
 * wrong itself and returns an exit code. Thread: the main one. */
#pragma once
#include "app/data.h"
#include "flow/explain.h"

/* The question's strategy, instrument, time and ordinal are asked of that log. */
int td_explain_why(const td_data_conf *which, const td_explain_question *asked, bool json);
/* Every output of the log made once more from the tape's beginning and held against it. */
int td_explain_all(const td_data_conf *which, bool json);
