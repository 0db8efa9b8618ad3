/* src/app/scrape.c - one pass over the lines per question: a scrape has some hundreds. */
#include "app/scrape.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct sample {
    const char *labels; /* behind the name: "{…} 12\n" or " 12\n" */
    const char *value;
} sample;

/* The next sample of that name at or behind `at`, which moves behind it. */
static bool next_sample(const char **at, const char *name, sample *out) {
    size_t size = strlen(name);
    for (const char *line = *at; *line != '\0';) {
        const char *end = strchr(line, '\n');
        *at = end != NULL ? end + 1 : line + strlen(line);
        if (strncmp(line, name, size) == 0 && (line[size] == '{' || line[size] == ' ')) {
            const char *brace = line[size] == '{' ? strchr(line, '}') : line + size - 1;
            *out = (sample){line + size, brace != NULL && brace < *at ? brace + 1 : *at};
            return true;
        }
        line = *at;
    }
    return false;
}

static bool has_label(const sample *s, const char *label) {
    const char *found = strstr(s->labels, label);
    return label[0] == '\0' || (found != NULL && found < s->value);
}

double td_scrape_sum(const char *text, const char *name, const char *label) {
    double sum = 0;
    for (sample s; next_sample(&text, name, &s);)
        if (has_label(&s, label)) sum += strtod(s.value, NULL);
    return sum;
}

bool td_scrape_label(const char *text, const char *name, const char *label, size_t index, char out[TD_LABEL_MAX]) {
    char begin[TD_LABEL_MAX];
    (void)snprintf(begin, sizeof begin, "%s=\"", label);
    for (sample s; next_sample(&text, name, &s);) {
        const char *found = strstr(s.labels, begin);
        if (found == NULL || found >= s.value || index-- > 0) continue;
        found += strlen(begin);
        (void)snprintf(out, TD_LABEL_MAX, "%.*s", (int)strcspn(found, "\""), found);
        return true;
    }
    return false;
}
