#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

#include "control_group.h"
#include "order.h"
#include "process_tree.h"

/** Milliseconds since the epoch. */
int64_t now_ms();

/** Why the command could not be started. */
struct LaunchError {
  enum class Step { account, working_directory, exec, control_group } step;
  int error;
};

/** How a task ended. Only one of exit_code and signal is set, and neither after a launch error. */
struct Ending {
  std::optional<int> exit_code;
  std::optional<int> signal;
  int64_t started_at = 0;
  int64_t ended_at = 0;
  int64_t max_rss_bytes = 0;
  double user_cpu_seconds = 0;
  double system_cpu_seconds = 0;
  std::optional<int64_t> stop_requested_at;
  /** When SIGTERM was sent to all, whatever for. */
  std::optional<int64_t> term_sent_at;
  /** The signal that began the end, so that the task could save its work. */
  std::optional<int> checkpoint_signal;
  bool killed = false;
  int leftover_processes = 0;
  int64_t log_bytes = 0;
  int64_t log_dropped_bytes = 0;
  std::optional<LaunchError> launch_error;
  /** Where it had a control group of its own. */
  std::optional<GroupAccount> group;
};

/**
 * The two records in a task's folder, each written to a side file and renamed: whoever reads sees all of it or nothing.
 * They aren't synced: they are for processes that come back; after a power failure nothing of the task lives anyway,
 * and a record that was lost then reads as "nobody knows how it ended".
 */
bool write_start_record(const std::string &directory, pid_t shim, pid_t command, int64_t started_at);
bool write_exit_record(const std::string &directory, const Ending &ending);

/**
 * Takes the room that the exit record will need: a disk that the task's own output has filled must not keep anybody from
 * knowing how it ended.
 */
void reserve_exit_record(const std::string &directory);

/** Adds a line to the folder's `orders.jsonl`: an order was carried out, and whom it reached. */
void note_order(const std::string &directory, const Order &order, const Reach &reach);

/** Whether a file of this name is in the folder. */
bool has_file(const std::string &directory, const char *name);
