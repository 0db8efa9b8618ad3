/* src/flow/commands.c - tickets count up; a ticket's slot is its remainder. */
#include "flow/commands.h"
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef enum slot_state { SLOT_FREE, SLOT_ASKED, SLOT_TAKEN, SLOT_ANSWERED, SLOT_WITHDRAWN } slot_state;

typedef struct slot {
    slot_state state;
    td_status answer;
    bool unheard;       /* taken, and nobody waits for the answer */
    td_command command; /* of bytes below, or of more where they are too few */
    uint8_t bytes[TD_COMMAND_BYTES];
    td_buf more;
} slot;

struct td_commands {
    pthread_mutex_t lock;
    atomic_int waiting;          /* asked, and not taken */
    uint64_t put, next, settled; /* tickets: the next to give, and to take; all below the last are answered */
    slot slots[TD_COMMANDS_MAX];
};

td_commands *td_commands_new(void) {
    td_commands *c = td_alloc_zero(1, sizeof *c);
    (void)pthread_mutex_init(&c->lock, NULL);
    return c;
}

void td_commands_free(td_commands *c) {
    if (c == NULL) return;
    (void)pthread_mutex_destroy(&c->lock);
    for (size_t i = 0; i < TD_COMMANDS_MAX; i++) td_buf_fini(&c->slots[i].more);
    free(c);
}

static slot *slot_of(td_commands *c, uint64_t ticket) { return &c->slots[ticket % TD_COMMANDS_MAX]; }

/* ---- who asks ---- */

static td_bytes copy(uint8_t **to, td_bytes from) {
    td_bytes out = {from.data != NULL ? *to : NULL, from.size};
    if (from.size > 0) memcpy(*to, from.data, from.size);
    *to += from.size;
    return out;
}

static void copy_command(slot *s, const td_command *command, size_t size) {
    uint8_t *to = s->bytes;
    td_buf_fini(&s->more);
    if (size > sizeof s->bytes) {
        td_buf_reserve(&s->more, size);
        to = s->more.data;
    }
    s->command = (td_command){.to_schemas = command->to_schemas, .partition = command->partition};
    s->command.key = copy(&to, command->key);
    s->command.value = copy(&to, command->value);
    s->command.header_name = copy(&to, command->header_name);
    s->command.header = copy(&to, command->header);
}

td_status td_commands_put(td_commands *c, const td_command *command, uint64_t *out_ticket) {
    size_t size = command->key.size + command->value.size + command->header_name.size + command->header.size;
    int most = command->to_schemas ? TD_COMMAND_SCHEMA_BYTES : TD_COMMAND_BYTES;
    if (size > (size_t)most) return TD_FAIL(TD_REJECT, "a command of %zu bytes; %d are the most", size, most);
    (void)pthread_mutex_lock(&c->lock);
    slot *s = slot_of(c, c->put);
    bool room = s->state == SLOT_FREE;
    if (room) {
        s->state = SLOT_ASKED;
        s->unheard = false;
        copy_command(s, command, size);
        *out_ticket = c->put++;
        atomic_fetch_add(&c->waiting, 1);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return room ? TD_OK : TD_FULL;
}

td_status td_commands_ask(td_commands *c, uint64_t ticket) {
    (void)pthread_mutex_lock(&c->lock);
    slot *s = slot_of(c, ticket);
    assert(s->state != SLOT_FREE && !s->unheard); /* told once */
    td_status answer = s->state == SLOT_ANSWERED ? s->answer : TD_AGAIN;
    if (s->state == SLOT_ANSWERED) s->state = SLOT_FREE;
    (void)pthread_mutex_unlock(&c->lock);
    return answer;
}

bool td_commands_withdraw(td_commands *c, uint64_t ticket) {
    (void)pthread_mutex_lock(&c->lock);
    slot *s = slot_of(c, ticket);
    bool undone = s->state == SLOT_ASKED || (s->state == SLOT_ANSWERED && s->answer != TD_OK);
    if (s->state == SLOT_ASKED)
        s->state = SLOT_WITHDRAWN; /* ingest passes over it */
    else if (s->state == SLOT_ANSWERED)
        s->state = SLOT_FREE;
    s->unheard = s->state == SLOT_TAKEN;
    (void)pthread_mutex_unlock(&c->lock);
    return undone;
}

/* ---- ingest ---- */

bool td_commands_take(td_commands *c, td_command *out) {
    if (atomic_load_explicit(&c->waiting, memory_order_relaxed) == 0) return false;
    (void)pthread_mutex_lock(&c->lock);
    slot *found = NULL;
    for (; c->next < c->put && found == NULL; c->next++) {
        slot *s = slot_of(c, c->next);
        if (s->state == SLOT_ASKED) found = s;
        s->state = found != NULL ? SLOT_TAKEN : SLOT_FREE;
        atomic_fetch_sub(&c->waiting, 1);
    }
    if (found != NULL) *out = found->command;
    (void)pthread_mutex_unlock(&c->lock);
    return found != NULL;
}

static void answer(slot *s, td_status status) {
    s->answer = status;
    s->state = s->unheard ? SLOT_FREE : SLOT_ANSWERED;
}

void td_commands_refuse(td_commands *c, td_status status) {
    (void)pthread_mutex_lock(&c->lock);
    answer(slot_of(c, c->next - 1), status);
    (void)pthread_mutex_unlock(&c->lock);
}

void td_commands_settle(td_commands *c) {
    if (c->settled == c->next) return; /* both are ingest's to write */
    (void)pthread_mutex_lock(&c->lock);
    for (; c->settled < c->next; c->settled++)
        if (slot_of(c, c->settled)->state == SLOT_TAKEN) answer(slot_of(c, c->settled), TD_OK);
    (void)pthread_mutex_unlock(&c->lock);
}
