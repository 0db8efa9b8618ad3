/* tests/sim/os_sim.c - the simulated machine: inodes with bytes and the writes that are not durable yet, names with the
 * changes that are not durable yet, handles, locks, clocks and a count of calls. */
#include "os_sim.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { NONE = -1, SECTOR_BYTES = 512, PATH_BYTES = 512 };
#define CANNOT_FAIL   UINT32_MAX                   /* in place of a chance */
#define WALL_START_NS INT64_C(1795237200000000000) /* 2026-11-21T05:00:00Z */
#define MONO_START_NS INT64_C(1000000000)

typedef struct change { /* of an inode: bytes written at an offset, or (data == NULL) a new size */
    int64_t offset;
    uint8_t *data;
    size_t size;
} change;

typedef struct inode {
    bool is_dir;
    td_buf live, durable;
    change *changes;
    size_t change_count;
} inode;

typedef struct name { /* inode indexes, NONE: no such name */
    char path[PATH_BYTES];
    int live, durable;
} name;

typedef struct name_change { /* `to` becomes inode; `from`, if any, goes in the same step */
    char dir[PATH_BYTES];
    int to, from; /* indexes of names */
    int inode;
} name_change;

typedef struct handle {
    int file, inode;
    bool writable, locks;
} handle;

struct td_sim {
    td_random random;
    td_sim_faults faults;
    bool trace, dead;
    uint64_t calls, crash_at, fail_first, fail_last;
    int64_t wall_ns, mono_ns;
    inode *inodes;
    size_t inode_count;
    name *names;
    size_t name_count;
    name_change *name_changes;
    size_t name_change_count;
    handle *handles;
    size_t handle_count;
    int next_file; /* never used twice: handles of an earlier life stay dead */
};

/* ---- small memory -------------------------------------------------------------------------------------------- */

static void *grow(void *items, size_t count, size_t item_bytes) { /* room for one more; doubles at powers of two */
    if ((count & (count - 1)) != 0) return items;
    size_t bytes = (count == 0 ? 1 : 2 * count) * item_bytes;
    return td_alloc_check(realloc(items, bytes), bytes);
}

static void buf_resize(td_buf *buf, size_t size) {
    if (size > buf->size) {
        td_buf_reserve(buf, size - buf->size);
        memset(buf->data + buf->size, 0, size - buf->size);
    }
    buf->size = size;
}

static void buf_write(td_buf *buf, const uint8_t *data, size_t size, size_t offset) {
    if (offset + size > buf->size) buf_resize(buf, offset + size);
    if (size > 0) memcpy(buf->data + offset, data, size);
}

/* ---- inodes: bytes and what is not durable of them ------------------------------------------------------------ */

static int inode_new(td_sim *sim, bool is_dir) {
    sim->inodes = grow(sim->inodes, sim->inode_count, sizeof *sim->inodes);
    sim->inodes[sim->inode_count] = (inode){.is_dir = is_dir};
    return (int)sim->inode_count++;
}

static void changes_drop(inode *node) {
    for (size_t i = 0; i < node->change_count; i++) free(node->changes[i].data);
    node->change_count = 0;
}

static void change_apply(td_buf *buf, const change *c) {
    if (c->data == NULL)
        buf_resize(buf, (size_t)c->offset);
    else
        buf_write(buf, c->data, c->size, (size_t)c->offset);
}

static void change_add(inode *node, int64_t offset, const void *data, size_t size) {
    change c = {.offset = offset, .size = size};
    if (data != NULL) {
        c.data = td_alloc(size + 1);
        memcpy(c.data, data, size);
    }
    node->changes = grow(node->changes, node->change_count, sizeof *node->changes);
    node->changes[node->change_count++] = c;
    change_apply(&node->live, &c);
}

static void inode_sync(inode *node) {
    for (size_t i = 0; i < node->change_count; i++) change_apply(&node->durable, &node->changes[i]);
    changes_drop(node);
}

