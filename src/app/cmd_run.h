/* src/app/cmd_run.h - `tapedeck run`. */
#pragma once
#include "app/command.h"

extern const td_command td_command_run;
