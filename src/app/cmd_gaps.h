/* src/app/cmd_gaps.h - `tapedeck gaps`: what is missing, what was filled, what is lost. */
#pragma once
#include "app/command.h"

extern const td_command td_command_gaps;
