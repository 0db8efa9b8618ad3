/* src/stream/sections.c - bars that wait for the others of their end, and what is told to those. */
#include "base/time.h"
#include "stream/desk.h"
#include "stream/ports.h"
#include <assert.h>
#include <stdlib.h>

static bool is_section(const td_graph *graph) { return td_graph_rhythm(graph).source == TD_RHYTHM_SECTION; }

void td_sections_lay_out(td_state *s) {
    s->compares = false;
    for (size_t g = s->program->width_count; g < td_program_graph_count(s->program); g++)
        s->compares |= is_section(s->program->graphs[g]);
}

/* ---- the partition's clock ---- */

/* INT64_MIN: not all have said something. *out_ended: there is nobody who has not ended. */
static int64_t clock_of(const td_state *s, bool *out_ended) {
    int64_t least_ns = INT64_MAX, greatest_ns = INT64_MIN;
    size_t named = 0;
    for (uint32_t f = 0; f < s->feed_count; f++) {
        const feed_state *feed = &s->feeds[f];
        named += feed->named;
        if (!has_clock(s, feed)) continue;
        if (feed->watermark_ns > greatest_ns) greatest_ns = feed->watermark_ns;
        if (feed->session != TD_SESSION_ENDED && feed->watermark_ns < least_ns) least_ns = feed->watermark_ns;
    }
    *out_ended = least_ns == INT64_MAX;
    if (named < s->program->feed_count) return INT64_MIN;
    return least_ns < INT64_MAX ? least_ns : greatest_ns;
}

/* The first instant behind that one at which bars that are compared may end. */
static int64_t next_end_ns(const td_state *s, int64_t ns) {
    int64_t next_ns = td_window_start(ns, TD_NS_PER_MIN) + TD_NS_PER_MIN;
    for (size_t g = s->program->width_count; g < td_program_graph_count(s->program); g++) {
        int64_t width_ns = td_width_span_ns(td_graph_width_ns(s->program->graphs[g]));
        if (is_section(s->program->graphs[g])) next_ns = td_least(next_ns, td_window_start(ns, width_ns) + width_ns);
    }
    return next_ns;
}

int64_t td_sections_next_mark(const td_state *s, const feed_state *feed) {
    if (!s->compares) return INT64_MAX;
    return feed->watermark_ns != INT64_MIN ? next_end_ns(s, feed->watermark_ns) : INT64_MIN;
}

void td_sections_mark(const td_step *step) {
    td_state *s = step->state;
    bool ended = false;
    int64_t clock_ns = s->compares ? clock_of(s, &ended) : INT64_MIN, told_ns = s->section_clock_ns;
    if (clock_ns <= told_ns) return;
    if (told_ns != INT64_MIN && clock_ns < next_end_ns(s, told_ns) && !ended) return;
    s->section_clock_ns = clock_ns;
    const td_member mark = {.end_ns = clock_ns, .value = 1};
    step->emit->member(step->emit->self, (td_bytes){0}, &mark);
}

/* ---- bars that wait ---- */

static td_bar *waiting(const td_state *s) { return (td_bar *)(void *)s->waiting.data; }
static size_t waiting_count(const td_state *s) { return s->waiting.size / sizeof(td_bar); }

static void run_bar(td_state *s, const td_bar *bar, const td_emit *emit) {
    block_head *block = block_of(s, bar->instrument);
    td_step step = step_of(s, block->feed, bar->known_at_ns, emit);
    step.instrument = bar->instrument;
    for (size_t g = s->program->width_count; g < td_program_graph_count(s->program); g++) {
        const td_graph *graph = s->program->graphs[g];
        if (!is_section(graph) || td_graph_width_ns(graph) != bar->width_ns) continue;
        const td_hindsight h = {.graph = graph,
                                .shares = &s->shares,
                                .calendar = calendar_of(s, block),
                                .ports = td_state_read_ports(s, bar->instrument, g, bar->end_ns),
                                .state = graph_state_of(s, block, g),
                                .now = td_state_moment(s, bar->instrument, bar->start_ns),
                                .standing = td_state_standing};
        td_desk_look_again(block); /* levels may have moved */
        td_hindsight_apply(h, td_instruments_name(s->instruments, bar->instrument), bar, td_state_tell_signal, &step);
    }
}

