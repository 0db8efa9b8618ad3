/* tests/oracle/avro_tool.c - our Avro for scripts: a request a line on stdin, an answer a line; fields between tabs.
 * canonical SCHEMA                 the canonical form, the fingerprint in hex
 * resolve WRITER READER HEX ...    for each value what the reader gets, in hex
 * compatible LEVEL NEW OLD ...     "yes", or "no" and where and why
 * What is refused is "!" and the reason. */
#include "schema/avro_resolve.h"
#include "schema/compatibility.h"
#include <stdio.h>
#include <stdlib.h>

enum { FIELDS_MAX = 4096 };

static char *fields[FIELDS_MAX];
static size_t field_count;

static void split(char *line) {
    line[strcspn(line, "\n")] = '\0';
    field_count = 0;
    for (char *at = line; at != NULL && field_count < FIELDS_MAX;) fields[field_count++] = strsep(&at, "\t");
}

/* Parses a field; says so when it is refused. */
static td_avro_schema *parse(const char *text) {
    td_avro_schema *schema = NULL;
    if (td_avro_schema_parse(td_text(text), &schema) != TD_OK) printf("!%s", td_trail());
    return schema;
}

static void answer_canonical(void) {
    td_avro_schema *schema = parse(fields[1]);
    td_buf out = {0};
    if (schema != NULL) {
        td_avro_schema_canonical(schema, &out);
        printf("%.*s\t%016lx", (int)out.size, (char *)out.data, (unsigned long)td_avro_schema_fingerprint(schema));
    }
    td_buf_fini(&out);
    td_avro_schema_free(schema);
}

static void from_hex(const char *hex, td_buf *out) {
    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2) td_buf_put(out, &(uint8_t){(uint8_t)byte}, 1);
}

static void answer_values(td_avro_plan *plan) {
    for (size_t i = 3; i < field_count; i++) {
        td_buf in = {0}, out = {0};
        if (i > 3) printf("\t");
        from_hex(fields[i], &in);
        if (td_avro_plan_run(plan, td_buf_bytes(&in), &out) != TD_OK) printf("!%s", td_trail());
        for (size_t k = 0; k < out.size; k++) printf("%02x", out.data[k]);
        td_buf_fini(&out);
        td_buf_fini(&in);
    }
}

static void answer_resolve(void) {
    td_avro_schema *writer = parse(fields[1]), *reader = writer == NULL ? NULL : parse(fields[2]);
    if (reader != NULL) {
        td_avro_plan *plan = td_avro_plan_new(writer, reader);
        answer_values(plan);
        td_avro_plan_free(plan);
    }
    td_avro_schema_free(reader);
    td_avro_schema_free(writer);
}

static void answer_level(td_compatibility level, td_avro_schema *const *schemas, size_t count) {
    td_incompatibility found;
    if (td_compatibility_check(level, schemas[0], (const td_avro_schema *const *)schemas + 1, count - 1, &found))
        printf("yes");
    else
        printf("no\t%zu\t%s\t%s\t%s", found.version, found.older_reads ? "old" : "new", found.path, found.reason);
}

static void answer_compatible(void) {
    td_avro_schema **schemas = calloc(field_count, sizeof(td_avro_schema *));
    size_t count = field_count - 2, parsed = 0;
    if (schemas == NULL) abort();
    while (parsed < count && (schemas[parsed] = parse(fields[2 + parsed])) != NULL) parsed++;
    for (int i = 0; parsed == count && i < TD_COMPATIBILITY_COUNT; i++)
        if (strcmp(fields[1], td_compatibility_name((td_compatibility)i)) == 0)
            answer_level((td_compatibility)i, schemas, count);
    for (size_t i = 0; i < parsed; i++) td_avro_schema_free(schemas[i]);
    free(schemas);
}

int main(void) {
    static const struct {
        const char *word;
        size_t fields_min;
        void (*answer)(void);
    } requests[] = {
        {"canonical", 2, answer_canonical}, {"resolve", 3, answer_resolve}, {"compatible", 3, answer_compatible}};
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        split(line);
        for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
            if (field_count >= requests[i].fields_min && strcmp(fields[0], requests[i].word) == 0) requests[i].answer();
        printf("\n");
        (void)fflush(stdout);
    }
    free(line);
    return 0;
}
