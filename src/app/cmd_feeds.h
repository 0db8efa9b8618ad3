/* src/app/cmd_feeds.h - `tapedeck feeds`. */
#pragma once
#include "app/command.h"

extern const td_command td_command_feeds;
