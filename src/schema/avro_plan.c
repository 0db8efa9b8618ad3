/* src/schema/avro_plan.c - a writer's and a reader's schema into the steps from the one's bytes to the other's. */
#include "schema/avro_plan.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEPS_MAX = 1 << 16, PATH_SHOWN_MAX = 160, NAME_SHOWN_MAX = 64 };

typedef struct planner {
    td_avro_plan *plan;
    td_buf path;
    unsigned depth;
    uint32_t too_deep; /* the one step for all that the bounds cut off, or PLAN_NONE */
} planner;

static uint32_t plan_pair(planner *p, const td_avro_node *w, const td_avro_node *r);

static int shown(td_bytes name) { return (int)(name.size < NAME_SHOWN_MAX ? name.size : NAME_SHOWN_MAX); }
#define SHOWN(name) shown(name), (const char *)(name).data

/* Notes a trouble at the path; returns where it stands in texts. */
static uint32_t note(planner *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static uint32_t note(planner *p, const char *fmt, ...) {
    td_buf *texts = &p->plan->texts;
    uint32_t at = (uint32_t)texts->size;
    size_t cut = p->path.size > PATH_SHOWN_MAX ? p->path.size - PATH_SHOWN_MAX : 0;
    td_buf_printf(texts, "%s%.*s", cut > 0 ? "..." : "", (int)(p->path.size - cut), (const char *)p->path.data + cut);
    td_buf_put(texts, "", 1);
    char reason[256];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);
    td_buf_put(texts, reason, strlen(reason) + 1);
    return at;
}

static void fail_at(planner *p, uint32_t step, uint32_t text) {
    plan_step *s = plan_step_at(p->plan, step);
    s->op = PLAN_FAIL;
    s->first = text;
}

/* What holds this one cannot be read either. */
static bool fail_with(planner *p, uint32_t step, uint32_t child) {
    const plan_step *c = plan_step_at(p->plan, child);
    if (c->op != PLAN_FAIL) return false;
    fail_at(p, step, c->first);
    return true;
}

static uint32_t add_step(td_avro_plan *plan, const td_avro_node *w, const td_avro_node *r) {
    uint32_t index = (uint32_t)(plan->steps.size / sizeof(plan_step));
    plan_step step = {.writer = w, .reader = r, .next_of_writer = plan->first_of_writer[w->index]};
    td_buf_put(&plan->steps, &step, sizeof step);
    plan->first_of_writer[w->index] = index;
    return index;
}

static uint32_t add_links(td_avro_plan *plan, size_t count) {
    uint32_t first = (uint32_t)(plan->links.size / sizeof(uint32_t)), none = PLAN_NONE;
    while (count-- > 0) td_buf_put(&plan->links, &none, sizeof none);
    return first;
}

static bool is_named(const td_avro_node *node) { return node->name.size > 0; }

static bool same_name(const td_avro_node *w, const td_avro_node *r) {
    if (td_bytes_equal(td_avro_name_short(w->name), td_avro_name_short(r->name))) return true;
    for (size_t i = 0; i < r->aliases.count; i++)
        if (td_bytes_equal(w->name, r->aliases.items[i])) return true;
    return false;
}

static bool same_decimal(const td_avro_node *w, const td_avro_node *r) {
    if (w->logical != TD_AVRO_DECIMAL || r->logical != TD_AVRO_DECIMAL) return true;
    return w->precision == r->precision && w->scale == r->scale;
}

static bool promotes(td_avro_type w, td_avro_type r) {
    switch (w) {
    case TD_AVRO_INT:
        return r == TD_AVRO_LONG || r == TD_AVRO_FLOAT || r == TD_AVRO_DOUBLE;
    case TD_AVRO_LONG:
        return r == TD_AVRO_FLOAT || r == TD_AVRO_DOUBLE;
    case TD_AVRO_FLOAT:
        return r == TD_AVRO_DOUBLE;
    case TD_AVRO_STRING:
        return r == TD_AVRO_BYTES;
    case TD_AVRO_BYTES:
        return r == TD_AVRO_STRING;
    default:
        return false;
    }
}

/* The specification's "to match": as deep as arrays and maps go, not into records. What it says of decimals comes
 * later: in a union a decimal must not pass for a string because the branch for decimals has another scale. */
