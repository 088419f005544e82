#include "sweep.h"

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
  int killed = 0;
  // A killed process is gone only when the kernel has taken it apart; until then it may hold its device.
  while (!left().empty()) {
    killed += kill_all(left);
    const timespec moment = {0, 5'000'000};
    nanosleep(&moment, nullptr);
  }
  return killed;
}
