/* src/app/cmd_check.h - `tapedeck check`: everything that a run would refuse, found before it starts. */
#pragma once
#include "app/command.h"

extern const td_command td_command_check;
