/* src/app/versioning.c - a question with its own copies, and the versions in the making. */
#include "app/versioning.h"
#include "base/json.h"
#include "base/time.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct versioning {
    char strategy[64], hash[2 * TD_PROGRAM_SHA_BYTES + 1];
    td_versions *versions;
    td_edit *edit; /* NULL: only to look */
    td_version version;
    td_bytes text; /* of the one asked for */
    char *file;    /* into which it was put */
} versioning;

void *td_versioning_begin_back(const td_topics *topics, td_edit *edit, const char *strategy, const char *hash) {
    versioning *v = td_alloc_zero(1, sizeof *v);
    (void)snprintf(v->strategy, sizeof v->strategy, "%s", strategy);
    (void)snprintf(v->hash, sizeof v->hash, "%s", hash);
    v->versions = td_versions_new(topics, hash);
    v->edit = edit;
    return v;
}

void *td_versioning_begin(const td_topics *topics, const char *strategy, const char *hash) {
    return td_versioning_begin_back(topics, NULL, strategy, hash);
}

void td_versioning_end(void *self) {
    versioning *v = self;
    td_versions_free(v->versions);
    free(v->file);
    free(v);
}

td_status td_versioning_step(void *self) {
    versioning *v = self;
    td_status status = td_versions_step(v->versions);
    if (status != TD_OK || v->hash[0] == '\0') return status;
    status = td_versions_text(v->versions, td_text(v->strategy), &v->version, &v->text);
    if (status == TD_OK && v->edit != NULL) status = td_edit_back(v->edit, td_text(v->strategy), v->text, &v->file);
    return status;
}

/* ---- answers ---- */

void td_version_put(td_buf *out, const td_version *version) {
    char since[40];
    (void)td_time_format(version->since_ms * TD_NS_PER_MS, since);
    td_buf_printf(out, "{\"since\":\"%s\",\"since_ms\":%" PRId64, since, version->since_ms);
    if (version->none) {
        td_buf_text(out, ",\"hash\":null}");
        return;
    }
    td_buf_printf(out, ",\"hash\":\"%s\",\"in_force\":%s,\"lines\":%" PRId64 ",\"strategies\":[", version->hash,
                  version->in_force ? "true" : "false", version->line_count);
    for (const char *name = version->names; *name != '\0'; name += strlen(name) + 1) {
        if (name != version->names) td_buf_text(out, ",");
        td_json_put_string(out, td_text(name));
    }
    td_buf_text(out, "]}");
}

static void put_one(void *arg, const td_version *version) {
    td_buf *out = arg;
    td_buf_text(out, out->data[out->size - 1] == '[' ? "\n" : ",\n");
    td_version_put(out, version);
}

void td_versioning_put(void *self, td_buf *out) {
    const versioning *v = self;
    td_buf_text(out, "{\"strategy\":");
    td_json_put_string(out, td_text(v->strategy));
    if (v->hash[0] == '\0') {
        td_buf_text(out, ",\"versions\":[");
        td_versions_each_of(v->versions, td_text(v->strategy), put_one, out);
        td_buf_text(out, "\n]}\n");
        return;
    }
    td_buf_printf(out, ",\"hash\":\"%s\"", v->version.hash);
    td_buf_text(out, v->file != NULL ? ",\"state\":\"saved\",\"file\":" : ",\"text\":");
    td_json_put_string(out, v->file != NULL ? td_text(v->file) : v->text);
    td_buf_text(out, "}\n");
}
