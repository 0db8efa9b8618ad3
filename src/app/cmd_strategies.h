/* src/app/cmd_strategies.h - `tapedeck strategies`: the texts that strategies have had, and going back to one. */
#pragma once
#include "app/command.h"

extern const td_command td_command_strategies;
