#pragma once

#include <cstdint>
#include <vector>

#include "state.h"

struct ProcessUse {
  uint32_t pid;
  uint64_t memory_bytes;
};

/** The processes that have memory on a device; of those that took it themselves only such as still live. */
std::vector<ProcessUse> processes_on(SimulatedDevice &device);

/**
 * Memory that is spoken for, the driver's reserve included, and on a GPU what its instances have. It may be more than there is,
 * where somebody has said so or two take the last of it at once.
 */
uint64_t claimed_bytes(SimulatedState &state, SimulatedDevice &device);

/** The same, as a driver tells it: never more than there is. */
uint64_t used_bytes(SimulatedState &state, SimulatedDevice &device);

/** Sets what a process has; 0 bytes take it away. @returns whether there was room for it */
bool set_process(SimulatedDevice &device, uint32_t pid, uint64_t bytes, uint64_t start_ticks);

/** When a process began, in proc(5)'s ticks; 0: there is none of this number, or it is dead and only waits to be reaped. */
uint64_t start_ticks_of(uint32_t pid);
