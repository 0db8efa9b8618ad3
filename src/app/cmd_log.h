/* src/app/cmd_log.h - `tapedeck log ls|cat|verify`: looks into a data folder, beside a running process or without one.
 * Never writes. */
#pragma once

int td_cmd_log(int argc, char **argv); /* argv[0] is "log"; returns the exit code */
