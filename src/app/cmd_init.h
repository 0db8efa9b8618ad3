/* src/app/cmd_init.h - `tapedeck init` and `tapedeck new`: files to begin with. */
#pragma once
#include "app/command.h"

extern const td_command td_command_init, td_command_new;
