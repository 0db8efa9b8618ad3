/* src/app/cmd_explain.h - `tapedeck explain`: why a window is open, or how it became what it is. */
#pragma once
#include "app/command.h"

extern const td_command td_command_explain;
