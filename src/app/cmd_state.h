/* src/app/cmd_state.h - `tapedeck state`: what a worker remembers of an instrument, now or at an earlier place. */
#pragma once
#include "app/command.h"

extern const td_command td_command_state;
