/* src/app/scrape.h - reads Prometheus text: values by name and label. Borrows the text, which ends with NUL. Pure. */
#pragma once
#include "base/bytes.h"

enum { TD_LABEL_MAX = 96 };

/* Sum of all samples of that name whose labels hold `label` ("sink=\"sqlite\""; "" for all). */
double td_scrape_sum(const char *text, const char *name, const char *label);
/* The index-th sample's value of a label ("feed"). False: there are not so many. */
bool td_scrape_label(const char *text, const char *name, const char *label, size_t index, char out[TD_LABEL_MAX]);
