/* src/app/cmd_quarantine.h - `tapedeck quarantine`: what rules refused, why, and letting it count after all. */
#pragma once
#include "app/command.h"

extern const td_command td_command_quarantine;