/* A write of which the power loss leaves a part: a beginning, or some of its sectors. */
static void change_tear(td_sim *sim, td_buf *buf, const change *c) {
    if (c->data == NULL) return; /* a size changes or does not */
    if (td_random_below(&sim->random, 2) == 0) {
        change part = *c;
        part.size = td_random_below(&sim->random, c->size + 1);
        change_apply(buf, &part);
        return;
    }
    for (size_t at = 0; at < c->size;) {
        size_t sector_end = ((size_t)c->offset + at) / SECTOR_BYTES * SECTOR_BYTES + SECTOR_BYTES;
        size_t size = sector_end - ((size_t)c->offset + at);
        if (size > c->size - at) size = c->size - at;
        if (td_random_below(&sim->random, 2) == 0) buf_write(buf, c->data + at, size, (size_t)c->offset + at);
        at += size;
    }
}

typedef enum kept { KEEP_ALL, KEEP_NONE, KEEP_BEGINNING, KEEP_SOME, KEPT_COUNT } kept;

static void inode_lose_power(td_sim *sim, inode *node) {
    kept how = (kept)td_random_below(&sim->random, KEPT_COUNT);
    size_t whole = how == KEEP_BEGINNING ? td_random_below(&sim->random, node->change_count + 1) : 0;
    bool zeros = td_random_below(&sim->random, 4) == 0; /* the new size came through, the bytes did not */
    for (size_t i = 0; i < node->change_count; i++) {
        const change *c = &node->changes[i];
        uint64_t dice = td_random_below(&sim->random, 3);
        if (how == KEEP_ALL || (how == KEEP_BEGINNING && i < whole) || (how == KEEP_SOME && dice == 0))
            change_apply(&node->durable, c);
        else if ((how == KEEP_BEGINNING && i == whole) || (how == KEEP_SOME && dice == 1))
            change_tear(sim, &node->durable, c);
        else if (zeros && c->data != NULL && (size_t)c->offset + c->size > node->durable.size)
            buf_resize(&node->durable, (size_t)c->offset + c->size);
    }
    changes_drop(node);
    node->live.size = 0;
    td_buf_put(&node->live, node->durable.data, node->durable.size);
}

/* ---- names: what is not durable of them ------------------------------------------------------------------------ */

/* "./a//b/" is "a/b"; the roots "/" and "." are "". */
static void path_tidy(const char *path, char out[PATH_BYTES]) {
    size_t n = 0;
    while (path[0] == '.' && path[1] == '/') path += 2;
    for (; *path != '\0'; path++) {
        if (*path == '/' && n > 0 && out[n - 1] == '/') continue;
        assert(n + 1 < PATH_BYTES);
        out[n++] = *path;
    }
    while (n > 0 && out[n - 1] == '/') n--;
    if (n == 1 && out[0] == '.') n = 0;
    out[n] = '\0';
}

static void path_dir(const char *path, char out[PATH_BYTES]) {
    const char *slash = strrchr(path, '/');
    (void)snprintf(out, PATH_BYTES, "%.*s", slash == NULL ? 0 : (int)(slash - path), path);
}

static int name_find(const td_sim *sim, const char *path) {
    for (size_t i = 0; i < sim->name_count; i++)
        if (strcmp(sim->names[i].path, path) == 0) return (int)i;
    return NONE;
}

static int name_intern(td_sim *sim, const char *path) {
    int found = name_find(sim, path);
    if (found != NONE) return found;
    sim->names = grow(sim->names, sim->name_count, sizeof *sim->names);
    name *n = &sim->names[sim->name_count];
    *n = (name){.live = NONE, .durable = NONE};
    (void)snprintf(n->path, sizeof n->path, "%s", path);
    return (int)sim->name_count++;
}

static int inode_of(const td_sim *sim, const char *path) {
    int found = name_find(sim, path);
    return found == NONE ? NONE : sim->names[found].live;
}

static bool dir_exists(const td_sim *sim, const char *path) {
    if (path[0] == '\0') return true;
    int found = inode_of(sim, path);
    return found != NONE && sim->inodes[found].is_dir;
}

static void name_change_add(td_sim *sim, const char *path, const char *from, int node) {
    name_change c = {.to = name_intern(sim, path), .from = from == NULL ? NONE : name_intern(sim, from), .inode = node};
    path_dir(path, c.dir);
    sim->names[c.to].live = node;
    if (c.from != NONE) sim->names[c.from].live = NONE;
    sim->name_changes = grow(sim->name_changes, sim->name_change_count, sizeof *sim->name_changes);
    sim->name_changes[sim->name_change_count++] = c;
}

