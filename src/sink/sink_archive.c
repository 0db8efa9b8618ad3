/* src/sink/sink_archive.c - results as files of Parquet or Avro: DIR/TOPIC/instrument=…/day=…/part-PARTITION-OFFSET and
 * an ending, a file for each instrument and day of UTC, written as the day closes.
 *
 * Rows of days that are open are in DIR/.open.db or DIR/.open.avro.db (open_days.h), in one transaction with the
 * position that they came from: so memory is bounded whatever a day holds, nothing is asked of a log that may have let
 * go of it, and a batch is kept or not as in any other store. A day of a venue closes in a partition of a topic by a
 * row of it that is `close_after` past its end: rows before that one are written, sorted as they lie in the log, and
 * leave the database in that same transaction. Where a file ends is a function of the log alone, and its name is the
 * offset of its first row. A file is written under another name, synced and renamed before the transaction is
 * committed: who dies in between gets the same rows again and replaces the file by the same. What comes later for a
 * closed day is the day's next file.
 *
 * Days that `retain_time` lets go leave by a row of a newer day: first their rows and what says so, committed with the
 * position of that row, then their folders. Who dies in between begins with the folders. By which row a day goes is a
 * function of the partition's log alone, as is where files end.
 *
 * A folder is of one sink of one kind, which holds DIR/.lock: who finds it held waits, who finds another kind's
 * database is refused.
 *
 * When the run ends, the open days are written, too, as far as they have come, under the names that they will have, and
 * stay open: later the whole file takes the place of that one, so that no reader ever has a row twice. */
#include "base/hash.h"
#include "base/time.h"
#include "sink/archive.h"
#include "sink/archive_file.h"
#include "sink/archive_sweep.h"
#include "sink/open_days.h"
#include "sink/retention.h"
#include "sink/row.h"
#include "sink/sink.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NONE = -1 };

typedef struct venue_clock { /* of a venue in a partition of a topic: days before this one are closed */
    unsigned table;
    uint32_t partition;
    char *venue;
    size_t venue_size;
    int32_t day;
} venue_clock;

typedef struct batch_pack { /* rows in hand, of one instrument and day */
    td_bytes instrument;    /* borrowed from the batch */
    int32_t day;
    int64_t first;
    td_archive_pack rows;
} batch_pack;

typedef struct part { /* a file in the making */
    bool begun;
    td_buf instrument;
    uint32_t partition;
    int32_t day;
} part;

typedef struct archive_sink {
    const td_os *os;
    char *dir;
    int64_t close_after_ns, cache_bytes, retain_ns;
    td_archive_file_conf limits; /* of files */
    int lock;                    /* of the folder, for life; NONE: not held yet */
    td_open_days *days;          /* NULL: to be opened (again) */
    td_archive_form forms[TD_ARCHIVE_COUNT];
    const td_archive_file_ops *ops;
    void *files[TD_ARCHIVE_COUNT]; /* NULL: none was written yet */
    td_buf clocks;                 /* of venue_clock; as kept, and what the transaction in hand has moved */
    size_t found[2];               /* of these, the ones found last: of a venue, and of a name that no venue has */
    td_buf path, temporary, folder;
    part part;
    batch_pack *packs;
    size_t pack_count, pack_room;
    td_buf slots;      /* of uint32_t: 1 + a pack, by hash; pack_room doubled is a power of 2 */
    const char *topic; /* of the batch, as the next two */
    unsigned table;
    uint32_t partition;
} archive_sink;

static const char *end_text(td_buf *text) {
    td_buf_put(text, "", 1);
    return (const char *)text->data;
}

/* ---- a file ---- */

static void *file_of(archive_sink *s, unsigned table) {
    td_archive_file_conf conf = s->limits;
    conf.os = s->os;
    conf.form = &s->forms[table];
    if (s->files[table] == NULL) s->files[table] = s->ops->make(&conf);
    return s->files[table];
}

/* Durable under its own name, or not there. */
static td_status settle(archive_sink *s, const char *from, const char *to, const char *folder) {
    const td_os_ops *os = s->os->ops;
    int file;
    td_status status = os->open(s->os->self, from, TD_OPEN_WRITE, &file);
    if (status != TD_OK) return status;
    status = os->sync(s->os->self, file);
    os->close(s->os->self, file);
    if (status == TD_OK) status = os->rename(s->os->self, from, to);
    return status == TD_OK ? os->sync_dir(s->os->self, folder) : status;
}

