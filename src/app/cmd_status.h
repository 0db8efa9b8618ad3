/* src/app/cmd_status.h - `tapedeck status`: one screen. */
#pragma once
#include "app/command.h"

extern const td_command td_command_status;
