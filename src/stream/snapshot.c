/* src/stream/snapshot.c - the state as bytes and back. The bytes are this machine's layout: a snapshot is a cache of
 * the log, made again from it whenever it cannot be read. */
#include "stream/ledger.h"
#include "stream/matching.h"
#include "stream/state.h"
#include <stdlib.h>

enum { SNAPSHOT_MAGIC = 0x31535454, SNAPSHOT_VERSION = 29 };

typedef struct snapshot_head {
    uint32_t magic, version;
    uint8_t program_sha256[TD_PROGRAM_SHA_BYTES];
    uint64_t block_bytes;
    int64_t slot_lateness_ns;
    uint32_t instrument_count, feed_count;
    int64_t open_gaps;
    int64_t section_clock_ns, section_done_ns;
    uint64_t waiting_count;
    td_moment now;
} snapshot_head;

/* ---- out ---- */

static void put_feed(td_buf *out, const feed_state *feed) {
    td_buf_put_u32(out, feed->name_size);
    td_buf_put(out, feed->name, feed->name_size);
    td_buf_put(out, &feed->watermark_ns, sizeof feed->watermark_ns);
    td_buf_put(out, &feed->ended_ns, sizeof feed->ended_ns);
    td_buf_put(out, &feed->heard_ns, sizeof feed->heard_ns);
    td_buf_put(out, &feed->clock_ns, sizeof feed->clock_ns);
    td_buf_put(out, &feed->session, sizeof feed->session);
    td_buf_put(out, &feed->silent, sizeof feed->silent);
    td_buf_put_u32(out, feed->instrument_count);
    td_buf_put_u32(out, feed->traded_count);
    td_buf_put(out, feed->traded, feed->traded_count * sizeof *feed->traded);
    if (feed->pending.trades != NULL) td_pending_save(&feed->pending, out);
    if (feed->queue.rows != NULL) td_queue_save(&feed->queue, out);
}

size_t td_state_bytes(const td_state *s) {
    size_t per_block =
        s->block_bytes + TD_INSTRUMENT_NAME_MAX + 2 * sizeof(uint32_t); /* that its feed traded it, too */
    size_t waiting = s->waiting.size;
    for (uint32_t f = 0; f < s->feed_count; f++)
        waiting += td_pending_count(&s->feeds[f].pending) * sizeof(td_pending_trade) +
                   td_queue_count(&s->feeds[f].queue) * td_queue_row_bytes(&s->feeds[f].queue);
    return sizeof(snapshot_head) + s->feed_count * sizeof *s->feeds + s->block_count * per_block + waiting +
           td_books_bytes(&s->books);
}

void td_state_save(const td_state *s, td_buf *out) {
    snapshot_head head = {.magic = SNAPSHOT_MAGIC,
                          .version = SNAPSHOT_VERSION,
                          .block_bytes = s->block_bytes,
                          .slot_lateness_ns = s->slot_lateness_ns,
                          .instrument_count = s->block_count,
                          .feed_count = s->feed_count,
                          .open_gaps = s->open_gaps,
                          .section_clock_ns = s->section_clock_ns,
                          .section_done_ns = s->section_done_ns,
                          .waiting_count = s->waiting.size / sizeof(td_bar),
                          .now = s->now};
    memcpy(head.program_sha256, s->program->sha256, sizeof head.program_sha256);
    td_buf_reserve(out, td_state_bytes(s));
    td_buf_put(out, &head, sizeof head);
    for (uint32_t i = 0; i < s->feed_count; i++) put_feed(out, &s->feeds[i]);
    for (uint32_t i = 0; i < s->block_count; i++) {
        td_bytes name = td_instruments_name(s->instruments, i);
        td_buf_put_u32(out, (uint32_t)name.size);
        td_buf_put(out, name.data, name.size);
        td_buf_put(out, s->blocks[i], s->block_bytes);
    }
    td_buf_put(out, s->waiting.data, s->waiting.size);
    td_released_save(&s->released, out);
    td_kept_save(s->kept, out);
    td_shares_save(&s->shares, out);
    td_books_save(&s->books, out);
}

/* ---- in ---- */

static bool take_name(td_bytes *bytes, size_t size_max, td_bytes *out) {
    uint32_t size;
    if (!td_bytes_take(bytes, &size, sizeof size) || size == 0 || size > size_max || bytes->size < size) return false;
    *out = (td_bytes){bytes->data, size};
    *bytes = (td_bytes){bytes->data + size, bytes->size - size};
    return true;
}

