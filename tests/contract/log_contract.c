/* tests/contract/log_contract.c - what holds of every log (log/log.h), whoever keeps its records. A new log, or another
 * way for its process to end, is a row in `log_hosts`. */
#include "../unit/unit.h"
#include "host.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PARTITIONS = 2, TRIES = 60, RECORDS_MAX = 4096, SEEDS = 200 };

typedef struct rig {
    const host_ops *ops;
    void *host;
    td_log *log;
    td_writer *writer; /* "w" */
    td_topic *in, *out, *more;
    td_batch batch;
} rig;

/* Of a count, what this host has time for. */
static int some(const rig *r, int count) {
    int part = r->ops->slow > 0 ? count / r->ops->slow : count;
    return part > 0 ? part : 1;
}

/* ---- processes and records ---- */

static void rig_take(rig *r) {
    assert_int_equal(td_log_topic(r->log, "in", PARTITIONS, TD_TOPIC_INPUT, &r->in), TD_OK);
    assert_int_equal(td_log_topic(r->log, "out", PARTITIONS, TD_TOPIC_OUTPUT, &r->out), TD_OK);
    assert_int_equal(td_log_topic(r->log, "more", PARTITIONS, TD_TOPIC_OUTPUT, &r->more), TD_OK);
    assert_int_equal(td_writer_open(&r->writer, r->log, "w"), TD_OK);
}

static void rig_open(rig *r) {
    r->log = r->ops->open(r->host);
    rig_take(r);
}

static void rig_close(rig *r) {
    td_writer_close(r->writer);
    td_log_close(r->log);
    r->writer = NULL;
    r->log = NULL;
}

static void rig_die(rig *r) {
    if (!r->ops->is_dead(r->host, r->log)) r->ops->kill(r->host, r->log, 0);
    rig_close(r);
    rig_open(r);
}

static void fill(td_batch *batch, int64_t first, int count) {
    td_batch_reset(batch);
    for (int64_t n = first; n < first + count; n++) {
        char text[16];
        td_bytes value = {(const uint8_t *)text, (size_t)snprintf(text, sizeof text, "%" PRId64, n)};
        assert_true(td_batch_add(batch, 1000 + n, TD_TEXT("key"), value, TD_TEXT("h"), value));
    }
}

static td_status append(rig *r, td_topic *topic, uint32_t partition, int64_t first, int count) {
    fill(&r->batch, first, count);
    return td_writer_append(r->writer, topic, partition, &r->batch);
}

typedef struct found {
    int64_t values[RECORDS_MAX], offsets[RECORDS_MAX], times_ms[RECORDS_MAX];
    td_position behind; /* the last record */
    int count;
    td_status end;
} found;

static const found *read_on(td_reader *reader) {
    static found f;
    f = (found){.behind = {-1, -1}};
    td_record record;
    for (; (f.end = td_reader_next(reader, &record)) == TD_OK; f.count++) {
        char text[16] = "";
        assert_true(f.count < RECORDS_MAX && record.value.size < sizeof text);
        memcpy(text, record.value.data, record.value.size);
        assert_true(td_bytes_equal(td_record_header(&record, TD_TEXT("h")), record.value));
        assert_true(f.count == 0 || record.offset > f.offsets[f.count - 1]);
        f.values[f.count] = strtoll(text, NULL, 10);
        f.offsets[f.count] = record.offset;
        f.times_ms[f.count] = record.timestamp_ms;
        f.behind = (td_position){record.epoch, record.offset + 1};
    }
    return &f;
}

static const found *read_all(td_topic *topic, uint32_t partition) {
    td_reader *reader;
    assert_int_equal(td_reader_open(&reader, topic, partition, 0, TD_READ_APPENDED), TD_OK);
    const found *f = read_on(reader);
    assert_int_equal(f->end, TD_AGAIN);
    assert_int_equal(td_reader_offset(reader), td_topic_end(topic, partition));
    td_reader_close(reader);
    return f;
}

/* Values first … first + count - 1, and no others. */
static void expect(td_topic *topic, uint32_t partition, int64_t first, int count) {
    const found *f = read_all(topic, partition);
    assert_int_equal(f->count, count);
    for (int i = 0; i < count; i++) assert_int_equal(f->values[i], first + i);
}

/* Behind a record of the first epoch. */
static td_mark mark_at(td_topic *topic, int64_t offset) { return (td_mark){topic, 0, {0, offset}}; }

static int64_t committed_offset(rig *r) {
    td_position position = {-1, -1}, seen = {-1, -1};
    td_status status = td_writer_position(r->writer, r->in, 0, &position);
    if (status != TD_OK && status != TD_AGAIN) fail_msg("%s", td_trail());
    assert_int_equal(td_log_committed(r->log, "w", r->in, 0, &seen), status); /* what who only reads is told */
    assert_true(seen.epoch == position.epoch && seen.offset == position.offset);
    assert_int_equal(td_log_committed(r->log, "nobody", r->in, 0, &seen), TD_AGAIN);
    return status == TD_OK ? position.offset : -1;
}

