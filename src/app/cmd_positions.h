/* src/app/cmd_positions.h - `tapedeck positions`: how far each reader of the log is, and what sinks have lost. */
#pragma once
#include "app/command.h"

extern const td_command td_command_positions;
