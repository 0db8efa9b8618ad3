/* src/app/cmd_replay.h - `tapedeck replay`: a tape once more, as it was received or as it is repaired. */
#pragma once
#include "app/command.h"

extern const td_command td_command_replay;