/* ---- appending and reading ---- */

static void what_is_appended_is_read(void **state) {
    rig *r = *state;
    td_reader *reader;
    assert_int_equal(td_reader_open(&reader, r->in, 0, 0, TD_READ_APPENDED), TD_OK);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(append(r, r->in, 0, i * 7, 7), TD_OK);
        assert_int_equal(append(r, r->in, 1, i, 1), TD_OK);
        const found *f = read_on(reader);
        assert_true(f->count == 7 && f->values[0] == i * 7 && f->values[6] == i * 7 + 6 && f->end == TD_AGAIN);
        assert_int_equal(td_reader_offset(reader), td_topic_end(r->in, 0));
    }
    td_reader_seek(reader, 0);
    assert_int_equal(read_on(reader)->count, 210);
    td_reader_close(reader);
    expect(r->in, 1, 0, 30);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    assert_int_equal(td_topic_synced(r->in, 0), td_topic_end(r->in, 0));
    rig_close(r);
    rig_open(r);
    expect(r->in, 0, 0, 210);
}

static void reading_backwards_by_blocks(void **state) {
    rig *r = *state;
    for (int i = 0; i < 40; i++) assert_int_equal(append(r, r->in, 0, i * 5, 5), TD_OK);
    int64_t to = td_topic_end(r->in, 0), count = 0;
    while (to > td_topic_start(r->in, 0)) {
        int64_t from = td_topic_block_before(r->in, 0, to, 300);
        assert_true(from < to);
        td_reader *reader;
        td_record record;
        assert_int_equal(td_reader_open(&reader, r->in, 0, from, TD_READ_APPENDED), TD_OK);
        while (td_reader_next(reader, &record) == TD_OK && record.offset < to) count++;
        td_reader_close(reader);
        to = from;
    }
    assert_int_equal(count, 200);
}

static void positions_hold_for_ever(void **state) {
    rig *r = *state;
    bool epochs = r->ops->tells_epochs();
    td_position held[12];
    for (int i = 0; i < 12; i++) {
        assert_int_equal(append(r, r->in, 0, i * 3, 3), TD_OK);
        held[i] = read_all(r->in, 0)->behind;
        assert_int_equal(td_topic_epoch(r->in, 0), held[i].epoch);
        assert_true(i == 0 || i % 4 != 0 || !epochs || held[i].epoch > held[i - 1].epoch);
        assert_int_equal(td_log_sync(r->log), TD_OK);
        if (i % 4 != 3) continue;
        td_writer_close(r->writer);
        r->writer = NULL; /* what fails until there is another one leaves none to be closed */
        r->log = r->ops->next_epoch(r->host, r->log);
        rig_take(r);
    }
    for (int i = 0; i < 12; i++) ASSERT_ROW(td_topic_holds(r->in, 0, held[i]), "%d", i);
    int64_t end = td_topic_end(r->in, 0);
    const td_position void_ones[] = {{held[11].epoch, end + 1}, {-1, 0}, {held[0].epoch, held[11].offset}, {99, 1}};
    size_t count = epochs ? COUNT_OF(void_ones) : 2;
    for (size_t i = 0; i < count; i++) ASSERT_ROW(!td_topic_holds(r->in, 0, void_ones[i]), "%zu", i);
    expect(r->in, 0, 0, 36);
}

/* From there on the first record is the n-th; an offset that the log leaves out before it is as good. */
static void expect_at_time(rig *r, const found *f, int64_t time_ms, int n) {
    int64_t offset, after = n == 0 ? -1 : f->offsets[n - 1];
    int64_t most = n < f->count ? f->offsets[n] : td_topic_end(r->in, 0);
    assert_int_equal(td_topic_at_time(r->in, 0, time_ms, &offset), TD_OK);
    ASSERT_ROW(offset > after && offset <= most, "%" PRId64 " ms: %" PRId64 ", not %" PRId64, time_ms, offset, most);
}

static void offsets_by_time(void **state) {
    rig *r = *state;
    for (int i = 0; i < 20; i++) {
        if (r->ops->dates) usleep(2000); /* by a clock of its own */
        assert_int_equal(append(r, r->in, 0, i * 10, 10), TD_OK);
    }
    const found *f = read_all(r->in, 0);
    assert_int_equal(f->count, 200);
    for (int n = 0; n < 200; n += 19) {
        assert_true(r->ops->dates || f->times_ms[n] == 1000 + n);
        int first = n;
        while (first > 0 && f->times_ms[first - 1] == f->times_ms[n]) first--;
        expect_at_time(r, f, f->times_ms[n], first);
    }
    expect_at_time(r, f, 0, 0);
    expect_at_time(r, f, f->times_ms[199] + 1, 200);
    expect_at_time(r, f, f->times_ms[199] + 3600000, 200);
}

