/* src/app/cmd_rebuild.h - `tapedeck rebuild`. */
#pragma once
#include "app/command.h"

extern const td_command td_command_rebuild;
