#pragma once

#include <cstdint>
#include <optional>
#include <string>

/** What the kernel counted of a control group (cgroup v2; Documentation/admin-guide/cgroup-v2.rst). */
struct GroupAccount {
  /** The most memory that it had at a time, page cache included; none: the memory controller isn't there. */
  std::optional<int64_t> memory_peak_bytes;
  /** Processes that were killed for want of host memory: of the group's limit, or of the host's. */
  int64_t oom_kills = 0;
  /** How often a limit of memory was run into. */
  int64_t memory_limit_hits = 0;
  /** Forks that the limit of processes refused. */
  int64_t forks_refused = 0;
};

/** Puts the calling process into the group. Returns an errno, or 0. */
int join_group(const std::string &group);

/** Kills all that is in the group at once, forks under way included. Does nothing where the kernel is older than 5.14. */
void kill_group(const std::string &group);

GroupAccount read_group(const std::string &group);

/** Removes the group, and the one above it where that is empty then. */
void remove_group(const std::string &group);
