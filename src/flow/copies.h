/* src/flow/copies.h - to which partitions an instrument's events are copied: where strategies of others use it. What a
 * strategy for NYSE:KO reads of NASDAQ:PEP has to stand in KO's partition, because a worker knows no other (wall 7).
 * Memory: 8 bytes for each instrument. Thread: ingest's. */
#pragma once
#include "model/instrument.h"
#include "stream/graph.h"

typedef struct td_copies td_copies;

td_copies *td_copies_new(const td_instruments *instruments, uint32_t partitions); /* borrowed */
void td_copies_free(td_copies *copies);                                           /* accepts NULL */
/* From here on what these strategies use, and nothing else. Lent for the call; NULL in between is none. */
void td_copies_follow(td_copies *copies, td_graph *const *graphs, size_t graph_count);
/* A bit for each partition, its own not among them. */
uint64_t td_copies_of(td_copies *copies, uint32_t instrument);
/* The same of one that no feed has named. */
uint64_t td_copies_of_name(const td_copies *copies, td_bytes instrument);
