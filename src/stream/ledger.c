/* src/stream/ledger.c - records -> gaps -> what bars say of themselves. */
#include "stream/ledger.h"
#include "stream/desk.h"

/* ---- gaps as they are told ---- */

static void tell(td_step *step, uint32_t instrument, const td_hole *hole) {
    td_gap gap = {.feed = feed_name(step->feed),
                  .instrument = instrument,
                  .number = hole->number,
                  .from_ns = hole->from_ns,
                  .to_ns = hole->to_ns,
                  .first_id = hole->first_id,
                  .last_id = hole->last_id,
                  .missing = hole->missing,
                  .filled = hole->filled,
                  .known_at_ns = step->known_at_ns,
                  .reason = hole->reason,
                  .status = hole->status};
    const td_emit *emit = emit_of(step->state, instrument, step->emit);
    emit->gap(emit->self, td_instruments_name(step->state->instruments, instrument), &gap);
    step->from_ns = td_least(step->from_ns, hole->from_ns);
    step->to_ns = hole->to_ns == TD_NONE ? INT64_MAX : td_most(step->to_ns, hole->to_ns);
}

static void count_open(td_state *s, uint32_t instrument, int change) {
    if (block_of(s, instrument)->copy == 0) s->open_gaps += change;
}

static void number_hole(td_step *step, uint32_t instrument, td_hole *hole) {
    hole->number = ++block_of(step->state, instrument)->gaps.told;
    changes_of(step->state, instrument)->gaps_opened++;
    count_open(step->state, instrument, 1);
}

static void open_gap(td_step *step, uint32_t instrument, td_hole *hole) {
    number_hole(step, instrument, hole);
    tell(step, instrument, hole);
}

static void lose_gap(td_step *step, uint32_t instrument, td_hole *hole) {
    if (hole->number == 0) number_hole(step, instrument, hole);
    hole->status = TD_GAP_LOST;
    changes_of(step->state, instrument)->gaps_lost++;
    count_open(step->state, instrument, -1);
    tell(step, instrument, hole);
}

/* Its bar was partial, and now has what came for the gap. */
static void mend(td_window *window, const td_hole *hole) {
    bool partial = window->results > 0 && window->quality == TD_QUALITY_PARTIAL;
    if (hole->filled > 0 && (partial || window->touched != 0)) window->mended = 1;
}

/* Its bars stay partial when nobody knows the gap any more. */
static void scar(td_window *window, const td_hole *hole) { window->lost = hole->status == TD_GAP_LOST; }

/* No window that ends behind `ns` begins earlier: a day may have 25 hours. */
static int64_t earliest_start(const td_state *s, size_t w, int64_t ns) {
    return ns - 2 * td_width_span_ns(s->program->widths_ns[w]);
}

/* The gap leaves its mark on what lies under it. */
static void mark_windows(td_state *s, uint32_t instrument, const td_hole *hole,
                         void (*mark)(td_window *, const td_hole *)) {
    for (size_t w = 0; w < td_program_timed(s->program); w++) {
        int64_t start_ns = earliest_start(s, w, hole->from_ns);
        td_window *windows = windows_of(s, block_of(s, instrument), w), *kept;
        for (uint32_t i = 0; i < s->slots[w]; i++)
            if (td_gaps_lies_over(hole, windows[i].start_ns, windows[i].end_ns)) mark(&windows[i], hole);
        while ((kept = td_kept_next(s->kept, place_of(s, instrument, w, start_ns))) != NULL) {
            if (td_gaps_lies_over(hole, kept->start_ns, kept->end_ns)) mark(kept, hole);
            start_ns = kept->start_ns + 1;
        }
    }
    for (size_t w = td_program_timed(s->program); w < s->program->width_count;
         w++) { /* what came for it is in none of those */
        td_window *window = windows_of(s, block_of(s, instrument), w);
        bool over = window_is_open(window) && td_gaps_lies_over(hole, window->start_ns, window->last_ns);
        if (over && (hole->filled > 0 || hole->status == TD_GAP_LOST)) window->lost = 1;
    }
}

