/* tests/unit/log_recover_test.c - goal: whatever a crash, a failing disk or a flipped bit leaves, the log opens, loses
 * nothing that was synced, shows nothing that was not appended, and says what it did. */
#include "log_rig.h"

static const char first_log[] = "00000000000000000000.log";

static char *path_in(rig *r, const char *partition, const char *name) {
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s/%s", r->dir, partition, name);
    return path;
}

static char *log_path(rig *r) { return path_in(r, "bars-0", first_log); }

/* Five batches of 4; the first four synced, the last one only when `all`. */
static void make_log(rig *r, bool all) {
    rig_open_log(r);
    rig_append(r, 0, 4, 4);
    rig_append(r, 1, 1, 2);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    rig_append(r, 0, 1, 4);
    if (all) assert_int_equal(td_log_sync(r->log), TD_OK);
    /* The folder as it is now, for many crashes; closing would sync it. */
    rig_run("cp -r %s %s/crash && rm -f %s/crash/CLEAN", r->dir, r->root, r->root);
    rig_close_log(r);
}

/* What the folder was when it was copied. */
static void crash(rig *r) {
    char copy[80];
    (void)snprintf(copy, sizeof copy, "%s/crash", r->root);
    assert_int_equal(RIG_REAL->list(NULL, copy, rig_copy_one, &(rig_copy){copy, r->dir}), TD_OK);
    rig_unmark(r);
}

static void an_unclean_end_begins_an_epoch(void **state) {
    rig *r = *state;
    make_log(r, true);
    for (int32_t i = 1; i < 4; i++) {
        if (i == 1) crash(r);
        rig_open_log(r);
        assert_int_equal(td_topic_epoch(r->topic, 0), i);
        assert_int_equal(td_topic_epoch(r->topic, 1), i);
        rig_expect(r, 0, 0, 20 + 4 * (i - 1));
        assert_int_equal(r->reports.size, 0); /* nothing to repair */
        rig_append(r, 0, 1, 4);
        rig_kill(r);
    }
    rig_run("test \"$(cat %s | tr '\\n' ,)\" = 0,4,0\\ 0,1\\ 20,2\\ 24,3\\ 28,",
            path_in(r, "bars-0", "leader-epoch-checkpoint"));
}

/* The last batch, cut and then flipped at each of its bytes, synced or not: gone, and nothing else is. */
static void a_torn_tail_is_cut(void **state) {
    rig *r = *state;
    for (int synced = 0; synced < 2; synced++) {
        rig_run("rm -rf %s/data %s/crash", r->root, r->root);
        make_log(r, synced > 0);
        int64_t bytes = rig_file_bytes(log_path(r)), batch_bytes = bytes / 5;
        for (int64_t at = bytes - batch_bytes; at<bytes; at += synced> 0 ? 7 : 1) {
            for (int flip = 0; flip < 2; flip++) {
                crash(r);
                bool epoch = at >= bytes - batch_bytes + 12 && at < bytes - batch_bytes + 16; /* outside the CRC */
                if (flip && epoch) continue;
                if (flip)
                    rig_flip(log_path(r), at);
                else
                    assert_int_equal(truncate(log_path(r), at), 0);
                rig_open_log(r);
                ASSERT_ROW(td_topic_end(r->topic, 0) == 16, "%" PRId64 " flip %d", at, flip);
                bool whole = !flip && at == bytes - batch_bytes; /* as if it had never been written */
                ASSERT_ROW(whole || rig_reported(r, "bars-0: torn tail cut at offset 16, "), "%" PRId64, at);
                assert_int_equal(td_topic_epoch(r->topic, 0), 1);
                rig_append(r, 0, 1, 4);
                rig_expect(r, 0, 0, 20);
                rig_expect(r, 1, 0, 2);
                rig_close_log(r);
            }
        }
    }
}