static void retention_is_told(void **state) {
    rig *r = *state;
    td_reader *slow, *idle, *fresh;
    for (int i = 0; i < 60; i++) assert_int_equal(append(r, r->in, 0, i * 10, 10), TD_OK);
    assert_int_equal(td_reader_open(&slow, r->in, 0, 0, TD_READ_APPENDED), TD_OK);
    assert_int_equal(td_reader_open(&idle, r->in, 0, 0, TD_READ_APPENDED), TD_OK);
    td_record record;
    for (int i = 0; i < 15; i++) assert_int_equal(td_reader_next(slow, &record), TD_OK);
    assert_int_equal(td_reader_lost(slow), 0);
    int64_t read_to = td_reader_offset(slow);
    r->ops->retain(r->host, r->log, r->in, 0);
    int64_t start = td_topic_start(r->in, 0);
    assert_true(start > read_to && start < td_topic_end(r->in, 0));
    const found *f = read_on(slow); /* what it had already in hand, then from the new start on */
    assert_true(f->end == TD_AGAIN && f->values[f->count - 1] == 599);
    int64_t lost = td_reader_lost(slow), seen = 15 + f->count;
    if (r->ops->ahead && lost == 0)
        assert_int_equal(seen, 600); /* it had all in hand */
    else
        assert_true(lost > 0 && lost <= start - read_to && seen < 600);
    assert_int_equal(td_reader_lost(idle), 0);
    f = read_on(idle);
    assert_true(f->end == TD_AGAIN && f->values[f->count - 1] == 599 && f->count < 600 && f->offsets[0] >= start);
    assert_int_equal(td_reader_lost(idle), start);
    assert_int_equal(td_reader_open(&fresh, r->in, 0, start, TD_READ_APPENDED), TD_OK);
    assert_int_equal(td_reader_lost(fresh), 0);
    td_reader_seek(fresh, start - 5);
    assert_int_equal(td_reader_lost(fresh), 5);
    assert_int_equal(td_reader_next(fresh, &record), TD_OK);
    assert_true(record.offset >= start);
    td_reader_close(fresh);
    td_reader_close(idle);
    td_reader_close(slow);
}

static void truncation_or_a_clear_no(void **state) {
    rig *r = *state;
    assert_int_equal(append(r, r->in, 0, 0, 20), TD_OK);
    td_position whole = read_all(r->in, 0)->behind;
    rig_close(r);
    rig_open(r);
    td_status status = td_log_truncate(r->in, 0, 12);
    assert_int_equal(status, r->ops->cuts ? TD_OK : TD_REJECT);
    expect(r->in, 0, 0, r->ops->cuts ? 12 : 20);
    assert_int_equal(td_topic_holds(r->in, 0, whole), !r->ops->cuts);
    assert_int_equal(append(r, r->in, 0, r->ops->cuts ? 12 : 20, 8), TD_OK);
    expect(r->in, 0, 0, r->ops->cuts ? 20 : 28);
    assert_int_equal(td_topic_holds(r->in, 0, whole), !r->ops->cuts);
}

static void put_key(rig *r, td_topic *topic, const char *key, const char *value) {
    td_batch_reset(&r->batch);
    assert_true(td_batch_add(&r->batch, 1000, td_text(key), td_text(value), (td_bytes){0}, (td_bytes){0}));
    assert_int_equal(td_writer_append(r->writer, topic, 0, &r->batch), TD_OK);
}

static void the_latest_of_each_key_or_a_clear_no(void **state) {
    rig *r = *state;
    td_topic *latest;
    td_status status = td_log_topic(r->log, "latest", PARTITIONS, TD_TOPIC_LATEST, &latest);
    assert_int_equal(status, r->ops->shares ? TD_OK : TD_REJECT);
    if (status != TD_OK) return;
    static const char *const puts[][2] = {{"a", "1"}, {"b", "2"}, {"a", "3"}, {"c", "4"}, {"a", "5"}};
    for (size_t i = 0; i < COUNT_OF(puts); i++) put_key(r, latest, puts[i][0], puts[i][1]);
    td_reader *reader;
    td_record record;
    char last[3] = "";
    int count = 0;
    assert_int_equal(td_reader_open(&reader, latest, 0, 0, TD_READ_APPENDED), TD_OK);
    for (; td_reader_next(reader, &record) == TD_OK; count++)
        last[record.key.data[0] - 'a'] = (char)record.value.data[0];
    td_reader_close(reader);
    assert_memory_equal(last, "524", sizeof last);
    assert_in_range(count, 3, COUNT_OF(puts));
}