static void fill_gap(td_step *step, uint32_t instrument, const td_hole *hole) {
    td_hole filled = *hole;
    if (filled.missing != TD_NONE) filled.missing = 0; /* what was refused is here */
    filled.status = TD_GAP_FILLED;
    changes_of(step->state, instrument)->gaps_filled++;
    count_open(step->state, instrument, -1);
    tell(step, instrument, &filled);
    mark_windows(step->state, instrument, &filled, mend);
    td_gaps_remove(&block_of(step->state, instrument)->gaps, hole);
}

static void forget_lost(td_state *s, uint32_t instrument, const td_hole *hole) {
    td_gaps *gaps = &block_of(s, instrument)->gaps;
    mark_windows(s, instrument, hole, scar);
    gaps->forgotten_ns = td_most(gaps->forgotten_ns, hole->to_ns);
    td_gaps_remove(gaps, hole);
}

/* Room is bought with the loss of the oldest, where it must be. */
static td_hole *add_hole(td_step *step, uint32_t instrument, const td_hole *hole) {
    td_state *s = step->state;
    td_gaps *gaps = &block_of(s, instrument)->gaps;
    size_t timed = td_program_timed(s->program);
    int64_t watermark_ns = step->feed->watermark_ns, settled_ns = watermark_ns;
    for (size_t w = 0; w < timed && watermark_ns != INT64_MIN; w++)
        settled_ns = td_least(settled_ns, earliest_start(s, w, watermark_ns - s->grace_ns[w]));
    for (td_hole *oldest; (oldest = td_gaps_make_room(gaps, settled_ns)) != NULL;) {
        if (oldest->status != TD_GAP_LOST)
            lose_gap(step, instrument, oldest);
        else
            forget_lost(s, instrument, oldest);
    }
    return td_gaps_add(gaps, hole);
}

/* ---- ids ---- */

static void expect_due(feed_state *feed, int64_t due_ns) {
    feed->next_due_ns = td_least(feed->next_due_ns, due_ns);
    feed->next_close_ns = td_least(feed->next_close_ns, due_ns);
}

/* The ids that the trade leaves out, between it and the highest before it. */
static void describe_ids(td_hole *hole, const td_ids *ids, const td_event *trade) {
    hole->first_id = ids->before + 1;
    hole->last_id = trade->trade.trade_id - 1;
    uint64_t missing = (uint64_t)hole->last_id - (uint64_t)hole->first_id + 1;
    hole->missing = missing < INT64_MAX ? (int64_t)missing : INT64_MAX;
    hole->from_ns = td_least(hole->from_ns, trade->event_ns);
    hole->to_ns = td_most(hole->known_ns, trade->event_ns);
}

/* As td_ledger_take_id says; what ends a cut may have been on its way since then. */
static int64_t leave_out(td_step *step, block_head *block, const td_event *trade) {
    const td_ids *ids = &block->seen.ids;
    td_hole *endless = td_gaps_endless(&block->gaps);
    if (endless != NULL) { /* now it is known what was lost */
        describe_ids(endless, ids, trade);
        tell(step, trade->instrument, endless);
        return endless->known_ns;
    }
    td_hole hole = {.reason = TD_GAP_IDS, .from_ns = ids->before_ns, .known_ns = ids->before_ns};
    describe_ids(&hole, ids, trade);
    hole.due_ns = hole.to_ns;
    (void)add_hole(step, trade->instrument, &hole);
    expect_due(step->feed, hole.due_ns + 1);
    return INT64_MAX;
}

static void bound_gap(td_step *step, uint32_t instrument, td_hole *hole, int64_t to_ns) {
    hole->to_ns = td_most(hole->from_ns, to_ns);
    block_of(step->state, instrument)->gaps.bounded_ns = hole->to_ns;
    tell(step, instrument, hole);
}

