/* src/flow/crew.h - the workers of one process: one for each partition of the tape, and on duty are those whose
 * partitions this process has now. Alone it has all of them, for ever. As a member of a group it has what the group
 * gives it, and other processes have the rest; members come and go.
 *
 * What is taken away is let go before the group is asked again: pending outputs are committed and a snapshot is kept,
 * where that can be done at once. So nobody who takes a partition in good order makes anything again that was made.
 * Who does not hear of it, or too late, is fenced by the writer's name: it commits nothing, and lets go when it sees
 * that. A partition that the group still gives to who was fenced is taken again after a pause: the group may not have
 * told it yet.
 *
 * Thread: opening, finishing and closing one. Then td_crew_share one at a time, td_crew_step any number: of one
 * partition it does nothing while another does. Counters and questions: any. */
#pragma once
#include "flow/work.h"

enum { TD_CREW_PARTITIONS_MAX = 64 };

typedef struct td_crew_conf {
    td_work_conf work; /* of each worker; what is counted and `shared` are the crew's to say */
    const char *group; /* whose members share the partitions; NULL: all are this crew's */
} td_crew_conf;

typedef struct td_crew_counts {
    td_counter generation; /* of the group, as this member heard of it; 0: of none */
    td_counter rebalances; /* that this member heard of */
    td_counter retries;    /* times that the group could not be asked */
} td_crew_counts;

typedef struct td_crew td_crew;

/* Alone, all workers are on duty then; else the group is joined, and they come with it. Errors: as td_worker_take's and
 * the log's; on TD_OK partitions may stand with a fault. */
TD_CHECKED td_status td_crew_open(td_crew **out, const td_crew_conf *conf);
int td_crew_share(void *crew);                       /* asks the group; 0: nothing has changed */
int td_crew_step(td_crew *crew, uint32_t partition); /* records applied, or a partition taken or let go */
/* In which of so many threads a partition has its turn: those on duty are dealt evenly. */
uint32_t td_crew_thread(const td_crew *crew, uint32_t partition, uint32_t threads);
/* One worker's at most: none keeps the next round of syncs waiting for long. As td_worker_write_snapshot. */
TD_CHECKED td_status td_crew_write_snapshot(td_crew *crew);
TD_CHECKED td_status td_crew_finish(td_crew *crew); /* as td_worker_finish, of all */
void td_crew_close(td_crew *crew);                  /* leaves the group when nobody works any more. Accepts NULL */
/* All that it has is applied to the end of the tape, but for what stands with a fault. */
bool td_crew_level(td_crew *crew);
uint32_t td_crew_owned(const td_crew *crew); /* partitions on duty */
uint32_t td_crew_size(const td_crew *crew);  /* partitions of the tape; 0: no crew */
td_worker *td_crew_worker(const td_crew *crew, uint32_t partition);
td_crew_counts *td_crew_counters(td_crew *crew);
td_trouble *td_crew_trouble(td_crew *crew); /* with the group */
td_fault *td_crew_fault(td_crew *crew);     /* the group cannot be asked any more */