static td_status begin_part(archive_sink *s, unsigned table, const td_pack *pack) {
    part *p = &s->part;
    s->folder.size = s->path.size = s->temporary.size = p->instrument.size = 0;
    td_archive_put_folder(&s->folder, s->dir, pack->topic, pack->instrument, pack->day);
    const char *folder = end_text(&s->folder);
    td_buf_printf(&s->path, "%s/part-%04" PRIu32 "-%012" PRId64 "%s%c", folder, pack->partition, pack->first,
                  s->ops->ending, '\0');
    td_buf_printf(&s->temporary, "%s/.part-%04" PRIu32 "%s.tmp%c", folder, pack->partition, s->ops->ending, '\0');
    td_buf_put(&p->instrument, pack->instrument.data, pack->instrument.size);
    p->partition = pack->partition;
    p->day = pack->day;
    td_status status = s->os->ops->make_dir(s->os->self, folder);
    if (status == TD_OK) status = s->ops->begin(file_of(s, table), (const char *)s->temporary.data);
    p->begun = status == TD_OK;
    return status;
}

static td_status end_part(archive_sink *s, unsigned table) {
    if (!s->part.begun) return TD_OK;
    s->part.begun = false;
    td_status status = s->ops->end(file_of(s, table));
    return status == TD_OK
               ? settle(s, (const char *)s->temporary.data, (const char *)s->path.data, (const char *)s->folder.data)
               : status;
}

static td_status tell_damage(const archive_sink *s, const td_pack *pack) {
    return TD_FAIL(TD_CORRUPT,
                   "%s/%s: rows of %s-%" PRIu32 " from offset %" PRId64
                   " on are not what was written; name another folder, which is filled from the log",
                   s->dir, s->ops->open_days, pack->topic, pack->partition, pack->first);
}

static td_status put_packed(archive_sink *s, unsigned table, const td_pack *pack) {
    const td_archive_form *form = &s->forms[table];
    void *file = file_of(s, table);
    td_archive_rows rows;
    int64_t count = 0;
    if (!td_archive_rows_begin(&rows, form, pack->data))
        return TD_FAIL(TD_CONFIG, "%s/%s has rows of %s of a newer version of this program: use that", s->dir,
                       s->ops->open_days, pack->topic);
    rows.cells[form->instrument] = (td_cell){.text = td_buf_bytes(&s->part.instrument)};
    for (; rows.left.size > 0; count++) {
        if (!td_archive_rows_next(&rows)) return tell_damage(s, pack);
        rows.cells[form->instrument].null = false;
        td_status status = s->ops->put(file, rows.cells);
        if (status != TD_OK) return status;
    }
    return count == pack->rows ? TD_OK : tell_damage(s, pack);
}

typedef struct writing {
    archive_sink *s;
    unsigned table;
} writing;

static td_status write_pack(void *arg, const td_pack *pack) {
    const writing *w = arg;
    const part *p = &w->s->part;
    bool same = p->begun && p->partition == pack->partition && p->day == pack->day &&
                td_bytes_equal(td_buf_bytes(&p->instrument), pack->instrument);
    td_status status = same ? TD_OK : end_part(w->s, w->table);
    if (status == TD_OK && !same) status = begin_part(w->s, w->table, pack);
    return status == TD_OK ? put_packed(w->s, w->table, pack) : status;
}

static td_status write_parts(archive_sink *s, unsigned table, const td_days *which) {
    writing w = {s, table};
    s->part.begun = false;
    td_status status = td_open_days_each(s->days, which, write_pack, &w);
    if (status == TD_OK) status = end_part(s, table);
    return td_trace(status, "archive in %s", s->dir);
}

/* ---- rows in hand ---- */

/* Without a colon an instrument is its own venue. */
static td_bytes venue_of(td_bytes instrument) {
    const uint8_t *colon = instrument.size > 0 ? memchr(instrument.data, ':', instrument.size) : NULL;
    return colon != NULL ? td_bytes_upto(instrument, (size_t)(colon - instrument.data)) : instrument;
}

static uint32_t *slots_of(archive_sink *s) { return (uint32_t *)(void *)s->slots.data; }

