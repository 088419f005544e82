#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

/*
 * What the driver says, as it says it: units are turned into ours, but what a number means is judged elsewhere.
 * What it doesn't say stays empty: an unknown figure is never a zero.
 */

/** Where a MIG instance is (NVIDIA MIG User Guide, "Concepts"). */
struct MigFacts {
  std::string parent_uuid;
  /** As nvidia-smi counts the instances of one GPU. */
  uint32_t index;
  std::optional<uint32_t> gpu_instance;
  std::optional<uint32_t> compute_instance;
  std::optional<uint32_t> gpu_slices;
  std::optional<uint32_t> compute_slices;
};

/** How one GPU reaches another. */
struct LinkFacts {
  std::string uuid;
  std::optional<uint32_t> nvlinks;
  /** nvmlGpuTopologyLevel_t */
  std::optional<uint32_t> topology_level;
};

struct DeviceFacts {
  std::string uuid;
  std::string name;
  /** Of the GPU, in NVML's order. */
  uint32_t index = 0;
  std::optional<MigFacts> mig;
  /** Of a GPU: whether it is divided into MIG instances now. */
  std::optional<bool> mig_mode;
  std::optional<uint64_t> memory_total_bytes;
  std::optional<std::string> compute_capability;
  /** nvmlDeviceArchitecture_t */
  std::optional<uint32_t> architecture;
  /** `00000000:41:00.0`: text of one width, so that its order is that of the buses. */
  std::optional<std::string> pci_address;
  /** Of /dev/nvidia<minor>. */
  std::optional<uint32_t> minor_number;
  std::optional<uint32_t> numa_node;
  std::optional<std::vector<uint32_t>> cpus;
  /** nvmlComputeMode_t */
  std::optional<uint32_t> compute_mode;
  std::optional<bool> persistence_mode;
  std::optional<bool> ecc_enabled;
  std::optional<double> power_limit_watts;
  std::optional<double> power_limit_least_watts;
  std::optional<double> power_limit_most_watts;
  std::optional<uint32_t> slowdown_celsius;
  std::optional<uint32_t> most_graphics_megahertz;
  std::optional<uint32_t> most_sm_megahertz;
  std::optional<uint32_t> most_memory_megahertz;
};

enum class ProcessKind { compute, graphics, mps };

struct ProcessSample {
  uint32_t pid;
  ProcessKind kind;
  std::optional<uint64_t> memory_bytes;
};

struct RemappedRows {
  uint32_t correctable, uncorrectable;
  bool pending, failed;
};

struct DeviceSample {
  std::string uuid;
  /** When its first figure was asked for, in ms since the epoch. */
  double taken_at_milliseconds = 0;
  /** The driver says that it has fallen off the bus. */
  bool lost = false;
  std::optional<uint64_t> memory_used_bytes;
  std::optional<uint64_t> memory_free_bytes;
  std::optional<uint64_t> memory_reserved_bytes;
  /** 0 … 1 */
  std::optional<double> utilisation;
  std::optional<double> memory_utilisation;
  std::optional<double> temperature_celsius;
  std::optional<double> power_watts;
  std::optional<uint32_t> graphics_megahertz;
  std::optional<uint32_t> sm_megahertz;
  std::optional<uint32_t> memory_megahertz;
  /** nvmlClocksEventReasons */
  std::optional<uint64_t> throttle_reasons;
  /** Since the driver was loaded. */
  std::optional<uint64_t> ecc_corrected;
  std::optional<uint64_t> ecc_uncorrected;
  std::optional<RemappedRows> remapped_rows;
  std::optional<double> memory_temperature_celsius;
  /** Since the driver was loaded, as what follows. */
  std::optional<double> energy_joules;
  std::optional<double> pcie_replays;
  /** Over all links. */
  std::optional<double> nvlink_transmitted_bytes;
  std::optional<double> nvlink_received_bytes;
  std::optional<double> nvlink_flit_crc_errors;
  std::optional<double> nvlink_data_crc_errors;
  std::optional<double> nvlink_replays;
  std::optional<double> nvlink_recoveries;
  std::optional<std::vector<ProcessSample>> processes;
};

/** Something that the driver told by itself. */
struct DeviceEvent {
  /** Of the GPU, also where a MIG instance is meant. */
  std::string uuid;
  /** nvmlEventTypes */
  uint64_t type;
  /** An XID's number. */
  uint64_t data;
};

struct DriverFacts {
  std::optional<std::string> driver_version;
  std::optional<std::string> nvml_version;
  /** The newest CUDA that the driver runs, such as `12.8`. */
  std::optional<std::string> cuda_version;
  bool simulated = false;
};

/**
 * Why the driver gives no answer. `code` is one of driver_not_found, driver_broken, driver_version_mismatch,
 * driver_closed, device_lost and device_unknown; `what()` has the driver's or the linker's own words.
 */
class DriverFailure : public std::runtime_error {
 public:
  DriverFailure(const char *code, const std::string &words) : std::runtime_error(words), code_(code) {}
  const char *code() const { return code_; }

 private:
  const char *code_;
};
