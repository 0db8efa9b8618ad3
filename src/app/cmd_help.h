/* src/app/cmd_help.h - `tapedeck help KEY`: what a configuration key is; the whole list for documents and editors. */
#pragma once
#include "app/command.h"

extern const td_command td_command_help;