/* Gaps that nothing can fill any more; all, or those that the run of ids leaves behind: not told, or without an end. */
static void lose_gaps(td_step *step, uint32_t instrument, int64_t bound_ns, bool all) {
    td_gaps *gaps = &block_of(step->state, instrument)->gaps;
    for (uint32_t h = 0; h < gaps->count; h++) {
        td_hole *hole = &gaps->at[h];
        if (hole->status == TD_GAP_LOST || (!all && hole->number != 0 && hole->to_ns != TD_NONE)) continue;
        if (hole->to_ns == TD_NONE) hole->to_ns = td_most(hole->from_ns, bound_ns);
        lose_gap(step, instrument, hole);
    }
}

static int64_t fill_id(td_step *step, block_head *block, const td_event *trade) {
    td_hole *hole = td_gaps_with_id(&block->gaps, trade->trade.trade_id);
    if (hole == NULL) return INT64_MAX;
    bool told = hole->number != 0;
    int64_t known_ns = hole->known_ns;
    hole->missing--;
    hole->filled += told;
    if (hole->missing > 0) return known_ns;
    if (!told)
        td_gaps_remove(&block->gaps, hole);
    else if (trade->origin != TD_ORIGIN_BACKFILL) /* … which says itself when it is done */
        fill_gap(step, trade->instrument, hole);
    return known_ns;
}

/* What was awaited has come, and nothing was lost. */
static int64_t fill_endless(td_step *step, block_head *block, const td_event *trade) {
    td_hole *endless = td_gaps_endless(&block->gaps);
    if (endless == NULL) return INT64_MAX;
    int64_t known_ns = endless->known_ns;
    endless->to_ns = td_most(endless->from_ns, trade->event_ns);
    endless->missing = 0;
    fill_gap(step, trade->instrument, endless);
    return known_ns;
}

int64_t td_ledger_take_id(td_step *step, const td_event *trade, td_id_place place) {
    block_head *block = block_of(step->state, trade->instrument);
    if (!step->feed->set.gaps) return INT64_MAX;
    if (place == TD_ID_FIRST || block->feed == NO_FEED) block->gaps.ids_from_ns = trade->event_ns;
    if (block->feed == NO_FEED) return INT64_MAX;
    if (place == TD_ID_BELOW) return fill_id(step, block, trade);
    if (place == TD_ID_BEYOND) return leave_out(step, block, trade);
    if (place == TD_ID_AWAITED) return fill_endless(step, block, trade);
    if (place == TD_ID_FIRST) lose_gaps(step, trade->instrument, trade->event_ns, false);
    return INT64_MAX;
}

void td_ledger_tell_due(td_step *step) {
    feed_state *feed = step->feed;
    if (feed->watermark_ns < feed->next_due_ns) return;
    for (uint32_t i = 0; i < feed->traded_count; i++) {
        td_gaps *gaps = &block_of(step->state, feed->traded[i])->gaps;
        for (uint32_t h = 0; h < gaps->count; h++)
            if (gaps->at[h].number == 0 && gaps->at[h].due_ns < feed->watermark_ns)
                open_gap(step, feed->traded[i], &gaps->at[h]);
        td_ledger_regrade(step, feed->traded[i], false);
    }
    td_ledger_find_next_due(step->state, feed);
}

void td_ledger_find_next_due(td_state *s, feed_state *feed) {
    feed->next_due_ns = INT64_MAX;
    for (uint32_t i = 0; i < feed->traded_count; i++) {
        const td_gaps *gaps = &block_of(s, feed->traded[i])->gaps;
        for (uint32_t h = 0; h < gaps->count; h++)
            if (gaps->at[h].number == 0) feed->next_due_ns = td_least(feed->next_due_ns, gaps->at[h].due_ns + 1);
    }
}

/* ---- time ---- */