/* What was synced is never cut away for a damage before it: it stays, and only readers of that place stop. */
static void a_corrupt_batch_in_the_middle_is_kept(void **state) {
    rig *r = *state;
    make_log(r, true);
    int64_t batch_bytes = rig_file_bytes(log_path(r)) / 5;
    for (int64_t at = 2 * batch_bytes; at < 3 * batch_bytes; at++) {
        if (at >= 2 * batch_bytes + 12 && at < 2 * batch_bytes + 16) continue;
        crash(r);
        rig_flip(log_path(r), at);
        rig_open_log(r);
        assert_int_equal(td_topic_end(r->topic, 0), 20);
        assert_true(rig_reported(r, "bars-0: corrupt batch at offset 8 kept"));
        rig_append(r, 0, 1, 4);
        td_reader *reader;
        td_record record;
        assert_int_equal(td_reader_open(&reader, r->topic, 0, 0, TD_READ_APPENDED), TD_OK);
        for (int64_t n = 0; n < 8; n++) {
            assert_int_equal(td_reader_next(reader, &record), TD_OK);
            assert_true(rig_is_record(&record, n));
        }
        for (int i = 0; i < 3; i++) {
            ASSERT_ROW(td_reader_next(reader, &record) == TD_CORRUPT, "%" PRId64, at);
            assert_int_equal(td_reader_offset(reader), 8);
        }
        assert_non_null(strstr(td_trail(), "offset 8"));
        if (at >= 2 * batch_bytes + 61) { /* its head is right: what follows can be found */
            td_reader_seek(reader, 13);
            assert_int_equal(td_reader_next(reader, &record), TD_OK);
            assert_true(rig_is_record(&record, 13));
        }
        td_reader_seek(reader, 3);
        assert_int_equal(td_reader_next(reader, &record), TD_OK);
        td_reader_close(reader);
        rig_expect(r, 1, 0, 2);
        td_verify found;
        assert_int_equal(rig_verify(r, 0, &found), TD_CORRUPT);
        assert_int_equal(found.corrupt, 1);
        assert_int_equal(found.records, 20);
        rig_close_log(r);
    }
}

/* Above the synced point a crash may lose any page: nobody was promised what lies behind, and the partition goes on. */
static void an_unsynced_hole_takes_what_follows(void **state) {
    rig *r = *state;
    rig_open_log(r);
    rig_append(r, 0, 2, 4);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    rig_append(r, 0, 3, 4);
    rig_run("cp -r %s %s/crash", r->dir, r->root);
    int64_t batch_bytes = td_topic_bytes(r->topic, 0) / 5;
    rig_close_log(r);
    crash(r);
    rig_flip(log_path(r), 3 * batch_bytes + 70);
    rig_open_log(r);
    rig_expect(r, 0, 0, 12);
    assert_true(rig_reported(r, "torn tail cut at offset 12"));
}

static void a_clean_end_trusts_but_sees(void **state) {
    rig *r = *state;
    make_log(r, true);
    assert_int_equal(truncate(log_path(r), rig_file_bytes(log_path(r)) - 5), 0); /* somebody was at the files */
    rig_open_log(r);
    assert_true(rig_reported(r, "torn tail cut at offset 16"));
    assert_int_equal(td_topic_epoch(r->topic, 0), 1);
    rig_expect(r, 0, 0, 16);
    rig_close_log(r);

    make_log(r, true);
    rig other = *r;
    other.conf.read_only = true;
    other.reports = (td_buf){0};
    assert_int_equal(truncate(log_path(r), rig_file_bytes(log_path(r)) - 5), 0);
    assert_int_equal(rig_try_open(&other), TD_OK);
    td_verify found;
    assert_int_equal(rig_verify(&other, 0, &found), TD_CORRUPT); /* what was synced is missing */
    assert_true(found.torn_bytes > 0);
    td_log_close(other.log);
    td_buf_fini(&other.reports);
}

static void indexes_are_rebuilt(void **state) {
    rig *r = *state;
    static const struct {
        const char *damage; /* of the first segment's files */
    } rows[] = {
        {"rm %s/bars-0/*.index"},
        {"rm %s/bars-0/*.timeindex"},
        {"truncate -s -3 %s/bars-0/00000000000000000000.index"},
        {"truncate -s 1000 %s/bars-0/00000000000000000000.timeindex"},
        {"truncate -s 0 %s/bars-0/*.index"},
        {"f=$(ls %s/bars-0/*.index | tail -1) && printf 'abcdefgh' >> $f"},
    };
    r->conf.segment_bytes = 3 << 20;
    rig_open_log(r);
    rig_append(r, 0, 1000, 100);
    rig_close_log(r);
    rig_run("cp -r %s %s/crash", r->dir, r->root);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        crash(r);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        rig_run(rows[i].damage, r->dir);
#pragma GCC diagnostic pop
        rig_open_log(r);
        td_verify found;
        ASSERT_ROW(rig_verify(r, 0, &found) == TD_OK && found.records == 100000, "%zu", i);
        td_status last;
        ASSERT_ROW(rig_read(r, 0, 99000, &last) == 1000, "%zu", i);
        rig_close_log(r);
        rig_run("cd %s && for f in bars-0/*index; do cmp $f %s/crash/$f || exit 1; done", r->dir, r->root);
    }
}

