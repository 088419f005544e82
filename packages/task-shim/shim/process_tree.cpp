#include "process_tree.h"

#include <cctype>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <map>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace {

std::string read_file(pid_t pid, const char *name) {
  std::string content;
  const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return content;
  char buffer[16384];
  for (ssize_t size; (size = read(fd, buffer, sizeof buffer)) > 0;) content.append(buffer, static_cast<size_t>(size));
  close(fd);
  return content;
}

std::vector<pid_t> numbers_in(const std::string &folder) {
  std::vector<pid_t> processes;
  DIR *proc = opendir(folder.c_str());
  if (!proc) return processes;
  while (const dirent *entry = readdir(proc)) {
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0]))) processes.push_back(std::atoi(entry->d_name));
  }
  closedir(proc);
  return processes;
}

std::vector<pid_t> all_processes() { return numbers_in("/proc"); }

/** The main thread may have ended and taken its view of the environment with it; those of the others remain. */
std::string environment_of_threads(pid_t pid) {
  for (const pid_t thread : numbers_in("/proc/" + std::to_string(pid) + "/task")) {
    const std::string environment = read_file(pid, ("task/" + std::to_string(thread) + "/environ").c_str());
    if (!environment.empty()) return environment;
  }
  return {};
}

/** proc(5), status: SigCgt is a mask of the signals that have a handler. */
bool has_handler(pid_t pid, int signal) {
  const std::string status = read_file(pid, "status");
  const size_t at = status.find("\nSigCgt:");
  if (at == std::string::npos) return false;
  return std::strtoull(status.c_str() + at + 8, nullptr, 16) >> (signal - 1) & 1;
}

void kill_each(const std::set<pid_t> &processes, int signal) {
  for (const pid_t pid : processes) kill(pid, signal);
}

struct Status {
  pid_t parent = 0;
  bool alive = false;
};

/** proc(5): the name in parentheses may hold anything, so what follows is found from the last parenthesis. */
Status status_of(pid_t pid) {
  const std::string stat = read_file(pid, "stat");
  const size_t end = stat.rfind(')');
  Status status;
  char state = 0;
  int threads = 0;
  constexpr const char *kFields = " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d";  // Fields 3, 4 and 20.
  if (end != std::string::npos && std::sscanf(stat.c_str() + end + 1, kFields, &state, &status.parent, &threads) == 3) {
    // A process whose main thread has ended looks like a zombie, but lives on in its other threads.
    status.alive = (state != 'Z' && state != 'X') || threads > 1;
  }
  return status;
}

/** Whom a signal would reach now. */
Reach reach_of(int signal) {
  Reach reach;
  for (const pid_t pid : descendants_of({getpid()})) {
    if (kill(pid, 0) != 0) continue;
    ++reach.processes;
    reach.handlers += has_handler(pid, signal);
  }
  return reach;
}

}  // namespace

bool is_alive(pid_t pid) { return status_of(pid).alive; }

std::set<pid_t> descendants_of(const std::set<pid_t> &roots) {
  std::multimap<pid_t, pid_t> children;
  std::set<pid_t> alive;
  for (const pid_t pid : all_processes()) {
    const Status status = status_of(pid);
    children.emplace(status.parent, pid);
    if (status.alive) alive.insert(pid);
  }
  std::set<pid_t> found;
  std::vector<pid_t> open(roots.begin(), roots.end());
  while (!open.empty()) {
    const pid_t parent = open.back();
    open.pop_back();
    const auto [begin, end] = children.equal_range(parent);
    for (auto child = begin; child != end; ++child) {
      open.push_back(child->second);
      if (alive.count(child->second)) found.insert(child->second);
    }
  }
  return found;
}

std::set<pid_t> processes_with_environment(const std::string &entry) {
  std::set<pid_t> found;
  for (const pid_t pid : all_processes()) {
    std::string environment = read_file(pid, "environ");
    if (environment.empty()) environment = environment_of_threads(pid);
    for (size_t at = 0; at < environment.size();) {
      const size_t end = std::min(environment.find('\0', at), environment.size());
      if (environment.compare(at, end - at, entry) == 0) {
        if (status_of(pid).alive) found.insert(pid);
        break;
      }
      at = end + 1;
    }
  }
  return found;
}

/*
 * What is forked after a look at /proc is missed by it, and would go on when its parent has ended. So the group gets its
 * signals first, and from the kernel as one: they come after a fork(2), whose child is of the group then, or before it,
 * and it waits for them. Who is outside of the group then, such as one that has just left it, is looked for afterwards;
 * not so who is in it: handlers may have started that, such as the mv that saves a checkpoint.
 *
 * Those outside get their signals one by one. The pidfd is taken first and names one process for ever. If that one was
 * dead by the time of the look at its parent, sending fails (ESRCH), whatever was seen of its successor; if it lived, the
 * parent is its own: us, or another of ours.
 */
Reach signal_descendants(std::initializer_list<int> signals, pid_t group) {
  const Reach reach = reach_of(*signals.begin());
  if (group > 0) {
    for (const int signal : signals) kill(-group, signal);
  }
  const std::set<pid_t> ours = descendants_of({getpid()});
  for (const pid_t pid : ours) {
    const int process = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    if (process < 0) continue;
    const Status status = status_of(pid);
    const bool mine = status.alive && (status.parent == getpid() || ours.count(status.parent) > 0);
    if (mine && getpgid(pid) != group) {
      for (const int signal : signals) syscall(SYS_pidfd_send_signal, process, signal, nullptr, 0);
    }
    close(process);
  }
  return reach;
}

std::set<pid_t> kill_all(const std::function<std::set<pid_t>()> &find) {
  std::set<pid_t> stopped;
  for (;;) {
    std::set<pid_t> fresh;
    for (const pid_t pid : find()) {
      if (stopped.insert(pid).second) fresh.insert(pid);
    }
    if (fresh.empty()) break;
    kill_each(fresh, SIGSTOP);
  }
  kill_each(stopped, SIGKILL);
  return stopped;
}