/* The first ones, which wait no more. */
static void run_first(td_state *s, size_t count, int64_t known_at_ns, const td_emit *emit) {
    for (size_t i = 0; i < count; i++) {
        td_bar bar = waiting(s)[i];
        bar.known_at_ns = known_at_ns;
        run_bar(s, &bar, emit);
    }
    s->waiting.size -= count * sizeof(td_bar);
    if (s->waiting.size > 0) memmove(waiting(s), waiting(s) + count, s->waiting.size);
}

static bool is_waited_for(const td_state *s, int64_t width_ns) {
    for (size_t g = s->program->width_count; g < td_program_graph_count(s->program); g++)
        if (is_section(s->program->graphs[g]) && td_graph_width_ns(s->program->graphs[g]) == width_ns) return true;
    return false;
}

/* Those of one end stay in the order in which they closed. */
static void put_waiting(td_state *s, const td_bar *bar) {
    td_buf_put(&s->waiting, bar, sizeof *bar);
    size_t at = waiting_count(s) - 1;
    for (; at > 0 && waiting(s)[at - 1].end_ns > bar->end_ns; at--) waiting(s)[at] = waiting(s)[at - 1];
    waiting(s)[at] = *bar;
}

static void tell_members(const td_step *step, const td_graph *graph, const void *memory, const td_bar *bar) {
    td_bytes name = td_instruments_name(step->state->instruments, bar->instrument);
    td_member member = {.end_ns = bar->end_ns, .name_size = (uint32_t)name.size};
    memcpy(member.name, name.data, name.size);
    for (uint32_t i = 0; i < td_graph_exports(graph); i++) {
        member.section = td_graph_export_section(graph, i);
        if (member.section != 0 && td_graph_export_member(graph, memory, i, &member.value))
            step->emit->member(step->emit->self, name, &member);
    }
}

void td_sections_take(td_step *step, size_t w, const td_bar *bar) {
    td_state *s = step->state;
    block_head *block = block_of(s, bar->instrument);
    if (!s->compares || block->copy != 0 || !is_waited_for(s, bar->width_ns)) return;
    tell_members(step, s->program->graphs[w], graph_state_of(s, block, w), bar);
    put_waiting(s, bar);
    if (waiting_count(s) > (size_t)TD_WAITING_MAX * s->block_count) run_first(s, 1, bar->known_at_ns, step->emit);
}

/* Those that nobody waits for any more go. */
void td_sections_keep_waiting(td_state *s) {
    size_t left = 0;
    for (size_t i = 0; i < waiting_count(s); i++)
        if (is_waited_for(s, waiting(s)[i].width_ns)) waiting(s)[left++] = waiting(s)[i];
    s->waiting.size = left * sizeof(td_bar);
}

void td_sections_take_again(td_state *s, const td_bar *bar) {
    for (size_t i = 0; i < waiting_count(s); i++) {
        td_bar *known = &waiting(s)[i];
        if (known->instrument == bar->instrument && known->width_ns == bar->width_ns &&
            known->start_ns == bar->start_ns)
            *known = *bar;
    }
}

/* ---- those that are due ---- */

int64_t td_state_sections_due(const td_state *s) {
    if (s->waiting.size == 0) return INT64_MIN;
    bool ended;
    if (waiting(s)[0].end_ns > s->section_clock_ns) return INT64_MIN;
    int64_t due_ns = INT64_MIN, up_to_ns = clock_of(s, &ended);
    if (up_to_ns == INT64_MIN) return INT64_MIN;
    up_to_ns -= TD_SECTION_SLACK_NS;
    if (s->section_clock_ns < up_to_ns) up_to_ns = s->section_clock_ns;
    for (size_t i = 0; i < waiting_count(s) && waiting(s)[i].end_ns <= up_to_ns; i++) due_ns = waiting(s)[i].end_ns;
    return due_ns;
}

int64_t td_state_sections_done(const td_state *s) { return s->section_done_ns; }

void td_state_run_sections(td_state *s, const td_due *due, const td_emit *emit) {
    size_t count = 0;
    while (count < waiting_count(s) && waiting(s)[count].end_ns <= due->end_ns) count++;
    td_moment before = s->now;
    s->now = (td_moment){before.record + 1, due->event_ns, 0}; /* what they order is no earlier than that record */
    td_ranking_make(&s->ranking, due->members);
    run_first(s, count, due->known_at_ns, emit);
    td_ranking_make(&s->ranking, (td_members){0});
    s->now = before;
    if (due->end_ns > s->section_done_ns) s->section_done_ns = due->end_ns;
}