static void lost_epochs_are_learnt_from_the_log(void **state) {
    rig *r = *state;
    make_log(r, true);
    crash(r);
    rig_open_log(r);
    rig_append(r, 0, 1, 4);
    rig_close_log(r);
    rig_run("echo nonsense > %s", path_in(r, "bars-0", "leader-epoch-checkpoint"));
    rig_open_log(r);
    assert_true(rig_reported(r, "leader-epoch-checkpoint"));
    assert_int_equal(td_topic_epoch(r->topic, 0), 2);
    assert_true(td_topic_holds(r->topic, 0, (td_position){0, 20}));
    assert_true(td_topic_holds(r->topic, 0, (td_position){1, 24}));
    assert_false(td_topic_holds(r->topic, 0, (td_position){0, 21}));
}

static void a_failed_append_leaves_nothing(void **state) {
    rig *r = *state;
    rig_open_log(r);
    td_reader *reader;
    td_record record;
    assert_int_equal(td_reader_open(&reader, r->topic, 0, 0, TD_READ_APPENDED), TD_OK);
    for (int i = 0; i < 50; i++) {
        rig_append(r, 0, 1, 2);
        int64_t end = td_topic_end(r->topic, 0);
        for (int tries = 0; tries < i % 3; tries++) {
            r->machine.fail_writes = 1;
            assert_int_equal(rig_try_append(r, 0, 1 + (i + tries) % 40), TD_RETRY); /* of other sizes each time */
            assert_int_equal(td_topic_end(r->topic, 0), end);
        }
        for (int n = 0; n < 2; n++) assert_int_equal(td_reader_next(reader, &record), TD_OK);
        assert_true(rig_is_record(&record, end - 1));
        assert_int_equal(td_reader_next(reader, &record), TD_AGAIN); /* though it has read the torn bytes behind */
    }
    r->machine.fail_writes = 1;
    assert_int_equal(rig_try_append(r, 0, 30), TD_RETRY);
    r->machine.fail_writes = 0;
    td_reader_close(reader);
    rig_close_log(r);
    rig_open_log(r);
    assert_int_equal(r->reports.size, 0); /* closed without the failed one's bytes */
    rig_expect(r, 0, 0, 100);
    assert_int_equal(td_topic_epoch(r->topic, 0), 0);
}

/* The kernel may have dropped the cut with the sync: what the disk still holds would come back after a clean end. */
static void a_cut_whose_sync_failed_is_made_again(void **state) {
    rig *r = *state;
    make_log(r, true);
    td_status status = TD_RETRY;
    for (long at = 1; status != TD_OK; at++) {
        crash(r);
        assert_int_equal(truncate(log_path(r), rig_file_bytes(log_path(r)) - 5), 0);
        r->machine.calls = 0;
        r->machine.dies_at = at;
        status = rig_try_open(r);
        if (status == TD_OK) break;
        rig_close_log(r);
        r->machine.dies_at = 0;
        r->machine.cuts = 0;
        rig_open_log(r);
        ASSERT_ROW(r->machine.cuts > 0, "%ld", at);
        rig_close_log(r);
    }
    r->machine.dies_at = 0;
    rig_close_log(r);

    rig_open_log(r);
    r->machine.fail_writes = 1;
    assert_int_equal(rig_try_append(r, 0, 30), TD_RETRY);
    rig_append(r, 0, 1, 4);
    r->machine.fail_syncs = 1;
    assert_int_equal(td_log_sync(r->log), TD_RETRY);
    r->machine.cuts = 0;
    rig_close_log(r);
    assert_int_equal(r->machine.cuts, 1);
}