static void who_names_no_count_makes_no_topic(void **state) {
    rig *r = *state;
    td_topic *topic = NULL;
    assert_int_equal(td_log_topic(r->log, "nowhere", 0, TD_TOPIC_INPUT, &topic), TD_AGAIN);
    assert_int_equal(td_log_topic(r->log, "nowhere", 0, TD_TOPIC_INPUT, &topic), TD_AGAIN);
    assert_int_equal(td_log_topic(r->log, "in", 0, TD_TOPIC_INPUT, &topic), TD_OK);
    assert_ptr_equal(topic, r->in);
    assert_int_equal(td_topic_partitions(topic), PARTITIONS);
}

/* ---- transactions ---- */

static void a_transaction_is_read_whole_or_not_at_all(void **state) {
    rig *r = *state;
    assert_int_equal(append(r, r->in, 0, 0, 50), TD_OK);
    assert_int_equal(committed_offset(r), -1);
    for (int i = 0; i < 40; i++) {
        td_mark mark = mark_at(r->in, i + 1);
        int committed = i - (i + 4) / 5; /* every fifth one is aborted */
        assert_int_equal(td_writer_begin(r->writer), TD_OK);
        assert_int_equal(append(r, r->out, 0, committed * 4, 4), TD_OK);
        expect(r->out, 0, 0, committed * 4);
        assert_int_equal(append(r, r->more, 1, committed * 2, 1), TD_OK);
        assert_int_equal(append(r, r->more, 1, committed * 2 + 1, 1), TD_OK);
        expect(r->more, 1, 0, committed * 2);
        if (i % 5 == 0) {
            assert_int_equal(td_writer_abort(r->writer), TD_OK);
            expect(r->out, 0, 0, committed * 4);
            expect(r->more, 1, 0, committed * 2);
            continue;
        }
        assert_int_equal(td_writer_commit(r->writer, &mark, 1), TD_OK);
        expect(r->out, 0, 0, (committed + 1) * 4);
        expect(r->more, 1, 0, (committed + 1) * 2);
        assert_int_equal(committed_offset(r), i + 1);
    }
    assert_int_equal(td_log_sync(r->log), TD_OK);
    rig_close(r);
    rig_open(r);
    expect(r->out, 0, 0, 32 * 4);
    expect(r->more, 1, 0, 32 * 2);
    assert_int_equal(committed_offset(r), 40);
}

/* What is left of a commit of which one partition was cut is no tail: it may have been read as synced. */
static void a_cut_below_a_commit(void **state) {
    rig *r = *state;
    assert_int_equal(append(r, r->in, 0, 0, 5), TD_OK);
    for (int i = 0; i < 2; i++) {
        td_mark mark = mark_at(r->in, 1 + i);
        assert_int_equal(td_writer_begin(r->writer), TD_OK);
        assert_int_equal(append(r, r->out, 0, i * 6, 6), TD_OK);
        assert_int_equal(append(r, r->more, 1, i * 3, 3), TD_OK);
        assert_int_equal(td_writer_commit(r->writer, &mark, 1), TD_OK);
    }
    assert_int_equal(td_log_sync(r->log), TD_OK);
    rig_die(r);
    assert_int_equal(td_log_truncate(r->out, 0, 9), r->ops->cuts ? TD_OK : TD_REJECT);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    rig_die(r);
    expect(r->out, 0, 0, r->ops->cuts ? 9 : 12);
    expect(r->more, 1, 0, 6);
    assert_int_equal(committed_offset(r), 2);
}

/* One append more in a partition of transactions, by this writer or by another one, is not taken for a tail. */
static void an_append_alone_beside_transactions(void **state) {
    rig *r = *state;
    td_writer *other;
    assert_int_equal(td_writer_begin(r->writer), TD_OK);
    assert_int_equal(append(r, r->out, 0, 0, 3), TD_OK);
    assert_int_equal(td_writer_commit(r->writer, NULL, 0), TD_OK);
    assert_int_equal(append(r, r->out, 0, 3, 3), TD_OK);
    assert_int_equal(td_writer_open(&other, r->log, "other"), TD_OK);
    fill(&r->batch, 6, 3);
    assert_int_equal(td_writer_append(other, r->out, 0, &r->batch), TD_OK);
    td_writer_close(other);
    expect(r->out, 0, 0, 9);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    rig_die(r);
    expect(r->out, 0, 0, 9);
}

