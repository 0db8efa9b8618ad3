/* src/app/cmd_strategies.c - which texts are, and were, in force the log says; which file has one, and going back, the
 * process that runs. */
#include "app/cmd_strategies.h"
#include "app/ask.h"
#include "app/beacon.h"
#include "app/data.h"
#include "app/exit.h"
#include "app/versioning.h"
#include "base/json.h"
#include "base/time.h"
#include <inttypes.h>
#include <stdlib.h>

enum { SHORT_HASH = 12, PATH_BYTES_MAX = 1024 };

typedef struct strategies_conf {
    td_data_conf log;
    bool json;
} strategies_conf;

/* ---- which file, by the process ---- */

/* The API's list, or nothing where none runs that would tell. */
static void ask_files(const char *dir, td_buf *out) {
    char url[TD_BEACON_MAX];
    if (dir == NULL || !td_beacon_find(&td_os_posix, dir, url) || td_ask(url, "/api/v1/strategies", out) != TD_OK)
        out->size = 0;
}

/* An object's next member, when it is a text of that name. */
static bool read_member(td_json *j, const char *name, char *out, size_t capacity) {
    if (td_json_next(j) != TD_JSON_KEY || !td_bytes_equal(j->text, td_text(name))) return false;
    if (td_json_next(j) != TD_JSON_STRING) return false;
    size_t size = td_json_unescape(j->text, out, capacity - 1);
    if (size == SIZE_MAX) return false;
    out[size] = '\0';
    return true;
}

/* The file whose text in force has that hash; "": it is not known. */
static void find_file(const td_buf *files, const char *hash, char out[PATH_BYTES_MAX]) {
    td_json j;
    char told[80];
    td_json_init(&j, td_buf_bytes(files));
    bool list =
        td_json_next(&j) == TD_JSON_OBJECT && td_json_next(&j) == TD_JSON_KEY && td_json_next(&j) == TD_JSON_ARRAY;
    while (list && td_json_next(&j) == TD_JSON_OBJECT) {
        bool both = read_member(&j, "file", out, PATH_BYTES_MAX) && read_member(&j, "hash", told, sizeof told);
        if (both && strcmp(told, hash) == 0) return;
        list = td_json_leave(&j);
    }
    out[0] = '\0';
}

/* ---- out of the log ---- */

static td_status read_all(td_versions *versions) {
    td_status status;
    while ((status = td_versions_step(versions)) == TD_AGAIN) continue;
    return status;
}

typedef struct telling {
    const strategies_conf *conf;
    td_buf files;
    size_t count;
} telling;

static void put_names(const td_version *version) {
    for (const char *name = version->names; *name != '\0'; name += strlen(name) + 1)
        (void)printf("%s%s", name == version->names ? "" : ", ", name);
}

static void show_json(const td_version *version) {
    td_buf line = {0};
    td_version_put(&line, version);
    (void)printf("%.*s\n", (int)line.size, (const char *)line.data);
    td_buf_fini(&line);
}

/* With its file, null where nobody tells it. */
static void show_json_now(const td_version *version, const char *file) {
    td_buf line = {0};
    td_version_put(&line, version);
    line.size--; /* the object goes on */
    td_buf_text(&line, ",\"file\":");
    if (file[0] != '\0')
        td_json_put_string(&line, td_text(file));
    else
        td_buf_text(&line, "null");
    (void)printf("%.*s}\n", (int)line.size, (const char *)line.data);
    td_buf_fini(&line);
}

static void show_now(void *arg, const td_version *version) {
    telling *t = arg;
    char file[PATH_BYTES_MAX], since[40];
    t->count++;
    find_file(&t->files, version->hash, file);
    if (t->conf->json) {
        show_json_now(version, file);
        return;
    }
    if (t->count == 1) (void)printf("%-*s  %-24s  %-32s  %s\n", SHORT_HASH, "hash", "since", "file", "strategies");
    (void)td_time_format(version->since_ms * TD_NS_PER_MS, since);
    (void)printf("%.*s  %-24s  %-32s  ", SHORT_HASH, version->hash, since, file[0] != '\0' ? file : "-");
    put_names(version);
    (void)printf("\n");
}