static void a_failed_sync_is_not_believed_the_second_time(void **state) {
    rig *r = *state;
    td_topic *input;
    rig_open_log(r);
    assert_int_equal(td_log_topic(r->log, "tape", 1, TD_TOPIC_INPUT, &input), TD_OK);
    rig_append(r, 0, 1, 5);
    assert_int_equal(td_log_sync(r->log), TD_OK);

    rig_fill(r, 0, 3);
    assert_int_equal(td_writer_append(r->writer, input, 0, &r->batch), TD_OK);
    rig_append(r, 0, 1, 5);
    r->machine.fail_syncs = 1; /* the input's, which comes first: the output waits for it */
    assert_int_equal(td_log_sync(r->log), TD_RETRY);
    assert_int_equal(td_topic_synced(input, 0), 0);
    assert_int_equal(td_topic_synced(r->topic, 0), 5);
    long writes = r->machine.writes;
    assert_int_equal(td_log_sync(r->log), TD_OK);
    assert_true(r->machine.writes > writes + 1); /* the batch again, not the checkpoint alone */
    assert_int_equal(td_topic_synced(input, 0), 3);
    assert_int_equal(td_topic_synced(r->topic, 0), 10);

    rig_append(r, 0, 1, 5);
    r->machine.fail_writes = 1; /* the checkpoint's: what it does not say is not promised */
    assert_int_equal(td_log_sync(r->log), TD_RETRY);
    assert_int_equal(td_topic_synced(r->topic, 0), 10);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    assert_int_equal(td_topic_synced(r->topic, 0), 15);

    rig_append(r, 0, 2, 5);
    r->machine.drop_failed = true;
    r->machine.fail_syncs = 1;
    assert_int_equal(td_log_sync(r->log), TD_RETRY);
    for (int i = 0; i < 3; i++) { /* the kernel lost it: no sync can bring it back */
        assert_int_equal(td_log_sync(r->log), TD_CORRUPT);
        assert_int_equal(td_topic_synced(r->topic, 0), 15);
    }
    int32_t epoch = td_topic_epoch(r->topic, 0);
    rig_close_log(r);
    rig_open_log(r); /* not marked clean: opened with care */
    assert_int_equal(td_topic_epoch(r->topic, 0), epoch + 1);
    rig_expect(r, 0, 0, 15);
}

/* Nobody knows what of the epoch is on the disk: nothing is added to it, whatever later syncs say. */
static void a_failed_sync_ends_the_epoch(void **state) {
    rig *r = *state;
    rig_open_log(r);
    rig_append(r, 0, 1, 5);
    rig_append(r, 1, 1, 5);
    r->machine.fail_syncs = 1; /* of bars-0 */
    assert_int_equal(td_log_sync(r->log), TD_RETRY);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    assert_int_equal(td_topic_epoch(r->topic, 0), 0); /* an idle partition has no need of one */
    r->machine.fail_writes = 1;                       /* nothing is appended before the epoch is safe */
    assert_int_equal(rig_try_append(r, 0, 5), TD_RETRY);
    rig_append(r, 0, 1, 5);
    rig_append(r, 1, 1, 5);
    assert_true(rig_reported(r, "bars-0: a sync failed: epoch 1 begins at offset 5"));
    assert_int_equal(td_topic_epoch(r->topic, 0), 1);
    assert_int_equal(td_topic_epoch(r->topic, 1), 0);
    assert_true(td_topic_holds(r->topic, 0, (td_position){0, 5}));
    assert_false(td_topic_holds(r->topic, 0, (td_position){0, 6}));
    assert_true(td_topic_holds(r->topic, 0, (td_position){1, 10}));
    rig_kill(r);
    rig_open_log(r);
    assert_true(td_topic_holds(r->topic, 0, (td_position){1, 10}));
    assert_int_equal(td_topic_epoch(r->topic, 0), 2);
    rig_expect(r, 0, 0, 10);
}

