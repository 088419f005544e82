#include "control_group.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <string_view>
#include <unistd.h>

namespace {

int write_word(const std::string &file, std::string_view word) {
  const int fd = open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = write(fd, word.data(), word.size()) < 0 ? errno : 0;
  close(fd);
  return error;
}

/** The figure behind a name in a file such as `memory.events`; 0 where there is none. */
int64_t figure(const std::string &file, std::string_view name) {
  std::ifstream lines(file);
  std::string word;
  int64_t value = 0;
  while (lines >> word >> value) {
    if (word == name) return value;
  }
  return 0;
}

}  // namespace

int join_group(const std::string &group) { return write_word(group + "/cgroup.procs", "0"); }

void kill_group(const std::string &group) { write_word(group + "/cgroup.kill", "1"); }

GroupAccount read_group(const std::string &group) {
  GroupAccount account;
  int64_t peak;
  if (std::ifstream(group + "/memory.peak") >> peak) account.memory_peak_bytes = peak;
  account.oom_kills = figure(group + "/memory.events", "oom_kill");
  // A job's limits are those of the group that all its tasks are in.
  account.memory_limit_hits = figure(group + "/../memory.events", "max");
  // Whose forks they were, up to Linux 6.10; since then, whose limit it was.
  account.forks_refused = std::max(figure(group + "/pids.events", "max"), figure(group + "/../pids.events", "max"));
  return account;
}

void remove_group(const std::string &group) {
  rmdir(group.c_str());
  const size_t slash = group.rfind('/');
  if (slash != std::string::npos) rmdir(group.substr(0, slash).c_str());
}
