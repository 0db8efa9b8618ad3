/* src/app/cmd_sql.h - `tapedeck sql`: questions in SQL to a run's archive and log. */
#pragma once
#include "app/command.h"

extern const td_command td_command_sql;
