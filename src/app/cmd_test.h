/* src/app/cmd_test.h - `tapedeck test`: a strategy over tables of its user's own, held to the signals that they expect.
 */
#pragma once
#include "app/command.h"

extern const td_command td_command_test;