/* Who comes after a writer in one of its partitions rests on its commits: none of them is lost by half. */
static void a_partition_changes_hands(void **state) {
    rig *r = *state;
    for (int life = 0, whole = 0; life < 4; life++) {
        td_writer *writers[2] = {r->writer};
        assert_int_equal(td_writer_open(&writers[1], r->log, "other"), TD_OK);
        for (int i = whole; i < whole + 5; i++) { /* each writes to a partition of both and to one of its own */
            r->writer = writers[i % 2];
            assert_int_equal(td_writer_begin(r->writer), TD_OK);
            assert_int_equal(append(r, r->out, 0, i * 3, 3), TD_OK);
            assert_int_equal(append(r, r->more, (uint32_t)i % 2, i / 2 * 2, 2), TD_OK);
            assert_int_equal(td_writer_commit(r->writer, NULL, 0), TD_OK);
        }
        td_writer_close(writers[1]);
        r->writer = writers[0];
        rig_die(r);
        int now = read_all(r->out, 0)->count / 3;
        assert_true(now >= (r->ops->forgets ? whole + 4 : whole + 5)); /* whoever came next made the former durable */
        whole = now;
        expect(r->out, 0, 0, whole * 3);
        expect(r->more, 0, 0, (whole + 1) / 2 * 2);
        expect(r->more, 1, 0, whole / 2 * 2);
    }
}

static void who_opens_a_name_fences_who_had_it(void **state) {
    rig *r = *state;
    rig next = *r;
    next.batch = (td_batch){0};
    td_batch_init(&next.batch, 4096);
    td_mark mark = mark_at(r->in, 0);
    assert_int_equal(td_writer_begin(r->writer), TD_OK);
    assert_int_equal(append(r, r->out, 0, 0, 5), TD_OK);
    assert_int_equal(td_writer_commit(r->writer, &mark, 1), TD_OK);
    assert_int_equal(td_writer_begin(r->writer), TD_OK);
    assert_int_equal(append(r, r->out, 0, 900, 5), TD_OK);

    if (r->ops->shares) rig_open(&next);
    if (!r->ops->shares) assert_int_equal(td_writer_open(&next.writer, r->log, "w"), TD_OK);
    expect(r->out, 0, 0, 5);
    td_status status = append(r, r->out, 0, 905, 5);
    assert_true(status == TD_FENCED || (r->ops->ahead && status == TD_OK));
    assert_int_equal(td_writer_commit(r->writer, &mark, 1), TD_FENCED);
    assert_int_equal(td_writer_abort(r->writer), TD_FENCED);
    assert_int_equal(committed_offset(&next), 0);
    assert_int_equal(td_writer_begin(next.writer), TD_OK);
    assert_int_equal(append(&next, next.out, 0, 5, 5), TD_OK);
    assert_int_equal(td_writer_commit(next.writer, NULL, 0), TD_OK);
    td_writer_close(r->writer); /* takes nothing of the other's with it */
    r->writer = NULL;
    expect(r->out, 0, 0, 10);
    td_writer_close(next.writer);
    if (r->ops->shares) td_log_close(next.log);
    td_batch_fini(&next.batch);
}

/* Begin, three appends, commit: the process dies in each of its calls, one after the other. */
static void a_death_at_any_call_leaves_all_or_nothing(void **state) {
    rig *r = *state;
    if (r->ops->lives) return; /* a real process dies only once */
    int64_t whole = 0;
    bool survived = false;
    for (int64_t call = 1; !survived; call++) {
        assert_true(call < 500);
        td_mark mark = mark_at(r->in, 0);
        r->ops->kill(r->host, r->log, call);
        td_status status = td_writer_begin(r->writer);
        if (status == TD_OK) status = append(r, r->out, 0, whole * 4, 4);
        if (status == TD_OK) status = append(r, r->more, 0, whole * 2, 1);
        if (status == TD_OK) status = append(r, r->more, 0, whole * 2 + 1, 1);
        if (status == TD_OK) status = td_writer_commit(r->writer, &mark, 1);
        survived = status == TD_OK && !r->ops->is_dead(r->host, r->log);
        if (survived) r->ops->kill(r->host, r->log, INT64_C(1) << 40);
        rig_die(r);
        int64_t now = read_all(r->out, 0)->count / 4;
        ASSERT_ROW(now == whole || now == whole + 1 || (r->ops->forgets && now < whole), "call %" PRId64, call);
        ASSERT_ROW(status != TD_OK || now == whole + 1 || r->ops->forgets, "call %" PRId64, call);
        expect(r->out, 0, 0, (int)now * 4);
        expect(r->more, 0, 0, (int)now * 2);
        assert_int_equal(committed_offset(r), now > 0 ? 0 : -1);
        whole = now;
    }
}

static td_topic *place(const rig *r, int i) { return i == 1 ? r->more : r->out; }