static void name_change_apply(td_sim *sim, const name_change *c) {
    sim->names[c->to].durable = c->inode;
    if (c->from != NONE) sim->names[c->from].durable = NONE;
}

/* Applies or drops what is pending in one folder (NULL: in all); the order of the rest stays. */
static void names_settle(td_sim *sim, const char *dir, bool apply) {
    size_t rest = 0;
    for (size_t i = 0; i < sim->name_change_count; i++) {
        name_change *c = &sim->name_changes[i];
        if (dir != NULL && strcmp(c->dir, dir) != 0)
            sim->name_changes[rest++] = *c;
        else if (apply)
            name_change_apply(sim, c);
    }
    sim->name_change_count = rest;
}

static bool dir_is_durable(const td_sim *sim, const char *path) {
    char dir[PATH_BYTES];
    path_dir(path, dir);
    if (dir[0] == '\0') return true;
    int found = name_find(sim, dir);
    return found != NONE && sim->names[found].durable != NONE && dir_is_durable(sim, dir);
}

static void names_lose_power(td_sim *sim) {
    kept how = (kept)td_random_below(&sim->random, KEPT_COUNT);
    size_t whole = how == KEEP_BEGINNING ? td_random_below(&sim->random, sim->name_change_count + 1) : 0;
    for (size_t i = 0; i < sim->name_change_count; i++)
        if (how == KEEP_ALL || (how == KEEP_BEGINNING && i < whole) ||
            (how == KEEP_SOME && td_random_below(&sim->random, 2) == 0))
            name_change_apply(sim, &sim->name_changes[i]);
    sim->name_change_count = 0;
    for (size_t i = 0; i < sim->name_count; i++) { /* what lay in a lost folder is lost */
        name *n = &sim->names[i];
        n->live = dir_is_durable(sim, n->path) ? n->durable : NONE;
    }
    for (size_t i = 0; i < sim->name_count; i++) sim->names[i].durable = sim->names[i].live;
}

/* ---- calls: counting, failing, dying ----------------------------------------------------------------------------- */

typedef enum fate { DO, DO_AND_FAIL, FAIL } fate; /* a call that fails may have done its work, or not */

static bool must_fail(td_sim *sim, uint32_t fail_ppm) {
    if (fail_ppm == CANNOT_FAIL) return false;
    return (sim->calls >= sim->fail_first && sim->calls <= sim->fail_last) || td_random_chance(&sim->random, fail_ppm);
}

static fate call_begin(td_sim *sim, const char *what, const char *path, uint32_t fail_ppm) {
    if (sim->dead) return FAIL;
    sim->calls++;
    if (td_random_chance(&sim->random, sim->faults.slow))
        td_sim_advance(sim, (int64_t)td_random_below(&sim->random, TD_SIM_SLOW_NS));
    fate how = DO;
    sim->dead = sim->calls == sim->crash_at;
    if (sim->dead || must_fail(sim, fail_ppm)) how = td_random_below(&sim->random, 2) == 0 ? FAIL : DO_AND_FAIL;
    if (sim->trace) {
        static const char *const words[] = {"", ", done but failed", ", failed"};
        (void)fprintf(stderr, "sim %llu: %s %s%s%s\n", (unsigned long long)sim->calls, what, path, words[how],
                      sim->dead ? ", crash" : "");
    }
    return how;
}

static td_status call_failed(const td_sim *sim, const char *what, const char *path) {
    return TD_FAIL(TD_RETRY, "%s %s: %s", what, path,
                   sim->dead ? "the simulated machine is dead" : "simulated failure");
}

static handle *handle_find(td_sim *sim, int file) {
    for (size_t i = 0; i < sim->handle_count; i++)
        if (sim->handles[i].file == file) return &sim->handles[i];
    return NULL;
}

static const char *path_of(const td_sim *sim, int node) { /* for texts only */
    for (size_t i = 0; i < sim->name_count; i++)
        if (sim->names[i].live == node) return sim->names[i].path;
    return "(removed)";
}

/* A call on a handle. Using one that is not open is a bug of the program under test. */
static fate file_call(td_sim *sim, const char *what, int file, uint32_t fail_ppm, inode **out) {
    handle *h = sim->dead ? NULL : handle_find(sim, file);
    if (!sim->dead && h == NULL) {
        (void)fprintf(stderr, "os_sim: %s of a file that is not open (%d)\n", what, file);
        abort();
    }
    fate how = call_begin(sim, what, h == NULL ? "" : path_of(sim, h->inode), fail_ppm);
    *out = h == NULL ? NULL : &sim->inodes[h->inode];
    return how;
}