/* By its windows: those of the newest trade keep their slots, or those that are carried behind it say it. */
static int64_t last_trade_ns(const td_state *s, block_head *block) {
    size_t timed = td_program_timed(s->program);
    int64_t last_ns = timed > 0 || block->counted_ns == 0 ? INT64_MIN : block->counted_ns;
    if (timed == 0) return last_ns;
    const td_window *windows = windows_of(s, block, timed - 1);
    for (uint32_t i = 0; i < s->slots[timed - 1]; i++)
        if (td_window_is_used(&windows[i])) last_ns = td_most(last_ns, windows[i].last_ns);
    return last_ns;
}

/* A gap without an end, unless there is one. None begins before the end of the one before it. */
static void open_endless(td_step *step, uint32_t instrument, td_gap_reason reason, int64_t from_ns) {
    block_head *block = block_of(step->state, instrument);
    if (td_gaps_endless(&block->gaps) != NULL) return;
    bool ids = td_ledger_counts_ids(step->feed, block);
    int64_t known_ns = ids ? block->seen.newest_ns : last_trade_ns(step->state, block);
    from_ns = td_most(from_ns, block->gaps.bounded_ns); /* without ids nobody sees what is brought for two */
    if (ids) td_seen_await(&block->seen);
    td_hole hole = {.reason = (uint8_t)reason,
                    .from_ns =
                        ids ? known_ns : td_most(known_ns, from_ns), /* before the next trade nobody knows better */
                    .to_ns = TD_NONE,
                    .first_id = TD_NONE,
                    .last_id = TD_NONE,
                    .missing = TD_NONE,
                    .known_ns = known_ns};
    open_gap(step, instrument, add_hole(step, instrument, &hole));
    td_ledger_regrade(step, instrument, false);
}

/* Where ids count, the next trade says more. */
static void bound_endless(td_step *step, td_gap_reason reason, int64_t to_ns) {
    for (uint32_t i = 0; i < step->feed->traded_count; i++) {
        uint32_t instrument = step->feed->traded[i];
        block_head *block = block_of(step->state, instrument);
        td_hole *endless = td_gaps_endless(&block->gaps);
        if (endless == NULL || endless->reason != reason || td_ledger_counts_ids(step->feed, block)) continue;
        bound_gap(step, instrument, endless, to_ns);
        td_ledger_regrade(step, instrument, false);
    }
}

/* Since when the instrument's venue is open at that time; INT64_MAX: it is closed. */
static int64_t open_since_ns(const td_program *program, const block_head *block, int64_t clock_ns) {
    td_period session;
    if (block->calendar == TD_NO_CALENDAR || !td_calendar_has_hours(program->calendars[block->calendar]))
        return INT64_MIN;
    bool is_open = td_calendar_session(program->calendars[block->calendar], clock_ns, &session);
    return is_open ? session.start_ns : INT64_MAX;
}

/* Each instrument whose venue has been open, and its feed silent, for so long. */
static void open_silences(td_step *step, int64_t clock_ns) {
    feed_state *feed = step->feed;
    int64_t silence_ns = feed->set.silence_ns;
    if (silence_ns == 0 || clock_ns - feed->heard_ns <= silence_ns) return;
    feed->silent = 1;
    for (uint32_t i = 0; i < feed->traded_count; i++) {
        int64_t open_ns = open_since_ns(step->state->program, block_of(step->state, feed->traded[i]), clock_ns);
        int64_t since_ns = td_most(feed->heard_ns, open_ns);
        if (clock_ns - since_ns > silence_ns)
            open_endless(step, feed->traded[i], TD_GAP_SILENCE, since_ns - feed->set.max_delay_ns);
    }
}

