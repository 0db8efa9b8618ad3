/* src/app/cmd_fills.h - `tapedeck fills`: how paper positions were filled, out of the log. */
#pragma once
#include "app/command.h"

extern const td_command td_command_fills;