static size_t slot_of(archive_sink *s, td_bytes instrument, int32_t day) {
    size_t mask = 2 * s->pack_room - 1;
    size_t slot = (td_hash_bytes(instrument) + (uint32_t)day * 0x9e3779b9u) & mask;
    for (; slots_of(s)[slot] != 0; slot = (slot + 1) & mask) {
        const batch_pack *p = &s->packs[slots_of(s)[slot] - 1];
        if (p->day == day && td_bytes_equal(p->instrument, instrument)) break;
    }
    return slot;
}

static void grow_packs(archive_sink *s) {
    size_t room = s->pack_room > 0 ? 2 * s->pack_room : 64;
    s->packs = td_alloc_check(realloc(s->packs, room * sizeof *s->packs), room * sizeof *s->packs);
    memset(s->packs + s->pack_room, 0, (room - s->pack_room) * sizeof *s->packs);
    s->pack_room = room;
    s->slots.size = 0;
    td_buf_reserve(&s->slots, 2 * room * sizeof(uint32_t));
    memset(s->slots.data, 0, 2 * room * sizeof(uint32_t));
    for (size_t i = 0; i < s->pack_count; i++)
        slots_of(s)[slot_of(s, s->packs[i].instrument, s->packs[i].day)] = (uint32_t)i + 1;
}

static batch_pack *find_pack(archive_sink *s, const td_sink_row *row) {
    td_bytes instrument = td_sink_row_instrument(row);
    int32_t day = td_archive_day(td_sink_row_time(row));
    if (s->pack_count == s->pack_room) grow_packs(s);
    size_t slot = slot_of(s, instrument, day);
    if (slots_of(s)[slot] == 0) {
        batch_pack *p = &s->packs[s->pack_count++];
        p->instrument = instrument;
        p->day = day;
        p->first = row->source.offset;
        td_archive_pack_begin(&p->rows, &s->forms[s->table]);
        slots_of(s)[slot] = (uint32_t)s->pack_count;
    }
    return &s->packs[slots_of(s)[slot] - 1];
}

static void forget_packs(archive_sink *s) {
    s->pack_count = 0;
    if (s->slots.data != NULL) memset(s->slots.data, 0, 2 * s->pack_room * sizeof(uint32_t));
}

static td_status flush_packs(archive_sink *s) {
    td_status status = TD_OK;
    for (size_t i = 0; i < s->pack_count && status == TD_OK; i++) {
        const batch_pack *p = &s->packs[i];
        const td_pack pack = {.topic = s->forms[s->table].table->name,
                              .partition = s->partition,
                              .venue = venue_of(p->instrument),
                              .instrument = p->instrument,
                              .day = p->day,
                              .first = p->first,
                              .rows = p->rows.rows,
                              .data = td_buf_bytes(&p->rows.data)};
        status = td_open_days_put(s->days, &pack);
    }
    forget_packs(s);
    return status;
}

/* ---- closing ---- */

/* Of a clock that moves there: its days before are written, and leave. */
static td_status close_days(archive_sink *s, const venue_clock *clock, int32_t day) {
    const td_days which = {s->forms[clock->table].table->name, clock->partition, clock->venue, day};
    td_status status = flush_packs(s);
    if (status == TD_OK) status = write_parts(s, clock->table, &which);
    return status == TD_OK ? td_open_days_remove(s->days, &which) : status;
}

static venue_clock *clocks(const archive_sink *s) { return (venue_clock *)(void *)s->clocks.data; }
static size_t clock_count(const archive_sink *s) { return s->clocks.size / sizeof(venue_clock); }

static void forget_clocks(archive_sink *s) {
    for (size_t i = 0; i < clock_count(s); i++) free(clocks(s)[i].venue);
    s->clocks.size = 0;
}

static void take_clock(void *arg, const td_day_clock *kept) {
    archive_sink *s = arg;
    venue_clock clock = {.table = td_archive_named(kept->topic),
                         .partition = kept->partition,
                         .venue = td_copy_bytes(kept->venue),
                         .venue_size = kept->venue.size,
                         .day = kept->day};
    if (clock.table < TD_ARCHIVE_COUNT)
        td_buf_put(&s->clocks, &clock, sizeof clock);
    else
        free(clock.venue); /* of a table that another version has */
}

