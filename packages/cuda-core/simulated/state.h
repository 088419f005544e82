#pragma once

#include <cstdint>

/*
 * What a simulated driver knows, in a file that every process maps that asks it, and that tests may change meanwhile.
 * Single figures are read and written as they are: a driver's figures are of one moment each, too.
 */
constexpr char kSimulationMagic[16] = "BERTH-SIMULATED";
constexpr uint32_t kSimulationVersion = 1;
constexpr uint32_t kMostDevices = 64;
constexpr uint32_t kMostSimulatedProcesses = 64;
/** What a real driver keeps for itself on every device. */
constexpr uint64_t kDriverReserveBytes = 600ull << 20;

struct SimulatedProcess {
  uint32_t pid;
  uint32_t unused;
  uint64_t memory_bytes;
};

struct SimulatedDevice {
  char uuid[48];
  char name[96];
  uint64_t memory_bytes;
  uint32_t compute_major;
  uint32_t compute_minor;
  uint32_t pci_domain;
  uint32_t pci_bus;
  uint32_t pci_device;
  uint32_t utilisation_percent;
  uint32_t temperature_celsius;
  uint32_t power_milliwatts;
  /** Those with pid 0 are free places. */
  SimulatedProcess processes[kMostSimulatedProcesses];
};

struct SimulatedState {
  char magic[16];
  uint32_t version;
  uint32_t device_count;
  /** What nvmlInit answers: 0, or an error to try. */
  uint32_t init_result;
  uint32_t unused;
  SimulatedDevice devices[kMostDevices];
};

/** Used memory, the driver's reserve included. */
inline uint64_t used_bytes(const SimulatedDevice &device) {
  uint64_t used = kDriverReserveBytes;
  for (const SimulatedProcess &process : device.processes) {
    if (process.pid != 0) used += process.memory_bytes;
  }
  return used < device.memory_bytes ? used : device.memory_bytes;
}