static bool matches(const td_avro_node *w, const td_avro_node *r) {
    if (w->type == TD_AVRO_UNION || r->type == TD_AVRO_UNION) return true;
    if (w->type != r->type) return promotes(w->type, r->type);
    if (w->type == TD_AVRO_ARRAY || w->type == TD_AVRO_MAP) return matches(w->nodes[0], r->nodes[0]);
    return same_name(w, r) && w->size_bytes == r->size_bytes;
}

static uint32_t note_mismatch(planner *p, const td_avro_node *w, const td_avro_node *r) {
    const char *was = td_avro_type_name(w->type), *is = td_avro_type_name(r->type);
    if (w->type != r->type) return note(p, "%s cannot be read as %s; keep the type, or take a new field", was, is);
    if (!same_name(w, r))
        return note(p, "%s %.*s cannot be read as %.*s; give the latter the former's name as an alias", was,
                    SHOWN(w->name), SHOWN(r->name));
    if (w->size_bytes != r->size_bytes)
        return note(p, "a fixed of %zu bytes cannot be read as one of %zu; keep its size", w->size_bytes,
                    r->size_bytes);
    return note(p, "decimal(%d,%d) cannot be read as decimal(%d,%d); keep precision and scale", w->precision, w->scale,
                r->precision, r->scale);
}

/* The index of the reader's branch for it, or the number of branches: the first of the same type and full name, else
 * the first that matches. A string must not become bytes because those stand before it. */
static size_t pick_branch(const td_avro_node *w, const td_avro_node *r) {
    size_t i = 0;
    for (; i < r->count; i++) {
        const td_avro_node *branch = r->nodes[i];
        if (w->type == branch->type && td_bytes_equal(w->name, branch->name) && matches(w, branch)) return i;
    }
    for (i = 0; i < r->count; i++)
        if (matches(w, r->nodes[i])) break;
    return i;
}

/* The path while something inside is looked at: 3 characters at most, and a name. */
static uint32_t plan_inside(planner *p, const char *sign, td_bytes name, const td_avro_node *w, const td_avro_node *r) {
    size_t size = p->path.size;
    td_buf_text(&p->path, sign);
    td_buf_put(&p->path, name.data, name.size < NAME_SHOWN_MAX ? name.size : NAME_SHOWN_MAX);
    uint32_t step = plan_pair(p, w, r);
    p->path.size = size;
    return step;
}

static td_bytes node_word(const td_avro_node *node) {
    return is_named(node) ? td_avro_name_short(node->name) : td_text(td_avro_type_name(node->type));
}

static void plan_union(planner *p, uint32_t step, const td_avro_node *w, const td_avro_node *r) {
    uint32_t first = add_links(p->plan, w->count);
    plan_step *s = plan_step_at(p->plan, step);
    s->op = PLAN_UNION;
    s->first = first;
    s->count = (uint32_t)w->count;
    for (uint32_t i = 0; i < w->count; i++) {
        uint32_t child = plan_inside(p, "|", node_word(w->nodes[i]), w->nodes[i], r);
        *plan_link_at(p->plan, first + i) = child;
    }
}

static void plan_wrap(planner *p, uint32_t step, const td_avro_node *w, const td_avro_node *r) {
    size_t branch = pick_branch(w, r);
    if (branch == r->count) {
        td_bytes word = node_word(w);
        fail_at(p, step, note(p, "no branch of the reader's union takes %.*s; add one", SHOWN(word)));
        return;
    }
    uint32_t child = plan_pair(p, w, r->nodes[branch]);
    plan_step *s = plan_step_at(p->plan, step);
    s->op = PLAN_WRAP;
    s->first = child;
    s->count = (uint32_t)branch;
    (void)fail_with(p, step, child);
}

static void plan_items(planner *p, uint32_t step, const td_avro_node *w, const td_avro_node *r) {
    uint32_t child = plan_inside(p, w->type == TD_AVRO_ARRAY ? "[]" : "{}", TD_TEXT(""), w->nodes[0], r->nodes[0]);
    plan_step *s = plan_step_at(p->plan, step);
    s->op = PLAN_ITEMS;
    s->first = child;
    if (!matches(w, r))
        (void)fail_with(p, step, child); /* even an empty array of another type is one of another type */
}