static bool is_clock_of(const archive_sink *s, size_t i, td_bytes venue) {
    if (i >= clock_count(s)) return false;
    const venue_clock *c = &clocks(s)[i];
    return c->table == s->table && c->partition == s->partition &&
           td_bytes_equal((td_bytes){(const uint8_t *)c->venue, c->venue_size}, venue);
}

/* The one found last is asked for again, mostly: by each row. */
static venue_clock *find_clock(archive_sink *s, td_bytes venue) {
    size_t *found = &s->found[venue.size > 0 && venue.data[0] == ':'];
    if (!is_clock_of(s, *found, venue)) *found = 0;
    while (*found < clock_count(s) && !is_clock_of(s, *found, venue)) ++*found;
    if (*found < clock_count(s)) return &clocks(s)[*found];
    venue_clock clock = {.table = s->table,
                         .partition = s->partition,
                         .venue = td_copy_bytes(venue),
                         .venue_size = venue.size,
                         .day = INT32_MIN};
    td_buf_put(&s->clocks, &clock, sizeof clock);
    return &clocks(s)[clock_count(s) - 1];
}

static td_status keep_clock(archive_sink *s, venue_clock *clock, int32_t day) {
    clock->day = day;
    const td_day_clock kept = {.topic = td_text(s->forms[clock->table].table->name),
                               .partition = clock->partition,
                               .venue = {(const uint8_t *)clock->venue, clock->venue_size},
                               .day = day};
    return td_open_days_put_clock(s->days, &kept);
}

static td_status move_clock(archive_sink *s, const td_sink_row *row) {
    int64_t time_ns = td_sink_row_clock(row);
    if (time_ns < INT64_MIN + s->close_after_ns) return TD_OK;
    venue_clock *clock = find_clock(s, venue_of(td_sink_row_instrument(row)));
    int32_t day = td_archive_day(time_ns - s->close_after_ns);
    if (day <= clock->day) return TD_OK;
    td_status status = clock->day != INT32_MIN ? close_days(s, clock, day) : TD_OK;
    if (status != TD_OK) return status;
    return keep_clock(s, clock, day);
}

/* ---- days that are too old ---- */

/* What is kept of a partition beside the clocks of its venues, as clocks of names that no venue has, since one ends
 * before its colon: the newest day that came, and before which day folders are on their way out. */
#define NEWEST TD_TEXT(":")
#define OUT    TD_TEXT("::")
enum { NOTHING = INT32_MIN };

static td_status sweep_folders(archive_sink *s, const venue_clock *out) {
    const td_archive_sweep folders = {s->os,          s->dir,         s->forms[out->table].table->name,
                                      s->ops->ending, out->partition, out->day};
    return td_archive_sweep_days(&folders);
}

/* All of it but the folders, and the rows before this one, with the position that it stands at. */
static td_status commit_sweep(archive_sink *s, const td_sink_row *row, int32_t day, int32_t before) {
    const td_days old = {.topic = s->forms[s->table].table->name, .partition = s->partition, .before = before};
    td_status status = flush_packs(s);
    if (status == TD_OK) status = td_open_days_remove(s->days, &old);
    if (status == TD_OK) status = keep_clock(s, find_clock(s, NEWEST), day);
    if (status == TD_OK) status = keep_clock(s, find_clock(s, OUT), before);
    if (status == TD_OK) status = td_open_days_put_position(s->days, s->topic, s->partition, row->source);
    return status == TD_OK ? td_open_days_commit(s->days) : status;
}

/* Lets go what is too old for the day of this row, if none of that day was there before. A kill leaves the folders,
 * which then go before anything else is done, or what comes late for such a day might be there alone. */
static td_status sweep(archive_sink *s, const td_sink_row *row) {
    int32_t day = td_archive_day(td_sink_row_clock(row));
    if (s->retain_ns == 0 || !s->forms[s->table].table->by_time) return TD_OK;
    if (day <= 0 || day <= find_clock(s, NEWEST)->day) return TD_OK; /* before 1970 nothing is swept */
    td_status status = commit_sweep(s, row, day, td_archive_day(day * TD_NS_PER_DAY - s->retain_ns));
    if (status == TD_OK) status = td_open_days_harden(s->days); /* folders go for good: what says so stays, too */
    if (status == TD_OK) status = sweep_folders(s, find_clock(s, OUT));
    if (status == TD_OK) status = td_open_days_begin(s->days);
    return status == TD_OK ? keep_clock(s, find_clock(s, OUT), NOTHING) : status;
}

