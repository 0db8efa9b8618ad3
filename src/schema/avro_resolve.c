/* src/schema/avro_resolve.c - the run of a plan over one value. */
#include "base/json.h"
#include "schema/avro.h"
#include "schema/avro_plan.h"

typedef struct walk {
    td_avro_plan *plan;
    td_avro_reader in;
    td_buf *out;
    size_t out_max; /* size of `out` at most */
    size_t values_left;
    unsigned depth;
    const char *place, *reason; /* of the failure; place is NULL when it is the bytes' */
} walk;

typedef struct span { /* of `out` */
    size_t start, end;
} span;

static bool run_step(walk *w, uint32_t index);

static bool fail(walk *w, const char *reason) {
    w->reason = reason;
    return false;
}

static void put_long(walk *w, int64_t v) {
    td_buf_reserve(w->out, TD_AVRO_LONG_MAX);
    w->out->size = (size_t)(td_avro_put_long(w->out->data + w->out->size, v) - w->out->data);
}

static bool take(walk *w, size_t size, const void **out) {
    if ((size_t)(w->in.end - w->in.at) < size) return fail(w, "the value ends too early");
    *out = w->in.at;
    w->in.at += size;
    return true;
}

static bool get_long(walk *w, int64_t *out) {
    return td_avro_get_long(&w->in, out) || fail(w, "a number is cut short or too long");
}

static bool run_integer(walk *w, td_avro_type from, td_avro_type to) {
    int64_t v;
    if (!get_long(w, &v)) return false;
    if (from == TD_AVRO_INT && (v < INT32_MIN || v > INT32_MAX)) return fail(w, "an int of more than 32 bits");
    if (to == TD_AVRO_FLOAT) {
        float single = (float)v;
        td_buf_put(w->out, &single, sizeof single);
    } else if (to == TD_AVRO_DOUBLE) {
        double real = (double)v;
        td_buf_put(w->out, &real, sizeof real);
    } else {
        put_long(w, v);
    }
    return true;
}

static bool run_real(walk *w, td_avro_type from, td_avro_type to) {
    const void *bytes;
    size_t size = from == TD_AVRO_FLOAT ? sizeof(float) : sizeof(double);
    if (!take(w, size, &bytes)) return false;
    if (from == to) {
        td_buf_put(w->out, bytes, size);
        return true;
    }
    float single;
    memcpy(&single, bytes, sizeof single);
    double real = (double)single;
    td_buf_put(w->out, &real, sizeof real);
    return true;
}

static bool run_text(walk *w, td_avro_type to) {
    td_bytes text;
    if (!td_avro_get_bytes(&w->in, &text)) return fail(w, "bytes or a string are cut short");
    if (to == TD_AVRO_STRING && td_utf8_find_bad(text) < text.size) return fail(w, "a string is not UTF-8");
    put_long(w, (int64_t)text.size);
    td_buf_put(w->out, text.data, text.size);
    return true;
}

static bool run_boolean(walk *w) {
    const void *byte;
    if (!take(w, 1, &byte)) return false;
    if (*(const uint8_t *)byte > 1) return fail(w, "a boolean is neither 0 nor 1");
    td_buf_put(w->out, byte, 1);
    return true;
}

static bool run_value(walk *w, td_avro_type from, td_avro_type to) {
    switch (from) {
    case TD_AVRO_NULL:
        return true;
    case TD_AVRO_BOOLEAN:
        return run_boolean(w);
    case TD_AVRO_INT:
    case TD_AVRO_LONG:
        return run_integer(w, from, to);
    case TD_AVRO_FLOAT:
    case TD_AVRO_DOUBLE:
        return run_real(w, from, to);
    default:
        return run_text(w, to);
    }
}

static bool run_fixed(walk *w, size_t size) {
    const void *bytes;
    if (!take(w, size, &bytes)) return false;
    td_buf_put(w->out, bytes, size);
    return true;
}

static bool run_enum(walk *w, const plan_step *step) {
    int64_t symbol;
    if (!get_long(w, &symbol)) return false;
    if (symbol < 0 || symbol >= step->count) return fail(w, "an enum has no such symbol");
    uint32_t ours = *plan_link_at(w->plan, step->first + (uint32_t)symbol);
    if (ours == PLAN_NONE) return fail(w, "the reader has neither this symbol of an enum nor a default");
    put_long(w, ours);
    return true;
}

static bool run_union(walk *w, const plan_step *step) {
    int64_t branch;
    if (!get_long(w, &branch)) return false;
    if (branch < 0 || branch >= step->count) return fail(w, "a union has no such branch");
    return run_step(w, *plan_link_at(w->plan, step->first + (uint32_t)branch));
}