void td_ledger_take_time(td_step *step, const td_time_mark *mark) {
    feed_state *feed = step->feed;
    if (!feed->set.gaps || feed->traded_count == 0) return;
    if (feed->session == TD_SESSION_DOWN) feed->heard_ns = mark->clock_ns; /* it was no silence */
    switch ((td_session)mark->session) {
    case TD_SESSION_DOWN:
        for (uint32_t i = 0; i < feed->traded_count; i++)
            open_endless(step, feed->traded[i], TD_GAP_SESSION, mark->clock_ns - feed->set.max_delay_ns);
        break;
    case TD_SESSION_ENDED:
        for (uint32_t i = 0; i < feed->traded_count; i++)
            td_ledger_end(step, feed->traded[i], mark->bound_ns != TD_NONE ? mark->bound_ns : mark->clock_ns);
        feed->next_due_ns = INT64_MAX;
        feed->silent = 0;
        break;
    case TD_SESSION_LIVE:
    case TD_SESSION_IDLE:
        bound_endless(step, TD_GAP_SESSION, mark->clock_ns);
        open_silences(step, mark->clock_ns);
        break;
    }
}

void td_ledger_end_silence(td_step *step, const td_event *event) {
    step->feed->silent = 0;
    bound_endless(step, TD_GAP_SILENCE, td_most(event->event_ns, step->feed->watermark_ns));
}

void td_ledger_end(td_step *step, uint32_t instrument, int64_t bound_ns) {
    lose_gaps(step, instrument, bound_ns, true);
    td_ledger_regrade(step, instrument, true);
}

/* Between the last word of the feed before and its trade nothing tells what was missed. */
static void add_missed(td_step *step, const td_event *trade, const feed_state *before) {
    block_head *block = block_of(step->state, trade->instrument);
    int64_t known_ns = last_trade_ns(step->state, block);
    int64_t said_ns = td_most(before->heard_ns, before->clock_ns) - before->set.max_delay_ns;
    td_hole hole = {.reason = TD_GAP_SESSION,
                    .from_ns = td_most(td_most(known_ns, said_ns), block->gaps.bounded_ns),
                    .to_ns = trade->event_ns,
                    .first_id = TD_NONE,
                    .last_id = TD_NONE,
                    .missing = TD_NONE,
                    .known_ns = known_ns};
    bool traded = known_ns != INT64_MIN; /* else it gave prices alone */
    if (!traded || before->session == TD_SESSION_ENDED || hole.from_ns >= hole.to_ns) return;
    block->gaps.bounded_ns = hole.to_ns;
    open_gap(step, trade->instrument, add_hole(step, trade->instrument, &hole));
}

void td_ledger_move(td_step *step, const td_event *trade, const feed_state *before) {
    uint32_t instrument = trade->instrument;
    td_gaps *gaps = &block_of(step->state, instrument)->gaps;
    td_hole *endless = td_gaps_endless(gaps);
    bool counted = td_ledger_counts_ids(before, block_of(step->state, instrument));
    bool goes_on = before->set.gaps && step->feed->set.gaps && before->set.trade_ids == step->feed->set.trade_ids;
    if (!goes_on) {
        td_ledger_end(step, instrument, trade->event_ns);
        return;
    }
    if (endless != NULL && !counted) {
        endless->to_ns = td_most(endless->from_ns, trade->event_ns);
        gaps->bounded_ns = endless->to_ns;
    }
    for (uint32_t h = 0; h < gaps->count; h++)
        if (gaps->at[h].number != 0 && gaps->at[h].status == TD_GAP_OPEN) tell(step, instrument, &gaps->at[h]);
    if (endless == NULL && !counted) add_missed(step, trade, before);
    td_ledger_regrade(step, instrument, false);
}

/* ---- books ---- */

static void close_book_gap(td_step *step, uint32_t instrument, td_hole *gap, int64_t to_ns, td_gap_status status) {
    td_changes *changes = changes_of(step->state, instrument);
    gap->to_ns = td_most(gap->from_ns, to_ns);
    gap->status = (uint8_t)status;
    *(status == TD_GAP_FILLED ? &changes->gaps_filled : &changes->gaps_lost) += 1;
    count_open(step->state, instrument, -1);
    tell(step, instrument, gap);
    *gap = (td_hole){0};
}