/* Its entries are hints: while it is doubtful it is gone, which is no damage. */
static void an_index_whose_sync_failed_is_no_damage(void **state) {
    rig *r = *state;
    td_verify found;
    r->conf.segment_bytes = 3000;
    rig_open_log(r);
    while (td_topic_bytes(r->topic, 0) < 2700) rig_append(r, 0, 1, 2);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    r->machine.fail_syncs = 1;
    rig_append(r, 0, 1, 10); /* rolls; all that is left to sync is the index */
    assert_int_equal(r->machine.fail_syncs, 0);
    assert_int_equal(td_topic_segments(r->topic, 0), 2);
    assert_int_equal(rig_verify(r, 0, &found), TD_OK);
    assert_int_equal(found.unindexed, 1);
    rig_close_log(r);
    rig_open_log(r);
    assert_int_equal(rig_verify(r, 0, &found), TD_OK);
    assert_int_equal(found.unindexed, 0);
}

static void a_failed_roll_goes_nowhere_else(void **state) {
    rig *r = *state;
    r->conf.segment_bytes = 3000;
    for (long step = 1; step < 20; step++) {
        rig_run("rm -rf %s", r->dir);
        rig_open_log(r);
        while (td_topic_bytes(r->topic, 0) < 2700) rig_append(r, 0, 1, 2);
        int64_t end = td_topic_end(r->topic, 0);
        r->machine.calls = 0;
        r->machine.dies_at = step;
        td_status status = rig_try_append(r, 0, 10); /* must roll */
        r->machine.dies_at = 0;
        if (status != TD_OK) assert_int_equal(td_topic_end(r->topic, 0), end);
        rig_append(r, 0, 1, 1); /* would have fitted into the old one */
        rig_append(r, 0, 1, 1);
        rig_kill(r);
        rig_open_log(r);
        rig_expect(r, 0, 0, status == TD_OK ? end + 12 : end + 2);
        td_verify found;
        ASSERT_ROW(rig_verify(r, 0, &found) == TD_OK, "%ld", step);
        rig_close_log(r);
        if (status == TD_OK) return; /* it took fewer steps */
    }
    fail();
}

/* A truncation in a batch makes a segment of what stays of it, then cuts the old one: died in between. */
static void an_interrupted_truncation_is_finished(void **state) {
    rig *r = *state;
    static const int64_t offsets[] = {995, 505, 3}; /* behind the last index entry, before it, before the first */
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        rig_run("rm -rf %s %s/crash", r->dir, r->root);
        rig_open_log(r);
        rig_append(r, 0, 100, 10);
        rig_close_log(r);
        rig_run("cp -r %s %s/crash", r->dir, r->root);
        rig_open_log(r);
        assert_int_equal(td_log_truncate(r->topic, 0, offsets[i]), TD_OK);
        rig_close_log(r);
        crash(r); /* the old files over the new ones: the new segment stays */
        rig_open_log(r);
        rig_expect(r, 0, 0, offsets[i] > 10 ? offsets[i] : 1000); /* in the first batch it is one rename */
        td_verify found;
        bool sound = rig_verify(r, 0, &found) == TD_OK;
        ASSERT_ROW(sound, "%zu: %.*s", i, (int)r->reports.size, (const char *)r->reports.data);
        rig_close_log(r);
    }
}

/* What a run does that dies at some call. Returns how far each partition was said to be synced, and appended. */
static void run_until_death(rig *r, int64_t synced[2], int64_t appended[2]) {
    if (rig_try_open(r) != TD_OK) return;
    for (uint32_t p = 0; p < 2; p++) synced[p] = appended[p] = td_topic_end(r->topic, p);
    if (appended[0] > 6) { /* the second run begins by removing what follows from nothing */
        synced[0] = appended[0] - 6;
        bool cut = td_log_truncate(r->topic, 0, appended[0] - 6) == TD_OK;
        if (!cut) return;
        appended[0] = synced[0];
    }
    for (int i = 0; i < 9; i++) {
        for (uint32_t p = 0; p < 2; p++) {
            int64_t end = td_topic_end(r->topic, p);
            if (rig_try_append(r, p, 5 + i % 4) == TD_OK)
                appended[p] = td_topic_end(r->topic, p);
            else
                assert_int_equal(td_topic_end(r->topic, p), end);
        }
        if (i % 3 == 2 && td_log_sync(r->log) == TD_OK) {
            for (uint32_t p = 0; p < 2; p++) synced[p] = td_topic_synced(r->topic, p);
        }
    }
}

