/* src/app/cmd_profile.h - `tapedeck profile`: how good the data of each feed, instrument and day is. */
#pragma once
#include "app/command.h"

extern const td_command td_command_profile;