/* Of each batch all or nothing, and once, whatever answer is lost and whenever it dies. */
static void what_is_appended_together_is_there_once(void **state) {
    enum { PLACES = 3, EACH = 5 };
    rig *r = *state;
    td_batch batches[PLACES];
    if (r->ops->lives) return;
    for (int i = 0; i < PLACES; i++) td_batch_init(&batches[i], 4096);
    for (int round = 0; round < (r->ops->slow > 0 ? 6 : 60); round++) {
        td_append appends[PLACES];
        size_t at = 0, done;
        int64_t before[PLACES];
        td_status status = TD_RETRY;
        for (int i = 0; i < PLACES; i++) {
            appends[i] = (td_append){place(r, i), i > 0, &batches[i]};
            before[i] = read_all(place(r, i), i > 0)->count;
            fill(&batches[i], before[i], EACH);
        }
        r->ops->kill(r->host, r->log, round % 3 == 2 ? 1 + round % 4 : INT64_C(1) << 40);
        r->ops->trouble(r->host, true);
        for (int i = 0; i < TRIES && status == TD_RETRY && !r->ops->is_dead(r->host, r->log); i++, at += done) {
            if (i == TRIES / 2) r->ops->trouble(r->host, false);
            status = td_writer_append_all(r->writer, appends + at, PLACES - at, &done);
        }
        r->ops->trouble(r->host, false);
        bool dead = r->ops->is_dead(r->host, r->log);
        if (dead) rig_die(r);
        r->ops->kill(r->host, r->log, INT64_C(1) << 40);
        assert_true(dead || at == PLACES);
        for (int i = 0; i < PLACES; i++) {
            int64_t now = read_all(place(r, i), i > 0)->count, least = dead ? before[i] : before[i] + EACH;
            expect(place(r, i), i > 0, 0, (int)now);
            assert_true((now >= least || (dead && r->ops->forgets)) && now <= before[i] + EACH && now % EACH == 0);
        }
    }
    for (int i = 0; i < PLACES; i++) td_batch_fini(&batches[i]);
}

/* All of one transaction's outputs are promised at once, whatever the disk refuses. */
static void what_is_synced_survives(void **state) {
    rig *r = *state;
    if (r->ops->lives) return;
    for (int round = 0; round < some(r, 40); round++) {
        int64_t synced[2];
        for (int i = 0; i < 3; i++) {
            const int have = read_all(r->out, 0)->count / 3;
            assert_int_equal(td_writer_begin(r->writer), TD_OK);
            assert_int_equal(append(r, r->out, 0, have * 3, 3), TD_OK);
            assert_int_equal(append(r, r->more, 0, have * 2, 2), TD_OK);
            assert_int_equal(td_writer_commit(r->writer, NULL, 0), TD_OK);
            r->ops->trouble(r->host, true);
            td_status status = td_log_sync(r->log);
            assert_true(status == TD_OK || status == TD_RETRY);
            r->ops->trouble(r->host, false);
        }
        synced[0] = td_topic_synced(r->out, 0);
        synced[1] = td_topic_synced(r->more, 0);
        rig_die(r);
        assert_true(td_topic_end(r->out, 0) >= synced[0] && td_topic_end(r->more, 0) >= synced[1]);
        assert_int_equal(read_all(r->out, 0)->count * 2, read_all(r->more, 0)->count * 3);
    }
}

/* ---- sharing partitions ---- */

/* Until each has so many: a rebalance takes some polls of all members. No partition has two members on the way. */
static void share(td_group *first, td_assignment *a, td_group *second, td_assignment *b, size_t each) {
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(td_group_poll(first, a), TD_OK);
        if (second != NULL) assert_int_equal(td_group_poll(second, b), TD_OK);
        for (size_t n = 0; second != NULL && n < a->count * b->count; n++)
            assert_true(a->partitions[n / b->count] != b->partitions[n % b->count]);
        if (a->count == each && (second == NULL || b->count == each)) return;
        usleep(10000);
    }
    fail_msg("%zu and %zu partitions, not %zu each", a->count, b->count, each);
}

static void a_group_shares_all_partitions(void **state) {
    rig *r = *state;
    td_group *first, *second;
    td_assignment a = {0}, b = {0};
    assert_int_equal(td_group_join(&first, r->log, "g", r->in), TD_OK);
    share(first, &a, NULL, &b, PARTITIONS);
    assert_true(a.partitions[0] == 0 && a.partitions[1] == 1);
    if (r->ops->shares) {
        rig next = *r;
        rig_open(&next);
        int64_t before = a.generation;
        assert_int_equal(td_group_join(&second, next.log, "g", next.in), TD_OK);
        share(first, &a, second, &b, 1);
        assert_true(a.generation != before && a.partitions[0] + b.partitions[0] == 1);
        before = a.generation;
        td_group_leave(second);
        rig_close(&next);
        share(first, &a, NULL, &b, PARTITIONS);
        assert_true(a.generation != before);
    }
    td_group_leave(first);
}

/* ---- threads ---- */

typedef struct race {
    rig *r;
    atomic_bool over;
} race;

