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
  // The name in parentheses may hold anything, so fields are counted from the last one: it is the second.
  const char *const name_end = std::strrchr(buffer, ')');
  const auto field = [&](int wanted) {
    const char *at = name_end;
    for (int each = 2; at && each < wanted; ++each) at = std::strchr(at + 1, ' ');
    return at;
  };
  const char *const state = field(3), *const threads = field(20), *const started = field(22);
  if (!started) return 0;
  // Only its parent still knows of it. With threads left, it is but the first of them that has ended.
  if (std::strchr("ZXx", state[1]) && std::strtoul(threads, nullptr, 10) <= 1) return 0;
  return std::strtoull(started, nullptr, 10);
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

uint64_t claimed_bytes(SimulatedState &state, SimulatedDevice &device) {
  constexpr uint64_t most = 1ull << 62;
  uint64_t claimed = device.reserve_bytes;
  for (const ProcessUse &process : processes_on(device)) {
    if (process.memory_bytes != kUntoldMemory) claimed = std::min(most, claimed + std::min(most, process.memory_bytes));
  }
  if (!device.mig_enabled) return claimed;
  for (uint32_t i = 0; i < state.device_count; ++i) {
    SimulatedDevice &instance = state.devices[i];
    if (instance.parent == kNoParent || &state.devices[instance.parent] != &device) continue;
    claimed += used_bytes(state, instance);
  }
  return claimed;
}

uint64_t used_bytes(SimulatedState &state, SimulatedDevice &device) {
  return std::min(claimed_bytes(state, device), device.memory_bytes);
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
