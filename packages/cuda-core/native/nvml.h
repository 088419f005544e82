#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/** What the driver doesn't say stays empty: an unknown figure is never a zero. */
struct DeviceFacts {
  std::string uuid;
  std::string name;
  std::optional<uint64_t> memory_total_bytes;
  std::optional<std::string> compute_capability;
  /** `00000000:41:00.0`; the order of devices is the order of these. */
  std::optional<std::string> pci_address;
};

struct ProcessSample {
  uint32_t pid;
  std::optional<uint64_t> memory_bytes;
};

struct DeviceSample {
  std::string uuid;
  std::optional<uint64_t> memory_used_bytes;
  std::optional<uint64_t> memory_free_bytes;
  /** 0 … 1 */
  std::optional<double> utilisation;
  std::optional<double> temperature_celsius;
  std::optional<double> power_watts;
  std::optional<std::vector<ProcessSample>> processes;
};

struct DriverFacts {
  std::optional<std::string> driver_version;
  std::optional<std::string> nvml_version;
  /** The newest CUDA that the driver runs, such as `12.8`. */
  std::optional<std::string> cuda_version;
  bool simulated = false;
};

/** Why there is no driver to ask. `code` is one of driver_not_found, driver_broken, driver_version_mismatch. */
struct DriverFailure {
  std::string code;
  std::string detail;
};

/**
 * NVML, and where it is missing something the CUDA driver API. Not for several threads at once.
 * Names and signatures: NVML API Reference Guide; CUDA Driver API, "Version Management".
 */
class Nvml {
 public:
  /** Opens and initialises the library. @param directory where it is, or empty for the linker's search */
  static std::unique_ptr<Nvml> open(const std::string &directory, DriverFailure &failure);
  ~Nvml();

  DriverFacts driver();
  std::vector<DeviceFacts> devices();
  std::vector<DeviceSample> samples();

 private:
  struct Library;
  explicit Nvml(std::unique_ptr<Library> library);

  std::vector<void *> handles();
  std::string uuid(void *device);

  std::unique_ptr<Library> library_;
};
