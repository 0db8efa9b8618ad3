/* src/app/run.h - `tapedeck run`: the engine on threads, with progress for people and a summary for scripts. */
#pragma once

/* argv[0] is "run". Returns the exit code (docs: app/exit.h). */
int td_cmd_run(int argc, char **argv);
