/* src/app/cmd_demo.h - `tapedeck demo`: the market that comes with the program. */
#pragma once
#include "app/command.h"

extern const td_command td_command_demo;