/* ---- the table -----------------------------------------------------------------------------------------------------
 */

static int64_t sim_wall_ns(void *self) { return ((td_sim *)self)->wall_ns; }
static int64_t sim_mono_ns(void *self) { return ((td_sim *)self)->mono_ns; }

static td_status sim_open(void *self, const char *raw_path, td_open_mode mode, int *out_file) {
    td_sim *sim = self;
    char path[PATH_BYTES], dir[PATH_BYTES];
    path_tidy(raw_path, path);
    path_dir(path, dir);
    fate how = call_begin(sim, "open", path, sim->faults.fail);
    if (how == FAIL) return call_failed(sim, "open", path);
    int node = inode_of(sim, path);
    if (node == NONE && (mode != TD_OPEN_CREATE || !dir_exists(sim, dir)))
        return TD_FAIL(TD_CONFIG, "open %s: no such file", path);
    if (node != NONE && sim->inodes[node].is_dir) return TD_FAIL(TD_CONFIG, "open %s: is a folder", path);
    if (node == NONE) {
        node = inode_new(sim, false);
        name_change_add(sim, path, NULL, node);
    }
    if (how != DO) return call_failed(sim, "open", path); /* though the file was made */
    sim->handles = grow(sim->handles, sim->handle_count, sizeof *sim->handles);
    *out_file = sim->next_file++;
    sim->handles[sim->handle_count++] = (handle){*out_file, node, mode != TD_OPEN_READ, false};
    return TD_OK;
}

static td_status sim_read_at(void *self, int file, void *out, size_t size, int64_t offset, size_t *out_size) {
    td_sim *sim = self;
    inode *node;
    if (file_call(sim, "read", file, sim->faults.fail, &node) != DO) return call_failed(sim, "read", "");
    size_t at = (size_t)offset, rest = at < node->live.size ? node->live.size - at : 0;
    if (size > rest) size = rest;
    if (size > 1 && td_random_chance(&sim->random, sim->faults.cut)) size = 1 + td_random_below(&sim->random, size);
    if (size > 0) memcpy(out, node->live.data + at, size);
    *out_size = size;
    return TD_OK;
}

static int64_t disk_used(const td_sim *sim) {
    int64_t used = 0;
    for (size_t i = 0; i < sim->name_count; i++)
        if (sim->names[i].live != NONE) used += (int64_t)sim->inodes[sim->names[i].live].live.size;
    return used;
}

static size_t disk_room(const td_sim *sim, const inode *node, size_t size, int64_t offset) {
    int64_t growth = offset + (int64_t)size - (int64_t)node->live.size;
    if (sim->faults.disk_bytes == 0 || growth <= 0) return size;
    int64_t over = disk_used(sim) + growth - sim->faults.disk_bytes;
    return over <= 0 ? size : over >= (int64_t)size ? 0 : size - (size_t)over;
}

static td_status sim_write_at(void *self, int file, const void *data, size_t size, int64_t offset, size_t *out_size) {
    td_sim *sim = self;
    inode *node;
    fate how = file_call(sim, "write", file, sim->faults.fail, &node);
    if (how == FAIL) return call_failed(sim, "write", "");
    assert(handle_find(sim, file)->writable);
    if (how == DO_AND_FAIL) { /* a part is there, and nobody says which */
        size_t end = td_random_below(&sim->random, size + 1), begin = 0;
        if (td_random_below(&sim->random, 2) == 0) begin = td_random_below(&sim->random, end + 1);
        change_add(node, offset + (int64_t)begin, (const uint8_t *)data + begin, end - begin);
        return call_failed(sim, "write", "");
    }
    size_t room = disk_room(sim, node, size, offset);
    if (room == 0 && size > 0) return TD_FAIL(TD_RETRY, "write: the simulated disk is full");
    size = room;
    if (size > 1 && td_random_chance(&sim->random, sim->faults.cut)) size = 1 + td_random_below(&sim->random, size);
    change_add(node, offset, data, size);
    *out_size = size;
    return TD_OK;
}