static td_status finish_sweeps(archive_sink *s) {
    td_status status = td_archive_sweep_rest(s->os, s->dir);
    for (size_t i = 0; i < clock_count(s) && status == TD_OK; i++) {
        venue_clock *c = &clocks(s)[i];
        bool out = c->venue_size == OUT.size && memcmp(c->venue, OUT.data, OUT.size) == 0;
        if (!out || c->day == NOTHING) continue;
        status = sweep_folders(s, c);
        if (status == TD_OK) status = keep_clock(s, c, NOTHING);
    }
    return status;
}

/* ---- a batch ---- */

static td_status put_row(archive_sink *s, const td_sink_row *row) {
    td_status status = sweep(s, row);
    if (status == TD_OK) status = move_clock(s, row);
    if (status != TD_OK) return status;
    return td_archive_pack_put(&find_pack(s, row)->rows, &s->forms[s->table], row, s->partition);
}

/* Within a transaction. */
static td_status put_rows(archive_sink *s, const td_sink_row *rows, size_t count, td_position next) {
    td_status status = TD_OK;
    forget_packs(s);
    for (size_t i = 0; i < count && status == TD_OK; i++) status = put_row(s, &rows[i]);
    if (status == TD_OK) status = flush_packs(s);
    return status == TD_OK ? td_open_days_put_position(s->days, s->topic, s->partition, next) : status;
}

/* What a failure leaves of the transaction goes, and clocks are what is kept. */
static void give_up(archive_sink *s) {
    td_open_days_close(s->days);
    s->days = NULL;
    forget_clocks(s);
}

static td_status archive_write(void *sink, const char *topic, uint32_t partition, const td_sink_row *rows,
                               size_t row_count, td_position next) {
    archive_sink *s = sink;
    s->topic = topic;
    s->partition = partition;
    if (row_count > 0) s->table = td_table_of(&rows[0]);
    td_status status = td_open_days_begin(s->days);
    if (status == TD_OK) status = put_rows(s, rows, row_count, next);
    if (status == TD_OK) status = td_open_days_commit(s->days);
    if (status != TD_OK) give_up(s);
    return td_trace(status, "archive in %s", s->dir);
}

/* ---- life ---- */

static bool is_there(archive_sink *s, const char *name) {
    s->path.size = 0;
    td_buf_printf(&s->path, "%s/%s", s->dir, name);
    return s->os->ops->exists(s->os->self, end_text(&s->path));
}

/* Two in one folder would let go of each other's days, and write to each other's files. */
static td_status refuse_others(archive_sink *s) {
    static const td_archive_file_ops *const kinds[] = {&td_archive_parquet, &td_archive_avro};
    bool others = is_there(s, ".open.duckdb"); /* of a program older than these databases */
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && !others; i++)
        others = kinds[i] != s->ops && is_there(s, kinds[i]->open_days);
    if (!others) return TD_OK;
    return TD_FAIL(TD_CONFIG,
                   "archive: %s is there, and a folder is of one archive alone: name another folder, which is filled "
                   "from the log",
                   (const char *)s->path.data);
}

/* Who holds it may be about to end, as one does whose place this process takes. */
static td_status lock_folder(archive_sink *s) {
    const td_os_ops *os = s->os->ops;
    if (s->lock != NONE) return TD_OK;
    s->path.size = 0;
    td_buf_printf(&s->path, "%s/.lock", s->dir);
    td_status status = os->open(s->os->self, end_text(&s->path), TD_OPEN_CREATE, &s->lock);
    if (status != TD_OK) {
        s->lock = NONE;
        return status;
    }
    if (os->lock(s->os->self, s->lock) == TD_OK) return TD_OK;
    os->close(s->os->self, s->lock);
    s->lock = NONE;
    return TD_FAIL(TD_RETRY, "archive: %s is held by another sink, of this process or another one",
                   (const char *)s->path.data);
}

/* Of another kind, which no waiting helps, is told first. */
static td_status take_folder(archive_sink *s) {
    td_status status = refuse_others(s);
    if (status == TD_OK) status = lock_folder(s);
    return status == TD_OK ? refuse_others(s) : status; /* who came in between has made its database by now */
}

