#pragma once

#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>

#include "options.h"
#include "records.h"

/** The user's command, once it has been tried to start it. */
struct Command {
  pid_t pid = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  /** Why it does not run. */
  std::optional<LaunchError> error;
};

/**
 * Starts the command, as the account that it is to run as: it dies with the shim (PR_SET_PDEATHSIG), has a process group of its own and default signals.
 * @param before is called in the new process, with its pid, before its first instruction; where it says no, it never runs
 */
Command start_command(const Options &options, const std::function<bool(pid_t)> &before);
