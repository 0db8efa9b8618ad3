/* src/app/edit.c - look, compile, ask ingest, wait for it. */
#include "app/edit.h"
#include "base/hash.h"
#include "base/time.h"
#include "lang/lists.h"
#include "stream/hindsight.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Ingest takes nothing while the disk is full: after so long it is told, and tried again later. */
#define LOOK_NS     TD_NS_PER_S
#define PATIENCE_NS (10 * TD_NS_PER_S)

enum { STATE_BYTES_MAX = 64 << 20 }; /* of all strategies, for each instrument */

struct td_edit {
    td_edit_conf conf;
    td_draft now, next; /* in force; on its way */
    int64_t looked_ns, asked_ns;
    uint64_t seen; /* a hash of the texts that were looked at last */
    bool missed;   /* at the last look a file was gone that had been there */
    atomic_bool wanted;
    pthread_mutex_t lock;
    td_edit_news news;
    td_edit_file files[TD_CONFIG_LIST_MAX]; /* as last looked at */
    size_t file_count;
};

const char *td_edit_state_name(td_edit_state state) {
    static const char *const names[] = {"in_force", "begins", "refused"};
    return names[state];
}

static void put_sha(const td_edit *e, const td_draft *draft, uint8_t out[TD_PROGRAM_SHA_BYTES]) {
    td_buf body = {0};
    td_draft_put_body(draft, &e->conf.draft, &body);
    td_sha256(td_buf_bytes(&body), out);
    td_buf_fini(&body);
}

static uint64_t hash_of(const td_strategies *s) {
    uint64_t hash = s->text_count;
    for (size_t i = 0; i < s->text_count; i++)
        hash = (hash * UINT64_C(0x100000001b3) ^ td_hash_bytes(td_text(s->files[i]))) * UINT64_C(0x100000001b3) ^
               td_hash_bytes(td_buf_bytes(&s->texts[i]));
    return hash;
}

static void note_name(void *arg, td_bytes name) {
    td_buf *names = arg;
    td_buf_put(names, name.data, name.size);
    td_buf_put(names, "", 1);
}

void td_edit_file_fini(td_edit_file *file) {
    td_buf_fini(&file->names);
    free(file->path);
}

/* Which files there are, and which of their texts are in force. */
static void note_files(td_edit *e, const td_strategies *s) {
    (void)pthread_mutex_lock(&e->lock);
    for (size_t i = 0; i < e->file_count; i++) td_edit_file_fini(&e->files[i]);
    e->file_count = s->text_count;
    for (size_t i = 0; i < s->text_count; i++) {
        td_edit_file *file = &e->files[i];
        size_t now = td_strategies_find(&e->now.strategies, s->files[i]);
        *file = (td_edit_file){.path = td_copy_text(s->files[i]), .runs = now < e->now.strategies.text_count};
        if (!file->runs) continue;
        td_sha256(td_buf_bytes(&e->now.strategies.texts[now]), file->sha256);
        td_lang_each_name(td_buf_bytes(&e->now.strategies.texts[now]), note_name, &file->names);
    }
    (void)pthread_mutex_unlock(&e->lock);
}

td_edit *td_edit_new(const td_edit_conf *conf, td_draft *draft) {
    td_edit *e = td_alloc_zero(1, sizeof *e);
    e->conf = *conf;
    e->now = *draft;
    *draft = (td_draft){0};
    e->seen = hash_of(&e->now.strategies);
    e->looked_ns = conf->os->ops->mono_ns(conf->os->self);
    (void)pthread_mutex_init(&e->lock, NULL);
    put_sha(e, &e->now, e->news.sha256);
    note_files(e, &e->now.strategies);
    e->news.at_ns = conf->os->ops->wall_ns(conf->os->self);
    return e;
}

void td_edit_free(td_edit *e) {
    if (e == NULL) return;
    (void)pthread_mutex_destroy(&e->lock);
    td_buf_fini(&e->news.errors);
    for (size_t i = 0; i < e->file_count; i++) td_edit_file_fini(&e->files[i]);
    td_draft_fini(&e->next);
    td_draft_fini(&e->now);
    free(e);
}

void td_edit_ask(td_edit *e) { atomic_store(&e->wanted, true); }
const td_draft *td_edit_draft(const td_edit *e) { return &e->now; }

void td_edit_tell(td_edit *e, td_edit_news *out) {
    (void)pthread_mutex_lock(&e->lock);
    *out = e->news;
    out->errors = (td_buf){0};
    td_buf_put(&out->errors, e->news.errors.data, e->news.errors.size);
    (void)pthread_mutex_unlock(&e->lock);
}

bool td_edit_file_at(td_edit *e, size_t index, td_edit_file *out) {
    (void)pthread_mutex_lock(&e->lock);
    bool found = index < e->file_count;
    if (found) {
        *out = e->files[index];
        out->path = td_copy_text(out->path);
        out->names = (td_buf){0};
        td_buf_put(&out->names, e->files[index].names.data, e->files[index].names.size);
    }
    (void)pthread_mutex_unlock(&e->lock);
    return found;
}

