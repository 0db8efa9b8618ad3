/* src/app/finding.h - what a check found, one text each, told as lines for people or as one JSON object. A text begins
 * with the place where there is one: "market.yaml:3:5: feeds[0].file.path: …". Thread: one. */
#pragma once
#include "base/bytes.h"

typedef struct td_findings {
    bool json;
    size_t errors, warnings;
    td_buf list; /* JSON objects so far */
} td_findings;

typedef enum td_severity { TD_SEVERITY_ERROR, TD_SEVERITY_WARNING } td_severity;

void td_finding_add(td_findings *findings, td_severity severity, const char *text);
void td_findings_fini(td_findings *findings);