/* Files whose open days are gone would get rows twice, in files of other names. */
static td_status refuse_strangers(archive_sink *s, const char *database) {
    if (s->os->ops->exists(s->os->self, database)) return TD_OK;
    for (unsigned id = 0; id < TD_ARCHIVE_COUNT; id++) {
        if (is_there(s, s->forms[id].table->name))
            return TD_FAIL(TD_CONFIG,
                           "archive: %s is there, and %s, which says how far it goes, is not: name another folder",
                           (const char *)s->path.data, database);
    }
    return TD_OK;
}

static td_status open_database(archive_sink *s) {
    td_buf file = {0};
    td_buf_printf(&file, "%s/%s", s->dir, s->ops->open_days);
    td_status status = take_folder(s);
    if (status == TD_OK) status = refuse_strangers(s, end_text(&file));
    const td_open_days_conf conf = {s->cache_bytes, s->close_after_ns};
    if (status == TD_OK) status = td_open_days_open(&s->days, (const char *)file.data, &conf);
    if (status == TD_OK) status = s->os->ops->sync_dir(s->os->self, s->dir);
    if (status == TD_OK) status = td_open_days_clocks(s->days, take_clock, s);
    if (status == TD_OK) status = finish_sweeps(s);
    if (status != TD_OK) give_up(s);
    td_buf_fini(&file);
    return status;
}

static td_status archive_position(void *sink, const char *topic, uint32_t partition, td_position *out) {
    archive_sink *s = sink;
    td_status status = s->days == NULL ? open_database(s) : TD_OK;
    if (status != TD_OK) return status;
    *out = (td_position){-1, 0};
    return td_open_days_position(s->days, topic, partition, out);
}

static void free_sink(archive_sink *s) {
    give_up(s);
    if (s->lock != NONE) s->os->ops->close(s->os->self, s->lock);
    for (unsigned id = 0; id < TD_ARCHIVE_COUNT; id++) s->ops->free(s->files[id]);
    for (size_t i = 0; i < s->pack_room; i++) td_buf_fini(&s->packs[i].rows.data);
    free(s->packs);
    td_buf_fini(&s->slots);
    td_buf_fini(&s->part.instrument);
    td_buf_fini(&s->clocks);
    td_buf_fini(&s->path);
    td_buf_fini(&s->temporary);
    td_buf_fini(&s->folder);
    free(s->dir);
    free(s);
}

/* What fails is told, and keeps no other table back. */
static td_status archive_finish(void *sink) {
    archive_sink *s = sink;
    char said[512] = "";
    td_status worst = s->days == NULL ? open_database(s) : TD_OK;
    if (worst != TD_OK) return worst;
    for (unsigned id = 0; id < TD_ARCHIVE_COUNT; id++) {
        const td_days all = {.topic = s->forms[id].table->name, .partition = -1, .before = INT32_MAX};
        td_status status = write_parts(s, id, &all);
        if (status == TD_OK || worst != TD_OK) continue;
        worst = status;
        (void)snprintf(said, sizeof said, "%s", td_trail());
    }
    return worst == TD_OK ? TD_OK : TD_FAIL(worst, "days that are open are not all written: %s", said);
}

static void archive_close(void *sink) {
    if (sink != NULL) free_sink(sink);
}

static td_status archive_open(void **out, const td_os *os, const td_sink_conf *conf, const td_archive_file_ops *ops) {
    enum { DEFAULT_MEMORY = 256 << 20 };
    td_status status = td_table_check_of(&conf->of);
    if (status == TD_OK) status = td_trace(os->ops->make_dir(os->self, conf->dir), "making %s", conf->dir);
    if (status != TD_OK) return status;
    archive_sink *s = td_alloc_zero(1, sizeof *s);
    int64_t memory_bytes = conf->memory_bytes > 0 ? conf->memory_bytes : DEFAULT_MEMORY;
    s->os = os;
    s->ops = ops;
    s->lock = NONE;
    s->dir = td_copy_text(conf->dir);
    s->close_after_ns = conf->close_after_ns;
    s->cache_bytes = memory_bytes / 16;
    /* Values of rows take a quarter of the memory, what they become and the cache of the database the rest. */
    s->limits = (td_archive_file_conf){.group_rows = conf->row_group,
                                       .group_bytes = memory_bytes / 4,
                                       .block_bytes = conf->block_bytes,
                                       .codec = conf->codec};
    s->retain_ns = conf->retain_ns;
    for (unsigned id = 0; id < TD_ARCHIVE_COUNT; id++) td_archive_form_init(&s->forms[id], id);
    status = open_database(s);
    if (status == TD_OK)
        *out = s;
    else
        archive_close(s);
    return status;
}