static void plan_enum(planner *p, uint32_t step, const td_avro_node *w, const td_avro_node *r) {
    uint32_t first = add_links(p->plan, w->count);
    const td_bytes *missing = NULL;
    for (uint32_t i = 0; i < w->count; i++) {
        int32_t symbol = w == r ? (int32_t)i : td_avro_member_find(p->plan->reader, r, w->symbols[i]);
        if (symbol < 0) symbol = r->default_symbol;
        if (symbol < 0 && missing == NULL) missing = &w->symbols[i];
        if (symbol >= 0) *plan_link_at(p->plan, first + i) = (uint32_t)symbol;
    }
    plan_step *s = plan_step_at(p->plan, step);
    s->op = PLAN_ENUM;
    s->first = first;
    s->count = (uint32_t)w->count;
    if (missing != NULL) /* the other symbols can be read all the same */
        (void)note(p, "the reader has neither the symbol %.*s nor a default; add one", SHOWN(*missing));
}

/* For each of the reader's fields the writer's that it is read from, or -1; `target` the other way round. By name
 * first, then the first alias whose field is still free. */
static void match_fields(const planner *p, const td_avro_node *w, const td_avro_node *r, int32_t *source,
                         int32_t *target) {
    for (size_t i = 0; i < w->count; i++) target[i] = -1;
    for (size_t i = 0; i < r->count; i++) {
        source[i] = td_avro_member_find(p->plan->writer, w, r->fields[i].name);
        if (source[i] >= 0) target[source[i]] = (int32_t)i;
    }
    for (size_t i = 0; i < r->count; i++) {
        const td_avro_names *aliases = &r->fields[i].aliases;
        for (size_t k = 0; source[i] < 0 && k < aliases->count; k++) {
            int32_t found = td_avro_member_find(p->plan->writer, w, aliases->items[k]);
            if (found < 0 || target[found] >= 0) continue;
            source[i] = found;
            target[found] = (int32_t)i;
        }
    }
}

/* Defaults of the reader's fields first..end that nothing was written for. */
static void add_defaults(td_avro_plan *plan, const plan_step *step, const int32_t *source, size_t first, size_t end) {
    for (size_t i = first; i < end; i++) {
        plan_part part = {.step = PLAN_NONE, .field = (int32_t)i, .value = step->reader->fields[i].default_avro};
        if (source[i] < 0) td_buf_put(&plan->parts, &part, sizeof part);
    }
}

/* Puts the parts in the writer's order, with each default in its place as long as that is the reader's order too; else
 * the run puts the fields in order. */
static void arrange_parts(td_avro_plan *plan, uint32_t step, const int32_t *source, const int32_t *target,
                          const uint32_t *steps) {
    plan_step *s = plan_step_at(plan, step);
    const size_t count = s->writer->count;
    int32_t highest = -1;
    for (size_t i = 0; i < count; i++) {
        if (target[i] < 0) continue;
        s->reordered = s->reordered || target[i] < highest;
        highest = target[i];
    }
    size_t done = 0; /* of the reader's fields */
    s->op = PLAN_RECORD;
    s->first = (uint32_t)(plan->parts.size / sizeof(plan_part));
    for (size_t i = 0; i < count; i++) {
        plan_part part = {.step = steps[i], .field = target[i]};
        if (!s->reordered && target[i] >= 0) {
            add_defaults(plan, s, source, done, (size_t)target[i]);
            done = (size_t)target[i] + 1;
        }
        td_buf_put(&plan->parts, &part, sizeof part);
    }
    add_defaults(plan, s, source, done, s->reader->count);
    s->count = (uint32_t)(plan->parts.size / sizeof(plan_part)) - s->first;
}

