#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

#include "records.h"

/** The user's command between fork and exec, and its output. */
struct Command {
  pid_t pid = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  /** The command waits behind it; `release_command` opens it. */
  int gate_fd = -1;
  /** Says what went wrong before exec; closes in silence when all went well. */
  int status_fd = -1;
};

/**
 * Forks the process that will be the command. It dies with the shim (PR_SET_PDEATHSIG), has a process group of its own,
 * default signals, and waits: so its pid is known, and can be written down, before its first instruction.
 */
Command fork_command(char **argv, const std::string &working_directory);

/** Lets it run, and returns what kept it from running, if anything did. */
std::optional<LaunchError> release_command(Command &command);