/* A hole opens a gap where the instrument is not one too many of its feed. */
static void tell_book(td_state *s, const td_event *e, td_bytes instrument, const td_emit *emit, td_hole *gap) {
    td_step step = step_of(s, e->feed, e->receive_ns, emit);
    uint32_t index = td_state_find_instrument(s, instrument);
    if (gap->number != 0) {
        close_book_gap(&step, index, gap, e->event_ns, TD_GAP_FILLED);
        return;
    }
    if (!step.feed->set.gaps) return;
    if (index == UINT32_MAX) index = td_state_add_instrument(s, e, instrument);
    if (index != UINT32_MAX) open_gap(&step, index, gap);
}

td_book_word td_state_take_book(td_state *s, const td_event *e, td_bytes instrument, const td_emit *emit) {
    td_hole *gap;
    s->now = (td_moment){s->now.record + 1, e->event_ns, 0};
    td_book_word word = td_books_put(&s->books, instrument, e, &gap);
    bool whole = word == TD_BOOK_TAKEN && !e->book.more;
    if (word == TD_BOOK_HOLE || (whole && gap->number != 0)) tell_book(s, e, instrument, emit, gap);
    if (whole && s->touches) td_desk_take_book(s, e, instrument, emit);
    if (whole && (s->ticks_run >> TD_RHYTHM_BOOK & 1) != 0) td_ticks_run_book(s, e, instrument, emit);
    return word;
}

void td_ledger_end_books(td_step *step, int64_t bound_ns) {
    td_state *s = step->state;
    uint32_t feed = (uint32_t)(step->feed - s->feeds);
    td_bytes name;
    td_hole *gap;
    for (uint32_t at = 0; (gap = td_books_next_gap(&s->books, feed, &at, &name)) != NULL;)
        close_book_gap(step, td_state_find_instrument(s, name), gap, bound_ns, TD_GAP_LOST);
}

/* ---- backfill ---- */

const td_hole *td_ledger_backfilled(const td_state *s, const td_event *trade) {
    if (trade->origin != TD_ORIGIN_BACKFILL) return NULL;
    const td_hole *hole = td_gaps_find(&block_of(s, trade->instrument)->gaps, trade->of_epoch);
    bool within =
        hole != NULL && hole->from_ns <= trade->event_ns && (hole->to_ns == TD_NONE || trade->event_ns <= hole->to_ns);
    return within ? hole : NULL;
}

void td_ledger_take_filled(td_step *step, const td_event *event) {
    block_head *block = block_of(step->state, event->instrument);
    td_hole *hole = block->feed == event->feed ? td_gaps_find(&block->gaps, event->filled.gap) : NULL;
    if (hole == NULL || hole->to_ns == TD_NONE) return;
    /* Where ids tell, they alone do: others may have come by themselves, where the venue gave a part. */
    bool counted = hole->missing != TD_NONE;
    if (counted ? hole->missing <= hole->refused : event->filled.extent == TD_FILL_WHOLE)
        fill_gap(step, event->instrument, hole);
    else
        lose_gap(step, event->instrument, hole);
    td_ledger_regrade(step, event->instrument, true);
}

/* ---- what bars say ---- */

static td_quality quality_up_to(const td_gaps *gaps, td_window *window, int64_t end_ns) {
    const td_hole *lost = td_gaps_over(gaps, window->start_ns, end_ns, TD_GAP_LOST);
    if (lost != NULL) window->lost = 1;
    bool partial = window->lost != 0 || td_gaps_over(gaps, window->start_ns, end_ns, TD_GAP_OPEN) != NULL;
    if (partial) return TD_QUALITY_PARTIAL;
    return window->mended != 0 ? TD_QUALITY_REPAIRED : TD_QUALITY_COMPLETE;
}

static td_quality quality_of(const td_gaps *gaps, td_window *window) {
    return quality_up_to(gaps, window, window->end_ns);
}

