#include "mapped_state.h"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

bool is_ours(const SimulatedState &state) {
  if (std::memcmp(state.magic, kSimulationMagic, sizeof kSimulationMagic) != 0) return false;
  if (state.version != kSimulationVersion || state.device_count > kMostDevices) return false;
  for (const SimulatedDevice &device : state.devices) {
    // A text without an end would be read beyond itself.
    if (!std::memchr(device.uuid, 0, sizeof device.uuid) || !std::memchr(device.name, 0, sizeof device.name)) return false;
    if (device.parent == kNoParent) continue;
    // As would a GPU that isn't in the list; and one that is itself an instance would be followed without end.
    if (device.parent >= state.device_count || state.devices[device.parent].parent != kNoParent) return false;
  }
  return std::memchr(state.driver_version, 0, sizeof state.driver_version) != nullptr;
}

}  // namespace

SimulatedState *map_state(const char *path) {
  // Without O_NONBLOCK a named pipe would be waited for.
  const int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return nullptr;
  struct stat status;
  // A file that is too short would be a bus error later.
  const bool whole = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == sizeof(SimulatedState);
  void *memory = whole ? mmap(nullptr, sizeof(SimulatedState), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
  close(fd);
  if (memory == MAP_FAILED) return nullptr;
  auto *state = static_cast<SimulatedState *>(memory);
  if (is_ours(*state)) return state;
  unmap_state(state);
  return nullptr;
}

void unmap_state(SimulatedState *state) {
  if (state) munmap(state, sizeof(SimulatedState));
}

SimulatedState *map_named_state() {
  const char *path = std::getenv("BERTH_SIMULATED_STATE");
  return path ? map_state(path) : nullptr;
}

void tell_xid(SimulatedState &state, uint32_t device, uint32_t xid) {
  const uint64_t sequence = ++state.events_told;
  SimulatedEvent &event = state.events[sequence % kEventsKept];
  event.sequence = 0;
  event.device = device;
  event.xid = xid;
  event.sequence = sequence;
}
