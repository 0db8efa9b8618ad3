/* src/app/cmd_log_copy.h - the command `tapedeck log copy`. */
#pragma once
#include "app/command.h"

extern const td_command td_command_log_copy;