static void *read_whole_ones(void *arg) {
    race *all = arg;
    td_reader *reader;
    td_record record;
    int64_t count = 0;
    if (td_reader_open(&reader, all->r->out, 0, 0, TD_READ_APPENDED) != TD_OK) abort();
    for (bool over = false; !over;) {
        over = atomic_load(&all->over); /* before: what comes until then is read once more */
        td_status status;
        for (; (status = td_reader_next(reader, &record)) == TD_OK; count++) {
            char value[24];
            int64_t nth = count / 3; /* of those that are committed */
            (void)snprintf(value, sizeof value, "%" PRId64, nth + (nth + 3) / 6);
            if (!td_bytes_equal(record.value, td_text(value))) abort();
        }
        if (status != TD_AGAIN || count % 3 != 0) abort(); /* an end is never inside of a transaction */
    }
    td_reader_close(reader);
    return NULL;
}

static void *sync_on(void *arg) {
    race *all = arg;
    while (!atomic_load(&all->over)) {
        if (td_log_sync(all->r->log) != TD_OK) abort();
        if (td_topic_synced(all->r->out, 0) != td_topic_synced(all->r->more, 0)) abort();
    }
    return NULL;
}

static td_status write_some(rig *r) {
    td_status status = TD_OK;
    for (int i = 0; i < some(r, 1500) && status == TD_OK; i++) {
        status = td_writer_begin(r->writer);
        for (int n = 0; n < 3 && status == TD_OK; n++) status = append(r, r->out, 0, i, 1);
        for (int n = 0; n < 3 && status == TD_OK; n++) status = append(r, r->more, 0, i, 1);
        if (status == TD_OK) status = i % 7 == 3 ? td_writer_abort(r->writer) : td_writer_commit(r->writer, NULL, 0);
    }
    return status;
}

/* Nothing is asserted while there are threads: they would outlive their log. */
static void readers_never_see_half(void **state) {
    rig *r = *state;
    if (!r->ops->threads) return;
    static race all;
    pthread_t threads[3];
    all.r = r;
    atomic_store(&all.over, false);
    for (int i = 0; i < 3; i++)
        if (pthread_create(&threads[i], NULL, i < 2 || r->ops->ahead ? read_whole_ones : sync_on, &all) != 0) abort();
    td_status status = write_some(r);
    atomic_store(&all.over, true);
    for (int i = 0; i < 3; i++)
        if (pthread_join(threads[i], NULL) != 0) abort();
    if (status != TD_OK) fail_msg("%s", td_trail());
}

/* ---- any order of operations, against a list ---- */

typedef struct model { /* committed transactions in order: n brings a record n to two partitions, each fourth to a third
                        */
    int64_t committed; /* so many for sure                     */
    int64_t synced;    /* of them cannot be lost               */
    bool unsure;       /* and perhaps one more                 */
} model;

/* The log holds whole transactions 0 … n - 1, and the position of the last one. */
static void compare(rig *r, model *m, bool may_forget) {
    int64_t count = read_all(r->out, 0)->count;
    expect(r->out, 0, 0, (int)count);
    expect(r->more, 1, 0, (int)count);
    const found *rare = read_all(r->out, 1);
    assert_int_equal(rare->count, count / 4);
    for (int i = 0; i < rare->count; i++) assert_int_equal(rare->values[i], 4 * i + 3);
    assert_int_equal(committed_offset(r), count > 0 ? count % 20 : -1);
    assert_true(count >= (may_forget ? m->synced : m->committed) && count <= m->committed + m->unsure);
    *m = (model){count, may_forget ? count : m->synced, false};
}

static td_status until_known(rig *r, td_status (*step)(rig *r, int64_t n), int64_t n) {
    td_status status = TD_RETRY;
    for (int i = 0; i < TRIES && status == TD_RETRY && !r->ops->is_dead(r->host, r->log); i++) {
        if (i == TRIES / 2) r->ops->trouble(r->host, false);
        status = step(r, n);
    }
    return status;
}

static td_status step_begin(rig *r, int64_t n) {
    (void)n;
    return td_writer_begin(r->writer);
}
static td_status step_out(rig *r, int64_t n) { return append(r, r->out, 0, n, 1); }
static td_status step_more(rig *r, int64_t n) { return append(r, r->more, 1, n, 1); }
static td_status step_rare(rig *r, int64_t n) { return n % 4 == 3 ? append(r, r->out, 1, n, 1) : TD_OK; }
static td_status step_commit(rig *r, int64_t n) {
    td_mark mark = mark_at(r->in, (n + 1) % 20);
    return td_writer_commit(r->writer, &mark, 1);
}
static td_status step_abort(rig *r, int64_t n) {
    (void)n;
    return td_writer_abort(r->writer);
}

static void sync_round(rig *r, model *m) {
    td_status status = td_log_sync(r->log);
    assert_true(status == TD_OK || status == TD_RETRY);
    if (status == TD_OK) m->synced = m->committed;
}