void td_ledger_grade(const td_step *step, const block_head *block, td_window *window, td_bar *bar) {
    const td_gaps *gaps = &block->gaps;
    const feed_state *feed = &step->state->feeds[block->feed];
    int64_t end_ns =
        bar->end_ns - !td_width_is_timed(bar->width_ns); /* of trades what is behind the last was not theirs */
    bar->quality = (uint8_t)quality_up_to(gaps, window, end_ns);
    bool counted = feed->set.gaps && td_ledger_counts_ids(feed, block) && gaps->ids_from_ns < bar->start_ns &&
                   block->seen.newest_ns >= end_ns && window->lost == 0 &&
                   td_gaps_unsettled_over(gaps, bar->start_ns, end_ns) == NULL;
    bar->evidence = counted ? TD_EVIDENCE_PROVEN : TD_EVIDENCE_ASSUMED;
}

int64_t td_ledger_number_over(const td_state *s, uint32_t instrument, int64_t start_ns, int64_t end_ns) {
    const td_gaps *gaps = &block_of(s, instrument)->gaps;
    const td_hole *over = td_gaps_over(gaps, start_ns, end_ns, TD_GAP_OPEN);
    if (over == NULL) over = td_gaps_over(gaps, start_ns, end_ns, TD_GAP_LOST);
    return over != NULL ? over->number : 0;
}

static bool needs_a_bar(const td_gaps *gaps, td_window *window, bool all_touched) {
    if (!td_window_has_bar(window)) return false;
    bool is_due = all_touched || td_gaps_over(gaps, window->start_ns, window->end_ns, TD_GAP_OPEN) == NULL;
    if (window->touched != 0 && is_due) return true;
    return window->results > 0 && quality_of(gaps, window) != window->quality;
}

/* The first window of width w from start_ns on that needs one. */
static td_window *next_to_give(const td_state *s, uint32_t instrument, size_t w, int64_t start_ns, bool all_touched) {
    block_head *block = block_of(s, instrument);
    td_window *windows = windows_of(s, block, w), *next = NULL, *kept;
    int64_t kept_from_ns = start_ns;
    for (uint32_t i = 0; i < s->slots[w]; i++) {
        bool earlier = windows[i].start_ns >= start_ns && (next == NULL || windows[i].start_ns < next->start_ns);
        if (earlier && needs_a_bar(&block->gaps, &windows[i], all_touched)) next = &windows[i];
    }
    while ((kept = td_kept_next(s->kept, place_of(s, instrument, w, kept_from_ns))) != NULL) {
        if (next != NULL && next->start_ns < kept->start_ns) break;
        if (needs_a_bar(&block->gaps, kept, all_touched)) return kept;
        kept_from_ns = kept->start_ns + 1;
    }
    return next;
}

void td_ledger_regrade(td_step *step, uint32_t instrument, bool all_touched) {
    td_state *s = step->state;
    for (size_t w = 0; w < td_program_timed(s->program) && step->from_ns <= step->to_ns; w++) {
        int64_t start_ns = earliest_start(s, w, step->from_ns);
        td_window *window;
        while ((window = next_to_give(s, instrument, w, start_ns, all_touched)) != NULL) {
            if (window->start_ns > step->to_ns) break;
            start_ns = window->start_ns + 1;
            td_state_give_again(step, w, instrument, window);
        }
    }
    step->from_ns = INT64_MAX;
    step->to_ns = INT64_MIN;
}

/* ---- windows that gaps hold ---- */

void td_ledger_let_go(td_state *s, uint32_t instrument, size_t w, td_window *window) {
    const td_gaps *gaps = &block_of(s, instrument)->gaps;
    td_kept_place place = place_of(s, instrument, w, window->start_ns);
    bool unsettled = td_gaps_unsettled_over(gaps, window->start_ns, window->end_ns) != NULL;
    if (unsettled || needs_a_bar(gaps, window, true)) td_kept_want(s->kept, place);
    (void)td_kept_put(s->kept, place, window);
}
