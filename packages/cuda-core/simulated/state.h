#pragma once

#include <atomic>
#include <cstdint>

/*
 * What a simulated driver knows, in a file that every process maps that asks it, and that tests may change meanwhile:
 * what changes is atomic. Figures of one device may be of different moments, as a real driver's are.
 */
constexpr char kSimulationMagic[16] = "BERTH-SIMULATED";
constexpr uint32_t kSimulationVersion = 2;
constexpr uint32_t kMostDevices = 64;
constexpr uint32_t kMostSimulatedProcesses = 64;
/** What a real driver keeps for itself on every device. */
constexpr uint64_t kDriverReserveBytes = 600ull << 20;
/** What a process holds whose memory the driver doesn't tell. It counts for nothing. */
constexpr uint64_t kUntoldMemory = ~0ull;

struct SimulatedProcess {
  /** 0: a free place. */
  std::atomic<uint32_t> pid;
  uint32_t unused;
  std::atomic<uint64_t> memory_bytes;
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
  std::atomic<uint32_t> utilisation_percent;
  std::atomic<uint32_t> temperature_celsius;
  std::atomic<uint32_t> power_milliwatts;
  /** What NVML answers when it is asked for the device itself: 0, or an error such as 15, the device is lost. */
  std::atomic<uint32_t> handle_result;
  /** What it answers to questions for its figures: 0, or an error such as 3, not supported. */
  std::atomic<uint32_t> figures_result;
  SimulatedProcess processes[kMostSimulatedProcesses];
};

struct SimulatedState {
  char magic[16];
  uint32_t version;
  uint32_t device_count;
  /** What nvmlInit answers: 0, or an error. */
  std::atomic<uint32_t> init_result;
  /** What NVML answers when it is asked how many devices there are: 0, or an error. */
  std::atomic<uint32_t> count_result;
  /** How long it takes to answer that. */
  std::atomic<uint32_t> delay_milliseconds;
  uint32_t unused;
  SimulatedDevice devices[kMostDevices];
};

// Programs of different builds share the file.
static_assert(std::atomic<uint32_t>::is_always_lock_free && std::atomic<uint64_t>::is_always_lock_free);
static_assert(sizeof(SimulatedProcess) == 16 && sizeof(SimulatedDevice) == 1216);
static_assert(sizeof(SimulatedState) == 40 + kMostDevices * sizeof(SimulatedDevice));

/** Used memory, the driver's reserve included. */
inline uint64_t used_bytes(const SimulatedDevice &device) {
  uint64_t used = kDriverReserveBytes;
  for (const SimulatedProcess &process : device.processes) {
    const uint64_t bytes = process.memory_bytes;
    if (process.pid == 0 || bytes == kUntoldMemory) continue;
    if (bytes >= device.memory_bytes) return device.memory_bytes;
    used += bytes;
  }
  return used < device.memory_bytes ? used : device.memory_bytes;
}