static void transact(rig *r, model *m, bool abort_it, bool sync_within) {
    int64_t n = m->committed;
    td_status status = until_known(r, step_begin, n);
    if (status != TD_OK) return; /* dead */
    status = until_known(r, step_out, n);
    if (status == TD_OK) status = until_known(r, step_more, n);
    if (status == TD_OK) status = until_known(r, step_rare, n);
    if (sync_within) sync_round(r, m);
    if (status == TD_OK && !abort_it) {
        status = until_known(r, step_commit, n);
        m->unsure = status == TD_RETRY; /* it died in it */
        m->committed += status == TD_OK;
        if (status == TD_OK) return;
    }
    if (m->unsure) return;
    assert_true(status == TD_OK || status == TD_REJECT || status == TD_RETRY);
    status = until_known(r, step_abort, n);
    assert_true(status == TD_OK || r->ops->is_dead(r->host, r->log));
}

static void live(rig *r, model *m, uint64_t *seed) {
    for (int i = 0; i < 25 && !r->ops->is_dead(r->host, r->log); i++) {
        uint64_t choice = unit_random(seed) % 16;
        r->ops->trouble(r->host, unit_random(seed) % 2 == 0);
        if (choice < 10)
            transact(r, m, choice < 4, unit_random(seed) % 3 == 0);
        else if (choice < 13)
            sync_round(r, m);
        else if (choice == 13)
            r->ops->kill(r->host, r->log, 1 + (int64_t)(unit_random(seed) % 40));
    }
    r->ops->trouble(r->host, false);
    if (r->ops->is_dead(r->host, r->log) || unit_random(seed) % 2 == 0) {
        rig_die(r);
        compare(r, m, r->ops->forgets);
    } else {
        r->ops->kill(r->host, r->log, INT64_C(1) << 40);
        rig_close(r);
        rig_open(r);
        m->synced = m->committed;
        compare(r, m, false);
    }
}

static void any_order_of_operations(void **state) {
    rig *r = *state;
    if (r->ops->lives) return;
    const char *asked = getenv("SEED");
    uint64_t first = asked != NULL ? strtoull(asked, NULL, 10) : 1;
    for (uint64_t seed = first; seed < first + (uint64_t)some(r, SEEDS); seed++) {
        rig_close(r);
        r->ops->free(r->host);
        r->host = r->ops->new (seed);
        rig_open(r);
        assert_int_equal(append(r, r->in, 0, 0, 20), TD_OK); /* what the positions name */
        assert_int_equal(td_log_sync(r->log), TD_OK);
        model m = {0};
        uint64_t random = seed;
        for (int life = 0; life < 6; life++) live(r, &m, &random);
    }
}

/* ---- every test, on every host ---- */

static int setup(void **state) {
    rig *r = td_alloc_zero(1, sizeof *r);
    r->ops = *state;
    r->host = r->ops->new (7);
    td_batch_init(&r->batch, 4096);
    rig_open(r);
    *state = r;
    return 0;
}

static int teardown(void **state) {
    rig *r = *state;
    rig_close(r);
    r->ops->free(r->host);
    td_batch_fini(&r->batch);
    free(r);
    return 0;
}

#define ROW(test)                                                                                                      \
    { #test, test, setup, teardown, NULL }

int main(void) {
    static const struct CMUnitTest tests[] = {
        ROW(what_is_appended_is_read),
        ROW(reading_backwards_by_blocks),
        ROW(positions_hold_for_ever),
        ROW(offsets_by_time),
        ROW(retention_is_told),
        ROW(truncation_or_a_clear_no),
        ROW(the_latest_of_each_key_or_a_clear_no),
        ROW(who_names_no_count_makes_no_topic),
        ROW(a_transaction_is_read_whole_or_not_at_all),
        ROW(a_cut_below_a_commit),
        ROW(an_append_alone_beside_transactions),
        ROW(a_partition_changes_hands),
        ROW(who_opens_a_name_fences_who_had_it),
        ROW(a_death_at_any_call_leaves_all_or_nothing),
        ROW(what_is_appended_together_is_there_once),
        ROW(what_is_synced_survives),
        ROW(a_group_shares_all_partitions),
        ROW(readers_never_see_half),
        ROW(any_order_of_operations),
    };
    int failed = 0;
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* whatever ends it, its last line says in which test */
    for (size_t h = 0; log_hosts[h] != NULL; h++) {
        struct CMUnitTest rows[COUNT_OF(tests)];
        memcpy(rows, tests, sizeof tests);
        for (size_t i = 0; i < COUNT_OF(tests); i++) rows[i].initial_state = (void *)(uintptr_t)log_hosts[h];
        failed += _cmocka_run_group_tests(log_hosts[h]->name, rows, COUNT_OF(tests), NULL, NULL);
    }
    return failed == 0 ? 0 : 1;
}