/* ---- what becomes of it ---- */

static void enter(td_edit *e, td_edit_state state, const char *errors) {
    (void)pthread_mutex_lock(&e->lock);
    e->news.state = state;
    e->news.at_ns = e->conf.os->ops->wall_ns(e->conf.os->self);
    e->news.errors.size = 0;
    td_buf_text(&e->news.errors, errors);
    (void)pthread_mutex_unlock(&e->lock);
}

static void refuse(td_edit *e, const char *why) {
    td_buf line = {0};
    enter(e, TD_EDIT_REFUSED, why);
    td_buf_printf(&line, "strategies have changed, and cannot be taken: what was in force still is: %s", why);
    td_buf_put(&line, "", 1);
    e->conf.report(e->conf.report_arg, (const char *)line.data);
    td_buf_fini(&line);
}

/* Files that only one of them has. */
static void tell_files(const td_edit *e, const td_strategies *all, const td_strategies *but, const char *what) {
    for (size_t i = 0; i < all->text_count; i++) {
        td_buf line = {0};
        if (td_strategies_find(but, all->files[i]) < but->text_count) continue;
        td_buf_printf(&line, "%s %s", all->files[i], what);
        td_buf_put(&line, "", 1);
        e->conf.report(e->conf.report_arg, (const char *)line.data);
        td_buf_fini(&line);
    }
}

static void replace_now(td_edit *e) {
    tell_files(e, &e->next.strategies, &e->now.strategies, "is a new file of strategies");
    tell_files(e, &e->now.strategies, &e->next.strategies, "is gone, and its strategies with it");
    td_draft_fini(&e->now);
    e->now = e->next;
    e->next = (td_draft){0};
    note_files(e, &e->now.strategies);
}

static void take_force(td_edit *e) {
    uint8_t sha256[TD_PROGRAM_SHA_BYTES];
    replace_now(e);
    put_sha(e, &e->now, sha256);
    (void)pthread_mutex_lock(&e->lock);
    memcpy(e->news.sha256, sha256, sizeof sha256);
    e->news.turn++;
    (void)pthread_mutex_unlock(&e->lock);
    enter(e, TD_EDIT_IN_FORCE, "");
    e->conf.report(e->conf.report_arg, "strategies have changed: what is new applies from here on");
}

/* ---- looking ---- */

static td_status check_size(const td_program *program) {
    size_t bytes = 0;
    for (size_t g = 0; g < td_program_graph_count(program); g++)
        if (program->graphs[g] != NULL) bytes += 2 * td_graph_state_bytes(program->graphs[g]);
    if (bytes <= STATE_BYTES_MAX) return TD_OK;
    return TD_FAIL(TD_CONFIG,
                   "all strategies together remember %zu MB of each instrument, and %d MB are the most; take shorter "
                   "windows",
                   bytes >> 20, STATE_BYTES_MAX >> 20);
}

static td_status make_program(const td_edit *e, const td_draft *draft, td_buf *body, td_program **out) {
    td_draft_put_body(draft, &e->conf.draft, body);
    td_status status = td_program_compile(td_buf_bytes(body), out);
    return status == TD_OK ? check_size(*out) : status;
}

/* Has ingest begin what was loaded. */
static td_status ask_ingest(td_edit *e) {
    td_buf body = {0};
    td_program *program = NULL;
    td_status status = make_program(e, &e->next, &body, &program);
    if (status == TD_OK) status = td_beginning_ask(e->conf.beginning, program, td_buf_bytes(&body));
    if (status != TD_OK) td_program_free(program);
    td_buf_fini(&body);
    return status;
}

static bool is_in_force(const td_edit *e) {
    uint8_t sha256[TD_PROGRAM_SHA_BYTES];
    put_sha(e, &e->next, sha256);
    return memcmp(sha256, e->news.sha256, sizeof sha256) == 0;
}

static td_status take_draft(td_edit *e, td_strategies *strategies) {
    td_buf errors = {0};
    td_draft_fini(&e->next);
    td_status status = td_draft_make(&e->next, e->conf.draft.config, strategies, &errors);
    td_buf_fini(&errors);
    if (status != TD_OK) return status;
    if (is_in_force(e)) {
        replace_now(e); /* files may have other names */
        enter(e, TD_EDIT_IN_FORCE, "");
        return TD_OK;
    }
    status = ask_ingest(e);
    if (status != TD_OK) return status;
    e->asked_ns = e->looked_ns;
    enter(e, TD_EDIT_BEGINS, "");
    return TD_OK;
}

static void look(td_edit *e) {
    td_strategies read;
    td_status status = td_strategies_read(&read, e->conf.os, e->conf.draft.config);
    uint64_t hash = hash_of(&read);
    e->missed = status == TD_OK && read.text_count < e->file_count && !e->missed;
    if (e->missed) { /* whoever replaces a file may have taken the old one away a moment ago */
        td_strategies_fini(&read);
        return;
    }
    if (status != TD_OK) hash ^= td_hash_bytes(td_text(td_trail())); /* what is wrong stands in a list, too */
    if (hash != e->seen) {
        e->seen = hash;
        if (status == TD_OK) note_files(e, &read);
        if (status == TD_OK) status = take_draft(e, &read);
        if (status != TD_OK) refuse(e, td_trail());
    }
    td_strategies_fini(&read);
}

