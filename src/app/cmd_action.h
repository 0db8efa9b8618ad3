/* src/app/cmd_action.h - `tapedeck action`: corporate actions, added and listed. */
#pragma once
#include "app/command.h"

extern const td_command td_command_action;
