#pragma once

#include <atomic>
#include <cstdint>

/*
 * What a simulated driver knows, in a file that every process maps that asks it, and that tests may change meanwhile:
 * what changes is atomic. Figures of one device may be of different moments, as a real driver's are.
 */
constexpr char kSimulationMagic[16] = "BERTH-SIMULATED";
constexpr uint32_t kSimulationVersion = 5;
/** GPUs and MIG instances together. */
constexpr uint32_t kMostDevices = 128;
constexpr uint32_t kMostSimulatedProcesses = 64;
constexpr uint32_t kEventsKept = 64;
/** What a real driver keeps for itself on every device. */
constexpr uint64_t kDriverReserveBytes = 600ull << 20;
/** What a process holds whose memory the driver doesn't tell. It counts for nothing. */
constexpr uint64_t kUntoldMemory = ~0ull;
/** `parent` of a whole GPU. */
constexpr uint32_t kNoParent = ~0u;

struct SimulatedProcess {
  /** 0: a free place. */
  std::atomic<uint32_t> pid;
  uint32_t unused;
  std::atomic<uint64_t> memory_bytes;
  /** proc(5), field 22, of a process that has taken memory itself; 0: one that somebody has made up. */
  std::atomic<uint64_t> start_ticks;
};

struct SimulatedDevice {
  char uuid[48];
  char name[96];
  uint64_t memory_bytes;
  uint64_t reserve_bytes;
  uint32_t compute_major, compute_minor;
  uint32_t pci_domain, pci_bus, pci_device;
  /** nvmlDeviceArchitecture_t */
  uint32_t architecture;
  uint32_t numa_node;
  /** GPUs with the same number hang on the same PCIe switch. */
  uint32_t pcie_switch;
  /** How many NVLinks lead to the board's switch; 0: none. */
  uint32_t nvlinks;
  /** GPUs with the same number are linked by the same switch. */
  uint32_t nvswitch;
  uint32_t multiprocessors;
  uint32_t ecc;
  uint32_t power_limit_milliwatts, power_least_milliwatts, power_most_milliwatts;
  uint32_t slowdown_celsius;
  uint32_t most_graphics_megahertz, most_sm_megahertz, most_memory_megahertz;

  /** Of a GPU: whether it can be divided at all, and whether it is. */
  uint32_t mig_capable, mig_enabled;
  /** Of a MIG instance: the place of its GPU in the list. */
  uint32_t parent;
  uint32_t mig_index, gpu_instance, compute_instance, gpu_slices, compute_slices;

  /** 1: it is not there at all, as after a reboot without it. */
  std::atomic<uint32_t> absent;
  std::atomic<uint32_t> compute_mode;
  std::atomic<uint32_t> utilisation_percent;
  std::atomic<uint32_t> temperature_celsius;
  std::atomic<uint32_t> power_milliwatts;
  std::atomic<uint32_t> sm_megahertz;
  std::atomic<uint32_t> throttle_reasons;
  std::atomic<uint32_t> ecc_corrected, ecc_uncorrected;
  std::atomic<uint32_t> rows_correctable, rows_uncorrectable, rows_pending, rows_failed;
  /** 0: its memory has no sensor. */
  std::atomic<uint32_t> memory_celsius;
  std::atomic<uint32_t> energy_joules;
  std::atomic<uint32_t> pcie_replays;
  std::atomic<uint32_t> nvlink_transmitted_mebibytes, nvlink_received_mebibytes;
  std::atomic<uint32_t> nvlink_flit_crc_errors, nvlink_data_crc_errors, nvlink_replays, nvlink_recoveries;
  /** What NVML answers when it is asked for the device itself: 0, or an error such as 15, the device is lost. */
  std::atomic<uint32_t> handle_result;
  /** What it answers to questions for its figures: 0, or an error such as 3, not supported. */
  std::atomic<uint32_t> figures_result;
  /** How long it takes to answer any of these. */
  std::atomic<uint32_t> hang_milliseconds;
  SimulatedProcess processes[kMostSimulatedProcesses];
};

/** Something that the driver tells by itself. */
struct SimulatedEvent {
  /** Its place in the order of all events, from 1 on; written last. */
  std::atomic<uint64_t> sequence;
  /** The place of a GPU in the list. */
  std::atomic<uint32_t> device;
  std::atomic<uint32_t> xid;
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
  /** As CUDA counts it: 12.8 is 12080. */
  uint32_t cuda_version;
  char driver_version[32];
  std::atomic<uint64_t> events_told;
  SimulatedEvent events[kEventsKept];
  SimulatedDevice devices[kMostDevices];
};

// Programs of different builds share the file.
static_assert(std::atomic<uint32_t>::is_always_lock_free && std::atomic<uint64_t>::is_always_lock_free);
static_assert(sizeof(SimulatedProcess) == 24 && sizeof(SimulatedEvent) == 16);
static_assert(sizeof(SimulatedDevice) == 1904 && sizeof(SimulatedDevice) % 8 == 0);
static_assert(sizeof(SimulatedState) == 80 + kEventsKept * sizeof(SimulatedEvent) + kMostDevices * sizeof(SimulatedDevice));