static td_status sim_truncate(void *self, int file, int64_t size) {
    td_sim *sim = self;
    inode *node;
    fate how = file_call(sim, "truncate", file, sim->faults.fail, &node);
    if (how != FAIL) change_add(node, size, NULL, 0);
    return how == DO ? TD_OK : call_failed(sim, "truncate", "");
}

static td_status sim_sync(void *self, int file) {
    td_sim *sim = self;
    inode *node;
    if (file_call(sim, "sync", file, sim->faults.fail_sync, &node) != DO) return call_failed(sim, "sync", "");
    if (td_random_chance(&sim->random, sim->faults.lose_sync)) return TD_OK;
    if (td_random_chance(&sim->random, sim->faults.drop_sync)) {
        changes_drop(node);
        return TD_FAIL(TD_RETRY, "sync: simulated failure, cache dropped");
    }
    inode_sync(node);
    return TD_OK;
}

static td_status sim_size(void *self, int file, int64_t *out_size) {
    td_sim *sim = self;
    inode *node;
    if (file_call(sim, "size", file, sim->faults.fail, &node) != DO) return call_failed(sim, "size", "");
    *out_size = (int64_t)node->live.size;
    return TD_OK;
}

static td_status sim_ask_lock(void *self, int file) {
    td_sim *sim = self;
    inode *node;
    if (file_call(sim, "lock", file, sim->faults.fail, &node) != DO) return call_failed(sim, "lock", "");
    const handle *mine = handle_find(sim, file);
    for (size_t i = 0; i < sim->handle_count; i++)
        if (sim->handles[i].inode == mine->inode && sim->handles[i].locks && &sim->handles[i] != mine)
            return TD_FAIL(TD_CONFIG, "lock %s: held by another", path_of(sim, mine->inode));
    return TD_OK;
}

static td_status sim_lock(void *self, int file) {
    td_status status = sim_ask_lock(self, file);
    if (status == TD_OK) handle_find(self, file)->locks = true;
    return status;
}

static void sim_close(void *self, int file) {
    td_sim *sim = self;
    for (size_t i = 0; i < sim->handle_count; i++)
        if (sim->handles[i].file == file) sim->handles[i] = sim->handles[--sim->handle_count];
}

static td_status sim_rename(void *self, const char *raw_from, const char *raw_to) {
    td_sim *sim = self;
    char from[PATH_BYTES], to[PATH_BYTES], from_dir[PATH_BYTES], to_dir[PATH_BYTES];
    path_tidy(raw_from, from);
    path_tidy(raw_to, to);
    path_dir(from, from_dir);
    path_dir(to, to_dir);
    assert(strcmp(from_dir, to_dir) == 0); /* across folders a rename is two changes: nobody here needs that */
    fate how = call_begin(sim, "rename to", to, sim->faults.fail);
    if (how == FAIL) return call_failed(sim, "rename", to);
    int node = inode_of(sim, from);
    if (node == NONE) return TD_FAIL(TD_RETRY, "rename %s: no such file", from);
    if (strcmp(from, to) != 0) name_change_add(sim, to, from, node);
    return how == DO ? TD_OK : call_failed(sim, "rename", to);
}

static td_status sim_remove(void *self, const char *raw_path) {
    td_sim *sim = self;
    char path[PATH_BYTES];
    path_tidy(raw_path, path);
    fate how = call_begin(sim, "remove", path, sim->faults.fail);
    if (how == FAIL) return call_failed(sim, "remove", path);
    int node = inode_of(sim, path);
    if (node != NONE && sim->inodes[node].is_dir) return TD_FAIL(TD_RETRY, "remove %s: is a folder", path);
    if (node != NONE) name_change_add(sim, path, NULL, NONE);
    return how == DO ? TD_OK : call_failed(sim, "remove", path);
}

/* As the real one: each made durable before the next, and the innermost existing one again. */
static td_status dirs_make(td_sim *sim, const char *path, bool durable) {
    char dir[PATH_BYTES];
    td_status status = TD_OK;
    if (path[0] == '\0') return TD_OK;
    path_dir(path, dir);
    if (!dir_exists(sim, path)) {
        if (inode_of(sim, path) != NONE) return TD_FAIL(TD_CONFIG, "make folder %s: a file is there", path);
        status = dirs_make(sim, dir, true);
        if (status == TD_OK) name_change_add(sim, path, NULL, inode_new(sim, true));
    }
    if (status == TD_OK && durable) names_settle(sim, dir, true);
    return status;
}