static void wait_for_ingest(td_edit *e) {
    td_status status = td_beginning_answer(e->conf.beginning);
    if (status == TD_OK) take_force(e);
    bool late = e->conf.os->ops->mono_ns(e->conf.os->self) - e->asked_ns > PATIENCE_NS;
    if (status != TD_AGAIN || !late || !td_beginning_withdraw(e->conf.beginning)) return;
    refuse(e, "the log takes nothing: see whether its disk is full; tried again until it works");
    e->seen = 0;
}

void td_edit_step(td_edit *e) {
    if (e->news.state == TD_EDIT_BEGINS) {
        wait_for_ingest(e);
        return;
    }
    int64_t now_ns = e->conf.os->ops->mono_ns(e->conf.os->self);
    bool wanted = atomic_exchange(&e->wanted, false);
    if (!wanted && now_ns - e->looked_ns < LOOK_NS) return;
    e->looked_ns = now_ns;
    look(e);
    (void)pthread_mutex_lock(&e->lock);
    e->news.looked++;
    (void)pthread_mutex_unlock(&e->lock);
}

/* ---- texts of others than the files ---- */

td_status td_edit_try(const td_edit *e, const char *file, td_bytes text, td_program **out, td_buf *errors) {
    const td_config *config = e->conf.draft.config;
    td_strategies read;
    td_draft draft = {0};
    td_buf body = {0};
    td_program *program = NULL;
    td_status status = td_strategies_read(&read, e->conf.os, config);
    if (status == TD_OK) status = td_strategies_replace(&read, e->conf.os, config, file, text);
    if (status == TD_OK) status = td_draft_make(&draft, config, &read, errors);
    if (status == TD_OK) status = make_program(e, &draft, &body, &program);
    if (status != TD_OK && errors->size == 0) td_buf_text(errors, td_trail());
    if (status != TD_OK) td_program_free(program);
    td_buf_fini(&body);
    td_draft_fini(&draft);
    td_strategies_fini(&read);
    if (status == TD_OK) *out = program;
    return status;
}

static bool has_file(td_edit *e, const char *path) {
    td_edit_file file;
    bool found = false;
    for (size_t i = 0; !found && td_edit_file_at(e, i, &file); i++) {
        found = strcmp(file.path, path) == 0;
        td_edit_file_fini(&file);
    }
    return found;
}

td_status td_edit_save(td_edit *e, const char *file, td_bytes text) {
    if (!has_file(e, file)) return TD_FAIL(TD_CONFIG, "no strategy runs from %s", file);
    td_status status = td_os_replace_file(e->conf.os, file, text);
    if (status == TD_OK) td_edit_ask(e);
    return status;
}

/* The file that has the strategy now, to be freed; NULL: none has. */
static char *file_of(td_edit *e, td_bytes strategy) {
    td_edit_file file;
    for (size_t i = 0; td_edit_file_at(e, i, &file); i++) {
        const char *names = (const char *)file.names.data;
        bool found = false;
        for (size_t at = 0; at < file.names.size; at += strlen(names + at) + 1)
            found |= td_bytes_equal(td_text(names + at), strategy);
        char *path = found ? td_copy_text(file.path) : NULL;
        td_edit_file_fini(&file);
        if (found) return path;
    }
    return NULL;
}

/* What the file must have for that text to be in force: without its lists, where these are still the same. */
static td_bytes text_for_file(const td_edit *e, const char *file, td_bytes text) {
    td_strategies read;
    td_bytes stripped = td_lists_strip(text);
    td_status status = td_strategies_read(&read, e->conf.os, e->conf.draft.config);
    if (status == TD_OK) status = td_strategies_replace(&read, e->conf.os, e->conf.draft.config, file, stripped);
    size_t at = td_strategies_find(&read, file);
    bool same = status == TD_OK && td_bytes_equal(td_buf_bytes(&read.texts[at]), text);
    td_strategies_fini(&read);
    return same ? stripped : text;
}

td_status td_edit_back(td_edit *e, td_bytes strategy, td_bytes text, char **out_file) {
    char *file = file_of(e, strategy);
    td_buf errors = {0};
    td_program *program = NULL;
    if (file == NULL)
        return TD_FAIL(TD_CONFIG, "no file has strategy %.*s now: put one of its texts into a file by hand",
                       (int)strategy.size, (const char *)strategy.data);
    td_bytes content = text_for_file(e, file, text);
    td_status status = td_edit_try(e, file, content, &program, &errors);
    if (status != TD_OK)
        status = TD_FAIL(TD_REJECT, "that text does not compile beside the others of today: %.*s", (int)errors.size,
                         (const char *)errors.data);
    if (status == TD_OK) status = td_edit_save(e, file, content);
    td_program_free(program);
    td_buf_fini(&errors);
    if (status == TD_OK)
        *out_file = file;
    else
        free(file);
    return status;
}