static void death_at_every_call(void **state) {
    rig *r = *state;
    r->conf.segment_bytes = 1500;
    bool survived = false;
    for (long at = 1; !survived; at++) {
        rig_run("rm -rf %s", r->dir);
        for (int run = 0; run < 2; run++) {
            int64_t synced[2] = {0}, appended[2] = {0};
            r->machine.calls = 0;
            r->machine.dies_at = at;
            run_until_death(r, synced, appended);
            survived = r->machine.calls < at;
            rig_close_log(r);
            r->machine.dies_at = 0;

            rig_open_log(r);
            for (uint32_t p = 0; p < 2; p++) {
                td_status last;
                int64_t end = td_topic_end(r->topic, p), start = td_topic_start(r->topic, p);
                ASSERT_ROW(end >= synced[p], "%ld: synced up to %" PRId64 ", there is %" PRId64, at, synced[p], end);
                ASSERT_ROW(rig_read(r, p, 0, &last) == end - start && last == TD_AGAIN, "%ld", at);
                td_verify found;
                bool sound = rig_verify(r, p, &found) == TD_OK;
                ASSERT_ROW(sound, "%ld: %.*s", at, (int)r->reports.size, (const char *)r->reports.data);
            }
            rig_append(r, 0, 1, 3);
            rig_kill(r);
        }
    }
}

/* Two commits of six records in each partition, an epoch each. */
static void make_commits(rig *r) {
    rig_run("rm -rf %s", r->dir);
    for (int i = 0; i < 2; i++) {
        rig_open_log(r);
        assert_int_equal(td_writer_begin(r->writer), TD_OK);
        rig_fill(r, i * 6, 6);
        for (uint32_t p = 0; p < 2; p++) assert_int_equal(td_writer_append(r->writer, r->topic, p, &r->batch), TD_OK);
        assert_int_equal(td_writer_commit(r->writer, NULL, 0), TD_OK);
        assert_int_equal(td_log_sync(r->log), TD_OK);
        rig_kill(r);
    }
}

/* Wherever a cut below a commit stops, what that commit covers besides stays: it was synced, and may have been read. */
static void death_in_a_cut_below_a_commit(void **state) {
    rig *r = *state;
    static const int64_t cuts[] = {0, 3, 6, 9};
    td_status status = TD_OK;
    for (size_t i = 0; i < COUNT_OF(cuts); i++) {
        for (long at = 1; at == 1 || status != TD_OK; at++) {
            make_commits(r);
            rig_open_log(r);
            r->machine.calls = 0;
            r->machine.dies_at = at;
            status = td_log_truncate(r->topic, 0, cuts[i]);
            rig_close_log(r);
            rig_unmark(r);
            r->machine.dies_at = 0;
            rig_open_log(r);
            int64_t end = td_topic_end(r->topic, 0);
            ASSERT_ROW(end == cuts[i] || (end == 12 && status != TD_OK), "%zu, %ld: %" PRId64, i, at, end);
            ASSERT_ROW(td_topic_end(r->topic, 1) == 12, "%zu, %ld: %" PRId64, i, at, td_topic_end(r->topic, 1));
            rig_close_log(r);
        }
    }
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_new, rig_free)

int main(void) {
    const struct CMUnitTest tests[] = {
        LOG_TEST(an_unclean_end_begins_an_epoch),
        LOG_TEST(a_torn_tail_is_cut),
        LOG_TEST(a_corrupt_batch_in_the_middle_is_kept),
        LOG_TEST(an_unsynced_hole_takes_what_follows),
        LOG_TEST(a_clean_end_trusts_but_sees),
        LOG_TEST(indexes_are_rebuilt),
        LOG_TEST(lost_epochs_are_learnt_from_the_log),
        LOG_TEST(a_failed_append_leaves_nothing),
        LOG_TEST(a_cut_whose_sync_failed_is_made_again),
        LOG_TEST(a_failed_sync_is_not_believed_the_second_time),
        LOG_TEST(a_failed_sync_ends_the_epoch),
        LOG_TEST(an_index_whose_sync_failed_is_no_damage),
        LOG_TEST(a_failed_roll_goes_nowhere_else),
        LOG_TEST(an_interrupted_truncation_is_finished),
        LOG_TEST(death_at_every_call),
        LOG_TEST(death_in_a_cut_below_a_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