static bool take_feed(td_bytes *bytes, td_state *s, uint32_t instrument_count) {
    td_bytes name;
    if (!take_name(bytes, sizeof s->feeds[0].name - 1, &name)) return false;
    uint32_t index = td_state_feed(s, name), count;
    if (index == UINT32_MAX || index + 1 != s->feed_count) return false; /* twice the same name */
    feed_state *feed = &s->feeds[index];
    if (!td_bytes_take(bytes, &feed->watermark_ns, sizeof feed->watermark_ns) ||
        !td_bytes_take(bytes, &feed->ended_ns, sizeof feed->ended_ns) ||
        !td_bytes_take(bytes, &feed->heard_ns, sizeof feed->heard_ns) ||
        !td_bytes_take(bytes, &feed->clock_ns, sizeof feed->clock_ns) ||
        !td_bytes_take(bytes, &feed->session, sizeof feed->session) ||
        !td_bytes_take(bytes, &feed->silent, sizeof feed->silent) ||
        !td_bytes_take(bytes, &feed->instrument_count, sizeof feed->instrument_count) ||
        !td_bytes_take(bytes, &count, sizeof count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t instrument;
        if (!td_bytes_take(bytes, &instrument, sizeof instrument) || instrument >= instrument_count) return false;
        td_state_add_traded(feed, instrument);
    }
    if (td_state_counts(s) && !td_pending_load(&feed->pending, bytes, instrument_count)) return false;
    if (s->queue_ports == 0) return true;
    return td_queue_load(&feed->queue, bytes, instrument_count) && td_matching_valid(s, feed);
}

static bool block_is_sound(const td_state *s, block_head *block) {
    if (block->feed != NO_FEED && block->feed >= s->feed_count) return false;
    if (block->calendar != TD_NO_CALENDAR && block->calendar >= s->program->calendar_count) return false;
    bool ordered = block->feed != NO_FEED && s->feeds[block->feed].set.trade_ids == TD_IDS_ORDERED;
    if (ordered && block->seen.ids.older.count > TD_SEEN_SPANS) return false;
    if (block->gaps.count > TD_GAPS_MAX || block->copy > 1) return false;
    for (size_t w = 0; w < s->program->width_count; w++) {
        if (block->current[w] > s->slots[w]) return false;
        if (s->program->graphs[w] != NULL && !td_hindsight_valid(hindsight_of(s, block, w))) return false;
    }
    for (size_t g = 0; g < td_program_graph_count(s->program); g++) {
        if (s->program->graphs[g] == NULL) continue;
        td_asof asof = asof_of(s, block, g);
        td_recall recall = recall_of(s, block, g);
        if (asof.block != NULL && !td_asof_valid(asof)) return false;
        if (recall.block != NULL && !td_recall_valid(recall)) return false;
    }
    return true;
}

static bool take_block(td_bytes *bytes, td_state *s, uint32_t index) {
    td_bytes name;
    if (!take_name(bytes, TD_INSTRUMENT_NAME_MAX, &name) || td_instruments_intern(s->instruments, name) != index)
        return false;
    td_state_grow(s);
    return td_bytes_take(bytes, s->blocks[index], s->block_bytes) && block_is_sound(s, block_of(s, index));
}

/* Each instrument that has a feed stands once among those that the feed trades, and no other does. */
static bool traded_is_sound(const td_state *s) {
    uint8_t *listed = td_alloc_zero(s->block_count + 1, 1);
    bool sound = true;
    for (uint32_t f = 0; f < s->feed_count; f++)
        for (uint32_t i = 0; i < s->feeds[f].traded_count; i++) {
            uint32_t instrument = s->feeds[f].traded[i];
            sound &= listed[instrument] == 0 && block_of(s, instrument)->feed == f;
            listed[instrument] = 1;
        }
    for (uint32_t i = 0; i < s->block_count; i++) sound &= (block_of(s, i)->feed != NO_FEED) == (listed[i] != 0);
    free(listed);
    return sound;
}

/* Who has a gap told is an instrument. */
static bool book_gaps_are_sound(const td_state *s) {
    td_bytes name;
    for (uint32_t f = 0; f < s->feed_count; f++)
        for (uint32_t at = 0; td_books_next_gap(&s->books, f, &at, &name) != NULL;)
            if (td_state_find_instrument(s, name) == UINT32_MAX) return false;
    return true;
}

static bool take_waiting(td_bytes *bytes, td_state *s, uint64_t count) {
    td_bar bar;
    for (uint64_t i = 0; i < count; i++) {
        if (!td_bytes_take(bytes, &bar, sizeof bar) || bar.instrument >= s->block_count) return false;
        if (block_of(s, bar.instrument)->feed == NO_FEED) return false;
        td_buf_put(&s->waiting, &bar, sizeof bar);
    }
    return true;
}

static bool take_state(td_bytes *bytes, td_state *s) {
    snapshot_head head;
    if (!td_bytes_take(bytes, &head, sizeof head) || head.magic != SNAPSHOT_MAGIC || head.version != SNAPSHOT_VERSION)
        return false;
    if (memcmp(head.program_sha256, s->program->sha256, sizeof head.program_sha256) != 0) return false;
    if (head.slot_lateness_ns < s->slot_lateness_ns) return false;
    s->slot_lateness_ns = head.slot_lateness_ns;
    s->open_gaps = head.open_gaps;
    s->section_clock_ns = head.section_clock_ns;
    s->section_done_ns = head.section_done_ns;
    s->now = head.now;
    td_state_lay_out(s);
    if (head.block_bytes != s->block_bytes) return false;
    for (uint32_t i = 0; i < head.feed_count; i++)
        if (!take_feed(bytes, s, head.instrument_count)) return false;
    for (uint32_t i = 0; i < head.instrument_count; i++)
        if (!take_block(bytes, s, i)) return false;
    if (!traded_is_sound(s) || !take_waiting(bytes, s, head.waiting_count)) return false;
    return td_released_load(&s->released, bytes) && td_kept_load(s->kept, bytes, head.instrument_count) &&
           td_shares_load(&s->shares, bytes) && td_books_load(&s->books, bytes, s->feed_count) &&
           book_gaps_are_sound(s) && bytes->size == 0;
}

td_status td_state_load(td_state **out, const td_program *program, td_bytes bytes) {
    td_state *s = td_state_new(program);
    if (!take_state(&bytes, s)) {
        td_state_free(s);
        return TD_REJECT;
    }
    td_state_find_next_ends(s);
    *out = s;
    return TD_OK;
}