static void show_version(void *arg, const td_version *version) {
    telling *t = arg;
    char since[40];
    t->count++;
    if (t->conf->json) {
        show_json(version);
        return;
    }
    (void)td_time_format(version->since_ms * TD_NS_PER_MS, since);
    if (version->none)
        (void)printf("%-*s  %-24s  no text has it\n", SHORT_HASH, "-", since);
    else
        (void)printf("%.*s  %-24s  %" PRId64 " lines%s\n", SHORT_HASH, version->hash, since, version->line_count,
                     version->in_force ? ", in force" : "");
}

static td_status list(const strategies_conf *conf, const td_data *data) {
    telling t = {.conf = conf};
    td_versions *versions = td_versions_new(&data->topics, "");
    td_status status = read_all(versions);
    ask_files(data->where.dir, &t.files);
    if (status == TD_OK) td_versions_each_now(versions, show_now, &t);
    if (status == TD_OK && t.count == 0) (void)fprintf(stderr, "no strategy is in force\n");
    td_buf_fini(&t.files);
    td_versions_free(versions);
    return status;
}

static td_status list_versions(const strategies_conf *conf, const td_topics *topics, const char *strategy) {
    telling t = {.conf = conf};
    td_versions *versions = td_versions_new(topics, "");
    td_status status = read_all(versions);
    if (status == TD_OK) td_versions_each_of(versions, td_text(strategy), show_version, &t);
    if (status == TD_OK && t.count == 0)
        status =
            TD_FAIL(TD_CONFIG, "the log has had no strategy %s; `tapedeck strategies` lists those in force", strategy);
    td_versions_free(versions);
    return status;
}

static void keep_hash(void *arg, const td_version *version) {
    if (!version->none) memcpy(arg, version->hash, sizeof version->hash);
}

/* "": the newest text. */
static td_status show_text(const td_topics *topics, const char *strategy, const char *hash) {
    char newest[2 * TD_PROGRAM_SHA_BYTES + 1] = "";
    td_version version;
    td_bytes text;
    td_versions *versions = td_versions_new(topics, hash);
    td_status status = read_all(versions);
    if (status == TD_OK && hash[0] == '\0') {
        td_versions_each_of(versions, td_text(strategy), keep_hash, newest);
        td_versions_free(versions);
        if (newest[0] == '\0') return TD_FAIL(TD_CONFIG, "the log has had no strategy %s", strategy);
        return show_text(topics, strategy, newest);
    }
    if (status == TD_OK) status = td_versions_text(versions, td_text(strategy), &version, &text);
    if (status == TD_OK) (void)fwrite(text.data, 1, text.size, stdout);
    td_versions_free(versions);
    return status;
}

/* ---- going back ---- */

/* The error's message, or all of the answer where it has none. */
static td_status fail_answer(const char *url, const td_buf *answer) {
    td_json j;
    char message[300] = "", code[40];
    td_json_init(&j, td_buf_bytes(answer));
    bool told = td_json_next(&j) == TD_JSON_OBJECT && td_json_next(&j) == TD_JSON_KEY &&
                td_json_next(&j) == TD_JSON_OBJECT && read_member(&j, "code", code, sizeof code) &&
                read_member(&j, "message", message, sizeof message);
    if (told) return TD_FAIL(TD_CONFIG, "%s", message);
    return TD_FAIL(TD_CONFIG, "%s answers: %.*s", url, (int)(answer->size < 300 ? answer->size : 300),
                   (const char *)answer->data);
}

static td_status roll_back_in(const char *dir, const strategies_conf *conf, const char *strategy, const char *hash) {
    char url[TD_BEACON_MAX], path[256];
    td_buf answer = {0};
    int http = 0;
    if (dir == NULL) return TD_FAIL(TD_CONFIG, "who runs is found by the folder of the run: name it by --data");
    if (!td_beacon_find(&td_os_posix, dir, url))
        return TD_FAIL(
            TD_CONFIG,
            "nobody runs in %s and can be asked; write the text into its file yourself: `tapedeck strategies "
            "show %s@%s --data %s`",
            dir, strategy, hash, dir);
    (void)snprintf(path, sizeof path, "/api/v1/strategies/rollback?strategy=%s&hash=%s", strategy, hash);
    td_status status = td_ask_to(url, path, TD_TEXT("{}"), &answer, &http);
    if (status == TD_OK && http != 200) status = fail_answer(url, &answer);
    if (status == TD_OK && conf->json) (void)printf("%.*s", (int)answer.size, (const char *)answer.data);
    if (status == TD_OK && !conf->json)
        (void)printf("written; `tapedeck strategies versions %s` tells when it is in force\n", strategy);
    td_buf_fini(&answer);
    return status;
}

