/* src/flow/commands.h - the one way in which other threads ask ingest for something: a ring of commands, each "append
 * this record to that partition of the tape", or to the schemas. Whoever asks polls for the answer, or withdraws;
 * ingest takes commands in its step and answers once they are appended.
 *
 * Full: TD_FULL, and the asker comes again. While the disk is full or ingest has ended with a fault nothing is taken:
 * how long to wait is the asker's to say. Memory: 64 slots of 2 KB, and what schemas there are in the ring. A lock, but
 * never on the path of an event: ingest looks at a counter first. Thread: any for asking, ingest's for the rest. */
#pragma once
#include "base/bytes.h"

enum { TD_COMMANDS_MAX = 64, TD_COMMAND_BYTES = 2048, TD_COMMAND_SCHEMA_BYTES = 1 << 20 };

typedef struct td_command {
    bool to_schemas;              /* else to the tape */
    uint32_t partition;           /* of the tape */
    td_bytes key, value;          /* data == NULL: Kafka's null */
    td_bytes header_name, header; /* size 0: none */
} td_command;

typedef struct td_commands td_commands;

td_commands *td_commands_new(void);
void td_commands_free(td_commands *commands); /* accepts NULL */

/* Copies it. Errors: TD_FULL; TD_REJECT: key, value and header are more than TD_COMMAND_BYTES, or of a schema
 * TD_COMMAND_SCHEMA_BYTES. */
TD_CHECKED td_status td_commands_put(td_commands *commands, const td_command *command, uint64_t *out_ticket);
/* TD_AGAIN: not yet. Else what became of it, told once: TD_OK, it is appended; TD_REJECT, there is no such partition;
 * TD_CORRUPT, that one stands still. */
TD_CHECKED td_status td_commands_ask(td_commands *commands, uint64_t ticket);
/* Nobody waits for the answer any more. True: it will not be done. False: it was taken, and may be. */
bool td_commands_withdraw(td_commands *commands, uint64_t ticket);

/* Takes the oldest; its bytes are lent until it is answered. False: there is none. */
bool td_commands_take(td_commands *commands, td_command *out);
void td_commands_refuse(td_commands *commands, td_status status); /* answers the one taken last */
void td_commands_settle(td_commands *commands);                   /* all that were taken are appended */