static void plan_record(planner *p, uint32_t step, const td_avro_node *w, const td_avro_node *r) {
    int32_t *source = td_alloc_zero(r->count + 1, sizeof *source),
            *target = td_alloc_zero(w->count + 1, sizeof *target);
    uint32_t *steps = td_alloc_zero(w->count + 1, sizeof *steps);
    bool good = true;
    match_fields(p, w, r, source, target);
    for (size_t i = 0; good && i < r->count; i++) {
        const td_avro_field *field = &r->fields[i];
        if (source[i] >= 0) {
            const td_avro_node *from = w->fields[source[i]].type;
            steps[source[i]] = plan_inside(p, ".", field->name, from, field->type);
            good = !fail_with(p, step, steps[source[i]]);
        } else if (field->default_json.data == NULL) {
            fail_at(p, step,
                    note(p, "nothing was written for the field %.*s, which has no default; give it one",
                         SHOWN(field->name)));
            good = false;
        }
    }
    for (size_t i = 0; good && i < w->count; i++)
        if (target[i] < 0) steps[i] = plan_inside(p, ".", w->fields[i].name, w->fields[i].type, w->fields[i].type);
    if (good) arrange_parts(p->plan, step, source, target, steps);
    free(steps);
    free(target);
    free(source);
}

static void plan_types(planner *p, uint32_t step, const td_avro_node *w, const td_avro_node *r) {
    bool both = w->type == r->type, items = w->type == TD_AVRO_ARRAY || w->type == TD_AVRO_MAP;
    if (w->type == TD_AVRO_UNION)
        plan_union(p, step, w, r);
    else if (r->type == TD_AVRO_UNION)
        plan_wrap(p, step, w, r);
    else if (both && items)
        plan_items(p, step, w, r);
    else if (!matches(w, r) || !same_decimal(w, r))
        fail_at(p, step, note_mismatch(p, w, r));
    else if (w->type == TD_AVRO_RECORD)
        plan_record(p, step, w, r);
    else if (w->type == TD_AVRO_ENUM)
        plan_enum(p, step, w, r);
    else
        plan_step_at(p->plan, step)->op = w->type == TD_AVRO_FIXED ? PLAN_FIXED : PLAN_VALUE;
}

static uint32_t too_deep(planner *p) {
    if (p->too_deep == PLAN_NONE) {
        plan_step step = {.op = PLAN_FAIL};
        step.first = note(p, "the two schemas are nested too deep to be compared; make them flatter");
        p->too_deep = (uint32_t)(p->plan->steps.size / sizeof step);
        td_buf_put(&p->plan->steps, &step, sizeof step);
    }
    return p->too_deep;
}

/* The step for the pair, which may be one that is still being made: types may hold themselves. */
static uint32_t plan_pair(planner *p, const td_avro_node *w, const td_avro_node *r) {
    td_avro_plan *plan = p->plan;
    for (uint32_t i = plan->first_of_writer[w->index]; i != PLAN_NONE; i = plan_step_at(plan, i)->next_of_writer)
        if (plan_step_at(plan, i)->reader == r) return i;
    if (p->depth == TD_AVRO_DEPTH_MAX || plan->steps.size >= STEPS_MAX * sizeof(plan_step)) return too_deep(p);
    uint32_t step = add_step(plan, w, r);
    p->depth++;
    plan_types(p, step, w, r);
    p->depth--;
    return step;
}

td_avro_plan *td_avro_plan_new(const td_avro_schema *writer, const td_avro_schema *reader) {
    td_avro_plan *plan = td_alloc_zero(1, sizeof *plan);
    uint32_t size = td_avro_schema_size(writer);
    *plan = (td_avro_plan){.writer = writer, .reader = reader, .first_of_writer = td_alloc(size * sizeof(uint32_t))};
    for (uint32_t i = 0; i < size; i++) plan->first_of_writer[i] = PLAN_NONE;
    planner p = {.plan = plan, .too_deep = PLAN_NONE};
    const td_avro_node *root = td_avro_schema_root(reader);
    plan->root = plan_inside(&p, "", node_word(root), td_avro_schema_root(writer), root);
    td_buf_fini(&p.path);
    return plan;
}

void td_avro_plan_free(td_avro_plan *plan) {
    if (plan == NULL) return;
    td_buf *bufs[] = {&plan->steps, &plan->links, &plan->parts, &plan->texts, &plan->spans, &plan->moved};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) td_buf_fini(bufs[i]);
    free(plan->first_of_writer);
    free(plan);
}

td_avro_trouble td_avro_plan_trouble(const td_avro_plan *plan) {
    if (plan->texts.size == 0) return (td_avro_trouble){NULL, NULL};
    const char *path = (const char *)plan->texts.data;
    return (td_avro_trouble){path, path + strlen(path) + 1};
}
