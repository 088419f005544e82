#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "device_model.h"
#include "nvml_library.h"

/**
 * NVML, opened and initialised, and where it is missing something the CUDA driver API. For several threads at once, as
 * NVML itself is: one may hang in a call while another asks for something else.
 */
class Nvml {
 public:
  /** @param directory where the libraries are, or empty for the linker's search @throws DriverFailure */
  static std::shared_ptr<Nvml> open(const std::string &directory);
  ~Nvml();
  Nvml(const Nvml &) = delete;
  Nvml &operator=(const Nvml &) = delete;

  DriverFacts driver();
  /** How many GPUs there are. @throws DriverFailure where NVML can't count them */
  unsigned count();
  /**
   * One GPU, followed by its MIG instances. `index` is NVML's own.
   * @throws DriverFailure `device_lost` where it has no handle, as one that fell off the bus, or no identity
   */
  std::vector<DeviceFacts> gpu(unsigned index);
  /** How a GPU reaches all others that `gpu` has told of. @throws DriverFailure `device_unknown` */
  std::vector<LinkFacts> links(const std::string &uuid);
  /** What a device does now, that `gpu` has told of. @throws DriverFailure `device_unknown` */
  DeviceSample sample(const std::string &uuid);
  /**
   * Waits for what the driver tells by itself, of devices that `gpu` has told of: for this long at most, or until
   * `stop_waiting`. Empty: nothing happened, or this driver tells nothing.
   */
  std::vector<DeviceEvent> wait_for_events(unsigned milliseconds);
  void stop_waiting() { stopped_ = true; }

 private:
  /** A device and the board that it is on: the same, but for MIG instances. */
  struct Place {
    nvmlDevice_t device, board;
  };

  explicit Nvml(std::unique_ptr<NvmlLibrary> library) : library_(std::move(library)) {}
  DriverFailure failed(const char *function, nvmlReturn_t result) const;
  Place place_of(const std::string &uuid);
  void listen(const std::string &uuid, nvmlDevice_t device);

  const std::unique_ptr<NvmlLibrary> library_;
  bool initialised_ = false;
  std::atomic<bool> stopped_ = false;

  /** Over what follows; never held during a call that may hang, but for registering events. */
  std::mutex mutex_;
  std::map<std::string, Place> places_;
  nvmlEventSet_t events_ = nullptr;
  /** Devices whose events are in the set. */
  std::map<nvmlDevice_t, std::string> listened_;
};
