#include "records.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace {

/** More than the longest exit record has. */
constexpr off_t kExitRecordBytes = 1024;

bool write_atomically(const std::string &directory, const char *name, const std::string &content) {
  const std::string path = directory + "/" + name;
  const std::string side = path + ".new";
  // Not truncated before it is written: what was reserved for it would be given back.
  const int fd = open(side.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const ssize_t written = write(fd, content.data(), content.size());
  const bool whole = written == static_cast<ssize_t>(content.size()) && ftruncate(fd, written) == 0;
  close(fd);
  if (!whole) return false;
  return rename(side.c_str(), path.c_str()) == 0;
}

std::string first_line(const char *path) {
  std::string line;
  if (FILE *file = std::fopen(path, "re")) {
    char buffer[1024];
    if (std::fgets(buffer, sizeof buffer, file)) line = buffer;
    std::fclose(file);
  }
  while (!line.empty() && line.back() == '\n') line.pop_back();
  return line;
}

template <typename Value> std::string or_null(const std::optional<Value> &value) {
  return value ? std::to_string(*value) : "null";
}

/** proc(5), field 22; the name in parentheses may hold anything, so it is counted from the last one. */
std::string start_ticks(pid_t pid) {
  std::string stat = first_line(("/proc/" + std::to_string(pid) + "/stat").c_str());
  stat.erase(0, stat.rfind(')') + 1);
  size_t at = 0;
  for (int field = 3; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
  return std::to_string(at == std::string::npos ? 0 : std::strtoull(stat.c_str() + at, nullptr, 10));
}

std::string quoted(const char *text) { return text ? "\"" + std::string(text) + "\"" : "null"; }

std::string seconds(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6f", value);
  return text;
}

std::string signal_name(const std::optional<int> &signal) {
  if (!signal) return "null";
  const char *name = sigabbrev_np(*signal);
  return "\"SIG" + (name ? std::string(name) : std::to_string(*signal)) + "\"";
}

std::string launch_error_json(const std::optional<LaunchError> &error) {
  if (!error) return "null";
  static constexpr const char *kSteps[] = {"account", "working_directory", "exec", "control_group"};
  return std::string("{\"step\":") + quoted(kSteps[static_cast<int>(error->step)]) + ",\"errno\":" + quoted(strerrorname_np(error->error)) +
         ",\"message\":" + quoted(std::strerror(error->error)) + "}";
}

std::string group_json(const std::optional<GroupAccount> &group) {
  if (!group) return "null";
  return "{\"memoryPeakBytes\":" + or_null(group->memory_peak_bytes) + ",\"oomKills\":" + std::to_string(group->oom_kills) +
         ",\"memoryLimitHits\":" + std::to_string(group->memory_limit_hits) +
         ",\"forksRefused\":" + std::to_string(group->forks_refused) + "}";
}

}  // namespace

int64_t now_ms() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

bool write_start_record(const std::string &directory, pid_t shim, pid_t command, int64_t started_at) {
  return write_atomically(directory, "start.json",
                          "{\"shimPid\":" + std::to_string(shim) + ",\"pid\":" + std::to_string(command) +
                              ",\"startedAt\":" + std::to_string(started_at) +
                              ",\"bootId\":" + quoted(first_line("/proc/sys/kernel/random/boot_id").c_str()) +
                              ",\"shimStartTicks\":" + start_ticks(shim) + ",\"takesOrders\":true}\n");
}

void reserve_exit_record(const std::string &directory) {
  const int fd = open((directory + "/exit.json.new").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  posix_fallocate(fd, 0, kExitRecordBytes);
  close(fd);
}

bool write_exit_record(const std::string &directory, const Ending &ending) {
  std::string json = "{\"exitCode\":" + or_null(ending.exit_code);
  json += ",\"signal\":" + signal_name(ending.signal);
  json += ",\"startedAt\":" + std::to_string(ending.started_at);
  json += ",\"endedAt\":" + std::to_string(ending.ended_at);
  json += ",\"maxRssBytes\":" + std::to_string(ending.max_rss_bytes);
  json += ",\"userCpuSeconds\":" + seconds(ending.user_cpu_seconds);
  json += ",\"systemCpuSeconds\":" + seconds(ending.system_cpu_seconds);
  json += ",\"stopRequestedAt\":" + or_null(ending.stop_requested_at);
  json += ",\"termSentAt\":" + or_null(ending.term_sent_at);
  json += ",\"checkpointSignal\":" + signal_name(ending.checkpoint_signal);
  json += std::string(",\"killed\":") + (ending.killed ? "true" : "false");
  json += ",\"leftoverProcesses\":" + std::to_string(ending.leftover_processes);
  json += ",\"logBytes\":" + std::to_string(ending.log_bytes);
  json += ",\"logDroppedBytes\":" + std::to_string(ending.log_dropped_bytes);
  json += ",\"group\":" + group_json(ending.group);
  json += ",\"launchError\":" + launch_error_json(ending.launch_error) + "}\n";
  return write_atomically(directory, "exit.json", json);
}

void note_order(const std::string &directory, const Order &order, const Reach &reach) {
  static constexpr const char *kPurposes[] = {"warning", "drill", "end"};
  const std::string line = "{\"at\":" + std::to_string(now_ms()) +
                           ",\"purpose\":" + quoted(kPurposes[static_cast<int>(order.purpose)]) +
                           ",\"signal\":" + signal_name(order.signal) +
                           ",\"processes\":" + std::to_string(reach.processes) +
                           ",\"handlers\":" + std::to_string(reach.handlers) + "}\n";
  const int fd = open((directory + "/orders.jsonl").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t written = write(fd, line.data(), line.size());
  close(fd);
}

bool has_file(const std::string &directory, const char *name) {
  return access((directory + "/" + name).c_str(), F_OK) == 0;
}