/* A block's head: how many elements, and where it must end when the writer says so, else NULL. */
static bool get_block(walk *w, int64_t *out_count, const uint8_t **out_end) {
    int64_t size;
    *out_end = NULL;
    if (!get_long(w, out_count)) return false;
    if (*out_count >= 0) return true;
    if (*out_count == INT64_MIN || !get_long(w, &size)) return fail(w, "a block of elements begins badly");
    if (size < 0 || size > w->in.end - w->in.at) return fail(w, "a block of elements is cut short");
    *out_count = -*out_count;
    *out_end = w->in.at + size;
    return true;
}

static bool run_items(walk *w, const plan_step *step) {
    bool map = step->writer->type == TD_AVRO_MAP;
    for (;;) {
        int64_t count;
        const uint8_t *end;
        if (!get_block(w, &count, &end)) return false;
        put_long(w, count);
        if (count == 0) return true;
        while (count-- > 0)
            if ((map && !run_text(w, TD_AVRO_STRING)) || !run_step(w, step->first)) return false;
        if (end != NULL && end != w->in.at) return fail(w, "a block of elements has another size than it says");
    }
}

/* Brings what was just put, from `start` on, into the order of the reader's fields. */
static void reorder(walk *w, size_t first_span, size_t count, size_t start) {
    td_buf *moved = &w->plan->moved;
    moved->size = 0;
    for (size_t i = 0; i < count; i++) {
        const span *s = (const span *)(const void *)w->plan->spans.data + first_span + i;
        td_buf_put(moved, w->out->data + s->start, s->end - s->start);
    }
    w->out->size = start;
    td_buf_put(w->out, moved->data, moved->size);
}

static bool run_part(walk *w, const plan_part *part) {
    size_t start = w->out->size;
    if (part->step == PLAN_NONE) {
        td_buf_put(w->out, part->value.data, part->value.size);
        return true;
    }
    if (!run_step(w, part->step)) return false;
    if (part->field < 0) w->out->size = start; /* read to be passed over */
    return true;
}

static bool run_record(walk *w, const plan_step *step) {
    td_buf *spans = &w->plan->spans;
    size_t first = spans->size / sizeof(span), start = w->out->size;
    size_t count = step->reordered ? step->reader->count : 0;
    td_buf_reserve(spans, count * sizeof(span));
    spans->size += count * sizeof(span);
    for (uint32_t i = 0; i < step->count; i++) {
        const plan_part *part = plan_part_at(w->plan, step->first + i);
        size_t at = w->out->size;
        if (!run_part(w, part)) return false;
        if (step->reordered && part->field >= 0)
            ((span *)(void *)spans->data)[first + (size_t)part->field] = (span){at, w->out->size};
    }
    if (step->reordered) reorder(w, first, count, start);
    spans->size = first * sizeof(span);
    return true;
}

static bool run_fail(walk *w, const plan_step *step) {
    w->place = (const char *)w->plan->texts.data + step->first;
    return fail(w, w->place + strlen(w->place) + 1);
}

static bool run_op(walk *w, const plan_step *step) {
    switch (step->op) {
    case PLAN_VALUE:
        return run_value(w, step->writer->type, step->reader->type);
    case PLAN_FIXED:
        return run_fixed(w, step->writer->size_bytes);
    case PLAN_ENUM:
        return run_enum(w, step);
    case PLAN_RECORD:
        return run_record(w, step);
    case PLAN_ITEMS:
        return run_items(w, step);
    case PLAN_UNION:
        return run_union(w, step);
    case PLAN_WRAP:
        put_long(w, step->count);
        return run_step(w, step->first);
    case PLAN_FAIL:
        break;
    }
    return run_fail(w, step);
}

static bool run_step(walk *w, uint32_t index) {
    if (w->depth == TD_AVRO_DEPTH_MAX) return fail(w, "values are nested too deep");
    if (w->values_left == 0 || w->out->size > w->out_max) return fail(w, "more than one message may hold");
    w->values_left--;
    w->depth++;
    bool good = run_op(w, plan_step_at(w->plan, index));
    w->depth--;
    return good;
}

td_status td_avro_plan_run(td_avro_plan *plan, td_bytes value, td_buf *out) {
    const size_t start = out->size;
    walk w = {.plan = plan,
              .in = {value.data, td_bytes_end(value)},
              .out = out,
              .out_max = start + TD_AVRO_OUT_MAX,
              .values_left = TD_AVRO_VALUES_MAX + 8 * value.size};
    plan->spans.size = 0;
    bool good = run_step(&w, plan->root);
    if (good && w.in.at != w.in.end) good = fail(&w, "bytes are left behind the value");
    if (good) return TD_OK;
    out->size = start;
    return TD_FAIL(TD_REJECT, "Avro value, byte %zu of %zu: %s%s%s", (size_t)(w.in.at - value.data), value.size,
                   w.place != NULL ? w.place : "", w.place != NULL ? ": " : "", w.reason);
}