/* ---- Parquet, and Avro ---- */

#define ROWS_OF_BOTH                                                                                                   \
    {.key = "name",                                                                                                    \
     .type = TD_OPTION_TEXT,                                                                                           \
     .offset = offsetof(td_sink_conf, name),                                                                           \
     .help = "name of this sink; default: the kind, then kind-2, …"},                                                  \
        {.key = "dir",                                                                                                 \
         .type = TD_OPTION_TEXT,                                                                                       \
         .unit = "DIR",                                                                                                \
         .required = true,                                                                                             \
         .offset = offsetof(td_sink_conf, dir),                                                                        \
         .help = "the folder of the archive, of this sink alone; it is made when missing"},                            \
        {.key = "of",                                                                                                  \
         .type = TD_OPTION_TEXTS,                                                                                      \
         .offset = offsetof(td_sink_conf, of),                                                                         \
         .help = "what goes there: bars, signals, fills, gaps, vendor_bars, quarantine; trades and quotes that "       \
                 "`log.publish` names; unset: the first six"},                                                         \
        {.key = "close_after",                                                                                         \
         .type = TD_OPTION_DURATION,                                                                                   \
         .fallback = "1h",                                                                                             \
         .min = 0,                                                                                                     \
         .max = 24.0 * (double)TD_NS_PER_HOUR,                                                                         \
         .offset = offsetof(td_sink_conf, close_after_ns),                                                             \
         .help = "a day is written when its venue is so far past its end, by times of events; what comes later for "   \
                 "it is another file; a folder keeps its first"},                                                      \
        TD_RETAIN_TIME_OPTION

static const td_option parquet_options[] = {
    ROWS_OF_BOTH,
    {.key = "row_group",
     .type = TD_OPTION_INT,
     .fallback = "122880",
     .min = 2048,
     .max = 10000000,
     .unit = "rows",
     .offset = offsetof(td_sink_conf, row_group),
     .help = "of a file that have statistics of their own"},
    {.key = "memory",
     .type = TD_OPTION_BYTES,
     .fallback = "256MB",
     .min = 64.0 * 1024 * 1024,
     .max = 1024.0 * 1024 * 1024 * 1024,
     .offset = offsetof(td_sink_conf, memory_bytes),
     .help =
         "that it may use, about: a quarter are rows of a row group, which ends before `row_group` when they are more"},
    {0},
};

static const td_option avro_options[] = {
    ROWS_OF_BOTH,
    {.key = "codec",
     .type = TD_OPTION_CHOICE,
     .choices = TD_ARCHIVE_CODECS,
     .fallback = "zstandard",
     .offset = offsetof(td_sink_conf, codec),
     .help = "how blocks are packed; every reader of Avro knows deflate and null"},
    {.key = "block",
     .type = TD_OPTION_BYTES,
     .fallback = "256KB",
     .min = 1024,
     .max = 16.0 * 1024 * 1024,
     .offset = offsetof(td_sink_conf, block_bytes),
     .help = "a block's records before they are packed, about: what a reader has at hand"},
    {0},
};

static td_status parquet_open(void **out, const td_os *os, const td_sink_conf *conf) {
    return archive_open(out, os, conf, &td_archive_parquet);
}

static td_status avro_open(void **out, const td_os *os, const td_sink_conf *conf) {
    return archive_open(out, os, conf, &td_archive_avro);
}

const td_sink_ops td_sink_parquet = {.kind = "parquet",
                                     .options = parquet_options,
                                     .takes_quarantine = true,
                                     .open = parquet_open,
                                     .position = archive_position,
                                     .write = archive_write,
                                     .finish = archive_finish,
                                     .close = archive_close};

const td_sink_ops td_sink_avro = {.kind = "avro",
                                  .options = avro_options,
                                  .takes_quarantine = true,
                                  .open = avro_open,
                                  .position = archive_position,
                                  .write = archive_write,
                                  .finish = archive_finish,
                                  .close = archive_close};
