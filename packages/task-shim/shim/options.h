#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "account.h"

/** What a worker tells the shim on its command line. */
struct Options {
  std::string directory;
  std::string working_directory;
  /** Held already, and inherited; -1: the shim takes the folder's `lock` itself. */
  int lock_fd = -1;
  /** Told when the command runs; -1: nobody wants to know. */
  int ready_fd = -1;
  double grace_seconds = 30;
  /** For what is left when the command has ended by itself; never longer than the grace period. */
  double leftover_seconds = 2;
  int64_t log_limit_bytes = 256ll << 20;
  /** The folder of the control group that the command runs in; empty: the shim's own. */
  std::string control_group;
  /** As whom the command runs; none: as the shim does. */
  std::optional<Account> account;
  /** The command was to run as an account that there isn't: it can't be started. */
  bool account_missing = false;
  /** Instead of running a command: end all that is left of this task. */
  std::string sweep_task;
  /** argv of the command, ended by a null pointer. */
  char **command = nullptr;
};

/** Reads the command line; on a mistake says so on stderr and returns false. */
bool read_options(int argc, char **argv, Options &options);
