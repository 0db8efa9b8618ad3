/* src/app/cmd_import.h - `tapedeck import`: what live feeds kept, decoded once more. */
#pragma once
#include "app/command.h"

extern const td_command td_command_import;