static td_status sim_make_dir(void *self, const char *raw_path) {
    td_sim *sim = self;
    char path[PATH_BYTES];
    path_tidy(raw_path, path);
    fate how = call_begin(sim, "make folder", path, sim->faults.fail);
    td_status status = how == FAIL ? TD_OK : dirs_make(sim, path, how == DO);
    return how == DO || status != TD_OK ? status : call_failed(sim, "make folder", path);
}

static td_status sim_sync_dir(void *self, const char *raw_path) {
    td_sim *sim = self;
    char path[PATH_BYTES];
    path_tidy(raw_path, path);
    if (call_begin(sim, "sync folder", path, sim->faults.fail_sync) != DO) return call_failed(sim, "sync folder", path);
    if (!dir_exists(sim, path)) return TD_FAIL(TD_CONFIG, "sync folder %s: no such folder", path);
    if (!td_random_chance(&sim->random, sim->faults.lose_sync)) names_settle(sim, path, true);
    return TD_OK;
}

static int compare_words(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static td_status sim_list(void *self, const char *raw_path, td_list_fn each, void *arg) {
    td_sim *sim = self;
    char path[PATH_BYTES], dir[PATH_BYTES];
    path_tidy(raw_path, path);
    if (call_begin(sim, "list", path, sim->faults.fail) != DO) return call_failed(sim, "list", path);
    if (!dir_exists(sim, path)) return TD_FAIL(TD_CONFIG, "list %s: no such folder", path);
    char **words = td_alloc_zero(sim->name_count + 1, sizeof *words); /* copies: `each` may make and remove files */
    size_t count = 0;
    for (size_t i = 0; i < sim->name_count; i++) {
        const name *n = &sim->names[i];
        path_dir(n->path, dir);
        if (n->live == NONE || strcmp(dir, path) != 0) continue;
        words[count++] = td_copy_text(n->path + (dir[0] == '\0' ? 0 : strlen(dir) + 1));
    }
    qsort(words, count, sizeof *words, compare_words);
    for (size_t i = 0; i < count; i++) {
        each(arg, words[i]);
        free(words[i]);
    }
    free(words);
    return TD_OK;
}

static bool sim_exists(void *self, const char *raw_path) {
    td_sim *sim = self;
    char path[PATH_BYTES];
    path_tidy(raw_path, path);
    return call_begin(sim, "exists", path, CANNOT_FAIL) == DO && (path[0] == '\0' || inode_of(sim, path) != NONE);
}

static td_status sim_look(void *self, const char *raw_path, td_path_kind *out) {
    td_sim *sim = self;
    char path[PATH_BYTES];
    path_tidy(raw_path, path);
    if (call_begin(sim, "look", path, sim->faults.fail) != DO) return call_failed(sim, "look", path);
    *out = inode_of(sim, path) != NONE ? TD_PATH_FILE : TD_PATH_NONE;
    if (dir_exists(sim, path)) *out = TD_PATH_FOLDER;
    return TD_OK;
}

static td_status sim_space(void *self, const char *path, int64_t *out_free_bytes, int64_t *out_total_bytes) {
    td_sim *sim = self;
    if (call_begin(sim, "space", path, sim->faults.fail) != DO) return call_failed(sim, "space", path);
    int64_t used = disk_used(sim), total = sim->faults.disk_bytes != 0 ? sim->faults.disk_bytes : INT64_C(1) << 40;
    *out_free_bytes = used < total ? total - used : 0;
    *out_total_bytes = total + sim->faults.foreign_bytes;
    return TD_OK;
}

static const td_os_ops sim_ops = {
    .wall_ns = sim_wall_ns,
    .mono_ns = sim_mono_ns,
    .open = sim_open,
    .read_at = sim_read_at,
    .write_at = sim_write_at,
    .truncate = sim_truncate,
    .sync = sim_sync,
    .size = sim_size,
    .lock = sim_lock,
    .ask_lock = sim_ask_lock,
    .close = sim_close,
    .rename = sim_rename,
    .remove = sim_remove,
    .make_dir = sim_make_dir,
    .sync_dir = sim_sync_dir,
    .list = sim_list,
    .exists = sim_exists,
    .look = sim_look,
    .space = sim_space,
};

/* ---- the machine as the test sees it --------------------------------------------------------------------------- */

td_sim *td_sim_new(uint64_t seed) {
    td_sim *sim = td_alloc_zero(1, sizeof *sim);
    sim->random.state = seed;
    sim->wall_ns = WALL_START_NS;
    sim->mono_ns = MONO_START_NS;
    sim->next_file = 3;
    return sim;
}

void td_sim_free(td_sim *sim) {
    if (sim == NULL) return;
    for (size_t i = 0; i < sim->inode_count; i++) {
        changes_drop(&sim->inodes[i]);
        free(sim->inodes[i].changes);
        td_buf_fini(&sim->inodes[i].live);
        td_buf_fini(&sim->inodes[i].durable);
    }
    free(sim->inodes);
    free(sim->names);
    free(sim->name_changes);
    free(sim->handles);
    free(sim);
}

td_os td_sim_os(td_sim *sim) { return (td_os){&sim_ops, sim}; }
td_random *td_sim_random(td_sim *sim) { return &sim->random; }
void td_sim_set_trace(td_sim *sim, bool on) { sim->trace = on; }
uint64_t td_sim_calls(const td_sim *sim) { return sim->calls; }
void td_sim_crash_at(td_sim *sim, uint64_t call) { sim->crash_at = call; }
bool td_sim_dead(const td_sim *sim) { return sim->dead; }
void td_sim_jump(td_sim *sim, int64_t ns) { sim->wall_ns += ns; }
size_t td_sim_open_handles(const td_sim *sim) { return sim->handle_count; }

void td_sim_set_faults(td_sim *sim, const td_sim_faults *faults) {
    sim->faults = faults == NULL ? (td_sim_faults){0} : *faults;
}

void td_sim_advance(td_sim *sim, int64_t ns) {
    sim->wall_ns += ns;
    sim->mono_ns += ns;
}

void td_sim_fail_calls(td_sim *sim, uint64_t first, uint64_t last) {
    sim->fail_first = first;
    sim->fail_last = last;
}

static bool can_rot(const td_sim *sim, const name *n, const char *dir) {
    size_t size = strlen(dir);
    return n->live != NONE && sim->inodes[n->live].live.size > 0 && strncmp(n->path, dir, size) == 0 &&
           n->path[size] == '/';
}

const char *td_sim_flip_bit(td_sim *sim, const char *dir) {
    uint64_t count = 0;
    for (size_t i = 0; i < sim->name_count; i++) count += can_rot(sim, &sim->names[i], dir);
    if (count == 0) return NULL;
    uint64_t left = td_random_below(&sim->random, count);
    size_t i = 0;
    while (!can_rot(sim, &sim->names[i], dir) || left-- > 0) i++;
    inode *node = &sim->inodes[sim->names[i].live];
    size_t at = td_random_below(&sim->random, node->live.size);
    uint8_t bit = (uint8_t)(1u << td_random_below(&sim->random, 8));
    node->live.data[at] ^= bit;
    if (at < node->durable.size) node->durable.data[at] ^= bit;
    if (sim->trace) (void)fprintf(stderr, "sim: bit flip in byte %zu of %s\n", at, sim->names[i].path);
    return sim->names[i].path;
}

void td_sim_reboot(td_sim *sim, td_sim_loss loss) {
    sim->handle_count = 0;
    sim->crash_at = sim->fail_first = sim->fail_last = 0;
    sim->dead = false;
    if (loss == TD_SIM_KILLED) return;
    names_lose_power(sim);
    for (size_t i = 0; i < sim->inode_count; i++) inode_lose_power(sim, &sim->inodes[i]);
}

void td_sim_put_file(td_sim *sim, const char *raw_path, td_bytes content) {
    char path[PATH_BYTES], dir[PATH_BYTES];
    path_tidy(raw_path, path);
    path_dir(path, dir);
    if (dirs_make(sim, dir, true) != TD_OK) abort();
    int node = inode_new(sim, false);
    name_change_add(sim, path, NULL, node);
    names_settle(sim, NULL, true);
    td_buf_put(&sim->inodes[node].live, content.data, content.size);
    td_buf_put(&sim->inodes[node].durable, content.data, content.size);
}
