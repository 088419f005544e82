#include "sweep.h"

#include <algorithm>
#include <ctime>
#include <unistd.h>

#include "process_tree.h"

int sweep(const std::string &task) {
  const auto left = [entry = "BERTH_TASK_ID=" + task] {
    std::set<pid_t> found = processes_with_environment(entry);
    found.merge(descendants_of(found));
    found.erase(getpid());
    return found;
  };
  std::set<pid_t> killed;
  // A dying process loses its environment before it closes its files, and so its device: waited for by pid.
  const auto dying = [&] { return std::any_of(killed.begin(), killed.end(), is_alive); };
  for (;;) {
    const std::set<pid_t> round = kill_all(left);
    killed.insert(round.begin(), round.end());
    if (round.empty() && !dying()) break;
    const timespec moment = {0, 5'000'000};
    nanosleep(&moment, nullptr);
  }
  return static_cast<int>(killed.size());
}
