#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
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
  /** When its first figure was asked for, in ms since the epoch. */
  double taken_at_milliseconds;
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

/**
 * Why the driver gives no answer. `code` is one of driver_not_found, driver_broken, driver_version_mismatch and
 * driver_closed; `what()` has the driver's or the linker's own words.
 */
class DriverFailure : public std::runtime_error {
 public:
  DriverFailure(const char *code, const std::string &words) : std::runtime_error(words), code_(code) {}
  const char *code() const { return code_; }

 private:
  const char *code_;
};

/**
 * NVML, and where it is missing something the CUDA driver API. Not for several threads at once.
 * Names and signatures: NVML API Reference Guide; CUDA Driver API, "Version Management".
 */
class Nvml {
 public:
  /** Opens and initialises the library. @param directory where it is, or empty for the linker's search @throws DriverFailure */
  static std::unique_ptr<Nvml> open(const std::string &directory);
  ~Nvml();

  DriverFacts driver();
  /** In PCI order. @throws DriverFailure where NVML can't even count them */
  std::vector<DeviceFacts> devices();
  /** In NVML's order. @throws DriverFailure likewise */
  std::vector<DeviceSample> samples();

 private:
  struct Library;
  Nvml(std::unique_ptr<Library> library, bool initialised);

  DriverFailure failed(const char *function, int result) const;
  std::vector<void *> handles();
  std::string uuid(void *device);

  std::unique_ptr<Library> library_;
  bool initialised_;
};
