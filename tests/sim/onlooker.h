/* tests/sim/onlooker.h - the server's View at work while others write: follows the log as somebody's open dashboard
 * does, and is asked at the end whether it told each new bar and signal once and in order. Thread: one. */
#pragma once
#include "app/engine.h"

typedef struct td_onlooker td_onlooker;

TD_CHECKED td_status td_onlooker_open(td_onlooker **out, const td_os *os, const td_engine *engine);
void td_onlooker_close(td_onlooker *onlooker); /* accepts NULL */
int td_onlooker_step(td_onlooker *onlooker);
/* With `whole` it reads on to the end first. False: something was missed, told twice or altered; stderr says what. */
bool td_onlooker_check(td_onlooker *onlooker, bool whole);
