/* src/app/cmd_bars.h - `tapedeck bars`: bars out of the log, as they are known now or were known then. */
#pragma once
#include "app/command.h"

extern const td_command td_command_bars;
