/* src/app/cmd_bench.h - `tapedeck bench`: measures parts of the program on a data folder. */
#pragma once

int td_cmd_bench(int argc, char **argv); /* argv[0] is "bench"; returns the exit code */
