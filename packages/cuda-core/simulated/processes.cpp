#include "processes.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace {

/** The pid of a place that somebody is just filling. */
constexpr uint32_t kTaken = ~0u;

}  // namespace

uint64_t start_ticks_of(uint32_t pid) {
  char buffer[1024];
  const int fd = open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t size = read(fd, buffer, sizeof buffer - 1);
  close(fd);
  if (size <= 0) return 0;
  buffer[size] = 0;
  // The name in parentheses may hold anything, so the 22nd field is counted from the last one.
  const char *at = std::strrchr(buffer, ')');
  for (int field = 2; at && field < 22; ++field) at = std::strchr(at + 1, ' ');
  return at ? std::strtoull(at, nullptr, 10) : 0;
}

std::vector<ProcessUse> processes_on(SimulatedDevice &device) {
  std::vector<ProcessUse> found;
  for (SimulatedProcess &process : device.processes) {
    uint32_t pid = process.pid;
    if (pid == 0 || pid == kTaken) continue;
    const uint64_t started = process.start_ticks;
    // Who was killed can't give its memory back: a real driver does it then.
    if (started != 0 && start_ticks_of(pid) != started) process.pid.compare_exchange_strong(pid, 0);
    else found.push_back({pid, process.memory_bytes});
  }
  return found;
}

uint64_t used_bytes(SimulatedDevice &device) {
  uint64_t used = device.reserve_bytes;
  for (const ProcessUse &process : processes_on(device)) {
    if (process.memory_bytes == kUntoldMemory) continue;
    if (process.memory_bytes >= device.memory_bytes) return device.memory_bytes;
    used += process.memory_bytes;
  }
  return std::min(used, device.memory_bytes);
}

bool set_process(SimulatedDevice &device, uint32_t pid, uint64_t bytes, uint64_t start_ticks) {
  SimulatedProcess *place = nullptr;
  for (SimulatedProcess &process : device.processes) {
    if (process.pid == pid) place = &process;
  }
  if (bytes == 0) {
    if (place) place->pid = 0;
    return true;
  }
  for (SimulatedProcess &process : device.processes) {
    uint32_t free = 0;
    // Others look for a place at the same time.
    if (!place && process.pid.compare_exchange_strong(free, kTaken)) place = &process;
  }
  if (!place) return false;
  // The pid last: whoever reads meanwhile sees a process with its memory or none.
  place->memory_bytes = bytes;
  place->start_ticks = start_ticks;
  place->pid = pid;
  return true;
}