static td_status roll_back(const strategies_conf *conf, const char *strategy, const char *hash) {
    td_config_log where;
    td_status status = td_data_locate(&where, &conf->log);
    if (status != TD_OK) return status;
    status = roll_back_in(where.dir, conf, strategy, hash);
    td_config_log_fini(&where);
    return status;
}

/* ---- the command ---- */

/* Of a name nothing has to be escaped in a path. */
static bool is_word(const char *text, const char *of, size_t least, size_t most) {
    size_t size = strlen(text);
    return size >= least && size <= most && strspn(text, of) == size;
}

static bool is_hash(const char *text) {
    return is_word(text, "0123456789abcdef", TD_VERSION_HASH_MIN, (size_t)2 * TD_PROGRAM_SHA_BYTES);
}

static bool is_name(const char *text) {
    return is_word(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", 1, 63);
}

static int read_log(const strategies_conf *conf, const char *strategy, const char *hash) {
    td_data data;
    td_status status = td_data_open(&data, &conf->log);
    if (status == TD_OK && strategy == NULL)
        status = list(conf, &data);
    else if (status == TD_OK && hash == NULL)
        status = list_versions(conf, &data.topics, strategy);
    else if (status == TD_OK)
        status = show_text(&data.topics, strategy, hash);
    td_data_close(&data);
    return td_command_end("strategies", status);
}

static int show(const strategies_conf *conf, const char *word) {
    char name[80] = "";
    const char *sign = strchr(word, '@');
    (void)snprintf(name, sizeof name, "%.*s", (int)(sign != NULL ? sign - word : (ptrdiff_t)strlen(word)), word);
    if (!is_name(name) || (sign != NULL && !is_hash(sign + 1)))
        return td_command_usage("strategies", "show takes NAME or NAME@HASH, with at least 6 digits of the hash", NULL);
    return read_log(conf, name, sign != NULL ? sign + 1 : "");
}

static int run(void *conf, const char *const *words) {
    size_t count = 0;
    while (words[count] != NULL) count++;
    if (count == 0) return read_log(conf, NULL, NULL);
    if (strcmp(words[0], "versions") == 0 && count == 2 && is_name(words[1])) return read_log(conf, words[1], NULL);
    if (strcmp(words[0], "show") == 0 && count == 2) return show(conf, words[1]);
    if (strcmp(words[0], "rollback") != 0)
        return td_command_usage("strategies", "versions NAME, show NAME[@HASH] or rollback NAME HASH?", NULL);
    if (count != 3 || !is_name(words[1]) || !is_hash(words[2]))
        return td_command_usage(
            "strategies", "rollback takes NAME HASH, at least 6 digits of it, as `strategies versions NAME` lists them",
            NULL);
    td_status status = roll_back(conf, words[1], words[2]);
    return td_command_end("strategies", status);
}

static const td_option options[] = {
    TD_DATA_OPTIONS(strategies_conf),
    {.key = "json",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(strategies_conf, json),
     .help = "an object per line, with the fields of the API"},
    {0},
};

const td_command td_command_strategies = {
    .name = "strategies",
    .words = "[versions NAME | show NAME[@HASH] | rollback NAME HASH]",
    .words_most = 3,
    .summary = "the texts of strategies in force, all that were before, and going back to one",
    .text =
        "Lists the texts in force: hash, since when, file, strategies. versions lists all that the log has had of a\n"
        "strategy; show prints one of them, or the newest. rollback has the process that runs write such a text into\n"
        "the strategy's file (its token from TAPEDECK_TOKEN): it is checked, warmed and begun as any edit, and is a\n"
        "new version itself. A hash is of the whole text of a file, with its lists of instruments.\n",
    .options = options,
    .conf_size = sizeof(strategies_conf),
    .examples = "  tapedeck strategies\n"
                "  tapedeck strategies versions golden_cross\n"
                "  tapedeck strategies show golden_cross@3f0c2b91a4d7 >golden_cross.td\n"
                "  tapedeck strategies rollback golden_cross 3f0c2b91a4d7\n",
    .run = run,
};
